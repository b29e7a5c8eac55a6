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
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tordetect/src/command"
	"tordetect/src/rows"
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
	all := scan(log, "--relays", table, "-o", "csv", "--min-score", "0")
	some := scan(log, "--relays", table, "-o", "csv", "--min-score", "20")
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
	zipped := scan(write(t, folder, "pan.log.gz", packed.String()), "--relays", table, "-o", "csv", "--min-score", "20")
	require.Equal(t, some.errors, zipped.errors)
	require.Equal(t, strings.ReplaceAll(some.out, "pan.log", "pan.log.gz"), zipped.out)
}

func TestScanExitCodes(t *testing.T) {
	folder := t.TempDir()
	table := relayTable(t, folder)
	clean := write(t, folder, "clean.log", firewall(1, 5))
	tor := write(t, folder, "tor.log", firewall(1, 1000))
	junk := write(t, folder, "junk.log", "hello\n")
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
		got := scan(args...)
		require.Equal(t, c.want, got.code, "%v: %s", c.args, got.errors)
	}
	require.Contains(t, scan(tor, "--relays", table, "--fail-on", "tor").errors, " flows of verdict tor or surer\n")
	require.NotZero(t, scan(tor, "--relays", table, "--internal", "198.51.100.0/24", "-o", "csv").out)
	require.Contains(t, scan(tor, "--relays", table, "--internal", "198.51.100.0/24", "-o", "csv").out, "hosted_relay")
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
		got := scan(log, "none\x1b[2J", "--relays", table, "-o", form)
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

