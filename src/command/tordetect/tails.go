package tordetect

import (
	"tordetect/src/judge"
	"tordetect/src/rows"
)

// Most rows have nothing to do with Tor (judge.IsQuiet). Their finding depends on a
// few small facts only, so it is judged and rendered once for each set of facts and
// chunk, and then copied.

// tails keeps what quiet rows get. A chunk has few sets of facts: mostly one for
// each state.
type tails struct {
	quiet []quiet
	used  int
	last  int // of quiet, that was found last: most rows are like the one before
}

// quiet is what all quiet rows of the same facts get.
type quiet struct {
	facts judge.Quiet
	tail  []byte      // as it stands behind a row of which nothing is replaced
	cells []rows.Cell // for a row of which something is
	text  []byte      // of the cells
}

// reset forgets all tails, as their layout is that of the chunk before.
func (t *tails) reset() { t.used, t.last = 0, 0 }

// find returns what was kept for these facts, or nil.
func (t *tails) find(facts judge.Quiet) *quiet {
	if t.last < t.used && t.quiet[t.last].facts == facts {
		return &t.quiet[t.last]
	}
	for i := range t.quiet[:t.used] {
		if t.quiet[i].facts == facts {
			t.last = i
			return &t.quiet[i]
		}
	}
	return nil
}

// keep keeps cells, and the tail that they make, for facts that find did not find.
func (t *tails) keep(facts judge.Quiet, o *rows.Output, cells []rows.Cell) *quiet {
	if t.used == len(t.quiet) {
		t.quiet = append(t.quiet, quiet{})
	}
	q := &t.quiet[t.used]
	t.used++
	q.facts = facts
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
