// Package page writes figures: numbers, tables that are read on a screen as well as in
// Markdown, and the part of a page that a program renews.
package page

import (
	"fmt"
	"io"
	"os"
	"strings"
	"unicode/utf8"
)

// Renew writes a text between the marks of a file, which name the program that does so:
// a line "<!-- figures: written by bench -readme -->" and a line "<!-- end of figures -->".
func Renew(path, program, figures string) error {
	begin, end := "<!-- figures: written by "+program+" -readme -->", "<!-- end of figures -->"
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	before, rest, ok1 := strings.Cut(string(text), begin+"\n")
	_, after, ok2 := strings.Cut(rest, end+"\n")
	if !ok1 || !ok2 {
		return fmt.Errorf("%s has no marks for figures: a line %q and a line %q", path, begin, end)
	}
	return os.WriteFile(path, []byte(before+begin+"\n\n"+figures+"\n"+end+"\n"+after), 0o644)
}

// Number writes three digits, or all before the point; nothing for 0.
func Number(v float64) string {
	switch {
	case v == 0:
		return ""
	case v < 10:
		return fmt.Sprintf("%.2f", v)
	case v < 100:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.0f", v)
}

// Columns prints lines of cells, the first one as the head, in columns that are
// read on a screen as well as in Markdown.
func Columns(out io.Writer, lines [][]string) {
	widths := make([]int, len(lines[0]))
	for _, line := range lines {
		for i, cell := range line {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	for n, line := range lines {
		for i, cell := range line {
			blanks := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
			if i == 0 {
				fmt.Fprint(out, "| ", cell, blanks, " |")
			} else {
				fmt.Fprint(out, " ", blanks, cell, " |")
			}
		}
		fmt.Fprintln(out)
		if n == 0 {
			for i, width := range widths {
				rule := strings.Repeat("-", width)
				if i == 0 {
					fmt.Fprint(out, "|", rule, "--|")
				} else {
					fmt.Fprint(out, rule, "-:|")
				}
			}
			fmt.Fprintln(out)
		}
	}
}
