package format

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"tordetect/src/event"
)

// An event as a text or an object in another one. What the outer says fills in what
// the event does not.
func TestWrappers(t *testing.T) {
	in := func(key, text string) string {
		quoted, err := json.Marshal(map[string]any{key: text, "agent": "fw1", "@timestamp": "2026-11-20T11:00:00Z"})
		require.NoError(t, err)
		return string(quoted)
	}
	for _, inner := range []struct {
		line   string
		format Format
	}{{panLine, PAN}, {`1,2026/11/20 10:00:00,x,SYSTEM`, PAN}, {zeekLine, Zeek}, {eveLine, Suricata}, {"<13>Nov 20 10:00:00 x " + eveLine, Suricata}} {
		want, claim := read(t, inner.line)
		for _, key := range []string{"_raw", "message", "event"} {
			for _, text := range []string{in(key, inner.line), "Nov 20 10:00:00 h " + in(key, inner.line), in("message", in(key, inner.line))} {
				e, got := read(t, text)
				if claim.Kind != Flow {
					require.Equal(t, claim.Text, got.Text, text)
					continue
				}
				require.Equal(t, claim, got, text)
				for r := range event.Roles {
					if r != event.LogTime {
						require.Equal(t, string(want.Text(r, nil)), string(e.Text(r, nil)), "%s: %s", text, event.Table()[r].Means)
					}
				}
			}
		}
	}
	e := flowOf(t, in("message", `{"dest_ip":"198.51.100.1"}`), JSON)
	cells{event.LogTime: "2026-11-20T11:00:00Z"}.has(t, e, "the shipper's time where the event has none")
	e = flowOf(t, `{"event":{"original":`+quoted(panLine)+`}}`, PAN)
	panWant.has(t, e, "Elastic's")

	// HTTP Event Collector: an object under event is the event, whatever its names; its
	// time counts where the event has none, and under no other key.
	e = flowOf(t, `{"time":1795168800.5,"event":{"dest_ip":"198.51.100.1","duration":5,"action":"deny"}}`, JSON)
	cells{event.LogTime: "1795168800.5", event.Duration: "5", event.Action: "deny"}.has(t, e, "an object")
	e = flowOf(t, `{"time":1795168800.5,"message":"{\"dest_ip\":\"198.51.100.1\"}"}`, JSON)
	cells{event.LogTime: ""}.has(t, e, "a word of others")
	e = flowOf(t, `{"source":{"ip":"10.0.0.5"},"event":{"duration":5000,"action":"deny"}}`, JSON)
	cells{event.Duration: "5000", event.Action: ""}.has(t, e, "ECS")
	e, claim := read(t, `{"event":{"dest_ip":"198.51.100.1","x":`)
	require.Equal(t, Claim{Kind: Flow, Format: JSON, Cut: true}, claim)
	cells{event.Destination: "198.51.100.1"}.has(t, e, "cut")

	// No further than that: who nests events for fun gets no answer.
	deep := `{"dest_ip":"198.51.100.1"}`
	for range maxWraps {
		deep = `{"event":` + deep + `}`
	}
	flowOf(t, deep, JSON)
	_, claim = read(t, `{"event":`+deep+`}`)
	require.Equal(t, Other, claim.Kind)
}

func quoted(text string) string {
	out, _ := json.Marshal(text)
	return string(out)
}

// Lists of the outer event stay as they are, whatever lists the inner one has.
func TestWrappedLists(t *testing.T) {
	inner, err := json.Marshal(map[string]string{"message": `{"src_ip":"10.0.0.5","dest_ip":["198.51.100.1","198.51.100.2"],"url":["/x","/y"]}`})
	require.NoError(t, err)
	line := `{"app":["ssl","dns"],"user":["ann","bob"],` + string(inner[1:])
	var p Parser
	var e event.Event
	for range 3 {
		require.Equal(t, Flow, p.Read([]byte(line), &e).Kind)
		for r, want := range map[event.Role]string{event.App: "ssl\ndns", event.User: "ann\nbob", event.Destination: "198.51.100.1\n198.51.100.2", event.URL: "/x\n/y"} {
			require.Equal(t, want, string(e.Text(r, nil)))
		}
	}
}
