package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"tordetect/src/text"
)

// result is what came of a run of a target.
type result struct {
	Target     string   `json:"target"`
	CPU        float64  `json:"cpu_seconds"`
	Executions int64    `json:"executions"`
	New        int64    `json:"new"`
	Corpus     int64    `json:"corpus"`
	Seeds      string   `json:"covered_by_seeds,omitempty"`
	Covered    string   `json:"covered,omitempty"`
	Found      []string `json:"found,omitempty"` // files that were kept, or what else went wrong
}

// runner runs targets. It builds the tests of a package once, as go test -fuzz would,
// because most of a short run is building.
type runner struct {
	root, scratch string
	workers       int
	stderr        io.Writer
	built         string // package whose program lies in scratch
	cache         string // where Go keeps inputs that reach new code
}

// patience is how long a target may go on after its time: the input that it is at may be
// a slow one, and has to fail by itself, to be kept.
const patience = 2 * time.Minute

// minimizing is for how long an input is made smaller. Go's minute is for those that
// break something, but it spends it on each that reaches new code as well.
const minimizing = "2s"

func (r *runner) program() string { return filepath.Join(r.scratch, "fuzz.test") }

func (r *runner) build(ctx context.Context, folder string) error {
	if r.built == folder {
		return nil
	}
	if out, err := r.tool(ctx, "test", "-c", "-fuzz=.", "-ldflags=-s -w", "-o", r.program(), "./"+filepath.ToSlash(folder)).CombinedOutput(); err != nil {
		return fmt.Errorf("build the tests of %s: %w\n%s", folder, err, out)
	}
	cache, err := r.tool(ctx, "env", "GOCACHE").Output()
	if err != nil {
		return fmt.Errorf("ask go for its cache: %w", err)
	}
	path, err := r.tool(ctx, "list", "./"+filepath.ToSlash(folder)).Output()
	if err != nil {
		return fmt.Errorf("ask go for the package in %s: %w", folder, err)
	}
	r.built, r.cache = folder, filepath.Join(strings.TrimSpace(string(cache)), "fuzz", strings.TrimSpace(string(path)))
	return nil
}

func (r *runner) tool(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = r.root
	return cmd
}

// run lets a target fuzz. An error is of the machine, not of the target.
func (r *runner) run(ctx context.Context, t target, limit string, share time.Duration) (result, error) {
	fmt.Fprintf(r.stderr, "fuzz %s %s\n", t, limit)
	got := result{Target: t.String()}
	if err := r.build(ctx, t.folder); err != nil {
		return got, err
	}
	folder := filepath.Join(r.root, t.folder)
	kept := filepath.Join(folder, "testdata", "fuzz", t.name)
	before := names(kept)
	ctx, cancel := context.WithTimeout(ctx, share+patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, r.program(), "-test.run=^$", "-test.fuzz=^"+t.name+"$", "-test.fuzztime="+limit,
		"-test.fuzzminimizetime="+minimizing, "-test.parallel="+strconv.Itoa(r.workers), "-test.fuzzcachedir="+r.cache)
	cmd.Dir = folder
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) } // it ends its workers
	cmd.WaitDelay = 10 * time.Second
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	if state := cmd.ProcessState; state != nil { // its workers' time is in it
		got.CPU = (state.UserTime() + state.SystemTime()).Seconds()
	}
	got.read(out.String())
	for _, name := range names(kept) {
		if !slices.Contains(before, name) {
			got.Found = append(got.Found, filepath.ToSlash(filepath.Join(t.folder, "testdata", "fuzz", t.name, name)))
		}
	}
	switch {
	case err == nil:
	case ctx.Err() == context.DeadlineExceeded:
		got.Found = append(got.Found, fmt.Sprintf("did not end %v after its time: an input that takes for ever, which is lost", patience))
	case ctx.Err() != nil: // somebody stopped us
	case len(got.Found) == 0 && onlyLate(out.String()):
	default:
		for line := range strings.Lines(out.String()) {
			fmt.Fprintln(r.stderr, text.Printable(text.Cut(strings.TrimRight(line, "\n"), 300))) // it may quote an input, which is kept in whole
		}
		if len(got.Found) == 0 {
			got.Found = append(got.Found, fmt.Sprintf("it failed on an input that it had: %v", err))
		}
	}
	for _, found := range got.Found {
		fmt.Fprintf(r.stderr, "found by %s: %s\n", t, found)
	}
	return got, nil
}

