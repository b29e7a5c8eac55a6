package html

import (
	"math"
	"math/rand/v2"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"tordetect/src/cell"
	"tordetect/src/detect"
	"tordetect/src/report/digest"
	"tordetect/src/scan"
)

// A drawing has few bars, none higher than it is, and loses nothing.
func TestHTMLChart(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for _, c := range []struct {
		name        string
		first, last int64 // of the log
		from, to    int64 // of the findings
		step        string
	}{
		{"a second", 1795176000, 1795176000, 1795176000, 1795176000, "second"},
		{"a minute", 1795176000, 1795176059, 1795176000, 1795176059, "second"},
		{"an hour of a day", 1795132800, 1795219199, 1795176000, 1795179600, "15 minutes"},
		{"a week", 1795132800, 1795132800 + 7*digest.Day, 1795132800, 1795132800 + 7*digest.Day, "3 hours"},
		{"a year", 1795132800, 1795132800 + 365*digest.Day, 1795132800, 1795132800 + 365*digest.Day, "7 days"},
		{"a clock of 1970", 5, 1795176000, 1795132800, 1795176000, "15 minutes"},
		{"all of time", 1, cell.MaxTime, 1, cell.MaxTime, "58240 days"},
	} {
		t.Run(c.name, func(t *testing.T) {
			found := digest.New()
			total := int64(0)
			for range 5000 {
				at := c.from
				if c.to > c.from {
					at += r.Int64N(c.to - c.from + 1)
				}
				found.Add(drawn(at, scan.Verdicts[r.IntN(r.IntN(4)+1)]))
				total++
			}
			found.Add(drawn(0, detect.VerdictTor))
			chart := newChart("x", "Title", &found.Verdicts, layers(scan.Verdicts[:]), c.first, c.last)
			require.Equal(t, c.step, chart.Step)
			require.LessOrEqual(t, len(chart.Bars), maxBars)
			require.EqualValues(t, 1, chart.Untimed)
			sum, keyed, most := int64(0), int64(0), int64(0)
			for i, b := range chart.Bars {
				most = max(most, b.Total)
				sum += b.Total
				top := barHeight
				counted := int64(0)
				for _, p := range b.Parts {
					require.Equal(t, top, p.Y+p.H, "parts stand on one another")
					require.GreaterOrEqual(t, p.H, leastPart)
					top = p.Y
					counted += p.N
					require.Equal(t, p.N, b.Count(p.Name))
				}
				require.GreaterOrEqual(t, top, 0)
				require.Equal(t, b.Total, counted)
				require.GreaterOrEqual(t, b.X, i*barStep)
				require.LessOrEqual(t, b.X+barWidth, chart.Width)
			}
			for _, k := range chart.Keys {
				keyed += k.Total
			}
			require.Equal(t, total, sum)
			require.Equal(t, total, keyed)
			require.Equal(t, most, chart.Most)
			require.Equal(t, len(chart.Bars) >= tickedBar, len(chart.Ticks) > 0)
			require.LessOrEqual(t, len(chart.Ticks), maxTicks)
			for i, tick := range chart.Ticks {
				require.LessOrEqual(t, len(tick.Label), len("2026-11-20"+" "), "a phone has room for four")
				require.True(t, tick.X > 0 && tick.X < chart.Width)
				require.True(t, i == 0 || tick.X-chart.Ticks[i-1].X >= chart.Width/(maxTicks+1))
			}
			if c.last-c.first < 400*digest.Day {
				require.LessOrEqual(t, chart.From, c.first)
				require.GreaterOrEqual(t, chart.To, c.last)
			}
		})
	}
}

