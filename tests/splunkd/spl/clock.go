package spl

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// epoch makes a time of epoch seconds with a fraction, to the microsecond.
func epoch(seconds float64) time.Time {
	whole := math.Floor(seconds)
	return time.Unix(int64(whole), int64(math.Round((seconds-whole)*1e6))*1000).UTC()
}

// RelativeTime reads one of Splunk's time modifiers: `now`, epoch seconds, and offsets and snaps in any order of use,
// such as -70m@m, @d, -1d@d+2h.
func RelativeTime(modifier string, now time.Time) (time.Time, error) {
	bad := func() (time.Time, error) {
		return time.Time{}, SearchErrorf("Invalid value \"%s\" for time term.", modifier)
	}
	text := strings.ToLower(strings.TrimSpace(modifier))
	if seconds, ok := Number(text); ok && !strings.ContainsAny(text, "+-") {
		return epoch(seconds), nil
	}
	text = strings.TrimPrefix(text, "now")
	for text != "" {
		sign := text[0]
		if sign != '+' && sign != '-' && sign != '@' {
			return bad()
		}
		end := 1 + strings.IndexAny(text[1:]+"@", "+-@")
		digits := len(text[1:end]) - len(strings.TrimLeft(text[1:end], "0123456789"))
		amount, unit := text[1:1+digits], text[1+digits:end]
		text = text[end:]
		if sign == '@' {
			if amount != "" {
				return bad()
			}
			snapped, ok := snap(now, unit)
			if !ok {
				return bad()
			}
			now = snapped
			continue
		}
		n := 1
		if amount != "" {
			var err error
			if n, err = strconv.Atoi(amount); err != nil {
				return bad()
			}
		}
		if sign == '-' {
			n = -n
		}
		moved, ok := shift(now, n, unit)
		if !ok {
			return bad()
		}
		now = moved
	}
	return now, nil
}

func shift(t time.Time, n int, unit string) (time.Time, bool) {
	switch unit {
	case "", "s", "sec", "secs", "second", "seconds":
		return t.Add(time.Duration(n) * time.Second), true
	case "m", "min", "mins", "minute", "minutes":
		return t.Add(time.Duration(n) * time.Minute), true
	case "h", "hr", "hrs", "hour", "hours":
		return t.Add(time.Duration(n) * time.Hour), true
	case "d", "day", "days":
		return t.AddDate(0, 0, n), true
	case "w", "week", "weeks":
		return t.AddDate(0, 0, 7*n), true
	case "mon", "month", "months":
		return t.AddDate(0, n, 0), true
	case "y", "yr", "year", "years":
		return t.AddDate(n, 0, 0), true
	}
	return t, false
}

func snap(t time.Time, unit string) (time.Time, bool) {
	year, month, day := t.Date()
	hour, minute, second := t.Clock()
	switch unit {
	case "s", "sec", "second":
	case "m", "min", "minute":
		second = 0
	case "h", "hr", "hour":
		minute, second = 0, 0
	case "d", "day":
		hour, minute, second = 0, 0, 0
	case "w", "w0", "week":
		day, hour, minute, second = day-int(t.Weekday()), 0, 0, 0
	case "mon", "month":
		day, hour, minute, second = 1, 0, 0, 0
	case "y", "yr", "year":
		month, day, hour, minute, second = 1, 1, 0, 0, 0
	default:
		return t, false
	}
	return time.Date(year, month, day, hour, minute, second, 0, t.Location()), true
}

// strftime writes a time in the format language of convert and eval. An unknown letter is an error.
func strftime(t time.Time, format string) (string, error) {
	layouts := map[byte]string{
		'Y': "2006", 'y': "06", 'm': "01", 'd': "02", 'H': "15", 'I': "03", 'M': "04", 'S': "05", 'p': "PM",
		'F': "2006-01-02", 'T': "15:04:05", 'b': "Jan", 'B': "January", 'a': "Mon", 'A': "Monday", 'e': "_2",
		'j': "002", 'z': "-0700", 'Z': "MST",
	}
	var out strings.Builder
	for i := 0; i < len(format); i++ {
		if format[i] != '%' {
			out.WriteByte(format[i])
			continue
		}
		i++
		if i >= len(format) {
			return "", fmt.Errorf("time format %q: ends with a percent sign", format)
		}
		rest := format[i:]
		switch {
		case rest[0] == '%':
			out.WriteByte('%')
		case rest[0] == 's':
			out.WriteString(strconv.FormatInt(t.Unix(), 10))
		case strings.HasPrefix(rest, ":z"):
			out.WriteString(t.Format("-07:00"))
			i++
		case strings.HasPrefix(rest, "3N"), strings.HasPrefix(rest, "3Q"):
			fmt.Fprintf(&out, "%03d", t.Nanosecond()/1e6)
			i++
		case layouts[rest[0]] != "":
			out.WriteString(t.Format(layouts[rest[0]]))
		default:
			return "", fmt.Errorf("time format %q: %%%c is not played by this stand-in", format, rest[0])
		}
	}
	return out.String(), nil
}

// strptime reads a time in those letters of the format language that stand for numbers. A zone in the text (%z) counts
// before the user's.
func strptime(text, format string, zone *time.Location) (time.Time, bool) {
	layout := strings.NewReplacer("%Y", "2006", "%m", "01", "%d", "02", "%H", "15", "%M", "04", "%S", "05", "%z", "-0700",
		"%F", "2006-01-02", "%T", "15:04:05").Replace(format)
	if strings.Contains(layout, "%") {
		return time.Time{}, false
	}
	at, err := time.ParseInLocation(layout, strings.TrimSpace(text), zone)
	return at, err == nil
}

// EpochText is a time as splunkd writes _time: epoch seconds, with a fraction where there is one.
func EpochText(t time.Time) string {
	if t.Nanosecond() == 0 {
		return strconv.FormatInt(t.Unix(), 10)
	}
	return fmt.Sprintf("%d.%03d", t.Unix(), t.Nanosecond()/1e6)
}

// ParseSpan reads 30s, 5m, 1h, 1d.
func ParseSpan(text string) (time.Duration, error) {
	start := time.Unix(0, 0).UTC()
	end, err := RelativeTime("+"+strings.TrimPrefix(text, "+"), start)
	if err != nil || !end.After(start) {
		return 0, SearchErrorf("Invalid span '%s'.", text)
	}
	return end.Sub(start), nil
}
