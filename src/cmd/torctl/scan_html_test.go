package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/xml"
	"fmt"
	"io"
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
	"tordetect/src/terminal"
)

// node is an element of a page. The page is written so that a reader of XML takes
// it: what does not nest or is not escaped is an error.
type node struct {
	name     string
	attrs    map[string]string
	text     string // of it and of all within, in order
	children []*node
}

// parsePage reads a page.
func parsePage(t testing.TB, text string) *node {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(text))
	root := &node{}
	var all strings.Builder
	starts := map[*node]int{}
	stack := []*node{root}
	for {
		token, err := d.Token()
		if err == io.EOF {
			require.Len(t, stack, 1)
			return root
		}
		require.NoError(t, err)
		switch token := token.(type) {
		case xml.StartElement:
			n := &node{name: token.Name.Local, attrs: map[string]string{}}
			for _, a := range token.Attr {
				require.NotContains(t, n.attrs, a.Name.Local)
				n.attrs[a.Name.Local] = a.Value
			}
			top := stack[len(stack)-1]
			top.children = append(top.children, n)
			stack = append(stack, n)
			starts[n] = all.Len()
		case xml.EndElement:
			n := stack[len(stack)-1]
			n.text = all.String()[starts[n]:]
			stack = stack[:len(stack)-1]
		case xml.CharData:
			all.Write(token)
		}
	}
}

// all returns the elements of a name, in order; those of any name for "".
func (n *node) all(name string) []*node {
	var out []*node
	for _, c := range n.children {
		if name == "" || c.name == name {
			out = append(out, c)
		}
		out = append(out, c.all(name)...)
	}
	return out
}

// id returns the element with an id, nil if there is none.
func (n *node) id(id string) *node {
	for _, c := range n.all("") {
		if c.attrs["id"] == id {
			return c
		}
	}
	return nil
}

// value is the text of a cell as a program would want it: numbers without the
// blanks, sizes in bytes, lines with a blank between them.
func (n *node) value() string {
	var parts []string
	for _, c := range n.children {
		if c.attrs["class"] == "line" || c.name == "data" {
			parts = append(parts, c.value())
		}
	}
	switch {
	case n.name == "data":
		return n.attrs["value"]
	case len(parts) > 0 && n.attrs["class"] != "line":
		return strings.Join(parts, " ")
	case len(parts) == 1:
		return parts[0]
	}
	return strings.ReplaceAll(strings.TrimSpace(n.text), "\u202f", "")
}

// rows returns the rows of a table's body by the labels of their cells.
func (n *node) rows(t testing.TB, id string) []map[string]string {
	t.Helper()
	table := n.id(id)
	if table == nil {
		return nil
	}
	var out []map[string]string
	for _, tr := range table.all("tbody")[0].all("tr") {
		row := map[string]string{}
		for _, cell := range tr.children {
			row[cell.attrs["data-label"]] = cell.value()
		}
		require.Len(t, row, len(tr.children))
		out = append(out, row)
	}
	return out
}

// scanPage scans in the form html, and returns the page and what stdout got.
func scanPage(t testing.TB, args ...string) (*node, string) {
	t.Helper()
	got := scan(append(args, "-o", "html")...)
	require.Zero(t, got.code, got.errors)
	return parsePage(t, got.out), got.out
}

