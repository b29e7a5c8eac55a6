package scan

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"net/netip"
	"runtime"
	"strings"
	"sync/atomic"

	"tordetect/src/cell"
	"tordetect/src/event"
	"tordetect/src/format"
	"tordetect/src/judge"
	"tordetect/src/logfile"
	"tordetect/src/relay"
)

// Check says what of the options nobody can work with.
func (o *Options) Check() error {
	_, err := newRun(o, newCounter(o, nil))
	return err
}

// A run reads files, one after the other. Files of lines, which most are, are read and
// judged batch by batch by several readers at the same time. The run takes the
// batches in order, so that all is as if one had read the lines one by one:
//
//   - what a line is depends on lines before it, as Zeek's heads, and what the list
//     says of it on whether the history was read by then. A batch that was read with
//     anything else than is known when it is taken is read again, unless that shows to
//     make no difference, as where several devices write into one file. While what is
//     known changes from batch to batch, as with heads in between, nobody reads ahead;
//   - whether an event belongs to a connection with evidence is known then only: it is
//     read again where it does and was of no interest by itself.
type run struct {
	options  *Options
	counter  *counter
	log      *logfile.Log
	network  *relay.Network
	judge    *judge.Judge // of files that are not read in batches; knows what all saw
	known    atomic.Pointer[known]
	calm     int // how many batches behind each other changed nothing of it
	patience int // how many have to, before batches are read ahead
	pipeline pipeline[batch]

	direct reader // of such files
	again  reader // of batches
	second reader // of single events
	first  batch
	at     *batch // where second is
	encode func(dst []byte, f *Flow) []byte
	row    []byte
}

func newRun(o *Options, c *counter) (*run, error) {
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
	options := judge.Options{Internal: internal, Zone: o.Zone}
	r := &run{
		options: o, counter: c,
		log:     logfile.New(logfile.Options{Format: only, Now: o.Now, Strict: o.Strict}),
		network: relay.NewNetwork(o.Relays),
	}
	r.judge = judge.New(r.network, options)
	seed := maphash.MakeSeed()
	r.direct = reader{options: o, judge: r.judge, seed: seed}
	newReader := func() reader {
		out := reader{options: o, judging: options, source: r.network, seed: seed}
		out.lines.Only = only
		if o.Rows != nil {
			out.encode = o.Rows.Encoder()
		}
		return out
	}
	r.again, r.second = newReader(), newReader()
	r.again.knows = c.knows
	if o.Rows != nil {
		r.encode = o.Rows.Encoder()
		c.add = r.write
	}
	workers := o.Workers
	if workers == 0 {
		workers = min(runtime.GOMAXPROCS(0), maxWorkers)
	}
	for range workers {
		w := newReader()
		r.pipeline.work = append(r.pipeline.work, func(b *batch) {
			if now := r.known.Load(); now.settled {
				w.read(b, now, logfile.Place{})
			}
		})
	}
	r.pipeline.take = r.take
	return r, nil
}

// maxWorkers is how many may read batches: to read the file and to take the batches
// costs a tenth of that.
const maxWorkers = 8

// read reads the files one after the other.
func read(ctx context.Context, o *Options, stdin io.Reader, progress Progress, c *counter) error {
	r, err := newRun(o, c)
	if err != nil {
		return err
	}
	err = o.each(stdin, progress, func(name string, f io.Reader) error {
		r.direct.flow.File = name
		return r.log.ReadBlocks(name, f, func(e *event.Event, line int64) error {
			if err := ctx.Err(); err != nil {
				return err
			}
			return r.event(e, line)
		}, func(blocks logfile.Blocks) error { return r.lines(ctx, name, blocks) })
	}, r.log.Missing)
	var complaint *logfile.Complaint
	if errors.As(err, &complaint) {
		err = &Complaint{complaint.Kind.String(), complaint.Error()}
	}
	r.summarize()
	return err
}

// lines reads a file of lines. Its first batch says whose lines they are and opens the
// relay table, so there is nothing for several to do before.
func (r *run) lines(ctx context.Context, name string, blocks logfile.Blocks) error {
	now := &known{}
	r.calm, r.patience = 0, 1
	if before := r.known.Load(); before != nil {
		now.network = before.network
	}
	r.known.Store(now)
	size := r.options.block
	if size == 0 {
		size = logfile.BlockSize
	}
	fill := func(b *batch) bool {
		b.file, b.with = name, nil
		return blocks.Next(&b.block, size)
	}
	for begun := false; !begun || r.known.Load().network == nil; begun = true {
		if err := ctx.Err(); err != nil {
			return err
		}
		if !fill(&r.first) {
			return nil
		}
		if err := r.take(&r.first); err != nil {
			return err
		}
	}
	r.pipeline.read = fill
	return r.pipeline.run(ctx)
}

