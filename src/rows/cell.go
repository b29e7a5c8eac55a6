package rows

import "bytes"

// Cell is what a row gets for one field, both parts as they stand in CSV. Multi
// is written for List fields only.
//
// Set, SetString and SetList encode, and write into the memory of the Cell again
// and again; the zero Cell is ready for them. Whoever sets Plain and Multi by
// hand, to text that was encoded before, answers for what is in them.
type Cell struct{ Plain, Multi []byte }

// Set makes value the only value of the field; an empty one is no value.
func (c *Cell) Set(value []byte) {
	c.Plain = AppendCell(c.Plain[:0], value)
	c.Multi = c.Multi[:0]
}

// SetString is Set for a string.
func (c *Cell) SetString(value string) {
	c.Plain, c.Multi = append(c.Plain[:0], value...), c.Multi[:0]
	if n := len(value); !isBare(c.Plain) {
		c.Plain = AppendCell(c.Plain, c.Plain)
		c.Plain = c.Plain[:copy(c.Plain, c.Plain[n:])]
	}
}

// SetList makes the values of l those of the field.
func (c *Cell) SetList(l *List) {
	c.Plain = l.AppendPlain(c.Plain[:0])
	c.Multi = l.AppendMulti(c.Multi[:0])
}

// Value returns the text of a raw cell, without its quotes. The value points
// into cell, unless the cell holds doubled quotes: then the text is appended to
// scratch, and the value points there. Scratch is returned for the next call;
// pass scratch[:0] for the first cell of a row, so that it does not grow
// forever.
func Value(cell, scratch []byte) (value, newScratch []byte) {
	if len(cell) < 2 || cell[0] != '"' {
		return cell, scratch
	}
	cell = cell[1 : len(cell)-1]
	at := bytes.IndexByte(cell, '"')
	if at < 0 {
		return cell, scratch
	}
	from := len(scratch)
	for at >= 0 {
		scratch = append(scratch, cell[:at+1]...) // with the first quote of two
		cell = cell[min(at+2, len(cell)):]
		at = bytes.IndexByte(cell, '"')
	}
	scratch = append(scratch, cell...)
	return scratch[from:], scratch
}

// AppendCell appends value as a CSV cell, quoted by the rule of splunkd: a cell
// is bare if it is empty or made of ASCII letters and digits alone, and else in
// quotes (protocol.md section 7: 2,403,744 recorded cells without exception).
func AppendCell(dst, value []byte) []byte {
	if isBare(value) {
		return append(dst, value...)
	}
	dst = append(dst, '"')
	dst = appendDoubled(dst, value)
	return append(dst, '"')
}

// appendDoubled appends text with each quote doubled.
func appendDoubled(dst, text []byte) []byte {
	for {
		at := bytes.IndexByte(text, '"')
		if at < 0 {
			return append(dst, text...)
		}
		dst = append(dst, text[:at+1]...)
		dst = append(dst, '"')
		text = text[at+1:]
	}
}

func isBare(value []byte) bool {
	for _, c := range value {
		if c|0x20 < 'a' || c|0x20 > 'z' {
			if c < '0' || c > '9' {
				return false
			}
		}
	}
	return true
}
