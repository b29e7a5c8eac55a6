package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// reach is which tests of a package run which of its lines, by file:line.
type reach map[string]map[string]bool

var block = regexp.MustCompile(`(?m)^` + module + `(\S+):(\d+)\.\d+,(\d+)\.\d+ \d+ [1-9]`)

// reachOf runs each test of a package alone, so that a changed line need not wait for
// those that never come to it. A test that fails here is left out and said.
func (p *project) reachOf(folder string) (reach, error) {
	r := reach{}
	program, profile := filepath.Join(p.tree, "cover.test"), filepath.Join(p.tree, "cover.out")
	os.Remove(program)
	build := exec.Command("go", "test", "-c", "-cover", "-vet=off", "-ldflags=-s -w", "-o", program, "./"+folder)
	build.Dir = p.tree
	if out, err := build.CombinedOutput(); err != nil {
		return r, fmt.Errorf("build the tests of %s: %w\n%s", folder, err, out)
	}
	list, _ := p.command(folder, program, "-test.list=.").Output() // none without tests
	for _, name := range strings.Fields(string(list)) {
		if out, err := p.command(folder, program, "-test.short", "-test.run=^"+name+"$", "-test.coverprofile="+profile).CombinedOutput(); err != nil {
			fmt.Fprintf(p.stderr, "%s %s fails without a change, and is not asked: %v\n%.2000s\n", folder, name, err, out)
			continue
		}
		text, err := os.ReadFile(profile)
		if err != nil {
			return r, err
		}
		for _, m := range block.FindAllStringSubmatch(string(text), -1) {
			first, _ := strconv.Atoi(m[2])
			last, _ := strconv.Atoi(m[3])
			for line := first; line <= last; line++ {
				at := fmt.Sprintf("%s:%d", m[1], line)
				if r[at] == nil {
					r[at] = map[string]bool{}
				}
				r[at][name] = true
			}
		}
	}
	return r, nil
}
