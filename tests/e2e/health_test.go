package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tordetect/tests/sample"
	"tordetect/tests/splunkd"
)

// health is the search that says when the others see nothing.
const health = "Tor Detect is blind"

// listing writes a relay table whose newest list ended a while before a moment: relays of which so many are in the newest
// list, and all were a day before.
func listing(now time.Time, ended time.Duration, listed, before int, exits bool) []byte {
	end := now.Add(-ended).Unix()
	start := end - 3*24*60*60
	var b strings.Builder
	b.WriteString("ip,port,role,flags,fingerprint,nickname,first_seen,last_seen\n")
	rows := 0
	add := func(format string, values ...any) { fmt.Fprintf(&b, format+"\n", values...); rows++ }
	add(",,coverage,,,,%d,%d", start, end)
	if exits {
		add(",,exit_coverage,,,,%d,%d", start, end)
	}
	for i := range max(listed, before) {
		first, last := start, end
		if i >= listed {
			last = end - 12*60*60
		}
		if i >= before {
			first = end - 12*60*60
		}
		add("198.51.100.%d,%d,or,,%040X,relay%d,%d,%d", i%250+1, 9001+i/250, i, i, first, last)
	}
	fmt.Fprintf(&b, ",%d,end,,,,,\n", rows)
	return []byte(b.String())
}

// The searches that are enabled, and what they read.
const (
	labelled = "TOR Traffic"
	client   = "Tor client that the firewall did not name"
	exits    = "Traffic from Tor exits"
	logins   = "Login from a Tor exit"
	madeUp   = "Tor client with made-up server names"
	snow     = "Snowflake client of Tor"
	ours     = "Our addresses on the Tor list"
	update   = "Update the Tor relay list"
)

// site is a search head with the app at which all is well: a good list, events of all kinds up to a minute ago, all
// searches enabled, and a scheduler that ran each of them every hour for two days. Of one kind of events there may be none
// since half past nine.
func site(t *testing.T, app *splunkd.App, stopped string) *splunkd.Head {
	t.Helper()
	h := &splunkd.Head{App: app, Now: time.Date(2026, 11, 20, 12, 16, 0, 0, time.UTC), SummaryLag: 5 * time.Minute}
	require.NoError(t, os.RemoveAll(filepath.Join(app.Dir, "local")))
	macro(t, h, "summariesonly_config", "true")
	put(t, h, "tor_relays.csv", listing(h.Now, -time.Hour, 100, 102, true))
	h.Enabled = map[string]bool{}
	for _, name := range []string{health, labelled, client, exits, logins, madeUp, snow, ours, update} {
		h.Enabled[name] = true
	}
	for at := h.Now.Add(-5 * time.Hour); at.Before(h.Now); at = at.Add(time.Minute) {
		for kind, put := range map[string]func(*splunkd.Head, time.Time){"traffic": traffic, "logins": login, "tls": tls, "dns": dns} {
			if kind != stopped || at.Before(h.Now.Add(-150*time.Minute)) {
				put(h, at)
			}
		}
	}
	return h
}

func traffic(h *splunkd.Head, at time.Time) {
	h.AddEvents(splunkd.Event{Time: at, Model: "Network_Traffic", Fields: map[string]string{"src": "10.0.0.1", "dest": "192.0.2.1", "dest_port": "443"}})
}

func login(h *splunkd.Head, at time.Time) {
	h.AddEvents(splunkd.Event{Time: at, Model: "Authentication", Fields: map[string]string{"src": "10.0.0.1", "user": "anna"}})
}

func tls(h *splunkd.Head, at time.Time) {
	h.AddEvents(splunkd.Event{Time: at, Fields: map[string]string{"sourcetype": "suricata", "event_type": "tls"}})
}

func dns(h *splunkd.Head, at time.Time) {
	h.AddEvents(splunkd.Event{Time: at, Fields: map[string]string{"sourcetype": "suricata", "event_type": "dns"}})
}

// ran lets the scheduler run every enabled search each hour, from so many hours ago to so many.
func ran(h *splunkd.Head, from, to int) {
	for i := from; i > to; i-- {
		for name, on := range h.Enabled {
			if at := h.Now.Add(-time.Duration(i) * time.Hour); on {
				h.Ran(name, at, at, 0)
			}
		}
	}
}

// blind runs the search. Whatever it says, it says in sentences.
func blind(t *testing.T, h *splunkd.Head) *splunkd.Result {
	t.Helper()
	result, err := h.RunSaved(health)
	require.NoError(t, err)
	for _, row := range result.Rows {
		require.Regexp(t, `^[A-Z0-9].*[.')]$`, row.Get("finding"), row.Get("problem"))
		require.Regexp(t, `^[A-Z].*[.?]$`, row.Get("todo"), row.Get("problem"))
	}
	return result
}

