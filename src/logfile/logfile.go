// Package logfile reads log files of firewalls and network sensors, event by event.
//
//	in:   pan.log.gz   1,2026/11/20 10:15:30,0123,TRAFFIC,end,...,10.20.30.40,198.51.100.23,...
//	out:  the event of line 1: src=10.20.30.40 dst=198.51.100.23 dport=9001 ...
//
// A file is plain or gzip, and one of these:
//
//   - lines, each taken apart by package format: Palo Alto, FortiGate, Zeek with its
//     #fields line or as JSON, Suricata's eve.json, AWS flow logs, other JSON, behind a
//     syslog header or in a shipper's object or not;
//   - CSV with a header row of known names, as outputcsv writes it, whose rows are
//     read by their columns as those of a search are (csv.go);
//   - one JSON document: an array, or an export with an array under results, Records
//     or value (document.go). The line of an event is then its number.
//
// This file goes over the files and keeps count, lines.go finds lines, blocks.go cuts
// files of lines so that several can read them, sniff.go tells what a file is,
// complaint.go says what is wrong with it.
//
// # Bad input
//
// A line that cannot be read is a [Complaint] with file and line, and the next line
// is read. A file that is of no known format, a gzip stream that breaks off, a line
// of more than MaxLine bytes and a clock that jumps are complaints too. A line that
// ends too early is one, and what it says before counts. The first few of each kind
// are kept and all are counted. With Options.Strict the first one ends the work.
// Memory is bounded by MaxLine, whatever is read.
//
// # What this package does not do
//
// It judges nothing, opens no file, starts no goroutine, and knows neither the relay
// table nor Splunk. It does not read logs of other devices, other compressions, or
// text that is not UTF-8 or ASCII.
package logfile

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"time"

	"tordetect/src/event"
	"tordetect/src/format"
	"tordetect/src/text"
)

// MaxLine bounds a line, and a CSV row with line ends in its cells. A firewall
// writes less than 10 kB, an eve.json line with a packet in it some 100 kB.
const MaxLine = 1 << 20

// sniffed is how much of a file is looked at to find its format.
const sniffed = readSize

// Options of a Log. The zero value finds formats by itself.
type Options struct {
	Format format.Format // of all files; Auto finds it for each
	Now    time.Time     // times a day after it are complained about; zero: none are
	Strict bool          // end with the first complaint
}

// Counts of what was read so far.
type Counts struct {
	Files      int              // begun
	BadFiles   int              // not opened, of no known format, broken off, or without any line that could be read
	Lines      int64            // read
	Events     int64            // handed out
	Unreadable int64            // lines that should have been events
	Kinds      map[string]int64 // readable lines that are no flows, by what they are
	Flowless   []string         // files that hold nothing else
}

// Other is how many lines were readable and no flows.
func (c *Counts) Other() int64 {
	n := int64(0)
	for _, count := range c.Kinds {
		n += count
	}
	return n
}

// A Log reads files one after the other. Make one with New.
type Log struct {
	Counts
	Complaints Complaints

	options  Options
	reader   Reader
	csv      table
	lines    lines
	file     fileState
	byBlocks func(Blocks) error // reads files of lines; nil: the Log does
}

// fileState is what is known of the file at hand.
type fileState struct {
	name    string
	line    int64
	events  int64
	other   int64
	bad     int64 // lines that gave no event and should have
	last    int64 // time of the event before; 0: none
	falling bool  // the newest events come first
	sloped  bool  // falling is known
}

// Each takes an event, which is valid until it returns.
type Each func(e *event.Event, line int64) error

// New returns a Log.
func New(options Options) *Log {
	l := &Log{options: options}
	l.Kinds = map[string]int64{}
	l.reader.Only = options.Format
	return l
}

// Read reads one file, named for messages, and calls each with its events. The error
// is that of each, or the first complaint where Options.Strict is set; what else is
// wrong with the file is a complaint.
func (l *Log) Read(name string, src io.Reader, each Each) error {
	l.Files++
	l.file = fileState{name: name}
	l.reader.Reset()
	if err := l.read(src, each); err != nil {
		return err
	}
	l.Lines += l.lines.number - 1
	if f := &l.file; f.events == 0 && f.bad == 0 && f.other > 0 {
		l.Flowless = append(l.Flowless, name)
	}
	return nil
}

