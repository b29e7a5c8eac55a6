package scan

// Counter takes events as whoever reads does, for tests that make them by hand.
type Counter struct{ *counter }

func NewCounter(o *Options, add func(*Flow) error) Counter { return Counter{newCounter(o, add)} }

func (c Counter) Event(f *Flow) error { return c.event(f) }

func (c Counter) Finish() (*Summary, error) { return &c.summary, c.finish() }

const (
	MaxJoined     = maxJoined
	MaxJoinedText = maxJoinedText
	MaxSameID     = maxSameID
)

// Held is what the counter holds of flows with evidence.
func (c Counter) Held() (flows, bytes int) { return len(c.joiner.queue), c.joiner.size }
