package rows

import (
	"encoding/binary"
	"math/bits"
)

const wordLen = 8

const (
	each    = 0x0101010101010101 // times a byte = that byte eight times
	lowBits = 0x7f * each
	mark    = 0x80 * each
)

// scan finds the end of the row at s.start and counts its cells.
func (s *Scanner) scan() (cells int, ok bool) {
	body := s.body
	pos := s.start
	seps := s.seps
	seps[0] = pos - 1
	need := s.last + 1
	n := 0
	var inside, text, closed uint64
	for {
		var w uint64
		if rest := body[pos:]; len(rest) >= wordLen {
			w = binary.LittleEndian.Uint64(rest)
		} else {
			w = lastWord(rest)
		}
		y := w & lowBits
		notComma := (y ^ ','*each) + lowBits | w
		notQuote := (y ^ '"'*each) + lowBits | w
		notEnd := (y ^ '\n'*each) + lowBits | w
		q := ^notQuote & mark
		in := (q * each) ^ inside
		other := notComma & notQuote & notEnd & mark
		opening := q & in
		closing := q &^ in
		bad := opening&(other<<8|text) | (closing<<8|closed)&other
		comma := ^(notComma | in) & mark
		stop := bad | ^(notEnd|in)&mark
		if stop != 0 {
			stop &= -stop
			comma &= stop - 1
		}
		if n < need {
			m := comma
			for i := n + 1; m != 0; i++ {
				seps[i] = pos + bits.TrailingZeros64(m)>>3
				m &= m - 1
			}
		}
		n += bits.OnesCount64(comma)
		if stop != 0 {
			pos += bits.TrailingZeros64(stop) >> 3
			length := endLen(body, pos)
			if length < 0 {
				return n + 1, false
			}
			s.next = pos + length
			if length == 1 && pos > s.start && body[pos-1] == '\r' {
				pos--
			}
			if bad&stop == 0 && pos > s.start && pos == len(body) && body[pos-1] == '\r' {
				pos--
			}
			s.end = pos
			if n < need {
				seps[n+1] = pos
			}
			return n + 1, true
		}
		inside = uint64(int64(in) >> 63)
		text = other >> 56
		closed = closing >> 56
		pos += wordLen
		if pos > len(body) {
			return n + 1, false
		}
	}
}

// lastWord returns the fewer than eight bytes that are left of a body, followed
// by row ends: a last row without row end gets one.
func lastWord(rest []byte) uint64 {
	word := [wordLen]byte{'\n', '\n', '\n', '\n', '\n', '\n', '\n', '\n'}
	copy(word[:], rest)
	return binary.LittleEndian.Uint64(word[:])
}
