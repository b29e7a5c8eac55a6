package detect_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"tordetect/src/detect"
	"tordetect/src/flow"
)

// The share of pairs that survive a distance, at each point of the design's
// table, between the points, and around the week beyond which a score stops.
func TestStale(t *testing.T) {
	f := func(away int64, want int) {
		t.Helper()
		var judge detect.Judge
		build := from(client, relay).covered(flow.CoverageStale).dest(or(9001, guard, "anna").stale(away))
		require.Equal(t, want, judge.Judge(&build.Flow).Score, "%d seconds away", away)
	}
	f(0, 97)        // both sides of a gap: no factor
	f(1, 96)        // 0.97 x 0.994 = 96.4: below the first point it is the first point's
	f(1*hour, 96)   // 0.97 x 0.994
	f(12*hour, 96)  // 0.97 x 0.985
	f(25*hour, 95)  // 0.97 x 0.982
	f(2*day, 93)    // 0.97 x 0.9635
	f(3*day, 92)    // 0.97 x 0.952
	f(7*day, 88)    // 0.97 x 0.907, and no stop yet
	f(7*day+1, 79)  // stops
	f(10*day, 79)   // 0.97 x 0.888 = 86, stops
	f(30*day, 79)   // 0.97 x 0.837 = 81, stops
	f(53*day, 79)   // 0.97 x 0.811 = 78.7, rounded
	f(54*day, 78)   // 0.97 x 0.808
	f(100*day, 70)  // 0.97 x 0.725
	f(182*day, 62)  // 0.97 x 0.643
	f(270*day, 52)  // 0.97 x 0.539
	f(376*day, 44)  // 0.97 x 0.451
	f(1309*day, 21) // 0.97 x 0.219, 43 months
	f(4000*day, 21) // beyond the last point it is the last point's
	f(9007199254740993, 21)
}

// The distance of a stale list is rounded to its unit.
func TestDistance(t *testing.T) {
	f := func(away int64, want string) {
		t.Helper()
		var judge detect.Judge
		build := from(client, relay).covered(flow.CoverageStale).dest(or(9001, guard, "anna").stale(away))
		require.Contains(t, string(judge.Judge(&build.Flow).Reason), "; the newest relay list is "+want+" older than this row")
	}
	f(1, "1 second")
	f(119, "119 seconds")
	f(120, "2 minutes")
	f(149, "2 minutes")
	f(150, "3 minutes")
	f(119*60, "119 minutes")
	f(119*60+29, "119 minutes")
	f(119*60+30, "2 hours")
	f(2*hour+29*60, "2 hours")
	f(2*hour+30*60, "3 hours")
	f(47*hour, "47 hours")
	f(2*day-1, "2 days")
	f(2*day+12*hour-1, "2 days")
	f(3*day-14*60, "3 days") // 2.99 days
	f(400*day, "400 days")
}

// What the fields of a finding beside the score hold.
func TestRelays(t *testing.T) {
	var judge detect.Judge
	f := func(build build, deciding string, names ...string) {
		t.Helper()
		found := judge.Judge(&build.Flow)
		var got []string
		for _, s := range found.Relays {
			got = append(got, s.Nickname)
		}
		require.Equal(t, names, got)
		if deciding == "" {
			require.Nil(t, found.Deciding)
			return
		}
		require.Equal(t, deciding, found.Deciding.Nickname)
		require.Contains(t, found.Relays, found.Deciding)
		require.Equal(t, morning, found.Deciding.First)
	}
	web := from(client, relayWeb)
	f(web, "")
	f(web.dest(or(9001, guard, "anna").later(day)), "")
	f(web.dest(or(9001, guard, "anna")).udp(), "")
	f(web.dest(or(9001, guard, "anna")), "anna", "anna")
	// By fingerprint, whatever their order; the best role decides.
	f(web.dest(or(9003, 0, "dora")).dest(or(9002, exits, "bob")).dest(or(9001, guard, "anna")).dest(or(9004, both, "carl")), "carl", "anna", "bob", "carl", "dora")
	// One relay on two ports, and with two rows, is one relay.
	f(web.dest(or(9001, 0, "anna")).dest(dir(9030, "anna")).dest(or(9001, guard, "anna")), "anna", "anna")
	f(web.dest(or(9001, 0, "anna").stale(hour)).dest(or(9001, guard, "anna").stale(2*day)), "anna", "anna")
	// Those of another address, and of other evidence, are not behind it.
	f(from(client, relay).dest(or(9001, guard, "anna")).dest(or(443, exits, "bob").at("198.51.100.8:9001")).dest(or(9002, exits, "carl")), "anna", "anna")
	// The end that decides.
	f(from(source, "198.51.100.9:443").src(exit("bob")).dest(or(9001, guard, "anna")), "bob", "bob")
	// Of a relay with two rows the listing with the better role gives the times.
	old := or(9001, 0, "anna")
	old.First -= day
	f(from(client, relay).dest(old).dest(or(9001, guard, "anna")), "anna", "anna")
}

