package event

import (
	"time"

	"tordetect/src/cell"
	"tordetect/src/flow"
)

// span is a time in microseconds since the epoch.
type span struct{ from, to int64 }

func (s span) interval() flow.Interval {
	return flow.Interval{From: s.from / cell.Million, To: s.to / cell.Million}
}

// when returns the time of an event, in this order: what the user named, firstTime
// to lastTime, the flow's own start to its end, _time, what the event itself says.
func (r *Reader) when(e *Event) (flow.Interval, cell.TimeKind) {
	at, kind := r.span(e)
	return at.interval(), kind
}

func (r *Reader) span(e *Event) (span, cell.TimeKind) {
	if e.isNamed(Time) {
		at, kind := r.times(e, Time)
		if kind == cell.NoTime && (e.isNamed(First) || e.isNamed(Last)) {
			at, kind = r.bounds(e)
		}
		if kind != cell.NoTime {
			return at, kind
		}
	}
	if at, kind := r.bounds(e); kind != cell.NoTime {
		return at, kind
	}
	start := r.moment(e, FlowStart)
	if end := r.moment(e, FlowEnd); start > 0 && end >= start {
		return span{start, end}, cell.ATime
	}
	at, kind := r.times(e, Time)
	if kind == cell.NoTime {
		at, kind = r.logTime(e)
	}
	if !kind.IsMoment() {
		return at, kind
	}
	if n := r.number(e, Span); n > 0 {
		at.to += min(n, cell.MaxTime) * cell.Million
	}
	if took := r.duration(e); took > 0 {
		if e.IsZeek() {
			at.to += took // its time is that of the first packet
		} else {
			at.from -= took // firewalls log a flow when it ends
		}
	}
	if start > 0 && start < at.from {
		at.from = start
	}
	at.from, at.to = max(at.from, 0), min(at.to, cell.MaxTime*cell.Million)
	return at, kind
}

// isNamed reports whether the user named the column of a role.
func (e *Event) isNamed(r Role) bool { return e.columns != nil && e.columns.Named[r] != "" }

// IsZeek reports whether the event has cells that only Zeek's logs have.
func (e *Event) IsZeek() bool {
	for _, s := range slots.zeek {
		if e.set[slots.role[s]] != 0 && e.has(s) { // a row has no text
			return true
		}
	}
	if e.columns != nil {
		for i := range e.columns.zeek {
			if !cell.IsEmpty(bare(e.row, &e.columns.zeek[i])) {
				return true
			}
		}
	}
	return false
}

// bounds reads a first and a last time; one of them alone is a moment.
func (r *Reader) bounds(e *Event) (span, cell.TimeKind) {
	if e.n(First) == 0 && e.n(Last) == 0 {
		return span{}, cell.NoTime
	}
	first, kind1 := r.times(e, First)
	last, kind2 := r.times(e, Last)
	switch {
	case kind1 > cell.Assumed:
		return span{}, kind1
	case kind2 > cell.Assumed:
		return span{}, kind2
	case kind1 == cell.NoTime:
		return last, kind2
	case kind2 == cell.NoTime:
		return first, kind1
	}
	return span{min(first.from, last.from), max(first.to, last.to)}, max(kind1, kind2)
}

// times reads a time cell; a list is the interval from its first to its last.
func (r *Reader) times(e *Event, role Role) (span, cell.TimeKind) {
	for i := range e.n(role) {
		text, _ := e.at(role, i)
		if at, kind := r.readTime(text); kind.IsMoment() {
			return span{at, at}, kind
		}
		var out span
		found := cell.NoTime
		for k, n := 0, r.values(e, role, i, false); k < n; k++ {
			text := r.value(k)
			at, kind := r.readTime(text)
			switch {
			case kind > cell.Assumed:
				r.complain(role, text)
				return span{}, kind
			case kind == cell.NoTime:
			case found == cell.NoTime:
				out, found = span{at, at}, kind
			default:
				out = span{min(out.from, at), max(out.to, at)}
			}
		}
		if found != cell.NoTime {
			return out, found
		}
	}
	return span{}, cell.NoTime
}

func (r *Reader) readTime(text []byte) (int64, cell.TimeKind) {
	at, kind := cell.ReadTime(text, r.Zone)
	if kind == cell.Assumed {
		r.Assumed++
	}
	return at, kind
}

