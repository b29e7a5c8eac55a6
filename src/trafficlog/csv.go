package trafficlog

import (
	"bytes"
	"slices"
	"strings"

	"tordetect/src/rows"
)

var (
	csvNoHeader = problem{Unknown, "the first row is no header with one of the names src_ip, src, dest_ip, dest, sni, query, url and the like"}
	csvQuote    = problem{Unreadable, "a quote inside a bare cell, or text behind a closing quote"}
	csvFewer    = problem{Cut, "the row has fewer cells than the header"}
	csvMore     = problem{Unreadable, "the row has more cells than the header"}
)

// csvRows reads CSV with a header row of CIM names. Its rows pass as they are, so
// that they are judged as Splunk would judge them, lists in __mv_ columns too.
type csvRows struct {
	header []byte
	cells  int
	time   int  // number of the column _time, -1 without one
	traced bool // the file has a column log_line of its own
	useful bool // the header names something to judge
}

func (c *csvRows) begin() { *c = csvRows{header: c.header[:0]} }

func (c *csvRows) columns() []byte { return c.header }

func (c *csvRows) row(dst, line []byte) ([]byte, int64, *problem) {
	switch {
	case len(line) == 0:
		return dst, 0, &blank
	case c.cells == 0:
		return dst, 0, c.bind(line)
	case bytes.Equal(line, c.header):
		return dst, 0, &blank // of a file that was made of several
	case !c.useful:
		return dst, 0, &other
	}
	switch n, ok := countCells(line); {
	case !ok:
		return dst, 0, &csvQuote
	case n < c.cells:
		return dst, 0, &csvFewer
	case n > c.cells:
		return dst, 0, &csvMore
	}
	var at int64
	if c.time >= 0 && len(line) > 0 {
		at, _ = decimal(bytes.Trim(cellAt(line, c.time), `"`))
	}
	return append(dst, line...), at / million, nil
}

// bind reads the header row.
func (c *csvRows) bind(line []byte) *problem {
	c.header = append(c.header[:0], line...)
	var scanner rows.Scanner
	if err := scanner.Reset(c.header); err != nil {
		c.cells = 1
		return &csvNoHeader
	}
	names := scanner.Names()
	c.cells = len(names)
	c.time = slices.Index(names, "_time")
	c.traced = slices.Contains(names, "log_line")
	if c.useful = isHeader(names); !c.useful {
		return &csvNoHeader
	}
	return &blank
}

// isHeader reports whether a row names something to judge.
func isHeader(names []string) bool {
	for _, name := range names {
		if _, ok := cimIsEnd[bareName(strings.TrimPrefix(name, "__mv_"))]; ok {
			return true
		}
	}
	return false
}

// countCells counts the cells of a row, by the grammar of package rows.
func countCells(row []byte) (int, bool) {
	if bytes.IndexByte(row, '"') < 0 {
		return bytes.Count(row, []byte{','}) + 1, true
	}
	n := 1
	for pos := 0; ; n++ {
		end, ok := cellEnd(row, pos)
		if !ok || end == len(row) {
			return n, ok
		}
		pos = end + 1
	}
}

// cellEnd returns the end of the cell that begins at pos.
func cellEnd(row []byte, pos int) (int, bool) {
	if pos < len(row) && row[pos] == '"' {
		end := quotedEnd(row, pos)
		return end, end >= 0
	}
	end := bytes.IndexByte(row[pos:], ',')
	if end < 0 {
		end = len(row) - pos
	}
	return pos + end, bytes.IndexByte(row[pos:pos+end], '"') < 0
}

// cellAt returns a cell of a row that countCells accepts.
func cellAt(row []byte, column int) []byte {
	pos := 0
	for {
		end, ok := cellEnd(row, pos)
		if column == 0 || !ok || end == len(row) {
			return row[pos:max(end, pos)]
		}
		pos = end + 1
		column--
	}
}
