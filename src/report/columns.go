package report

import (
	"bytes"
	"strconv"

	"tordetect/src/detect"
	"tordetect/src/flow"
	"tordetect/src/rows"
	"tordetect/src/scan"
	"tordetect/src/terminal"
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
//
// A row is written in three parts, each in a way of its own: where the event stands are
// numbers, behind the file's name; what it is are its cells, of which nearly all are
// plain; the finding is that of the row before where nothing speaks for Tor.
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

// The first columns of the parts behind the first one.
const (
	firstCell  = 4
	firstFound = firstCell + int(scan.Columns)
)

// finding holds the texts of a finding by column, one behind the other. The values of a
// list stand a line each.
type finding struct {
	text []byte
	ends []int
}

// fill takes the place of what it held.
func (r *finding) fill(f *scan.Flow) {
	r.text, r.ends = r.text[:0], r.ends[:0]
	d := f.Finding
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

func (r *finding) end() { r.ends = append(r.ends, len(r.text)) }

func (r *finding) word(w string) {
	r.text = append(r.text, w...)
	r.end()
}

// number is a cell that is empty for 0, which is "not known".
func (r *finding) number(n int64) {
	if n != 0 {
		r.text = strconv.AppendInt(r.text, n, 10)
	}
	r.end()
}

// value is a value of a list.
func (r *finding) value(i int, v string) {
	if i > 0 {
		r.text = append(r.text, '\n')
	}
	r.text = append(r.text, v...)
}

// cell is the text of a column.
func (r *finding) cell(column int) []byte {
	from, i := 0, column-firstFound
	if i > 0 {
		from = r.ends[i-1]
	}
	return r.text[from:r.ends[i]]
}

// told keeps how findings were written of which nothing speaks for Tor. Most events have
// one, and few differ.
type told []struct {
	quiet
	text []byte
}

// maxTold is how many are kept.
const maxTold = 16

// quiet is all that such a finding says: evidence at most that it is not TCP.
type quiet struct {
	verdict  detect.Verdict
	state    flow.State
	coverage flow.Coverage
	listTime int64
	evidence detect.Evidence
}

// quietOf returns what a finding says, if that is all.
func quietOf(f *scan.Flow) (quiet, bool) {
	d := f.Finding
	if d.Score != 0 || d.Direction != detect.DirectionNone || d.Role != detect.RoleNone || len(d.Evidence) > 1 || len(d.Reason)+len(d.Relays) > 0 || d.Deciding != nil ||
		d.Host.Addr.IsValid() || len(d.Host.Name) > 0 || d.Peer.Addr.IsValid() || len(d.Peer.Name) > 0 {
		return quiet{}, false
	}
	q := quiet{verdict: d.Verdict, state: d.State, coverage: f.Coverage, listTime: f.ListTime}
	if len(d.Evidence) > 0 {
		q.evidence = d.Evidence[0]
	}
	return q, true
}

// recall returns how the same finding was written before; nil where it was not, and
// where there is more to say.
func (t told) recall(f *scan.Flow) []byte {
	q, ok := quietOf(f)
	for i := range t {
		if ok && t[i].quiet == q {
			return t[i].text
		}
	}
	return nil
}

// keep remembers how a finding was written.
func (t *told) keep(f *scan.Flow, text []byte) {
	q, ok := quietOf(f)
	if !ok {
		return
	}
	if len(*t) == maxTold {
		*t = (*t)[:0]
	}
	*t = append(*t, struct {
		quiet
		text []byte
	}{q, bytes.Clone(text)})
}

// care says what a cell needs that has a byte; of several, the sum.
type care uint8

const (
	quotes  care = 1 << iota // in CSV it stands in quotes
	escapes                  // in JSON it is not written as it stands
	other                    // in CSV neither
)

// cares are asked of those who write cells, byte by byte. Those beyond ASCII are parts
// of what they have to see whole.
var cares = func() (all [256]care) {
	for b := range all {
		cell := []byte{byte(b)}
		printable, _ := terminal.PrintableCell(cell, nil)
		switch text := string(rows.AppendCell(nil, printable)); text {
		case string(cell):
		case `"` + string(cell) + `"`:
			all[b] = quotes
		default:
			all[b] = other
		}
		if string(terminal.AppendJSON(nil, cell)) != `"`+string(cell)+`"` {
			all[b] |= escapes
		}
		if b >= 0x80 {
			all[b] = escapes | other
		}
	}
	return all
}()

// careOf says what a cell needs.
func careOf(cell []byte) (needs care) {
	for _, b := range cell {
		needs |= cares[b]
	}
	return needs
}
