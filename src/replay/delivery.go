package replay

// This file sends what is left, one request at a time, and what was in vain again.
// What the numbers of the acknowledgements tell of lost answers is in numbers.go.
// Without acknowledgements, or on a channel that others may use, no number tells: a
// lost request is sent again at once, and counted as possibly twice.

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/cenkalti/backoff/v5"

	"tordetect/src/replay/recorded"
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
				err = d.ask(ctx, false)
			}
		case len(d.waiting)+len(d.lost) == 0:
			d.askLate(ctx)
			return nil, nil
		default:
			if err = pause(ctx, d.options.Ack.Poll); err == nil {
				err = d.ask(ctx, exhausted)
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
	open := len(d.waiting) + len(d.lost)
	if open >= 2*window || open >= window && time.Since(d.heard) < d.options.Ack.Settle {
		return nil, false, nil
	}
	d.heard = time.Now() // in a long silence one more goes out now and then: its number tells of a restart
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
		case ctx.Err() != nil, f.Outcome == Refused, f.Outcome == TooLarge, f.Outcome == Unclear,
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
	case f.Outcome == Lost && d.counts && ctx.Err() == nil:
		if f.Fresh || d.renewed > 0 {
			d.renewed++
		}
		d.lost = append(d.lost, p)
		p.at = time.Now()
		d.note(fmt.Sprintf("%v: the number of the next request will tell whether it was taken", f.Err))
		if d.inARow++; d.inARow >= d.options.Retry.Tries {
			return false, d.place(p, f, d.inARow)
		}
		d.summary.Retries++
		return false, pause(ctx, min(d.options.Retry.First<<min(d.inARow-1, 6), d.options.Retry.Longest))
	case ctx.Err() != nil:
		return f.inDoubt() || p.twice, context.Cause(ctx)
	}
	tries := 1
	if f.Outcome != Refused && f.Outcome != Unclear {
		tries = d.options.Retry.Tries
	}
	return f.inDoubt() || p.twice, d.place(p, f, tries)
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
	if slices.Contains(d.lost, p) {
		p.twice, p.halved = true, true
	}
	a, b := p.split()
	d.again = append([]*parcel{a, b}, d.again...)
}

// refuse leaves an event out for good.
func (d *delivery) refuse(file int, e *recorded.Event, why string) {
	d.state.Refused++
	d.summary.Refused = d.state.Refused
	d.state.Files[file].finish(span{e.From, e.To})
	d.noteKind("left out", fmt.Sprintf("%s, line %d %s: left out", d.files[file].Path, e.Line, why))
}
