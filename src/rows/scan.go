package rows

// ending is how a row ends.
type ending uint8

const (
	whole    ending = iota // with a LF, or with the body
	doubtful               // so, but near it a quote and text of a bare cell meet
	unclosed               // in quotes, with the body
)

// scan finds the end of the row that begins at s.start, and its cells. Of a row with
// wrong quoting it may find anything.
func (s *Scanner) scan() (cells int, end ending) {
	p := &s.part
	if s.row == len(p.ends) {
		// The next row is not in the part, or not all of it. It begins another one.
		p.begin(s.start)
		s.row, s.last = 0, 0
		for len(p.ends) == 0 {
			if !p.more(s.body) {
				return 0, unclosed
			}
			p.forget(len(s.names) + 1)
		}
	}
	first, last := s.last, int(p.ends[s.row])
	s.row, s.last = s.row+1, last
	s.seps = p.at[first : last+1]
	s.seps[0] = int32(s.start - 1 - p.from) // it may have been moved before a CR
	s.end = p.from + int(p.at[last])
	s.next = min(s.end+1, len(s.body))
	if s.end > s.start && s.body[s.end-1] == '\r' {
		s.end--
		p.at[last]--
	}
	cells = last - first
	// Of cells that are all empty each has its separator and nothing else.
	n := min(s.lists, cells)
	s.hasLists = s.mixed || int(s.seps[cells]-s.seps[n]) > cells-n
	if s.row == 1 {
		cells += p.over
	}
	if p.carried.bad != 0 {
		return cells, doubtful
	}
	return cells, whole
}
