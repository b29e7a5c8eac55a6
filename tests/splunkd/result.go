package splunkd

import (
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Result is what a search gives back: the table, the messages under it, how many command processes it took.
type Result struct {
	Table
	Messages  []Message
	Processes int
}

// Print writes the result for a terminal of that many columns: as a table where it fits, else row by row, a field a line.
// Control characters of the data are not printed. Internal fields are left out.
func (r *Result) Print(w io.Writer, width int) error {
	var columns []string
	for _, name := range r.Columns {
		if !internal(name) || name == "_time" {
			columns = append(columns, name)
		}
	}
	var text string
	if len(r.Rows) == 0 {
		text = "(no rows)\n"
	} else if text = r.asTable(columns, width); text == "" {
		text = r.asRecords(columns, width)
	}
	_, err := io.WriteString(w, text)
	return err
}

const gap = "  "

// asTable is the aligned table, lists with a line for each value; empty if a line would be longer than width.
func (r *Result) asTable(columns []string, width int) string {
	lines := [][]string{nil}
	for _, name := range columns {
		lines[0] = append(lines[0], printable(name))
	}
	for _, row := range r.Rows {
		height := 1
		for _, name := range columns {
			height = max(height, len(row[name]))
		}
		for i := range height {
			var cells []string
			for _, name := range columns {
				cell := ""
				if i < len(row[name]) {
					cell = printable(row[name][i])
				}
				cells = append(cells, cell)
			}
			lines = append(lines, cells)
		}
	}
	widths := make([]int, len(columns))
	total := -len(gap)
	for i := range columns {
		for _, cells := range lines {
			widths[i] = max(widths[i], utf8.RuneCountInString(cells[i]))
		}
		total += widths[i] + len(gap)
	}
	if total > width {
		return ""
	}
	var rule []string
	for _, n := range widths {
		rule = append(rule, strings.Repeat("-", n))
	}
	lines = append([][]string{lines[0], rule}, lines[1:]...)
	var out strings.Builder
	for _, cells := range lines {
		var line strings.Builder
		for i, cell := range cells {
			line.WriteString(cell + strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell)) + gap)
		}
		out.WriteString(strings.TrimRight(line.String(), " ") + "\n")
	}
	return out.String()
}

// asRecords is one block a row, `field: value`, fields without value left out, long values wrapped.
func (r *Result) asRecords(columns []string, width int) string {
	label := 0
	for _, name := range columns {
		label = max(label, utf8.RuneCountInString(printable(name)))
	}
	var out strings.Builder
	for i, row := range r.Rows {
		fmt.Fprintf(&out, "row %d of %d\n", i+1, len(r.Rows))
		for _, name := range columns {
			if len(row[name]) == 0 {
				continue
			}
			var values []string
			for _, value := range row[name] {
				values = append(values, printable(value))
			}
			prefix := gap + printable(name) + ":" + strings.Repeat(" ", label-utf8.RuneCountInString(printable(name))+1)
			for _, line := range wrap(strings.Join(values, ", "), max(20, width-utf8.RuneCountInString(prefix))) {
				out.WriteString(prefix + line + "\n")
				prefix = strings.Repeat(" ", utf8.RuneCountInString(prefix))
			}
		}
	}
	return out.String()
}

// wrap breaks a text at blanks into lines of at most width characters; a longer word is cut.
func wrap(text string, width int) []string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(text) {
		for utf8.RuneCountInString(word) > width {
			if line != "" {
				lines, line = append(lines, line), ""
			}
			runes := []rune(word)
			lines, word = append(lines, string(runes[:width])), string(runes[width:])
		}
		switch {
		case line == "":
			line = word
		case utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) <= width:
			line += " " + word
		default:
			lines, line = append(lines, line), word
		}
	}
	return append(lines, line)
}

// printable removes what could move a terminal's cursor or colours: control, format and invalid characters.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == utf8.RuneError:
			return '?'
		case r == '\n' || r == '\t':
			return ' '
		case unicode.IsControl(r) || unicode.Is(unicode.Cf, r):
			return -1
		}
		return r
	}, text)
}
