// Package event is one reading of one event: which cell is read for what, and
// what it says. It is used for a row of a search by its columns, for the text of a
// log line that package format has taken apart, and for both together, so that
// none of them can be read otherwise than the rest.
//
//	in:   src_ip,dest_ip,dest_port,_time,conn_state       (a header, and a row)
//	      10.0.0.5,198.51.100.7,9001,1795169730.5,SF
//	or:   {"ts":1795169730.5,"id.orig_h":"10.0.0.5","id.resp_h":"198.51.100.7",...}
//	out:  10.0.0.5 -> 198.51.100.7 port 9001, answered, from 1795169730 on
//
// From top to bottom: names.go is the table of names and roles, the vocabulary of
// the house; this file an event as cells by role, unread; columns.go finds the
// columns of a header; reader.go reads what is asked of an event, ends.go its two
// ends, times.go when it was, transport.go what runs below it, words.go what the
// words of firewalls and sensors mean, labels.go their names for Tor, shown.go what a
// client showed.
//
// It does not take texts apart (package format does), ask the relay list or judge.
// Nothing is allocated for an event once buffers have grown.
package event

import (
	"bytes"
	"math/bits"
	"slices"

	"tordetect/src/cell"
	"tordetect/src/rows"
	"tordetect/src/tlsname"
)

// An Event is cells by role, unread: those of a text, which Put sets, and those of
// a row, which Row binds. Where both have a role's cell the text's comes first,
// unless the user named the column. The zero value is empty.
type Event struct {
	set   [Roles]uint32 // of the text: which names of a role have a cell, by their place in it
	lists [Roles]uint32 // of which of these the cell is a list of several values, in the arena
	text  [maxNames][]byte
	arena []byte // of lists

	columns *Columns
	row     *rows.Scanner
	have    uint64 // the roles of which there is a cell, by their bits

	// HeaderTime is the time in the syslog header before the event, which is that
	// of the forwarder; empty without one.
	HeaderTime []byte
	wrapped    bool // there was a collector's object around it
}

// Reset forgets all cells.
func (e *Event) Reset() {
	e.set, e.lists, e.have, e.row, e.columns = [Roles]uint32{}, [Roles]uint32{}, 0, nil, nil
	e.arena = e.arena[:0]
	e.HeaderTime, e.wrapped = nil, false
}

// Row binds the event to a row, whose columns stand behind the text.
func (e *Event) Row(s *rows.Scanner, c *Columns) { e.row, e.columns, e.have = s, c, c.have }

// Put sets the cell of a name, with dots or underscores; false if it is none of
// ours. A second value of the same name makes a list. The
// value must stay as it is for as long as the event is used.
func (e *Event) Put(name, value []byte) bool {
	s, ok := Find(name)
	if ok {
		e.Set(s, value)
	}
	return ok
}

// Find looks a name up: as it is, which it mostly is, or with its dots as
// underscores and without the prefix of a data set.
func Find(name []byte) (Slot, bool) {
	if len(name) > maxName {
		return 0, false
	}
	at := bytes.IndexByte(name, '.')
	if at < 0 {
		s, ok := slots.number[string(name)]
		return s, ok
	}
	if IsDataset(name[:at]) {
		name = name[at+1:]
	}
	var plain [maxName]byte
	copy(plain[:], name)
	for i, c := range name {
		if c == '.' {
			plain[i] = '_'
		}
	}
	s, ok := slots.number[string(plain[:len(name)])]
	return s, ok
}

// maxName is the longest name that is looked up; ours have 23 characters at most.
const maxName = 64

// Has reports whether a cell was set.
func (e *Event) Has(s Slot) bool {
	r := slots.role[s]
	return e.set[r]&(1<<(s-slots.first[r])) != 0
}

