package html

import (
	"bytes"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tordetect/src/detect"
	"tordetect/src/flow"
	"tordetect/src/scan"
	"tordetect/src/terminal"
	"tordetect/src/text"
)

var update = flag.Bool("update", false, "write the page that the test got as the one that it wants")

// traffic is a log of a few flows of each kind, and smallTable what lists them.
var traffic = strings.Join([]string{
	panLine("11:00:00", "10.0.0.5", 50001, "198.51.100.1", 9001, "ssl", "allow", 900, 5000, 9, 60),
	panLine("11:05:00", "10.0.0.5", 50002, "198.51.100.1", 9001, "tor", "allow", 1000, 70000, 90, 240),
	panLine("11:06:00", "10.0.0.5", 50003, "198.51.100.2", 443, "ssl", "allow", 700, 3000, 7, 10),
	panLine("11:07:00", "10.0.0.6", 50004, "198.51.100.2", 443, "incomplete", "deny", 60, 0, 0, 0),
	panLine("11:08:00", "10.0.0.6", 50005, "198.51.100.1", 80, "web-browsing", "allow", 400, 9000, 12, 3),
	panLine("11:10:00", "198.51.100.3", 40001, "203.0.113.80", 443, "ssl", "allow", 2000, 80000, 50, 5),
	panLine("11:11:00", "198.51.100.3", 40002, "203.0.113.80", 443, "ssl", "allow", 2100, 81000, 51, 5),
	panLine("11:20:00", "10.0.0.7", 50006, "192.0.2.99", 8443, "tor", "allow", 3000, 4000, 20, 30),
	panLine("11:30:00", "10.0.0.8", 50007, "203.0.113.9", 443, "ssl", "allow", 500, 600, 5, 1),
	"half a line\n",
	panLine("15:00:00", "10.0.0.8", 50008, "203.0.113.9", 443, "ssl", "allow", 500, 600, 5, 1),
	panLine("15:30:00", "10.0.0.5", 50009, "198.51.100.1", 9001, "ssl", "allow", 900, 5000, 9, 60),
}, "")

const smallTable = `ip,port,role,flags,fingerprint,nickname,first_seen,last_seen
,,coverage,,,,1795161600,1795179600
,,exit_coverage,,,,1795161600,1795179600
198.51.100.1,9001,or,Guard,0000000000000000000000000000000000000001,anna,1795161600,1795179600
198.51.100.2,443,or,Guard Exit,0000000000000000000000000000000000000002,bert,1795161600,1795179600
198.51.100.3,9001,or,Exit,0000000000000000000000000000000000000003,carl,1795161600,1795179600
198.51.100.3,,exit,Exit,0000000000000000000000000000000000000003,carl,1795161600,1795179600
,6,end,,,,,
`

// panLine is a line of a firewall's log of 2026-11-20.
func panLine(at, source string, sport int, dest string, dport int, app, action string, sent, received, packetsIn, seconds int) string {
	end, err := time.Parse("15:04:05", at)
	if err != nil {
		panic(err)
	}
	at, from := "2026/11/20 "+at, "2026/11/20 "+end.Add(-time.Duration(seconds)*time.Second).Format("15:04:05")
	return fmt.Sprintf("1,%s,0123,TRAFFIC,end,2561,%s,%s,%s,,,Out,ann,,%s,vsys1,Trust,Untrust,a,b,fwd,%s,1,1,%d,%d,0,0,0x19,tcp,%s,%d,%d,%d,16,%s,%d,any,0,1,0x0,,,0,7,%d,x\n",
		at, at, source, dest, app, at, sport, dport, action, sent+received, sent, received, from, seconds, packetsIn)
}

// The whole page for a small log. After a change run the test with -update, and
// look at the page in a browser.
func TestHTMLGolden(t *testing.T) {
	golden, err := filepath.Abs(filepath.Join("testdata", "report.golden.html"))
	require.NoError(t, err)
	t.Chdir(t.TempDir())
	write(t, ".", "tor_relays.csv", smallTable)
	write(t, ".", "pan.log", traffic)
	page, text := scanPage(t, "tor_relays.csv", 20, "pan.log")
	checkPage(t, page)
	if *update {
		require.NoError(t, os.WriteFile(golden, []byte(text), 0o644))
	}
	want, err := os.ReadFile(golden)
	require.NoError(t, err)
	require.Equal(t, strings.Split(string(want), "\n"), strings.Split(text, "\n"))

	again, _ := scanPage(t, "tor_relays.csv", 20, "pan.log")
	require.Equal(t, page, again, "two scans give the same page")
}

