package scan

import (
	"slices"

	"tordetect/src/detect"
	"tordetect/src/flow"
	"tordetect/src/format"
	"tordetect/src/judge"
	"tordetect/src/logfile"
	"tordetect/src/relay"
)

// A batch is a block of lines and what was read of it.
type batch struct {
	block logfile.Block
	file  string

	from  logfile.Place // from where it was read
	with  *known        // what was known then
	items []item
	first int          // which item is the first event; -1: there is none
	after format.State // what the parser knows behind that
	end   format.State // and behind all
	seen  judge.Seen
	rows  []byte // of Options.Rows
	kept  []Flow
	texts []byte // of the items and flows

	// stopped is where reading ended, as there is more to be known: what the list
	// says of that time.
	stopped *logfile.Place
	asked   flow.Interval
	dated   bool
}

// known is what a text is read with, apart from what it says. It never changes: what
// is learnt makes another.
type known struct {
	state   format.State
	network *relay.Network // fixed; nil: nothing was asked for yet
	settled bool           // some batches changed nothing of it, so that it is worthwhile to read ahead
}

// An item is what there is to count of a text.
type item struct {
	logfile.Text
	judged
	kept int32 // which flow of the batch; -1: none
	rows int32 // where the rows end
}

// judged is what there is to count of an event.
type judged struct {
	verdict  detect.Verdict
	covered  flow.Coverage
	closes   bool
	tallied  bool // as a flow, although it may not end one
	timed    bool
	score    int8
	last     int64
	listTime int64
	id       []byte // of its connection
	drawn    drawn
}

// begin forgets what was read before.
func (b *batch) begin(k *known, from logfile.Place) {
	b.with, b.from, b.stopped, b.first = k, from, nil, -1
	b.asked, b.dated = flow.Interval{}, false
	b.items, b.rows, b.texts = b.items[:0], b.rows[:0], b.texts[:0]
	clear(b.kept) // of flows with evidence memory is held
	b.kept = b.kept[:0]
}

// own copies a text.
func (b *batch) own(text []byte) []byte {
	start := len(b.texts)
	b.texts = append(b.texts, text...)
	return b.texts[start:len(b.texts):len(b.texts)]
}

// keep copies a flow with all that it points to.
func (b *batch) keep(f *Flow, id []byte) int32 {
	out, found := *f, *f.Finding
	for i, cell := range out.Cells {
		out.Cells[i] = b.own(cell)
	}
	found.Reason = b.own(found.Reason)
	found.Host.Name, found.Peer.Name = b.own(found.Host.Name), b.own(found.Peer.Name)
	found.Evidence = slices.Clone(found.Evidence)
	sightings := make([]flow.Sighting, len(found.Relays), len(found.Relays)+1)
	found.Relays = make([]*flow.Sighting, len(found.Relays))
	for i, s := range f.Finding.Relays {
		sightings[i] = *s
		if found.Relays[i] = &sightings[i]; s == f.Finding.Deciding {
			found.Deciding = found.Relays[i]
		}
	}
	if d := found.Deciding; d != nil && d == f.Finding.Deciding {
		sightings = append(sightings, *d)
		found.Deciding = &sightings[len(sightings)-1]
	}
	out.Finding, out.Connection = &found, id
	b.kept = append(b.kept, out)
	return int32(len(b.kept) - 1)
}
