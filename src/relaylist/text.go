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
	text := strings.ReplaceAll(err.Error(), "\n", "; ")
	first, size := utf8.DecodeRuneInString(text)
	return string(unicode.ToUpper(first)) + strings.TrimSuffix(text[size:], ".") + "."
}
