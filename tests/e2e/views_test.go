package e2e

import (
	"fmt"
	"maps"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tordetect/tests/preview/dashboard"
	"tordetect/tests/sample"
	"tordetect/tests/splunkd"
)

// open loads a dashboard of the packaged app.
func open(t *testing.T, h *splunkd.Head, name string, form map[string]string) *dashboard.Page {
	t.Helper()
	view, err := dashboard.Read(filepath.Join(h.App.Dir, "default", "data", "ui", "views", name+".xml"))
	require.NoError(t, err)
	page, err := dashboard.Open(h, view, form)
	require.NoError(t, err)
	return page
}

// panel finds a panel that is shown, by its title.
func panel(t *testing.T, page *dashboard.Page, title string) dashboard.Panel {
	t.Helper()
	for _, row := range page.Rows() {
		for _, p := range row.Panels {
			if page.Fill(p.Title, false) == title {
				return p
			}
		}
	}
	require.Fail(t, "no such panel is shown", title)
	return dashboard.Panel{}
}

// element is the one element that a panel shows.
func element(t *testing.T, page *dashboard.Page, title string) dashboard.Element {
	t.Helper()
	elements := panel(t, page, title).Elements
	require.Len(t, elements, 1, "%s: a panel shows its result or why there is none, not both and not neither", title)
	return elements[0]
}

func rowsOf(t *testing.T, page *dashboard.Page, title string) []splunkd.Row {
	t.Helper()
	e := element(t, page, title)
	require.NotEqual(t, "html", e.Kind, "%s: %s", title, e.HTML)
	outcome := page.Outcome(e.Search)
	require.NoError(t, outcome.Err)
	require.NotNil(t, outcome.Result, "%s: the search still waits", title)
	return outcome.Result.Rows
}

// single is the value that a panel shows as a number or word.
func single(t *testing.T, page *dashboard.Page, title string) string {
	t.Helper()
	rows := rowsOf(t, page, title)
	require.Len(t, rows, 1, title)
	var values []string
	for _, value := range rows[0] {
		values = append(values, value...)
	}
	require.Len(t, values, 1, title)
	return values[0]
}

// note is the text that a panel shows instead of a result.
func note(t *testing.T, page *dashboard.Page, title string) string {
	t.Helper()
	e := element(t, page, title)
	require.Equal(t, "html", e.Kind, title)
	return words(page.Fill(e.HTML, true))
}

// notices are the headings of what a page says at its top.
func notices(page *dashboard.Page) (found []string) {
	for _, row := range page.Rows() {
		for _, p := range row.Panels {
			for _, e := range p.Elements {
				if text := page.Fill(e.HTML, true); p.Title == "" && e.Kind == "html" {
					_, text, _ = strings.Cut(text, "<h")
					text, _, _ = strings.Cut(text[2:], "</h")
					found = append(found, text)
				}
			}
		}
	}
	return found
}

// sound asserts what holds for a page in every state: each panel shows something, one thing or an explanation; and no
// search that is shown still waits or has failed without the page saying so.
func sound(t *testing.T, page *dashboard.Page) {
	t.Helper()
	for _, row := range page.Rows() {
		for _, p := range row.Panels {
			require.NotEmpty(t, p.Elements, "the panel %q is empty", p.Title)
			for _, e := range p.Elements {
				require.NotContains(t, page.Fill(e.HTML, true), "$", "a token without a value")
				if e.Search == nil {
					continue
				}
				if outcome := page.Outcome(e.Search); outcome.Err == nil && outcome.Result != nil && e.Kind != "single" {
					require.NotEmpty(t, outcome.Result.Rows, "%q shows an empty %s", p.Title, e.Kind)
				}
			}
		}
	}
}

