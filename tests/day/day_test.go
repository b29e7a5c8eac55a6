package day

import (
	"bytes"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tordetect/src/flow"
	"tordetect/src/relay"
	"tordetect/tests/splunkd"
)

var made = Generate(7, Size{Share: 1, Ordinary: 100})

// of lists the events of a case.
func of(t *testing.T, name string) []Event {
	t.Helper()
	found := slices.Collect(func(yield func(Event) bool) {
		for _, e := range made.Events {
			if e.Truth != nil && e.Truth.Case == name && !yield(e) {
				return
			}
		}
	})
	require.NotEmpty(t, found, name)
	return found
}

func hostsIn(events []Event) map[string]bool {
	hosts := map[string]bool{}
	for _, e := range events {
		hosts[e.Truth.Names[0]] = true
	}
	return hosts
}

// The day holds what its cases say.
func TestTheDay(t *testing.T) {
	for _, c := range cases {
		events := of(t, c.name)
		require.Len(t, hostsIn(events), c.hosts, c.name)
		late := strings.Contains(c.name, "late") || strings.Contains(c.name, "long") || strings.Contains(c.name, "batches")
		for _, e := range events {
			lateness := e.Index.Sub(e.Time)
			require.Equal(t, late, lateness > promptly, "%s: %s", c.name, lateness)
			require.LessOrEqual(t, lateness, 18*time.Hour, "what is later no window holds")
			require.Equal(t, c.find, e.Truth.Find)
		}
	}
	for name, hour := range map[string]int{"client, many in one hour": 5, "client, 600 in one run": 14, "login, many in one hour": 8} {
		for _, e := range of(t, name) {
			require.Equal(t, at(float64(hour)), e.Time.Truncate(time.Hour), name)
		}
	}
	for _, e := range of(t, "client in the hour of a lost run") {
		require.True(t, !e.Time.Before(at(brokenFrom-1)) && e.Time.Before(at(brokenFrom)))
	}
	many := map[string]bool{}
	for _, e := range of(t, "client with a name and many relays") {
		many[e.Fields["dest"]+e.Fields["dest_port"]] = true
		require.Equal(t, "ws-0.corp.example", e.Fields["src"])
	}
	require.Greater(t, len(many), 100)
	actions := map[string]bool{}
	for _, e := range of(t, "visited, by every action that lets in") {
		actions[e.Fields["action"]] = true
	}
	require.Len(t, actions, 6)
	batches := map[time.Time]bool{}
	for _, e := range of(t, "client, in batches") {
		batches[e.Index.Truncate(time.Minute)] = true
	}
	require.LessOrEqual(t, len(batches), 6, "an hour each, and a second")
	for _, e := range of(t, "client, long connection of Zeek") {
		lasts, err := strconv.ParseFloat(e.Fields["duration"], 64)
		require.NoError(t, err)
		require.InDelta(t, lasts, e.Index.Sub(e.Time).Seconds(), 130, "logged when it ends, stamped with its beginning")
	}
	states := map[string]bool{}
	for _, e := range of(t, "client in every state") {
		states[e.Truth.Names[0]+" "+e.Fields["action"]+" "+e.Fields["packets_in"][:min(1, len(e.Fields["packets_in"]))]] = true
	}
	require.GreaterOrEqual(t, len(states), 4*4)
	named := map[string]map[string]bool{}
	for _, e := range of(t, "client by name here and by address there") {
		if named[e.Truth.Names[0]] == nil {
			named[e.Truth.Names[0]] = map[string]bool{}
		}
		named[e.Truth.Names[0]][e.Fields["src"]] = true
	}
	for host, as := range named {
		require.Len(t, as, 2, host)
	}
	halves := of(t, "client, one-way records of both halves")
	for _, e := range halves {
		host := e.Truth.Names[0]
		require.NotEqual(t, e.Fields["src"] == host, e.Fields["dest"] == host)
		require.Empty(t, e.Fields["action"])
	}
	require.Len(t, halves, 2*12)
}

// Nobody belongs to two cases, or one would hide what the other lost.
func TestHostsAreApart(t *testing.T) {
	belongs := map[string]string{}
	for _, e := range made.Events {
		if e.Truth == nil {
			continue
		}
		for _, name := range e.Truth.Names {
			if other, ok := belongs[name]; ok && other != e.Truth.Case {
				require.Fail(t, "of two cases", "%s: %s, %s", name, other, e.Truth.Case)
			}
			belongs[name] = e.Truth.Case
		}
	}
	for _, e := range made.Events {
		if e.Truth != nil {
			continue
		}
		for _, field := range []string{"src", "dest", "user", "id.orig_h"} {
			if kind, ok := belongs[e.Fields[field]]; ok {
				require.Fail(t, "an ordinary event of a host of a case", "%s: %+v", kind, e)
			}
		}
	}
}

