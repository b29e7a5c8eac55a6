package main

import (
	"bufio"
	"bytes"
	"io"

	"tordetect/src/rows"
	"tordetect/src/terminal"
)

// outputSize is how much is written at once. A pipe takes 64 kB.
const outputSize = 64 << 10

// csvReport writes a row for each flow.
type csvReport struct {
	out  *bufio.Writer
	line []byte
	text []byte
}

func newCSVReport(out io.Writer) *csvReport {
	c := &csvReport{out: bufio.NewWriterSize(out, outputSize)}
	for i, column := range resultColumns {
		if i > 0 {
			c.line = append(c.line, ',')
		}
		c.line = append(c.line, column.name...)
	}
	c.line = append(c.line, '\n')
	return c // the header goes out with the first row, or at the end
}

func (c *csvReport) add(r *judged) error {
	for i := range resultColumns {
		if i > 0 {
			c.line = append(c.line, ',')
		}
		c.text = terminal.AppendPrintable(c.text[:0], r.cell(column(i)))
		c.line = rows.AppendCell(c.line, c.text)
	}
	c.line = append(c.line, '\n')
	_, err := c.out.Write(c.line)
	c.line = c.line[:0]
	return err
}

func (c *csvReport) finish(*summary) error {
	if _, err := c.out.Write(c.line); err != nil {
		return err
	}
	return c.out.Flush()
}

// jsonReport writes an object a line for each flow. Keys without a value are left
// out; numbers are numbers and lists are lists.
type jsonReport struct {
	out  *bufio.Writer
	line []byte
}

func newJSONReport(out io.Writer) *jsonReport {
	return &jsonReport{out: bufio.NewWriterSize(out, outputSize)}
}

func (j *jsonReport) add(r *judged) error {
	line := append(j.line[:0], '{')
	for i, c := range resultColumns {
		value := r.cell(column(i))
		if len(value) == 0 {
			continue
		}
		if len(line) > 1 {
			line = append(line, ',')
		}
		line = append(append(append(line, '"'), c.name...), '"', ':')
		switch {
		case c.shape == shapeNumber && isNumber(value):
			line = append(line, value...)
		case c.shape == shapeList || bytes.IndexByte(value, '\n') >= 0:
			line = append(line, '[')
			for n := 0; ; n++ {
				one, rest, more := bytes.Cut(value, []byte{'\n'})
				if n > 0 {
					line = append(line, ',')
				}
				line = terminal.AppendJSON(line, one)
				if value = rest; !more {
					break
				}
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

func (j *jsonReport) finish(*summary) error { return j.out.Flush() }
