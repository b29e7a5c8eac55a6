package report

import (
	"bufio"
	"bytes"
	"io"

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
	row  row
	text []byte
}

func (c *csvRow) append(line []byte, f *scan.Flow) []byte {
	c.row.fill(f)
	for i := range columns {
		if i > 0 {
			line = append(line, ',')
		}
		if cell := c.row.cell(i); len(cell) > 0 {
			cell, c.text = terminal.PrintableCSV(cell, c.text)
			line = rows.AppendCell(line, cell)
		}
	}
	return append(line, '\n')
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
type jsonRow struct{ row row }

func (j *jsonRow) append(line []byte, f *scan.Flow) []byte {
	j.row.fill(f)
	line = append(line, '{')
	for i, c := range columns {
		value := j.row.cell(i)
		if len(value) == 0 {
			continue
		}
		if line[len(line)-1] != '{' {
			line = append(line, ',')
		}
		line = append(append(append(line, '"'), c.name...), '"', ':')
		switch {
		case c.shape == number && isNumber(value):
			line = append(line, value...)
		case c.shape == list || bytes.IndexByte(value, '\n') >= 0:
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
			line = append(line, ']')
		default:
			line = terminal.AppendJSON(line, value)
		}
	}
	return append(line, "}\n"...)
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
