package replay

// This file finds the time stamps of an event and moves them. Recognised are
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
// are not moved.

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

// A stamp is a time in a text. Of a written time, from and to enclose the date
// and time without fraction and zone; of an epoch its whole seconds or
// milliseconds.
type stamp struct {
	from, to int
	form     form
	t        time.Time // with the fraction
	rank     int       // of its key in timeKeys; len(timeKeys) = has none of them
}

// timeKeys are the names of an event's time, the best first: Splunk's, Suricata's,
// Zeek's, and those of shippers.
var timeKeys = []string{"_time", "timestamp", "ts", "@timestamp", "time"}

// Epochs outside of these years are numbers of another kind.
const (
	epochFirst = 946684800  // 2000-01-01
	epochLast  = 4102444799 // 2099-12-31
)

// stamps finds the time stamps, and the number of the one that is the event's
// time, -1 where there is none. now decides the year of a syslog header that
// stands alone.
func stamps(text []byte, zone *time.Location, now time.Time, found []stamp) ([]stamp, int) {
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
func eventStamp(text []byte, found []stamp) int {
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

// writtenStamp reads a date with time that begins at a digit.
func writtenStamp(text []byte, at int, zone *time.Location) (stamp, bool) {
	const length = len("2026-11-20T10:15:30")
	if len(text)-at < length || at > 0 && (digit(text[at-1]) || text[at-1] == '.') {
		return stamp{}, false
	}
	b := text[at : at+length]
	s := stamp{from: at, to: at + length}
	switch {
	case b[4] == '-' && b[7] == '-' && (b[10] == 'T' || b[10] == ' '):
		s.form = dashed
	case b[4] == '/' && b[7] == '/' && b[10] == ' ':
		s.form = slashed
	default:
		return stamp{}, false
	}
	if b[13] != ':' || b[16] != ':' {
		return stamp{}, false
	}
	year, ok1 := number(b[:4])
	month, ok2 := number(b[5:7])
	day, ok3 := number(b[8:10])
	clock, ok4 := clockOf(b[11:])
	if !ok1 || !ok2 || !ok3 || !ok4 || year < 1971 {
		return stamp{}, false
	}
	rest := text[s.to:]
	nanos, n := fraction(rest)
	if n == 0 && len(rest) > 0 && digit(rest[0]) {
		return stamp{}, false
	}
	if s.form == dashed {
		if offset, ok := zoneOf(rest[n:]); ok {
			zone = time.FixedZone("", offset)
		}
	}
	s.t = time.Date(year, time.Month(month), day, clock[0], clock[1], clock[2], nanos, zone)
	if month < 1 || month > 12 || day < 1 || time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC).Day() != day {
		return stamp{}, false
	}
	return s, true
}

// clockOf reads hh:mm:ss.
func clockOf(b []byte) (clock [3]int, ok bool) {
	for i, most := range [3]int{24, 60, 60} {
		if clock[i], ok = number(b[3*i : 3*i+2]); !ok || clock[i] >= most {
			return clock, false
		}
	}
	return clock, true
}

// fraction reads .123456 or ,123456 (ISO 8601 allows the comma; in a CSV row it
// would end the cell, so it counts only before a zone).
func fraction(b []byte) (nanos, length int) {
	if len(b) < 2 || b[0] != '.' && b[0] != ',' || !digit(b[1]) {
		return 0, 0
	}
	scale := 100_000_000
	length = 1
	for length < len(b) && digit(b[length]) {
		nanos += int(b[length]-'0') * scale
		scale /= 10
		length++
	}
	if b[0] == ',' {
		if _, zoned := zoneOf(b[length:]); !zoned {
			return 0, 0
		}
	}
	return nanos, length
}

// zoneOf reads Z, +hh:mm, +hhmm or +hh.
func zoneOf(b []byte) (offset int, ok bool) {
	if len(b) == 0 {
		return 0, false
	}
	if b[0] == 'Z' {
		return 0, true
	}
	if b[0] != '+' && b[0] != '-' || len(b) < 3 {
		return 0, false
	}
	hours, ok := number(b[1:3])
	if !ok || hours > 15 {
		return 0, false
	}
	minutes := 0
	rest := b[3:]
	if len(rest) > 0 && rest[0] == ':' {
		rest = rest[1:]
	}
	if len(rest) >= 2 {
		if m, isNumber := number(rest[:2]); isNumber && m < 60 {
			minutes = m
		}
	}
	offset = hours*3600 + minutes*60
	if b[0] == '-' {
		offset = -offset
	}
	return offset, true
}

// epochStamp reads epoch seconds or milliseconds at the start of the line or
// behind one of timeKeys.
func epochStamp(text []byte, at int) (stamp, bool) {
	to := at
	for to < len(text) && digit(text[to]) && to-at < 14 {
		to++
	}
	s := stamp{from: at, to: to}
	switch to - at {
	case 10:
		s.form = seconds
	case 13:
		s.form = milliseconds
	default:
		return stamp{}, false
	}
	atStart := at == 0 || at == 1 && text[0] == '"'
	if !atStart && keyRank(text, at) == len(timeKeys) {
		return stamp{}, false
	}
	value, err := strconv.ParseInt(string(text[at:to]), 10, 64)
	if err != nil {
		return stamp{}, false
	}
	nanos, n := 0, 0
	if to < len(text) && text[to] == '.' {
		nanos, n = fraction(text[to:])
	}
	if end := to + n; atStart && end < len(text) && !bytes.ContainsRune([]byte("\t ,;|\""), rune(text[end])) {
		return stamp{}, false
	}
	if s.form == milliseconds {
		s.t = time.UnixMilli(value)
	} else {
		s.t = time.Unix(value, int64(nanos))
	}
	if unix := s.t.Unix(); unix < epochFirst || unix > epochLast {
		return stamp{}, false
	}
	return s, true
}

// keyRank looks at what stands before a value: "key": or key=.
func keyRank(text []byte, at int) int {
	before := bytes.TrimRight(text[:at], " ")
	before = bytes.TrimSuffix(before, []byte{'"'})
	before = bytes.TrimRight(before, " ")
	if len(before) == 0 {
		return len(timeKeys)
	}
	sign := before[len(before)-1]
	if sign != ':' && sign != '=' {
		return len(timeKeys)
	}
	before = bytes.TrimRight(before[:len(before)-1], " ")
	before = bytes.TrimSuffix(before, []byte{'"'})
	for rank, key := range timeKeys {
		head, ok := bytes.CutSuffix(before, []byte(key))
		if !ok {
			continue
		}
		if len(head) == 0 {
			return rank
		}
		switch head[len(head)-1] {
		case '"', ' ', ',', '\t', '{':
			return rank
		}
	}
	return len(timeKeys)
}

const syslogLayout = "Jan _2 15:04:05"

// syslogStamp reads the header of RFC 3164. Its year is the one that brings the
// time nearest before now; fixYear may know better.
func syslogStamp(text []byte, zone *time.Location, now time.Time) (stamp, bool) {
	at := 0
	if len(text) > 0 && text[0] == '<' {
		end := bytes.IndexByte(text[:min(len(text), len("<191>"))], '>')
		if end < 0 {
			return stamp{}, false
		}
		at = end + 1
	}
	to := at + len(syslogLayout)
	if to > len(text) || text[at] < 'A' || text[at] > 'Z' {
		return stamp{}, false
	}
	t, err := time.ParseInLocation(syslogLayout, string(text[at:to]), zone)
	if err != nil {
		return stamp{}, false
	}
	t = inYear(t, now.In(zone).Year())
	if t.After(now.Add(longest)) {
		t = inYear(t, t.Year()-1)
	}
	return stamp{from: at, to: to, form: syslog, t: t, rank: len(timeKeys)}, true
}

func inYear(t time.Time, year int) time.Time {
	return time.Date(year, t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), t.Location())
}

// fixYear gives a syslog header the year of the stamp behind it; around New
// Year the neighbour's, if that is nearer.
func fixYear(found []stamp, zone *time.Location) {
	if found[0].form != syslog || len(found) < 2 {
		return
	}
	other := found[1].t
	best := found[0].t
	for year := other.In(zone).Year() - 1; year <= other.In(zone).Year()+1; year++ {
		t := inYear(best, year)
		if other.Sub(t).Abs() < other.Sub(best).Abs() {
			best = t
		}
	}
	found[0].t = best
}

// shifted is a copy of the text with its time stamps moved.
func shifted(text []byte, found []stamp, by time.Duration) []byte {
	out := make([]byte, 0, len(text))
	done := 0
	for _, s := range found {
		out = append(out, text[done:s.from]...)
		t := s.t.Add(by)
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

func digit(c byte) bool { return c >= '0' && c <= '9' }

func number(b []byte) (n int, ok bool) {
	for _, c := range b {
		if !digit(c) {
			return 0, false
		}
		n = 10*n + int(c-'0')
	}
	return n, true
}
