package stamp

import (
	"bytes"
	"strconv"
	"time"
)

// writtenStamp reads a date with time that begins at a digit.
func writtenStamp(text []byte, at int, zone *time.Location) (Stamp, bool) {
	const length = len("2026-11-20T10:15:30")
	if len(text)-at < length || at > 0 && (digit(text[at-1]) || text[at-1] == '.') {
		return Stamp{}, false
	}
	b := text[at : at+length]
	s := Stamp{from: at, to: at + length}
	switch {
	case b[4] == '-' && b[7] == '-' && (b[10] == 'T' || b[10] == ' '):
		s.form = dashed
	case b[4] == '/' && b[7] == '/' && b[10] == ' ':
		s.form = slashed
	default:
		return Stamp{}, false
	}
	if b[13] != ':' || b[16] != ':' {
		return Stamp{}, false
	}
	year, ok1 := number(b[:4])
	month, ok2 := number(b[5:7])
	day, ok3 := number(b[8:10])
	clock, ok4 := clockOf(b[11:])
	if !ok1 || !ok2 || !ok3 || !ok4 || year < 1971 {
		return Stamp{}, false
	}
	rest := text[s.to:]
	nanos, n := fraction(rest)
	if n == 0 && len(rest) > 0 && digit(rest[0]) {
		return Stamp{}, false
	}
	if s.form == dashed {
		if offset, ok := zoneOf(rest[n:]); ok {
			zone = time.FixedZone("", offset)
		}
	}
	s.Time = time.Date(year, time.Month(month), day, clock[0], clock[1], clock[2], nanos, zone)
	if month < 1 || month > 12 || day < 1 || time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC).Day() != day {
		return Stamp{}, false
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

// Epochs outside of these years are numbers of another kind.
const (
	epochFirst = 946684800  // 2000-01-01
	epochLast  = 4102444799 // 2099-12-31
)

// epochStamp reads epoch seconds or milliseconds at the start of the line or
// behind one of timeKeys.
func epochStamp(text []byte, at int) (Stamp, bool) {
	to := at
	for to < len(text) && digit(text[to]) && to-at < 14 {
		to++
	}
	s := Stamp{from: at, to: to}
	switch to - at {
	case 10:
		s.form = seconds
	case 13:
		s.form = milliseconds
	default:
		return Stamp{}, false
	}
	atStart := at == 0 || at == 1 && text[0] == '"'
	if !atStart && keyRank(text, at) == len(timeKeys) {
		return Stamp{}, false
	}
	value, err := strconv.ParseInt(string(text[at:to]), 10, 64)
	if err != nil {
		return Stamp{}, false
	}
	nanos, n := 0, 0
	if to < len(text) && text[to] == '.' {
		nanos, n = fraction(text[to:])
	}
	if end := to + n; atStart && end < len(text) && !bytes.ContainsRune([]byte("\t ,;|\""), rune(text[end])) {
		return Stamp{}, false
	}
	if s.form == milliseconds {
		s.Time = time.UnixMilli(value)
	} else {
		s.Time = time.Unix(value, int64(nanos))
	}
	if unix := s.Time.Unix(); unix < epochFirst || unix > epochLast {
		return Stamp{}, false
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

// maxAhead is how far in the future a header may be: clocks are not all right.
const maxAhead = 24 * time.Hour

const syslogLayout = "Jan _2 15:04:05"

// syslogStamp reads the header of RFC 3164. Its year is the one that brings the
// time nearest before now; fixYear may know better.
func syslogStamp(text []byte, zone *time.Location, now time.Time) (Stamp, bool) {
	at := 0
	if len(text) > 0 && text[0] == '<' {
		end := bytes.IndexByte(text[:min(len(text), len("<191>"))], '>')
		if end < 0 {
			return Stamp{}, false
		}
		at = end + 1
	}
	to := at + len(syslogLayout)
	if to > len(text) || text[at] < 'A' || text[at] > 'Z' {
		return Stamp{}, false
	}
	t, err := time.ParseInLocation(syslogLayout, string(text[at:to]), zone)
	if err != nil {
		return Stamp{}, false
	}
	t = inYear(t, now.In(zone).Year())
	if t.After(now.Add(maxAhead)) {
		t = inYear(t, t.Year()-1)
	}
	return Stamp{from: at, to: to, form: syslog, Time: t, rank: len(timeKeys)}, true
}

func inYear(t time.Time, year int) time.Time {
	return time.Date(year, t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), t.Location())
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
