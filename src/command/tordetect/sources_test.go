package tordetect

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tordetect/src/chunked"
	"tordetect/src/flow"
	"tordetect/src/judge"
)

const (
	torJA4 = "t13d181100_796efca44d18_d41ae481755e"
	// what torJA4 is made of
	torJA4Raw = "t13d181100_002f,0035,009c,009d,00ff,1301,1302,1303,c009,c00a,c013,c014,c02b,c02c,c02f,c030,cca8,cca9_" +
		"000a,000b,000d,0015,0016,0017,0023,002b,002d,0033_0403,0503,0603,0807,0808,0809,080a,080b,0804,0805,0806,0401,0501,0601,0303,0301,0302,0402,0502,0602"
	torJA3  = "5e6627dc19afa982e6b46b97808cb718"
	artiJA4 = "t13d100900_61a7ad8aa9b6_76ad8fd2bde2"
	torName = "www.cdxjgg3hvpu33.com"
	onion   = "abcdefghij234567.onion"
)

// judged is what the tests look at of a row: score, state, direction, evidence,
// coverage.
func judged(row map[string]string) string {
	return strings.Join([]string{row["tor_score"], row["tor_state"], row["tor_direction"], strings.ReplaceAll(row["tor_evidence"], "\n", "+"), row["tor_coverage"]}, " ")
}

