package tordetect

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"tordetect/src/event"
)

// Raw events as their sources write them, at 10 h of the test network's day; the
// addresses are those of its guard.
const (
	panLine      = `1,2026/11/20 10:00:00,012345678901,TRAFFIC,end,2561,2026/11/20 10:00:00,10.0.0.5,198.51.100.1,192.0.2.10,198.51.100.1,Outbound_Allow,,,tor,vsys1,Trust,Untrust,ethernet1/2,ethernet1/1,fwd_splunk,2026/11/20 10:00:00,14740,1,50624,9001,11024,9001,0x400053,tcp,allow,7419,6609,810,25,2026/11/20 09:58:55,65,any,0,376156893,0x0,10.0.0.0-10.255.255.255,Germany,0,14,11,tcp-fin,0,0,0,0,,PA-220,from-policy,,,0,,0,,N/A`
	suricataFlow = `{"timestamp":"2026-11-20T10:00:00.123456+0000","flow_id":1,"event_type":"flow","src_ip":"10.0.0.5","src_port":40000,"dest_ip":"198.51.100.1","dest_port":9001,"proto":"TCP","app_proto":"tls","flow":{"pkts_toserver":9,"pkts_toclient":9,"bytes_toserver":700,"bytes_toclient":4000,"start":"2026-11-20T09:59:00.000000+0000","end":"2026-11-20T10:00:00.000000+0000","age":60,"state":"closed"},"tcp":{"tcp_flags":"1b"}}`
	fortiLine    = `date=2026-11-20 time=10:00:00 devname="fw1" devid="FG100" eventtime=1795168800123456789 tz="+0000" logid="0000000013" type="traffic" subtype="forward" level="notice" vd="root" srcip=10.0.0.5 srcport=50624 srcintf="lan" dstip=198.51.100.1 dstport=9001 dstintf="wan1" sessionid=4711 proto=6 action="close" policyid=1 policyname="to the net" trandisp="snat" transip=192.0.2.10 transport=50624 service="tcp/9001" app="Tor" duration=65 sentbyte=3000 rcvdbyte=4000 sentpkt=14 rcvdpkt=16`
	zeekConn     = "1795168800.123456\tCabc123\t10.0.0.5\t40000\t198.51.100.1\t9001\ttcp\tssl\t60.5\t700\t4000\tSF\tT\tF\t0\tShADadFf\t9\t1200\t9\t4500\t-"
	zeekJSON     = `{"ts":1795168800.123456,"uid":"Cabc123","id.orig_h":"10.0.0.5","id.orig_p":40000,"id.resp_h":"198.51.100.1","id.resp_p":9001,"proto":"tcp","duration":60.5,"orig_bytes":700,"resp_bytes":4000,"conn_state":"SF","orig_pkts":9,"resp_pkts":9}`
)

