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
// zeek.go, fortigate.go, vpc.go (AWS flow logs as text), json.go (Suricata, Zeek's JSON
// and any other object with known names); wrapper.go undoes what stands around an
// event. To add a format, write a reader and
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
	"slices"
	"strings"

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
	// Rest is another object behind that of the line, an event of its own: HTTP Event
	// Collector takes them so.
	Rest []byte
}

// Format is whose format a line is.
type Format uint8

const (
	Auto Format = iota // found by looking
	PAN
	Zeek
	Suricata
	FortiGate
	VPC
	CSV // of package logfile
	JSON
	Formats
)

var formatNames = [Formats]string{"auto", "pan", "zeek", "suricata", "fortigate", "vpc", "csv", "json"}

func (f Format) String() string { return formatNames[f] }

// ParseFormat reads the name of a format, or "auto".
func ParseFormat(name string) (Format, error) {
	for i, known := range formatNames {
		if name == known {
			return Format(i), nil
		}
	}
	return Auto, fmt.Errorf("unknown log format %q: want %s", name, Choices())
}

// Names are what ParseFormat reads.
func Names() []string { return slices.Clone(formatNames[:]) }

// Choices are the names for people: auto, pan, ... or json.
func Choices() string {
	last := len(formatNames) - 1
	return strings.Join(formatNames[:last], ", ") + " or " + formatNames[last]
}

// The readers, in the order in which they are asked.
const (
	panReader = iota
	zeekReader
	fortiReader
	vpcReader
	jsonReader
	readers
)

// formatsOf names the formats whose lines a reader reads.
var formatsOf = [readers][]Format{panReader: {PAN}, zeekReader: {Zeek}, fortiReader: {FortiGate}, vpcReader: {VPC}, jsonReader: {Suricata, Zeek, JSON}}

// ask has a reader read a line into an event that is empty.
func (p *Parser) ask(reader int, line []byte, e *event.Event) Claim {
	switch reader {
	case panReader:
		return p.readPaloAlto(line, e)
	case zeekReader:
		return p.readZeek(line, e)
	case vpcReader:
		return p.readVPC(line, e)
	case fortiReader:
		return p.readFortiGate(line, e)
	}
	claim := p.readJSON(line, e)
	if p.depth == 0 {
		claim.Rest = p.json.rest
	}
	return claim
}

// A Parser reads line after line of one file, or events that have nothing to do
// with each other. The zero value is ready.
type Parser struct {
	// Only is the format of all lines; Auto: each is asked who knows it.
	Only Format

	State
	json  object
	depth int              // of events in each other
	arena []byte           // texts that are not as they stand in the line
	ends  [maxFields]int32 // of the fields of a line
}

// A State is what a parser knows of a file from the lines before: who goes on from it
// reads the next line as that parser would. Lines that follow make another and
// change nothing of it, so that several may read from one at the same time.
type State struct {
	lucky int        // the reader that read the line before
	zeek  head       // of a Zeek file
	vpc   []vpcField // of a file of AWS flow logs
}

// Equal reports whether both are the same for every line that may follow.
func (s *State) Equal(o *State) bool { return s.lucky == o.lucky && s.IsAlike(o) }

// IsAlike reports whether both know the same of a file, but for which reader is asked
// first. That changes from line to line where several devices write into one file, and
// behind the next event it is forgotten.
func (s *State) IsAlike(o *State) bool { return s.zeek.equal(&o.zeek) && slices.Equal(s.vpc, o.vpc) }

// Reset forgets the file before.
func (p *Parser) Reset() { p.State = State{} }

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
	if len(line) > 0 && (line[0] <= ' ' || line[len(line)-1] <= ' ') { // few have such
		line = bytes.TrimLeft(line, " \t\r\n")
		line = bytes.TrimRight(line, " \r\n") // a tab may stand for an empty field
	}
	if len(line) == 0 {
		e.Reset()
		return Claim{Kind: Blank}
	}
	best := Claim{Kind: Nobody}
	first := p.lucky
	if line[0] == '{' {
		first = jsonReader
	}
	for i := range readers {
		reader := (first + i) % readers
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
		if claim.Rest != nil {
			return claim // else each object of a long line would be looked at by all, to its end
		}
		if claim.Kind < best.Kind {
			best = claim
		}
	}
	if best.Kind == Nobody && p.Only == Auto {
		if name := foreign(line); name != "" {
			e.Reset()
			return Claim{Kind: Other, Text: name}
		}
	}
	return best
}

// foreignMarks are what lines of formats that are known and not read begin with, behind
// a syslog header, so that a file of them is told by its name.
var foreignMarks = [...]struct{ mark, name string }{
	{"CEF:0|", "CEF, which is not read"}, {"CEF:1|", "CEF, which is not read"},
	{"LEEF:1.0|", "LEEF, which is not read"}, {"LEEF:2.0|", "LEEF, which is not read"},
	{"%ASA-", "Cisco ASA, which is not read"}, {"%FTD-", "Cisco FTD, which is not read"},
}

// foreign names the format of a line that nobody reads; empty where it is not known.
func foreign(line []byte) string {
	head := line[:min(len(line), maxFront)]
	for _, f := range &foreignMarks {
		if at := bytes.Index(head, []byte(f.mark)); at == 0 || at > 0 && head[at-1] == ' ' {
			return f.name
		}
	}
	return ""
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