// The health search is silent while all is well, and names each thing that is wrong with the list.
func TestHealthOfTheList(t *testing.T) {
	h := site(t, head(t, nil, nil).App, "")
	ran(h, 48, 0)
	hour := time.Hour
	list := func(ended time.Duration, listed, before int, exits bool) []byte {
		return listing(h.Now, ended, listed, before, exits)
	}
	good := list(-hour, 100, 102, true)
	for name, c := range map[string]struct {
		table []byte
		want  []string
	}{
		"all is well":             {good, nil},
		"a bit old":               {list(5*hour, 100, 102, true), nil},
		"grown":                   {list(-hour, 300, 100, true), nil},
		"no table":                {nil, []string{"no relay list"}},
		"a table without a list":  {[]byte("ip,port,role,flags,fingerprint,nickname,first_seen,last_seen\n"), []string{"no relay list"}},
		"old":                     {list(7*hour, 100, 102, true), []string{"relay list old"}},
		"older, and no exit list": {list(30*hour, 100, 102, true), []string{"no exit list", "relay list old"}},
		"no exit list":            {list(-hour, 100, 102, false), []string{"no exit list"}},
		"halved":                  {list(-hour, 40, 102, true), []string{"relay list halved"}},
		"cut":                     {good[:len(good)-40], []string{"no exit list", "relay list cut"}},
		"empty":                   {[]byte{}, []string{"relay list unreadable"}},
		"something else":          {[]byte("<html>busy</html>\n"), []string{"relay list unreadable"}},
		"of the future":           {list(-90*24*hour, 100, 102, true), []string{"relay list of the future"}},
	} {
		t.Run(name, func(t *testing.T) {
			if c.table == nil {
				require.NoError(t, os.Remove(h.App.Lookup("tor_relays.csv")))
			} else {
				put(t, h, "tor_relays.csv", c.table)
			}
			result := blind(t, h)
			require.ElementsMatch(t, c.want, texts(result, "problem"))
			for _, row := range result.Rows {
				require.Equal(t, strings.Join([]string{logins, ours, labelled, client, exits}, ", "), row.Get("search"))
			}
		})
	}
	put(t, h, "tor_relays.csv", list(30*hour, 100, 102, true))
	row := blind(t, h).Rows[0]
	require.Contains(t, row.Get("finding"), "ended 30 hours ago")
	require.Equal(t, row.Get("valid_until"), row.Get("since"))
	require.Equal(t, "2026-11-19T06:16:00Z", row.Get("since"))
}

// Relays inside are found where the site has named its public networks, and only
// those of the last day.
func TestOurAddresses(t *testing.T) {
	table := `ip,port,role,flags,fingerprint,nickname,first_seen,last_seen
,,coverage,,,,1795000000,%[2]d
198.51.100.7,9001,or,Guard,%[1]s1,anna,1795000000,%[2]d
198.51.100.7,9030,dir,Guard,%[1]s1,anna,1795000000,%[2]d
198.51.100.8,443,or,Exit Guard,%[1]s2,bert,1795000000,%[2]d
198.51.100.9,,exit,,%[1]s2,bert,1795000000,%[2]d
198.51.100.10,443,or,,%[1]s3,gone,1795000000,1795100000
203.0.113.5,443,or,,%[1]s4,elsewhere,1795000000,%[2]d
198.51.100.11,443,or,Exit,%[1]s6,retired,1795000000,1795100000
198.51.100.11,443,or,BadExit,%[1]s6,retired,1795100000,%[2]d
2001:db8:7::5,443,or,,%[1]s5,six,1795000000,%[2]d
,10,end,,,,,
`
	h := head(t, sample.Log(), fmt.Appendf(nil, table, strings.Repeat("A", 39), time.Now().Unix()))
	h.Now = time.Now()
	result, err := h.RunSaved("Our addresses on the Tor list")
	require.NoError(t, err)
	require.Empty(t, result.Rows, "private networks have no relays")

	macro(t, h, "tordetect_internal", `"10.0.0.0/8","198.51.100.0/24","2001:db8:7::/48"`)
	result, err = h.RunSaved("Our addresses on the Tor list")
	require.NoError(t, err)
	require.ElementsMatch(t, []string{
		"198.51.100.7 is listed as a Tor relay relay anna 9001",
		"198.51.100.8 is listed as a Tor relay exit bert 443",
		"198.51.100.9 was the address of a Tor exit exit bert ",
		"198.51.100.11 is listed as a Tor relay relay retired 443", // an exit in former days, and no good one now
		"2001:db8:7::5 is listed as a Tor relay relay six 443",
	}, texts(result, "ip", "seen", "kind", "nickname", "port"))

	macro(t, h, "tordetect_hosted_filter", `search NOT nickname="anna"`)
	result, err = h.RunSaved("Our addresses on the Tor list")
	require.NoError(t, err)
	require.Len(t, result.Rows, 4)
}

