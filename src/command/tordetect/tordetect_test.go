package tordetect

import (
	"bytes"
	"context"
	"encoding/csv"
	"fmt"
	"math"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tordetect/src/chunked"
	"tordetect/src/flow"
	"tordetect/src/judge"
	"tordetect/src/rows"
	"tordetect/tests/pace"
)

const flowHeader = "_time,src_ip,dest_ip,dest_port\n"

// guard is a row at 10 h from a private address to the guard's OR port.
func guardRow() string { return epoch(10) + ",10.0.0.5,198.51.100.1,9001\n" }

func TestFields(t *testing.T) {
	r := run{table: network(), chunks: []string{
		"_time,src_ip,dest_ip,dest_port,app,bytes_in\n" + epoch(10) + ",10.0.0.5,198.51.100.1,9001,tor,5000\n",
	}}.do(t)
	header, _, _ := strings.Cut(r.bodies[0], "\n")
	require.Equal(t, `_time,src_ip,dest_ip,dest_port,app,bytes_in,"tor_verdict","tor_score","tor_state","tor_direction","tor_role","tor_evidence","tor_reason","tor_relay","tor_nickname","tor_first_seen","tor_last_seen","tor_coverage","tor_list_time","tor_host","tor_peer","__mv_tor_evidence","__mv_tor_relay","__mv_tor_nickname"`, header)
	row := r.one()
	require.Equal(t, "tor", row["tor_verdict"])
	require.Equal(t, "99", row["tor_score"])
	require.Equal(t, "established", row["tor_state"])
	require.Equal(t, "outbound", row["tor_direction"])
	require.Equal(t, "guard", row["tor_role"])
	require.Equal(t, "or_port\napp_label", row["tor_evidence"])
	require.Equal(t, "$or_port$;$app_label$", row["__mv_tor_evidence"])
	require.Contains(t, row["tor_reason"], "10.0.0.5 connected to 198.51.100.1:9001")
	require.Equal(t, "0123456789ABCDEF0123456789ABCDEF01234561", row["tor_relay"])
	require.Empty(t, row["__mv_tor_relay"])
	require.Equal(t, "guard", row["tor_nickname"])
	require.Equal(t, epoch(8), row["tor_first_seen"])
	require.Equal(t, epoch(20), row["tor_last_seen"])
	require.Equal(t, "full", row["tor_coverage"])
	require.Equal(t, epoch(20), row["tor_list_time"])
	require.Equal(t, "10.0.0.5", row["tor_host"])
	require.Equal(t, "198.51.100.1:9001", row["tor_peer"])
	require.Empty(t, r.messages)
	require.Equal(t, `{"type":"streaming"}`, r.declared)
}

