package format

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"tordetect/src/event"
)

// cells are what a test looks at, by role: an event's first cells.
type cells map[event.Role]string

// has holds an event to cells; an empty one is to be without a value.
func (want cells) has(t *testing.T, e *event.Event, about string) {
	t.Helper()
	for role, text := range want {
		require.Equal(t, text, string(e.Text(role, nil)), "%s: %s", about, event.Table()[role].Means)
	}
}

// read reads one line by itself.
func read(t *testing.T, line string) (*event.Event, Claim) {
	t.Helper()
	var p Parser
	e := new(event.Event)
	return e, p.Read([]byte(line), e)
}

// flowOf reads a line that is a flow of a format.
func flowOf(t *testing.T, line string, format Format) *event.Event {
	t.Helper()
	e, claim := read(t, line)
	require.Equal(t, Claim{Kind: Flow, Format: format}, claim, line)
	return e
}

const (
	panLine  = `1,2026/11/20 10:00:00,0123,TRAFFIC,end,2561,2026/11/20 10:00:01,10.0.0.5,198.51.100.1,192.0.2.10,198.51.100.1,Outbound,corp\ann,bob,tor,vsys1,T,U,e1,e2,fwd,2026/11/20 10:00:00,14740,1,50624,9001,11024,9001,0x400053,tcp,allow,7419,6609,810,25,2026/11/20 09:58:55,65,any,0,376,0x0,A,B,0,14,11,tcp-fin`
	zeekLine = "1795168800.123456\tC1\t10.0.0.5\t40000\t198.51.100.1\t9001"
	eveLine  = `{"timestamp":"2026-11-20T10:00:00.1+0000","event_type":"flow","src_ip":"10.0.0.5","dest_ip":"198.51.100.1","dest_port":9001,"proto":"TCP"}`
)

// Who knows a line says what it is; of others nobody says anything.
func TestClaims(t *testing.T) {
	for _, c := range []struct {
		line string
		want Claim
	}{
		{"", Claim{Kind: Blank}},
		{" \t\r\n", Claim{Kind: Blank}},
		{"hello", Claim{Kind: Nobody}},
		{"\x00\xff\x80 junk \x1b[31m", Claim{Kind: Nobody}},
		{"Nov 20 10:00:00 host sshd[1]: from 198.51.100.200 port 9001", Claim{Kind: Nobody}},
		{strings.Repeat(",", 500), Claim{Kind: Nobody}},
		{strings.Repeat(`"`, 1001), Claim{Kind: Nobody}},
		{",TRAFFIC," + strings.Repeat(",", 200), Claim{Kind: Nobody}},
		{panLine[40:], Claim{Kind: Nobody}},
		{panLine, Claim{Kind: Flow, Format: PAN}},
		{panLine[:strings.Index(panLine, ",7419")], Claim{Kind: Flow, Format: PAN, Cut: true}},
		{panLine[:60], Claim{Kind: Broken, Format: PAN, Text: "the TRAFFIC line has fewer fields than all PAN-OS write: it was cut", Cut: true}},
		{strings.Replace(panLine, "TRAFFIC,end", "SYSTEM,auth", 1), Claim{Kind: Other, Format: PAN, Text: "Palo Alto SYSTEM"}},
		{strings.Replace(panLine, "TRAFFIC,end", "THREAT,virus", 1), Claim{Kind: Other, Format: PAN, Text: "Palo Alto THREAT but url"}},
		{"Domain,Receive Time,Serial #,Type,Threat/Content Type", Claim{Kind: Blank}},
		{zeekLine, Claim{Kind: Flow, Format: Zeek}},
		{"x" + zeekLine, Claim{Kind: Nobody}},
		{"#close\t2026-11-20", Claim{Kind: Blank, Format: Zeek}},
		{"# a comment of somebody", Claim{Kind: Nobody}},
		{eveLine, Claim{Kind: Flow, Format: Suricata}},
		{eveLine[:len(eveLine)-1], Claim{Kind: Flow, Format: Suricata, Cut: true}},
		{`{"event_type":"stats","stats":{}}`, Claim{Kind: Other, Format: Suricata, Text: "Suricata stats"}},
		{`{"event_type":"a b","x":1}`, Claim{Kind: Other, Format: Suricata, Text: "Suricata of another kind"}},
		{strings.Replace(eveLine, `"flow"`, `"fileinfo"`, 1), Claim{Kind: Other, Format: Suricata, Text: "Suricata fileinfo"}},
		{`{"_path":"files","ts":1795168800.1}`, Claim{Kind: Other, Format: Zeek, Text: "Zeek files"}},
		{`{"a":1}`, Claim{Kind: Other, Format: JSON, Text: "JSON without an address or name"}},
		{`{"src_ip":`, Claim{Kind: Broken, Format: JSON, Text: "broken JSON", Cut: true}},
		{`{"a"}`, Claim{Kind: Broken, Format: JSON, Text: "broken JSON"}},
		{`{dest:"198.51.100.1"}`, Claim{Kind: Broken, Format: JSON, Text: "broken JSON"}},
		{strings.Repeat(`{"a":`, 100), Claim{Kind: Broken, Format: JSON, Text: "broken JSON"}},
		{"text with a { in it", Claim{Kind: Nobody}},
		{`["198.51.100.1"]`, Claim{Kind: Nobody}},
		{"CEF:0|Palo Alto Networks|PAN-OS|11.1|x|y|3|src=10.0.0.5", Claim{Kind: Other, Text: "CEF, which is not read"}},
		{"<14>Nov 20 10:00:00 fw CEF:1|Palo Alto Networks|PAN-OS|11.1|x|y|3|src=10.0.0.5", Claim{Kind: Other, Text: "CEF, which is not read"}},
		{"LEEF:1.0|Palo Alto Networks|PAN-OS|11.1|x|src=10.0.0.5", Claim{Kind: Other, Text: "LEEF, which is not read"}},
		{"LEEF:2.0|Palo Alto Networks|PAN-OS|11.1|x|^|src=10.0.0.5", Claim{Kind: Other, Text: "LEEF, which is not read"}},
		{"<166>Nov 20 2026 10:00:00 fw : %ASA-6-302013: Built outbound TCP connection", Claim{Kind: Other, Text: "Cisco ASA, which is not read"}},
		{"<166>Nov 20 2026 10:00:00 fw : %FTD-6-302013: Built outbound TCP connection", Claim{Kind: Other, Text: "Cisco FTD, which is not read"}},
	} {
		_, claim := read(t, c.line)
		require.Equal(t, c.want, claim, "%.200q", c.line)
	}
}

