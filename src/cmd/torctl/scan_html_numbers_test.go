package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"net"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tordetect/tests/shared"
)

// jsonFlow is a line of scan -o json, as far as the test of the report needs it.
type jsonFlow struct {
	Line      int64    `json:"line"`
	Time      int64    `json:"_time"`
	Duration  int64    `json:"duration"`
	Source    string   `json:"src_ip"`
	Dest      string   `json:"dest_ip"`
	DestPort  int      `json:"dest_port"`
	BytesIn   int64    `json:"bytes_in"`
	BytesOut  int64    `json:"bytes_out"`
	User      string   `json:"user"`
	Verdict   string   `json:"tor_verdict"`
	Score     int      `json:"tor_score"`
	State     string   `json:"tor_state"`
	Direction string   `json:"tor_direction"`
	Role      string   `json:"tor_role"`
	Evidence  []string `json:"tor_evidence"`
	Reason    string   `json:"tor_reason"`
	Relay     []string `json:"tor_relay"`
	Nickname  []string `json:"tor_nickname"`
	From      int64    `json:"tor_first_seen"`
	Until     int64    `json:"tor_last_seen"`
	Coverage  string   `json:"tor_coverage"`
}

func flowsOf(t *testing.T, text string) []jsonFlow {
	var out []jsonFlow
	for _, line := range strings.Split(strings.TrimSpace(text), "\n") {
		var f jsonFlow
		require.NoError(t, json.Unmarshal([]byte(line), &f), line)
		out = append(out, f)
	}
	return out
}

// tally is what a test counts of flows that have an end in common.
type tally struct {
	flows, in, out, first, last int64
	states                      map[string]int
	others                      map[string]string // role by other end
	users                       map[string]bool
	best                        jsonFlow
	listing                     jsonFlow // of those with a role
}

func (a *tally) add(f jsonFlow, other string) {
	if a.flows == 0 {
		*a = tally{first: f.Time - f.Duration, states: map[string]int{}, others: map[string]string{}, users: map[string]bool{}, best: f}
	}
	a.flows++
	a.in += f.BytesIn
	a.out += f.BytesOut
	a.first = min(a.first, f.Time-f.Duration)
	a.last = max(a.last, f.Time)
	a.states[f.State]++
	if old := a.others[other]; old == "" || !guard(old) && guard(f.Role) {
		a.others[other] = f.Role
	}
	if f.Role != "" && (a.listing.Role == "" || f.Score > a.best.Score) {
		a.listing = f
	}
	a.users[f.User] = true
	if f.Score > a.best.Score {
		a.best = f
	}
}

func (a *tally) count(role func(string) bool) string {
	n := 0
	for _, r := range a.others {
		if role(r) {
			n++
		}
	}
	return strconv.Itoa(n)
}

func (a *tally) when() string {
	text := func(at int64) string { return time.Unix(at, 0).UTC().Format("2006-01-02T15:04:05Z") }
	if a.first == a.last {
		return text(a.first)
	}
	return text(a.first) + " " + text(a.last)
}

func (a *tally) stateText() string {
	var parts []string
	for _, state := range []string{"established", "unknown", "attempt", "blocked"} {
		if n := a.states[state]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, state))
		}
	}
	return strings.Join(parts, " ")
}

func listed(role string) bool { return role != "" }
func guard(role string) bool  { return role == "guard" || role == "guard+exit" }
func none(role string) bool   { return role == "" }

// tallies counts flows by client, host reached, and other end.
func tallies(flows []jsonFlow) (clients, reached, peers map[string]*tally) {
	clients, reached, peers = map[string]*tally{}, map[string]*tally{}, map[string]*tally{}
	add := func(m map[string]*tally, name string, f jsonFlow, other string) {
		if m[name] == nil {
			m[name] = &tally{}
		}
		m[name].add(f, other)
	}
	for _, f := range flows {
		dest := net.JoinHostPort(f.Dest, strconv.Itoa(f.DestPort))
		if f.Direction == "inbound" {
			add(reached, dest, f, f.Source)
			add(peers, f.Source, f, dest)
		} else {
			add(clients, f.Source, f, dest)
			add(peers, dest, f, f.Source)
		}
	}
	return clients, reached, peers
}

