// Package scan judges log files: what torctl scan finds, before it is drawn.
//
//	in:   pan.log, line 7: 10.0.0.5 -> 198.51.100.7:9001, TCP, allowed, 60 seconds to 11:30:00
//	out:  a Flow: that line with its cells, and the finding: score 97, verdict tor, ...
//	      and, at the end, a Summary: 12 flows read, 1 tor, 11 none, coverage full 12
//
// scan.go has what goes in and out, files.go what is opened, count.go the totals and
// what is handed on, join.go what events of one connection become, names.go which hosts
// showed several made-up names. read.go goes over the files, reader.go reads and
// judges, batches of lines (batch.go) on all cores (pipeline.go).
//
// The package draws nothing and knows no flag: package report makes tables, pages
// and files of its flows.
package scan

import (
	"context"
	"io"
	"time"

	"tordetect/src/detect"
	"tordetect/src/flow"
)

// Column is a text that an event has for people and programs.
type Column uint8

// The columns, in the order of CSV and JSON.
const (
	SrcIP Column = iota
	SrcPort
	DestIP
	DestPort
	Transport
	App
	Action
	BytesIn // what came back from the destination
	BytesOut
	PacketsIn
	PacketsOut
	SNI
	JA4
	JA3
	Query
	URL
	User
	Columns
)

var columnNames = [Columns]string{
	"src_ip", "src_port", "dest_ip", "dest_port", "transport", "app", "action", "bytes_in", "bytes_out", "packets_in", "packets_out",
	"sni", "ja4", "ja3", "query", "url", "user",
}

// String is the column's name in CIM.
func (c Column) String() string { return columnNames[c] }

// A Flow is one event of a log with its finding, or with Options.Join all events of
// one connection: then the best finding stands for it, with the codes of all, and
// its counts are those of the event that ended it. It, and all that it points to,
// is valid until the next one.
type Flow struct {
	File        string
	Line        int64           // counted from 1
	First, Last int64           // epoch seconds; 0: not known. First may be unknown where Last is not
	Cells       [Columns][]byte // what the event says; empty: nothing. A list has a value a line
	Finding     *detect.Finding
	Coverage    flow.Coverage
	ListTime    int64 // until when the newest list is valid; 0: there is none

	Connection []byte // what events of one connection share: the sensor's uid, flow_id or community_id; empty: not known
	Closes     bool   // the event ends its flow, so that totals count it
}

// Options say what to read, and what to hand on.
type Options struct {
	Files    []string       // paths; "-" is stdin
	Format   string         // of all files, or "auto": found by looking at each
	Zone     *time.Location // of times that name none; nil: none was given
	Strict   bool           // end with the first complaint
	Relays   string         // path of the relay table
	Internal string         // the site's own networks, commas between
	MinScore int            // of what is handed on
	Join     bool           // hand on flows, whose events are joined, and not events
	Version  string         // of the program, for the summary
	Now      time.Time
	Workers  int  // that read and judge at the same time; 0: as many as there are cores
	Rows     Rows // takes the events that are asked for, in place of add; not with Join
	block    int  // bytes that a worker reads at once; 0: as many as are good
}

// Rows is a form in which an event stands for itself, so that several can be written
// at the same time.
type Rows interface {
	// Encoder returns a function that appends an event to a text. Each is for one
	// goroutine.
	Encoder() func(text []byte, f *Flow) []byte

	// Write takes such texts, in the order of the logs.
	Write(text []byte) error
}

// Progress is told what is read. A terminal's bar is one.
type Progress interface {
	Begin(name string)
	Count(f io.Reader) io.Reader
}

// A Complaint is the first error of a run with Options.Strict, and what a Summary
// keeps of the others. Its text names file and line, and holds nothing of the line.
type Complaint struct{ Kind, Text string }

func (c *Complaint) Error() string { return c.Text }