// Ticks are round times, and say no more of them than is needed.
func TestHTMLTicks(t *testing.T) {
	const day = int64(1795132800) // midnight
	for name, c := range map[string]struct {
		from, to, step int64
		want           string
	}{
		"few bars":  {day, day + 7*3600, 3600, ""},
		"a minute":  {day, day + 60, 1, "00:00:15 00:00:30 00:00:45"},
		"a day":     {day, day + digest.Day, 900, "06:00 12:00 18:00"},
		"two hours": {day + 600, day + 7800, 300, "01:00"},
		"a week":    {day, day + 7*digest.Day, 6 * 3600, "2026-11-21 2026-11-23 2026-11-25"},
		"a year":    {day, day + 364*digest.Day, 28 * digest.Day, "2027-01-14 2027-04-08 2027-07-01 2027-09-23"},
		"a month":   {day, day + 28*digest.Day, digest.Day, "2026-11-26 2026-12-03 2026-12-10"},
		"two days":  {day, day + 2*digest.Day + 3600, 3600, "11-20 12:00 11-21 00:00 11-21 12:00"},
	} {
		var labels []string
		for _, tick := range ticks(c.from, c.to, c.step, 1000) {
			labels = append(labels, tick.Label)
		}
		require.Equal(t, c.want, strings.Join(labels, " "), name)
	}
}

// drawn is a flow with a time and a verdict.
func drawn(at int64, v detect.Verdict) *scan.Flow {
	return &scan.Flow{Last: at, Finding: &detect.Finding{Verdict: v}}
}

func TestHTMLFormats(t *testing.T) {
	for n, want := range map[int64]string{0: "0 B", 999: "999 B", 1000: "1.0 kB", 999_949: "999.9 kB", 999_950: "1.0 MB", 1_500_000: "1.5 MB", 2e9: "2.0 GB", 3e12: "3.0 TB", 5e15: "5000.0 TB"} {
		require.Equal(t, want, size(n))
	}
	for n, want := range map[int64]string{0: "0", 999: "999", 1000: "1\u202f000", 1234567: "1\u202f234\u202f567", -1000: "-1\u202f000", -100: "-100"} {
		require.Equal(t, want, grouped(n))
	}
	require.Equal(t, []string{"2001:", "db8:", ":", "1"}, groups("2001:db8::1"))
	require.Equal(t, []string{"192.0.2.1:9001"}, groups("192.0.2.1:9001"))
	long := strings.Repeat("a:", 30)
	require.True(t, isLong(long))
	require.Equal(t, []string{long}, groups(long))
	require.Equal(t, []piece{{Text: "from "}, {Text: "2026-11-20T12:00:00Z", Whole: true}, {Text: " on: "}, {Text: "db8:", Open: true}, {Text: ":", Open: true}, {Text: "1"}, {Text: " at 192.0.2.1:80."}},
		pieces("from 2026-11-20T12:00:00Z on: db8::1 at 192.0.2.1:80."))
	require.Equal(t, []piece{{}}, pieces(""))
	require.Equal(t, "not known", pageTime(0))
	require.Equal(t, "2026-11-20T12:00:00Z", pageTime(noon.Unix()))
}

// Text can be read and marks can be seen in both schemes: WCAG 2.2 wants a contrast
// of 4.5 for text (1.4.3) and of 3 for what is no text (1.4.11).
func TestHTMLContrast(t *testing.T) {
	light, rest, _ := strings.Cut(pageStyle, "@media")
	dark, _, _ := strings.Cut(rest, "* {")
	for scheme, css := range map[string]string{"light": light, "dark": dark} {
		luminance := map[string]float64{}
		for _, m := range regexp.MustCompile(`--(\w+): #(\w\w)(\w\w)(\w\w);`).FindAllStringSubmatch(css, -1) {
			for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
				n, err := strconv.ParseUint(m[i+2], 16, 8)
				require.NoError(t, err)
				c := float64(n) / 255
				if c <= 0.04045 {
					luminance[m[1]] += weight * c / 12.92
				} else {
					luminance[m[1]] += weight * math.Pow((c+0.055)/1.055, 2.4)
				}
			}
		}
		require.Len(t, luminance, 15, scheme)
		for _, ground := range []string{"paper", "panel"} {
			for name, l := range luminance {
				least := 3.0
				switch name {
				case "ink", "faint", "link":
					least = 4.5
				case "paper", "panel", "line":
					continue
				}
				a, b := max(l, luminance[ground])+0.05, min(l, luminance[ground])+0.05
				require.GreaterOrEqual(t, a/b, least, "%s on %s, %s", name, ground, scheme)
			}
		}
	}
}
