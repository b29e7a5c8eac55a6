package replay

// This file gets each event there, once if that can be known.
//
// One request is on its way at a time. What a collector took, it numbers: on a
// channel that only we use, requests get the ids 0, 1, 2, ... in order. When an
// answer is lost, the parcel is put aside (lost) and the next, different one is
// sent. Its id tells: if it is the one that was due, the lost request did not
// arrive, and is sent again, on a new channel, so that the old request, should it
// be very late, does not mix up the count; if it is one further, the lost one
// arrived and has the id that was due. Both ways each event arrives once. If the
// count does not fit (two lost in a row and one of them taken; a load balancer that
// changed the indexer; a server that restarted), all that is in doubt is sent again
// and counted as possibly twice. At the end the old channels are asked for late
// arrivals.
//
// Without acknowledgements, or on a channel that others may use, there is no such
// number: a lost request is sent again at once, and counted as possibly twice.

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/cenkalti/backoff/v5"
)

type delivery struct {
	target  Target
	traits  Traits
	options Options
	files   []Dataset
	source  *source
	state   *state
	summary Summary
	total   int64 // bytes of the files
	pauses  *backoff.ExponentialBackOff

	again   []*parcel // to be sent before anything new
	waiting []*parcel // have an id; not yet acknowledged
	lost    []*parcel // attempts without an answer since the last answer
	late    []late

	counts  bool   // ids can be trusted to count our requests
	channel string // of the next request
	due     int64  // its id, if counts
	inARow  int    // lost attempts
	asked   time.Time
	unasked int // failures to ask for acknowledgements in a row
	notes   map[string]int
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
func Run(ctx context.Context, target Target, files []Dataset, o Options) (Summary, error) {
	d := &delivery{target: target, traits: target.Traits(), options: o.withDefaults(), files: files, notes: map[string]int{}}
	d.summary = Summary{Target: target.Name(), Files: len(files), Acknowledged: d.traits.Acks, DropsRepeats: d.traits.DropsRepeats}
	d.counts = d.traits.Acks && d.traits.OwnChannel
	d.pauses = backoff.NewExponentialBackOff()
	d.pauses.InitialInterval, d.pauses.MaxInterval = d.options.Retry.First, d.options.Retry.Longest
	if err := d.begin(ctx); err != nil {
		return d.summary, err
	}
	defer d.source.close()
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
			d.options.Note(fmt.Sprintf("going on from %s: %d events were accepted before", d.options.State, earlier.Accepted))
		}
	}
	for _, f := range d.state.Files {
		d.total += f.Size
	}
	now := d.options.Now() // the only use of it: waiting goes by time.Now, which does not jump
	if d.state != fresh && d.state.Shifted != d.options.ShiftToNow {
		was := map[bool]string{true: "with", false: "without"}
		return fmt.Errorf("the state %s is of a replay %s a shift of the times, and this one is %s; do the same, or remove the state to send everything again",
			d.options.State, was[d.state.Shifted], was[d.options.ShiftToNow])
	}
	if d.options.ShiftToNow && d.state == fresh {
		latest, err := newest(d.files, d.options.Zone, now, func() error { return context.Cause(ctx) })
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
	d.channel = d.traits.Channel
	most := d.traits
	if n := d.options.MaxEvents; n > 0 && n < most.Events {
		most.Events = n
	}
	d.source = &source{files: d.files, state: d.state, doubt: doubt, target: d.target, most: most, refused: d.refuse,
		shift: d.summary.Shift, moved: d.state.Shifted, zone: d.options.Zone, now: now, summary: &d.summary}
	return nil
}

// settled asks about what an earlier run had on its way, and returns what stays in
// doubt, by file.
func (d *delivery) settled(ctx context.Context) ([][]span, error) {
	confirmer, ok := d.target.(Confirmer)
	until := time.Now().Add(d.options.Ack.Settle)
	for ok && d.traits.Acks {
		ids := map[string][]int64{}
		for _, f := range d.state.Files {
			for _, s := range f.Sent {
				if s.ID >= 0 && !f.covers(s.span) {
					ids[s.Channel] = append(ids[s.Channel], s.ID)
				}
			}
		}
		for channel := range ids {
			confirmed, err := confirmer.Confirm(ctx, channel, ids[channel])
			if err := d.askedInVain(ctx, err); err != nil {
				return nil, err
			}
			for i := range d.state.Files {
				f := &d.state.Files[i]
				for _, s := range f.Sent {
					if s.Channel == channel && confirmed[s.ID] && !f.covers(s.span) {
						f.finish(s.span)
						d.state.Accepted += int64(s.Events)
						d.summary.Earlier += int64(s.Events)
					}
				}
			}
		}
		if len(ids) == 0 || time.Now().After(until) {
			break
		}
		if err := pause(ctx, d.options.Ack.Poll); err != nil {
			return nil, err
		}
	}
	doubt := make([][]span, len(d.files))
	for i := range d.state.Files {
		f := &d.state.Files[i]
		for _, s := range f.Sent {
			if !f.covers(s.span) {
				doubt[i] = append(doubt[i], s.span)
			}
		}
	}
	return doubt, nil
}

