package replay

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/cenkalti/backoff/v5"

	"tordetect/src/replay/recorded"
)

type delivery struct {
	target  Target
	traits  Traits
	options Options
	files   []recorded.Dataset
	source  *source
	state   *state
	summary Summary
	total   int64 // bytes of the files
	pauses  *backoff.ExponentialBackOff

	again   []*parcel // to be sent before anything new
	waiting []*parcel // have an id; not yet acknowledged
	lost    []*parcel // attempts without an answer since the last answer
	late    []late

	counts   bool  // ids can be trusted to count our requests
	numbers        // of the channel of the next request
	base     int64 // with which id a channel begins, if based
	based    bool
	renewed  int64 // how many of the lost there are since a new connection: another process may have got them
	restarts int   // how often ids began anew
	inOrder  int   // ids since then
	inARow   int   // lost attempts

	heard   time.Time // of a request that was taken, or of an acknowledgement
	asked   time.Time
	unasked int // failures to ask for acknowledgements in a row
	notes   map[string]int
}

// key names an acknowledgement.
type key struct {
	channel string
	id      int64
}

// late are attempts that had not arrived when a later one had, and were made again.
// Would one arrive yet, it had this id.
type late struct {
	channel string
	id      int64
	parcels []*parcel
}

// Run sends the events of the files to the target. The summary is right also
// when there is an error, and says with which state file to go on.
func Run(ctx context.Context, target Target, files []recorded.Dataset, o Options) (Summary, error) {
	d := &delivery{target: target, traits: target.Traits(), options: o.withDefaults(), files: files, notes: map[string]int{}}
	d.summary = Summary{Target: target.Name(), Files: len(files), Acknowledged: d.traits.Acks, DropsRepeats: d.traits.DropsRepeats}
	d.counts = d.traits.Acks && d.traits.OwnChannel
	d.pauses = backoff.NewExponentialBackOff()
	d.pauses.InitialInterval, d.pauses.MaxInterval = d.options.Retry.First, d.options.Retry.Longest
	if err := d.begin(ctx); err != nil {
		return d.summary, err
	}
	defer d.source.close()
	if err := d.acknowledges(ctx); err != nil {
		return d.summary, d.end(nil, err)
	}
	flying, err := d.deliver(ctx)
	return d.summary, d.end(flying, err)
}

// begin reads the state of an earlier run, finds the shift, and asks about what
// was on its way when the earlier run ended.
func (d *delivery) begin(ctx context.Context) error {
	fresh, err := newState(d.target.Name(), d.files)
	if err != nil {
		return err
	}
	d.state = fresh
	if d.options.State != "" {
		earlier, err := loadState(d.options.State, fresh)
		if err != nil {
			return err
		}
		if earlier != nil {
			d.state = earlier
			d.summary.State = d.options.State
		}
	}
	for i, f := range d.state.Files {
		d.total += f.Size
		if d.files[i].Spread {
			d.noteKind("spread", fmt.Sprintf("%s looks like JSON over several lines, and each line is sent as an event: jq -c makes it one event a line (of an array by jq -c '.[]')", d.files[i].Path))
		}
	}
	now := d.options.Now() // the only use of it: waiting goes by time.Now, which does not jump
	if d.state != fresh && d.state.Shifted != d.options.ShiftToNow {
		was := map[bool]string{true: "with", false: "without"}
		return fmt.Errorf("the state %s is of a replay %s a shift of the times, and this one is %s; do the same, or remove the state to send everything again",
			d.options.State, was[d.state.Shifted], was[d.options.ShiftToNow])
	}
	if d.options.ShiftToNow && d.state == fresh {
		latest, err := recorded.Newest(d.files, d.options.Zone, now, func() error { return context.Cause(ctx) })
		if err != nil {
			return err
		}
		d.state.Shifted = true
		if !latest.IsZero() {
			d.state.Shift = int64(now.Add(-d.options.Ago).Sub(latest).Truncate(time.Second) / time.Second)
		}
	}
	d.summary.Earlier, d.summary.Refused, d.summary.MaybeTwice = d.state.Accepted, d.state.Refused, d.state.Twice
	d.summary.Shift = time.Duration(d.state.Shift) * time.Second
	doubt, err := d.settled(ctx)
	if err != nil {
		return err
	}
	if d.state != fresh {
		d.options.Note(fmt.Sprintf("going on from %s: %d events were accepted before", d.options.State, d.state.Accepted))
	}
	d.channel = d.traits.Channel
	most := d.traits
	if n := d.options.MaxEvents; n > 0 && n < most.Events {
		most.Events = n
	}
	d.source = &source{files: d.files, state: d.state, doubt: doubt, target: d.target, most: most, refused: d.refuse,
		shift: d.summary.Shift, moved: d.state.Shifted, zone: d.options.Zone, now: now, summary: &d.summary}
	return nil
}

// remember writes the state, with what may be taken without our knowing.
func (d *delivery) remember(flying *parcel) error {
	if d.options.State == "" {
		return nil
	}
	for i := range d.state.Files {
		f := &d.state.Files[i]
		f.Sent = nil
		for _, s := range d.source.doubt[i] {
			if !f.covers(s) {
				f.Sent = append(f.Sent, sent{span: s, ID: -1})
			}
		}
	}
	add := func(p *parcel, channel string, id int64) {
		f := &d.state.Files[p.file]
		f.Sent = append(f.Sent, sent{p.span(), len(p.events), channel, id})
	}
	for _, p := range d.waiting {
		add(p, p.channel, p.id)
	}
	due := int64(-1) // known only of a single request
	if d.counts && (len(d.lost) == 0 || len(d.lost) == 1 && flying == nil) {
		due = d.due
	}
	for _, p := range d.lost {
		add(p, d.channel, due)
	}
	for _, p := range d.again {
		if p.twice {
			add(p, "", -1)
		}
	}
	if flying != nil {
		add(flying, d.channel, due)
	}
	if err := d.state.save(d.options.State); err != nil {
		return err
	}
	d.summary.State = d.options.State
	return nil
}

// end counts what is left, and keeps or removes the state.
func (d *delivery) end(flying *parcel, err error) error {
	if err == nil {
		d.summary.Complete = true
		d.summary.State = ""
		if d.options.State != "" {
			if removed := os.Remove(d.options.State); removed != nil && !errors.Is(removed, os.ErrNotExist) {
				return fmt.Errorf("remove the state, as all is done: %w", removed)
			}
		}
		return nil
	}
	open := slices.Concat(d.waiting, d.lost)
	if flying != nil {
		open = append(open, flying)
	}
	for _, p := range d.again {
		if p.twice {
			open = append(open, p)
		}
	}
	counted := map[*parcel]bool{}
	for _, p := range open {
		if !counted[p] && !p.halved {
			counted[p] = true
			d.summary.Unconfirmed += int64(len(p.events))
		}
	}
	if saved := d.remember(flying); saved != nil {
		return errors.Join(err, saved)
	}
	if d.options.State != "" && d.state.blank() {
		d.summary.State = "" // nothing to go on from, so the next try may differ in any way
		_ = os.Remove(d.options.State)
	}
	return err
}

// note tells what happened on the way, a text being its own kind.
func (d *delivery) note(text string) { d.noteKind(text, text) }

// noteKind tells only the first ones of a kind.
func (d *delivery) noteKind(kind, text string) {
	d.notes[kind]++
	switch n := d.notes[kind]; {
	case n < maxNotes:
		d.options.Note(text)
	case n == maxNotes:
		d.options.Note(text + "; more of these are counted, not told")
	}
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
