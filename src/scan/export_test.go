package scan

import (
	"io"

	"tordetect/src/event"
)

// RunLineByLine is Run without batches and workers: what Run has to be like.
func RunLineByLine(o *Options, progress Progress, add func(*Flow) error) (*Summary, error) {
	c := newCounter(o, add)
	r, err := newRun(o, c)
	if err != nil {
		return nil, err
	}
	if err := o.each(nil, progress, func(name string, f io.Reader) error {
		r.direct.flow.File = name
		return r.log.Read(name, f, func(e *event.Event, line int64) error { return r.event(e, line) })
	}, r.log.Missing); err != nil {
		return nil, err
	}
	r.summarize()
	return &c.summary, c.finish()
}

// Counter takes events as whoever reads does, for tests that make them by hand.
type Counter struct{ *counter }

func NewCounter(o *Options, add func(*Flow) error) Counter { return Counter{newCounter(o, add)} }

func (c Counter) Event(f *Flow) error { return c.event(f) }

// Offer hands an event over as whoever reads does: whole only where it is wanted.
func (c Counter) Offer(f *Flow) error {
	isJoined := len(f.Connection) > 0 && f.hasEvidence()
	if f.Finding.Score >= c.options.MinScore || isJoined || c.knows(f.Connection) {
		return c.event(f)
	}
	c.alone(&judged{verdict: f.Finding.Verdict, covered: f.Coverage, last: f.Last, listTime: f.ListTime, closes: f.Closes})
	return nil
}

func (c Counter) Finish() (*Summary, error) { return &c.summary, c.finish() }

const (
	MaxJoined     = maxJoined
	MaxJoinedText = maxJoinedText
	MaxSameID     = maxSameID

	MaxNamingHosts = maxNamingHosts
)

// Held is what the counter holds of flows with evidence.
func (c Counter) Held() (flows, bytes int) { return len(c.joiner.queue), c.joiner.size }

// InBlocks sets how many bytes a worker reads at once.
func (o *Options) InBlocks(size int) { o.block = size }
