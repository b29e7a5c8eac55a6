package logfile

import (
	"bytes"
	"errors"
	"io"

	jsoniter "github.com/json-iterator/go"

	"tordetect/src/event"
)

// A JSON document is read by a library, record by record. A record is an event, and
// its number stands for a line.

// recordKeys are the keys under which exports hold their records: Splunk's results,
// CloudTrail's Records, records of Azure's event hubs, value of Microsoft's interfaces,
// logEvents of CloudWatch, hits in hits of Elasticsearch, events and logs of others.
var recordKeys = map[string]bool{
	"results": true, "Records": true, "records": true, "value": true, "logEvents": true, "hits": true, "events": true, "logs": true,
}

// keysLooked is in how much of a document such a key is looked for: Splunk writes its
// fields before the results.
const keysLooked = 16 << 10

// isDocument reports whether a text begins a JSON document that is no file of lines:
// an array, an object over several lines, or one with an array of records.
func isDocument(text []byte) bool {
	if len(text) == 0 {
		return false
	}
	if text[0] == '[' {
		rest := bytes.TrimLeft(text[1:], " \t\r\n")
		return len(rest) > 0 && (rest[0] == '{' || rest[0] == '"' || rest[0] == ']')
	}
	if text[0] != '{' {
		return false
	}
	line, rest, _ := bytes.Cut(text, []byte{'\n'})
	rest = bytes.TrimLeft(rest, " \t\r\n")
	switch line = bytes.TrimRight(line, " \t\r"); {
	case len(line) <= 1:
		return true // over several lines
	case line[len(line)-1] == ',' && len(rest) > 0 && rest[0] == '"', line[len(line)-1] == '[' && len(rest) > 0:
		return true // the same; what ends so and has no such line behind it was cut
	}
	return hasRecords(text)
}

// hasRecords reports whether the first object of a text has an array of objects under
// one of recordKeys, or in an object under one, as far as its beginning tells. A key
// deeper inside is one of an event, and so is one beside an address: Google's sign-ins
// have events.
func hasRecords(text []byte) bool {
	head := bytes.TrimLeft(text[:min(len(text), keysLooked)], " \t\r\n")
	depth, nested, found := 0, false, false
	for at := 0; at < len(head); at++ {
		switch head[at] {
		case '{', '[':
			depth++
		case '}', ']':
			depth--
			nested = nested && depth > 1
			if depth <= 0 {
				return found
			}
		case '"':
			from := at + 1
			for at++; at < len(head) && head[at] != '"'; at++ {
				if head[at] == '\\' {
					at++
				}
			}
			if at >= len(head) || depth != 1 && !(depth == 2 && nested) {
				continue
			}
			key, value := head[from:at], head[at+1:]
			switch isKnown := recordKeys[string(key)]; {
			case !isKnown && depth == 1 && opens(value, ":"):
				if name, ok := event.Find(key); ok && name.IsEnd() {
					return false
				}
			case !isKnown:
			case opens(value, ":[{"):
				found = true
			case depth == 1 && opens(value, ":{"):
				nested = true
			}
		}
	}
	return found
}

// opens reports whether a text begins with some marks, whatever blanks are between.
func opens(text []byte, marks string) bool {
	for _, c := range []byte(marks) {
		text = bytes.TrimLeft(text, " \t\r\n")
		if len(text) == 0 || text[0] != c {
			return false
		}
		text = text[1:]
	}
	return true
}

var (
	brokenDocument = problem{Broken, "the JSON document is broken or ends here"}
	longRecord     = problem{Long, "a record is longer than 1 MiB, so the document is not read further"}
)

// readDocument reads a JSON document, or several behind each other.
func (l *Log) readDocument(each Each) error {
	d := document{log: l, each: each, isExport: hasRecords(l.lines.peek(keysLooked))}
	d.guard.from = l.lines.rest()
	d.iterator = jsoniter.Parse(jsoniter.ConfigCompatibleWithStandardLibrary, &d.guard, 64<<10)
	values := 0
	for d.next() && d.value(0) {
		values++
	}
	l.lines.err = d.guard.err
	switch err := d.iterator.Error; {
	case d.failure != nil:
		return d.failure
	case errors.Is(err, errLong):
		l.BadFiles++
		return l.complain(l.file.line+1, &longRecord)
	case l.lines.err == nil && (err != io.EOF || values == 0):
		l.BadFiles++
		return l.complain(l.file.line+1, &brokenDocument)
	}
	return nil
}

// document is what is known of a document while it is read.
type document struct {
	log      *Log
	each     Each
	guard    guard
	iterator *jsoniter.Iterator
	isExport bool // its records are below one of recordKeys
	failure  error
}

// next reports whether there is another value.
func (d *document) next() bool {
	d.guard.left = MaxLine
	return d.iterator.WhatIsNext() != jsoniter.InvalidValue && d.iterator.Error == nil
}

// value reads a value that stands so deep: an array of records, an export, or a
// record. It reports whether to go on.
func (d *document) value(depth int) bool {
	switch kind := d.iterator.WhatIsNext(); {
	case kind == jsoniter.ArrayValue && depth < 2:
		return d.iterator.ReadArrayCB(func(*jsoniter.Iterator) bool { return d.value(2) })
	case kind == jsoniter.ObjectValue && depth == 0 && d.isExport:
		return d.export(false)
	}
	d.guard.left = MaxLine
	text := d.iterator.SkipAndReturnBytes()
	if err := d.iterator.Error; err != nil && err != io.EOF {
		return false
	}
	d.log.file.line++
	if text = bytes.TrimSpace(text); len(text) > 0 && text[0] == '"' {
		var inside string
		if jsoniter.Unmarshal(text, &inside) == nil {
			text = []byte(inside)
		}
	}
	d.failure = d.log.readText(text, d.each)
	return d.failure == nil
}

// export reads an object with records below one of recordKeys, or below one in another.
func (d *document) export(nested bool) bool {
	return d.iterator.ReadMapCB(func(_ *jsoniter.Iterator, key string) bool {
		d.guard.left = MaxLine
		switch kind := d.iterator.WhatIsNext(); {
		case recordKeys[key] && kind == jsoniter.ArrayValue:
			return d.value(1)
		case recordKeys[key] && kind == jsoniter.ObjectValue && !nested:
			return d.export(true)
		}
		d.iterator.Skip()
		return d.iterator.Error == nil
	})
}

// guard bounds how much is read for one record.
type guard struct {
	from io.Reader
	left int
	err  error // of the file, but io.EOF
}

var errLong = errors.New("a record is longer than 1 MiB")

func (g *guard) Read(p []byte) (int, error) {
	if g.left <= 0 {
		return 0, errLong
	}
	n, err := g.from.Read(p)
	if g.left -= n; err != nil && err != io.EOF {
		g.err = err
	}
	return n, err
}
