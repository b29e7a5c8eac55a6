package e2e

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tordetect/tests/packaged"
	"tordetect/tests/shared"
	"tordetect/tests/splunkd"
)

// truth is one flow of the labelled capture of real Tor traffic in a private
// network (../shared/data/privnet). Line i of its log is flow i.
type truth struct {
	src, srcPort, dest, destPort, app string
	tor                               bool
	kind                              string
}

func privnet(t *testing.T, shift time.Duration) (*splunkd.Head, map[string]truth) {
	t.Helper()
	log, err := os.ReadFile(shared.File(t, "privnet/pan.log"))
	require.NoError(t, err)
	table, err := os.ReadFile(shared.File(t, "privnet/tor_relays.csv"))
	require.NoError(t, err)
	file, err := os.Open(shared.File(t, "privnet/flows.csv"))
	require.NoError(t, err)
	defer file.Close()
	records, err := csv.NewReader(file).ReadAll()
	require.NoError(t, err)
	column := map[string]int{}
	for i, name := range records[0] {
		column[name] = i
	}
	lines := strings.Split(strings.TrimSpace(string(log)), "\n")
	require.Len(t, records, 1+len(lines))
	flows := map[string]truth{}
	for i, r := range records[1:] {
		cells := strings.Split(lines[i], ",")
		for _, c := range []int{1, 6, 20, 35} {
			if at, err := time.Parse("2006/01/02 15:04:05", cells[c]); err == nil {
				cells[c] = at.Add(shift).Format("2006/01/02 15:04:05")
			}
		}
		lines[i] = strings.Join(cells, ",")
		f := truth{
			src: r[column["src_ip"]], srcPort: r[column["src_port"]], dest: r[column["dest_ip"]], destPort: r[column["dest_port"]],
			app: cells[14], tor: r[column["label"]] == "tor", kind: r[column["kind"]],
		}
		flows[f.src+" "+f.srcPort+" "+f.dest+" "+f.destPort] = f
	}
	require.Len(t, flows, 101)
	return head(t, []byte(strings.Join(lines, "\n")+"\n"), table), flows
}

// The three searches together find 62 of the 64 Tor flows at likely or above
// and none of the 37 others. The two are bridges that no list knows.
func TestPrivateNetwork(t *testing.T) {
	h, flows := privnet(t, 0)
	found := map[string]bool{} // flows behind a row of a search
	for name, ends := range map[string]func(splunkd.Row, truth) bool{
		"TOR Traffic": func(row splunkd.Row, f truth) bool {
			return f.app == "tor" && f.src == row.Get("src_ip") && f.dest == row.Get("dest_ip") && f.destPort == row.Get("dest_port")
		},
		"Tor client that the firewall did not name": func(row splunkd.Row, f truth) bool {
			return f.app != "tor" && f.src == row.Get("src") && contains(row["relay"], f.dest+":"+f.destPort, "["+f.dest+"]:"+f.destPort)
		},
		"Traffic from Tor exits": func(row splunkd.Row, f truth) bool {
			return f.dest == row.Get("dest") && contains(row["exit"], f.src) && contains(row["dest_port"], f.destPort)
		},
	} {
		result, err := h.RunSavedOver(name)
		require.NoError(t, err)
		require.Empty(t, result.Messages)
		for _, row := range result.Rows {
			require.Contains(t, []string{"likely", "tor"}, row.Get("tor_verdict"))
			behind := 0
			for key, f := range flows {
				if ends(row, f) {
					require.True(t, f.tor, "%s found %+v: %s", name, f, row.Get("tor_reason"))
					require.False(t, found[key], "%s is found by two searches", key)
					found[key] = true
					behind++
				}
			}
			require.Equal(t, row.Get("count"), strconv.Itoa(behind), "%s: every flow behind a row is known", name)
		}
	}
	require.Len(t, found, 62)
	for key, f := range flows {
		if f.tor && !found[key] {
			require.Contains(t, f.kind, "bridge")
		}
	}
}

