package scan

import (
	"testing"

	"github.com/stretchr/testify/require"

	"tordetect/src/command"
)

func TestEpoch(t *testing.T) {
	for text, want := range map[string]int64{"1795176000": 1795176000, "1795176000.5": 1795176000, "2026-11-20T12:00:00.000+01:00": 1795172400, "2026-11-20 12:00:00Z": 1795176000, "2026-11-20T12:00:00+0000": 1795176000, "": 0, "x": 0, "null": 0} {
		require.Equal(t, want, epoch([]byte(text)), text)
	}
}

// Results are taken from the columns by which the search command judged, in its
// order.
func TestResultColumns(t *testing.T) {
	byFirst := map[string][]string{}
	for _, c := range command.Columns() {
		byFirst[c.Names[0]] = c.Names
	}
	for c := range Columns {
		if names, ok := byFirst[c.String()]; ok {
			require.Equal(t, names, from[c], c.String())
		}
	}
}
