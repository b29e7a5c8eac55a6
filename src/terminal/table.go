package terminal

import (
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/jedib0t/go-pretty/v6/table"

	"tordetect/src/text"
)

// Column is a column of a table. Where the terminal is too narrow, columns of the
// highest rank go first, and those of rank 0 never; cells wider than Widest are
// broken, unless it is 0. Tone says how much a cell matters.
type Column struct {
	Name   string
	Rank   int
	Widest int
	Tone   func(cell string) Tone
}

func (c *Column) toned(t *Terminal, cell string) string {
	if c.Tone == nil {
		return cell
	}
	return t.Toned(c.Tone(cell), cell)
}

// Table draws a table as wide as the terminal allows, and returns the names of the
// columns that found no room. Where not even those of rank 0 do, each row becomes
// lines of a name and a value, with all columns.
func (t *Terminal) Table(columns []Column, rows [][]string) (left []string, err error) {
	clean := make([][]string, len(rows))
	for i, row := range rows {
		for _, cell := range row {
			clean[i] = append(clean[i], text.Printable(cell))
		}
	}
	shown, fits := fitting(columns, clean, t.Width())
	if !fits {
		return nil, t.records(columns, clean)
	}
	for i, c := range columns {
		if !slices.Contains(shown, i) {
			left = append(left, c.Name)
		}
	}
	w := table.NewWriter()
	w.SetStyle(table.StyleLight)
	w.Style().Format.Header = 0
	var header table.Row
	var configs []table.ColumnConfig
	for _, c := range shown {
		header = append(header, columns[c].Name)
		configs = append(configs, table.ColumnConfig{Name: columns[c].Name, WidthMax: columns[c].Widest})
	}
	w.AppendHeader(header)
	w.SetColumnConfigs(configs)
	for _, row := range clean {
		var cells table.Row
		for _, c := range shown {
			cells = append(cells, columns[c].toned(t, row[c]))
		}
		w.AppendRow(cells)
	}
	_, err = io.WriteString(t.out, w.Render()+"\n")
	return left, err
}

// fitting returns the places of the columns that fit into the width, and whether
// those of rank 0 do; a width of 0 is any.
func fitting(columns []Column, rows [][]string, width int) (shown []int, fits bool) {
	shown = make([]int, len(columns))
	widths := make([]int, len(columns))
	for i, c := range columns {
		shown[i], widths[i] = i, len(c.Name)
		for _, row := range rows {
			widths[i] = max(widths[i], utf8.RuneCountInString(row[i]))
		}
		if c.Widest > 0 {
			widths[i] = min(widths[i], c.Widest)
		}
	}
	for width > 0 {
		need, last := 1, 0 // borders: one in front, three a column
		for at, i := range shown {
			need += widths[i] + 3
			if columns[i].Rank >= columns[shown[last]].Rank {
				last = at
			}
		}
		if need <= width {
			break
		}
		if columns[shown[last]].Rank == 0 {
			return shown, false
		}
		shown = append(shown[:last], shown[last+1:]...)
	}
	return shown, true
}

// records writes rows as lines of a name and a value, a blank line between two.
func (t *Terminal) records(columns []Column, rows [][]string) error {
	longest := 0
	for _, c := range columns {
		longest = max(longest, len(c.Name))
	}
	var b strings.Builder
	for i, row := range rows {
		if i > 0 {
			b.WriteByte('\n')
		}
		for at, c := range columns {
			name := c.Name + ":" + strings.Repeat(" ", longest-len(c.Name)+1)
			value := row[at]
			if value == "" {
				value = "-"
			}
			lines := t.set(name, strings.Repeat(" ", len(name)), value)
			b.WriteString(name + strings.Replace(lines[len(name):], value, c.toned(t, value), 1)) // of one line: who has a tone is a word
		}
	}
	_, err := io.WriteString(t.out, b.String())
	return err
}
