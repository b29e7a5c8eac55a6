package tordetect

import (
	"tordetect/src/flow"
	"tordetect/src/rows"
)

// Most rows have nothing to do with Tor (judge.IsQuiet). Their finding depends on a
// few small facts only, so it is judged and rendered once for each set of facts and
// chunk, and then copied.

// facts are all that the finding of a quiet flow depends on.
type facts struct {
	transport      flow.Transport
	state          flow.State
	coverage       flow.Coverage
	undated        bool
	newest, oldest int64
}

// tails keeps what quiet rows get. A chunk has few sets of facts: mostly one for
// each state.
type tails struct {
	quiet []quiet
	used  int
	now   facts
}

// quiet is what all quiet rows of the same facts get.
type quiet struct {
	facts facts
	tail  []byte      // as it stands behind a row of which nothing is replaced
	cells []rows.Cell // for a row of which something is
	text  []byte      // of the cells
}

// reset forgets all tails, as their layout is that of the chunk before.
func (t *tails) reset() { t.used = 0 }

// find returns what was kept for a flow's facts, or nil.
func (t *tails) find(f *flow.Flow) *quiet {
	t.now = facts{f.Transport, f.State, f.Coverage, f.Undated, f.NewestList, f.OldestList}
	for i := range t.quiet[:t.used] {
		if t.quiet[i].facts == t.now {
			return &t.quiet[i]
		}
	}
	return nil
}

// keep keeps cells, and the tail that they make, for the facts that find did not
// find.
func (t *tails) keep(o *rows.Output, cells []rows.Cell) *quiet {
	if t.used == len(t.quiet) {
		t.quiet = append(t.quiet, quiet{})
	}
	q := &t.quiet[t.used]
	t.used++
	q.facts = t.now
	q.tail = o.AppendTail(q.tail[:0], cells)
	q.cells, q.text = q.cells[:0], q.text[:0]
	for _, c := range cells {
		q.cells = append(q.cells, rows.Cell{Plain: q.copy(c.Plain), Multi: q.copy(c.Multi)})
	}
	return q
}

// copy keeps a cell. What was copied before stays where it is when the text moves.
func (q *quiet) copy(cell []byte) []byte {
	start := len(q.text)
	q.text = append(q.text, cell...)
	return q.text[start:len(q.text):len(q.text)]
}
