package splunkd

import (
	"fmt"
	"io"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"tordetect/tests/splunkd/spl"
	"tordetect/tests/splunkd/wire"
)

// Result is what a search gives back: the table, the messages under it, how many command processes it took, and what it
// had to read.
type Result struct {
	spl.Table
	Messages  []wire.Message
	Processes int
	Cost      Cost

	earliest, latest time.Time // of the search; zero: no bound
	silent           string    // see search
}

// Cost is what a search had to do.
type Cost struct {
	Waited time.Duration // for the slowest indexer that answered
	Read   time.Duration // windows of events and data models, all of them together
	Events int           // of the data models in them
	Rows   int           // that tstats and event searches gave to the rest
	Held   int           // the most that one of sort, stats and eventstats took in, which hold or order all of them
}

func (c *Cost) hold(in *spl.Table) { c.Held = max(c.Held, len(in.Rows)) }

// Print writes the result for a terminal of that many columns: as a table where it fits, else row by row, a field a line.
// Control characters of the data are not printed. Internal fields are left out.
func (r *Result) Print(w io.Writer, width int) error {
	var columns []string
	for _, name := range r.Columns {
		if !spl.Internal(name) || name == "_time" {
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
		lines[0] = append(lines[0], Printable(name))
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
					cell = Printable(row[name][i])
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

// pairWidth is the room of one short `field: value` in a record: three of them in a terminal of 120 columns.
const pairWidth = 38

// asRecords is one block a row: short `field: value` pairs side by side, long ones wrapped on lines of their own, fields
// without value left out. The order of the columns stays.
func (r *Result) asRecords(columns []string, width int) string {
	var out strings.Builder
	for i, row := range r.Rows {
		fmt.Fprintf(&out, "row %d of %d\n", i+1, len(r.Rows))
		line, used := "", 0
		flush := func() {
			if line != "" {
				out.WriteString(strings.TrimRight(line, " ") + "\n")
			}
			line, used = "", 0
		}
		for _, name := range columns {
			if len(row[name]) == 0 {
				continue
			}
			var values []string
			for _, value := range row[name] {
				values = append(values, Printable(value))
			}
			label, value := Printable(name)+": ", strings.Join(values, ", ")
			pair := label + value
			if n := utf8.RuneCountInString(pair); n <= pairWidth {
				if len(gap)+(used+1)*(pairWidth+len(gap))-len(gap) > width {
					flush()
				}
				line += gap + pair + strings.Repeat(" ", pairWidth-n)
				used++
				continue
			}
			flush()
			indent := utf8.RuneCountInString(gap + label)
			prefix := gap + label
			for _, part := range wrap(value, max(20, width-indent)) {
				out.WriteString(prefix + part + "\n")
				prefix = strings.Repeat(" ", indent)
			}
		}
		flush()
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

// Wrap makes a text printable and breaks it into lines of at most width characters.
func Wrap(text string, width int) string { return strings.Join(wrap(Printable(text), width), "\n") }

// Printable removes what could move a terminal's cursor or colours: control, format and invalid characters.
func Printable(text string) string {
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
