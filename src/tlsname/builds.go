package tlsname

import (
	"bytes"

	"tordetect/src/cell"
)

// Build is one TLS hello that was measured, and whose it is.
type Build struct {
	JA4, JA3 string // in lower case; JA3 is empty where it differs with each connection
	Client   Client
	Tor      string // releases of the client
	Library  string // releases of the TLS library it was built with
	// Groups says that its JA3 holds tor's own list of groups, which nothing else
	// asks for.
	Groups bool
	Sure   Sure
	What   string // what was measured
	Seen   string // when, a date
}

// Sure is how near what was measured is to what people run.
type Sure uint8

const (
	StandIn  Sure = iota // another release made to send what this one sends by its change log
	Compiled             // a release built from its source for the measurement
	Packaged             // a program as somebody publishes it
)

var sureNames = [...]string{"stand-in", "compiled", "packaged"}

func (s Sure) String() string { return sureNames[s] }

// builds holds every hello of a Tor client that was measured on 2026-11-30, from
// connections of real programs to a listener that kept their first bytes (36 to 189
// hellos each, on Linux x86_64). C tor's follow three things: tor's series (cipher
// list, order of TLS 1.3's suites, groups), OpenSSL's series (signatures, 00ff or
// ff01), and whether OpenSSL can compress certificates, as Debian's can from 3.5 on.
// A patch release seldom changes one, so a missing line is no proof of anything. An
// old line stays: rows of its time are still looked at.
//
// To add one: measure it with torctl fingerprint (the manual says how), look that
// three connections to different relays gave the same, and that Python's ssl and
// openssl s_client on the same library give another JA3.
var builds = [...]Build{
	{"t12d170700_73f8cafa262f_a8cc486ca5dc", "26c193f90c03239160f350272fe9d9e2", CTor, "0.2.9", "OpenSSL 1.1.0", false, Compiled, "0.2.9.17 with 1.1.0i", "2026-11-30"},
	{"t12d150700_5b2cd879839c_a8cc486ca5dc", "6a073b9ead15084a206489ff83dc2779", CTor, "0.3.5", "OpenSSL 1.1.0", false, Compiled, "0.3.5.18 with 1.1.0i", "2026-11-30"},

	{"t13d181000_6c2ba73853a4_5ac7197df9d2", "711528629b81edc0307f28392d2a96c0", CTor, "0.3.5 to 0.4.5", "OpenSSL 1.1.1", true, Packaged, "Debian 11's 0.4.5.16; 0.4.5.12, 0.4.5.14; 0.3.5.18 compiled", "2026-11-30"},
	{"t13d181000_6c2ba73853a4_1f22a2ca17c4", "711528629b81edc0307f28392d2a96c0", CTor, "0.4.5", "OpenSSL 3.0", true, Compiled, "0.4.5.16 with 3.0.22", "2026-11-30"},

	{"t13d181100_6c2ba73853a4_24695f2957a7", "140e0f0cad708278ade0984528fe8493", CTor, "0.4.7 to 0.4.8.16", "OpenSSL 1.1.1", true, Packaged, "0.4.7.13 with 1.1.1s (as in Tor Browser 12) and 1.1.1t; 0.4.8.1-alpha compiled", "2026-11-30"},
	{"t13d181100_6c2ba73853a4_d41ae481755e", "140e0f0cad708278ade0984528fe8493", CTor, "0.4.7 to 0.4.8.16", "OpenSSL 3.0", true, Compiled, "0.4.7.13 and 0.4.8.1-alpha with 3.0.22 (as in Tor Browser 13 to 14.5)", "2026-11-30"},
	{"t13d181100_6c2ba73853a4_7452fd1b1717", "140e0f0cad708278ade0984528fe8493", CTor, "0.4.7 to 0.4.8.16", "OpenSSL 3.2, 3.3", true, Compiled, "0.4.7.13 with 3.2.1 and 3.3.2", "2026-11-30"},
	{"t13d171200_95e1cefdbe28_97b0a4efcb83", "43add34b3d5b7f60f7a6391955389427", CTor, "0.4.7 to 0.4.8.16", "OpenSSL 3.5", true, Compiled, "0.4.7.13 with 3.5.5", "2026-11-30"},
	{"t13d171300_95e1cefdbe28_5e078a691127", "724e301f08cd5a119a28169e9f587bb3", CTor, "0.4.7 to 0.4.8.16", "OpenSSL 3.5 of Debian", true, Compiled, "0.4.7.13 with Debian 13's 3.5.9", "2026-11-30"},

	// 0.4.8.17 and .18 may order the groups otherwise, which changes the JA3 only.
	{"t13d181100_6c2ba73853a4_d41ae481755e", "03ce406151efb85cf9d27fce79f8bb7b", CTor, "0.4.8.19 to 0.4.8.24", "OpenSSL 3.0", true, StandIn, "0.4.9.11 with 0.4.8's ciphers, 3.0.22", "2026-11-30"},
	{"t13d181100_6c2ba73853a4_7452fd1b1717", "03ce406151efb85cf9d27fce79f8bb7b", CTor, "0.4.8.19 to 0.4.8.24", "OpenSSL 3.2", true, StandIn, "0.4.9.11 with 0.4.8's ciphers, 3.2.1", "2026-11-30"},
	{"t13d171100_95e1cefdbe28_8e6e362c5eac", "54c5aa41b16c6e19c61eee1db8eb8a29", CTor, "0.4.8.19 to 0.4.8.24", "OpenSSL 3.5", true, StandIn, "0.4.9.11 with 0.4.8's ciphers, 3.5.5 (as in Tor Browser 14.5 and 15.0 to early 2026)", "2026-11-30"},
	{"t13d171200_95e1cefdbe28_ecd0401ec68b", "44798374e496b68088f332b4f420875f", CTor, "0.4.8.19 to 0.4.8.24", "OpenSSL 3.5 of Debian", true, StandIn, "0.4.9.11 with 0.4.8's ciphers, Debian 13's 3.5.9", "2026-11-30"},
	{"t13d171200_95e1cefdbe28_ecd0401ec68b", "f92eee4943d250924fcd2950d95687a3", CTor, "0.4.8.19 to 0.4.8.24", "OpenSSL 3.6 of Debian", true, StandIn, "0.4.9.11 with 0.4.8's ciphers, Debian sid's 3.6.5", "2026-11-30"},

	{"t13d181100_796efca44d18_24695f2957a7", "5e6627dc19afa982e6b46b97808cb718", CTor, "0.4.9", "OpenSSL 1.1.1", true, Compiled, "0.4.9.11 with 1.1.1w", "2026-11-30"},
	{"t13d181100_796efca44d18_d41ae481755e", "5e6627dc19afa982e6b46b97808cb718", CTor, "0.4.9", "OpenSSL 3.0, 3.1", true, Packaged, "Debian 12's 0.4.9.11; compiled with 3.0.22 and 3.1.4", "2026-11-30"},
	{"t13d181100_796efca44d18_7452fd1b1717", "5e6627dc19afa982e6b46b97808cb718", CTor, "0.4.9", "OpenSSL 3.2, 3.3", true, Compiled, "0.4.9.11 with 3.2.1 and 3.3.2", "2026-11-30"},
	{"t13d171100_5b57614c22b0_8e6e362c5eac", "9037f3da26d21e802a6c324394599f83", CTor, "0.4.9", "OpenSSL 3.5", true, Compiled, "0.4.9.11 with 3.5.5 (as in Tor Browser 15 since 2026-02)", "2026-11-30"},
	{"t13d171200_5b57614c22b0_ecd0401ec68b", "f3ae171a88498b1a7029361795b23f76", CTor, "0.4.9", "OpenSSL 3.5 of Debian", true, Packaged, "Debian 13's 0.4.9.15", "2026-11-30"},
	{"t13d171200_5b57614c22b0_ecd0401ec68b", "de8b80ed6accf21d86b0f89ab190805e", CTor, "0.4.9", "OpenSSL 3.6 of Debian", true, Packaged, "Debian sid's 0.4.9.15", "2026-11-30"},
	// OpenSSL 4.0 refuses tor's list of groups and sends its own.
	{"t13d171100_5b57614c22b0_0d46a1bf4a7c", "48d90a8fbe5eb1f806b1739d10ec0206", CTor, "0.4.9", "OpenSSL 4.0", false, Compiled, "0.4.9.11 with 4.0.3", "2026-11-30"},

	// Any program with rustls, aws-lc-rs, resumption off and no ALPN sends the same:
	// only beside a made-up name. With its default, native-tls, Arti is Python's ssl.
	{"t13d100900_61a7ad8aa9b6_76ad8fd2bde2", "", Arti, "2.7.0", "rustls 0.23 with aws-lc-rs", false, Compiled, "Arti 2.7.0, 230 hellos, each with another JA3", "2026-11-30"},

	// Any program with that version of pion, a Go WebRTC: for hunting only. On a
	// client's host it mostly comes in, from a stand-alone proxy.
	{"dd2i060600_b94582744588_4bbccbffe950", "644e04da8b16fde8ff910bb0042b4922", Snowflake, "snowflake-client 2.10.1", "pion", false, Packaged, "Debian's 2.10.1 as DTLS client", "2026-11-30"},
}

