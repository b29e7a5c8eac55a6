package trafficlog

import (
	"testing"

	"github.com/stretchr/testify/require"

	"tordetect/src/command"
)

// JSON lines keep all that the search command reads, and a CSV file is known by
// any name with which it can do something.
func TestNames(t *testing.T) {
	ends := map[string]bool{"src": true, "dest": true, "sni": true, "ja4": true, "ja3": true}
	for _, c := range command.Columns() {
		for _, name := range c.Names {
			require.Contains(t, cimPlaces, name, c.Means)
			if ends[c.Option] {
				require.Contains(t, cimIsEnd, name, c.Means)
			}
		}
	}
	for name := range cimIsEnd {
		require.Contains(t, cimPlaces, name)
	}
}
