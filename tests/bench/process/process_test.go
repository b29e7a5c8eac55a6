//go:build linux

package process

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestMedian(t *testing.T) {
	got := Median([]Figures{{CPU: 3, Memory: 10}, {CPU: 1, Memory: 30}, {CPU: 2, Memory: 20}})
	require.Equal(t, Figures{CPU: 2, Memory: 20}, got)
	require.Equal(t, 2.5, Median([]Figures{{CPU: 3}, {CPU: 1}, {CPU: 2}, {CPU: 9}}).CPU)
}
