package html

import (
	"fmt"
	"strings"
	"time"

	"tordetect/src/cell"
	"tordetect/src/report/digest"
	"tordetect/src/text"
)

// A chart is a timeline as stacked bars. Heights and places are in units of the
// drawing, which is stretched to the width of the page; its words stand around it
// as text, so that they are as large on a phone as elsewhere.
type chart struct {
	ID, Title string
	Desc      string // all that the picture shows, in a sentence
	Step      string // length of a bar
	Width     int
	Height    int
	Bars      []bar
	Most      int64 // findings in the highest bar
	From, To  int64 // first second of the first bar, last of the last one
	Keys      []key
	Ticks     []tick // of the axis of time
	Untimed   int64
}

// A tick is a round time below the drawing: a line in it, and words under it.
type tick struct {
	X       int    // in the drawing
	Percent string // of its width
	Label   string
}

type bar struct {
	At    int64 // its first second
	Label string
	X     int
	Parts []part
	Total int64
}

type part struct {
	Name string
	Y, H int
	N    int64
}

// key is an entry of the legend.
type key struct {
	Name  string
	Total int64
}

const (
	maxBars   = 96 // a phone of 390 pixels has 3 for each then
	barStep   = 10
	barWidth  = 8
	barHeight = 160
	leastPart = 3  // a single finding beside thousands is still seen
	widestBar = 40 // pixels; a log of a minute is one bar, not a wall
)

// layer is one of the counts that a bar is stacked of.
type layer struct {
	name  string
	place int // in a slot
}

// layers are the counts of a timeline by words of a type.
func layers[T interface {
	~uint8
	String() string
}](of []T) []layer {
	var out []layer
	for _, word := range of {
		out = append(out, layer{word.String(), int(word)})
	}
	return out
}

// stepNames are the names of the steps of timelines.
var stepNames = map[int64]string{
	1: "second", 5: "5 seconds", 15: "15 seconds", 60: "minute", 300: "5 minutes", 900: "15 minutes", 3600: "hour", 3 * 3600: "3 hours", 6 * 3600: "6 hours", 12 * 3600: "12 hours",
	digest.Day: "day", 7 * digest.Day: "7 days", 28 * digest.Day: "28 days", 364 * digest.Day: "364 days", 3640 * digest.Day: "3640 days",
}

// newChart draws a timeline from the time of the first flow to that of the last, so
// that quiet hours are seen. Stack names the counts, from below, and where
// each stands in a slot.
func newChart(id, title string, t *digest.Timeline, stack []layer, first, last int64) *chart {
	c := &chart{ID: id, Title: title, Height: barHeight, Untimed: t.Untimed}
	if len(t.Counts) == 0 {
		return c
	}
	low, high := int64(cell.MaxTime), int64(0)
	for at := range t.Counts {
		low, high = min(low, at), max(high, at)
	}
	// A clock that jumps may be decades away: then only the findings' time is drawn.
	if first > 0 && last <= cell.MaxTime && last-first < 400*digest.Day {
		low, high = min(low, first), max(high, last)
	}
	for i := 0; (high-high%t.Step-low+low%t.Step)/t.Step >= maxBars; i++ {
		step := 2 * t.Step // beyond the longest that has a name
		if i < len(digest.Steps) {
			step = digest.Steps[i]
		}
		t.Widen(step)
	}
	low -= low % t.Step
	high -= high % t.Step
	if c.Step = stepNames[t.Step]; c.Step == "" {
		c.Step = fmt.Sprintf("%d days", t.Step/digest.Day)
	}
	c.From, c.To = low, high+t.Step-1
	for _, counts := range t.Counts {
		c.Most = max(c.Most, total(counts))
	}
	totals := map[string]int64{}
	for at := low; at <= high; at += t.Step {
		b := bar{At: at, X: int((at-low)/t.Step)*barStep + (barStep-barWidth)/2}
		var words []string
		top := barHeight
		if counts := t.Counts[at]; counts != nil {
			for _, l := range stack {
				n := counts[l.place]
				if n == 0 {
					continue
				}
				totals[l.name] += n
				b.Total += n
				h := leastPart + int(float64(n)/float64(c.Most)*float64(barHeight-len(stack)*leastPart))
				top -= h
				b.Parts = append(b.Parts, part{l.name, top, h, n})
				words = append(words, fmt.Sprintf("%d %s", n, l.name))
			}
		}
		if b.Total > 0 {
			b.Label = text.Time(at) + ", " + c.Step + ": " + strings.Join(words, ", ")
		}
		c.Bars = append(c.Bars, b)
	}
	c.Width = len(c.Bars) * barStep
	c.Ticks = ticks(low, high+t.Step, t.Step, c.Width)
	var words []string
	for _, l := range stack {
		if n := totals[l.name]; n > 0 {
			c.Keys = append(c.Keys, key{l.name, n})
			words = append(words, fmt.Sprintf("%d %s", n, l.name))
		}
	}
	c.Desc = fmt.Sprintf("Bars of a %s each from %s to %s. Findings: %s. The highest bar has %d.", c.Step, text.Time(c.From), text.Time(c.To), strings.Join(words, ", "), c.Most)
	return c
}

// The most ticks, and the fewest bars that are told apart by them: words of a date and
// a time have a quarter of a phone.
const (
	maxTicks  = 4
	tickedBar = 8
)

// ticks are round times from the first second to the one behind the last.
func ticks(from, to, step int64, width int) []tick {
	if (to-from)/step < tickedBar {
		return nil
	}
	apart := between(to-from, step)
	form := time.DateOnly
	switch {
	case apart < 60:
		form = time.TimeOnly
	case apart < digest.Day && to-from <= 2*digest.Day:
		form = "15:04" // the ends of the axis have the days
	case apart < digest.Day:
		form = "01-02 15:04"
	}
	var out []tick
	for at := from + apart - from%apart; at < to; at += apart {
		share := float64(at-from) / float64(to-from)
		if share < 0.1 || share > 0.9 {
			continue // its words would be cut, and the ends have theirs
		}
		out = append(out, tick{int(share * float64(width)), fmt.Sprintf("%.2f", 100*share), time.Unix(at, 0).UTC().Format(form)})
	}
	return out
}

// between is how far ticks are apart: a length that people know, or a few days or weeks.
func between(span, step int64) int64 {
	for _, known := range digest.Steps {
		for times := int64(1); times <= 3 && (times == 1 || known >= digest.Day); times++ {
			if apart := known * times; apart >= step && span/apart <= maxTicks {
				return apart
			}
		}
	}
	return step * (span/step/maxTicks + 1)
}

// Half is where half of the highest bar is.
func (c *chart) Half() int { return c.Height / 2 }

// Pixels is the width beyond which the drawing does not grow.
func (c *chart) Pixels() int { return len(c.Bars) * widestBar }

// Busy returns the bars that have findings.
func (c *chart) Busy() []bar {
	var out []bar
	for _, b := range c.Bars {
		if b.Total > 0 {
			out = append(out, b)
		}
	}
	return out
}

// Count returns how many findings of a name a bar has.
func (b bar) Count(name string) int64 {
	for _, p := range b.Parts {
		if p.Name == name {
			return p.N
		}
	}
	return 0
}

func total(s *digest.Slot) int64 {
	n := int64(0)
	for _, count := range s {
		n += count
	}
	return n
}
