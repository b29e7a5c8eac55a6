package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// firewall writes n lines of a firewall's log of which some go to relays, and some
// are of a time that the table does not cover.
func firewall(seed uint64, n int) string {
	r := rand.New(rand.NewPCG(seed, 5))
	var b strings.Builder
	for i := range n {
		at := noon.Add(-time.Duration(r.IntN(7200)) * time.Second)
		if i%1000 > 900 {
			at = noon.Add(12 * time.Hour)
		}
		dest, port := fmt.Sprintf("203.0.113.%d", 1+r.IntN(250)), 443
		if r.IntN(50) == 0 {
			dest, port = fmt.Sprintf("198.51.100.%d", 1+r.IntN(9)), []int{9001, 80}[r.IntN(2)]
		}
		stamp := at.Format("2006/01/02 15:04:05")
		action := []string{"allow", "deny"}[r.IntN(2)]
		fmt.Fprintf(&b, "1,%s,0123,TRAFFIC,end,2561,%s,10.0.%d.%d,%s,,,Rule %d,,,ssl,vsys1,Trust,Untrust,a,b,fwd,%s,1,1,%d,%d,0,0,0x19,tcp,%s,5900,%d,%d,16,%s,%d,any,0,1,0x0,,,0,7,%d,x\n",
			stamp, stamp, r.IntN(4), 1+r.IntN(250), dest, r.IntN(3), stamp, 1024+r.IntN(60000), port, action, r.IntN(9000), r.IntN(9000), stamp, r.IntN(100), r.IntN(3))
	}
	return b.String()
}

// relayTable lists 198.51.100.1 to .9, OR port 9001, from 8 to 13 h.
func relayTable(t testing.TB, folder string) string {
	var b strings.Builder
	b.WriteString("ip,port,role,flags,fingerprint,nickname,first_seen,last_seen\n")
	from, to := noon.Add(-4*time.Hour).Unix(), noon.Add(time.Hour).Unix()
	fmt.Fprintf(&b, ",,coverage,,,,%d,%d\n", from, to)
	for i := 1; i < 10; i++ {
		fmt.Fprintf(&b, "198.51.100.%d,9001,or,Guard,%040X,relay%d,%d,%d\n", i, i, i, from, to)
	}
	b.WriteString(",10,end,,,,,\n")
	path := filepath.Join(folder, "tor_relays.csv")
	require.NoError(t, os.WriteFile(path, []byte(b.String()), 0o600))
	return path
}

