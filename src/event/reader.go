package event

import (
	"bytes"
	"math/bits"
	"time"

	"tordetect/src/cell"
	"tordetect/src/flow"
	"tordetect/src/rows"
)

// A Reader reads event after event. Its slices are reused. The zero value is ready.
type Reader struct {
	// Zone is that of times which name none; nil: none was given, see cell.ReadTime.
	Zone *time.Location
	// Labeled says that a flow without a label was named Tor by the firewall.
	Labeled bool

	// The ends of the event read last, as it names them, but for one that was
	// seen on its way back.
	Source, Destination Ends

	// Assumed counts times that named no zone and were taken for UTC or for Zone.
	Assumed int64
	// Unread holds the first cell of each role that should have been read and could
	// not; empty: none.
	Unread [Roles]string

	// Target is the address in a URL or a CONNECT, where there is one; its port is
	// 0 where it names none.
	Target cell.Addr

	isOther bool // the event read last is no flow

	list    rows.List
	current []byte // the cell opened last, where it is no list
	scratch []byte
	beside  []uint16
	called  [2][]byte // the hosts' names
	name    []byte    // copies, for sentences
	onion   []byte

	lastTransport remembered[flow.Transport]
	lastLabel     remembered[flow.Label]
	lastService   remembered[flow.Label]
	lastBlocked   remembered[bool]
}

// Read reads what an event says of its flow, but for names and fingerprints (see
// Names), and returns when it was. It is Begin, When, State and Transport.
func (r *Reader) Read(e *Event, f *flow.Flow) (flow.Interval, cell.TimeKind) {
	r.Begin(e, f)
	r.State(e, f)
	r.Transport(e, f)
	return r.When(e)
}

// Begin begins with an event: it reads the two ends and what the firewall called it,
// by which, and by the names, most events turn out to be of no interest.
func (r *Reader) Begin(e *Event, f *flow.Flow) {
	f.Label = flow.LabelNone
	if r.isOther = e.IsOther(); r.isOther {
		r.Source, r.Destination = r.Source.none(), r.Destination.none()
		return
	}
	r.ends(e, &r.Source, Source, SourcePort)
	r.ends(e, &r.Destination, Destination, DestinationPort)
	if e.have&(1<<FlowSource|1<<Direction) != 0 {
		r.turn(e)
	}
	f.Label = r.label(e)
}

// When returns when the event was that Begin read. What is not a moment is no time to
// ask the list about.
func (r *Reader) When(e *Event) (flow.Interval, cell.TimeKind) {
	if r.isOther {
		return flow.Interval{}, cell.NoTime
	}
	return r.when(e)
}

// label reads what the firewall called the flow. Of several labels the one that
// says Tor counts; of a sensor's name for the protocol and of the name of a rule
// nothing else does.
func (r *Reader) label(e *Event) flow.Label {
	l, ok := r.lastLabel.recall(e, App)
	if !ok {
		l = r.lastLabel.keep(e, App, r.readLabel(e))
	}
	if l == flow.LabelNone && r.Labeled {
		return flow.LabelTor
	}
	if e.have&(1<<Service|1<<Signature) != 0 {
		l = max(l, r.otherLabel(e))
	}
	return l
}

// otherLabel reads what a sensor calls the protocol, and the name of a rule.
func (r *Reader) otherLabel(e *Event) flow.Label {
	l, ok := r.lastService.recall(e, Service)
	if !ok {
		l = flow.LabelNone
		for i := range e.n(Service) {
			if s := ReadLabel(e.bare(Service, i)); s > flow.LabelListed && e.counts(Service, i) {
				l = max(l, s)
			}
		}
		l = r.lastService.keep(e, Service, l)
	}
	for i := range e.n(Signature) {
		l = max(l, readSignature(e.bare(Signature, i)))
	}
	return l
}

func (r *Reader) readLabel(e *Event) flow.Label {
	best := flow.LabelNone
	for i := range e.n(App) {
		for k, n := 0, r.values(e, App, i, true); k < n; k++ {
			best = max(best, ReadLabel(r.value(k)))
		}
		if best != flow.LabelNone {
			break
		}
	}
	return best
}