// checkPage checks what holds for each page: it needs nothing from elsewhere, its
// links and labels lead somewhere, and those who listen to it find their way.
func checkPage(t testing.TB, page *node) {
	t.Helper()
	ids, refs := map[string]bool{}, []string{}
	last := 0
	for _, n := range page.all("") {
		switch n.name {
		case "script", "iframe", "object", "embed", "img", "form", "base", "foreignObject", "use", "image":
			t.Errorf("the page has an element %s", n.name)
		case "table":
			require.Equal(t, "caption", n.children[0].name)
			head := n.all("thead")[0].all("tr")
			require.Len(t, head, 1)
			for _, th := range head[0].children {
				require.Equal(t, "th", th.name)
				require.Equal(t, "col", th.attrs["scope"])
				require.NotEmpty(t, th.text)
			}
			for _, tr := range n.all("tbody")[0].all("tr") {
				require.Len(t, tr.children, len(head[0].children), "cells of a row of %s", n.attrs["id"])
				named := 0
				for _, cell := range tr.children {
					if cell.name == "th" {
						require.Equal(t, "row", cell.attrs["scope"])
						named++
					}
					if n.attrs["class"] == "stack" {
						require.NotEmpty(t, cell.attrs["data-label"], "what a phone shows beside the cell")
					}
				}
				require.Equal(t, 1, named)
			}
		case "svg":
			require.Equal(t, "img", n.attrs["role"])
			require.Equal(t, []string{"title", "desc"}, []string{n.children[0].name, n.children[1].name})
			require.NotEmpty(t, n.children[1].text)
		case "h1", "h2", "h3":
			level := int(n.name[1] - '0')
			require.LessOrEqual(t, level, last+1, "%s %q leaves out a level", n.name, n.text)
			last = level
		case "a":
			require.True(t, strings.HasPrefix(n.attrs["href"], "#"), n.attrs["href"])
			refs = append(refs, n.attrs["href"][1:])
		}
		if n.attrs["role"] == "region" {
			require.NotEmpty(t, n.attrs["aria-label"])
			require.Equal(t, "0", n.attrs["tabindex"], "a box that scrolls is reached by keys")
		}
		for name, value := range n.attrs {
			require.False(t, strings.HasPrefix(strings.ToLower(name), "on") || name == "style" || name == "srcdoc", "attribute %s", name)
			if name == "src" || name == "href" {
				require.True(t, value == "data:," || strings.HasPrefix(value, "#"), value)
			}
		}
		if id := n.attrs["id"]; id != "" {
			require.False(t, ids[id], "id %s twice", id)
			ids[id] = true
		}
		refs = append(refs, strings.Fields(n.attrs["aria-labelledby"])...)
	}
	for _, ref := range refs {
		require.True(t, ids[ref], "nothing has the id %q", ref)
	}
	require.Len(t, page.all("h1"), 1)
	require.Len(t, page.all("section"), 9)
	require.Equal(t, "en", page.all("html")[0].attrs["lang"])

	// The browser refuses all but this style.
	require.Len(t, page.all("style"), 1)
	style := page.all("style")[0].text
	require.NotContains(t, style, "url(")
	require.NotContains(t, style, "@import")
	sum := sha256.Sum256([]byte(style))
	policy := ""
	for _, meta := range page.all("meta") {
		if meta.attrs["http-equiv"] == "Content-Security-Policy" {
			policy = meta.attrs["content"]
		}
	}
	require.Equal(t, "default-src 'none'; style-src 'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+"'; img-src data:; base-uri 'none'; form-action 'none'", policy)
}

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
	page, text := scanPage(t, "pan.log", "--relays", "tor_relays.csv")
	checkPage(t, page)
	if *update {
		require.NoError(t, os.WriteFile(golden, []byte(text), 0o644))
	}
	want, err := os.ReadFile(golden)
	require.NoError(t, err)
	require.Equal(t, strings.Split(string(want), "\n"), strings.Split(text, "\n"))

	again, _ := scanPage(t, "pan.log", "--relays", "tor_relays.csv")
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
			b.Write(mustJSON(t, flow))
			b.WriteByte('\n')
			if i == 0 {
				b.WriteString("{broken " + text + "\n")
			}
		}
		return b.String()
	}
	write(t, ".", "plain.json", log("plain"))
	plain, _ := scanPage(t, "plain.json", "--relays", "tor_relays.csv")
	checkPage(t, plain)
	want := shape(plain)
	for i, text := range evil {
		name := fmt.Sprintf("%d.json", i)
		if i < 4 || i == 6 || i == 7 {
			name = strings.NewReplacer("/", "_").Replace(text)
		}
		write(t, ".", name, log(text))
		table := strings.Replace(smallTable, "anna", `"`+strings.ReplaceAll(text, `"`, `""`)+`"`, 1)
		write(t, ".", "evil_relays.csv", table)
		for _, relays := range []string{"tor_relays.csv", "evil_relays.csv"} {
			page, out := scanPage(t, "./"+name, "--relays", relays)
			checkPage(t, page)
			require.Subset(t, keys(want), keys(shape(page)), "%q", text)
			require.Less(t, len(out), 200_000)
			for _, r := range out {
				require.False(t, r != '\n' && r < ' ' || terminal.IsPlayful(r) && r != '\n', "%q: %q", text, r)
			}
			if len(text) < 30 {
				users := pageText(strings.ToValidUTF8(text, "\ufffd"))
				require.Contains(t, page.id("clients-table").text, strings.TrimSpace(users), "%q is shown as it is", text)
			}
		}
	}
}