// Each line is a row of traffic and what must come out of it.
func TestRows(t *testing.T) {
	f := func(name, header, cells string, want ...string) {
		t.Helper()
		t.Run(name, func(t *testing.T) {
			row := run{table: network(), chunks: []string{header + "\n" + cells + "\n"}}.do(t).one()
			require.Equal(t, want, []string{row["tor_verdict"], row["tor_score"], row["tor_direction"], strings.ReplaceAll(row["tor_evidence"], "\n", "+"), row["tor_coverage"]}, row["tor_reason"])
		})
	}
	ten := epoch(10)
	f("OR port", "_time,src_ip,dest_ip,dest_port", ten+",10.0.0.5,198.51.100.1,9001", "tor", "97", "outbound", "or_port", "full")
	f("OR port, IPv6 has another", "_time,src_ip,dest_ip,dest_port", ten+",10.0.0.5,2001:db8::1,9443", "tor", "97", "outbound", "or_port", "full")
	f("the IPv4 port on the IPv6 address", "_time,src_ip,dest_ip,dest_port", ten+",10.0.0.5,2001:db8::1,9001", "none", "10", "outbound", "relay_address", "full")
	f("Dir port", "_time,src_ip,dest_ip,dest_port", ten+",10.0.0.5,198.51.100.1,9030", "likely", "60", "outbound", "dir_port", "full")
	f("another port", "_time,src_ip,dest_ip,dest_port", ten+",10.0.0.5,198.51.100.1,443", "none", "10", "outbound", "relay_address", "full")
	f("no port", "_time,src_ip,dest_ip,dest_port", ten+",10.0.0.5,198.51.100.1,0", "possible", "35", "outbound", "relay_noport", "full")
	f("no port column", "_time,src_ip,dest_ip", ten+",10.0.0.5,198.51.100.1", "possible", "35", "outbound", "relay_noport", "full")
	f("exit by the exit list", "_time,src_ip,dest_ip,dest_port", ten+",198.51.100.200,10.0.0.5,80", "tor", "95", "inbound", "exit_address", "full")
	f("exit that leaves from elsewhere", "_time,src_ip,dest_ip,dest_port", ten+",198.51.100.2,10.0.0.5,80", "none", "10", "inbound", "exit_or_address", "full")
	f("relay without exit", "_time,src_ip,dest_ip,dest_port", ten+",198.51.100.1,10.0.0.5,80", "none", "0", "", "relay_source", "full")
	f("not yet listed", "_time,src_ip,dest_ip,dest_port", ten+",10.0.0.5,198.51.100.3,443", "none", "0", "", "", "full")
	f("no relay", "_time,src_ip,dest_ip,dest_port", ten+",10.0.0.5,203.0.113.9,443", "none", "0", "", "", "full")
	f("no relay, labelled", "_time,src_ip,dest_ip,dest_port,app", ten+",10.0.0.5,203.0.113.9,443,tor", "likely", "55", "outbound", "app_label", "full")
	f("after the newest list", "_time,src_ip,dest_ip,dest_port", epoch(21)+",10.0.0.5,198.51.100.1,9001", "tor", "96", "outbound", "or_port_stale", "stale")
	f("after the newest list, no relay", "_time,src_ip,dest_ip,dest_port", epoch(21)+",10.0.0.5,203.0.113.9,9001", "unknown", "0", "", "", "stale")
	f("before the first list", "_time,src_ip,dest_ip,dest_port", epoch(7)+",10.0.0.5,198.51.100.1,9001", "tor", "96", "outbound", "or_port_stale", "before")
	f("UDP", "_time,src_ip,dest_ip,dest_port,transport", ten+",10.0.0.5,198.51.100.1,9001,udp", "none", "0", "", "not_tcp", "full")
	f("blocked", "_time,src_ip,dest_ip,dest_port,action", ten+",10.0.0.5,198.51.100.1,9001,blocked", "likely", "58", "outbound", "or_port", "full")
	f("blocked exit is an exit", "_time,src_ip,dest_ip,dest_port,action", ten+",198.51.100.200,10.0.0.5,80,deny", "tor", "95", "inbound", "exit_address", "full")
	f("unanswered", "_time,src_ip,dest_ip,dest_port,packets_in", ten+",10.0.0.5,198.51.100.1,9001,0", "likely", "58", "outbound", "or_port", "full")
	f("turned round", "_time,src_ip,src_port,dest_ip,dest_port", ten+",198.51.100.1,9001,10.0.0.5,50123", "tor", "97", "outbound", "or_port", "full")
	f("default bridge needs no list", "_time,src_ip,dest_ip,dest_port", epoch(7)+",10.0.0.5,51.222.13.177,80", "tor", "97", "outbound", "default_bridge", "before")
	f("authority needs no list", "_time,src_ip,dest_ip,dest_port", ten+",10.0.0.5,193.23.244.244,443", "tor", "90", "outbound", "authority", "full")

	// What a cell may look like.
	f("data model prefix", `"_time","All_Traffic.src_ip","All_Traffic.dest_ip","All_Traffic.dest_port"`, ten+",10.0.0.5,198.51.100.1,9001", "tor", "97", "outbound", "or_port", "full")
	f("any data model", `"_time","My_Model.src","My_Model.dest","My_Model.dest_port"`, ten+",10.0.0.5,198.51.100.1,9001", "tor", "97", "outbound", "or_port", "full")
	f("a nested JSON field is no data model", `"_time","tunnel.src_ip","tunnel.dest_ip","tunnel.dest_port"`, ten+",10.0.0.5,198.51.100.1,9001", "unknown", "0", "", "", "none")
	f("null falls through to the next name", "_time,src_ip,src,dest_ip,dest,dest_port", ten+",null,10.0.0.5,null,198.51.100.1,9001", "tor", "97", "outbound", "or_port", "full")
	f("host name falls through", "_time,src,dest_ip,dest,dest_port", ten+",pc7,pc8.example,198.51.100.1,9001", "tor", "97", "outbound", "or_port", "full")
	f("mapped IPv4", "_time,src_ip,dest_ip,dest_port", ten+`,10.0.0.5,"::ffff:198.51.100.1",9001`, "tor", "97", "outbound", "or_port", "full")
	f("brackets and upper case", "_time,src_ip,dest_ip,dest_port", ten+`,10.0.0.5,"[2001:DB8::1]",9443`, "tor", "97", "outbound", "or_port", "full")
	f("quoted cells with quotes in them", "_time,note,src_ip,dest_ip,dest_port", ten+`,"say ""hi"", `+"\n"+`ok","10.0.0.5","198.51.100.1","9001"`, "tor", "97", "outbound", "or_port", "full")
	f("one address, several ports", "_time,src_ip,dest_ip,dest_port,__mv_dest_port", ten+`,10.0.0.5,198.51.100.1,"80`+"\n"+`9001","$80$;$9001$"`, "tor", "97", "outbound", "or_port", "full")
	f("several addresses, one port", "_time,src_ip,dest_ip,dest_port,__mv_dest_ip", ten+`,10.0.0.5,"203.0.113.9`+"\n"+`198.51.100.1",9001,"$203.0.113.9$;$198.51.100.1$"`, "tor", "97", "outbound", "or_port", "full")
	f("two lists are no pairs", "_time,src_ip,dest_ip,dest_port,__mv_dest_ip,__mv_dest_port", ten+`,10.0.0.5,x,x,"$203.0.113.9$;$198.51.100.1$","$80$;$9001$"`, "possible", "35", "outbound", "unpaired", "full")
	f("a name among the addresses is a value too", "_time,src_ip,dest_ip,dest_port,__mv_dest_ip,__mv_dest_port", ten+`,10.0.0.5,x,x,"$fileserver$;$198.51.100.1$","$443$;$9001$"`, "possible", "35", "outbound", "unpaired", "full")
	f("null among the ports is a value too", "_time,src_ip,dest_ip,dest_port,__mv_dest_ip,__mv_dest_port", ten+`,10.0.0.5,x,x,"$203.0.113.1$;$198.51.100.1$","$9001$;$null$"`, "possible", "35", "outbound", "unpaired", "full")
	f("the same port twice is one", "_time,src_ip,dest_ip,dest_port,__mv_dest_ip,__mv_dest_port", ten+`,10.0.0.5,x,x,"$203.0.113.1$;$198.51.100.1$","$9001$;$9001$"`, "tor", "97", "outbound", "or_port", "full")
	f("a default bridge from two lists", "_time,src_ip,dest_ip,dest_port,__mv_dest_ip,__mv_dest_port", ten+`,10.0.0.5,x,x,"$203.0.113.1$;$51.222.13.177$","$80$;$443$"`, "possible", "35", "outbound", "unpaired", "full")
	f("a list that lost its column", "_time,src_ip,dest_ip,dest_port", ten+`,10.0.0.5,"203.0.113.9`+"\n"+`198.51.100.1",9001`, "tor", "97", "outbound", "or_port", "full")
	f("both ends private", "_time,src_ip,dest_ip,dest_port", ten+",10.0.0.5,10.0.0.6,443", "none", "0", "", "", "full")
	f("one end unreadable, the other private", "_time,src_ip,dest,dest_port", ten+",10.0.0.5,www.example.com,443", "unknown", "0", "", "", "none")
	f("one end unreadable, the other public", "_time,src,dest_ip,dest_port", ten+",pc7,203.0.113.9,443", "none", "0", "", "", "full")
	f("no column at all", "count", "7", "unknown", "0", "", "", "none")

	// Times.
	f("firstTime to lastTime", "firstTime,lastTime,_time,src_ip,dest_ip,dest_port", epoch(13)+","+epoch(15)+","+epoch(9)+",10.0.0.5,198.51.100.3,443", "tor", "97", "outbound", "or_port", "full")
	f("inside the interval", "firstTime,lastTime,src_ip,dest_ip,dest_port", epoch(7)+","+epoch(21)+",10.0.0.5,198.51.100.1,9001", "likely", "60", "outbound", "or_port_span", "before")
	f("an interval that ends in the list", "firstTime,lastTime,src_ip,dest_ip,dest_port", epoch(7)+","+epoch(9)+",10.0.0.5,198.51.100.1,9001", "tor", "97", "outbound", "or_port", "before")
	f("duration reaches back", "_time,duration,src_ip,dest_ip,dest_port", epoch(21)+",7200,10.0.0.5,198.51.100.1,9001", "tor", "97", "outbound", "or_port", "stale")
	f("_span reaches forward", `"_time","_span",src_ip,dest_ip,dest_port`, epoch(13.5)+",3600,10.0.0.5,198.51.100.3,443", "tor", "97", "outbound", "or_port", "full")
	f("ISO time", "_time,src_ip,dest_ip,dest_port", "2026-11-20T11:00:00.000+0100,10.0.0.5,198.51.100.1,9001", "tor", "97", "outbound", "or_port", "full")
	f("no time", "src_ip,dest_ip,dest_port", "10.0.0.5,198.51.100.1,9001", "unknown", "0", "", "", "none")
	f("no time, but an authority", "src_ip,dest_ip,dest_port", "10.0.0.5,193.23.244.244,443", "tor", "90", "outbound", "authority", "none")
}

