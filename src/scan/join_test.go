package scan_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"tordetect/src/detect"
	"tordetect/src/flow"
	"tordetect/src/report/digest"
	"tordetect/src/scan"
)

// event is an event between 10.0.0.5 and 198.51.100.1:9001. Code is a piece of
// evidence, or empty.
func event(file string, line int64, connection string, first, last int64, score int, code string, change ...func(*scan.Flow)) *scan.Flow {
	d := &detect.Finding{Score: score, Verdict: detect.VerdictNone, State: flow.StateUnknown, Direction: detect.Outbound}
	for _, e := range detect.Weights() {
		if e.Name() == code {
			d.Evidence = []detect.Evidence{e}
		}
	}
	for at, v := range map[int]detect.Verdict{20: detect.VerdictPossible, 50: detect.VerdictLikely, 80: detect.VerdictTor} {
		if score >= at {
			d.Verdict = max(d.Verdict, v)
		}
	}
	if code == "or_port" {
		d.Role, d.Relays = detect.RoleGuard, []*flow.Sighting{{Fingerprint: "A", Nickname: "anna", First: 1, Last: 9}}
		d.Deciding = d.Relays[0]
	}
	d.Reason = fmt.Appendf(nil, "%s:%d", file, line)
	f := &scan.Flow{File: file, Line: line, First: first, Last: last, Finding: d, Connection: []byte(connection)}
	set(scan.SrcIP, "10.0.0.5")(f)
	set(scan.DestIP, "198.51.100.1")(f)
	set(scan.DestPort, "9001")(f)
	for _, c := range change {
		c(f)
	}
	return f
}

func set(c scan.Column, text string) func(*scan.Flow) {
	return func(f *scan.Flow) { f.Cells[c] = []byte(text) }
}

// ends makes an event the last of its flow, which answered.
func ends(bytesIn, bytesOut string) func(*scan.Flow) {
	return func(f *scan.Flow) {
		f.Closes, f.Finding.State = true, flow.Established
		set(scan.BytesIn, bytesIn)(f)
		set(scan.BytesOut, bytesOut)(f)
	}
}

// told is a flow as reports have it.
func told(p *digest.Pair) string {
	return fmt.Sprintf("%s %s, %s %d %s, %d flows, %d-%d, in %d out %d, %s, by %s", p.Ours, p.Theirs, p.Verdict, p.Best.Score, p.State, p.Flows, p.First, p.Last,
		p.BytesIn, p.BytesOut, strings.Join(p.Best.Evidence, " "), p.Best.Reason)
}

// community ids of two connections.
const (
	idA = "1:LQU9qZlK+B5F3KDmev6m5PMibrg="
	idB = "1:d/FP5EW3wiY1vCndhwleRRKHowQ="
)

