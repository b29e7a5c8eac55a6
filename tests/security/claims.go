// Command security holds the page app/security.md to what is so. Each sentence of the
// page stands in claims.txt, with the tests that fail when it is broken and with a
// change that breaks it:
//
//	It is sent to no indexer.
//	    test  tests/package TestReplicationDenylist
//	    break default/distsearch.conf: torrelays* => torrelay*
//
// The tests of this package hold page and list together, in both ways and in order, and
// that each test is there. go run ./tests/security applies the breaks, one after the
// other, to a copy of the project and says which test noticed it:
//
//	go run ./tests/security [-only REGEXP]
//
//	"default/distsearch.conf: torrelays* => torrelay*"
//	     TestReplicationDenylist
//	ok   It is sent to no indexer.
//
// Of the tests of a sentence one has to fail, and each part of a test that it names
// (TestTorctl/scan). Exit code 0, 1 a break that was not noticed (MISS) or does not
// compile (FAIL), 2 wrong usage. All of them take ten minutes, on a busy machine more.
//
// What no test of another package held has its test here, on the packaged programs.
package main

import (
	"fmt"
	"os"
	"regexp"
	"strings"
)

// A claim is a sentence of the page.
type claim struct {
	sentence string
	tests    []test
	breaks   []change
}

// A test is one of a package.
type test struct{ folder, name string }

// A change breaks a file: the first old becomes new. Without an old one new is put
// behind the file, which need not be there.
type change struct{ file, old, new string }

func (c change) String() string { return c.file + ": " + c.old + " => " + c.new }

// readClaims reads claims.txt.
func readClaims(file string) (all []claim, err error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	for number, line := range strings.Split(string(text), "\n") {
		word, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		rest = strings.TrimSpace(rest)
		indented := strings.HasPrefix(line, " ")
		switch {
		case line == "" || line[0] == '#':
		case !indented:
			all = append(all, claim{sentence: line})
		case len(all) == 0:
			return nil, fmt.Errorf("%s:%d: no sentence before it", file, number+1)
		case word == "test":
			folder, names, _ := strings.Cut(rest, " ")
			for name := range strings.FieldsSeq(names) {
				all[len(all)-1].tests = append(all[len(all)-1].tests, test{folder, name})
			}
		case word == "break":
			name, what, _ := strings.Cut(rest, ": ")
			old, by, found := strings.Cut(what, "=>")
			if !found {
				return nil, fmt.Errorf("%s:%d: want break FILE: OLD => NEW", file, number+1)
			}
			by = strings.NewReplacer(`\n`, "\n", `\t`, "\t").Replace(by)
			all[len(all)-1].breaks = append(all[len(all)-1].breaks, change{name, strings.TrimSuffix(old, " "), strings.TrimPrefix(by, " ")})
		default:
			return nil, fmt.Errorf("%s:%d: want test or break, and not %q", file, number+1, word)
		}
	}
	return all, nil
}

// sentences are those of a page, without marks of emphasis. What stands in a table is
// told with the first cell of its row: "torrelays: No file."
func sentences(page string) (all []string) {
	paragraph := ""
	flush := func() {
		all = append(all, split(paragraph)...)
		paragraph = ""
	}
	head := false // the next row of a table is its head
	table := false
	for line := range strings.Lines(page + "\n") {
		line = strings.TrimSpace(line)
		isRow := strings.HasPrefix(line, "|")
		head, table = isRow && !table, isRow
		switch {
		case isRow:
			cells := strings.Split(strings.Trim(strings.ReplaceAll(line, `\|`, "\x00"), "|"), "|")
			if head || strings.Trim(line, "|-") == "" {
				continue
			}
			for _, cell := range cells[1:] {
				for _, sentence := range split(cell) {
					all = append(all, plain(cells[0])+": "+sentence)
				}
			}
		case line == "" || line[0] == '#':
			flush()
		default:
			if strings.HasPrefix(line, "- ") {
				flush()
			}
			paragraph += " " + strings.TrimPrefix(line, "- ")
		}
	}
	return all
}

var (
	lead     = regexp.MustCompile(`^\s*\*\*[^*]*\*\*`) // the word that a paragraph is about
	ends     = regexp.MustCompile("[.] +[A-Z`*]")
	emphasis = strings.NewReplacer("`", "", "*", "", "\x00", "|")
	link     = regexp.MustCompile(`\[([^\]]*)\]\([^)]*\)`)
)

func plain(text string) string {
	return strings.Join(strings.Fields(emphasis.Replace(link.ReplaceAllString(text, "$1"))), " ")
}

func split(text string) (all []string) {
	text = lead.ReplaceAllString(text, "")
	for {
		at := ends.FindStringIndex(text)
		if at == nil {
			break
		}
		all = append(all, plain(text[:at[0]+1]))
		text = text[at[1]-1:]
	}
	if text = plain(text); text != "" {
		all = append(all, text)
	}
	return all
}
