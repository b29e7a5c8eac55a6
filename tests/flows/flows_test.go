package flows

import (
	"bytes"
	"crypto/sha256"
	"encoding/csv"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"tordetect/src/flow"
	table "tordetect/src/relay"
)

// week makes a set once for all tests.
var week = sync.OnceValue(func() *Set { return Generate(1) })

func TestSameSeedSameBytes(t *testing.T) {
	again := Generate(1)
	require.Equal(t, sha256.Sum256(week().CSV()), sha256.Sum256(again.CSV()))
	require.Equal(t, sha256.Sum256(week().Table()), sha256.Sum256(again.Table()))
	other := Generate(2)
	require.NotEqual(t, sha256.Sum256(week().CSV()), sha256.Sum256(other.CSV()))
	require.NotEqual(t, addresses(week()), addresses(other), "another seed is another network")
}

// addresses are those of the network at some hour.
func addresses(s *Set) []string {
	var out []string
	for _, r := range s.network.byHour[firstList] {
		if !r.passing && !r.hosted && !r.authority {
			out = append(out, r.or.String())
		}
	}
	return out
}

// Both ends of a flow are of one family, and the cases of IPv6 have it.
func TestFamilies(t *testing.T) {
	for _, f := range week().Flows {
		dest, _, _ := strings.Cut(f.Dest, "\n")
		six := netip.MustParseAddr(dest).Is6()
		require.Equal(t, six, netip.MustParseAddr(f.Src).Is6(), "%+v", f)
		if strings.Contains(f.Case, "ipv6") || f.Case == "other_family" {
			require.True(t, six, f.Case)
		}
	}
}

func TestEveryCaseIsThere(t *testing.T) {
	count := map[string]int{}
	for _, f := range week().Flows {
		count[f.Case]++
	}
	seen := map[string]bool{}
	for _, c := range Cases() {
		require.False(t, seen[c.Name], "%s is there twice", c.Name)
		seen[c.Name] = true
		require.Equal(t, c.Flows, count[c.Name], c.Name)
		require.Positive(t, c.PerMillion, c.Name)
		require.Contains(t, []string{Tor, NotTor, Leak}, c.Truth)
	}
	require.Len(t, count, len(seen))
}

func TestSharesAddUp(t *testing.T) {
	total := 0.0
	for _, c := range Cases() {
		total += c.PerMillion
	}
	require.InDelta(t, 1e6, total, 10000, "the shares are of a million flows")
}

// What a set holds is made up: no address that is somebody's.
func TestDocumentationAddressesOnly(t *testing.T) {
	var ours []netip.Prefix
	for _, p := range []string{"192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32", "10.0.0.0/8"} {
		ours = append(ours, netip.MustParsePrefix(p))
	}
	check := func(cell string) {
		for text := range strings.SplitSeq(cell, "\n") {
			a := netip.MustParseAddr(text)
			require.Condition(t, func() bool {
				for _, p := range ours {
					if p.Contains(a) {
						return true
					}
				}
				return false
			}, "%s is not for documentation", text)
		}
	}
	for _, f := range week().Flows {
		check(f.Src)
		check(f.Dest)
	}
	records, err := csv.NewReader(bytes.NewReader(week().Table())).ReadAll()
	require.NoError(t, err)
	for _, r := range records[1:] {
		if r[0] != "" {
			check(r[0])
		}
	}
}

func TestRowsAreWhole(t *testing.T) {
	records, err := csv.NewReader(bytes.NewReader(week().CSV())).ReadAll()
	require.NoError(t, err)
	require.Len(t, records, 1+len(week().Flows))
	require.Equal(t, len(Columns)+len(TruthColumns), len(records[0]))
	for _, f := range week().Flows {
		require.LessOrEqual(t, f.First, f.Last, "%+v", f)
		require.Contains(t, []string{"established", "attempt", "blocked"}, f.State, f.Case)
		require.Contains(t, []string{"outbound", "inbound", "relay"}, f.Direction, f.Case)
		require.NotEmpty(t, f.Transport, f.Case)
	}
}

