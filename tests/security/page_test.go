package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const root = "../.."

func page(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "app", "security.md"))
	require.NoError(t, err)
	return string(text)
}

// The page says what the list holds, sentence by sentence, and each has a test that is
// there, and something to break that is there too.
func TestPage(t *testing.T) {
	claims, err := readClaims("claims.txt")
	require.NoError(t, err)
	var held []string
	for _, c := range claims {
		held = append(held, c.sentence)
		require.NotEmpty(t, c.tests, "no test: %s", c.sentence)
		require.NotEmpty(t, c.breaks, "nobody broke it: %s", c.sentence)
		for _, named := range c.tests {
			whole, _, _ := strings.Cut(named.name, "/")
			require.True(t, functions(t, named.folder)[whole], "%s has no %s: %s", named.folder, named.name, c.sentence)
		}
		for _, b := range c.breaks {
			text, err := os.ReadFile(filepath.Join(root, b.file))
			require.True(t, err == nil && strings.Contains(string(text), b.old) || os.IsNotExist(err) && b.old == "", "%s has no %q to break", b.file, b.old)
		}
	}
	require.Equal(t, strings.Join(sentences(page(t)), "\n"), strings.Join(held, "\n"))
}

var known = map[string]map[string]bool{}

// functions are the tests of a folder, for whatever system they are.
func functions(t *testing.T, folder string) map[string]bool {
	t.Helper()
	if all := known[folder]; all != nil {
		return all
	}
	all := map[string]bool{}
	files, err := filepath.Glob(filepath.Join(root, folder, "*_test.go"))
	require.NoError(t, err)
	for _, file := range files {
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		require.NoError(t, err)
		for _, d := range parsed.Decls {
			if f, is := d.(*ast.FuncDecl); is && f.Recv == nil && regexp.MustCompile(`^(Test|Fuzz)`).MatchString(f.Name.Name) {
				all[f.Name.Name] = true
			}
		}
	}
	known[folder] = all
	return all
}

func TestSentences(t *testing.T) {
	require.Equal(t, []string{
		"One `|` two, with TLS 1.2 or newer.", "Three goes on.", "Four (see there).", "Five: six.",
		"first | cell: A.", "first | cell: B is here.", "x: 16 MiB",
	}, func() (all []string) {
		for _, s := range sentences("# Head. Not this\n\nOne `|` two, with TLS 1.2 or newer. Three\ngoes on.\n\n**Lead.** Four (see [there](a.md)).\n- Five: *six*.\n\n| a. B | b |\n|---|---|\n| `first \\| cell` | A. `B` is here. |\n| x | 16 MiB |\n") {
			all = append(all, strings.ReplaceAll(s, "One | two", "One `|` two"))
		}
		return all
	}())
}

// Both places say how to report a fault, and the way to the page is there.
func TestReporting(t *testing.T) {
	read := func(name string) string {
		text, err := os.ReadFile(filepath.Join(root, name))
		require.NoError(t, err)
		return string(text)
	}
	_, report, found := strings.Cut(page(t), "\n## How to report a fault\n\n")
	require.True(t, found)
	short := read(".github/SECURITY.md")
	require.True(t, strings.Contains(short, strings.TrimSpace(report)), "the two say another thing")
	require.NotRegexp(t, `@|https?:`, short+report, "there is no address to write to")
	for file, link := range map[string]string{".github/SECURITY.md": "](../app/security.md)", "README.md": "](app/security.md)"} {
		require.True(t, strings.Contains(read(file), link), "%s does not link to the page", file)
	}
}
