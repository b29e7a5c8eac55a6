package cell

import (
	"bytes"
	"net/netip"
)

// An Addr is an address as a cell writes it.
type Addr struct {
	netip.Addr        // unmapped, without a zone
	Port       uint16 // written behind the address; 0: none
	// NAT64 says that an IPv4 address was written as IPv6 below 64:ff9b::/96
	// (RFC 6052), as networks do that have IPv6 only.
	NAT64 bool
}

// Address reads an address as logs write it: IPv4, IPv6, in brackets, with a port
// (198.51.100.7:9001, [2001:db8::1]:443), with a zone (%eth0), as a network of one
// address (/32, /128), in upper case, with blanks around. IPv4 in IPv6, ::ffff: and
// NAT64, comes back as IPv4. 0.0.0.0 and :: are how logs write "none".
func Address(text []byte) (Addr, bool) {
	if a, ok := V4(text); ok { // the usual cell
		return Addr{Addr: a}, !a.IsUnspecified()
	}
	var out Addr
	text = bytes.TrimSpace(text)
	if len(text) > longestAddress {
		return out, false
	}
	rest, ok := out.read(text)
	switch {
	case !ok || out.IsUnspecified():
		return Addr{}, false
	case len(rest) == 0:
		return out, true
	case rest[0] == ':':
		port, ok := Number(rest[1:])
		out.Port = uint16(port)
		return out, ok && port > 0 && port < 1<<16
	case string(rest) == "/32" && out.Is4(), string(rest) == "/128" && (out.Is6() || out.NAT64):
		return out, true
	}
	return Addr{}, false
}

// longestAddress bounds what is looked at: an IPv6 address with an IPv4 tail (45
// characters), brackets, a zone and a port.
const longestAddress = 100

// read takes the address itself off a text and returns what follows it.
func (a *Addr) read(text []byte) (rest []byte, ok bool) {
	switch {
	case len(text) > 2 && text[0] == '[':
		end := bytes.IndexByte(text, ']')
		if end < 0 {
			return nil, false
		}
		text, rest = text[1:end], text[end+1:]
	case bytes.Count(text, []byte{':'}) == 1: // an IPv4 address with a port
		at := bytes.IndexByte(text, ':')
		text, rest = text[:at], text[at:]
	default:
		if at := bytes.IndexByte(text, '/'); at >= 0 {
			text, rest = text[:at], text[at:]
		}
	}
	if at := bytes.IndexByte(text, '%'); at >= 0 {
		text = text[:at]
	}
	if bytes.IndexByte(text, ':') < 0 {
		a.Addr, ok = V4(text)
		return rest, ok
	}
	a.Addr, ok = V6(text)
	a.Addr, a.NAT64 = FromNAT64(a.Addr)
	return rest, ok
}

// nat64 is the well-known prefix of RFC 6052, 64:ff9b::/96.
var nat64 = [12]byte{0, 0x64, 0xff, 0x9b}

// FromNAT64 returns the IPv4 address that an IPv6 address below 64:ff9b::/96 stands
// for; any other address as it is, and false.
func FromNAT64(a netip.Addr) (netip.Addr, bool) {
	if b := a.As16(); a.Is6() && [12]byte(b[:12]) == nat64 {
		return netip.AddrFrom4([4]byte(b[12:])), true
	}
	return a, false
}

// V4 reads a dotted quad and nothing else: the usual cell. Leading zeros are
// refused, as some take them for octal.
func V4[T string | []byte](text T) (netip.Addr, bool) {
	var quad [4]byte
	at := 0
	for part := range quad {
		if at >= len(text) {
			return netip.Addr{}, false
		}
		value := uint(text[at] - '0')
		if value > 9 {
			return netip.Addr{}, false
		}
		at++
		for last := at + 2; at < len(text) && at < last; at++ {
			digit := uint(text[at] - '0')
			if digit > 9 {
				break
			}
			if value == 0 {
				return netip.Addr{}, false
			}
			value = value*10 + digit
		}
		if value > 255 || part < 3 && (at >= len(text) || text[at] != '.') {
			return netip.Addr{}, false
		}
		quad[part] = byte(value)
		at++
	}
	return netip.AddrFrom4(quad), at == len(text)+1
}

// V6 reads the text form of RFC 4291 section 2.2, with an IPv4 tail or without, and
// nothing else; IPv4 in IPv6 (::ffff:) comes back as IPv4. netip.ParseAddr wants a
// string, and would allocate one for each.
func V6(text []byte) (netip.Addr, bool) {
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
			quad, ok := V4(word)
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
		digit, ok := HexDigit(c)
		if !ok {
			return 0, false
		}
		value = value<<4 | int(digit)
	}
	return value, true
}
