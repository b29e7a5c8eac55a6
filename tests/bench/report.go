//go:build linux

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"
	"unicode/utf8"
)

// report is all of a run, as it is saved.
type report struct {
	Machine   machine   `json:"machine"`
	Runs      int       `json:"runs"`
	Workloads []result  `json:"workloads"`
	Starts    []started `json:"startup"`
	Targets   []target  `json:"targets"`
}

// machine says where and when figures were taken.
type machine struct {
	Date       string `json:"date"`
	CPU        string `json:"cpu"`
	Cores      int    `json:"cores"`
	System     string `json:"system"`
	Go         string `json:"go"`
	Python     string `json:"python"` // and splunklib; empty without them
	LoadBefore string `json:"load_before"`
	LoadAfter  string `json:"load_after"` // averages of 1, 5 and 15 minutes
}

func thisMachine(python string) machine {
	m := machine{
		Date: time.Now().UTC().Format("2006-01-02T15:04Z"), CPU: "unknown", Cores: runtime.NumCPU(),
		System: runtime.GOOS + "/" + runtime.GOARCH, Go: strings.TrimPrefix(runtime.Version(), "go"), LoadBefore: load(),
	}
	info, _ := os.ReadFile("/proc/cpuinfo")
	if _, after, ok := strings.Cut(string(info), "model name"); ok {
		line, _, _ := strings.Cut(after, "\n")
		m.CPU = strings.TrimLeft(line, "\t: ")
	}
	if release, err := os.ReadFile("/proc/sys/kernel/osrelease"); err == nil {
		m.System += ", Linux " + strings.TrimSpace(string(release))
	}
	if python != "" {
		const ask = `import importlib.metadata, platform; print(importlib.metadata.version("splunk-sdk"), "on Python", platform.python_version())`
		text, _ := exec.Command(python, "-c", ask).Output()
		m.Python = "splunklib " + strings.TrimSpace(string(text))
	}
	return m
}

func load() string {
	text, _ := os.ReadFile("/proc/loadavg")
	return strings.Join(strings.Fields(string(text) + " ? ? ?")[:3], " ")
}

func (r *report) heading() string {
	m := r.Machine
	python := m.Python
	if python == "" {
		python = "no splunklib"
	}
	return fmt.Sprintf("%s, %d cores (%s), %s, load before %s\nGo %s, %s; medians of %d", m.CPU, m.Cores, m.System, m.Date, m.LoadBefore, m.Go, python, r.Runs)
}

func (r *report) save(path string) error {
	text, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(text, '\n'), 0o644)
}

// Marks of a file that holds figures: what is between them is written anew.
const (
	beginFigures = "<!-- figures: written by bench -readme -->\n"
	endFigures   = "<!-- end of figures -->\n"
)

// describe writes all figures into a file in Markdown.
func (r *report) describe(path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	before, rest, ok1 := strings.Cut(string(text), beginFigures)
	_, after, ok2 := strings.Cut(rest, endFigures)
	if !ok1 || !ok2 {
		return fmt.Errorf("%s has no marks for figures: a line %q and a line %q", path, strings.TrimSpace(beginFigures), strings.TrimSpace(endFigures))
	}
	var b strings.Builder
	fmt.Fprint(&b, before, beginFigures, "\n", strings.ReplaceAll(r.heading(), "\n", "; "), ".\n")
	r.summary(&b)
	if len(r.Starts) > 0 {
		showStarts(&b, r.Starts)
	}
	for i := range r.Workloads {
		r.Workloads[i].show(&b)
	}
	fmt.Fprint(&b, "\n", endFigures, after)
	return os.WriteFile(path, []byte(b.String()), 0o644)
}

// show prints a workload: a line for each variant.
func (r *result) show(out io.Writer) {
	fmt.Fprintf(out, "\n%s: %s, %d rows x %d columns, %s MB in %d chunks, %g%% Tor; table of %d rows", r.Name, r.shape.name,
		r.Rows*r.Chunks, r.Columns, number(float64(r.Request)*float64(r.Chunks)/1e6), r.Chunks, r.Tor, r.Relays)
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
		lines = append(lines, []string{m.Variant, number(1e3 * f.CPU), number(1e3 * f.Wall), number(1e3 * f.After), fmt.Sprintf("%.0f", rows/f.Wall),
			number(float64(r.Request) * float64(r.Chunks) / 1e6 / f.Wall), number(float64(f.Memory) / 1e6),
			ratio(f.CPU, echo.CPU), ratio(f.Wall, echo.Wall), ratio(python.CPU, f.CPU)})
	}
	columns(out, lines)
}

