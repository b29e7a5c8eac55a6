package logfile

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"
)

// Format is what a log file is.
type Format uint8

// The formats. Auto is none: it is found by looking.
const (
	Auto Format = iota
	PAN
	Zeek
	Suricata
	CSV
	JSON
)

var formatNames = [...]string{"auto", "pan", "zeek", "suricata", "csv", "json"}

func (f Format) String() string { return formatNames[f] }

// ParseFormat reads the name of a format, or "auto".
func ParseFormat(name string) (Format, error) {
	for i, known := range formatNames {
		if name == known {
			return Format(i), nil
		}
	}
	return Auto, fmt.Errorf("unknown log format %q: want auto, pan, zeek, suricata, csv or json", name)
}

// Limits of what is read.
const (
	// MaxLine bounds a line, and a CSV row with line ends in its cells. A firewall
	// writes less than 10 kB, an eve.json line with a packet in it some 100 kB.
	MaxLine = 1 << 20

	// ChunkSize is the size at which a chunk is handed out. Chunk and reply fit
	// into the second cache of a core together; larger ones are not faster.
	ChunkSize = 256 << 10

	// sniffed is how much of a file is looked at to find its format.
	sniffed = readSize
)

// Options of a Log. The zero value finds formats by itself and takes times
// without a zone for UTC.
type Options struct {
	Format Format         // of all files; Auto finds it for each
	Zone   *time.Location // of times that have none; nil is UTC
	Now    time.Time      // times a day after it are complained about; zero: none are
	Strict bool           // end with the first complaint
}

// A Chunk is some rows of one file.
type Chunk struct {
	File   string
	Format Format
	Body   []byte // CSV: a header row and Rows rows; valid until the callback returns
	Rows   int
}

// Counts of what was read so far.
type Counts struct {
	Files      int   // begun
	BadFiles   int   // not opened, of no known format, broken off, or without any row that could be read
	Lines      int64 // read
	Rows       int64 // handed out
	Unreadable int64 // lines that should have been rows
	Other      int64 // lines that are readable and no flows: other log types, other events
	Zoneless   int64 // rows whose time was taken to be in Options.Zone
}

// A Log reads files one after the other. Make one with New.
type Log struct {
	Counts
	Complaints Complaints

	options Options
	pan     panLines
	zeek    zeekLines
	eve     eveLines
	json    cimLines
	csv     csvRows
	lines   lines
	chunk   Chunk
	body    []byte
	moved   []byte // a row on its way to the next chunk
	file    fileState
}

// fileState is what is known of the file at hand.
type fileState struct {
	name    string
	format  Format
	header  []byte // of the chunk at hand, as the reader gave it
	rows    int64
	bad     int64 // lines that gave no row and should have
	last    int64 // time of the row before; 0: none
	falling bool  // the newest rows come first
	sloped  bool  // falling is known
	resyncs int   // CSV rows that were given up for their first line alone
}

// reader reads the lines of one format.
type reader interface {
	// columns returns the header row of the rows, without a row end and without
	// log_line. Another one than before begins a new chunk.
	columns() []byte

	// row appends one row, without a row end and without log_line, and says when
	// it was (epoch seconds, 0 if not known). A problem says why there is no row.
	row(dst, line []byte) (row []byte, at int64, bad *problem)
}

// New returns a Log.
func New(options Options) *Log {
	if options.Zone == nil {
		options.Zone = time.UTC
	}
	l := &Log{options: options}
	l.pan.clock.zone = options.Zone
	l.eve.clock.zone = options.Zone
	l.zeek.clock.zone = options.Zone
	return l
}

// Read reads one file, named for messages, and calls each with its chunks. The
// error is that of each, or the first complaint where Options.Strict is set; what
// else is wrong with the file is a complaint.
func (l *Log) Read(name string, src io.Reader, each func(*Chunk) error) error {
	l.Files++
	l.file = fileState{name: name}
	err := l.read(src, each)
	var complaint *Complaint
	if err == nil || errors.As(err, &complaint) {
		if failed := l.flush(each); failed != nil {
			err = failed
		}
	}
	l.Lines += l.lines.number - 1
	l.Zoneless = l.pan.clock.zoneless + l.eve.clock.zoneless + l.zeek.clock.zoneless
	return err
}

// Missing counts a file that could not be opened.
func (l *Log) Missing(name string, cause error) error {
	l.Files++
	l.file = fileState{name: name}
	l.BadFiles++
	return l.complain(0, &problem{Unopened, cause.Error()})
}