// cutRow and splitRow take apart what package rows accepts as it does.
func FuzzSplitRow(f *testing.F) {
	f.Add([]byte("a,b\n\"a\n\"\"b\",\"\"\n,\n"))
	f.Add([]byte("\"a,\"\"\",b"))
	f.Fuzz(func(t *testing.T, text []byte) {
		var s rows.Scanner
		if bytes.IndexByte(text, '\r') >= 0 || s.Reset(text) != nil {
			t.Skip("no rows")
		}
		all := make([]int, len(s.Names()))
		for i := range all {
			all[i] = i
		}
		s.Pick(all)
		header, rest := cutRow(text)
		require.Equal(t, string(s.Header()), string(header))
		var row []byte
		for s.Next() {
			require.NotEmpty(t, rest)
			row, rest = cutRow(rest)
			require.Equal(t, string(s.Row()), string(row))
			cells := splitRow(nil, row)
			require.Len(t, cells, len(all))
			for i := range all {
				require.Equal(t, string(s.Cell(i)), string(cells[i]))
			}
		}
		if s.Err() == nil {
			require.Empty(t, rest)
		}
	})
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

// A digest of many findings stays bounded, and says what it left out.
func TestDigest(t *testing.T) {
	d := newDigest()
	for i := range 100_000 {
		d.add(finding{
			Source: fmt.Sprintf("10.%d.%d.%d", i>>16, i>>8&255, i&255), Dest: "198.51.100.1", DestPort: "9001", First: int64(1000 + i*60), Last: int64(1060 + i*60),
			Verdict: "tor", Score: 90, State: "established", Direction: "outbound", Evidence: []string{fmt.Sprint("code", i%1000)}, User: "ann",
		})
	}
	require.EqualValues(t, 100_000, d.Flows)
	require.EqualValues(t, 100_000-maxPairs, d.Left)
	require.Len(t, d.Pairs, maxPairs)
	require.Len(t, d.Clients, maxEnds)
	require.Len(t, d.Peers, 1)
	require.LessOrEqual(t, len(d.Evidence), maxCodes)
	require.LessOrEqual(t, len(d.Verdicts.Counts), maxSlots)
	sum := int64(0)
	for _, m := range d.Verdicts.Counts {
		sum += m[rankTor]
	}
	require.EqualValues(t, 100_000, sum)
	require.EqualValues(t, 100_000, d.Peers["198.51.100.1:9001"].Flows)

	d = newDigest()
	out := finding{Source: "10.0.0.1", SourcePort: "5000", Dest: "198.51.100.1", DestPort: "9001", First: 100, Last: 200, Verdict: "likely", Score: 60, State: "attempt", Direction: "outbound", BytesIn: 5, User: "ann", Relays: []string{"A"}}
	d.add(out)
	out.Score, out.Relays, out.First, out.Last = 65, []string{"B"}, 50, 120
	d.add(out)
	in := finding{Source: "198.51.100.2", SourcePort: "7000", Dest: "2001:db8::5", DestPort: "443", Verdict: "tor", Score: 85, Direction: "inbound", State: "established"}
	d.add(in)
	reversed := finding{Source: "198.51.100.1", SourcePort: "9001", Dest: "10.0.0.1", DestPort: "5000", Verdict: "tor", Score: 97, Direction: "outbound", State: "established"}
	d.add(reversed)
	d.add(finding{Source: "10.0.0.3", Query: "x.onion", Verdict: "possible", Score: 40, State: "unknown"})
	var got []string
	for _, p := range d.sortedPairs() {
		got = append(got, fmt.Sprintf("%s %s %d %d-%d %d", p.Ours, p.Theirs, p.Flows, p.First, p.Last, p.Best.Score))
	}
	require.Equal(t, []string{
		"10.0.0.1 198.51.100.1:9001 1 0-0 97", "[2001:db8::5]:443 198.51.100.2 1 0-0 85",
		"10.0.0.1 198.51.100.1:9001 2 50-200 65", "10.0.0.3 x.onion 1 0-0 40",
	}, got)
	require.Equal(t, host{Name: "10.0.0.1", Flows: 3, First: 50, Last: 200, BytesIn: 10, States: [4]int64{1, 0, 2, 0}, Verdict: "tor", Score: 97, Users: []string{"ann"},
		Answered: 1, Others: 1, Ends: []end{{"198.51.100.1:9001", "", 97}}}, *d.Clients["10.0.0.1"])
	require.Equal(t, []string{"A"}, func() []string {
		d2 := newDigest()
		d2.add(finding{Role: "relay", Relays: []string{"A"}})
		return d2.Peers["-"].Relays
	}())
}

// Many weak findings do not crowd out a sure one, however they come.
func TestDigestKeepsTheSurest(t *testing.T) {
	d := newDigest()
	for i := range int64(2*maxPairs + 100) {
		d.add(finding{Source: fmt.Sprintf("10.0.%d.%d", i>>8, i&255), Query: fmt.Sprintf("%d.onion", i), First: 100 + i, Last: 100 + i, Verdict: "possible", Score: 20 + int(i%2), State: "unknown"})
	}
	require.EqualValues(t, 20100, d.Left)
	for i := range 7000 {
		d.add(finding{Source: "10.9.0.1", Dest: fmt.Sprintf("198.51.%d.%d", i>>8, i&255), DestPort: "9001", First: 5, Last: 5, Verdict: "tor", Score: 97, State: "established"})
	}
	sure, weak, flows := 0, 0, int64(0)
	for _, p := range d.Pairs {
		switch p.Best.Score {
		case 97:
			sure++
		case 20:
			weak++
		}
		flows += p.Flows
	}
	require.Equal(t, 7000, sure)
	require.LessOrEqual(t, len(d.Pairs), maxPairs)
	require.Zero(t, weak, "20,050 of score 21 came")
	require.Equal(t, d.Flows, flows+d.Left)
	require.NotNil(t, d.Clients["10.9.0.1"])
	require.Len(t, d.Reached, 0)
	require.EqualValues(t, 7000, d.Clients["10.9.0.1"].Flows)
	require.NotNil(t, d.Peers["198.51.27.87:9001"])

	// Whatever comes, what a map keeps are the surest it has seen, but for a quarter.
	r := rand.New(rand.NewPCG(1, 2))
	m, floor, best, least := map[int]*peer{}, -1, -1, -1
	for i := range 5000 {
		score := r.IntN(1 + i/60)
		q, isNew := keep(m, i, 40, score, &floor, func(q *peer) (int, int) { return int(q.Listed), q.Score }, comparePeers, nil)
		if best = max(best, score); q == nil {
			continue
		}
		require.True(t, isNew)
		q.Listed, q.Score, q.First = int64(i), score, int64(i)
		require.LessOrEqual(t, len(m), 40)
		top, low := 0, 100
		for _, q := range m {
			require.GreaterOrEqual(t, q.Score, floor)
			top, low = max(top, q.Score), min(low, q.Score)
		}
		require.Equal(t, best, top)
		if floor >= 0 {
			require.GreaterOrEqual(t, low, least, "what is weaker than what had to go does not come in")
			least = low
		}
	}
}

// What a host is told of: its users and surest ends, few of them; how many ends
// there are; bytes as its side sees them.
func TestDigestHosts(t *testing.T) {
	d := newDigest()
	for i := range 30 {
		f := finding{Source: "10.0.0.1", Dest: fmt.Sprintf("198.51.100.%d", i), DestPort: "9001", First: 5, Last: 5, Verdict: "likely", Score: 50 + (i*7)%30, State: "established", User: fmt.Sprint("user", i)}
		if i%3 == 0 {
			f.Role = "guard+exit"
		}
		d.add(f)
		d.add(f)
	}
	d.add(finding{Source: "10.0.0.1", Dest: "203.0.113.1", DestPort: "443", Verdict: "none", State: "established"})
	h := d.Clients["10.0.0.1"]
	require.Len(t, h.Users, maxUsers)
	require.Equal(t, []end{{"198.51.100.17:9001", "", 79}, {"198.51.100.4:9001", "", 78}, {"198.51.100.21:9001", "", 77}}, h.Ends)
	require.Equal(t, []int{60, 10, 10, 21}, []int{h.Answered, h.Relays, h.Guards, h.Others}, "an ordinary flow is no answer of Tor")

	turned := finding{Source: "198.51.100.1", SourcePort: "9001", Dest: "10.0.0.2", DestPort: "5000", Direction: "outbound", BytesIn: 3, BytesOut: 4, Verdict: "tor", Score: 97}
	d.add(turned)
	require.Equal(t, []int64{4, 3}, []int64{d.Clients["10.0.0.2"].BytesIn, d.Clients["10.0.0.2"].BytesOut})

	// Both ways between the same two names are two meetings.
	d.add(finding{Source: "198.51.100.9", Dest: "203.0.113.7", Direction: "inbound", Verdict: "tor", Score: 95})
	d.add(finding{Source: "203.0.113.7", Dest: "198.51.100.9", Direction: "outbound", Verdict: "tor", Score: 95})
	require.Equal(t, []int{1, 1}, []int{d.Reached["203.0.113.7"].Others, d.Clients["203.0.113.7"].Others})

	for i := range int(maxMet) {
		d.meet("10.0.0.3", strconv.Itoa(i), &finding{})
	}
	require.True(t, d.Many)
	require.Len(t, d.met, maxMet)
}

// The slots of a timeline become as long as they must, and no count gets lost.
func TestTimeline(t *testing.T) {
	line := newTimeline()
	add := func(at int64) { line.add(at, int(at%5)) }
	for i := range int64(1001) {
		add(1795176000 + 30*i)
	}
	require.EqualValues(t, 60, line.Step)
	for i := range int64(3000) {
		add(1795176000 + 60*i)
	}
	require.EqualValues(t, 300, line.Step)
	add(0)
	add(maxTime + 1)
	add(1795176000000) // milliseconds
	for i := range int64(2000) {
		add(1 + i*(maxTime/2000))
	}
	require.EqualValues(t, 10*364*day, line.Step)
	require.LessOrEqual(t, len(line.Counts), maxSlots)
	sum := int64(0)
	for at, counts := range line.Counts {
		require.Zero(t, at%line.Step)
		for _, n := range counts {
			sum += n
		}
	}
	require.EqualValues(t, 1001+3000+2000, sum)
	require.EqualValues(t, 3, line.Untimed)
}

// What is kept of a text is bounded, and still text.
func TestClip(t *testing.T) {
	f := finding{URL: strings.Repeat("é", 500), User: "ann", Relays: make([]string, 100), Nicknames: []string{"a"}}
	f.clip()
	require.Equal(t, strings.Repeat("é", maxText/2)+"…", f.URL)
	require.Equal(t, "ann", f.User)
	require.Len(t, f.Relays, maxList)
	require.Equal(t, []string{"a"}, f.Nicknames)
	f = finding{Query: "x" + strings.Repeat("é", 500)}
	f.clip()
	require.Equal(t, "x"+strings.Repeat("é", maxText/2-1)+"…", f.Query)
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

func TestIsNumber(t *testing.T) {
	for text, want := range map[string]bool{"0": true, "12": true, "1.5": true, "0.5": true, "": false, "01": false, "1.": false, ".5": false, "1.2.3": false, "1e5": false, "-1": false, "x": false} {
		require.Equal(t, want, isNumber([]byte(text)), text)
		if want {
			require.True(t, json.Valid([]byte(text)))
		}
	}
}

func TestEpoch(t *testing.T) {
	for text, want := range map[string]int64{"1795176000": 1795176000, "1795176000.5": 1795176000, "2026-11-20T12:00:00.000+01:00": 1795172400, "2026-11-20 12:00:00Z": 1795176000, "2026-11-20T12:00:00+0000": 1795176000, "": 0, "x": 0, "null": 0} {
		require.Equal(t, want, epoch([]byte(text)), text)
	}
}

// Results are taken from the columns by which the search command judged, in its
// order.
func TestResultColumns(t *testing.T) {
	byFirst := map[string][]string{}
	for _, c := range command.Columns() {
		byFirst[c.Names[0]] = c.Names
	}
	for i, result := range resultColumns {
		names, ok := byFirst[result.name]
		if c := column(i); ok && c != colTime && c != colDuration {
			require.Equal(t, names, result.from, result.name)
		}
	}
}
