// Package year makes the Tor network of a year, as large as the real one and changing as it does: what a relay table
// grows to, and what that costs.
//
//	relays := year.Relays(year.Places, 24*365)
//	flags, listed := relays[0].At(17) // in the list of hour 17
//
// It makes no documents: that is package tornet, whose network is small and changes fast. Addresses are of 10.0.0.0/8 and
// 2001:db8::/32, as the documentation ranges are too small.
package year

import (
	"bytes"
	"iter"
	"math/rand/v2"
	"net/netip"
	"sort"
	"strconv"

	"tordetect/src/flow"
)

// Places are those for a relay; about seven of eight hold a listed one at a time, which are the 8,300 of Places.
const Places = 9600

// Relay is one of them.
type Relay struct {
	Identity [20]byte
	Nickname string
	Ports    []netip.AddrPort // its OR addresses, IPv4 and IPv6
	Dir      netip.AddrPort   // the zero value: none
	Exit     netip.Addr       // where its users' traffic leaves; the zero value: it lets none out

	hours []int32      // ascending: from which on it was listed with some flags,
	state []flow.Flags // or was not
}

// scatter is odd, so that no two numbers below 2^24 have the same product there.
const scatter = 0x9e3779b1

const absent = flow.Flags(1 << 7)

// At returns the relay's flags in an hour's list.
func (r *Relay) At(hour int) (flow.Flags, bool) {
	i := sort.Search(len(r.hours), func(i int) bool { return int(r.hours[i]) > hour }) - 1
	if i < 0 || r.state[i] == absent {
		return 0, false
	}
	return r.state[i], true
}

// Spans are the hours, from the first to the one behind the last, in which the relay was listed with the same flags.
func (r *Relay) Spans(hours int) iter.Seq2[[2]int, flow.Flags] {
	return func(yield func([2]int, flow.Flags) bool) {
		for i, from := range r.hours {
			to := hours
			if i+1 < len(r.hours) {
				to = min(to, int(r.hours[i+1]))
			}
			if from := max(0, int(from)); r.state[i] != absent && from < to && !yield([2]int{from, to}, r.state[i]) {
				return
			}
		}
	}
}

// Relays makes the network's life, ascending by identity: so many places for a relay, half with IPv6, a
// quarter exits. Nine of ten stay for about 300 days, the tenth for about two;
// each misses a list in 300 and changes its flags about every 40 days: of a
// list's pairs about 0.5% are gone an hour later, 2% after a day and 40% after
// half a year, as measured on the real network.
func Relays(places, hours int) []Relay {
	random := rand.New(rand.NewPCG(7, 7))
	var all []Relay
	for slot := range places {
		life := 300 * 24.0
		if slot%10 == 0 {
			life = 48
		}
		for hour := -int(random.ExpFloat64() * life); hour < hours; {
			n := len(all)
			r := Relay{}
			for i := range r.Identity {
				r.Identity[i] = byte(random.Uint32())
			}
			// Names and addresses are scattered, or a table would be packed better than a real one. No two are the same.
			mixed := uint32(n) * scatter
			r.Nickname = strconv.FormatUint(uint64(random.Uint32())<<24|uint64(mixed&0xffffff), 36)
			v4 := netip.AddrFrom4([4]byte{10, byte(mixed >> 16), byte(mixed >> 8), byte(mixed)})
			port := uint16(443 + random.IntN(9000))
			r.Ports = []netip.AddrPort{netip.AddrPortFrom(v4, port)}
			if n%2 == 0 {
				v6 := netip.AddrFrom16([16]byte{0x20, 0x01, 0x0d, 0xb8, 4: byte(random.Uint32()), byte(random.Uint32()), 8: byte(mixed >> 16), byte(mixed >> 8), byte(mixed), 15: 1})
				r.Ports = append(r.Ports, netip.AddrPortFrom(v6, port))
			}
			if n%100 == 0 {
				r.Dir = netip.AddrPortFrom(v4, 9030)
			}
			flags := flow.Flags(0)
			if n%4 == 0 {
				flags, r.Exit = flow.Exit, v4
			}
			end := hour + 1 + int(random.ExpFloat64()*life)
			for hour < end && hour < hours {
				r.hours, r.state = append(r.hours, int32(hour)), append(r.state, flags)
				if random.IntN(4) == 0 {
					flags ^= flow.Guard
				}
				hour += 1 + int(random.ExpFloat64()*300)
				if hour < end {
					r.hours, r.state = append(r.hours, int32(hour)), append(r.state, absent)
					hour += 1 + random.IntN(8)
				}
			}
			hour = max(hour, end)
			r.hours, r.state = append(r.hours, int32(end)), append(r.state, absent)
			all = append(all, r)
		}
	}
	sort.Slice(all, func(i, j int) bool { return bytes.Compare(all[i].Identity[:], all[j].Identity[:]) < 0 })
	return all
}

// Scanned is when the list of exit addresses of an hour says that an exit was tested, in seconds before that list: once a
// day, each at its own minute.
func (r *Relay) Scanned(hour int) int64 { return int64(hour%24)*3600 + int64(r.Identity[0]) }