func TestEventsOfAConnectionAreAFlow(t *testing.T) {
	conn := event("conn.log", 9, "C1", 100, 160, 97, "or_port", ends("5000", "900"))
	ssl := event("ssl.log", 3, "C1", 0, 98, 40, "ja4_tor", set(scan.SNI, "www.example.com"))
	dns := event("dns.log", 4, "C1", 0, 170, 0, "")
	plain := event("conn.log", 8, "C1", 100, 160, 0, "", ends("5000", "900"))
	late := func(f *scan.Flow, by int64) *scan.Flow {
		moved := *f
		moved.First, moved.Last = f.First+by, f.Last+by
		return &moved
	}
	of := func(f *scan.Flow, connection string) *scan.Flow {
		moved := *f
		moved.Connection = []byte(connection)
		return &moved
	}
	for name, c := range map[string]struct {
		events        []*scan.Flow
		flows, others int64    // read
		verdicts      string   // tor, likely, possible, none, unknown
		want          []string // pairs
	}{
		"conn, ssl and dns of a uid": {[]*scan.Flow{conn, ssl, dns}, 1, 2, "1 0 0 0 0",
			[]string{"10.0.0.5 198.51.100.1:9001, tor 97 established, 1 flows, 98-170, in 5000 out 900, or_port ja4_tor, by conn.log:9"}},
		"ssl before conn": {[]*scan.Flow{ssl, conn}, 1, 1, "1 0 0 0 0",
			[]string{"10.0.0.5 198.51.100.1:9001, tor 97 established, 1 flows, 98-160, in 5000 out 900, or_port ja4_tor, by conn.log:9"}},
		"the end has no evidence": {[]*scan.Flow{ssl, plain}, 1, 1, "0 0 1 0 0",
			[]string{"10.0.0.5 198.51.100.1:9001, possible 40 established, 1 flows, 98-160, in 5000 out 900, ja4_tor, by ssl.log:3"}},
		"the end had none, and went by": {[]*scan.Flow{plain, ssl}, 1, 1, "0 0 1 1 0",
			[]string{"10.0.0.5 198.51.100.1:9001, possible 40 unknown, 1 flows, 98-98, in 0 out 0, ja4_tor, by ssl.log:3"}},
		"flow, tls and alert of a flow_id": {[]*scan.Flow{
			event("eve.json", 1, "1792", 0, 101, 90, "ja4_tor", set(scan.SNI, "www.example.com")),
			event("eve.json", 2, "1792", 100, 101, 65, "app_label", set(scan.BytesIn, "70"), set(scan.BytesOut, "60")),
			event("eve.json", 3, "1792", 100, 160, 97, "or_port", ends("5000", "900")),
		}, 1, 2, "1 0 0 0 0", []string{"10.0.0.5 198.51.100.1:9001, tor 97 established, 1 flows, 100-160, in 5000 out 900, or_port ja4_tor app_label, by eve.json:3"}},
		"an alert that is surer than the end": {[]*scan.Flow{
			event("eve.json", 1, "1792", 100, 101, 65, "app_label", set(scan.BytesIn, "70"), set(scan.BytesOut, "60")), of(plain, "1792"), event("eve.json", 5, "1792", 0, 120, 97, "or_port", set(scan.BytesIn, "80")),
		}, 1, 2, "1 0 0 0 0", []string{"10.0.0.5 198.51.100.1:9001, tor 97 established, 1 flows, 100-160, in 5000 out 900, or_port app_label, by eve.json:5"}},
		"two uids": {[]*scan.Flow{conn, of(ssl, "C2")}, 1, 1, "1 0 1 0 0", []string{
			"10.0.0.5 198.51.100.1:9001, tor 97 established, 1 flows, 100-160, in 5000 out 900, or_port, by conn.log:9",
			"10.0.0.5 198.51.100.1:9001, possible 40 unknown, 1 flows, 98-98, in 0 out 0, ja4_tor, by ssl.log:3"}},
		"one community_id": {[]*scan.Flow{of(conn, idA), of(ssl, idA), of(dns, idB)}, 1, 2, "1 0 0 0 0",
			[]string{"10.0.0.5 198.51.100.1:9001, tor 97 established, 1 flows, 98-160, in 5000 out 900, or_port ja4_tor, by conn.log:9"}},
		"one community_id, hours apart": {[]*scan.Flow{of(conn, idA), late(of(conn, idA), 7200), late(of(ssl, idA), 7200), of(ssl, idA), late(of(dns, idA), 20000)}, 2, 3, "2 0 0 0 0",
			[]string{"10.0.0.5 198.51.100.1:9001, tor 97 established, 2 flows, 98-7360, in 10000 out 1800, or_port ja4_tor, by conn.log:9"}},
		"a ssl event alone": {[]*scan.Flow{ssl}, 0, 1, "0 0 1 0 0",
			[]string{"10.0.0.5 198.51.100.1:9001, possible 40 unknown, 1 flows, 98-98, in 0 out 0, ja4_tor, by ssl.log:3"}},
		"a ssl log alone": {[]*scan.Flow{ssl, dns, of(dns, "C2")}, 0, 3, "0 0 1 1 0",
			[]string{"10.0.0.5 198.51.100.1:9001, possible 40 unknown, 1 flows, 98-170, in 0 out 0, ja4_tor, by ssl.log:3"}},
		"no connection is known": {[]*scan.Flow{of(conn, ""), of(conn, "")}, 2, 0, "2 0 0 0 0",
			[]string{"10.0.0.5 198.51.100.1:9001, tor 97 established, 2 flows, 100-160, in 10000 out 1800, or_port, by conn.log:9"}},
		"ends without a time": {[]*scan.Flow{of(late(conn, 0), idA), func() *scan.Flow { f := of(ssl, idA); f.Last = 0; return f }()}, 1, 1, "1 0 0 0 0",
			[]string{"10.0.0.5 198.51.100.1:9001, tor 97 established, 1 flows, 100-160, in 5000 out 900, or_port ja4_tor, by conn.log:9"}},
	} {
		t.Run(name, func(t *testing.T) {
			verdicts := func(s *scan.Summary) string {
				var out []string
				for _, v := range scan.Verdicts {
					out = append(out, fmt.Sprint(s.Verdicts[v]))
				}
				return strings.Join(out, " ")
			}
			d := digest.New()
			counter := scan.NewCounter(&scan.Options{Join: true, MinScore: 20}, func(f *scan.Flow) error {
				require.Equal(t, f.Finding.State == flow.Established, f.Closes)
				d.Add(f)
				return nil
			})
			for _, f := range c.events {
				feed(t, counter, f)
			}
			s, err := counter.Finish()
			require.NoError(t, err)
			require.Equal(t, []int64{c.flows, c.others}, []int64{s.Flows, s.Events})
			require.Equal(t, c.verdicts, verdicts(s))
			var got []string
			for _, p := range d.SortedPairs() {
				got = append(got, told(p))
			}
			require.Equal(t, c.want, got)

			// CSV and JSON get events, and the counts are those of flows all the same.
			rows := 0
			counter = scan.NewCounter(&scan.Options{}, func(f *scan.Flow) error {
				require.Equal(t, string(c.events[rows].Finding.Reason), string(f.Finding.Reason))
				rows++
				return nil
			})
			for _, f := range c.events {
				feed(t, counter, f)
			}
			s, err = counter.Finish()
			require.NoError(t, err)
			require.Equal(t, len(c.events), rows)
			require.Equal(t, c.verdicts, verdicts(s))
		})
	}
}

