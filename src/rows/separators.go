package rows

import (
	"encoding/binary"
	"math"
	"math/bits"
	"slices"
)

// separators is where the cells of a part of a body begin and end: at its commas and LFs
// that are not in quotes. The part begins with a row, and grows by pieces.
//
//	body:  a,"b,c",d⏎e,f⏎
//	at:    -1 1 7 9 11 13   from the byte at which the part begins
//	ends:         3    5    those of them that are LFs
type separators struct {
	from, upTo int     // bytes of the body; upTo is behind the body where all of it was looked at
	at         []int32 // the first one stands for the LF before the part
	ends       []int32
	over       int // that were left out of at, before the first LF: see forget
	carried    carried
}

// A piece is looked at in blocks of 64 bytes. It is still in the first cache of a core
// when its rows are read.
const (
	blockLen = 64
	pieceLen = 256 * blockLen
)

// carried is what a block says of the next one. A row begins with nothing of it.
type carried struct {
	inside    uint64 // all ones in quotes, else 0
	lastQuote uint64 // 1 if the last byte is a quote
	lastText  uint64 // 1 if it is text of a bare cell
	bad       uint64 // not 0 if a quote and such a text met, in any block so far
}

// begin begins a part without any piece.
func (p *separators) begin(from int) {
	p.from, p.upTo, p.over, p.carried = from, from, 0, carried{}
	p.at, p.ends = append(p.at[:0], -1), p.ends[:0]
}

// more looks at the next piece of a body, behind which all bytes are taken for LF, so
// that the last row has an end. It reports false if there is no more.
func (p *separators) more(body []byte) bool {
	if p.upTo > len(body) || p.upTo-p.from > longest {
		return false
	}
	// Four are written at a time, so that three more than there are need room.
	p.at, p.ends = slices.Grow(p.at, pieceLen+3), slices.Grow(p.ends, pieceLen)
	piece := body[p.upTo:min(p.upTo+pieceLen, len(body))]
	if blocks := len(piece) / blockLen; blocks > 0 {
		p.look(piece[:blocks*blockLen])
		return true
	}
	var last [blockLen]byte
	for i := copy(last[:], piece); i < blockLen; i++ {
		last[i] = '\n'
	}
	p.look(last[:])
	return true
}

// longest is how many bytes of a row are looked at, so that their places fit into 32
// bits: twice what a body has at most (chunked.MaxBody).
const longest = math.MaxInt32 - pieceLen

// look looks at whole blocks.
func (p *separators) look(blocks []byte) {
	p.at, p.ends = appendSeparators(p.at, p.ends, blocks, p.upTo-p.from, &p.carried)
	p.upTo += len(blocks)
}

// forget drops what a row without an end yet has beyond the most that it may have: it is
// wrong, and may be long.
func (p *separators) forget(most int) {
	if n := len(p.at); len(p.ends) == 0 && n > most {
		p.at, p.over = p.at[:most], p.over+n-most
	}
}

// separatorsOf appends the separators of some blocks to at, and to ends which of at are
// LFs. The first block begins at byte from of the part. There must be room for as many
// as there are bytes, and in at for three more.
//
// This is the meaning of appendSeparators. Where the processor has instructions for it,
// they are found faster, by separators_amd64.s, and the same (FuzzSeparators); the build
// tag purego leaves that out.
func separatorsOf(at, ends []int32, blocks []byte, from int, last *carried) ([]int32, []int32) {
	n := len(at)
	at = at[:cap(at)]
	for ; len(blocks) > 0; blocks, from = blocks[blockLen:], from+blockLen {
		var comma, quote, lf uint64
		for i := 0; i < blockLen; i += wordLen {
			w := binary.LittleEndian.Uint64(blocks[i:])
			comma |= find(w, ',') << i
			quote |= find(w, '"') << i
			lf |= find(w, '\n') << i
		}
		// A byte is in quotes if the number of quotes up to it is odd.
		in := quote
		for shift := 1; shift < blockLen; shift *= 2 {
			in ^= in << shift
		}
		in ^= last.inside
		lf &^= in
		separator := comma&^in | lf

		// A quote opens a cell, closes one or is one of two. Beside it there may be a
		// quote, text in quotes, a comma, a row end: anything but text of a bare cell.
		text := ^(separator | quote | in)
		last.bad |= quote&(text<<1|last.lastText) | text&(quote<<1|last.lastQuote)
		last.inside, last.lastQuote, last.lastText = -(in >> 63), quote>>63, text>>63

		for ; lf != 0; lf &= lf - 1 {
			ends = append(ends, int32(n+bits.OnesCount64(separator&(lf&-lf-1))))
		}
		// Four at a time, as the processor guesses wrong how many there are.
		for next, m := n, separator; m != 0; next += 4 {
			four := (*[4]int32)(at[next:])
			four[0] = int32(from + bits.TrailingZeros64(m))
			m &= m - 1
			four[1] = int32(from + bits.TrailingZeros64(m))
			m &= m - 1
			four[2] = int32(from + bits.TrailingZeros64(m))
			m &= m - 1
			four[3] = int32(from + bits.TrailingZeros64(m))
			m &= m - 1
		}
		n += bits.OnesCount64(separator)
	}
	return at[:n], ends
}

const (
	wordLen = 8

	each    = 0x0101010101010101 // times a byte: that byte eight times
	lowBits = 0x7f * each
	mark    = 0x80 * each
	gather  = 0x0002040810204081 // times the marks of eight bytes: they are the highest byte
)

// find has bit i set where byte i of a word is c.
func find(w uint64, c byte) uint64 {
	differ := w ^ uint64(c)*each
	found := ^(differ&lowBits + lowBits | differ) & mark
	return found * gather >> 56
}
