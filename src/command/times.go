package command

import (
	"tordetect/src/flow"
	"tordetect/src/rows"
)

// maxWindow is the longest search window that stands in for a row's time: the
// table's own retention. A row of a longer one could be of any time.
const maxWindow = 7 * 24 * 60 * 60

// window turns the search's earliest and latest into the interval that stands in
// for the time of rows without one.
func window(earliest, latest float64) (flow.Interval, bool) {
	if earliest <= 0 || latest < earliest || latest-earliest > maxWindow || latest > maxTime {
		return flow.Interval{}, false
	}
	return flow.Interval{From: int64(earliest), To: int64(latest)}, true
}

// time returns when the row was: columns named in the options, then firstTime to
// lastTime, then _time, then what the event itself says.
func (r *row) time(s *rows.Scanner, c *columns) (flow.Interval, timeKind) {
	if c.options.Columns[roleTime] != "" {
		at, kind := r.times(s, c.places[roleTime])
		if kind == noTime && (c.options.Columns[roleFirst] != "" || c.options.Columns[roleLast] != "") {
			at, kind = r.bounds(s, c)
		}
		if kind != noTime {
			return at, kind
		}
	}
	if at, kind := r.bounds(s, c); kind != noTime {
		return at, kind
	}
	at, kind := r.times(s, c.places[roleTime])
	if kind == noTime {
		if seconds := r.moment(s, c.places[roleLogTime]); seconds > 0 {
			at, kind = flow.Interval{From: seconds, To: seconds}, aTime
		}
	}
	if kind == aTime {
		if n := r.count(s, c.places[roleSpan]); n > 0 {
			at.To += min(n, maxTime)
		}
		if n := r.count(s, c.places[roleDuration]); n > 0 {
			lasted(&at, n, r.isZeek(s, c))
		}
		began(&at, r.moment(s, c.places[roleStart]))
	}
	return at, kind
}

// lasted stretches a time by a flow's duration. Firewalls log a flow when it
// ends, so its time is the end; Zeek's is that of the first packet.
func lasted(at *flow.Interval, seconds int64, fromStart bool) {
	seconds = min(seconds, maxTime)
	if fromStart {
		at.To += seconds
	} else {
		at.From -= seconds
	}
}

// began stretches a time back to when the flow began, where that is known.
func began(at *flow.Interval, start int64) {
	if start > 0 && start < at.From {
		at.From = start
	}
}

// isZeek reports whether the row has cells that only Zeek's logs have.
func (r *row) isZeek(s *rows.Scanner, c *columns) bool {
	for _, p := range c.places[roleZeek] {
		if !isEmpty(bare(s, p)) {
			return true
		}
	}
	return false
}

// moment reads a time that is of use only where it can be read; else it is 0.
func (r *row) moment(s *rows.Scanner, places []place) int64 {
	for _, p := range places {
		if at, kind := parseTime(bare(s, p)); kind == aTime {
			return at
		}
	}
	return 0
}

// bounds reads the columns of a first and a last time; one of them alone is a
// moment.
func (r *row) bounds(s *rows.Scanner, c *columns) (flow.Interval, timeKind) {
	first, kind1 := r.times(s, c.places[roleFirst])
	last, kind2 := r.times(s, c.places[roleLast])
	switch {
	case kind1 == unreadable || kind2 == unreadable:
		return flow.Interval{}, unreadable
	case kind1 == noTime:
		return last, kind2
	case kind2 == noTime:
		return first, kind1
	}
	return flow.Interval{From: min(first.From, last.From), To: max(first.To, last.To)}, aTime
}

// times reads a time cell; a list is the interval from its first to its last.
func (r *row) times(s *rows.Scanner, places []place) (flow.Interval, timeKind) {
	for _, p := range places {
		if at, kind := parseTime(bare(s, p)); kind == aTime {
			return flow.Interval{From: at, To: at}, aTime
		}
		var out flow.Interval
		found := noTime
		for i, n := 0, r.values(s, p); i < n; i++ {
			at, kind := parseTime(r.value(s, p, i))
			switch {
			case kind == unreadable:
				r.sawUnreadableTime = true
				return flow.Interval{}, unreadable
			case kind == noTime:
			case found == noTime:
				out, found = flow.Interval{From: at, To: at}, aTime
			default:
				out = flow.Interval{From: min(out.From, at), To: max(out.To, at)}
			}
		}
		if found != noTime {
			return out, found
		}
	}
	return flow.Interval{}, noTime
}
