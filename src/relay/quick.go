package relay

import (
	"net/netip"
	"strings"

	"tordetect/src/cell"
	"tordetect/src/flow"
)

// quick reads a row as our own tables have it: the columns in our order, nothing
// quoted, a fingerprint in capitals, times of ten digits. Any other row, sound or not,
// gives false, and is read by split and row, which have the last word.
//
//	198.51.100.21,443,or,Exit Guard,2DBB4D43E1DDE4C91EBC1FCA103E0465CDE18FC8,exit1,1795422520,1795422840
//
// A week of lists has 27,000 rows, and a search waits for them. Of a row much is like
// the row before: the address, the fingerprint, the flags.
func (p *parsed) quick(line string) bool {
	if len(p.entries) == 0 || len(line) < leastRow {
		return false
	}
	before := &p.entries[len(p.entries)-1]
	times := line[len(line)-len(",1795422520,1795422840"):]
	first, ok1 := cell.TenDigits(times[1:11])
	last, ok2 := cell.TenDigits(times[12:])
	if !ok1 || !ok2 || times[0] != ',' || times[11] != ',' || last < first {
		return false
	}
	e := Entry{First: first, Last: last}

	rest := line[:len(line)-len(times)]
	ip := p.ip
	if isNext(rest, ip) {
		e.Addr = before.Addr
	} else {
		comma := strings.IndexByte(rest, ',')
		if comma < 0 {
			return false
		}
		ip = rest[:comma]
		var ok bool
		if e.Addr, ok = cell.V4(ip); !ok {
			if e.Addr, ok = plainV6(ip); !ok {
				return false
			}
		}
	}
	rest = rest[len(ip)+1:]

	port := 0
	for len(rest) > 0 && rest[0]-'0' <= 9 && port < 1<<16 {
		port = port*10 + int(rest[0]-'0')
		rest = rest[1:]
	}
	switch {
	case strings.HasPrefix(rest, ",or,"):
		e.Kind, rest = flow.ORPort, rest[len(",or,"):]
	case strings.HasPrefix(rest, ",exit,"):
		e.Kind, rest = flow.ExitAddress, rest[len(",exit,"):]
	case strings.HasPrefix(rest, ",dir,"):
		e.Kind, rest = flow.DirPort, rest[len(",dir,"):]
	default:
		return false
	}
	if e.Kind != flow.ExitAddress {
		if port < 1 || port > 65535 {
			return false
		}
		e.Port = uint16(port)
	}

	flags := p.flags
	if isNext(rest, flags) {
		e.Flags = p.flagged
	} else {
		comma := strings.IndexByte(rest, ',')
		if comma < 0 {
			return false
		}
		flags = rest[:comma]
		if strings.IndexByte(flags, '"') >= 0 {
			return false
		}
		e.Flags = parseFlags(flags)
	}
	rest = rest[len(flags)+1:]

	if len(rest) < fingerprintLen+1 || rest[fingerprintLen] != ',' {
		return false
	}
	if id := rest[:fingerprintLen]; id == before.Fingerprint {
		e.Fingerprint = before.Fingerprint
	} else if e.Fingerprint = id; !areCapitalHex(id) {
		return false
	}
	if name := rest[fingerprintLen+1:]; name == before.Nickname {
		e.Nickname = before.Nickname
	} else if e.Nickname = nickname(name); e.Nickname == "" {
		return false
	}
	p.ip, p.flags, p.flagged = ip, flags, e.Flags
	p.add(e)
	return true
}

const (
	fingerprintLen = 40
	// leastRow is the length of the shortest row: an exit's, with an address of three
	// characters, without flags and nickname.
	leastRow = len("::1,,exit,,") + fingerprintLen + len(",,1795422520,1795422840")
)

// isNext reports whether a text is the next cell.
func isNext(rest, text string) bool {
	return len(rest) > len(text) && rest[len(text)] == ',' && rest[:len(text)] == text
}

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
