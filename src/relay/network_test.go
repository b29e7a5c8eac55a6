package relay_test

import (
	"io/fs"
	"os"
	"path/filepath"
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
			read, err := n.History()
			require.NoError(t, err)
			require.Equal(t, c.historyRead, read)
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

// A history that is no table is told, and so is one that was cut.
func TestNetworkWithABrokenHistory(t *testing.T) {
	for _, c := range []struct{ history, want string }{{"junk\n", "not a relay table"}, {yearText[:len(yearText)-10], "it was cut"}} {
		path := filepath.Join(t.TempDir(), "tor_relays.csv")
		require.NoError(t, os.WriteFile(path, []byte(weekText), 0o600))
		require.NoError(t, os.WriteFile(relay.HistoryOf(path), []byte(c.history), 0o600))
		n := relay.NewNetwork(path)
		n.At(flow.Interval{From: 500, To: 500}, true)
		_, err := n.History()
		require.ErrorContains(t, err, c.want)
	}
}