// office writes a log of hosts that use Tor in all ways, and the table that lists
// the relays.
func office(seed uint64, n int) (log, table string) {
	r := rand.New(rand.NewPCG(seed, 9))
	var b, l strings.Builder
	b.WriteString("ip,port,role,flags,fingerprint,nickname,first_seen,last_seen\n,,coverage,,,,1795132800,1795176000\n,,exit_coverage,,,,1795132800,1795176000\n")
	for i := range 30 {
		fmt.Fprintf(&b, "198.51.100.%d,9001,or,%s,%040X,relay%d,1795132800,%d\n", i+1, []string{"Guard", "Guard Exit", "", "Exit"}[i%4], i+1, i, 1795176000-i%3*3600)
	}
	b.WriteString(",32,end,,,,,\n")
	for range n {
		at := noon.Add(-time.Duration(r.IntN(8*3600)) * time.Second)
		if r.IntN(10) == 0 {
			at = noon.Add(time.Duration(r.IntN(3600)) * time.Second) // after the newest list
		}
		client, relay := fmt.Sprintf("10.0.%d.%d", r.IntN(3), 1+r.IntN(20)), fmt.Sprintf("198.51.100.%d", 1+r.IntN(30))
		action, packets, app := "allow", 1+r.IntN(50), "ssl"
		if r.IntN(3) == 0 {
			packets = 0
		}
		if r.IntN(6) == 0 {
			action, packets = "deny", 0
		}
		if r.IntN(5) == 0 {
			app = "tor"
		}
		source, dest, port := client, relay, []int{9001, 9001, 9001, 80}[r.IntN(4)]
		switch r.IntN(8) {
		case 0:
			source, dest, port = relay, fmt.Sprintf("203.0.113.%d", 1+r.IntN(3)), []int{443, 25}[r.IntN(2)]
		case 1:
			dest, port = fmt.Sprintf("192.0.2.%d", 1+r.IntN(40)), 443
		}
		received := 0
		if packets > 0 {
			received = r.IntN(1 << 20)
		}
		l.WriteString(panLine(at.Format("15:04:05"), source, 1024+r.IntN(60000), dest, port, app, action, r.IntN(1<<18), received, packets, r.IntN(400)))
	}
	return l.String(), b.String()
}

// The numbers of the report are those of json, counted another way.
func TestHTMLNumbers(t *testing.T) {
	t.Chdir(t.TempDir())
	for seed := range uint64(3) {
		log, table := office(seed, 3000)
		write(t, ".", "a.log", log[:len(log)/2])
		write(t, ".", "b.log", log[len(log)/2:])
		write(t, ".", "tor_relays.csv", table)
		files := []string{"a.log", "b.log", "--relays", "tor_relays.csv"}
		every := flowsOf(t, scan(append(files, "-o", "json")...).out)
		page, _ := scanPage(t, files...)
		checkPage(t, page)
		checkNumbers(t, page, every, 20)
		if seed == 0 {
			page, _ = scanPage(t, append(files, "--min-score", "60")...)
			checkNumbers(t, page, every, 60)
			page, _ = scanPage(t, append(files, "--min-score", "0")...)
			checkNumbers(t, page, every, 0)
		}
	}
}