func showStarts(out io.Writer, all []started) {
	fmt.Fprint(out, "\nstart-up\n\n")
	lines := [][]string{{"", "variant", "to getinfo's reply, ms", "first reply after its request, ms", "CPU ms", "wall ms", "peak MB"}}
	for _, s := range all {
		f := s.Median
		first := ""
		if s.Rows >= 0 {
			first = number(1e3 * f.First)
		}
		lines = append(lines, []string{s.What, s.Variant, number(1e3 * f.Getinfo), first, number(1e3 * f.CPU), number(1e3 * f.Wall), number(float64(f.Memory) / 1e6)})
	}
	columns(out, lines)
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
		lines = append(lines, []string{w.Name, fmt.Sprint(w.Rows * w.Chunks), fmt.Sprint(w.Columns), number(float64(w.Request) * float64(w.Chunks) / 1e6),
			fmt.Sprintf("%g%%", w.Tor), relays, number(1e3 * cpu("tordetect")), fmt.Sprintf("%.0f", 1e9*cpu("tordetect")/rows), number(1e3 * cpu("echo")),
			number(1e3 * cpu("csv")), number(1e3 * cpu("splunklib")), ratio(cpu("tordetect"), cpu("echo")), ratio(cpu("splunklib"), cpu("tordetect"))})
	}
	if len(r.Workloads) > 0 {
		columns(out, lines)
	}
	if len(r.Targets) > 0 {
		fmt.Fprint(out, "\ntargets\n\n")
		lines = [][]string{{"target", "wanted", "got", ""}}
		for _, t := range r.Targets {
			lines = append(lines, []string{t.What, t.Wanted, number(t.Got), t.mark()})
		}
		columns(out, lines)
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

// Targets. Ratios are of medians in one run.
const (
	leastToSplunklib = 50.0 // splunklib's CPU to ours
	mostCPUEvents    = 1.3  // ours to the echo's
	mostCPUTstats    = 2.5
	mostWall         = 1.4  // ours to the echo's
	mostMemory       = 1.5  // times the larger of request and reply, and
	freeMemory       = 20e6 // bytes
	mostGetinfo      = 10.0 // ms from the launcher's start
	mostHistory      = 100.0
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
	for _, w := range r.Workloads {
		most, ok := map[string]float64{"events": mostCPUEvents, "tstats": mostCPUTstats}[w.Name]
		ours, measured := w.of("tordetect")
		if !ok || !measured {
			continue
		}
		if python, ok := w.of("splunklib"); ok {
			add(w.Name+": splunklib's CPU / ours", "", leastToSplunklib, python.CPU/ours.CPU, true)
		}
		if echo, ok := w.of("echo"); ok {
			add(w.Name+": our CPU / the echo's", "", most, ours.CPU/echo.CPU, false)
			add(w.Name+": our wall time / the echo's", "", mostWall, ours.Wall/echo.Wall, false)
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
	return number(a / b)
}

// number writes three digits, or all before the point; nothing for 0.
func number(v float64) string {
	switch {
	case v == 0:
		return ""
	case v < 10:
		return fmt.Sprintf("%.2f", v)
	case v < 100:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.0f", v)
}

// columns prints lines of cells, the first one as the head, in columns that are
// read on a screen as well as in Markdown.
func columns(out io.Writer, lines [][]string) {
	widths := make([]int, len(lines[0]))
	for _, line := range lines {
		for i, cell := range line {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	for n, line := range lines {
		for i, cell := range line {
			blanks := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
			if i == 0 {
				fmt.Fprint(out, "| ", cell, blanks, " |")
			} else {
				fmt.Fprint(out, " ", blanks, cell, " |")
			}
		}
		fmt.Fprintln(out)
		if n == 0 {
			for i, width := range widths {
				rule := strings.Repeat("-", width)
				if i == 0 {
					fmt.Fprint(out, "|", rule, "--|")
				} else {
					fmt.Fprint(out, rule, "-:|")
				}
			}
			fmt.Fprintln(out)
		}
	}
}
