package e2e

import (
	"fmt"
	"maps"
	"net/url"
	"path/filepath"
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

// single is the value that a panel shows as a number or word: its first column.
func single(t *testing.T, page *dashboard.Page, title string) string {
	t.Helper()
	rows := rowsOf(t, page, title)
	require.Len(t, rows, 1, title)
	column := page.Outcome(element(t, page, title).Search).Result.Columns[0]
	require.Len(t, rows[0][column], 1, title)
	return rows[0].Get(column)
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

// day is the overview of the sample's day.
var day = map[string]string{"period.earliest": "-6h@h", "period.latest": "now"}

func with(base map[string]string, more ...string) map[string]string {
	all := maps.Clone(base)
	for i := 0; i < len(more); i += 2 {
		all[more[i]] = more[i+1]
	}
	return all
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
	for name, test := range map[string]struct{ address, time, says, list, means string }{
		"listed":           {young.Addr, at(11), "Yes: " + young.Addr, "yes", fmt.Sprintf("Who connected to its OR port %d used Tor; on another port", young.Port)},
		"as a network":     {young.Addr + "/32", at(11), "Yes: " + young.Addr, "yes", "OR port"},
		"with its port":    {fmt.Sprintf("%s:%d", young.Addr, young.Port), at(11), "Yes: " + young.Addr, "yes", fmt.Sprintf("Port %d was its OR port then: who", young.Port)},
		"another port":     {young.Addr + ":22", at(11), "Yes: " + young.Addr, "yes", fmt.Sprintf("Port 22 was none of its Tor ports, which were: %d. There", young.Port)},
		"IPv6 and port":    {fmt.Sprintf(" [%s]:%d ", six.Addr6, six.Port6), at(11), "Yes: " + six.Addr6, "yes", "was its OR port"},
		"in brackets":      {"[" + six.Addr6 + "]", at(11), "Yes: " + six.Addr6, "yes", "OR port"},
		"IPv6":             {strings.ToUpper(six.Addr6), at(11), "Yes: " + six.Addr6, "yes", "OR port"},
		"exit":             {exit.ExitAddr, at(11), "Yes: " + exit.ExitAddr, "yes", "It was an exit address: what came from it came through Tor"},
		"private":          {"10.20.1.77", at(11), "No list can tell: 10.20.1.77", "yes", "in no public list"},
		"before it joined": {young.Addr, at(9), "No: " + young.Addr, "yes", "a bridge"},
		"never":            {"203.0.113.7", at(9), "No: 203.0.113.7", "yes", ""},
		"behind the lists": {young.Addr, at(12.8), "Probably: there was no list for", "no: newer", "how far away"},
		"before them":      {"203.0.113.7", at(-9), "Unknown: there was no list for", "no: older", "This does not mean no. The first list is younger"},
		"now":              {"203.0.113.7", "now", "Unknown: there was no list for", "no: newer", "The newest list is older"},
		"hours ago":        {young.Addr, "-2h", "Yes: " + young.Addr, "yes", ""},
		"epoch":            {young.Addr, fmt.Sprint(sample.ListEnd().Unix() - 60), "Yes: " + young.Addr, "yes", ""},
	} {
		page := open(t, h, "was_it_tor", map[string]string{"address": test.address, "time": test.time})
		sound(t, page)
		says := notices(page)
		require.Len(t, says, 1, "%s: %v", name, says)
		require.True(t, strings.HasPrefix(says[0], test.says), "%s: %s", name, says[0])
		require.Contains(t, words(page.Fill(page.Rows()[0].Panels[0].Elements[0].HTML, true)), test.means, name)
		require.Equal(t, test.list, single(t, page, "A list for that time"), name)
		require.Equal(t, "current", single(t, page, "The relay list today"))
		if test.address == "203.0.113.7" || name == "private" {
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
			require.Regexp(t, `^2026-11-2\d \d\d:\d\d [+-]\d\d:\d\d$`, row.Get("first"))
			require.NotEqual(t, "0", row.Get("sent MB"), "it sent something")
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
	why := func() string {
		return words(tags.ReplaceAllString(page.Fill(page.Rows()[0].Panels[0].Elements[0].HTML, true), " "))
	}
	for bad, says := range map[string]string{
		"": "There is no address", "www.example.com": "That is no address", "10.0.0.0/8": "That is a network", `192.0.2.1" | delete`: "more than one word",
		`192.0.2.1" at="0`: "more than one word", `"`: "no address", `\`: "no address", "192.0.2.1 192.0.2.2": "more than one word", "$address$": "no address",
		"[subsearch]": "no address", "*": "no address", "192.0.2.1:0": "no port 0", "192.0.2.1:65536": "no port 65536", "192.0.2.256": "no valid one", "192.0.2.1:": "no valid one",
		"[2001:db8::1]:x": "no address",
	} {
		require.NoError(t, page.Type("address", bad))
		sound(t, page)
		require.Equal(t, []string{"That could not be asked"}, notices(page), "%q", bad)
		require.Contains(t, why(), says, "%q", bad)
		require.Error(t, page.Outcome(element(t, page, "What the command says").Search).Err)
	}
	require.NoError(t, page.Type("address", "192.0.2.1"))
	require.Len(t, notices(page), 1)
	require.NotContains(t, notices(page)[0], "could not")
	for _, bad := range []string{"yesterday", `0" | delete`, "-1fortnight", "2026-13-01", `\"`} {
		require.NoError(t, page.Type("time", bad))
		require.Equal(t, []string{"That could not be asked"}, notices(page), "%q", bad)
		require.Contains(t, why(), map[bool]string{true: "no valid one", false: "time was not understood"}[bad == "2026-13-01"])
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