func checkNumbers(t *testing.T, page *node, every []jsonFlow, least int) {
	t.Helper()
	verdicts, evidence := map[string]int{}, map[string]int{}
	coverage := map[string]*tally{}
	var found []jsonFlow
	for _, f := range every {
		verdicts[f.Verdict]++
		if coverage[f.Coverage] == nil {
			coverage[f.Coverage] = &tally{}
		}
		f := f
		duration := f.Duration
		f.Duration = 0 // coverage is told by the time of the row
		coverage[f.Coverage].add(f, "")
		f.Duration = duration
		if f.Score >= least {
			found = append(found, f)
			for _, code := range f.Evidence {
				evidence[code]++
			}
		}
	}
	var tiles []string
	for _, li := range page.id("verdicts-list").all("li") {
		tiles = append(tiles, li.value())
	}
	require.Equal(t, []string{
		fmt.Sprintf("%d flows read", len(every)), fmt.Sprintf("%d tor", verdicts["tor"]), fmt.Sprintf("%d likely", verdicts["likely"]),
		fmt.Sprintf("%d possible", verdicts["possible"]), fmt.Sprintf("%d none", verdicts["none"]), fmt.Sprintf("%d unknown", verdicts["unknown"]),
	}, tiles)

	clients, reached, peers := tallies(found)
	order := func(m map[string]*tally) []string {
		names := slices.Collect(maps.Keys(m))
		slices.SortFunc(names, func(a, b string) int {
			return cmp.Or(cmp.Compare(m[b].best.Score, m[a].best.Score), cmp.Compare(m[a].first, m[b].first), cmp.Compare(a, b))
		})
		return names
	}
	verdict := func(a *tally) string { return fmt.Sprintf("%s %d", a.best.Verdict, a.best.Score) }

	rows := page.rows(t, "clients-table")
	require.Len(t, rows, min(len(clients), maxPageClients))
	for i, name := range order(clients)[:len(rows)] {
		a, row := clients[name], rows[i]
		host := row["host"]
		require.Equal(t, map[string]string{
			"host": host, "verdict, score": verdict(a), "flows": fmt.Sprint(a.flows), "state": a.stateText(),
			"relays": a.count(listed), "guards": a.count(guard), "unlisted ends": a.count(none), "surest ends": row["surest ends"],
			"sent, received": fmt.Sprintf("%d %d", a.out, a.in), "first and last": a.when(), "strongest reason": a.best.Reason,
		}, row, name)
		th := page.id("clients-table").all("tbody")[0].children[i].children[0]
		require.True(t, strings.HasPrefix(th.text, name), "%s is at place %d, not %s", name, i, th.text)
		require.Contains(t, row["surest ends"], net.JoinHostPort(a.best.Dest, strconv.Itoa(a.best.DestPort)))
	}
	rows = page.rows(t, "reached-table")
	require.Len(t, rows, min(len(reached), maxPageReached))
	for i, name := range order(reached)[:len(rows)] {
		a, row := reached[name], rows[i]
		require.Equal(t, map[string]string{
			"address": name, "verdict, score": verdict(a), "flows": fmt.Sprint(a.flows), "state": a.stateText(), "exits": a.count(listed), "surest exits": row["surest exits"],
			"from, to Tor": fmt.Sprintf("%d %d", a.out, a.in), "first and last": a.when(), "strongest reason": a.best.Reason,
		}, row, name)
		require.Contains(t, row["surest exits"], a.best.Source)
	}
	inList, notInList := map[string]*tally{}, map[string]*tally{}
	for name, a := range peers {
		if a.listing.Role == "" {
			notInList[name] = a
		} else {
			inList[name] = a
		}
	}
	rows = page.rows(t, "relays-table")
	require.Len(t, rows, min(len(inList), maxPageRelays))
	for i, name := range order(inList)[:len(rows)] {
		a := inList[name]
		span := tally{first: a.listing.From, last: a.listing.Until}
		require.Equal(t, map[string]string{
			"address": name, "relay": a.listing.Nickname[0] + " " + a.listing.Relay[0], "role": a.listing.Role, "verdict, score": verdict(a),
			"flows": fmt.Sprint(a.flows), "hosts": fmt.Sprint(len(a.others)), "in the logs": a.when(), "listed": span.when(),
		}, rows[i], name)
	}
	rows = page.rows(t, "unlisted-table")
	require.Len(t, rows, min(len(notInList), maxPageRelays))
	for i, name := range order(notInList)[:len(rows)] {
		a := notInList[name]
		require.Equal(t, map[string]string{"name": name, "verdict, score": verdict(a), "flows": fmt.Sprint(a.flows), "hosts": fmt.Sprint(len(a.others)), "in the logs": a.when()}, rows[i])
	}
	rows = page.rows(t, "evidence-table")
	require.Len(t, rows, len(evidence))
	for _, row := range rows {
		require.Equal(t, fmt.Sprint(evidence[row["code"]]), row["flows"], row["code"])
	}
	rows = page.rows(t, "coverage-table")
	require.Len(t, rows, len(coverage))
	for _, row := range rows {
		require.Equal(t, fmt.Sprint(coverage[row["coverage"]].flows), row["flows"])
		require.Equal(t, coverage[row["coverage"]].when(), row["first and last"])
	}

	// The findings: pairs of ends judged alike.
	type alike struct{ source, dest, direction, verdict, state string }
	pairs := map[alike]*tally{}
	for _, f := range found {
		key := alike{f.Source, net.JoinHostPort(f.Dest, strconv.Itoa(f.DestPort)), f.Direction, f.Verdict, f.State}
		if pairs[key] == nil {
			pairs[key] = &tally{}
		}
		pairs[key].add(f, "")
	}
	rows = page.rows(t, "findings-table")
	require.Len(t, rows, min(len(pairs), maxPageFindings))
	last := 100
	for _, row := range rows {
		word, score, _ := strings.Cut(row["verdict, score"], " ")
		n, err := strconv.Atoi(score)
		require.NoError(t, err)
		require.LessOrEqual(t, n, last, "the surest first")
		last = n
		ours, theirs, _ := row["yours"], row["other end"], 0
		var a *tally
		for key, one := range pairs {
			if key.direction == strings.ReplaceAll(row["direction"], "not known", "") && key.verdict == word && key.state == row["state"] &&
				(key.direction == "inbound" && key.dest == ours && strings.HasPrefix(theirs, key.source+one.best.Role) ||
					key.direction != "inbound" && key.source == ours && strings.HasPrefix(theirs, key.dest+one.best.Role)) {
				a = one
			}
		}
		require.NotNil(t, a, row)
		require.Equal(t, fmt.Sprint(a.flows), row["flows"])
		require.Equal(t, a.when(), row["first and last"])
		require.Equal(t, a.best.Score, n)
		require.True(t, strings.HasPrefix(row["reason"], a.best.Reason), row["reason"])
		require.Contains(t, row["reason"], fmt.Sprintf(".log:%d", a.best.Line))
		require.Equal(t, strings.Join(a.best.Evidence, " "), row["evidence"])
	}
	hidden := len(pairs) - len(rows)
	require.Equal(t, hidden > 0, strings.Contains(page.id("findings").text, fmt.Sprintf("The first %d of %s are shown.", len(rows), grouped(int64(len(pairs))))))

	// The drawings: each second of the log in the bar where it belongs.
	for id, of := range map[string]func(jsonFlow) string{"verdicts": func(f jsonFlow) string { return f.Verdict }, "states": func(f jsonFlow) string { return f.State }} {
		drawn := 0
		for _, tr := range page.id("figures-" + id).all("tbody")[0].all("tr") {
			from, err := time.Parse(time.RFC3339, tr.children[0].text)
			require.NoError(t, err)
			step := barLength(t, page.id("chart-" + id).all("figcaption")[0].text)
			for i, th := range page.id("figures-" + id).all("thead")[0].all("th")[1:] {
				want := 0
				for _, f := range found {
					if at := f.Time - from.Unix(); at >= 0 && at < step && of(f) == th.text {
						want++
					}
				}
				require.Equal(t, strconv.Itoa(want), tr.children[i+1].value(), "%s at %s", th.text, tr.children[0].text)
				drawn += want
			}
		}
		require.Equal(t, len(found), drawn)
	}
}

