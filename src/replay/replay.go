// Package replay sends recorded events to Splunk, to test a detection with them.
//
// Input are files of events (package recorded). Output are requests to an HTTP
// Event Collector ([HEC], raw or event endpoint) or to the ingest service of
// Splunk Cloud Services ([SCS]), and a [Summary]:
//
//	files, err := recorded.Open([]string{"pan_tor.yml"}, recorded.Meta{Index: "main"})
//	hec, err := replay.NewHEC(replay.HECConfig{URL: url, Token: token, Ack: true})
//	summary, err := replay.Run(ctx, hec, files, replay.Options{ShiftToNow: true})
//
// What is counted as accepted is what the server said it took: with indexer
// acknowledgement, what an indexer wrote; without, what was answered with
// success. A request whose answer was lost may have been taken or not. Where
// acknowledgements number the requests, the next number tells, and each event
// arrives exactly once (numbers.go); elsewhere it is sent again, arrives at least
// once, and the summary counts it as possibly twice. An answer of success that is
// not a collector's is in doubt, and not repeated.
//
// Recorded events have old times. ShiftToNow moves all of them by the same
// amount, so that the newest is a little before now and the distances stay
// (package stamp).
//
// The package fetches nothing and follows no redirect. It does not make Splunk
// extract fields: the receiving side needs the add-on of the source type.
package replay

import (
	"context"
	"time"

	"tordetect/src/replay/recorded"
)

// A Batch are events of one file, in order, that go in one request.
type Batch struct {
	Meta    recorded.Meta
	Run     string // same for all batches of a replay and of those that go on with it
	Channel string // to send on, where the target has channels
	File    string // as it was named
	Events  []*recorded.Event
}

// A Target takes batches. It is used by one goroutine.
type Target interface {
	// Name says where the events go, without the token. A state file of
	// another name is refused.
	Name() string

	Traits() Traits

	// Size is how many bytes the event takes in a request, as it is measured
	// against Traits.Bytes.
	Size(meta recorded.Meta, e *recorded.Event) int

	// Send sends a request. The id is that of the acknowledgement to come, -1
	// where there is none. An error is a *Failure, or the context's.
	Send(ctx context.Context, batch Batch) (id int64, err error)
}

// Traits are what targets differ in.
type Traits struct {
	Events, Bytes int    // most of a request
	CarriesTime   bool   // an event's time goes beside its text, which stays as it is
	DropsRepeats  bool   // a repeated event has the same id, by which the receiver may drop it
	Acks          bool   // Send gives ids, and the target is a Confirmer
	Channel       string // to begin with
	OwnChannel    bool   // nobody else uses it, so ids count our requests; and others may be made
}

// A Confirmer tells which requests were indexed.
type Confirmer interface {
	// Confirm asks for acknowledgements. True is told only once: the server
	// forgets what it told (Splunk, "HTTP Event Collector indexer
	// acknowledgment").
	Confirm(ctx context.Context, channel string, ids []int64) (map[int64]bool, error)
}

// Limits of what is read and kept.
const (
	maxState  = 4 << 20  // bytes of a state file, of 1,000 files, each with a window of parts
	maxAnswer = 64 << 10 // bytes of an answer; a poll of all ids that can be open takes 400
	window    = 16       // requests that wait for their acknowledgement: with 800 kB each 13 MB of memory; twice as many in a long silence
	smallest  = 50_000   // bytes below which "too large" no longer makes later requests smaller
	maxNotes  = 5        // lines that are named of each kind of trouble; all are counted
)

// Options are how to replay. The zero value sends all events once, unshifted.
type Options struct {
	ShiftToNow bool
	Ago        time.Duration  // how long before now the newest event is to be; 0 = now
	Zone       *time.Location // of time stamps that name none; nil = UTC
	MaxEvents  int            // events of a request; 0 or more than the target takes = what the target takes
	State      string         // file that remembers what was accepted; "" = none, and no going on
	Retry      Retry
	Ack        Ack
	Now        func() time.Time  // of ShiftToNow; nil = time.Now
	Progress   func(Progress)    // nil = nobody looks
	Note       func(text string) // a line about what happened on the way; nil = nobody reads
}

// Retry is how often and how long to try a request that was not taken. Zeros are
// the defaults, which are given in brackets.
type Retry struct {
	Tries   int           // of one request [8]
	First   time.Duration // pause after the first failure, then half as long again each time [500 ms]
	Longest time.Duration // of these pauses [30 s]
	After   time.Duration // longest Retry-After of a server that is honoured; asked for more, we give up [5 min]
}

// Ack is how to wait for acknowledgements. Zeros are the defaults.
type Ack struct {
	Poll    time.Duration // between two questions [1 s; Splunk's own examples ask every 10 s]
	Timeout time.Duration // after which what was not acknowledged is sent again [5 min]
	Settle  time.Duration // how long to ask for a request whose answer was lost, when no later one can tell [10 s]
}

// Progress is how far a replay is.
type Progress struct {
	Events       int64 // accepted or refused for good, in this run and before
	Bytes, Total int64 // of the files, as they are on disk: read so far, and all
}

func defaulted[T int | time.Duration](value *T, def T) {
	if *value <= 0 {
		*value = def
	}
}

func (o Options) withDefaults() Options {
	defaulted(&o.Retry.Tries, 8)
	defaulted(&o.Retry.First, 500*time.Millisecond)
	defaulted(&o.Retry.Longest, 30*time.Second)
	defaulted(&o.Retry.After, 5*time.Minute)
	defaulted(&o.Ack.Poll, time.Second)
	defaulted(&o.Ack.Timeout, 5*time.Minute)
	defaulted(&o.Ack.Settle, 10*time.Second)
	if o.Zone == nil {
		o.Zone = time.UTC
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Progress == nil {
		o.Progress = func(Progress) {}
	}
	if o.Note == nil {
		o.Note = func(string) {}
	}
	return o
}