// State says how far the flow came of the event that Begin read. What the firewall
// stopped is blocked, however far it came.
func (r *Reader) State(e *Event, f *flow.Flow) {
	f.State, f.Handshake, f.CountedBack = flow.StateUnknown, false, false
	if r.isOther {
		return
	}
	stopped, ok := r.lastBlocked.recall(e, Action)
	if !ok {
		stopped = r.lastBlocked.keep(e, Action, r.isBlocked(e))
	}
	var seen conn
	for i := range e.n(ConnState) {
		text := e.bare(ConnState, i)
		state, ok := connStates[string(text)]
		if !ok {
			state, ok = connStates[string(bytes.TrimSpace(text))]
		}
		if ok {
			seen = state
			break
		}
	}
	f.Handshake = seen.handshake
	if i := e.first(EventType); stopped || i >= 0 && string(e.bare(EventType, i)) == "drop" { // Suricata's packets that it dropped
		f.State = flow.Blocked
	} else {
		f.State = seen.state
	}
	if f.State != flow.StateUnknown && (f.Handshake || len(r.Source.Ports) > 0) {
		return // what was counted changes nothing
	}
	if e.have&(1<<PacketsIn|1<<PacketsOut|1<<BytesIn|1<<BytesOut) == 0 {
		return
	}
	c := Counts{PacketsIn: r.number(e, PacketsIn), PacketsOut: -1, BytesIn: r.number(e, BytesIn), BytesOut: -1}
	f.CountedBack = c.PacketsIn >= 0 || c.BytesIn >= 0
	isAnswered := c.PacketsIn > 0 || c.BytesIn > 0
	if f.State == flow.StateUnknown && (seen.midstream || !isAnswered) {
		c.PacketsOut, c.BytesOut = r.number(e, PacketsOut), r.number(e, BytesOut)
	}
	switch state := c.state(); {
	case f.State != flow.StateUnknown:
	case seen.midstream:
		if c.PacketsIn > 0 && c.PacketsOut > 0 || c.PacketsIn < 0 && c.BytesIn > 0 {
			f.State = flow.Established
		}
	case state == flow.Attempt && !e.Closes():
		// Counts that may still grow prove an answer, never its absence.
	default:
		f.State = state
	}
}

// inFlow are the kinds of Suricata's events about what was seen in a flow that
// goes on; its flow and netflow events end one.
var inFlow = map[string]bool{
	"alert": true, "anomaly": true, "drop": true, "tls": true, "dns": true, "http": true, "http2": true, "quic": true, "ssh": true,
	"smtp": true, "ftp": true, "ftp_data": true, "smb": true, "rdp": true, "krb5": true, "dhcp": true, "nfs": true, "tftp": true,
	"snmp": true, "sip": true, "rfb": true, "mqtt": true, "dcerpc": true, "ike": true, "ldap": true, "pgsql": true, "websocket": true,
}

// Closes reports whether the event ends its flow, so that what it counts is all:
// not an event about what was seen in it (Suricata's alerts, Zeek's ssl and http)
// nor that of a session's start (Palo Alto, FortiGate) or of a URL (Palo Alto).
func (e *Event) Closes() bool {
	if i := e.first(Subtype); i >= 0 {
		if kind := e.bare(Subtype, i); string(kind) == "start" || string(kind) == "url" || string(kind) == "utm" {
			return false
		}
	}
	if i := e.first(Action); i >= 0 && string(e.bare(Action, i)) == "start" {
		return false
	}
	if i := e.first(EventType); i >= 0 && inFlow[string(e.bare(EventType, i))] {
		return false
	}
	return e.first(ConnState) >= 0 || !e.hasAny(slots.ends[Zeek])
}

// isBlocked reports whether the firewall stopped the flow; of several actions it
// takes all to say so.
func (r *Reader) isBlocked(e *Event) bool {
	for i := range e.n(Action) {
		n := r.values(e, Action, i, true)
		if n == 0 || n == 1 && cell.IsEmpty(r.value(0)) {
			continue
		}
		for k := range n {
			if !IsBlock(r.value(k)) {
				return false
			}
		}
		return true
	}
	return false
}

// complain keeps an example of what could not be read.
func (r *Reader) complain(role Role, text []byte) {
	if r.Unread[role] == "" && len(text) > 0 {
		r.Unread[role] = string(text[:min(len(text), maxExample)])
	}
}

