package relay

import (
	"fmt"
	"math"
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"tordetect/src/flow"
)

// The network of these tests, in hours; h(0) is an hour like any other.
//
//	                0        10                   40        50
//	consensuses     |--------|                    |---------|
//	anna  :9001     |--------|                    |---------|    there before and after the gap
//	bert  :9001     |--------|                                   gone after the gap
//	carl  :9001                                   |---------|    new after the gap
//	dora  :9001       2---6                                      left while lists were read
//	emil  :9001     0--4    (Guard)  3--10 (no flags)            lost a flag
//	fred  :9001       2-4                           43-47        left and came back
//	exit lists         3---8
//	gina  exit         3---8                                     leaves from .17, her OR address is .7
//
// Addresses are 192.0.2.1 (anna) to 192.0.2.7 (gina).
const network = tableHeader + `
,,coverage,,,,0,10
,,coverage,,,,40,50
,,exit_coverage,,,,3,8
192.0.2.1,9001,or,Guard,1111111111111111111111111111111111111111,anna,0,10
192.0.2.1,9001,or,Guard,1111111111111111111111111111111111111111,anna,40,50
2001:db8::1,9002,or,Guard,1111111111111111111111111111111111111111,anna,0,10
192.0.2.2,9001,or,Guard,2222222222222222222222222222222222222222,bert,0,10
192.0.2.3,9001,or,Guard,3333333333333333333333333333333333333333,carl,40,50
192.0.2.4,9001,or,Guard,4444444444444444444444444444444444444444,dora,2,6
192.0.2.4,9030,dir,Guard,4444444444444444444444444444444444444444,dora,2,6
192.0.2.5,9001,or,Guard,5555555555555555555555555555555555555555,emil,0,4
192.0.2.5,9001,or,,5555555555555555555555555555555555555555,emil,3,10
192.0.2.6,9001,or,,6666666666666666666666666666666666666666,fred,2,4
192.0.2.6,9001,or,,6666666666666666666666666666666666666666,fred,43,47
192.0.2.7,443,or,Exit,7777777777777777777777777777777777777777,gina,0,10
192.0.2.17,,exit,Exit,7777777777777777777777777777777777777777,gina,3,8
`

const zero = 1795420800 // 2026-11-23T08:00:00Z

func h(hours float64) int64 { return zero + int64(hours*3600) }

func hours(from, to float64) flow.Interval { return flow.Interval{From: h(from), To: h(to)} }

// inHours turns the last two columns from hours to epoch seconds and adds the
// end row.
func inHours(t testing.TB, table string) string {
	t.Helper()
	var b strings.Builder
	n := -1 // the header
	for l := range strings.Lines(table) {
		l = strings.TrimSuffix(l, "\n")
		if l == "" {
			continue
		}
		cells := strings.Split(l, ",")
		if n >= 0 {
			for i := 6; i < 8; i++ {
				var hour float64
				_, err := fmt.Sscan(cells[i], &hour)
				require.NoError(t, err)
				cells[i] = fmt.Sprint(h(hour))
			}
		}
		b.WriteString(strings.Join(cells, ",") + "\n")
		n++
	}
	fmt.Fprintf(&b, ",%d,end,,,,,\n", n)
	return b.String()
}

// withoutEnd takes the end row off a table.
func withoutEnd(table string) string {
	return table[:strings.LastIndexByte(strings.TrimSuffix(table, "\n"), '\n')+1]
}

func parsedNetwork(t testing.TB) *Table {
	t.Helper()
	table, err := Parse(inHours(t, network))
	require.NoError(t, err)
	require.True(t, table.Complete)
	require.Zero(t, table.Skipped)
	return table
}

// words writes listings so that a person can judge them: nickname, port, the
// row's hours, how it stands, how many hours away.
func words(all []Listing) []string {
	var out []string
	for _, l := range all {
		when := [...]string{"listed", "spanned", "recent", "stale", "later", "earlier"}[l.When]
		out = append(out, fmt.Sprintf("%s:%d [%g,%g] %s %g", l.Nickname, l.Port, hour(l.First), hour(l.Last), when, float64(l.Away)/3600))
	}
	return out
}

func hour(second int64) float64 { return float64(second-zero) / 3600 }

const second = 1.0 / 3600

