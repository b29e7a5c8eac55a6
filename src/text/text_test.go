package text

import (
	"math"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"tordetect/tests/pace"
)

func TestPrintable(t *testing.T) {
	for in, want := range map[string]string{
		"":                           "",
		"relay07 in Zürich, 東京　😀":    "relay07 in Zürich, 東京　😀",
		"a\x1b[31m\u009b1m\x7f":      "a?[31m?1m?",
		"a\nb\tc\rd":                 "a?b?c?d",
		"\u202egpj.exe\u2066\u200bx": "?gpj.exe??x",
		"a\u2028b\u2029c":            "a?b?c",
		"\u3164\u115f\U000e0041":     "???",
		"\xff\xfe\ufffd":             "???",
	} {
		require.Equal(t, want, Printable(in), "%q", in)
	}
	require.Zero(t, testing.AllocsPerRun(100, func() { _ = Printable("relay07 in Zürich") }))
}

func TestCut(t *testing.T) {
	for most, want := range map[int]string{20: "aäöü", 7: "aäöü", 6: "aä...", 5: "a...", 4: "a...", 3: "...", 0: "..."} {
		require.Equal(t, want, Cut("aäöü", most), most)
	}
	require.Equal(t, "a?b", Short("a\x1bb", 3))
	require.Equal(t, "a?...", Short("a\x1bbcdef", 5))
	require.Equal(t, "ää...", Short(strings.Repeat("ä", 1<<20), 7))
}

func FuzzShort(f *testing.F) {
	f.Add("a\x1bb\xffä", 4)
	f.Fuzz(func(t *testing.T, s string, most int) {
		pace.Hold(t, []byte(s), func(s []byte) { _ = Printable(Short(string(s), len(s))) })
		most = 3 + most&63
		got := Short(s, most)
		require.LessOrEqual(t, len(got), most)
		require.True(t, utf8.ValidString(got))
		require.Equal(t, -1, strings.IndexFunc(got, Plays))
		if all := Printable(s); len(all) <= most {
			require.Equal(t, all, got)
		}
	})
}

func TestTime(t *testing.T) {
	for seconds, want := range map[int64]string{0: "1970-01-01T00:00:00Z", 1795176000: "2026-11-20T12:00:00Z"} {
		require.Equal(t, want, Time(seconds))
		require.Equal(t, "at "+want, string(AppendTime([]byte("at "), seconds)))
	}
	require.NotPanics(t, func() { _, _ = Time(math.MaxInt64), Time(math.MinInt64) })
}

func TestCounted(t *testing.T) {
	require.Equal(t, "0 flows", Counted(0, "flow"))
	require.Equal(t, "1 flow", Counted(int64(1), "flow"))
	require.Equal(t, "2 flows", Counted(2, "flow"))
	require.Equal(t, "", Or(nil))
	require.Equal(t, "a", Or([]string{"a"}))
	require.Equal(t, "a or b", Or([]string{"a", "b"}))
	require.Equal(t, "a, b or c", Or([]string{"a", "b", "c"}))
}

// Every day of the years 1970 to 9999, and what lies beyond, is written as package
// time does.
func TestTimesOfAllDays(t *testing.T) {
	var got []byte
	for day := int64(-2); day < 2_932_900; day++ {
		seconds := day*86400 + day*7919%86400
		got = AppendTime(got[:0], seconds)
		if want := time.Unix(seconds, 0).UTC().Format(time.RFC3339); string(got) != want {
			require.Equal(t, want, string(got))
		}
	}
	require.Zero(t, testing.AllocsPerRun(10, func() { got = AppendTime(got[:0], 1795176000) }))
}