func barLength(t *testing.T, caption string) int64 {
	for seconds, name := range stepNames {
		if strings.HasSuffix(caption, ", by "+name) {
			return seconds
		}
	}
	t.Fatalf("unknown step in %q", caption)
	return 0
}

// The measure: the report is right when compared with the ground truth of
// the private network, whose flows were captured and labelled one by one.
func TestHTMLPrivateNetwork(t *testing.T) {
	log, table := shared.File(t, "privnet/pan.log"), shared.File(t, "privnet/tor_relays.csv")
	text, err := os.ReadFile(shared.File(t, "privnet/flows.csv"))
	require.NoError(t, err)
	page, _ := scanPage(t, log, "--relays", table)
	checkPage(t, page)
	type truth struct {
		flows, sent, received int
		ends                  map[string]bool
	}
	clients, reached, relays, exits := map[string]*truth{}, map[string]*truth{}, map[string]*truth{}, map[string]*truth{}
	add := func(m map[string]*truth, name, other string, f map[string]string) {
		if m[name] == nil {
			m[name] = &truth{ends: map[string]bool{}}
		}
		sent, err := strconv.Atoi(f["bytes_out"])
		require.NoError(t, err)
		received, err := strconv.Atoi(f["bytes_in"])
		require.NoError(t, err)
		m[name].flows++
		m[name].sent += sent
		m[name].received += received
		m[name].ends[other] = true
	}
	missed := 0
	for _, f := range records(t, string(text)) {
		dest := net.JoinHostPort(f["dest_ip"], f["dest_port"])
		switch {
		case f["label"] != "tor":
		case strings.Contains(f["kind"], "bridge"):
			missed++ // no list knows them, and the firewall did not name them
		case strings.HasPrefix(f["kind"], "inbound"):
			add(reached, dest, f["src_ip"], f)
			add(exits, f["src_ip"], dest, f)
		default:
			add(clients, f["src_ip"], dest, f)
			add(relays, dest, f["src_ip"], f)
		}
	}
	require.Equal(t, 2, missed)
	check := func(id, name, many, bytes string, want map[string]*truth) {
		rows := page.rows(t, id)
		require.Len(t, rows, len(want), id)
		for _, row := range rows {
			w := want[row[name]]
			require.NotNil(t, w, "%s: %s is not Tor in truth", id, row[name])
			require.Equal(t, strconv.Itoa(w.flows), row["flows"])
			require.Equal(t, strconv.Itoa(len(w.ends)), row[many])
			if bytes != "" {
				require.Equal(t, fmt.Sprintf("%d %d", w.sent, w.received), row[bytes])
			}
			require.True(t, strings.HasPrefix(row["verdict, score"], "tor "))
		}
	}
	check("clients-table", "host", "relays", "sent, received", clients)
	check("reached-table", "address", "exits", "from, to Tor", reached)
	all := map[string]*truth{}
	maps.Copy(all, relays)
	maps.Copy(all, exits)
	require.Len(t, all, len(relays)+len(exits))
	check("relays-table", "address", "hosts", "", all)
	require.Nil(t, page.id("unlisted-table"))
	require.Contains(t, page.all("header")[0].text, fmt.Sprintf("Outbound: %d hosts contacted Tor or show signs of it; %[1]d got an answer.", len(clients)))
	require.Contains(t, page.all("header")[0].text, fmt.Sprintf("Inbound: %d addresses and ports of yours", len(reached)))
}

