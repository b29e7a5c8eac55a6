package relay

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"tordetect/src/flow"
)

// Near gives listings of Lookup, in its order, and what it leaves out tells nothing
// beside one that it gives.
func TestNear(t *testing.T) {
	addr := netip.MustParseAddr("192.0.2.1")
	left := 0
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 1))
		var b strings.Builder
		b.WriteString("ip,port,role,flags,fingerprint,nickname,first_seen,last_seen\n")
		rows := 0
		add := func(form string, args ...any) {
			fmt.Fprintf(&b, form+"\n", args...)
			rows++
		}
		for range 1 + r.IntN(6) {
			from := r.IntN(1000)
			add(",,%s,,,,%d,%d", []string{"coverage", "exit_coverage"}[r.IntN(2)], from, from+r.IntN(200))
		}
		for range 5 + r.IntN(60) {
			from := r.IntN(1000)
			role, port := "or", "9001"
			if r.IntN(4) == 0 {
				role, port = "exit", ""
			}
			add("192.0.2.1,%s,%s,%s,%040d,r,%d,%d", port, role, []string{"", "Exit", "Guard"}[r.IntN(3)], r.IntN(2), from, from+r.IntN(30))
		}
		fmt.Fprintf(&b, ",%d,end,,,,,\n", rows)
		table, err := Parse(b.String())
		require.NoError(t, err)
		for range 40 {
			from := int64(r.IntN(1100))
			at := flow.Interval{From: from, To: from + int64(r.IntN(2)*r.IntN(200))}
			all, near := table.Lookup(nil, addr, at), table.Near(nil, addr, at)
			k := 0
			for _, l := range all {
				if k < len(near) && near[k] == l {
					k++
					continue
				}
				left++
				require.True(t, isIdle(l, near), "%v at %v, seed %d: %v", l.Entry, at, seed, l)
			}
			require.Equal(t, len(near), k, "all that is given is Lookup's")
		}
	}
	require.Greater(t, left, 1000)
}

// isIdle reports whether a listing tells nothing beside others.
func isIdle(l Listing, others []Listing) bool {
	for _, o := range others {
		if !sameFlags(o.Entry, l.Entry) || o.When != l.When {
			continue
		}
		switch l.When {
		case flow.Earlier, flow.Later:
			if o.Away < l.Away {
				return true
			}
		case flow.Spanned:
			if o.Last > l.Last {
				return true
			}
		}
	}
	return false
}

// However many times an address has, a few are given.
func TestNearIsBounded(t *testing.T) {
	var b strings.Builder
	b.WriteString("ip,port,role,flags,fingerprint,nickname,first_seen,last_seen\n,,coverage,,,,0,100000\n")
	for i := range 4000 {
		fmt.Fprintf(&b, "192.0.2.1,9001,or,%s,%040d,r,%d,%d\n", []string{"", "Exit"}[i%2], 1, i*20, i*20+5)
	}
	b.WriteString(",4001,end,,,,,\n")
	table, err := Parse(b.String())
	require.NoError(t, err)
	addr := netip.MustParseAddr("192.0.2.1")
	require.Len(t, table.Lookup(nil, addr, flow.Interval{From: 40_000, To: 60_000}), 4000)
	require.LessOrEqual(t, len(table.Near(nil, addr, flow.Interval{From: 40_000, To: 60_000})), 2*perFlags)
	found := make([]Listing, 0, 100)
	require.Zero(t, testing.AllocsPerRun(10, func() { found = table.Near(found[:0], addr, flow.Interval{From: 40_000, To: 60_000}) }))
}

func TestLeading(t *testing.T) {
	for n := 1; n < 40; n++ {
		for alike := 1; alike <= n; alike++ {
			rows := make([]Entry, n)
			for i := alike; i < n; i++ {
				rows[i].Port = 1
			}
			require.Equal(t, alike, leading(rows, sameRelay))
		}
	}
}
