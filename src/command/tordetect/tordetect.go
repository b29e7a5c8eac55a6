// Package tordetect is the search command tordetect: it binds the columns of a
// search's rows and its options to the judgement.
//
//	in:   | tordetect min_score=50
//	      src_ip,dest_ip,dest_port,"_time"
//	      "10.0.0.5","198.51.100.7",9001,1795422600
//	out:  the same bytes, and behind them the fifteen fields of Fields:
//	      "10.0.0.5","198.51.100.7",9001,1795422600,tor,97,unknown,outbound,guard,"or_port",...
//
// options.go reads the arguments, this file goes over the rows of a chunk, render.go
// writes a finding as cells, and tails.go keeps what the many rows get that have
// nothing to do with Tor. What a row says is decided in package event, what it is in
// judge and below it; CSV is a matter of rows, the protocol of chunked.
//
// It opens the table when the first row needs it and not before, writes to no
// file, and reads no network. A row costs no allocation.
package tordetect

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"tordetect/src/cell"
	"tordetect/src/chunked"
	"tordetect/src/event"
	"tordetect/src/flow"
	"tordetect/src/judge"
	"tordetect/src/relay"
	"tordetect/src/rows"
)

// Search is one run of the command. Make one with New.
type Search struct {
	lookups string
	now     func() time.Time
	node    Node
	options Options
	info    *chunked.Info
	started bool
	sawRows bool

	scanner rows.Scanner
	columns event.Columns
	event   event.Event
	output  *rows.Output
	network *relay.Network
	judge   *judge.Judge
	cells   cells
	tails   tails
}

// Node is what the option info says of the machine: its name, the version of the
// program and the architecture that it was built for.
type Node struct{ Name, Version, Arch string }

// New returns a command that finds its relay tables in the folder lookups and
// takes the time from now.
func New(lookups string, now func() time.Time) *Search {
	return &Search{lookups: lookups, now: now}
}

// On says what machine the command runs on, for the option info.
func (s *Search) On(node Node) *Search {
	s.node = node
	return s
}

// Getinfo reads the options. It touches no file: splunkd calls it several times
// for every search.
func (s *Search) Getinfo(info *chunked.Info) (chunked.Declaration, error) {
	options, err := ParseOptions(info.Args)
	if err != nil {
		return chunked.Declaration{}, err
	}
	s.options, s.info, s.started = options, info, false
	s.columns = event.Columns{Named: options.Columns, Judging: true}
	s.network = relay.NewNetwork(filepath.Join(s.lookups, options.Relays))
	s.judge = judge.New(s.network, judge.Options{
		Labeled: options.Labeled, Internal: options.Internal, Window: window(info.Earliest, info.Latest),
	})
	s.output, s.cells.info = rows.NewOutput(Fields), nil
	if options.Info {
		s.output = rows.NewOutput(slices.Concat(Fields, InfoFields))
		s.cells.info = &infoCells{
			node: rows.AppendCell(nil, []byte(s.node.Name)), version: rows.AppendCell(nil, []byte(s.node.Version)),
			arch: rows.AppendCell(nil, []byte(s.node.Arch)), now: s.now().Unix(),
		}
	}
	d := chunked.Declaration{Type: chunked.Streaming}
	if options.Local {
		d.Type = chunked.Stateful // the only way to stay on the search head
	}
	if options.Narrow {
		d.RequiredFields = s.fields()
	}
	return d, nil
}

// Execute judges the rows of one chunk as they arrive.
func (s *Search) Execute(_ context.Context, c *chunked.Chunk, body io.Reader) error {
	if !s.started {
		s.started = true
		if s.options.RequireList {
			if err := s.judge.Require(s.reference(), s.now(), s.options.Relays); err != nil {
				return err
			}
		}
	}
	if err := s.scanner.ResetReader(body); err != nil {
		return fmt.Errorf("read the rows of a chunk: %w", err)
	}
	s.columns.Bind(s.scanner.Names())
	s.event.Row(&s.scanner, &s.columns)
	s.output.Bind(&s.scanner)
	s.tails.reset()
	c.Reply = s.output.AppendHeader(c.Reply)
	s.judgeRows(c)
	if err := s.scanner.Err(); err != nil {
		return fmt.Errorf("read the rows of a chunk: %w", err)
	}
	s.warn(c)
	return nil
}

