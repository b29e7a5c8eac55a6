package cell

import (
	"bytes"
	"strconv"
	"time"
)

// A TimeKind says what a time cell held.
type TimeKind uint8

const (
	NoTime     TimeKind = iota // no value
	ATime                      // a moment
	Assumed                    // a moment of Palo Alto's form, which names no zone: taken for UTC, or for the zone given
	Zoneless                   // a date and time of day without a zone, or with the name of one that has several meanings
	Unreadable                 // text that is no time
)

// IsMoment reports whether there is a moment.
func (k TimeKind) IsMoment() bool { return k == ATime || k == Assumed }

// MaxTime is the last second of the year 9999, beyond which a number in a time
// column is no time.
const MaxTime = 253402300799

// Million is how many microseconds a second has. Times and durations are read in
// microseconds, so that a start and a duration with fractions add up.
const Million = 1_000_000

// Epoch milliseconds, microseconds and nanoseconds are taken for such where they
// then lie between 2001 and 2100. No second up to MaxTime is one of them.
const (
	year2001 = 978307200
	year2100 = 4102444800
)

// ReadTime reads a time, in microseconds since the epoch: epoch seconds with or
// without a fraction; epoch milli-, micro- or nanoseconds, by their size; a date and
// a time of day, as in 2026-11-20T10:15:30.5+01:00 or 2026/11/20 10:15:30, with a
// zone: Z, UTC, GMT, +hh, +hhmm or +hh:mm. Names of other zones are not read, as many
// have several meanings. zone is that of times which name none; nil: they are no
// times, but for Palo Alto's own form, the one with slashes, which never names a
// zone and is UTC then.
func ReadTime(text []byte, zone *time.Location) (int64, TimeKind) {
	if len(text) >= len(dateForm) && (text[4] == '-' || text[4] == '/') { // no number
		if micros, kind := date(text, zone); kind.IsMoment() {
			return micros, kind
		}
	}
	if micros, ok := epoch(text); ok {
		return micros, ATime
	}
	text = bytes.TrimSpace(text)
	if IsEmpty(text) {
		return 0, NoTime
	}
	if len(text) > 0 && text[0] >= '0' && text[0] <= '9' {
		if micros, ok := epoch(text); ok {
			return micros, ATime
		}
	}
	return date(text, zone)
}

// epoch reads a number of seconds, or of smaller units by its size.
func epoch(text []byte) (int64, bool) {
	const usual = len("1795169730")
	if len(text) < usual || len(text) > usual && text[usual] != '.' {
		return anyEpoch(text)
	}
	seconds, ok := TenDigits(text)
	if !ok {
		return anyEpoch(text)
	}
	micros := seconds * Million
	if len(text) == usual {
		return micros, true
	}
	fraction, rest, _ := readFraction(text[usual+1:])
	return micros + fraction, len(rest) == 0
}

// TenDigits reads the first ten characters, of which there have to be as many, as a
// number: the seconds of a time between 2001 and 2286. Eight are read at once:
// neighbours become a number of two digits, those one of four, those one of eight.
func TenDigits[T string | []byte](text T) (int64, bool) {
	const each = 0x0101010101010101
	text = text[:len("1795169730")]
	v := uint64(text[0]) | uint64(text[1])<<8 | uint64(text[2])<<16 | uint64(text[3])<<24 | // the first digit is the lowest byte
		uint64(text[4])<<32 | uint64(text[5])<<40 | uint64(text[6])<<48 | uint64(text[7])<<56
	v ^= each * '0'
	tens, ones := uint64(text[8])-'0', uint64(text[9])-'0'
	if (v|(v+each*6))&(each*0xf0) != 0 || tens > 9 || ones > 9 {
		return 0, false
	}
	v = (v*10 + v>>8) & 0x00ff00ff00ff00ff
	v = (v*100 + v>>16) & 0x0000ffff0000ffff
	return int64((v*10000+v>>32)&0xffffffff)*100 + int64(tens*10+ones), true
}

