package relay

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"tordetect/src/flow"
)

// document is a consensus, or an exit list.
type document struct {
	list  *List
	exits *ExitList
}

func (d document) add(t require.TestingT, m *Merger) {
	if d.list != nil {
		require.NoError(t, m.AddList(*d.list))
	} else {
		require.NoError(t, m.AddExitList(*d.exits))
	}
}

// documents draws consensuses of a few relays that keep changing their flags,
// ports, addresses and names, some of them several for one hour, and exit
// lists. They are in the order of time.
func documents(t *rapid.T) (lists, exits []document) {
	hour := int64(3600)
	at := base
	for range rapid.IntRange(1, 25).Draw(t, "lists") {
		at += rapid.SampledFrom([]int64{0, hour, hour, hour, 3 * hour, 3*hour + 1, 3*hour + 2, 10 * hour}).Draw(t, "later")
		l := &List{ValidAfter: at, ValidUntil: at + rapid.SampledFrom([]int64{3 * hour, 3 * hour, 3 * hour, hour, 20}).Draw(t, "valid")}
		for range rapid.IntRange(0, 4).Draw(t, "relays") {
			l.Relays = append(l.Relays, ListedRelay{
				Identity: identityOf(rapid.SampledFrom([]string{"A", "B", "C"}).Draw(t, "relay")),
				Nickname: rapid.SampledFrom([]string{"", "anna", "bert"}).Draw(t, "nickname"),
				Flags:    rapid.SampledFrom([]flow.Flags{0, flow.Guard, flow.Guard | flow.Exit}).Draw(t, "flags"),
				Ports: rapid.SliceOfN(rapid.SampledFrom(ports("192.0.2.1:443", "192.0.2.1:9001", "192.0.2.2:443", "[2001:db8::1]:443")), 0, 3).
					Draw(t, "ports"),
				Dir: rapid.SampledFrom([]netip.AddrPort{{}, {}, netip.MustParseAddrPort("192.0.2.1:9030")}).Draw(t, "dir"),
			})
		}
		lists = append(lists, document{list: l})
	}
	for range rapid.IntRange(0, 5).Draw(t, "exit lists") {
		e := &ExitList{Downloaded: base + rapid.Int64Range(0, 60).Draw(t, "downloaded")*hour}
		for range rapid.IntRange(0, 3).Draw(t, "sightings") {
			e.Sightings = append(e.Sightings, ExitSighting{
				Identity: identityOf(rapid.SampledFrom([]string{"A", "B", "C", "D"}).Draw(t, "exit")),
				Addr:     rapid.SampledFrom([]netip.Addr{netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("203.0.113.1")}).Draw(t, "exit's address"),
				Scanned:  e.Downloaded - rapid.Int64Range(0, 80).Draw(t, "scanned")*hour,
			})
		}
		exits = append(exits, document{exits: e})
	}
	return lists, exits
}

// merged merges the documents at once.
func merged(t require.TestingT, o Options, all ...document) string {
	m := NewMerger()
	for _, d := range all {
		d.add(t, m)
	}
	text, _ := written(t, m, o)
	return text
}

// inRuns merges the documents in several runs that each pass on a table.
func inRuns(t *rapid.T, o Options, all []document) string {
	text := ""
	for len(all) > 0 || text == "" {
		n := rapid.IntRange(min(1, len(all)), len(all)).Draw(t, "in a run")
		m := NewMerger()
		early := rapid.Bool().Draw(t, "the table first")
		if early && text != "" {
			require.NoError(t, addTable(m, text))
		}
		for _, d := range all[:n] {
			d.add(t, m)
			if rapid.IntRange(0, 9).Draw(t, "settle") == 0 {
				m.settle()
			}
		}
		if !early && text != "" {
			require.NoError(t, addTable(m, text))
		}
		text, _ = written(t, m, o)
		all = all[n:]
	}
	return text
}

