package main

import (
	"fmt"
	"strings"
)

// Sizes of the picture, in pixels.
const (
	wide, high  = 720, 260
	left, below = 60, 40
)

// picture draws memory over rows, with the bound as a line.
func picture(got figures) string {
	var b strings.Builder
	top := float64(max(got.Bound, got.Most)) * 1.1
	x := func(rows int) float64 { return left + float64(wide-left-20)*float64(rows)/float64(max(got.Rows, 1)) }
	y := func(bytes float64) float64 { return float64(high-below) * (1 - bytes/top) }
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="12">`+"\n", wide, high)
	fmt.Fprintf(&b, `<title>Memory of one search of %d rows</title><rect width="%d" height="%d" fill="#fff"/>`+"\n", got.Rows, wide, high)
	for _, share := range []float64{0, 0.5, 1} {
		at := share * float64(got.Bound)
		fmt.Fprintf(&b, `<line x1="%d" x2="%d" y1="%.1f" y2="%.1f" stroke="#bbb"/><text x="%d" y="%.1f" text-anchor="end">%.0f MB</text>`+"\n",
			left, wide-20, y(at), y(at), left-6, y(at)+4, mega(int(at)))
	}
	fmt.Fprintf(&b, `<text x="%d" y="%.1f" fill="#a00">bound</text>`+"\n", left+6, y(float64(got.Bound))-4)
	for i := 0; i <= 4; i++ {
		rows := got.Rows * i / 4
		fmt.Fprintf(&b, `<text x="%.1f" y="%d" text-anchor="middle">%.4g</text>`+"\n", x(rows), high-below+18, float64(rows)/1e6)
	}
	fmt.Fprintf(&b, `<text x="%d" y="%d" text-anchor="middle">million rows</text>`+"\n", (left+wide)/2, high-6)
	b.WriteString(`<polyline fill="none" stroke="#06c" points="`)
	for _, s := range got.Samples {
		fmt.Fprintf(&b, "%.1f,%.1f ", x(s.Rows), y(float64(s.Memory)))
	}
	b.WriteString("\"/>\n</svg>\n")
	return b.String()
}
