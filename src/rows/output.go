package rows

import "slices"

// multiPrefix begins the name of the column that holds a field's list
// (protocol.md section 7).
const multiPrefix = "__mv_"

// Field is a field that the caller writes. A List field has a __mv_ column too.
type Field struct {
	Name string
	List bool
}

// Output writes rows with the fields of the caller in them.
//
// A field that the input has already is replaced where it stands, in each column
// of that name. Its __mv_ column is rewritten, or cleared when the field is no
// List: a stale list would win over the new value (protocol.md section 9).
// Fields that the input does not have are appended in order, then the __mv_
// columns that are missing. No column is added under a name that is there
// already. All other bytes of a row are copied as they are.
type Output struct {
	columns []column // that the fields may need, plain ones first

	replaced []replaced // in the order of the input's columns
	added    []part     // in the order of the output
	alone    bool       // the output has one column, and it is replaced
	header   []byte     // row of the output, with its row end
}

// column is one column of the output that is not copied.
type column struct {
	name string
	cell []byte // name as a CSV cell
	part part
	add  bool // where the input does not have it
}

// part says which part of which Cell goes into a column.
type part struct {
	field int
	kind  kind
}

type kind uint8

const (
	plain kind = iota
	multi
	cleared
)

// replaced is a column of the input that is not copied.
type replaced struct {
	column int
	part   part
}

// NewOutput returns an Output for these fields. Bind has to follow. Where two
// columns get one name, by equal fields or a field named like the __mv_ column of
// another, the first field is written and a plain column before a list.
func NewOutput(fields []Field) *Output { return &Output{columns: columnsOf(fields)} }

func columnsOf(fields []Field) (columns []column) {
	put := func(name string, p part, add bool) {
		taken := func(c column) bool { return c.name == name }
		if !slices.ContainsFunc(columns, taken) {
			columns = append(columns, column{name, AppendCell(nil, []byte(name)), p, add})
		}
	}
	for i, f := range fields {
		put(f.Name, part{i, plain}, true)
	}
	for i, f := range fields {
		if f.List {
			put(multiPrefix+f.Name, part{i, multi}, true)
		} else {
			put(multiPrefix+f.Name, part{i, cleared}, false)
		}
	}
	return columns
}

// Bind lays out the reply for the header that s has read. It has to be called after
// each Reset of s; it allocates nothing when the header is the same as before.
func (o *Output) Bind(s *Scanner) {
	names := s.Names()
	o.replaced, o.added = o.replaced[:0], o.added[:0]
	o.header = append(o.header[:0], s.Header()...)
	for number, name := range names {
		for i := range o.columns {
			if c := &o.columns[i]; c.name == name {
				o.replaced = append(o.replaced, replaced{number, c.part})
				break
			}
		}
	}
	if len(names) > 0 {
		for i := range o.columns {
			if c := &o.columns[i]; c.add && !slices.Contains(names, c.name) {
				o.added = append(o.added, c.part)
				o.header = append(o.header, ',')
				o.header = append(o.header, c.cell...)
			}
		}
		o.header = appendRowEnd(o.header)
	}
	o.alone = len(o.replaced) == 1 && len(names) == 1 && len(o.added) == 0
}

// AppendHeader appends the header row of the reply. For an input without columns,
// which is an empty body, that is nothing.
func (o *Output) AppendHeader(dst []byte) []byte { return append(dst, o.header...) }

// AppendRow appends the current row of s with cells in it, one for each field of
// NewOutput. It allocates nothing but room in dst.
func (o *Output) AppendRow(dst []byte, s *Scanner, cells []Cell) []byte {
	from := s.start
	for _, r := range o.replaced {
		dst = append(dst, s.body[from:s.sep(r.column)+1]...)
		cell := r.part.of(cells)
		if len(cell) == 0 && o.alone {
			cell = emptyCell
		}
		dst = append(dst, cell...)
		from = s.sep(r.column + 1)
	}
	dst = append(dst, s.body[from:s.end]...)
	return o.AppendTail(dst, cells)
}

// AppendTail appends what AppendRow puts behind the row: the added fields and
// the row end. A caller with many rows that get the same cells keeps it and
// appends it with AppendRowTail.
func (o *Output) AppendTail(dst []byte, cells []Cell) []byte {
	for _, p := range o.added {
		dst = append(dst, ',')
		dst = append(dst, p.of(cells)...)
	}
	return appendRowEnd(dst)
}

// Replaces reports whether fields of the input are replaced, so that a tail is
// not all that a row gets.
func (o *Output) Replaces() bool { return len(o.replaced) > 0 }

// AppendRowTail is AppendRow with a tail of AppendTail, for an Output that
// replaces nothing and since the same Bind.
func (o *Output) AppendRowTail(dst []byte, s *Scanner, tail []byte) []byte {
	dst = append(dst, s.body[s.start:s.end]...)
	return append(dst, tail...)
}

// emptyCell stands for an empty cell that is a row of its own: readers of CSV
// take an empty line for no row at all.
var emptyCell = []byte(`""`)

// of returns the part of cells that p names.
func (p part) of(cells []Cell) []byte {
	switch p.kind {
	case plain:
		return cells[p.field].Plain
	case multi:
		return cells[p.field].Multi
	}
	return nil
}

// appendRowEnd ends the row at the end of dst with LF. A row whose last byte is a
// CR gets CRLF, for LF alone would take that CR from the last cell.
func appendRowEnd(dst []byte) []byte {
	if n := len(dst); n > 0 && dst[n-1] == '\r' {
		dst = append(dst, '\r')
	}
	return append(dst, '\n')
}
