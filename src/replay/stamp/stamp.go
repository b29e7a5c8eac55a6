// Package stamp finds the times that are written in an event, and moves them.
//
//	in:   2026-11-20T10:15:30.5+0100 up, "start":1763633730
//	out:  2026-11-20T11:15:30.5+0100 up, "start":1763637330    (by an hour)
//
// Recognised are
//
//	2026/11/20 10:15:30                  Palo Alto: receive, generated (the event's time), start
//	2026-11-20T10:15:30.123456+0000      ISO 8601 and RFC 3339, T or blank, with or without zone: Suricata, Zeek JSON
//	1763633730.123456                    epoch seconds or milliseconds, at the start of the line (Zeek TSV, CSV with
//	                                     _time first) or as value of a key of timeKeys, as in "ts":1763633730 or _time=1763633730
//	Nov 20 10:15:30                      syslog header (RFC 3164), also behind <priority>
//
// Everything that is written out as such is moved, not only the event's own time:
// a start stays as far from the end as it was. Fractions and zones are kept as
// they are written, so the shift is of whole seconds. Dates alone and times alone
// are not moved. It knows no format of a log: where something else than a time is
// to be read from an event, package format does it.
package stamp

import (
	"bytes"
	"strconv"
	"time"
)

type form uint8

const (
	dashed form = iota
	slashed
	syslog
	seconds
	milliseconds
)

// A Stamp is a time in a text. Of a written time, from and to enclose the date
// and time without fraction and zone; of an epoch its whole seconds or
// milliseconds.
type Stamp struct {
	Time     time.Time // with the fraction
	from, to int
	form     form
	rank     int // of its key in timeKeys; len(timeKeys) = has none of them
}

// timeKeys are the names of an event's time, the best first: Splunk's, Suricata's,
// Zeek's, and those of shippers.
var timeKeys = []string{"_time", "timestamp", "ts", "@timestamp", "time"}

// Find finds the time stamps, and the number of the one that is the event's
// time, -1 where there is none. now decides the year of a syslog header that
// stands alone.
func Find(text []byte, zone *time.Location, now time.Time, found []Stamp) ([]Stamp, int) {
	found = found[:0]
	at := 0
	if s, ok := syslogStamp(text, zone, now); ok {
		found = append(found, s)
		at = s.to
	}
	for at < len(text) {
		if !digit(text[at]) {
			at++
			continue
		}
		s, ok := writtenStamp(text, at, zone)
		if !ok {
			s, ok = epochStamp(text, at)
		}
		if ok {
			s.rank = keyRank(text, at)
			found = append(found, s)
			at = s.to
		}
		for at < len(text) && digit(text[at]) {
			at++
		}
	}
	if len(found) == 0 {
		return found, -1
	}
	fixYear(found, zone)
	return found, eventStamp(text, found)
}

// eventStamp chooses the event's time: Palo Alto's generated time (field 7; the
// receive time before it is the log collector's), else the best key's, else the
// first, but rather one that names its year.
func eventStamp(text []byte, found []Stamp) int {
	if from := generated(text); from >= 0 {
		for i, s := range found {
			if s.from == from {
				return i
			}
		}
	}
	best := 0
	for i, s := range found {
		if s.rank < found[best].rank {
			best = i
		}
	}
	if found[best].form == syslog && len(found) > 1 {
		return 1
	}
	return best
}

// generated is where field 7 of a Palo Alto line begins, -1 where the line is
// none: field 4 is the type of the log in capitals.
func generated(text []byte) int {
	at := 0
	for field := 1; field < 7; field++ {
		comma := bytes.IndexByte(text[at:], ',')
		if comma < 0 {
			return -1
		}
		if field == 4 {
			for _, c := range text[at : at+comma] {
				if (c < 'A' || c > 'Z') && c != '-' {
					return -1
				}
			}
			if comma == 0 {
				return -1
			}
		}
		at += comma + 1
	}
	return at
}

// fixYear gives a syslog header the year of the stamp behind it; around New
// Year the neighbour's, if that is nearer.
func fixYear(found []Stamp, zone *time.Location) {
	if found[0].form != syslog || len(found) < 2 {
		return
	}
	other := found[1].Time
	best := found[0].Time
	for year := other.In(zone).Year() - 1; year <= other.In(zone).Year()+1; year++ {
		t := inYear(best, year)
		if other.Sub(t).Abs() < other.Sub(best).Abs() {
			best = t
		}
	}
	found[0].Time = best
}

// Shifted is a copy of the text with its time stamps, those that Find found, moved.
func Shifted(text []byte, found []Stamp, by time.Duration) []byte {
	out := make([]byte, 0, len(text))
	done := 0
	for _, s := range found {
		out = append(out, text[done:s.from]...)
		t := s.Time.Add(by)
		switch s.form {
		case dashed:
			out = t.AppendFormat(out, "2006-01-02")
			out = append(out, text[s.from+10]) // T or blank
			out = t.AppendFormat(out, "15:04:05")
		case slashed:
			out = t.AppendFormat(out, "2006/01/02 15:04:05")
		case syslog:
			if text[s.from+4] == '0' {
				out = t.AppendFormat(out, "Jan 02 15:04:05")
			} else {
				out = t.AppendFormat(out, syslogLayout)
			}
		case seconds:
			out = strconv.AppendInt(out, t.Unix(), 10)
		case milliseconds:
			out = strconv.AppendInt(out, t.UnixMilli(), 10)
		}
		done = s.to
	}
	return append(out, text[done:]...)
}