func TestLookup(t *testing.T) {
	table := parsedNetwork(t)
	for _, c := range []struct {
		about string
		addr  string
		at    flow.Interval
		want  []string
	}{
		{"inside a row", "192.0.2.4", hours(3, 3), []string{"dora:9001 [2,6] listed 0", "dora:9030 [2,6] listed 0"}},
		{"a row's first moment", "192.0.2.3", hours(40, 40), []string{"carl:9001 [40,50] listed 0"}},
		{"a row's last moment", "192.0.2.3", hours(50, 50), []string{"carl:9001 [40,50] listed 0"}},
		{"an interval that ends when the row begins", "192.0.2.3", hours(30, 40), []string{"carl:9001 [40,50] listed 0"}},
		{"an interval that begins when the row ends", "192.0.2.3", hours(50, 60), []string{"carl:9001 [40,50] listed 0"}},
		{"an interval around a row", "192.0.2.3", hours(39, 51), []string{"carl:9001 [40,50] spanned 0"}},
		{"an interval around all rows", "192.0.2.1", hours(-1, 51), []string{"anna:9001 [0,10] spanned 0", "anna:9001 [40,50] spanned 0"}},
		{"an interval over the gap, both ends listed", "192.0.2.1", hours(9, 41), []string{"anna:9001 [0,10] listed 0", "anna:9001 [40,50] listed 0"}},
		{"an interval that ends when the lists begin again", "192.0.2.1", hours(24, 40), []string{"anna:9001 [0,10] earlier 14", "anna:9001 [40,50] listed 0"}},
		{"an interval that begins when the lists end", "192.0.2.1", hours(10, 24), []string{"anna:9001 [0,10] listed 0", "anna:9001 [40,50] later 16"}},
		{"no relay", "192.0.2.200", hours(3, 3), nil},
		{"IPv6 has its own port", "2001:db8::1", hours(3, 3), []string{"anna:9002 [0,10] listed 0"}},

		{"left an hour ago", "192.0.2.4", hours(7, 7), []string{"dora:9001 [2,6] recent 1", "dora:9030 [2,6] recent 1"}},
		{"left 24 hours ago", "192.0.2.4", hours(30, 30), []string{"dora:9001 [2,6] recent 24", "dora:9030 [2,6] recent 24"}},
		{"left a second more than that ago", "192.0.2.4", flow.Interval{From: h(30) + 1, To: h(30) + 1}, []string{
			fmt.Sprintf("dora:9001 [2,6] earlier %g", 24+second), fmt.Sprintf("dora:9030 [2,6] earlier %g", 24+second)}},
		{"began within the 24 hours, ends later", "192.0.2.4", hours(30, 45), []string{"dora:9001 [2,6] recent 24", "dora:9030 [2,6] recent 24"}},
		{"not yet there", "192.0.2.4", hours(1, 1), []string{"dora:9001 [2,6] later 1", "dora:9030 [2,6] later 1"}},
		{"lost a flag: one row took over", "192.0.2.5", hours(7, 7), []string{"emil:9001 [3,10] listed 0", "emil:9001 [0,4] earlier 3"}},
		{"while the rows of both flags hold", "192.0.2.5", hours(3.5, 3.5), []string{"emil:9001 [3,10] listed 0", "emil:9001 [0,4] listed 0"}},
		{"left and came back, asked between", "192.0.2.6", hours(9, 9), []string{"fred:9001 [2,4] recent 5", "fred:9001 [43,47] later 34"}},
		{"left and came back, asked after", "192.0.2.6", hours(48, 48), []string{"fred:9001 [2,4] earlier 44", "fred:9001 [43,47] recent 1"}},

		{"before the first list, which has it", "192.0.2.2", hours(-5, -5), []string{"bert:9001 [0,10] stale 5"}},
		{"before the first list, which lacks it", "192.0.2.4", hours(-5, -5), []string{"dora:9001 [2,6] later 7", "dora:9030 [2,6] later 7"}},
		{"after the newest list, which has it", "192.0.2.3", hours(53, 53), []string{"carl:9001 [40,50] stale 3"}},
		{"far after the newest list", "192.0.2.3", hours(50+400*24, 50+400*24), []string{"carl:9001 [40,50] stale 9600"}},
		{"after the newest list, which lacks it, by a day", "192.0.2.6", hours(51, 51), []string{"fred:9001 [2,4] earlier 47", "fred:9001 [43,47] recent 4"}},
		{"after the newest list, gone long before", "192.0.2.2", hours(53, 53), []string{"bert:9001 [0,10] earlier 43"}},
		{"in the gap, on both sides of it", "192.0.2.1", hours(24, 24), []string{"anna:9001 [0,10] stale 0", "anna:9001 [40,50] stale 0"}},
		{"in the gap, near the list that has it", "192.0.2.2", hours(12, 12), []string{"bert:9001 [0,10] stale 2"}},
		{"in the middle of the gap the list before is the nearest", "192.0.2.2", hours(25, 25), []string{"bert:9001 [0,10] stale 15"}},
		{"in the gap, near the list that lacks it, within a day", "192.0.2.2", hours(33, 33), []string{"bert:9001 [0,10] recent 23"}},
		{"in the gap, near the list that lacks it", "192.0.2.2", hours(39, 39), []string{"bert:9001 [0,10] earlier 29"}},
		{"in the gap, near the list that begins to have it", "192.0.2.3", hours(39, 39), []string{"carl:9001 [40,50] stale 1"}},
		{"in the gap, far from the list that begins to have it", "192.0.2.3", hours(12, 12), []string{"carl:9001 [40,50] later 28"}},
		{"an interval in the gap", "192.0.2.2", hours(12, 20), []string{"bert:9001 [0,10] stale 2"}},
		{"lost a flag, then the lists end", "192.0.2.5", hours(12, 12), []string{"emil:9001 [3,10] stale 2", "emil:9001 [0,4] earlier 8"}},

		{"an exit's other address", "192.0.2.17", hours(5, 5), []string{"gina:0 [3,8] listed 0"}},
		{"exit lists have coverage of their own", "192.0.2.17", hours(9, 9), []string{"gina:0 [3,8] stale 1"}},
	} {
		t.Run(c.about, func(t *testing.T) {
			require.Equal(t, c.want, words(table.Lookup(nil, netip.MustParseAddr(c.addr), c.at)))
		})
	}
}

