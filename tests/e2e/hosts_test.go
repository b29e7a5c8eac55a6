package e2e

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tordetect/src/command/tordetect"
	"tordetect/tests/sample"
	"tordetect/tests/splunkd"
)

// Logins: with success, from an exit of that time, of a user with a name; nobody
// else's risk.
func TestLoginFromATorExit(t *testing.T) {
	h := sampleHead(t)
	var exit sample.Flow
	for _, f := range sample.Flows() {
		if f.Kind == sample.FromExitAddress {
			exit = f
		}
	}
	login := func(action, src, user string, at time.Time) splunkd.Event {
		return splunkd.Event{Time: at, Model: "Authentication", Fields: map[string]string{
			"sourcetype": "linux_secure", "action": action, "src": src, "user": user, "dest": "vpn-01", "app": "sshd",
		}}
	}
	h.AddEvents(
		login("success", exit.Src, "alice", exit.End), login("success", exit.Src, "alice", exit.End.Add(time.Second)),
		login("failure", exit.Src, "bob", exit.End),
		login("success", "192.0.2.77", "carol", exit.End),
		login("success", "10.20.0.9", "dave", exit.End),
		login("success", "laptop-7", "erin", exit.End),
		login("success", exit.Src, "", exit.End), login("success", exit.Src, "null", exit.End), login("success", exit.Src, "N/A", exit.End),
	)
	result, err := h.RunSavedOver("Login from a Tor exit")
	require.NoError(t, err)
	require.ElementsMatch(t, []string{
		"alice alice 2 tor 95 " + exit.Src + " vpn-01",
		"unknown  1 tor 95 " + exit.Src + " vpn-01", // found, and nobody's risk
		"null  1 tor 95 " + exit.Src + " vpn-01",
		"N/A  1 tor 95 " + exit.Src + " vpn-01",
	}, texts(result, "user", "risk_user", "count", "tor_verdict", "tor_score", "exit", "dest"))
}

// seen makes events of a sensor.
type seen struct {
	at     time.Time
	events []splunkd.Event
}

func (s *seen) tls(src, name, ja4 string) {
	s.events = append(s.events, splunkd.Event{Time: s.at, Fields: map[string]string{
		"sourcetype": "suricata", "event_type": "tls", "src_ip": src, "dest_ip": "203.0.113.9", "dest_port": "443", "proto": "TCP", "tls.sni": name, "tls.ja4": ja4,
	}})
}

func (s *seen) dns(src, name string) {
	s.events = append(s.events, splunkd.Event{Time: s.at, Fields: map[string]string{
		"sourcetype": "suricata", "event_type": "dns", "src_ip": src, "dest_ip": "10.0.0.53", "dest_port": "53", "proto": "UDP", "dns.rrname": name,
	}})
}

func (s *seen) udp(src, dest string, port int) {
	s.events = append(s.events, splunkd.Event{Time: s.at, Model: "Network_Traffic", Fields: map[string]string{
		"sourcetype": "zeek", "src": src, "dest": dest, "dest_port": fmt.Sprint(port), "transport": "udp", "action": "allowed",
	}})
}