func mustJSON(t testing.TB, v any) []byte {
	var b bytes.Buffer
	b.WriteByte('{')
	object := v.(map[string]any)
	for i, key := range slices.Sorted(func(yield func(string) bool) {
		for key := range object {
			if !yield(key) {
				return
			}
		}
	}) {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(`"` + key + `":`)
		if text, ok := object[key].(string); ok {
			b.Write(terminal.AppendJSON(nil, []byte(text)))
		} else {
			fmt.Fprint(&b, object[key])
		}
	}
	b.WriteByte('}')
	return b.Bytes()
}

func keys(m map[string]bool) []string {
	var out []string
	for key := range m {
		out = append(out, key)
	}
	return out
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
	for _, c := range []struct {
		name, log, class, headline string
		says                       []string
		args                       []string
	}{
		{"no file content", "", "unknown", "No flow was read", []string{"No flow could be read from 1 file, so this report says nothing about Tor."}, nil},
		{"all checked", clean + clean, "none", "No Tor was found", []string{"Of 2 flows, none went to a listed relay or came from a listed exit; the relay list of the time was asked for each."}, nil},
		{"half checked", clean + later, "unknown", "No Tor was found in what could be checked", []string{"asked for 1 of 2 flows, without a finding. The other 1 is not known to be clean."}, nil},
		{"nothing checked", later + later + later, "unknown", "Nothing could be checked", []string{"Of 3 flows, none could be checked"}, nil},
		{"blocked alone", blocked, "likely", "Tor is likely", []string{"0 have the verdict tor and 1 likely", "1 host contacted Tor or shows signs of it; 0 got an answer."}, nil},
		{"from exits alone", fromExit + later, "tor", "Traffic from Tor was found, none to it", []string{"Inbound: 1 address and port of yours was contacted", "1 flow could not be checked"}, nil},
		{"a name", onion, "possible", "Signs of Tor, none of them sure", []string{"Of 1 flow, 1 is possibly Tor."}, nil},
		{"below the least score", blocked + fromExit, "tor", "Tor was found", []string{"2 flows of these have a score below 99 (--min-score) and are counted here alone."}, []string{"--min-score", "99"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			write(t, ".", "a.log", c.log)
			page, _ := scanPage(t, append(c.args, "a.log", "--relays", "tor_relays.csv")...)
			checkPage(t, page)
			h1 := page.all("h1")[0]
			require.Equal(t, [2]string{c.class, c.headline}, [2]string{h1.attrs["class"], h1.text})
			for _, text := range c.says {
				require.Contains(t, page.all("header")[0].text, text)
			}
		})
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
	known := map[string]bool{}
	for _, term := range append(slices.Clone(verdictTerms), stateTerms...) {
		require.NotEmpty(t, term.Means)
		known[term.Name] = true
	}
	for _, name := range append(slices.Clone(verdictNames[:]), stateNames[:]...) {
		require.True(t, known[name], name)
	}
	for _, state := range []flow.State{flow.Established, flow.Attempt, flow.Blocked, flow.StateUnknown} {
		require.Equal(t, state.String(), stateNames[stateIndex(state.String())])
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
	report := newHTMLReport(&out, make([]string, 1000))
	long := strings.Repeat("u", 5000)
	live := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	s := &summary{Now: noon.Unix(), First: noon.Unix(), Last: noon.Unix() + 1e6, MinScore: 20, Version: "dev"}
	before := live()
	for i := range 100_000 {
		verdict := []string{"tor", "likely", "possible"}[i%3]
		direction := []string{"outbound", "outbound", "outbound", "inbound"}[i%4]
		at := noon.Unix() + int64(i)*10
		report.digest.add(finding{
			File: "pan.log", Line: int64(i), Source: fmt.Sprintf("10.%d.%d.%d", i>>16, i>>8&255, i&255), Dest: fmt.Sprintf("2001:db8::%x", i), DestPort: "9001",
			First: at, Last: at + 5, Verdict: verdict, Score: 97 - 30*(i%3), State: stateNames[i%4], Direction: direction, Role: "guard",
			Evidence: []string{"or_port", fmt.Sprint("code", i%100)}, Reason: strings.Repeat("reason ", 60), Relays: []string{strings.Repeat("F", 40)}, Nicknames: []string{"anna"},
			User: long + fmt.Sprint(i), Query: long, URL: long, SNI: long, App: long,
		})
		s.Verdicts[verdictRank(verdict)]++
		s.Covered[coveredFull].add(at)
		s.Read.Rows++
	}
	grown := live() - before
	require.NoError(t, report.finish(s))
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
