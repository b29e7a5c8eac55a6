package text

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAge(t *testing.T) {
	for seconds, want := range map[int64]string{
		0: "0 s", 45: "45 s", 60: "1 min", 61: "1 min 1 s", 7500: "2 h 5 min", 86400: "1 d", 590004: "6 d 19 h", -1800: "-30 min", 86400 + 59: "1 d",
	} {
		require.Equal(t, want, Age(seconds))
	}
	require.NotPanics(t, func() { _, _ = Age(math.MaxInt64), Age(math.MinInt64) })
}