// Set is Put for a name that was found. A word for "no value" is kept, too: in a list
// it says that there is something of which this is not known. A list is as long as the
// text that it is of makes it, and that is MaxText at most.
func (e *Event) Set(s Slot, value []byte) {
	r := slots.role[s]
	bit := uint32(1) << (s - slots.first[r])
	if e.set[r]&bit == 0 {
		e.set[r] |= bit
		e.have |= 1 << r
		e.text[s] = value
		return
	}
	list := e.text[s]
	size := len(list) + 1 + len(value)
	if e.lists[r]&bit == 0 || cap(list) < size {
		// It moves to where it may grow to twice its size, so that values which come
		// one by one are copied twice on average.
		start := len(e.arena)
		e.arena = slices.Grow(e.arena, 2*size)[:start+2*size]
		list = append(e.arena[start:start:start+2*size], list...)
		e.lists[r] |= bit
	}
	e.text[s] = append(append(list, '\n'), value...)
}

// KeepLists leaves the lists of the event to a copy of it, so that what is read into
// this one next does not go over them. Few events around others have lists.
func (e *Event) KeepLists() {
	if len(e.arena) > 0 {
		e.arena = nil
	}
}

// Fill takes over from another event what this one lacks: the name of a collector's
// object around it, or an outer event. A shipper's time is when it read the line, which
// may be days later: where the event has a moment of its own, only the one that was
// given to a collector, its _time in a search, stands beside it.
func (e *Event) Fill(outer *Event) {
	dated := e.isDated()
	for r := range Roles {
		if r == LogTime && dated && !outer.wrapped && !e.wrapped {
			continue
		}
		for rest := outer.set[r]; rest != 0; rest &= rest - 1 {
			s := slots.first[r] + Slot(bits.TrailingZeros32(rest))
			if !e.has(s) {
				e.set[r] |= rest & -rest
				e.lists[r] &^= rest & -rest // the outer's memory is not ours
				e.have |= 1 << r
				e.text[s] = outer.text[s]
			}
		}
	}
	e.wrapped = e.wrapped || outer.wrapped
	if e.HeaderTime == nil {
		e.HeaderTime = outer.HeaderTime
	}
}

// isDated reports whether the text says when it was.
func (e *Event) isDated() bool {
	for rest := e.set[LogTime]; rest != 0; rest &= rest - 1 {
		s := slots.first[LogTime] + Slot(bits.TrailingZeros32(rest))
		if _, kind := cell.ReadTime(e.text[s], slots.name[s].zone(nil)); kind.IsMoment() {
			return true
		}
	}
	return false
}

// Wrapped says that a collector's object stands around the event, whose words count
// then.
func (e *Event) Wrapped() { e.wrapped = true }

// has reports whether the text has a value for a name.
func (e *Event) has(s Slot) bool {
	r := slots.role[s]
	return e.set[r]&(1<<(s-slots.first[r])) != 0 && !cell.IsEmpty(e.text[s])
}

// Says reports whether there is anything to judge: an address, a name, a
// fingerprint, a certificate as relays make them up or a label that says Tor.
func (e *Event) Says() bool {
	for _, r := range [...]Role{Source, Destination, SNI, Query, URL, JA4, JA3, JA3Text, JA4Raw, Groups} {
		for i := range e.n(r) {
			if text, counts := e.at(r, i); counts && !cell.IsEmpty(text) {
				return true
			}
		}
	}
	return e.isLabeled() || e.have&(1<<Subject) != 0 && tlsname.Certificate(e.alone(Subject), e.alone(Issuer))
}

// IsOther reports whether the event is of a kind that is no flow although it has
// ends: Suricata's fileinfo, whose source is who sent the file.
func (e *Event) IsOther() bool {
	i := e.first(EventType)
	return i >= 0 && string(e.bare(EventType, i)) == "fileinfo" && e.first(FlowSource) < 0
}

// Text returns a role's first cell that has a value, as text: for people. It is
// valid until the next call, or as long as the event.
func (e *Event) Text(r Role, scratch []byte) []byte {
	if e.have&(1<<r) == 0 { // most roles of most events
		return nil
	}
	return e.said(r, scratch)
}

