package e2e

import (
	"fmt"
	"maps"
	"net/url"
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

// who is the title of the table of hosts.
const who = "Who, new hosts first"

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
	kinds := map[string]string{}
	for _, row := range rowsOf(t, page, who) {
		kinds[row.Get("host")] = row.Get("what")
		require.NotEmpty(t, row.Get("reason"))
		require.Equal(t, "new", row.Get("new"), "the log begins with the period")
	}
	require.Equal(t, slices.Sorted(maps.Keys(merge(clients, servers))), slices.Sorted(maps.Keys(kinds)))
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
	for _, row := range rowsOf(t, page, who) {
		require.Equal(t, "tor", row.Get("verdict"))
	}
	require.NoError(t, page.Type("host", "10.20.1.77"))
	require.Len(t, rowsOf(t, page, who), 1)
	require.Equal(t, "0", single(t, page, "Hosts inside reached from Tor exits"))
	require.NoError(t, page.Type("host", `nobody" OR tor_host="*`))
	sound(t, page)
	require.Contains(t, note(t, page, who), "Nobody")
	require.Contains(t, note(t, page, "Flows by verdict, over time"), "Nothing found")
	require.Equal(t, []string{"No such host here"}, notices(page), "a host that does not exist is not a clean one")
	require.NoError(t, page.Type("minimum", "20"))
	require.Equal(t, []string{"No such host here"}, notices(page), "whatever else is chosen")
	for _, f := range sample.Flows() {
		if !clients[f.Src] && !servers[f.Src] && strings.HasPrefix(f.Src, "10.") {
			require.NoError(t, page.Type("host", f.Src))
			require.Empty(t, notices(page))
			require.Contains(t, note(t, page, who), "Nobody", "nothing was found of it, and it exists")
			break
		}
	}
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
					require.NotContains(t, []string{who, "Hosts inside that use Tor", "Blind spots: what to do"}, p.Title, "nothing reassures without traffic")
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

	hosts := element(t, page, who)
	for _, row := range rowsOf(t, page, who) {
		link, err := page.Click(hosts, "score", row, nil)
		require.NoError(t, err)
		result := follow(t, h, link)
		require.NotEmpty(t, result.Rows, row.Get("host"))
		for _, found := range result.Rows {
			require.Contains(t, []string{found.Get("src"), found.Get("src_ip"), found.Get("dest")}, row.Get("host"))
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

	// On the host itself: this page, that host alone.
	for _, row := range rowsOf(t, page, who) {
		if row.Get("host") == hostile {
			link, err = page.Click(hosts, "host", row, nil)
			require.NoError(t, err)
			require.Empty(t, link)
		}
	}
	require.Equal(t, "1", single(t, page, "Hosts inside that use Tor"))
	require.Equal(t, hostile, rowsOf(t, page, who)[0].Get("host"))
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
	var names []string
	for _, row := range rows {
		names = append(names, row.Get("splunk_server"))
		require.Contains(t, row.Get("state"), "old everywhere", "the program's clock is the machine's, the list is the sample's")
		require.Regexp(t, `^\d+\.\d+\.\d+`, row.Get("version"))
		require.NotEmpty(t, row.Get("node"))
	}
	// The oldest list first: of two programs one may have been asked a second later.
	require.ElementsMatch(t, []string{"indexer1", "indexer2"}, names)
}

// All seven detections are in the table of hosts; what the filter macros permit is left out, and shown where it is wanted;
// what was found before the chosen time too is not new.
func TestOverviewOfAllDetections(t *testing.T) {
	h := sampleHead(t)
	macro(t, h, "tordetect_internal", `"10.0.0.0/8","198.51.100.39/32"`) // a relay of ours: relay25
	var exit, relay sample.Flow
	for _, f := range sample.Flows() {
		switch f.Kind {
		case sample.FromExitAddress:
			exit = f
		case sample.UnlabelledRelay:
			relay = f
		}
	}
	s := seen{at: sample.ListEnd().Add(-30 * time.Minute)}
	names := []string{"www.a3b4c5d6e7f2.com", "www.q7w5xkz3n4b.com", "www.h2j6t5v7zqk.com"}
	for _, name := range names {
		s.tls("10.1.1.4", name, "")
	}
	s.dns("10.1.1.5", "1098762253.rsc.cdn77.org")
	s.udp("10.1.1.5", "192.0.2.10", 3478)
	s.udp("10.1.1.5", "192.0.2.99", 50123)
	login := func(at time.Time, user string) splunkd.Event {
		return splunkd.Event{Time: at, Model: "Authentication", Fields: map[string]string{
			"sourcetype": "linux_secure", "action": "success", "src": exit.Src, "user": user, "dest": "vpn-01", "app": "sshd",
		}}
	}
	// In the hours before: one client and one user of those hours, and one that is gone.
	early := func(src string) splunkd.Event {
		return splunkd.Event{Time: sample.ListEnd().Add(-8 * time.Hour), Model: "Network_Traffic", Fields: map[string]string{
			"sourcetype": "fw", "src": src, "user": "gone", "dest": relay.Dest, "dest_port": fmt.Sprint(relay.DestPort), "transport": "tcp", "action": "allowed", "bytes_in": "5000", "bytes_out": "3000",
		}}
	}
	h.AddEvents(append(s.events, login(s.at, "alice"), login(s.at, "bob"), login(s.at, "null"), login(s.at.Add(-8*time.Hour), "alice"), early("10.1.1.9"), early("10.20.1.77"),
		splunkd.Event{Time: s.at, Model: "Network_Traffic", Fields: map[string]string{"sourcetype": "fw", "src": "10.1.1.6", "dest": "10.1.1.7", "dest_port": "443", "transport": "tcp", "app": "tor", "action": "allowed", "user": "erin"}},
	)...)
	page := open(t, h, "tor_overview", day)
	sound(t, page)
	rows := map[string]splunkd.Row{}
	for _, row := range rowsOf(t, page, who) {
		rows[row.Get("host")] = row
	}
	for host, want := range map[string]string{
		"10.1.1.4":      "new client made-up names likely 50 -",
		"10.1.1.5":      "new client Snowflake likely 50 -",
		"10.1.1.6":      "new client firewall's label likely 55 erin",
		"vpn-01":        " visited login tor 95 alice,bob,unknown",
		"10.20.0.80":    "new visited exit list tor 95 -",
		"198.51.100.39": " relay our address tor 80 -",
		"10.20.1.77":    " client relay list tor 97 -",
		"10.20.0.20":    "new client firewall's label tor 99 -",
	} {
		row := rows[host]
		user := strings.Join(row["user"], ",")
		if user == "" {
			user = "-"
		}
		require.Equal(t, want, row.Get("new")+" "+line(row, "what", "found by", "verdict", "score")+" "+user, host)
		require.NotEmpty(t, row.Get("reason"), host)
		require.Regexp(t, `^11-20 \d\d:00 [+-]\d\d:\d\d$`, row.Get("last hour"))
	}
	require.NotContains(t, rows, "10.1.1.9", "it was there before, and is gone")
	require.Contains(t, rows["10.1.1.4"].Get("reason"), "sent 3 made-up server name(s) of Tor, and no DNS query")
	require.Contains(t, rows["10.1.1.5"].Get("reason"), "asked for 1098762253.rsc.cdn77.org, then STUN servers, then 1 other(s)")
	var order []string
	for _, row := range rowsOf(t, page, who) {
		order = append(order, row.Get("new"))
	}
	require.Equal(t, "new", order[0])
	require.Equal(t, "3", single(t, page, "Users who logged in from Tor exits"))
	require.Equal(t, "2 new, 1 in the time before; with success", page.Tokens["users_more"])
	require.Equal(t, "16", single(t, page, "Hosts inside that use Tor"))
	require.Equal(t, "15 new, 2 in the time before; attempts included", page.Tokens["hosts_more"])
	logins := rowsOf(t, page, "Logins from Tor exits: whose")
	require.Equal(t, []string{"alice vpn-01 95 1 1", "bob vpn-01 95 1 1", "unknown vpn-01 95 1 1"}, texts(&splunkd.Result{Table: splunkd.Table{Rows: logins}}, "user", "host", "score", "exits", "logins"))
	link, err := page.Click(element(t, page, "Logins from Tor exits: whose"), "user", logins[0], nil)
	require.NoError(t, err)
	require.Empty(t, link)
	require.Equal(t, []string{"vpn-01"}, texts(&splunkd.Result{Table: splunkd.Table{Rows: rowsOf(t, page, who)}}, "host"))

	// The names are left out by who finds them too slow; a login is a finding where there is no traffic at all.
	without := open(t, h, "tor_overview", with(day, "names", "-"))
	require.NotContains(t, texts(&splunkd.Result{Table: splunkd.Table{Rows: rowsOf(t, without, who)}}, "host"), "10.1.1.4")
	alone := withoutLog(t, h, sample.Table())
	alone.AddEvents(login(s.at, "alice"))
	page = open(t, alone, "tor_overview", day)
	require.Equal(t, []string{"No traffic in this time"}, notices(page))
	require.Equal(t, []string{"198.51.100.39", "vpn-01"}, texts(&splunkd.Result{Table: splunkd.Table{Rows: rowsOf(t, page, who)}}, "host"))

	// Exceptions, each for its own searches.
	for name, definition := range map[string]string{
		"tor_traffic_filter": `search NOT src_ip="10.20.0.20"`, "tordetect_outbound_filter": `search NOT src IN ("10.1.1.4","10.1.1.5","10.20.1.77")`,
		"tordetect_inbound_filter": `search NOT dest="10.20.0.80"`, "tordetect_login_filter": `search NOT user="alice"`, "tordetect_hosted_filter": `search NOT nickname="relay25"`,
	} {
		macro(t, h, name, definition)
	}
	page = open(t, h, "tor_overview", day)
	sound(t, page)
	shown := texts(&splunkd.Result{Table: splunkd.Table{Rows: rowsOf(t, page, who)}}, "host")
	for host := range rows {
		permitted := slices.Contains([]string{"10.20.0.20", "10.1.1.4", "10.1.1.5", "10.20.1.77", "10.20.0.80", "198.51.100.39"}, host)
		require.Equal(t, !permitted, slices.Contains(shown, host), host)
	}
	require.Equal(t, "7", page.Tokens["permitted_hosts"], "vpn-01 for one of its users")
	require.Equal(t, "2", single(t, page, "Users who logged in from Tor exits"))
	require.Equal(t, "0", single(t, page, "Hosts inside reached from Tor exits"))
	require.NoError(t, page.Type("permitted", "1"))
	require.Len(t, rowsOf(t, page, who), len(rows))
}
