package judge_test

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tordetect/src/event"
	"tordetect/src/flow"
	"tordetect/src/judge"
	"tordetect/src/relay"
	"tordetect/src/rows"
)

// hour is one of the day of all tests, in epoch seconds.
func hour(h float64) int64 {
	return time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC).Unix() + int64(h*3600)
}

// table writes a relay table: lists from one hour to another, and a guard with the OR
// port 198.51.100.1:9001 between these.
func table(from, to float64) string {
	return "ip,port,role,flags,fingerprint,nickname,first_seen,last_seen\n" +
		fmt.Sprintf(",,coverage,,,,%d,%d\n198.51.100.1,9001,or,Guard,%040d,guard,%d,%d\n,2,end,,,,,\n", hour(from), hour(to), 1, hour(from), hour(to))
}

// network writes the files of a network; empty texts are none.
func network(t *testing.T, table, history string) *relay.Network {
	t.Helper()
	folder := t.TempDir()
	for name, text := range map[string]string{"r.csv": table, "r_history.csv": history} {
		if text != "" {
			require.NoError(t, os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600))
		}
	}
	return relay.NewNetwork(filepath.Join(folder, "r.csv"))
}

// of makes an event of names and values by turns.
func of(cells ...string) *event.Event {
	e := new(event.Event)
	for i := 0; i < len(cells); i += 2 {
		e.Put([]byte(cells[i]), []byte(cells[i+1]))
	}
	return e
}

// judged is what these tests look at: evidence, score, coverage.
func judged(j *judge.Judge, e *event.Event) string {
	f := j.Flow(e)
	found := j.Finding(f)
	var names []string
	for _, e := range found.Evidence {
		names = append(names, e.Name())
	}
	return fmt.Sprint(strings.Join(names, "+"), " ", found.Score, " ", f.Coverage)
}

// Table and history are asked for the time of the event, each where it is there.
func TestTableAndHistory(t *testing.T) {
	at := func(h float64) *event.Event {
		return of("src_ip", "10.0.0.5", "dest_ip", "198.51.100.1", "dest_port", "9001", "_time", fmt.Sprint(hour(h)))
	}
	for about, c := range map[string]struct {
		table, history string
		want           map[float64]string
	}{
		"both":         {table(12, 14), table(8, 12), map[float64]string{13: "or_port 97 full", 9: "or_port 97 full", 7: "or_port_stale 96 before"}},
		"no history":   {table(12, 14), "", map[float64]string{13: "or_port 97 full", 11: "or_port_stale 96 before", 15: "or_port_stale 96 stale"}},
		"no table":     {"", table(8, 12), map[float64]string{9: "or_port 97 full", 13: "or_port_stale 96 stale"}},
		"none of them": {"", "", map[float64]string{9: " 0 none"}},
	} {
		for h, want := range c.want {
			j := judge.New(network(t, c.table, c.history), judge.Options{})
			require.Equal(t, want, judged(j, at(h)), "%s, at %v", about, h)
		}
	}

	// Without a time the search's window stands in, and without one the list is asked
	// for no time.
	e := of("src_ip", "10.0.0.5", "dest_ip", "198.51.100.1", "dest_port", "9001")
	j := judge.New(network(t, table(12, 14), ""), judge.Options{Window: &flow.Interval{From: hour(13), To: hour(13.5)}})
	require.Equal(t, "or_port 97 full", judged(j, e))
	at1, ok := j.When()
	require.True(t, ok)
	require.Equal(t, flow.Interval{From: hour(13), To: hour(13.5)}, at1)
	j = judge.New(network(t, table(12, 14), ""), judge.Options{})
	require.Contains(t, judged(j, e), " none")
	_, ok = j.When()
	require.False(t, ok)
}