// Text from logs, tables and file names stays text: the page has the elements and
// attributes that it has without it.
func TestHTMLHostileText(t *testing.T) {
	t.Chdir(t.TempDir())
	evil := []string{
		`<script>alert(1)</script>`, `"onmouseover="alert(1)`, `'><img src=x onerror=alert(1)>`, `</style></title></svg><b>`, `javascript:alert(1)`,
		"\x1b[31m\u202etxt.exe\u2066\x00", `{{.Now}}`, `<!--`, `]]>`, `&lt;b&gt;&#0;`, "\ufffe\uffff\xff\xfe", `expression(alert(1))`, strings.Repeat("A", 100_000),
	}
	shape := func(page *node) map[string]bool {
		out := map[string]bool{}
		for _, n := range page.all("") {
			for name := range n.attrs {
				out[n.name+" "+name] = true
			}
			out[n.name] = true
		}
		return out
	}
	write(t, ".", "tor_relays.csv", smallTable)
	log := func(text string) string {
		var b strings.Builder
		for i, flow := range []map[string]any{
			{"_time": noon.Unix(), "src_ip": "10.0.0.1", "dest_ip": "198.51.100.1", "dest_port": 9001, "user": text, "app": "tor", "action": text},
			{"_time": noon.Unix(), "src_ip": text, "dest_ip": text, "dest_port": text, "app": "tor", "bytes_in": 50, "sni": text},
			{"_time": noon.Unix(), "src_ip": "10.0.0.2", "query": text + ".onion", "user": text},
			{"_time": noon.Unix(), "src_ip": "10.0.0.3", "url": "http://" + text + ".onion/" + text},
		} {
			b.Write(inJSON(flow))
			b.WriteByte('\n')
			if i == 0 {
				b.WriteString("{broken " + text + "\n")
			}
		}
		return b.String()
	}
	write(t, ".", "plain.json", log("plain"))
	plain, _ := scanPage(t, "tor_relays.csv", 20, "plain.json")
	checkPage(t, plain)
	want := shape(plain)
	for i, played := range evil {
		name := fmt.Sprintf("%d.json", i)
		if i < 4 || i == 6 || i == 7 {
			name = strings.NewReplacer("/", "_").Replace(played)
		}
		write(t, ".", name, log(played))
		table := strings.Replace(smallTable, "anna", `"`+strings.ReplaceAll(played, `"`, `""`)+`"`, 1)
		write(t, ".", "evil_relays.csv", table)
		for _, relays := range []string{"tor_relays.csv", "evil_relays.csv"} {
			page, out := scanPage(t, relays, 20, "./"+name)
			checkPage(t, page)
			for part := range shape(page) {
				require.True(t, want[part], "%s: %q", part, played)
			}
			require.Less(t, len(out), 200_000)
			for _, r := range out {
				require.False(t, r != '\n' && r < ' ' || text.Plays(r) && r != '\n', "%q: %q", played, r)
			}
			if len(played) < 30 {
				users := pageText(strings.ToValidUTF8(played, "\ufffd"))
				require.Contains(t, page.id("clients-table").text, strings.TrimSpace(users), "%q is shown as it is", played)
			}
		}
	}
}

// inJSON writes an object whose texts are as they are, valid or not.
func inJSON(object map[string]any) []byte {
	b := []byte{'{'}
	for i, key := range slices.Sorted(maps.Keys(object)) {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(terminal.AppendJSON(b, []byte(key)), ':')
		if text, ok := object[key].(string); ok {
			b = terminal.AppendJSON(b, []byte(text))
		} else {
			b = fmt.Append(b, object[key])
		}
	}
	return append(b, '}')
}

