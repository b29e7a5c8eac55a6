package e2e

import (
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tordetect/src/command/tordetect"
	"tordetect/tests/sample"
	"tordetect/tests/splunkd"
)

const grouped = `| tstats count min(_time) as firstTime max(_time) as lastTime from datamodel=Network_Traffic.All_Traffic by All_Traffic.src_ip All_Traffic.dest_ip All_Traffic.dest_port All_Traffic.transport All_Traffic.app `

// all are the input's columns and ours.
func all(result *splunkd.Result) []string { return texts(result, result.Columns...) }

func TestManyChunks(t *testing.T) {
	h := sampleHead(t)
	want := all(search(t, h, grouped+"| tordetect"))
	require.NotEmpty(t, want)
	for _, rows := range []int{1, 7, 100} {
		h.ChunkRows = rows
		require.Equal(t, want, all(search(t, h, grouped+"| tordetect")), "%d rows a chunk", rows)
	}
	h.VaryColumns = true
	require.Equal(t, len(want), len(search(t, h, grouped+"| tordetect").Rows))
	h.ChunkRows, h.VaryColumns, h.Hold = 0, false, 50*time.Millisecond
	require.Equal(t, want, all(search(t, h, grouped+"| tordetect")), "no reply before the last byte")
	h.Hold, h.Preview = 0, true
	require.Equal(t, want, all(search(t, h, grouped+"| tordetect")))
}

// narrow=true changes what crosses the pipe and nothing else: splunkd keeps the
// rest of each event and lays the reply over it by its index.
func TestNarrow(t *testing.T) {
	for _, indexers := range []int{0, 2} {
		h := sampleHead(t)
		h.Indexers = indexers
		for _, rows := range []int{0, 7} {
			h.ChunkRows = rows
			for _, options := range []string{"", "labeled=true min_score=20", "local=true", "src=src_ip time=_time"} {
				want := search(t, h, "sourcetype=pan:traffic | tordetect "+options)
				got := search(t, h, "sourcetype=pan:traffic | tordetect narrow=true "+options)
				require.NotEmpty(t, want.Rows)
				require.Len(t, got.Rows, len(want.Rows))
				for i := range want.Rows {
					require.Equal(t, want.Rows[i], got.Rows[i], "%d indexers, %d rows a chunk, %s", indexers, rows, options)
				}
				require.Equal(t, want.Messages, got.Messages)
			}
		}
		twice := search(t, h, "sourcetype=pan:traffic | tordetect | tordetect narrow=true")
		require.Equal(t, search(t, h, "sourcetype=pan:traffic | tordetect").Rows, twice.Rows)
	}
}

// info=true tells what judged a row: on an indexer it is the indexer.
func TestInfo(t *testing.T) {
	h := sampleHead(t)
	h.Indexers = 2
	result := search(t, h, "sourcetype=pan:traffic | tordetect info=true | stats count by tor_node tor_version tor_arch tor_list_age")
	require.Len(t, result.Rows, 1, "all on this machine")
	host, err := os.Hostname()
	require.NoError(t, err)
	require.Equal(t, host, result.Rows[0].Get("tor_node"))
	require.Regexp(t, `^\d+\.\d+\.\d+`, result.Rows[0].Get("tor_version"))
	require.Equal(t, runtime.GOARCH, result.Rows[0].Get("tor_arch"))
	age, err := strconv.Atoi(result.Rows[0].Get("tor_list_age"))
	require.NoError(t, err)
	require.InDelta(t, time.Since(sample.ListEnd()).Seconds(), age, 600)
}

func TestTwiceIsOnce(t *testing.T) {
	h := sampleHead(t)
	once := search(t, h, grouped+"| tordetect labeled=true")
	twice := search(t, h, grouped+"| tordetect labeled=true | tordetect labeled=true")
	require.Equal(t, once.Columns, twice.Columns)
	require.Equal(t, all(once), all(twice))
}

