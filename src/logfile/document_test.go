package logfile

import (
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"
)

// Documents: their records are events, by number.
func TestDocuments(t *testing.T) {
	a, b := `{"dest_ip":"192.0.2.1"}`, `{"dest_ip":"192.0.2.2","x":{"y":[1,{"z":null}]}}`
	both := []string{"192.0.2.1", "192.0.2.2"}
	for about, c := range map[string]struct {
		text string
		want []string
	}{
		"an array":              {"[" + a + "," + b + "]", both},
		"over several lines":    {"[\n  " + a + ",\n  {\n    \"dest_ip\":\n \"192.0.2.2\"\n  }\n]\n", both},
		"an array of texts":     {`["` + strings.ReplaceAll(a, `"`, `\"`) + `", "` + strings.ReplaceAll(b, `"`, `\"`) + `"]`, both},
		"an empty array":        {"[]", nil},
		"objects over lines":    {"{\n\"dest_ip\":\"192.0.2.1\"\n}\n{\n\"dest_ip\":\"192.0.2.2\"\n}\n", both},
		"Splunk's results":      {`{"preview":false,"init_offset":0,"fields":[{"name":"dest_ip"}],"results":[` + a + "," + b + `], "highlighted":{}}`, both},
		"CloudTrail":            {`{"Records":[{"sourceIPAddress":"198.51.100.1","eventTime":"2026-11-20T10:00:00Z"},` + a + `]}`, []string{"", "192.0.2.1"}},
		"Microsoft's value":     {`{"@odata.context":"https://x/$metadata","value":[` + a + "," + b + `]}`, both},
		"the key inside a text": {`{"dest_ip":"192.0.2.1","x":"\"results\":[{"}` + "\n" + b, both},
		"one object":            {a, both[:1]},
		"an object's members":   {`{"x":"y",` + "\n" + `"dest_ip":"192.0.2.1"}`, both[:1]},
		"arrays on lines":       {"[" + a + "]\n[" + b + "]\n", both},
		"events of a wrapper":   {`[{"event":` + a + `},{"message":"{\"dest_ip\":\"192.0.2.2\"}"}]`, both},
		"syslog before texts":   {`["<13>Nov 20 10:00:00 x {\"dest_ip\":\"192.0.2.1\"}"]`, both[:1]},
	} {
		for _, pieces := range []bool{false, true} {
			src := strings.NewReader(c.text)
			events, l := readFrom(t, Options{}, src)
			if pieces {
				events, l = readFrom(t, Options{}, iotest.OneByteReader(strings.NewReader(c.text)))
			}
			require.Empty(t, complaints(l), about)
			var got []string
			for i, e := range events {
				require.EqualValues(t, i+1, e.line, about)
				got = append(got, e.dest)
			}
			require.Equal(t, c.want, got, about)
			require.Zero(t, l.BadFiles, about)
		}
	}

	_, l := read(t, Options{}, `[{"event_type":"stats"},`+a+`,{"a":1}]`)
	require.EqualValues(t, 1, l.Kinds["Suricata stats"])
	require.EqualValues(t, 1, l.Kinds["JSON without an address or name"])
}

// Documents that break off, or hold what nobody keeps in memory: what stood before
// counts.
func TestBrokenDocuments(t *testing.T) {
	a := `{"dest_ip":"192.0.2.1"}`
	for about, c := range map[string]struct {
		text, want string
		events     int
	}{
		"the end is missing":        {"[" + a + "," + a, "broken file: x.log:3: " + brokenDocument.text, 2},
		"in a record":               {"[" + a + `,{"dest_ip":`, "broken file: x.log:2: " + brokenDocument.text, 1},
		"no value":                  {"[" + a + ",]", "broken file: x.log:2: " + brokenDocument.text, 1},
		"an export's end":           {`{"results":[` + a, "broken file: x.log:2: " + brokenDocument.text, 1},
		"nothing but the beginning": {"{\n", "broken file: x.log:1: " + brokenDocument.text, 0},
		"a long record":             {"[" + a + `,{"x":"` + strings.Repeat("x", 3<<20) + `"},` + a + "]", "line too long: x.log:2: " + longRecord.text, 1},
		"an endless nest":           {"[" + a + "," + strings.Repeat(`{"x":`, 20_000) + "1", "broken file: x.log:2: " + brokenDocument.text, 1},
	} {
		events, l := read(t, Options{}, c.text)
		require.Equal(t, []string{c.want}, complaints(l), about)
		require.Len(t, events, c.events, about)
		require.Equal(t, 1, l.BadFiles, about)
	}
}
