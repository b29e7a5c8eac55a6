//go:build linux

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"strings"

	"tordetect/tests/bench/page"
	"tordetect/tests/bench/process"
)

// report is all of a run, as it is saved.
type report struct {
	Machine   process.Machine `json:"machine"`
	Runs      int             `json:"runs"`
	Workloads []result        `json:"workloads"`
	Starts    []started       `json:"startup"`
	Targets   []target        `json:"targets"`
}

func (r *report) heading() string { return r.Machine.Heading(r.Runs) }

func (r *report) save(path string) error {
	text, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(text, '\n'), 0o644)
}

// describe writes all figures into a file in Markdown.
func (r *report) describe(path string) error {
	var b strings.Builder
	fmt.Fprint(&b, strings.ReplaceAll(r.heading(), "\n", "; "), ".\n")
	r.summary(&b)
	if len(r.Starts) > 0 {
		showStarts(&b, r.Starts)
	}
	for i := range r.Workloads {
		r.Workloads[i].show(&b)
	}
	return page.Renew(path, "bench", b.String())
}

// show prints a workload: a line for each variant.
func (r *result) show(out io.Writer) {
	fmt.Fprintf(out, "\n%s: %s, %d rows x %d columns, %s MB in %d chunks, %g%% Tor; table of %d rows", r.Name, r.Shape.Name,
		r.Rows*r.Chunks, r.Columns, page.Number(float64(r.Request)*float64(r.Chunks)/1e6), r.Chunks, r.Tor, r.Relays)
	if r.History > 0 {
		fmt.Fprintf(out, " and history of %d, which %g%% of the rows need", r.History, r.Old)
	}
	fmt.Fprint(out, "\n\n")
	lines := [][]string{{"", "CPU ms", "wall ms", "reply after ms", "rows/s", "MB/s", "peak MB", "CPU / echo", "wall / echo", "splunklib CPU / this"}}
	echo, _ := r.of("echo")
	python, _ := r.of("splunklib")
	for _, m := range r.Variants {
		f := m.Median
		rows := float64(r.Rows * r.Chunks)
		lines = append(lines, []string{m.Variant, page.Number(1e3 * f.CPU), page.Number(1e3 * f.Wall), page.Number(1e3 * f.After), fmt.Sprintf("%.0f", rows/f.Wall),
			page.Number(float64(r.Request) * float64(r.Chunks) / 1e6 / f.Wall), page.Number(float64(f.Memory) / 1e6),
			ratio(f.CPU, echo.CPU), ratio(f.Wall, echo.Wall), ratio(python.CPU, f.CPU)})
	}
	page.Columns(out, lines)
}

func showStarts(out io.Writer, all []started) {
	fmt.Fprint(out, "\nstart-up\n\n")
	lines := [][]string{{"", "variant", "to getinfo's reply, ms", "first reply after its request, ms", "CPU ms", "wall ms", "peak MB"}}
	for _, s := range all {
		f := s.Median
		first := ""
		if s.Rows >= 0 {
			first = page.Number(1e3 * f.First)
		}
		lines = append(lines, []string{s.What, s.Variant, page.Number(1e3 * f.Getinfo), first, page.Number(1e3 * f.CPU), page.Number(1e3 * f.Wall), page.Number(float64(f.Memory) / 1e6)})
	}
	page.Columns(out, lines)
}

// summary prints a line for each workload, how cost grows, and the targets.
func (r *report) summary(out io.Writer) {
	fmt.Fprint(out, "\nCPU ms of all workloads, and how it grows\n\n")
	lines := [][]string{{"workload", "rows", "columns", "MB", "Tor", "relays", "tordetect", "ns/row", "echo", "csv", "splunklib", "tordetect / echo", "splunklib / tordetect"}}
	for _, w := range r.Workloads {
		cpu := func(name string) float64 { f, _ := w.of(name); return f.CPU }
		relays := fmt.Sprint(w.Relays)
		if w.History > 0 {
			relays += fmt.Sprintf(" + %d", w.History)
		}
		rows := float64(w.Rows * w.Chunks)
		lines = append(lines, []string{w.Name, fmt.Sprint(w.Rows * w.Chunks), fmt.Sprint(w.Columns), page.Number(float64(w.Request) * float64(w.Chunks) / 1e6),
			fmt.Sprintf("%g%%", w.Tor), relays, page.Number(1e3 * cpu("tordetect")), fmt.Sprintf("%.0f", 1e9*cpu("tordetect")/rows), page.Number(1e3 * cpu("echo")),
			page.Number(1e3 * cpu("csv")), page.Number(1e3 * cpu("splunklib")), ratio(cpu("tordetect"), cpu("echo")), ratio(cpu("splunklib"), cpu("tordetect"))})
	}
	if len(r.Workloads) > 0 {
		page.Columns(out, lines)
	}
	if len(r.Targets) > 0 {
		fmt.Fprint(out, "\ntargets\n\n")
		lines = [][]string{{"target", "wanted", "got", ""}}
		for _, t := range r.Targets {
			lines = append(lines, []string{t.What, t.Wanted, page.Number(t.Got), t.mark()})
		}
		page.Columns(out, lines)
	}
	fmt.Fprintf(out, "\nload after %s\n", r.Machine.LoadAfter)
}

