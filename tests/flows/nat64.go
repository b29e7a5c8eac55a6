package flows

import (
	"fmt"
	"net/netip"
)

// translated lets a case's clients live in a network without IPv4: they have
// IPv6 addresses, and reach IPv4 servers by 64:ff9b::/96 with the address in its
// last 32 bits (RFC 6052).
func translated(draw func(*site) (Flow, bool)) func(*site) (Flow, bool) {
	return func(s *site) (Flow, bool) {
		f, ok := draw(s)
		if !ok {
			return f, false
		}
		f.Src = s.client6().Addr().String()
		if a := netip.MustParseAddr(f.Dest); a.Is4() {
			f.Dest = s.nat64(a)
		}
		return f, true
	}
}

// nat64 writes an address as firewalls do: compressed, in full, or with its last
// part as IPv4.
func (s *site) nat64(a netip.Addr) string {
	b := [16]byte{0, 0x64, 0xff, 0x9b}
	v4 := a.As4()
	copy(b[12:], v4[:])
	six := netip.AddrFrom16(b)
	switch s.r.IntN(5) {
	case 0:
		return six.StringExpanded()
	case 1, 2:
		return fmt.Sprint("64:ff9b::", a)
	}
	return six.String()
}