// moment reads a time that is of use only where it can be read; else it is 0.
func (r *Reader) moment(e *Event, role Role) int64 {
	for i := range e.n(role) {
		if text, counts := e.at(role, i); counts {
			if at, kind := cell.ReadTime(text, r.Zone); kind.IsMoment() {
				return at
			}
		}
	}
	return 0
}

// logTime reads the time in the event itself. Palo Alto's time with an offset wins
// over those without a zone, unless a zone was given; the offset of a syslog header
// is the event's own where both times then agree.
func (r *Reader) logTime(e *Event) (span, cell.TimeKind) {
	var best int64
	kind := cell.NoTime
	for i := range e.n(LogTime) {
		if !e.counts(LogTime, i) {
			continue
		}
		name := e.name(LogTime, i)
		at, k := cell.ReadTime(e.bare(LogTime, i), name.zone(r.Zone))
		switch {
		case k == cell.ATime && kind == cell.NoTime && r.Zone != nil && name != nil && name.Of == PaloAlto:
			best, kind = at, k // for want of a time in the zone that was given
		case k == cell.ATime && (kind == cell.NoTime || kind > cell.Assumed || kind == cell.Assumed && r.Zone == nil):
			return span{at, at}, k
		case k == cell.Assumed && kind != cell.Assumed:
			best, kind = at, k
		case k > cell.Assumed && kind == cell.NoTime:
			if kind = k; k == cell.Zoneless {
				if at, ok := headerZone(e, i); ok {
					return span{at, at}, cell.ATime
				}
			}
			r.complain(LogTime, e.bare(LogTime, i))
		}
	}
	switch {
	case kind == cell.Assumed && r.Zone == nil:
		if at, ok := inHeaderZone(e, best); ok {
			return span{at, at}, cell.ATime
		}
		fallthrough
	case kind == cell.Assumed:
		r.Assumed++
		return span{best, best}, kind
	case kind > cell.Assumed:
		return span{}, cell.NoTime // as if the event had none
	}
	return span{best, best}, kind
}

// zone is that of times without one below a name, where one was given or the name's
// vendor documents it.
func (n *Name) zone(given *time.Location) *time.Location {
	if given == nil && n != nil && n.UTC {
		return time.UTC
	}
	return given
}

// headerZone reads a time without a zone in that of the syslog header.
func headerZone(e *Event, i int) (int64, bool) {
	at, kind := cell.ReadTime(e.bare(LogTime, i), time.UTC)
	if !kind.IsMoment() {
		return 0, false
	}
	return inHeaderZone(e, at)
}

// agreement is how far the time of an event and that of the header before it may be
// apart for the header's offset to be the event's: the forwarder may be in another
// zone, and zones are a quarter of an hour apart at least.
const agreement = 5 * 60 * cell.Million

// inHeaderZone moves a time that was read as UTC to the zone of the header.
func inHeaderZone(e *Event, at int64) (int64, bool) {
	if len(e.HeaderTime) == 0 {
		return 0, false
	}
	sent, kind := cell.ReadTime(e.HeaderTime, nil)
	offset, ok := cell.Offset(e.HeaderTime)
	if kind != cell.ATime || !ok {
		return 0, false
	}
	at -= offset * cell.Million
	return at, at-sent <= agreement && sent-at <= agreement
}

// duration returns how long a flow lasted, in microseconds.
func (r *Reader) duration(e *Event) int64 {
	for i := range e.n(Duration) {
		text, counts := e.at(Duration, i)
		if !counts {
			continue
		}
		if n := e.name(Duration, i); n != nil && n.Nano {
			if nanos, ok := cell.Number(text); ok {
				return nanos / 1e3
			}
		} else if took, ok := cell.Seconds(text); ok {
			return took
		}
	}
	return 0
}

// number reads a number of bytes, packets or seconds; -1 is "not known". Of several
// cells the largest counts: of Zeek's two counts of bytes one may be 0 where the
// other is not.
func (r *Reader) number(e *Event, role Role) int64 {
	most := int64(-1)
	for i := range e.n(role) {
		if text, counts := e.at(role, i); counts {
			if n, ok := cell.Number(text); ok && n > most {
				most = n
			}
		}
	}
	return most
}
