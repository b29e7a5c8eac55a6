package command

import (
	"bytes"
	"net/netip"
	"time"

	"tordetect/src/detect"
)

// parseAddr reads an address as logs write it: IPv4, IPv6, in brackets, with a
// zone, in upper case, with blanks around. The result is unmapped and without a
// zone. It is netip.ParseAddr without its allocation for what is no address,
// host names above all.
func parseAddr(text []byte) (netip.Addr, bool) {
	text = bytes.TrimSpace(text)
	if n := len(text); n > 2 && text[0] == '[' && text[n-1] == ']' {
		text = text[1 : n-1]
	}
	if i := bytes.IndexByte(text, '%'); i >= 0 {
		text = text[:i]
	}
	if bytes.IndexByte(text, ':') < 0 {
		return parse4(text)
	}
	return parse6(text)
}

// parse4 reads a dotted quad. Leading zeros are refused, as some take them for
// octal.
func parse4(text []byte) (netip.Addr, bool) {
	var quad [4]byte
	part, value, digits := 0, 0, 0
	for _, c := range text {
		switch {
		case '0' <= c && c <= '9':
			if digits == 1 && value == 0 {
				return netip.Addr{}, false
			}
			value = value*10 + int(c-'0')
			digits++
			if value > 255 {
				return netip.Addr{}, false
			}
		case c == '.' && digits > 0 && part < 3:
			quad[part] = byte(value)
			part, value, digits = part+1, 0, 0
		default:
			return netip.Addr{}, false
		}
	}
	if part != 3 || digits == 0 {
		return netip.Addr{}, false
	}
	quad[3] = byte(value)
	return netip.AddrFrom4(quad), true
}

// parse6 reads the text form of RFC 4291 section 2.2, with an IPv4 tail or
// without.
func parse6(text []byte) (netip.Addr, bool) {
	var out [16]byte
	at, gap := 0, -1
	if len(text) >= 2 && text[0] == ':' && text[1] == ':' {
		gap, text = 0, text[2:]
	}
	for len(text) > 0 {
		if at == 16 {
			return netip.Addr{}, false
		}
		end := bytes.IndexByte(text, ':')
		word := text
		if end >= 0 {
			word = text[:end]
		}
		if bytes.IndexByte(word, '.') >= 0 {
			quad, ok := parse4(word)
			if !ok || end >= 0 || at > 12 {
				return netip.Addr{}, false
			}
			b := quad.As4()
			copy(out[at:], b[:])
			at, text = at+4, nil
			break
		}
		value, ok := hex16(word)
		if !ok {
			return netip.Addr{}, false
		}
		out[at], out[at+1] = byte(value>>8), byte(value)
		at += 2
		if end < 0 {
			break
		}
		text = text[end+1:]
		if len(text) == 0 {
			return netip.Addr{}, false // a single colon at the end
		}
		if text[0] == ':' {
			if gap >= 0 {
				return netip.Addr{}, false
			}
			gap, text = at, text[1:]
		}
	}
	switch {
	case gap < 0 && at != 16, gap >= 0 && at > 14:
		return netip.Addr{}, false
	case gap >= 0:
		n := copy(out[16-(at-gap):], out[gap:at])
		clear(out[gap : 16-n])
	}
	return netip.AddrFrom16(out).Unmap(), true
}

func hex16(word []byte) (value int, ok bool) {
	if len(word) == 0 || len(word) > 4 {
		return 0, false
	}
	for _, c := range word {
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c|0x20 && c|0x20 <= 'f':
			c = c | 0x20 - 'a' + 10
		default:
			return 0, false
		}
		value = value<<4 | int(c)
	}
	return value, true
}

// parseNumber reads a count or a port; a fraction, as Splunk's arithmetic
// leaves it behind, is cut off.
func parseNumber(text []byte) (int64, bool) {
	// The usual cell holds digits and nothing else.
	var n int64
	for i, c := range text {
		digit := c - '0'
		if digit > 9 || i == 18 {
			return parseOddNumber(text)
		}
		n = n*10 + int64(digit)
	}
	return n, len(text) > 0
}