// A drawing has few bars, none higher than it is, and loses nothing.
func TestHTMLChart(t *testing.T) {
	names := []string{"tor", "likely", "possible", "none", "unknown"}
	r := rand.New(rand.NewPCG(3, 4))
	for _, c := range []struct {
		name        string
		first, last int64 // of the log
		from, to    int64 // of the findings
		step        string
	}{
		{"a second", 1795176000, 1795176000, 1795176000, 1795176000, "second"},
		{"a minute", 1795176000, 1795176059, 1795176000, 1795176059, "second"},
		{"an hour of a day", 1795132800, 1795219199, 1795176000, 1795179600, "15 minutes"},
		{"a week", 1795132800, 1795132800 + 7*day, 1795132800, 1795132800 + 7*day, "3 hours"},
		{"a year", 1795132800, 1795132800 + 365*day, 1795132800, 1795132800 + 365*day, "7 days"},
		{"a clock of 1970", 5, 1795176000, 1795132800, 1795176000, "15 minutes"},
		{"all of time", 1, maxTime, 1, maxTime, "58240 days"},
	} {
		t.Run(c.name, func(t *testing.T) {
			line := newTimeline()
			total := int64(0)
			for range 5000 {
				at := c.from
				if c.to > c.from {
					at += r.Int64N(c.to - c.from + 1)
				}
				line.add(at, r.IntN(r.IntN(4)+1)*3%5)
				total++
			}
			line.add(0, rankTor)
			chart := newChart("x", "Title", &line, names, verdictRank, c.first, c.last)
			require.Equal(t, c.step, chart.Step)
			require.LessOrEqual(t, len(chart.Bars), maxBars)
			require.EqualValues(t, 1, chart.Untimed)
			sum, keyed, most := int64(0), int64(0), int64(0)
			for i, b := range chart.Bars {
				most = max(most, b.Total)
				sum += b.Total
				top := barHeight
				counted := int64(0)
				for _, p := range b.Parts {
					require.Equal(t, top, p.Y+p.H, "parts stand on one another")
					require.GreaterOrEqual(t, p.H, leastPart)
					top = p.Y
					counted += p.N
					require.Equal(t, p.N, b.Count(p.Name))
				}
				require.GreaterOrEqual(t, top, 0)
				require.Equal(t, b.Total, counted)
				require.GreaterOrEqual(t, b.X, i*barStep)
				require.LessOrEqual(t, b.X+barWidth, chart.Width)
			}
			for _, k := range chart.Keys {
				keyed += k.Total
			}
			require.Equal(t, total, sum)
			require.Equal(t, total, keyed)
			require.Equal(t, most, chart.Most)
			if c.last-c.first < 400*day {
				require.LessOrEqual(t, chart.From, c.first)
				require.GreaterOrEqual(t, chart.To, c.last)
			}
		})
	}
}

