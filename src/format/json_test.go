package format

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"tordetect/src/event"
)

// Objects, whose names mean the same with dots, underscores and in each other.
func TestObjects(t *testing.T) {
	long := strings.Repeat("x", 100_000)
	for _, c := range []struct {
		about, line string
		format      Format
		want        cells
	}{
		{"Zeek", `{"ts":1795176000.1,"uid":"C1","id.orig_h":"10.0.0.5","id.resp_h":"198.51.100.7","proto":"tcp"}`, Zeek, cells{event.Source: "10.0.0.5", event.LogTime: "1795176000.1"}},
		{"Zeek, underscores", `{"ts":1795176000.1,"id_orig_h":"10.0.0.5","id_resp_h":"198.51.100.7"}`, Zeek, cells{event.Source: "10.0.0.5", event.Destination: "198.51.100.7"}},
		{"Zeek, nested", `{"ts":1795176000.1,"id":{"orig_h":"10.0.0.5","resp_p":443}}`, Zeek, cells{event.Source: "10.0.0.5", event.DestinationPort: "443"}},
		{"a name with escapes", `{"id\u002eorig_h":"10.0.0.5","\u0064est":"198.51.100.7"}`, Zeek, cells{event.Source: "10.0.0.5", event.Destination: "198.51.100.7"}},
		{"Suricata tls", `{"event_type":"tls","src_ip":"10.0.0.5","tls":{"version":"TLS 1.3","sni":"www.example.com","ja4":"t13d","ja3":{"hash":"abc","string":"771,1"},"ja3s":{"hash":"x"}}}`, Suricata,
			cells{event.SNI: "www.example.com", event.JA4: "t13d", event.JA3: "abc", event.Version: "TLS 1.3"}},
		{"dns of version 3", `{"event_type":"dns","src_ip":"10.0.0.5","dns":{"version":3,"queries":[{"rrname":"a.example.com"},{"rrname":"b.example.com"}]}}`, Suricata, cells{event.Query: "a.example.com\nb.example.com"}},
		{"an answer's names are no query", `{"event_type":"dns","src_ip":"10.0.0.5","dns":{"rrname":"a.example.com","answers":[{"rrname":"b.example.com"}]}}`, Suricata, cells{event.Query: "a.example.com"}},
		{"tunnel's addresses", `{"event_type":"flow","dest_ip":"198.51.100.7","tunnel":{"src_ip":"192.0.2.1"}}`, Suricata, cells{event.Source: ""}},
		{"escapes", `{"dest_ip":"198.51.100.7","url":"http:\/\/x\/\"\\\t\u00e4\ud83d\ude00\ud800b"}`, JSON, cells{event.URL: "http://x/\"\\\tä\U0001F600\uFFFDb"}},
		{"an escape at the end", `{"dest_ip":"198.51.100.7","url":"a\u0041"}`, JSON, cells{event.URL: "aA"}},
		{"bytes that are no UTF-8", "{\"dest_ip\":\"198.51.100.7\",\"url\":\"a\xffb\"}", JSON, cells{event.URL: "a\xffb"}},
		{"data set", `{"All_Traffic.src_ip":"10.0.0.1","All_Traffic":{"dest_ip":"198.51.100.7"}}`, JSON, cells{event.Source: "10.0.0.1", event.Destination: "198.51.100.7"}},
		{"lists", `{"dest_ip":["192.0.2.1",null,"192.0.2.2",["192.0.2.3"],{"a":"b"}],"dest_port":9001}`, JSON, cells{event.Destination: "192.0.2.1\nnull\n192.0.2.2\n192.0.2.3", event.DestinationPort: "9001"}},
		{"null before a value", `{"dest_ip":null,"dest":"198.51.100.7"}`, JSON, cells{event.Destination: "198.51.100.7"}},
		{"blanks", ` { "src" : "10.0.0.5" , "dest" : "198.51.100.7" } `, JSON, cells{event.Destination: "198.51.100.7"}},
		{"behind syslog", `<13>Nov 20 10:00:00 ids suricata[7]: {"dest_ip":"198.51.100.7"}`, JSON, cells{event.Destination: "198.51.100.7"}},
		{"long values", `{"pad":"` + long + `","dest_ip":"198.51.100.7"}`, JSON, cells{event.Destination: "198.51.100.7"}},
		{"long names", `{"` + long + `":{"dest_ip":"192.0.2.1"},"dest_ip":"198.51.100.7"}`, JSON, cells{event.Destination: "198.51.100.7"}},
		{"a row of an export", `{"preview":false,"offset":0,"result":{"src_ip":"10.0.0.1","_time":"2026-11-20T12:00:00.000+00:00"}}`, JSON, cells{event.Source: "10.0.0.1", event.Time: "2026-11-20T12:00:00.000+00:00"}},
	} {
		c.want.has(t, flowOf(t, c.line, c.format), c.about)
	}
	for about, text := range map[string]string{
		"a preview": `{"preview":true,"result":{"src_ip":"10.0.0.1"}}`, "messages": `{"messages":[{"type":"INFO"}]}`, "no row": `{"preview":false,"lastrow":true}`,
	} {
		_, claim := read(t, text)
		require.Equal(t, Other, claim.Kind, about)
		require.Contains(t, claim.Text, "Splunk", about)
	}
}

// Where a text breaks off what stood before counts, but no half of a value.
func TestCutObjects(t *testing.T) {
	whole := `{"src_ip":"10.0.0.5","src_port":50000,"dest_ip":"198.51.100.7","x":[{"y":1}]}`
	seen := map[string]bool{}
	for at := range len(whole) {
		var p Parser
		var e event.Event
		claim := p.Read([]byte(whole[:at]), &e)
		if claim.Kind != Flow {
			continue
		}
		require.True(t, claim.Cut, at)
		text := func(r event.Role) string { return string(e.Text(r, nil)) }
		seen[text(event.Source)+" "+text(event.SourcePort)+" "+text(event.Destination)] = true
	}
	require.Equal(t, map[string]bool{"10.0.0.5  ": true, "10.0.0.5 50000 ": true, "10.0.0.5 50000 198.51.100.7": true}, seen)
	_, claim := read(t, `{"pad":"`+strings.Repeat("x", event.MaxText)+`","dest":"198.51.100.1"}`)
	require.Equal(t, Broken, claim.Kind, "no more than that is read of an event")
}

// A list is read to its end, however long; that of a line which is cut as far as the
// line is read, and then that is told.
func TestLongLists(t *testing.T) {
	list := func(n int) string {
		return `{"dest_ip":[` + strings.Repeat(`"192.0.2.9",`, n) + `"198.51.100.1"],"dest_port":9001}`
	}
	for n, cut := range map[int]bool{100: false, 1500: false, event.MaxText/len(`"192.0.2.9",`) - 10: false, event.MaxText / 4: true} {
		e, claim := read(t, list(n))
		require.Equal(t, Claim{Kind: Flow, Format: JSON, Cut: cut}, claim, n)
		text := string(e.Text(event.Destination, nil))
		require.LessOrEqual(t, len(text), event.MaxText)
		require.Equal(t, !cut, strings.HasSuffix(text, "\n198.51.100.1"), n)
		require.Equal(t, !cut, string(e.Text(event.DestinationPort, nil)) == "9001", n)
		require.GreaterOrEqual(t, strings.Count(text, "192.0.2.9"), min(n, event.MaxText/len(`"192.0.2.9",`)-10))
	}
}