// e7d705a3286e19ea42f587b344ee6865, which JA3's own documentation gives for Tor,
// must not get into the table: in public lists it is also Firefox, curl, Python's
// requests, headless Chrome, okhttp, Telegram and Cobalt Strike.

// ciphers are the hashes of the cipher lists that tor sends with OpenSSL up to 3.3:
// Firefox's with 00ff, which Firefox does not send. Only other OpenSSL programs with
// a borrowed list can. From 3.4 on the lists are Firefox's own (borrowed), and
// OpenSSL's other parts are those of every program, so no part of those is a sign
// where there are hashes only.
var (
	ciphers  = [...]string{"796efca44d18", "6c2ba73853a4"}
	borrowed = [...]string{"5b57614c22b0", "95e1cefdbe28"}
)

// Match is what a fingerprint says, the surest last.
type Match uint8

const (
	NoMatch Match = iota
	Ciphers       // a JA4 with tor's cipher list and no ALPN, of no build that was measured
	Shared        // that of a measured build, which other programs may have as well
	Own           // a JA3 of a measured build, with tor's own list of groups
)

// Builds returns the table, for the manual and its test, and for whoever wants to
// know which build it is.
func Builds() []Build { return append([]Build(nil), builds[:]...) }

// Which returns the builds that a hello may come from: those with both fingerprints,
// else those with its JA3, else those with its JA4.
func Which(ja3, ja4 string) (of []Build, byJA3, byJA4 bool) {
	for _, by := range [...]struct{ ja3, ja4 bool }{{true, true}, {true, false}, {false, true}} {
		for _, b := range builds {
			if by.ja3 && (b.JA3 == "" || b.JA3 != ja3) || by.ja4 && b.JA4 != ja4 {
				continue
			}
			of = append(of, b)
		}
		if len(of) > 0 {
			return of, by.ja3, by.ja4
		}
	}
	return nil, false, false
}

