package main

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"tordetect/tests/packaged"
	"tordetect/tests/preview/dashboard"
	"tordetect/tests/splunkd"
)

// TestMain makes a package where none is given.
func TestMain(m *testing.M) {
	code, err := func() (int, error) {
		file, err := packaged.File()
		if err == nil {
			err = os.Setenv("TORDETECT_PACKAGE", file)
		}
		if err != nil {
			return 1, err
		}
		return m.Run(), nil
	}()
	if err != nil {
		os.Stderr.WriteString(err.Error() + "\n")
	}
	os.Exit(code)
}

func preview(t *testing.T, args ...string) (code int, out, complaints string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code = run(args, &stdout, &stderr)
	return code, stdout.String(), stderr.String()
}

// Both pages, each self-contained, with what the searches found and nothing left open.
func TestPages(t *testing.T) {
	dir := t.TempDir()
	code, out, complaints := preview(t, "-o", dir)
	require.Zero(t, code, complaints)
	require.Equal(t, filepath.Join(dir, "tor_overview.html")+"\n"+filepath.Join(dir, "was_it_tor.html")+"\n", out)
	for name, parts := range map[string][]string{
		"tor_overview": {"<h1>Tor overview</h1>", "current", "<svg", `class="clicks"`, "10.20.1.77", "0.8", "In part", "What each node has", "Ask every indexer", "color:#53a051"},
		"was_it_tor":   {"<h1>Was it Tor?</h1>", "Yes: 198.51.100.", "relay07", "OR port 8443", "there was a list", "perhaps the label is wrong"},
	} {
		text, err := os.ReadFile(filepath.Join(dir, name+".html"))
		require.NoError(t, err)
		for _, part := range parts {
			require.True(t, strings.Contains(string(text), part), "%s lacks %q", name, part)
		}
		for _, wrong := range []string{`(src|href)="?(https?:|//)|url\(|<script|@import`, `\$[a-z_.|]+\$|ZgotmplZ`, `Search is waiting|class="fault"|No results found`, `<html[^>]*data-theme`} {
			require.Empty(t, regexp.MustCompile(wrong).FindString(string(text)), name)
		}
	}
}

func TestForm(t *testing.T) {
	dir := t.TempDir()
	code, _, complaints := preview(t, "-o", dir, "-theme", "dark", "-set", "address=<script>alert(1)</script>", "was_it_tor")
	require.Zero(t, code, complaints)
	text, err := os.ReadFile(filepath.Join(dir, "was_it_tor.html"))
	require.NoError(t, err)
	require.Contains(t, string(text), `<html lang="en" data-theme="dark">`)
	require.Contains(t, string(text), "That could not be asked")
	require.NotContains(t, string(text), "<script")

	code, _, complaints = preview(t, "-o", dir, "-set", "ask_nodes=-15m", "-set", "period.earliest=-6h@h", "tor_overview")
	require.Zero(t, code, complaints)
	text, err = os.ReadFile(filepath.Join(dir, "tor_overview.html"))
	require.NoError(t, err)
	require.Contains(t, string(text), "indexer2")
	require.Contains(t, string(text), "disabled checked")

	for findings, part := range map[string]string{"0": "Nobody found at this sureness", "10": ">10.1.0.1<"} {
		code, _, complaints = preview(t, "-o", dir, "-findings", findings, "tor_overview")
		require.Zero(t, code, complaints)
		text, err = os.ReadFile(filepath.Join(dir, "tor_overview.html"))
		require.NoError(t, err)
		require.Contains(t, string(text), part)
		require.NotContains(t, string(text), "No traffic in this time")
	}

	for want, args := range map[string][]string{
		"-findings is at most":          {"-findings", "1000000"},
		"flag provided but not defined": {"-colour"},
		"want TOKEN=VALUE":              {"-set", "address", "was_it_tor"},
		"-set needs the one view":       {"-set", "address=x"},
		"-theme is":                     {"-theme", "blue"},
		"-width":                        {"-width", "1"},
	} {
		code, _, complaints := preview(t, args...)
		require.Equal(t, 2, code)
		require.Contains(t, complaints, want)
	}
	for want, args := range map[string][]string{
		"no such file":   {"-o", dir, "no_such_view"},
		"no field":       {"-o", dir, "-set", "colour=red", "was_it_tor"},
		"not be started": {"-o", dir, "-browser", filepath.Join(dir, "not be started"), "was_it_tor"},
	} {
		code, _, complaints := preview(t, args...)
		require.Equal(t, 1, code)
		require.Contains(t, complaints, want)
	}
}

