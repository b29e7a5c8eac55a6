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
	"slices"
	"time"

	"github.com/cenkalti/backoff/v5"
)

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
			if len(d.waiting)+len(d.lost) > 0 && time.Since(d.asked) >= d.options.Ack.Poll {
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
		return true, d.answered(p, id)
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

// answered notes a request that was taken. An id that the channel had before is
// an error: it would acknowledge two requests, and prove neither.
func (d *delivery) answered(p *parcel, id int64) error {
	if !d.traits.Acks {
		d.accept(p)
		return nil
	}
	if k := (key{d.channel, id}); d.used[k] {
		return fmt.Errorf("the collector gave two requests of one channel the same acknowledgement id, %d, as several indexers behind a load balancer without sticky sessions do: "+
			"what it acknowledges proves nothing; send to one indexer, or without --ack", id)
	} else if d.used == nil {
		d.used = map[key]bool{k: true}
	} else {
		d.used[k] = true
	}
	p.channel, p.id, p.at = d.channel, id, time.Now()
	d.waiting = append(d.waiting, p)
	if !d.counts {
		return nil
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
	return nil
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
	d.noteKind("left out", fmt.Sprintf("%s, line %d %s: left out", d.files[file].Path, e.Line, why))
}