// target is one of those that the project has set itself.
type target struct {
	What   string  `json:"what"`
	Wanted string  `json:"wanted"`
	Limit  float64 `json:"limit"`
	Least  bool    `json:"least"` // the limit is the least that will do, not the most
	Got    float64 `json:"got"`
	Met    bool    `json:"met"`
}

func (t target) mark() string {
	if t.Met {
		return "met"
	}
	return "MISSED"
}

// goal is what a workload should reach: ours to the echo's, and splunklib's to ours; 0
// is no goal.
type goal struct{ cpu, wall, splunklib float64 }

// The budget of the design. Ratios are of medians in one run.
var goals = map[string]goal{
	"events":        {cpu: 1.5, wall: 1.2, splunklib: 50},
	"tstats":        {cpu: 3, splunklib: 25},
	"tstats-pair":   {cpu: 3.5, splunklib: 25},
	"tstats-tor100": {cpu: 10},
}

const (
	mostStale   = 1.1   // times the CPU of rows that the table covers: no more, within what runs differ by
	mostMemory  = 1.5   // times the larger of request and reply, and
	freeMemory  = 20e6  // bytes
	mostGetinfo = 10.0  // ms from the launcher's start
	mostHistory = 100.0 // ms
)

// judge compares what was measured with the targets.
func (r *report) judge() []target {
	var out []target
	add := func(what, unit string, limit, got float64, least bool) {
		word := "at most"
		if least {
			word = "at least"
		}
		out = append(out, target{what, fmt.Sprintf("%s %g%s", word, limit, unit), limit, least, got, least && got >= limit || !least && got <= limit})
	}
	cpuOf := map[string]float64{} // ours, of the workloads before
	for _, w := range r.Workloads {
		ours, measured := w.of("tordetect")
		if covered, ok := cpuOf["tstats-pair"]; ok && measured && w.Name == "tstats-stale" {
			add(w.Name+": our CPU / that of tstats-pair", "", mostStale, ours.CPU/covered, false)
		}
		cpuOf[w.Name] = ours.CPU
		goal, ok := goals[w.Name]
		if !ok || !measured {
			continue
		}
		if python, ok := w.of("splunklib"); ok && goal.splunklib > 0 {
			add(w.Name+": splunklib's CPU / ours", "", goal.splunklib, python.CPU/ours.CPU, true)
		}
		if echo, ok := w.of("echo"); ok {
			add(w.Name+": our CPU / the echo's", "", goal.cpu, ours.CPU/echo.CPU, false)
			if goal.wall > 0 {
				add(w.Name+": our wall time / the echo's", "", goal.wall, ours.Wall/echo.Wall, false)
			}
		}
		larger := float64(max(w.Request, ours.Reply))
		add(w.Name+": peak memory", " MB", math.Round((mostMemory*larger+freeMemory)/1e6), float64(ours.Memory)/1e6, false)
	}
	for _, s := range r.Starts {
		switch {
		case s.Variant == "launcher" && s.Rows == -1:
			add("getinfo answered after the launcher's start", " ms", mostGetinfo, 1e3*s.Median.Getinfo, false)
		case s.What == needsHistory:
			add("first reply with a history of 400,000 rows", " ms", mostHistory, 1e3*s.Median.First, false)
		}
	}
	return out
}

func ratio(a, b float64) string {
	if a == 0 || b == 0 {
		return ""
	}
	return page.Number(a / b)
}
