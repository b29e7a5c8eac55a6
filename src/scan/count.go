package scan

import (
	"fmt"

	"tordetect/src/detect"
	"tordetect/src/flow"
)

// A counter counts what was judged and hands on what is asked for. Whoever reads
// tells it of each event: of those that it wants by event, of the others, which are
// most, by quiet, which needs no Flow.
type counter struct {
	summary Summary
	options *Options
	add     func(*Flow) error
}

// wants reports whether an event of a score is to be handed over as a Flow.
func (c *counter) wants(score int) bool { return score >= c.options.MinScore }

// quiet counts an event that is not wanted, by its last moment.
func (c *counter) quiet(v detect.Verdict, covered flow.Coverage, last int64) {
	c.summary.Flows++
	c.summary.Tally.add(v, covered, last)
}

// event counts an event and hands it on.
func (c *counter) event(f *Flow) error {
	c.summary.ListUntil = max(c.summary.ListUntil, f.ListTime)
	c.summary.Flows++
	c.summary.Tally.add(f.Finding.Verdict, f.Coverage, f.Last)
	if f.Finding.Score < c.options.MinScore {
		return nil
	}
	if err := c.add(f); err != nil {
		return fmt.Errorf("write the results: %w", err)
	}
	return nil
}

func (t *Tally) add(v detect.Verdict, covered flow.Coverage, at int64) {
	t.Verdicts[v]++
	t.Covered[covered].add(at)
	if at == 0 {
		t.Untimed++
		return
	}
	if t.First == 0 || at < t.First {
		t.First = at
	}
	t.Last = max(t.Last, at)
}

func (s *Span) add(at int64) {
	s.Flows++
	if at != 0 {
		if s.First == 0 || at < s.First {
			s.First = at
		}
		s.Last = max(s.Last, at)
	}
}