// maxExample bounds an example in a message.
const maxExample = 40

// values opens cell i of a role and returns how many values it holds; value then
// returns them. A cell without a list is one value, unless values stand in it on
// lines of their own, as a list looks that lost its __mv_ column, or, where commas
// are asked for, with commas between.
func (r *Reader) values(e *Event, role Role, i int, commas bool) int {
	r.list.Reset()
	p, at := e.place(role, i)
	if p != nil && p.multi >= 0 {
		if cell := e.row.Cell(p.multi); len(cell) > 0 && r.list.Parse(cell) == nil {
			return r.list.Len()
		}
	}
	if p != nil {
		raw := e.row.Cell(p.plain)
		if len(raw) == 0 {
			return 0
		}
		r.current, r.scratch = rows.Value(raw, r.scratch[:0])
	} else {
		r.current = e.text[e.slotAt(role, at)]
	}
	text := r.current
	separator := byte('\n')
	if bytes.IndexByte(text, '\n') < 0 {
		if !commas || bytes.IndexByte(text, ',') < 0 {
			return 1
		}
		separator = ','
	}
	for {
		at := bytes.IndexByte(text, separator)
		if at < 0 {
			r.list.Add(bytes.TrimSpace(text))
			return r.list.Len()
		}
		r.list.Add(bytes.TrimSpace(text[:at]))
		text = text[at+1:]
	}
}

// value returns value k of the cell opened last.
func (r *Reader) value(k int) []byte {
	if r.list.Len() > 0 {
		return r.list.Value(k)
	}
	return r.current
}

// several reports whether the cell opened last holds different values.
func (r *Reader) several() bool {
	for i := 1; i < r.list.Len(); i++ {
		if !bytes.Equal(r.list.Value(0), r.list.Value(i)) {
			return true
		}
	}
	return false
}

// remembered is what the cells of a role of few different values were read as last.
type remembered[T any] struct {
	cells []byte // raw, of all places of the role, each with a length before it; of a text, with its name
	as    T
	known bool
}

// ofText marks the number of a name, where a row has a length.
const ofText = 0x80

// recall returns what the same cells gave before.
func (m *remembered[T]) recall(e *Event, role Role) (T, bool) {
	if e.columns == nil {
		s, ok := e.only(role)
		if !ok || !m.known || len(m.cells) == 0 || m.cells[0] != ofText|byte(s-slots.first[role]) || string(m.cells[1:]) != string(e.text[s]) {
			return m.as, false
		}
		return m.as, true
	}
	if e.set[role] != 0 {
		return m.as, false
	}
	rest := m.cells
	for i := range e.columns.places[role] {
		p := &e.columns.places[role][i]
		cell := e.row.Cell(p.plain)
		if isList(e.row, p) || len(rest) <= len(cell) || int(rest[0]) != len(cell) || string(rest[1:1+len(cell)]) != string(cell) {
			return m.as, false
		}
		rest = rest[1+len(cell):]
	}
	return m.as, m.known && len(rest) == 0
}

// keep remembers what the cells gave, if they are short and no lists.
func (m *remembered[T]) keep(e *Event, role Role, as T) T {
	if s, ok := e.only(role); ok && len(e.text[s]) < ofText {
		m.cells = append(append(m.cells[:0], ofText|byte(s-slots.first[role])), e.text[s]...)
		m.as, m.known = as, true
		return as
	}
	if e.set[role] != 0 || e.columns == nil {
		return as
	}
	m.cells, m.known = m.cells[:0], false
	for i := range e.columns.places[role] {
		p := &e.columns.places[role][i]
		cell := e.row.Cell(p.plain)
		if p.general || isList(e.row, p) || len(cell) >= ofText {
			return as
		}
		m.cells = append(append(m.cells, byte(len(cell))), cell...)
	}
	m.as, m.known = as, true
	return as
}

// only returns the name of the only cell of a role where that is one of a text that
// always counts.
func (e *Event) only(role Role) (Slot, bool) {
	set := e.set[role]
	if e.columns != nil || set == 0 || set&(set-1) != 0 {
		return 0, false
	}
	s := slots.first[role] + Slot(bits.TrailingZeros32(set))
	return s, slots.name[s].Beside == Always
}
