package replay

import "time"

// A Summary is what became of the events. Accepted is what the server said it
// took; nothing is counted that was only sent.
type Summary struct {
	Target       string
	Files        int
	Accepted     int64 // in this run
	Earlier      int64 // accepted in runs that this one went on with
	Acknowledged bool  // accepted = an indexer wrote it; else = answered with success
	MaybeTwice   int64 // of Accepted and Earlier: may have arrived more than once
	DropsRepeats bool  // these have the same id each time, so the receiver can drop repeats
	Refused      int64 // left out for good: too long, or refused one by one; with earlier runs
	Unconfirmed  int64 // sent, and nobody said whether they were taken
	Undated      int64 // without a time that is recognised; so not shifted
	Skipped      int64 // empty lines and head lines of Zeek logs
	Requests     int64
	Retries      int64
	Shift        time.Duration // 0 = none
	Oldest       time.Time     // of the events, as sent in this run; zero = none has a time
	Newest       time.Time
	Complete     bool   // all events are accepted or refused
	State        string // file to go on with, "" = none
}

// The words of Delivery.
const (
	ExactlyOnce = "exactly once" // proven by acknowledgements
	SentOnce    = "sent once"    // and answered with success; that it was indexed, nobody said
	AtLeastOnce = "at least once"
	Incomplete  = "incomplete"
)

// Delivery says how often each accepted event arrived.
func (s Summary) Delivery() string {
	switch {
	case !s.Complete:
		return Incomplete
	case s.MaybeTwice > 0:
		return AtLeastOnce
	case !s.Acknowledged:
		return SentOnce
	}
	return ExactlyOnce
}

func (s *Summary) between(t time.Time) {
	if s.Oldest.IsZero() || t.Before(s.Oldest) {
		s.Oldest = t
	}
	if t.After(s.Newest) {
		s.Newest = t
	}
}
