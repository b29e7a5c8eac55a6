package cell

import (
	"fmt"
	"net/netip"
	"strings"
)

// Network reads a network in CIDR form, or a single address. IPv4 in IPv6 comes back
// as IPv4, as Address reads it.
func Network(text string) (netip.Prefix, error) {
	if a, err := netip.ParseAddr(text); err == nil {
		a = a.Unmap().WithZone("")
		return netip.PrefixFrom(a, a.BitLen()), nil
	}
	p, err := netip.ParsePrefix(text)
	if err == nil && p.Addr().Is4In6() {
		if p.Bits() < 96 {
			return netip.Prefix{}, fmt.Errorf("%s is wider than all of IPv4", text)
		}
		p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
	}
	return p.Masked(), err
}

// Networks reads networks with commas or blanks between, in quotes or not; at least
// one.
func Networks(list string) ([]netip.Prefix, error) {
	var out []netip.Prefix
	for word := range strings.FieldsFuncSeq(list, func(r rune) bool { return r == ',' || r == ' ' || r == '"' }) {
		p, err := Network(word)
		if err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("%q names no network", list)
	}
	return out, nil
}
