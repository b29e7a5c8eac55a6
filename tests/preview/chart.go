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

// Pixels, where the page has its full width; a row shares it among its panels.
const (
	rowWide     = 1130.0
	marginLeft  = 34.0
	marginBelow = 22.0
	marginAbove = 8.0
)

// seriesColours are for series that the view gives none.
var seriesColours = []string{"#006d9c", "#62b3b2", "#7b56db", "#5a4575", "#53a051", "#af575a"}

// fieldColour reads the option charting.fieldColors: {"tor":0xdc4e41,"likely":0xf1813f}.
var fieldColour = regexp.MustCompile(`"([^"]*)"\s*:\s*0x([0-9a-fA-F]{6})`)

// chart draws stacked columns over time, the only chart of our dashboards.
func chart(e dashboard.Element, result *splunkd.Result, panels int) (template.HTML, error) {
	chartWide, chartHigh := rowWide/float64(panels), 200.0
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
	step := tick(top)
	scale := (chartHigh - marginAbove - marginBelow) / (math.Ceil(top/step) * step)
	base := chartHigh - marginBelow

	var b strings.Builder
	fmt.Fprintf(&b, `<svg viewBox="0 0 %.0f %g" role="img" aria-label="%s over time">`, chartWide, chartHigh, html.EscapeString(strings.Join(series, ", ")))
	for at := 0.0; at <= math.Ceil(top/step)*step+step/2; at += step {
		y := base - at*scale
		fmt.Fprintf(&b, `<line class="grid" x1="%g" x2="%.0f" y1="%.1f" y2="%.1f"/><text x="%g" y="%.1f" text-anchor="end">%g</text>`, marginLeft, chartWide, y, y, marginLeft-6, y+4, at)
	}
	column := (chartWide - marginLeft) / float64(len(result.Rows))
	labels := int(math.Ceil(float64(len(result.Rows)) * 70 / (chartWide - marginLeft)))
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

func value(row splunkd.Row, name string) float64 {
	f, err := strconv.ParseFloat(row.Get(name), 64)
	if err != nil || f < 0 {
		return 0
	}
	return f
}

// tick is the distance of the lines behind the columns: 1, 2 or 5 times a power of ten, whole, for three to six lines.
func tick(top float64) float64 {
	for power := 1.0; ; power *= 10 {
		for _, factor := range []float64{1, 2, 5} {
			if step := factor * power; top/step <= 5 {
				return step
			}
		}
	}
}
