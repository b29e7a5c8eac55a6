package rows

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
)

// What can be wrong with a body; the Err of an [Error].
var (
	ErrRagged   = errors.New("number of cells differs from the header")
	ErrQuote    = errors.New("quote inside a bare cell, or text after a closing quote")
	ErrUnclosed = errors.New("quoted cell is never closed")
)

// Error says where a body is not the CSV that this package accepts.
type Error struct {
	Row    int   // data row, counted from 1; 0 is the header
	Cell   int   // the bad cell, counted from 1; 0 for ErrRagged
	Found  int   // cells of the row, for ErrRagged; else 0
	Want   int   // cells of the header, for ErrRagged; else 0
	Offset int   // byte in the body: of the row for ErrRagged, of the offending byte for ErrQuote, of the opening quote for ErrUnclosed
	Err    error // ErrRagged, ErrQuote or ErrUnclosed
}

func (e *Error) Error() string {
	row := "header row"
	if e.Row > 0 {
		row = fmt.Sprintf("row %d", e.Row)
	}
	if e.Err == ErrRagged {
		return fmt.Sprintf("%s at byte %d: %v: found %d, want %d", row, e.Offset, e.Err, e.Found, e.Want)
	}
	return fmt.Sprintf("%s, cell %d, at byte %d: %v", row, e.Cell, e.Offset, e.Err)
}

func (e *Error) Unwrap() error { return e.Err }

// Scanner walks over the rows of one body, which is in memory (Reset) or arrives
// while it is read (ResetReader). The zero value is ready for either, and a
// Scanner is meant to be reused for one body after another: its memory is kept.
type Scanner struct {
	body   []byte   // all of it, or the window on what has arrived
	header []byte   // copy: the body of the next chunk may overwrite this one
	names  []string // of header
	lists  int      // all columns from here on are lists
	mixed  bool     // and others are before it
	err    error

	start, end, next int // current row, its end without the row end, the row after it
	number           int

	window window

	part separators
	row  int // of part: that of the next row
	last int // of part.at: the end of the current row
	// seps is that of the current row: seps[i] is before cell i, and seps[i+1] behind it.
	seps     []int32
	hasLists bool

	scratch []byte // of Value
}

// Reset starts on a new body and reads its header row. An empty body has no
// columns and no rows. The body must not change until the last use of a slice
// that points into it. When the header has the same bytes as that of the body
// before, nothing is allocated.
//
// The error is an [*Error], which Err returns as well.
func (s *Scanner) Reset(body []byte) error {
	s.begin(body, nil)
	s.readHeader()
	return s.err
}

// ResetReader is Reset for a body that is read as it arrives, through a window:
// only a row that is longer than that needs memory of its own. What Row and Cell
// return is valid until the next call of Next.
//
// The error is an [*Error] or that of the reader, and Err returns it as well.
func (s *Scanner) ResetReader(body io.Reader) error {
	s.begin(nil, body)
	for s.refill(); !s.readHeader(); {
		s.refill()
	}
	return s.err
}

// Scan makes a text that holds one row the current row, for whoever finds the rows
// by itself, as in the lines of a file. It reports whether it is a row of the header
// that Reset read last; Err tells why not.
func (s *Scanner) Scan(row []byte) bool {
	s.begin(row, nil)
	return s.Next()
}

func (s *Scanner) begin(body []byte, src io.Reader) {
	s.body, s.err = body, nil
	s.start, s.end, s.next, s.number = 0, 0, 0, 0
	s.window.src, s.window.before = src, 0
	s.lookAt(0)
}

// lookAt forgets what was looked at, as the next row begins at from in another text.
func (s *Scanner) lookAt(from int) {
	s.part.begin(from)
	s.row, s.last = 0, 0
}

// readHeader reads the header row of a body. It reports false if that has not
// arrived yet.
func (s *Scanner) readHeader() bool {
	if len(s.body) == 0 || s.err != nil {
		s.setHeader(nil, nil)
		return true
	}
	t, err := readRow(s.body, 0, nil)
	s.next = t.next
	s.lookAt(s.next)
	switch {
	case s.window.open() && (err == nil && s.cutRow() || err != nil && err.Err == ErrUnclosed):
		s.next = 0
		return false
	case err != nil:
		s.setHeader(nil, nil)
		s.err = err
	case s.names == nil || !bytes.Equal(s.body[:t.end], s.header):
		t, _ = readRow(s.body, 0, make([]int, 0, t.cells+1))
		s.setHeader(s.body[:t.end], t.seps)
	}
	return true
}