// parseOddNumber is parseNumber for a text with blanks around or a fraction.
func parseOddNumber(text []byte) (int64, bool) {
	text = bytes.TrimSpace(text)
	if i := bytes.IndexByte(text, '.'); i > 0 {
		for _, c := range text[i+1:] {
			if c < '0' || c > '9' {
				return 0, false
			}
		}
		text = text[:i]
	}
	if len(text) == 0 || len(text) > 18 {
		return 0, false
	}
	var n int64
	for _, c := range text {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int64(c-'0')
	}
	return n, true
}

// parsePort reads a port. Port 0 is how data models write "none".
func parsePort(text []byte) (uint16, bool) {
	n, ok := parseNumber(text)
	return uint16(n), ok && n > 0 && n < 1<<16
}

// timeKind says what a time cell held.
type timeKind uint8

const (
	noTime timeKind = iota
	aTime
	unreadable // text that is no moment: mostly a time without a zone, as the ctime macro and convert leave it behind
)

// maxTime is the last second of the year 9999, beyond which a number in a time
// column is no time.
const maxTime = 253402300799

// parseTime reads epoch seconds, or an ISO time with a zone, and returns whole
// epoch seconds. Text that is neither, and no word for "no value", is unreadable.
func parseTime(text []byte) (int64, timeKind) {
	if n, ok := parseNumber(text); ok && n <= maxTime {
		return n, aTime
	}
	text = bytes.TrimSpace(text)
	if at, ok := parseISO(text); ok {
		return at, aTime
	}
	if isEmpty(text) {
		return 0, noTime
	}
	return 0, unreadable
}

// parseISO reads 2006-01-02T15:04:05 with a fraction or without, T or a blank in
// the middle, and a zone: Z, UTC, GMT, +hh, +hhmm or +hh:mm. Names of zones are
// not read: many have several meanings.
func parseISO(text []byte) (int64, bool) {
	const form = "2006-01-02T15:04:05"
	if len(text) < len(form) {
		return 0, false
	}
	for i, c := range []byte(form) {
		got := text[i]
		digit := '0' <= c && c <= '9'
		if digit && (got < '0' || got > '9') || !digit && got != c && !(c == 'T' && got == ' ') {
			return 0, false
		}
	}
	two := func(i int) int { return int(text[i]-'0')*10 + int(text[i+1]-'0') }
	month, day, hour, minute, second := two(5), two(8), two(11), two(14), two(17)
	if month < 1 || month > 12 || hour > 23 || minute > 59 || second > 60 {
		return 0, false
	}
	at := time.Date(two(0)*100+two(2), time.Month(month), day, hour, minute, second, 0, time.UTC)
	if at.Day() != day && second < 60 { // February 30
		return 0, false
	}
	rest := text[len(form):]
	if len(rest) > 0 && (rest[0] == '.' || rest[0] == ',') {
		rest = rest[1:]
		for len(rest) > 0 && '0' <= rest[0] && rest[0] <= '9' {
			rest = rest[1:]
		}
	}
	offset, ok := parseZone(bytes.TrimSpace(rest))
	return at.Unix() - offset, ok
}

// parseZone returns the seconds by which a zone is ahead of UTC.
func parseZone(zone []byte) (int64, bool) {
	switch {
	case len(zone) == 0:
		return 0, false
	case len(zone) == 1 && zone[0]|0x20 == 'z', string(zone) == "UTC", string(zone) == "GMT":
		return 0, true
	case zone[0] != '+' && zone[0] != '-':
		return 0, false
	}
	var digits [4]byte
	n := 0
	for _, c := range zone[1:] {
		switch {
		case c == ':' && n == 2:
		case '0' <= c && c <= '9' && n < 4:
			digits[n] = c - '0'
			n++
		default:
			return 0, false
		}
	}
	hours, minutes := int64(digits[0])*10+int64(digits[1]), int64(digits[2])*10+int64(digits[3])
	if n != 2 && n != 4 || hours > 14 || minutes > 59 { // UTC+14 is the furthest there is
		return 0, false
	}
	offset := hours*3600 + minutes*60
	if zone[0] == '-' {
		offset = -offset
	}
	return offset, true
}

// isEmpty reports whether a cell says that there is no value.
func isEmpty(text []byte) bool {
	text = bytes.TrimSpace(text)
	if len(text) > len("unknown") {
		return false
	}
	var low [8]byte
	for i, c := range text {
		if 'A' <= c && c <= 'Z' {
			c |= 0x20
		}
		low[i] = c
	}
	return detect.Empty(low[:len(text)])
}
