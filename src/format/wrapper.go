package format

import (
	"bytes"

	"tordetect/src/cell"
	"tordetect/src/event"
)

// wrapKeys are the keys under which a JSON object holds an event as text: Splunk's
// own, a shipper's, HTTP Event Collector's, which may be an object too, that of the
// Elastic Common Schema and the one of Fluent Bit and of containers.
var wrapKeys = [wraps]string{"_raw", "message", collected: "event", "event_original", "log"}

const (
	collected = 2
	wraps     = 5
	// maxWraps is how many events may stand in each other: a shipper's in a
	// collector's, with the sensor's in it.
	maxWraps = 3
)

// unwrap reads the event that stands as text in the object read last, whose own cells
// fill in what the event does not say: its time above all.
func (p *Parser) unwrap(e *event.Event) Claim {
	if p.depth == maxWraps {
		return Claim{Kind: Nobody}
	}
	outer, inner, isLine, path := *e, p.json.inner, p.json.line, p.json.zeekPath
	e.KeepLists()
	p.depth++
	defer func() { p.depth-- }()
	best := Claim{Kind: Nobody}
	for i, text := range inner {
		if len(text) == 0 {
			continue
		}
		lucky := p.lucky
		claim := p.read(text, e)
		p.lucky = lucky // of the lines, not of what is in them
		if claim.Kind == Flow {
			if i == collected {
				e.Wrapped()
			}
			e.Fill(&outer)
			return claim
		}
		if claim.Kind == Other && claim.Format != JSON {
			best = claim // a known log's line of a kind that is no flow
		}
	}
	*e = outer
	p.json.line, p.json.zeekPath = isLine, path
	return best
}

// zonedTime finds the time in a syslog header that names its zone (RFC 5424); nil
// where there is none.
func zonedTime(header []byte) []byte { return findZoned(header, " ,") }

// findZoned finds the first ISO time in a text that names its zone, up to one of some
// ends; nil where there is none.
func findZoned(text []byte, ends string) []byte {
	for {
		at := bytes.IndexByte(text, 'T')
		if at < 0 {
			return nil
		}
		if at >= len("2006-01-02") && at+1 < len(text) && text[at-3] == '-' && text[at-6] == '-' {
			word := text[at-len("2006-01-02"):]
			if end := bytes.IndexAny(word, ends); end >= 0 {
				word = word[:end]
			}
			if _, ok := cell.Offset(word); ok {
				return word
			}
		}
		text = text[at+1:]
	}
}