// The words of the output fields, in the order of their constants.
func TestWords(t *testing.T) {
	require.Equal(t, "none unknown possible likely tor", words(detect.VerdictNone, detect.VerdictUnknown, detect.VerdictPossible, detect.VerdictLikely, detect.VerdictTor))
	require.Equal(t, "unknown established attempt blocked", words(flow.StateUnknown, flow.Established, flow.Attempt, flow.Blocked))
	require.Equal(t, " outbound inbound relay", words(detect.DirectionNone, detect.Outbound, detect.Inbound, detect.Relay))
	require.Equal(t, " bridge relay guard exit guard+exit authority", words(detect.RoleNone, detect.RoleBridge, detect.RoleRelay, detect.RoleGuard, detect.RoleExit, detect.RoleGuardExit, detect.RoleAuthority))
	require.Equal(t, "full gap stale before none", words(flow.CoverageFull, flow.CoverageGap, flow.CoverageStale, flow.CoverageBefore, flow.CoverageNone))
}

func words[T fmt.Stringer](all ...T) string {
	var out []string
	for _, w := range all {
		out = append(out, w.String())
	}
	return strings.Join(out, " ")
}

// A Judge keeps nothing of the flow before.
func TestJudgeAnew(t *testing.T) {
	var used detect.Judge
	for _, before := range flows {
		for _, c := range flows {
			var fresh detect.Judge
			want := fresh.Judge(&c.build.Flow)
			used.Judge(&before.build.Flow)
			got := used.Judge(&c.build.Flow)
			require.Equal(t, summary(want), summary(got), "%s after %s", c.name, before.name)
			require.Equal(t, string(want.Reason), string(got.Reason), "%s after %s", c.name, before.name)
			require.Equal(t, want.Deciding, got.Deciding)
		}
	}
}

// Nothing is allocated for a flow, found or not, once the buffers have grown.
func TestJudgeAllocatesNothing(t *testing.T) {
	var judge detect.Judge
	for i := range flows {
		judge.Judge(&flows[i].build.Flow)
	}
	for i := range flows {
		c := &flows[i]
		require.Zero(t, testing.AllocsPerRun(20, func() { judge.Judge(&c.build.Flow) }), c.name)
	}
}

// A relay table made to slow a search down, with thousands of lines for one
// address: what is looked at is bounded, and a relay of the site's own is found
// among them nevertheless.
func TestThousandsOfListings(t *testing.T) {
	web := from(client, relayWeb)
	for i := range 5000 {
		l := or(uint16(1024+i), guard, "anna").print(fmt.Sprintf("%040X", i))
		web.Sightings = append(web.Sightings, from(client, relayWeb).dest(l).Sightings...)
	}
	var judge detect.Judge
	found := judge.Judge(&web.Flow)
	require.Equal(t, "10 none established outbound guard: relay_address", summary(found))
	require.Len(t, found.Relays, 1000)
	require.Contains(t, string(found.Reason), "; 999 other relays share this address")

	web = web.dest(or(9001, guard, "bob").internal())
	require.Equal(t, "0 none established relay guard: relay_address hosted_relay", summary(judge.Judge(&web.Flow)))
}

func BenchmarkJudge(b *testing.B) {
	for _, name := range []string{"no listing", "relay's address", "or port", "both ends: destination heavier", "three relays on an address"} {
		for _, c := range flows {
			if c.name == name {
				b.Run(name, func(b *testing.B) {
					var judge detect.Judge
					b.ReportAllocs()
					for b.Loop() {
						judge.Judge(&c.build.Flow)
					}
				})
			}
		}
	}
}