// deliver sends until nothing is left. After an error, flying is the parcel that
// was being sent and may have been taken.
func (d *delivery) deliver(ctx context.Context) (flying *parcel, err error) {
	for {
		if err := context.Cause(ctx); err != nil {
			return nil, err
		}
		p, exhausted, err := d.pick()
		if err != nil {
			return nil, err
		}
		switch {
		case p != nil:
			if inDoubt, err := d.send(ctx, p); err != nil {
				if inDoubt {
					return p, err
				}
				return nil, err
			}
			if len(d.waiting)+len(d.lost) > 0 && time.Now().Sub(d.asked) >= d.options.Ack.Poll {
				err = d.ask(ctx)
			}
		case len(d.waiting)+len(d.lost) == 0:
			d.askLate(ctx)
			return nil, nil
		default:
			if err = pause(ctx, d.options.Ack.Poll); err == nil {
				err = d.ask(ctx)
			}
			if err == nil && exhausted {
				d.giveUp()
			}
		}
		if err != nil {
			return nil, err
		}
	}
}

// pick is what to send next, nil if nothing may be sent now. exhausted: there is
// nothing left that was not sent at least once.
func (d *delivery) pick() (p *parcel, exhausted bool, err error) {
	if len(d.waiting)+len(d.lost) >= window {
		return nil, false, nil
	}
	if len(d.again) > 0 {
		p, d.again = d.again[0], d.again[1:]
		return p, false, nil
	}
	p, err = d.source.next()
	return p, p == nil, err
}

// send sends a parcel until it is answered. After an error, inDoubt says whether
// it may have been taken.
func (d *delivery) send(ctx context.Context, p *parcel) (inDoubt bool, err error) {
	if err := d.remember(p); err != nil {
		return false, err
	}
	batch := Batch{Meta: d.files[p.file].Meta, Run: d.state.Run, Channel: d.channel, File: d.files[p.file].Path, Events: p.events}
	attempt := func() (int64, error) {
		d.summary.Requests++
		id, err := d.target.Send(ctx, batch)
		if err == nil {
			return id, nil
		}
		var f *Failure
		if !errors.As(err, &f) {
			return -1, backoff.Permanent(err)
		}
		if f.Outcome == Lost && !d.counts {
			p.twice = true // if it is taken now
		}
		switch {
		case ctx.Err() != nil, f.Outcome == Refused, f.Outcome == TooLarge, errors.Is(f, errNoAckID),
			f.Outcome == Lost && d.counts:
			return -1, backoff.Permanent(f)
		case f.After > d.options.Retry.After:
			f.Err = fmt.Errorf("%w, and the server asks us to wait %v", f.Err, f.After)
			f.Advice = "start again then"
			return -1, backoff.Permanent(f)
		}
		return -1, retry{f}
	}
	id, err := backoff.Retry(ctx, attempt, backoff.WithBackOff(d.pauses), backoff.WithMaxElapsedTime(0),
		backoff.WithMaxTries(uint(d.options.Retry.Tries)), backoff.WithNotify(func(err error, after time.Duration) {
			d.summary.Retries++
			var f *Failure
			if errors.As(err, &f) {
				d.note(fmt.Sprintf("%v: trying again", f.Err))
			}
		}))
	if err == nil {
		d.inARow = 0
		d.answered(p, id)
		return false, nil
	}
	var f *Failure
	if !errors.As(err, &f) {
		return p.twice, err
	}
	switch {
	case f.Outcome == TooLarge:
		d.divide(p, f)
		return false, nil
	case f.Outcome == Lost && d.counts && ctx.Err() == nil && !errors.Is(f, errNoAckID):
		d.lost = append(d.lost, p)
		p.at = time.Now()
		d.note(fmt.Sprintf("%v: the number of the next request will tell whether it was taken", f.Err))
		if d.inARow++; d.inARow >= d.options.Retry.Tries {
			return false, d.place(p, f, d.inARow)
		}
		d.summary.Retries++
		return false, pause(ctx, min(d.options.Retry.First<<min(d.inARow-1, 6), d.options.Retry.Longest))
	case ctx.Err() != nil:
		return f.Outcome == Lost || p.twice, context.Cause(ctx)
	}
	tries := 1
	if f.Outcome != Refused && !errors.Is(f, errNoAckID) {
		tries = d.options.Retry.Tries
	}
	return f.Outcome == Lost || p.twice, d.place(p, f, tries)
}

