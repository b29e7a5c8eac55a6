package relaylist

import (
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// clock writes epoch seconds as 2006-01-02T15:04:05Z.
func clock(seconds int64) string { return time.Unix(seconds, 0).UTC().Format("2006-01-02T15:04:05Z") }

// sentence writes an error as one: with a capital and a full stop.
func sentence(err error) string {
	text := ended(err)
	first, size := utf8.DecodeRuneInString(text)
	return string(unicode.ToUpper(first)) + text[size:]
}

// ended writes an error as the end of a sentence: one line, with a full stop.
func ended(err error) string {
	return strings.TrimSuffix(strings.ReplaceAll(err.Error(), "\n", "; "), ".") + "."
}
