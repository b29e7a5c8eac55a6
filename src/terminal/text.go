package terminal

import (
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
	return unicode.IsControl(r) || r == unicode.ReplacementChar || unicode.Is(unicode.Cf, r)
}

// AppendPrintable appends text for a cell that may end on a terminal: the values
// of a list with ; between them, what plays as a question mark.
func AppendPrintable(dst, text []byte) []byte {
	if isPrintableASCII(text) {
		return append(dst, text...)
	}
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
	return dst
}

// AppendJSON appends text as a JSON string. What a terminal could take for a
// command is escaped, so that nothing of it is lost.
func AppendJSON(dst, text []byte) []byte {
	dst = append(dst, '"')
	if isPrintableASCII(text) && !needsEscape(text) {
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

func isPrintableASCII(text []byte) bool {
	for _, c := range text {
		if c < ' ' || c > '~' {
			return false
		}
	}
	return true
}

func needsEscape(text []byte) bool {
	for _, c := range text {
		if c == '"' || c == '\\' {
			return true
		}
	}
	return false
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
