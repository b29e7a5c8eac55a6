package replay

// This file asks what was acknowledged: of this run, of the run before it that was
// stopped, and of requests that were given up.

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// ask asks for acknowledgements. last: there is nothing left that was not sent.
func (d *delivery) ask(ctx context.Context, last bool) error {
	if !d.traits.Acks {
		return nil
	}
	ids := map[string][]int64{}
	for _, p := range d.waiting {
		if d.askable(p, last) {
			ids[p.channel] = append(ids[p.channel], p.id)
		}
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
	if len(confirmed) > 0 {
		d.heard = d.asked
	}
	if lonely && confirmed[key{d.channel, d.due}] {
		p := d.lost[0]
		d.lost, d.renewed, d.due = nil, 0, d.due+1
		d.again = slices.DeleteFunc(d.again, func(q *parcel) bool { return p == q })
		if !p.halved {
			d.accept(p)
		}
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

// askable says whether an acknowledgement of a parcel's id would be its own. While
// answers are lost after a new connection, a restarted collector may have given the
// first ids again; and on a channel that was begun after a restart it is not known
// yet that ids count, unless no other request will tell.
func (d *delivery) askable(p *parcel, last bool) bool {
	return p.channel != d.channel || p.id >= d.first+d.renewed && (last || !d.suspect)
}

// acknowledges asks, before anything is sent, whether the token has acknowledgements
// at all. On a channel of others the question could take away what they wait for. Any
// other answer than this one is for the first request to judge.
func (d *delivery) acknowledges(ctx context.Context) error {
	if !d.counts {
		return nil
	}
	_, err := d.target.(Confirmer).Confirm(ctx, d.channel, []int64{0})
	var f *Failure
	if errors.As(err, &f) && f.Code == codeNoAck {
		return fmt.Errorf("nothing was sent: %w", &Failure{Outcome: Refused, Status: f.Status, Code: f.Code, Event: -1, Advice: f.Advice,
			Err: errors.New("this token has no indexer acknowledgement")})
	}
	return context.Cause(ctx)
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

// giveUp sends the oldest lost parcel again, when nothing else is left whose
// number could tell.
func (d *delivery) giveUp() {
	if len(d.lost) == 0 || len(d.again) > 0 {
		return
	}
	switch p := d.lost[0]; {
	case time.Since(p.at) < d.options.Ack.Settle:
	case p.halved: // its halves were taken, so no number has to tell of it
		d.doubt(d.lost)
		d.lost, d.renewed = nil, 0
		d.onto()
	default:
		p.at = time.Now()
		d.again = append(d.again, p)
	}
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
