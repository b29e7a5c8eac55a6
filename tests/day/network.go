package day

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"time"

	"tordetect/src/flow"
	"tordetect/src/relay"
	"tordetect/tests/tornet"
)

// The Tor network of the day is that of package tornet, which changes ten times slower here: a fifth of its pairs of
// address and port are gone after 25 hours, of the real one's 1.8% (tor.md section 10).
const (
	places    = 600 // relays at a time, about: more than the 300 that one host of the day speaks with
	slower    = 10
	validFor  = 3 * time.Hour    // of a consensus (dir-spec 1.4, and every real one)
	published = 10 * time.Minute // after its hour a consensus can be had
	before    = 24               // hours of lists before the day
	after     = 84               // and behind its beginning
)

// ours is a relay in our own public network, and internal what the site says of that network.
var (
	ours     = netip.MustParseAddrPort("203.0.113.252:9001")
	internal = "203.0.113.252/31"
)

// network is the Tor network in the hours around a day.
type network struct {
	begin  time.Time
	byHour [before + after][]tornet.Relay
	or     map[netip.AddrPort][before + after]bool
	tables map[int][]byte // by the number of lists that were read
}

func newNetwork(seed uint64, begin time.Time) *network {
	n := &network{begin: begin, or: map[netip.AddrPort][before + after]bool{}, tables: map[int][]byte{}}
	tor := tornet.New(seed, 0, tornet.Size(places))
	var states [][]tornet.Relay
	for i := range (before+after)/slower + 2 {
		states = append(states, tor.Relays(begin.Add(time.Duration(i)*time.Hour)))
	}
	mine := tornet.Relay{Nickname: "ours", Addr: ours.Addr(), ORPort: ours.Port(), Flags: []string{"Fast", "Guard", "Running", "Stable", "Valid"}}
	mine.Identity[0] = 1
	for h := range n.byHour {
		for phase := range slower { // or all would change at once
			for _, r := range states[(h+phase)/slower] {
				if int(r.Addr.As4()[3])%slower == phase {
					n.byHour[h] = append(n.byHour[h], r)
				}
			}
		}
		n.byHour[h] = append(n.byHour[h], mine)
		if h > before+failingFrom {
			n.byHour[h] = append(n.byHour[h], newcomers()...)
		}
		for _, r := range n.byHour[h] {
			at := netip.AddrPortFrom(r.Addr, r.ORPort)
			hours := n.or[at]
			hours[h] = true
			n.or[at] = hours
		}
	}
	return n
}

// hour is the number of the hour of a time.
func (n *network) hour(at time.Time) int {
	return min(max(int(at.Sub(n.begin)/time.Hour)+before, 0), before+after-1)
}

// table is the relay table of an update that ran at a time, with the lists of all hours before.
func (n *network) table(at time.Time) ([]byte, error) {
	read := n.hour(at.Add(-published)) + 1
	if text := n.tables[read]; text != nil {
		return text, nil
	}
	m := relay.NewMerger()
	for h := range read {
		from := n.begin.Add(time.Duration(h-before) * time.Hour)
		list := relay.List{ValidAfter: from.Unix(), ValidUntil: from.Add(validFor).Unix()}
		exits := relay.ExitList{Downloaded: from.Add(2 * time.Minute).Unix()}
		for _, r := range n.byHour[h] {
			listed := relay.ListedRelay{Identity: r.Identity, Nickname: r.Nickname, Ports: []netip.AddrPort{netip.AddrPortFrom(r.Addr, r.ORPort)}}
			if slices.Contains(r.Flags, "Guard") {
				listed.Flags |= flow.Guard
			}
			if slices.Contains(r.Flags, "Exit") {
				listed.Flags |= flow.Exit
				exits.Sightings = append(exits.Sightings, relay.ExitSighting{Identity: r.Identity, Addr: r.Addr, Scanned: from.Unix()})
			}
			list.Relays = append(list.Relays, listed)
		}
		if err := m.AddList(list); err != nil {
			return nil, fmt.Errorf("make the relay table: %w", err)
		}
		if err := m.AddExitList(exits); err != nil {
			return nil, fmt.Errorf("make the relay table: %w", err)
		}
	}
	var b bytes.Buffer
	if _, err := m.Write(&b, relay.Options{}); err != nil {
		return nil, fmt.Errorf("make the relay table: %w", err)
	}
	n.tables[read] = b.Bytes()
	return b.Bytes(), nil
}

// steady draws a relay that every list around a time has, so that neither its age nor a list that was missed matters.
func (n *network) steady(r *rand.Rand, at time.Time, want func(tornet.Relay) bool) tornet.Relay {
	h := n.hour(at)
	from, to := max(h-28, 0), min(h+4, len(n.byHour)-1)
	return n.draw(r, h, func(x tornet.Relay) bool {
		hours := n.or[netip.AddrPortFrom(x.Addr, x.ORPort)]
		for i := from; i <= to; i++ {
			if !hours[i] {
				return false
			}
		}
		return want(x)
	})
}

// newcomers are relays that joined while the update of the relay list failed. No other relay has their addresses.
func newcomers() []tornet.Relay {
	var out []tornet.Relay
	for i := range 4 {
		r := tornet.Relay{Nickname: fmt.Sprint("newcomer", i), Addr: netip.AddrFrom4([4]byte{203, 0, 113, byte(192 + i)}), ORPort: 9001, Flags: []string{"Fast", "Guard", "Running", "Valid"}}
		r.Identity[0], r.Identity[1] = 2, byte(i)
		out = append(out, r)
	}
	return out
}

func (n *network) draw(r *rand.Rand, h int, want func(tornet.Relay) bool) tornet.Relay {
	all := n.byHour[h]
	for _, i := range r.Perm(len(all)) {
		if all[i].Addr != ours.Addr() && want(all[i]) {
			return all[i]
		}
	}
	panic(fmt.Sprintf("the network of hour %d has no such relay", h)) // of 600 there always is one
}

func anyRelay(tornet.Relay) bool { return true }

func isExit(r tornet.Relay) bool { return slices.Contains(r.Flags, "Exit") }

// serves says whether an address is a relay at a port, at any hour.
func (n *network) serves(addr netip.Addr, port uint16) bool {
	_, ok := n.or[netip.AddrPortFrom(addr, port)]
	return ok
}
