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
func Time(seconds int64) string {
	var room [len(time.RFC3339)]byte
	return string(AppendTime(room[:0], seconds))
}

// AppendTime is Time into a buffer. It reckons by itself: a row with a finding has
// two or three times in its sentence, and package time took half of what the sentence
// costs.
func AppendTime(dst []byte, seconds int64) []byte {
	if seconds < 0 || seconds > year9999 {
		return time.Unix(seconds, 0).UTC().AppendFormat(dst, time.RFC3339)
	}
	year, month, day := date(seconds / secondsOfDay)
	clock := int(seconds % secondsOfDay)
	dst = two(two(dst, year/100), year%100)
	dst = two(append(dst, '-'), month)
	dst = two(append(dst, '-'), day)
	dst = two(append(dst, 'T'), clock/3600)
	dst = two(append(dst, ':'), clock/60%60)
	return append(two(append(dst, ':'), clock%60), 'Z')
}

const (
	secondsOfDay = 24 * 60 * 60
	year9999     = 253402300799 // its last second

	// Days are counted from March 1 of the year 0, so that the day which some years
	// have more is the last of its year, and of its 4, 100 and 400 years.
	fromMarch0   = 719468 // to 1970-01-01
	daysOf4Years = 4*365 + 1
	daysOf100    = 25*daysOf4Years - 1
	daysOf400    = 4*daysOf100 + 1
)

// date returns the date that is so many days after 1970-01-01.
func date(days int64) (year, month, day int) {
	n := int(days) + fromMarch0
	year = n / daysOf400 * 400
	n %= daysOf400
	centuries := min(n/daysOf100, 3) // the last one is a day longer
	n -= centuries * daysOf100
	year += centuries*100 + n/daysOf4Years*4
	n %= daysOf4Years
	years := min(n/365, 3)
	n -= years * 365
	year += years
	// From March on, months have 31, 30, 31, 30, 31 days, again and again: 153 in five.
	month = (5*n + 2) / 153
	day = n - (153*month+2)/5 + 1
	if month += 3; month > 12 {
		return year + 1, month - 12, day
	}
	return year, month, day
}

// two appends a number below 100 with two digits.
func two(dst []byte, n int) []byte { return append(dst, byte('0'+n/10), byte('0'+n%10)) }

// Or writes what there is to choose from: a, b or c.
func Or(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " or " + words[last]
}

// Counted writes a number with what it counts: 1 flow, 2 flows.
func Counted[N ~int | ~int64](n N, what string) string {
	if n != 1 {
		what += "s"
	}
	return strconv.FormatInt(int64(n), 10) + " " + what
}