func TestHTMLFormats(t *testing.T) {
	for n, want := range map[int64]string{0: "0 B", 999: "999 B", 1000: "1.0 kB", 999_949: "999.9 kB", 999_950: "1.0 MB", 1_500_000: "1.5 MB", 2e9: "2.0 GB", 3e12: "3.0 TB", 5e15: "5000.0 TB"} {
		require.Equal(t, want, size(n))
	}
	for n, want := range map[int64]string{0: "0", 999: "999", 1000: "1\u202f000", 1234567: "1\u202f234\u202f567", -1000: "-1\u202f000", -100: "-100"} {
		require.Equal(t, want, grouped(n))
	}
	require.Equal(t, "not known", pageTime(0))
	require.Equal(t, "2026-11-20T12:00:00Z", pageTime(noon.Unix()))
}

// Text can be read and marks can be seen in both schemes: WCAG 2.2 wants a contrast
// of 4.5 for text (1.4.3) and of 3 for what is no text (1.4.11).
func TestHTMLContrast(t *testing.T) {
	light, rest, _ := strings.Cut(pageStyle, "@media")
	dark, _, _ := strings.Cut(rest, "* {")
	for scheme, css := range map[string]string{"light": light, "dark": dark} {
		luminance := map[string]float64{}
		for _, m := range regexp.MustCompile(`--(\w+): #(\w\w)(\w\w)(\w\w);`).FindAllStringSubmatch(css, -1) {
			for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
				n, err := strconv.ParseUint(m[i+2], 16, 8)
				require.NoError(t, err)
				c := float64(n) / 255
				if c <= 0.04045 {
					luminance[m[1]] += weight * c / 12.92
				} else {
					luminance[m[1]] += weight * math.Pow((c+0.055)/1.055, 2.4)
				}
			}
		}
		require.Len(t, luminance, 15, scheme)
		for _, ground := range []string{"paper", "panel"} {
			for name, l := range luminance {
				least := 3.0
				switch name {
				case "ink", "faint", "link":
					least = 4.5
				case "paper", "panel", "line":
					continue
				}
				a, b := max(l, luminance[ground])+0.05, min(l, luminance[ground])+0.05
				require.GreaterOrEqual(t, a/b, least, "%s on %s, %s", name, ground, scheme)
			}
		}
	}
}
