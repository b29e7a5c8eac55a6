//go:build linux

package main

import (
	"fmt"
	"io"

	"tordetect/tests/bench/process"
	"tordetect/tests/bench/workload"
)

// result is a workload and all that ran it.
type result struct {
	workload.Workload
	Variants []process.Measured `json:"variants"`
}

// of returns the medians of a variant.
func (r *result) of(name string) (process.Figures, bool) {
	for _, m := range r.Variants {
		if m.Variant == name {
			return m.Median, true
		}
	}
	return process.Figures{}, false
}

// measure runs the workloads and start-up and shows each as it is done.
func (b *bench) measure(out io.Writer, chosen []workload.Workload, starts bool) (*report, error) {
	r := &report{Machine: process.ThisMachine(b.python), Runs: b.runs}
	fmt.Fprintln(out, r.heading())
	for _, w := range chosen {
		result, err := b.measureWorkload(w)
		if err != nil {
			return nil, err
		}
		r.Workloads = append(r.Workloads, result)
		result.show(out)
	}
	if starts {
		for _, s := range startUps() {
			result, err := b.measureStart(s)
			if err != nil {
				return nil, err
			}
			r.Starts = append(r.Starts, result...)
		}
		showStarts(out, r.Starts)
	}
	r.Machine.LoadAfter = process.Load()
	r.Targets = r.judge()
	r.summary(out)
	return r, nil
}

func (b *bench) measureWorkload(w workload.Workload) (result, error) {
	n, err := b.networks.Install(w.Relays, w.History)
	if err != nil {
		return result{}, err
	}
	if w.Narrow {
		if err := b.narrow(&w, n); err != nil {
			return result{}, fmt.Errorf("%s: %w", w.Name, err)
		}
	}
	requests := w.Requests(w.Flows(n))
	variants := b.variants(n, w.With)
	samples, err := b.driver.Sample(variants, requests, b.runs)
	if err != nil {
		return result{}, fmt.Errorf("%s: %w", w.Name, err)
	}
	return result{w, samples}, nil
}

// startUp is a search that is nearly nothing but start-up.
type startUp struct {
	what            string
	relays, history int
	rows            int   // of one chunk; -1: only getinfo, 0: an empty last chunk
	age             int64 // seconds before noon
	with            []string
}

func startUps() []startUp {
	return []startUp{
		{"getinfo only, as while a search is parsed", workload.SomeRelays, 0, -1, 0, []string{"launcher", "tordetect", "echo", "splunklib"}},
		{"a search without rows", workload.SomeRelays, 0, 0, 0, []string{"launcher", "splunklib"}},
		{"one row, no table", 0, 0, 1, 0, []string{"tordetect"}},
		{"one row, table of 27,000 rows", workload.SomeRelays, 0, 1, 0, []string{"tordetect", "splunklib"}},
		{"one row, table of 100,000 rows", 100_000, 0, 1, 0, []string{"tordetect"}},
		{"one row, a history of 400,000 rows that it does not need", workload.SomeRelays, 400_000, 1, 0, []string{"tordetect"}},
		{"one row, a history of 400,000 rows that it needs", workload.SomeRelays, 400_000, 1, 30 * workload.Day, []string{"tordetect"}},
	}
}

const needsHistory = "one row, a history of 400,000 rows that it needs"

// started is a start-up and a variant.
type started struct {
	What string `json:"what"`
	Rows int    `json:"rows"`
	process.Measured
}

// startsPerRun: start-up is short, and a median of few would be noise.
const startsPerRun = 4

func (b *bench) measureStart(s startUp) ([]started, error) {
	n, err := b.networks.Install(s.relays, s.history)
	if err != nil {
		return nil, err
	}
	requests := [][]byte{workload.Probe()}
	if s.rows > 0 {
		requests = append(requests, workload.Tstats.Frame(workload.Flows(s.rows, 0, workload.Noon-s.age, nil)))
	}
	if s.rows >= 0 {
		requests = append(requests, workload.FrameOf(workload.Last, workload.Tstats.Header()))
	}
	samples, err := b.driver.Sample(b.variants(n, s.with), requests, b.runs*startsPerRun)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.what, err)
	}
	var out []started
	for _, m := range samples {
		out = append(out, started{s.what, s.rows, m})
	}
	return out, nil
}

// profileOne runs our command, as a part of this program, over one workload for a
// few seconds and leaves a CPU profile in the file b.profile.
func (b *bench) profileOne(w workload.Workload) error {
	n, err := b.networks.Install(w.Relays, w.History)
	if err == nil && w.Narrow {
		err = b.narrow(&w, n)
	}
	if err != nil {
		return err
	}
	w.Chunks = 1
	flows := w.Flows(n)
	w.Requests(flows) // for the size of one
	w.Chunks = int(min(max(profiledBytes/w.Request, 20), 400))
	_, err = b.driver.Run(b.variants(n, []string{"profiled"})[0], w.Requests(flows), nil)
	return err
}

// profiledBytes are some seconds of work: a profile has 100 samples in a second.
const profiledBytes = 4e9