// TestOrderAndGrouping: without retention any order and any grouping of the
// same documents give the same bytes, if an exit list comes with or after the
// consensuses of its time, or again.
func TestOrderAndGrouping(t *testing.T) {
	var confirmed, unlisted int
	rapid.Check(t, func(t *rapid.T) {
		lists, exits := documents(t)
		want := merged(t, Options{}, append(slices.Clone(lists), exits...)...)
		mixed := rapid.Permutation(append(slices.Clone(lists), exits...)).Draw(t, "order")
		require.Equal(t, want, merged(t, Options{}, mixed...), "another order")
		require.Equal(t, want, inRuns(t, Options{}, append(rapid.Permutation(lists).Draw(t, "order"), exits...)), "exit lists last")
		require.Equal(t, want, inRuns(t, Options{}, append(mixed, exits...)), "exit lists once more")

		// Two tables of parts, merged.
		cut := rapid.IntRange(0, len(lists)).Draw(t, "part")
		m := NewMerger()
		for _, part := range [][]document{lists[:cut], lists[cut:]} {
			require.NoError(t, addTable(m, merged(t, Options{}, part...)))
		}
		for _, d := range exits {
			d.add(t, m)
		}
		got, stats := written(t, m, Options{})
		require.Equal(t, want, got, "of two tables")
		confirmed += strings.Count(got, ",,exit,")
		unlisted += stats.Unlisted

		// What was written is read whole, and written again as it was.
		table, err := Parse(want)
		require.NoError(t, err)
		require.True(t, table.Complete)
		require.Zero(t, table.Skipped)
		require.Equal(t, stats.Rows, table.Rows)
		require.Equal(t, m.coverage, table.lists)
		require.Equal(t, m.exitCoverage, table.exitLists)
		var entries []string
		for _, e := range entriesOf(table) {
			entries = append(entries, line(*e))
		}
		rows := strings.SplitAfter(strings.ReplaceAll(want, "Exit Guard", "Guard Exit"), "\n")
		rows = rows[1+len(table.lists)+len(table.exitLists) : len(rows)-2] // without header and end row
		require.ElementsMatch(t, rows, entries)
	})
	require.NotZero(t, confirmed)
	require.NotZero(t, unlisted)
}

// TestOrderAndRetention: with retention runs in the order of time give the
// same bytes, and runs in any order the same table since the newest list less
// the retention.
func TestOrderAndRetention(t *testing.T) {
	var dropped int
	rapid.Check(t, func(t *rapid.T) {
		lists, _ := documents(t)
		slices.SortStableFunc(lists, func(a, b document) int { return cmp.Compare(a.list.ValidAfter, b.list.ValidAfter) })
		o := Options{Retention: time.Duration(rapid.IntRange(3*3600+1, 30*3600).Draw(t, "retention")) * time.Second}
		want := merged(t, o, lists...)
		require.Equal(t, want, inRuns(t, o, lists), "in the order of time")
		got := inRuns(t, o, rapid.Permutation(lists).Draw(t, "order"))
		require.Equal(t, clipped(t, want, o), clipped(t, got, o), "in any order")
		dropped += strings.Count(merged(t, Options{}, lists...), "\n") - strings.Count(want, "\n")
	})
	require.NotZero(t, dropped)
}

// clipped returns a table's rows as of the moment from which it is complete.
func clipped(t require.TestingT, text string, o Options) []string {
	p := readAll(t, text)
	newest := int64(0)
	for _, c := range p.Coverage {
		newest = max(newest, c.To)
	}
	oldest := newest - int64(o.Retention/time.Second)
	var out []string
	for _, e := range rowsOf(p) {
		require.GreaterOrEqual(t, e.Last, oldest)
		e.First = max(e.First, oldest)
		out = append(out, line(e))
	}
	for _, c := range p.Coverage {
		out = append(out, fmt.Sprint(max(c.From, oldest), c.To))
	}
	slices.Sort(out) // the beginning is part of the order
	return out
}

// TestOrderOfRows: of an address the OR ports come first, whatever their
// numbers, then by port, relay and time; a row without a fingerprint goes before
// one of zeros.
func TestOrderOfRows(t *testing.T) {
	rows := []string{
		"192.0.2.9,443,or,,,,5,6\n",
		"192.0.2.9,443,or,," + hex40("0") + ",,1,2\n",
		"192.0.2.9,443,or,Guard," + fpA + ",,3,4\n",
		"192.0.2.9,443,or,," + fpA + ",,5,6\n",
		"192.0.2.9,443,or,Exit," + fpB + ",,1,2\n",
		"192.0.2.9,9001,or,," + fpA + ",,1,2\n",
		"192.0.2.9,80,dir,Exit BadExit," + fpA + ",,1,2\n",
		"192.0.2.9,,exit,,,,1,2\n",
		"192.0.2.10,1,or,,,,1,2\n",
		"2001:db8::1,1,or,," + fpA + ",,1,2\n",
	}
	want := tableHeader + strings.Join(rows, "") + ",10,end,,,,,\n"
	want = strings.Replace(want, "Exit BadExit", "BadExit Exit", 1)
	rapid.Check(t, func(t *rapid.T) {
		m := NewMerger()
		require.NoError(t, addTable(m, tableHeader+strings.Join(rapid.Permutation(rows).Draw(t, "order"), "")))
		got, stats := written(t, m, Options{})
		require.Equal(t, want, got)
		require.Equal(t, 3, stats.Relays)
		require.Equal(t, 1, stats.Exits, "only the one without BadExit")
	})
}
