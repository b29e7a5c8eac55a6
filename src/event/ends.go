package event

import (
	"bytes"
	"net/netip"

	"tordetect/src/cell"
	"tordetect/src/flow"
)

// Ends holds the addresses and ports of one side: several of each where a cell
// holds a list.
type Ends struct {
	Addrs []netip.Addr
	Ports []uint16
	// Whether the cell holds different values, read or not: a name beside an
	// address makes a list of two, and so does null beside a port.
	SeveralAddrs, SeveralPorts bool
	NAT64                      bool // an address was written below 64:ff9b::/96
}

// End is the side in a sentence: its first address and port.
func (e *Ends) End() flow.End {
	var out flow.End
	if len(e.Addrs) > 0 {
		out.Addr = e.Addrs[0]
	}
	if len(e.Ports) > 0 {
		out.Port = e.Ports[0]
	}
	return out
}

// none returns a side without anything, in the same memory.
func (e *Ends) none() Ends { return Ends{Addrs: e.Addrs[:0], Ports: e.Ports[:0]} }

// ends reads one side's address and port cells.
func (r *Reader) ends(e *Event, out *Ends, address, port Role) {
	*out = out.none()
	r.beside = r.beside[:0] // ports that stand with the addresses
	for i := range e.n(address) {
		text, counts := e.at(address, i)
		if !counts {
			continue
		}
		if a, ok := cell.V4(text); ok && !a.IsUnspecified() { // the usual cell
			out.Addrs = append(out.Addrs, a)
			break
		}
		for k, n := 0, r.values(e, address, i, true); k < n; k++ {
			text := r.value(k)
			a, ok := cell.Address(text)
			if !ok {
				if looksLikeAddress(text) {
					r.complain(address, text)
				}
				continue
			}
			out.Addrs = append(out.Addrs, a.Addr)
			out.NAT64 = out.NAT64 || a.NAT64
			if a.Port != 0 {
				r.beside = append(r.beside, a.Port)
			}
		}
		if len(out.Addrs) > 0 {
			out.SeveralAddrs = r.several()
			break
		}
	}
	for i := range e.n(port) {
		text, counts := e.at(port, i)
		if !counts || len(text) == 1 && text[0] == '0' {
			continue
		}
		if n, ok := cell.Number(text); ok && n > 0 && n < 1<<16 {
			out.Ports = append(out.Ports, uint16(n))
			return
		}
		for k, n := 0, r.values(e, port, i, true); k < n; k++ {
			text := r.value(k)
			if p, ok := cell.Port(text); ok {
				out.Ports = append(out.Ports, p)
			} else if n, isNumber := cell.Number(text); !cell.IsEmpty(text) && !(isNumber && n == 0) {
				r.complain(port, text)
			}
		}
		if len(out.Ports) > 0 {
			out.SeveralPorts = r.several()
			return
		}
	}
	// Of several addresses which port went with which is not looked into.
	out.Ports = append(out.Ports, r.beside...)
	out.SeveralPorts = len(r.beside) > 0 && len(out.Addrs) > 1
}

// Called returns what stands in the place of the addresses of the event read last
// where there are none: the names of its hosts, in small letters; empty where there
// is an address, or nothing.
func (r *Reader) Called(e *Event) (source, destination []byte) {
	r.called[0] = r.callsHost(r.called[0][:0], e, &r.Source, Source)
	r.called[1] = r.callsHost(r.called[1][:0], e, &r.Destination, Destination)
	return r.called[0], r.called[1]
}

func (r *Reader) callsHost(dst []byte, e *Event, ends *Ends, address Role) []byte {
	if len(ends.Addrs) > 0 {
		return dst
	}
	for i := range e.n(address) {
		if _, counts := e.at(address, i); !counts {
			continue
		}
		for k, n := 0, r.values(e, address, i, true); k < n; k++ {
			name := bytes.TrimSpace(r.value(k))
			if _, isAddress := cell.Address(name); isAddress || cell.IsEmpty(name) || looksLikeAddress(name) || len(name) > maxHost {
				continue
			}
			return cell.Lower(dst, name)
		}
	}
	return dst
}

// looksLikeAddress tells a spoiled address from the name of a host, which is
// nothing unusual: digits and dots, or colons and what an IPv6 address is made of.
func looksLikeAddress(text []byte) bool {
	text = bytes.TrimSpace(text)
	if len(text) < len("1.1.1.1") || bytes.Equal(text, []byte("0.0.0.0")) {
		return false
	}
	dots, colons, letters := 0, 0, 0
	for _, c := range text {
		switch {
		case c == '.':
			dots++
		case c == ':':
			colons++
		case '0' <= c && c <= '9':
		case 'a' <= c|0x20 && c|0x20 <= 'f':
			letters++
		case colons >= 2 && (c == '%' || c == ']'), c == '[', c == '/', c == ',':
		default:
			return false
		}
	}
	isMAC := colons == 5 && len(text) == len("00:1a:2b:3c:4d:5e")
	return dots == 3 && letters == 0 || colons >= 2 && !isMAC
}

// turn turns a Suricata event round that was seen on its way back to the client:
// flow.src_ip says who began the flow, or else the direction does.
func (r *Reader) turn(e *Event) {
	if i := e.first(FlowSource); i >= 0 {
		began, ok := cell.Address(e.bare(FlowSource, i))
		if !ok || len(r.Destination.Addrs) == 0 || began.Addr != r.Destination.Addrs[0] {
			return
		}
		if len(r.Source.Addrs) > 0 && began.Addr == r.Source.Addrs[0] {
			return // both ends have the address: it tells nothing
		}
	} else if i := e.first(Direction); i < 0 || string(e.bare(Direction, i)) != "to_client" {
		return
	}
	r.Source, r.Destination = r.Destination, r.Source
}
