package scan

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"path/filepath"
	"strconv"
	"strings"

	"tordetect/src/cell"
	"tordetect/src/detect"
	"tordetect/src/event"
	"tordetect/src/format"
	"tordetect/src/judge"
	"tordetect/src/logfile"
	"tordetect/src/relay"
)

// CheckFormat checks the name of a format.
func CheckFormat(name string) error {
	_, err := format.ParseFormat(name)
	return err
}

// Check says what of the options nobody can work with.
func (o *Options) Check() error {
	_, err := newReader(o, nil)
	return err
}

// reader has the files read and their events judged.
type reader struct {
	options *Options
	counter *counter
	log     *logfile.Log
	judge   *judge.Judge
	flow    Flow
	id      []byte // of a connection
	cells   [Columns][]byte
	scratch [Columns][]byte
}

func newReader(o *Options, c *counter) (*reader, error) {
	only, err := format.ParseFormat(o.Format)
	if err != nil {
		return nil, err
	}
	if !strings.HasSuffix(o.Relays, ".csv") {
		return nil, fmt.Errorf("bad relay table %q: want the path of a .csv file", o.Relays)
	}
	var internal []netip.Prefix
	if o.Internal != "" {
		if internal, err = cell.Networks(o.Internal); err != nil {
			return nil, fmt.Errorf("bad networks %q: %w: want networks such as 10.0.0.0/8 or 2001:db8::/32, with commas between", o.Internal, err)
		}
	}
	return &reader{
		options: o, counter: c,
		log:   logfile.New(logfile.Options{Format: only, Now: o.Now, Strict: o.Strict}),
		judge: judge.New(relay.NewNetwork(o.Relays), judge.Options{Internal: internal, Zone: o.Zone}),
	}, nil
}

// read reads the files one after the other.
func read(ctx context.Context, o *Options, stdin io.Reader, progress Progress, c *counter) error {
	r, err := newReader(o, c)
	if err != nil {
		return err
	}
	err = o.each(stdin, progress, func(name string, f io.Reader) error {
		r.flow.File = name
		return r.log.Read(name, f, func(e *event.Event, line int64) error {
			if err := ctx.Err(); err != nil {
				return err
			}
			return r.event(e, line)
		})
	}, r.log.Missing)
	var complaint *logfile.Complaint
	if errors.As(err, &complaint) {
		err = &Complaint{complaint.Kind.String(), complaint.Error()}
	}
	r.summarize()
	return err
}

// event judges one event.
func (r *reader) event(e *event.Event, line int64) error {
	f := r.judge.Flow(e)
	e = r.judge.Event()
	at, timed := r.judge.When()
	var first, last int64
	if timed {
		first, last = at.From, at.To
		if err := r.log.CheckClock(last); err != nil {
			return err
		}
	}
	closes := e.Closes()
	if r.connection(e); judge.IsQuiet(f) && !r.counter.wants(0, false, r.id) {
		r.counter.quiet(detect.VerdictOf(0, f.Coverage), f.Coverage, last, f.NewestList, closes)
		return nil
	}
	found := r.judge.Finding(f)
	if !r.counter.wants(found.Score, found.Score > 0 || len(found.Evidence) > 0, r.id) {
		r.counter.quiet(found.Verdict, f.Coverage, last, f.NewestList, closes)
		return nil
	}
	r.fill(e)
	out := &r.flow
	out.Line, out.First, out.Last = line, first, last
	out.Finding, out.Coverage, out.ListTime = found, f.Coverage, f.NewestList
	out.Connection, out.Closes = r.id, closes
	return r.counter.event(out)
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
var roles = [Columns][]event.Role{
	SrcIP: {event.Source}, SrcPort: {event.SourcePort}, DestIP: {event.Destination}, DestPort: {event.DestinationPort},
	Transport: {event.Transport}, App: {event.App, event.Service}, Action: {event.Action},
	BytesIn: {event.BytesIn}, BytesOut: {event.BytesOut}, PacketsIn: {event.PacketsIn}, PacketsOut: {event.PacketsOut},
	SNI: {event.SNI}, JA4: {event.JA4}, JA3: {event.JA3}, Query: {event.Query}, URL: {event.URL}, User: {event.User},
}

// fill takes the texts of the columns from the event: what was read where something
// was, else what is written.
func (r *reader) fill(e *event.Event) {
	read := r.judge.Reader()
	for c := range Columns {
		var text []byte
		for _, role := range roles[c] {
			if text = e.Text(role, r.scratch[c][:0]); len(text) > 0 {
				break
			}
		}
		r.cells[c] = text
	}
	r.cells[Action] = event.CIMAction(r.cells[Action])
	r.ends(&read.Source, SrcIP, SrcPort)
	r.ends(&read.Destination, DestIP, DestPort)
	r.flow.Cells = r.cells
}

// ends writes the addresses and ports of one side as they were read: the better name
// may hold none, an address may have its port beside it, and a request to a proxy
// another destination.
func (r *reader) ends(e *event.Ends, address, port Column) {
	if len(e.Addrs) > 0 {
		text := r.scratch[address][:0]
		for i, a := range e.Addrs {
			if i > 0 {
				text = append(text, '\n')
			}
			text = a.AppendTo(text)
		}
		r.scratch[address], r.cells[address] = text, text
	}
	if len(e.Ports) > 0 {
		text := r.scratch[port][:0]
		for i, p := range e.Ports {
			if i > 0 {
				text = append(text, '\n')
			}
			text = strconv.AppendUint(text, uint64(p), 10)
		}
		r.scratch[port], r.cells[port] = text, text
	}
}

// summarize takes over what was counted below.
func (r *reader) summarize() {
	s, read := &r.counter.summary, &r.log.Counts
	s.Files, s.BadFiles, s.Unreadable, s.Other, s.Zoneless = read.Files, read.BadFiles, read.Unreadable, read.Other(), r.judge.Reader().Assumed
	s.Kinds, s.Flowless = read.Kinds, read.Flowless
	for _, c := range r.log.Complaints.Kept() {
		s.Complaints = append(s.Complaints, &Complaint{c.Kind.String(), c.Error()})
	}
	for kind := range logfile.Kinds {
		if n := r.log.Complaints.Count(kind); n > 0 {
			s.Troubles = append(s.Troubles, Trouble{kind.String(), n})
		}
	}
	s.Warnings = r.judge.Warnings(judge.Responder(filepath.Base(r.options.Relays)), true)
}
