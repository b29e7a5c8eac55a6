package scan

import (
	"bytes"
	"hash/maphash"
	"slices"
	"strconv"

	"tordetect/src/cell"
	"tordetect/src/detect"
	"tordetect/src/event"
	"tordetect/src/flow"
	"tordetect/src/format"
	"tordetect/src/judge"
	"tordetect/src/logfile"
	"tordetect/src/relay"
)

// A reader reads and judges events, those of batches or one by one.
type reader struct {
	options *Options
	seed    maphash.Seed // of what names are hashed by
	judging judge.Options
	source  *relay.Network                   // of what is known; asked only for what it knows
	encode  func(dst []byte, f *Flow) []byte // nil: flows are no rows
	knows   func(id []byte) bool             // spares reading again; nil: nobody can tell yet

	lines   logfile.Reader
	network *relay.Network // which the judge asks
	judge   *judge.Judge

	// Of the event at hand.
	judged
	first int64
	event *event.Event
	facts judge.Quiet
	asked *flow.Flow      // nil: it is quiet
	found *detect.Finding // nil: it is quiet, and nobody asks

	quiet []quiet // the findings of such events, of which few differ

	flow    Flow
	scratch [Columns][]byte
}

// open begins a batch at a place.
func (r *reader) open(b *batch, k *known, from logfile.Place) {
	r.lines.State = k.state
	r.lines.Open(&b.block, from)
	if r.judge == nil || r.network != k.network {
		r.network, r.judge = k.network, judge.New(k.network, r.judging)
	}
	r.flow.File = b.file
}

// read reads a batch from a place on, until what is known is not enough.
func (r *reader) read(b *batch, k *known, from logfile.Place) {
	b.begin(k, from)
	r.open(b, k, from)
	for {
		one := item{kept: -1}
		if !r.lines.Next(&one.Text) {
			break
		}
		if one.Kind == format.Flow && !r.item(b, &one) {
			place := one.Place
			b.stopped = &place
			break
		}
		one.rows = int32(len(b.rows))
		if b.items = append(b.items, one); one.Kind == format.Flow && b.first < 0 {
			b.first, b.after = len(b.items)-1, r.lines.State
		}
	}
	b.end, b.seen = r.lines.State, judge.Seen{}
	if r.network != nil {
		b.seen = r.judge.Seen()
	}
}

// isSame reports whether a batch that was read with something else would be read as it
// was: where no more differs than which format a line is first tried as, that shows with
// the first event.
func (r *reader) isSame(b *batch, k *known) bool {
	if b.with == nil || b.first < 0 || b.with.network != k.network || !b.with.state.IsAlike(&k.state) {
		return false
	}
	r.open(b, k, logfile.Place{})
	var t logfile.Text
	for i := range b.items[:b.first+1] {
		if !r.lines.Next(&t) || t != b.items[i].Text {
			return false
		}
	}
	return r.lines.State.Equal(&b.after)
}

// item judges an event of a batch; false where what is known is not enough.
func (r *reader) item(b *batch, one *item) bool {
	if r.network == nil {
		return false
	}
	assumed := r.judge.Reader().Assumed
	r.ask(&r.lines.Event)
	if at, dated := r.judge.When(); r.source.Unread(at, dated) {
		r.judge.Reader().Assumed = assumed
		b.asked, b.dated = at, dated
		return false
	}
	isKnown := r.knows != nil && r.knows(r.id)
	r.find(r.options.MinScore <= 0 || isKnown)
	one.judged = r.judged
	one.id = b.own(r.id)
	isWanted, isJoined := r.isWanted(), isKnown || r.hasEvidence() && len(r.id) > 0
	if !isWanted && !isJoined {
		return true
	}
	f := r.whole(one.Line)
	one.tallied = f.hasEvidence()
	if isWanted && r.encode != nil {
		b.rows = r.encode(b.rows, f)
	}
	if isJoined || r.encode == nil {
		one.kept = b.keep(f, one.id)
	}
	return true
}

// ask reads an event and asks the list about it.
func (r *reader) ask(e *event.Event) {
	r.facts, r.asked = r.judge.Look(e)
	if r.asked != nil && judge.IsQuiet(r.asked) {
		r.asked = nil
	}
	r.event = r.judge.Event()
	at, timed := r.judge.When()
	r.judged = judged{covered: r.facts.Coverage, listTime: r.facts.Newest, closes: r.event.Closes(), timed: timed, id: r.id[:0]}
	r.first = 0
	if timed {
		r.first, r.last = at.From, at.To
	}
	r.connection(r.event)
}