// Of many ports a set is made, and it is made anew for each event.
func TestManyPorts(t *testing.T) {
	j := judge.New(network(t, table(12, 14), ""), judge.Options{})
	for _, c := range []struct{ more, want string }{{"9001", "or_port 97 full"}, {"9002", "relay_address 10 full"}, {"9001", "or_port 97 full"}} {
		var ports []string
		for port := range 40 {
			ports = append(ports, fmt.Sprint(20000+port))
		}
		e := of("src_ip", "10.0.0.5", "dest_ip", "198.51.100.1", "dest_port", strings.Join(append(ports, c.more), "\n"), "_time", fmt.Sprint(hour(13)))
		require.Equal(t, c.want, judged(j, e), c.more)
	}
}

// The destination in a request to an explicit proxy.
func TestProxy(t *testing.T) {
	for about, c := range map[string]struct {
		cells string // name=value
		dest  string
		proxy string
	}{
		"a client here":             {"src=10.0.0.5 dest=10.0.0.8 dest_port=3128 http_method=CONNECT url=198.51.100.1:9001", "198.51.100.1 9001", "10.0.0.8"},
		"the port of the scheme":    {"src=10.0.0.5 dest=10.0.0.8 dest_port=3128 url=http://198.51.100.1/x", "198.51.100.1 80", "10.0.0.8"},
		"no port at all":            {"src=10.0.0.5 dest=10.0.0.8 dest_port=3128 url=198.51.100.1", "198.51.100.1 0", "10.0.0.8"},
		"no destination column":     {"src=10.0.0.5 url=https://198.51.100.1/", "198.51.100.1 443", ""},
		"a host that is internal":   {"src=203.0.113.5 dest=203.0.113.8 url=198.51.100.1:9001", "198.51.100.1 9001", "203.0.113.8"},
		"a scanner":                 {"src=192.0.2.9 dest=203.0.113.8 dest_port=80 url=198.51.100.1:9001", "203.0.113.8 80", ""},
		"no source":                 {"dest=203.0.113.8 dest_port=80 url=198.51.100.1:9001", "203.0.113.8 80", ""},
		"the list knows whom":       {"src=10.0.0.5 dest=198.51.100.1 dest_port=9001 url=192.0.2.7:443", "198.51.100.1 9001", ""},
		"the same address":          {"src=10.0.0.5 dest=198.51.100.1 url=https://198.51.100.1:9001/", "198.51.100.1 9001", ""},
		"the same with a port":      {"src=10.0.0.5 dest=198.51.100.1 dest_port=80 url=https://198.51.100.1:9001/", "198.51.100.1 80", ""},
		"a name is no address":      {"src=10.0.0.5 dest=10.0.0.8 dest_port=3128 url=www.example.com:443", "10.0.0.8 3128", ""},
		"a host alone is no target": {"src=10.0.0.5 dest=10.0.0.8 dest_port=80 http.hostname=198.51.100.1", "10.0.0.8 80", ""},
		"IPv6":                      {"src=10.0.0.5 dest=10.0.0.8 url=[2001:db8::1]:9001", "2001:db8::1 9001", "10.0.0.8"},
	} {
		var cells []string
		for _, word := range strings.Fields(c.cells + " _time=" + fmt.Sprint(hour(13))) {
			name, value, _ := strings.Cut(word, "=")
			cells = append(cells, name, value)
		}
		j := judge.New(network(t, table(12, 14), ""), judge.Options{Internal: []netip.Prefix{netip.MustParsePrefix("203.0.113.0/24")}})
		f := j.Flow(of(cells...))
		proxy := ""
		if f.Proxy.IsValid() {
			proxy = f.Proxy.String()
		}
		require.Equal(t, c.dest, fmt.Sprint(f.Destination.Addr, " ", f.Destination.Port), about)
		require.Equal(t, c.proxy, proxy, about)
	}
}