// Every kind of bad input is named, with the searches that do not see and since when.
func TestHealth(t *testing.T) {
	overTraffic := strings.Join([]string{snow, labelled, client, exits}, ", ")
	overEvents := strings.Join([]string{snow, madeUp}, ", ")
	app := head(t, nil, nil).App
	each := func(h *splunkd.Head, from, to int, note func(at time.Time)) {
		for i := from; i > to; i-- {
			note(h.Now.Add(-time.Duration(i) * time.Hour))
		}
	}
	const listOld = "Error in 'tordetect' command: require_list: the relay list tor_relays.csv ended at 2026-11-18T15:00:00Z, more than 24 hours before 2026-11-19T22:25:00Z: run the search Update the Tor relay list"
	for name, c := range map[string]struct {
		site func(t *testing.T, h *splunkd.Head) *splunkd.Head // nil result: the one given
		want []string                                          // problem, searches, since
		says []string                                          // the first finding and what to do
	}{
		"no add-on CIM": {func(t *testing.T, h *splunkd.Head) *splunkd.Head {
			h.NoModel = []string{"Network_Traffic", "Authentication"}
			return nil
		}, []string{"no data model|" + logins + "|", "no data model|" + overTraffic + "|"}, []string{"The data model Authentication cannot be read", "Install the add-on Splunk Common Information Model"}},
		"no acceleration": {func(t *testing.T, h *splunkd.Head) *splunkd.Head {
			h.NotAccelerated = []string{"Network_Traffic"}
			return nil
		}, []string{"no summaries|" + overTraffic + "|2026-11-20T08:16:00+0000"}, []string{"Network_Traffic has no summaries of the last four hours", "Check the acceleration"}},
		"no acceleration, and TOR Traffic reads raw events": {func(t *testing.T, h *splunkd.Head) *splunkd.Head {
			h.NotAccelerated = []string{"Network_Traffic"}
			rawEvents(t, h, "-70m")
			return nil
		}, []string{"no summaries|" + strings.Join([]string{snow, client, exits}, ", ") + "|2026-11-20T08:16:00+0000"}, nil},
		"raw events of a day each hour": {func(t *testing.T, h *splunkd.Head) *splunkd.Head {
			rawEvents(t, h, "-25h")
			return nil
		}, []string{"raw events|TOR Traffic|"}, []string{"its window begins at -25h", "set the begin of TOR Traffic to -70m@m"}},
		"a model that lags": {func(t *testing.T, h *splunkd.Head) *splunkd.Head {
			h.SummaryLag = 40 * time.Minute
			return nil
		}, []string{"summaries late|" + overTraffic + "|2026-11-20T11:35:00+0000"}, []string{"Network_Traffic is 41 minutes old", "Look whether the acceleration keeps up"}},
		"logs that stopped": {func(t *testing.T, h *splunkd.Head) *splunkd.Head {
			return site(t, h.App, "traffic")
		}, []string{"summaries late|" + overTraffic + "|2026-11-20T09:45:00+0000"}, nil},
		"logins that stopped": {func(t *testing.T, h *splunkd.Head) *splunkd.Head {
			return site(t, h.App, "logins")
		}, []string{"summaries late|" + logins + "|2026-11-20T09:45:00+0000"}, nil},
		"a sensor whose index is not named": {func(t *testing.T, h *splunkd.Head) *splunkd.Head {
			h.DefaultIndexes = []string{"other"}
			return nil
		}, []string{"no events|" + overEvents + "|2026-11-20T08:16:00+0000", "no events|" + overEvents + "|2026-11-20T08:16:00+0000"}, []string{"The macro tordetect_dns_events finds no event", "without one only the default indexes"}},
		"an index that nobody may search": {func(t *testing.T, h *splunkd.Head) *splunkd.Head {
			h.AddEvents(splunkd.Event{Time: h.Now.Add(-time.Minute), Fields: map[string]string{"index": "zeek", "sourcetype": "zeek:dns:json"}})
			macro(t, h, "tordetect_dns_events", `index=zeek sourcetype="zeek:dns:json"`)
			h.Forbidden = []string{"zeek"}
			return nil
		}, []string{"no events|" + overEvents + "|2026-11-20T08:16:00+0000"}, []string{"tordetect_dns_events", "Check that the owner may search that index"}},
		"clocks apart": {func(t *testing.T, h *splunkd.Head) *splunkd.Head {
			for _, put := range []func(*splunkd.Head, time.Time){traffic, tls} {
				put(h, h.Now.Add(2*time.Hour))
			}
			h.SummaryLag = 0
			return nil
		}, []string{"clocks apart|" + overEvents + "|", "clocks apart|" + overTraffic + "|"}, []string{"Events of the macro tordetect_tls_events lie in the future, up to 2026-11-20T14:16:00+0000", "Look for the hosts"}},
		"skipped runs": {func(t *testing.T, h *splunkd.Head) *splunkd.Head {
			each(h, 3, 0, func(at time.Time) { h.Skipped(client, at, at) })
			return nil
		}, []string{"run skipped|" + client + "|2026-11-20T11:16:00+0000"}, []string{"Splunk skipped 3 runs of Tor client that the firewall did not name in the last 23 hours", "spread them"}},
		"a failed run": {func(t *testing.T, h *splunkd.Head) *splunkd.Head {
			h.Failed(exits, h.Now.Add(-time.Hour), "Error in 'tstats' command: it broke")
			return nil
		}, []string{"run failed|" + exits + "|2026-11-20T11:16:00+0000"}, []string{"Splunk says: Error in 'tstats' command: it broke", "Mend what the message names"}},
		"hours lost to an old list": {func(t *testing.T, h *splunkd.Head) *splunkd.Head {
			each(h, 30, 2, func(at time.Time) { h.Failed(client, at, listOld) })
			return nil
		}, []string{"hours lost|" + client + "|2026-11-19T06:16:00+0000", "run failed|" + client + "|2026-11-19T06:16:00+0000"},
			[]string{"failed from 2026-11-19T06:16:00+0000 to 2026-11-20T09:16:00+0000", "take the time from 2026-11-19T04:16:00+0000 to 2026-11-19T14:16:00+0000"}},
		"a partial run": {func(t *testing.T, h *splunkd.Head) *splunkd.Head {
			s := &splunkd.Scheduler{Head: h}
			now := h.Now
			_, err := s.Do(splunkd.Run{Search: client, Scheduled: now.Add(-time.Hour), Start: now.Add(-time.Hour), Earliest: now.Add(-2 * time.Hour), Latest: now.Add(-time.Hour), Partial: true})
			require.NoError(t, err)
			h.Now = now
			return nil
		}, []string{"run partial|" + client + "|"}, []string{"did not get the events of every indexer", "Look at the health of the indexers"}},
		"results that were cut": {func(t *testing.T, h *splunkd.Head) *splunkd.Head {
			h.Cut(client, h.Now.Add(-2*time.Hour), true)
			h.Cut(exits, h.Now.Add(-2*time.Hour), false)
			return nil
		}, []string{"findings cut|" + client + "|2026-11-20T10:16:00+0000", "findings cut|" + exits + "|2026-11-20T10:16:00+0000"}, []string{"Splunk left out results", "raise max_per_result_alerts"}},
		"an update whose owner may not run it": {func(t *testing.T, h *splunkd.Head) *splunkd.Head {
			h.Owners = map[string]string{update: "bob"}
			h.Failed(update, h.Now.Add(-time.Hour), "Unknown search command 'torupdate'.")
			return nil
		}, []string{"update not permitted|" + update + "|2026-11-20T11:16:00+0000"}, []string{"The owner bob of the search Update the Tor relay list may not run torupdate", "role admin or sc_admin"}},
		"the scheduler's log cannot be seen": {func(t *testing.T, h *splunkd.Head) *splunkd.Head {
			h.Forbidden = []string{"_internal"}
			return nil
		}, []string{"scheduler log unseen|" + health + "|"}, []string{"sees no event of the index _internal", "Let nobody"}},
		"the searches cannot be listed": {func(t *testing.T, h *splunkd.Head) *splunkd.Head {
			h.NoREST = true
			h.NotAccelerated = []string{"Authentication"}
			return nil
		}, []string{"no summaries|" + logins + "|2026-11-20T08:16:00+0000", "searches unseen|" + health + "|"}, nil},
		"searches that are disabled": {func(t *testing.T, h *splunkd.Head) *splunkd.Head {
			h.Enabled = map[string]bool{health: true, labelled: true}
			h.NotAccelerated = []string{"Network_Traffic", "Authentication"}
			h.DefaultIndexes = []string{"other"}
			h.Failed(exits, h.Now.Add(-time.Hour), "of no interest")
			return nil
		}, []string{"no summaries|" + labelled + "|2026-11-20T08:16:00+0000"}, nil},
		"nothing enabled yet, and no list": {func(t *testing.T, h *splunkd.Head) *splunkd.Head {
			h.Enabled = map[string]bool{health: true}
			require.NoError(t, os.Remove(h.App.Lookup("tor_relays.csv")))
			return nil
		}, []string{"no relay list||"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			h := site(t, app, "")
			ran(h, 48, 0)
			if other := c.site(t, h); other != nil {
				h = other
			}
			result := blind(t, h)
			var got []string
			for _, row := range result.Rows {
				got = append(got, strings.Join([]string{row.Get("problem"), row.Get("search"), row.Get("since")}, "|"))
			}
			require.ElementsMatch(t, c.want, got)
			if c.says != nil {
				require.Contains(t, strings.Join(texts(result, "finding"), "\n"), c.says[0])
				require.Contains(t, strings.Join(texts(result, "todo"), "\n"), c.says[1])
			}
		})
	}
}