// Rows that have nothing but _raw, with the time that Splunk gives them.
func TestRawEvents(t *testing.T) {
	withTime := func(time, raw string) map[string]string {
		return run{table: network(), chunks: []string{"_time,_raw,host\n" + time + `,"` + strings.ReplaceAll(raw, `"`, `""`) + "\",fw1\n"}}.do(t).one()
	}
	f := func(raw, want string) {
		t.Helper()
		row := withTime(epoch(10), raw)
		require.Equal(t, want, judged(row), "%s\n%s", raw, row["tor_reason"])
	}
	pan := func(old, new string) string {
		require.Contains(t, panLine, old)
		return strings.Replace(panLine, old, new, 1)
	}
	// Palo Alto
	f(panLine, "99 established outbound or_port+app_label full")
	f("<14>Nov 20 10:00:00 fw1 "+panLine, "99 established outbound or_port+app_label full")
	f(pan(",tor,", ",ssl,"), "97 established outbound or_port full")
	f(pan(",allow,", ",reset-both,"), "75 blocked outbound or_port+app_label full")
	f(pan("Outbound_Allow", `"a rule, with ""commas"""`), "99 established outbound or_port+app_label full")
	f(pan("Outbound_Allow", `"a rule" and more`), "99 established outbound or_port+app_label full")
	f(pan(",6609,810,25,", ",74,0,1,"), "99 established outbound or_port+app_label full") // packets came back
	unanswered := strings.Replace(pan(",14,11,tcp-fin", ",1,0,aged-out"), ",6609,810,25,", ",74,0,1,", 1)
	f(unanswered, "75 attempt outbound or_port+app_label full")
	f(strings.Replace(unanswered, "TRAFFIC,end", "TRAFFIC,start", 1), "99 unknown outbound or_port+app_label full") // it has only begun
	f(pan(",tcp,", ",udp,"), "55 established outbound app_label+not_tcp full")
	f(panLine[:strings.Index(panLine, ",7419")], "99 unknown outbound or_port+app_label full") // cut
	f(pan("TRAFFIC,end", "SYSTEM,general"), "0 unknown   none")
	f(pan("TRAFFIC,end", "THREAT,virus"), "0 unknown   none")
	threat := strings.Replace(strings.Replace(pan("TRAFFIC,end", "THREAT,url"), ",7419,", `,"`+onion+`.to/page",`, 1), "198.51.100.1,192.0.2.10,198.51.100.1", "203.0.113.9,192.0.2.10,203.0.113.9", 1)
	f(threat, "73 unknown outbound app_label+onion_name full")

	// FortiGate
	forti := func(old, new string) string {
		require.Contains(t, fortiLine, old)
		return strings.Replace(fortiLine, old, new, 1)
	}
	f(fortiLine, "99 established outbound or_port+app_label full")
	f("<189>Nov 20 10:00:00 fw1 "+fortiLine, "99 established outbound or_port+app_label full")
	f(forti(`app="Tor"`, `app="SSL"`), "97 established outbound or_port full")
	f(forti(`"close"`, `"deny"`), "75 blocked outbound or_port+app_label full")
	f(forti("proto=6", "proto=17"), "55 established outbound app_label+not_tcp full")
	unanswered = strings.Replace(forti(`"close"`, `"timeout"`), "sentbyte=3000 rcvdbyte=4000 sentpkt=14 rcvdpkt=16", "sentbyte=180 rcvdbyte=0 sentpkt=3 rcvdpkt=0", 1)
	f(unanswered, "75 attempt outbound or_port+app_label full")
	f(strings.Replace(unanswered, `"timeout"`, `"start"`, 1), "99 unknown outbound or_port+app_label full") // it has only begun
	f(forti(`"traffic"`, `"utm"`), "99 established outbound or_port+app_label full")
	f(`{"message":"`+strings.ReplaceAll(fortiLine, `"`, `\"`)+`","host":{"name":"shipper"}}`, "99 established outbound or_port+app_label full")

	// Zeek
	f(zeekConn, "97 established outbound or_port full")
	f(strings.Replace(zeekConn, "SF", "S0", 1), "58 attempt outbound or_port full")
	f(strings.Replace(zeekConn, "SF", "OTH", 1), "97 established outbound or_port full")
	f("1795168800.123456\tCabc123\t10.0.0.5\t40000\t203.0.113.9\t443\tTLSv13\tTLS_AES_256_GCM_SHA384\tx25519\t"+torName+"\tF\t-\t-\tT", "15 unknown outbound sni_pattern full")
	f("1795168800.123456\tCabc123\t10.0.0.5\t40000\t10.0.0.53\t53\tudp\t4711\t-\t"+onion+"\t1\tC_INTERNET\t1\tA", "40 unknown outbound onion_name+not_tcp full")
	f("1795168800.123456\tCabc123\t10.0.0.5\t40000\t198.51.100.1\t9001", "97 unknown outbound or_port full")
	f("1795168800.123456\tCabc123\t10.0.0.5\t40000\t198.51.100.1", "0 unknown   none")
	f("1795168800\tCabc123\t10.0.0.5\t40000\t198.51.100.1\t9001", "0 unknown   none")
	f(zeekJSON, "97 established outbound or_port full")
	f(`{"ts":"2026-11-20T10:00:00Z","id":{"orig_h":"10.0.0.5","resp_h":"203.0.113.9","resp_p":443},"server_name":"`+torName+`","ja3":"`+torJA3+`"}`, "97 unknown outbound ja3_tor+sni_pattern full")

	// Suricata
	f(suricataFlow, "97 established outbound or_port full")
	f("<13>Nov 20 10:00:00 ids suricata[7]: "+suricataFlow, "97 established outbound or_port full")
	f(`{"src_ip":"10.0.0.5","dest_ip":"203.0.113.9","dest_port":443,"proto":"TCP","tls":{"subject":"CN=x","sni":"`+torName+`","ja3":{"hash":"`+torJA3+`","string":"771,1-2"},"ja4":"`+torJA4+`"}}`, "97 unknown outbound ja3_tor+ja4_tor+sni_pattern full")
	f(`{"src_ip":"10.0.0.5","dest_ip":"10.0.0.53","proto":"UDP","dns":{"version":3,"type":"request","queries":[{"rrname":"`+onion+`","rrtype":"A"},{"rrname":"x"}]}}`, "40 unknown outbound onion_name+not_tcp full")
	f(`{"src_ip":"10.0.0.5","dest_ip":"203.0.113.9","http":{"hostname":"`+onion+`.to","url":"\/x"}}`, "40 unknown outbound onion_name full")
	f(`{"src_ip":"10.0.0.5","dest_ip":"198.51.100.1","dest_port":9001,"alert":{"action":"blocked"}}`, "58 blocked outbound or_port full")

	// Other JSON, and what is none.
	f(` { "src" : "10.0.0.5" , "dest" : "198.51.100.1" , "dest_port" : "9001" } `, "97 unknown outbound or_port full")
	f(`{"list":[1,"x",{"dest":"192.0.2.1"},[2]],"dest":"198.51.100.1","dest_port":9001}`, "97 unknown outbound or_port full")
	f(`{"dest_ip":null,"dest":"198.51.100.1","dest_port":9001}`, "97 unknown outbound or_port full")
	f(`{"dest":"192.0.2.1","dest_ip":"198.51.100.1","dest_port":9001}`, "97 unknown outbound or_port full") // the better name
	f(`{"inner":{"dest":"198.51.100.1"},"dest_port":9001}`, "0 unknown   none")
	f(`{"dest":"198.51.100.1","dest_port":9001,"cut":"here`, "97 unknown outbound or_port full")
	f(`{"dest":"198.51.100.1\u0000"}`, "0 unknown   none")
	f(`{"dest":"203.0.113.9","query":"x\\u000a.onion"}`, "40 unknown outbound onion_name full") // escapes are undone
	f(`{"`+strings.Repeat("x", 200)+`":{"dest":"198.51.100.1"},"dest_port":9001}`, "0 unknown   none")
	f(`{"dest":}`, "0 unknown   none")
	f(`{dest:"198.51.100.1"}`, "0 unknown   none")
	f(`["198.51.100.1"]`, "0 unknown   none")
	f("Nov 20 10:00:00 host sshd[1]: from 198.51.100.200 port 9001", "0 unknown   none")
	f("", "0 unknown   none")
	f(strings.Repeat(" ", 100_000)+panLine, "99 established outbound or_port+app_label full")
	f(`{"pad":"`+strings.Repeat("x", 100_000)+`","dest":"198.51.100.1"}`, "35 unknown outbound relay_noport full")
	f(`{"pad":"`+strings.Repeat("x", event.MaxText)+`","dest":"198.51.100.1"}`, "0 unknown   none")
	f(strings.Repeat(`{"a":`, 100)+`1`, "0 unknown   none")

	// Times: _time, and how long the flow was.
	require.Equal(t, "97 established outbound or_port full", judged(withTime(epoch(13.99), strings.Replace(strings.Replace(zeekConn, "198.51.100.1\t9001", "198.51.100.3\t443", 1), "60.5", "60.9", 1))), "Zeek's duration reaches forward")
	require.Equal(t, "97 established outbound or_port full", judged(withTime(epoch(13.99), strings.Replace(strings.Replace(zeekJSON, `198.51.100.1","id.resp_p":9001`, `198.51.100.3","id.resp_p":443`, 1), "60.5", "60.9", 1))), "as JSON as well")
	require.Equal(t, "97 established outbound or_port stale", judged(withTime(epoch(20.01), strings.Replace(panLine, ",tor,", ",ssl,", 1))), "a firewall's reaches back")
	require.Equal(t, "97 established outbound or_port full", judged(withTime(epoch(21), suricataFlow)), "from its start to its end")
	require.Equal(t, "97 established outbound or_port full", judged(withTime("", zeekConn)), "the event's own time")
	require.Equal(t, "97 established outbound or_port full", judged(withTime("null", suricataFlow)))
	require.Equal(t, "99 established outbound or_port+app_label full", judged(withTime("", panLine)), "Palo Alto's have no zone and are taken for UTC")
	require.Equal(t, "99 established outbound or_port+app_label full", judged(withTime("", fortiLine)), "FortiGate's have one")
	require.Equal(t, "99 established outbound or_port+app_label stale", judged(withTime(epoch(20.01), fortiLine)), "and its duration reaches back")
	row := run{table: network(), earliest: epoch(9), latest: epoch(11), chunks: []string{"_raw\n\"" + panLine + "\"\n"}}.do(t).one()
	require.Equal(t, "99 established outbound or_port+app_label full", judged(row), "the search's window")
}