func anyEpoch(text []byte) (int64, bool) {
	n, digits := int64(0), 0
	for digits < len(text) && '0' <= text[digits] && text[digits] <= '9' {
		if digits == maxDigits+1 {
			return 0, false
		}
		n = n*10 + int64(text[digits]-'0')
		digits++
	}
	if digits == 0 || n < 0 { // of the largest numbers with nineteen digits nothing is left
		return 0, false
	}
	fraction := text[digits:]
	micros := int64(0)
	if len(fraction) > 0 {
		if fraction[0] != '.' {
			return 0, false
		}
		var rest []byte
		if micros, rest, _ = readFraction(fraction[1:]); len(rest) > 0 {
			return 0, false
		}
	}
	between := func(unit int64) bool { return n >= year2001*unit && n < year2100*unit }
	switch {
	case n <= MaxTime:
		return n*Million + micros, true
	case between(1e3):
		return n*1e3 + micros/1e3, true
	case between(1e6):
		return n, true
	case between(1e9):
		return n / 1e3, true
	}
	return 0, false
}

// dateForm is what a date begins with; the dashes may be slashes, the T a blank.
const dateForm = "2006-01-02T15:04:05"

// date reads a date and time of day.
func date(text []byte, zone *time.Location) (int64, TimeKind) {
	if len(text) < len(dateForm) {
		return 0, Unreadable
	}
	dash, between := text[4], text[10]
	if dash != '-' && dash != '/' || text[7] != dash && text[7] != '-' || between != ' ' && between|0x20 != 't' || text[13] != ':' || text[16] != ':' {
		return 0, Unreadable
	}
	isBad := false
	two := func(i int) int {
		tens, ones := text[i]-'0', text[i+1]-'0'
		isBad = isBad || tens > 9 || ones > 9
		return int(tens)*10 + int(ones)
	}
	year, month, day, hour, minute, second := two(0)*100+two(2), two(5), two(8), two(11), two(14), two(17)
	if isBad {
		return 0, Unreadable
	}
	days, ok := Days(year, month, day)
	if !ok || hour > 23 || minute > 59 || second > 60 {
		return 0, Unreadable
	}
	utc := days*24*60*60 + int64((hour*60+minute)*60+second)
	rest := text[len(dateForm):]
	fraction := int64(0)
	if len(rest) > 0 && (rest[0] == '.' || rest[0] == ',') {
		if fraction, rest, ok = readFraction(rest[1:]); !ok {
			return 0, Unreadable
		}
	}
	rest = bytes.TrimSpace(rest)
	offset, zoned := readZone(rest)
	kind := ATime
	switch {
	case zoned:
		return moment(utc-offset, fraction, kind)
	case len(rest) > 0:
		if isWord(rest) {
			return 0, Zoneless
		}
		return 0, Unreadable
	case dash == '/':
		if kind = Assumed; zone == nil {
			return moment(utc, fraction, kind)
		}
	case zone == nil:
		return 0, Zoneless
	}
	// An hour that a zone has twice is the first one.
	return moment(time.Date(year, time.Month(month), day, hour, minute, second, 0, zone).Unix(), fraction, kind)
}

func moment(seconds, fraction int64, kind TimeKind) (int64, TimeKind) {
	if seconds < 0 || seconds > MaxTime {
		return 0, Unreadable
	}
	return seconds*Million + fraction, kind
}

// Days returns by how many days a date is after 1970-01-01; false for one before, and
// for a day that its month does not have. The year begins with March here, so that a
// leap day is its last, and five months have 153 days.
func Days(year, month, day int) (int64, bool) {
	if year < 1970 || month < 1 || month > 12 || day < 1 || day > daysOf(year, month) {
		return 0, false
	}
	if month -= 3; month < 0 {
		month += 12
		year--
	}
	const epoch = 719468 // the first of March of the year 0 is so many days before 1970
	return int64(year*365 + year/4 - year/100 + year/400 + (month*153+2)/5 + day - 1 - epoch), true
}

