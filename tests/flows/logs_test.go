package flows

import (
	"cmp"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"tordetect/src/flow"
	table "tordetect/src/relay"
)

// logsOfWeek are made once for all tests.
var logsOfWeek = sync.OnceValue(func() []Log { return week().Logs() })

// logOf is a log of the tests' week.
func logOf(t *testing.T, name string) *Log {
	t.Helper()
	for i, l := range logsOfWeek() {
		if l.Name == name {
			return &logsOfWeek()[i]
		}
	}
	require.Fail(t, "no such log", name)
	return nil
}

// byConversation are a log's records, those of each conversation in the order of
// time.
func (l *Log) byConversation() map[int][]Flow {
	out := map[int][]Flow{}
	for _, f := range l.Flows {
		out[f.Conversation] = append(out[f.Conversation], f)
	}
	return out
}

func TestLogsHoldTheirCases(t *testing.T) {
	again := Generate(1).Logs()
	seen := map[string]bool{}
	for _, c := range Cases() {
		seen[c.Name] = true
	}
	for i, l := range logsOfWeek() {
		require.Equal(t, string(l.CSV()), string(again[i].CSV()), "the same seed gives the same bytes")
		made, total := map[string]int{}, 0.0
		for _, records := range l.byConversation() {
			made[records[0].Case]++
			for _, f := range records {
				require.Equal(t, records[0].Case, f.Case)
				require.Len(t, l.Cells(&f), len(l.Columns)+len(TruthColumns))
				require.LessOrEqual(t, f.First, f.Last, "%+v", f)
				require.Contains(t, []string{"established", "attempt", "blocked"}, f.State)
				require.Contains(t, []string{out, in}, f.Direction)
			}
		}
		for _, c := range l.Cases {
			require.False(t, seen[c.Name], "%s is there twice", c.Name)
			seen[c.Name] = true
			require.True(t, strings.HasPrefix(c.Name, l.Name+"_"), c.Name)
			require.Equal(t, c.Flows, made[c.Name], c.Name)
			require.Equal(t, guess, c.Guess, "%s: nobody has measured it", c.Name)
			total += c.PerMillion
		}
		require.InDelta(t, 1e6, total, 10000, "the shares of %s are of a million", l.Name)
	}
	require.Len(t, logsOfWeek(), len(Logs()))
}

// Two halves are of one conversation: the ends are changed round, each counts its
// own direction, and where nothing came back there is one.
func TestHalvesBelongTogether(t *testing.T) {
	for _, name := range []string{"netflow", "netflow_noport"} {
		l := logOf(t, name)
		both := 0
		for _, records := range l.byConversation() {
			there := records[0]
			require.False(t, there.Answer)
			silent := there.State != "established" && !strings.HasSuffix(there.Case, "_reset")
			if silent {
				require.Len(t, records, 1, there.Case)
				continue
			}
			require.Len(t, records, 2, there.Case)
			both++
			back := records[1]
			require.True(t, back.Answer)
			require.Equal(t, []string{there.Src, there.SrcPort, there.Dest, there.DestPort}, []string{back.Dest, back.DestPort, back.Src, back.SrcPort})
			require.Equal(t, []any{there.First, there.Last, there.Truth, there.Direction, there.State, there.Case + " answer"},
				[]any{back.First, back.Last, back.Truth, back.Direction, back.State, back.CaseAndHalf()})
			for _, f := range records {
				require.Empty(t, f.BytesIn+f.PacketsIn)
				require.Positive(t, number(t, f.PacketsOut))
				require.GreaterOrEqual(t, number(t, f.BytesOut), 40*number(t, f.PacketsOut), "a packet has headers")
			}
		}
		require.Greater(t, both, 1000)
	}
	require.Contains(t, logOf(t, "netflow").Columns, "src_port")
	require.NotContains(t, logOf(t, "netflow_noport").Columns, "src_port")
}

func number(t *testing.T, text string) int {
	t.Helper()
	n, err := strconv.Atoi(text)
	require.NoError(t, err)
	return n
}

