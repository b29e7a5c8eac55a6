package logfile

import (
	"bytes"

	"tordetect/src/event"
	"tordetect/src/rows"
)

var (
	csvNoHeader = problem{Unknown, "the first row is no header with one of the names src_ip, src, dest_ip, dest, sni, query, url and the like"}
	csvQuote    = problem{Unreadable, "a quote inside a bare cell, or text behind a closing quote"}
	csvFewer    = problem{Cut, "the row has fewer cells than the header"}
	csvMore     = problem{Unreadable, "the row has more cells than the header"}
)

// table reads CSV with a header row of known names. Its rows are read by their
// columns, as those of a search are, lists in __mv_ columns too.
type table struct {
	scanner rows.Scanner
	columns event.Columns
	event   event.Event
	header  []byte
	cells   int
}

// bind reads the header row.
func (c *table) bind(line []byte) *problem {
	c.header = append(c.header[:0], line...)
	if err := c.scanner.Reset(c.header); err != nil || !event.IsHeader(c.scanner.Names()) {
		return &csvNoHeader
	}
	c.cells = len(c.scanner.Names())
	c.columns.Bind(c.scanner.Names())
	c.event.Row(&c.scanner, &c.columns)
	return nil
}

// row reads one row; nil and no problem for the header of another file behind this
// one's rows.
func (c *table) row(line []byte) (*event.Event, *problem) {
	if bytes.Equal(line, c.header) {
		return nil, nil
	}
	switch n, ok := countCells(line); {
	case !ok:
		return nil, &csvQuote
	case n < c.cells:
		return nil, &csvFewer
	case n > c.cells:
		return nil, &csvMore
	}
	if !c.scanner.Scan(line) {
		return nil, &csvQuote
	}
	return &c.event, nil
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

// quotedEnd returns the end of the quoted cell that begins at pos, behind its closing
// quote; -1 where it is not closed or text follows.
func quotedEnd(row []byte, pos int) int {
	for pos++; pos < len(row); pos++ {
		if row[pos] != '"' {
			continue
		}
		if pos+1 == len(row) || row[pos+1] == ',' {
			return pos + 1
		}
		if row[pos+1] != '"' {
			return -1
		}
		pos++
	}
	return -1
}
