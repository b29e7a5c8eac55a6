package rows

import (
	"bytes"
	"errors"
	"fmt"
	"math"
)

// What can be wrong with a body; the Err of an [Error].
var (
	ErrRagged   = errors.New("number of cells differs from the header")
	ErrQuote    = errors.New("quote inside a bare cell, or text after a closing quote")
	ErrUnclosed = errors.New("quoted cell is never closed")
)

// Error says where a body is not the CSV that this package accepts.
type Error struct {
	Row     int   // data row, counted from 1; 0 is the header
	Columns int   // cells found: of the whole row for ErrRagged, else up to and with the bad cell
	Want    int   // cells of the header; 0 while the header itself is read
	Offset  int   // byte in the body: of the row for ErrRagged, of the offending byte for ErrQuote, of the opening quote for ErrUnclosed
	Err     error // ErrRagged, ErrQuote or ErrUnclosed
}

func (e *Error) Error() string {
	row := "header row"
	if e.Row > 0 {
		row = fmt.Sprintf("row %d", e.Row)
	}
	if e.Err == ErrRagged {
		return fmt.Sprintf("%s at byte %d: %v: found %d, want %d", row, e.Offset, e.Err, e.Columns, e.Want)
	}
	return fmt.Sprintf("%s, cell %d, at byte %d: %v", row, e.Columns, e.Offset, e.Err)
}

func (e *Error) Unwrap() error { return e.Err }

// Scanner walks over the rows of one body. The zero value is ready for Reset,
// and a Scanner is meant to be reused for one body after another. All slices
// that it hands out except Names and Header point into the body.
type Scanner struct {
	body   []byte
	header []byte   // copy: the body of the next chunk may overwrite this one
	names  []string // of header
	err    error

	start, end, next int // current row, its end without the row end, the row after it
	number           int

	part bool // more of the body may follow
	more bool // and the row at next needs it
	base int  // offset in the body at which the slice begins

	// seps[i] is the position before cell i, so seps[i+1] is its end. Next sets
	// the wanted ones, which are in ascending order and end with a number that is
	// never reached, the first and the last.
	seps   []int
	wanted []int
	// dense says that so many are wanted that noting all of them is faster than
	// asking of each.
	dense bool
}

// Reset starts on a new body and reads its header row. An empty body has no
// columns and no rows. The body must not change until the last use of a slice
// that points into it. When the header has the same bytes as that of the body
// before, nothing is allocated and the picked columns stay picked; otherwise
// nothing is picked.
//
// The error is an [*Error], which Err returns as well.
func (s *Scanner) Reset(body []byte) error {
	_, err := s.ResetPart(body, true)
	return err
}

// ResetPart is Reset for a body that arrives in parts, so that it need never be
// in memory as a whole. It gives false if the header row is not complete yet:
// call it again with more. When Next then returns false and More says so, move
// Rest to the front of a buffer, append what has arrived, and Continue. last says
// that nothing follows.
func (s *Scanner) ResetPart(body []byte, last bool) (bool, error) {
	s.body, s.err = body, nil
	s.start, s.end, s.next, s.number, s.base = 0, 0, 0, 0, 0
	s.part, s.more = !last, false
	if len(body) == 0 && !last {
		return false, nil
	}
	err := s.readHeader(body)
	if s.part && (errors.Is(err, ErrUnclosed) || err == nil && s.cutRow()) {
		s.err = nil
		return false, nil
	}
	return err == nil, err
}

// Continue goes on with the next part: Rest of the one before, and what follows.
func (s *Scanner) Continue(part []byte, last bool) {
	s.base += s.next
	s.body, s.start, s.end, s.next = part, 0, 0, 0
	s.part, s.more = !last, false
}

// More reports whether Next stopped because the next row is not complete.
func (s *Scanner) More() bool { return s.more }

// Rest returns what was not scanned yet.
func (s *Scanner) Rest() []byte { return s.body[s.next:] }

// cutRow reports whether the row that ends before next may go on in the next
// part: it has no LF.
func (s *Scanner) cutRow() bool {
	return s.next == len(s.body) && s.body[len(s.body)-1] != '\n'
}

