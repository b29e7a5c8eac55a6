package splunkd

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// cron is a cron_schedule of savedsearches.conf: minute, hour, day of the month, month, day of the week.
//
//	25 * * * *      */15 8-18 * * 1-5      20 6 1,15 * *
//
// As in cron itself, a day counts if either of its two fields matches, where both say something.
type cron struct {
	minute, hour, day, month, weekday uint64 // a bit each
	anyDay, anyWeekday                bool
	text                              string
}

// cronFields are the fields in their order, with the least and the greatest value.
var cronFields = []struct {
	name        string
	least, most int
}{{"minute", 0, 59}, {"hour", 0, 23}, {"day of the month", 1, 31}, {"month", 1, 12}, {"day of the week", 0, 7}}

func parseCron(text string) (*cron, error) {
	words := strings.Fields(text)
	if len(words) != len(cronFields) {
		return nil, fmt.Errorf("cron_schedule %q: want 5 fields", text)
	}
	c := &cron{text: strings.Join(words, " "), anyDay: words[2] == "*", anyWeekday: words[4] == "*"}
	for i, bits := range []*uint64{&c.minute, &c.hour, &c.day, &c.month, &c.weekday} {
		f := cronFields[i]
		for part := range strings.SplitSeq(words[i], ",") {
			from, to, step, err := cronPart(part, f.least, f.most)
			if err != nil {
				return nil, fmt.Errorf("cron_schedule %q: the %s %q: %w", text, f.name, part, err)
			}
			for n := from; n <= to; n += step {
				*bits |= 1 << n
			}
		}
	}
	if c.weekday&(1<<7) != 0 { // Sunday has two numbers
		c.weekday |= 1
	}
	return c, nil
}

// cronPart reads *, 5, 1-5, */15, 10-40/5.
func cronPart(part string, least, most int) (from, to, step int, err error) {
	span, stepText, stepped := strings.Cut(part, "/")
	step = 1
	if stepped {
		if step, err = strconv.Atoi(stepText); err != nil || step < 1 {
			return 0, 0, 0, fmt.Errorf("%q is no step", stepText)
		}
	}
	if span == "*" {
		return least, most, step, nil
	}
	fromText, toText, isRange := strings.Cut(span, "-")
	if from, err = strconv.Atoi(fromText); err != nil {
		return 0, 0, 0, fmt.Errorf("%q is no number", fromText)
	}
	to = from
	if isRange {
		if to, err = strconv.Atoi(toText); err != nil {
			return 0, 0, 0, fmt.Errorf("%q is no number", toText)
		}
	} else if stepped {
		to = most
	}
	if from < least || to > most || from > to {
		return 0, 0, 0, fmt.Errorf("want %d to %d", least, most)
	}
	return from, to, step, nil
}

func has(bits uint64, n int) bool { return bits&(1<<n) != 0 }

func (c *cron) matches(t time.Time) bool {
	day, weekday := has(c.day, t.Day()), has(c.weekday, int(t.Weekday()))
	today := day && weekday
	if !c.anyDay && !c.anyWeekday {
		today = day || weekday
	}
	return today && has(c.minute, t.Minute()) && has(c.hour, t.Hour()) && has(c.month, int(t.Month()))
}

// between lists the times from a moment up to another one, that one left out.
func (c *cron) between(from, to time.Time) []time.Time {
	var times []time.Time
	at := from.Truncate(time.Minute)
	if at.Before(from) {
		at = at.Add(time.Minute)
	}
	for ; at.Before(to); at = at.Add(time.Minute) {
		if c.matches(at) {
			times = append(times, at)
		}
	}
	return times
}

// skewable says whether allow_skew may move the minute too (savedsearches.conf.spec, allow_skew, lists these forms);
// with any other cron_schedule it moves the second only.
func (c *cron) skewable() bool {
	words := strings.Fields(c.text)
	every := func(word string) bool { return word == "*" || strings.HasPrefix(word, "*/") }
	if strings.Join(words[2:], " ") != "* * *" {
		return false
	}
	return words[1] == "*" && (every(words[0]) || words[0] == "0") || words[0] == "0" && (every(words[1]) || words[1] == "0")
}

// period is the time between a run and the next one.
func (c *cron) period(at time.Time) time.Duration {
	for next := at.Add(time.Minute); next.Before(at.AddDate(0, 0, 32)); next = next.Add(time.Minute) {
		if c.matches(next) {
			return next.Sub(at)
		}
	}
	return 32 * 24 * time.Hour
}