// place says what could not be sent.
func (d *delivery) place(p *parcel, f *Failure, tries int) error {
	first, last := p.events[0].Line, p.events[len(p.events)-1].Line
	if f.Event >= 0 && f.Event < len(p.events) {
		first = p.events[f.Event].Line
		last = first
	}
	lines := fmt.Sprintf("lines %d to %d", first, last)
	if first == last {
		lines = fmt.Sprintf("line %d", first)
	}
	often := ""
	if tries > 1 && f.After <= d.options.Retry.After {
		often = fmt.Sprintf(" (tried %d times)", tries)
	}
	return &PlaceError{fmt.Sprintf("send %s, %s: ", d.files[p.file].Path, lines), often, f}
}

// A PlaceError says which lines could not be sent, and why.
type PlaceError struct {
	place, often string
	Failure      *Failure
}

func (e *PlaceError) Error() string {
	text := e.place + e.Failure.Err.Error() + e.often
	if e.Failure.Advice != "" {
		text += "; " + e.Failure.Advice
	}
	return text
}

func (e *PlaceError) Unwrap() error { return e.Failure }

// answered notes a request that was taken.
func (d *delivery) answered(p *parcel, id int64) {
	if !d.traits.Acks {
		d.accept(p)
		return
	}
	p.channel, p.id, p.at = d.channel, id, time.Now()
	d.waiting = append(d.waiting, p)
	if !d.counts {
		return
	}
	lost, due := d.lost, d.due
	d.lost, d.due = nil, id+1
	arrived, n := id-due, int64(len(lost)) // requests that were taken since the last answer, of those that were lost
	switch {
	case arrived == 0 && n == 0:
	case arrived == n:
		for i, l := range lost {
			d.took(l, due+int64(i))
		}
	case arrived == 0:
		for _, l := range lost {
			d.resend(l)
		}
		d.late = append(d.late, late{d.channel, id + 1, lost})
		d.channel, d.due = newID(), 0
	default:
		for _, l := range lost {
			d.doubled(l)
			d.resend(l)
		}
		d.channel, d.due = newID(), 0
		if arrived < 0 || arrived > n {
			d.counts = false
			d.note("the acknowledgements do not count our requests: a lost answer will now mean that events are sent twice")
		}
	}
}

// took notes the id of a request whose answer was lost.
func (d *delivery) took(p *parcel, id int64) {
	if slices.Contains(d.waiting, p) { // sent a second time meanwhile
		p.twice = true
		return
	}
	d.again = slices.DeleteFunc(d.again, func(q *parcel) bool { return p == q })
	p.channel, p.id, p.at = d.channel, id, time.Now()
	d.waiting = append(d.waiting, p)
}

// resend puts a parcel to those that are sent again, once.
func (d *delivery) resend(p *parcel) {
	if !slices.Contains(d.again, p) && !slices.Contains(d.waiting, p) {
		d.again = append(d.again, p)
	}
}

// doubled notes that a parcel may have arrived more than once.
func (d *delivery) doubled(p *parcel) {
	if p.accepted && !p.twice {
		d.summary.MaybeTwice += int64(len(p.events))
		d.state.Twice = d.summary.MaybeTwice
	}
	p.twice = true
}

func (d *delivery) accept(p *parcel) {
	n := int64(len(p.events))
	p.accepted = true
	d.summary.Accepted += n
	d.state.Accepted += n
	if p.twice {
		d.summary.MaybeTwice += n
		d.state.Twice = d.summary.MaybeTwice
	}
	d.state.Files[p.file].finish(p.span())
	p.events = slices.Clip(p.events)
	for _, e := range p.events {
		e.Text = nil // it may stay in late
	}
	d.options.Progress(Progress{Events: d.state.Accepted + d.state.Refused, Bytes: d.source.bytes(), Total: d.total})
}