// ReadBlocks is Read for who reads files of lines himself: blocks is given them, and
// has to tell Take what the texts of all blocks are. The events of other files come by
// each.
func (l *Log) ReadBlocks(name string, src io.Reader, each Each, blocks func(Blocks) error) error {
	l.byBlocks = blocks
	defer func() { l.byBlocks = nil }()
	return l.Read(name, src, each)
}

// Missing counts a file that could not be opened.
func (l *Log) Missing(name string, cause error) error {
	l.Files++
	l.file = fileState{name: name}
	l.BadFiles++
	return l.complain(0, &problem{Unopened, cause.Error()})
}

func (l *Log) read(src io.Reader, each Each) error {
	l.lines.reset(src)
	if bytes.HasPrefix(l.lines.peek(2), []byte{0x1f, 0x8b}) {
		z, err := gzip.NewReader(l.lines.rest())
		if err != nil {
			return l.giveUp(&problem{Broken, "it begins like a gzip file: " + err.Error()})
		}
		l.lines.reset(z)
	}
	if bytes.HasPrefix(l.lines.peek(len(byteOrderMark)), byteOrderMark) {
		l.lines.start += len(byteOrderMark)
	}
	head := l.lines.peek(sniffed)
	if len(head) == 0 && l.lines.err == nil {
		return nil // an empty file is a log of nothing
	}
	found, bad := sniff(head)
	if only := l.options.Format; only != format.Auto && bad == nil {
		found = ofFormat(only, found)
	}
	var err error
	switch {
	case bad != nil && l.lines.err != nil:
		return l.giveUp(broken(l.lines.err))
	case bad != nil:
		return l.giveUp(bad)
	case found == aTable:
		err = l.readTable(each)
	case found == aDocument:
		err = l.readDocument(each)
	default:
		err = l.readLines(each)
	}
	if err != nil {
		return err
	}
	if err := l.lines.err; err != nil {
		l.BadFiles++
		return l.complain(l.lines.number, broken(err))
	}
	if l.file.events > 0 || l.file.bad == 0 {
		return nil
	}
	if l.options.Format != format.Auto {
		return l.giveUp(&problem{Unknown, fmt.Sprintf("no line could be read as %v", l.options.Format)})
	}
	return l.giveUp(&unknownFormat)
}

// giveUp complains about a file as a whole.
func (l *Log) giveUp(bad *problem) error {
	l.BadFiles++
	return l.complain(0, bad)
}

func broken(err error) *problem {
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return &problem{Broken, "the file was cut: it ends inside its compressed data"}
	}
	return &problem{Broken, "reading ends here: " + err.Error()}
}

// readLines reads a file of lines.
func (l *Log) readLines(each Each) error {
	blocks := Blocks{&l.lines}
	if l.byBlocks != nil {
		return l.byBlocks(blocks)
	}
	var b Block
	var t Text
	for blocks.Next(&b, BlockSize) {
		l.reader.Open(&b, Place{})
		for l.reader.Next(&t) {
			if err := l.take(&t, each); err != nil {
				return err
			}
		}
	}
	return nil
}

// readText reads the text of one event, or of several objects behind each other.
func (l *Log) readText(text []byte, each Each) error {
	for len(text) > 0 {
		claim := l.reader.Read(text, &l.reader.Event)
		t := claimed(Place{}, l.file.line, claim)
		if err := l.take(&t, each); err != nil {
			return err
		}
		text = claim.Rest
	}
	return nil
}

func (l *Log) take(t *Text, each Each) error {
	if err := l.Take(t); err != nil || t.Kind != format.Flow {
		return err
	}
	return each(&l.reader.Event, t.Line)
}

