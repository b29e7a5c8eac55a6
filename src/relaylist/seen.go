package relaylist

import (
	"net/netip"
	"slices"

	"tordetect/src/flow"
	"tordetect/src/relay"
)

// Seen is one line of the answer to "what was this address at that time?".
type Seen struct {
	Addr     netip.Addr
	At       int64  // epoch seconds
	Answer   string // a word: listed, recent, stale, later, earlier, not listed, no list
	Coverage string // full, gap, stale, before, none: of that time
	// Of a listing.
	Role        string // or, dir, exit, bridge, authority
	Port        uint16 // 0 for an exit address
	Flags       string
	Fingerprint string
	Nickname    string
	First, Last int64 // 0 for what the program knows without a table
	Away        int64 // seconds between the time and the listing or the nearest list
}

// answers are the words for how a listing stands to the time.
var answers = map[flow.When]string{
	flow.Listed: "listed", flow.Spanned: "listed", flow.Recent: "recent",
	flow.Stale: "stale", flow.Later: "later", flow.Earlier: "earlier",
}

var roles = map[flow.Kind]string{
	flow.ORPort: "or", flow.DirPort: "dir", flow.ExitAddress: "exit",
	flow.Bridge: "bridge", flow.Authority: "authority", flow.AuthorityDir: "authority dir",
}

// Lookup says what an address was at a time: every listing that held then; if
// none did, a line that says "not listed" or, where no list was read for that
// time, "no list", and behind it the nearest listings before and after.
func Lookup(n *relay.Network, addr netip.Addr, at int64) []Seen {
	addr = addr.Unmap().WithZone("")
	moment := flow.Interval{From: at, To: at}
	t := n.At(moment, true)
	coverage := t.Coverage(moment)
	line := func(l relay.Listing) Seen {
		s := Seen{
			Addr: addr, At: at, Coverage: coverage.String(), Answer: answers[l.When],
			Role: roles[l.Kind], Port: l.Port, Flags: l.Flags.String(), Fingerprint: l.Fingerprint, Nickname: l.Nickname, Away: l.Away,
		}
		if !l.Kind.BuiltIn() {
			s.First, s.Last = l.First, l.Last
		}
		return s
	}
	var then, nearest []Seen
	for _, l := range t.Lookup(nil, addr, moment) {
		if l.When == flow.Listed {
			then = append(then, line(l))
			continue
		}
		nearest = append(nearest, line(l))
	}
	if len(then) > 0 {
		return then
	}
	answer := "not listed"
	if coverage != flow.CoverageFull {
		answer = "no list"
	}
	slices.SortStableFunc(nearest, func(a, b Seen) int { return int(min(max(a.Away-b.Away, -1), 1)) })
	return append([]Seen{{Addr: addr, At: at, Answer: answer, Coverage: coverage.String()}}, nearest[:min(len(nearest), maxNearest)]...)
}

// maxNearest bounds the listings of other times that are told: a few of each
// of the eight relays that may share an address.
const maxNearest = 20
