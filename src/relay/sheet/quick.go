package sheet

import (
	"net/netip"
	"strings"

	"tordetect/src/cell"
	"tordetect/src/flow"
)

// quick reads a row as our own tables have it: the columns in our order, nothing
// quoted, a fingerprint in capitals, times of ten digits. It returns how much of the
// text the row is, its end included. Any other row, sound or not, gives 0, and is read
// by line, which has the last word.
//
//	198.51.100.21,443,or,Exit Guard,2DBB4D43E1DDE4C91EBC1FCA103E0465CDE18FC8,exit1,1795422520,1795422840
//
// A history has 400,000 rows, and a search waits for them. Each character is looked at
// once; of a row much is like the row before: the address, the relay, the flags.
func (p *reader) quick(s string) int {
	if len(s) < longest {
		return 0
	}
	e := &p.entry
	at := len(p.ip)
	if at == 0 || !isNext(s, p.ip) {
		if at = strings.IndexByte(s[:longestIP+1], ','); at < 0 || !p.newAddr(s[:at]) {
			return 0
		}
	}
	at++

	port, digits := uint(0), s[at:at+len("65535")]
	for i := 0; i < len(digits) && digits[i]-'0' <= 9; i++ {
		port = port*10 + uint(digits[i]-'0')
		at++
	}
	switch rest := s[at : at+len(",exit,")]; {
	case rest[:len(",or,")] == ",or,":
		e.Kind = flow.ORPort
		at += len(",or,")
	case rest == ",exit,":
		e.Kind, port = flow.ExitAddress, 0
		at += len(",exit,")
	case rest[:len(",dir,")] == ",dir,":
		e.Kind = flow.DirPort
		at += len(",dir,")
	default:
		return 0
	}
	if port-1 > 65534 && e.Kind != flow.ExitAddress {
		return 0
	}
	e.Port = uint16(port)

	flags, length := quickFlags(s[at:])
	if length < 0 {
		return 0
	}
	e.Flags = flags
	at += length + 1

	relay := p.sheet.relay
	if relay == "" || !isNext(s[at:], relay) {
		if s[at+fingerprintLen] != ',' || !areCapitalHex(s[at:at+fingerprintLen]) {
			return 0
		}
		name := s[at+fingerprintLen+1:][:flow.MaxNickname+1]
		end := 0
		for end < len(name)-1 && kindOf[name[end]]&noWord == 0 {
			end++
		}
		if name[end] != ',' || end == 0 {
			return 0
		}
		relay = s[at : at+fingerprintLen+1+end]
	}
	at += len(relay)

	times := s[at : at+len(",1795422520,1795422840\n")]
	var ok1, ok2 bool
	e.First, ok1 = cell.TenDigits(times[1:11])
	e.Last, ok2 = cell.TenDigits(times[12:22])
	if !ok1 || !ok2 || times[11] != ',' || times[22] != '\n' || e.Last < e.First {
		return 0
	}
	p.sheet.add(e, relay)
	return at + len(times)
}

const (
	fingerprintLen = 40
	longestIP      = len("2001:0db8:0000:0000:0000:0000:0000:0001")
	// longest is more than such a row takes: of less than that nothing has to be
	// asked whether it is there.
	longest = 256
)

// newAddr reads an address and remembers how it was written.
func (p *reader) newAddr(text string) (ok bool) {
	addr, ok := cell.V4(text)
	if !ok {
		if addr, ok = plainV6(text); !ok {
			return false
		}
	}
	p.entry.Addr, p.ip = addr, text
	return true
}

// quickFlags reads flags that we know, and returns how long they are; less than 0
// where there is another.
func quickFlags(s string) (flags flow.Flags, length int) {
	switch {
	case s[0] == ',':
		return 0, 0
	case s[:len("Guard,")] == "Guard,":
		return flow.Guard, len("Guard")
	case s[:len("Exit,")] == "Exit,":
		return flow.Exit, len("Exit")
	case s[:len("Exit Guard,")] == "Exit Guard,":
		return flow.Exit | flow.Guard, len("Exit Guard")
	}
	length = strings.IndexByte(s[:longestFlags+1], ',')
	if length < 0 || strings.ContainsAny(s[:length], "\"\n") {
		return 0, -1
	}
	return parseFlags(s[:length]), length
}

// longestFlags is the length of all flags that we know.
const longestFlags = len("Authority BadExit Exit Guard")

// isNext reports whether a text is the next cell.
func isNext(rest, text string) bool { return rest[len(text)] == ',' && rest[:len(text)] == text }

// plainV6 reads an IPv6 address that is written without a zone and is not IPv4.
func plainV6(text string) (netip.Addr, bool) {
	addr, err := netip.ParseAddr(text)
	return addr, err == nil && addr.Is6() && !addr.Is4In6() && addr.Zone() == ""
}

// Eight characters are looked at at once: a sum brings the highest bit of each byte
// that is above a bound, as long as none is above 0x7f before.
const (
	each = 0x0101010101010101
	high = 0x80 * each
)

// word returns the eight characters from i on, the first in the lowest byte.
func word(s string, i int) uint64 {
	s = s[i : i+8]
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
		uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
}

// areCapitalHex reports whether forty characters are hex digits as tables have them.
func areCapitalHex(s string) bool {
	fine := uint64(high)
	for i := 0; i < fingerprintLen; i += 8 {
		w := word(s, i)
		digit := (w + (0x80-'0')*each) &^ (w + (0x7f-'9')*each)
		letter := (w + (0x80-'A')*each) &^ (w + (0x7f-'F')*each)
		fine &= (digit | letter) &^ w
	}
	return fine == high
}