func (l *Log) read(src io.Reader, each func(*Chunk) error) error {
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
	l.file.format = found
	if l.options.Format != Auto {
		l.file.format, bad = l.options.Format, nil
	}
	if bad != nil {
		if l.lines.err != nil {
			bad = broken(l.lines.err)
		}
		return l.giveUp(bad)
	}
	if err := l.readLines(l.reader(), each); err != nil {
		return err
	}
	if err := l.lines.err; err != nil {
		l.BadFiles++
		return l.complain(l.lines.number, broken(err))
	}
	if l.file.rows > 0 || l.file.bad == 0 {
		return nil
	}
	if l.file.format != found && found != Auto {
		return l.giveUp(&problem{Unknown, fmt.Sprintf("no line could be read as %v; it looks like %v", l.file.format, found)})
	}
	return l.giveUp(&problem{Unknown, fmt.Sprintf("no line could be read as %v", l.file.format)})
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

// reader returns the reader of the file's format, ready for a new file.
func (l *Log) reader() reader {
	switch l.file.format {
	case PAN:
		return &l.pan
	case Zeek:
		l.zeek.begin()
		return &l.zeek
	case Suricata:
		return &l.eve
	case CSV:
		l.csv.begin()
		return &l.csv
	}
	l.json.begin()
	return &l.json
}

// maxResyncs is how many CSV rows of a file are tried again from their second
// line, when a quote made one row of several lines and it is no good row. Each
// costs up to MaxLine bytes of reading.
const maxResyncs = 16

// readLines turns the lines of a file into rows.
func (l *Log) readLines(r reader, each func(*Chunk) error) error {
	rows, _ := r.(*csvRows)
	for {
		line, bad := l.lines.next(rows != nil)
		if line == nil && bad == nil {
			return nil
		}
		var at int64
		start := len(l.body)
		if bad == nil {
			l.body, at, bad = r.row(l.body, line)
		}
		if bad == nil && !bytes.Equal(r.columns(), l.file.header) {
			// The row is the first of another header: it moves into a chunk of its own.
			l.moved = append(l.moved[:0], l.body[start:]...)
			l.body = l.body[:start]
			if err := l.begin(r.columns(), each); err != nil {
				return err
			}
			l.body = append(l.body, l.moved...)
		}
		if bad != nil {
			l.body = l.body[:start]
			if err := l.refuse(line, bad, rows != nil); err != nil {
				return err
			}
			continue
		}
		if rows == nil || !rows.traced {
			l.body = append(l.body, ',')
			l.body = strconv.AppendInt(l.body, l.lines.number, 10)
		}
		l.body = append(l.body, '\n')
		l.Rows++
		l.file.rows++
		l.chunk.Rows++
		if at != 0 {
			if err := l.checkClock(at); err != nil {
				return err
			}
		}
		if len(l.body) >= ChunkSize {
			if err := l.flush(each); err != nil {
				return err
			}
		}
	}
}

// refuse counts a line that gave no row.
func (l *Log) refuse(line []byte, bad *problem, resync bool) error {
	switch bad {
	case &blank:
		return nil
	case &other:
		l.Other++
		return nil
	}
	if resync && l.lines.span > 1 && l.file.resyncs < maxResyncs {
		l.file.resyncs++
		l.lines.backUp()
	}
	l.Unreadable++
	l.file.bad++
	if bad.kind == Unreadable {
		// Any JSON looks like JSON with CIM names, so that is no news of a JSON file.
		f := looksLike(line)
		if f != Auto && f != l.file.format && (f != JSON || l.file.format == PAN || l.file.format == CSV) {
			bad = &mixed[f]
		}
	}
	return l.complain(l.lines.number, bad)
}

// begin starts a chunk with a header row.
func (l *Log) begin(header []byte, each func(*Chunk) error) error {
	if err := l.flush(each); err != nil {
		return err
	}
	l.file.header = append(l.file.header[:0], header...)
	l.appendHeader()
	return nil
}

func (l *Log) appendHeader() {
	l.body = append(l.body[:0], l.file.header...)
	if l.file.format != CSV || !l.csv.traced {
		l.body = append(l.body, ",log_line"...)
	}
	l.body = append(l.body, '\n')
}

// flush hands out the chunk at hand and starts the next one with the same header.
func (l *Log) flush(each func(*Chunk) error) error {
	if l.chunk.Rows > 0 {
		l.chunk.File, l.chunk.Format, l.chunk.Body = l.file.name, l.file.format, l.body
		if err := each(&l.chunk); err != nil {
			return err
		}
	}
	l.chunk.Rows = 0
	l.appendHeader()
	return nil
}

// clockJump is how far a row may lie from the order of its file, in seconds: logs
// that several devices write are out of order by minutes, a log that was sent
// later by hours.
const clockJump = 24 * 60 * 60

// checkClock complains about a row that is out of the order of its file by more
// than clockJump, or that is later than now by so much. The row counts.
func (l *Log) checkClock(at int64) error {
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
		return l.complain(l.lines.number, &problem{Clock, fmt.Sprintf("the clock jumps: the row is of %s, the one before was %s away the other way", stamp(at), time.Duration(-step)*time.Second)})
	case !l.options.Now.IsZero() && at > l.options.Now.Unix()+clockJump:
		return l.complain(l.lines.number, &problem{Clock, "the row is of the future: " + stamp(at)})
	}
	return nil
}

func stamp(at int64) string { return time.Unix(at, 0).UTC().Format(time.RFC3339) }

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
