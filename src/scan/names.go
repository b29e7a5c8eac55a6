package scan

import (
	"cmp"
	"hash/maphash"
	"net/netip"
	"slices"

	"tordetect/src/flow"
)

// A NamingHost showed several server names that look as Tor makes them up, in flows of
// which nothing else speaks for Tor: one says next to nothing, several are what a client
// of bridges shows that no list has.
type NamingHost struct {
	Addr  netip.Addr
	Names int   // different ones in a window; more than a dozen are not counted
	At    int64 // when the window begins; 0: the names have no time
}

// What several names are: as the search "Tor client with made-up server names" has it
// where it sees no DNS, three of them in four hours.
const (
	fewestNames = 3
	nameWindow  = 4 * 60 * 60

	maxNames       = 12     // of a window
	maxNamingHosts = 20_000 // windows of hosts with such names: of 1,000 ordinary ones of that form one or two look so
)

// names counts the names of each host, window by window.
type names struct {
	of        map[window][]uint64 // hashes of the names
	begun     []window            // in the order of the log; of those with several names not all
	forgotten int64
}

type window struct {
	host netip.Addr
	at   int64
}

// drawn is a name of an event that looks made up.
type drawn struct {
	host netip.Addr
	name uint64
}

// draw returns the name of a flow if it looks made up.
func draw(seed maphash.Seed, f *flow.Flow, host netip.Addr) drawn {
	if !f.Hello.MadeUp || f.Transport == flow.NotTCP || !host.IsValid() {
		return drawn{}
	}
	return drawn{host, maphash.Bytes(seed, f.Hello.Name)}
}

func (n *names) add(d drawn, at int64) {
	if !d.host.IsValid() {
		return
	}
	key := window{d.host, at - at%nameWindow}
	seen := n.of[key]
	if slices.Contains(seen, d.name) || len(seen) >= maxNames || seen == nil && !n.begin(key) {
		return
	}
	n.of[key] = append(seen, d.name)
}

// begin makes room for a window. Where there is none, the one that began first of those
// with one name goes: most such names are ordinary, and in a log that is in order it is
// over. Where all have several the new one is left out.
func (n *names) begin(w window) bool {
	if n.of == nil {
		n.of = map[window][]uint64{}
	}
	for len(n.of) >= maxNamingHosts {
		if len(n.begun) == 0 {
			n.forgotten++
			return false
		}
		first := n.begun[0]
		n.begun = n.begun[1:]
		if len(n.of[first]) == 1 {
			delete(n.of, first)
			n.forgotten++
		}
	}
	n.begun = append(n.begun, w)
	return true
}

// hosts are those with several names, each once with its fullest window: the most
// names first.
func (n *names) hosts() []NamingHost {
	best := map[netip.Addr]NamingHost{}
	for key, seen := range n.of {
		if b := best[key.host]; len(seen) > b.Names || len(seen) == b.Names && key.at < b.At {
			best[key.host] = NamingHost{key.host, len(seen), key.at}
		}
	}
	var out []NamingHost
	for _, h := range best {
		if h.Names >= fewestNames {
			out = append(out, h)
		}
	}
	slices.SortFunc(out, func(a, b NamingHost) int { return cmp.Or(cmp.Compare(b.Names, a.Names), a.Addr.Compare(b.Addr)) })
	return out
}