// Rows as the sources write them, or as the data models name their columns, are
// read without an option.
func TestSources(t *testing.T) {
	f := func(name, header, cells, want string) {
		t.Helper()
		t.Run(name, func(t *testing.T) {
			require.Equal(t, strings.Count(header, ","), strings.Count(cells, ","))
			row := run{table: network(), chunks: []string{header + "\n" + cells + "\n"}}.do(t).one()
			require.Equal(t, want, judged(row), row["tor_reason"])
		})
	}
	ten := epoch(10)
	// Data models.
	f("Network_Traffic", "_time,All_Traffic.src,All_Traffic.dest_ip,All_Traffic.dest_port,All_Traffic.transport,All_Traffic.bytes_in,All_Traffic.app,All_Traffic.action",
		ten+",10.0.0.5,198.51.100.1,9001,tcp,500,ssl,allowed", "97 established outbound or_port full")
	f("Web", "_time,Web.src,Web.dest,Web.url,Web.action", ten+",10.0.0.5,proxy.example.com,http://"+onion+"/x,blocked", "40 blocked outbound onion_name none")
	f("Web, the host apart", "_time,Web.src,Web.url,Web.url_domain", ten+",10.0.0.5,unknown,"+onion+".to", "40 unknown outbound onion_name none")
	f("Network_Resolution", "_time,DNS.src,DNS.dest,DNS.dest_port,DNS.transport,DNS.query", ten+",10.0.0.5,10.0.0.53,53,udp,"+onion, "40 unknown outbound onion_name+not_tcp full")
	f("Authentication", "_time,Authentication.src,Authentication.dest,Authentication.user,Authentication.app,Authentication.action",
		ten+",198.51.100.200,vpn.example.com,alice,sshd,success", "95 unknown inbound exit_address full")

	// Zeek: the flow begins at its time.
	conn := "_time,ts,uid,id.orig_h,id.orig_p,id.resp_h,id.resp_p,proto,duration,orig_bytes,resp_bytes,conn_state,orig_pkts,resp_pkts"
	f("Zeek conn", conn, ten+","+ten+".5,C1,10.0.0.5,40000,198.51.100.1,9001,tcp,60.5,700,4000,SF,9,9", "97 established outbound or_port full")
	f("Zeek conn, underscores", strings.ReplaceAll(conn, "id.", "id_"), ten+","+ten+".5,C1,10.0.0.5,40000,198.51.100.1,9001,tcp,-,700,4000,SF,9,9", "97 established outbound or_port full")
	f("Zeek conn, no answer", conn, ten+","+ten+",C1,10.0.0.5,40000,198.51.100.1,9001,tcp,-,-,-,S0,1,0", "58 attempt outbound or_port full")
	f("Zeek conn, refused", conn, ten+","+ten+",C1,10.0.0.5,40000,198.51.100.1,9001,tcp,0.1,0,0,REJ,1,1", "58 attempt outbound or_port full")
	f("Zeek conn, half seen: the counts tell", conn, ten+","+ten+",C1,10.0.0.5,40000,198.51.100.1,9001,tcp,0.1,0,0,OTH,1,1", "97 established outbound or_port full")
	f("Zeek conn, duration reaches forward", conn, epoch(13.5)+",-,C1,10.0.0.5,40000,198.51.100.3,443,tcp,3600,1,1,SF,9,9", "97 established outbound or_port full")
	f("Zeek conn, not back", conn, epoch(20.5)+",-,C1,10.0.0.5,40000,198.51.100.1,9001,tcp,7200,1,1,SF,9,9", "96 established outbound or_port_stale stale")
	f("the same row of a firewall reaches back", "_time,src,dest,dest_port,duration", epoch(20.5)+",10.0.0.5,198.51.100.1,9001,7200", "97 unknown outbound or_port stale")
	f("a firewall's row beside Zeek's columns", "_time,src,dest,dest_port,duration,id.orig_h,conn_state", epoch(20.5)+",10.0.0.5,198.51.100.1,9001,7200,,", "97 unknown outbound or_port stale")
	f("Zeek's own time where there is no _time", "ts,id.orig_h,id.resp_h,id.resp_p", ten+".123456,10.0.0.5,198.51.100.1,9001", "97 unknown outbound or_port full")
	f("a time in the event that cannot be read is none", "timestamp,src,dest,dest_port", "2026-11-20 10:00:00,10.0.0.5,198.51.100.1,9001", "0 unknown   none")
	f("Zeek ssl", "_time,id.orig_h,id.resp_h,id.resp_p,version,server_name,ja3", ten+",10.0.0.5,203.0.113.9,443,TLSv13,"+torName+","+torJA3, "97 unknown outbound ja3_tor+sni_pattern full")
	f("Zeek ssl that ran in QUIC, by its JA4", "_time,id.orig_h,id.resp_h,id.resp_p,version,ja4", ten+",10.0.0.5,198.51.100.1,9001,TLSv13,q13d0312h3_55b375c5d22e_c183556c78e2", "0 unknown  not_tcp full")
	f("Zeek quic, which names no transport", "_time,id.orig_h,id.resp_h,id.resp_p,version,client_initial_dcid", ten+",10.0.0.5,198.51.100.1,9001,1,5a0c1e77b4d2983f", "0 unknown  not_tcp full")
	f("no id of QUIC", "_time,id.orig_h,id.resp_h,id.resp_p,client_initial_dcid", ten+",10.0.0.5,198.51.100.1,9001,-", "97 unknown outbound or_port full")
	f("Zeek dns", "_time,id.orig_h,id.resp_h,id.resp_p,proto,query", ten+",10.0.0.5,10.0.0.53,53,udp,www."+onion, "40 unknown outbound onion_name+not_tcp full")

	// Suricata.
	flow := "_time,src_ip,src_port,dest_ip,dest_port,proto,app_proto,flow.pkts_toserver,flow.pkts_toclient,flow.bytes_toserver,flow.bytes_toclient,flow.start"
	f("Suricata flow", flow, ten+",10.0.0.5,40000,198.51.100.1,9001,TCP,tls,9,9,700,4000,2026-11-20T09:59:00.000000+0000", "97 established outbound or_port full")
	f("Suricata flow, no answer", flow, ten+",10.0.0.5,40000,198.51.100.1,9001,TCP,failed,1,0,74,0,", "58 attempt outbound or_port full")
	f("Suricata flow that began in the list", flow, epoch(21)+",10.0.0.5,40000,198.51.100.1,9001,TCP,tls,9,9,700,4000,2026-11-20T20:00:00.000000+0100", "97 established outbound or_port stale")
	f("Suricata flow, a start that cannot be read", flow, ten+",10.0.0.5,40000,198.51.100.1,9001,TCP,tls,9,9,700,4000,yesterday", "97 established outbound or_port full")
	f("Suricata tls", "_time,src_ip,dest_ip,dest_port,proto,tls.sni,tls.ja3.hash,tls.ja4", ten+",10.0.0.5,203.0.113.9,443,TCP,"+torName+","+torJA3+","+torJA4, "97 unknown outbound ja3_tor+ja4_tor+sni_pattern full")
	f("Suricata dns", "_time,src_ip,dest_ip,dest_port,proto,dns.rrname", ten+",10.0.0.5,10.0.0.53,53,UDP,"+onion, "40 unknown outbound onion_name+not_tcp full")
	f("Suricata http", "_time,src_ip,dest_ip,dest_port,proto,http.hostname,http.url", ten+",10.0.0.5,203.0.113.9,80,TCP,"+onion+".to,/x", "40 unknown outbound onion_name full")
	f("Suricata alert", "_time,src_ip,dest_ip,dest_port,proto,alert.action", ten+",10.0.0.5,198.51.100.1,9001,TCP,blocked", "58 blocked outbound or_port full")
	f("nested addresses are not the flow's", "_time,src_ip,dest_ip,tunnel.dest_ip", ten+",10.0.0.5,203.0.113.9,198.51.100.1", "0 unknown   full")

	// Palo Alto, as its add-on names them, and by PAN-OS's own names.
	f("Palo Alto add-on", "_time,src_ip,src_port,dest_ip,dest_port,transport,app,app:category,action,bytes_in,bytes_out,packets_in,packets_out,duration",
		ten+",10.0.0.5,40000,198.51.100.1,9001,tcp,tor,networking,allowed,4000,700,9,9,60", "99 established outbound or_port+app_label full")
	f("Palo Alto by its own names", "_time,src,dest,dest_port,proto,app,action,bytes_sent,bytes_received,pkts_sent,pkts_received",
		ten+",10.0.0.5,198.51.100.1,9001,tcp,incomplete,allow,74,0,1,0", "58 attempt outbound or_port full")
	f("Palo Alto's packets", "_time,src,dest,dest_port,bytes_received,pkts_received", ten+",10.0.0.5,198.51.100.1,9001,,0", "58 attempt outbound or_port full")
	f("FortiGate by its own names", "_time,date,time,subtype,srcip,srcport,dstip,dstport,proto,action,transip,transport,service,app,duration,sentbyte,rcvdbyte,sentpkt,rcvdpkt",
		ten+",2026-11-20,10:00:00,forward,10.0.0.5,50624,198.51.100.1,9001,6,close,192.0.2.10,50624,tcp/9001,Tor,65,3000,4000,14,16", "99 established outbound or_port+app_label full")
	f("FortiGate, UDP behind a translation", "_time,srcip,dstip,dstport,proto,action,transport", ten+",10.0.0.5,198.51.100.1,9001,17,accept,50624", "0 unknown  not_tcp full")
	f("FortiGate's session that has only begun", "_time,srcip,dstip,dstport,proto,action,sentpkt,rcvdpkt", ten+",10.0.0.5,198.51.100.1,9001,6,start,1,0", "97 unknown outbound or_port full")
	f("Check Point, Juniper: the application", "_time,src,dest,appi_name,application", ten+",10.0.0.5,203.0.113.9,Tor,", "55 unknown outbound app_label full")
}