// torctl scan gives each flow of the log the verdict that its group's row has in
// the app's searches, before they drop rows by min_score.
func TestScanAsTheSearches(t *testing.T) {
	h, flows := privnet(t, 0)
	program, err := packaged.Torctl()
	require.NoError(t, err)
	text, err := exec.Command(program, "scan", shared.File(t, "privnet/pan.log"), "--relays", shared.File(t, "privnet/tor_relays.csv"), "-o", "csv").Output()
	require.NoError(t, err)
	records, err := csv.NewReader(bytes.NewReader(text)).ReadAll()
	require.NoError(t, err)
	column := map[string]int{}
	for i, name := range records[0] {
		column[name] = i
	}
	verdicts := map[string]string{} // of a group
	for _, record := range records[1:] {
		at := func(name string) string {
			require.Contains(t, column, name)
			return record[column[name]]
		}
		f := flows[at("src_ip")+" "+at("src_port")+" "+at("dest_ip")+" "+at("dest_port")]
		require.NotEmpty(t, f.src)
		group := strings.Join([]string{f.src, f.dest, f.destPort, f.app}, " ")
		if before, known := verdicts[group]; known {
			require.Equal(t, before, at("tor_verdict"), group)
		}
		verdicts[group] = at("tor_verdict")
	}
	require.Len(t, records, 1+len(flows))

	seen := map[string]bool{}
	for _, name := range []string{"TOR Traffic", "Tor client that the firewall did not name", "Traffic from Tor exits"} {
		spl, err := h.SavedSearch(name)
		require.NoError(t, err)
		call := regexp.MustCompile(`\| tordetect [^|]*`).FindStringIndex(spl)
		require.NotNil(t, call)
		for _, row := range search(t, h, strings.Replace(spl[:call[1]], "min_score=50", "", 1)).Rows {
			app := row.Get("All_Traffic.app")
			if name == "TOR Traffic" {
				app = "tor" // which it selects and does not group by
			}
			group := strings.Join([]string{row.Get("All_Traffic.src_ip"), row.Get("All_Traffic.dest_ip"), row.Get("All_Traffic.dest_port"), app}, " ")
			require.Equal(t, verdicts[group], row.Get("tor_verdict"), "%s: %s", name, group)
			seen[group] = true
		}
	}
	for key, f := range flows {
		if group := strings.Join([]string{f.src, f.dest, f.destPort, f.app}, " "); f.tor {
			require.True(t, seen[group], key)
		}
	}
}

func contains(list splunkd.Value, texts ...string) bool {
	for _, value := range list {
		for _, text := range texts {
			if value == text {
				return true
			}
		}
	}
	return false
}

// The same flows at other times: the list is asked for its own time.
func TestPrivateNetworkAtOtherTimes(t *testing.T) {
	for _, c := range []struct {
		shift            time.Duration
		coverage, suffix string
		orPort, exitFlag int // scores, by the share of pairs that survive the distance
		require          bool
	}{
		{0, "full", "", 97, 85, true},
		{-24 * time.Hour, "before", "_stale", 95, 83, true},
		{2 * time.Hour, "stale", "_stale", 96, 84, true},
		{72 * time.Hour, "stale", "_stale", 92, 81, false},
	} {
		t.Run(c.shift.String(), func(t *testing.T) {
			h, flows := privnet(t, c.shift)
			result := search(t, h, "search sourcetype=pan:traffic | tordetect")
			require.Len(t, result.Rows, 101)
			for _, row := range result.Rows {
				f, ok := flows[line(row, "src_ip", "src_port", "dest_ip", "dest_port")]
				require.True(t, ok)
				require.Equal(t, c.coverage, row.Get("tor_coverage"))
				evidence, score := strings.Join(row["tor_evidence"], "+"), row.Get("tor_score")
				switch {
				case strings.HasPrefix(f.kind, "OR connection") && f.app == "tor":
					require.Equal(t, "or_port"+c.suffix+"+app_label", evidence)
					require.Equal(t, "tor", row.Get("tor_verdict"))
				case strings.HasPrefix(f.kind, "OR connection"):
					require.Equal(t, fmt.Sprintf("or_port%s %d", c.suffix, c.orPort), evidence+" "+score)
				case strings.HasPrefix(f.kind, "inbound"):
					require.Equal(t, fmt.Sprintf("exit_flag%s %d", c.suffix, c.exitFlag), evidence+" "+score)
				case strings.HasPrefix(f.kind, "web service"):
					require.Equal(t, "relay_address"+c.suffix+" 10", evidence+" "+score)
				case !f.tor && f.destPort != "53":
					require.Equal(t, " 0", evidence+" "+score)
				}
				if f.tor && !strings.Contains(f.kind, "bridge") {
					require.Contains(t, []string{"likely", "tor"}, row.Get("tor_verdict"))
				} else if c.coverage == "full" {
					require.Equal(t, "none", row.Get("tor_verdict"))
				} else {
					require.Equal(t, "unknown", row.Get("tor_verdict"), "not found is not clean without a list")
				}
			}
			_, err := h.RunSavedOver("Tor client that the firewall did not name")
			if c.require {
				require.NoError(t, err)
			} else {
				require.ErrorContains(t, err, "require_list: the relay list tor_relays.csv ended at 2026-11-23T08:34:00Z")
			}
		})
	}
}
