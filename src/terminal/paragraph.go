package terminal

import (
	"strings"
	"unicode/utf8"

	"tordetect/src/text"
)

// The widths of sentences: as the terminal, but no lines that are hard to read, and
// as in a letter where there is no terminal.
const (
	widestText    = 110
	narrowestText = 40
	letterWidth   = 90
)

// Paragraph sets words to the width of the terminal, behind an indent. A word that
// is longer stays whole: most such are paths, which somebody wants to copy.
func (t *Terminal) Paragraph(indent, words string) string { return t.set(indent, indent, words) }

// set sets words behind a beginning, and further lines behind an indent.
func (t *Terminal) set(begin, indent, words string) string {
	width := letterWidth
	if w := t.Width(); w > 0 {
		width = min(max(w, narrowestText), widestText)
	}
	return Set(width, begin, indent, words)
}

// Set sets words to lines of a width.
func Set(width int, begin, indent, words string) string {
	var b strings.Builder
	at := 0                                      // of the line, 0 before its first word
	for word := range strings.FieldsSeq(words) { // a line end is a blank here
		word = text.Printable(word)
		length := utf8.RuneCountInString(word)
		switch {
		case at == 0:
			b.WriteString(begin)
			at = len(begin)
		case at+1+length > width:
			b.WriteString("\n" + indent)
			at = len(indent)
		default:
			b.WriteByte(' ')
			at++
		}
		b.WriteString(word)
		at += length
	}
	b.WriteByte('\n')
	return b.String()
}