// What the client showed, in all the ways that a cell may look.
func TestShown(t *testing.T) {
	f := func(name, header, cells, want string) {
		t.Helper()
		t.Run(name, func(t *testing.T) {
			row := run{table: network(), chunks: []string{"_time,dest_ip," + header + "\n" + epoch(10) + ",203.0.113.9," + cells + "\n"}}.do(t).one()
			require.Equal(t, want, row["tor_score"]+" "+strings.ReplaceAll(row["tor_evidence"], "\n", "+"), row["tor_reason"])
		})
	}
	f("a made-up name", "sni", torName, "15 sni_pattern")
	f("of Arti", "ssl_sni", "www.a8-k2x9-b7q.net", "15 sni_pattern")
	f("an ordinary name", "sni", "www.example.com", "0 ")
	f("in quotes, with blanks", "tls.sni", `" `+onion+` "`, "40 onion_name")
	f("no value falls through", "sni,server_name", "-,"+torName, "15 sni_pattern")
	f("null falls through", "sni,ssl_server_name", "null,"+torName, "15 sni_pattern")
	f("the first usable cell counts", "sni,server_name", "www.example.com,"+torName, "0 ")
	f("JA4", "ja4", torJA4, "40 ja4_tor")
	f("JA4 and an ordinary name", "ja4,sni", torJA4+",mail.example.com", "10 ja4_tor")
	f("JA4 and the form", "tls.ja4,sni", torJA4+",www.example.com", "60 ja4_tor")
	f("JA3 and the form", "tls.ja3,sni", torJA3+",www.example.com", "90 ja3_tor")
	f("C tor's fingerprint with Arti's form", "ja4,sni", torJA4+",www.example-8.org", "10 ja4_tor")
	f("JA3 alone", "ja3", torJA3, "90 ja3_tor")
	f("JA3 in a list, one of tor", "ja3,__mv_ja3", `"x","$`+torJA3+`$;$0123456789abcdef0123456789abcdef$"`, "90 ja3_tor")
	f("JA3 and an ordinary name", "ja3,sni", torJA3+",mail.example.com", "40 ja3_tor")
	f("JA3 of OpenSSL 4.0, which holds nothing of tor's", "ja3", "48d90a8fbe5eb1f806b1739d10ec0206", "40 ja3_tor")
	f("JA4 beside another JA3", "ja4,ja3", torJA4+",0123456789abcdef0123456789abcdef", "10 ja4_tor")
	f("JA4 beside another JA3, and the form", "ja4,ja3,sni", torJA4+",0123456789abcdef0123456789abcdef,www.example.com", "10 ja4_tor")
	f("JA4 beside another JA3, and a made-up name", "ja4,ja3,sni", torJA4+",0123456789abcdef0123456789abcdef,"+torName, "85 ja4_tor+sni_pattern")
	f("JA4 beside another JA3's text", "ja4,ja3_string", torJA4+`,"771,4865,0-11-10,29-23-24,0"`, "10 ja4_tor")
	f("JA4 beside several JA3s of others", "ja4,ja3,__mv_ja3", torJA4+`,"x","$0123456789abcdef0123456789abcdef$;$1123456789abcdef0123456789abcdef$"`, "40 ja4_tor")
	f("JA4 beside what is no JA3", "ja4,ja3", torJA4+",TLSv1.3", "40 ja4_tor")
	f("a JA3's text with tor's groups", "ja3,ja3_string", `0123456789abcdef0123456789abcdef,"771,4865,0-11-10,23-29-21,0-1-2"`, "86 ja3_groups")
	f("a JA3's text with tor's groups and ALPN", "ja3_string", `"771,4865,0-11-10-16,23-29-21,0-1-2"`, "0 ")
	f("its groups alone, as Zeek's package", "ja3_ec", "4588-4587-23-29-21", "86 ja3_groups")
	f("its groups as a list, as Zeek's ssl-log-ext", "client_curves", `"4588,4587,23,29,21"`, "86 ja3_groups")
	f("the same as values", "client_curves,__mv_client_curves", `"x","$23$;$29$;$21$"`, "86 ja3_groups")
	f("another list", "ja4,client_curves", torJA4+`,"29,23,30"`, "10 ja4_tor")
	f("a list longer than any library's", "ja4,client_curves", torJA4+`,"23,21`+strings.Repeat(",256", 40)+`"`, "10 ja4_tor")
	f("no list", "ja4,client_curves", torJA4+`,(empty)`, "40 ja4_tor")
	f("a known JA4 by what it is made of", "ja4_r", `"`+torJA4Raw+`"`, "40 ja4_tor")
	f("both are one", "ja4,ja4_r", torJA4+`,"`+torJA4Raw+`"`, "40 ja4_tor")
	f("one of no known build", "ja4_r", `"`+strings.Replace(torJA4Raw, ",0016", "", 1)+`"`, "25 ja4_ciphers")
	f("a known JA3 and its text are one", "ja3,tls.ja3.string", torJA3+`,"771,4865,0-11-10,23-29-21,0-1-2"`, "90 ja3_tor")
	f("tor's ciphers with another OpenSSL", "ja4", "t13d181100_796efca44d18_0123456789ab", "25 ja4_ciphers")
	f("the same with ALPN", "ja4", "t13d1811h2_796efca44d18_0123456789ab", "0 ")
	f("Firefox's ciphers are no sign", "ja4", "t13d171100_5b57614c22b0_2e6c25d3f76f", "0 ")
	f("Arti's JA4 alone", "ja4", artiJA4, "0 ")
	f("Arti's JA4 and a name of its form", "ja4,sni", artiJA4+",www.example-8.org", "0 ")
	f("Arti's JA4 and a made-up name", "ja4,sni", artiJA4+",www.a8-k2x9-b7q.net", "90 ja4_tor+sni_pattern")
	f("Arti's JA4 and several names", "ja4,sni,__mv_sni", artiJA4+`,"x","$www.a8-k2x9-b7q.net$;$www.example.com$"`, "15 sni_pattern")
	f("Snowflake's DTLS", "ja4,version", "dd2i060600_b94582744588_4bbccbffe950,DTLSv12", "0 dtls_snowflake+not_tcp")
	f("a relay's certificate", "ssl_subject,ssl_issuer", "CN=www.4kd3xq7ywz.net,CN=www.h2bv5m6t.com", "90 cert_tor")
	f("the same by Suricata", "tls.subject,tls.issuerdn", "CN=www.4kd3xq7ywz.net,CN=www.h2bv5m6t.com", "90 cert_tor")
	f("an ordinary certificate", "ssl_subject,ssl_issuer", `CN=www.example.net,"CN=R11,O=Let's Encrypt,C=US"`, "0 ")
	f("a subject without its certificate", "subject,issuer", "CN=www.4kd3xq7ywz.net,CN=www.h2bv5m6t.com", "0 ")
	f("another JA4", "ja4,sni", "t13d1516h2_8daaf6152771_b186095e22b6,www.example.com", "0 ")
	f("several names, one made up", "sni,__mv_sni", `"x","$www.example.com$;$`+torName+`$"`, "15 sni_pattern")
	f("several names and a fingerprint are no pair", "sni,__mv_sni,ja4", `"x","$www.example.com$;$`+torName+`$",`+torJA4, "40 ja4_tor+sni_pattern")
	f("one name and several fingerprints are no pair", "sni,ja4,__mv_ja4", torName+`,"x","$`+torJA4+`$;$t13d1516h2_8daaf6152771_b186095e22b6$"`, "40 ja4_tor+sni_pattern")
	f("the same name twice is one", "sni,__mv_sni,ja4", `"x","$`+torName+`$;$`+torName+`$",`+torJA4, "90 ja4_tor+sni_pattern")
	f("names on lines", "query", "\"www.example.com\n"+onion+"\"", "40 onion_name")
	f("onion before gateway", "sni,url,query", onion+".to,https://"+onion+"/,"+onion+".to", "40 onion_name")
	f("a URL with an onion in its path", "url", "https://www.example.com/"+onion, "0 ")
	f("over UDP no hello is Tor's", "sni,ja4,transport", torName+","+torJA4+",udp", "0 not_tcp")

	t.Run("columns named by the user", func(t *testing.T) {
		row := run{args: []string{"sni=name", "ja4=print", "ja3=hash"}, table: network(), chunks: []string{
			"_time,dest_ip,sni,name,print,hash\n" + epoch(10) + ",203.0.113.9,-," + torName + "," + torJA4 + "," + torJA3 + "\n"}}.do(t).one()
		require.Equal(t, "ja3_tor\nja4_tor\nsni_pattern", row["tor_evidence"])
		require.Contains(t, row["tor_reason"], torName)
	})
	t.Run("the sentence shows the name that counts", func(t *testing.T) {
		row := run{table: network(), chunks: []string{"_time,dest_ip,url,query\n" + epoch(10) + ",203.0.113.9,https://" + onion + ".to/,a." + onion + "\n"}}.do(t).one()
		require.Contains(t, row["tor_reason"], "asked DNS for a."+onion+", the name of an onion service: a leak")
	})
	t.Run("a name does not stay for the next row", func(t *testing.T) {
		rows := run{table: network(), chunks: []string{"_time,dest_ip,sni,ja4,query\n" +
			epoch(10) + ",203.0.113.9," + torName + "," + torJA4 + "," + onion + "\n" + epoch(10) + ",203.0.113.9,,,\n" + epoch(10) + ",203.0.113.9,," + torJA4 + ",\n"}}.do(t).rows()
		require.Equal(t, "0 unknown   full", judged(rows[1]))
		require.Contains(t, rows[2]["tor_reason"], "the row has no TLS name")
	})
	t.Run("min_score keeps what is not quiet", func(t *testing.T) {
		rows := run{args: []string{"min_score=10"}, table: network(), chunks: []string{"_time,dest_ip,sni\n" + epoch(10) + ",203.0.113.9," + torName + "\n" + epoch(10) + ",203.0.113.9,www.example.com\n"}}.do(t).rows()
		require.Len(t, rows, 1)
	})
}