// setHeader stores a header row whose cells lie between seps.
func (s *Scanner) setHeader(header []byte, seps []int) {
	s.header = append(s.header[:0], header...)
	s.names = nil
	if len(seps) == 0 {
		return
	}
	s.names = make([]string, len(seps)-1)
	s.lists, s.mixed = 0, false
	for i := range s.names {
		name, _ := Value(header[seps[i]+1:seps[i+1]], nil)
		if s.names[i] = string(name); !strings.HasPrefix(s.names[i], multiPrefix) {
			s.mixed = s.mixed || i > s.lists
			s.lists = i + 1
		}
	}
}

// Names returns the column names, unquoted. The slice is the Scanner's and
// stays as it is until a body with another header.
func (s *Scanner) Names() []string { return s.names }

// Header returns the raw header row without its row end. It stays as it is as
// long as Names.
func (s *Scanner) Header() []byte { return s.header }

// Next moves to the next row and reports whether there is one. It returns false
// at the end of the body and at the first row that is broken; Err tells which.
// A Scanner that failed stays failed until Reset.
func (s *Scanner) Next() bool {
	for s.err == nil {
		rest := s.next
		if rest < len(s.body) {
			s.start = rest
			cells, end := s.scan()
			switch {
			case s.window.open() && (end == unclosed || s.cutRow()): // it may go on
			case end != unclosed && cells == len(s.names) && (end == whole || s.isRow()):
				s.number++
				return true
			default:
				s.fail()
			}
		}
		if s.err != nil || !s.window.open() {
			break
		}
		s.next = rest
		s.refill()
	}
	return false
}

// isRow looks once more at a row in which a quote and other text meet: that text may be
// the CR before its LF.
func (s *Scanner) isRow() bool {
	_, err := readRow(s.body, s.start, nil)
	return err == nil
}

// cutRow reports whether the row that ends before next may go on in what has not
// arrived yet: it has no LF.
func (s *Scanner) cutRow() bool {
	return s.next == len(s.body) && s.body[len(s.body)-1] != '\n'
}

// Row returns the raw bytes of the current row without its row end.
func (s *Scanner) Row() []byte { return s.body[s.start:s.end] }

// Cell returns the raw bytes of a column's cell in the current row, quotes included;
// see [Value].
func (s *Scanner) Cell(column int) []byte { return s.body[s.sep(column)+1 : s.sep(column+1)] }

// HasLists reports whether a list column of the current row has something in it, or
// stands before a column that is no list. Most rows have none, and need not be asked for
// each.
func (s *Scanner) HasLists() bool { return s.hasLists }

// sep returns the position before a cell, which is the end of the one before it.
func (s *Scanner) sep(i int) int { return s.part.from + int(s.seps[i]) }

// Value returns the text of a column's cell in the current row, without its quotes. It
// is valid until the next call of Value, Next or Reset. A negative column, one that the
// body does not have, has no text.
func (s *Scanner) Value(column int) []byte {
	if column < 0 {
		return nil
	}
	var value []byte
	value, s.scratch = Value(s.Cell(column), s.scratch[:0])
	return value
}

// Number returns the number of the current data row, counted from 1.
func (s *Scanner) Number() int { return s.number }

// Read returns how many bytes of the body the header and the rows up to the current
// one have.
func (s *Scanner) Read() int { return s.window.before + s.next }

// Err returns nil, the [*Error] that stopped the Scanner, or that of the reader.
func (s *Scanner) Err() error { return s.err }

// fail reads the row that the scan refused once more, byte by byte, to tell
// what is wrong with it and where.
func (s *Scanner) fail() {
	t, err := readRow(s.body, s.start, nil)
	if err == nil {
		err = &Error{Found: t.cells, Want: len(s.names), Offset: s.start, Err: ErrRagged}
	}
	err.Row = s.number + 1
	err.Offset += s.window.before
	s.err = err
	s.end = s.start
}
