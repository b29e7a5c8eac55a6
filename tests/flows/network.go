package flows

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"net/netip"
	"slices"
	"time"

	"tordetect/src/flow"
	table "tordetect/src/relay"
	"tordetect/tests/tornet"
)

// The week: hours are counted from its start.
//
//	0        24      30            100..106         180      190
//	|        lists   flows         lists missed     lists    flows
//	runs     begin   begin                          end      end
const (
	hour = 3600

	hours      = 192 // for which the network runs
	firstList  = 24
	firstFlow  = 30
	missedFrom = 100 // of these hours no list was read: a gap of 5 hours, as a list is valid for 3
	missedTo   = 107
	lastList   = 180 // of this hour and later ones neither: the last flows are newer than the newest list
	lastFlow   = 190

	validFor = 3 * hour // of a consensus (dir-spec 1.4, and every real one)

	places = 400 // relays at a time, about: enough that many share an address

	// slower is by how much the network changes slower than that of tornet, in
	// which a fifth of the pairs of address and port are gone after 25 hours, so
	// that tests see changes: 1.8% is what was measured (tor.md section 10).
	slower = 10
)

var start = time.Date(2026, 11, 16, 0, 0, 0, 0, time.UTC).Unix()

// relay is a relay as it was in one hour.
type relay struct {
	fingerprint string
	nickname    string
	identity    [20]byte
	or, or6     netip.AddrPort // or6 is the zero value for most
	dir         netip.AddrPort
	guard, exit bool
	badExit     bool
	authority   bool
	letsOut     bool         // has no Exit flag, and lets some ports out all the same
	leaves      []netip.Addr // where its users' traffic leaves, IPv4; empty for a relay that lets nothing out
	scans       bool         // exit lists know it
	hosted      bool         // stands in our own networks
	passing     bool         // runs for some hours only
}

// network is the Tor network of the week.
type network struct {
	byHour [hours][]relay
	// spans are the hours in which a consensus held an OR port, [from, to).
	spans map[netip.AddrPort][]span
	ports []netip.AddrPort        // the keys of spans, in order
	dirs  map[netip.AddrPort]bool // Dir ports of the week
	text  []byte                  // the relay table
}

type span struct{ from, to int }

// Shares of the network's own, of the relays that could be so.
const (
	// leavesElsewhere of the exits leave from another address than their OR
	// address (tor.md section 4: 2.3% of the addresses in 2024, 4.8% in 2018;
	// more here, or a week of 400 relays would have one).
	leavesElsewhere = 0.06
	// leavesTwice of them leave from both.
	leavesTwice = 0.02
	// unscanned exits are in no exit list (a guess: lists hold nearly all).
	unscanned = 0.03
	// badExits of the exits are marked as bad (2026-06: 5 of 2,614; more here).
	// Exit lists know half of them (a guess).
	badExits = 0.05
	// quietExits of the other relays let some ports out (34 of 6,088 and 77 of
	// 6,727 measured; more here).
	quietExits = 0.03
	// flagsLost is how many of the relays lack Guard or Exit for some 30 hours
	// (a guess).
	flagsLost = 0.02
	// blinks is how many miss the lists of two hours: 0.6% of the pairs are
	// gone after an hour, and most of them come back.
	blinks = 0.006
	// scanEvery is how often an exit is scanned, in hours.
	scanEvery = 20
)

// Addresses of ours, and those that only exits leave from.
var (
	hosted1  = netip.MustParseAddr("203.0.113.252")
	hosted2  = netip.MustParseAddr("203.0.113.253")
	natted   = netip.MustParseAddr("203.0.113.251")
	internal = "203.0.113.252/31"
)

func newNetwork(seed uint64) *network {
	n := &network{spans: map[netip.AddrPort][]span{}, dirs: map[netip.AddrPort]bool{}}
	tor := tornet.New(seed, 0, tornet.Size(places))
	var states [][]tornet.Relay
	for i := range hours/slower + 2 {
		states = append(states, tor.Relays(time.Unix(start+int64(i)*hour, 0).UTC()))
	}
	for h := range hours {
		for phase := range slower { // or all would change at once
			for _, r := range states[(h+phase)/slower] {
				if int(r.Addr.As4()[3])%slower != phase || chance(seed, "blinks", r.Identity, h/2) < blinks {
					continue
				}
				n.byHour[h] = append(n.byHour[h], describe(seed, h, r))
			}
		}
		n.byHour[h] = append(n.byHour[h], passing(seed, h)...)
		n.byHour[h] = append(n.byHour[h], ours(seed)...)
		for _, r := range n.byHour[h] {
			n.note(h, r.or)
			n.dirs[r.dir] = true
			if r.or6.IsValid() {
				n.note(h, r.or6)
			}
		}
	}
	for ap := range n.spans {
		n.ports = append(n.ports, ap)
	}
	slices.SortFunc(n.ports, netip.AddrPort.Compare)
	n.text = n.write()
	return n
}