// divide makes two parcels of one that was too large.
func (d *delivery) divide(p *parcel, f *Failure) {
	if len(p.events) == 1 {
		d.refuse(p.file, p.events[0], f.Err.Error())
		return
	}
	if half := p.bytes / 2; half < d.source.most.Bytes {
		d.source.most.Bytes = max(half, smallest)
	}
	d.note(fmt.Sprintf("%v: sending in smaller parts", f.Err))
	a, b := p.split()
	d.again = append([]*parcel{a, b}, d.again...)
}

// refuse leaves an event out for good.
func (d *delivery) refuse(file int, e *Event, why string) {
	d.state.Refused++
	d.summary.Refused = d.state.Refused
	d.state.Files[file].finish(span{e.from, e.to})
	d.note2("left out", fmt.Sprintf("%s, line %d %s: left out", d.files[file].Path, e.Line, why))
}

// ask asks for acknowledgements.
func (d *delivery) ask(ctx context.Context) error {
	if !d.traits.Acks {
		return nil
	}
	type key struct {
		channel string
		id      int64
	}
	ids := map[string][]int64{}
	for _, p := range d.waiting {
		ids[p.channel] = append(ids[p.channel], p.id)
	}
	// The one lost request has the id that is due, if it has one.
	lonely := d.counts && len(d.lost) == 1
	if lonely {
		ids[d.channel] = append(ids[d.channel], d.due)
	}
	confirmed := map[key]bool{}
	for channel, asked := range ids {
		yes, err := d.target.(Confirmer).Confirm(ctx, channel, asked)
		if err := d.askedInVain(ctx, err); err != nil {
			return err
		}
		for id := range yes {
			confirmed[key{channel, id}] = true
		}
	}
	d.asked = time.Now()
	if lonely && confirmed[key{d.channel, d.due}] {
		p := d.lost[0]
		d.lost, d.due = nil, d.due+1
		d.again = slices.DeleteFunc(d.again, func(q *parcel) bool { return p == q })
		d.accept(p)
	}
	var still []*parcel
	for _, p := range d.waiting {
		switch {
		case confirmed[key{p.channel, p.id}]:
			d.accept(p)
		case d.asked.Sub(p.at) < d.options.Ack.Timeout:
			still = append(still, p)
		default:
			if p.resent++; p.resent >= 3 {
				return fmt.Errorf("%s, lines %d to %d were taken three times, and not acknowledged within %v; look at the indexers' queues, and whether the index exists",
					d.files[p.file].Path, p.events[0].Line, p.events[len(p.events)-1].Line, d.options.Ack.Timeout)
			}
			d.note(fmt.Sprintf("no acknowledgement within %v: sending again", d.options.Ack.Timeout))
			p.twice = true
			d.again = append(d.again, p)
		}
	}
	d.waiting = still
	return nil
}

// askLate asks whether requests arrived that were given up and made again.
func (d *delivery) askLate(ctx context.Context) {
	for _, l := range d.late {
		confirmed, err := d.target.(Confirmer).Confirm(ctx, l.channel, []int64{l.id})
		if err == nil && !confirmed[l.id] {
			continue
		}
		for _, p := range l.parcels { // also when there was no answer: nobody knows
			d.doubled(p)
		}
	}
}

// askedInVain judges a failure to ask: nil = it may be tried again.
func (d *delivery) askedInVain(ctx context.Context, err error) error {
	if err == nil {
		d.unasked = 0
		return nil
	}
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	var f *Failure
	d.unasked++
	if !errors.As(err, &f) || f.Outcome == Refused || d.unasked >= d.options.Retry.Tries {
		return fmt.Errorf("ask for acknowledgements: %w", err)
	}
	d.note(fmt.Sprintf("asking for acknowledgements: %v: trying again", f.Err))
	return nil
}

// giveUp sends the oldest lost parcel again, when nothing else is left whose
// number could tell.
func (d *delivery) giveUp() {
	if len(d.lost) == 0 || len(d.again) > 0 {
		return
	}
	if p := d.lost[0]; time.Now().Sub(p.at) >= d.options.Ack.Settle {
		p.at = time.Now()
		d.again = append(d.again, p)
	}
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
		if !counted[p] {
			counted[p] = true
			d.summary.Unconfirmed += int64(len(p.events))
		}
	}
	if saved := d.remember(flying); saved != nil {
		return errors.Join(err, saved)
	}
	return err
}

// note tells what happened on the way; of the same kind only the first ones.
func (d *delivery) note(text string) { d.note2(text, text) }

func (d *delivery) note2(kind, text string) {
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
