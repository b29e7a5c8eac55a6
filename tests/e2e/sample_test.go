package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tordetect/tests/sample"
)

// wanted is what each kind of flow of the sample log has to come out as: verdict,
// score, direction, state, coverage, evidence.
var wanted = map[sample.Kind]string{
	sample.LabelledRelay:    "tor 99 outbound established full or_port+app_label",
	sample.LabelledUnlisted: "likely 55 outbound established full app_label",
	sample.LabelledEarly:    "likely 55 outbound established full app_label",
	sample.Early:            "none 0  established full ",
	sample.UnlabelledRelay:  "tor 97 outbound established full or_port",
	sample.OverIPv6:         "tor 97 outbound established full or_port",
	sample.BlockedRelay:     "likely 58 outbound blocked full or_port",
	sample.Unanswered:       "likely 58 outbound attempt full or_port",
	sample.WebOnRelay:       "none 10 outbound established full relay_address",
	sample.UDPToRelay:       "none 0  established full not_tcp",
	sample.FromExit:         "tor 95 inbound established full exit_address+exit_flag",
	sample.FromExitAddress:  "tor 95 inbound established full exit_address",
	sample.FromRelay:        "none 0  established full relay_source",
	sample.AfterTheList:     "tor 96 outbound established stale or_port_stale",
}

// Every line of the sample log, judged in an event search, against what it is.
func TestEveryFlowOfTheSample(t *testing.T) {
	h := sampleHead(t)
	result := search(t, h, "search sourcetype=pan:traffic | tordetect")
	flows := map[string]sample.Flow{}
	for _, f := range sample.Flows() {
		flows[fmt.Sprint(f.Src, f.SrcPort, f.Dest, f.DestPort)] = f
	}
	require.Len(t, result.Rows, len(flows))
	seen := map[sample.Kind]int{}
	for _, row := range result.Rows {
		f, ok := flows[row.Get("src_ip")+row.Get("src_port")+row.Get("dest_ip")+row.Get("dest_port")]
		require.True(t, ok)
		got := line(row, "tor_verdict", "tor_score", "tor_direction", "tor_state", "tor_coverage", "tor_evidence")
		want, special := wanted[f.Kind]
		switch {
		case !special:
			require.Contains(t, []string{"none", "unknown"}, row.Get("tor_verdict"), "%+v", f)
			require.Equal(t, row.Get("tor_coverage") == "full", row.Get("tor_verdict") == "none")
			continue
		case f.Kind == sample.WebOnRelay && f.App == "tor":
			want = "likely 69 outbound established full app_label+relay_address" // a relay's other service, mislabelled
		case f.Kind == sample.AfterTheList && f.App == "tor":
			want = "tor 99 outbound established stale or_port_stale+app_label"
		}
		require.Equal(t, want, got, "%s: %s", f.Kind, row.Get("tor_reason"))
		require.True(t, got[len(got)-1] == ' ' || strings.Contains(got, "not_tcp") || row.Get("tor_reason") != "", "evidence without a reason")
		seen[f.Kind]++
	}
	require.Len(t, seen, len(wanted))
}

func TestShippedSearchesOverTheSample(t *testing.T) {
	h := sampleHead(t)
	f := func(name string, want []string, columns ...string) {
		t.Helper()
		result, err := h.RunSavedOver(name)
		require.NoError(t, err)
		require.ElementsMatch(t, want, texts(result, columns...))
		require.Len(t, result.Messages, 1, "some rows are newer than the list")
	}
	f("TOR Traffic", []string{
		"tor 99 or_port+app_label 1", "tor 99 or_port+app_label 1", "tor 99 or_port+app_label 1",
		"tor 99 or_port_stale+app_label 1",
		"likely 69 app_label+relay_address 1",
		"likely 55 app_label 1", "likely 55 app_label 1",
	}, "tor_verdict", "tor_score", "tor_evidence", "count")
	f("Tor client that the firewall did not name", []string{
		"established 97 or_port 3 3", // one client, three guards
		"established 97 or_port 1 1", // over IPv6
		"established 96 or_port_stale 1 1",
		"attempt 58 or_port 1 1", "blocked 58 or_port 1 1", "blocked 58 or_port 1 1",
	}, "tor_state", "tor_score", "tor_evidence", "relay_count", "count")
	f("Traffic from Tor exits", []string{"10.20.0.80 95 exit_address+exit_flag 5"}, "dest", "tor_score", "tor_evidence", "count")
}

// A scheduled run sees its own hour: at 11:30 that of 10:05 to 11:05.
func TestScheduledWindow(t *testing.T) {
	h := sampleHead(t)
	h.Now = time.Date(2026, 11, 20, 11, 30, 0, 0, time.UTC)
	result, err := h.RunSaved("Tor client that the firewall did not name")
	require.NoError(t, err)
	found := map[string]bool{}
	for _, row := range result.Rows {
		found[row.Get("src")] = true
	}
	want := map[string]bool{}
	for _, f := range sample.Flows() {
		outbound := strings.HasPrefix(wanted[f.Kind], "tor 9") && f.App != "tor" && !strings.Contains(wanted[f.Kind], "inbound") || f.Kind == sample.BlockedRelay || f.Kind == sample.Unanswered
		if at := f.End.Format("15:04:05"); outbound && at >= "10:05:00" && at < "11:05:00" {
			want[f.Src] = true
		}
	}
	require.NotEmpty(t, want)
	require.Equal(t, want, found)
}
