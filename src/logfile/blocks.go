package logfile

import (
	"bytes"

	"tordetect/src/event"
	"tordetect/src/format"
)

// A file of lines is read in blocks. Each can be read apart from those before it, but
// for what the parser knows by then (format.State), so several readers may read blocks
// of one file. Whoever has them do so tells the Log of every text, in order, by Take.

// A Block is some lines of a file, one behind the other. It keeps its memory.
type Block struct {
	Line int64 // number of the first
	text []byte
	long bool // of one line, which is longer than MaxLine and was not kept
}

// BlockSize is how much of a file a block has: some 1,000 lines, so that handing it
// over costs nothing beside reading it, and few enough that what is read of them stays
// in a core's cache.
const BlockSize = 128 << 10

// Blocks are the lines of a file.
type Blocks struct{ lines *lines }

// Next takes the next block, of so many bytes or more; false at the end of the file.
func (s Blocks) Next(b *Block, size int) bool { return s.lines.block(b, size) }

// A Place is where a text stands in its block; the zero value is its beginning.
type Place struct {
	line int64 // how many lines stand before
	at   int
}

// A Text is what a line is, or one of several objects on it.
type Text struct {
	Place
	Line int64 // its number in the file
	what string
	Kind format.Kind
	cut  bool
	long bool
}

// claimed is a text of which a parser said something.
func claimed(at Place, line int64, c format.Claim) Text {
	return Text{Place: at, Line: line, Kind: c.Kind, what: c.Text, cut: c.Cut}
}

// A Reader reads the texts of blocks. The zero value is ready.
type Reader struct {
	format.Parser
	Event event.Event // of the text read last, where that is a flow

	block *Block
	line  Place  // the next line
	here  Place  // of the rest
	rest  []byte // of the line at hand, without blanks at its end
}

// Open has a block read from a place on.
func (r *Reader) Open(b *Block, from Place) { r.block, r.line, r.rest = b, from, nil }

// Next reads the next text; false at the end of the block.
func (r *Reader) Next(t *Text) bool {
	for len(r.rest) == 0 {
		r.here = r.line
		text := r.block.text[min(r.here.at, len(r.block.text)):]
		size := bytes.IndexByte(text, '\n')
		if size < 0 {
			size = len(text)
		}
		r.line = Place{r.here.line + 1, r.here.at + size + 1}
		if isLong := size > MaxLine || r.block.long && r.here.at == 0; isLong || len(text) == 0 {
			*t = Text{Place: r.here, Line: r.block.Line + r.here.line, Kind: format.Nobody, long: isLong}
			return isLong
		}
		// The parser would do so too, and then its rest was not that of this.
		for size > 0 && (text[size-1] == '\r' || text[size-1] == ' ') {
			size--
		}
		r.rest = text[:size]
	}
	claim := r.Read(r.rest, &r.Event)
	*t = claimed(r.here, r.block.Line+r.here.line, claim)
	r.here.at += len(r.rest) - len(claim.Rest)
	r.rest = claim.Rest
	return true
}

// block takes the next whole lines.
func (l *lines) block(b *Block, size int) bool {
	text := b.text[:0]
	if cap(text) != size { // what grew for a long line is not kept
		text = make([]byte, 0, size)
	}
	b.Line, b.long = l.number, false
	for searched := 0; ; searched = len(text) {
		n := copy(text[len(text):cap(text)], l.buf[l.start:l.end])
		text = text[:len(text)+n]
		l.start += n
		for len(text) < cap(text) && !l.ended {
			text = text[:len(text)+l.read(text[len(text):cap(text)])]
		}
		if len(text) < cap(text) {
			break // the end
		}
		if end := bytes.LastIndexByte(text[searched:], '\n') + 1; end > 0 {
			l.giveBack(text[searched+end:])
			text = text[:searched+end]
			break
		}
		if len(text) > MaxLine {
			b.long = true
			text = text[:0]
			l.skip()
			break
		}
		text = append(make([]byte, 0, 2*cap(text)), text...)
	}
	b.text = text
	l.number += int64(bytes.Count(text, lineEnd))
	if n := len(text); b.long || n > 0 && text[n-1] != '\n' {
		l.number++
	}
	return b.long || len(text) > 0
}

var lineEnd = []byte{'\n'}

// giveBack puts back what was taken last.
func (l *lines) giveBack(text []byte) {
	if l.start < l.end { // all of it stands there still
		l.start -= len(text)
		return
	}
	if len(l.buf) < len(text) {
		l.buf = make([]byte, len(text))
	}
	l.start, l.end = 0, copy(l.buf, text)
}
