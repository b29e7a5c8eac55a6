package tlsname

import (
	"bytes"

	"tordetect/src/cell"
)

// Build is a build of a Tor client whose TLS fingerprint was measured.
type Build struct {
	Hash    string // in lower case
	Client  Client // whose names go with it
	Program string // what was measured
	Seen    string // when, a date
}

// The fingerprints of Tor builds, a line for each that was measured. They follow
// tor's list of cipher suites and the TLS library it was built with, so a new
// release of either may need a new line, and a missing line is no proof of
// anything. An old one stays: rows of its time are still looked at.
//
// To add one: let that build connect to a bridge or relay of your own, take the
// fingerprint of its ClientHello from a capture (Zeek or Suricata log it), look
// that at least three connections to different relays gave the same, and that a
// browser, curl and Python on the same machine give others. Add the line with
// what was built how and the day, and the ClientHello's values to the test if
// they are known. A JA4 must end its first part with 00, "no ALPN": that sets
// tor apart from browsers.
var (
	ja4Builds = [...]Build{
		// 7 of 7 hellos in the private network's capture (../shared/data/privnet).
		{"t13d181100_796efca44d18_d41ae481755e", CTor, "tor 0.4.9.11 with OpenSSL 3.0, Debian 12", "2026-11-23"},
	}
	// e7d705a3286e19ea42f587b344ee6865, which JA3's own documentation gives for
	// Tor, must not get in here: in public lists it is also Firefox, curl, Python's
	// requests, headless Chrome, okhttp, Telegram and Cobalt Strike.
	ja3Builds = [...]Build{
		{"5e6627dc19afa982e6b46b97808cb718", CTor, "tor 0.4.9.11 with OpenSSL 3.0, Debian 12", "2026-11-23"},
	}
)

// Builds returns the tables, for the manual and its test.
func Builds() (ja4, ja3 []Build) {
	return append([]Build(nil), ja4Builds[:]...), append([]Build(nil), ja3Builds[:]...)
}

// JA4 returns the client of which a build has this JA4 fingerprint, or 0.
func JA4(fingerprint []byte) Client { return lookUp(ja4Builds[:], fingerprint) }

// JA3 returns the client of which a build has this JA3 hash, or 0.
func JA3(hash []byte) Client { return lookUp(ja3Builds[:], hash) }

func lookUp(builds []Build, hash []byte) Client {
	hash = bytes.TrimSpace(hash)
	var low [len("t13d181100_796efca44d18_d41ae481755e")]byte // the longest kind
	if len(hash) > len(low) {
		return 0
	}
	hash = cell.Lower(low[:0], hash)
	for i := range builds {
		if string(hash) == builds[i].Hash {
			return builds[i].Client
		}
	}
	return 0
}