// follow runs the search that a link opens, as the search page would: in another app, which has none of our macros.
func follow(t *testing.T, h *splunkd.Head, link string) *splunkd.Result {
	t.Helper()
	at, err := url.Parse(link)
	require.NoError(t, err)
	require.Equal(t, "search", at.Path)
	q := at.Query()
	require.NotContains(t, q.Get("q"), "`", "a macro")
	result, err := h.RunOver(q.Get("q"), q.Get("earliest"), q.Get("latest"))
	require.NoError(t, err, q.Get("q"))
	return result
}

// over is the overview of the sample's day.
var day = map[string]string{"period.earliest": "-6h@h", "period.latest": "now"}

func with(base map[string]string, more ...string) map[string]string {
	all := maps.Clone(base)
	for i := 0; i < len(more); i += 2 {
		all[more[i]] = more[i+1]
	}
	return all
}

func TestOverview(t *testing.T) {
	h := sampleHead(t)
	page := open(t, h, "tor_overview", day)
	sound(t, page)
	require.Empty(t, notices(page), "nothing is wrong")

	relays, exits := 0, map[string]bool{}
	for _, r := range sample.Relays() {
		relays++
		if r.ExitAddr != "" {
			exits[r.ExitAddr] = true
		}
	}
	require.Equal(t, "current", single(t, page, "Relay list"))
	require.Equal(t, fmt.Sprint(relays), single(t, page, "Relays in the table"))
	require.Equal(t, fmt.Sprint(len(exits)), single(t, page, "Exit addresses in the table"))

	// The truth of the log, by the verdicts of sample_test.go.
	clients, servers := map[string]bool{}, map[string]bool{}
	flows := map[string]int{}
	for _, f := range sample.Flows() {
		want := wanted[f.Kind]
		if f.Kind == sample.WebOnRelay && f.App == "tor" {
			want = "likely 69 outbound established full"
		}
		parts := strings.Fields(want)
		if len(parts) < 3 || parts[0] == "none" {
			continue
		}
		flows[parts[0]]++
		if parts[2] == "inbound" {
			servers[f.Dest] = true
		} else {
			clients[f.Src] = true
		}
	}
	require.Equal(t, fmt.Sprint(len(clients)), single(t, page, "Hosts inside that use Tor"))
	require.Equal(t, fmt.Sprint(len(servers)), single(t, page, "Hosts inside reached from Tor exits"))
	charted := map[string]int{}
	for _, row := range rowsOf(t, page, "Flows by verdict, over time") {
		for _, verdict := range []string{"tor", "likely"} {
			n := 0
			fmt.Sscan(row.Get(verdict), &n)
			charted[verdict] += n
		}
	}
	require.Equal(t, flows, charted)
	found := map[string]bool{}
	for _, row := range rowsOf(t, page, "Tor clients: who") {
		found[row.Get("host")] = true
		require.NotEmpty(t, row.Get("reason"))
	}
	require.Equal(t, clients, found)
	kinds := map[string]string{}
	for _, row := range rowsOf(t, page, "What those hosts are") {
		kinds[row.Get("host")] = row.Get("kind")
		require.NotEmpty(t, row.Get("means"))
	}
	require.Equal(t, slices.Sorted(maps.Keys(kinds)), slices.Sorted(maps.Keys(merge(clients, servers))))
	require.Equal(t, "visited", kinds["10.20.0.80"])
	require.Equal(t, "client", kinds["10.20.1.77"])

	// Blind: the flows of the hour behind the newest list.
	blind := rowsOf(t, page, "Blind spots: what to do")
	require.Len(t, blind, 1)
	require.Equal(t, "stale", blind[0].Get("coverage"))
	require.Contains(t, blind[0].Get("meaning"), "Update the Tor relay list")
	require.Len(t, rowsOf(t, page, "Hours that the table knows, in your time zone"), 2)
	require.Contains(t, note(t, page, "What each node has"), "search bundle", "nobody asked yet")

	// Surer: fewer. Another host: it alone.
	require.NoError(t, page.Type("minimum", "80"))
	sound(t, page)
	for _, row := range rowsOf(t, page, "Tor clients: who") {
		require.Equal(t, "tor", row.Get("verdict"))
	}
	require.NoError(t, page.Type("host", "10.20.1.77"))
	require.Len(t, rowsOf(t, page, "Tor clients: who"), 1)
	require.Equal(t, "0", single(t, page, "Hosts inside reached from Tor exits"))
	require.Contains(t, note(t, page, "Inbound from Tor exits: to whom"), "No traffic from Tor exits")
	require.NoError(t, page.Type("host", `nobody" OR inside="*`))
	sound(t, page)
	require.Contains(t, note(t, page, "Tor clients: who"), "No Tor client")
	require.Contains(t, note(t, page, "Flows by verdict, over time"), "Nothing found")
	require.Equal(t, []string{"No such host here"}, notices(page), "a host that does not exist is not a clean one")
}

