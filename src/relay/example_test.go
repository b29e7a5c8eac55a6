package relay_test

import (
	"fmt"
	"net/netip"

	"tordetect/src/flow"
	"tordetect/src/relay"
)

// The table and the questions of the package comment.
func Example() {
	const text = `ip,port,role,flags,fingerprint,nickname,first_seen,last_seen
,,coverage,,,,1795422520,1795422840
198.51.100.21,443,or,Exit Guard,2DBB4D43E1DDE4C91EBC1FCA103E0465CDE18FC8,exit1,1795422520,1795422840
,2,end,,,,,
`
	t, err := relay.Parse(text)
	if err != nil {
		fmt.Println(err)
		return
	}
	addr := netip.MustParseAddr("198.51.100.21")
	var found []relay.Listing // reused from question to question
	for _, second := range []int64{1795422600, 1795426000} {
		at := flow.Interval{From: second, To: second}
		found = t.Lookup(found[:0], addr, at)
		for _, l := range found {
			fmt.Println(l.Nickname, l.Port, "listed:", l.When == flow.Listed, "stale:", l.When == flow.Stale, "away:", l.Away)
		}
		fmt.Println("coverage:", t.Coverage(at))
	}
	// Output:
	// exit1 443 listed: true stale: false away: 0
	// coverage: full
	// exit1 443 listed: false stale: true away: 3160
	// coverage: stale
}
