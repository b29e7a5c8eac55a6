package command

import (
	"tordetect/src/detect"
	"tordetect/src/flow"
	"tordetect/src/rows"
	"tordetect/src/tlsname"
)

// hasEvent reads the row's raw event, if it has one. Where the user named the
// column of an address, the row is not looked for another.
func (r *row) hasEvent(s *rows.Scanner, c *columns) bool {
	if len(c.places[roleRaw]) == 0 || c.options.Columns[roleSource] != "" || c.options.Columns[roleDestination] != "" {
		return false
	}
	cell := s.Cell(c.places[roleRaw][0].plain)
	if len(cell) > 2*maxRaw { // all quotes of it may be doubled
		cell = cell[:2*maxRaw]
	}
	var text []byte
	text, r.raw = rows.Value(cell, r.raw[:0])
	return r.event.read(text)
}

// fromEvent fills in a flow from the raw event, as flow does from columns, and
// returns its time. The event's own time counts only where the row has none.
func (r *row) fromEvent(f *flow.Flow, s *rows.Scanner, c *columns) (flow.Interval, timeKind) {
	e := &r.event
	e.complete(s, c)
	endOf(&r.source, e.cells[roleSource], e.cells[roleSourcePort])
	endOf(&r.destination, e.cells[roleDestination], e.cells[roleDestinationPort])
	if f.Transport = detect.ReadTransport(e.cells[roleTransport]); f.Transport == flow.TransportUnknown {
		f.Transport = transportOf(e.cells[roleVersion])
	}
	if f.Label = detect.ReadLabel(e.cells[roleApp]); f.Label == flow.LabelNone || c.options.Columns[roleApp] != "" {
		f.Label = r.label(s, c.places[roleApp])
	}
	f.State = flow.Blocked
	if !detect.IsBlock(e.cells[roleAction]) { // as of columns: what the firewall stopped is blocked, however far it came
		if f.State = detect.ReadConnState(e.cells[roleConnState]); f.State == flow.StateUnknown {
			f.State = detect.StateOf(false, detect.Counts{
				PacketsIn: countOf(e.cells[rolePacketsIn]), PacketsOut: countOf(e.cells[rolePacketsOut]),
				BytesIn: countOf(e.cells[roleBytesIn]), BytesOut: countOf(e.cells[roleBytesOut]),
			})
		}
	}
	r.shownInEvent(f)

	at, kind := r.time(s, c)
	if kind == noTime {
		var moment int64
		if moment, kind = parseTime(e.cells[roleLogTime]); kind == aTime {
			at = flow.Interval{From: moment, To: moment}
		} else {
			kind = noTime
		}
	}
	if kind == aTime {
		if n := countOf(e.cells[roleDuration]); n > 0 {
			lasted(&at, n, e.fromStart)
		}
		if start, kind := parseTime(e.cells[roleStart]); kind == aTime {
			began(&at, start)
		}
	}
	return at, kind
}

// complete puts in what columns of the row say: those that the user named in place
// of the event's own, others where the event says nothing.
func (e *event) complete(s *rows.Scanner, c *columns) {
	for _, role := range [...]role{
		roleSourcePort, roleDestinationPort, roleTransport, roleVersion, roleAction, roleConnState,
		roleBytesIn, roleBytesOut, rolePacketsIn, rolePacketsOut, roleSNI, roleJA4, roleJA3, roleURL, roleQuery,
	} {
		if len(e.cells[role]) > 0 && c.options.Columns[role] == "" {
			continue
		}
		for _, p := range c.places[role] {
			if cell := bare(s, p); len(cell) > 0 && !isEmpty(cell) {
				e.cells[role] = cell
				break
			}
		}
	}
}

func (r *row) shownInEvent(f *flow.Flow) {
	e := &r.event
	h := hello{ja4: tlsname.JA4(e.cells[roleJA4]), ja3: tlsname.JA3(e.cells[roleJA3])}
	if name := e.cells[roleSNI]; !isEmpty(name) {
		r.readName(&h, name)
		r.readOnion(f, flow.InTLS, tlsname.OfHost(name), name)
	}
	host := tlsname.Host(e.cells[roleURL])
	r.readOnion(f, flow.InURL, tlsname.OfHost(host), host)
	query := e.cells[roleQuery]
	r.readOnion(f, flow.InDNS, tlsname.OfHost(query), query)
	h.put(f, r.name)
}

func endOf(e *ends, address, port []byte) {
	if a, ok := parseAddr(address); ok {
		e.addrs = append(e.addrs, a)
	}
	if n, ok := parsePort(port); ok {
		e.ports = append(e.ports[:0], n)
	}
}

// countOf reads a number of bytes, packets or seconds; -1 is "not known".
func countOf(text []byte) int64 {
	if n, ok := parseNumber(text); ok {
		return n
	}
	return -1
}
