package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

func run(args []string, stdout, stderr io.Writer) int {
	f := flag.NewFlagSet("security", flag.ContinueOnError)
	f.SetOutput(stderr)
	only := f.String("only", "", "sentences or files that match this expression")
	if err := f.Parse(args); err != nil {
		return 2
	}
	wanted, err := regexp.Compile(*only)
	if err != nil || f.NArg() > 0 {
		fmt.Fprintln(stderr, "security: want [-only REGEXP]")
		return 2
	}
	unnoticed, err := tryAll(wanted, stdout)
	switch {
	case err != nil:
		fmt.Fprintln(stderr, "security:", err)
		return 1
	case unnoticed > 0:
		fmt.Fprintf(stderr, "security: %d breaks were not noticed, or could not be made\n", unnoticed)
		return 1
	}
	return 0
}

// tryAll breaks a copy of the project in all ways of the list.
func tryAll(wanted *regexp.Regexp, out io.Writer) (unnoticed int, err error) {
	claims, err := readClaims("tests/security/claims.txt")
	if err != nil {
		return 0, fmt.Errorf("%w: run this in the project's folder", err)
	}
	scratch, err := os.MkdirTemp("", "tordetect-security-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(scratch)
	if err := copyProject(scratch); err != nil {
		return 0, fmt.Errorf("copy the project: %w", err)
	}
	// Sentences may share a break: what broke is looked at once.
	var order []change
	tests := map[change][]test{}
	for _, c := range claims {
		for _, b := range c.breaks {
			if !wanted.MatchString(c.sentence) && !wanted.MatchString(b.file) {
				continue
			}
			if tests[b] == nil {
				order = append(order, b)
			}
			tests[b] = append(tests[b], c.tests...)
		}
	}
	needsPackage := func(b change) int {
		if slices.ContainsFunc(tests[b], func(t test) bool { return strings.HasPrefix(t.folder, "tests/") }) {
			return 1
		}
		return 0
	}
	slices.SortStableFunc(order, func(a, b change) int { return needsPackage(a) - needsPackage(b) }) // what is quick comes first
	for _, b := range order {
		failed, err := try(scratch, b, tests[b], func(failed []string) bool {
			return !slices.ContainsFunc(claims, func(c claim) bool { return slices.Contains(c.breaks, b) && !c.noticed(failed) })
		})
		fmt.Fprintf(out, "%q\n     %s\n", b.String(), strings.Join(failed, " "))
		if err != nil {
			fmt.Fprintf(out, "FAIL %v\n", err)
			unnoticed++ // whatever failed, it may be for that
			continue
		}
		for _, c := range claims {
			switch {
			case !slices.Contains(c.breaks, b):
			case c.noticed(failed):
				fmt.Fprintf(out, "ok   %s\n", c.sentence)
			default:
				unnoticed++
				fmt.Fprintf(out, "MISS %s\n", c.sentence)
			}
		}
	}
	return unnoticed, nil
}

// copyProject copies the files that git knows or would.
func copyProject(to string) error {
	list, err := exec.Command("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard").Output()
	if err != nil {
		return err
	}
	for name := range strings.SplitSeq(strings.TrimSuffix(string(list), "\x00"), "\x00") {
		text, err := os.ReadFile(name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		info, err := os.Stat(name)
		if err != nil {
			return err
		}
		at := filepath.Join(to, name)
		if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(at, text, info.Mode().Perm()); err != nil {
			return err
		}
	}
	return nil
}

// noticed reports whether a sentence's tests failed: one of them, and all parts of
// tests that it names.
func (c claim) noticed(failed []string) bool {
	one := false
	for _, t := range c.tests {
		has := slices.ContainsFunc(failed, func(name string) bool { return name == t.name || strings.HasPrefix(name, t.name+"#") })
		if strings.Contains(t.name, "/") && !has {
			return false
		}
		one = one || has
	}
	return one
}

// try breaks a file, runs the tests until enough have failed, those that need no
// package first, and mends it. The names of those that failed: a program that cannot be
// built any more is no test that failed.
func try(root string, b change, tests []test, enough func(failed []string) bool) (failed []string, err error) {
	at := filepath.Join(root, b.file)
	before, readErr := os.ReadFile(at)
	isNew := b.old == "" && errors.Is(readErr, fs.ErrNotExist)
	if readErr != nil && !isNew {
		return nil, readErr
	}
	after := slices.Concat(before, []byte(b.new))
	if b.old != "" {
		if !bytes.Contains(before, []byte(b.old)) {
			return nil, fmt.Errorf("the file has no %q", b.old)
		}
		after = bytes.Replace(before, []byte(b.old), []byte(b.new), 1)
	}
	if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
		return nil, err
	}
	if err := os.WriteFile(at, after, 0o755); err != nil {
		return nil, err
	}
	defer func() {
		mended := os.WriteFile(at, before, 0o755)
		if isNew {
			mended = os.Remove(at)
		}
		err = errors.Join(err, mended)
	}()
	byFolder := map[string][]string{}
	var folders []string
	for _, t := range tests {
		whole, _, _ := strings.Cut(t.name, "/")
		if byFolder[t.folder] == nil {
			folders = append(folders, t.folder)
		}
		if !slices.Contains(byFolder[t.folder], whole) {
			byFolder[t.folder] = append(byFolder[t.folder], whole)
		}
	}
	slices.SortStableFunc(folders, func(a, b string) int { return strings.Compare(a[:1], b[:1]) }) // src before tests
	for _, folder := range folders {
		if enough(failed) {
			break
		}
		names := byFolder[folder]
		cmd := exec.Command("go", "test", "-count=1", "-vet=off", "-trimpath", "-run", "^("+strings.Join(names, "|")+")$", "./"+folder)
		cmd.Dir = root
		// No commit, from which the package would have its date, and no package of another tree.
		cmd.Env = append(os.Environ(), "SOURCE_DATE_EPOCH=1795564800", "TORDETECT_PACKAGE=")
		said, testErr := cmd.CombinedOutput()
		n := len(failed)
		for _, found := range regexp.MustCompile(`(?m)^ *--- FAIL: (\S+)`).FindAllSubmatch(said, -1) {
			failed = append(failed, string(found[1]))
		}
		if testErr != nil && len(failed) == n {
			err = errors.Join(err, fmt.Errorf("%s was not tested: %s", folder, said[:min(len(said), 2000)]))
		}
	}
	slices.Sort(failed)
	return failed, err
}
