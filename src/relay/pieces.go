package relay

import (
	"cmp"
	"slices"
	"strings"

	"tordetect/src/flow"
)

// piece is an interval of a row, and the nickname that the relay has at its
// end. Pieces that overlap or touch are joined, at the latest by settle.
type piece struct {
	row, nickname uint32 // numbers
	first, last   int64
}

// fewPieces are not worth settling: room for so many more is made at once.
const fewPieces = 1 << 10

// add adds an interval to a row. Mostly the piece that was added to last takes
// it up, for lists mostly come in the order of time or against it. Otherwise it
// becomes a piece of its own, and once there are twice as many as were needed
// they are settled: whatever the order, an interval costs about the same.
func (m *Merger) add(k *key, at flow.Interval, nick string) {
	number, ok := m.numbers[*k]
	if !ok {
		number = uint32(len(m.rows))
		m.numbers[*k] = number
		m.rows = append(m.rows, mergedRow{key: *k})
		m.push(number, at, nick)
		return
	}
	p := &m.pieces[m.rows[number].latest]
	if !reaches(p.last, at.From) || !reaches(at.To, p.first) {
		m.push(number, at, nick)
		return
	}
	p.first = min(p.first, at.From)
	if at.To < p.last {
		return
	}
	if have := m.nicknames[p.nickname]; have != nick && (at.To > p.last || nick > have) {
		p.nickname = m.nickname(nick)
	}
	p.last = at.To
}

// push adds a piece.
func (m *Merger) push(row uint32, at flow.Interval, nick string) {
	if len(m.pieces) == cap(m.pieces) {
		m.settle()
		m.pieces = slices.Grow(m.pieces, max(fewPieces, len(m.pieces)))
	}
	m.rows[row].latest = int32(len(m.pieces))
	m.pieces = append(m.pieces, piece{row, m.nickname(nick), at.From, at.To})
}

// nickname returns the number of a nickname. The name is copied: it may lie in
// a whole document.
func (m *Merger) nickname(nick string) uint32 {
	if n, ok := m.nicknameNos[nick]; ok {
		return n
	}
	nick = strings.Clone(nick)
	n := uint32(len(m.nicknames))
	m.nicknameNos[nick] = n
	m.nicknames = append(m.nicknames, nick)
	return n
}

// later reports whether a's nickname goes before b's: that of the latest list
// stays, of two that end at once the last by the alphabet. (Any rule would do
// that does not ask which came first.)
func (m *Merger) later(a, b *piece) bool {
	return a.last > b.last || a.last == b.last && m.nicknames[a.nickname] > m.nicknames[b.nickname]
}

// settle joins the pieces of each row that overlap or touch, and brings those
// of a row together, in the order of time.
func (m *Merger) settle() {
	m.bringTogether()
	n := 0
	for from := 0; from < len(m.pieces); {
		row := m.pieces[from].row
		to := from + 1
		for to < len(m.pieces) && m.pieces[to].row == row {
			to++
		}
		of := m.pieces[from:to]
		slices.SortFunc(of, func(a, b piece) int { return cmp.Compare(a.first, b.first) })
		last := of[0]
		for i := range of[1:] {
			p := &of[i+1]
			if !reaches(last.last, p.first) {
				m.pieces[n] = last // n is not beyond p: what is written was read
				n++
				last = *p
				continue
			}
			if m.later(p, &last) {
				last.nickname = p.nickname
			}
			last.last = max(last.last, p.last)
		}
		m.rows[row].latest = int32(n)
		m.pieces[n] = last
		n++
		from = to
	}
	m.pieces = m.pieces[:n]
}

// bringTogether sorts the pieces by row, each straight to its place: a sort by
// comparison took most of the time where lists came in no order.
func (m *Merger) bringTogether() {
	next := make([]int32, len(m.rows)+1) // where the next piece of a row goes
	for i := range m.pieces {
		next[m.pieces[i].row+1]++
	}
	for r := range m.rows {
		next[r+1] += next[r]
	}
	ends := slices.Clone(next[1:])
	for r := range m.rows {
		for next[r] < ends[r] {
			p := &m.pieces[next[r]]
			if int(p.row) == r {
				next[r]++
				continue
			}
			to := &next[p.row]
			*p, m.pieces[*to] = m.pieces[*to], *p
			*to++
		}
	}
}
