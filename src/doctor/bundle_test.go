package doctor

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// A pattern of distsearch.conf, whatever it is, matches or is refused; one without
// special characters matches itself and nothing behind it.
func FuzzTranslate(f *testing.F) {
	for _, seed := range []string{"", "...", "apps[/\\\\]tordetect[/\\\\]bin[/\\\\]torrelays*", "(", "a{1000}{1000}", "*.csv", "apps/tordetect"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, pattern string) {
		r, err := translate(pattern)
		if err == nil {
			r.MatchString("apps/tordetect/lookups/tor_relays.csv")
		}
		if pattern != "" && len(pattern) <= maxPattern && strings.Trim(pattern, "abcdefghijklmnopqrstuvwxyz/_") == "" {
			require.NoError(t, err)
			require.True(t, r.MatchString(pattern))
			require.False(t, r.MatchString(pattern+"x"))
		}
	})
}

func TestTranslate(t *testing.T) {
	const list = "apps/tordetect/lookups/tor_relays.csv"
	for pattern, want := range map[string]bool{
		"": true, "...": true, "...csv": true, "apps/tordetect/...": true, `apps[/\\]*[/\\]lookups[/\\]*.csv`: true, list: true,
		"apps/tordetect/lookups.tor_relays.csv": false, "*": false, "*.csv": false, "apps/tordetect/*": false, "tor_relays.csv": false, "apps/tordetect/lookups/tor_relays_csv": false,
		`apps[/\\]tordetect[/\\]lookups[/\\]tor_relays_history.csv`: false,
	} {
		r, err := translate(pattern)
		require.NoError(t, err)
		require.Equal(t, want, r.MatchString(list), pattern)
	}
	_, err := translate(strings.Repeat("a", maxPattern+1))
	require.Error(t, err)
}