// Take counts what was read of a text, which is then the one at hand. The error is the
// first complaint where Options.Strict is set.
func (l *Log) Take(t *Text) error {
	l.file.line = t.Line
	switch {
	case t.long:
		return l.refuse(&tooLong)
	case t.Kind == format.Flow:
		if t.cut {
			if err := l.complain(t.Line, &cutEvent); err != nil {
				return err
			}
		}
		l.count()
	case t.Kind == format.Other:
		l.other(t.what)
	case t.Kind == format.Broken && t.cut:
		return l.refuse(&problem{Cut, t.what})
	case t.Kind == format.Broken:
		return l.refuse(&problem{Unreadable, t.what})
	case t.Kind == format.Nobody:
		return l.refuse(&nobody)
	}
	return nil
}

var (
	cutEvent = problem{Cut, "the line ends too early; what it says before that was judged"}
	nobody   = problem{Unreadable, "the line is of no known format"}
)

func (l *Log) other(kind string) {
	if _, known := l.Kinds[kind]; !known && len(l.Kinds) >= maxKinds {
		kind = "lines of more kinds"
	}
	l.Kinds[kind]++
	l.file.other++
}

// maxKinds is how many kinds of lines are told apart: Suricata has some 40 kinds of
// events, Zeek as many logs. A log may name any.
const maxKinds = 200

// count counts an event.
func (l *Log) count() {
	l.Events++
	l.file.events++
}

// readTable reads a CSV file. Where a quote made one row of several lines and it is no
// good row, that costs its first line alone: the others are tried again. No line is read
// more than twice so, however many such quotes there are, as behind the first line of
// such a row only its last one opens a quote again.
func (l *Log) readTable(each Each) error {
	bound := false
	for {
		line, bad := l.lines.next()
		l.file.line = l.lines.number
		if line == nil && bad == nil {
			return nil
		}
		var e *event.Event
		switch {
		case bad != nil:
		case len(line) == 0:
			continue
		case !bound:
			if bad = l.csv.bind(line); bad != nil {
				return l.giveUp(bad)
			}
			bound = true
			continue
		default:
			e, bad = l.csv.row(line)
		}
		var err error
		switch {
		case bad != nil:
			l.lines.backUp()
			err = l.refuse(bad)
		case e != nil:
			l.count()
			err = each(e, l.file.line)
		}
		if err != nil {
			return err
		}
	}
}

// refuse counts a line that gave no event.
func (l *Log) refuse(bad *problem) error {
	l.Unreadable++
	l.file.bad++
	return l.complain(l.file.line, bad)
}

// clockJump is how far an event may lie from the order of its file, in seconds: logs
// that several devices write are out of order by minutes, a log that was sent
// later by hours.
const clockJump = 24 * 60 * 60

// CheckClock complains about the event at hand where its time, in epoch seconds, is
// out of the order of its file by more than clockJump, or later than now by so much.
// The event counts.
func (l *Log) CheckClock(at int64) error {
	f := &l.file
	step := at - f.last
	if f.last == 0 {
		step = 0
	} else if !f.sloped && step != 0 {
		f.sloped, f.falling = true, step < 0
	}
	if f.falling {
		step = -step
	}
	f.last = at
	switch {
	case step < -clockJump:
		return l.complain(f.line, &problem{Clock, fmt.Sprintf("the clock jumps: the event is of %s, the one before was %s away the other way", text.Time(at), apart(-step))})
	case !l.options.Now.IsZero() && at > l.options.Now.Unix()+clockJump:
		return l.complain(f.line, &problem{Clock, "the event is of the future: " + text.Time(at)})
	}
	return nil
}

// apart writes a stretch of time that is longer than a day.
func apart(seconds int64) string {
	if days := seconds / (24 * 60 * 60); days > 1 {
		return fmt.Sprintf("%d days", days)
	}
	return (time.Duration(seconds) * time.Second).String()
}

// complain keeps a complaint, and returns it where Options.Strict is set.
func (l *Log) complain(line int64, bad *problem) error {
	if !l.options.Strict && !l.Complaints.wants(bad.kind) {
		l.Complaints.count[bad.kind]++
		return nil
	}
	c := &Complaint{File: l.file.name, Line: line, Kind: bad.kind, Text: bad.text}
	l.Complaints.add(c)
	if l.options.Strict {
		return c
	}
	return nil
}
