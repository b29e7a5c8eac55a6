package rows

import (
	"bytes"
	"encoding/binary"
	"math/bits"
)

// The scan loop looks at blocks of 64 bytes, as eight words of eight bytes. Each
// test on a word gives one bit a byte (its highest), and the bits of the eight
// words are laid into one mask: bit 8j+k of a mask belongs to byte j of word k.
// So byte j+1 is a shift by 8 away for all words at once, and what crosses from
// word to word moves from the highest byte of the mask to the lowest.
const (
	wordLen  = 8
	blockLen = 8 * wordLen

	each    = 0x0101010101010101 // times a byte: that byte eight times
	lowBits = 0x7f * each
	mark    = 0x80 * each
)

// scan finds the end of the row that begins at s.start, counts its cells, and
// notes the separators beside the picked columns. It reports false for a row with
// wrong quoting.
//
// The row is taken to end at the next LF; if that turns out to be in quotes, the
// row goes on. The empty cells before that end, which are half of all cells and more
// where each has one for its list, are counted from there and not looked at. Where a quoted cell is longer than a block, bytes.IndexByte looks
// for its end.
func (s *Scanner) scan() (cells int, ok bool) {
	var (
		body   = s.body
		seps   = s.seps
		wanted = s.wanted    // separators to note
		next   = s.wanted[0] // the first of them
		n      = 0           // separators found

		inside         uint64 // 0xff in quotes, else 0
		lastQuote      uint64 // 1 if the byte before the block is a quote
		lastText       uint64 // 1 if it is text of a bare cell
		bad            uint64 // quotes beside text of a bare cell
		pad            [blockLen]byte
		pos            = s.start
		textEnd, after = rowEnd(body, pos)
		empty          = emptyCells(body, pos, textEnd) // before textEnd
		limit          = textEnd - empty                // of what is looked at
	)
	for {
		block := &pad
		if len(body)-pos >= blockLen {
			block = (*[blockLen]byte)(body[pos:])
		} else {
			copy(pad[:], body[pos:])
		}
		valid := ^uint64(0)
		if limit-pos < blockLen {
			valid = firstBytes(limit - pos)
		}

		c0, q0 := find(binary.LittleEndian.Uint64(block[0:]))
		c1, q1 := find(binary.LittleEndian.Uint64(block[8:]))
		comma, quote := c0>>7|c1>>6, q0>>7|q1>>6
		c2, q2 := find(binary.LittleEndian.Uint64(block[16:]))
		c3, q3 := find(binary.LittleEndian.Uint64(block[24:]))
		comma, quote = comma|c2>>5|c3>>4, quote|q2>>5|q3>>4
		c4, q4 := find(binary.LittleEndian.Uint64(block[32:]))
		c5, q5 := find(binary.LittleEndian.Uint64(block[40:]))
		comma, quote = comma|c4>>3|c5>>2, quote|q4>>3|q5>>2
		c6, q6 := find(binary.LittleEndian.Uint64(block[48:]))
		c7, q7 := find(binary.LittleEndian.Uint64(block[56:]))
		comma, quote = comma|c6>>1|c7, quote|q6>>1|q7
		comma &= valid
		quote &= valid

		// A byte is in quotes if the number of quotes up to it is odd.
		in := quote ^ quote<<8
		in ^= in << 16
		in ^= in << 32
		words := in >> 56
		words ^= words << 1
		words ^= words << 2
		words ^= words << 4
		in ^= ((words<<1 ^ inside) & 0xff) * each
		inside ^= -(words >> 7 & 1) & 0xff

		// A quote opens a cell, closes one or is one of two. Beside it there
		// may be a quote, text in quotes, a comma, a row end: anything but
		// text of a bare cell.
		text := ^(comma | quote | in) & valid
		bad |= quote&(text<<8|text>>55&0xfe|lastText) | text&(quote<<8|quote>>55&0xfe|lastQuote)
		lastQuote, lastText = quote>>63, text>>63

		comma &^= in
		count := bits.OnesCount64(comma)
		if s.dense {
			for m, i := inTextOrder(comma), n+1; m != 0 && i < len(seps); i++ {
				seps[i] = pos + bits.TrailingZeros64(m)
				m &= m - 1
			}
		} else if n+count >= next {
			m := inTextOrder(comma)
			for i := n + 1; n+count >= next && i <= n+count; i++ {
				if i == next {
					seps[i] = pos + bits.TrailingZeros64(m)
					wanted = wanted[1:]
					next = wanted[0]
				}
				m &= m - 1
			}
		}
		n += count

		pos += blockLen
		if pos < limit {
			if quote != 0 || inside == 0 {
				continue
			}
		} else if inside == 0 {
			break
		} else {
			pos = limit
		}
		skip := bytes.IndexByte(body[pos:], '"')
		if skip < 0 {
			return n + 1, false
		}
		// The byte before is in quotes and the first of the block is a quote:
		// whatever lastQuote and lastText are, they say nothing is bad.
		pos += skip
		if pos > textEnd {
			textEnd, after = rowEnd(body, pos)
			empty = emptyCells(body, pos, textEnd)
			limit = textEnd - empty
		}
	}
	s.end, s.next = textEnd, after
	s.filled = n + 1
	if n+1 < len(seps) {
		seps[n+1] = limit
	}
	seps[0] = s.start - 1
	return n + 1 + empty, bad == 0
}

// emptyCells counts the commas before the end of a row's text, each of which has an
// empty cell behind it.
func emptyCells(body []byte, start, end int) int {
	at := end
	for at-start >= wordLen && binary.LittleEndian.Uint64(body[at-wordLen:]) == ','*each {
		at -= wordLen
	}
	for at > start && body[at-1] == ',' {
		at--
	}
	return end - at
}

// rowEnd returns where the text of a row ends and the next one begins, if the
// next LF is a row end.
func rowEnd(body []byte, pos int) (textEnd, after int) {
	textEnd, after = len(body), len(body)
	if at := bytes.IndexByte(body[pos:], '\n'); at >= 0 {
		textEnd = pos + at
		after = textEnd + 1
	}
	if textEnd > pos && body[textEnd-1] == '\r' {
		textEnd--
	}
	return textEnd, after
}

// find marks the commas and the quotes of a word by the highest bit of the byte.
func find(w uint64) (comma, quote uint64) {
	low := w & lowBits
	comma = ^((low ^ ','*each) + lowBits | w) & mark
	quote = ^((low ^ '"'*each) + lowBits | w) & mark
	return comma, quote
}

// firstBytes is the mask of the first n bytes of a block, n below 64.
func firstBytes(n int) uint64 {
	word, byteBits := uint(n)>>3&7, uint(n)&7*8
	return (1<<word-1)*each | each<<word&(1<<byteBits-1)
}

// inTextOrder turns a mask over, so that bit 8k+j belongs to byte j of word k: the
// lowest bit is the first byte of the block.
func inTextOrder(m uint64) uint64 {
	t := (m ^ m>>7) & 0x00aa00aa00aa00aa
	m ^= t ^ t<<7
	t = (m ^ m>>14) & 0x0000cccc0000cccc
	m ^= t ^ t<<14
	t = (m ^ m>>28) & 0x00000000f0f0f0f0
	return m ^ t ^ t<<28
}