// What no finding means depends on what could be checked.
func TestHTMLHeadlines(t *testing.T) {
	t.Chdir(t.TempDir())
	write(t, ".", "tor_relays.csv", smallTable)
	line := func(at, dest string, port int) string {
		return panLine(at, "10.0.0.8", 50007, dest, port, "ssl", "allow", 500, 600, 5, 1)
	}
	clean, later := line("11:30:00", "203.0.113.9", 443), line("15:30:00", "203.0.113.9", 443)
	blocked := panLine("11:30:00", "10.0.0.8", 50007, "198.51.100.1", 9001, "ssl", "deny", 60, 0, 0, 0)
	fromExit := panLine("11:30:00", "198.51.100.3", 50007, "203.0.113.80", 443, "ssl", "allow", 60, 50, 2, 1)
	onion := `{"_time":1795172400,"src_ip":"10.0.0.1","query":"x.onion"}` + "\n"
	names := ""
	for _, name := range []string{"www.cdxjgg3hvpu33.com", "www.h5bv2m6tqx.com", "www.q7kd3xq4ywz.com"} {
		names += `{"ts":1795172400.5,"id.orig_h":"10.0.0.8","id.resp_h":"203.0.113.9","id.resp_p":443,"version":"TLSv13","server_name":"` + name + `"}` + "\n"
	}
	for _, c := range []struct {
		name, log, class, headline string
		says                       []string
		least                      int
	}{
		{"made-up names", names, "possible", "Signs of Tor, none of them sure", []string{"Of 3 flows, none went to a listed relay", "10.0.0.8 showed 3 different server names of the kind that Tor makes up in four hours from 2026-11-20"}, 0},
		{"no file content", "", "unknown", "No flow was read", []string{"No flow could be read from 1 file, so this report says nothing about Tor."}, 0},
		{"all checked", clean + clean, "none", "No Tor was found", []string{"Of 2 flows, none went to a listed relay or came from a listed exit; the relay list of the time was asked for each.", "What no list can show is named in the section Coverage."}, 0},
		{"half checked", clean + later, "unknown", "No Tor was found in what could be checked", []string{"asked for 1 of 2 flows, without a finding. The other 1 is not known to be clean.", "The section Coverage says why, and what to do."}, 0},
		{"nothing checked", later + later + later, "unknown", "Nothing could be checked", []string{"Of 3 flows, none could be checked", "The section Coverage says why, and what to do."}, 0},
		{"blocked alone", blocked, "likely", "Tor is likely", []string{"0 have the verdict tor and 1 likely", "1 host contacted Tor or shows signs of it; 0 got an answer."}, 0},
		{"from exits alone", fromExit + later, "tor", "Traffic from Tor was found, none to it", []string{"Inbound: 1 address and port of yours was contacted", "1 flow could not be checked"}, 0},
		{"a name", onion, "possible", "Signs of Tor, none of them sure", []string{"Of 1 flow, 1 is possibly Tor."}, 0},
		{"below the least score", blocked + fromExit, "tor", "Tor was found", []string{"2 flows of these have a score below 99 (--min-score) and are counted here alone."}, 99},
	} {
		t.Run(c.name, func(t *testing.T) {
			write(t, ".", "a.log", c.log)
			page, _ := scanPage(t, "tor_relays.csv", max(c.least, 20), "a.log")
			checkPage(t, page)
			h1 := page.all("h1")[0]
			require.Equal(t, [2]string{c.class, c.headline}, [2]string{h1.attrs["class"], h1.text})
			for _, text := range c.says {
				require.Contains(t, page.all("header")[0].text, text)
			}
		})
	}
}

// Events that end no flow are told of beside those that do.
func TestHTMLEvents(t *testing.T) {
	for events, want := range map[int64]string{0: "", 1: "5 that end a flow, and 1 other: handshakes", 3000: "5 that end a flow, and 3\u202f000 others: handshakes"} {
		var out bytes.Buffer
		s := &scan.Summary{Options: &scan.Options{Files: []string{"a.log"}, Now: noon, Zone: time.UTC}, Files: 1, Flows: 5, Events: events}
		s.Verdicts[detect.VerdictNone] = 5
		require.NoError(t, New(&out).Finish(s))
		page := parsePage(t, out.String())
		checkPage(t, page)
		require.Contains(t, page.id("summary-list").text, want)
		require.Equal(t, want != "", strings.Contains(page.id("summary-list").text, "end a flow"))
	}
}

// That hosts with made-up names were forgotten is told in the headline.
func TestHTMLForgotten(t *testing.T) {
	for forgotten, told := range map[int64]bool{0: false, 7: true} {
		var out bytes.Buffer
		s := &scan.Summary{Options: &scan.Options{Files: []string{"a.log"}, Now: noon, Zone: time.UTC}, Files: 1, Flows: 5, Forgotten: forgotten}
		s.Verdicts[detect.VerdictNone] = 5
		require.NoError(t, New(&out).Finish(s))
		page := parsePage(t, out.String())
		checkPage(t, page)
		require.Equal(t, told, strings.Contains(page.all("header")[0].text, "that Tor makes up that 7 were forgotten before all was read"))
	}
}

