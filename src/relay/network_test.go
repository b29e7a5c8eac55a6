package relay_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"tordetect/src/flow"
	"tordetect/src/relay"
)

const (
	weekText = "ip,port,role,flags,fingerprint,nickname,first_seen,last_seen\n" +
		",,coverage,,,,1000,2000\n198.51.100.1,9001,or,Guard,0123456789ABCDEF0123456789ABCDEF01234561,young,1000,2000\n,2,end,,,,,\n"
	yearText = "ip,port,role,flags,fingerprint,nickname,first_seen,last_seen\n" +
		",,coverage,,,,100,1000\n198.51.100.9,9001,or,Guard,0123456789ABCDEF0123456789ABCDEF01234569,old,100,900\n,2,end,,,,,\n"
)

// The history answers for what is older than the table, and for all where there is
// no table, or one that cannot be read; it is not opened before that.
func TestNetwork(t *testing.T) {
	for name, c := range map[string]struct {
		table, history string // empty: there is no file
		at             int64
		coverage       flow.Coverage
		historyRead    bool
		absent         string
	}{
		"in the table":                     {weekText, yearText, 1500, flow.CoverageFull, false, ""},
		"older, with a history":            {weekText, yearText, 500, flow.CoverageFull, true, ""},
		"older, without one":               {weekText, "", 500, flow.CoverageBefore, false, ""},
		"no table, but a history":          {"", yearText, 500, flow.CoverageFull, true, "no such file"},
		"no table, newer than the history": {"", yearText, 5000, flow.CoverageStale, true, "no such file"},
		"nothing":                          {"", "", 500, flow.CoverageNone, false, "no such file"},
		"no table's text, but a history":   {"junk", yearText, 500, flow.CoverageFull, true, "not a relay table"},
		"a table that was cut":             {weekText[:len(weekText)-10], yearText, 500, flow.CoverageFull, true, ""},
	} {
		t.Run(name, func(t *testing.T) {
			folder := t.TempDir()
			path := filepath.Join(folder, "tor_relays.csv")
			for file, text := range map[string]string{path: c.table, relay.HistoryOf(path): c.history} {
				if text != "" {
					require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
				}
			}
			n := relay.NewNetwork(path)
			require.False(t, n.Opened())
			require.Equal(t, c.coverage, n.At(flow.Interval{From: c.at, To: c.at}, true).Coverage(flow.Interval{From: c.at, To: c.at}))
			require.Equal(t, c.historyRead, n.HasHistory())
			_, history := n.Damage(path)
			require.Empty(t, history)
			if c.absent == "" {
				require.NoError(t, n.Absent())
			} else {
				require.ErrorContains(t, n.Absent(), c.absent)
			}
		})
	}
	n := relay.NewNetwork(filepath.Join(t.TempDir(), "none.csv"))
	n.At(flow.Interval{}, false)
	require.ErrorIs(t, n.Absent(), fs.ErrNotExist)
}

// What was lost of table and history is told, of the history when it was asked.
func TestDamage(t *testing.T) {
	edited := strings.NewReplacer(",100,900\n,2,end", ",100,900\n198.51.100.10,9001,or,Guard,,,1.5E+02,900\n,3,end", ",1000,2000\n,2,end", ",1000,2000\n198.51.100.2,9001,or,,,,1E+03,2000\n,3,end")
	for about, c := range map[string]struct {
		table, history string
		at             int64
		lost, lostOld  string
	}{
		"nothing":                     {weekText, yearText, 500, "", ""},
		"a cut table":                 {weekText[:strings.Index(weekText, ",2,end")], yearText, 500, "The relay list t.csv was cut or damaged: its rows are used, but what is not in it cannot be told to be no relay.", ""},
		"an edited table":             {edited.Replace(weekText), yearText, 500, "The relay list t.csv has unreadable rows, 1 of 3; they were skipped.", ""},
		"an edited history":           {weekText, edited.Replace(yearText), 500, "", "The relay history t_history.csv has unreadable rows, 1 of 3; they were skipped."},
		"a history that nobody asked": {weekText, edited.Replace(yearText), 1500, "", ""},
		"a history and no table":      {"", edited.Replace(yearText), 500, "", "The relay history t_history.csv has unreadable rows, 1 of 3; they were skipped."},
		"a cut history":               {weekText, yearText[:strings.Index(yearText, ",2,end")], 500, "", "The relay history t_history.csv cannot be read: it was cut. Rows older than the relay list cannot be checked."},
		"no history":                  {weekText, "junk\n", 500, "", "The relay history t_history.csv cannot be read: "},
	} {
		folder := t.TempDir()
		for file, text := range map[string]string{"t.csv": c.table, "t_history.csv": c.history} {
			if text != "" {
				require.NoError(t, os.WriteFile(filepath.Join(folder, file), []byte(text), 0o600))
			}
		}
		n := relay.NewNetwork(filepath.Join(folder, "t.csv"))
		n.At(flow.Interval{From: c.at, To: c.at}, true)
		table, history := n.Damage("t.csv")
		require.Equal(t, c.lost, strings.Join(table, " "), about)
		if about == "no history" {
			require.True(t, strings.HasPrefix(strings.Join(history, " "), c.lostOld) && strings.Contains(history[0], "not a relay table"), "%v", history)
			continue
		}
		require.Equal(t, c.lostOld, strings.Join(history, " "), about)
	}
}
