//go:build linux

package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"tordetect/tests/packaged"
	"tordetect/tests/splunkd"
)

// small is a run of seconds.
var small = size{rows: 500, runs: 1, indexers: []int{1, 3}, places: 60, days: 30, ordinary: 50, share: 0.05}

func program(t *testing.T) []string {
	t.Helper()
	pack, err := packaged.File()
	require.NoError(t, err)
	t.Setenv("TORDETECT_PACKAGE", pack)
	built := filepath.Join(t.TempDir(), "tordetect")
	out, err := exec.Command("go", "build", "-o", built, "../../src/cmd/tordetect").CombinedOutput()
	require.NoError(t, err, "%s", out)
	return []string{"-tordetect", built, "-launcher", "../../bin/tordetect.sh"}
}

// All parts on little: each has its table, and the page gets them between its marks.
func TestRun(t *testing.T) {
	args := program(t)
	readme := filepath.Join(t.TempDir(), "README.md")
	require.NoError(t, os.WriteFile(readme, []byte("before\n<!-- figures: written by scale -readme -->\nold\n<!-- end of figures -->\nafter\n"), 0o644))
	var out, failed bytes.Buffer
	require.Zero(t, runSize(small, append(args, "-readme", readme), &out, &failed), failed.String())
	for _, line := range []string{
		`(?m)^\| tstats-client +\| +1000 \| +18 \|`,
		`(?m)^\| ssl-narrow +\| +500 \|`,
		`(?m)^\| what an hourly update changes +\| +1 \|`, // the table, and nothing else of ours
		`(?m)^\| 3 +\| +72 \|`,                            // pushes a day
		`(?m)^\| 3 +\| +3 \| .* +300 \|$`,                 // a process on each indexer, all rows back
		`(?m)^\| Tor client that the firewall did not name \| +1 \| +0 \|$`,
		`(?m)^\| Tor client with made-up server names +\| +0 \| +1 \|$`,
		`(?m)^\| Snowflake client of Tor +\| +0 \| +0 \|$`,
		`(?m)^\| 7 +\| +\d+ \|`,
		`(?m)^\| 30 +\| +\d+ \|`,
		`(?m)^\| Tor client that the firewall did not name \| +120 \| +25.0 \| 1050 million \| +\d+ million \|.*%`,
		`(?m)^\| Tor Detect is blind .* search head \|$`,
	} {
		require.Regexp(t, line, out.String())
	}
	text, err := os.ReadFile(readme)
	require.NoError(t, err)
	require.Equal(t, "before\n<!-- figures: written by scale -readme -->\n\n"+out.String()+"\n<!-- end of figures -->\nafter\n", string(text))
}

func TestWrongUsage(t *testing.T) {
	var said bytes.Buffer
	for _, args := range [][]string{{"nothing"}, {"-runs", "0"}, {"-readme", "x", "rows"}, {"-what"}} {
		require.Equal(t, 2, run(args, &said, &said), "%v", args)
	}
}

// Every search of the app that asks tordetect has a shape here, and no other: a new one must not be taken for free.
func TestJudged(t *testing.T) {
	program(t)
	pack, err := splunkd.PackageFile()
	require.NoError(t, err)
	app, err := splunkd.Install(pack, t.TempDir())
	require.NoError(t, err)
	h := &splunkd.Head{App: app}
	names, err := h.SavedSearches()
	require.NoError(t, err)
	macros, err := app.Conf("macros")
	require.NoError(t, err)
	byName, _ := macros.Get("tordetect_names_by_host", "definition")
	for _, name := range names {
		text, err := h.SavedSearch(name)
		require.NoError(t, err)
		asks := bytes.Contains([]byte(text), []byte("| tordetect ")) || bytes.Contains([]byte(text), []byte("`tordetect_names_by_host`")) && bytes.Contains([]byte(byName), []byte("tordetect narrow"))
		_, has := judged[name]
		require.Equal(t, asks, has, name)
	}
}

func TestCount(t *testing.T) {
	for n, want := range map[int]string{0: "0", 9999: "9999", 12_600: "13 thousand", 2_340_000: "2.3 million", 943_000_000: "943 million"} {
		require.Equal(t, want, count(n))
	}
}

// Tables of fewer days are smaller, know less time, and end with the same list.
func TestTables(t *testing.T) {
	s := &scale{size: small}
	var rows []int
	for _, days := range []int{1, 7, 30} {
		text, n, err := s.table(days, 0)
		require.NoError(t, err)
		require.Equal(t, n+2, bytes.Count(text, []byte("\n")), "a head, and the end row")
		rows = append(rows, n)
	}
	require.IsIncreasing(t, rows)
	before, _, err := s.table(7, 0)
	require.NoError(t, err)
	after, _, err := s.table(7, 1)
	require.NoError(t, err)
	require.NotEqual(t, before, after)
}
