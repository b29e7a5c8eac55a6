package command

import (
	"bytes"
	"net/netip"

	"tordetect/src/flow"

	"tordetect/src/detect"
	"tordetect/src/relay"
	"tordetect/src/rows"
)

// row reads rows one after the other and asks the relay table about them. All
// its slices are reused.
type row struct {
	labeled  bool
	internal []netip.Prefix
	window   flow.Interval // the search's own, for rows without a time
	windowed bool

	list          rows.List
	scratch       []byte
	source        ends
	destination   ends
	listings      []relay.Listing
	flowBuf       flow.Flow
	raw           []byte // text of a raw event
	event         event
	name, onion   []byte // copies, for sentences
	lastTransport remembered[flow.Transport]
	lastLabel     remembered[flow.Label]
	lastBlocked   remembered[bool]

	sawStale          bool
	staleAfter        int64
	sawUnreadableTime bool
}

// ends holds the addresses and ports of one side: several of each where a cell
// holds a list.
type ends struct {
	addrs []netip.Addr
	ports []uint16
	// Whether the cell holds different values, read or not: a name beside an
	// address makes a list of two, and so does null beside a port.
	severalAddrs, severalPorts bool
}

func (e *ends) end() flow.End {
	var out flow.End
	if len(e.addrs) > 0 {
		out.Addr = e.addrs[0]
	}
	if len(e.ports) > 0 {
		out.Port = e.ports[0]
	}
	return out
}

// flow reads the scanner's row. The flow is valid until the next call.
func (r *row) flow(s *rows.Scanner, c *columns, t *tables) *flow.Flow {
	f := &r.flowBuf
	*f = flow.Flow{Sightings: f.Sightings[:0]}
	r.addresses(&r.source, s, c, roleSource, roleSourcePort)
	r.addresses(&r.destination, s, c, roleDestination, roleDestinationPort)
	var at flow.Interval
	var kind timeKind
	if len(r.source.addrs) == 0 && len(r.destination.addrs) == 0 && r.hasEvent(s, c) {
		at, kind = r.fromEvent(f, s, c)
	} else {
		f.Transport = r.transport(s, c.places[roleTransport])
		if f.Transport == flow.TransportUnknown {
			for _, p := range c.places[roleVersion] {
				f.Transport = max(f.Transport, transportOf(bare(s, p)))
			}
		}
		f.Label = r.label(s, c.places[roleApp])
		f.State = r.state(s, c)
		if c.shows {
			r.shown(f, s, c)
		}
		at, kind = r.time(s, c)
	}
	dated := kind == aTime
	if kind == noTime {
		at, dated = r.window, r.windowed
	}
	f.Source, f.Destination = r.source.end(), r.destination.end()
	f.Undated = !dated

	table := t.at(at, dated)
	f.NewestList, _ = table.Newest()
	f.OldestList, _ = table.Oldest()
	f.Coverage = flow.CoverageNone
	if dated && r.askable() {
		f.Coverage = flow.Coverage(table.Coverage(at))
	}
	if f.Coverage == flow.CoverageStale {
		r.sawStale, r.staleAfter = true, f.NewestList
	}
	r.sight(f, table, at, dated, flow.Destination, &r.destination)
	r.sight(f, table, at, dated, flow.Source, &r.source)
	return f
}

// askable reports whether asking the list about this row can tell anything: not
// if one end is not readable and the other is not readable or private.
func (r *row) askable() bool {
	src, dest := len(r.source.addrs) > 0, len(r.destination.addrs) > 0
	return src && dest ||
		src && !allPrivate(r.source.addrs) ||
		dest && !allPrivate(r.destination.addrs)
}

func allPrivate(addrs []netip.Addr) bool {
	for _, a := range addrs {
		if !isPrivate(a) {
			return false
		}
	}
	return true
}

// isPrivate reports whether an address cannot be a relay of the public network:
// RFC 1918 and 4193, loopback, link-local, the shared space of RFC 6598, and
// the unspecified address.
func isPrivate(a netip.Addr) bool {
	if a.Is4() {
		if b := a.As4(); b[0] == 100 && b[1]&0xC0 == 64 {
			return true
		}
	}
	return a.IsPrivate() || a.IsLoopback() || a.IsLinkLocalUnicast() || a.IsUnspecified() || a.IsMulticast()
}