// Trouble is how often there was a kind of complaint.
type Trouble struct {
	Kind  string
	Count int64
}

// A Summary says what was read and judged, all flows, also those below the least
// score.
type Summary struct {
	Options *Options

	Files, BadFiles int              // begun; not opened, of no known format, broken off, or without any event that could be read
	Flows           int64            // events that end a flow
	Events          int64            // other events of flows: handshakes, queries, alerts, begins
	Unreadable      int64            // lines that should have been events
	Other           int64            // lines that are readable and no flows: other log types, other events
	Kinds           map[string]int64 // of those lines, in words that follow a number: "Suricata stats"
	Flowless        []string         // files that hold nothing else, by name
	Zoneless        int64            // events whose time was taken to be in Zone
	Complaints      []*Complaint
	Troubles        []Trouble
	Warnings        []string // sentences about the relay table and what could not be judged

	// Tally is of flows: of each event that ends one, and of connections with evidence
	// whose end was not among the events that were joined to it. Where no event ends a
	// flow it is of events.
	Tally
	Below     int   // the highest score that was too low to be handed on
	Early     int64 // flows that were counted before all was read, as too many had evidence
	ListUntil int64 // end of the newest list that judged; 0: none did

	// Naming are hosts with several made-up server names, which no flow has alone.
	Naming    []NamingHost
	Forgotten int64 // how often there was no room for a host with such a name, so that one was forgotten
}

// Zone is what times without a zone were taken for, where they were taken for any.
func (s *Summary) Zone() *time.Location {
	if s.Options.Zone == nil {
		return time.UTC // Palo Alto's
	}
	return s.Options.Zone
}

// IsFlowless reports whether nothing that was read was a flow.
func (s *Summary) IsFlowless() bool { return s.Flows+s.Events == 0 }

// Tally counts flows by what was found.
type Tally struct {
	Verdicts    [len(Verdicts)]int64 // by detect.Verdict
	Covered     [flow.Coverages]Span // what "not found" means
	First, Last int64                // times of the flows that have one
	Untimed     int64                // flows without a time, or with one that has no zone
}

// Span is how many flows share something, and when they were.
type Span struct{ Flows, First, Last int64 }

// Verdicts, States and Coverages in the order in which they are told: the surest
// sign of Tor first, the best coverage first.
var (
	Verdicts = [...]detect.Verdict{
		detect.VerdictTor, detect.VerdictLikely, detect.VerdictPossible, detect.VerdictNone, detect.VerdictUnknown,
	}
	States    = [flow.States]flow.State{flow.Established, flow.StateUnknown, flow.Attempt, flow.Blocked}
	Coverages = [flow.Coverages]flow.Coverage{
		flow.CoverageFull, flow.CoverageStale, flow.CoverageGap, flow.CoverageBefore, flow.CoverageNone,
	}
)

// Judged is how many flows have a verdict.
func (t *Tally) Judged() int64 {
	n := int64(0)
	for _, flows := range t.Verdicts {
		n += flows
	}
	return n
}

// AtLeast counts the flows of a verdict or a surer one, from possible on.
func (t *Tally) AtLeast(least detect.Verdict) int64 {
	n := int64(0)
	for v := least; v <= detect.VerdictTor; v++ {
		n += t.Verdicts[v]
	}
	return n
}

// Run reads the files one after the other, judges their events and calls add for
// each of the least score or above, in the order of the logs. With Options.Join
// add gets flows: those of a connection that has evidence when all is read, the
// others at once. An error of add ends the run. Options are to be checked before.
// What comes out does not depend on how many workers there are.
func Run(ctx context.Context, o *Options, stdin io.Reader, progress Progress, add func(*Flow) error) (*Summary, error) {
	c := newCounter(o, add)
	if err := read(ctx, o, stdin, progress, c); err != nil {
		return nil, err
	}
	if err := c.finish(); err != nil {
		return nil, err
	}
	return &c.summary, nil
}
