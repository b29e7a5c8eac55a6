package rows

// rowText is what readRow found.
type rowText struct {
	seps  []int // byte before each cell, and the end of the last
	cells int
	end   int // end of the row without its row end
	next  int // start of the row after it
}

// readRow reads the row that begins at start, byte by byte. It is the grammar
// of this package in its plainest form. It reads headers, explains what the
// scan refused, and is what the tests hold the scan against. The separators are
// collected only where seps has room for any.
func readRow(body []byte, start int, seps []int) (rowText, *Error) {
	t := rowText{cells: 1}
	keep := cap(seps) > 0
	if keep {
		seps = append(seps, start-1)
	}
	pos := start
	for { // one cell a turn
		if pos < len(body) && body[pos] == '"' {
			open := pos
			pos++
			for {
				if pos == len(body) {
					return t, &Error{Cell: t.cells, Offset: open, Err: ErrUnclosed}
				}
				if body[pos] != '"' {
					pos++
				} else if pos+1 < len(body) && body[pos+1] == '"' {
					pos += 2
				} else {
					pos++
					break
				}
			}
			if endLen(body, pos) < 0 && body[pos] != ',' {
				return t, &Error{Cell: t.cells, Offset: pos, Err: ErrQuote}
			}
		} else {
			for endLen(body, pos) < 0 && body[pos] != ',' {
				if body[pos] == '"' {
					return t, &Error{Cell: t.cells, Offset: pos, Err: ErrQuote}
				}
				pos++
			}
		}
		if keep {
			seps = append(seps, pos)
		}
		if n := endLen(body, pos); n >= 0 {
			t.seps, t.end, t.next = seps, pos, pos+n
			return t, nil
		}
		pos++
		t.cells++
	}
}

// endLen returns the length of the row end at pos: 0 at the end of the body, 1
// for LF and for a CR that is the last byte, 2 for CRLF, -1 for anything else.
func endLen(body []byte, pos int) int {
	switch {
	case pos == len(body):
		return 0
	case body[pos] == '\n':
		return 1
	case body[pos] != '\r':
		return -1
	case pos+1 == len(body):
		return 1
	case body[pos+1] == '\n':
		return 2
	}
	return -1
}
