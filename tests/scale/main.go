//go:build linux

// Command scale measures what grows with a site: rows, indexers, days of relay lists, connections an hour.
//
//	./build.sh scale [-readme tests/scale/README.md] [rows indexers retention searches]
//
//	rows       rows a second on one core, for each shape of search
//	indexers   what the search bundle brings to 1, 8 and 32 indexers and how often, what a start costs there, which searches
//	           run there at all
//	retention  relay tables of 1 to 365 days: rows, bytes, and what loading them takes
//	searches   42 million connections an hour through each of the app's searches, extrapolated
//
// Each part prints tables in Markdown; -readme writes them into the page, where the reasons stand beside them. CPU is user
// and system time of whole processes, medians of several runs, as the machine is shared. Inputs and measuring are those of
// tests/bench, the searches' day that of tests/day, the search head and its indexers those of tests/splunkd.
//
// Exit code 0, 1 failed, 2 wrong usage. What an indexer loses that is slow, gone or behind is no figure: tests/e2e has it.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"slices"
	"strings"

	"tordetect/tests/bench/page"
	"tordetect/tests/bench/process"
	"tordetect/tests/bench/workload"
	"tordetect/tests/splunkd"
	"tordetect/tests/year"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// size is how much is measured: all of it, or little in a test.
type size struct {
	rows, runs   int   // of a chunk; of each measurement
	indexers     []int // how many there are, in turns
	places, days int   // of the network, and for how long it is kept at the most
	ordinary     int   // connections an hour of the day that the searches are played over
	share        float64
}

var whole = size{rows: workload.SomeRows, runs: 5, indexers: []int{1, 8, 32}, places: year.Places, days: 365, ordinary: 500, share: 1}

// scale is one run of this program.
type scale struct {
	size
	folder   string // scratch
	pack     string // the package
	networks workload.Networks
	driver   process.Driver
	speeds   map[string]speed
}

// parts are what can be measured, in the order of the page.
var parts = []struct {
	name string
	do   func(*scale, io.Writer) error
}{
	{"rows", (*scale).rowsASecond},
	{"indexers", (*scale).spread},
	{"retention", (*scale).retentions},
	{"searches", (*scale).searches},
}

func run(args []string, stdout, stderr io.Writer) int { return runSize(whole, args, stdout, stderr) }

func runSize(s size, args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("scale", flag.ContinueOnError)
	flags.SetOutput(stderr)
	readme := flags.String("readme", "", "write the tables into this `page`, between its marks")
	program := flags.String("tordetect", "dist/bin/tordetect", "the `program` to measure")
	launcher := flags.String("launcher", "bin/tordetect.sh", "the `script` that starts it")
	flags.IntVar(&s.runs, "runs", s.runs, "runs of each, of which the median counts")
	if err := flags.Parse(args); err != nil {
		return 2
	}
	for _, name := range flags.Args() {
		if !slices.ContainsFunc(parts, func(p struct {
			name string
			do   func(*scale, io.Writer) error
		}) bool {
			return p.name == name
		}) {
			fmt.Fprintf(stderr, "scale: there is no part %q: want rows, indexers, retention or searches\n", name)
			return 2
		}
	}
	switch {
	case s.runs < 1:
		fmt.Fprintf(stderr, "scale: -runs %d: at least one run is needed\n", s.runs)
		return 2
	case *readme != "" && flags.NArg() > 0:
		fmt.Fprintln(stderr, "scale: -readme writes the whole page: name no part")
		return 2
	}
	if err := measure(s, *program, *launcher, *readme, flags.Args(), stdout, stderr); err != nil {
		fmt.Fprintln(stderr, "scale:", err)
		return 1
	}
	return 0
}

func measure(size size, program, launcher, readme string, chosen []string, stdout, stderr io.Writer) (err error) {
	// The collector would take time from what is measured.
	defer debug.SetGCPercent(debug.SetGCPercent(400))
	s := &scale{size: size, speeds: map[string]speed{}, driver: process.Driver{Stderr: stderr, Patience: process.Patience}}
	if s.pack, err = splunkd.PackageFile(); err != nil {
		return err
	}
	if s.folder, err = os.MkdirTemp("", "tordetect-scale-"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(s.folder)) }()
	s.networks = workload.Networks{Folder: s.folder, Programs: []workload.Program{
		{From: program, Name: workload.Launched}, {From: launcher, Name: "tordetect.sh"},
	}}
	machine := process.ThisMachine("")
	var figures strings.Builder
	out := io.MultiWriter(stdout, &figures)
	fmt.Fprintf(out, "%s, %d cores that others use too, %s, load before %s, Go %s; medians of %d.\n",
		machine.CPU, machine.Cores, machine.Date, machine.LoadBefore, machine.Go, s.runs)
	for _, p := range parts {
		if len(chosen) > 0 && !slices.Contains(chosen, p.name) {
			continue
		}
		if err := p.do(s, out); err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
	}
	if readme == "" {
		return nil
	}
	return page.Renew(readme, "scale", figures.String())
}

// heading is what stands above a table.
func heading(out io.Writer, format string, values ...any) {
	fmt.Fprintf(out, "\n%s\n\n", fmt.Sprintf(format, values...))
}

func milli(seconds float64) string { return page.Number(1e3 * seconds) }
func mega(bytes int64) string      { return page.Number(float64(bytes) / 1e6) }
