//go:build linux

package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"tordetect/src/flow"
	"tordetect/src/relay"
	"tordetect/tests/bench/page"
	"tordetect/tests/bench/process"
	"tordetect/tests/bench/workload"
	"tordetect/tests/year"
)

// kept are the days of lists that tables are made of. 7 is the retention of tor_relays.
var kept = []int{1, 7, 30, 90, 365}

const week = 7

// learned is what so many hourly lists and exit lists come to, which end at workload.Noon. A relay's rows are written down as
// the hours say, where 8,760 lists would be merged to the same, in minutes (TestYear of package relay does that).
func (s *scale) learned(hours int) (*relay.Merger, error) {
	const valid = 3 // hours, of a list
	begin := workload.Noon - int64(hours+valid-1)*workload.Hour
	var b strings.Builder
	header := relay.Columns()
	fmt.Fprintln(&b, strings.Join(header[:], ","))
	rows := 0
	add := func(ip, port, role string, flags flow.Flags, r *year.Relay, from, to int) {
		fmt.Fprintf(&b, "%s,%s,%s,%s,%X,%s,%d,%d\n", ip, port, role, flags, r.Identity, r.Nickname, begin+int64(from)*workload.Hour, begin+int64(to)*workload.Hour)
		rows++
	}
	for _, role := range []string{"coverage", "exit_coverage"} {
		fmt.Fprintf(&b, ",,%s,,,,%d,%d\n", role, begin, workload.Noon)
		rows++
	}
	for _, r := range year.Relays(s.places, hours) {
		last := [2]int{-1, -1}
		for span, flags := range r.Spans(hours) {
			for _, p := range r.Ports {
				add(p.Addr().String(), fmt.Sprint(p.Port()), "or", flags, &r, span[0], span[1]-1+valid)
			}
			if r.Dir.IsValid() {
				add(r.Dir.Addr().String(), fmt.Sprint(r.Dir.Port()), "dir", flags, &r, span[0], span[1]-1+valid)
			}
			if last[0] < 0 {
				last[0] = span[0]
			}
			last[1] = span[1]
		}
		if r.Exit.IsValid() && last[0] >= 0 { // seen once a day, which counts for a day
			add(r.Exit.String(), "", "exit", 0, &r, last[0], min(last[1]+24, hours+valid-1))
		}
	}
	fmt.Fprintf(&b, ",%d,end,,,,,\n", rows)
	m := relay.NewMerger()
	_, err := m.AddTable(b.String(), workload.Noon)
	return m, err
}

// table is that of some days, and as many rows as it has: as it is after so many more hours.
func (s *scale) table(days, more int) ([]byte, int, error) {
	m, err := s.learned(24*days + more)
	if err != nil {
		return nil, 0, err
	}
	var text bytes.Buffer
	stats, err := m.Write(&text, relay.Options{Retention: time.Duration(days) * 24 * time.Hour})
	return text.Bytes(), stats.Rows, err
}

// retentions measures tables of more and more days: as the table itself, which every search reads and every indexer gets,
// and as the history beside a week's table, which is read when a row is older.
func (s *scale) retentions(out io.Writer) error {
	var days []int
	for _, d := range kept {
		if d <= s.days {
			days = append(days, d)
		}
	}
	m, err := s.learned(24 * days[len(days)-1])
	if err != nil {
		return err
	}
	heading(out, "**Retention.** Hourly lists of a network of %d relays, made to change as the real one does; one row is judged.", s.places)
	lines := [][]string{{"days", "rows", "MB", "compressed MB", "as the table: CPU ms", "first reply ms", "peak MB", "as the history, needed: CPU ms", "first reply ms", "peak MB", "an update: CPU s"}}
	files := map[int]string{}
	for _, d := range days {
		folder := filepath.Join(s.folder, fmt.Sprintf("kept-%d", d))
		if err := os.MkdirAll(folder, 0o755); err != nil {
			return err
		}
		files[d] = filepath.Join(folder, "tor_relays.csv")
		stats, err := m.WriteFile(files[d], relay.Options{Retention: time.Duration(d) * 24 * time.Hour})
		if err != nil {
			return err
		}
		_, plain, packed, err := carried{"tor_relays.csv": files[d]}.weigh(func(string) bool { return true })
		if err != nil {
			return err
		}
		line := []string{fmt.Sprint(d), fmt.Sprint(stats.Rows), mega(plain), mega(packed)}
		asTable, err := s.load(fmt.Sprintf("table-%d", d), map[string]string{"tor_relays.csv": files[d]}, workload.Noon-workload.Hour)
		if err != nil {
			return err
		}
		line = append(line, milli(asTable.CPU), milli(asTable.First), mega(asTable.Memory))
		if d > week {
			both := map[string]string{"tor_relays.csv": files[week], "tor_relays_history.csv": files[d]}
			asHistory, err := s.load(fmt.Sprintf("history-%d", d), both, workload.Noon-int64(week+2)*workload.Day)
			if err != nil {
				return err
			}
			line = append(line, milli(asHistory.CPU), milli(asHistory.First), mega(asHistory.Memory))
		} else {
			line = append(line, "", "", "")
		}
		took, err := update(files[d], time.Duration(d)*24*time.Hour)
		if err != nil {
			return err
		}
		lines = append(lines, append(line, page.Number(took)))
	}
	page.Columns(out, lines)
	return nil
}

// load is one row of a moment, judged by these lookups.
func (s *scale) load(name string, lookups map[string]string, at int64) (process.Figures, error) {
	one := workload.Networks{Folder: filepath.Join(s.folder, name), Programs: s.networks.Programs}
	n, err := one.Install(0, 0)
	if err != nil {
		return process.Figures{}, err
	}
	for lookup, file := range lookups {
		if err := os.Link(file, filepath.Join(n.Folder, "lookups", lookup)); err != nil {
			return process.Figures{}, err
		}
	}
	requests := [][]byte{workload.Probe(), workload.Tstats.Frame(workload.Flows(1, 0, at, nil)), workload.FrameOf(workload.Last, workload.Tstats.Header())}
	got, err := s.driver.Sample([]process.Variant{{Name: name, Argv: []string{n.Tordetect()}}}, requests, 4*s.runs)
	if err != nil {
		return process.Figures{}, err
	}
	return got[0].Median, nil
}

// update is the CPU of a table that is read, merged and written, as the hourly update of it does beside fetching.
func update(file string, retention time.Duration) (float64, error) {
	var before, after syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &before); err != nil {
		return 0, err
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return 0, err
	}
	m := relay.NewMerger()
	if _, err := m.AddTable(string(text), workload.Noon+workload.Day); err != nil {
		return 0, err
	}
	if _, err := m.Write(io.Discard, relay.Options{Retention: retention}); err != nil {
		return 0, err
	}
	err = syscall.Getrusage(syscall.RUSAGE_SELF, &after)
	return seconds(after) - seconds(before), err
}
