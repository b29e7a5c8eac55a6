package tornet

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var at = time.Date(2026, 6, 27, 4, 0, 0, 0, time.UTC)

func TestTheSameSeedGivesTheSameBytes(t *testing.T) {
	make := func(seed uint64) string {
		keys.Clear()
		net := New(seed, 3)
		relays := net.Relays(at)
		return fmt.Sprintf("%s%s%s%s", net.Consensus(Spec{Relays: relays}), net.Certificates(),
			net.AuthoritiesFile(), net.ExitList(at, net.ExitNodes(at)))
	}
	require.Equal(t, make(1), make(1))
	require.NotEqual(t, make(1), make(2))
}

func TestRelaysChangeOverTime(t *testing.T) {
	net := New(1, 3, Size(9600))
	before, hour, year := net.Relays(at), net.Relays(at.Add(time.Hour)), net.Relays(at.AddDate(1, 0, 0))
	gone := func(from, to []Relay) float64 {
		there := map[string]bool{}
		for _, r := range to {
			there[fmt.Sprint(r.Identity, r.Addr, r.ORPort)] = true
		}
		n := 0
		for _, r := range from {
			if !there[fmt.Sprint(r.Identity, r.Addr, r.ORPort)] {
				n++
			}
		}
		return float64(n) / float64(len(from))
	}
	t.Logf("%d relays; gone after an hour %.3f, a year %.3f", len(before), gone(before, hour), gone(before, year))
	require.InDelta(t, 9000, len(before), 600)
	require.Less(t, gone(before, hour), 0.05)
	require.Positive(t, gone(before, hour))
	require.Greater(t, gone(before, year), 0.5)
}

func TestRelaysAreOnDocumentationAddresses(t *testing.T) {
	var docs []netip.Prefix
	for _, p := range []string{"192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32"} {
		docs = append(docs, netip.MustParsePrefix(p))
	}
	ours := func(a netip.Addr) bool {
		for _, p := range docs {
			if p.Contains(a) {
				return true
			}
		}
		return false
	}
	net := New(1, 3, Size(3000))
	seen := map[netip.AddrPort]bool{}
	exits := 0
	for _, r := range net.Relays(at) {
		require.True(t, ours(r.Addr), r.Addr)
		for _, ap := range append(r.IPv6, netip.AddrPortFrom(r.Addr, r.ORPort)) {
			require.True(t, ours(ap.Addr()), ap)
			require.False(t, seen[ap], "%s belongs to two relays", ap)
			seen[ap] = true
		}
	}
	for _, node := range net.ExitNodes(at) {
		exits++
		for _, a := range node.Addresses {
			require.True(t, ours(a.Addr), a.Addr)
		}
	}
	require.Positive(t, exits)
}
