package report

import (
	"bufio"
	"bytes"
	"io"
	"strconv"

	"tordetect/src/rows"
	"tordetect/src/scan"
	"tordetect/src/terminal"
)

// outputSize is how much is written at once. A pipe takes 64 kB.
const outputSize = 64 << 10

// CSV returns a report with a row for each event.
func CSV(out io.Writer) Report {
	c := &csvReport{out: bufio.NewWriterSize(out, outputSize)}
	for i, column := range columns {
		if i > 0 {
			c.line = append(c.line, ',')
		}
		c.line = append(c.line, column.name...)
	}
	c.line = append(c.line, '\n')
	return c // the header goes out with the first row, or at the end
}

type csvReport struct {
	out  *bufio.Writer
	csv  csvRow
	line []byte
}

func (c *csvReport) Add(f *scan.Flow) error {
	c.line = c.csv.append(c.line, f)
	return c.Write(nil)
}

func (c *csvReport) Encoder() func([]byte, *scan.Flow) []byte { return new(csvRow).append }

func (c *csvReport) Write(text []byte) error {
	_, err := c.out.Write(c.line)
	if c.line = c.line[:0]; err != nil {
		return err
	}
	return write(c.out, text)
}

func (c *csvReport) Finish(*scan.Summary) error {
	if err := c.Write(nil); err != nil {
		return err
	}
	return c.out.Flush()
}

// csvRow writes an event as a row.
type csvRow struct {
	finding finding
	told    told
	file    string
	place   []byte // how the file is written
	scratch []byte
}

func (c *csvRow) append(line []byte, f *scan.Flow) []byte {
	if f.File != c.file || len(c.place) == 0 {
		c.file = f.File
		c.place = append(c.cell(c.place[:0], []byte(f.File)), ',')
	}
	line = appendNumber(append(line, c.place...), f.Line)
	line = appendNumber(append(line, ','), f.Last)
	line = append(line, ',')
	if f.First != 0 {
		line = strconv.AppendInt(line, max(f.Last-f.First, 0), 10)
	}
	for i := range f.Cells {
		line = c.cell(append(line, ','), f.Cells[i])
	}
	if text := c.told.recall(f); text != nil {
		return append(line, text...)
	}
	c.finding.fill(f)
	start := len(line)
	for i := firstFound; i < len(columns); i++ {
		line = c.cell(append(line, ','), c.finding.cell(i))
	}
	line = append(line, '\n')
	c.told.keep(f, line[start:])
	return line
}

// cell appends a cell. Of one that begins with a letter or digit, as nearly all do, the
// bytes say all.
func (c *csvRow) cell(line, cell []byte) []byte {
	if len(cell) == 0 {
		return line
	}
	if cares[cell[0]] == 0 {
		switch careOf(cell[1:]) &^ escapes {
		case 0:
			return append(line, cell...)
		case quotes:
			return append(append(append(line, '"'), cell...), '"')
		}
	}
	cell, c.scratch = terminal.PrintableCSV(cell, c.scratch)
	return rows.AppendCell(line, cell)
}

// appendNumber appends a number; nothing for 0, which is "not known".
func appendNumber(line []byte, n int64) []byte {
	if n == 0 {
		return line
	}
	return strconv.AppendInt(line, n, 10)
}

// write writes rows in pieces that the buffer takes, so that what a run that fails has
// written does not depend on how many rows came at once.
func write(out *bufio.Writer, text []byte) error {
	for len(text) > 0 {
		n := min(len(text), outputSize)
		if _, err := out.Write(text[:n]); err != nil {
			return err
		}
		text = text[n:]
	}
	return nil
}

// JSON returns a report with an object a line for each event. Keys without a value
// are left out; numbers are numbers and lists are lists.
func JSON(out io.Writer) Report { return &jsonReport{out: bufio.NewWriterSize(out, outputSize)} }

type jsonReport struct {
	out  *bufio.Writer
	json jsonRow
	line []byte
}

func (j *jsonReport) Add(f *scan.Flow) error {
	j.line = j.json.append(j.line[:0], f)
	return j.Write(j.line)
}

func (j *jsonReport) Encoder() func([]byte, *scan.Flow) []byte { return new(jsonRow).append }

func (j *jsonReport) Write(text []byte) error { return write(j.out, text) }

// jsonRow writes an event as an object on a line.
type jsonRow struct {
	finding finding
	told    told
	file    string
	place   []byte // how the object begins
}

func (j *jsonRow) append(line []byte, f *scan.Flow) []byte {
	start := len(line)
	if f.File != j.file || len(j.place) == 0 {
		j.file = f.File
		j.place = dropComma(appendValue(append(j.place[:0], '{'), 0, []byte(f.File)), 0)
	}
	line = append(line, j.place...)
	for i, n := range [...]int64{1: f.Line, 2: f.Last} {
		if n != 0 {
			line = strconv.AppendInt(append(line, keys[i]...), n, 10)
		}
	}
	if f.First != 0 {
		line = strconv.AppendInt(append(line, keys[3]...), max(f.Last-f.First, 0), 10)
	}
	for i := range f.Cells {
		if cell := f.Cells[i]; len(cell) > 0 {
			line = appendValue(line, firstCell+i, cell)
		}
	}
	if text := j.told.recall(f); text != nil {
		line = append(line, text...)
	} else {
		j.finding.fill(f)
		from := len(line)
		for i := firstFound; i < len(columns); i++ {
			line = appendValue(line, i, j.finding.cell(i))
		}
		line = append(line, "}\n"...)
		j.told.keep(f, line[from:])
	}
	return dropComma(line, start)
}

// keys are how the columns are named in an object that has others before.
var keys = func() (out []string) {
	for _, c := range columns {
		out = append(out, `,"`+c.name+`":`)
	}
	return out
}()

// dropComma takes away the comma in front of the first key of an object.
func dropComma(line []byte, start int) []byte {
	if len(line) > start+1 && line[start+1] == ',' {
		line = append(line[:start+1], line[start+2:]...)
	}
	return line
}

// appendValue appends a column; nothing where it is empty.
func appendValue(line []byte, column int, value []byte) []byte {
	if len(value) == 0 {
		return line
	}
	line = append(line, keys[column]...)
	needs, shape := careOf(value), columns[column].shape
	switch {
	case shape == number && isNumber(value):
		return append(line, value...)
	case shape == list || needs != 0 && bytes.IndexByte(value, '\n') >= 0:
		line = append(line, '[')
		for n := 0; ; n++ {
			at := bytes.IndexByte(value, '\n')
			if n > 0 {
				line = append(line, ',')
			}
			if at < 0 {
				line = terminal.AppendJSON(line, value)
				break
			}
			line = terminal.AppendJSON(line, value[:at])
			value = value[at+1:]
		}
		return append(line, ']')
	case needs&escapes == 0:
		return append(append(append(line, '"'), value...), '"')
	}
	return terminal.AppendJSON(line, value)
}

func (j *jsonReport) Finish(*scan.Summary) error { return j.out.Flush() }

// isNumber reports whether text can stand in JSON as a number.
func isNumber(text []byte) bool {
	if len(text) == 0 || len(text) > 20 || text[0] == '0' && len(text) > 1 && text[1] != '.' {
		return false
	}
	dot := false
	for i, c := range text {
		if c == '.' && !dot && i > 0 && i+1 < len(text) {
			dot = true
		} else if c < '0' || c > '9' {
			return false
		}
	}
	return true
}
