// Package tlsname says what a name or a fingerprint that a client showed tells
// of Tor.
//
//	in:   www.cdxjgg3hvpu33.com                      (server name of a TLS handshake)
//	out:  has the form of C tor's names, and looks made up
//	in:   t13d181100_796efca44d18_d41ae481755e       (JA4 of the same handshake)
//	out:  a build of C tor, which other programs may equal
//	in:   23-29-21                                  (groups of the same handshake, as in its JA3's text)
//	out:  tor's own list of groups, which nothing else asks for
//	in:   https://abcdefghijklmnop.onion.to/page     (URL in a proxy's log)
//	out:  a tor2web gateway
//
// From top to bottom: made-up names in this file, fingerprints in builds.go and
// ja4raw.go, the names in a relay's certificate in certificate.go, names of onion services and
// their gateways in onion.go.
//
// It is pure and knows nothing of rows or scores. Names are bytes as they stand
// in a log, of any length and content; nothing is allocated. It does not say how
// much a hit is worth (package detect does), and it sees one name at a time:
// that a host showed several made-up names, or one that no DNS answer gave, is
// for a search over several rows.
package tlsname

import "bytes"

// Client is an implementation of Tor, by what it shows when it begins a TLS
// connection; several may be joined with |.
type Client uint8

const (
	CTor      Client = 1 << iota // the C program tor, which Tor Browser brings along
	Arti                         // the Rust program and library
	Snowflake                    // a transport: DTLS between its client and its proxies, without a name
)

// Lengths of the part between www. and the last label.
//
// C tor: crypto_random_hostname(4, 25, "www.", ".com"), in all versions since
// 0.2.1. Arti: 16 to 32 characters with prefix and suffix (tor-basic-utils,
// rand_hostname.rs).
const (
	shortestCTor, longestCTor = 4, 25
	shortestArti, longestArti = 8, 24
)

// Form reads the server name of a TLS handshake. fits holds the clients whose
// made-up names have the form of this one, which is worth nothing alone: 85% of
// ordinary .com names have it. madeUp holds those of fits by whose rule it looks
// like one that was drawn by lot. A made-up name is always in lower case.
//
//	C tor  www. + 4 to 25 of [a-z2-7] + .com
//	Arti   www. + 8 to 24 of [a-z0-9-] + .com, .net or .org; since tor-basic-utils
//	       0.44 (2026) without the hyphen
//
// The rule looks at the middle part. A change is a letter beside a digit; a run
// is a stretch without a vowel or y, digits included.
//
//	C tor  3 changes or more, or a run of 8 or more
//	Arti   3 changes or more, or a run of 9 or more that no hyphen breaks, or a
//	       hyphen at one of its ends, where no real host may have one
//
// Six digits in a row are a number that somebody chose (a telephone, a date): not
// made up. Neither is an internationalised name, xn--.
//
// Measured: 70.2% of C tor's names, 88.7% of Arti's with the hyphen and 90.0% of
// those without (TestHitRate, a million each), and 0.15% of ordinary names that
// have one of the forms (TestOrdinaryNames says of which).
func Form(sni []byte) (fits, madeUp Client) {
	const prefix, tld = "www.", ".com"
	if len(sni) < len(prefix)+shortestCTor+len(tld) || len(sni) > len(prefix)+longestCTor+len(tld) || string(sni[:len(prefix)]) != prefix {
		return 0, 0
	}
	middle := sni[len(prefix) : len(sni)-len(tld)]
	switch string(sni[len(sni)-len(tld):]) {
	case ".com":
		fits = CTor | Arti
	case ".net", ".org":
		fits = Arti
	default:
		return 0, 0
	}
	m, ok := measure(middle)
	if !ok {
		return 0, 0
	}
	if !m.base32 {
		fits &^= CTor
	}
	if len(middle) < shortestArti || len(middle) > longestArti {
		fits &^= Arti
	}
	if m.digits >= longestDigits || bytes.HasPrefix(middle, []byte("xn--")) {
		return fits, 0
	}
	if m.looksDrawn(drawnRunCTor) {
		madeUp |= CTor
	}
	if m.looksDrawn(drawnRunArti) || middle[0] == '-' || middle[len(middle)-1] == '-' {
		madeUp |= Arti
	}
	return fits, fits & madeUp
}

// The runs and changes from which on a name looks drawn by lot.
const (
	drawnRunCTor, drawnRunArti = 8, 9
	drawnChanges               = 3
)

// longestDigits is the stretch of digits with which a name is somebody's number.
// It costs 0.2% of C tor's names and 0.1 to 0.3% of Arti's.
const longestDigits = 6

// measures of a name's middle part.
type measures struct {
	base32  bool // made of a-z and 2-7 only
	changes int  // places where a letter stands beside a digit
	run     int  // longest stretch without a vowel, y or hyphen
	digits  int  // longest stretch of digits
}

// looksDrawn reports whether a name of these measures looks drawn by lot.
func (m *measures) looksDrawn(run int) bool {
	return m.digits < longestDigits && (m.changes >= drawnChanges || m.run >= run)
}

// measure reads the middle part; false if it holds what no made-up name does.
func measure(middle []byte) (m measures, ok bool) {
	m.base32 = true
	run, digits := 0, 0
	last := byte(0)
	for _, c := range middle {
		kind := kinds[c]
		switch kind {
		case other:
			return m, false
		case vowel, hyphen:
			run, digits = 0, 0
		case consonant:
			run, digits = run+1, 0
		case digit:
			run, digits = run+1, digits+1
		}
		m.run, m.digits = max(m.run, run), max(m.digits, digits)
		if kind == digit && (last == vowel || last == consonant) || last == digit && (kind == vowel || kind == consonant) {
			m.changes++
		}
		if kind == hyphen || kind == digit && (c < '2' || c > '7') {
			m.base32 = false
		}
		last = kind
	}
	return m, true
}

// What a character of a name is.
const (
	other = iota
	vowel // and y
	consonant
	digit
	hyphen
)

var kinds = [256]byte{
	'a': vowel, 'e': vowel, 'i': vowel, 'o': vowel, 'u': vowel, 'y': vowel,
	'b': consonant, 'c': consonant, 'd': consonant, 'f': consonant, 'g': consonant, 'h': consonant, 'j': consonant,
	'k': consonant, 'l': consonant, 'm': consonant, 'n': consonant, 'p': consonant, 'q': consonant, 'r': consonant,
	's': consonant, 't': consonant, 'v': consonant, 'w': consonant, 'x': consonant, 'z': consonant,
	'0': digit, '1': digit, '2': digit, '3': digit, '4': digit, '5': digit, '6': digit, '7': digit, '8': digit, '9': digit,
	'-': hyphen,
}