// The table is complete, has the gap and ends before the flows do; the relays
// change within it.
func TestTable(t *testing.T) {
	parsed, err := table.Parse(string(week().Table()))
	require.NoError(t, err)
	require.True(t, parsed.Complete)
	require.Zero(t, parsed.Skipped)
	require.Equal(t, []flow.Interval{
		{From: start + firstList*hour, To: start + (missedFrom+2)*hour},
		{From: start + missedTo*hour, To: start + (lastList+2)*hour},
	}, parsed.Lists())
	n := week().network
	left, joined, lost := 0, 0, 0
	for h := firstList + 1; h < lastList; h++ {
		before := map[string]relay{}
		for _, r := range n.byHour[h-1] {
			before[r.fingerprint+r.or.String()] = r
		}
		for _, r := range n.byHour[h] {
			was, ok := before[r.fingerprint+r.or.String()]
			if !ok {
				joined++
			} else if was.guard && !r.guard || was.exit && !r.exit {
				lost++
			}
			delete(before, r.fingerprint+r.or.String())
		}
		left += len(before)
	}
	require.Greater(t, left, 50)
	require.Greater(t, joined, 50)
	require.Greater(t, lost, 5)
}

// The generator's own truth against the table's: an exit or a guard that a flow
// rests on is listed then, if lists of that hour were read.
func TestTruthAgreesWithTheTable(t *testing.T) {
	parsed, err := table.Parse(string(week().Table()))
	require.NoError(t, err)
	listed := func(a string, port string, at flow.Interval) bool {
		for _, l := range parsed.Lookup(nil, netip.MustParseAddr(a), at) {
			if (port == "" || fmt.Sprint(l.Port) == port) && l.When == flow.Listed {
				return true
			}
		}
		return false
	}
	checked := map[string]int{}
	for _, f := range week().Flows {
		at := flow.Interval{From: f.First, To: f.Last}
		if parsed.Coverage(at) != flow.CoverageFull {
			continue
		}
		n := week().network
		if f.Truth == Tor && f.Direction == out && f.relay.fingerprint != "" && !n.readAt(f.relay.or, f.First) {
			checked["missed lists"]++
			continue
		}
		checked[f.Case]++
		switch f.Case {
		case "or_connection", "or_ipv6", "or_ipv6_port", "or_shared", "or_bootstrap":
			require.True(t, listed(f.Dest, f.DestPort, at), "%+v", f)
		case "web", "bridge_vanilla", "mislabelled", "tor_port":
			require.Empty(t, parsed.Lookup(nil, netip.MustParseAddr(f.Dest), at), "%+v", f)
		case "web_on_relay", "other_family":
			require.True(t, listed(f.Dest, "", at), "%+v", f)
			require.False(t, listed(f.Dest, f.DestPort, at), "%+v", f)
		case "reuse_before":
			require.False(t, listed(f.Dest, f.DestPort, flow.Interval{From: f.First, To: f.First}), "%+v", f)
		case "exit", "operator":
			require.True(t, listed(f.Src, "", at), "%+v", f)
		}
	}
	require.Greater(t, checked["or_connection"], 100)
	require.Less(t, checked["missed lists"], 150, "mostly clients with an old consensus")
}

// The network changes about as fast as the real one: 1.8% of the pairs of address
// and port were gone after 25 hours, 0.6% after one (tor.md section 10).
func TestChurn(t *testing.T) {
	for _, c := range []struct {
		apart     int
		low, high float64
	}{{1, 0.003, 0.012}, {25, 0.012, 0.04}} {
		gone, all := 0, 0
		for seed := uint64(1); seed <= 3; seed++ {
			n := newNetwork(seed)
			for h := 0; h+c.apart < hours; h += 5 {
				later := map[string]bool{}
				for _, r := range n.byHour[h+c.apart] {
					later[r.or.String()] = true
				}
				for _, r := range n.byHour[h] {
					all++
					if !later[r.or.String()] {
						gone++
					}
				}
			}
		}
		share := float64(gone) / float64(all)
		require.Greater(t, share, c.low, "%d hours", c.apart)
		require.Less(t, share, c.high, "%d hours", c.apart)
		t.Logf("gone after %d hours: %.2f%%", c.apart, 100*share)
	}
}
