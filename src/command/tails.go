package command

import "tordetect/src/detect"

// Most rows have nothing to do with Tor: the relay list knows neither end, the
// firewall does not say Tor, and no name looks like it. Their finding depends on a few small facts
// only, so it is judged and rendered once for each set of facts and chunk, and
// then copied.

// isQuiet reports whether a flow is such a row. Its score is 0: without a
// sighting, a label, or a name or fingerprint like Tor's there is nothing to
// weigh.
func isQuiet(f *detect.Flow) bool {
	h := &f.Hello
	return len(f.Sightings) == 0 && f.Label <= detect.LabelOther &&
		!h.MadeUp && !h.JA4 && !h.JA3 && f.Onion.Kind == detect.NoOnion
}

// facts are all that the finding of a quiet flow depends on.
type facts struct {
	transport      detect.Transport
	state          detect.State
	coverage       detect.Coverage
	undated        bool
	newest, oldest int64
}

// tails keeps what was appended to quiet rows. A chunk has few sets of facts:
// mostly one for each state.
type tails struct {
	facts []facts
	tails [][]byte
	now   facts
}

// reset forgets all tails, as their layout is that of the chunk before.
func (t *tails) reset() { t.facts, t.tails = t.facts[:0], t.tails[:0] }

func (t *tails) find(f *detect.Flow) ([]byte, bool) {
	t.now = facts{f.Transport, f.State, f.Coverage, f.Undated, f.NewestList, f.OldestList}
	for i := range t.facts {
		if t.facts[i] == t.now {
			return t.tails[i], true
		}
	}
	return nil, false
}

// room returns memory for the next tail.
func (t *tails) room() []byte {
	if n := len(t.tails); n < cap(t.tails) {
		return t.tails[:n+1][n][:0]
	}
	return nil
}

// keep stores the tail of the facts that find did not find.
func (t *tails) keep(tail []byte) []byte {
	t.facts = append(t.facts, t.now)
	t.tails = append(t.tails, tail)
	return tail
}
