package tlsname

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
)

// JA4Raw is JA4 for the text that one is made of, JA4_r: its sorted ciphers, sorted
// extensions and signature algorithms. What it tells more is whose a list of ciphers
// is that tor shares with browsers, from OpenSSL 3.4 on: one of OpenSSL's hellos has
// encrypt_then_mac (0016) and Ed25519 (0807), and tor's ask for no stapled answer of
// OCSP (0005), as browsers' do. The groups are not in it. In capitals it is none: the
// hashes are those of small letters.
func JA4Raw(text []byte) (Client, Match) {
	text = bytes.TrimSpace(text)
	if len(text) > longestJA4Raw {
		return 0, NoMatch
	}
	head, rest, ok1 := bytes.Cut(text, []byte{'_'})
	list, rest, ok2 := bytes.Cut(rest, []byte{'_'})
	if !ok1 || !ok2 || len(head) != len("t13d181100") {
		return 0, NoMatch
	}
	var hashed [lenJA4]byte
	ja4 := append(append(hashed[:0], head...), '_')
	ja4 = append(appendHash(ja4, list), '_')
	ja4 = appendHash(ja4, rest)
	if client, match := JA4(ja4); match != NoMatch {
		return client, match
	}
	extensions, signatures, _ := bytes.Cut(rest, []byte{'_'})
	if isOverTCP(ja4) && isOneOf(borrowed[:], ja4[11:23]) &&
		holds(extensions, "0016") && !holds(extensions, "0005") && holds(signatures, "0807") {
		return CTor, Ciphers
	}
	return 0, NoMatch
}

// longestJA4Raw has room for 99 ciphers and 99 extensions, which is as far as a JA4
// counts, and as many signatures.
const longestJA4Raw = 3 * 99 * len("002f,")

// appendHash adds what JA4 has of a list: the first twelve digits of its SHA-256.
func appendHash(dst, list []byte) []byte {
	sum := sha256.Sum256(list)
	return hex.AppendEncode(dst, sum[:6])
}

// holds reports whether a list with commas has a value.
func holds(list []byte, value string) bool {
	for one := range bytes.SplitSeq(list, []byte{','}) {
		if string(one) == value {
			return true
		}
	}
	return false
}