// describe adds to a relay of tornet what matters here.
func describe(seed uint64, h int, r tornet.Relay) relay {
	out := relay{
		fingerprint: fmt.Sprintf("%X", r.Identity[:]), nickname: r.Nickname, identity: r.Identity,
		or:    netip.AddrPortFrom(r.Addr, r.ORPort),
		guard: slices.Contains(r.Flags, "Guard") && chance(seed, "guard", r.Identity, h/30) >= flagsLost,
		exit:  slices.Contains(r.Flags, "Exit") && chance(seed, "exit", r.Identity, h/30) >= flagsLost,
	}
	if len(r.IPv6) > 0 {
		out.or6 = r.IPv6[0]
	}
	if r.DirPort != 0 {
		out.dir = netip.AddrPortFrom(r.Addr, r.DirPort)
	}
	if !out.exit {
		out.letsOut = chance(seed, "lets out", r.Identity, 0) < quietExits
		if out.letsOut {
			out.leaves = []netip.Addr{r.Addr}
		}
		return out
	}
	out.badExit = chance(seed, "bad", r.Identity, 0) < badExits
	out.scans = chance(seed, "scans", r.Identity, 0) >= unscanned && (!out.badExit || r.Identity[3]%2 == 0)
	other := netip.AddrFrom4([4]byte{198, 51, 100, 191 + r.Identity[0]%9})
	switch c := chance(seed, "leaves", r.Identity, 0); {
	case c < leavesElsewhere:
		out.leaves = []netip.Addr{other}
	case c < leavesElsewhere+leavesTwice:
		out.leaves = []netip.Addr{r.Addr, other}
	default:
		out.leaves = []netip.Addr{r.Addr}
	}
	return out
}

// ours are the relays that are always there: two authorities, and two relays
// that the site hosts.
func ours(seed uint64) []relay {
	var out []relay
	for i, r := range []relay{
		{nickname: "auth1", or: netip.MustParseAddrPort("203.0.113.200:443"), dir: netip.MustParseAddrPort("203.0.113.200:80"), authority: true},
		{nickname: "auth2", or: netip.MustParseAddrPort("203.0.113.201:9001"), dir: netip.MustParseAddrPort("203.0.113.201:9030"), authority: true},
		{nickname: "hosted1", or: netip.AddrPortFrom(hosted1, 9001), guard: true, hosted: true},
		{nickname: "hosted2", or: netip.AddrPortFrom(hosted2, 443), guard: true, exit: true, scans: true, leaves: []netip.Addr{hosted2}, hosted: true},
	} {
		binary.BigEndian.PutUint64(r.identity[:], seed)
		r.identity[19] = byte(i)
		r.fingerprint = fmt.Sprintf("%X", r.identity[:])
		out = append(out, r)
	}
	return out
}

// passing are relays that run for two to nine hours and are never seen again:
// most of the addresses that are new on a day are (tor.md section 10). Two run at
// a time, about.
func passing(seed uint64, h int) []relay {
	const places, period = 9, 24
	var out []relay
	for i := range places {
		r := relay{nickname: fmt.Sprintf("passing%dx%d", i, h/period), passing: true}
		binary.BigEndian.PutUint64(r.identity[:], seed)
		r.identity[8], r.identity[9], r.identity[10] = 1, byte(i), byte(h/period)
		r.fingerprint = fmt.Sprintf("%X", r.identity[:])
		first := int(chance(seed, "begins", r.identity, 0) * 14)
		last := first + 1 + int(chance(seed, "ends", r.identity, 0)*8)
		if h%period < first || h%period > last {
			continue
		}
		host := 1 + int(chance(seed, "host", r.identity, 0)*189)
		r.or = netip.AddrPortFrom(netip.AddrFrom4([4]byte{198, 51, 100, byte(host)}), uint16(9500+i)) // a port of its own: nobody else can be there
		out = append(out, r)
	}
	return out
}

