package terminal

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/jedib0t/go-pretty/v6/table"

	"tordetect/src/text"
)

// The forms of rows.
const (
	FormTable = "table"
	FormJSON  = "json"
	FormCSV   = "csv"
)

// Column is a column of a table. Where the terminal is too narrow, columns of the
// highest rank go first, and those of rank 0 never; cells wider than Widest are
// broken, unless it is 0.
type Column struct {
	Name   string
	Rank   int
	Widest int
}

// Table draws a table as wide as the terminal allows.
func (t *Terminal) Table(columns []Column, rows [][]string) error {
	shown := fitting(columns, rows, t.Width())
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
	for _, row := range rows {
		var cells table.Row
		for _, c := range shown {
			cells = append(cells, text.Printable(row[c]))
		}
		w.AppendRow(cells)
	}
	_, err := io.WriteString(t.out, w.Render()+"\n")
	return err
}

// fitting returns the places of the columns that fit into the width; 0 is any.
func fitting(columns []Column, rows [][]string, width int) []int {
	shown := make([]int, len(columns))
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
		if need <= width || columns[shown[last]].Rank == 0 {
			break
		}
		shown = append(shown[:last], shown[last+1:]...)
	}
	return shown
}

// widest are columns of sentences and paths.
var widest = map[string]int{"reason": 60, "file": 40}

// Rows writes results of named columns in one of the forms. JSON is an object a
// line, with numbers as numbers.
func (t *Terminal) Rows(form string, columns []string, rows [][]any) error {
	if form == FormJSON {
		for _, row := range rows {
			if err := t.Object(columns, row); err != nil {
				return err
			}
		}
		return nil
	}
	words := make([][]string, len(rows))
	for i, row := range rows {
		for _, cell := range row {
			words[i] = append(words[i], text.Printable(fmt.Sprint(cell)))
		}
	}
	if form == FormCSV {
		w := csv.NewWriter(t.out)
		return writing(0, w.WriteAll(append([][]string{columns}, words...)))
	}
	all := make([]Column, len(columns))
	for i, name := range columns {
		all[i] = Column{Name: name, Widest: widest[name]}
	}
	return writing(0, t.Table(all, words))
}

// Object writes a row as JSON, its keys in the order of the columns.
func (t *Terminal) Object(columns []string, row []any) error {
	line := []byte{'{'}
	for i, column := range columns {
		if i > 0 {
			line = append(line, ',')
		}
		value, err := json.Marshal(row[i])
		if err != nil {
			return err
		}
		line = append(AppendJSON(line, []byte(column)), ':')
		for _, r := range string(value) {
			if text.Plays(r) {
				line = appendEscape(line, r)
			} else {
				line = utf8.AppendRune(line, r)
			}
		}
	}
	return t.Print(string(append(line, "}\n"...)))
}

// Pairs writes lines of a name and what is said of it.
func (t *Terminal) Pairs(lines [][2]string) error {
	var b strings.Builder
	for _, line := range lines {
		fmt.Fprintf(&b, "%-12s %s\n", line[0], text.Printable(line[1]))
	}
	return t.Print(b.String())
}
