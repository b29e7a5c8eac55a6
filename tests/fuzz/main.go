// Command fuzz runs the fuzz targets of the project in turns and says what came of it:
//
//	go run ./tests/fuzz [-time 30m] [-workers 2] [-only REGEXP]   a share of the time for each
//	go run ./tests/fuzz -each 5000x                               so many inputs, or so long, for each
//	go run ./tests/fuzz -sum                                      all runs that the log holds, target by target
//	go run ./tests/fuzz -keep                                     adds to the corpora what earlier runs found and they lack
//
//	target               CPU min  executions  new  corpus  covered        found
//	src/relay FuzzParse      4.0     2311870   41      97  38.1% > 44.0%
//
// An input that breaks a target, or is too slow for it (tests/pace), is kept under
// testdata/fuzz of its package, where go test runs it from then on. Inputs that only
// reach new code stay in Go's build cache, and the next run goes on from them; -keep
// copies of them what runs statements that no seed runs. covered is how much of the
// package's code the seeds reach, and with those inputs. Each run is a line of -log,
// in JSON. Exit code 0, 1 something was found or failed, 2 wrong
// usage.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// options of a run.
type options struct {
	time    time.Duration // for all targets together
	each    string        // limit of each, in the place of the time: 1m, or 5000x
	workers int
	only    *regexp.Regexp
	log     string
	sum     bool
	keep    bool
	root    string
}