// Each code, verdict, state and coverage that can stand in a report is explained.
func TestHTMLWords(t *testing.T) {
	for _, code := range detect.Names() {
		w := wordsOf(code)
		require.Equal(t, code, w.Name)
		require.NotEqual(t, wordsOf("no_code").Means, w.Means, code)
		require.NotEmpty(t, w.Note)
		require.Equal(t, strings.HasSuffix(code, "_stale"), strings.HasPrefix(w.Note, staleWords), code)
	}
	require.Equal(t, "no_code", wordsOf("no_code").Name)
	for _, v := range scan.Verdicts {
		require.NotEmpty(t, verdictMeans[v], v)
	}
	for _, state := range scan.States {
		require.NotEmpty(t, stateMeans[state], state)
	}
	for _, w := range coverageWords {
		require.NotEmpty(t, w.Means)
		require.NotEmpty(t, w.Do)
	}
}

// A page stays small and its memory bounded, however many findings there are and
// however long their texts.
func TestHTMLBounded(t *testing.T) {
	var out bytes.Buffer
	report := New(&out)
	long := []byte(strings.Repeat("u", 5000))
	live := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	s := &scan.Summary{Options: &scan.Options{Files: make([]string, 1000), Now: noon, MinScore: 20, Version: "dev"}}
	s.First, s.Last = noon.Unix(), noon.Unix()+1e6
	before := live()
	relays := []*flow.Sighting{{Fingerprint: strings.Repeat("F", 40), Nickname: "anna", First: 1, Last: 2}}
	for i := range 100_000 {
		at := noon.Unix() + int64(i)*10
		f := scan.Flow{File: "pan.log", Line: int64(i), First: at, Last: at + 5, Finding: &detect.Finding{
			Verdict: scan.Verdicts[i%3], Score: 97 - 30*(i%3), State: flow.State(i % 4), Direction: []detect.Direction{detect.Outbound, detect.Outbound, detect.Outbound, detect.Inbound}[i%4],
			Role: detect.RoleGuard, Evidence: detect.Weights()[i%20 : i%20+2], Reason: bytes.Repeat([]byte("reason "), 60), Relays: relays, Deciding: relays[0],
		}}
		f.Cells = [scan.Columns][]byte{scan.SrcIP: fmt.Appendf(nil, "10.%d.%d.%d", i>>16, i>>8&255, i&255), scan.DestIP: fmt.Appendf(nil, "2001:db8::%x", i), scan.DestPort: []byte("9001"),
			scan.User: fmt.Appendf(nil, "%s%d", long, i), scan.Query: long, scan.URL: long, scan.SNI: long, scan.App: long}
		require.NoError(t, report.Add(&f))
		s.Verdicts[f.Finding.Verdict]++
		s.Covered[flow.CoverageFull].Flows++
	}
	grown := live() - before
	require.NoError(t, report.Finish(s))
	t.Logf("100,000 findings: %.1f MB live, a page of %.2f MB", float64(grown)/1e6, float64(out.Len())/1e6)
	require.Less(t, grown, uint64(120<<20))
	require.Less(t, out.Len(), 2<<20)
	page := parsePage(t, out.String())
	checkPage(t, page)
	require.Len(t, page.rows(t, "clients-table"), maxPageClients)
	require.Len(t, page.rows(t, "reached-table"), maxPageReached)
	require.Len(t, page.rows(t, "relays-table"), maxPageRelays)
	require.Len(t, page.rows(t, "findings-table"), maxPageFindings)
	for i, row := range page.rows(t, "findings-table") {
		require.Equal(t, "tor 97", row["verdict, score"], i)
	}
	require.Contains(t, page.id("findings").text, "The first 300 of more than 20\u202f000 are shown. Every flow: torctl scan FILE... -o csv")
	require.Contains(t, page.id("findings").text, "flows more are between ends beyond those that the report keeps")
	require.Regexp(t, "^[0-9\u202f]+ flows are of hosts beyond", page.id("clients").all("p")[2].text)
	require.Regexp(t, "^[0-9\u202f]+ flows are to addresses beyond", page.id("inbound").all("p")[2].text)
	require.Contains(t, page.id("summary-list").text, "and 950 more")
	require.Contains(t, page.all("header")[0].text, "more than ")
}