func TestOptionsAtWork(t *testing.T) {
	label := func(app string) string {
		return run{args: []string{"labeled=true"}, table: network(), chunks: []string{"_time,dest_ip,dest_port,app\n" + epoch(10) + ",203.0.113.9,443," + app + "\n"}}.do(t).one()["tor_evidence"]
	}
	require.Equal(t, "app_label", label(""))
	require.Equal(t, "app_label", label("null"))
	require.Equal(t, "app_label", label("tor"))
	require.Equal(t, "tor2web_label", label("tor2web"))
	require.Empty(t, label("ssl"), "a cell that says otherwise overrules the option")

	t.Run("labeled without an app column", func(t *testing.T) {
		require.Equal(t, "55", run{args: []string{"labeled=t"}, table: network(), chunks: []string{"_time,dest_ip\n" + epoch(10) + ",203.0.113.9\n"}}.do(t).one()["tor_score"])
	})
	t.Run("min_score drops rows and keeps their order", func(t *testing.T) {
		rows := run{args: []string{"min_score=35"}, table: network(), chunks: []string{flowHeader +
			epoch(10) + ",10.0.0.1,198.51.100.1,0\n" + epoch(10) + ",10.0.0.2,203.0.113.9,80\n" + epoch(10) + ",10.0.0.3,198.51.100.1,9001\n" + epoch(10) + ",10.0.0.4,198.51.100.1,80\n"}}.do(t).rows()
		require.Len(t, rows, 2)
		require.Equal(t, "10.0.0.1", rows[0]["src_ip"])
		require.Equal(t, "10.0.0.3", rows[1]["src_ip"])
	})
	t.Run("internal", func(t *testing.T) {
		row := run{args: []string{"internal=10.0.0.0/8,198.51.100.0/25", "labeled=1"}, table: network(), chunks: []string{flowHeader + guardRow()}}.do(t).one()
		require.Equal(t, "relay", row["tor_direction"])
		require.Equal(t, "0", row["tor_score"])
		require.Equal(t, "hosted_relay\napp_label", row["tor_evidence"])
	})
	t.Run("local", func(t *testing.T) {
		require.Equal(t, `{"type":"stateful"}`, run{args: []string{"local=true"}}.do(t).declared)
	})
	t.Run("columns named by the user", func(t *testing.T) {
		row := run{args: []string{"dest=peer", "dest_port=pp", "time=when"}, table: network(), chunks: []string{
			"_time,when,dest_ip,dest_port,peer,pp\n" + epoch(10) + "," + epoch(21) + ",203.0.113.9,80,198.51.100.1,9001\n"}}.do(t).one()
		require.Equal(t, "or_port_stale", row["tor_evidence"])
	})
	t.Run("another table", func(t *testing.T) {
		r := run{args: []string{"relays=tor_relays_history.csv"}, history: network(), chunks: []string{flowHeader + guardRow()}}.do(t)
		require.Equal(t, "97", r.one()["tor_score"])
		require.Empty(t, r.messages)
	})
	t.Run("a bad option fails the search while it is parsed", func(t *testing.T) {
		r := run{args: []string{"scores=1"}}.do(t)
		require.Contains(t, r.failure, `unknown option "scores"`)
		require.Empty(t, r.bodies)
	})
}