// A row with an ordinary name goes the short way; one whose name speaks for Tor
// does not, whatever else it has.
func TestOrdinaryNamesAreQuiet(t *testing.T) {
	quiet := flow.Flow{Hello: flow.Hello{Form: true, Name: []byte("www.example.com")}}
	require.True(t, judge.IsQuiet(&quiet))
	for _, f := range []flow.Flow{
		{Hello: flow.Hello{MadeUp: true}}, {Hello: flow.Hello{JA4: true}}, {Hello: flow.Hello{JA3: true}}, {Hello: flow.Hello{Groups: true}},
		{Hello: flow.Hello{Ciphers: true}}, {Hello: flow.Hello{Certificate: true}}, {Hello: flow.Hello{Snowflake: true}},
		{Onion: flow.Onion{Kind: flow.OnionGateway}}, {Onion: flow.Onion{Kind: flow.OnionService}},
	} {
		require.False(t, judge.IsQuiet(&f), "%+v", f)
	}
}

// The table for the manual names the option of each role that has one.
func TestColumns(t *testing.T) {
	options := map[string]bool{}
	for _, c := range Columns() {
		options[c.Option] = true
	}
	for _, name := range []string{"src", "src_port", "dest", "dest_port", "transport", "time", "first", "last", "app", "sni", "ja4", "ja3"} {
		require.True(t, options[name], name)
	}
	require.Len(t, options, 13, "and the empty one")
}

