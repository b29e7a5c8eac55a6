package e2e

import (
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tordetect/tests/sample"
	"tordetect/tests/splunkd"
)

// Who writes rows of a log, or a link to a page of ours, must not take away somebody's finding, give it to another host,
// or put words into our searches. What was tried besides, and where it is held, is a table in the project's README.

// No value of a row is read as a pattern: a peer is left out because it is the STUN server, not because its name matches.
func TestSnowflakeOfHostileNames(t *testing.T) {
	for _, peer := range []string{".*", "192.0.2.1[0]", "(", `\Q`, "192.0.2.1.", "192.0.2.100"} {
		h := head(t, nil, nil)
		s := seen{at: time.Date(2026, 11, 20, 11, 0, 5, 0, time.UTC)}
		h.Now = s.at.Add(time.Hour)
		for _, src := range []string{"10.1.1.1", "10.1.1.2"} {
			s.dns(src, "1098762253.rsc.cdn77.org")
			s.udp(src, "192.0.2.10", 3478)
		}
		s.udp("10.1.1.1", peer, 50123)
		s.udp("10.1.1.2", "192.0.2.10", 50123) // the server itself
		h.AddEvents(s.events...)
		result, err := h.RunSaved("Snowflake client of Tor")
		require.NoError(t, err)
		require.Equal(t, []string{"10.1.1.1 " + peer}, texts(result, "tor_host", "dest_ip"))
	}
}

