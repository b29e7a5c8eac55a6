package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tordetect/src/chunked"
	"tordetect/src/command/tordetect"
	"tordetect/tests/shared"
)

// scanned is what a scan wrote.
type scanned struct {
	code        int
	out, errors string
}

func runScan(args ...string) scanned {
	var out, errors bytes.Buffer
	code := run(append([]string{"scan"}, args...), strings.NewReader(""), &out, &errors, func() time.Time { return noon.Add(30 * 24 * time.Hour) })
	return scanned{code, out.String(), errors.String()}
}

// records reads CSV as rows by column.
func records(t *testing.T, text string) []map[string]string {
	t.Helper()
	all, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	require.NoError(t, err)
	var out []map[string]string
	for _, record := range all[1:] {
		row := map[string]string{}
		for i, name := range all[0] {
			row[name] = record[i]
		}
		out = append(out, row)
	}
	return out
}

// The measure: each flow of the private network's log gets the verdict
// that its row gets from the search command, and the truth of the capture.
func TestScanPrivateNetwork(t *testing.T) {
	log, table := shared.File(t, "privnet/pan.log"), shared.File(t, "privnet/tor_relays.csv")
	got := runScan(log, "--relays", table, "-o", "csv")
	require.Zero(t, got.code, got.errors)
	found := records(t, got.out)

	// The same fields as rows of a search, taken from the log by another reader.
	text, err := os.ReadFile(log)
	require.NoError(t, err)
	lines, err := csv.NewReader(bytes.NewReader(text)).ReadAll()
	require.NoError(t, err)
	var body strings.Builder
	w := csv.NewWriter(&body)
	require.NoError(t, w.Write([]string{"_time", "duration", "src_ip", "src_port", "dest_ip", "dest_port", "transport", "app", "action", "bytes_in", "bytes_out", "packets_in", "packets_out"}))
	for _, cells := range lines {
		at, err := time.Parse("2006/01/02 15:04:05", cells[6])
		require.NoError(t, err)
		require.Equal(t, "allow", cells[30])
		require.NoError(t, w.Write([]string{strconv.FormatInt(at.Unix(), 10), cells[36], cells[7], cells[24], cells[8], cells[25], cells[29], cells[14], "allowed", cells[33], cells[32], cells[45], cells[44]}))
	}
	w.Flush()
	search := tordetect.New(filepath.Dir(table), time.Now)
	_, err = search.Getinfo(&chunked.Info{})
	require.NoError(t, err)
	var chunk chunked.Chunk
	require.NoError(t, search.Execute(context.Background(), &chunk, strings.NewReader(body.String())))
	want := records(t, string(chunk.Reply))
	require.Len(t, found, 101)
	require.Len(t, want, 101)
	for i := range want {
		for column, value := range want[i] {
			if !strings.HasPrefix(column, "__mv_") {
				require.Equal(t, strings.ReplaceAll(value, "\n", ";"), found[i][column], "line %d, %s", i+1, column)
			}
		}
		require.Equal(t, strconv.Itoa(i+1), found[i]["line"])
	}

	truth, err := os.ReadFile(shared.File(t, "privnet/flows.csv"))
	require.NoError(t, err)
	sure := 0
	for i, flow := range records(t, string(truth)) {
		row := found[i]
		require.Equal(t, flow["src_port"], row["src_port"])
		isTor := slices.Contains([]string{"tor", "likely"}, row["tor_verdict"])
		if isTor {
			require.Equal(t, "tor", flow["label"], row["tor_reason"])
			sure++
		} else if flow["label"] == "tor" {
			require.Contains(t, flow["kind"], "bridge", row["tor_reason"])
		}
	}
	require.Equal(t, 62, sure, "of 64 Tor flows; two are bridges that no list knows")

	// The three forms tell the same.
	lines2 := strings.Split(strings.TrimSpace(runScan(log, "--relays", table, "-o", "json").out), "\n")
	require.Len(t, lines2, 101)
	for i, line := range lines2 {
		var object map[string]any
		require.NoError(t, json.Unmarshal([]byte(line), &object), line)
		require.Equal(t, found[i]["tor_verdict"], object["tor_verdict"])
		require.Equal(t, found[i]["tor_score"], strconv.Itoa(int(object["tor_score"].(float64))))
		for name, value := range object {
			if list, ok := value.([]any); ok {
				var words []string
				for _, word := range list {
					words = append(words, word.(string))
				}
				require.Equal(t, found[i][name], strings.Join(words, ";"))
			}
		}
	}
	got = runScan(log, "--relays", table)
	require.Contains(t, got.errors, "torctl: verdicts: 62 tor, 0 likely, 0 possible, 39 none, 0 unknown\n")
	require.Contains(t, got.errors, "torctl: 39 flows below score 20 not shown\n")
	require.Contains(t, got.out, "[2001:db8:1::11]:9001")
	require.Equal(t, 1+10, strings.Count(got.out, "│ tor ")+strings.Count(got.out, "│ verdict "))
}

// The same flows as a sensor would have logged them, without the firewall's label:
// Zeek and Suricata find what the firewall's log finds.
func TestScanPrivateNetworkAsSensorsSawIt(t *testing.T) {
	table := shared.File(t, "privnet/tor_relays.csv")
	text, err := os.ReadFile(shared.File(t, "privnet/flows.csv"))
	require.NoError(t, err)
	truth := records(t, string(text))
	zeek := "#separator \\x09\n#unset_field\t-\n#path\tconn\n#fields\tts\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\tduration\torig_pkts\torig_ip_bytes\tresp_pkts\tresp_ip_bytes\n"
	eve := ""
	for _, f := range truth {
		zeek += strings.Join([]string{f["start"], f["src_ip"], f["src_port"], f["dest_ip"], f["dest_port"], f["proto"], f["duration"], f["packets_out"], f["bytes_out"], f["packets_in"], f["bytes_in"]}, "\t") + "\n"
		iso := func(column string) string {
			seconds, err := strconv.ParseFloat(f[column], 64)
			require.NoError(t, err)
			return time.UnixMicro(int64(seconds * 1e6)).UTC().Format("2006-01-02T15:04:05.000000-0700")
		}
		eve += `{"timestamp":"` + iso("end") + `","event_type":"flow","src_ip":"` + f["src_ip"] + `","src_port":` + f["src_port"] + `,"dest_ip":"` + f["dest_ip"] + `","dest_port":` + f["dest_port"] +
			`,"proto":"` + strings.ToUpper(f["proto"]) + `","flow":{"pkts_toserver":` + f["packets_out"] + `,"pkts_toclient":` + f["packets_in"] + `,"bytes_toserver":` + f["bytes_out"] + `,"bytes_toclient":` + f["bytes_in"] +
			`,"start":"` + iso("start") + `","end":"` + iso("end") + `"}}` + "\n"
	}
	folder := t.TempDir()
	for name, log := range map[string]string{"conn.log": zeek, "eve.json": eve} {
		got := runScan(write(t, folder, name, log), "--relays", table, "-o", "csv")
		require.Zero(t, got.code, got.errors)
		found := records(t, got.out)
		require.Len(t, found, len(truth))
		sure := 0
		for i, row := range found {
			require.Equal(t, truth[i]["src_port"], row["src_port"])
			require.Equal(t, "full", row["tor_coverage"])
			if slices.Contains([]string{"tor", "likely"}, row["tor_verdict"]) {
				require.Equal(t, "tor", truth[i]["label"], row["tor_reason"])
				sure++
			}
		}
		require.Equal(t, 62, sure, name)
	}
}