// judgeRows appends the scanner's rows to the reply, each with its finding.
func (s *Search) judgeRows(c *chunked.Chunk) {
	reply := c.Reply
	ready := 0 // up to where in reply there is memory
	for s.scanner.Next() {
		s.sawRows = true
		facts, f := s.judge.Look(&s.event)
		isQuiet := f == nil || judge.IsQuiet(f)
		if isQuiet && s.options.MinScore > 0 {
			continue
		}
		if need := len(s.scanner.Row()) + roomPerRow; ready-len(reply) < need {
			c.Reply = reply
			ready = c.Room(need, s.rest(c))
			reply = c.Reply
		}
		if isQuiet {
			if q := s.quiet(facts); s.output.Replaces() {
				reply = s.output.AppendRow(reply, &s.scanner, q.cells)
			} else {
				reply = s.output.AppendRowTail(reply, &s.scanner, q.tail)
			}
			continue
		}
		finding := s.judge.Finding(f)
		if finding.Score < s.options.MinScore {
			continue
		}
		reply = s.output.AppendRow(reply, &s.scanner, s.cells.render(f, finding))
	}
	c.Reply = reply
}

// quiet returns what a quiet row gets.
func (s *Search) quiet(facts judge.Quiet) *quiet {
	if q := s.tails.find(facts); q != nil {
		return q
	}
	f := flow.Flow{State: facts.State, Coverage: facts.Coverage, Transport: facts.Transport, NewestList: facts.Newest, OldestList: facts.Oldest}
	return s.tails.keep(facts, s.output, s.cells.render(&f, s.judge.Finding(&f)))
}

// rest guesses what is still to be written, by what was written for the rows so far,
// and an eighth more, which is address space and hardly memory. The current row is
// not written yet.
func (s *Search) rest(c *chunked.Chunk) int {
	answered := s.scanner.Read() - len(s.scanner.Row())
	ratio := min(float64(len(c.Reply))/float64(answered), mostRatio)
	return int(min(ratio*1.125*float64(c.Size-answered), chunked.MaxBody))
}

// mostRatio bounds what is believed of a reply beside its request, so that a strange
// row does not reserve gigabytes.
const mostRatio = 8

// roomPerRow is more than our fields take in all but strange rows, so that the
// reply mostly grows here, where it grows in one piece with its frame.
const roomPerRow = 4 << 10

// reference is the time by which require_list asks whether the list is old: now,
// or the end of the search's window where that is earlier, so that a search over
// last month can use last month's list.
func (s *Search) reference() time.Time { return s.info.End(s.now()) }

// warn says what an analyst should know about this run so far. chunked sends
// each text once.
func (s *Search) warn(c *chunked.Chunk) {
	// With info=true somebody asks a node what it has, mostly by a row that says nothing.
	for _, text := range s.judge.Warnings(judge.Analyst(s.options.Relays), c.Finished && !s.options.Info) {
		c.Warn(text)
	}
	if c.Finished && s.sawRows && !s.info.Remote() {
		if missing := s.columns.Missing(); len(missing) > 0 {
			c.Warn(fmt.Sprintf("No row had the column %s that was named in the options of tordetect.", strings.Join(missing, ", ")))
		}
	}
}

// fields are the fields that splunkd has to send where it sends those only that a
// command names (protocol.md section 12): what is read and what is written, so that
// a field that is there already is replaced.
func (s *Search) fields() []string {
	out := s.columns.Fields()
	put := func(all []rows.Field) {
		for _, f := range all {
			if !slices.Contains(out, f.Name) {
				out = append(out, f.Name)
			}
		}
	}
	put(Fields)
	if s.options.Info {
		put(InfoFields)
	}
	return out
}

// maxWindow is the longest search window that stands in for a row's time: the
// table's own retention. A row of a longer one could be of any time.
const maxWindow = 7 * 24 * 60 * 60

// window turns the search's earliest and latest into the interval that stands in
// for the time of rows without one; nil where they are too far apart.
func window(earliest, latest float64) *flow.Interval {
	if earliest <= 0 || latest < earliest || latest-earliest > maxWindow || latest > cell.MaxTime {
		return nil
	}
	return &flow.Interval{From: int64(earliest), To: int64(latest)}
}
