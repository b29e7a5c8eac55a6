package logfile

import (
	"bytes"
	"compress/gzip"
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/require"
)

// read reads a file and returns its rows by column, and the Log.
func read(t *testing.T, options Options, text string) ([]map[string]string, *Log) {
	t.Helper()
	return readFrom(t, options, strings.NewReader(text))
}

func readFrom(t *testing.T, options Options, src io.Reader) ([]map[string]string, *Log) {
	t.Helper()
	l := New(options)
	var out []map[string]string
	err := l.Read("x.log", src, func(c *Chunk) error {
		records, err := csv.NewReader(bytes.NewReader(c.Body)).ReadAll()
		require.NoError(t, err, "%s", c.Body)
		require.Len(t, records, c.Rows+1)
		require.Equal(t, "x.log", c.File)
		for _, record := range records[1:] {
			row := map[string]string{}
			for i, name := range records[0] {
				row[name] = record[i]
			}
			out = append(out, row)
		}
		return nil
	})
	if err != nil && options.Strict {
		require.IsType(t, &Complaint{}, err)
	} else {
		require.NoError(t, err)
	}
	require.EqualValues(t, len(out), l.Rows)
	return out, l
}

// one reads a file of one row.
func one(t *testing.T, text string) map[string]string {
	t.Helper()
	rows, l := read(t, Options{}, text)
	require.Empty(t, complaints(l))
	require.Len(t, rows, 1)
	return rows[0]
}

// ended is the column of the time when a flow ended.
func ended(f Format) string {
	if f == Zeek {
		return "lastTime"
	}
	return "_time"
}

func complaints(l *Log) []string {
	var out []string
	for _, c := range l.Complaints.Kept() {
		out = append(out, c.Kind.String()+": "+c.Error())
	}
	return out
}

// Every format says the same of the same flows, found by itself, over many
// chunks, in one piece or byte by byte, plain or gzip.
func TestFormats(t *testing.T) {
	const n = 5000
	truth := flows(3, n)
	for name, g := range generators {
		t.Run(name, func(t *testing.T) {
			text := generate(name, 3, n)
			rows, l := read(t, Options{}, text)
			require.Empty(t, complaints(l))
			require.Len(t, rows, n)
			require.Equal(t, g.format, l.file.format)
			require.EqualValues(t, strings.Count(text, "\n"), l.Lines)
			first := int64(strings.Count(g.head, "\n")) + 1
			for i, f := range truth {
				row := rows[i]
				want := map[string]string{
					ended(g.format): fmt.Sprint(f.end()), "duration": fmt.Sprint(f.took), "src_ip": f.src, "src_port": strconv.Itoa(f.srcPort),
					"dest_ip": f.dest, "dest_port": strconv.Itoa(f.port), "app": f.app,
					"bytes_in": fmt.Sprint(f.in), "bytes_out": fmt.Sprint(f.out), "packets_in": fmt.Sprint(f.packetsIn), "packets_out": fmt.Sprint(f.pktsO),
					"log_line": fmt.Sprint(first + int64(i)),
				}
				for column, value := range want {
					require.Equal(t, value, row[column], "flow %d, %s", i, column)
				}
				require.Equal(t, f.transport, strings.ToLower(row["transport"]))
			}

			small := generate(name, 3, 300)
			want, _ := read(t, Options{}, small)
			got, _ := readFrom(t, Options{}, iotest.OneByteReader(strings.NewReader(small)))
			require.Equal(t, want, got)
			var packed bytes.Buffer
			for _, part := range []string{small[:1000], small[1000:]} { // two members
				z := gzip.NewWriter(&packed)
				_, _ = z.Write([]byte(part))
				require.NoError(t, z.Close())
			}
			got, l = readFrom(t, Options{}, &packed)
			require.Empty(t, complaints(l))
			require.Equal(t, want, got)
			crlf, l := read(t, Options{}, "\xef\xbb\xbf"+strings.ReplaceAll(small, "\n", "\r\n"))
			require.Empty(t, complaints(l))
			require.Equal(t, want, crlf)
		})
	}
}

