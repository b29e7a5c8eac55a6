package trafficlog

import (
	"strconv"
	"time"
)

// clock reads times of one zone. The zero value needs a zone.
type clock struct {
	zone   *time.Location
	minute [16]byte // text of the minute that was read last
	start  int64    // its epoch seconds

	zoneless int64 // times that were taken to be of that zone
}

// palo reads a time as Palo Alto writes it, 2026/11/20 10:15:30, in epoch
// seconds.
func (c *clock) palo(text []byte) (int64, bool) {
	const form = "2006/01/02 15:04:05"
	if len(text) != len(form) || text[16] != ':' {
		return 0, false
	}
	second, ok := digits(text[17:19])
	if !ok || second > 60 {
		return 0, false
	}
	if string(text[:16]) != string(c.minute[:]) {
		start, ok := c.date(text, '/', ' ')
		if !ok {
			return 0, false
		}
		copy(c.minute[:], text[:16])
		c.start = start
	}
	c.zoneless++
	return c.start + second, true
}

// date reads a date and the hour and minute behind it. An hour that a zone has
// twice is the first one.
func (c *clock) date(text []byte, dash, between byte) (int64, bool) {
	if text[4] != dash || text[7] != dash || text[10] != between && text[10] != ' ' || text[13] != ':' {
		return 0, false
	}
	year, ok1 := digits(text[0:4])
	month, ok2 := digits(text[5:7])
	day, ok3 := digits(text[8:10])
	hour, ok4 := digits(text[11:13])
	minute, ok5 := digits(text[14:16])
	if !ok1 || !ok2 || !ok3 || !ok4 || !ok5 || month < 1 || month > 12 || hour > 23 || minute > 59 || year < 1970 {
		return 0, false
	}
	at := time.Date(int(year), time.Month(month), int(day), int(hour), int(minute), 0, 0, c.zone)
	if day < 1 || day > 31 || at.Day() != int(day) && hour > 3 { // February 30; a night hour that summer time left out may move
		return 0, false
	}
	return at.Unix(), true
}

// iso reads an ISO 8601 time with a fraction or without and a zone or without, in
// microseconds. Without one the zone is the clock's.
func (c *clock) iso(text []byte) (micros int64, ok bool) {
	const form = "2006-01-02T15:04:05"
	if len(text) < len(form) || text[16] != ':' {
		return 0, false
	}
	second, ok := digits(text[17:19])
	if !ok || second > 60 {
		return 0, false
	}
	rest := text[len(form):]
	fraction := int64(0)
	if len(rest) > 0 && (rest[0] == '.' || rest[0] == ',') {
		fraction, rest, ok = readFraction(rest[1:])
		if !ok {
			return 0, false
		}
	}
	of, offset := clock{zone: c.zone}, int64(0)
	if len(rest) > 0 {
		if offset, ok = readZone(rest); !ok {
			return 0, false
		}
		of.zone = time.UTC
	} else {
		c.zoneless++
	}
	start, ok := of.date(text, '-', 'T')
	return (start+second-offset)*million + fraction, ok
}

const million = 1_000_000

// readFraction reads the digits behind a decimal point as millionths.
func readFraction(text []byte) (micros int64, rest []byte, ok bool) {
	n := 0
	for n < len(text) && '0' <= text[n] && text[n] <= '9' {
		if n < 6 {
			micros = micros*10 + int64(text[n]-'0')
		}
		n++
	}
	for i := n; i < 6; i++ {
		micros *= 10
	}
	return micros, text[n:], n > 0
}

// readZone reads Z, +hh, +hhmm or +hh:mm as seconds ahead of UTC.
func readZone(text []byte) (int64, bool) {
	if string(text) == "Z" {
		return 0, true
	}
	if len(text) == 6 && text[3] == ':' {
		text = []byte{text[0], text[1], text[2], text[4], text[5]}
	}
	if len(text) != 3 && len(text) != 5 || text[0] != '+' && text[0] != '-' {
		return 0, false
	}
	hours, ok1 := digits(text[1:3])
	minutes, ok2 := digits(text[3:])
	if !ok1 || !ok2 || hours > 14 || minutes > 59 {
		return 0, false
	}
	offset := hours*3600 + minutes*60
	if text[0] == '-' {
		offset = -offset
	}
	return offset, true
}

// digits reads a number of digits alone, at most nine.
func digits(text []byte) (int64, bool) {
	n := int64(0)
	for _, c := range text {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int64(c-'0')
	}
	return n, len(text) <= 9
}

// maxSeconds is the end of the year 9999, beyond which a number is no time.
const maxSeconds = 253402300799

// decimal reads seconds with a fraction or without, in microseconds, as Zeek
// writes times and durations. Never negative.
func decimal(text []byte) (micros int64, ok bool) {
	n := 0
	for n < len(text) && n < 12 && '0' <= text[n] && text[n] <= '9' {
		micros = micros*10 + int64(text[n]-'0')
		n++
	}
	if n == 0 || micros > maxSeconds {
		return 0, false
	}
	micros *= million
	if n == len(text) {
		return micros, true
	}
	if text[n] == '.' {
		fraction, rest, ok := readFraction(text[n+1:])
		if ok && len(rest) == 0 {
			return micros + fraction, true
		}
	}
	// JSON writers use exponents for the smallest durations.
	value, err := strconv.ParseFloat(string(text), 64)
	if err != nil || !(value >= 0 && value <= maxSeconds) {
		return 0, false
	}
	return int64(value * million), true
}

// appendSeconds appends microseconds as seconds, with a fraction where there is
// one.
func appendSeconds(dst []byte, micros int64) []byte {
	dst = strconv.AppendInt(dst, micros/million, 10)
	fraction := micros % million
	if fraction == 0 {
		return dst
	}
	var text [7]byte
	text[0] = '.'
	for i := 6; i > 0; i-- {
		text[i] = byte('0' + fraction%10)
		fraction /= 10
	}
	return append(dst, text[:]...)
}