// shownRows is a chunk of rows with names, most of them ordinary.
func shownRows(n int) string {
	var b strings.Builder
	b.WriteString("_time,src_ip,dest_ip,dest_port,server_name,ja3,ja4,url,query,ja3_string,ssl_subject,ssl_issuer\n")
	for i := range n {
		name, ja3, ja4, query := "www.example-shop.com", "0123456789abcdef0123456789abcdef", "t13d1516h2_8daaf6152771_b186095e22b6", "cdn.example.net"
		groups, subject, issuer := "29-23-24", "CN=www.example.net", "CN=R11"
		switch i % 10 {
		case 0:
			name = torName
		case 1:
			ja4, ja3 = torJA4, torJA3
		case 2:
			query = onion
		case 3:
			groups = "23-29-21"
		case 4:
			subject, issuer = "CN=www.4kd3xq7ywz.net", "CN=www.h2bv5m6t.com"
		}
		b.WriteString(epoch(10) + `,"10.0.0.5","203.0.113.9",443,"` + name + `",` + ja3 + `,"` + ja4 + `","https://` + name + `/x","` + query + `","771,4865,0-11-10,` + groups + `,0-1-2",` + subject + `,` + issuer + "\n")
	}
	return b.String()
}

// rawRows is a chunk of events of which nothing but _raw is known.
func rawRows(n int) string {
	var b strings.Builder
	b.WriteString("_time,_raw\n")
	for i := range n {
		lines := []string{panLine, fortiLine, suricataFlow, zeekConn, zeekJSON, "no event at all", `{"broken": [[[[[[[[[[`}
		b.WriteString(epoch(10) + `,"` + strings.ReplaceAll(lines[i%len(lines)], `"`, `""`) + "\"\n")
	}
	return b.String()
}