func (e *Event) said(r Role, scratch []byte) []byte {
	if e.isPlain(r) {
		for rest := e.set[r]; rest != 0; rest &= rest - 1 {
			if text := e.text[slots.first[r]+Slot(bits.TrailingZeros32(rest))]; !cell.IsEmpty(text) {
				return text
			}
		}
		return nil
	}
	for i := range e.n(r) {
		if !e.counts(r, i) {
			continue
		}
		if text := e.whole(r, i, scratch); !cell.IsEmpty(text) {
			return text
		}
	}
	return nil
}

// n returns how many cells a role has: those of the text, then those of the row.
func (e *Event) n(r Role) int {
	if e.have&(1<<r) == 0 { // most roles of most events
		return 0
	}
	return e.cells(r)
}

func (e *Event) cells(r Role) int {
	n := bits.OnesCount32(e.set[r])
	if e.columns != nil {
		n += len(e.columns.places[r])
	}
	return n
}

// isPlain reports whether all cells of a role are those of a text, and none of them
// stands under a general word: they can be read without asking where each is, and
// beside what. In a log nearly all are.
func (e *Event) isPlain(r Role) bool { return e.columns == nil && e.set[r]&slots.general[r] == 0 }

// first returns a role's first cell that holds a value; -1: there is none.
func (e *Event) first(r Role) int {
	if e.columns == nil && e.set[r] == 0 {
		return -1
	}
	for i := range e.n(r) {
		if !cell.IsEmpty(e.bare(r, i)) {
			return i
		}
	}
	return -1
}

// slotAt returns the name of cell i of the text.
func (e *Event) slotAt(r Role, i int) Slot {
	set := e.set[r]
	for ; i > 0; i-- {
		set &= set - 1
	}
	return slots.first[r] + Slot(bits.TrailingZeros32(set))
}

// place returns the column of cell i, where it is one of the row; of the text it is
// cell at.
func (e *Event) place(r Role, i int) (p *place, at int) {
	if e.set[r] == 0 {
		return &e.columns.places[r][i], 0
	}
	switch own := bits.OnesCount32(e.set[r]); {
	case e.columns == nil:
		return nil, i
	case e.columns.Named[r] != "": // what the user named comes first
		if n := len(e.columns.places[r]); i >= n {
			return nil, i - n
		}
		return &e.columns.places[r][i], 0
	case i < own:
		return nil, i
	default:
		return &e.columns.places[r][i-own], 0
	}
}

// name returns the name under which cell i stands; nil where the user named the
// column.
func (e *Event) name(r Role, i int) *Name {
	p, at := e.place(r, i)
	switch {
	case p == nil:
		return &slots.name[e.slotAt(r, at)]
	case p.named:
		return nil
	}
	return &slots.name[p.slot]
}

// counts reports whether cell i counts: a general word does beside its own only.
func (e *Event) counts(r Role, i int) bool {
	if e.isPlain(r) {
		return true
	}
	var s Slot
	if p, at := e.place(r, i); p == nil {
		s = e.slotAt(r, at)
	} else if s = p.slot; !p.general {
		return true
	} else if isBlank(e.row, p) { // with narrow=true most columns are, and what stands beside them is long to look for
		return false
	}
	n := &slots.name[s]
	switch {
	case n.Beside == Always || n.Of == Collector && e.wrapped:
		return true
	case n.Beside == Request && !e.hasAny(slots.ends[n.Of]): // a method, too, is a general word
		return false
	}
	return e.hasAny(companions(s))
}

// companions are the names beside one of which a general word counts.
func companions(s Slot) []Slot {
	n := &slots.name[s]
	switch {
	case n.Beside == SignIn:
		return slots.signIn
	case n.Beside == Request:
		return slots.request
	case n.Of == Collector: // Azure's object around a sign-in
		return slots.ends[WebLog]
	}
	return slots.ends[n.Of]
}

// hasAny reports whether one of some names has a value.
func (e *Event) hasAny(among []Slot) bool {
	for _, s := range among {
		if e.has(s) {
			return true
		}
		if e.columns == nil {
			continue
		}
		r := slots.role[s]
		for i := range e.columns.places[r] {
			if p := &e.columns.places[r][i]; p.slot == s && !p.named && !cell.IsEmpty(bare(e.row, p)) {
				return true
			}
		}
	}
	return false
}

