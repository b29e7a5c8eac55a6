// Package text writes what people read in terminals, messages and reports: text from
// outside without what plays with a terminal, times, counts.
//
//	text.Printable("a\x1b[31mb")  // "a?[31mb"
//	text.Cut("a long sentence", 9) // "a long..."
//	text.Time(1795176000)          // "2026-11-20T12:00:00Z"
//	text.Counted(2, "flow")        // "2 flows"
//
// It imports nothing of ours. Quoting for CSV, JSON and HTML is not its matter.
package text

import (
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Printable replaces each character that plays with a terminal, and bytes that are
// none, by a question mark: a log, a document, a server or a file name may hold
// anything. It allocates nothing where there is none.
func Printable(s string) string {
	return strings.Map(func(r rune) rune {
		if Plays(r) {
			return '?'
		}
		return r
	}, s)
}

// Plays tells characters that steer a terminal, end a line, show nothing or turn the
// direction of writing, and what stands for bytes that are no text.
func Plays(r rune) bool {
	if r < utf8.RuneSelf {
		return r < ' ' || r == 0x7f
	}
	return r == unicode.ReplacementChar || unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Other_Default_Ignorable_Code_Point)
}

// Short is Printable, of at most so many bytes.
func Short(s string, most int) string {
	if enough := 4*most + 4; len(s) > enough { // a character has up to 4 bytes and becomes one at least: the rest cannot show
		s = s[:enough]
	}
	return Cut(Printable(s), most)
}

// Foreign is text of a server, a file or a user, fit for a message: enough of it to
// know what it is.
func Foreign(s string) string { return Short(s, maxForeign) }

const maxForeign = 300 // bytes: a few lines of a terminal

// Cut shortens a text to at most so many bytes, which should be more than the three
// of the dots that it then ends in. No character is cut in half.
func Cut(s string, most int) string {
	if len(s) <= most {
		return s
	}
	end := max(most-len(dots), 0)
	for end > 0 && !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end] + dots
}

const dots = "..."

// Time writes epoch seconds as 2006-01-02T15:04:05Z.
func Time(seconds int64) string { return time.Unix(seconds, 0).UTC().Format(time.RFC3339) }

// AppendTime is Time into a buffer.
func AppendTime(dst []byte, seconds int64) []byte {
	return time.Unix(seconds, 0).UTC().AppendFormat(dst, time.RFC3339)
}

// Counted writes a number with what it counts: 1 flow, 2 flows.
func Counted[N ~int | ~int64](n N, what string) string {
	if n != 1 {
		what += "s"
	}
	return strconv.FormatInt(int64(n), 10) + " " + what
}