// Names and raw events cost no allocation either.
func TestShownRowsDoNotAllocate(t *testing.T) {
	folder := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(folder, "tor_relays.csv"), []byte(network()), 0o600))
	for name, body := range map[string]func(int) string{"names": shownRows, "raw": rawRows} {
		per := func(rows int) float64 {
			search := New(folder, time.Now)
			_, err := search.Getinfo(&chunked.Info{})
			require.NoError(t, err)
			chunk, in := &chunked.Chunk{}, []byte(body(rows))
			chunk.Grow(rows * 1500)
			least := 1e9
			for range 5 { // the counter is the whole process's
				least = min(least, testing.AllocsPerRun(2, func() {
					chunk.Reply = chunk.Reply[:0]
					if err := search.Execute(context.Background(), chunk, bytes.NewReader(in)); err != nil {
						t.Fatal(err)
					}
				}))
			}
			return least
		}
		// As many as one window of package rows holds: a row that is cut at its end may cost one.
		require.Less(t, len(body(500)), 256<<10)
		require.Equal(t, per(30), per(500), "%s: allocations must not grow with the rows of a chunk", name)
	}
}

func BenchmarkShown(b *testing.B) {
	plain := func(header, cells string) func(int) string {
		return func(n int) string { return header + "\n" + strings.Repeat(cells+"\n", n) }
	}
	ten := epoch(10)
	for _, c := range []struct {
		name string
		body func(int) string
	}{
		{"a miss", plain("_time,src_ip,dest_ip,dest_port", ten+",10.0.0.5,203.0.113.9,443")},
		{"a miss with a name", plain("_time,src_ip,dest_ip,dest_port,sni", ten+",10.0.0.5,203.0.113.9,443,www.example-shop.com")},
		{"a miss with a fingerprint and a name", plain("_time,src_ip,dest_ip,dest_port,sni,ja4", ten+",10.0.0.5,203.0.113.9,443,cdn.example-shop.com,t13d1516h2_8daaf6152771_b186095e22b6")},
		{"no usable column", plain("_time,user,note,x", ten+",alice,logged in,443")},
		{"no usable column but _raw", plain("_time,_raw,x", ten+`,"Nov 20 10:00:00 host sshd[1234]: Accepted publickey for alice",443`)},
		{"a miss beside _raw", plain("_time,_raw,src,dest,x", ten+`,"Nov 20 10:00:00 host sshd[1234]: Accepted publickey for alice",10.0.0.5,203.0.113.9,443`)},
		{"raw Palo Alto", plain("_time,_raw", ten+`,"`+panLine+`"`)},
		{"raw Suricata", plain("_time,_raw", ten+`,"`+strings.ReplaceAll(suricataFlow, `"`, `""`)+`"`)},
	} {
		b.Run(c.name, func(b *testing.B) {
			folder := b.TempDir()
			require.NoError(b, os.WriteFile(filepath.Join(folder, "tor_relays.csv"), []byte(network()), 0o600))
			search := New(folder, time.Now)
			_, err := search.Getinfo(&chunked.Info{})
			require.NoError(b, err)
			const rows = 10000
			body := c.body(rows)
			chunk := &chunked.Chunk{}
			for b.Loop() {
				chunk.Reply = chunk.Reply[:0]
				if err := search.Execute(context.Background(), chunk, strings.NewReader(body)); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/rows, "ns/row")
		})
	}
}
