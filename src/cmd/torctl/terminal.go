package main

// All output of torctl goes through this file. Its rules:
//
//   - Results alone go to stdout, so that they can be piped.
//   - Everything else goes to stderr, a line each, with "torctl: " in front,
//     without a capital and a full stop.
//   - A progress bar is drawn on a terminal only, never into a pipe or file.
//   - Text from outside loses what plays with a terminal; in JSON it is escaped.

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
	"golang.org/x/term"

	"tordetect/src/text"
)

type terminal struct{ out, err io.Writer }

// say writes a line: paths, sources and errors in it may hold anything.
func (t *terminal) say(format string, args ...any) {
	var parts []string
	for line := range strings.Lines(fmt.Sprintf(format, args...)) {
		if line = strings.TrimSpace(line); line != "" {
			parts = append(parts, line)
		}
	}
	fmt.Fprintf(t.err, "torctl: %s\n", printable(strings.Join(parts, "; ")))
}

// The forms of results.
const (
	formTable = "table"
	formJSON  = "json"
	formCSV   = "csv"
	formHTML  = "html"
)

func checkForm(form string, allowed ...string) error {
	for _, a := range allowed {
		if form == a {
			return nil
		}
	}
	last := len(allowed) - 1
	return fmt.Errorf("unknown output form %q: want %s or %s", form, strings.Join(allowed[:last], ", "), allowed[last])
}

// rows writes results of named columns. JSON is an object a line, with numbers as
// numbers.
func (t *terminal) rows(form string, columns []string, rows [][]any) error {
	if err := t.write(form, columns, rows); err != nil {
		return fmt.Errorf("write the output: %w", err)
	}
	return nil
}

func (t *terminal) write(form string, columns []string, rows [][]any) error {
	switch form {
	case formJSON:
		for _, row := range rows {
			if err := t.object(columns, row); err != nil {
				return err
			}
		}
		return nil
	case formCSV:
		w := csv.NewWriter(t.out)
		if err := w.Write(columns); err != nil {
			return err
		}
		for _, row := range rows {
			cells := make([]string, len(row))
			for i, cell := range row {
				cells[i] = printable(fmt.Sprint(cell))
			}
			if err := w.Write(cells); err != nil {
				return err
			}
		}
		w.Flush()
		return w.Error()
	}
	w := table.NewWriter()
	w.SetStyle(table.StyleLight)
	header := make(table.Row, len(columns))
	for i, column := range columns {
		header[i] = column
	}
	w.AppendHeader(header)
	w.Style().Format.Header = 0
	for _, row := range rows {
		cells := make(table.Row, len(row))
		for i, cell := range row {
			cells[i] = printable(fmt.Sprint(cell))
		}
		w.AppendRow(cells)
	}
	w.SetColumnConfigs([]table.ColumnConfig{{Name: "reason", WidthMax: 60}, {Name: "file", WidthMax: 40}})
	_, err := io.WriteString(t.out, w.Render()+"\n")
	return err
}

// object writes a row as JSON, its keys in the order of the columns.
func (t *terminal) object(columns []string, row []any) error {
	var b strings.Builder
	b.WriteByte('{')
	for i, column := range columns {
		if i > 0 {
			b.WriteByte(',')
		}
		value, err := json.Marshal(row[i])
		if err != nil {
			return err
		}
		fmt.Fprintf(&b, "%q:%s", column, escaped(value))
	}
	b.WriteString("}\n")
	_, err := io.WriteString(t.out, b.String())
	return err
}

// escaped writes what plays with a terminal as JSON's \uXXXX, so that nothing of
// it is lost.
func escaped(value []byte) []byte {
	var out []byte
	for _, r := range string(value) {
		if !playful(r) {
			out = utf8.AppendRune(out, r)
			continue
		}
		for _, unit := range utf16.AppendRune(nil, r) {
			out = fmt.Appendf(out, "\\u%04x", unit)
		}
	}
	return out
}

// progress draws a bar over so many files and returns what to call as each is
// begun, and at the end.
func (t *terminal) progress(files int) (next func(path string), done func()) {
	f, ok := t.err.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) || files < 2 {
		return func(string) {}, func() {}
	}
	name := ""
	p := mpb.New(mpb.WithOutput(f), mpb.WithWidth(40))
	bar := p.AddBar(int64(files),
		mpb.PrependDecorators(decor.CountersNoUnit("%d of %d files")),
		mpb.AppendDecorators(decor.Any(func(decor.Statistics) string { return name })),
		mpb.BarRemoveOnComplete())
	begun := int64(0)
	return func(path string) {
			name = printable(filepath.Base(path))
			bar.SetCurrent(min(begun, int64(files)-1))
			begun++
		}, func() {
			bar.SetCurrent(int64(files))
			p.Wait()
		}
}

// printable replaces what text from outside could use to play with the terminal.
func printable(s string) string { return text.Printable(s) }

// playful tells what printable replaces.
func playful(r rune) bool { return text.Plays(r) }
