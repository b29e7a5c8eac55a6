package rows

import (
	"io"
	"math"
)

// window is the part of an arriving body that is in memory.
type window struct {
	src    io.Reader // nil: nothing follows
	buffer []byte
	before int // bytes of the body before the window
}

// windowSize is how much of a body is looked at at once. It fits into the second
// cache of a core, so that rows are scanned and copied while they are hot, and a
// body of 60 MB needs no memory of its own: 64 MB less, and a fifth less CPU, as
// those pages need not be had from the system.
const windowSize = 256 << 10

// maxEmptyReads is how many reads in a row may give neither a byte nor an error;
// the same as bufio.
const maxEmptyReads = 100

// open reports whether more may follow.
func (w *window) open() bool { return w.src != nil }

// left is how much of the body is not read yet, where it says so.
func (w *window) left() int {
	if body, ok := w.src.(interface{ Len() int }); ok {
		return max(body.Len(), 1)
	}
	return math.MaxInt / 2
}

// mostGrowth bounds a buffer that a long row needs: room for all that is left of the body,
// as far as that is not more than so many times what is wanted now. It is address space;
// memory is what arrives.
const mostGrowth = 16

// refill moves what was not scanned yet to the front of the window and reads what
// follows. What is moved is a row that is not complete, and the next scan begins
// with it anew: so it is read on until at least twice as much is there. However
// long a row is and in however small pieces it comes, its bytes are scanned twice
// on average.
func (s *Scanner) refill() {
	w := &s.window
	rest := s.body[s.next:]
	all := len(rest) + w.left()
	want := min(max(2*len(rest), 1), all)
	if len(w.buffer) < want {
		size := want
		if all < math.MaxInt/2 {
			size = min(all, mostGrowth*want)
		}
		bigger := make([]byte, max(size, windowSize))
		copy(bigger, rest)
		w.buffer = bigger
	} else {
		copy(w.buffer, rest)
	}
	most := max(want, windowSize) // also in a buffer that a long row has left behind
	filled, empty := len(rest), 0
	for filled < want && w.open() {
		n, err := w.src.Read(w.buffer[filled:min(most, len(w.buffer))])
		filled += n
		if n > 0 || err != nil {
			empty = 0
		} else if empty++; empty == maxEmptyReads {
			err = io.ErrNoProgress
		}
		if err != nil {
			w.src = nil
		}
		if err != nil && err != io.EOF {
			s.err = err
		}
	}
	w.before += s.next
	s.body = w.buffer[:filled]
	s.start, s.end, s.next = 0, 0, 0
	s.lookAt(0)
}