// What gives no answer is a problem of its own: nothing is well because nobody says otherwise.
func TestHealthWithoutAnswers(t *testing.T) {
	h := site(t, head(t, nil, nil).App, "")
	spl, err := h.SavedSearch(health)
	require.NoError(t, err)
	none := regexp.MustCompile(`(?s)append \[.*?\n    \| stats values`).ReplaceAllString(spl, "stats values")
	require.NotContains(t, none, "| append")
	none = strings.Replace(none, "| stats values(*) as * by need", "| append [| makeresults | where false() | eval seen_searches=1, unreadable=1, relays=1, rows=1, complete=1, age=1, listed=1, listed_before=1, exit_age=1, valid_until=1, seen=1, newest=1, future=1, search=1] | stats values(*) as * by need", 1)
	require.ElementsMatch(t, []string{
		"no answer of torrelays", "no data model", "no data model", "no events", "no events", "scheduler log unseen", "searches unseen",
	}, texts(search(t, h, none), "problem"))
}

// rawEvents lets TOR Traffic read raw events from so far back on.
func rawEvents(t *testing.T, h *splunkd.Head, begin string) {
	t.Helper()
	macros := filepath.Join(h.App.Dir, "local", "macros.conf")
	require.NoError(t, os.WriteFile(macros, []byte("[summariesonly_config]\ndefinition = false\n"), 0o644))
	local := filepath.Join(h.App.Dir, "local", "savedsearches.conf")
	require.NoError(t, os.WriteFile(local, []byte("[TOR Traffic]\ndispatch.earliest_time = "+begin+"\n"), 0o644))
}

