package terminal

import (
	"bytes"
	"encoding/binary"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"tordetect/src/text"
)

// PrintableCell is a cell that may end on a terminal: the values of a list with ;
// between them, what plays as a question mark. It is the cell itself where that can
// stay, and else stands in scratch, which is returned for the next call.
func PrintableCell(cell, scratch []byte) (printable, newScratch []byte) {
	if isPrintableASCII(cell) {
		return cell, scratch
	}
	dst := scratch[:0]
	for len(cell) > 0 {
		r, size := utf8.DecodeRune(cell)
		switch {
		case r == '\n':
			dst = append(dst, ';')
		case text.Plays(r):
			dst = append(dst, '?')
		default:
			dst = append(dst, cell[:size]...)
		}
		cell = cell[size:]
	}
	return dst, dst
}

// PrintableCSV is PrintableCell for CSV, which people open in a spreadsheet: what would
// be a formula there stands behind an apostrophe, by which it is text (OWASP, CSV
// injection). Whoever controls a name in a log would otherwise have a command run, or
// a link made of the other cells, on the machine of who looks into it.
func PrintableCSV(cell, scratch []byte) (printable, newScratch []byte) {
	cell, scratch = PrintableCell(cell, scratch)
	if len(cell) == 0 || strings.IndexByte(" =+-@\xef", cell[0]) < 0 || !isFormula(cell) { // most cells begin with a letter or a digit
		return cell, scratch
	}
	marked := append(make([]byte, 0, len(cell)+1), '\'')
	marked = append(marked, cell...)
	return marked, marked
}

// formulas are what formulas begin with, also as characters of full width, which some
// spreadsheets take for the same.
var formulas = []string{"=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20"}

// isFormula tells formulas from numbers with a sign, and from the dash for no value. The
// spreadsheet does not see blanks in front.
func isFormula(cell []byte) bool {
	rest := bytes.TrimLeft(cell, " ")
	for _, begin := range formulas {
		if after, ok := bytes.CutPrefix(rest, []byte(begin)); ok {
			return len(bytes.Trim(after, "0123456789.")) > 0 || begin != "-" && begin != "+"
		}
	}
	return false
}

// AppendJSON appends a JSON string. What a terminal could take for a command is
// escaped, so that nothing of it is lost.
func AppendJSON(dst, value []byte) []byte {
	dst = append(dst, '"')
	if isPrintableASCII(value) && bytes.IndexByte(value, '"') < 0 && bytes.IndexByte(value, '\\') < 0 {
		return append(append(dst, value...), '"')
	}
	for len(value) > 0 {
		r, size := utf8.DecodeRune(value)
		switch {
		case r == '"' || r == '\\':
			dst = append(dst, '\\', byte(r))
		case text.Plays(r): // with the line ends of JavaScript
			dst = appendEscape(dst, r)
		default:
			dst = append(dst, value[:size]...)
		}
		value = value[size:]
	}
	return append(dst, '"')
}

// appendEscape appends JSON's \uXXXX, two of them where UTF-16 takes two.
func appendEscape(dst []byte, r rune) []byte {
	const hex = "0123456789abcdef"
	unit := func(r rune) { dst = append(dst, '\\', 'u', hex[r>>12&15], hex[r>>8&15], hex[r>>4&15], hex[r&15]) }
	if high, low := utf16.EncodeRune(r); high != unicode.ReplacementChar {
		unit(high)
		unit(low)
	} else {
		unit(r)
	}
	return dst
}

// isPrintableASCII looks at eight bytes at a time: taking a blank from a byte below
// it, or adding one to 0x7f, sets the byte's highest bit.
func isPrintableASCII(cell []byte) bool {
	const each, high = 0x0101010101010101, 0x80 * 0x0101010101010101
	for ; len(cell) >= 8; cell = cell[8:] {
		w := binary.LittleEndian.Uint64(cell)
		if (w|(w-' '*each)|(w+each))&high != 0 {
			return false
		}
	}
	for _, c := range cell {
		if c < ' ' || c > '~' {
			return false
		}
	}
	return true
}
