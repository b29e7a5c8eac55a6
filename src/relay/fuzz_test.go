package relay

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"tordetect/src/flow"
	"tordetect/src/relay/sheet"
	"tordetect/tests/pace"
)

// FuzzParse holds whatever can be read to what the rest of the program relies
// on.
func FuzzParse(f *testing.F) {
	f.Add(smallTable)
	f.Add(strings.ReplaceAll(smallTable, "\n", "\r\n"))
	f.Add("\ufeff" + smallTable[:len(smallTable)-9])
	f.Add(tableHeader + `"192.0.2.1",443,or,"Guard","` + fpA + `","a""b",1.5,2.25` + "\n,1,end,,,,,")
	f.Add(inHours(f, network))
	f.Fuzz(func(t *testing.T, text string) {
		table, err := Parse(text)
		pace.Hold(t, []byte(text), func(text []byte) { _, _ = Parse(string(text)) })
		if err != nil {
			return
		}
		require.LessOrEqual(t, table.Skipped, table.Rows)
		require.LessOrEqual(t, table.Rows, strings.Count(text, "\n"))
		if !table.Complete {
			require.Empty(t, table.lists)
			require.Empty(t, table.exitLists)
		}
		for _, all := range []lists{table.lists, table.exitLists} {
			for i, l := range all {
				require.LessOrEqual(t, l.From, l.To)
				require.True(t, i == 0 || all[i-1].To+1 < l.From, "ascending and apart")
			}
		}
		var found []Listing
		for _, e := range entriesOf(table) {
			if e.Addr != e.Addr.Unmap().WithZone("") || (e.Kind == flow.ExitAddress) != (e.Port == 0) ||
				e.First < 0 || e.Last < e.First || e.Last > sheet.MaxTime || len(e.Nickname) > 19 ||
				len(e.Fingerprint) != 40 && e.Fingerprint != "" || e.Fingerprint != strings.ToUpper(e.Fingerprint) {
				t.Fatalf("%+v", e)
			}
			// Each row is found at its own moments.
			for _, at := range []flow.Interval{{From: e.First, To: e.First}, {From: e.Last, To: e.Last}, {From: e.First, To: e.Last}} {
				found = table.Lookup(found[:0], e.Addr, at)
				if !slices.ContainsFunc(found, func(l Listing) bool { return l.Entry == e && l.When == flow.Listed && l.Away == 0 }) {
					t.Fatalf("%+v is not found at %v", e, at)
				}
			}
		}
		// A table joined by itself is the same table, nicknames apart: of rows
		// that are joined the nickname of the newest is kept.
		entries, lists := entriesOf(table), table.lists
		require.NoError(t, table.Extend(text))
		require.Equal(t, lists, table.lists)
		require.Equal(t, len(entries), len(entriesOf(table)))
		for _, e := range entries {
			if !slices.ContainsFunc(table.of(e.Addr), func(o Entry) bool { o.Nickname = e.Nickname; return o == *e }) {
				t.Fatalf("%+v is gone", e)
			}
		}
		require.Empty(t, table.Lookup(nil, netip.Addr{}, flow.Interval{From: 1, To: 1}))
	})
}
