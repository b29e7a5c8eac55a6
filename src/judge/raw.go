package judge

import (
	"tordetect/src/event"
	"tordetect/src/format"
)

// raw opens the event in a row's _raw, for rows in which no column has an address:
// of a source that no add-on takes apart, or of a search that took the fields away.
type raw struct {
	parser format.Parser
	event  event.Event
	text   []byte
}

// open returns the event in a row, with the row's columns behind it; nil where there
// is none of a kind that is known. Where the user named the column of an address, the
// row is not looked for another. A row is one event: the seen learns of one that was
// cut, and of objects behind the first, which are not read.
func (r *raw) open(e *event.Event, seen *seen) *event.Event {
	text, ok := e.Raw(&r.text)
	if !ok {
		return nil
	}
	r.parser.Reset()
	claim := r.parser.Read(text, &r.event)
	seen.cut = seen.cut || claim.Cut
	seen.several = seen.several || claim.Rest != nil
	if claim.Kind != format.Flow {
		return nil
	}
	r.event.Behind(e)
	return &r.event
}
