package pace

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// noted is a test that only notes that it failed.
type noted struct {
	testing.TB
	said string
}

func (n *noted) Helper()                           {}
func (n *noted) Errorf(format string, args ...any) { n.said = fmt.Sprintf(format, args...) }

// A square is found in a small input that is grown, and a line is not.
func TestGrow(t *testing.T) {
	sink := 0
	strict := bounds{perByte: 50 * time.Nanosecond, floor: 15 * time.Millisecond}
	square := func(b []byte) {
		sum := 0
		for i := range b[:len(b)/100] { // a few look at all behind them
			for j := range b[i:] {
				sum ^= j
			}
		}
		sink = sum
	}
	n := &noted{TB: t}
	strict.grow(n, []byte(`{"a":["x","y"]}`), 77, square)
	require.Contains(t, n.said, "slow: ")
	n = &noted{TB: t}
	strict.grow(n, []byte(`{"a":["x","y"]}`), 77, func(b []byte) { sink += bytes.Count(b, []byte("x")) })
	require.Empty(t, n.said)
	Hold(n, nil, square)
	require.Empty(t, n.said)
}

// The same input is grown in the same way, into something that begins and ends as it
// does.
func TestGrownInputs(t *testing.T) {
	of := func(seed uint32) (all [][]byte) {
		usual.grow(t, []byte("head\nrow 1\nrow 2\nend"), seed, func(b []byte) { all = append(all, b) })
		return all
	}
	require.Equal(t, of(46), of(46))
	for seed := range uint32(100) {
		all := of(seed)
		require.Len(t, all, 2)
		for _, b := range all {
			require.GreaterOrEqual(t, len(b), 128<<10)
			require.Less(t, len(b), 129<<10)
		}
	}
	require.True(t, bytes.HasPrefix(of(46)[1], []byte("head\n")) && bytes.HasSuffix(of(46)[1], []byte("end")))
}
