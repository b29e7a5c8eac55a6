package scan

// Counter takes events as whoever reads does, for tests that make them by hand.
type Counter struct{ *counter }

func NewCounter(o *Options, add func(*Flow) error) Counter { return Counter{newCounter(o, add)} }

func (c Counter) Event(f *Flow) error { return c.event(f) }

// Offer hands an event over as whoever reads does: whole only where it is wanted.
func (c Counter) Offer(f *Flow) error {
	if c.wants(f.Finding.Score, f.hasEvidence(), f.Connection) {
		return c.event(f)
	}
	c.quiet(f.Finding.Verdict, f.Coverage, f.Last, f.ListTime, f.Closes)
	return nil
}

func (c Counter) Finish() (*Summary, error) { return &c.summary, c.finish() }

const (
	MaxJoined     = maxJoined
	MaxJoinedText = maxJoinedText
	MaxSameID     = maxSameID
)

// Held is what the counter holds of flows with evidence.
func (c Counter) Held() (flows, bytes int) { return len(c.joiner.queue), c.joiner.size }