func (n *network) note(h int, ap netip.AddrPort) {
	s := n.spans[ap]
	if len(s) > 0 && s[len(s)-1].to == h {
		s[len(s)-1].to++
		return
	}
	n.spans[ap] = append(s, span{h, h + 1})
}

// read reports whether the lists of an hour were read.
func read(h int) bool { return h >= firstList && h < lastList && (h < missedFrom || h >= missedTo) }

// write makes the relay table of the lists that were read.
func (n *network) write() []byte {
	m := table.NewMerger()
	var scans []table.ExitSighting
	for h := range hours {
		at := start + int64(h)*hour
		for _, r := range n.byHour[h] {
			if !r.scans || (h+int(r.identity[1]))%scanEvery != 0 {
				continue
			}
			for _, a := range r.leaves {
				scans = append(scans, table.ExitSighting{Identity: r.identity, Addr: a, Scanned: at - int64(r.identity[2])})
			}
		}
		if !read(h) {
			continue
		}
		list := table.List{ValidAfter: at, ValidUntil: at + validFor}
		for _, r := range n.byHour[h] {
			list.Relays = append(list.Relays, r.listed())
		}
		must(m.AddList(list))
		// A list holds what was seen in the day before it.
		for len(scans) > 0 && scans[0].Scanned < at-30*hour {
			scans = scans[1:]
		}
		must(m.AddExitList(table.ExitList{Downloaded: at + 120, Sightings: scans}))
	}
	var b bytes.Buffer
	_, err := m.Write(&b, table.Options{})
	must(err)
	return b.Bytes()
}

func (r relay) listed() table.ListedRelay {
	out := table.ListedRelay{Identity: r.identity, Nickname: r.nickname, Ports: []netip.AddrPort{r.or}, Dir: r.dir}
	if r.or6.IsValid() {
		out.Ports = append(out.Ports, r.or6)
	}
	for flag, set := range map[flow.Flags]bool{flow.Guard: r.guard, flow.Exit: r.exit, flow.BadExit: r.badExit, flow.DirAuthority: r.authority} {
		if set {
			out.Flags |= flag
		}
	}
	return out
}

// running returns the relays that run at a time.
func (n *network) running(at int64) []relay {
	return n.byHour[min(max(int((at-start)/hour), 0), hours-1)]
}

// runs returns the relay as it is at a time, if it is at that OR port still.
func (n *network) runs(was relay, at int64) (relay, bool) {
	for _, r := range n.running(at) {
		if r.identity == was.identity && r.or == was.or {
			return r, true
		}
	}
	return relay{}, false
}

// listedAt reports whether any consensus that is valid at a time holds an OR
// port, whether we read it or not.
func (n *network) listedAt(ap netip.AddrPort, at int64) bool {
	return n.holds(ap, at, func(int) bool { return true })
}

// readAt is listedAt for the consensuses that were read. A relay that missed some
// lists may come back in one that was not.
func (n *network) readAt(ap netip.AddrPort, at int64) bool { return n.holds(ap, at, read) }

func (n *network) holds(ap netip.AddrPort, at int64, list func(h int) bool) bool {
	for _, s := range n.spans[ap] {
		for h := max(s.from, int((at-start)/hour)-3); h < s.to && start+int64(h)*hour <= at; h++ {
			if list(h) && at <= start+int64(h)*hour+validFor {
				return true
			}
		}
	}
	return false
}

// neighbours counts the relays that share an address at a time.
func (n *network) neighbours(a netip.Addr, at int64) int {
	count := 0
	for _, r := range n.running(at) {
		if r.or.Addr() == a {
			count++
		}
	}
	return count
}

// chance is a number in [0, 1) that stays the same for a relay and a period.
func chance(seed uint64, what string, identity [20]byte, period int) float64 {
	var text [64]byte // of the usual words; a longer one allocates
	b := binary.BigEndian.AppendUint64(text[:0], seed)
	b = append(b, what...)
	b = append(b, identity[:]...)
	b = binary.BigEndian.AppendUint64(b, uint64(period))
	h := fnv.New64a()
	h.Write(b)
	x := h.Sum64()
	x ^= x >> 33 // FNV leaves the high bits of short texts alike
	x *= 0xff51afd7ed558ccd
	x ^= x >> 33
	return float64(x>>11) / (1 << 53)
}

// must is for what cannot fail unless the generator itself is wrong.
func must(err error) {
	if err != nil {
		panic(err)
	}
}