// The grace of 24 hours is for clients with an old consensus; the time of an
// exit row holds the 24 hours after the scan already.
func TestLookupExitIsNeverRecent(t *testing.T) {
	table, err := Parse(inHours(t, tableHeader+`,,exit_coverage,,,,0,30
192.0.2.17,,exit,Exit,7777777777777777777777777777777777777777,gina,3,8
`))
	require.NoError(t, err)
	require.Equal(t, []string{"gina:0 [3,8] earlier 1"}, words(table.Lookup(nil, netip.MustParseAddr("192.0.2.17"), hours(9, 9))))
}

// A table that was cut has no coverage, so nothing is near a list.
func TestLookupWithoutLists(t *testing.T) {
	table, err := Parse(withoutEnd(inHours(t, network)))
	require.NoError(t, err)
	require.False(t, table.Complete)
	require.Equal(t, flow.CoverageNone, table.Coverage(hours(3, 3)))
	require.Equal(t, []string{"dora:9001 [2,6] listed 0", "dora:9030 [2,6] listed 0"}, words(table.Lookup(nil, netip.MustParseAddr("192.0.2.4"), hours(3, 3))))
	require.Equal(t, []string{"dora:9001 [2,6] earlier 1", "dora:9030 [2,6] earlier 1"}, words(table.Lookup(nil, netip.MustParseAddr("192.0.2.4"), hours(7, 7))))
	require.Equal(t, []string{"carl:9001 [40,50] earlier 3"}, words(table.Lookup(nil, netip.MustParseAddr("192.0.2.3"), hours(53, 53))))
	_, ok := table.Newest()
	require.False(t, ok)
	_, ok = table.Oldest()
	require.False(t, ok)
}

func TestLookupAppends(t *testing.T) {
	table := parsedNetwork(t)
	found := table.Lookup(nil, netip.MustParseAddr("192.0.2.3"), hours(45, 45))
	found = table.Lookup(found, netip.MustParseAddr("192.0.2.200"), hours(3, 3))
	found = table.Lookup(found, netip.MustParseAddr("192.0.2.2"), hours(3, 3))
	require.Equal(t, []string{"carl:9001 [40,50] listed 0", "bert:9001 [0,10] listed 0"}, words(found))
	require.Empty(t, (&Table{}).Lookup(nil, netip.MustParseAddr("192.0.2.2"), hours(3, 3)), "the zero table")
}

func TestSharedAddress(t *testing.T) {
	table, err := Parse(inHours(t, tableHeader+`,,coverage,,,,0,10
192.0.2.1,9001,or,Exit Guard,AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA,one,0,10
192.0.2.1,9002,or,,BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB,two,0,10
192.0.2.2,9001,or,,DDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDD,else,0,10
192.0.2.1,9001,or,BadExit Authority Fast,CCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCC,three,0,4
`))
	require.NoError(t, err)
	found := table.Lookup(nil, netip.MustParseAddr("192.0.2.1"), hours(3, 3))
	require.Equal(t, []string{"one:9001 [0,10] listed 0", "three:9001 [0,4] listed 0", "two:9002 [0,10] listed 0"}, words(found))
	require.Equal(t, flow.Exit|flow.Guard, found[0].Flags)
	require.Equal(t, flow.BadExit|flow.DirAuthority, found[1].Flags)
	require.Zero(t, found[2].Flags)
}

