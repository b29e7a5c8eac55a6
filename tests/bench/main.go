//go:build linux

// Command bench measures the search command beside others, side by side in one
// run, as splunkd would run them: whole processes behind real pipes, getinfo and
// chunks in turns.
//
//	./build.sh bench [NAME ...]
//
//	tordetect   the program of the package
//	splunklib   the same look-up as a site would write it with Splunk's SDK, lookup.py
//	csv         the same look-up in Go with encoding/csv, lookup.go
//	chunked     an echo through our package chunked
//	echo        a bare frame echo in Go: the limit of the protocol, echo.go
//	cat         the limit of pipes; it does not wait for the whole request
//
// Reported are medians of several runs, the variants taking turns: CPU (user and
// system), wall time, peak memory, and the ratios that count, beside the targets;
// all samples go to a JSON file. Times depend on the machine and are never
// asserted; README.md beside this file holds figures with their date.
//
// From top to bottom: package workload makes tables and rows and says what is measured,
// package process runs a variant and takes the samples, measure.go has them in turns,
// report.go shows them, package page writes tables and pages. Three other things: against.go
// compares what two builds of tordetect answer, byte for byte, growth.go gives inputs of n and
// 4n, and scan.go measures torctl scan, beside DuckDB.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"
	"runtime/pprof"
	"strings"
	"time"

	"tordetect/src/chunked"
	"tordetect/src/command/tordetect"
	"tordetect/tests/bench/process"
	"tordetect/tests/bench/workload"
)

