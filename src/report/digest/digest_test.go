package digest

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"tordetect/src/cell"
	"tordetect/src/detect"
	"tordetect/src/flow"
	"tordetect/src/scan"
)

// A digest of many findings stays bounded, and says what it left out.
func TestDigest(t *testing.T) {
	d := New()
	for i := range 100_000 {
		d.add(Found{
			Source: fmt.Sprintf("10.%d.%d.%d", i>>16, i>>8&255, i&255), Dest: "198.51.100.1", DestPort: "9001", First: int64(1000 + i*60), Last: int64(1060 + i*60),
			Verdict: detect.VerdictTor, Score: 90, State: flow.Established, Direction: detect.Outbound, Evidence: []string{fmt.Sprint("code", i%1000)}, User: "ann",
		})
	}
	require.EqualValues(t, 100_000, d.Flows)
	require.EqualValues(t, 100_000-MaxPairs, d.Left)
	require.Len(t, d.Pairs, MaxPairs)
	require.Len(t, d.Clients, maxEnds)
	require.Len(t, d.Peers, 1)
	require.LessOrEqual(t, len(d.Verdicts.Counts), maxSlots)
	sum := int64(0)
	for _, m := range d.Verdicts.Counts {
		sum += m[detect.VerdictTor]
	}
	require.EqualValues(t, 100_000, sum)
	require.EqualValues(t, 100_000, d.Peers["198.51.100.1:9001"].Flows)

	d = New()
	out := Found{Source: "10.0.0.1", SourcePort: "5000", Dest: "198.51.100.1", DestPort: "9001", First: 100, Last: 200, Verdict: detect.VerdictLikely, Score: 60, State: flow.Attempt, Direction: detect.Outbound, BytesIn: 5, User: "ann", Relays: []Known{{Fingerprint: "A"}}}
	d.add(out)
	out.Score, out.Relays, out.First, out.Last = 65, []Known{{Fingerprint: "B"}}, 50, 120
	d.add(out)
	in := Found{Source: "198.51.100.2", SourcePort: "7000", Dest: "2001:db8::5", DestPort: "443", Host: "2001:db8::5", Peer: "198.51.100.2", Verdict: detect.VerdictTor, Score: 85, Direction: detect.Inbound, State: flow.Established}
	d.add(in)
	reversed := Found{Source: "198.51.100.1", SourcePort: "9001", Dest: "10.0.0.1", DestPort: "5000", Host: "10.0.0.1", Peer: "198.51.100.1:9001", Verdict: detect.VerdictTor, Score: 97, Direction: detect.Outbound, State: flow.Established}
	d.add(reversed)
	d.add(Found{Source: "10.0.0.3", Name: "x.onion", Verdict: detect.VerdictPossible, Score: 40, State: flow.StateUnknown})
	var got []string
	for _, p := range d.SortedPairs() {
		got = append(got, fmt.Sprintf("%s %s %d %d-%d %d", p.Ours, p.Theirs, p.Flows, p.First, p.Last, p.Best.Score))
	}
	require.Equal(t, []string{
		"10.0.0.1 198.51.100.1:9001 1 0-0 97", "[2001:db8::5]:443 198.51.100.2 1 0-0 85",
		"10.0.0.1 198.51.100.1:9001 2 50-200 65", "10.0.0.3 x.onion 1 0-0 40",
	}, got)
	require.Equal(t, Host{Name: "10.0.0.1", Flows: 3, First: 50, Last: 200, BytesIn: 10, States: [4]int64{flow.Established: 1, flow.Attempt: 2}, Verdict: detect.VerdictTor, Score: 97, Users: []string{"ann"},
		Answered: 1, Others: 1, Ends: []End{{"198.51.100.1:9001", "", 97}}, traits: traits{ends: 1, answered: 1, first: 50, last: 200}}, *d.Clients["10.0.0.1"])
}