// readHeader reads the header row of a body.
func (s *Scanner) readHeader(body []byte) error {
	if len(body) == 0 {
		s.setHeader(nil, nil)
		return nil
	}
	t, err := readRow(body, 0, nil)
	if err != nil {
		s.setHeader(nil, nil)
		s.err = err
		return err
	}
	s.next = t.next
	if header := body[:t.end]; s.names == nil || !bytes.Equal(header, s.header) {
		t, _ = readRow(body, 0, make([]int, 0, t.cells+1))
		s.setHeader(header, t.seps)
	}
	return nil
}

// setHeader stores a header row whose cells lie between seps.
func (s *Scanner) setHeader(header []byte, seps []int) {
	s.header = append(s.header[:0], header...)
	s.names, s.seps, s.wanted = nil, nil, nil
	if len(seps) == 0 {
		return
	}
	s.names = make([]string, len(seps)-1)
	for i := range s.names {
		name, _ := Value(header[seps[i]+1:seps[i+1]], nil)
		s.names[i] = string(name)
	}
	s.seps = make([]int, len(seps))
	s.Pick(nil)
}

// Names returns the column names, unquoted. The slice is the Scanner's and
// stays as it is until a body with another header.
func (s *Scanner) Names() []string { return s.names }

// Header returns the raw header row without its row end.
func (s *Scanner) Header() []byte { return s.header }

// Pick says which columns' cells Next has to locate: column numbers from 0, in
// ascending order, each below len(Names()). It counts from the next call of Next
// on.
func (s *Scanner) Pick(columns []int) {
	for i := range s.seps {
		s.seps[i] = math.MinInt // makes Cell of another column panic
	}
	s.wanted = s.wanted[:0]
	for i, column := range columns {
		if column > 0 && (i == 0 || columns[i-1] < column-1) {
			s.wanted = append(s.wanted, column)
		}
		if column+1 < len(s.names) {
			s.wanted = append(s.wanted, column+1)
		}
	}
	s.dense = 2*len(s.wanted) > len(s.names)
	s.wanted = append(s.wanted, math.MaxInt)
}

// Next moves to the next row and reports whether there is one. It returns false
// at the end of the body and at the first row that is broken; Err tells which.
// A Scanner that failed stays failed until Reset.
func (s *Scanner) Next() bool {
	if s.err != nil || s.next >= len(s.body) {
		s.more = s.part && s.err == nil
		return false
	}
	s.number++
	s.start = s.next
	cells, ok := s.scan()
	if ok && s.part && s.cutRow() {
		return s.wait()
	}
	if !ok || cells != len(s.names) {
		return s.fail()
	}
	return true
}

// wait takes back a row that is not complete yet.
func (s *Scanner) wait() bool {
	s.number--
	s.next, s.end = s.start, s.start
	s.more = true
	return false
}

// Row returns the raw bytes of the current row without its row end.
func (s *Scanner) Row() []byte { return s.body[s.start:s.end] }

// Cell returns the raw bytes of a picked column's cell in the current row,
// quotes included; see [Value]. For a column that is not picked it may panic.
func (s *Scanner) Cell(column int) []byte {
	return s.body[s.seps[column]+1 : s.seps[column+1]]
}

// Number returns the number of the current data row, counted from 1.
func (s *Scanner) Number() int { return s.number }

// Err returns nil or the [*Error] that stopped the Scanner.
func (s *Scanner) Err() error { return s.err }

// fail reads the row that the scan loop refused once more, byte by byte, to
// tell what is wrong with it and where.
func (s *Scanner) fail() bool {
	t, err := readRow(s.body, s.start, nil)
	if err == nil {
		err = &Error{Columns: t.cells, Offset: s.start, Err: ErrRagged}
	}
	if s.part && err.Err == ErrUnclosed {
		return s.wait()
	}
	err.Row, err.Want = s.number, len(s.names)
	err.Offset += s.base
	s.err = err
	s.end = s.start
	return false
}