// The search's own window stands in for the time of rows without one.
func TestWindow(t *testing.T) {
	row := func(earliest, latest string) map[string]string {
		return run{table: network(), earliest: earliest, latest: latest, chunks: []string{"dest_ip,dest_port\n198.51.100.1,9001\n"}}.do(t).one()
	}
	require.Equal(t, "or_port", row(epoch(9), epoch(10))["tor_evidence"])
	require.Equal(t, "or_port", row(epoch(9)+".000", epoch(10)+".500")["tor_evidence"])
	require.Equal(t, "or_port_span", row(epoch(7), epoch(7+7*24))["tor_evidence"])
	require.Equal(t, "none", row(epoch(7), epoch(8+7*24))["tor_coverage"], "more than 7 days say nothing")
	require.Equal(t, "none", row("0", "0")["tor_coverage"])
	require.Equal(t, "none", row("", epoch(10))["tor_coverage"])
}

func TestUnreadableTime(t *testing.T) {
	r := run{table: network(), earliest: epoch(9), latest: epoch(10), chunks: []string{
		"firstTime,lastTime,dest_ip,dest_port\n2026-11-20T10:00:00,2026-11-20T10:00:00,198.51.100.1,9001\n",
		"firstTime,lastTime,dest_ip,dest_port\n2026-11-20T10:00:00,2026-11-20T10:00:00,198.51.100.1,9001\n",
	}}.do(t)
	require.Len(t, r.rows(), 2)
	require.Equal(t, "none", r.rows()[0]["tor_coverage"])
	require.Len(t, r.messages, 1, "each message once in a run")
	require.Contains(t, r.messages[0], "WARN: The time of some rows has no zone or cannot be read")
}