func TestPAN(t *testing.T) {
	f := flow{start: noon, took: 65, src: "10.20.30.40", dest: "198.51.100.23", srcPort: 50624, port: 9001, transport: "tcp", app: "tor", in: 810, out: 6609, packetsIn: 11, pktsO: 14}
	line := f.panLine(61)
	row := one(t, line)
	require.Equal(t, map[string]string{
		"_time": "1795176065", "duration": "65", "src_ip": "10.20.30.40", "src_port": "50624", "dest_ip": "198.51.100.23", "dest_port": "9001",
		"transport": "tcp", "app": "tor", "action": "allowed", "bytes_in": "810", "bytes_out": "6609", "packets_in": "11", "packets_out": "14",
		"user": "", "rule": "Outbound_Allow", "log_line": "1",
	}, row)

	for action, want := range map[string]string{
		"allow": "allowed", "alert": "allowed", "continue": "allowed", "forward": "allowed", "deny": "blocked", "block-url": "blocked",
		"reset-both": "blocked", "reset-server": "blocked", "drop": "dropped", "drop-icmp": "dropped", "sinkhole": "dropped", "new-one": "new-one",
	} {
		require.Equal(t, want, one(t, strings.Replace(line, ",allow,", ","+action+",", 1))["action"])
	}

	// Syslog headers, one of them with commas; a quoted rule and a source user.
	quoted := strings.Replace(line, ",Outbound_Allow,,", `,"Out, ""all""",corp\ann,`, 1)
	for _, header := range []string{"", "<14>Nov 20 12:00:00 fw ", "<14>1 2026-11-20T12:00:00Z fw - - - [x a=\"1,2\" b=\"3\"] "} {
		require.Equal(t, row, one(t, header+line))
		got := one(t, header+quoted)
		require.Equal(t, `Out, "all"`, got["rule"])
		require.Equal(t, `corp\ann`, got["user"])
		require.Equal(t, "198.51.100.23", got["dest_ip"])
	}
	stray := one(t, strings.Replace(line, "Outbound_Allow", `my "rule`, 1))
	require.Equal(t, `my "rule`, stray["rule"])
	require.Equal(t, "10.20.30.40", stray["src_ip"])

	// Other log types and the header of an export are no errors.
	rows, l := read(t, Options{}, "Domain,Receive Time,Serial #,Type,Threat/Content Type\n"+
		"1,2026/11/20 10:15:30,0123,SYSTEM,auth,0,x\n"+strings.Replace(line, "TRAFFIC", "THREAT", 1)+"\n"+line+"\n")
	require.Empty(t, complaints(l))
	require.Len(t, rows, 1)
	require.EqualValues(t, 2, l.Other)
	require.Equal(t, "4", rows[0]["log_line"])
}

func TestPANTimes(t *testing.T) {
	line := strings.Replace(flow{src: "10.0.0.1", dest: "192.0.2.1", start: noon}.panLine(61), "2026/11/20 12:00:00", "%s", -1)
	at := func(zone *time.Location, text string) string {
		rows, l := read(t, Options{Zone: zone}, strings.ReplaceAll(line, "%s", text))
		if len(rows) == 0 {
			require.Equal(t, []string{"unreadable line: x.log:1: " + panTime.text, "unknown format: x.log: no line could be read as pan"}, complaints(l))
			return "bad"
		}
		require.EqualValues(t, 1, l.Zoneless)
		return rows[0]["_time"]
	}
	berlin, err := time.LoadLocation("Europe/Berlin")
	require.NoError(t, err)
	require.Equal(t, "1795176000", at(nil, "2026/11/20 12:00:00"))
	require.Equal(t, "1795172400", at(berlin, "2026/11/20 12:00:00"))
	require.Equal(t, "1784541600", at(berlin, "2026/07/20 12:00:00"))
	require.Equal(t, "1774746000", at(berlin, "2026/03/29 02:00:00"), "left out by summer time")
	require.Equal(t, "1709164800", at(nil, "2024/02/29 00:00:00"))
	for _, bad := range []string{"2026/02/30 12:00:00", "2026/13/01 12:00:00", "2026/11/20 24:00:00", "2026/11/20 12:00:61", "2026/11/00 12:00:00", "2026-11-20 12:00:00", "1795176000", "", "2026/11/20 12:00"} {
		require.Equal(t, "bad", at(nil, bad), bad)
	}
}