// onlyLate says whether a run failed by nothing but its end: Go takes the end of the time
// for a failure when a worker is in the middle of something on a busy machine.
func onlyLate(out string) bool {
	return strings.Contains(out, "context deadline exceeded") && !strings.Contains(out, "Failing input") && !strings.Contains(out, "panic")
}

var progress = regexp.MustCompile(`execs: (\d+) \([^)]*\), new interesting: (\d+) \(total: (\d+)\)`)

// read takes the last line of progress.
func (r *result) read(out string) {
	all := progress.FindAllStringSubmatch(out, -1)
	if len(all) == 0 {
		return
	}
	for i, number := range []*int64{&r.Executions, &r.New, &r.Corpus} {
		*number, _ = strconv.ParseInt(all[len(all)-1][i+1], 10, 64) // digits, by the expression
	}
}

var covered = regexp.MustCompile(`coverage: ([0-9.]+%)`)

// cover measures what the seeds of a target reach, and what they do with the inputs that
// were found. The target reads its inputs below its working directory: so it is run in a
// folder that has all of the package's own, and these. Where that does not work, it is
// left out.
func (r *runner) cover(ctx context.Context, t target, got *result) {
	program := filepath.Join(r.scratch, "cover.test")
	pkg := "./" + filepath.ToSlash(t.folder)
	if r.tool(ctx, "test", "-c", "-cover", "-o", program, pkg).Run() != nil {
		return
	}
	for _, way := range []struct {
		value *string
		from  []string
	}{
		{&got.Seeds, nil},
		{&got.Covered, []string{filepath.Join(r.cache, t.name)}},
	} {
		shadow, err := r.shadow(t, way.from)
		if err == nil {
			cmd := exec.CommandContext(ctx, program, "-test.run=^"+t.name+"$", "-test.coverprofile="+filepath.Join(r.scratch, "profile"))
			cmd.Dir = shadow
			if out, err := cmd.CombinedOutput(); err == nil {
				if m := covered.FindSubmatch(out); m != nil {
					*way.value = string(m[1])
				}
			}
		}
		os.RemoveAll(shadow)
	}
}

// shadow makes a folder with links to all that lies in the package's, with the inputs
// of these folders beside its own.
func (r *runner) shadow(t target, from []string) (string, error) {
	shadow, err := os.MkdirTemp(r.scratch, "shadow-")
	if err != nil {
		return "", err
	}
	folder, err := filepath.Abs(filepath.Join(r.root, t.folder))
	if err != nil {
		return shadow, err
	}
	inputs := filepath.Join(shadow, "testdata", "fuzz", t.name)
	if err := os.MkdirAll(inputs, 0o755); err != nil {
		return shadow, err
	}
	for place, to := range map[string]string{"": "", "testdata": "testdata"} {
		for _, name := range names(filepath.Join(folder, place)) {
			if place == "" && name == "testdata" || place == "testdata" && name == "fuzz" {
				continue
			}
			if err := os.Symlink(filepath.Join(folder, place, name), filepath.Join(shadow, to, name)); err != nil {
				return shadow, err
			}
		}
	}
	for _, place := range append(from, filepath.Join(folder, "testdata", "fuzz", t.name)) {
		for _, name := range names(place) {
			if err := os.Symlink(filepath.Join(place, name), filepath.Join(inputs, name)); err != nil && !os.IsExist(err) {
				return shadow, err
			}
		}
	}
	return shadow, nil
}

// names lists what is in a folder, nothing where there is none.
func names(folder string) (all []string) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil
	}
	for _, e := range entries {
		all = append(all, e.Name())
	}
	return all
}