// Text in a time column is never taken for "no time is given": the window of the
// search would stand in for it and hide the mistake.
func TestTextTimes(t *testing.T) {
	for _, text := range []string{"11/01/2020 11:06:40", "Wed Nov 18 11:06:40 2026", "11:06"} {
		r := run{table: network(), earliest: epoch(9), latest: epoch(10), chunks: []string{"firstTime,lastTime,dest_ip,dest_port\n" + text + "," + text + ",198.51.100.1,9001\n"}}.do(t)
		require.Equal(t, "none", r.one()["tor_coverage"], text)
		require.Len(t, r.messages, 1, text)
	}
	r := run{table: network(), earliest: epoch(9), latest: epoch(10), chunks: []string{"firstTime,_time,dest_ip,dest_port\nnull,,198.51.100.1,9001\n"}}.do(t)
	require.Equal(t, "full", r.one()["tor_coverage"], "no value is no mistake")
	require.Empty(t, r.messages)
}

// tordetect after tordetect changes nothing, whether its fields come back with
// their __mv_ columns, as splunkd sends them, or without.
func TestTwice(t *testing.T) {
	body := flowHeader + guardRow() + epoch(10) + ",198.51.100.200,10.0.0.5,80\n" + epoch(10) + ",10.0.0.5,203.0.113.9,80\n"
	once := run{args: []string{"labeled=1"}, table: network(), chunks: []string{body}}.do(t)
	twice := run{args: []string{"labeled=1"}, table: network(), chunks: []string{once.bodies[0]}}.do(t)
	require.Equal(t, once.bodies[0], twice.bodies[0])

	// A finding that is no longer one takes the stale list with it.
	other := run{table: network(), chunks: []string{strings.ReplaceAll(once.bodies[0], "198.51.100.1,9001", "203.0.113.1,9001")}}.do(t)
	require.Empty(t, other.rows()[0]["tor_evidence"])
	require.Empty(t, other.rows()[0]["__mv_tor_evidence"])
}

func TestChunks(t *testing.T) {
	r := run{table: network(), chunks: []string{
		flowHeader + guardRow(),
		flowHeader,
		"dest_port,dest_ip,_time\n9001,198.51.100.1," + epoch(10) + "\n", // other columns
		"",
		flowHeader,
	}}.do(t)
	require.Len(t, r.bodies, 5)
	rows := r.rows()
	require.Len(t, rows, 2)
	require.Equal(t, "or_port", rows[1]["tor_evidence"])
	require.Empty(t, r.bodies[3])
	require.Contains(t, r.bodies[4], `"tor_verdict"`, "a chunk without rows still has its header")
}

func TestBrokenRows(t *testing.T) {
	for _, c := range []struct{ body, want string }{
		{"a,b\n1,2\n3\n", "row 2"},
		{"a,b\n1,2\n3\n", "found 1, want 2"},
		{"a,b\n1,\"2\n", "never closed"},
		{"a,\"b\n", "header row"},
	} {
		r := run{chunks: []string{c.body}}.do(t)
		require.Contains(t, r.failure, c.want)
		require.Contains(t, r.failure, "read the rows of a chunk")
		require.Empty(t, strings.Join(r.bodies, ""), "nothing half sent")
	}
}

// What splunkd may send and nobody looks at passes through byte for byte.
func TestOddCells(t *testing.T) {
	huge := strings.Repeat("x", 1<<20)
	columns := make([]string, 5000)
	for i := range columns {
		columns[i] = fmt.Sprintf("c%d", i)
	}
	for name, body := range map[string]string{
		"a cell of 1 MB": "_raw\n\"" + huge + "\"\n",
		"5,000 columns":  strings.Join(columns, ",") + "\n" + strings.Repeat(",", 4999) + "\n",
		"invalid UTF-8":  "_raw\n\"a\xff\xfe b\"\n",
		"NUL":            "_raw\n\"a\x00b\"\n",
		"CR in quotes":   "_raw\n\"a\r\nb\"\n",
		"an empty line":  "_raw\n\n\n",
		"60,000 rows":    "n\n" + strings.Repeat("1\n", 60000),
	} {
		t.Run(name, func(t *testing.T) {
			r := run{table: network(), chunks: []string{body}}.do(t)
			require.Empty(t, r.failure)
			in := strings.Split(strings.TrimSuffix(body, "\n"), "\n")
			out := strings.Split(strings.TrimSuffix(r.bodies[0], "\n"), "\n")
			require.Len(t, out, len(in))
			for i := range in {
				require.True(t, strings.HasPrefix(out[i], in[i]), "line %d", i)
			}
		})
	}
}