// Made-up names: no single one tells, but what nobody asked DNS for does, and so
// do three, and one with the fingerprint of a Tor build.
func TestMadeUpNames(t *testing.T) {
	const made1, made2, made3 = "www.a3b4c5d6e7f2.com", "www.q7w5xkz3n4b.com", "www.h2j6t5v7zqk.com"
	h := head(t, nil, sample.Table())
	s := seen{at: time.Date(2026, 11, 20, 11, 0, 0, 0, time.UTC)}
	h.Now = s.at.Add(30 * time.Minute)

	s.dns("10.1.1.1", "www.example.com")
	s.tls("10.1.1.1", "www.example.com", "")
	s.tls("10.1.1.1", made1, "")
	s.tls("10.1.1.1", made2, "")

	s.dns("10.1.1.2", made3) // somebody's real name, that looks like one
	s.tls("10.1.1.2", made3, "")

	s.tls("10.1.1.3", made1, "") // no DNS of this host is seen

	for _, name := range []string{made1, made2, "www.z5y3x7k2m4q.com"} {
		s.tls("10.1.1.4", name, "")
	}
	s.tls("10.1.1.5", made1, "t13d181100_796efca44d18_d41ae481755e")
	s.tls("10.1.1.6", "", "")

	// An ordinary name that nobody asked for is not made up, whatever the fingerprint.
	s.dns("10.1.1.7", "www.example.com")
	s.tls("10.1.1.7", "updates.example.com", "t13d181100_796efca44d18_d41ae481755e")

	// Asked in the way that Suricata 8 logs it.
	for _, name := range []string{"www.k2m4q6z3y5x.com", "www.m3n5q7z2y4x.com", "www.p2q4r6z3y5x.com"} {
		s.tls("10.1.1.8", name, "")
		s.events = append(s.events, splunkd.Event{Time: s.at, Fields: map[string]string{
			"sourcetype": "suricata", "event_type": "dns", "src_ip": "10.1.1.8", "proto": "UDP", "dns.queries{}.rrname": name,
		}})
	}

	// The reason that is told belongs to the score: the strongest event's.
	s.tls("10.1.1.9", made2, "")
	s.at = s.at.Add(-time.Minute)
	s.tls("10.1.1.9", made2, "t13d181100_796efca44d18_d41ae481755e")
	h.AddEvents(s.events...)

	result, err := h.RunSaved("Tor client with made-up server names")
	require.NoError(t, err)
	require.ElementsMatch(t, []string{
		"10.1.1.1 2 that nobody asked DNS for",
		"10.1.1.4 3 and no DNS query of this host was seen",
		"10.1.1.5 1 and no DNS query of this host was seen",
		"10.1.1.9 1 and no DNS query of this host was seen",
	}, texts(result, "src", "name_count", "seen"))
	for _, row := range result.Rows {
		require.Equal(t, row.Get("tor_score") == "90", strings.Contains(row.Get("tor_reason"), "fingerprint"), "%s: %s", row.Get("tor_score"), row.Get("tor_reason"))
		require.Contains(t, []string{"15", "90"}, row.Get("tor_score"))
	}

	// Five hours later they are old news, but for the runs that look for what came late.
	h.Now = h.Now.Add(5 * time.Hour)
	result, err = h.RunSaved("Tor client with made-up server names")
	require.NoError(t, err)
	require.Empty(t, result.Rows)
}

