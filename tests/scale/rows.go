//go:build linux

package main

import (
	"fmt"
	"io"
	"strings"

	"tordetect/tests/bench/page"
	"tordetect/tests/bench/process"
	"tordetect/tests/bench/workload"
)

// shapes are the workloads of tests/bench that the app's searches are made of. One that ends in -narrow sends only what
// narrow=true asks for, one in -found has min_score=50.
var shapes = []string{
	"tstats", "tstats-client", "tstats-stale", "tstats-tor100", "events", "events-found", "events-tor100", "conn", "ssl", "ssl-narrow",
}

// speed is a workload and what it took.
type speed struct {
	workload.Workload
	process.Figures
	row float64 // seconds of CPU a row, start and table apart
}

// speed measures a workload, once.
func (s *scale) speed(name string) (speed, error) {
	if known, ok := s.speeds[name]; ok {
		return known, nil
	}
	base, narrow := strings.CutSuffix(name, "-narrow")
	base, found := strings.CutSuffix(base, "-found")
	chosen, _, err := workload.Choose([]string{base})
	if err != nil {
		return speed{}, err
	}
	w := chosen[0]
	n, err := s.networks.Install(w.Relays, w.History)
	if err != nil {
		return speed{}, err
	}
	w.Rows = min(w.Rows, s.rows)
	program := process.Variant{Name: name, Argv: []string{n.Tordetect()}}
	if found {
		w.Args = append(w.Args, "min_score=50")
	}
	if narrow {
		wanted, err := s.driver.Declared(program, workload.Probe("narrow=true"))
		if err != nil {
			return speed{}, err
		}
		w.Narrowed(wanted)
	}
	requests := w.Requests(w.Flows(n))
	one := w
	one.Rows, one.Chunks = 1, 1
	start, err := s.driver.Sample([]process.Variant{program}, one.Requests(one.Flows(n)[:1]), 4*s.runs)
	if err != nil {
		return speed{}, err
	}
	all, err := s.driver.Sample([]process.Variant{program}, requests, s.runs)
	if err != nil {
		return speed{}, err
	}
	got := speed{Workload: w, Figures: all[0].Median}
	got.row = max(0, got.CPU-start[0].Median.CPU) / float64(w.Rows*w.Chunks)
	s.speeds[name] = got
	return got, nil
}

// rowsASecond is what one core does. A search of a few rows pays for its start, see the part indexers.
func (s *scale) rowsASecond(out io.Writer) error {
	heading(out, "**Rows a second.** Searches of %d rows a chunk; a row without start and table.", s.rows)
	lines := [][]string{{"shape", "rows", "columns", "request MB", "reply MB", "CPU ms", "µs a row", "rows a second on a core", "peak MB"}}
	for _, name := range shapes {
		got, err := s.speed(name)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		rate := ""
		if got.row > 0 {
			rate = fmt.Sprintf("%.0f", 1/got.row)
		}
		lines = append(lines, []string{name, fmt.Sprint(got.Rows * got.Chunks), fmt.Sprint(got.Columns), mega(got.Request), mega(got.Reply), milli(got.CPU), page.Number(1e6 * got.row), rate, mega(got.Memory)})
	}
	page.Columns(out, lines)
	return nil
}
