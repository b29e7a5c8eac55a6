//go:build linux

package main

import (
	"fmt"
	"io"
	"runtime"
	"slices"
)

// measured is a variant under one workload.
type measured struct {
	Variant string    `json:"variant"`
	Median  figures   `json:"median"`
	Runs    []figures `json:"runs"`
}

// result is a workload and all that ran it.
type result struct {
	workload
	Variants []measured `json:"variants"`
}

// of returns the medians of a variant.
func (r *result) of(name string) (figures, bool) {
	for _, m := range r.Variants {
		if m.Variant == name {
			return m.Median, true
		}
	}
	return figures{}, false
}

// measure runs the workloads and start-up and shows each as it is done.
func (b *bench) measure(out io.Writer, chosen []workload, starts bool) (*report, error) {
	r := &report{Machine: thisMachine(b.python), Runs: b.runs}
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
	r.Machine.LoadAfter = load()
	r.Targets = r.judge()
	r.summary(out)
	return r, nil
}

func (b *bench) measureWorkload(w workload) (result, error) {
	n, err := b.install(w.Relays, w.History)
	if err != nil {
		return result{}, err
	}
	if w.Narrow {
		if err := b.narrow(&w, n); err != nil {
			return result{}, fmt.Errorf("%s: %w", w.Name, err)
		}
	}
	requests := w.requests(w.flows(n))
	variants := b.variants(n, w.with)
	samples, err := b.sample(variants, requests, b.runs)
	if err != nil {
		return result{}, fmt.Errorf("%s: %w", w.Name, err)
	}
	return result{w, samples}, nil
}

// sample runs each variant so many times. They take turns, so that a busy moment
// of the machine hits all alike.
func (b *bench) sample(variants []variant, requests [][]byte, runs int) ([]measured, error) {
	out := make([]measured, len(variants))
	runtime.GC() // of the workload before
	if len(variants) > 0 {
		// Not counted: the driver's own buffers grow to the size of the replies.
		if _, err := b.driver.run(variants[0], requests, nil); err != nil {
			return nil, fmt.Errorf("%s: %w", variants[0].name, err)
		}
	}
	for range runs {
		for i, v := range variants {
			f, err := b.driver.run(v, requests, nil)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", v.name, err)
			}
			out[i].Variant = v.name
			out[i].Runs = append(out[i].Runs, f)
		}
	}
	for i := range out {
		out[i].Median = median(out[i].Runs)
	}
	return out, nil
}

// median takes each figure by itself.
func median(all []figures) figures {
	return figures{
		CPU:     middle(all, func(f figures) float64 { return f.CPU }),
		Wall:    middle(all, func(f figures) float64 { return f.Wall }),
		Getinfo: middle(all, func(f figures) float64 { return f.Getinfo }),
		First:   middle(all, func(f figures) float64 { return f.First }),
		After:   middle(all, func(f figures) float64 { return f.After }),
		Memory:  middle(all, func(f figures) int64 { return f.Memory }),
		Reply:   middle(all, func(f figures) int64 { return f.Reply }),
	}
}

func middle[T float64 | int64](all []figures, of func(figures) T) T {
	values := make([]T, len(all))
	for i := range all {
		values[i] = of(all[i])
	}
	slices.Sort(values)
	n := len(values)
	return (values[(n-1)/2] + values[n/2]) / 2
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
		{"getinfo only, as while a search is parsed", someRelays, 0, -1, 0, []string{"launcher", "tordetect", "echo", "splunklib"}},
		{"a search without rows", someRelays, 0, 0, 0, []string{"launcher", "splunklib"}},
		{"one row, no table", 0, 0, 1, 0, []string{"tordetect"}},
		{"one row, table of 27,000 rows", someRelays, 0, 1, 0, []string{"tordetect", "splunklib"}},
		{"one row, table of 100,000 rows", 100_000, 0, 1, 0, []string{"tordetect"}},
		{"one row, a history of 400,000 rows that it does not need", someRelays, 400_000, 1, 0, []string{"tordetect"}},
		{"one row, a history of 400,000 rows that it needs", someRelays, 400_000, 1, 30 * day, []string{"tordetect"}},
	}
}

const needsHistory = "one row, a history of 400,000 rows that it needs"

// started is a start-up and a variant.
type started struct {
	What string `json:"what"`
	Rows int    `json:"rows"`
	measured
}

// startsPerRun: start-up is short, and a median of few would be noise.
const startsPerRun = 4

func (b *bench) measureStart(s startUp) ([]started, error) {
	n, err := b.install(s.relays, s.history)
	if err != nil {
		return nil, err
	}
	requests := [][]byte{probe()}
	if s.rows > 0 {
		requests = append(requests, tstats.frame(flows(s.rows, 0, noon-s.age, nil)))
	}
	if s.rows >= 0 {
		requests = append(requests, frameOf(last, tstats.header()))
	}
	samples, err := b.sample(b.variants(n, s.with), requests, b.runs*startsPerRun)
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
func (b *bench) profileOne(w workload) error {
	n, err := b.install(w.Relays, w.History)
	if err == nil && w.Narrow {
		err = b.narrow(&w, n)
	}
	if err != nil {
		return err
	}
	w.Chunks = 1
	flows := w.flows(n)
	w.requests(flows) // for the size of one
	w.Chunks = int(min(max(profiledBytes/w.Request, 20), 400))
	_, err = b.driver.run(b.variants(n, []string{"profiled"})[0], w.requests(flows), nil)
	return err
}

// profiledBytes are some seconds of work: a profile has 100 samples in a second.
const profiledBytes = 4e9