// Snowflake: all three steps within two minutes, across the full minute too.
func TestSnowflake(t *testing.T) {
	const broker = "1098762253.rsc.cdn77.org"
	h := head(t, nil, nil)
	s := seen{at: time.Date(2026, 11, 20, 11, 0, 50, 0, time.UTC)}
	h.Now = s.at.Add(60 * time.Minute)
	start := s.at
	later := func(d time.Duration) { s.at = start.Add(d) }

	for host, steps := range map[string]func(src string){
		"10.1.1.1": func(src string) { // over the minute
			s.dns(src, broker)
			later(20 * time.Second)
			s.udp(src, "192.0.2.10", 3478)
			s.udp(src, "192.0.2.99", 50123)
		},
		"10.1.1.2": func(src string) { // a video call
			s.udp(src, "192.0.2.10", 3478)
			s.udp(src, "192.0.2.99", 50123)
		},
		"10.1.1.3": func(src string) { // a visit to the site whose name is borrowed
			s.tls(src, "www.datapacket.com", "")
		},
		"10.1.1.4": func(src string) { // all, but over ten minutes
			s.tls(src, "www.datapacket.com", "")
			later(5 * time.Minute)
			s.udp(src, "192.0.2.10", 3478)
			later(10 * time.Minute)
			s.udp(src, "192.0.2.99", 50123)
		},
		"10.1.1.5": func(src string) { // no peer
			s.dns(src, broker)
			s.udp(src, "192.0.2.10", 3478)
		},
		"10.1.1.6": func(src string) { // the peer is one of ours
			s.dns(src, broker)
			s.udp(src, "192.0.2.10", 3478)
			s.udp(src, "10.1.1.7", 50123)
		},
		"10.1.1.9": func(src string) { // the STUN server itself on another port is no peer
			s.dns(src, broker)
			s.udp(src, "192.0.2.10", 3478)
			s.udp(src, "192.0.2.10", 50000)
		},
		"10.1.1.10": func(src string) { // the firewall stopped it
			s.dns(src, broker)
			s.udp(src, "192.0.2.10", 3478)
			s.udp(src, "192.0.2.99", 50123)
			for i := range 2 {
				s.events[len(s.events)-1-i].Fields["action"] = "blocked"
			}
		},
		"10.1.1.11": func(src string) { // the firewall names the host, the sensor its address
			s.dns(src, broker)
			s.udp(src, "192.0.2.10", 3478)
			s.udp(src, "192.0.2.97", 50123)
			for i := range 2 {
				fields := s.events[len(s.events)-1-i].Fields
				fields["src"], fields["src_ip"] = "laptop-7", src
			}
		},
		"10.1.1.8": func(src string) { // by its TLS name, all at once
			s.tls(src, "APP.datapacket.com", "")
			s.udp(src, "192.0.2.10", 19302)
			s.udp(src, "192.0.2.98", 40000)
		},
	} {
		later(0)
		steps(host)
	}
	h.AddEvents(s.events...)
	result, err := h.RunSaved("Snowflake client of Tor")
	require.NoError(t, err)
	require.ElementsMatch(t, []string{
		"10.1.1.1 1098762253.rsc.cdn77.org 192.0.2.10 192.0.2.99",
		"10.1.1.8 app.datapacket.com 192.0.2.10 192.0.2.98",
		"10.1.1.11 1098762253.rsc.cdn77.org 192.0.2.10 192.0.2.97",
	}, texts(result, "src", "server_name", "stun_server", "dest_ip"))
}

// What a host is, by how many relays it speaks to, for how long, and whether they
// answer.
func TestHosts(t *testing.T) {
	h := head(t, nil, listing(time.Now(), -time.Hour, 150, 150, true))
	macro(t, h, "tordetect_internal", `"10.0.0.0/8","198.51.100.1/32"`)
	h.Now = time.Now()
	start := h.Now.Add(-5 * time.Hour).Truncate(time.Hour).Add(10 * time.Minute)
	h.Earliest, h.Latest = start.Add(-time.Hour), h.Now
	relay := func(i int) (string, string) { return fmt.Sprintf("198.51.100.%d", i%250+1), "9001" }
	flow := func(at time.Time, src, dest, port, action, back string) {
		h.AddEvents(splunkd.Event{Time: at, Model: "Network_Traffic", Fields: map[string]string{
			"sourcetype": "fw", "src": src, "dest": dest, "dest_port": port, "transport": "tcp", "action": action,
			"bytes_in": back, "bytes_out": "300", "packets_out": "3",
		}})
	}
	to := func(at time.Time, src string, i int, action, back string) {
		dest, port := relay(i)
		flow(at, src, dest, port, action, back)
	}
	for hour := range 4 { // a client: the same two guards for hours
		for _, i := range []int{10, 11} {
			to(start.Add(time.Duration(hour)*time.Hour), "10.0.0.1", i, "allowed", "5000")
		}
	}
	for i := range 5 { // bootstrapping: several relays in its first hour
		to(start.Add(time.Duration(i)*time.Second), "10.0.0.2", 20+i, "allowed", "5000")
	}
	for i := range 40 { // a scanner: nobody answers
		to(start.Add(time.Duration(i)*time.Minute), "10.0.0.3", 30+i, "allowed", "0")
	}
	for i := range 120 { // a relay that is not listed yet, or not by this address
		to(start.Add(time.Duration(i)*time.Minute), "10.0.0.4", 2+i, "allowed", "5000")
	}
	for i := range 30 { // a client that the firewall stops tries one guard after the other
		to(start.Add(time.Duration(i)*time.Minute*5), "10.0.0.5", 60+i, "blocked", "0")
	}
	flow(start, "192.0.2.50", "198.51.100.1", "9001", "allowed", "5000") // our own relay serves somebody

	result := search(t, h, "| tstats `tordetect_summaries` count sum(All_Traffic.bytes_in) as bytes_in sum(All_Traffic.bytes_out) as bytes_out "+
		"sum(All_Traffic.packets_out) as packets_out from datamodel=Network_Traffic.All_Traffic by _time span=1h All_Traffic.src All_Traffic.dest "+
		"All_Traffic.dest_port All_Traffic.transport All_Traffic.action | eval firstTime=_time, lastTime=_time+3599 "+
		"| tordetect internal=\"198.51.100.1\" | `drop_dm_object_name(\"All_Traffic\")` | `tordetect_hosts`")
	require.ElementsMatch(t, []string{
		"10.0.0.1 client 2 2 4 8 established",
		"10.0.0.2 bootstrapping 5 5 1 5 established",
		"10.0.0.3 scanner 40 0 1 40 attempt",
		"10.0.0.4 relay 120 120 3 120 established",
		"10.0.0.5 client 30 0 3 30 blocked",
		"198.51.100.1 relay 0 0 1 1 established",
	}, texts(result, "host", "tor_kind", "relays", "answered", "hours", "connections", "tor_state"))
}

