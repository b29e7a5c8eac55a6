// Package shapes holds what the readers of logs can read, a small file for each
// product, version and wrapper.
//
//	in:   testdata/zeek-conn.txtar   product, versions, log, form and the page that documents it;
//	                                 a log typed for the purpose; what should be read of it
//	out:  the same readings, by package logfile as a file and by package format line by line;
//	      the tables "What is read" and "What is not read" of the manual
//
// A file's head says "doc: not seen" where no page describes the shape and it was
// typed from what others tell of it. The package judges nothing: verdicts are for
// tests/cases and tests/e2e.
package shapes

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/txtar"

	"tordetect/src/cell"
	"tordetect/src/event"
	"tordetect/src/flow"
	"tordetect/src/format"
	"tordetect/src/logfile"
)

// A Shape is one file of testdata.
type Shape struct {
	Product, Versions, Log, Form string
	Doc                          string // address of the page that documents it
	FileOnly                     bool   // a line alone does not say what it is: a head names its fields
	Text                         []byte
	Read                         string // a line for each event, then those of other kinds and complaints
}

// heads are the lines of a shape's head.
func (s *Shape) heads() map[string]*string {
	return map[string]*string{"product": &s.Product, "versions": &s.Versions, "log": &s.Log, "form": &s.Form, "doc": &s.Doc}
}

// Parse reads a shape's file.
func Parse(text []byte) (*Shape, error) {
	s := &Shape{}
	archive := txtar.Parse(text)
	for line := range strings.Lines(string(archive.Comment)) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		switch known := s.heads()[key]; {
		case key == "":
		case known != nil:
			*known = value
		case key == "way" && value == "file":
			s.FileOnly = true
		default:
			return nil, fmt.Errorf("read the head of a shape: %q is none of its lines", key)
		}
	}
	for key, value := range s.heads() {
		if *value == "" {
			return nil, fmt.Errorf("read the head of a shape: it has no line %q", key)
		}
	}
	if len(archive.Files) != 2 || archive.Files[0].Name != "log" || archive.Files[1].Name != "read" {
		return nil, errors.New("read a shape: want the files log and read")
	}
	s.Text, s.Read = archive.Files[0].Data, string(archive.Files[1].Data)
	return s, nil
}

// IsRead reports whether anything of the shape is a flow.
func (s *Shape) IsRead() bool { return strings.Contains(s.Read, " -> ") }

// ReadFile reads a log as a file.
func ReadFile(log []byte) (string, error) {
	var out strings.Builder
	var reader event.Reader
	l := logfile.New(logfile.Options{})
	var parser format.Parser
	var inner event.Event
	var text []byte
	err := l.Read("log", bytes.NewReader(log), func(e *event.Event, _ int64) error {
		// A row with _raw alone is opened by package judge, as here.
		if raw, ok := e.Raw(&text); ok && e.Text(event.Source, nil) == nil && e.Text(event.Destination, nil) == nil && parser.Read(raw, &inner).Kind == format.Flow {
			inner.Behind(e)
			e = &inner
		}
		out.WriteString(reading(&reader, e))
		return nil
	})
	for _, kind := range sortedKeys(l.Kinds) {
		fmt.Fprintf(&out, "no flow: %s\n", kind)
	}
	for _, c := range l.Complaints.Kept() {
		fmt.Fprintf(&out, "complaint: %v\n", c)
	}
	return out.String(), err
}

// ReadLines reads each line alone, as a search reads _raw: flows only, as what else a
// line is nobody is told there.
func ReadLines(log []byte) string {
	var out strings.Builder
	var reader event.Reader
	for line := range bytes.Lines(log) {
		var parser format.Parser
		var e event.Event
		if parser.Read(bytes.TrimRight(line, "\r\n"), &e).Kind == format.Flow {
			out.WriteString(reading(&reader, &e))
		}
	}
	return out.String()
}

// Flows are the lines of a reading that are flows.
func Flows(reading string) string {
	var out strings.Builder
	for line := range strings.Lines(reading) {
		if strings.Contains(line, " -> ") {
			out.WriteString(line)
		}
	}
	return out.String()
}

// shown are the texts that a reading shows beside ends, state and time.
var shown = []struct {
	role event.Role
	name string
}{
	{event.App, "app"}, {event.Service, "service"}, {event.Signature, "signature"}, {event.Action, "action"}, {event.SNI, "sni"}, {event.JA4, "ja4"}, {event.JA3, "ja3"},
	{event.JA3Text, "ja3text"}, {event.JA4Raw, "ja4raw"}, {event.Groups, "groups"}, {event.Subject, "subject"}, {event.Issuer, "issuer"},
	{event.Query, "query"}, {event.URL, "url"}, {event.User, "user"}, {event.CommunityID, "community"},
}

var transports = map[flow.Transport]string{flow.TransportUnknown: "unknown", flow.TCP: "tcp", flow.NotTCP: "not tcp"}

// reading writes what an event says on one line.
func reading(r *event.Reader, e *event.Event) string {
	var f flow.Flow
	at, kind := r.Read(e, &f)
	r.Names(e, &f)
	var out strings.Builder
	fmt.Fprintf(&out, "%s -> %s %s %v %s", end(&r.Source), end(&r.Destination), transports[f.Transport], f.State, when(at, kind))
	for _, s := range shown {
		if text := e.Text(s.role, nil); len(text) > 0 {
			fmt.Fprintf(&out, " %s=%q", s.name, text)
		}
	}
	if f.Onion.Kind != 0 {
		fmt.Fprintf(&out, " onion=%q", f.Onion.Name)
	}
	if r.Target.IsValid() {
		fmt.Fprintf(&out, " to=%v:%d", r.Target.Addr, r.Target.Port)
	}
	if f.Label > flow.LabelOther {
		out.WriteString(" says Tor")
	}
	return out.String() + "\n"
}

func end(e *event.Ends) string {
	end := e.End()
	text := "-"
	if end.Addr.IsValid() {
		text = end.Addr.String()
	}
	if end.Port != 0 {
		text += fmt.Sprintf(" port %d", end.Port)
	}
	return text
}

func when(at flow.Interval, kind cell.TimeKind) string {
	stamp := func(seconds int64) string { return time.Unix(seconds, 0).UTC().Format("2006-01-02T15:04:05Z") }
	switch {
	case !kind.IsMoment():
		return "at no time"
	case at.From == at.To:
		return "at " + stamp(at.From)
	}
	return fmt.Sprintf("from %s to %s", stamp(at.From), stamp(at.To))
}

func sortedKeys(counts map[string]int64) []string {
	var out []string
	for key := range counts {
		out = append(out, key)
	}
	slices.Sort(out)
	return out
}