// The truth is that of the list: clients speak with relays that are listed then, ordinary events with none.
func TestTruthIsTheLists(t *testing.T) {
	_, last := span(made.Events)
	text, err := made.network.table(last)
	require.NoError(t, err)
	lists, err := relay.Parse(string(text))
	require.NoError(t, err)
	listed := func(lists *relay.Table, e Event, address, port string) bool {
		addr, err := netip.ParseAddr(e.Fields[address])
		if err != nil {
			return false
		}
		moment := flow.Interval{From: e.Time.Unix(), To: e.Time.Unix()}
		return slices.ContainsFunc(lists.Lookup(nil, addr, moment), func(l relay.Listing) bool {
			now := l.When == flow.Listed || l.When == flow.Stale
			if port == "" {
				return now && l.Kind == flow.ExitAddress
			}
			return now && l.Kind == flow.ORPort && fmt.Sprint(l.Port) == e.Fields[port]
		})
	}
	clients, visits := 0, 0
	for _, e := range made.Events {
		if e.Model == "" || e.Fields["transport"] == "udp" || e.Truth != nil && slices.Contains(e.Truth.Find, own) {
			continue
		}
		or, exit := listed(lists, e, "dest", "dest_port"), listed(lists, e, "src", "")
		switch {
		case e.Truth == nil:
			require.False(t, or || exit, "%+v", e)
		case slices.Contains(e.Truth.Find, client) && !strings.Contains(e.Truth.Case, "half") && !strings.Contains(e.Truth.Case, "halves") && !strings.Contains(e.Truth.Case, "answer"):
			require.True(t, or, "%s: %+v", e.Truth.Case, e.Fields)
			clients++
		case slices.Contains(e.Truth.Find, visitors) && !strings.Contains(e.Truth.Case, "halves"), slices.Contains(e.Truth.Find, logins):
			require.True(t, exit, "%s: %+v", e.Truth.Case, e.Fields)
			visits++
		case strings.HasPrefix(e.Truth.Case, "no client"):
			require.False(t, or || listed(lists, e, "src", "src_port"), "a web server, and no relay")
		}
	}
	require.Greater(t, clients, 700)
	require.Greater(t, visits, 90)

	// Of a relay that joined while the update failed the table has nothing; of one of the day before it has.
	text, err = made.network.table(made.Failing.From.Add(-time.Minute))
	require.NoError(t, err)
	lists, err = relay.Parse(string(text))
	require.NoError(t, err)
	for _, e := range of(t, "client of a relay that no update brought yet") {
		require.False(t, listed(lists, e, "dest", "dest_port"))
	}
	for _, e := range of(t, "client, judged by an old list") {
		require.True(t, listed(lists, e, "dest", "dest_port"))
	}
}

func TestSameSeedSameDay(t *testing.T) {
	var one, again, other bytes.Buffer
	require.NoError(t, Write(&one, made.Events))
	require.NoError(t, Write(&again, Generate(7, Size{Share: 1, Ordinary: 100}).Events))
	require.NoError(t, Write(&other, Generate(8, Size{Share: 1, Ordinary: 100}).Events))
	require.Equal(t, one.String(), again.String())
	require.NotEqual(t, one.String(), other.String())

	read, err := Read(&one)
	require.NoError(t, err)
	require.Equal(t, made.Events, read, "what was written is read")
}

func TestRead(t *testing.T) {
	events, err := Read(strings.NewReader(`{"model":"Network_Traffic.All_Traffic","_time":1795262460.5,"_indextime":"1795262475","src":"10.0.0.1","dest_port":443,"tag":["network","communicate"],"user":null}` + "\n\n"))
	require.NoError(t, err)
	require.Equal(t, []Event{{
		Model: "Network_Traffic", Time: time.Unix(1795262460, 5e8).UTC(), Index: time.Unix(1795262475, 0).UTC(),
		Fields: map[string]string{"src": "10.0.0.1", "dest_port": "443", "tag": "network\ncommunicate"},
	}}, events)
	for text, want := range map[string]string{
		"":                                "it holds no events",
		"x":                               "line 1: no JSON object",
		`[1]`:                             "line 1: no JSON object",
		`{"_time":1795262460}`:            `line 1: _indextime: "" are no epoch seconds`,
		`{"_time":"soon","_indextime":1}`: `_time: "soon" are no epoch seconds`,
		`{"_time":1e300,"_indextime":1}`:  "are no epoch seconds",
		`{"truth":{"names":3},"_time":1795262460}`: "truth: ",
		strings.Repeat("x", maxLine+1):             "too long",
	} {
		_, err := Read(strings.NewReader(text))
		require.ErrorContains(t, err, want, "%.60q", text)
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(`{"model":"Authentication","_time":1795262460,"_indextime":1795262475,"src":"192.0.2.1","truth":{"case":"x","names":["a"]}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		events, err := Read(bytes.NewReader(text))
		if err != nil {
			return
		}
		for _, e := range events {
			require.False(t, e.Time.IsZero() || e.Index.IsZero())
		}
	})
}

// The lookup is what the update that ran last has written: nothing new while it fails, all that was missed behind that.
func TestRenewals(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "tordetect")
	text, err := os.ReadFile(filepath.Join("..", "..", "default", "savedsearches.conf"))
	require.NoError(t, err)
	require.NoError(t, write(filepath.Join(folder, "default", "savedsearches.conf"), text))
	app, err := splunkd.InstallFolder(folder, t.TempDir())
	require.NoError(t, err)
	head := &splunkd.Head{App: app}
	renew, err := made.renewals(&splunkd.Scheduler{Head: head, Down: made.Down}, head, nil, at(0), at(60))
	require.NoError(t, err)
	newest := func(hour float64) float64 {
		require.NoError(t, renew(at(hour)))
		text, err := os.ReadFile(app.Lookup("tor_relays.csv"))
		require.NoError(t, err)
		lists, err := relay.Parse(string(text))
		require.NoError(t, err)
		ends, ok := lists.Newest()
		require.True(t, ok)
		require.Len(t, lists.Lists(), 1, "no hour is missing")
		return time.Unix(ends, 0).Sub(begin).Hours()
	}
	// A list of an hour holds until three hours behind it, and is there ten minutes after it.
	for _, c := range []struct{ hour, ends float64 }{{0, 2}, {5, 7}, {12, 14}, {19.99, 22}, {30, 22}, {47.9, 22}, {49.5, 51}} {
		require.InDelta(t, c.ends, newest(c.hour), 1.01, "at %v", c.hour)
	}
}
