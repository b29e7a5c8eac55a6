// Command mutate breaks the programs in one small place at a time and looks whether a
// test notices:
//
//	go run ./tests/mutate [-n 200] [-seed 1] [-only REGEXP] [-list]
//
//	src/cell/port.go:31 n > 65535 gets >= for: >: killed by src/cell TestPort
//	src/cell/time.go:80 emptied: "Z": SURVIVED
//
//	package    places  own tests  others  survived
//	src/cell       12         10       1         1
//
// The places are a sample of all files of src that are compiled here, one a line:
// places.go has what is done to them. A seed gives the same places as long as their
// functions stay. One that does not compile gives its turn to the next. -only tries
// those of the sample that it fits, -list none.
//
// The tests of the package itself come first. What they let pass is then tried by those
// of the packages that import it, and by those below tests that read logs in all ways
// and search with the packaged app, whose programs are broken as well. All run with
// -short, which leaves out those that take ten seconds and more; who takes two minutes
// has noticed. The work is done in a copy, dist/mutate/tree: the checkout stays.
//
// It does not say whether a survivor changes anything that somebody could see: read
// it. Exit code 0, 1 tests that fail without a change, or no copy, 2 wrong usage.
package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"text/tabwriter"
)

// others are the packages whose tests use many of src, but for those that take minutes.
var others = []string{"tests/cases", "tests/shapes", "tests/threeways", "tests/e2e"}

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

func run(args []string, stdout, stderr io.Writer) int {
	f := flag.NewFlagSet("mutate", flag.ContinueOnError)
	f.SetOutput(stderr)
	n := f.Int("n", 200, "places to try")
	seed := f.Int64("seed", 1, "which ones")
	only := f.String("only", "", "regular expression: of these, those whose line in the list it fits")
	list := f.Bool("list", false, "list the places, change nothing")
	if err := f.Parse(args); err != nil {
		return 2
	}
	fits, err := regexp.Compile(*only)
	if err != nil || f.NArg() > 0 || *n < 1 {
		fmt.Fprintln(stderr, "mutate: want -n above 0, a regular expression for -only, and no other words")
		return 2
	}
	p, err := open(stderr)
	if err == nil {
		var all []place
		if all, err = p.places(*seed); err == nil && *list {
			for _, place := range all[:min(*n, len(all))] {
				fmt.Fprintln(stdout, place)
			}
		} else if err == nil {
			err = p.ask(all, *n, fits, stdout)
		}
	}
	if err != nil {
		fmt.Fprintln(stderr, "mutate:", err)
		return 1
	}
	return 0
}

// project is what go list says of its packages, by import path, and a copy of it.
type project struct {
	packages map[string]aPackage
	tree     string
	reached  map[string]reach // by folder
	stderr   io.Writer
}

type aPackage struct {
	ImportPath, Dir        string
	GoFiles, Imports, Deps []string
}

const module = "tordetect/"

func open(stderr io.Writer) (*project, error) {
	tree, err := filepath.Abs(filepath.Join("dist", "mutate", "tree"))
	if err != nil {
		return nil, err
	}
	p := &project{packages: map[string]aPackage{}, tree: tree, reached: map[string]reach{}, stderr: stderr}
	out, err := exec.Command("go", "list", "-test", "-json=ImportPath,Dir,GoFiles,Imports,Deps", "./src/...", "./tests/...").Output()
	if err != nil {
		return nil, fmt.Errorf("go list: %w", err)
	}
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var one aPackage
		if err := d.Decode(&one); errors.Is(err, io.EOF) {
			return p, nil
		} else if err != nil {
			return nil, fmt.Errorf("go list: %w", err)
		}
		p.packages[one.ImportPath] = one
	}
}

// places are those of all packages of src in the order of the seed, one a line.
func (p *project) places(seed int64) ([]place, error) {
	first := map[string]place{}
	for path, of := range p.packages {
		if !strings.HasPrefix(path, module+"src/") || strings.HasSuffix(path, ".test") || strings.HasSuffix(path, "]") {
			continue
		}
		for _, name := range of.GoFiles {
			text, err := os.ReadFile(filepath.Join(of.Dir, name))
			if err != nil {
				return nil, err
			}
			found, err := places(strings.TrimPrefix(path, module)+"/"+name, text, seed)
			if err != nil {
				return nil, err
			}
			for _, p := range found {
				line := fmt.Sprintf("%s:%d", p.file, p.line)
				if old, ok := first[line]; !ok || p.key < old.key {
					first[line] = p
				}
			}
		}
	}
	var all []place
	for _, p := range first {
		all = append(all, p)
	}
	slices.SortFunc(all, func(a, b place) int { return cmp.Compare(a.key, b.key) })
	return all, nil
}

// count is what became of the places of a package.
type count struct{ own, others, survived int }

// ask tries the first n places, and prints what became of them.
func (p *project) ask(all []place, n int, fits *regexp.Regexp, stdout io.Writer) error {
	if err := p.copy(); err != nil {
		return fmt.Errorf("copy the project: %w", err)
	}
	counts := map[string]*count{}
	var left []place
	for turn := 0; turn < n && len(all) > 0; all = all[1:] {
		one := all[0]
		if !fits.MatchString(one.String()) {
			turn++
			continue
		}
		who, err := p.own(one)
		switch {
		case err != nil:
			return err
		case who == compiler:
			continue
		case counts[one.folder()] == nil:
			counts[one.folder()] = &count{}
		}
		turn++
		if who != "" {
			counts[one.folder()].own++
			fmt.Fprintf(p.stderr, "%s: killed by %s\n", one, who)
			continue
		}
		left = append(left, one)
		fmt.Fprintf(p.stderr, "%s: passes the tests of its package\n", one)
	}
	for _, one := range left {
		who, err := p.try(one, "", p.users(one.folder())...)
		switch {
		case err != nil:
			return err
		case who == "":
			counts[one.folder()].survived++
			fmt.Fprintf(p.stderr, "%s: SURVIVED\n", one)
		default:
			counts[one.folder()].others++
			fmt.Fprintf(p.stderr, "%s: killed by %s\n", one, who)
		}
	}
	table(stdout, counts)
	return nil
}