// feed hands over an event in memory that is another's at once.
func feed(t *testing.T, c scan.Counter, f *scan.Flow) {
	t.Helper()
	passing, finding := *f, *f.Finding
	passing.Finding = &finding
	finding.Reason = bytes.Clone(finding.Reason)
	passing.Connection = bytes.Clone(f.Connection)
	finding.Evidence = append([]detect.Evidence(nil), finding.Evidence...)
	for i, relay := range finding.Relays {
		copied := *relay
		finding.Relays = append([]*flow.Sighting(nil), finding.Relays...)
		if finding.Relays[i] = &copied; finding.Deciding == relay {
			finding.Deciding = &copied
		}
	}
	for i, cell := range f.Cells {
		passing.Cells[i] = bytes.Clone(cell)
	}
	require.NoError(t, c.Event(&passing))
	for _, text := range append(passing.Cells[:], finding.Reason, passing.Connection) {
		for i := range text {
			text[i] = '#'
		}
	}
	for _, relay := range finding.Relays {
		*relay = flow.Sighting{}
	}
	clear(finding.Evidence)
	finding = detect.Finding{}
}

// Of most events nothing is asked but what to count, and that costs no memory; the
// totals are those of events that are handed over whole.
func TestQuietEvents(t *testing.T) {
	var events []*scan.Flow
	for i := range int64(200) {
		f := event("conn.log", i, fmt.Sprint("C", i/2), 100+i, 160+i, 0, "")
		if i%2 == 0 {
			ends("5000", "900")(f)
		}
		if i%20 < 2 {
			f.Finding = event("conn.log", i, "", 0, 0, 10+int(i%20)*30, "relay_address").Finding
		}
		f.Coverage, f.ListTime = scan.Coverages[i%3], 1000+i
		events = append(events, f)
	}
	var sums []scan.Summary
	for _, hand := range []func(scan.Counter, *scan.Flow) error{scan.Counter.Event, scan.Counter.Offer} {
		handed := 0
		counter := scan.NewCounter(&scan.Options{MinScore: 20, Join: true}, func(*scan.Flow) error { handed++; return nil })
		for _, f := range events {
			require.NoError(t, hand(counter, f))
		}
		s, err := counter.Finish()
		require.NoError(t, err)
		require.Equal(t, 10, handed)
		require.EqualValues(t, []int64{100, 100, 10, 1199}, []int64{s.Flows, s.Events, s.AtLeast(detect.VerdictPossible), s.ListUntil})
		require.EqualValues(t, 100, s.Judged())
		s.Options = nil
		sums = append(sums, *s)
	}
	require.Equal(t, sums[0], sums[1])

	counter := scan.NewCounter(&scan.Options{MinScore: 20, Join: true}, nil)
	require.NoError(t, counter.Offer(events[0]))
	require.Zero(t, testing.AllocsPerRun(1000, func() { _ = counter.Offer(events[2]) }))
}

