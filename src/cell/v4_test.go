package cell_test

import (
	"math/rand/v2"
	"net/netip"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"tordetect/src/cell"
)

// V4 reads what netip reads, and nothing else: all lengths of all parts, and one
// character changed, added or lost.
func TestV4(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 4))
	parts := []int{0, 9, 10, 99, 100, 199, 255, 256, 999}
	for range 100_000 {
		var quad []string
		for range 4 {
			quad = append(quad, strconv.Itoa(parts[r.IntN(len(parts))]))
		}
		text := strings.Join(quad, ".")
		if at := r.IntN(len(text)); r.IntN(2) == 0 {
			text = text[:at] + []string{"", "0", ".", "x", "..", "\xb1", " ", ".1"}[r.IntN(8)] + text[at+r.IntN(2):]
		}
		checkV4(t, text)
	}
}

func FuzzV4(f *testing.F) {
	for _, text := range []string{"", "1.1.1.1", "198.51.100.7", "255.255.255.255", "01.2.3.4", "1.2.3", "1..2.3", "0.0.0.0", "1.2.3.4.5", "1234.1.1.1", "256.1.1.1", "::"} {
		f.Add(text)
	}
	f.Fuzz(checkV4)
}

func checkV4(t *testing.T, text string) {
	want, err := netip.ParseAddr(text)
	got, ok := cell.V4(text)
	require.Equal(t, err == nil && want.Is4(), ok, "%q", text)
	if ok {
		require.Equal(t, want, got)
	}
	same, ok2 := cell.V4([]byte(text))
	require.Equal(t, ok, ok2)
	require.Equal(t, got, same)
}