// Of an event in _raw that is cut, or followed by others, somebody is told.
func TestRawInPart(t *testing.T) {
	const relay, other = `{"src_ip":"10.0.0.5","dest_ip":"198.51.100.1","dest_port":9001}`, `{"src_ip":"10.0.0.5","dest_ip":"203.0.113.1","dest_port":443}`
	for about, c := range map[string]struct{ raw, want, says string }{
		"whole":                   {relay, "or_port 97 full", ""},
		"whole, and blanks":       {relay + " \r\n", "or_port 97 full", ""},
		"cut behind its address":  {relay[:len(relay)-7], "relay_noport 35 full", "Some events in _raw are cut"},
		"cut before its address":  {relay[:20], " 0 none", "Some events in _raw are cut"},
		"two objects":             {other + relay, " 0 full", "Some events in _raw hold several objects"},
		"two of which one is cut": {relay + other[:20], "or_port 97 full", "Some events in _raw hold several objects"},
		"nothing of ours":         {"a line of text", " 0 none", ""},
	} {
		j := judge.New(network(t, table(12, 14), ""), judge.Options{})
		require.Equal(t, c.want, judged(j, row(t, event.Columns{}, "_time,_raw", fmt.Sprint(hour(13))+`,"`+strings.ReplaceAll(c.raw, `"`, `""`)+`"`)), about)
		said := strings.Join(j.Warnings(judge.Analyst("r.csv"), false), " ")
		if c.says == "" {
			require.Empty(t, said, about)
			continue
		}
		require.Contains(t, said, c.says, about)
		again := judge.New(network(t, table(12, 14), ""), judge.Options{})
		s := j.Seen()
		again.Saw(&s)
		require.Contains(t, strings.Join(again.Warnings(judge.Analyst("r.csv"), false), " "), c.says, about)
	}
}

// row makes an event of a row.
func row(t *testing.T, named event.Columns, header, cells string) *event.Event {
	t.Helper()
	s, columns, e := new(rows.Scanner), &named, new(event.Event)
	require.NoError(t, s.Reset([]byte(header+"\n"+cells+"\n")))
	columns.Bind(s.Names())
	require.True(t, s.Next())
	e.Row(s, columns)
	return e
}

// The event in _raw is read where no column has an address that can be read, with the
// columns behind it.
func TestRaw(t *testing.T) {
	const raw = `"{""src_ip"":""10.0.0.5"",""dest_ip"":""198.51.100.1"",""dest_port"":9001,""ts"":1795176000}"`
	var named event.Columns
	named.Named[event.Destination] = "dest"
	for about, c := range map[string]struct {
		columns       event.Columns
		header, cells string
		want          string
	}{
		"alone":                   {event.Columns{}, "_raw", raw, "or_port 97 full"},
		"a host's name beside it": {event.Columns{}, "dest,_raw", "fileserver," + raw, "or_port 97 full"},
		"an address beside it":    {event.Columns{}, "dest,_raw", "192.0.2.9," + raw, " 0 none"},
		"a named column":          {named, "dest,_raw", "fileserver," + raw, " 0 none"},
		"the row's time first":    {event.Columns{}, "_time,_raw", fmt.Sprint(hour(15)) + "," + raw, "or_port_stale 96 stale"},
		"the row's action":        {event.Columns{}, "action,_raw", "blocked," + raw, "or_port 58 full"},
		"the last of a long list": {event.Columns{}, "_raw", strings.Replace(raw, `""198.51.100.1""`, "["+strings.Repeat(`""192.0.2.9"",`, 3000)+`""198.51.100.1""]`, 1), "or_port 97 full"},
		"no event":                {event.Columns{}, "_raw", "hello", " 0 none"},
		"empty":                   {event.Columns{}, "_raw,x", ",y", " 0 none"},
	} {
		j := judge.New(network(t, table(11, 14), ""), judge.Options{})
		require.Equal(t, c.want, judged(j, row(t, c.columns, c.header, c.cells)), about)
	}
}

