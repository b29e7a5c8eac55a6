package trafficlog

import (
	"bytes"
	"encoding/binary"
	"math/bits"
)

// fields holds where the fields of a line lie. The zero value is ready.
type fields struct {
	line  []byte
	ends  [maxFields]int32
	count int // fields found, at most the number asked for
}

// maxFields is how many fields are looked for at most: a Zeek log with every
// package loaded has about 60 columns.
const maxFields = 128

// split finds the first n fields of a line, which a byte separates.
//
// It looks at eight bytes at a time: xor makes the separators zero, and the
// highest bit of a byte stays unset in the sum where the byte was zero.
func (f *fields) split(line []byte, separator byte, n int) {
	const (
		each = 0x0101010101010101
		low  = 0x7f * each
		high = 0x80 * each
	)
	f.line, f.count = line, 0
	pattern := uint64(separator) * each
	pos := 0
	for ; pos+8 <= len(line); pos += 8 {
		w := binary.LittleEndian.Uint64(line[pos:]) ^ pattern
		for m := ^((w & low) + low | w) & high; m != 0; m &= m - 1 {
			f.ends[f.count] = int32(pos + bits.TrailingZeros64(m)>>3)
			if f.count++; f.count == n {
				return
			}
		}
	}
	for ; pos < len(line); pos++ {
		if line[pos] == separator {
			f.ends[f.count] = int32(pos)
			if f.count++; f.count == n {
				return
			}
		}
	}
	f.ends[f.count] = int32(len(line))
	f.count++
}

// at returns field i, counted from 0.
func (f *fields) at(i int) []byte {
	start := 0
	if i > 0 {
		start = int(f.ends[i-1]) + 1
	}
	return f.line[start:f.ends[i]]
}

// splitQuoted is split by commas, where a field in double quotes may hold them.
// A quote that is never closed is text.
func (f *fields) splitQuoted(line []byte, n int) {
	f.line, f.count = line, 0
	for pos := 0; f.count < n; pos++ {
		end := -1
		if pos < len(line) && line[pos] == '"' {
			end = quotedEnd(line, pos)
		}
		if end < 0 {
			if end = bytes.IndexByte(line[pos:], ','); end < 0 {
				end = len(line) - pos
			}
			end += pos
		}
		f.ends[f.count] = int32(end)
		f.count++
		if pos = end; pos == len(line) {
			return
		}
	}
}

// quotedEnd returns the end of the quoted cell that begins at pos, with its
// quotes, or -1 where it is not closed before a comma or the end of the line.
func quotedEnd(line []byte, pos int) int {
	for pos++; ; {
		at := bytes.IndexByte(line[pos:], '"')
		if at < 0 {
			return -1
		}
		pos += at + 1
		switch {
		case pos == len(line) || line[pos] == ',':
			return pos
		case line[pos] != '"':
			return -1
		}
		pos++
	}
}

// appendCell appends text as a CSV cell: bare, unless it holds what would end a
// bare cell.
func appendCell(dst, text []byte) []byte {
	for _, c := range text {
		if c == ',' || c == '"' || c == '\n' || c == '\r' {
			return appendQuoted(dst, text)
		}
	}
	return append(dst, text...)
}

func appendQuoted(dst, text []byte) []byte {
	dst = append(dst, '"')
	for {
		at := bytes.IndexByte(text, '"')
		if at < 0 {
			dst = append(dst, text...)
			return append(dst, '"')
		}
		dst = append(append(dst, text[:at+1]...), '"')
		text = text[at+1:]
	}
}

// isPlain reports whether no field of a line needs quotes as a CSV cell, commas
// apart. A line holds no LF.
func isPlain(line []byte) bool {
	return bytes.IndexByte(line, '"') < 0 && bytes.IndexByte(line, '\r') < 0
}
