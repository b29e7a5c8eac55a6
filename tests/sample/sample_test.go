package sample

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"tordetect/src/relay"
)

// The sample is the same on every machine and with every Go release: the manual
// and the demo show its results.
func TestSameEverywhere(t *testing.T) {
	require.Equal(t, Log(), Log())
	require.Equal(t, "a7372abbae0d4b64", fmt.Sprintf("%x", sha256.Sum256(Log()))[:16])
	require.Equal(t, "b0620576e3ad2c91", fmt.Sprintf("%x", sha256.Sum256(Table()))[:16])
}

func TestTable(t *testing.T) {
	table, err := relay.Parse(string(Table()))
	require.NoError(t, err)
	require.True(t, table.Complete)
	require.Zero(t, table.Skipped)
	pairs := map[string]bool{}
	for _, r := range Relays() {
		require.False(t, pairs[r.Addr], "one relay an address: %s", r.Addr)
		pairs[r.Addr] = true
	}
}

func TestLog(t *testing.T) {
	inside := []netip.Prefix{
		netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("198.51.100.0/24"),
		netip.MustParsePrefix("203.0.113.0/24"), netip.MustParsePrefix("2001:db8::/32"),
	}
	lines := strings.Split(strings.TrimSuffix(string(Log()), "\n"), "\n")
	require.Len(t, lines, len(Flows()))
	kinds := map[Kind]int{}
	for i, f := range Flows() {
		kinds[f.Kind]++
		cells := strings.Split(lines[i], ",")
		require.Len(t, cells, 61)
		require.Equal(t, []string{f.Src, f.Dest, f.App, f.Proto, f.Action}, []string{cells[7], cells[8], cells[14], cells[29], cells[30]})
		for _, text := range []string{f.Src, f.Dest} {
			known := false
			for _, p := range inside {
				known = known || p.Contains(netip.MustParseAddr(text))
			}
			require.True(t, known, "%s is no documentation or private address", text)
		}
	}
	require.Len(t, kinds, 15, "each kind is there")
	require.False(t, bytes.Contains(Log(), []byte("\r")))
}
