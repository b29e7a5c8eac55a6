package tordir

import (
	"bytes"
	_ "embed"
	"fmt"
	"math"
	"net/netip"
	"strings"

	"tordetect/src/flow"
)

// Authority is one key of a directory authority, and when it is trusted.
type Authority struct {
	V3Ident  [20]byte
	Nickname string // names the operator: an authority is known by it over several keys
	Addr     netip.Addr
	DirPort  uint16
	ORPort   uint16
	From     int64 // epoch seconds, included
	Until    int64 // epoch seconds, not included
}

// Trust is a list of authorities. Several entries of one nickname are one
// authority, whatever the case of the letters.
type Trust []Authority

// The size of an authorities file. The built-in one has 14 lines and 2 kB.
const (
	maxAuthorities     = 200
	MaxAuthoritiesFile = 1 << 20 // bytes
)

//go:embed authorities.txt
var publicAuthorities []byte

// PublicAuthorities returns the authorities of the public Tor network, from
// 2015-03-01 on. It is the file authorities.txt of this package.
func PublicAuthorities() Trust {
	trust, err := ParseAuthorities(publicAuthorities)
	if err != nil {
		return nil // a test reads the file; with nobody trusted nothing passes
	}
	return trust
}

// ParseAuthorities reads an authorities file, a line each:
//
//	v3ident nickname address DirPort ORPort [from [until]]
//	A0A1A2A3A4A5A6A7A8A9AAABACADAEAFA0A1A2A3 alpha 192.0.2.1 80 443 2024-02-21
//	B0B1B2B3B4B5B6B7B8B9BABBBCBDBEBFB0B1B2B3,beta,[2001:db8::1],80,443,-,2024-11-30
//
// with blanks or commas between, comments from # to the end of the line, IPv6
// in brackets. from and until are days, UTC, both included; a dash stands for no
// limit. One authority may have several lines, for several keys or addresses.
//
// Errors name the line. A file without an authority is an error, so is a key of
// two authorities.
func ParseAuthorities(text []byte) (Trust, error) {
	if len(text) > MaxAuthoritiesFile {
		return nil, fmt.Errorf("authorities: the file has %d bytes, more than the %d that are read", len(text), MaxAuthoritiesFile)
	}
	var trust Trust
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	for number := 1; len(text) > 0; number++ {
		var line []byte
		line, text, _ = bytes.Cut(text, []byte{'\n'})
		line, _, _ = bytes.Cut(line, []byte{'#'})
		fields := bytes.FieldsFunc(line, func(r rune) bool {
			return r == ' ' || r == '\t' || r == ',' || r == '\r'
		})
		if len(fields) == 0 {
			continue
		}
		a, err := parseAuthority(fields)
		if err != nil {
			return nil, fmt.Errorf("authorities: line %d: %w", number, err)
		}
		for _, b := range trust {
			if a.V3Ident == b.V3Ident && a.operator() != b.operator() {
				return nil, fmt.Errorf("authorities: line %d: %X is the key of both %s and %s", number, a.V3Ident, b.Nickname, a.Nickname)
			}
		}
		if len(trust) == maxAuthorities {
			return nil, fmt.Errorf("authorities: line %d: more than %d authorities", number, maxAuthorities)
		}
		trust = append(trust, a)
	}
	if len(trust) == 0 {
		return nil, fmt.Errorf("authorities: the file names none, want lines of: %s", authorityGrammar)
	}
	return trust, nil
}

const authorityGrammar = "v3ident nickname address DirPort ORPort [from [until]]"

func parseAuthority(fields [][]byte) (a Authority, err error) {
	if len(fields) < 5 || len(fields) > 7 {
		return a, fmt.Errorf("%d fields, want %s", len(fields), authorityGrammar)
	}
	var ok bool
	if a.V3Ident, ok = parseFingerprint(fields[0]); !ok {
		return a, fmt.Errorf("bad v3ident %s, want 40 hex digits", quote(fields[0]))
	}
	if !flow.IsNickname(fields[1]) {
		return a, fmt.Errorf("bad nickname %s, want 1 to 19 letters and digits", quote(fields[1]))
	}
	a.Nickname = string(fields[1])
	host := fields[2]
	if n := len(host); n > 2 && host[0] == '[' && host[n-1] == ']' {
		host = host[1 : n-1]
		a.Addr, ok = parseAddr(host)
		ok = ok && bytes.IndexByte(host, ':') >= 0
	} else {
		a.Addr, ok = parseAddr(host)
		ok = ok && a.Addr.Is4()
	}
	if !ok {
		return a, fmt.Errorf("bad address %s, want IPv4, or IPv6 in brackets", quote(fields[2]))
	}
	if a.DirPort, ok = parsePort(fields[3]); !ok {
		return a, fmt.Errorf("bad Dir port %s, want 0 to 65535", quote(fields[3]))
	}
	if a.ORPort, ok = parsePort(fields[4]); !ok {
		return a, fmt.Errorf("bad OR port %s, want 0 to 65535", quote(fields[4]))
	}
	a.From, a.Until = math.MinInt64, math.MaxInt64
	for i, field := range fields[5:] {
		if string(field) == "-" {
			continue
		}
		day, ok := parseDate(field)
		if !ok {
			return a, fmt.Errorf("bad date %s, want YYYY-MM-DD or a dash", quote(field))
		}
		if i == 0 {
			a.From = day * 86400
		} else {
			a.Until = (day + 1) * 86400
		}
	}
	if a.From >= a.Until {
		return a, fmt.Errorf("%s ends before it begins", a.Nickname)
	}
	return a, nil
}

// At returns the entries that are trusted at a time.
func (t Trust) At(when int64) Trust {
	var then Trust
	for _, a := range t {
		if a.trusted(when) {
			then = append(then, a)
		}
	}
	return then
}

// Authorities returns how many authorities are trusted at a time: nicknames,
// not keys.
func (t Trust) Authorities(when int64) int {
	names := map[string]bool{}
	for _, a := range t {
		if a.trusted(when) {
			names[a.operator()] = true
		}
	}
	return len(names)
}

// find returns the entry of an identity that is trusted at a time, or nil.
func (t Trust) find(v3ident [20]byte, when int64) *Authority {
	for i := range t {
		if t[i].V3Ident == v3ident && t[i].trusted(when) {
			return &t[i]
		}
	}
	return nil
}

// nickname returns the name of an identity, trusted at the time or not.
func (t Trust) nickname(v3ident [20]byte) string {
	for _, a := range t {
		if a.V3Ident == v3ident {
			return a.Nickname
		}
	}
	return ""
}

func (a *Authority) trusted(when int64) bool { return a.From <= when && when < a.Until }

// operator is what an authority is counted by.
func (a *Authority) operator() string { return strings.ToLower(a.Nickname) }