// find judges it, unless it is quiet and nobody asks.
func (r *reader) find(always bool) {
	switch {
	case r.asked != nil:
		r.found = r.judge.Finding(r.asked)
	case always:
		r.found = r.quietly()
	default:
		r.found, r.verdict = nil, detect.VerdictOf(0, r.covered)
		return
	}
	r.verdict, r.score = r.found.Verdict, int8(r.found.Score)
	if r.asked != nil && r.verdict < detect.VerdictPossible { // else it is found
		r.drawn = draw(r.seed, r.asked, r.found.Host.Addr)
	}
}

// quiet is the finding of a quiet event.
type quiet struct {
	facts   judge.Quiet
	finding detect.Finding
}

// maxQuiet is how many are remembered. A log of one sensor has some four: by how far
// flows came and over which transport.
const maxQuiet = 16

// quietly returns the finding of a quiet event.
func (r *reader) quietly() *detect.Finding {
	for i := range r.quiet {
		if r.quiet[i].facts == r.facts {
			return &r.quiet[i].finding
		}
	}
	if len(r.quiet) == maxQuiet {
		r.quiet = r.quiet[:0]
	}
	q := quiet{facts: r.facts}
	q.finding = *r.judge.Finding(&flow.Flow{State: q.facts.State, Coverage: q.facts.Coverage, Transport: q.facts.Transport, NewestList: q.facts.Newest, OldestList: q.facts.Oldest})
	q.finding.Reason, q.finding.Evidence = bytes.Clone(q.finding.Reason), slices.Clone(q.finding.Evidence) // the judge's own
	r.quiet = append(r.quiet, q)
	return &r.quiet[len(r.quiet)-1].finding
}

// isWanted reports whether its score is asked for.
func (r *reader) isWanted() bool { return r.found != nil && r.found.Score >= r.options.MinScore }

func (r *reader) hasEvidence() bool { return r.found != nil && hasEvidence(r.found) }

// whole returns it with all that it says.
func (r *reader) whole(line int64) *Flow {
	r.fill(r.event)
	out := &r.flow
	out.Line, out.First, out.Last = line, r.first, r.last
	out.Finding, out.Coverage, out.ListTime = r.found, r.covered, r.listTime
	out.Connection, out.Closes = r.id, r.closes
	return out
}

// connection sets what the event shares with others of its connection.
func (r *reader) connection(e *event.Event) {
	r.id = r.id[:0]
	for _, role := range [...]event.Role{event.SensorID, event.CommunityID} {
		if text := e.Text(role, nil); len(text) > 0 && len(text) <= maxID {
			r.id = append(r.id, text...)
			return
		}
	}
}

// maxID is the longest name of a connection that is kept: Zeek's have 18 characters,
// Suricata's 19 digits, a community_id some 30.
const maxID = 64

// roles are what the columns are read for.
var roles = [Columns]event.Role{
	SrcIP: event.Source, SrcPort: event.SourcePort, DestIP: event.Destination, DestPort: event.DestinationPort,
	Transport: event.Transport, App: event.App, Action: event.Action,
	BytesIn: event.BytesIn, BytesOut: event.BytesOut, PacketsIn: event.PacketsIn, PacketsOut: event.PacketsOut,
	SNI: event.SNI, JA4: event.JA4, JA3: event.JA3, Query: event.Query, URL: event.URL, User: event.User,
}

// fill takes the texts of the columns from the event: what was read where something
// was, else what is written.
func (r *reader) fill(e *event.Event) {
	read := r.judge.Reader()
	r.ends(e, &read.Source, SrcIP, SrcPort)
	r.ends(e, &read.Destination, DestIP, DestPort)
	for c := Transport; c < Columns; c++ {
		r.text(e, c)
	}
	if app := &r.flow.Cells[App]; len(*app) == 0 {
		*app = e.Text(event.Service, r.scratch[App][:0])
	}
	if action := &r.flow.Cells[Action]; len(*action) > 0 {
		*action = event.CIMAction(*action)
	}
}

// text takes the text of a column as it is written.
func (r *reader) text(e *event.Event, c Column) {
	r.flow.Cells[c] = e.Text(roles[c], r.scratch[c][:0])
}

// ends writes the addresses and ports of one side as they were read: the better name
// may hold none, an address may have its port beside it, and a request to a proxy
// another destination.
func (r *reader) ends(e *event.Event, read *event.Ends, address, port Column) {
	if len(read.Addrs) == 0 {
		r.text(e, address)
	} else {
		text := r.scratch[address][:0]
		for i, a := range read.Addrs {
			if i > 0 {
				text = append(text, '\n')
			}
			text = cell.AppendAddress(text, a)
		}
		r.scratch[address], r.flow.Cells[address] = text, text
	}
	if len(read.Ports) == 0 {
		r.text(e, port)
	} else {
		text := r.scratch[port][:0]
		for i, p := range read.Ports {
			if i > 0 {
				text = append(text, '\n')
			}
			text = strconv.AppendUint(text, uint64(p), 10)
		}
		r.scratch[port], r.flow.Cells[port] = text, text
	}
}