// A format that was named is the only one that is read, and a name is read as it is
// written.
func TestOnly(t *testing.T) {
	lines := map[Format]string{PAN: panLine, Zeek: zeekLine, Suricata: eveLine, JSON: `{"dest_ip":"198.51.100.1"}`}
	for only := range lines {
		for of, line := range lines {
			p := Parser{Only: only}
			var e event.Event
			claim := p.Read([]byte(line), &e)
			isObject := only >= Zeek && of >= Suricata // one reader of all that write JSON
			require.Equal(t, only == of || isObject, claim.Kind == Flow, "%v as %v", of, only)
		}
		again, err := ParseFormat(only.String())
		require.NoError(t, err)
		require.Equal(t, only, again)
	}
	_, err := ParseFormat("PAN")
	require.EqualError(t, err, `unknown log format "PAN": want auto, pan, zeek, suricata, fortigate, vpc, csv or json`)
}

// Lines cost no memory, whatever their format.
func TestNoAllocations(t *testing.T) {
	for name, line := range map[string]string{
		"pan": panLine, "pan quoted": strings.Replace(panLine, "Outbound", `"a, ""b"""`, 1), "zeek": zeekLine, "suricata": eveLine,
		"escapes":   `{"src_ip":"10.0.0.5","http":{"url":"\/a\u0041"},"x":["a",{"b":1}]}`,
		"in a text": `{"message":"{\"dest_ip\":\"198.51.100.1\"}"}`,
		"collected": `{"event":{"dest_ip":"198.51.100.1"},"time":1795168800}`,
		"nobody":    "Nov 20 10:00:00 host sshd[1]: from 198.51.100.200 port 9001",
	} {
		var p Parser
		var e event.Event
		text := []byte(line)
		require.Zero(t, testing.AllocsPerRun(100, func() { p.Read(text, &e) }), name)
	}
}
