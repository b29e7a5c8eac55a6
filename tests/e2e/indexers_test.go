package e2e

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tordetect/tests/splunkd"
)

// threeHosts is a site of three indexers, with a Tor client on each.
func threeHosts(t *testing.T) (h *splunkd.Head, s *splunkd.Scheduler, run splunkd.Run) {
	t.Helper()
	h = site(t, head(t, nil, nil).App, "")
	ran(h, 48, 0)
	h.Indexers = 3
	for i := range 3 {
		h.AddEvents(splunkd.Event{Time: h.Now.Add(-50 * time.Minute), Model: "Network_Traffic", Fields: map[string]string{
			"src": fmt.Sprintf("10.9.9.%d", i), "dest": "198.51.100.5", "dest_port": "9001", "transport": "tcp", "action": "allowed", "bytes_in": "5000", "bytes_out": "5000"}})
	}
	at := h.Now.Add(-time.Minute)
	return h, &splunkd.Scheduler{Head: h}, splunkd.Run{Search: client, Scheduled: at, Start: at, Earliest: at.Add(-25 * time.Hour), Latest: at}
}

// hosts are whom a run tells of.
func hosts(result *splunkd.Result) []string {
	found := texts(result, "tor_host")
	slices.Sort(found)
	return found
}

// Without one indexer a search tells what the others have, and *Tor Detect is blind* says whose events are missing. When it
// is back, the next long run makes up for it.
func TestIndexerWithoutAnswer(t *testing.T) {
	all := []string{"10.9.9.0", "10.9.9.1", "10.9.9.2"}
	for name, c := range map[string]struct {
		late   time.Duration
		strict bool // dispatch.allow_partial_results = 0
		lost   int  // hosts
		blind  []string
		says   string
	}{
		"slow":                {late: 5 * time.Minute},
		"too slow":            {late: 20 * time.Minute, lost: 1, blind: []string{"run partial"}, says: "Timed out waiting for peer indexer2"},
		"down":                {late: splunkd.Down, lost: 1, blind: []string{"run partial"}, says: "Unable to distribute to peer named indexer2"},
		"down, and not taken": {late: splunkd.Down, strict: true, lost: 3, blind: []string{"run failed"}, says: "Unable to distribute to peer named indexer2"},
	} {
		t.Run(name, func(t *testing.T) {
			h, s, run := threeHosts(t)
			if c.strict {
				require.NoError(t, os.WriteFile(filepath.Join(h.App.Dir, "local", "savedsearches.conf"), []byte("["+client+"]\ndispatch.allow_partial_results = 0\n"), 0o644))
			}
			now := h.Now
			h.Late = map[int]time.Duration{1: c.late}
			result, err := s.Do(run)
			var failed *splunkd.SearchError
			require.Equal(t, c.strict, errors.As(err, &failed))
			if !c.strict {
				require.NoError(t, err)
				require.Len(t, hosts(result), len(all)-c.lost)
			}
			if c.lost == 0 {
				require.Equal(t, c.late, result.Cost.Waited, "the run takes as long as its slowest indexer")
			}

			h.Now, h.Late = now.Add(10*time.Minute), nil
			told := blind(t, h)
			require.Equal(t, c.blind, texts(told, "problem"))
			for _, row := range told.Rows {
				require.Equal(t, client, row.Get("search"))
				require.Contains(t, row.Get("finding"), c.says)
			}

			run.Start = now.Add(6 * time.Hour)
			result, err = s.Do(run)
			require.NoError(t, err)
			require.Equal(t, all, hosts(result), "it is back")
		})
	}
}

// An indexer that the search bundle does not reach judges by the table that it has: what is newer than that is stale there,
// and a relay that came since is not known. The search head, which judges behind tstats, is not concerned.
func TestIndexerWithAnOlderBundle(t *testing.T) {
	h := head(t, nil, nil)
	h.Now = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	h.Indexers = 2
	at := h.Now.Add(-10 * time.Minute)
	h.Earliest, h.Latest = at.Add(-time.Minute), h.Now
	for i := range 4 { // two on each
		h.AddEvents(splunkd.Event{Time: at, Model: "Network_Traffic", Fields: map[string]string{
			"src_ip": fmt.Sprintf("10.0.0.%d", i), "dest_ip": fmt.Sprintf("198.51.100.%d", 1+100*(i/2)), "dest_port": "9001"}})
	}
	const events = "search index=main | tordetect | table splunk_server tor_verdict tor_evidence tor_coverage | stats count by splunk_server tor_verdict tor_evidence tor_coverage"
	put(t, h, "tor_relays.csv", listing(h.Now.Add(-6*time.Hour), 0, 100, 100, false)) // of the morning, without 198.51.100.101
	search(t, h, events)
	put(t, h, "tor_relays.csv", listing(h.Now.Add(time.Hour), 0, 250, 100, false))
	h.Behind = map[int]bool{1: true}
	require.Equal(t, []string{"indexer1 tor or_port full 2", "indexer2 tor or_port_stale stale 1"},
		texts(search(t, h, events), "splunk_server", "tor_verdict", "tor_evidence", "tor_coverage", "count"))
	unknown := search(t, h, `search index=main | tordetect | where tor_coverage="stale" | table splunk_server tor_verdict tor_coverage`)
	require.Equal(t, []string{"indexer2 tor stale", "indexer2 unknown stale"}, texts(unknown, "splunk_server", "tor_verdict", "tor_coverage"))

	result := search(t, h, "| tstats count from datamodel=Network_Traffic by All_Traffic.src_ip All_Traffic.dest_ip All_Traffic.dest_port _time | tordetect | stats count by tor_verdict tor_coverage")
	require.Equal(t, []string{"tor full 4"}, texts(result, "tor_verdict", "tor_coverage", "count"))
}
