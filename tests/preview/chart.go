package main

import (
	"fmt"
	"html"
	"html/template"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"tordetect/tests/preview/dashboard"
	"tordetect/tests/splunkd"
)

// Pixels.
const (
	beside      = 70.0 // what the page and a panel keep at their sides
	stacked     = 700  // up to this width panels stand below each other (page.css)
	figureWide  = 7.0  // of the scale
	marginBelow = 22.0
	marginAbove = 8.0
)

// seriesColours are for series that the view gives none.
var seriesColours = []string{"#006d9c", "#62b3b2", "#7b56db", "#5a4575", "#53a051", "#af575a"}

// fieldColour reads the option charting.fieldColors: {"tor":0xdc4e41,"likely":0xf1813f}.
var fieldColour = regexp.MustCompile(`"([^"]*)"\s*:\s*0x([0-9a-fA-F]{6})`)

// chart draws stacked columns over time, the only chart of our dashboards.
func chart(e dashboard.Element, result *splunkd.Result, chartWide float64) (template.HTML, error) {
	chartHigh := 180.0
	if text := e.Options["height"]; text != "" {
		var err error
		if chartHigh, err = strconv.ParseFloat(text, 64); err != nil || chartHigh < 60 {
			return "", fmt.Errorf("a height of %q", text)
		}
	}
	if e.Options["charting.chart"] != "column" || e.Options["charting.chart.stackMode"] != "stacked" {
		return "", fmt.Errorf("only stacked columns are drawn")
	}
	series := visible(result.Columns)
	colours := map[string]string{}
	for _, found := range fieldColour.FindAllStringSubmatch(e.Options["charting.fieldColors"], -1) {
		colours[found[1]] = "#" + strings.ToLower(found[2])
	}
	next := 0
	for _, name := range series {
		if colours[name] == "" {
			colours[name] = seriesColours[next%len(seriesColours)]
			next++
		}
	}
	top := 0.0
	for _, row := range result.Rows {
		sum := 0.0
		for _, name := range series {
			sum += value(row, name)
		}
		top = math.Max(top, sum)
	}
	if len(result.Rows) == 0 || top == 0 {
		return `<p class="none">No results found.</p>`, nil
	}
	plot := chartHigh - marginAbove - marginBelow
	step, ends := axis(top, plot)
	scale := plot / ends
	base := chartHigh - marginBelow
	marginLeft := 8 + figureWide*float64(len(thousands(strconv.FormatFloat(ends, 'f', -1, 64)))+1)

	var b strings.Builder
	fmt.Fprintf(&b, `<svg viewBox="0 0 %.0f %g" role="img" aria-label="%s over time">`, chartWide, chartHigh, html.EscapeString(strings.Join(series, ", ")))
	for at := 0.0; at <= ends; at += step {
		y := base - at*scale
		fmt.Fprintf(&b, `<line class="grid" x1="%g" x2="%.0f" y1="%.1f" y2="%.1f"/><text x="%g" y="%.1f" text-anchor="end">%s</text>`, marginLeft, chartWide, y, y, marginLeft-6, y+4, thousands(strconv.FormatFloat(at, 'f', -1, 64)))
	}
	column := (chartWide - marginLeft) / float64(len(result.Rows))
	labels := int(math.Ceil(float64(len(result.Rows)) * 45 / (chartWide - marginLeft)))
	for i, row := range result.Rows {
		x, y := marginLeft+float64(i)*column, base
		for _, name := range slices.Backward(series) { // the first on top, as Splunk's charts (Highcharts, reversedStacks)
			high := value(row, name) * scale
			if high == 0 {
				continue
			}
			y -= high
			fmt.Fprintf(&b, `<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" fill="%s"/>`, x+column*0.08, y, column*0.84, high, colours[name])
		}
		if seconds, err := strconv.ParseInt(row.Get("_time"), 10, 64); err == nil && i%labels == 0 {
			fmt.Fprintf(&b, `<text x="%.1f" y="%g" text-anchor="middle">%s</text>`, x+column/2, chartHigh-6, time.Unix(seconds, 0).UTC().Format("15:04"))
		}
	}
	fmt.Fprintf(&b, `<line class="axis" x1="%g" x2="%.0f" y1="%g" y2="%g"/></svg><p class="legend">`, marginLeft, chartWide, base, base)
	for _, name := range series {
		fmt.Fprintf(&b, `<span><i style="background:%s"></i>%s</span> `, colours[name], html.EscapeString(splunkd.Printable(name)))
	}
	b.WriteString("</p>")
	return template.HTML(b.String()), nil
}

// chartWide is how wide a chart gets that shares a page with the panels of its row.
func chartWide(page, panels int) float64 {
	if page <= stacked {
		panels = 1
	}
	return (float64(page) - beside) / float64(panels)
}

func value(row splunkd.Row, name string) float64 {
	f, err := strconv.ParseFloat(row.Get(name), 64)
	if err != nil || f < 0 {
		return 0
	}
	return f
}

// axis is the distance of the lines behind the columns and where the last one lies, by the rules of Highcharts, with which
// Splunk draws: about 72 pixels apart, 1, 2, 2.5 or 5 times a power of ten, whichever is nearest, and one line above 105% of
// the highest column.
func axis(top, plot float64) (step, ends float64) {
	wanted := top * 1.05 * 72 / plot
	power := math.Pow(10, math.Floor(math.Log10(wanted)))
	factors := []float64{1, 2, 2.5, 5, 10}
	for i, factor := range factors {
		if step = factor * power; i+1 == len(factors) || (factor+factors[i+1])/2*power >= wanted {
			break
		}
	}
	return step, math.Ceil(top*1.05/step) * step
}