func TestMessages(t *testing.T) {
	one := flowHeader + guardRow()
	t.Run("missing", func(t *testing.T) {
		r := run{chunks: []string{one, one}}.do(t)
		require.Len(t, r.messages, 1)
		require.Contains(t, r.messages[0], "WARN: The relay list tor_relays.csv is missing")
		require.Equal(t, "unknown", r.rows()[0]["tor_verdict"])
		require.Equal(t, "none", r.rows()[0]["tor_coverage"])
		require.Empty(t, r.rows()[0]["tor_reason"], "said once, and not in each row")
		require.Empty(t, r.rows()[0]["tor_list_time"])
	})
	t.Run("cut", func(t *testing.T) {
		r := run{table: cut(network()), chunks: []string{one}}.do(t)
		require.Len(t, r.messages, 1)
		require.Contains(t, r.messages[0], "was cut")
		require.Equal(t, "or_port", r.one()["tor_evidence"], "its rows count")
		require.Equal(t, "none", r.one()["tor_coverage"], "its coverage does not")
	})
	t.Run("not a table", func(t *testing.T) {
		r := run{table: "a,b\n1,2\n", chunks: []string{one}}.do(t)
		require.Contains(t, r.messages[0], `WARN: The relay list tor_relays.csv cannot be read: not a relay table: its header has no column "ip"`)
		require.Equal(t, "unknown", r.one()["tor_verdict"])
	})
	t.Run("unreadable rows", func(t *testing.T) {
		r := run{table: table(",,coverage,,,,8,20", "x,1,or,,,,8,20", "198.51.100.1,9001,or,,,,8,20"), chunks: []string{one}}.do(t)
		require.Equal(t, []string{"WARN: The relay list tor_relays.csv has unreadable rows, 1 of 3; they were skipped. Run the search Update the Tor relay list."}, r.messages)
		require.Equal(t, "97", r.one()["tor_score"])
	})
	t.Run("stale for rows seen", func(t *testing.T) {
		r := run{table: network(), chunks: []string{flowHeader + epoch(21) + ",10.0.0.5,203.0.113.9,80\n"}}.do(t)
		require.Len(t, r.messages, 1)
		require.Contains(t, r.messages[0], "WARN: The relay list tor_relays.csv ends at 2026-11-20T20:00:00Z and some rows are newer")
	})
	t.Run("a column that no chunk had", func(t *testing.T) {
		named := run{args: []string{"src=quelle", "dest=dest_ip"}, table: network(), chunks: []string{one, one}}
		require.Empty(t, run{args: named.args, table: network(), chunks: []string{flowHeader}}.do(t).messages, "a search without a row says nothing of columns")
		require.Equal(t, []string{"WARN: No row had the column quelle that was named in the options of tordetect."}, named.do(t).messages)
		named.sid = "remote_sh1_1600000000.1"
		require.Empty(t, named.do(t).messages, "an indexer sees a part of the rows only")
		named.sid, named.chunks = "", []string{one, "quelle,dest_ip\n1,2\n"}
		require.Empty(t, named.do(t).messages)
	})
}

func TestRequireList(t *testing.T) {
	args := []string{"require_list=true"}
	body := []string{flowHeader + guardRow()}
	require.Contains(t, run{args: args, chunks: body}.do(t).failure, "the relay list tor_relays.csv is missing")
	require.Contains(t, run{args: args, table: "a\n", chunks: body}.do(t).failure, "cannot be read: not a relay table")
	require.Contains(t, run{args: args, table: network()[:200], chunks: body}.do(t).failure, "was cut")
	require.Contains(t, run{args: args, table: table(",,coverage,,,,8,20"), chunks: body}.do(t).failure, "holds no relay")
	damaged := table(",,coverage,,,,8,20", "198.51.100.1,9001,or,,1.2E+39,,8,20", "198.51.100.2,9001,or,,1.2E+39,,8,20", "198.51.100.3,9001,or,,1.2E+39,,8,20")
	require.Contains(t, run{args: args, table: damaged, chunks: body}.do(t).failure, "was cut or damaged")
	require.Equal(t, "unknown", run{table: damaged, chunks: body}.do(t).one()["tor_verdict"])
	require.Contains(t, run{args: args, table: network(), now: at(-4.01), chunks: body}.do(t).failure, "holds until 2026-11-20T20:00:00Z, which is more than a day ahead of this machine's clock")
	require.Empty(t, run{args: args, table: network(), now: at(-3.99), chunks: body}.do(t).failure, "a clock may be wrong")
	require.Contains(t, run{args: args, table: network(), now: at(44.01), chunks: []string{flowHeader}}.do(t).failure,
		"the relay list tor_relays.csv ended at 2026-11-20T20:00:00Z, more than 24 hours before 2026-11-21T20:00:36Z", "also without a row: green must not mean blind")
	require.Empty(t, run{args: args, table: network(), now: at(44), chunks: body}.do(t).failure)
	require.Empty(t, run{args: args, table: network(), now: at(999), earliest: epoch(9), latest: epoch(10), chunks: body}.do(t).failure,
		"a search over old traffic asks for the list of that time")
	require.Empty(t, run{args: args, table: "", chunks: nil}.do(t).failure, "a probe looks at nothing")
}

