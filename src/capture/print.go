package capture

import (
	"crypto/md5"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"tordetect/src/cell"
)

// ja3 is JA3: version, ciphers, extensions, groups and point formats in their order,
// without GREASE, and the MD5 of that.
func (h *clientHello) ja3() (hash, text string) {
	formats := make([]uint16, len(h.formats))
	for i, f := range h.formats {
		formats[i] = uint16(f)
	}
	parts := []string{
		strconv.Itoa(int(h.version)), decimal(ungreased(h.ciphers)), decimal(ungreased(h.extensions)), decimal(ungreased(h.groups)), decimal(formats),
	}
	text = strings.Join(parts, ",")
	sum := md5.Sum([]byte(text))
	return hex.EncodeToString(sum[:]), text
}

// ja4 is JA4 (FoxIO's technical details): how it runs, its version, whether there is a
// server name, how many ciphers and extensions, the first ALPN; the ciphers sorted; the
// extensions sorted, but for the server name and ALPN, and the signatures in their
// order. All without GREASE. The two lists as hashes, or raw.
func (h *clientHello) ja4() (hashed, raw string) {
	ciphers, extensions := ungreased(h.ciphers), ungreased(h.extensions)
	over, name := "t", "i"
	if h.dtls {
		over = "d"
	}
	if slices.Contains(extensions, extServerName) {
		name = "d"
	}
	head := fmt.Sprintf("%s%s%s%02d%02d%s", over, h.highest(), name, min(len(ciphers), 99), min(len(extensions), 99), firstAndLast(h.alpn))
	slices.Sort(ciphers)
	rest := slices.DeleteFunc(extensions, func(e uint16) bool { return e == extServerName || e == extALPN })
	slices.Sort(rest)
	a, b := hexadecimal(ciphers), hexadecimal(rest)
	if signatures := ungreased(h.signatures); len(signatures) > 0 {
		b += "_" + hexadecimal(signatures)
	}
	hash := func(text string, empty bool) string {
		if empty {
			return "000000000000"
		}
		sum := sha256.Sum256([]byte(text))
		return hex.EncodeToString(sum[:])[:12]
	}
	return head + "_" + hash(a, len(ciphers) == 0) + "_" + hash(b, len(rest) == 0), head + "_" + a + "_" + b
}

// versionNames are how JA4 writes versions.
var versionNames = map[uint16]string{
	0x0304: "13", 0x0303: "12", 0x0302: "11", 0x0301: "10", 0x0300: "s3", 0x0002: "s2",
	0xfeff: "d1", 0xfefd: "d2", 0xfefc: "d3",
}

// highest is the highest version that the client offers. DTLS counts downwards.
func (h *clientHello) highest() string {
	best := h.version
	if versions := ungreased(h.versions); len(versions) > 0 {
		if best = slices.Max(versions); h.dtls {
			best = slices.Min(versions)
		}
	}
	if name, ok := versionNames[best]; ok {
		return name
	}
	return "00"
}

// firstAndLast are the first and last character of an ALPN, or of its hex digits where
// one of them is no letter or digit.
func firstAndLast(alpn string) string {
	if alpn == "" {
		return "00"
	}
	first, last := alpn[0], alpn[len(alpn)-1]
	if cell.IsAlphanumeric(first) && cell.IsAlphanumeric(last) {
		return string([]byte{first, last})
	}
	digits := hex.EncodeToString([]byte{first, last})
	return digits[:1] + digits[3:]
}

// ungreased copies a list without the values of GREASE, which mean nothing (RFC 8701):
// 0a0a, 1a1a, ..., fafa.
func ungreased(all []uint16) (out []uint16) {
	for _, n := range all {
		if n&0x0f0f != 0x0a0a || n>>8 != n&0xff {
			out = append(out, n)
		}
	}
	return out
}

func decimal(all []uint16) string {
	var out []byte
	for i, n := range all {
		if i > 0 {
			out = append(out, '-')
		}
		out = strconv.AppendUint(out, uint64(n), 10)
	}
	return string(out)
}

func hexadecimal(all []uint16) string {
	var out []byte
	for i, n := range all {
		if i > 0 {
			out = append(out, ',')
		}
		out = fmt.Appendf(out, "%04x", n)
	}
	return string(out)
}