func merge(a, b map[string]bool) map[string]bool {
	all := maps.Clone(a)
	maps.Copy(all, b)
	return all
}

var tags = regexp.MustCompile(`<[^>]*>`)

// Each state of the list and of the traffic is said, with what to do, and said only then.
func TestOverviewSaysWhatIsWrong(t *testing.T) {
	table := string(sample.Table())
	cut := table[:strings.LastIndex(strings.TrimSpace(table), "\n")+1]
	bare := "ip,port,role,flags,fingerprint,nickname,first_seen,last_seen\n"
	for name, test := range map[string]struct {
		table   []byte
		later   time.Duration
		log     []byte
		notices []string
		state   string
		trust   string
	}{
		"well":             {[]byte(table), 0, sample.Log(), nil, "current", "In part Only 85.3 % of the flows could be checked"},
		"no table":         {nil, 0, sample.Log(), []string{"There is no relay list yet"}, "missing", "No There is no relay list yet."},
		"an empty table":   {[]byte(bare), 0, sample.Log(), []string{"There is no relay list yet"}, "missing", "No There is no relay list yet."},
		"cut":              {[]byte(cut), 0, sample.Log(), []string{"The relay list is damaged"}, "damaged", "No The relay list is damaged."},
		"without coverage": {[]byte(bare + "198.51.100.9,9001,or,,AA,x,1,2\n,1,end,,,,,\n"), 0, sample.Log(), []string{"The relay list is damaged"}, "damaged", "No The relay list is damaged."},
		"old":              {[]byte(table), 7 * time.Hour, sample.Log(), []string{"The newest relay list ended 7.8 hours ago", "No traffic in this time"}, "old", "No The newest relay list ended 7.8 hours ago."},
		"too old":          {[]byte(table), 48 * time.Hour, sample.Log(), []string{"The newest relay list ended 48.8 hours ago", "No traffic in this time"}, "too old", "No The newest relay list ended 48.8 hours ago."},
		"no traffic":       {[]byte(table), 0, nil, []string{"No traffic in this time"}, "current", "No No traffic was read."},
	} {
		h := head(t, sample.Log(), test.table)
		h.Now = h.Now.Add(test.later)
		if test.log == nil {
			h = withoutLog(t, h, test.table)
		}
		page := open(t, h, "tor_overview", day)
		require.Equal(t, test.notices, notices(page), name)
		sound(t, page)
		require.Equal(t, test.state, single(t, page, "Relay list"), name)
		require.Contains(t, words(tags.ReplaceAllString(note(t, page, "Can I trust this?"), " ")), test.trust, name)
		if slices.Contains(test.notices, "No traffic in this time") {
			for _, row := range page.Rows() {
				for _, p := range row.Panels {
					require.NotContains(t, []string{"Tor clients: who", "Hosts inside that use Tor", "Blind spots: what to do"}, p.Title, "nothing reassures without traffic")
				}
			}
		}
	}
}