// take counts what was read of a batch, and reads of it what has to be read again.
func (r *run) take(b *batch) error {
	if now := r.known.Load(); b.with != now && !r.again.isSame(b, now) {
		r.again.read(b, now, logfile.Place{})
	}
	for {
		if err := r.count(b); err != nil {
			return err
		}
		r.judge.Saw(&b.seen)
		now := r.known.Load()
		if r.settle(now.state.IsAlike(&b.end), now.settled); b.stopped == nil && now.settled && now.state.Equal(&b.end) {
			return nil
		}
		next := &known{b.end, now.network, r.calm >= r.patience}
		if b.stopped != nil {
			r.pipeline.alone(func() { r.network.At(b.asked, b.dated) })
			next.network = r.network.Fixed()
		}
		r.known.Store(next)
		if b.stopped == nil {
			return nil
		}
		r.again.read(b, next, *b.stopped)
	}
}

// settle notes whether a batch changed what is known. Each time that it did and batches
// had been read ahead for nothing, twice as many have to change nothing before that is
// done again.
func (r *run) settle(same, wasSettled bool) {
	switch {
	case same:
		r.calm++
	case wasSettled:
		r.calm, r.patience = 0, min(2*r.patience, maxPatience)
	default:
		r.calm = 0
	}
}

// maxPatience bounds that: of 32 batches, which are 4 MB, to read four for nothing is
// an eighth.
const maxPatience = 32

// count counts the items of a batch and hands on what is asked for.
func (r *run) count(b *batch) error {
	written := int32(0)
	r.at = nil
	write := func(upTo int32) error {
		rows := b.rows[written:upTo]
		written = upTo
		return r.put(rows)
	}
	for i := range b.items {
		one := &b.items[i]
		if err := r.item(b, one); err != nil {
			if i > 0 {
				if failed := write(b.items[i-1].rows); failed != nil {
					return failed
				}
			}
			return err
		}
	}
	return write(int32(len(b.rows)))
}

// item counts an item.
func (r *run) item(b *batch, one *item) error {
	if err := r.log.Take(&one.Text); err != nil || one.Kind != format.Flow {
		return err
	}
	if one.timed {
		if err := r.log.CheckClock(one.last); err != nil {
			return err
		}
	}
	r.counter.names.add(one.drawn, one.last)
	var f *Flow
	switch {
	case one.kept >= 0:
		f = &b.kept[one.kept]
	case r.counter.knows(one.id):
		f = r.readAgain(b, one)
	default:
		r.counter.alone(&one.judged)
		return nil
	}
	if r.options.Rows != nil {
		return r.counter.join(f) // it is among the rows
	}
	return r.counter.event(f)
}

// readAgain reads an event again, for all that it says.
func (r *run) readAgain(b *batch, one *item) *Flow {
	s := &r.second
	if r.at != b {
		r.at = b
		s.open(b, b.with, b.from)
	}
	var t logfile.Text
	for s.lines.Next(&t) && t.Place != one.Place {
	}
	s.ask(&s.lines.Event)
	s.find(true)
	return s.whole(one.Line)
}

// event judges one event of a file that is not read in batches.
func (r *run) event(e *event.Event, line int64) error {
	d := &r.direct
	d.ask(e)
	if d.timed {
		if err := r.log.CheckClock(d.last); err != nil {
			return err
		}
	}
	knows := r.counter.knows(d.id)
	d.find(knows || r.options.MinScore <= 0)
	r.counter.names.add(d.drawn, d.last)
	if !d.isWanted() && !(d.hasEvidence() && len(d.id) > 0) && !knows {
		r.counter.alone(&d.judged)
		return nil
	}
	return r.counter.event(d.whole(line))
}

// write writes a flow as a row.
func (r *run) write(f *Flow) error {
	r.row = r.encode(r.row[:0], f)
	return r.options.Rows.Write(r.row)
}

// put writes rows.
func (r *run) put(rows []byte) error {
	if len(rows) == 0 {
		return nil
	}
	if err := r.options.Rows.Write(rows); err != nil {
		return fmt.Errorf("write the results: %w", err)
	}
	return nil
}

// summarize takes over what was counted below.
func (r *run) summarize() {
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
	s.Warnings = r.judge.Warnings(judge.Responder(r.options.Relays), true)
}