// own asks the tests of the place's own package that come to its line, or all where
// that is not known: outside of functions, and in programs, which their tests start.
func (p *project) own(one place) (who string, err error) {
	folder := one.folder()
	if one.top || strings.HasPrefix(folder, "src/cmd/") {
		return p.try(one, "", folder)
	}
	r, known := p.reached[folder]
	if !known {
		if r, err = p.reachOf(folder); err != nil {
			return "", err
		}
		p.reached[folder] = r
	}
	tests := slices.Sorted(maps.Keys(r[fmt.Sprintf("%s:%d", one.file, one.line)]))
	return p.try(one, "^("+strings.Join(tests, "|")+")$", folder)
}

// copy puts what git knows of the project, as it lies here, into the tree; data that
// lies beside the project lies beside the tree.
func (p *project) copy() error {
	const script = `rm -rf "$0" && mkdir -p "$0" && git ls-files -z --cached --others --exclude-standard | tar --null -cf - -T - | tar -xf - -C "$0"
	if [ -d ../shared ]; then ln -sfn "$(cd ../shared && pwd)" "$0/../shared"; fi`
	if out, err := exec.Command("sh", "-c", script, p.tree).CombinedOutput(); err != nil {
		return fmt.Errorf("%w\n%s", err, out)
	}
	return nil
}

// try changes a place, asks the tests of packages one by one, and takes the change
// back. It returns which one noticed.
func (p *project) try(one place, tests string, folders ...string) (who string, err error) {
	name := filepath.Join(p.tree, one.file)
	text, err := os.ReadFile(name)
	if err != nil {
		return "", err
	}
	if err := os.WriteFile(name, slices.Concat(text[:one.from], []byte(one.new), text[one.to:]), 0o644); err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, os.WriteFile(name, text, 0o644)) }()
	for _, folder := range folders {
		if who, _ := p.test(folder, tests); who == compiler {
			return who, nil
		} else if who != "" {
			return folder + " " + who, nil
		}
	}
	return "", nil
}

// users are the packages whose tests may notice a change.
func (p *project) users(folder string) (all []string) {
	changed := module + folder
	for path, of := range p.packages {
		if slices.Contains(of.Imports, changed) && strings.HasPrefix(path, module+"src/") && !strings.HasSuffix(path, "]") {
			all = append(all, strings.TrimPrefix(strings.TrimSuffix(path, ".test"), module))
		}
	}
	slices.Sort(all)
	for _, other := range others {
		deps := p.packages[module+other+".test"].Deps
		if other == "tests/e2e" { // it starts them
			deps = slices.Concat([]string{module + "src/cmd/tordetect", module + "src/cmd/torrelays"},
				p.packages[module+"src/cmd/tordetect"].Deps, p.packages[module+"src/cmd/torrelays"].Deps)
		}
		if slices.Contains(deps, changed) {
			all = append(all, other)
		}
	}
	return slices.DeleteFunc(slices.Compact(all), func(s string) bool { return s == folder })
}

const compiler = "the compiler"

var failure = regexp.MustCompile(`(?m)^\s*--- FAIL: (\S+)|^panic: (test timed out)`)

// test builds the tests of a package in the tree, and runs them. It returns which one
// failed, or the compiler. Whatever they start comes from the tree, too.
func (p *project) test(folder, tests string) (who, said string) {
	program := filepath.Join(p.tree, "changed.test")
	os.Remove(program)
	build := exec.Command("go", "test", "-c", "-vet=off", "-ldflags=-s -w", "-o", program, "./"+folder)
	build.Dir = p.tree
	build.Env = append(os.Environ(), "GOGC=400")
	if out, err := build.CombinedOutput(); err != nil {
		return compiler, string(out)
	}
	out, err := p.command(folder, program, "-test.short", "-test.failfast", "-test.timeout=2m", "-test.run="+tests).CombinedOutput()
	if err == nil || errors.Is(err, os.ErrNotExist) { // it has no tests
		return "", ""
	}
	who = "the end of its program"
	for _, found := range failure.FindAllSubmatch(out, -1) {
		who = string(slices.Concat(found[1], found[2]))
	}
	return who, fmt.Sprintf("%v\n%s", err, out)
}

// command runs a program of the tests as go test would, in the tree.
func (p *project) command(folder, program string, args ...string) *exec.Cmd {
	c := exec.Command(program, args...)
	c.Dir = filepath.Join(p.tree, folder)
	c.Env = append(os.Environ(), "SOURCE_DATE_EPOCH=1", "TORDETECT_PACKAGE=", "GOCOVERDIR="+p.tree)
	return c
}

func table(w io.Writer, counts map[string]*count) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	line := func(name string, n count) {
		fmt.Fprintf(t, "%s\t%d\t%d\t%d\t%d\n", name, n.own+n.others+n.survived, n.own, n.others, n.survived)
	}
	fmt.Fprintln(t, "package\tplaces\town tests\tothers\tsurvived")
	var folders []string
	var sum count
	for folder, n := range counts {
		folders = append(folders, folder)
		sum.own, sum.others, sum.survived = sum.own+n.own, sum.others+n.others, sum.survived+n.survived
	}
	slices.Sort(folders)
	for _, folder := range folders {
		line(folder, *counts[folder])
	}
	line("all", sum)
	t.Flush()
}