// Many weak findings do not crowd out a sure one, however they come.
func TestDigestKeepsTheSurest(t *testing.T) {
	d := New()
	for i := range int64(2*MaxPairs + 100) {
		d.add(Found{Source: fmt.Sprintf("10.0.%d.%d", i>>8, i&255), Name: fmt.Sprintf("%d.onion", i), First: 100 + i, Last: 100 + i, Verdict: detect.VerdictPossible, Score: 20 + int(i%2), State: flow.StateUnknown})
	}
	require.EqualValues(t, 20100, d.Left)
	for i := range 7000 {
		d.add(Found{Source: "10.9.0.1", Dest: fmt.Sprintf("198.51.%d.%d", i>>8, i&255), DestPort: "9001", First: 5, Last: 5, Verdict: detect.VerdictTor, Score: 97, State: flow.Established})
	}
	sure, weak, flows := 0, 0, int64(0)
	for _, p := range d.Pairs {
		switch p.Best.Score {
		case 97:
			sure++
		case 20:
			weak++
		}
		flows += p.Flows
	}
	require.Equal(t, 7000, sure)
	require.LessOrEqual(t, len(d.Pairs), MaxPairs)
	require.Zero(t, weak, "20,050 of score 21 came")
	require.Equal(t, d.Flows, flows+d.Left)
	require.NotNil(t, d.Clients["10.9.0.1"])
	require.Len(t, d.Reached, 0)
	require.EqualValues(t, 7000, d.Clients["10.9.0.1"].Flows)
	require.NotNil(t, d.Peers["198.51.27.87:9001"])

	// Whatever comes, what a map keeps are the surest it has seen, but for a quarter.
	r := rand.New(rand.NewPCG(1, 2))
	m, floor, best, least := map[int]*Peer{}, -1, -1, -1
	for i := range 5000 {
		score := r.IntN(1 + i/60)
		q, isNew := keep(m, i, 40, score, &floor, func(q *Peer) (int, int) { return int(q.Listed), q.Score }, ComparePeers, nil)
		if best = max(best, score); q == nil {
			continue
		}
		require.True(t, isNew)
		q.Listed, q.Score, q.First = int64(i), score, int64(i)
		require.LessOrEqual(t, len(m), 40)
		top, low := 0, 100
		for _, q := range m {
			require.GreaterOrEqual(t, q.Score, floor)
			top, low = max(top, q.Score), min(low, q.Score)
		}
		require.Equal(t, best, top)
		if floor >= 0 {
			require.GreaterOrEqual(t, low, least, "what is weaker than what had to go does not come in")
			least = low
		}
	}
}

// What a host is told of: its users and surest ends, few of them; how many ends
// there are; bytes as its side sees them.
func TestDigestHosts(t *testing.T) {
	d := New()
	for i := range 30 {
		f := Found{Source: "10.0.0.1", Dest: fmt.Sprintf("198.51.100.%d", i), DestPort: "9001", First: 5, Last: 5, Verdict: detect.VerdictLikely, Score: 50 + (i*7)%30, State: flow.Established, User: fmt.Sprint("user", i)}
		if i%3 == 0 {
			f.Role = detect.RoleGuardExit
		}
		d.add(f)
		d.add(f)
	}
	d.add(Found{Source: "10.0.0.1", Dest: "203.0.113.1", DestPort: "443", Verdict: detect.VerdictNone, State: flow.Established})
	h := d.Clients["10.0.0.1"]
	require.Len(t, h.Users, maxUsers)
	require.Equal(t, []End{{"198.51.100.17:9001", "", 79}, {"198.51.100.4:9001", "", 78}, {"198.51.100.21:9001", "", 77}}, h.Ends)
	require.Equal(t, []int{60, 10, 10, 21}, []int{h.Answered, h.Relays, h.Guards, h.Others}, "an ordinary flow is no answer of Tor")

	for _, f := range []Found{{Verdict: detect.VerdictPossible, State: flow.Established}, {Verdict: detect.VerdictPossible, State: flow.Attempt}, {Verdict: detect.VerdictUnknown, State: flow.Established}} {
		f.Source, f.Dest, f.DestPort = "10.0.0.4", "198.51.100.1", "9001"
		d.add(f)
	}
	require.Equal(t, 1, d.Clients["10.0.0.4"].Answered, "what is possible and was answered")

	turned := Found{Source: "198.51.100.1", SourcePort: "9001", Dest: "10.0.0.2", DestPort: "5000", Host: "10.0.0.2", Peer: "198.51.100.1:9001", Direction: detect.Outbound, BytesIn: 3, BytesOut: 4, Verdict: detect.VerdictTor, Score: 97}
	d.add(turned)
	require.Equal(t, []int64{4, 3}, []int64{d.Clients["10.0.0.2"].BytesIn, d.Clients["10.0.0.2"].BytesOut})

	// Both ways between the same two names are two meetings.
	d.add(Found{Source: "198.51.100.9", Dest: "203.0.113.7", Host: "203.0.113.7", Peer: "198.51.100.9", Direction: detect.Inbound, Verdict: detect.VerdictTor, Score: 95})
	d.add(Found{Source: "203.0.113.7", Dest: "198.51.100.9", Direction: detect.Outbound, Verdict: detect.VerdictTor, Score: 95})
	require.Equal(t, []int{1, 1}, []int{d.Reached["203.0.113.7"].Others, d.Clients["203.0.113.7"].Others})

	for i := range int(maxMet) {
		d.meet("10.0.0.3", strconv.Itoa(i), &Found{})
	}
	require.True(t, d.Many)
	require.Len(t, d.met, maxMet)
}

