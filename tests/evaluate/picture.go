package main

import (
	"bytes"
	"fmt"
	"html"
	"math"
	"strings"
)

// The picture: a line for each method, in two panels side by side, precision and
// recall, each with a mark and its interval for outbound and for inbound.
const (
	labelWidth = 290 // of the names at the left
	panelWidth = 300
	panelGap   = 40
	rowHeight  = 24
	topHeight  = 104 // title, legend, panels' names
	margin     = 20
	wide       = margin + labelWidth + 2*panelWidth + panelGap + 2*margin
)

// style has the colours twice: whoever looks in the dark gets the second ones.
// (No variables: not every program that shows a picture knows them.) The two
// directions differ in form as well.
const style = `
text { font: 13px system-ui, "Segoe UI", "Helvetica Neue", Arial, sans-serif; fill: #1f2328 }
.title { font-size: 17px; font-weight: 600 } .group { font-weight: 600 }
.quiet { font-size: 12px; fill: #59636e }
.ground { fill: #ffffff } .grid { stroke: #d1d9e0; stroke-width: 1 }
.outbound { fill: #0b5cad; stroke: #0b5cad } .inbound { fill: #a8480a; stroke: #a8480a }
.range { stroke-width: 2; stroke-opacity: .55 }
@media (prefers-color-scheme: dark) {
text { fill: #e6e9ec } .quiet { fill: #9aa5b1 } .ground { fill: #14181d } .grid { stroke: #353d46 }
.outbound { fill: #6fb3f2; stroke: #6fb3f2 } .inbound { fill: #f0a05c; stroke: #f0a05c }
}
`

// line is one line of the picture: a heading, or a method with its measures.
type line struct {
	heading  string
	measures []Measure // by direction
}

// lines leaves out what found nothing, and what is never scored.
func (r *report) lines() []line {
	var out []line
	group := ""
	for i := 0; i+1 < len(r.Measures); i += len(directions) {
		of := r.Measures[i : i+len(directions)]
		if of[0].Precision == nil && of[1].Precision == nil || of[0].remark() != "" {
			continue
		}
		if of[0].Group != group {
			group = of[0].Group
			out = append(out, line{heading: map[string]string{byVerdict: "Verdicts of tordetect", byUsual: "Usual ways", byCode: "Single pieces of evidence"}[group]})
		}
		out = append(out, line{measures: of})
	}
	if len(r.Logs) > 0 {
		out = append(out, line{heading: "Likely or above, in other kinds of logs"})
	}
	for _, l := range r.Logs {
		var of []Measure
		for _, m := range l.likely() {
			m.Name = l.Log
			of = append(of, m)
		}
		out = append(out, line{measures: of})
	}
	return out
}

func (r *report) picture() ([]byte, error) {
	lines := r.lines()
	bottom := topHeight + rowHeight*len(lines)
	height := bottom + 90
	var b bytes.Buffer
	put := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	put(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" role="img" aria-labelledby="t d">`, wide, height, wide, height)
	put(`<title id="t">Precision and recall of tordetect and of the usual ways</title>`)
	put(`<desc id="d">%s</desc>`, html.EscapeString(r.source()))
	put(`<style>%s</style>`, style)
	put(`<rect class="ground" width="%d" height="%d"/>`, wide, height)
	put(`<text class="title" x="%d" y="32">How much of what is called Tor is Tor, and how much of Tor is found</text>`, margin)
	put(`<circle class="outbound" cx="%d" cy="54" r="5"/><text x="%d" y="58">outbound: clients of ours</text>`, margin+6, margin+18)
	put(`<path class="inbound" d="%s"/><text x="%d" y="58">inbound: from exits to us</text>`, diamond(margin+206, 54), margin+218)
	put(`<text class="quiet" x="%d" y="58">line: 95%% interval</text>`, margin+400)

	for p, name := range []string{"precision", "recall"} {
		left := margin + labelWidth + p*(panelWidth+panelGap)
		put(`<text class="group" x="%d" y="%d">%s</text>`, left, topHeight-24, name)
		for _, tick := range []int{0, 25, 50, 75, 100} {
			x := left + tick*panelWidth/100
			put(`<line class="grid" x1="%d" x2="%d" y1="%d" y2="%d"/>`, x, x, topHeight-4, bottom+2)
			put(`<text class="quiet" x="%d" y="%d" text-anchor="middle">%d%%</text>`, x, topHeight-9, tick)
			put(`<text class="quiet" x="%d" y="%d" text-anchor="middle">%d%%</text>`, x, bottom+16, tick)
		}
	}
	for i, l := range lines {
		middle := topHeight + rowHeight*i + rowHeight/2
		if l.heading != "" {
			put(`<text class="group" x="%d" y="%d">%s</text>`, margin, middle+5, html.EscapeString(l.heading))
			continue
		}
		put(`<text x="%d" y="%d">%s</text>`, margin, middle+5, html.EscapeString(l.measures[0].Name))
		one := l.measures[0].silent() || l.measures[1].silent() || l.measures[0].Flows == 0 || l.measures[1].Flows == 0
		for d, m := range l.measures {
			y := middle - 4 + 8*d
			switch {
			case m.silent():
				continue
			case one:
				y = middle
			}
			for p, s := range []*Share{m.Precision, m.Recall} {
				if s == nil {
					continue
				}
				left := margin + labelWidth + p*(panelWidth+panelGap)
				b.WriteString(mark(m, []string{"precision", "recall"}[p], s, left, y))
			}
		}
	}
	y := bottom + 40
	for text := range strings.SplitSeq(r.source(), ". ") {
		put(`<text class="quiet" x="%d" y="%d">%s</text>`, margin, y, html.EscapeString(strings.TrimSuffix(text, ".")+"."))
		y += 17
	}
	put(`</svg>`)
	return b.Bytes(), nil
}

// silent reports whether a measure is of a code that is of the other direction.
func (m Measure) silent() bool { return m.Group == byCode && m.Precision == nil }

// mark draws a share and its interval; pointing at it shows the figures.
func mark(m Measure, what string, s *Share, left, y int) string {
	at := func(v float64) float64 { return math.Round(10*(float64(left)+v*panelWidth)) / 10 }
	form := fmt.Sprintf(`<circle class="outbound" cx="%g" cy="%d" r="4.5"/>`, at(s.Value), y)
	if m.Direction == "inbound" {
		form = fmt.Sprintf(`<path class="inbound" d="%s"/>`, diamond(at(s.Value), float64(y)))
	}
	return fmt.Sprintf("<g><title>%s</title><line class=\"%s range\" x1=\"%g\" x2=\"%g\" y1=\"%d\" y2=\"%d\"/>%s</g>\n",
		html.EscapeString(fmt.Sprintf("%s, %s: %s %s", m.Name, m.Direction, what, s)), m.Direction, at(s.Low), at(s.High), y, y, form)
}

func diamond[N int | float64](x, y N) string {
	const r = 5
	return fmt.Sprintf("M%v %vL%v %vL%v %vL%v %vZ", x-r, y, x, y-r, x+r, y, x, y+r)
}

// source says what the figures are of.
func (r *report) source() string {
	if len(r.Files) > 0 {
		return fmt.Sprintf("%d flows of files, %d of them Tor.", r.Flows, r.Tor)
	}
	return fmt.Sprintf("%d generated flows of the held-out seeds %d to %d, %d of them Tor. Each counts by its base rate; %.2f%% of all flows are Tor. Some base rates are guesses: see tests/flows/cases.go.",
		r.Flows, r.Seeds[0], r.Seeds[len(r.Seeds)-1], r.Tor, 100*r.BaseRate)
}
