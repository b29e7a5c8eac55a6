//go:build linux

package main

import (
	"fmt"
	"io"
	"time"

	"tordetect/tests/bench/page"
	"tordetect/tests/day"
	"tordetect/tests/splunkd"
)

// judged is by which workload of tests/bench a search's rows are judged, and whether the indexers do that. A search that is
// not here does not ask tordetect.
var judged = map[string]struct {
	shape      string
	onIndexers bool
}{
	"TOR Traffic": {"tstats-tor100", false}, // the firewall called them Tor
	"Tor client that the firewall did not name": {"tstats-client", false},
	"Traffic from Tor exits":                    {"tstats-client", false},
	"Login from a Tor exit":                     {"tstats", false},
	"Tor client with made-up server names":      {"ssl-narrow", true},
}

// hours of the made day that are played: a long run of each search and five short ones, without anything that fails.
const playFrom, playTo = 19 * time.Hour, 25 * time.Hour

// large is the connections of an hour: a billion a day.
const large = 42_000_000

// searches extrapolates what each search of the app does at a large site.
func (s *scale) searches(out io.Writer) error {
	d := day.Generate(1, day.Size{Share: s.share, Ordinary: s.ordinary})
	only := splunkd.Span{From: d.Begin.Add(playFrom), To: d.Begin.Add(playTo)}
	all, days, err := day.Play(d, nil, day.Options{Package: s.pack, Only: only}, func(day.Telling) error { return nil })
	if err != nil {
		return err
	}
	heading(out, "**%d million connections an hour** through each search, in a straight line from an hour of %d: the widest run, and a day of all runs.", large/1_000_000, s.ordinary)
	lines := [][]string{{"search", "hours read a day", "of the widest run", "events read", "rows to tordetect", "rows sorted", "CPU s of tordetect", "of one core, all day", "on"}}
	for _, l := range day.Measure(d, nil, all, days).Searches {
		line := []string{l.Search, fmt.Sprintf("%.0f", l.HoursADay), page.Number(l.Widest)}
		by, asks := judged[l.Search]
		if len(l.Costs) == 0 {
			lines = append(lines, append(line, "", "", "", "", "", "search head"))
			continue
		}
		c := l.Costs[len(l.Costs)-1]
		if c.Connections != large {
			return fmt.Errorf("%s: costs are of %d connections, want %d", l.Search, c.Connections, large)
		}
		rows, cpu, share, on := 0, 0.0, 0.0, "search head"
		if asks {
			if rows = c.Rows; by.onIndexers {
				rows, on = c.Read, "indexers"
			}
			got, err := s.speed(by.shape)
			if err != nil {
				return err
			}
			cpu = float64(rows) * got.row
			share = cpu * l.HoursADay / l.Widest / (24 * time.Hour).Seconds()
		}
		line = append(line, count(c.Read), count(rows), count(c.Sorted), page.Number(cpu))
		if asks {
			line = append(line, fmt.Sprintf("%.1f%%", 100*share), on)
		} else {
			line = append(line, "", on)
		}
		lines = append(lines, line)
	}
	page.Columns(out, lines)
	return nil
}

// count is a number that people compare.
func count(n int) string {
	switch {
	case n >= 10_000_000:
		return fmt.Sprintf("%d million", (n+500_000)/1_000_000)
	case n >= 1_000_000:
		return fmt.Sprintf("%.1f million", float64(n)/1e6)
	case n >= 10_000:
		return fmt.Sprintf("%d thousand", (n+500)/1000)
	}
	return fmt.Sprint(n)
}
