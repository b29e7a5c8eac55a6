package rows

import "slices"

// multiPrefix begins the name of the column with a field's list (protocol.md
// section 7).
const multiPrefix = "__mv_"

// Field is a field that the caller writes. A List field has a __mv_ column too.
type Field struct {
	Name string
	List bool
}

// Cell is what a row gets for one field, both parts CSV encoded already; see
// [AppendCell], [List.AppendPlain] and [List.AppendMulti]. Multi is written for
// List fields only.
type Cell struct{ Plain, Multi []byte }

// Output writes rows with the fields of the caller in them. A field that the
// input has already is replaced where it stands, in every column of that name,
// and its __mv_ column is rewritten, or cleared when the field is no list: a
// stale list would win over the new value. Fields that the input does not have
// are appended in order, then the __mv_ columns that are missing. No column is
// ever added under a name that is there already. All other bytes are copied as
// they are.
type Output struct {
	fields []Field
	multi  []string // name of the __mv_ column of each field

	replaced []place // in the order of columns
	added    []place
	columns  int // of the input
	header   []byte
	picks    []int
}

// place is one column of the output: where it stands in the input, and which
// part of which cell goes there.
type place struct {
	column int // of the input; for an added column not used
	field  int
	part   part
}

type part uint8

const (
	plainPart part = iota
	multiPart
	noPart // the cell is cleared
)

// NewOutput returns an Output for these fields; Bind must follow. A second field
// of the same name is ignored.
func NewOutput(fields []Field) *Output {
	o := &Output{fields: slices.Clone(fields), multi: make([]string, len(fields))}
	for i, f := range fields {
		o.multi[i] = multiPrefix + f.Name
	}
	return o
}

// Bind lays out the reply for the header that s has read, and picks columns of
// s: those that the caller reads, in any order, and those that are replaced. A
// negative number in read stands for a column that the input does not have, and
// is passed over. Bind has to be called after each Reset; it allocates nothing
// when the header has not changed.
func (o *Output) Bind(s *Scanner, read []int) {
	names := s.Names()
	o.columns = len(names)
	o.replaced, o.added, o.picks = o.replaced[:0], o.added[:0], o.picks[:0]
	o.header = append(o.header[:0], s.Header()...)
	for _, column := range read {
		if column >= 0 {
			o.picks = append(o.picks, column)
		}
	}
	for column, name := range names {
		if p, ok := o.find(name); ok {
			p.column = column
			o.replaced = append(o.replaced, p)
			o.picks = append(o.picks, column)
		}
	}
	for i, f := range o.fields {
		o.add(names, f.Name, place{field: i, part: plainPart})
	}
	for i, f := range o.fields {
		if f.List {
			o.add(names, o.multi[i], place{field: i, part: multiPart})
		}
	}
	if o.columns == 0 {
		o.header, o.added = o.header[:0], o.added[:0]
	} else {
		o.header = appendRowEnd(o.header)
	}
	slices.Sort(o.picks)
	o.picks = slices.Compact(o.picks)
	s.Pick(o.picks)
}

// find returns what goes into an input column of this name.
func (o *Output) find(name string) (place, bool) {
	for i, f := range o.fields {
		if f.Name == name {
			return place{field: i, part: plainPart}, true
		}
	}
	for i, multi := range o.multi {
		if multi == name {
			if o.fields[i].List {
				return place{field: i, part: multiPart}, true
			}
			return place{field: i, part: noPart}, true
		}
	}
	return place{}, false
}

// add appends a column to the output unless its name is taken.
func (o *Output) add(names []string, name string, p place) {
	if slices.Contains(names, name) {
		return
	}
	for _, q := range o.added {
		if q.part == plainPart && o.fields[q.field].Name == name || q.part == multiPart && o.multi[q.field] == name {
			return
		}
	}
	o.added = append(o.added, p)
	o.header = append(o.header, ',')
	o.header = AppendCell(o.header, []byte(name))
}

// AppendHeader appends the header row of the reply. For an input without columns,
// which is an empty body, that is nothing.
func (o *Output) AppendHeader(dst []byte) []byte { return append(dst, o.header...) }

// AppendRow appends the current row of s with cells in it, one for each field.
// It allocates nothing but room in dst.
func (o *Output) AppendRow(dst []byte, s *Scanner, cells []Cell) []byte {
	from := s.start
	for _, p := range o.replaced {
		dst = append(dst, s.body[from:s.seps[p.column]+1]...)
		cell := p.cell(cells)
		if len(cell) == 0 && o.columns == 1 && len(o.added) == 0 {
			cell = emptyCell
		}
		dst = append(dst, cell...)
		from = s.seps[p.column+1]
	}
	dst = append(dst, s.body[from:s.end]...)
	for _, p := range o.added {
		dst = append(dst, ',')
		dst = append(dst, p.cell(cells)...)
	}
	return appendRowEnd(dst)
}

// emptyCell stands for an empty cell that is a row of its own: readers of CSV
// take an empty line for no row at all.
var emptyCell = []byte(`""`)

// cell returns the part of cells that belongs into a place.
func (p place) cell(cells []Cell) []byte {
	switch p.part {
	case plainPart:
		return cells[p.field].Plain
	case multiPart:
		return cells[p.field].Multi
	}
	return nil
}

// appendRowEnd ends the row that dst ends with by LF. Only where the last cell
// ends with a CR, which LF alone would take away from it, it is CRLF.
func appendRowEnd(dst []byte) []byte {
	if n := len(dst); n > 0 && dst[n-1] == '\r' {
		dst = append(dst, '\r')
	}
	return append(dst, '\n')
}