// The picture is what the browser drew, without the empty part, in few colours of which the areas keep theirs.
func TestShrink(t *testing.T) {
	page, panel := color.RGBA{242, 244, 245, 255}, color.RGBA{255, 255, 255, 255}
	drawn := image.NewRGBA(image.Rect(0, 0, 300, 1000))
	for y := range 1000 {
		for x := range 300 {
			c := page
			if x > 20 && x < 280 && y > 20 && y < 400 {
				c = panel
				if (x+y)%7 == 0 {
					c = color.RGBA{uint8(x), uint8(y), uint8(x * y), 255}
				}
			}
			drawn.Set(x, y, c)
		}
	}
	small, err := shrink(drawn)
	require.NoError(t, err)
	got, err := png.Decode(bytes.NewReader(small))
	require.NoError(t, err)
	require.Equal(t, image.Rect(0, 0, 300, 400+belowPage), got.Bounds())
	require.LessOrEqual(t, len(got.(*image.Paletted).Palette), mostColours)
	require.Equal(t, page, rgba(got.At(5, 5)))
	require.Equal(t, panel, rgba(got.At(22, 21)))
	_, err = shrink(image.NewRGBA(image.Rect(0, 0, 10, 10)))
	require.ErrorContains(t, err, "drew nothing")
}

func TestChart(t *testing.T) {
	e := dashboard.Element{Kind: "chart", Options: map[string]string{
		"charting.chart": "column", "charting.chart.stackMode": "stacked", "charting.fieldColors": `{"tor":0xDC4E41}`,
	}}
	rows := []splunkd.Row{
		{"_time": {"1795600800"}, "tor": {"3"}, "a<b": {"1"}},
		{"_time": {"1795604400"}, "tor": {"0"}, "a<b": {"text"}},
	}
	drawn, err := chart(e, &splunkd.Result{Table: splunkd.Table{Columns: []string{"_time", "_span", "tor", "a<b"}, Rows: rows}}, 400)
	require.NoError(t, err)
	bars := regexp.MustCompile(`<rect [^>]*height="([0-9.]+)" fill="(#[0-9a-f]+)"`).FindAllStringSubmatch(string(drawn), -1)
	require.Len(t, bars, 2, "nothing is drawn for nothing")
	require.Equal(t, []string{"25.0", seriesColours[0]}, bars[0][1:], "the last series is the lowest")
	require.Equal(t, []string{"75.0", "#dc4e41"}, bars[1][1:])
	require.Contains(t, string(drawn), ">10:00<")
	require.Contains(t, string(drawn), "a&lt;b")
	empty, err := chart(e, &splunkd.Result{}, 400)
	require.NoError(t, err)
	require.Contains(t, string(empty), "No results found")
	e.Options["charting.chart"] = "pie"
	_, err = chart(e, &splunkd.Result{}, 400)
	require.Error(t, err)
	for top, want := range map[float64][2]float64{5: {2.5, 7.5}, 4: {2, 6}, 1: {0.5, 1.5}, 25: {10, 30}, 260: {100, 300}, 100_000: {50_000, 150_000}} {
		step, ends := axis(top, 150)
		require.Equal(t, want, [2]float64{step, ends}, "%g", top)
	}
	step, ends := axis(5, 100)
	require.Equal(t, [2]float64{5, 10}, [2]float64{step, ends}, "a low one")
}

// Single values are rounded as Splunk rounds them: to whole numbers, unless the view says otherwise.
func TestPrecision(t *testing.T) {
	for _, test := range [][3]string{{"0.9", "", "1"}, {"85.34", "0.0", "85.3"}, {"1234567", "0", "1,234,567"}, {"999", "", "999"}, {"1000.06", "0.00", "1,000.06"}, {"current", "0.0", "current"}} {
		got, err := precision(test[0], test[1])
		require.NoError(t, err)
		require.Equal(t, test[2], thousands(got))
	}
	_, err := precision("1", "#")
	require.Error(t, err)
}
