package terminal

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"

	"tordetect/src/text"
)

// The forms of rows.
const (
	FormTable = "table"
	FormJSON  = "json"
	FormCSV   = "csv"
)

// widest are columns of sentences and paths.
var widest = map[string]int{"reason": 60, "file": 40}

// tones are columns that say whether something is wrong.
var tones = map[string]func(string) Tone{"ok": func(cell string) Tone {
	if cell == "false" {
		return Alarm
	}
	return Plain
}}

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
		return t.Print(asCSV(append([][]string{columns}, words...)))
	}
	all := make([]Column, len(columns))
	for i, name := range columns {
		all[i] = Column{Name: name, Widest: widest[name], Tone: tones[name]}
	}
	_, err := t.Table(all, words) // none has a rank, so none is left out
	return writing(0, err)
}

// asCSV quotes also what has a semicolon, with which spreadsheets of some languages part
// cells: behind it a formula could begin.
func asCSV(lines [][]string) string {
	var b, scratch []byte
	for _, line := range lines {
		for i, word := range line {
			if i > 0 {
				b = append(b, ',')
			}
			var cell []byte
			cell, scratch = PrintableCSV([]byte(word), scratch)
			if bytes.ContainsAny(cell, "\",;") || len(cell) > 0 && cell[0] == ' ' {
				b = append(b, '"')
				b = append(b, bytes.ReplaceAll(cell, []byte{'"'}, []byte(`""`))...)
				b = append(b, '"')
			} else {
				b = append(b, cell...)
			}
		}
		b = append(b, '\n')
	}
	return string(b)
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
