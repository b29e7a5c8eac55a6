package scan

import (
	"fmt"

	"tordetect/src/detect"
	"tordetect/src/flow"
)

// A counter counts what was judged and hands on what is asked for. Whoever reads
// tells it of each event: of those that are asked for or joined to others by event, of
// the others, which are most, by alone, which needs no Flow.
type counter struct {
	summary Summary
	options *Options
	add     func(*Flow) error
	joiner  joiner
	names   names
	open    Tally // events without evidence that end no flow
}

func newCounter(o *Options, add func(*Flow) error) *counter {
	c := &counter{options: o, add: add, summary: Summary{Options: o, Kinds: map[string]int64{}}}
	c.joiner = joiner{whole: o.Join, done: c.flow}
	return c
}

// knows reports whether there are events of a connection, to which more are joined.
func (c *counter) knows(id []byte) bool { return len(id) > 0 && c.joiner.knows(id) }

// alone counts an event that is not joined to others.
func (c *counter) alone(j *judged) {
	c.summary.ListUntil = max(c.summary.ListUntil, j.listTime)
	if j.closes {
		c.summary.Flows++
	} else {
		c.summary.Events++
	}
	tally := &c.open
	if j.closes || j.tallied {
		tally = &c.summary.Tally
	}
	tally.add(j.verdict, j.covered, j.last)
	c.below(int(j.score))
}

// event counts an event and hands it on, or what it is joined to at the end.
func (c *counter) event(f *Flow) error {
	if !c.options.Join {
		if err := c.handOn(f); err != nil {
			return err
		}
	}
	return c.join(f)
}

// join counts an event, or what it is joined to at the end.
func (c *counter) join(f *Flow) error {
	if f.Closes {
		c.summary.Flows++
	} else {
		c.summary.Events++
	}
	c.summary.ListUntil = max(c.summary.ListUntil, f.ListTime)
	if len(f.Connection) > 0 {
		if held, err := c.joiner.put(f); held {
			return err
		}
	}
	return c.flow(f)
}

// flow counts a flow of which no more events are awaited.
func (c *counter) flow(f *Flow) error {
	tally := &c.summary.Tally
	if !f.Closes && !f.hasEvidence() {
		tally = &c.open
	}
	tally.add(f.Finding.Verdict, f.Coverage, f.Last)
	c.below(f.Finding.Score)
	if c.options.Join {
		return c.handOn(f)
	}
	return nil
}

// below remembers the highest score that is not asked for.
func (c *counter) below(score int) {
	if score < c.options.MinScore {
		c.summary.Below = max(c.summary.Below, score)
	}
}

func (c *counter) handOn(f *Flow) error {
	if f.Finding.Score < c.options.MinScore {
		return nil
	}
	if err := c.add(f); err != nil {
		return fmt.Errorf("write the results: %w", err)
	}
	return nil
}

// finish is called behind the last event.
func (c *counter) finish() error {
	if err := c.joiner.finish(); err != nil {
		return err
	}
	c.summary.Early = c.joiner.early
	c.summary.Naming, c.summary.Forgotten = c.names.hosts(), c.names.forgotten
	if c.summary.Flows == 0 {
		// Of a ssl log alone each event stands for its flow.
		c.summary.Tally.merge(&c.open)
	}
	return nil
}

func (t *Tally) add(v detect.Verdict, covered flow.Coverage, at int64) {
	t.Verdicts[v]++
	t.Covered[covered].merge(Span{1, at, at})
	if at == 0 {
		t.Untimed++
	}
	t.times(at, at)
}

func (t *Tally) merge(o *Tally) {
	for v, n := range o.Verdicts {
		t.Verdicts[v] += n
	}
	for c, span := range o.Covered {
		t.Covered[c].merge(span)
	}
	t.Untimed += o.Untimed
	t.times(o.First, o.Last)
}

func (t *Tally) times(first, last int64) {
	s := Span{First: t.First, Last: t.Last}
	s.merge(Span{0, first, last})
	t.First, t.Last = s.First, s.Last
}

// merge adds flows; times of 0 are not known.
func (s *Span) merge(o Span) {
	s.Flows += o.Flows
	if o.First != 0 && (s.First == 0 || o.First < s.First) {
		s.First = o.First
	}
	s.Last = max(s.Last, o.Last)
}