// A Splunk that was down for longer than the long runs look back has missed hours, and says which when it is back. A
// search that does not run although the others do is named too, but none that was enabled an hour ago.
func TestHealthOfTheScheduler(t *testing.T) {
	app := head(t, nil, nil).App
	h := site(t, app, "")
	ran(h, 100, 40)
	ran(h, 1, 0)
	result := blind(t, h)
	var down []string
	for _, row := range result.Rows {
		require.Equal(t, "downtime 2026-11-18T19:16:00+0000", line(row, "problem", "since"))
		require.Contains(t, row.Get("finding"), "did not run from 2026-11-18T19:16:00+0000 to 2026-11-20T11:16:00+0000")
		require.Contains(t, row.Get("todo"), "take the time from 2026-11-18T17:16:00+0000 to 2026-11-19T16:16:00+0000")
		down = append(down, row.Get("search"))
	}
	require.Equal(t, []string{logins, snow, labelled, health, client, madeUp, exits, update}, down, "one that runs once a day missed nothing yet")

	h = site(t, app, "")
	ran(h, 1, 0)
	require.Empty(t, blind(t, h).Rows, "all were enabled an hour ago")

	h = site(t, app, "")
	delete(h.Enabled, client)
	ran(h, 100, 30)
	h.Enabled[client] = true
	for i := range 31 {
		at := h.Now.Add(-time.Duration(31-i) * time.Hour)
		h.Ran(health, at, at, 0)
	}
	h.Owners = map[string]string{client: "gone"}
	require.Contains(t, texts(blind(t, h), "problem", "search", "since"), "no run "+client+" ")
	require.Contains(t, texts(blind(t, h), "problem", "search", "since"), "no run "+exits+" 2026-11-19T05:16:00+0000")
}