// sight asks the table about each address of one side.
func (r *row) sight(f *flow.Flow, table *relay.Table, at flow.Interval, dated bool, side flow.Side, e *ends) {
	for _, addr := range e.addrs {
		if !table.Knows(addr) {
			continue
		}
		if dated {
			r.listings = table.Lookup(r.listings[:0], addr, at)
		} else {
			r.listings = table.LookupUndated(r.listings[:0], addr)
		}
		for _, l := range r.listings {
			s := flow.Sighting{
				Side: side, Addr: addr,
				Internal: r.isInternal(addr),
				Ports:    e.severalAddrs && e.severalPorts,
				Kind:     flow.Kind(l.Kind), When: flow.When(l.When), Away: l.Away,
				ListedPort: l.Port, Flags: flow.Flags(l.Flags),
				Fingerprint: l.Fingerprint, Nickname: l.Nickname,
				First: l.First, Last: l.Last,
			}
			for i, port := range e.ports {
				if i == 0 || port == l.Port {
					s.Port = port
				}
			}
			if side == flow.Source && l.Kind == flow.ORPort && l.Flags&flow.Exit != 0 {
				s.Elsewhere = table.ExitElsewhere(l.Fingerprint, addr, at)
			}
			f.Sightings = append(f.Sightings, s)
		}
	}
}

