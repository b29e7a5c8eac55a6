package judge

import "tordetect/src/event"

// Seen is what a judge keeps of the events of a run for what is said of it.
type Seen struct {
	event, end     bool
	stale          bool
	staleAfter     int64
	unreadableTime bool
	assumed        int64
	unread         [event.Roles]string
}

// Seen returns what the judge saw since it was asked last, and forgets it: several who
// judge the events of one run tell one of them.
func (j *Judge) Seen() Seen {
	s := Seen{j.sawEvent, j.sawEnd, j.sawStale, j.staleAfter, j.sawUnreadableTime, j.reader.Assumed, j.reader.Unread}
	j.sawEvent, j.sawEnd, j.sawStale, j.staleAfter, j.sawUnreadableTime = false, false, false, 0, false
	j.reader.Assumed, j.reader.Unread = 0, [event.Roles]string{}
	return s
}

// Saw adds what another judge saw, of events behind those that are known.
func (j *Judge) Saw(s *Seen) {
	j.sawEvent = j.sawEvent || s.event
	j.sawEnd = j.sawEnd || s.end
	j.sawUnreadableTime = j.sawUnreadableTime || s.unreadableTime
	if s.stale {
		j.sawStale, j.staleAfter = true, s.staleAfter
	}
	j.reader.Assumed += s.assumed
	for role, text := range s.unread {
		if j.reader.Unread[role] == "" {
			j.reader.Unread[role] = text
		}
	}
}