// A record of VPC flow logs lies in one window; the records of a conversation are
// of one interface's windows, its two halves and nothing else.
func TestVPCWindows(t *testing.T) {
	for name, window := range map[string]int64{"vpc": 60, "vpc_10m": 600} {
		l := logOf(t, name)
		cell := func(f *Flow, column string) string { return l.Cells(f)[slices.Index(l.Columns, column)] }
		cut := 0
		for _, records := range l.byConversation() {
			first := records[0]
			ends := map[bool][4]string{}
			windows := map[int64]bool{}
			for _, f := range records {
				start, end := int64(number(t, cell(&f, "start"))), int64(number(t, cell(&f, "end")))
				require.Equal(t, []int64{f.First, f.Last}, []int64{start, end})
				require.Less(t, end-start, window)
				require.Equal(t, cell(&f, "start"), cell(&f, "_time"))
				require.Equal(t, map[string]string{"tcp": "6", "udp": "17"}[f.Transport], cell(&f, "protocol"))
				require.Equal(t, map[bool]string{true: "REJECT", false: "ACCEPT"}[f.State == "blocked"], cell(&f, "action"))
				require.Positive(t, number(t, cell(&f, "packets")))
				at := [4]string{cell(&f, "srcaddr"), cell(&f, "srcport"), cell(&f, "dstaddr"), cell(&f, "dstport")}
				require.Equal(t, at, cmp.Or(ends[f.Answer], at))
				ends[f.Answer] = at
				windows[start] = true
			}
			require.LessOrEqual(t, len(windows), mostWindows)
			if len(windows) > 1 {
				cut++
			}
			back, answered := ends[true]
			require.Equal(t, first.State == "established" || strings.HasSuffix(first.Case, "_reset"), answered, first.Case)
			if answered {
				require.Equal(t, ends[false], [4]string{back[2], back[3], back[0], back[1]})
			}
		}
		require.Greater(t, cut, 100, "conversations over several windows")
	}
}

// What windows have is what the conversation had.
func TestWindowsAddUp(t *testing.T) {
	s := newSite(1, "windows", week().network, cloud)
	for range 300 {
		f, _ := orConnection(s)
		packets := map[bool]int{}
		for _, r := range everyMinute(s, f) {
			packets[r.Answer] += number(t, r.PacketsOut)
		}
		require.Equal(t, map[bool]int{false: number(t, f.PacketsOut), true: number(t, f.PacketsIn)}, packets)
	}
}

// truths says, by the case's name without that of its log, who must be what in
// the generator's own network: the ends of a conversation in the order client,
// server.
var truths = map[string]func(n *network, f *Flow, client netip.Addr, server netip.AddrPort) bool{
	"or": toRelay, "or_ipv6": toRelay, "or_shared": toRelay, "or_native": toRelay, "or_dropped": toRelay, "or_blocked": toRelay,
	"or_denied": toRelay, "or_provider": toRelay, "or_behind_nat": toRelay, "or_port_in_url": toRelay, "scan_answered": toRelay,
	"exit": fromExit, "exit_high": fromExit, "exit_elsewhere": fromExit, "exit_unanswered": fromExit, "exit_blocked": fromExit,
	"exit_connect": fromExit, "exit_ClientIP": fromExit, "exit_ipAddress": fromExit, "exit_sourceIPAddress": fromExit,
	"exit_c_ip": fromExit, "exit_client.ip": fromExit,
	"exit_ipv6": func(_ *network, f *Flow, client netip.Addr, _ netip.AddrPort) bool {
		return f.relay.exit && client == f.relay.or6.Addr()
	},
	"web_on_exit": beside, "high_on_exit": beside, "web_on_relay": beside, "plain_on_relay": beside,
	"web": elsewhere, "web_by_address": elsewhere, "high_service": elsewhere, "visitor": elsewhere, "visitor_high": elsewhere,
	"bridge": elsewhere, "connect": elsewhere, "noise": elsewhere, "rule": elsewhere,
}

func toRelay(_ *network, f *Flow, _ netip.Addr, server netip.AddrPort) bool {
	return server == f.relay.or || server == f.relay.or6
}

