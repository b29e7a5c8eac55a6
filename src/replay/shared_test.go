package replay

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestPrivateNetwork: the log of a firewall in front of a real, private Tor
// network is all dated, and is an hour old afterwards.
func TestPrivateNetwork(t *testing.T) {
	path := filepath.Join("..", "..", "..", "shared", "data", "privnet", "pan.log")
	text, err := os.ReadFile(path)
	if err != nil {
		if os.Getenv("REQUIRE_SHARED") == "1" {
			t.Fatalf("REQUIRE_SHARED=1, but there is no ../shared/data/privnet/pan.log")
		}
		t.Skip("skipped: no ../shared/data/privnet/pan.log")
	}
	lines := strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
	now := time.Date(2027, 1, 1, 0, 30, 0, 0, time.UTC)
	c := newCollector(t, true)
	summary, err := Run(context.Background(), newHEC(t, c, nil), dataset(t, "pan.log", text, Meta{}), quick(func(o *Options) {
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
