//go:build amd64 && !purego

package rows

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// The instructions write without looking where the room ends: no call gets to them
// without enough of it.
func TestNoRoomForSeparators(t *testing.T) {
	if !hasInstructions {
		t.Skip("skipped: this processor lacks the instructions")
	}
	const n = 2 * blockLen
	for _, c := range []struct {
		at, ends, blocks int
		fits             bool
	}{
		{n + 3, n, n, true}, {n + 2, n, n, false}, {n + 3, n - 1, n, false}, {n + 3, n, n - 1, false}, {3, 0, 0, false},
	} {
		call := func() {
			appendSeparators(make([]int32, 0, c.at), make([]int32, 0, c.ends), make([]byte, c.blocks), 0, new(carried))
		}
		if c.fits {
			require.NotPanics(t, call)
		} else {
			require.PanicsWithValue(t, "rows: no room for separators", call, "%+v", c)
		}
	}
}
