package format

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"tordetect/src/event"
)

// panWant is what panLine says.
var panWant = cells{
	event.Source: "10.0.0.5", event.Destination: "198.51.100.1", event.SourcePort: "50624", event.DestinationPort: "9001", event.Transport: "tcp",
	event.App: "tor", event.Action: "allow", event.BytesIn: "810", event.BytesOut: "6609", event.PacketsIn: "11", event.PacketsOut: "14",
	event.Duration: "65", event.LogTime: "2026/11/20 10:00:01", event.Subtype: "end", event.User: `corp\ann`,
}

// The forms in which the same TRAFFIC line comes: behind headers, with commas in them,
// without its first field, all quoted, with more fields, and in a text of an object.
func TestTraffic(t *testing.T) {
	quoted := `"` + strings.ReplaceAll(panLine, ",", `","`) + `"`
	for about, line := range map[string]string{
		"as it is":                     panLine,
		"syslog":                       "<14>Nov 20 12:00:00 fw.example.com " + panLine,
		"RFC 5424 with commas":         `<14>1 2026-11-20T12:00:00Z fw - - - [x a="1,2" b="3"] ` + panLine,
		"a header with commas":         "Nov 20 12:00:00 fw1, eth0, " + panLine,
		"no first field":               panLine[2:],
		"no first field, header":       "<14>Nov 20 12:00:00 fw.example.com " + panLine[2:],
		"quoted":                       quoted,
		"quoted, header":               "Nov 20 12:00:00 fw " + quoted,
		"quoted, no first, header":     "Nov 20 12:00:00 fw " + quoted[4:],
		"a rule with commas":           strings.Replace(panLine, "Outbound", `"Out, ""all"""`, 1),
		"a stray quote":                strings.Replace(panLine, "Outbound", `my "rule`, 1),
		"text behind a quote":          strings.Replace(panLine, "Outbound", `"a" rule`, 1),
		"46 fields":                    strings.Join(strings.Split(panLine, ",")[:46], ","),
		"115 fields":                   panLine + strings.Repeat(",x", 115-47),
		"blanks around and a line end": "  " + panLine + " \r\n",
	} {
		panWant.has(t, flowOf(t, line, PAN), about)
	}
	// Of a line that was cut what stood before counts, but not the half of a field.
	e, _ := read(t, panLine[:strings.Index(panLine, "001,11024")])
	cells{event.Destination: "198.51.100.1", event.SourcePort: "50624", event.DestinationPort: ""}.has(t, e, "cut in a port")
}

// THREAT of the subtype url has the URL where TRAFFIC has bytes.
func TestThreatURL(t *testing.T) {
	line := strings.Replace(strings.Replace(panLine, "TRAFFIC,end", "THREAT,url", 1), ",7419,6609,", `,"www.example.com/a,""b""",(9999),`, 1)
	e := flowOf(t, line, PAN)
	cells{event.URL: `www.example.com/a,"b"`, event.BytesIn: "", event.BytesOut: "", event.Duration: "", event.App: "tor", event.Action: "allow"}.has(t, e, "THREAT")
	e = flowOf(t, strings.Replace(line, `"www.example.com/a,""b"""`, `"""b"" at www.example.com"`, 1), PAN)
	cells{event.URL: `"b" at www.example.com`}.has(t, e, "a quote at the start")
}

// Palo Alto's times: when the log was made, when it was received, the one with an
// offset, wherever it stands, and the header's.
func TestPaloAltoTimes(t *testing.T) {
	e := flowOf(t, panLine, PAN)
	require.Equal(t, "2026/11/20 10:00:01", string(e.Text(event.LogTime, nil)))
	e = flowOf(t, strings.Replace(panLine, "2026/11/20 10:00:01", "", 1), PAN)
	require.Equal(t, "2026/11/20 10:00:00", string(e.Text(event.LogTime, nil)), "received")
	for _, at := range []int{1, 30, 60} {
		e = flowOf(t, panLine+strings.Repeat(",x-T-y", at)+",2026-11-20T11:00:01.500+01:00,z", PAN)
		require.Equal(t, "2026-11-20T11:00:01.500+01:00", string(e.Text(event.LogTime, nil)))
	}
	e = flowOf(t, strings.ReplaceAll(panLine, "2026/11/20 10:00:01", "2026-11-20T10:00:01.000000Z"), PAN)
	require.Equal(t, "2026-11-20T10:00:01.000000Z", string(e.Text(event.LogTime, nil)), "Prisma Access")
	e = flowOf(t, "<14>1 2026-11-20T12:00:00+02:00 fw - - - - "+panLine, PAN)
	require.Equal(t, "2026-11-20T12:00:00+02:00", string(e.HeaderTime))
	e = flowOf(t, panLine, PAN)
	require.Empty(t, e.HeaderTime)
}

func TestFindCommas(t *testing.T) {
	for _, line := range []string{"", ",", "a", "a,b", ",,,,,,,,,", "abcdefg,", "abcdefgh,i", "\xac,\x80,\x2d\x2b,,12345678,,", strings.Repeat("ab,", 20)} {
		var want []int32
		for at := range len(line) {
			if line[at] == ',' {
				want = append(want, int32(at))
			}
		}
		for room := range 22 {
			ends := make([]int32, room)
			n := findAll([]byte(line), ',', ends)
			require.Equal(t, min(len(want), room), n, "%q", line)
			require.Equal(t, append([]int32{}, want[:n]...), ends[:n], "%q", line)
		}
	}
}
