package html

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"net"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tordetect/src/report"
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
		ours, theirs := f.ends()
		if ours == f.Dest {
			f.BytesIn, f.BytesOut = f.BytesOut, f.BytesIn
		}
		if f.Direction == "inbound" {
			add(reached, ours, f, theirs)
		} else {
			add(clients, ours, f, theirs)
		}
		add(peers, theirs, f, ours)
	}
	return clients, reached, peers
}

// ends are ours and the other. A relay, as far as the list knows it, is never ours.
func (f *jsonFlow) ends() (ours, theirs string) {
	dest := net.JoinHostPort(f.Dest, strconv.Itoa(f.DestPort))
	switch isRelay := f.Role != "" && strings.HasPrefix(f.Source, "198.51.100."); {
	case f.Direction == "inbound":
		return dest, f.Source
	case isRelay:
		return f.Dest, f.Source
	}
	return f.Source, dest
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
		half := strings.LastIndexByte(log[:len(log)/2], '\n') + 1
		write(t, ".", "a.log", log[:half])
		write(t, ".", "b.log", log[half:])
		write(t, ".", "tor_relays.csv", table)
		var every bytes.Buffer
		scanInto(t, report.JSON(&every), "tor_relays.csv", 0, "a.log", "b.log")
		flows := flowsOf(t, every.String())
		page, _ := scanPage(t, "tor_relays.csv", 20, "a.log", "b.log")
		checkPage(t, page)
		checkNumbers(t, page, flows, 20)
		if seed == 0 {
			page, _ = scanPage(t, "tor_relays.csv", 60, "a.log", "b.log")
			checkNumbers(t, page, flows, 60)
			page, _ = scanPage(t, "tor_relays.csv", 0, "a.log", "b.log")
			checkNumbers(t, page, flows, 0)
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
			"host": host, "what it is": row["what it is"], "verdict, score": verdict(a), "flows": fmt.Sprint(a.flows), "state": a.stateText(),
			"relays": a.count(listed), "guards": a.count(guard), "unlisted ends": a.count(none), "surest ends": row["surest ends"],
			"sent, received": fmt.Sprintf("%d %d", a.out, a.in), "first and last": a.when(), "strongest reason": a.best.Reason,
		}, row, name)
		th := page.id("clients-table").all("tbody")[0].children[i].children[0]
		require.True(t, strings.HasPrefix(th.text, name), "%s is at place %d, not %s", name, i, th.text)
		_, theirs := a.best.ends()
		require.Contains(t, row["surest ends"], theirs)
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
	type alike struct{ ours, theirs, direction, verdict, state string }
	pairs := map[alike]*tally{}
	for _, f := range found {
		ours, theirs := f.ends()
		key := alike{ours, theirs, f.Direction, f.Verdict, f.State}
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
				key.ours == ours && strings.HasPrefix(theirs, key.theirs+one.best.Role) {
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
