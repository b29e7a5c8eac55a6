package rows

import (
	"errors"
	"fmt"
)

// errList is what the SDK's pattern does not match from the first byte to the last.
var errList = errors.New("not of the form $a$;$b$")

// List holds the values of one multivalue field. The zero value is empty and
// ready. Its buffers are reused, so a List that is kept stops allocating.
//
// In a row a list is two cells: the plain cell holds the values joined by LF,
// the cell of __mv_<field> holds them as $a$;$b$, a $ inside a value doubled. A
// field with one value has an empty __mv_ cell (protocol.md section 9).
type List struct {
	text []byte // all values, one after the other
	ends []int  // where each value ends in text
}

// Reset empties the list.
func (l *List) Reset() { l.text, l.ends = l.text[:0], l.ends[:0] }

// Add appends a copy of value.
func (l *List) Add(value []byte) {
	l.text = append(l.text, value...)
	l.ends = append(l.ends, len(l.text))
}

// AddString is Add for a string.
func (l *List) AddString(value string) {
	l.text = append(l.text, value...)
	l.ends = append(l.ends, len(l.text))
}

// Len returns the number of values.
func (l *List) Len() int { return len(l.ends) }

// Value returns value i, counted from 0. It is valid until the list changes.
func (l *List) Value(i int) []byte {
	from := 0
	if i > 0 {
		from = l.ends[i-1]
	}
	return l.text[from:l.ends[i]:l.ends[i]]
}

// Parse replaces the list by the values of a raw __mv_ cell. An empty cell gives
// an empty list: the field has at most one value, and it stands in the plain
// cell. Text that is not a list is an error, and leaves the list empty.
//
// The text is read as splunklib's pattern \$((?:\$\$|[^$])*)\$(?:;|$) reads it
// where it matches without gaps. So $$;$$ is two empty values and not one of
// "$;$", and one ; after the last value is allowed.
func (l *List) Parse(mvCell []byte) error {
	l.Reset()
	quoted := len(mvCell) >= 2 && mvCell[0] == '"'
	if quoted {
		mvCell = mvCell[1 : len(mvCell)-1]
	}
	for pos := 0; pos < len(mvCell); {
		next := l.parseValue(mvCell, pos, quoted)
		if next < 0 {
			l.Reset()
			return fmt.Errorf("multivalue cell, value at byte %d: %w", pos, errList)
		}
		pos = next
	}
	return nil
}

// parseValue adds the value that begins at pos and returns where the next one
// begins, or -1.
func (l *List) parseValue(text []byte, pos int, quoted bool) int {
	if text[pos] != '$' {
		return -1
	}
	for pos++; pos < len(text); pos++ {
		c := text[pos]
		switch {
		case c == '"' && quoted:
			pos++ // the second of two
		case c != '$':
		case pos+1 < len(text) && text[pos+1] == '$':
			pos++
		case pos+1 == len(text) || text[pos+1] == ';':
			l.ends = append(l.ends, len(l.text))
			return min(pos+2, len(text))
		default:
			return -1
		}
		l.text = append(l.text, c)
	}
	return -1
}

// AppendPlain appends the plain CSV cell: the values joined by LF.
func (l *List) AppendPlain(dst []byte) []byte {
	switch len(l.ends) {
	case 0:
		return dst
	case 1:
		return AppendCell(dst, l.text)
	}
	dst = append(dst, '"')
	for i := range l.ends {
		if i > 0 {
			dst = append(dst, '\n')
		}
		dst = appendDoubled(dst, l.Value(i))
	}
	return append(dst, '"')
}

// AppendMulti appends the CSV cell of the field's __mv_ column: $a$;$b$, and
// nothing for fewer than two values.
func (l *List) AppendMulti(dst []byte) []byte {
	if len(l.ends) < 2 {
		return dst
	}
	dst = append(dst, '"')
	for i := range l.ends {
		if i > 0 {
			dst = append(dst, ';')
		}
		dst = append(dst, '$')
		for _, c := range l.Value(i) {
			if c == '$' || c == '"' {
				dst = append(dst, c)
			}
			dst = append(dst, c)
		}
		dst = append(dst, '$')
	}
	return append(dst, '"')
}