func write(t testing.TB, folder, name, text string) string {
	path := filepath.Join(folder, name)
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

// Rows that end like the one before are counted without being taken apart: the
// summary has to be the same as where every row is.
func TestScanCounts(t *testing.T) {
	folder := t.TempDir()
	table, log := relayTable(t, folder), write(t, folder, "pan.log", firewall(1, 20000))
	all := runScan(log, "--relays", table, "-o", "csv", "--min-score", "0")
	some := runScan(log, "--relays", table, "-o", "csv", "--min-score", "20")
	require.Equal(t, all.errors, some.errors)
	require.Contains(t, all.errors, "coverage: full 18020, stale 1980;")
	found := records(t, all.out)
	require.Len(t, found, 20000)
	verdicts := map[string]int{}
	var sure []map[string]string
	for _, row := range found {
		verdicts[row["tor_verdict"]]++
		if len(row["tor_score"]) == 2 && row["tor_score"] >= "20" {
			sure = append(sure, row)
		}
	}
	require.Equal(t, sure, records(t, some.out))
	require.NotEmpty(t, sure)
	require.Contains(t, all.errors, fmt.Sprintf("verdicts: %d tor, %d likely, %d possible, %d none, %d unknown\n",
		verdicts["tor"], verdicts["likely"], verdicts["possible"], verdicts["none"], verdicts["unknown"]))
	for _, verdict := range []string{"tor", "likely", "none", "unknown"} {
		require.NotZero(t, verdicts[verdict], verdict)
	}

	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, _ = z.Write([]byte(firewall(1, 20000)))
	require.NoError(t, z.Close())
	zipped := runScan(write(t, folder, "pan.log.gz", packed.String()), "--relays", table, "-o", "csv", "--min-score", "20")
	require.Equal(t, some.errors, zipped.errors)
	require.Equal(t, strings.ReplaceAll(some.out, "pan.log", "pan.log.gz"), zipped.out)
}

// What was not found for a reason that can be mended is said with what to do.
func TestScanHints(t *testing.T) {
	t.Chdir(t.TempDir())
	require.NoError(t, os.WriteFile("tor.csv", []byte(torTable), 0o600))
	scan := func(text string) string {
		require.NoError(t, os.WriteFile("flows.csv", []byte(text), 0o600))
		return runScan("flows.csv", "--relays", "tor.csv").errors
	}
	address, port := "198.51.100.56", "8443"
	require.Contains(t, torTable, address+","+port)
	weak := scan("_time,src_ip,dest_ip,dest_port\n2026-11-20T11:00:00Z,10.0.0.1," + address + ",80\n")
	require.Contains(t, weak, "no flow has a score of 20 or more; the highest is 10: --min-score 10 shows it\n")
	require.NotContains(t, weak, "Some events have no time")
	require.NotContains(t, scan("_time,src_ip,dest_ip,dest_port\n2026-11-20T11:00:00Z,10.0.0.1,203.0.113.5,80\n"), "the highest is")
	require.Contains(t, scan("time,src_ip,dest_ip,dest_port\n1795176000,10.0.0.1,"+address+","+port+"\n"),
		"Some events have no time, so no list can be asked about them: looked for were _time, ts,")
	require.NotContains(t, scan("_time,src_ip,dest_ip\nyesterday,10.0.0.1,"+address+"\n"), "Some events have no time", "that is said in other words")
}

func TestScanExitCodes(t *testing.T) {
	folder := t.TempDir()
	table := relayTable(t, folder)
	clean := write(t, folder, "clean.log", firewall(1, 5))
	tor := write(t, folder, "tor.log", firewall(1, 1000))
	junk := write(t, folder, "junk.log", "hello\n")
	empty := write(t, folder, "empty.log", "")
	stats := write(t, folder, "stats.json", `{"timestamp":"2026-11-20T11:30:30.000000+0000","event_type":"stats","stats":{}}`+"\n")
	for _, c := range []struct {
		args []string
		want int
	}{
		{[]string{clean}, 0},
		{[]string{tor}, 0},
		{[]string{clean, "--fail-on", "possible"}, 0},
		{[]string{tor, "--fail-on", "tor"}, exitFound},
		{[]string{tor, "--fail-on", "likely", "--min-score", "99"}, exitFound},
		{[]string{junk, tor, "--fail-on", "likely"}, exitFound}, // what was found is certain
		{[]string{junk, clean, "--fail-on", "likely"}, exitFailed},
		{[]string{junk}, exitFailed},
		{[]string{stats}, exitFailed},
		{[]string{stats, empty, "--fail-on", "possible"}, exitFailed},
		{[]string{empty, "-o", "json"}, exitFailed},
		{[]string{stats, empty, clean, "--fail-on", "possible"}, 0},
		{[]string{stats, tor, "--fail-on", "possible"}, exitFound},
		{[]string{"none.log"}, exitFailed},
		{[]string{clean, "--relays", "none.csv"}, exitFailed},
		{[]string{clean, "--fail-on", "sure"}, exitUsage},
		{[]string{clean, "--internal", "x"}, exitUsage},
		{nil, exitUsage},
	} {
		args := c.args
		if !strings.Contains(strings.Join(args, " "), "--relays") {
			args = append(args, "--relays", table)
		}
		got := runScan(args...)
		require.Equal(t, c.want, got.code, "%v: %s", c.args, got.errors)
	}
	require.Contains(t, runScan(tor, "--relays", table, "--fail-on", "tor").errors, " flows of verdict tor or surer\n")
	require.NotZero(t, runScan(tor, "--relays", table, "--internal", "198.51.100.0/24", "-o", "csv").out)
	require.Contains(t, runScan(tor, "--relays", table, "--internal", "198.51.100.0/24", "-o", "csv").out, "hosted_relay")
}

// Text from logs cannot play with the terminal, and JSON loses none of it.
func TestScanHostileText(t *testing.T) {
	folder := t.TempDir()
	table := relayTable(t, folder)
	evil := "a\x1b[31m\u009b\u202e\"b\\,\x7f\xffc\U000e0001"
	line, err := json.Marshal(map[string]any{"_time": noon.Unix(), "src_ip": "10.0.0.1", "dest_ip": "198.51.100.1", "dest_port": 9001, "user": "USER", "app": []string{"x", "y"}})
	require.NoError(t, err)
	quoted := strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\x1b", `\u001b`, "\x7f", `\u007f`).Replace(evil)
	log := write(t, folder, "x\x1b[2J.log", strings.Replace(string(line), "USER", quoted, 1)+"\n")
	for _, form := range []string{"table", "json", "csv"} {
		got := runScan(log, "none\x1b[2J", "--relays", table, "-o", form)
		require.Equal(t, exitFailed, got.code)
		for _, r := range got.out + got.errors {
			require.True(t, r == '\n' || r >= ' ' && r != 0x7f && r != 0x9b && r != 0x202e, "%s: %q", form, got.out+got.errors)
		}
		switch form {
		case "json":
			var object map[string]any
			require.NoError(t, json.Unmarshal([]byte(got.out), &object), got.out)
			require.Equal(t, strings.ToValidUTF8(evil, "\uFFFD"), object["user"])
			require.Equal(t, []any{"x", "y"}, object["app"])
		case "csv":
			row := records(t, got.out)[0]
			require.Equal(t, `a?[31m??"b\,??c?`, row["user"])
			require.Equal(t, "x;y", row["app"])
		}
	}
}

// endless gives a log again and again.
type endless struct {
	text     string
	at, left int
	peak     uint64 // most bytes of the heap that were in use when it was read
}

func (e *endless) Read(p []byte) (int, error) {
	var now runtime.MemStats
	runtime.ReadMemStats(&now)
	e.peak = max(e.peak, now.HeapAlloc)
	if e.left <= 0 {
		return 0, io.EOF
	}
	n := copy(p, e.text[e.at:])
	e.at = (e.at + n) % len(e.text)
	e.left -= n
	return n, nil
}

// A scan's memory does not grow with the log: 200 MB is the limit for 1 GB.
func TestScanMemory(t *testing.T) {
	table := relayTable(t, t.TempDir())
	text := firewall(1, 2000)
	for form, perRow := range map[string]float64{"table": 3, "html": 3.5, "csv": 0.1, "json": 0.1} {
		t.Run(form, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			log := &endless{text: text, left: 50 * len(text)}
			code := run([]string{"scan", "-", "--relays", table, "-o", form}, log, io.Discard, io.Discard, time.Now)
			require.Zero(t, code)
			runtime.ReadMemStats(&after)
			require.Less(t, log.peak, uint64(150<<20))
			require.Less(t, float64(after.Mallocs-before.Mallocs)/100_000, perRow, "allocations a flow")
		})
	}
}

func BenchmarkScan(b *testing.B) {
	folder := b.TempDir()
	table := relayTable(b, folder)
	text := firewall(1, 20000)
	for _, form := range []string{"table", "csv", "json", "html"} {
		b.Run(form, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				code := run([]string{"scan", "-", "--relays", table, "-o", form}, strings.NewReader(text), io.Discard, io.Discard, time.Now)
				require.Zero(b, code)
			}
		})
	}
}

// A writer that is gone ends the scan, also while the reader waits.
func TestScanClosedOutput(t *testing.T) {
	table := relayTable(t, t.TempDir())
	for _, form := range []string{"csv", "json", "table", "html"} {
		var errors bytes.Buffer
		log := &endless{text: firewall(1, 2000), left: 16 << 20}
		code := run([]string{"scan", "-", "--relays", table, "-o", form}, log, closed{}, &errors, time.Now)
		require.Equal(t, exitFailed, code, form)
		require.Contains(t, errors.String(), "write the results: closed", form)
		if form == "csv" || form == "json" {
			require.Greater(t, log.left, 8<<20, "the rest is not read")
		}
	}
}

type closed struct{}

func (closed) Write([]byte) (int, error) { return 0, fmt.Errorf("closed") }