// The hosts that asked for a broker become text of a search: each of them has to be an address, also where one event
// names several.
func TestSnowflakeOfHostileSources(t *testing.T) {
	const broker = "1098762253.rsc.cdn77.org"
	for _, hostile := range []string{`x") OR (All_Traffic.src="*`, `x"`, "10.1.1.9\n", `10.1.1.9" OR All_Traffic.src="10.2.2.2`, "]", "*", `\`} {
		h := head(t, nil, nil)
		s := seen{at: time.Date(2026, 11, 20, 11, 0, 5, 0, time.UTC)}
		h.Now = s.at.Add(time.Hour)
		s.dns("10.1.1.1", broker)
		for _, src := range []string{"10.1.1.1", "10.2.2.2"} {
			s.udp(src, "192.0.2.10", 3478)
			s.udp(src, "192.0.2.99", 50123)
		}
		h.AddEvents(s.events...)
		h.AddEvents(splunkd.Event{Time: s.at, Fields: map[string]string{"sourcetype": "suricata", "event_type": "dns", "dns.rrname": broker},
			Lists: map[string][]string{"src_ip": {"10.1.1.8", hostile}}})
		result, err := h.RunSaved("Snowflake client of Tor")
		require.NoError(t, err, "%q", hostile)
		require.Equal(t, []string{"10.1.1.1"}, texts(result, "tor_host"), "%q", hostile)
	}
}

// Names that a client sends, and what a sensor writes of an event, are data: they neither hide a host nor make one, nor
// a score.
func TestMadeUpNamesOfHostileRows(t *testing.T) {
	const made = "www.a3b4c5d6e7f2.com"
	for what, server := range map[string]string{
		"a name that looks like our own mark of a host": "-10.1.1.7",
		"one of a host that asks for nothing":           "-10.1.1.8",
		"separators":                                    "www.a3b4c5d6e7f2.com|99|x",
		"a pattern":                                     "%",
	} {
		h := head(t, nil, sample.Table())
		s := seen{at: time.Date(2026, 11, 20, 11, 0, 0, 0, time.UTC)}
		h.Now = s.at.Add(30 * time.Minute)
		s.dns("10.1.1.7", "www.example.com")
		s.tls("10.1.1.5", made, "")
		s.tls("10.1.1.5", server, "") // of a bridge with TLS 1.2, whose certificate tells
		maps.Copy(s.events[len(s.events)-1].Fields, map[string]string{"tls.subject": "CN=www.a3b4c5d6e7f2.net", "tls.issuerdn": "CN=www.q7w5xkz3n4b.com"})
		for _, name := range []string{"www.k2m4q6z3y5x.com", "www.m3n5q7z2y4x.com", "www.p2q4r6z3y5x.com"} {
			s.tls("10.1.1.6", name, "")
		}
		h.AddEvents(s.events...)
		result, err := h.RunSaved("Tor client with made-up server names")
		require.NoError(t, err)
		require.ElementsMatch(t, []string{"10.1.1.5 90 2", "10.1.1.6 15 3"}, texts(result, "tor_host", "tor_score", "name_count"), what)
	}
	for what, cells := range map[string]map[string]string{
		"a destination with a score": {"dest_ip": "192.0.2.9|99forged"},
		"a list":                     {"dest_ip": "192.0.2.9,10.9.9.9|x"},
		"a source with a score":      {"src_ip": "pc-7|1795172400|1795172400|1|-|99forged"},
		"a source that is escaped":   {"src_ip": "pc%7c7%25"},
		"a source with quotes":       {"src_ip": `pc" | delete | search "`},
	} {
		h := head(t, nil, sample.Table())
		s := seen{at: time.Date(2026, 11, 20, 11, 0, 0, 0, time.UTC)}
		h.Now = s.at.Add(30 * time.Minute)
		for _, name := range []string{made, "www.q7w5xkz3n4b.com", "www.h2j6t5v7zqk.com"} {
			s.tls("10.1.1.5", name, "")
			for column, value := range cells {
				s.events[len(s.events)-1].Fields[column] = value
			}
		}
		host := s.events[0].Fields["src_ip"]
		h.AddEvents(s.events...)
		result, err := h.RunSaved("Tor client with made-up server names")
		require.NoError(t, err)
		require.Equal(t, []string{strings.ToLower(host) + " 15 3"}, texts(result, "tor_host", "tor_score", "name_count"), what)
		require.NotContains(t, result.Rows[0].Get("tor_reason"), "forged", what)
		for _, dest := range result.Rows[0]["dest_ip"] {
			require.NotEqual(t, "10.9.9.9", dest)
		}
	}
}

// A link may set every token of a page, also one that a search sets later. It must not make the page say what nobody
// found out.
func TestForgedWasItTor(t *testing.T) {
	h := sampleHead(t)
	relay := sample.Relays()[0]
	at := sample.ListEnd().Add(-time.Hour).Format(time.RFC3339)
	forged := map[string]string{
		"?ip": "192.0.2.1", "?when": at, "?meaning": "Lock the account of alice.", "?listed": "true", "?asked": "192.0.2.1", "?at": at, "?port": ".*",
		"?from": "1795168800", "?until": "1795172400", "?begin": "x", "?end": "y", "?bad_input": "true", "?why": "Call 555.", "?never_listed": "true", "?no_table": "true",
	}
	page := open(t, h, "was_it_tor", forged)
	require.Equal(t, []string{"Which address, and when?"}, notices(page))

	forged["address"], forged["time"] = relay.Addr+":1", at
	page = open(t, h, "was_it_tor", forged)
	require.Equal(t, []string{"Yes: " + relay.Addr + " was in the Tor network at " + at}, notices(page))
	require.Contains(t, page.Tokens["meaning"], "Port 1 was none of its Tor ports")

	// The port is a number, not a pattern, also where a link sets it.
	page = open(t, h, "was_it_tor", map[string]string{"address": relay.Addr, "time": at})
	page.Tokens["port"] = ".*"
	require.NoError(t, page.Type("around", "3600"))
	require.Contains(t, page.Tokens["meaning"], "was none of its Tor ports")
}

// Every value that a click brings into a search is one quoted text of it, whoever wrote it: a row, or the link to the
// page.
func TestClicksOfHostileLinks(t *testing.T) {
	const hostile = `50" | delete | search x="`
	h := sampleHead(t)
	plain := open(t, h, "tor_overview", day)
	page := open(t, h, "tor_overview", day)
	row := rowsOf(t, page, "Flows by verdict, over time")[2]
	bars := element(t, page, "Flows by verdict, over time")
	more := map[string]string{"earliest": row.Get("_time"), "latest": row.Get("_time")}
	want, err := plain.Click(bars, "tor", row, more)
	require.NoError(t, err)
	page.Tokens["minimum"] = hostile
	got, err := page.Click(bars, "tor", row, more)
	require.NoError(t, err)
	require.Equal(t, want, got)

	var asked string
	for _, f := range sample.Flows() {
		if f.Kind == sample.UnlabelledRelay {
			asked = f.Dest
		}
	}
	page = open(t, h, "was_it_tor", map[string]string{"address": asked, "time": sample.ListEnd().Format(time.RFC3339), "around": "86400"})
	talked := page.Fill("Who here talked with it, $begin$ to $end$", false)
	row = rowsOf(t, page, talked)[0]
	table := element(t, page, talked)
	want, err = page.Click(table, "host", row, nil)
	require.NoError(t, err)
	page.Tokens["ip"] = hostile
	got, err = page.Click(table, "host", row, nil)
	require.NoError(t, err)
	require.Equal(t, want, got)
}