func fromExit(_ *network, f *Flow, client netip.Addr, _ netip.AddrPort) bool {
	return f.relay.exit && slices.Contains(f.relay.leaves, client)
}

// beside is a server at a relay's address, where no relay ever listens.
func beside(n *network, f *Flow, _ netip.Addr, server netip.AddrPort) bool {
	return (server.Addr() == f.relay.or.Addr() || server.Addr() == f.relay.or6.Addr()) && len(n.spans[server]) == 0 && !n.dirs[server]
}

// elsewhere is what has to do with no relay's address.
func elsewhere(n *network, _ *Flow, client netip.Addr, server netip.AddrPort) bool {
	return !n.everHas(client) && (!server.IsValid() || !n.everHas(server.Addr()))
}

func (n *network) everHas(a netip.Addr) bool {
	return slices.ContainsFunc(n.ports, func(ap netip.AddrPort) bool { return ap.Addr() == a })
}

// ends reads client and server out of a row as it is written; proxies and
// translation are undone here by other code than what made them.
func (l *Log) ends(t *testing.T, f *Flow) (client netip.Addr, server netip.AddrPort) {
	t.Helper()
	cells := l.Cells(f)
	cell := func(names ...string) string {
		for _, name := range names {
			if i := slices.Index(l.Columns, name); i >= 0 && cells[i] != "" {
				return cells[i]
			}
		}
		return ""
	}
	names := [4]string{cell("src_ip", "src", "srcaddr", "ClientIP", "ipAddress", "sourceIPAddress", "c_ip", "client.ip"), cell("src_port", "srcport"),
		cell("dest_ip", "dest", "dstaddr"), cell("dest_port", "dstport")}
	if f.Answer {
		names = [4]string{names[2], names[3], names[0], names[1]}
	}
	client, err := netip.ParseAddr(names[0])
	if err != nil {
		ap, err := netip.ParseAddrPort(names[0])
		require.NoError(t, err, "%v", cells)
		client = ap.Addr()
	}
	host, to := names[2], names[3]
	if text := cell("url"); text != "" && f.Direction == out {
		if cell("http_method") == "CONNECT" {
			text = "//" + text
		}
		u, err := url.Parse(text)
		require.NoError(t, err)
		host, to = u.Hostname(), cmp.Or(u.Port(), "80")
	}
	a, err := netip.ParseAddr(host)
	if err != nil { // a name, or nothing: no address at all
		return client, netip.AddrPort{}
	}
	if translation := netip.MustParsePrefix("64:ff9b::/96"); translation.Contains(a) {
		b := a.As16()
		a = netip.AddrFrom4([4]byte(b[12:]))
	}
	p, _ := strconv.ParseUint(to, 10, 16)
	return client, netip.AddrPortFrom(a, uint16(p))
}

func TestTruthOfLogs(t *testing.T) {
	n := week().network
	checked := map[string]int{}
	for _, l := range logsOfWeek() {
		for _, f := range l.Flows {
			name := strings.TrimPrefix(f.Case, l.Name+"_")
			holds := truths[name]
			if holds == nil || f.Answer && l.Name == "netflow_noport" { // of which the server's port is not known
				continue
			}
			client, server := l.ends(t, &f)
			require.True(t, holds(n, &f, client, server), "%s: %v to %v: %v", f.CaseAndHalf(), client, server, l.Cells(&f))
			checked[name]++
		}
	}
	for name := range truths {
		require.GreaterOrEqual(t, checked[name], 20, name)
	}
}