// found is what the lookup tables hold.
type found struct {
	client Client
	match  Match
}

// The tables are built once and only read.
var (
	byJA4 = tableOf(func(b *Build) (string, Match) { return b.JA4, Shared })
	byJA3 = tableOf(func(b *Build) (string, Match) {
		if b.Groups {
			return b.JA3, Own
		}
		return b.JA3, Shared
	})
)

func tableOf(key func(*Build) (string, Match)) map[string]found {
	table := map[string]found{}
	for i := range builds {
		if hash, match := key(&builds[i]); hash != "" {
			table[hash] = found{builds[i].Client, match}
		}
	}
	return table
}

// JA4 says of which client a build has this JA4 fingerprint, or at least tor's
// cipher list and no ALPN.
func JA4(fingerprint []byte) (Client, Match) {
	fingerprint = bytes.TrimSpace(fingerprint)
	if len(fingerprint) != lenJA4 {
		return 0, NoMatch
	}
	var room [lenJA4]byte
	low := cell.Lower(room[:0], fingerprint)
	if f, ok := byJA4[string(low)]; ok {
		return f.client, f.match
	}
	if isOverTCP(low) && low[23] == '_' && isOneOf(ciphers[:], low[11:23]) {
		return CTor, Ciphers
	}
	return 0, NoMatch
}

