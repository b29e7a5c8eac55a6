// Command soak runs the packaged search command for long and often, and looks whether
// anything is left or grows:
//
//	go run ./tests/soak [-rows 20000000] [-searches 1000] [-probes 10000] [-out dist/soak]
//
// One search gets all rows in chunks of 1 to 50,000, of two sets of columns, with
// addresses that do not come again. Meanwhile memory, descriptors and threads of its
// process are read from /proc. Then come short searches, two at a time, and getinfo
// probes. After each part the app's folder, the folder for temporary files, our own
// descriptors and children have to be what they were.
//
// It prints the figures, and writes soak.json and soak.svg, a picture of memory over
// rows, into -out. Exit code 0, 1 where something was left, grew or failed, 2 wrong
// usage. It needs Linux. The package is $TORDETECT_PACKAGE, else the newest in dist.
//
// It measures no speed: that is tests/bench.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// options of a run.
type options struct {
	rows, searches, probes int
	out                    string
}

// figures are what a run found.
type figures struct {
	Rows, Chunks         int
	LargestChunk         int // bytes
	LargestReply         int
	Bound                int // bytes of memory that the search may take
	Most, AtTenth        int // bytes of resident memory at the most, and until a tenth of the rows
	Descriptors, Threads int // at the most
	Seconds              float64
	Searches, Probes     int
	Samples              []sample
}

// sample is the process at a moment.
type sample struct {
	Rows, Memory, Descriptors, Threads int
}

func run(args []string, stdout, stderr io.Writer) int {
	var o options
	f := flag.NewFlagSet("soak", flag.ContinueOnError)
	f.SetOutput(stderr)
	f.IntVar(&o.rows, "rows", 20_000_000, "rows of the one search")
	f.IntVar(&o.searches, "searches", 1000, "short searches, two at a time")
	f.IntVar(&o.probes, "probes", 10_000, "getinfo probes")
	f.StringVar(&o.out, "out", filepath.Join("dist", "soak"), "folder for soak.json and soak.svg")
	switch err := f.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return 2
	case err != nil || f.NArg() > 0 || o.rows < 1 || o.searches < 0 || o.probes < 0:
		fmt.Fprintln(stderr, "soak: want numbers of rows, searches and probes")
		return 2
	}
	if err := o.do(stdout); err != nil {
		fmt.Fprintln(stderr, "soak:", err)
		return 1
	}
	return 0
}

func (o options) do(stdout io.Writer) error {
	s, err := newSite()
	if err != nil {
		return err
	}
	defer s.remove()
	var got figures
	for _, part := range []struct {
		name string
		do   func() error
	}{
		{"one search", func() error { return s.long(o.rows, &got) }},
		{"short searches", func() error { return s.short(o.searches, &got) }},
		{"probes", func() error { return s.probe(o.probes, &got) }},
	} {
		before, err := s.state()
		if err != nil {
			return err
		}
		if err := part.do(); err != nil {
			return fmt.Errorf("%s: %w", part.name, err)
		}
		after, err := s.state()
		if err != nil {
			return err
		}
		if before != after {
			return fmt.Errorf("%s: something was left:\n%s\nbefore:\n%s", part.name, after, before)
		}
	}
	fmt.Fprintf(stdout, "one search: %d rows in %d chunks of up to %d bytes, replies of up to %d bytes, %.0f s\n", got.Rows, got.Chunks, got.LargestChunk, got.LargestReply, got.Seconds)
	fmt.Fprintf(stdout, "memory: %.1f MB at the most, %.1f MB until a tenth of the rows; bound %.1f MB; %d descriptors, %d threads at the most\n",
		mega(got.Most), mega(got.AtTenth), mega(got.Bound), got.Descriptors, got.Threads)
	fmt.Fprintf(stdout, "%d short searches two at a time, %d probes: no process, file or descriptor left\n", got.Searches, got.Probes)
	if err := o.keep(got); err != nil {
		return err
	}
	if got.Most > got.Bound {
		return fmt.Errorf("the search took %.1f MB, more than %.1f MB", mega(got.Most), mega(got.Bound))
	}
	return nil
}

// keep writes the figures and the picture.
func (o options) keep(got figures) error {
	if err := os.MkdirAll(o.out, 0o755); err != nil {
		return err
	}
	text, err := json.MarshalIndent(got, "", " ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(o.out, "soak.json"), append(text, '\n'), 0o644); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(o.out, "soak.svg"), []byte(picture(got)), 0o644)
}

func mega(bytes int) float64 { return float64(bytes) / (1 << 20) }
