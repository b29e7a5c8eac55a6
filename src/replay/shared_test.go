package replay

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tordetect/src/replay/recorded"
	"tordetect/tests/shared"
)

// TestPrivateNetwork: the log of a firewall in front of a real, private Tor
// network is all dated, and is an hour old afterwards.
func TestPrivateNetwork(t *testing.T) {
	text := shared.Bytes(t, "privnet/pan.log")
	lines := strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
	now := time.Date(2027, 1, 1, 0, 30, 0, 0, time.UTC)
	c := newCollector(t, true)
	summary, err := Run(context.Background(), newHEC(t, c, nil), dataset(t, "pan.log", text, recorded.Meta{}), quick(func(o *Options) {
		o.ShiftToNow, o.Ago, o.Now = true, time.Hour, func() time.Time { return now }
	}))
	require.NoError(t, err)
	require.EqualValues(t, len(lines), summary.Accepted)
	require.Zero(t, summary.Undated)
	require.Equal(t, now.Add(-time.Hour), summary.Newest)
	require.Less(t, summary.Newest.Sub(summary.Oldest), time.Hour)
	for line := range c.arrived {
		require.NotContains(t, line, "2026/11/23")
	}
}