// What a proxy's or a web server's log holds of a relay in its URL.
func TestURLs(t *testing.T) {
	l := logOf(t, "proxy")
	for _, f := range l.Flows {
		switch strings.TrimPrefix(f.Case, "proxy_") {
		case "or":
			require.Equal(t, "CONNECT", f.more["http_method"])
			require.Equal(t, f.relay.or.String(), f.more["url"])
			require.Equal(t, []string{"10.20.0.3", "3128"}, []string{f.Dest, f.DestPort})
		case "or_denied":
			require.Equal(t, "403", f.more["status"])
			require.NotEqual(t, webProxy.allowed, f.Action)
		case "connect", "exit_connect":
			to, err := netip.ParseAddrPort(strings.TrimSuffix(strings.TrimPrefix(f.more["url"], "http://"), "/"))
			require.NoError(t, err)
			require.NotEmpty(t, week().network.spans[to], "%s is an OR port", to)
			require.Contains(t, []string{"10.20.0.80", "2001:db8:20::80"}, f.Dest, "a web server of ours")
		case "address_in_path":
			u, err := url.Parse(f.more["url"])
			require.NoError(t, err)
			require.Contains(t, f.more["url"], f.relay.or.Addr().String())
			_, err = netip.ParseAddr(u.Hostname())
			require.Error(t, err, "the host is a name: %s", u)
		}
	}
}

// Sign-ins name the client in one column, sometimes with its port; an event that
// is no sign-in names an exit all the same.
func TestSignIns(t *testing.T) {
	l := logOf(t, "signin")
	forms := map[string]int{}
	for _, f := range l.Flows {
		var named []string
		for _, column := range clientColumns {
			if f.more[column] != "" {
				named = append(named, column)
			}
		}
		require.Len(t, named, 1, "%v", f.more)
		text := f.more[named[0]]
		switch name := strings.TrimPrefix(f.Case, "signin_"); {
		case name == "alert":
			require.Empty(t, f.more["user"])
			require.Equal(t, "ipAddress", named[0])
		case name == "rule":
			p := netip.MustParsePrefix(f.more["requestParameters.ipAddress"])
			require.Contains(t, f.relay.leaves, p.Addr())
		case name == "service":
			_, err := netip.ParseAddr(text)
			require.Error(t, err)
		default:
			require.NotEmpty(t, f.more["user"])
			require.Contains(t, []string{"success", "failure"}, f.Action)
			if column, ok := strings.CutPrefix(name, "exit_"); ok && slices.Contains(clientColumns, column) {
				require.Equal(t, column, named[0])
			}
			_, err := netip.ParseAddr(text)
			forms[fmt.Sprint("with port: ", err != nil, ", six: ", strings.Count(text, ":") > 1)]++
		}
	}
	require.Len(t, forms, 4, "with and without a port, IPv4 and IPv6: %v", forms)
}

// Where the lists of the time were read, the table knows what the logs tell of.
func TestLogsAgreeWithTheTable(t *testing.T) {
	parsed, err := table.Parse(string(week().Table()))
	require.NoError(t, err)
	checked := 0
	for _, l := range logsOfWeek() {
		for _, f := range l.Flows {
			at := flow.Interval{From: f.First, To: f.First}
			if f.Case != l.Name+"_or" || f.Answer || parsed.Coverage(at) != flow.CoverageFull || !week().network.readAt(f.relay.or, f.First) {
				continue
			}
			_, server := l.ends(t, &f)
			require.True(t, slices.ContainsFunc(parsed.Lookup(nil, server.Addr(), at), func(x table.Listing) bool {
				return x.Port == server.Port() && x.When == flow.Listed
			}), "%v", l.Cells(&f))
			checked++
		}
	}
	require.Greater(t, checked, 400)
}

// Addresses of logs are for documentation, private, or the former translated.
func TestLogsNameNobody(t *testing.T) {
	var ours []netip.Prefix
	for _, p := range []string{"192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32", "10.0.0.0/8"} {
		ours = append(ours, netip.MustParsePrefix(p))
	}
	for _, l := range logsOfWeek() {
		for _, f := range l.Flows {
			if strings.HasSuffix(f.Case, "_service") && l.Name == "signin" {
				continue // it has no address
			}
			client, server := l.ends(t, &f)
			for _, a := range []netip.Addr{client, server.Addr()} {
				require.True(t, !a.IsValid() || slices.ContainsFunc(ours, func(p netip.Prefix) bool { return p.Contains(a) }), "%s is not for documentation: %v", a, l.Cells(&f))
			}
		}
	}
}