// The slots of a timeline become as long as they must, and no count gets lost.
func TestTimeline(t *testing.T) {
	line := newTimeline()
	add := func(at int64) { line.add(at, int(at%5)) }
	for i := range int64(1001) {
		add(1795176000 + 30*i)
	}
	require.EqualValues(t, 60, line.Step)
	for i := range int64(3000) {
		add(1795176000 + 60*i)
	}
	require.EqualValues(t, 300, line.Step)
	add(0)
	add(cell.MaxTime + 1)
	add(1795176000000) // milliseconds
	for i := range int64(2000) {
		add(1 + i*(cell.MaxTime/2000))
	}
	require.EqualValues(t, 10*364*Day, line.Step)
	require.LessOrEqual(t, len(line.Counts), maxSlots)
	sum := int64(0)
	for at, counts := range line.Counts {
		require.Zero(t, at%line.Step)
		for _, n := range counts {
			sum += n
		}
	}
	require.EqualValues(t, 1001+3000+2000, sum)
	require.EqualValues(t, 3, line.Untimed)
}

// What is kept of a flow is its own, bounded, and still text.
func TestFound(t *testing.T) {
	relays := make([]*flow.Sighting, 100)
	for i := range relays {
		relays[i] = &flow.Sighting{Fingerprint: "F", Nickname: fmt.Sprint("relay", i), First: 5, Last: 9}
	}
	long := []byte(strings.Repeat("é", 500))
	in := scan.Flow{
		File: "a.log", Line: 3, Last: 60, ListTime: 7,
		Finding: &detect.Finding{Score: 97, Verdict: detect.VerdictTor, State: flow.Attempt, Direction: detect.Outbound, Role: detect.RoleGuard,
			Evidence: detect.Weights()[:2], Relays: relays, Deciding: relays[0], Reason: []byte("because")},
	}
	in.Cells[scan.SrcIP], in.Cells[scan.URL], in.Cells[scan.User], in.Cells[scan.BytesIn] = []byte("10.0.0.1"), long, []byte("ann"), []byte("5000")
	f := found(&in)
	copy(in.Cells[scan.User], "eve")
	require.Equal(t, strings.Repeat("é", maxText/2)+"…", f.Name)
	require.Len(t, f.Relays, maxList)
	f.Relays = f.Relays[:1]
	require.Equal(t, Found{File: "a.log", Line: 3, First: 60, Last: 60, Source: "10.0.0.1", Name: f.Name, User: "ann", BytesIn: 5000, Score: 97, Verdict: detect.VerdictTor,
		State: flow.Attempt, Direction: detect.Outbound, Role: detect.RoleGuard, Evidence: []string{"or_port", "default_bridge"}, Reason: "because",
		Relays: []Known{{"F", "relay0"}}, ListedFrom: 5, Listed: 9}, f)
	require.Equal(t, "x"+strings.Repeat("é", maxText/2-1)+"…", clipped(append([]byte("x"), long...)))

	// What is built in has no interval.
	relays[0].Kind = flow.Authority
	require.Zero(t, found(&in).Listed)
}