func TestOptionsInSearches(t *testing.T) {
	h := sampleHead(t)
	good := []string{
		"labeled=t min_score=50", "labeled = true", `labeled="1"`, "min_score = 20 require_list=no",
		`internal="10.0.0.0/8, 2001:db8:20::/48"`, "internal=10.0.0.0/8,192.168.0.0/16", "local=true",
		"src=All_Traffic.src_ip dest='All_Traffic.dest_ip'", "relays=tor_relays.csv", "",
	}
	for _, options := range good {
		_, err := h.Run(grouped + "| tordetect " + options)
		require.NoError(t, err, "%s", options)
	}
	for options, want := range map[string]string{
		"min_score=many":           `option min_score has the bad value "many": want a whole number from 0 to 99`,
		"colour=red":               `unknown option "colour"`,
		"All_Traffic.src_ip":       `unknown option "All_Traffic.src_ip"`,
		"relays=../etc/passwd.csv": `option relays has the bad value`,
		"labeled=":                 `option labeled has the bad value ""`,
	} {
		_, err := h.Run(grouped + "| tordetect " + options)
		var failed *splunkd.SearchError
		require.ErrorAs(t, err, &failed, "%s", options)
		require.Contains(t, failed.Text, "Error in 'tordetect' command: ")
		require.Contains(t, failed.Text, want)
	}
}

// The table's state decides what a search says about itself.
func TestRelayListStates(t *testing.T) {
	h := head(t, sample.Log(), nil)
	result := search(t, h, grouped+"| tordetect")
	require.Len(t, result.Messages, 1)
	require.Contains(t, result.Messages[0].String(), "WARN: The relay list tor_relays.csv is missing")
	for _, row := range result.Rows {
		require.Equal(t, "none", row.Get("tor_coverage"))
	}
	_, err := h.RunSavedOver("Tor client that the firewall did not name")
	require.ErrorContains(t, err, "require_list: the relay list tor_relays.csv is missing", "green must not mean blind")

	result, err = h.RunSavedOver("TOR Traffic")
	require.NoError(t, err, "the firewall's label is worth something without a list")
	require.Len(t, result.Rows, 7)

	put(t, h, "tor_relays.csv", sample.Table())
	h.Now, h.Latest = h.Now.Add(36*time.Hour), h.Latest.Add(36*time.Hour)
	_, err = h.RunSavedOver("Tor client that the firewall did not name")
	require.ErrorContains(t, err, "ended at 2026-11-20T12:00:00Z, more than 24 hours before")
}

// An event search runs on the indexers, each with what the bundle brought it,
// and gives the rows of a single machine.
func TestOnIndexers(t *testing.T) {
	local := sampleHead(t)
	want := search(t, local, "search sourcetype=pan:traffic | tordetect min_score=50 | table _time src_ip dest_ip dest_port tor_*")
	require.NotEmpty(t, want.Rows)

	spread := sampleHead(t)
	spread.Indexers = 2
	got := search(t, spread, "search sourcetype=pan:traffic | tordetect min_score=50 | table _time src_ip dest_ip dest_port tor_*")
	require.ElementsMatch(t, all(want), all(got))
	require.Equal(t, want.Columns, got.Columns)

	got = search(t, spread, "search sourcetype=pan:traffic | tordetect min_score=50 local=true | table _time src_ip dest_ip dest_port tor_*")
	require.ElementsMatch(t, all(want), all(got), "local=true stays on the search head")

	// The history stays at home.
	put(t, spread, "tor_relays_history.csv", []byte("no table\n"))
	spread.Earliest = time.Time{}
	got = search(t, spread, "search sourcetype=pan:traffic | tordetect min_score=50 | table _time src_ip dest_ip dest_port tor_*")
	for _, m := range got.Messages {
		require.NotContains(t, m.Text, "history")
	}
}

func TestOutputFieldsInOrder(t *testing.T) {
	h := sampleHead(t)
	result := search(t, h, grouped+"| tordetect")
	var ours []string
	for _, column := range result.Columns {
		if strings.HasPrefix(column, "tor_") {
			ours = append(ours, column)
		}
	}
	var want []string
	for _, field := range tordetect.Fields {
		want = append(want, field.Name)
	}
	require.Equal(t, want, ours)
	require.Equal(t, want, result.Columns[len(result.Columns)-len(want):], "after the input's own columns")
}

// The ctime macro before tordetect takes the time away, and tordetect says so.
func TestAfterTheTimeMacro(t *testing.T) {
	h := sampleHead(t)
	result := search(t, h, grouped+"| `security_content_ctime(firstTime)` | `security_content_ctime(lastTime)` | tordetect")
	require.Len(t, result.Messages, 1)
	require.Contains(t, result.Messages[0].Text, "has no zone")
	for _, row := range result.Rows {
		require.Equal(t, "none", row.Get("tor_coverage"))
	}
}