// Traffic that cannot be read, as without the add-on that has the data model.
func TestOverviewWithoutTraffic(t *testing.T) {
	h := sampleHead(t)
	macro(t, h, "tordetect_summaries", "summariesonly=nobody_knows")
	page := open(t, h, "tor_overview", day)
	require.Equal(t, []string{"The traffic could not be read"}, notices(page))
	page = open(t, h, "was_it_tor", map[string]string{"address": "192.0.2.1"})
	require.Len(t, notices(page), 1)
	shown := panel(t, page, page.Fill("Who here talked with it, $begin$ to $end$", false)).Elements
	require.Equal(t, "html", shown[len(shown)-1].Kind)
	require.Contains(t, shown[len(shown)-1].HTML, "could not be read")
}

// withoutLog is the same search head before the first event.
func withoutLog(t *testing.T, h *splunkd.Head, table []byte) *splunkd.Head {
	empty := &splunkd.Head{App: h.App, Now: h.Now}
	put(t, empty, "tor_relays.csv", table)
	return empty
}

// A click leads to searches and pages that tell more of what was clicked, whatever the name of the host.
func TestOverviewClicks(t *testing.T) {
	const hostile = `pc" | delete | search "\`
	h := sampleHead(t)
	var relay sample.Relay
	for _, r := range sample.Relays() {
		if r.Addr6 != "" && strings.Contains(r.Flags, "Guard") {
			relay = r
		}
	}
	h.AddEvents(splunkd.Event{Time: sample.ListEnd().Add(-time.Hour), Model: "Network_Traffic", Fields: map[string]string{
		"sourcetype": "fw", "src": hostile, "dest": relay.Addr6, "dest_ip": relay.Addr6, "dest_port": fmt.Sprint(relay.Port6),
		"transport": "tcp", "action": "allowed", "bytes_in": "5000", "bytes_out": "3000",
	}})
	page := open(t, h, "tor_overview", day)
	sound(t, page)

	who := element(t, page, "Tor clients: who")
	for _, row := range rowsOf(t, page, "Tor clients: who") {
		link, err := page.Click(who, "score", row, nil)
		require.NoError(t, err)
		result := follow(t, h, link)
		require.NotEmpty(t, result.Rows, row.Get("host"))
		for _, found := range result.Rows {
			hosts := []string{found.Get("src"), found.Get("src_ip"), found.Get("dest")}
			require.Contains(t, hosts, row.Get("host"))
		}
		require.Equal(t, row.Get("score"), result.Rows[0].Get("tor_score"))
	}

	relays := element(t, page, "Tor clients: to where")
	for _, row := range rowsOf(t, page, "Tor clients: to where") {
		link, err := page.Click(relays, "destination", row, nil)
		require.NoError(t, err)
		at, err := url.Parse(link)
		require.NoError(t, err)
		require.Equal(t, "was_it_tor", at.Path)
		second := open(t, h, at.Path, map[string]string{"address": at.Query().Get("form.address"), "time": at.Query().Get("form.time")})
		sound(t, second)
		var there, here int
		fmt.Sscan(single(t, second, "Hosts here that talked with it"), &there)
		fmt.Sscan(row.Get("hosts"), &here)
		require.GreaterOrEqual(t, there, here, "%s: those of that port, and of others", row.Get("destination"))
		require.NotContains(t, strings.Join(notices(second), ""), "could not")
	}

	bars := element(t, page, "Flows by verdict, over time")
	row := rowsOf(t, page, "Flows by verdict, over time")[2]
	from := row.Get("_time")
	var begin int64
	fmt.Sscan(from, &begin)
	link, err := page.Click(bars, "tor", row, dashboard.Tokens{"earliest": from, "latest": fmt.Sprint(begin + 3600)})
	require.NoError(t, err)
	n := 0
	for _, found := range follow(t, h, link).Rows {
		var count int
		fmt.Sscan(found.Get("count"), &count)
		n += count
	}
	want := 0
	for _, verdict := range []string{"tor", "likely"} {
		var count int
		fmt.Sscan(row.Get(verdict), &count)
		want += count
	}
	require.Equal(t, want, n)

	visited := element(t, page, "Inbound from Tor exits: to whom")
	link, err = page.Click(visited, "flows", rowsOf(t, page, "Inbound from Tor exits: to whom")[0], nil)
	require.NoError(t, err)
	require.NotEmpty(t, follow(t, h, link).Rows)

	// On the host itself: this page, that host alone.
	for _, row := range rowsOf(t, page, "Tor clients: who") {
		if row.Get("host") == hostile {
			link, err = page.Click(who, "host", row, nil)
			require.NoError(t, err)
			require.Empty(t, link)
		}
	}
	require.Equal(t, "1", single(t, page, "Hosts inside that use Tor"))
	require.Equal(t, hostile, rowsOf(t, page, "What those hosts are")[0].Get("host"))
}

// Every indexer is asked only when somebody wants it, and answers itself.
func TestWhatEachNodeHas(t *testing.T) {
	h := sampleHead(t)
	h.Indexers = 2
	page := open(t, h, "tor_overview", day)
	require.Contains(t, note(t, page, "What each node has"), "search bundle")

	require.NoError(t, page.Type("ask_nodes", "-15m"))
	require.Contains(t, note(t, page, "What each node has"), "No event of the index _internal")
	require.NoError(t, page.Clear("ask_nodes"))
	require.Contains(t, note(t, page, "What each node has"), "search bundle")

	for i := range 6 {
		h.AddEvents(splunkd.Event{Time: h.Now.Add(-time.Duration(i+1) * time.Minute), Raw: "metrics", Fields: map[string]string{
			"index": "_internal", "sourcetype": "splunkd", "component": "Metrics", "group": "thruput", "name": "thruput",
		}})
	}
	page = open(t, h, "tor_overview", with(day, "ask_nodes", "-15m"))
	sound(t, page)
	rows := rowsOf(t, page, "What each node has")
	require.Len(t, rows, 2)
	asked := page.Outcome(element(t, page, "What each node has").Search).Result
	require.Empty(t, asked.Messages)
	h.Indexers = 5
	more := open(t, h, "tor_overview", with(day, "ask_nodes", "-15m"))
	require.Equal(t, asked.Processes+3, more.Outcome(element(t, more, "What each node has").Search).Result.Processes, "each indexer runs it")
	for i, row := range rows {
		require.Equal(t, fmt.Sprintf("indexer%d", i+1), row.Get("splunk_server"))
		require.Contains(t, row.Get("state"), "old everywhere", "the program's clock is the machine's, the list is the sample's")
		require.Regexp(t, `^\d+\.\d+\.\d+`, row.Get("version"))
		require.NotEmpty(t, row.Get("node"))
	}
}

// The answers of Was it Tor?, with what the page says about each.
func TestWasItTor(t *testing.T) {
	h := sampleHead(t)
	relays := sample.Relays()
	young := relays[7] // joined at ten
	var six, exit sample.Relay
	for _, r := range relays {
		if r.Addr6 != "" {
			six = r
		}
		if r.ExitAddr != "" && r.ExitAddr != r.Addr {
			exit = r
		}
	}
	at := func(hour float64) string {
		return sample.ListEnd().Add(time.Duration((hour - 12) * float64(time.Hour))).Format(time.RFC3339)
	}
	for name, test := range map[string]struct{ address, time, says, list string }{
		"listed":           {young.Addr, at(11), "Yes: " + young.Addr, "yes"},
		"as a network":     {young.Addr + "/32", at(11), "Yes: " + young.Addr, "yes"},
		"IPv6":             {strings.ToUpper(six.Addr6), at(11), "Yes: " + six.Addr6, "yes"},
		"exit":             {exit.ExitAddr, at(11), "Yes: " + exit.ExitAddr, "yes"},
		"before it joined": {young.Addr, at(9), "No: " + young.Addr, "yes"},
		"never":            {"203.0.113.7", at(9), "No: 203.0.113.7", "yes"},
		"behind the lists": {young.Addr, at(12.8), "Probably: there was no list for", "no: newer"},
		"before them":      {"203.0.113.7", at(-9), "Unknown: there was no list for", "no: older"},
		"now":              {"203.0.113.7", "now", "Unknown: there was no list for", "no: newer"},
		"hours ago":        {young.Addr, "-2h", "Yes: " + young.Addr, "yes"},
		"epoch":            {young.Addr, fmt.Sprint(sample.ListEnd().Unix() - 60), "Yes: " + young.Addr, "yes"},
	} {
		page := open(t, h, "was_it_tor", map[string]string{"address": test.address, "time": test.time})
		sound(t, page)
		says := notices(page)
		require.Len(t, says, 1, "%s: %v", name, says)
		require.True(t, strings.HasPrefix(says[0], test.says), "%s: %s", name, says[0])
		require.Equal(t, test.list, single(t, page, "A list for that time"), name)
		require.Equal(t, "current", single(t, page, "The relay list today"))
		if test.address == "203.0.113.7" {
			require.Contains(t, note(t, page, "What it was"), "No list that was read knows this address")
		} else {
			require.NotEmpty(t, rowsOf(t, page, "What it was")[0].Get("what"), name)
		}
	}

	// A relay that left in the morning, asked about at noon.
	left := strings.Replace(string(sample.Table()), fmt.Sprintf("%s,%d,or,%s,%s,%s,%d,%d", young.Addr, young.Port, young.Flags, young.Fingerprint, young.Nickname, young.First.Unix(), sample.ListEnd().Unix()),
		fmt.Sprintf("%s,%d,or,%s,%s,%s,%d,%d", young.Addr, young.Port, young.Flags, young.Fingerprint, young.Nickname, young.First.Unix()-7200, young.First.Unix()-3600), 1)
	put(t, h, "tor_relays.csv", []byte(left))
	page := open(t, h, "was_it_tor", map[string]string{"address": young.Addr, "time": at(11), "around": "3600"})
	require.Equal(t, []string{"Probably: " + young.Addr + " had left the Tor network shortly before " + at(11)}, notices(page))
	require.Equal(t, "recent", rowsOf(t, page, "What it was")[0].Get("answer"))
	hours := rowsOf(t, page, "Hour by hour, in your time zone")
	require.Len(t, hours, 2, "an hour before and after")
	require.Equal(t, "1", hours[0].Get("there was a list"))
	require.Empty(t, hours[0].Get(fmt.Sprintf("OR port %d", young.Port)))
	require.NoError(t, page.Type("around", "21600"))
	listed := 0
	for _, hour := range rowsOf(t, page, "Hour by hour, in your time zone") {
		if hour.Get(fmt.Sprintf("OR port %d", young.Port)) == "1" {
			listed++
		}
	}
	require.Equal(t, 1, listed, "eight to nine")
}

// Who talked with it: all flows of the log with that address in that time, and a click that opens them.
func TestWasItTorTraffic(t *testing.T) {
	h := sampleHead(t)
	talked := map[string]int{}
	var from time.Time
	for _, f := range sample.Flows() {
		if f.Kind == sample.FromExit {
			talked[f.Src]++
			from = f.End
		}
		if f.Kind == sample.UnlabelledRelay || f.Kind == sample.OverIPv6 || f.Kind == sample.BlockedRelay {
			talked[f.Dest]++
		}
	}
	for address := range talked {
		page := open(t, h, "was_it_tor", map[string]string{"address": address, "time": from.Format(time.RFC3339), "around": "86400"})
		sound(t, page)
		hosts, flows := map[string]bool{}, 0
		for _, f := range sample.Flows() {
			switch address {
			case f.Src:
				hosts[f.Dest] = true
				flows++
			case f.Dest:
				hosts[f.Src] = true
				flows++
			}
		}
		require.Equal(t, fmt.Sprint(len(hosts)), single(t, page, "Hosts here that talked with it"))
		title := page.Fill("Who here talked with it, $begin$ to $end$", false)
		got, total := map[string]bool{}, 0
		for _, row := range rowsOf(t, page, title) {
			got[row.Get("host")] = true
			var n int
			fmt.Sscan(row.Get("flows"), &n)
			total += n
			link, err := page.Click(element(t, page, title), "host", row, nil)
			require.NoError(t, err)
			opened := follow(t, h, link)
			require.NotEmpty(t, opened.Rows)
			for _, found := range opened.Rows {
				require.Contains(t, []string{found.Get("src"), found.Get("dest")}, address)
				require.Contains(t, []string{found.Get("src"), found.Get("dest")}, row.Get("host"))
			}
		}
		require.Equal(t, hosts, got)
		require.Equal(t, flows, total)
	}
	// Firewalls that put names into src and dest have the address in src_ip and dest_ip.
	named := func(fields map[string]string) {
		h.AddEvents(splunkd.Event{Time: from, Model: "Network_Traffic", Fields: with(fields, "sourcetype", "fw", "dest_port", "443", "transport", "tcp", "action", "allowed")})
	}
	named(map[string]string{"src": "pc-7", "src_ip": "10.20.0.7", "dest": "site.example", "dest_ip": "192.0.2.98"})
	named(map[string]string{"src": "visitor.example", "src_ip": "192.0.2.98", "dest": "www", "dest_ip": "10.20.0.80"})
	page := open(t, h, "was_it_tor", map[string]string{"address": "192.0.2.98", "time": from.Format(time.RFC3339)})
	require.ElementsMatch(t, []string{"pc-7 to it", "www from it"},
		texts(&splunkd.Result{Table: splunkd.Table{Rows: rowsOf(t, page, page.Fill("Who here talked with it, $begin$ to $end$", false))}}, "host", "direction"))
	page = open(t, h, "was_it_tor", map[string]string{"address": "192.0.2.99", "time": from.Format(time.RFC3339)})
	require.Equal(t, "0", single(t, page, "Hosts here that talked with it"))
	require.Contains(t, note(t, page, page.Fill("Who here talked with it, $begin$ to $end$", false)), "Nobody here")
}

// What is typed is asked for, never run.
func TestWasItTorInput(t *testing.T) {
	h := sampleHead(t)
	page := open(t, h, "was_it_tor", nil)
	sound(t, page)
	require.Equal(t, []string{"Which address, and when?"}, notices(page))

	require.NoError(t, page.Type("address", "2001:db8::10"))
	require.Equal(t, []string{"Unknown: there was no list for " + h.Now.Format(time.RFC3339)}, notices(page))
	for _, bad := range []string{"", "www.example.com", "10.0.0.0/8", `192.0.2.1" | delete`, `192.0.2.1" at="0`, `"`, `\`, "192.0.2.1 192.0.2.2", "$address$", "[subsearch]", "*"} {
		require.NoError(t, page.Type("address", bad))
		sound(t, page)
		require.Equal(t, []string{"That could not be asked"}, notices(page), "%q", bad)
	}
	require.NoError(t, page.Type("address", "192.0.2.1"))
	require.Len(t, notices(page), 1)
	require.NotContains(t, notices(page)[0], "could not")
	for _, bad := range []string{"yesterday", `0" | delete`, "-1fortnight", "2026-13-01", `\"`} {
		require.NoError(t, page.Type("time", bad))
		require.Equal(t, []string{"That could not be asked"}, notices(page), "%q", bad)
	}
	for _, good := range []string{"", " now ", "NOW", "-3h", "-1d@d", "0", "2026-11-20", "2026-11-20 10:30", "2026-11-20T11:30:00+01:00"} {
		require.NoError(t, page.Type("time", good))
		require.NotContains(t, notices(page)[0], "could not", "%q", good)
	}

	// Without a table the page still answers, and says what to do.
	page = open(t, head(t, sample.Log(), nil), "was_it_tor", map[string]string{"address": "192.0.2.1"})
	require.Len(t, notices(page), 2)
	require.True(t, strings.HasPrefix(notices(page)[0], "Unknown: "))
	require.Equal(t, "There is no relay list yet", notices(page)[1])
	require.Equal(t, "no table", single(t, page, "A list for that time"))
}
