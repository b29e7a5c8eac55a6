package logfile

import (
	"bytes"
	"io"
)

// lines reads a stream, by blocks of lines (blocks.go) or CSV row by row.
type lines struct {
	number int64 // of the line at hand, from 1; of the line behind the last at the end
	span   int64 // lines that it takes: more than one for a CSV row with line ends in quotes
	err    error // of the stream, but io.EOF

	src        io.Reader
	buf        []byte
	start, end int // of what is not consumed; the line at hand begins at start
	size       int // bytes of the line at hand, which the next call consumes
	first      int // bytes of the first line of its span
	ended      bool
}

// readSize is how much is read at once: pipes and decompression give less.
const readSize = 256 << 10

var (
	tooLong  = problem{Long, "the line is longer than 1 MiB"}
	unclosed = problem{Cut, "a quoted cell is not closed before the end of the file, or not within 1 MiB"}
)

func (l *lines) reset(src io.Reader) {
	*l = lines{src: src, buf: l.buf, number: 1}
	if l.buf == nil {
		l.buf = make([]byte, readSize)
	}
}

// rest returns the stream from where it is consumed to.
func (l *lines) rest() io.Reader {
	return io.MultiReader(bytes.NewReader(bytes.Clone(l.buf[l.start:l.end])), l.src)
}

// peek returns the next n bytes, or fewer where the stream ends, without
// consuming them. n is at most readSize.
func (l *lines) peek(n int) []byte {
	for l.end-l.start < n && l.fill() {
	}
	return l.buf[l.start:min(l.end, l.start+n)]
}

// fill reads more behind what is there and reports whether there was more.
func (l *lines) fill() bool {
	if l.ended {
		return false
	}
	if l.start > 0 && l.end == len(l.buf) {
		l.end = copy(l.buf, l.buf[l.start:l.end])
		l.start = 0
	}
	if l.end == len(l.buf) {
		l.buf = append(l.buf, make([]byte, len(l.buf))...)
	}
	n := l.read(l.buf[l.end:])
	l.end += n
	return n > 0
}

// maxEmptyReads is how many reads in a row may give neither a byte nor an error; the
// same as bufio.
const maxEmptyReads = 100

// read reads from the stream, at least a byte until it has ended.
func (l *lines) read(p []byte) int {
	for range maxEmptyReads {
		n, err := l.src.Read(p)
		if err != nil {
			l.ended = true
			if err != io.EOF {
				l.err = err
			}
		}
		if n > 0 || err != nil {
			return n
		}
	}
	l.ended, l.err = true, io.ErrNoProgress
	return 0
}

// next returns the next CSV row without its end, LF or CRLF; nil and no problem at
// the end of the stream. A line end inside double quotes is text. The row is valid
// until the next call.
func (l *lines) next() ([]byte, *problem) {
	l.number += l.span
	l.start += l.size
	l.span, l.size, l.first = 0, 0, 0
	open, searched := false, 0
	for {
		text := l.buf[l.start:l.end]
		at := bytes.IndexByte(text[searched:], '\n')
		if at < 0 {
			searched = len(text)
			switch {
			case len(text) > MaxLine && l.span == 0:
				l.span = 1
				l.skip()
				return nil, &tooLong
			case len(text) > MaxLine:
				return text[:l.size], &unclosed
			case l.fill():
				continue
			case len(text) == 0:
				return nil, nil
			}
		} else {
			searched += at + 1
		}
		if bytes.Count(text[l.size:searched], quoteByte)&1 == 1 {
			open = !open
		}
		if searched > l.size {
			l.span++
			l.size = searched
		}
		if l.span == 1 {
			l.first = l.size
		}
		switch {
		case l.size > MaxLine+1 && l.span == 1:
			return nil, &tooLong
		case open && (at < 0 || l.size > MaxLine):
			return text[:l.size], &unclosed
		case !open:
			line := text[:l.size]
			if at >= 0 {
				line = line[:l.size-1]
			}
			if n := len(line); n > 0 && line[n-1] == '\r' {
				line = line[:n-1]
			}
			return line, nil
		}
	}
}

var quoteByte = []byte{'"'}

// backUp gives back all lines of the span but the first.
func (l *lines) backUp() { l.size, l.span = l.first, 1 }

// skip goes behind the end of a line that is too long, without keeping it.
func (l *lines) skip() {
	for {
		if at := bytes.IndexByte(l.buf[l.start:l.end], '\n'); at >= 0 {
			l.start += at + 1
			return
		}
		l.start = l.end
		if !l.fill() {
			return
		}
	}
}