// _raw is looked at only where no column has an address, and not where the user
// named the columns of the addresses.
func TestRawIsTheLastResort(t *testing.T) {
	quoted := `"` + panLine + `"`
	one := func(args []string, body string) map[string]string {
		return run{args: args, table: network(), chunks: []string{body}}.do(t).one()
	}
	require.Equal(t, "0", one(nil, "_time,dest,_raw\n"+epoch(10)+",203.0.113.9,"+quoted+"\n")["tor_score"])
	require.Equal(t, "99", one(nil, "_time,dest,_raw\n"+epoch(10)+",fileserver,"+quoted+"\n")["tor_score"])
	require.Equal(t, "0", one([]string{"dest=dest"}, "_time,dest,_raw\n"+epoch(10)+",fileserver,"+quoted+"\n")["tor_score"])
	require.Equal(t, "99", one([]string{"labeled=true"}, "_time,_raw\n"+epoch(10)+","+quoted+"\n")["tor_score"])
	require.Equal(t, "97", one([]string{"labeled=true"}, "_time,_raw\n"+epoch(10)+","+strings.Replace(quoted, ",tor,", ",ssl,", 1)+"\n")["tor_score"])
	require.Equal(t, "99", one([]string{"labeled=true"}, "_time,_raw\n"+epoch(10)+","+strings.Replace(quoted, ",tor,", ",,", 1)+"\n")["tor_score"])
}