// The rows may be grouped otherwise than the manual shows: by src_ip alone, with
// null where a field is missing, without ports, or as one row for several hours.
func TestHostsOfOtherRows(t *testing.T) {
	h := head(t, nil, listing(time.Now(), -time.Hour, 150, 150, true))
	h.Now = time.Now()
	start := h.Now.Add(-5 * time.Hour).Truncate(time.Hour).Add(10 * time.Minute)
	h.Earliest, h.Latest = start.Add(-time.Hour), h.Now
	for hour := range 4 {
		for i := range 5 {
			h.AddEvents(splunkd.Event{Time: start.Add(time.Duration(hour) * time.Hour), Model: "Network_Traffic", Fields: map[string]string{
				"sourcetype": "fw", "src": "10.0.0.1", "src_ip": "10.0.0.1", "dest": fmt.Sprintf("198.51.100.%d", 10+i), "dest_port": "9001",
				"transport": "tcp", "action": "allowed", "bytes_in": "5000", "bytes_out": "300", "packets_out": "9",
			}})
		}
	}
	for by, want := range map[string]string{
		"All_Traffic.src_ip All_Traffic.dest All_Traffic.dest_port":                                     "10.0.0.1 client 5 4",
		"All_Traffic.src All_Traffic.src_ip All_Traffic.dest All_Traffic.dest_ip All_Traffic.dest_port": "10.0.0.1 client 5 4",
		"All_Traffic.src All_Traffic.dest":                                                              "10.0.0.1 client 5 4",
	} {
		result := search(t, h, "| tstats `tordetect_summaries` count min(_time) as firstTime max(_time) as lastTime from datamodel=Network_Traffic.All_Traffic by "+by+
			" | tordetect | `drop_dm_object_name(\"All_Traffic\")` | `tordetect_hosts`")
		require.Equal(t, []string{want}, texts(result, "host", "tor_kind", "relays", "hours"), by)
	}
}

// The expressions for names know all the names that the command knows.
func TestNameMacros(t *testing.T) {
	h := head(t, nil, nil)
	macros, err := h.App.Conf("macros")
	require.NoError(t, err)
	for _, c := range tordetect.Columns() {
		name := map[string]string{"server name of the TLS handshake": "tordetect_server_name", "name asked for by DNS": "tordetect_query"}[c.Means]
		if name == "" {
			continue
		}
		definition, ok := macros.Get(name, "definition")
		require.True(t, ok)
		spl, ok := macros.Get("tordetect_snowflake_events", "definition")
		require.True(t, ok)
		for _, column := range c.Names {
			require.Regexp(t, `[(,]'?`+regexp.QuoteMeta(column)+`'?[,)]`, definition)
			require.Regexp(t, `\b`+regexp.QuoteMeta(column)+`"? IN \(`, spl)
		}
	}
}
