package format

import (
	"encoding/binary"
	"math/bits"
)

// findAll finds the first separators of a line, as many as there is room for or as it
// has, and returns how many. It looks at eight bytes at once: of marks, a separator's
// byte has its high bit set and nothing else is.
func findAll(line []byte, separator byte, ends []int32) (n int) {
	const each, low = 0x0101010101010101, 0x7f7f7f7f7f7f7f7f
	wanted := each * uint64(separator)
	at := 0
	for ; len(line)-at >= 8; at += 8 {
		x := binary.LittleEndian.Uint64(line[at:]) ^ wanted
		for marks := ^((x&low + low) | x | low); marks != 0; marks &= marks - 1 {
			if n == len(ends) {
				return n
			}
			ends[n] = int32(at + bits.TrailingZeros64(marks)/8)
			n++
		}
	}
	for ; at < len(line) && n < len(ends); at++ {
		if line[at] == separator {
			ends[n] = int32(at)
			n++
		}
	}
	return n
}
