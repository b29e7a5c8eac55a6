package html

import (
	"math"
	"math/rand/v2"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

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
		{"all of time", 1, digest.MaxTime, 1, digest.MaxTime, "58240 days"},
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
			if c.last-c.first < 400*digest.Day {
				require.LessOrEqual(t, chart.From, c.first)
				require.GreaterOrEqual(t, chart.To, c.last)
			}
		})
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
