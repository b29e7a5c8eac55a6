package judge

import "tordetect/src/event"

// seen is what a judge notes of the events of a run, for what is said of it.
type seen struct {
	event, end     bool  // there was an event; one that had something to look up
	stale          bool  // one was newer than the newest list
	staleAfter     int64 // when that list ended
	unreadableTime bool
	timeless       bool // one had no time at all
	cut, several   bool // an event in _raw ended too early; one was followed by another
}

// Seen is that, with what could not be read.
type Seen struct {
	seen
	assumed int64
	unread  [event.Roles]string
}

// Seen returns what the judge saw since it was asked last, and forgets it: several who
// judge the events of one run tell one of them.
func (j *Judge) Seen() Seen {
	s := Seen{j.seen, j.reader.Assumed, j.reader.Unread}
	j.seen, j.reader.Assumed, j.reader.Unread = seen{}, 0, [event.Roles]string{}
	return s
}

// Saw adds what another judge saw, of events behind those that are known.
func (j *Judge) Saw(s *Seen) {
	j.seen.event = j.seen.event || s.event
	j.seen.end = j.seen.end || s.end
	j.seen.unreadableTime = j.seen.unreadableTime || s.unreadableTime
	j.seen.timeless = j.seen.timeless || s.timeless
	j.seen.cut = j.seen.cut || s.cut
	j.seen.several = j.seen.several || s.several
	if s.stale {
		j.seen.stale, j.seen.staleAfter = true, s.staleAfter
	}
	j.reader.Assumed += s.assumed
	for role, text := range s.unread {
		if j.reader.Unread[role] == "" {
			j.reader.Unread[role] = text
		}
	}
}
