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
	row  row
	line []byte
	text []byte
}

func (c *csvReport) Add(f *scan.Flow) error {
	c.row.fill(f)
	for i := range columns {
		if i > 0 {
			c.line = append(c.line, ',')
		}
		if cell := c.row.cell(i); len(cell) > 0 {
			cell, c.text = terminal.PrintableCell(cell, c.text)
			c.line = rows.AppendCell(c.line, cell)
		}
	}
	c.line = append(c.line, '\n')
	_, err := c.out.Write(c.line)
	c.line = c.line[:0]
	return err
}

func (c *csvReport) Finish(*scan.Summary) error {
	if _, err := c.out.Write(c.line); err != nil {
		return err
	}
	return c.out.Flush()
}

// JSON returns a report with an object a line for each event. Keys without a value
// are left out; numbers are numbers and lists are lists.
func JSON(out io.Writer) Report { return &jsonReport{out: bufio.NewWriterSize(out, outputSize)} }

type jsonReport struct {
	out  *bufio.Writer
	row  row
	line []byte
}

func (j *jsonReport) Add(f *scan.Flow) error {
	j.row.fill(f)
	line := append(j.line[:0], '{')
	for i, c := range columns {
		value := j.row.cell(i)
		if len(value) == 0 {
			continue
		}
		if len(line) > 1 {
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
	j.line = append(line, "}\n"...)
	_, err := j.out.Write(j.line)
	return err
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
