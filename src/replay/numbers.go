package replay

// This file tells from numbers what arrived.
//
// What a collector took, it numbers: on a channel that only we use, requests get
// ids in order, from 0 (Splunk) or 1 (the OpenTelemetry Collector). The first id
// of the first channel says which. When an answer is lost, the parcel is put aside
// (lost) and the next, different one is sent. Its id tells: if it is the one that
// was due, the lost request did not arrive, and is sent again, on a new channel, so
// that the old request, should it be very late, does not mix up the count; if it is
// one further, the lost one arrived and has the id that was due. Both ways each
// event arrives once. If the count does not fit (two lost in a row and one of them
// taken), all that is in doubt is sent again and counted as possibly twice. At the
// end the old channels are asked for late arrivals.
//
// A collector that was restarted has forgotten the channel and begins anew, so an
// id comes that is not above those before. Then nothing that the channel has not
// acknowledged yet is known to be indexed, and its ids may name another request
// now: all of it is sent again, on a new channel, and counted as possibly twice.
// Several indexers behind a load balancer look the same, but it goes on and on:
// what they acknowledge proves nothing, so this ends the replay.

import (
	"fmt"
	"slices"
	"time"
)

// numbers are what is known of the ids of a channel.
type numbers struct {
	channel string
	begun   bool  // an id came on it
	first   int64 // the lowest id that there can be, if begun
	due     int64 // the next one
	used    map[int64]bool
	suspect bool // it was begun because ids began anew, and no second id proved that they count here
}

// onto goes over to a new channel, or on a given one begins the count anew.
func (d *delivery) onto() {
	if d.traits.OwnChannel {
		d.channel = newID()
	}
	d.numbers = numbers{channel: d.channel, due: d.base}
}

// answered notes a request that was taken.
func (d *delivery) answered(p *parcel, id int64) error {
	if !d.traits.Acks {
		d.accept(p)
		return nil
	}
	d.heard = time.Now()
	if d.used[id] || d.counts && d.begun && id < d.due {
		return d.anew(p, id)
	}
	if d.used == nil {
		d.used = map[int64]bool{}
	}
	d.used[id] = true
	d.inOrder++
	d.suspect = d.suspect && !d.begun
	p.channel, p.id, p.at = d.channel, id, time.Now()
	d.waiting = append(d.waiting, p)
	if !d.counts {
		d.begun = true
		return nil
	}
	lost, renewed, begun, due := d.lost, d.renewed, d.begun, d.due
	d.lost, d.renewed, d.due = nil, 0, id+1
	if !begun {
		d.begun, d.first = true, min(id, due)
		d.based = d.based || id == 0
	}
	arrived, n := id-due, int64(len(lost)) // requests that were taken since the last answer, of those that were lost
	switch {
	case !begun && !d.based && n == 0:
		d.base, d.based, d.first = id, true, id
	case !begun && !d.based && (n > 1 || id > 1):
		// Where it begins is not known, so nor is which of the lost ones it took.
		d.doubt(lost)
		d.onto()
	case begun && renewed > 0 && id <= d.first+renewed:
		// A restarted collector that took lost ones could be as far by now.
		d.doubt(d.others(p))
		d.doubt(lost)
		d.onto()
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
		d.onto()
	default:
		d.doubt(lost)
		d.onto()
		if arrived < 0 || arrived > n {
			d.counts = false
			d.note("the acknowledgements do not count our requests: a lost answer will now mean that events are sent twice")
		}
	}
	return nil
}

// anew: the ids of the channel began anew, with a request that was taken.
func (d *delivery) anew(p *parcel, id int64) error {
	d.restarts++
	if d.restarts > 1 && d.inOrder < window {
		return fmt.Errorf("the collector gave two requests of one channel the same acknowledgement id, %d, and did so again on the next, as several indexers behind a load balancer without sticky sessions do: "+
			"what it acknowledges proves nothing; send to one indexer, or without --ack", id)
	}
	d.note("the collector's acknowledgement ids begin anew, as after a restart: what it had not acknowledged is sent again, and counted as perhaps there twice")
	open := slices.Concat(d.waiting, d.lost, []*parcel{p})
	d.waiting, d.lost, d.renewed, d.inOrder = nil, nil, 0, 0
	d.doubt(open)
	d.onto()
	d.suspect = true
	return nil
}

// others takes the parcels out, but for one, that wait for an acknowledgement on
// this channel.
func (d *delivery) others(but *parcel) (taken []*parcel) {
	d.waiting = slices.DeleteFunc(d.waiting, func(p *parcel) bool {
		is := p != but && p.channel == d.channel
		if is {
			taken = append(taken, p)
		}
		return is
	})
	return taken
}

// doubt sends parcels again that may have arrived.
func (d *delivery) doubt(parcels []*parcel) {
	for _, p := range parcels {
		d.doubled(p)
		d.resend(p)
	}
}

// took notes the id of a request whose answer was lost.
func (d *delivery) took(p *parcel, id int64) {
	if p.halved || slices.Contains(d.waiting, p) { // sent a second time meanwhile
		p.twice = true
		return
	}
	d.again = slices.DeleteFunc(d.again, func(q *parcel) bool { return p == q })
	p.channel, p.id, p.at = d.channel, id, time.Now()
	d.waiting = append(d.waiting, p)
}

// resend puts a parcel to those that are sent again, once.
func (d *delivery) resend(p *parcel) {
	if !p.halved && !slices.Contains(d.again, p) && !slices.Contains(d.waiting, p) {
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