// The table is opened by the first row, and the history by the first row that
// is older than the table.
func TestLazyTables(t *testing.T) {
	r := run{table: network(), chunks: nil}.do(t)
	require.False(t, r.search.network.Opened(), "getinfo")
	r = run{table: network(), chunks: []string{flowHeader, flowHeader}}.do(t)
	require.False(t, r.search.network.Opened(), "chunks without rows")

	history := table(",,coverage,,,,-100,8", "198.51.100.9,9001,or,,0123456789ABCDEF0123456789ABCDEF01234569,gone,-100,-50")
	old := epoch(-60) + ",10.0.0.5,198.51.100.9,9001\n"
	r = run{table: network(), history: history, chunks: []string{flowHeader + guardRow(), flowHeader + old + guardRow()}}.do(t)
	require.Empty(t, r.messages)
	rows := r.rows()
	require.Equal(t, []string{"or_port", "or_port", "or_port"}, []string{rows[0]["tor_evidence"], rows[1]["tor_evidence"], rows[2]["tor_evidence"]})
	require.Equal(t, "full", rows[1]["tor_coverage"])

	r = run{table: network(), history: history, chunks: []string{flowHeader + guardRow()}}.do(t)
	require.False(t, r.search.network.HasHistory())
	r = run{table: network(), chunks: []string{flowHeader + old}}.do(t)
	require.Empty(t, r.messages, "a site need not keep a history")
	require.Equal(t, "before", r.one()["tor_coverage"])
	r = run{table: network(), history: "junk\n", chunks: []string{flowHeader + old}}.do(t)
	require.Len(t, r.messages, 1)
	require.Contains(t, r.messages[0], "The relay history tor_relays_history.csv cannot be read")
	r = run{table: network(), history: cut(history), chunks: []string{flowHeader + old}}.do(t)
	require.Len(t, r.messages, 1)
	require.Contains(t, r.messages[0], "The relay history tor_relays_history.csv cannot be read: it was cut")
}

// manyRows is a chunk of rows, one in ten of them to a relay.
func manyRows(n int) string {
	var b strings.Builder
	b.WriteString("_time,src_ip,src_port,dest_ip,dest_port,transport,app,action,bytes_in,bytes_out,__mv_dest_ip\n")
	for i := range n {
		dest, port := fmt.Sprintf("203.0.113.%d", i%250), 443
		switch i % 30 {
		case 0:
			dest, port = "198.51.100.1", 9001
		case 10:
			dest = "www.example.com"
		case 20:
			dest, port = "198.51.100.3", 443
		}
		fmt.Fprintf(&b, "%s,\"10.0.0.%d\",%d,\"%s\",%d,tcp,ssl,allowed,5000,700,\n", epoch(10), i%200, 40000+i%9999, dest, port)
	}
	return b.String()
}

func TestRowsDoNotAllocate(t *testing.T) {
	folder := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(folder, "tor_relays.csv"), []byte(network()), 0o600))
	per := func(rows int) float64 {
		search := New(folder, time.Now)
		_, err := search.Getinfo(&chunked.Info{})
		require.NoError(t, err)
		chunk, in := &chunked.Chunk{}, []byte(manyRows(rows))
		chunk.Grow(rows * 1000)
		// The counter is the whole process's, in which the runtime allocates
		// too, now and then: the least of some counts is the command's own.
		least := math.Inf(1)
		for range 5 {
			least = min(least, testing.AllocsPerRun(2, func() {
				chunk.Reply = chunk.Reply[:0]
				if err := search.Execute(context.Background(), chunk, bytes.NewReader(in)); err != nil {
					t.Fatal(err)
				}
			}))
		}
		return least
	}
	require.Equal(t, per(30), per(3000), "allocations must not grow with the rows of a chunk")
}

