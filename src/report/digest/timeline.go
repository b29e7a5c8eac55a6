package digest

import (
	"tordetect/src/cell"
	"tordetect/src/scan"
)

// A Timeline counts findings by time, in slots of a length that people know. They
// become longer when there are too many of them.
type Timeline struct {
	Step    int64           // seconds of a slot
	Counts  map[int64]*Slot // by its first second
	Untimed int64           // findings without a time, or with one that cannot be
}

// Slot counts by detect.Verdict or by flow.State.
type Slot [len(scan.Verdicts)]int64

// Steps are the lengths of slots: each divides the next, so that none shorter than
// a day spans midnight.
var Steps = [...]int64{1, 5, 15, 60, 300, 900, 3600, 3 * 3600, 6 * 3600, 12 * 3600, Day, 7 * Day, 28 * Day, 364 * Day, 10 * 364 * Day}

const (
	Day      = 24 * 3600
	maxSlots = 1000 // of a timeline; there are 806 of the longest up to cell.MaxTime
)

func newTimeline() Timeline { return Timeline{Step: Steps[0], Counts: map[int64]*Slot{}} }

// add counts one finding under one of the five counts of a slot.
func (t *Timeline) add(at int64, which int) {
	if at <= 0 || at > cell.MaxTime { // later: a clock gone wrong, or milliseconds
		t.Untimed++
		return
	}
	at -= at % t.Step
	if t.Counts[at] == nil {
		t.Counts[at] = new(Slot)
	}
	t.Counts[at][which]++
	for i := 1; len(t.Counts) > maxSlots && i < len(Steps); i++ {
		t.Widen(Steps[i])
	}
}

// Widen makes slots of that length, if they are shorter.
func (t *Timeline) Widen(step int64) {
	if step <= t.Step {
		return
	}
	wider := make(map[int64]*Slot, len(t.Counts))
	for at, counts := range t.Counts {
		at -= at % step
		if wider[at] == nil {
			wider[at] = new(Slot)
		}
		for i, n := range counts {
			wider[at][i] += n
		}
	}
	t.Step, t.Counts = step, wider
}
