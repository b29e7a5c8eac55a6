package main

import (
	"bufio"
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// largestKept is most of an input that is kept, in bytes: what reaches code by its mere
// length is a seed that a test can make.
const largestKept = 4 << 10

// keep copies of the inputs that fuzzing found those into the package's testdata that
// run statements which neither the seeds nor what is kept already run, each time the
// one that adds most. They are the corpus of every clone, where Go's cache is one
// machine's.
func (r *runner) keep(ctx context.Context, t target) (kept []string, err error) {
	if err := r.build(ctx, t.folder); err != nil {
		return nil, err
	}
	found := filepath.Join(r.cache, t.name)
	shadow, err := r.shadow(t, []string{found})
	defer os.RemoveAll(shadow)
	if err != nil {
		return nil, err
	}
	program := filepath.Join(r.scratch, "keep.test")
	pkg := "./" + filepath.ToSlash(t.folder)
	if out, err := r.tool(ctx, "test", "-c", "-cover", "-coverpkg=./src/...,"+pkg, "-o", program, pkg).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("build the tests of %s: %w\n%s", t.folder, err, out)
	}
	own := filepath.Join(r.root, t.folder, "testdata", "fuzz", t.name)
	run := covering{program: program, folder: shadow, profile: filepath.Join(r.scratch, "profile")}
	have, err := run.statements(ctx, t.name, "seed#.*")
	if err != nil {
		return nil, err
	}
	for _, name := range names(own) {
		more, err := run.statements(ctx, t.name, name)
		if err != nil {
			return nil, err
		}
		have.add(more)
	}
	reached := map[string]statements{}
	left := bySize(found) // of those that add as much, the smallest is taken
	for _, name := range left {
		if all, err := run.statements(ctx, t.name, name); err == nil { // one that fails is for whoever mends it
			reached[name] = all
		}
	}
	for len(left) > 0 {
		best := slices.MaxFunc(left, func(a, b string) int { return cmp.Compare(have.lacks(reached[a]), have.lacks(reached[b])) })
		if have.lacks(reached[best]) == 0 {
			return kept, ctx.Err()
		}
		have.add(reached[best])
		text, err := os.ReadFile(filepath.Join(found, best))
		if err == nil {
			err = os.MkdirAll(own, 0o755)
		}
		if err == nil {
			err = os.WriteFile(filepath.Join(own, best), text, 0o644)
		}
		if err != nil {
			return kept, fmt.Errorf("keep an input of %s: %w", t, err)
		}
		kept = append(kept, best)
	}
	return kept, ctx.Err()
}

// bySize lists the inputs in a folder that are small enough, the smallest first.
func bySize(folder string) []string {
	size := map[string]int64{}
	for _, name := range names(folder) {
		if info, err := os.Stat(filepath.Join(folder, name)); err == nil && info.Size() <= largestKept {
			size[name] = info.Size()
		}
	}
	all := make([]string, 0, len(size))
	for name := range size {
		all = append(all, name)
	}
	slices.SortFunc(all, func(a, b string) int { return cmp.Or(cmp.Compare(size[a], size[b]), cmp.Compare(a, b)) })
	return all
}

// statements are those that ran, as a profile names them.
type statements map[string]bool

func (s statements) add(more statements) {
	for place := range more {
		s[place] = true
	}
}

// lacks counts those that it has not.
func (s statements) lacks(of statements) (n int) {
	for place := range of {
		if !s[place] {
			n++
		}
	}
	return n
}

// covering runs inputs of a target in a program that notes what it runs.
type covering struct{ program, folder, profile string }

// statements runs the inputs whose names match.
func (c covering) statements(ctx context.Context, target, input string) (statements, error) {
	os.Remove(c.profile)
	cmd := exec.CommandContext(ctx, c.program, "-test.run=^"+target+"$/^"+input+"$", "-test.coverprofile="+c.profile)
	cmd.Dir = c.folder
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("run %s with its input %s: %w\n%s", target, input, err, out)
	}
	f, err := os.Open(c.profile)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return ran(f)
}

// ran reads a profile: file.go:10.2,12.3 4 1, where the last is how often it ran.
func ran(profile io.Reader) (statements, error) {
	all := statements{}
	lines := bufio.NewScanner(profile)
	for lines.Scan() {
		place, counts, ok := strings.Cut(lines.Text(), " ")
		if ok && place != "mode:" && !strings.HasSuffix(counts, " 0") {
			all[place] = true
		}
	}
	return all, lines.Err()
}
