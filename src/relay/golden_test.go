package relay

import (
	"cmp"
	"fmt"
	"math"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"tordetect/src/flow"
)

// golden is the relay table as the design describes it, without index, order or
// care for speed: rows and lists as they came, each question answered by going
// through all of them.
type golden struct {
	rows             []Entry
	lists, exitLists []flow.Interval
}

// joined returns the rows, those of one relay, port and flags joined where they
// overlap or touch, until nothing is left to join.
func (g *golden) joined() []Entry {
	rows := slices.Clone(g.rows)
	for again := true; again; {
		again = false
		for i := 0; i < len(rows); i++ {
			for j := len(rows) - 1; j > i; j-- {
				a, b := &rows[i], &rows[j]
				touch := a.First <= b.Last && b.First <= a.Last || a.Last+1 == b.First || b.Last+1 == a.First
				if a.Addr == b.Addr && a.Kind == b.Kind && a.Port == b.Port && a.Fingerprint == b.Fingerprint && a.Flags == b.Flags && touch {
					a.First, a.Last = min(a.First, b.First), max(a.Last, b.Last)
					rows = slices.Delete(rows, j, j+1)
					again = true
				}
			}
		}
	}
	return rows
}

func in(moment int64, first, last int64) bool { return first <= moment && moment <= last }

func (g *golden) Lookup(addr netip.Addr, at flow.Interval) []placed {
	var out []placed
	rows := g.joined()
	for _, e := range rows {
		if e.Addr != addr {
			continue
		}
		overlap := e.First <= at.To && e.Last >= at.From
		if e.Kind == flow.Bridge || e.Kind == flow.Authority || e.Kind == flow.AuthorityDir {
			if overlap {
				out = append(out, placed{e, flow.Listed, 0})
			}
			continue
		}
		lists := g.lists
		if e.Kind == flow.ExitAddress {
			lists = g.exitLists
		}
		// relayIn: is the relay, with whatever flags, on that port at the moment?
		relayIn := func(moment int64) bool {
			return slices.ContainsFunc(rows, func(o Entry) bool {
				return o.Addr == e.Addr && o.Kind == e.Kind && o.Port == e.Port && o.Fingerprint == e.Fingerprint && in(moment, o.First, o.Last)
			})
		}
		// The lists beside the interval, and whether one was read in it.
		inside := false
		before, after := int64(math.MinInt64), int64(math.MaxInt64)
		for _, l := range lists {
			switch {
			case l.To < at.From:
				before = max(before, l.To)
			case l.From > at.To:
				after = min(after, l.From)
			default:
				inside = true
			}
		}
		hasBefore, hasAfter := before != math.MinInt64, after != math.MaxInt64
		nearest, away := before, at.From-before
		if !hasBefore || hasAfter && after-at.To < away {
			nearest, away = after, after-at.To
		}
		outside := !inside && (hasBefore || hasAfter)
		atABoundary := hasBefore && in(before, e.First, e.Last) || hasAfter && in(after, e.First, e.Last)

		laterListLacksIt := slices.ContainsFunc(lists, func(l flow.Interval) bool { return l.To > e.Last }) &&
			!slices.ContainsFunc(rows, func(o Entry) bool { // another row of the relay took over
				return o.Addr == e.Addr && o.Kind == e.Kind && o.Port == e.Port && o.Fingerprint == e.Fingerprint &&
					o.Last > e.Last && o.First <= at.To
			})
		switch {
		case in(at.From, e.First, e.Last) || in(at.To, e.First, e.Last):
			out = append(out, placed{e, flow.Listed, 0})
		case overlap:
			out = append(out, placed{e, flow.Spanned, 0})
		case outside && hasBefore && hasAfter && relayIn(before) && relayIn(after) && atABoundary:
			out = append(out, placed{e, flow.Stale, 0})
		case outside && in(nearest, e.First, e.Last):
			out = append(out, placed{e, flow.Stale, away})
		case at.To < e.First:
			out = append(out, placed{e, flow.Later, e.First - at.To})
		case e.Kind != flow.ExitAddress && at.From-e.Last <= 24*60*60 && laterListLacksIt:
			out = append(out, placed{e, flow.Recent, at.From - e.Last})
		default:
			out = append(out, placed{e, flow.Earlier, at.From - e.Last})
		}
	}
	return out
}