func TestZeek(t *testing.T) {
	tsv := func(path, fields, row string) string {
		return "#separator \\x09\n#unset_field\t-\n#empty_field\t(empty)\n#path\t" + path + "\n#fields\t" + strings.ReplaceAll(fields, " ", "\t") + "\n" + strings.ReplaceAll(row, " ", "\t") + "\n#close\t2026\n"
	}
	const ends = "ts uid id.orig_h id.orig_p id.resp_h id.resp_p"
	const of = "1795176000.123456 C1 10.0.0.5 50000 198.51.100.7 443"
	for _, c := range []struct {
		name, text string
		want       map[string]string
	}{
		{"conn without a duration", tsv("conn", ends+" proto service duration orig_bytes resp_bytes resp_pkts conn_state", of+" tcp - - - - 0 S0"),
			map[string]string{"lastTime": "1795176000.123456", "duration": "", "transport": "tcp", "app": "", "bytes_in": "", "packets_in": "0", "conn_state": "S0", "src_port": "50000"}},
		{"conn with payload bytes only", tsv("conn", ends+" proto duration orig_bytes resp_bytes", of+" tcp 2.876544 100 200"),
			map[string]string{"lastTime": "1795176003", "firstTime": "1795176000.123456", "duration": "2.876544", "bytes_in": "200", "bytes_out": "100"}},
		{"ssl", tsv("ssl", ends+" version server_name ja3 ja4", of+" TLSv13 www.example.com abc t13d"),
			map[string]string{"transport": "tcp", "app": "ssl", "sni": "www.example.com", "ja3": "abc", "ja4": "t13d"}},
		{"ssl over UDP", tsv("ssl", ends+" version server_name", of+" DTLSv12 -"), map[string]string{"transport": "udp", "app": "ssl", "sni": ""}},
		{"dns", tsv("dns", ends+" proto query", of+` udp a\x2cb"c.example.com`), map[string]string{"transport": "udp", "app": "dns", "query": `a,b"c.example.com`}},
		{"http", tsv("http", ends+" method host", of+" GET x.onion"), map[string]string{"transport": "tcp", "app": "http", "url_domain": "x.onion"}},
		{"services of a set", tsv("conn", ends+" proto service", of+" tcp ssl,http"), map[string]string{"app": "ssl,http"}},
		{"another separator", "#separator \\x7c\n#path|conn\n#fields|" + strings.ReplaceAll(ends, " ", "|") + "\n" + strings.ReplaceAll(of, " ", "|"), map[string]string{"dest_ip": "198.51.100.7"}},
		{"ssl JSON", `{"ts":1795176000.123456,"uid":"C1","id.orig_h":"10.0.0.5","id.resp_h":"198.51.100.7","version":"TLSv12","server_name":"www.example.com"}`,
			map[string]string{"lastTime": "1795176000.123456", "transport": "tcp", "app": "ssl", "sni": "www.example.com"}},
		{"dns JSON", `{"ts":"2026-11-20T12:00:00.5Z","uid":"C1","id.orig_h":"10.0.0.5","id.resp_h":"198.51.100.7","proto":"udp","trans_id":3,"query":"a\u002cb\"c"}`,
			map[string]string{"lastTime": "1795176000.500000", "transport": "udp", "app": "dns", "query": `a,b"c`}},
		{"JSON with an exponent", `{"ts":1795176000,"uid":"C1","id.orig_h":"10.0.0.5","id.resp_h":"198.51.100.7","duration":9.5e-5}`,
			map[string]string{"lastTime": "1795176000.000095", "duration": "0.000095"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			row := one(t, c.text)
			for column, value := range c.want {
				got, ok := row[column]
				require.True(t, ok, "column %s", column)
				require.Equal(t, value, got, column)
			}
		})
	}

	// Rotated logs in one file, a log without flows between them.
	rows, l := read(t, Options{}, tsv("conn", ends+" proto", of+" tcp")+tsv("files", "ts fuid", "1795176000.0 F1")+tsv("ssl", ends+" server_name", of+" a.example.com"))
	require.Empty(t, complaints(l))
	require.Len(t, rows, 2)
	require.Equal(t, "a.example.com", rows[1]["sni"])
	require.EqualValues(t, 1, l.Other)
}

