package rows

import "slices"

// Writer writes rows that a command makes itself: a header row with the fields
// in their order, then the __mv_ columns of the List fields, and rows of as many
// cells. Make one with NewWriter. It keeps the rules of [Output] for names that
// come twice.
//
//	out := rows.NewWriter([]rows.Field{{Name: "ip"}, {Name: "codes", List: true}})
//	reply = out.AppendHeader(reply)
//	cells := make([]rows.Cell, 2)
//	cells[0].SetString("192.0.2.7")
//	cells[1].SetList(&codes)
//	reply = out.AppendRow(reply, cells)
type Writer struct {
	columns []column
	header  []byte // with its row end
}

// NewWriter returns a Writer of rows with these fields.
func NewWriter(fields []Field) *Writer {
	w := &Writer{columns: slices.DeleteFunc(columnsOf(fields), func(c column) bool { return !c.add })}
	w.header = w.appendRow(nil, func(c *column) []byte { return c.cell })
	return w
}

// Plain returns fields of these names, none of which is a list.
func Plain(names ...string) []Field {
	fields := make([]Field, len(names))
	for i, name := range names {
		fields[i].Name = name
	}
	return fields
}

// AppendHeader appends the header row, with which each reply begins.
func (w *Writer) AppendHeader(dst []byte) []byte { return append(dst, w.header...) }

// AppendRow appends a row with cells in it, one for each field of NewWriter.
func (w *Writer) AppendRow(dst []byte, cells []Cell) []byte {
	return w.appendRow(dst, func(c *column) []byte { return c.part.of(cells) })
}

func (w *Writer) appendRow(dst []byte, cell func(*column) []byte) []byte {
	for i := range w.columns {
		if i > 0 {
			dst = append(dst, ',')
		}
		text := cell(&w.columns[i])
		if len(text) == 0 && len(w.columns) == 1 {
			text = emptyCell
		}
		dst = append(dst, text...)
	}
	return appendRowEnd(dst)
}