// Coverage asks each moment that may differ from its neighbours.
func (g *golden) Coverage(at flow.Interval) flow.Coverage {
	moments := []int64{at.From, at.To}
	for _, l := range g.lists {
		moments = append(moments, l.From-1, l.From, l.To, l.To+1)
	}
	worst := flow.CoverageFull
	for _, m := range moments {
		if in(m, at.From, at.To) {
			worst = max(worst, g.coverageOf(m))
		}
	}
	return worst
}

func (g *golden) coverageOf(moment int64) flow.Coverage {
	if len(g.lists) == 0 {
		return flow.CoverageNone
	}
	var earlier, later bool
	for _, l := range g.lists {
		if in(moment, l.From, l.To) {
			return flow.CoverageFull
		}
		earlier = earlier || l.To < moment
		later = later || l.From > moment
	}
	switch {
	case earlier && later:
		return flow.CoverageGap
	case earlier:
		return flow.CoverageStale
	}
	return flow.CoverageBefore
}

func (g *golden) ExitElsewhere(fingerprint string, addr netip.Addr, at flow.Interval) bool {
	rows := g.joined()
	return slices.ContainsFunc(rows, func(e Entry) bool {
		if e.Kind != flow.ExitAddress || e.Fingerprint != fingerprint || e.Addr == addr || e.First > at.To || e.Last < at.From {
			return false
		}
		scanned := max(e.First, e.Last-24*60*60)
		here := func(o Entry) bool { return o.Kind == flow.ORPort && o.Fingerprint == fingerprint && o.Addr == addr }
		return !slices.ContainsFunc(rows, here) ||
			slices.ContainsFunc(rows, func(o Entry) bool { return here(o) && o.First <= scanned })
	})
}

// placed is a Listing by value, to compare.
type placed struct {
	Entry
	When flow.When
	Away int64
}

func (p placed) String() string {
	return fmt.Sprintf("%s port %d kind %d flags %d %.4s [%d,%d] when %d away %d", p.Addr, p.Port, p.Kind, p.Flags, p.Fingerprint, p.First, p.Last, p.When, p.Away)
}

func asText(all []placed) []string {
	out := make([]string, 0, len(all))
	for _, p := range all {
		out = append(out, p.String())
	}
	slices.Sort(out)
	return out
}

func byValue(all []Listing) []placed {
	var out []placed
	for _, l := range all {
		out = append(out, placed{*l.Entry, l.When, l.Away})
	}
	return out
}

// hex40 makes a fingerprint of one letter or digit.
func hex40(c string) string { return strings.Repeat(c, 40) }

// kindWords and flagWords are how a table writes kinds and flags.
var kindWords = map[flow.Kind]string{flow.ORPort: "or", flow.DirPort: "dir", flow.ExitAddress: "exit"}

func flagWords(f flow.Flags) string {
	var words []string
	for i, w := range []string{"Guard", "Exit", "BadExit", "Authority"} {
		if f&(1<<i) != 0 {
			words = append(words, w)
		}
	}
	return strings.Join(words, " ")
}

const tableHeader = "ip,port,role,flags,fingerprint,nickname,first_seen,last_seen\n"

// line writes a row of a table.
func line(e Entry) string {
	port := fmt.Sprint(e.Port)
	if e.Kind == flow.ExitAddress {
		port = ""
	}
	return fmt.Sprintf("%s,%s,%s,%s,%s,%s,%d,%d\n", e.Addr, port, kindWords[e.Kind], flagWords(e.Flags), e.Fingerprint, e.Nickname, e.First, e.Last)
}

// base is about when one of moria1's built-in lines ended (2023-04-03), so that
// tables and built-in lines meet.
const base, step = int64(1680480000 - 10*step), 6 * 60 * 60

// moment draws a time on a grid of 6 hours, or a second beside it: four steps
// are the 24 hours of Recent, and ends often meet, touch or just miss.
func moment(t *rapid.T, label string) int64 {
	return base + rapid.Int64Range(0, 24).Draw(t, label)*step + rapid.SampledFrom([]int64{0, 0, 0, -1, 1}).Draw(t, label+" beside")
}

