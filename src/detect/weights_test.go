package detect_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"tordetect/src/detect"
)

// Every name stands in the list, and what it says is what a flow is given.
func TestWeights(t *testing.T) {
	weights := map[string]float64{}
	for _, e := range detect.Weights() {
		require.NotEmpty(t, e.Name())
		require.False(t, e.Stale)
		require.GreaterOrEqual(t, e.Weight, 0.0)
		require.Less(t, e.Weight, 1.0)
		weights[e.Name()] = e.Weight
	}
	for _, e := range detect.Weights() {
		require.Contains(t, detect.Names(), e.Name())
	}
	var judge detect.Judge
	build := from(client, relay).dest(or(9001, guard, "anna"))
	found := judge.Judge(&build.Flow)
	require.Equal(t, weights["or_port"], found.Evidence[0].Weight)
}