// at returns the text of cell i as bare does, and whether the cell counts, which a
// blank one does not. It is the usual way to look at a cell.
func (e *Event) at(r Role, i int) (text []byte, counts bool) {
	if e.isPlain(r) {
		return e.text[e.slotAt(r, i)], true
	}
	if e.set[r] == 0 {
		if p := &e.columns.places[r][i]; !p.general {
			text = bare(e.row, p)
			return text, len(text) > 0 || isList(e.row, p)
		}
	}
	return e.bare(r, i), e.counts(r, i)
}

// bare returns the text of cell i, without quotes around it; nil where it holds a
// list. What is quoted inside a column's text is not undone: it is for parsers that
// refuse such a text, so that the usual cell is read without looking for what it
// rarely has.
func (e *Event) bare(r Role, i int) []byte {
	if e.columns == nil {
		return e.text[e.slotAt(r, i)]
	}
	p, at := e.place(r, i)
	if p != nil {
		return bare(e.row, p)
	}
	return e.text[e.slotAt(r, at)]
}

func bare(s *rows.Scanner, p *place) []byte {
	if isList(s, p) {
		return nil
	}
	cell := s.Cell(p.plain)
	if n := len(cell); n >= 2 && cell[0] == '"' {
		return cell[1 : n-1]
	}
	return cell
}

// isList reports whether a row has a list in that place.
func isList(s *rows.Scanner, p *place) bool {
	return s.HasLists() && p.multi >= 0 && len(s.Cell(p.multi)) > 0
}

// isBlank reports whether a row has nothing in that place.
func isBlank(s *rows.Scanner, p *place) bool { return len(s.Cell(p.plain)) == 0 && !isList(s, p) }

// whole returns the text of cell i with its quotes undone; a list has a value a
// line.
func (e *Event) whole(r Role, i int, scratch []byte) []byte {
	p, at := e.place(r, i)
	if p == nil {
		return e.text[e.slotAt(r, at)]
	}
	text, _ := rows.Value(e.row.Cell(p.plain), scratch[:0])
	return text
}

// Raw returns the text of the row's raw event, in memory that scratch keeps; false
// where there is none, or the user named the column of an address: then the row is
// not looked for another.
func (e *Event) Raw(scratch *[]byte) ([]byte, bool) {
	c := e.columns
	if c == nil || len(c.places[Raw]) == 0 || c.Named[Source] != "" || c.Named[Destination] != "" {
		return nil, false
	}
	cell := e.row.Cell(c.places[Raw][0].plain)
	if len(cell) > 2*MaxText { // all quotes of it may be doubled
		cell = cell[:2*MaxText]
	}
	text, copied := rows.Value(cell, (*scratch)[:0])
	*scratch = copied
	return text, len(text) > 0
}

// MaxText bounds what is read of an event's text. Suricata's and Zeek's lines have 1
// to 4 KiB, Palo Alto's 1; an eve.json line with a packet in it has some 100.
const MaxText = 1 << 20

// Behind puts the columns of another event behind this one's text, but for those that
// the user named, which come first.
func (e *Event) Behind(outer *Event) {
	e.row, e.columns = outer.row, outer.columns
	e.have |= outer.columns.have
}

// IsRaw reports whether a name is that of the event itself.
func (s Slot) IsRaw() bool { return slots.role[s] == Raw }

// IsEnd reports whether a name is that of an address.
func (s Slot) IsEnd() bool { return slots.role[s] == Source || slots.role[s] == Destination }

// IsCertificate reports whether a name is that of a certificate's owner.
func (s Slot) IsCertificate() bool { return slots.role[s] == Subject }

// HasBothEnds reports whether the event has a cell with something for each address.
func (e *Event) HasBothEnds() bool { return e.first(Source) >= 0 && e.first(Destination) >= 0 }
