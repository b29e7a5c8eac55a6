package report

import (
	"strconv"

	"tordetect/src/scan"
)

// shape is how a column is written as JSON.
type shape uint8

const (
	plain shape = iota
	number
	list // of texts
)

// columns are those of CSV and JSON: where the event stands, what it is by CIM's
// names, and the fields of tordetect.
var columns = func() []struct {
	name string
	shape
} {
	type column = struct {
		name string
		shape
	}
	all := []column{{"file", plain}, {"line", number}, {"_time", number}, {"duration", number}}
	for c := range scan.Columns {
		is := plain
		switch c {
		case scan.SrcPort, scan.DestPort, scan.BytesIn, scan.BytesOut, scan.PacketsIn, scan.PacketsOut:
			is = number
		}
		all = append(all, column{c.String(), is})
	}
	return append(all, []column{
		{"tor_verdict", plain}, {"tor_score", number}, {"tor_state", plain}, {"tor_direction", plain}, {"tor_role", plain}, {"tor_evidence", list}, {"tor_reason", plain},
		{"tor_relay", list}, {"tor_nickname", list}, {"tor_first_seen", number}, {"tor_last_seen", number}, {"tor_coverage", plain}, {"tor_list_time", number},
		{"tor_host", plain}, {"tor_peer", plain},
	}...)
}()

// row holds the texts of an event by column, one behind the other. The values of a
// list stand a line each.
type row struct {
	text []byte
	ends []int
}

// fill takes the place of what the row held.
func (r *row) fill(f *scan.Flow) {
	r.text, r.ends = r.text[:0], r.ends[:0]
	d := f.Finding
	r.word(f.File)
	r.number(f.Line)
	r.number(f.Last)
	if f.First != 0 {
		r.text = strconv.AppendInt(r.text, max(f.Last-f.First, 0), 10)
	}
	r.end()
	for _, cell := range f.Cells {
		r.text = append(r.text, cell...)
		r.end()
	}
	r.word(d.Verdict.String())
	r.text = strconv.AppendInt(r.text, int64(d.Score), 10)
	r.end()
	r.word(d.State.String())
	r.word(d.Direction.String())
	r.word(d.Role.String())
	for i, e := range d.Evidence {
		r.value(i, e.Name())
	}
	r.end()
	r.text = append(r.text, d.Reason...)
	r.end()
	for i, s := range d.Relays {
		r.value(i, s.Fingerprint)
	}
	r.end()
	for i, s := range d.Relays {
		r.value(i, s.Nickname)
	}
	r.end()
	if s := d.Deciding; s != nil && !s.BuiltIn() {
		r.number(s.First)
		r.number(s.Last)
	} else {
		r.end()
		r.end()
	}
	r.word(f.Coverage.String())
	r.number(f.ListTime)
	r.text = d.Host.AppendTo(r.text)
	r.end()
	r.text = d.Peer.AppendTo(r.text)
	r.end()
}

func (r *row) end() { r.ends = append(r.ends, len(r.text)) }

func (r *row) word(w string) {
	r.text = append(r.text, w...)
	r.end()
}

// number is a cell that is empty for 0, which is "not known".
func (r *row) number(n int64) {
	if n != 0 {
		r.text = strconv.AppendInt(r.text, n, 10)
	}
	r.end()
}

// value is a value of a list.
func (r *row) value(i int, v string) {
	if i > 0 {
		r.text = append(r.text, '\n')
	}
	r.text = append(r.text, v...)
}

func (r *row) cell(i int) []byte {
	from := 0
	if i > 0 {
		from = r.ends[i-1]
	}
	return r.text[from:r.ends[i]]
}