// Messages say what somebody should know, once and with an example.
func TestMessages(t *testing.T) {
	say := judge.Analyst("r.csv")
	for about, c := range map[string]struct {
		table  string
		events [][]string
		last   bool
		want   []string
	}{
		"all is well":               {table(8, 20), [][]string{{"src_ip", "10.0.0.5", "_time", fmt.Sprint(hour(9))}}, true, nil},
		"no table":                  {"", [][]string{{"dest_ip", "198.51.100.1", "_time", fmt.Sprint(hour(9))}}, false, []string{"The relay list r.csv is missing"}},
		"stale":                     {table(8, 12), [][]string{{"dest_ip", "198.51.100.1", "_time", fmt.Sprint(hour(13))}}, false, []string{"The relay list r.csv ends at 2026-11-20T12:00:00Z"}},
		"a time without a zone":     {table(8, 20), [][]string{{"dest_ip", "198.51.100.1", "_time", "2026-11-20 09:00:00"}, {"dest_ip", "198.51.100.1", "_time", "2026-11-20 09:00:01"}}, false, []string{`for example "2026-11-20 09:00:00"`}},
		"an address and a port":     {table(8, 20), [][]string{{"dest_ip", "198.51.100.999", "dest_port", "many", "src_ip", "10.0.0.5", "_time", fmt.Sprint(hour(9))}}, false, []string{`The address of the destination of some rows cannot be read, for example "198.51.100.999"`, `The port of the destination of some rows cannot be read, for example "many"`}},
		"a host's name is no fault": {table(8, 20), [][]string{{"dest", "fileserver", "src_ip", "10.0.0.5", "_time", fmt.Sprint(hour(9))}}, true, nil},
		"no row with an address":    {table(8, 20), [][]string{{"dest", "fileserver", "_time", fmt.Sprint(hour(9))}}, true, []string{"No row had an address, so nothing was judged: looked for were src_ip, src, id.orig_h and the like as the source, and dest_ip, dest, id.resp_h and the like as the destination. Name yours with the options src= or dest=."}},
		"before the last":           {table(8, 20), [][]string{{"dest", "fileserver", "_time", fmt.Sprint(hour(9))}}, false, nil},
		"a name was judged":         {table(8, 20), [][]string{{"query", "abcdefghij234567.onion", "_time", fmt.Sprint(hour(9))}}, true, nil},
		"no row at all":             {table(8, 20), nil, true, nil},
	} {
		j := judge.New(network(t, c.table, ""), judge.Options{})
		for _, cells := range c.events {
			j.Flow(of(cells...))
		}
		got := j.Warnings(say, c.last)
		require.Equal(t, got, j.Warnings(say, c.last), "the same again, so that it is said once")
		require.Len(t, got, len(c.want), "%s: %q", about, got)
		for i, want := range c.want {
			require.Contains(t, got[i], want, about)
		}
	}
	require.Contains(t, judge.Responder("/a/b/r.csv").Zone, "--zone")
	require.Equal(t, "r.csv", judge.Responder("/a/b/r.csv").Table)
}

// Events cost no memory.
func TestNoAllocations(t *testing.T) {
	j := judge.New(network(t, table(8, 20), ""), judge.Options{})
	for about, e := range map[string]*event.Event{
		"a text":      of("src_ip", "10.0.0.5", "dest_ip", "198.51.100.1", "dest_port", "9001", "_time", fmt.Sprint(hour(9)), "url", "198.51.100.9:443"),
		"a row":       row(t, event.Columns{}, "_time,src_ip,dest_ip,dest_port,app,action", fmt.Sprint(hour(9))+",10.0.0.5,192.0.2.9,443,ssl,allowed"),
		"a _raw":      row(t, event.Columns{}, "_time,_raw", fmt.Sprint(hour(9))+`,"{""dest_ip"":""192.0.2.9"",""src_ip"":""10.0.0.5""}"`),
		"other kinds": row(t, event.Columns{}, "_time,_raw", fmt.Sprint(hour(9))+`,"{""event_type"":""fileinfo"",""src_ip"":""10.0.0.5""}"`),
	} {
		j.Finding(j.Flow(e))
		require.Zero(t, testing.AllocsPerRun(100, func() { j.Finding(j.Flow(e)) }), about)
	}
}