func run(args []string, stdout, stderr io.Writer) int {
	o, err := parse(args, stderr)
	if err != nil {
		if !errors.Is(err, flag.ErrHelp) {
			fmt.Fprintln(stderr, "fuzz:", err)
		}
		return 2
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	all, err := o.do(ctx, stderr)
	if err != nil {
		fmt.Fprintln(stderr, "fuzz:", err)
		return 1
	}
	if o.each == "" && !o.keep { // else its exit code is what it is for
		write(stdout, all)
	}
	if slices.ContainsFunc(all, func(r result) bool { return len(r.Found) > 0 }) && !o.sum {
		return 1
	}
	return 0
}

func parse(args []string, stderr io.Writer) (options, error) {
	o := options{root: "."}
	f := flag.NewFlagSet("fuzz", flag.ContinueOnError)
	f.SetOutput(stderr)
	f.DurationVar(&o.time, "time", 30*time.Minute, "time for all targets together")
	f.StringVar(&o.each, "each", "", "inputs (5000x) or time (1m) for each target, in the place of -time; no table, no log")
	f.IntVar(&o.workers, "workers", runtime.GOMAXPROCS(0), "processes that fuzz at the same time")
	only := f.String("only", "", "regular expression: targets such as src/relay FuzzParse")
	f.StringVar(&o.log, "log", "dist/fuzz.jsonl", "file to which a line is added for each run of a target; empty: none")
	f.BoolVar(&o.sum, "sum", false, "run nothing: sum up the log")
	f.BoolVar(&o.keep, "keep", false, "fuzz nothing: add to testdata/fuzz the found inputs that run statements no seed runs")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	if o.each != "" {
		d, err := time.ParseDuration(o.each)
		n, isCount := strings.CutSuffix(o.each, "x")
		if count, bad := strconv.Atoi(n); err != nil && (!isCount || bad != nil || count < 1) {
			return o, fmt.Errorf("-each %q: want a number of inputs such as 5000x, or a time", o.each)
		}
		o.time = max(d, time.Hour) // what a count may take
	}
	var err error
	if o.only, err = regexp.Compile(*only); err != nil {
		return o, fmt.Errorf("-only: %w", err)
	}
	switch {
	case f.NArg() > 0:
		return o, fmt.Errorf("%q: want options only", f.Arg(0))
	case o.sum && o.keep:
		return o, errors.New("-sum and -keep: want one of them")
	case o.time <= 0 || o.workers < 1:
		return o, errors.New("-time and -workers: want more than 0")
	}
	return o, nil
}

// do runs all targets, or what there is time for until the context ends.
func (o options) do(ctx context.Context, stderr io.Writer) ([]result, error) {
	if o.sum {
		return sum(o.log)
	}
	targets, err := find(o.root)
	if err != nil {
		return nil, err
	}
	targets = slices.DeleteFunc(targets, func(t target) bool { return !o.only.MatchString(t.String()) })
	if len(targets) == 0 {
		return nil, errors.New("no target has such a name")
	}
	scratch, err := os.MkdirTemp("", "fuzz-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(scratch)
	if o.each != "" {
		return o.shortly(ctx, targets, scratch, stderr)
	}
	share := max(o.time/time.Duration(len(targets)), time.Second).Round(time.Second)
	r := runner{root: o.root, scratch: scratch, workers: o.workers, stderr: stderr}
	var all []result
	for _, t := range targets {
		if ctx.Err() != nil {
			break
		}
		if o.keep {
			if kept, err := r.keep(ctx, t); err != nil {
				fmt.Fprintf(stderr, "keep %s: left out: %v\n", t, err)
			} else {
				fmt.Fprintf(stderr, "keep %s: %d more\n", t, len(kept))
			}
			continue
		}
		got, err := r.run(ctx, t, share.String(), share)
		if err != nil {
			return all, err
		}
		r.cover(ctx, t, &got)
		if err := note(o.log, got); err != nil {
			return all, err
		}
		all = append(all, got)
	}
	return all, nil
}

// shortly runs the targets of several packages at the same time, each with its share of
// the workers: most of a short run is building, which keeps one core busy and not two.
func (o options) shortly(ctx context.Context, targets []target, scratch string, stderr io.Writer) ([]result, error) {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	packages := byPackage(targets)
	atOnce := min(o.workers, len(packages))
	said := &oneAtATime{w: stderr}
	all := make([][]result, len(packages))
	turn := make(chan struct{}, atOnce)
	var running sync.WaitGroup
	for i, targets := range packages {
		turn <- struct{}{}
		running.Go(func() {
			defer func() { <-turn }()
			r := runner{root: o.root, scratch: filepath.Join(scratch, strconv.Itoa(i)), workers: o.workers / atOnce, stderr: said}
			defer os.RemoveAll(r.scratch)
			err := os.Mkdir(r.scratch, 0o700)
			for _, t := range targets {
				if err != nil || ctx.Err() != nil {
					break
				}
				var got result
				if got, err = r.run(ctx, t, o.each, o.time); err == nil {
					all[i] = append(all[i], got)
				}
			}
			if err != nil {
				stop(err)
			}
		})
	}
	running.Wait()
	return slices.Concat(all...), context.Cause(ctx)
}

// byPackage cuts targets, which are in order, where another package begins.
func byPackage(targets []target) (all [][]target) {
	for len(targets) > 0 {
		n := slices.IndexFunc(targets, func(t target) bool { return t.folder != targets[0].folder })
		if n < 0 {
			n = len(targets)
		}
		all, targets = append(all, targets[:n]), targets[n:]
	}
	return all
}

// oneAtATime lets several runners write lines.
type oneAtATime struct {
	mu sync.Mutex
	w  io.Writer
}

func (o *oneAtATime) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.w.Write(p)
}

// A target is a fuzz function of a package.
type target struct{ folder, name string }

func (t target) String() string { return filepath.ToSlash(t.folder) + " " + t.name }

// find looks for targets in the tests below src and tests, in the order of their names.
func find(root string) (all []target, err error) {
	for _, top := range []string{"src", "tests"} {
		err := filepath.WalkDir(filepath.Join(root, top), func(path string, d os.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, "_test.go") {
				return err
			}
			file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
			if err != nil {
				return err
			}
			folder, err := filepath.Rel(root, filepath.Dir(path))
			for _, d := range file.Decls {
				if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && strings.HasPrefix(f.Name.Name, "Fuzz") {
					all = append(all, target{folder, f.Name.Name})
				}
			}
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	slices.SortFunc(all, func(a, b target) int { return strings.Compare(a.String(), b.String()) })
	return all, nil
}