func interval(t *rapid.T, label string) flow.Interval {
	a, b := moment(t, label+" from"), moment(t, label+" to")
	if rapid.Bool().Draw(t, label+" is a moment") {
		b = a
	}
	return flow.Interval{From: min(a, b), To: max(a, b)}
}

func TestAgainstGolden(t *testing.T) {
	addrs := []netip.Addr{
		netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2"), netip.MustParseAddr("2001:db8::1"),
		netip.MustParseAddr("128.31.0.39"), netip.MustParseAddr("2001:67c:289c::9"), // built in
		netip.MustParseAddr("203.0.113.99"), // in no table
	}
	var seen [flow.Earlier + 1]int
	rapid.Check(t, func(t *rapid.T) {
		g := &golden{rows: builtIn()}
		table := Empty()
		for range rapid.IntRange(0, 3).Draw(t, "tables") {
			whole := rapid.IntRange(0, 5).Draw(t, "cut") > 0
			var lines []string
			for range rapid.IntRange(0, 12).Draw(t, "rows") {
				at := interval(t, "row")
				e := Entry{
					Addr:        rapid.SampledFrom(addrs[:5]).Draw(t, "addr"),
					Kind:        rapid.SampledFrom([]flow.Kind{flow.ORPort, flow.ORPort, flow.ORPort, flow.DirPort, flow.ExitAddress}).Draw(t, "kind"),
					Flags:       rapid.SampledFrom([]flow.Flags{0, flow.Guard, flow.Exit | flow.Guard}).Draw(t, "flags"),
					Fingerprint: hex40(rapid.SampledFrom([]string{"A", "B"}).Draw(t, "relay")),
					First:       at.From, Last: at.To,
				}
				if e.Kind != flow.ExitAddress {
					e.Port = rapid.SampledFrom([]uint16{443, 443, 9001}).Draw(t, "port")
				}
				lines = append(lines, line(e))
				g.rows = append(g.rows, e)
			}
			for range rapid.IntRange(0, 3).Draw(t, "lists") {
				at := interval(t, "list")
				lines = append(lines, fmt.Sprintf(",,coverage,,,,%d,%d\n", at.From, at.To))
				if whole {
					g.lists = append(g.lists, at)
				}
			}
			for range rapid.IntRange(0, 2).Draw(t, "exit lists") {
				at := interval(t, "exit list")
				lines = append(lines, fmt.Sprintf(",,exit_coverage,,,,%d,%d\n", at.From, at.To))
				if whole {
					g.exitLists = append(g.exitLists, at)
				}
			}
			text := tableHeader + strings.Join(rapid.Permutation(lines).Draw(t, "order"), "")
			if whole {
				text += fmt.Sprintf(",%d,end,,,,,\n", len(lines))
			}
			require.NoError(t, table.Extend(text))
			require.Zero(t, table.Skipped)
		}
		for range 20 {
			at, addr := interval(t, "question"), rapid.SampledFrom(addrs).Draw(t, "of")
			found := table.Lookup(nil, addr, at)
			require.Equal(t, asText(g.Lookup(addr, at)), asText(byValue(found)), "%s at %v, lists %v, exit lists %v", addr, at, g.lists, g.exitLists)
			require.Equal(t, g.Coverage(at), table.Coverage(at), "%v in %v", at, g.lists)
			for _, relay := range []string{hex40("A"), hex40("B"), ""} {
				require.Equal(t, g.ExitElsewhere(relay, addr, at), table.ExitElsewhere(relay, addr, at), "%.4s %s %v", relay, addr, at)
			}
			for _, l := range found {
				seen[l.When]++
			}
		}
		newest, ok := table.Newest()
		require.Equal(t, len(g.lists) > 0, ok)
		if ok {
			require.Equal(t, slices.MaxFunc(g.lists, func(a, b flow.Interval) int { return cmp.Compare(a.To, b.To) }).To, newest)
			oldest, _ := table.Oldest()
			require.Equal(t, slices.MinFunc(g.lists, func(a, b flow.Interval) int { return cmp.Compare(a.From, b.From) }).From, oldest)
		}
	})
	for when, n := range seen {
		require.NotZero(t, n, "no question was answered with %d", when)
	}
}