func (r *row) isInternal(a netip.Addr) bool {
	for _, p := range r.internal {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// addresses reads one side's address and port cells.
func (r *row) addresses(e *ends, s *rows.Scanner, c *columns, address, port role) {
	*e = ends{addrs: e.addrs[:0], ports: e.ports[:0]}
	for _, p := range c.places[address] {
		if a, ok := parse4(bare(s, p)); ok { // the usual cell
			e.addrs = append(e.addrs, a)
			break
		}
		for i, n := 0, r.values(s, p); i < n; i++ {
			if a, ok := parseAddr(r.value(s, p, i)); ok {
				e.addrs = append(e.addrs, a)
			}
		}
		if len(e.addrs) > 0 {
			e.severalAddrs = r.several()
			break
		}
	}
	for _, p := range c.places[port] {
		if number, ok := parsePort(bare(s, p)); ok {
			e.ports = append(e.ports, number)
			break
		}
		for i, n := 0, r.values(s, p); i < n; i++ {
			if number, ok := parsePort(r.value(s, p, i)); ok {
				e.ports = append(e.ports, number)
			}
		}
		if len(e.ports) > 0 {
			e.severalPorts = r.several()
			break
		}
	}
}

// bare returns the text of a cell that holds no list, without its quotes. What
// is quoted inside the text is not undone: it is for parsers that refuse such a
// text, so that the usual cell is read without looking for what it rarely has.
func bare(s *rows.Scanner, p place) []byte {
	if p.multi >= 0 && len(s.Cell(p.multi)) > 0 {
		return nil
	}
	cell := s.Cell(p.plain)
	if n := len(cell); n >= 2 && cell[0] == '"' {
		return cell[1 : n-1]
	}
	return cell
}

// values opens a cell and returns how many values it holds; value then returns
// them. A cell without a list is one value, unless values stand in it on lines
// of their own, as a list looks that lost its __mv_ column.
func (r *row) values(s *rows.Scanner, p place) int {
	r.list.Reset()
	if p.multi >= 0 {
		if cell := s.Cell(p.multi); len(cell) > 0 && r.list.Parse(cell) == nil {
			return r.list.Len()
		}
	}
	cell := s.Cell(p.plain)
	if len(cell) == 0 {
		return 0
	}
	if cell[0] != '"' || bytes.IndexByte(cell, '\n') < 0 {
		return 1
	}
	for text := r.plain(s, p); len(text) > 0; {
		line, rest, _ := bytes.Cut(text, []byte("\n"))
		r.list.Add(line)
		text = rest
	}
	return r.list.Len()
}

// several reports whether the cell opened last holds different values.
func (r *row) several() bool {
	for i := 1; i < r.list.Len(); i++ {
		if !bytes.Equal(r.list.Value(0), r.list.Value(i)) {
			return true
		}
	}
	return false
}

// value returns value i of the cell opened last.
func (r *row) value(s *rows.Scanner, p place, i int) []byte {
	if r.list.Len() > 0 {
		return r.list.Value(i)
	}
	return r.plain(s, p)
}

func (r *row) plain(s *rows.Scanner, p place) []byte {
	var text []byte
	text, r.scratch = rows.Value(s.Cell(p.plain), r.scratch[:0])
	return text
}

// remembered is what a cell of few different values was read as last.
type remembered[T any] struct {
	cells []byte // raw, of all places of the role, each with a length before it
	as    T
	known bool
}

// recall returns what the same cells gave before.
func (m *remembered[T]) recall(s *rows.Scanner, places []place) (T, bool) {
	rest := m.cells
	for _, p := range places {
		cell := s.Cell(p.plain)
		if p.multi >= 0 && len(s.Cell(p.multi)) > 0 || len(rest) <= len(cell) || int(rest[0]) != len(cell) || string(rest[1:1+len(cell)]) != string(cell) {
			return m.as, false
		}
		rest = rest[1+len(cell):]
	}
	return m.as, m.known && len(rest) == 0
}

// keep remembers what the cells gave, if they are short and no lists.
func (m *remembered[T]) keep(s *rows.Scanner, places []place, as T) T {
	m.cells, m.known = m.cells[:0], false
	for _, p := range places {
		cell := s.Cell(p.plain)
		if p.multi >= 0 && len(s.Cell(p.multi)) > 0 || len(cell) > 255 {
			return as
		}
		m.cells = append(append(m.cells, byte(len(cell))), cell...)
	}
	m.as, m.known = as, true
	return as
}

func (r *row) transport(s *rows.Scanner, places []place) flow.Transport {
	if t, ok := r.lastTransport.recall(s, places); ok {
		return t
	}
	return r.lastTransport.keep(s, places, r.readTransport(s, places))
}

// transportOf is what the version of TLS says of the transport: that of DTLS is
// never TCP.
func transportOf(version []byte) flow.Transport {
	if bytes.HasPrefix(version, []byte("DTLS")) {
		return flow.NotTCP
	}
	return flow.TransportUnknown
}

func (r *row) readTransport(s *rows.Scanner, places []place) flow.Transport {
	for _, p := range places {
		n := r.values(s, p)
		if n == 0 || n == 1 && isEmpty(r.value(s, p, 0)) {
			continue
		}
		// Of several transports it takes all to rule TCP out.
		for i := range n {
			if t := detect.ReadTransport(r.value(s, p, i)); t != flow.NotTCP {
				return t
			}
		}
		return flow.NotTCP
	}
	return flow.TransportUnknown
}

// label reads what the firewall called the flow. Of several labels the one that
// says Tor counts.
func (r *row) label(s *rows.Scanner, places []place) flow.Label {
	if l, ok := r.lastLabel.recall(s, places); ok {
		return l
	}
	return r.lastLabel.keep(s, places, r.readLabel(s, places))
}

func (r *row) readLabel(s *rows.Scanner, places []place) flow.Label {
	best := flow.LabelNone
	for _, p := range places {
		for i, n := 0, r.values(s, p); i < n; i++ {
			best = max(best, detect.ReadLabel(r.value(s, p, i)))
		}
		if best != flow.LabelNone {
			return best
		}
	}
	if r.labeled {
		return flow.LabelTor
	}
	return best
}

func (r *row) state(s *rows.Scanner, c *columns) flow.State {
	blocked, ok := r.lastBlocked.recall(s, c.places[roleAction])
	if !ok {
		blocked = r.lastBlocked.keep(s, c.places[roleAction], r.isBlocked(s, c.places[roleAction]))
	}
	if !blocked {
		for _, p := range c.places[roleConnState] {
			if state := detect.ReadConnState(bare(s, p)); state != flow.StateUnknown {
				return state
			}
		}
	}
	return detect.StateOf(blocked, detect.Counts{
		PacketsIn: r.count(s, c.places[rolePacketsIn]), PacketsOut: r.count(s, c.places[rolePacketsOut]),
		BytesIn: r.count(s, c.places[roleBytesIn]), BytesOut: r.count(s, c.places[roleBytesOut]),
	})
}

// isBlocked reports whether the firewall stopped the flow; of several actions it
// takes all to say so.
func (r *row) isBlocked(s *rows.Scanner, places []place) bool {
	for _, p := range places {
		n := r.values(s, p)
		if n == 0 || n == 1 && isEmpty(r.value(s, p, 0)) {
			continue
		}
		for i := range n {
			if !detect.IsBlock(r.value(s, p, i)) {
				return false
			}
		}
		return true
	}
	return false
}

// count reads a number of bytes or packets; -1 is "not known".
func (r *row) count(s *rows.Scanner, places []place) int64 {
	for _, p := range places {
		if n, ok := parseNumber(bare(s, p)); ok {
			return n
		}
	}
	return -1
}
