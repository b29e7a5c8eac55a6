// Package format takes the text of one log line apart: a wrapper around it, and
// then the event itself by its vendor's format. It is the one reader of log lines,
// for torctl scan and for rows of a search that have nothing but _raw.
//
//	in:   Nov 20 10:15:30 fw1 1,2026/11/20 10:15:30,0123,TRAFFIC,end,...,10.20.30.40,198.51.100.23,...
//	out:  a flow: src=10.20.30.40 dst=198.51.100.23 dport=9001 proto=tcp action=allow ...
//	in:   {"timestamp":"2026-11-20T10:15:30.1+0000","event_type":"stats",...}
//	out:  no flow: "Suricata stats"
//
// This file asks the readers and says whose line it is. A reader is a file: pan.go,
// zeek.go, fortigate.go, json.go (Suricata, Zeek's JSON and any other object with
// known names); wrapper.go undoes what stands around an event. To add a format, write a reader and
// name it among the readers: it puts cells under the names of its vendor, which stand in
// the table of package event.
//
// What the cells mean is decided in package event. Files, their compression and
// their heads are a matter of package logfile, but for Zeek's, whose fields are
// named in lines among the others. The values point into the line, or into memory
// that the parser reuses.
package format

import (
	"bytes"
	"fmt"

	"tordetect/src/event"
)

// Kind says what a line is.
type Kind uint8

const (
	Flow   Kind = iota // there is something to judge
	Other              // a good line of a kind that is no flow; Claim.Text names it
	Broken             // a line of a known format that cannot be read; Claim.Text says why
	Blank              // nothing: an empty line, a comment, a header
	Nobody             // of no known format
)

// A Claim is what a parser says of a line.
type Claim struct {
	Kind   Kind
	Format Format
	// Text names the kind of a line that is no flow, or says what is wrong with one.
	// It holds nothing of the line but names of kinds.
	Text string
	// Cut says that the line ends too early. Of a flow what stood before counts.
	Cut bool
}

// Format is whose format a line is.
type Format uint8

const (
	Auto Format = iota // found by looking
	PAN
	Zeek
	Suricata
	FortiGate
	CSV // of package logfile
	JSON
	Formats
)

var formatNames = [Formats]string{"auto", "pan", "zeek", "suricata", "fortigate", "csv", "json"}

func (f Format) String() string { return formatNames[f] }

// ParseFormat reads the name of a format, or "auto".
func ParseFormat(name string) (Format, error) {
	for i, known := range formatNames {
		if name == known {
			return Format(i), nil
		}
	}
	return Auto, fmt.Errorf("unknown log format %q: want auto, pan, zeek, suricata, fortigate, csv or json", name)
}

// The readers, in the order in which they are asked.
const (
	panReader = iota
	zeekReader
	fortiReader
	jsonReader
	readers
)

// formatsOf names the formats whose lines a reader reads.
var formatsOf = [readers][]Format{panReader: {PAN}, zeekReader: {Zeek}, fortiReader: {FortiGate}, jsonReader: {Suricata, Zeek, JSON}}

// ask has a reader read a line into an event that is empty.
func (p *Parser) ask(reader int, line []byte, e *event.Event) Claim {
	switch reader {
	case panReader:
		return p.readPaloAlto(line, e)
	case zeekReader:
		return p.readZeek(line, e)
	case fortiReader:
		return p.readFortiGate(line, e)
	}
	return p.readJSON(line, e)
}

// A Parser reads line after line of one file, or events that have nothing to do
// with each other. The zero value is ready.
type Parser struct {
	// Only is the format of all lines; Auto: each is asked who knows it.
	Only Format

	lucky int  // the reader that read the line before
	zeek  head // of a Zeek file
	json  object
	depth int    // of events in each other
	arena []byte // texts that are not as they stand in the line
}

// Reset forgets the file before.
func (p *Parser) Reset() { p.lucky, p.zeek = 0, head{} }

// Read reads a line into the event, which it resets. The event is valid until the
// next call, and as long as the line.
func (p *Parser) Read(line []byte, e *event.Event) Claim {
	line = line[:min(len(line), event.MaxText)]
	p.arena, p.depth = p.arena[:0], 0
	return p.read(line, e)
}

// read asks the readers, the one that was lucky last first. If none finds a flow,
// the one that knows the line says what it is.
func (p *Parser) read(line []byte, e *event.Event) Claim {
	line = bytes.TrimLeft(line, " \t\r\n")
	line = bytes.TrimRight(line, " \r\n") // a tab may stand for an empty field
	if len(line) == 0 {
		e.Reset()
		return Claim{Kind: Blank}
	}
	best := Claim{Kind: Nobody}
	for i := range readers {
		reader := (p.lucky + i) % readers
		if !p.wants(formatsOf[reader]) {
			continue
		}
		e.Reset()
		claim := p.ask(reader, line, e)
		if claim.Kind == Flow && e.IsOther() {
			claim = Claim{Kind: Other, Format: claim.Format, Text: "Suricata fileinfo"}
		}
		if claim.Kind == Flow {
			p.lucky = reader
			return claim
		}
		if claim.Kind < best.Kind {
			best = claim
		}
	}
	return best
}

func (p *Parser) wants(formats []Format) bool {
	if p.Only == Auto {
		return true
	}
	for _, f := range formats {
		if f == p.Only {
			return true
		}
	}
	return false
}