func TestSuricata(t *testing.T) {
	const head = `{"timestamp":"2026-11-20T13:00:00.250000+0100","event_type":"%s","src_ip":"10.0.0.5","src_port":50000,"dest_ip":"198.51.100.7","dest_port":443,"proto":"TCP",`
	event := func(kind, rest string) string { return fmt.Sprintf(head, kind) + rest + "}" }
	for _, c := range []struct {
		name, text string
		want       map[string]string
	}{
		{"tls", event("tls", `"tls":{"version":"TLS 1.3","sni":"www.example.com","ja4":"t13d","ja3":{"hash":"abc","string":"771,1"},"ja3s":{"hash":"x"}},"flow":{"bytes_toclient":7}`),
			map[string]string{"_time": "1795176000.250000", "duration": "", "app": "tls", "sni": "www.example.com", "ja4": "t13d", "ja3": "abc", "bytes_in": "", "transport": "TCP"}},
		{"dns", event("dns", `"dns":{"type":"query","rrname":"x.onion"}`), map[string]string{"query": "x.onion", "app": "dns"}},
		{"dns version 3", event("dns", `"dns":{"version":3,"queries":[{"rrname":"a.example.com"},{"rrname":"b.example.com"}]}`), map[string]string{"query": "a.example.com\nb.example.com"}},
		{"http", event("http", `"http":{"hostname":"x.onion","url":"\/a,b"}`), map[string]string{"url": "http://x.onion/a,b"}},
		{"netflow", event("netflow", `"netflow":{"pkts":3,"bytes":180,"start":"2026-11-20T11:59:00+0000","end":"2026-11-20T11:59:30+0000"}`),
			map[string]string{"_time": "1795175970", "duration": "30", "packets_out": "3", "bytes_out": "180", "packets_in": "", "bytes_in": ""}},
		{"blocked flow", event("flow", `"flow":{"action":"drop","pkts_toclient":0}`), map[string]string{"action": "blocked", "packets_in": "0", "_time": "1795176000.250000"}},
		{"west of Greenwich", strings.Replace(event("tls", `"tls":{}`), "T13:00:00.250000+0100", "T07:30:00-0430", 1), map[string]string{"_time": "1795176000"}},
		{"end before start", event("flow", `"flow":{"start":"2026-11-20T11:59:00Z","end":"2026-11-20T11:58:00Z"}`), map[string]string{"_time": "1795176000.250000", "duration": ""}},
		{"invalid UTF-8 and control characters", event("tls", "\"tls\":{\"sni\":\"a\xff\\u0000\\ud83d\\ude00\\ud800b\"}"), map[string]string{"sni": "a\xff\x00\U0001F600\uFFFDb"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			row := one(t, c.text)
			for column, value := range c.want {
				require.Equal(t, value, row[column], column)
			}
		})
	}
	rows, l := read(t, Options{}, event("stats", `"stats":{"uptime":1}`)+"\n"+event("alert", `"alert":{}`)+"\n"+event("tls", `"tls":{}`))
	require.Empty(t, complaints(l))
	require.Len(t, rows, 1)
	require.EqualValues(t, 2, l.Other)
}

func TestCSV(t *testing.T) {
	// As outputcsv writes it: lists twice, line ends in cells.
	rows, l := read(t, Options{}, "\"_time\",\"src_ip\",\"_raw\",\"__mv_src_ip\"\n1795176000,\"10.0.0.1\n10.0.0.2\",\"a \"\"b\"\",\nc\",\"$10.0.0.1$;$10.0.0.2$\"\n1795176001,10.0.0.3,d,\n")
	require.Empty(t, complaints(l))
	require.Equal(t, []map[string]string{
		{"_time": "1795176000", "src_ip": "10.0.0.1\n10.0.0.2", "_raw": "a \"b\",\nc", "__mv_src_ip": "$10.0.0.1$;$10.0.0.2$", "log_line": "2"},
		{"_time": "1795176001", "src_ip": "10.0.0.3", "_raw": "d", "__mv_src_ip": "", "log_line": "5"},
	}, rows)

	require.Equal(t, "7", one(t, "All_Traffic.dest_ip,log_line\n192.0.2.1,7\n")["log_line"], "a file with the column keeps it")
	rows, l = read(t, Options{}, "dest,x\n192.0.2.1,1\ndest,x\n192.0.2.2,2\n")
	require.Empty(t, complaints(l))
	require.Len(t, rows, 2)
}

func TestJSON(t *testing.T) {
	row := one(t, `{"All_Traffic.src_ip":"10.0.0.1","All_Traffic.dest_ip":["192.0.2.1","192.0.2.2",null,{"a":"b"}],"dest_port":9001,"user":null,"x":{"src_ip":"no"},"app":"a\"b"}`)
	require.Equal(t, "10.0.0.1", row["src_ip"])
	require.Equal(t, "192.0.2.1\n192.0.2.2", row["dest_ip"])
	require.Equal(t, "9001", row["dest_port"])
	require.Equal(t, "", row["user"])
	require.Equal(t, `a"b`, row["app"])

	row = one(t, `{"preview":false,"offset":0,"lastrow":true,"result":{"src_ip":"10.0.0.1","dest":"192.0.2.1","_time":"2026-11-20T12:00:00.000+00:00"}}`)
	require.Equal(t, "10.0.0.1", row["src_ip"])
	require.Equal(t, "2026-11-20T12:00:00.000+00:00", row["_time"])
}