// However the files are ordered, a connection becomes the same flow.
func TestJoinedInAnyOrder(t *testing.T) {
	events := []*scan.Flow{
		event("conn.log", 9, "C1", 100, 160, 97, "or_port", ends("5000", "900")),
		event("ssl.log", 3, "C1", 0, 98, 97, "ja4_tor", set(scan.SNI, "www.example.com"), set(scan.BytesIn, "3")),
		event("http.log", 4, "C1", 0, 170, 40, "onion_name", set(scan.URL, "x"), set(scan.User, "ann")),
	}
	var want *digest.Pair
	for _, order := range [][]int{{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}} {
		d := digest.New()
		var joined string
		counter := scan.NewCounter(&scan.Options{Join: true}, func(f *scan.Flow) error {
			d.Add(f)
			joined = fmt.Sprintf("%s %s %s %v", f.Cells[scan.SNI], f.Cells[scan.URL], f.Cells[scan.User], f.Closes)
			return nil
		})
		for _, i := range order {
			feed(t, counter, events[i])
		}
		_, err := counter.Finish()
		require.NoError(t, err)
		pairs := d.SortedPairs()
		require.Len(t, pairs, 1)
		require.Equal(t, "www.example.com x ann true", joined)
		require.ElementsMatch(t, []string{"or_port", "ja4_tor", "onion_name"}, pairs[0].Best.Evidence)
		pairs[0].Best.Evidence = nil
		if want == nil {
			want = pairs[0]
		}
		require.Equal(t, want, pairs[0], order)
		require.Equal(t, []string{"conn.log", "A"}, []string{want.Best.File, want.Best.Relays[0].Fingerprint})
	}
}

// What is held is bounded; what does not fit is counted as it stands, and that is
// said.
func TestJoinedIsBounded(t *testing.T) {
	long := strings.Repeat("u", 5000)
	for name, c := range map[string]struct {
		text, connection string
		n                int
	}{
		"many": {"u", "C%d", scan.MaxJoined + 500}, "long": {long, "C%d", 20_000}, "one id again and again": {"u", idA, scan.MaxSameID + 30},
	} {
		t.Run(name, func(t *testing.T) {
			flows := 0
			counter := scan.NewCounter(&scan.Options{Join: true}, func(*scan.Flow) error { flows++; return nil })
			f := event("conn.log", 1, "", 100, 160, 97, "or_port", ends("5000", "900"))
			for _, cell := range []scan.Column{scan.User, scan.URL, scan.SNI, scan.Query, scan.App} {
				set(cell, c.text)(f)
			}
			for i := range c.n {
				f.Connection = []byte(strings.ReplaceAll(c.connection, "%d", fmt.Sprint(i)))
				f.First, f.Last = f.First+7200, f.Last+7200
				require.NoError(t, counter.Event(f))
				held, size := counter.Held()
				require.LessOrEqual(t, held, scan.MaxJoined)
				require.LessOrEqual(t, size, scan.MaxJoinedText)
			}
			held, _ := counter.Held()
			require.Equal(t, c.n, flows+held)
			s, err := counter.Finish()
			require.NoError(t, err)
			require.Equal(t, c.n, flows)
			require.EqualValues(t, c.n, s.AtLeast(detect.VerdictTor))
			require.EqualValues(t, c.n-held, s.Early)
			require.Positive(t, s.Early)
			held, size := counter.Held()
			require.Zero(t, held+size)
		})
	}
}

// A flow that was counted takes nothing more, though another of its id is held.
func TestJoinedAfterTheEnd(t *testing.T) {
	flows := 0
	counter := scan.NewCounter(&scan.Options{Join: true}, func(*scan.Flow) error { flows++; return nil })
	conn := func(id string, at int64) *scan.Flow {
		return event("conn.log", 1, id, at, at+60, 97, "or_port", ends("5000", "900"))
	}
	require.NoError(t, counter.Event(conn(idA, 100)))
	require.NoError(t, counter.Event(conn(idA, 7300)))
	for i := range scan.MaxJoined - 1 {
		require.NoError(t, counter.Event(conn(fmt.Sprint("C", i), 100)))
	}
	require.Equal(t, 1, flows)
	require.NoError(t, counter.Event(conn(idA, 100)))
	s, err := counter.Finish()
	require.NoError(t, err)
	require.Equal(t, scan.MaxJoined+2, flows)
	require.EqualValues(t, 2, s.Early)
}

// An error of whoever takes the flows ends the run, whenever it comes.
func TestJoinedErrors(t *testing.T) {
	gone := errors.New("gone")
	counter := scan.NewCounter(&scan.Options{Join: true}, func(*scan.Flow) error { return gone })
	require.NoError(t, counter.Event(event("conn.log", 1, "C1", 1, 2, 97, "or_port")))
	require.ErrorIs(t, counter.Event(event("conn.log", 1, "", 1, 2, 97, "or_port")), gone)
	_, err := counter.Finish()
	require.ErrorContains(t, err, "write the results: gone")
}
