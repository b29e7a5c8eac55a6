package main

import (
	"bufio"
	"bytes"
	"io"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"tordetect/src/rows"
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
		c.text = appendPrintable(c.text[:0], r.cell(column(i)))
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

// appendPrintable appends text for a cell that may end on a terminal: the values
// of a list with ; between them, other control characters as a question mark.
func appendPrintable(dst, text []byte) []byte {
	if isPrintableASCII(text) {
		return append(dst, text...)
	}
	return append(dst, printable(strings.ReplaceAll(string(text), "\n", ";"))...)
}

func isPrintableASCII(text []byte) bool {
	for _, c := range text {
		if c < ' ' || c > '~' {
			return false
		}
	}
	return true
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
				line = appendJSON(line, one)
				if value = rest; !more {
					break
				}
			}
			line = append(line, ']')
		default:
			line = appendJSON(line, value)
		}
	}
	j.line = append(line, "}\n"...)
	_, err := j.out.Write(j.line)
	return err
}

func (j *jsonReport) finish(*summary) error { return j.out.Flush() }

// appendJSON appends a JSON string. What a terminal could take for a command is
// escaped, so that nothing is lost.
func appendJSON(dst, text []byte) []byte {
	dst = append(dst, '"')
	if isPrintableASCII(text) && bytes.IndexByte(text, '"') < 0 && bytes.IndexByte(text, '\\') < 0 {
		return append(append(dst, text...), '"')
	}
	for len(text) > 0 {
		r, size := utf8.DecodeRune(text)
		switch {
		case r == '"' || r == '\\':
			dst = append(dst, '\\', byte(r))
		case r > 0xffff && unicode.Is(unicode.Cf, r):
			high, low := utf16.EncodeRune(r)
			dst = appendEscape(appendEscape(dst, high), low)
		case unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == 0x2028 || r == 0x2029:
			dst = appendEscape(dst, r)
		default:
			dst = utf8.AppendRune(dst, r)
		}
		text = text[size:]
	}
	return append(dst, '"')
}

func appendEscape(dst []byte, r rune) []byte {
	const hex = "0123456789abcdef"
	return append(dst, '\\', 'u', hex[r>>12&15], hex[r>>8&15], hex[r>>4&15], hex[r&15])
}