func TestCoverage(t *testing.T) {
	table := parsedNetwork(t)
	for _, c := range []struct {
		about string
		at    flow.Interval
		want  string
	}{
		{"a moment in a list", hours(5, 5), "full"},
		{"the first moment", hours(0, 0), "full"},
		{"a second before it", hours(-second, -second), "before"},
		{"the last moment", hours(50, 50), "full"},
		{"a second after it", hours(50+second, 50+second), "stale"},
		{"the gap's first second", hours(10+second, 10+second), "gap"},
		{"the gap's last second", hours(40-second, 40-second), "gap"},
		{"an interval in a list", hours(0, 10), "full"},
		{"into the gap", hours(9, 11), "gap"},
		{"over the gap", hours(9, 41), "gap"},
		{"past the newest list", hours(49, 51), "stale"},
		{"over the gap and past the newest list", hours(9, 51), "stale"},
		{"from before the first list", hours(-1, 5), "before"},
		{"over everything", hours(-1, 51), "before"},
	} {
		require.Equal(t, c.want, table.Coverage(c.at).String(), c.about)
	}
	require.Equal(t, "none", Empty().Coverage(hours(5, 5)).String())

	newest, ok := table.Newest()
	require.True(t, ok)
	require.Equal(t, h(50), newest)
	oldest, ok := table.Oldest()
	require.True(t, ok)
	require.Equal(t, h(0), oldest)
}

func TestExitElsewhere(t *testing.T) {
	table := parsedNetwork(t)
	gina, anna := strings.Repeat("7", 40), strings.Repeat("1", 40)
	or, out := netip.MustParseAddr("192.0.2.7"), netip.MustParseAddr("192.0.2.17")
	require.True(t, table.ExitElsewhere(gina, or, hours(5, 5)))
	require.True(t, table.ExitElsewhere(gina, or, hours(8, 9)), "an interval that begins when the scan's day ends")
	require.True(t, table.ExitElsewhere(gina, or, hours(1, 3)), "an interval that ends at the scan")
	require.False(t, table.ExitElsewhere(gina, or, hours(2, 2)), "no exit list of that time")
	require.False(t, table.ExitElsewhere(gina, or, hours(9, 9)), "no exit list of that time")
	require.False(t, table.ExitElsewhere(gina, out, hours(5, 5)), "this is the address")
	require.False(t, table.ExitElsewhere(anna, or, hours(5, 5)), "no exit")

	// An exit that moves: seen at its old address at 2 h, listed at the new one
	// from 10 h; scanned there for the first time at 30 h, leaving from a third.
	moves, err := Parse(inHours(t, tableHeader+`
,,coverage,,,,0,60
,,exit_coverage,,,,0,60
192.0.2.7,443,or,Exit,7777777777777777777777777777777777777777,gina,0,10
192.0.2.8,443,or,Exit,7777777777777777777777777777777777777777,gina,10,20
192.0.2.8,443,or,Exit Guard,7777777777777777777777777777777777777777,gina,20,60
192.0.2.7,,exit,,7777777777777777777777777777777777777777,gina,2,26
192.0.2.17,,exit,,7777777777777777777777777777777777777777,gina,30,54
`))
	require.NoError(t, err)
	next := netip.MustParseAddr("192.0.2.8")
	require.False(t, moves.ExitElsewhere(gina, next, hours(15, 15)), "the scan is of the time before")
	require.True(t, moves.ExitElsewhere(gina, next, hours(35, 35)), "and this one is not, flags apart")
}

func TestLookupUndated(t *testing.T) {
	table := parsedNetwork(t)
	require.Empty(t, table.LookupUndated(nil, netip.MustParseAddr("192.0.2.1")), "the table needs a time")
	require.Empty(t, table.LookupUndated(nil, netip.MustParseAddr("192.95.36.142")), "a former bridge")
	found := table.LookupUndated(nil, netip.MustParseAddr("45.145.95.6"))
	require.Len(t, found, 1)
	require.Equal(t, flow.Bridge, found[0].Kind)
	require.Equal(t, uint16(27015), found[0].Port)
	require.Equal(t, int64(math.MaxInt64), found[0].Last)
}

func TestNoAllocation(t *testing.T) {
	table := parsedNetwork(t)
	addrs := []netip.Addr{netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.200"), netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("131.188.40.189")}
	found := make([]Listing, 0, 16)
	gina := strings.Repeat("7", 40)
	require.Zero(t, testing.AllocsPerRun(100, func() {
		for _, addr := range addrs {
			for from := -5.0; from < 60; from += 5 {
				at := hours(from, from+3)
				found = table.Lookup(found[:0], addr, at)
				found = table.LookupUndated(found, addr)
				table.Coverage(at)
				table.ExitElsewhere(gina, addr, at)
			}
		}
	}))
}
