package main

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// Known values of Wilson's interval (Wilson 1927; any table of it).
func TestWilson(t *testing.T) {
	for _, c := range []struct{ p, n, low, high float64 }{
		{1, 10, 0.7225, 1},
		{0, 10, 0, 0.2775},
		{0.5, 100, 0.4038, 0.5962},
		{0.9, 20, 0.6990, 0.9721},
		{63.0 / 64, 64, 0.9167, 0.9972},
	} {
		low, high := wilson(c.p, c.n)
		require.InDelta(t, c.low, low, 5e-4, "%v of %v", c.p, c.n)
		require.InDelta(t, c.high, high, 5e-4, "%v of %v", c.p, c.n)
	}
}

func TestTally(t *testing.T) {
	var none tally
	require.Nil(t, none.share())
	require.Equal(t, 0.5, none.smoothed())

	var even tally
	for i := range 10 {
		even.add(1, i < 9)
	}
	s := even.share()
	require.InDelta(t, 0.9, s.Value, 1e-9)
	require.InDelta(t, 10, s.Of, 1e-9)
	require.InDelta(t, 10.0/12, even.smoothed(), 1e-9)

	// Ten flows of which one stands for as many as the others together count
	// like fewer, and the interval is wider.
	var heavy tally
	for range 9 {
		heavy.add(1, true)
	}
	heavy.add(9, false)
	h := heavy.share()
	require.InDelta(t, 0.5, h.Value, 1e-9)
	require.InDelta(t, 3.6, h.Of, 1e-9) // 18 squared by 9 + 81
	require.Greater(t, h.High-h.Low, s.High-s.Low)
	require.Equal(t, 9, heavy.hits)
	require.Equal(t, 10, heavy.flows)

	// The scale of the weights does not matter.
	var small tally
	for i := range 10 {
		small.add(1e-6, i < 9)
	}
	require.InDelta(t, 10, small.share().Of, 1e-6)
}

func TestShareAsText(t *testing.T) {
	var none *Share
	for want, s := range map[string]*Share{
		"-":                    none,
		"100% [72.2-100]":      {1, 0.7224, 1, 10},
		"99.97% [99.91-99.99]": {0.99978, 0.99914, 0.999999, 1e5},
		"0.004% [0-0.1]":       {0.00004, 0, 0.00102, 1e5},
		"12.5% [10.6-14.8]":    {0.125, 0.106, 0.148, 1e3},
		"0% [0-27.8]":          {0, 0, 0.2775, 10},
	} {
		require.Equal(t, want, s.String())
	}
}