func main() {
	if len(os.Args) == 3 && os.Args[1] == "-be" {
		os.Exit(be(os.Args[2]))
	}
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

// tablesVariable names the relay tables to the look-ups that are not ours, with
// the system's list separator between them.
const tablesVariable = "BENCH_TABLES"

// be is one of the variants that are part of this program.
func be(name string) int {
	var cmd chunked.Command
	switch name {
	case "echo":
		return bareEcho()
	case "chunked":
		cmd = echoCommand{}
	case "profiled":
		return beProfiled()
	case "csv":
		cmd = &csvLookup{tables: filepath.SplitList(os.Getenv(tablesVariable))}
	default:
		return 2
	}
	if chunked.Serve(os.Stdin, os.Stdout, cmd) != nil {
		return 1
	}
	return 0
}

// The profiled command finds its tables and leaves its profile where these say.
const (
	lookupsVariable = "BENCH_LOOKUPS"
	profileVariable = "BENCH_PROFILE"
)

// beProfiled is tordetect with a CPU profile.
func beProfiled() int {
	file, err := os.Create(os.Getenv(profileVariable))
	if err != nil {
		return 1
	}
	defer file.Close()
	if pprof.StartCPUProfile(file) != nil {
		return 1
	}
	defer pprof.StopCPUProfile()
	if chunked.Serve(os.Stdin, os.Stdout, tordetect.New(os.Getenv(lookupsVariable), time.Now)) != nil {
		return 1
	}
	return 0
}

// bench is one run of this program.
type bench struct {
	binary, launcher, python, script, self string
	only                                   []string // names of variants; empty: all
	runs, oddities                         int
	folder                                 string // scratch
	profile                                string // file
	other                                  string // a second program of ours, measured beside the first
	networks                               workload.Networks
	driver                                 process.Driver
}

func run(args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(stderr)
	b := bench{oddities: oddities}
	flags.StringVar(&b.binary, "tordetect", "dist/bin/tordetect", "the `program` to measure")
	flags.StringVar(&b.launcher, "launcher", "bin/tordetect.sh", "the `script` that starts it in the package")
	flags.StringVar(&b.python, "python", "", "a `Python` that has splunklib; without it only the others are measured")
	flags.StringVar(&b.script, "script", "tests/bench/lookup.py", "the splunklib command")
	flags.IntVar(&b.runs, "runs", 5, "runs of each, of which the median counts")
	only := flags.String("only", "", "measure only these `variants`, with commas between")
	out := flags.String("json", "", "`file` for all samples")
	readme := flags.String("readme", "", "write the figures into this `file`, between its marks")
	older := flags.String("against", "", "compare the answers with those of this older `program`, byte for byte, and measure nothing")
	flags.StringVar(&b.other, "beside", "", "measure this other build of tordetect too, as the variant other: is a change worth it")
	flags.StringVar(&b.profile, "profile", "", "leave a CPU profile of our command under one workload in this `file`, and measure nothing")
	torctl := flags.String("torctl", "dist/bin/torctl", "scan: the `program` to measure; -beside names another build of it")
	duckdb := flags.String("duckdb", "", "scan: a `Python` that has DuckDB; without it torctl is measured alone")
	megabytes := flags.Int("megabytes", 1000, "scan: size of each log")
	list := flags.Bool("list", false, "name the workloads")
	flags.Usage = func() {
		fmt.Fprintln(stderr, "usage: bench [flags] [WORKLOAD or group ...]")
		flags.PrintDefaults()
	}
	if flags.Parse(args) != nil {
		return 2
	}
	isScan, grows := flags.NArg() == 1 && flags.Arg(0) == "scan", flags.Arg(0) == "growth"
	var chosen []workload.Workload
	var starts bool
	var err error
	switch {
	case isScan:
	case grows:
		chosen, starts, err = workload.Choose(nil)
	default:
		chosen, starts, err = workload.Choose(flags.Args())
	}
	switch {
	case *list:
		for _, w := range workload.Workloads() {
			fmt.Fprintf(stdout, "%-8s %s\n", w.Group, w.Name)
		}
		fmt.Fprintln(stdout, "startup")
		fmt.Fprintln(stdout, "growth")
		fmt.Fprintln(stdout, "scan     (torctl scan, by itself only)")
		return 0
	case err == nil && b.profile != "" && (len(chosen) != 1 || starts):
		err = errors.New("-profile: name one workload")
	case err == nil && b.runs < 1:
		err = fmt.Errorf("-runs %d: at least one run is needed", b.runs)
	}
	if err != nil {
		fmt.Fprintln(stderr, "bench:", err)
		return 2
	}
	if *only != "" {
		b.only = strings.Split(*only, ",")
	}
	if err := b.begin(stderr); err != nil {
		fmt.Fprintln(stderr, "bench:", err)
		return 1
	}
	defer os.RemoveAll(b.folder)
	if grows {
		if err := b.growth(stdout, flags.Args()[1:]); err != nil {
			fmt.Fprintln(stderr, "bench:", err)
			return 1
		}
		return 0
	}
	if isScan {
		if err := b.scan(stdout, *torctl, *duckdb, *megabytes); err != nil {
			fmt.Fprintln(stderr, "bench:", err)
			return 1
		}
		return 0
	}
	if *older != "" {
		same, err := b.against(stdout, *older, chosen)
		switch {
		case err != nil:
			fmt.Fprintln(stderr, "bench:", err)
			return 1
		case !same:
			return 1
		}
		return 0
	}
	if b.profile != "" {
		if err := b.profileOne(chosen[0]); err != nil {
			fmt.Fprintln(stderr, "bench:", err)
			return 1
		}
		return 0
	}
	report, err := b.measure(stdout, chosen, starts)
	if err == nil && *out != "" {
		err = report.save(*out)
	}
	if err == nil && *readme != "" {
		err = report.describe(*readme)
	}
	if err != nil {
		fmt.Fprintln(stderr, "bench:", err)
		return 1
	}
	return 0
}

// begin prepares a run.
func (b *bench) begin(stderr io.Writer) (err error) {
	// The collector would take time from what is measured; buffers are kept.
	debug.SetGCPercent(-1)
	b.driver.Stderr, b.driver.Patience = stderr, process.Patience
	if b.self, err = os.Executable(); err != nil {
		return err
	}
	if b.folder, err = os.MkdirTemp("", "tordetect-bench-"); err != nil {
		return err
	}
	b.networks = workload.Networks{Folder: b.folder, Programs: []workload.Program{
		{From: b.binary, Name: workload.Launched}, {From: b.launcher, Name: "tordetect.sh"},
	}}
	if b.other != "" {
		b.networks.Programs = append(b.networks.Programs, workload.Program{From: b.other, Name: "other"})
	}
	return nil
}