// Columns beside a raw event: what the user named counts in place of the event's
// own, other columns where the event says nothing.
func TestRawBesideColumns(t *testing.T) {
	const (
		name = "www.a3b4c5d6e7f2.com"
		ja4  = "t13d181100_796efca44d18_d41ae481755e"
		tls  = `"{""event_type"":""tls"",""src_ip"":""10.0.0.5"",""dest_ip"":""203.0.113.9"",""dest_port"":443,""proto"":""TCP"",""tls"":{""sni"":""` + name + `""}}"`
		flow = `"{""event_type"":""flow"",""src_ip"":""10.0.0.5"",""dest_ip"":""198.51.100.1"",""dest_port"":9001,""proto"":""TCP"",""flow"":{""action"":""drop""}}"`
		dtls = `"{""id.orig_h"":""10.0.0.5"",""id.resp_h"":""198.51.100.1"",""id.resp_p"":9001,""version"":""DTLSv12"",""server_name"":""` + name + `""}"`
	)
	for about, c := range map[string]struct {
		args         []string
		header, cell string
		want         string // score, state, evidence
	}{
		"a named fingerprint":               {[]string{"ja4=my_ja4"}, "_time,_raw,my_ja4", tls + "," + ja4, "90 unknown ja4_tor+sni_pattern"},
		"one by its usual name":             {nil, "_time,_raw,ja4", tls + "," + ja4, "90 unknown ja4_tor+sni_pattern"},
		"a named server name wins":          {[]string{"sni=my_sni"}, "_time,_raw,my_sni", tls + ",www.example.com", "0 unknown "},
		"one by its usual name does not":    {nil, "_time,_raw,sni", tls + ",www.example.com", "15 unknown sni_pattern"},
		"an empty named cell does not":      {[]string{"sni=my_sni"}, "_time,_raw,my_sni", tls + ",", "15 unknown sni_pattern"},
		"the firewall's action":             {nil, "_time,_raw,action", tls + ",blocked", "15 blocked sni_pattern"},
		"the action inside Suricata's flow": {nil, "_time,_raw", flow, "58 blocked or_port"},
		"blocked, whatever Zeek saw":        {nil, "_time,_raw,action", `"{""id.orig_h"":""10.0.0.5"",""id.resp_h"":""198.51.100.1"",""id.resp_p"":9001,""proto"":""tcp"",""conn_state"":""SF""}",blocked`, "58 blocked or_port"},
		"DTLS is not TCP":                   {nil, "_time,_raw", dtls, "0 unknown not_tcp"},
	} {
		t.Run(about, func(t *testing.T) {
			row := run{args: c.args, table: network(), chunks: []string{c.header + "\n" + epoch(10) + "," + c.cell + "\n"}}.do(t).one()
			require.Equal(t, c.want, row["tor_score"]+" "+row["tor_state"]+" "+strings.ReplaceAll(row["tor_evidence"], "\n", "+"), row["tor_reason"])
		})
	}
	row := run{table: network(), chunks: []string{"_time,id.orig_h,id.resp_h,id.resp_p,version\n" + epoch(10) + ",10.0.0.5,198.51.100.1,9001,DTLSv12\n"}}.do(t).one()
	require.Equal(t, "not_tcp", row["tor_evidence"], "in columns as well")
	row = run{table: network(), chunks: []string{"_time,id.orig_h,id.resp_h,id.resp_p,version\n" + epoch(10) + ",10.0.0.5,198.51.100.1,9001,TLSv13\n"}}.do(t).one()
	require.Equal(t, "or_port", row["tor_evidence"])
}
