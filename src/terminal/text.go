package terminal

import (
	"bytes"
	"encoding/binary"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// Printable replaces what text from outside could use to play with the terminal.
func Printable(text string) string {
	return strings.Map(func(r rune) rune {
		if IsPlayful(r) {
			return '?'
		}
		return r
	}, text)
}

// IsPlayful tells control characters, and those that show nothing or turn the
// direction of writing.
func IsPlayful(r rune) bool {
	if ' ' <= r && r <= '~' {
		return false
	}
	return unicode.IsControl(r) || r == unicode.ReplacementChar || unicode.Is(unicode.Cf, r)
}

// PrintableCell is text for a cell that may end on a terminal: the values of a list
// with ; between them, what plays as a question mark. It is the text itself where
// that can stay, and else stands in scratch, which is returned for the next call.
func PrintableCell(text, scratch []byte) (cell, newScratch []byte) {
	if isPrintableASCII(text) {
		return text, scratch
	}
	dst := scratch[:0]
	for len(text) > 0 {
		r, size := utf8.DecodeRune(text)
		switch {
		case r == '\n':
			dst = append(dst, ';')
		case IsPlayful(r):
			dst = append(dst, '?')
		default:
			dst = append(dst, text[:size]...)
		}
		text = text[size:]
	}
	return dst, dst
}

// AppendJSON appends text as a JSON string. What a terminal could take for a
// command is escaped, so that nothing of it is lost.
func AppendJSON(dst, text []byte) []byte {
	dst = append(dst, '"')
	if isPrintableASCII(text) && bytes.IndexByte(text, '"') < 0 && bytes.IndexByte(text, '\\') < 0 {
		return append(append(dst, text...), '"')
	}
	for len(text) > 0 {
		r, size := utf8.DecodeRune(text)
		switch {
		case r == '"' || r == '\\':
			dst = append(dst, '\\', byte(r))
		case IsPlayful(r) || r == 0x2028 || r == 0x2029: // line ends of JavaScript
			dst = appendEscape(dst, r)
		default:
			dst = append(dst, text[:size]...)
		}
		text = text[size:]
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
func isPrintableASCII(text []byte) bool {
	const each, high = 0x0101010101010101, 0x80 * 0x0101010101010101
	for ; len(text) >= 8; text = text[8:] {
		w := binary.LittleEndian.Uint64(text)
		if (w|(w-' '*each)|(w+each))&high != 0 {
			return false
		}
	}
	for _, c := range text {
		if c < ' ' || c > '~' {
			return false
		}
	}
	return true
}

// Clock is a time as all output has it: UTC, to the second.
func Clock(seconds int64) string { return time.Unix(seconds, 0).UTC().Format(time.RFC3339) }

// Counted is a number with what it counts, whose plural takes an s.
func Counted(n int64, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return strconv.FormatInt(n, 10) + " " + what + "s"
}
