// Package command is the search command tordetect: it binds the columns of a
// row and the options of a search to the judgement.
//
//	in:   | tordetect min_score=50
//	      src_ip,dest_ip,dest_port,"_time"
//	      "10.0.0.5","198.51.100.7",9001,1795422600
//	out:  the same bytes, and behind them the thirteen fields of Fields:
//	      "10.0.0.5","198.51.100.7",9001,1795422600,tor,97,unknown,outbound,guard,"or_port",...
//
// From top to bottom: options.go reads the arguments, columns.go finds the
// columns that matter in a header, cells.go reads addresses, ports and times
// out of cells, row.go turns a row into a flow and asks the relay table about
// it, times.go says when it was, shown.go adds the names and fingerprints that
// the client showed, raw.go and fromevent.go read rows that have nothing but
// _raw, render.go writes a finding as cells, tails.go keeps what the many rows
// get that have nothing to do with Tor, tables.go the relay table, and this file
// goes over the rows of a chunk. The judgement itself is in package detect, what
// a name says in tlsname, the network's history in relay, CSV in rows and the
// protocol in chunked.
//
// It opens the table when the first row needs it and not before, writes to no
// file, and reads no network. A row costs no allocation.
package command

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"tordetect/src/flow"

	"tordetect/src/chunked"
	"tordetect/src/detect"
	"tordetect/src/rows"
)

// Search is one run of the command. Make one with New.
type Search struct {
	now     func() time.Time
	node    Node
	options Options
	info    *chunked.Info
	started bool
	sawRows bool

	scanner rows.Scanner
	columns columns
	output  *rows.Output
	row     row
	tables  tables
	judge   detect.Judge
	cells   cells
	tails   tails
}

// Node is what the option info says of the machine: its name, the version of the
// program and the architecture that it was built for.
type Node struct{ Name, Version, Arch string }

// New returns a command that finds its relay tables in the folder lookups and
// takes the time from now.
func New(lookups string, now func() time.Time) *Search {
	return &Search{now: now, tables: tables{folder: lookups}}
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
	s.options, s.info = options, info
	s.columns.options = &s.options
	s.row.internal = options.Internal
	s.row.labeled = options.Labeled
	s.row.window, s.row.windowed = window(info.Earliest, info.Latest)
	s.tables.name = options.Relays
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
		d.RequiredFields = options.fields()
	}
	return d, nil
}

// Execute judges the rows of one chunk as they arrive.
func (s *Search) Execute(_ context.Context, c *chunked.Chunk, body io.Reader) error {
	if !s.started {
		s.started = true
		if s.options.RequireList {
			if err := s.tables.require(s.reference(), s.now()); err != nil {
				return err
			}
		}
	}
	if err := s.scanner.ResetReader(body); err != nil {
		return fmt.Errorf("read the rows of a chunk: %w", err)
	}
	s.columns.bind(s.scanner.Names())
	s.output.Bind(&s.scanner, s.columns.read)
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
	for s.scanner.Next() {
		s.sawRows = true
		flow := s.row.flow(&s.scanner, &s.columns, &s.tables)
		isQuiet := isQuiet(flow)
		if isQuiet && s.options.MinScore > 0 {
			continue
		}
		if need := len(s.scanner.Row()) + roomPerRow; cap(reply)-len(reply) < need {
			c.Reply = reply
			c.Grow(need)
			reply = c.Reply
		}
		if isQuiet {
			if q := s.quiet(flow); s.output.Replaces() {
				reply = s.output.AppendRow(reply, &s.scanner, q.cells)
			} else {
				reply = s.output.AppendRowTail(reply, &s.scanner, q.tail)
			}
			continue
		}
		finding := s.judge.Judge(flow)
		if finding.Score < s.options.MinScore {
			continue
		}
		reply = s.output.AppendRow(reply, &s.scanner, s.cells.render(flow, finding))
	}
	c.Reply = reply
}

// quiet returns what the row of a quiet flow gets.
func (s *Search) quiet(f *flow.Flow) *quiet {
	if q := s.tails.find(f); q != nil {
		return q
	}
	return s.tails.keep(s.output, s.cells.render(f, s.judge.Judge(f)))
}

// roomPerRow is more than our fields take in all but strange rows, so that the
// reply mostly grows here, where it grows in one piece with its frame.
const roomPerRow = 4 << 10

// reference is the time by which require_list asks whether the list is old: now,
// or the end of the search's window where that is earlier, so that a search over
// last month can use last month's list.
func (s *Search) reference() time.Time {
	now := s.now()
	if latest := time.Unix(int64(s.info.Latest), 0); s.info.Latest > 0 && latest.Before(now) {
		return latest
	}
	return now
}

// warn says what an analyst should know about this run so far. chunked sends
// each text once.
func (s *Search) warn(c *chunked.Chunk) {
	for _, text := range s.tables.warnings() {
		c.Warn(text)
	}
	if s.row.sawStale {
		c.Warn(fmt.Sprintf("The relay list %s ends at %s and some rows are newer: they were judged by an old list. Run the search Update the Tor relay list.", s.options.Relays, clock(s.row.staleAfter)))
	}
	if s.row.sawUnreadableTime {
		c.Warn("The time of some rows has no zone or cannot be read, so it counts as no time. Put tordetect before the macro or convert command that turns times into text.")
	}
	if c.Finished && s.sawRows && !s.info.Remote() {
		if missing := s.columns.missing(); len(missing) > 0 {
			c.Warn(fmt.Sprintf("No row had the column %s that was named in the options of tordetect.", strings.Join(missing, ", ")))
		}
	}
}

func clock(seconds int64) string { return time.Unix(seconds, 0).UTC().Format("2006-01-02T15:04:05Z") }
