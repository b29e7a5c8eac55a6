package year

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"
)

// The network is about as large at any time, changes as the real one does, and no relay has another's address.
func TestRelays(t *testing.T) {
	const places, hours = 2000, 24 * 40
	relays := Relays(places, hours)
	require.Equal(t, relays, Relays(places, hours), "the same in every run")
	owner := map[netip.AddrPort]int{}
	listed := func(hour int) map[int]bool {
		found := map[int]bool{}
		for i := range relays {
			if _, ok := relays[i].At(hour); ok {
				found[i] = true
			}
		}
		return found
	}
	for i, r := range relays {
		for _, p := range r.Ports {
			before, known := owner[p]
			require.False(t, known, "%s is of %d and %d", p, before, i)
			owner[p] = i
		}
	}
	gone := func(from, to int) float64 {
		first, then := listed(from), listed(to)
		n := 0
		for i := range first {
			if !then[i] {
				n++
			}
		}
		return float64(n) / float64(len(first))
	}
	for _, hour := range []int{0, 100, hours - 1} {
		require.InDelta(t, places*7/8, len(listed(hour)), places/20)
	}
	require.InDelta(t, 0.005, gone(100, 101), 0.005)
	for i := range relays[:200] {
		want := 0
		for h := range hours {
			if _, ok := relays[i].At(h); ok {
				want++
			}
		}
		for span := range relays[i].Spans(hours) {
			want -= span[1] - span[0]
		}
		require.Zero(t, want, "spans are the hours of lists")
	}
	require.InDelta(t, 0.06, gone(100, 124), 0.04)
}