// isOverTCP reports whether a JA4 begins as those of C tor do, t13d181100_: over TCP, of
// TLS 1.3, with a server name, any counts, no ALPN.
func isOverTCP(ja4 []byte) bool {
	return len(ja4) > 11 && string(ja4[:4]) == "t13d" && string(ja4[8:11]) == "00_"
}

func isOneOf(hashes []string, hash []byte) bool {
	for _, h := range hashes {
		if string(hash) == h {
			return true
		}
	}
	return false
}

const (
	lenJA4 = len("t13d181100_796efca44d18_d41ae481755e")
	lenJA3 = len("5e6627dc19afa982e6b46b97808cb718")
)

// JA3 says of which client a build has this JA3 hash.
func JA3(hash []byte) (Client, Match) {
	hash = bytes.TrimSpace(hash)
	if len(hash) != lenJA3 {
		return 0, NoMatch
	}
	var room [lenJA3]byte
	f := byJA3[string(cell.Lower(room[:0], hash))]
	return f.client, f.match
}

// IsJA3 reports whether a text is a JA3 hash at all.
func IsJA3(hash []byte) bool {
	hash = bytes.TrimSpace(hash)
	if len(hash) != lenJA3 {
		return false
	}
	for _, c := range hash {
		if (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'f') {
			return false
		}
	}
	return true
}

// Groups reads the text that a JA3 is the hash of, or its list of groups alone, as
// Zeek's package logs it. It reports whether the list is tor's own: P-256 and P-224
// (23, 21), since 0.4.8.17 with X25519 (29) between them and, from OpenSSL 3.5 on,
// ML-KEM before them (4588, 4587); and whether the text is one of these at all. No
// program measured but C tor has P-224 in its hello. It holds for builds that nobody
// measured, from tor 0.3.5 on with OpenSSL 1.1.1 to 3.6.
//
// A whole text must have no ALPN (16), which no hello of tor has.
func Groups(text []byte) (own, read bool) {
	text = bytes.TrimSpace(text)
	groups := text
	if bytes.IndexByte(text, ',') >= 0 {
		var part [5][]byte // version, ciphers, extensions, groups, point formats
		for i := range part {
			var more bool
			part[i], text, more = bytes.Cut(text, []byte{','})
			if more != (i < len(part)-1) {
				return false, false
			}
		}
		if !isWord(part[0]) {
			return false, false
		}
		groups = part[3]
		for list := part[2]; len(list) > 0; {
			var extension []byte
			extension, list, _ = bytes.Cut(list, []byte{'-'})
			if string(extension) == "16" {
				return false, true
			}
		}
	}
	switch string(groups) {
	case "23-21", "23-29-21", "4588-4587-23-29-21":
		return true, true
	}
	return false, isList(groups)
}

// isList reports whether a text is numbers with hyphens between.
func isList(text []byte) bool {
	for more := true; more; {
		var number []byte
		number, text, more = bytes.Cut(text, []byte{'-'})
		if !isWord(number) {
			return false
		}
	}
	return true
}

// isWord reports whether a text is a number of two bytes.
func isWord(text []byte) bool {
	n := 0
	for _, c := range text {
		if c < '0' || c > '9' || n > 0xffff {
			return false
		}
		n = n*10 + int(c-'0')
	}
	return len(text) > 0 && n <= 0xffff
}
