package relaylist

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// sentence writes an error as one: with a capital and a full stop.
func sentence(err error) string {
	said := ended(err)
	first, size := utf8.DecodeRuneInString(said)
	return string(unicode.ToUpper(first)) + said[size:]
}

// ended writes an error as the end of a sentence: one line, with a full stop.
func ended(err error) string {
	return strings.TrimSuffix(strings.ReplaceAll(err.Error(), "\n", "; "), ".") + "."
}