func BenchmarkExecute(b *testing.B) {
	folder := b.TempDir()
	require.NoError(b, os.WriteFile(filepath.Join(folder, "tor_relays.csv"), []byte(network()), 0o600))
	search := New(folder, time.Now)
	_, err := search.Getinfo(&chunked.Info{})
	require.NoError(b, err)
	body := []byte(manyRows(10000))
	chunk := &chunked.Chunk{}
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		chunk.Reply = chunk.Reply[:0]
		if err := search.Execute(context.Background(), chunk, bytes.NewReader(body)); err != nil {
			b.Fatal(err)
		}
	}
}

// With arbitrary bodies the command either fails with a reason or gives back
// every row with its own cells first.
func FuzzExecute(f *testing.F) {
	f.Add(flowHeader + "1795168800,10.0.0.5,198.51.100.1,9001\n")
	f.Add("dest_ip,__mv_dest_ip,dest_port,__mv_dest_port\n\"1\n2\",\"$1$;$198.51.100.1$\",\"9001\n1\",\"$9001$;$1$\"\n")
	f.Add("tor_evidence,tor_evidence,__mv_tor_evidence\na,b,c\n")
	f.Add("firstTime,lastTime,_span,duration\n1,2,99999999999,99999999999\n")
	folder := f.TempDir()
	require.NoError(f, os.WriteFile(filepath.Join(folder, "tor_relays.csv"), []byte(network()), 0o600))
	f.Fuzz(func(t *testing.T, body string) {
		pace.Hold(t, []byte(body), func(body []byte) {
			search := New(folder, time.Now)
			_, err := search.Getinfo(&chunked.Info{})
			require.NoError(t, err)
			_ = search.Execute(context.Background(), &chunked.Chunk{Finished: true}, bytes.NewReader(body))
		})
		search := New(folder, time.Now)
		_, err := search.Getinfo(&chunked.Info{})
		require.NoError(t, err)
		chunk := &chunked.Chunk{Finished: true}
		if search.Execute(context.Background(), chunk, strings.NewReader(body)) != nil {
			return
		}
		in := 0 // rows with the header; encoding/csv would pass over empty lines
		var scanner rows.Scanner
		require.NoError(t, scanner.Reset([]byte(body)))
		if len(scanner.Names()) > 0 {
			in++
		}
		for scanner.Next() {
			in++
		}
		out, err := csv.NewReader(strings.NewReader(string(chunk.Reply))).ReadAll()
		require.NoError(t, err)
		require.Len(t, out, in)
	})
}

// splunkd's own bytes: every cell of the recorded chunk comes back as it was.
func TestRecordedChunk(t *testing.T) {
	body := recordedBody(t)
	r := run{table: network(), chunks: []string{body}}.do(t)
	require.Empty(t, r.failure)
	in, err := csv.NewReader(strings.NewReader(body)).ReadAll()
	require.NoError(t, err)
	out, err := csv.NewReader(strings.NewReader(r.bodies[0])).ReadAll()
	require.NoError(t, err)
	require.Len(t, in, 501)
	require.Len(t, out, len(in))
	for i := range in {
		require.Equal(t, in[i], out[i][:len(in[i])], "row %d", i)
	}
}

// The short way of quiet rows gives what the judge gives.
func TestQuietRowsAsJudged(t *testing.T) {
	search := New(t.TempDir(), time.Now)
	_, err := search.Getinfo(&chunked.Info{})
	require.NoError(t, err)
	require.NoError(t, search.Execute(context.Background(), &chunked.Chunk{}, strings.NewReader(flowHeader)))
	seen := 0
	for coverage := flow.CoverageFull; coverage <= flow.CoverageNone; coverage++ {
		for state := flow.StateUnknown; state <= flow.Blocked; state++ {
			for _, transport := range []flow.Transport{flow.TransportUnknown, flow.TCP, flow.NotTCP} {
				for _, undated := range []bool{false, true} {
					for _, newest := range []int64{0, 1795176000} {
						f := &flow.Flow{
							Transport: transport, State: state, Coverage: coverage, Undated: undated, NewestList: newest, OldestList: newest / 2,
							Source: flow.End{Addr: netip.MustParseAddr("10.0.0.1")}, Label: flow.Label(seen % 2),
						}
						require.True(t, judge.IsQuiet(f))
						finding := search.judge.Finding(f)
						require.Zero(t, finding.Score, "quiet rows are dropped unseen by min_score")
						want := string(search.output.AppendTail(nil, search.cells.render(f, finding)))
						f.Source, f.Destination = flow.End{}, flow.End{Port: 443}
						for range 2 {
							require.Equal(t, want, string(search.quiet(judge.QuietOf(f)).tail))
							require.Equal(t, want, string(search.output.AppendTail(nil, search.quiet(judge.QuietOf(f)).cells)))
						}
						seen++
					}
				}
			}
		}
	}
	require.Equal(t, 240, seen)
}