// daysOf returns how many days a month has.
func daysOf(year, month int) int {
	switch month {
	case 4, 6, 9, 11:
		return 30
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	}
	return 31
}

// isWord reports whether a text can be the name of a zone.
func isWord(text []byte) bool {
	for _, c := range text {
		if (c|0x20 < 'a' || c|0x20 > 'z') && c != '/' && c != '_' && c != '-' && c != '+' && (c < '0' || c > '9') {
			return false
		}
	}
	return len(text) <= len("America/Argentina/ComodRivadavia") && text[0]|0x20 >= 'a'
}

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

// readZone reads Z, UTC, GMT, +hh, +hhmm or +hh:mm as seconds ahead of UTC.
func readZone(zone []byte) (int64, bool) {
	switch {
	case len(zone) == 0:
		return 0, false
	case len(zone) == 1 && zone[0]|0x20 == 'z', string(zone) == "UTC", string(zone) == "GMT":
		return 0, true
	case zone[0] != '+' && zone[0] != '-':
		return 0, false
	}
	var digits [4]byte
	n := 0
	for _, c := range zone[1:] {
		switch {
		case c == ':' && n == 2:
		case '0' <= c && c <= '9' && n < 4:
			digits[n] = c - '0'
			n++
		default:
			return 0, false
		}
	}
	hours, minutes := int64(digits[0])*10+int64(digits[1]), int64(digits[2])*10+int64(digits[3])
	if n != 2 && n != 4 || hours > 14 || minutes > 59 { // UTC+14 is the furthest there is
		return 0, false
	}
	offset := hours*3600 + minutes*60
	if zone[0] == '-' {
		offset = -offset
	}
	return offset, true
}

// Seconds reads a duration in seconds, with a fraction or without, in microseconds.
// Never negative.
func Seconds(text []byte) (micros int64, ok bool) {
	text = bytes.TrimSpace(text)
	n := 0
	for n < len(text) && n < 12 && '0' <= text[n] && text[n] <= '9' {
		micros = micros*10 + int64(text[n]-'0')
		n++
	}
	if n == 0 || micros > MaxTime {
		return 0, false
	}
	micros *= Million
	if n == len(text) {
		return micros, true
	}
	if text[n] == '.' {
		if fraction, rest, ok := readFraction(text[n+1:]); ok && len(rest) == 0 {
			return micros + fraction, true
		}
	}
	// JSON writers use exponents for the smallest durations.
	if len(text) > 32 || !mayBeFloat(text) {
		return 0, false
	}
	value, err := strconv.ParseFloat(string(text), 64)
	if err != nil || !(value >= 0 && value <= MaxTime) {
		return 0, false
	}
	return int64(value * Million), true
}

// mayBeFloat keeps from strconv what cannot be a number, for whose error it would
// allocate.
func mayBeFloat(text []byte) bool {
	exponents, points := 0, 0
	for i, c := range text {
		switch {
		case c == 'e' || c == 'E':
			exponents++
		case c == '.':
			points++
		case (c == '+' || c == '-') && text[i-1]|0x20 == 'e': // the first one is a digit
		case c < '0' || c > '9':
			return false
		}
	}
	last := text[len(text)-1]
	return exponents <= 1 && points <= 1 && '0' <= last && last <= '9'
}

// Offset returns the seconds by which the zone of a date is ahead of UTC, where the
// text is a date that ends with one.
func Offset(text []byte) (int64, bool) {
	if _, kind := ReadTime(text, nil); kind != ATime || len(text) < len(dateForm) {
		return 0, false
	}
	rest := bytes.TrimSpace(text)[len(dateForm):]
	if len(rest) > 0 && (rest[0] == '.' || rest[0] == ',') {
		_, rest, _ = readFraction(rest[1:])
	}
	return readZone(bytes.TrimSpace(rest))
}
