package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// A project of two packages: what the tests of one let pass, those of the other find,
// or nobody. A change that leaves an import unused does not compile.
func TestRun(t *testing.T) {
	t.Chdir(t.TempDir())
	for name, text := range map[string]string{
		"go.mod":          "module tordetect\n\ngo 1.26\n",
		"src/p/p.go":      "package p\n\nfunc Half(n int) int {\n\treturn n /\n8\n}\n\nfunc Name() string {\n\treturn \"p\"\n}\n\nfunc Unheard() bool { return true }\n",
		"src/p/p_test.go": "package p\n\nimport \"testing\"\n\nfunc TestHalf(t *testing.T) {\n\tif Half(8) != 1 {\n\t\tt.Fatal()\n\t}\n\tName()\n}\n",
		"src/q/q.go":      "package q\n\nimport \"tordetect/src/p\"\n\nfunc Whose() string {\n\treturn p.Name()\n}\n",
		"src/q/q_test.go": "package q\n\nimport \"testing\"\n\nfunc TestWhose(t *testing.T) {\n\tif Whose() == \"\" {\n\t\tt.Fatal()\n\t}\n}\n",
		"tests/none.go":   "package tests\n",
	} {
		require.NoError(t, os.MkdirAll(filepath.Dir(name), 0o755))
		require.NoError(t, os.WriteFile(name, []byte(text), 0o644))
	}
	require.NoError(t, exec.Command("git", "init", "-q").Run())
	var out, said bytes.Buffer
	require.Zero(t, run([]string{"-n", "9"}, &out, &said), said.String())
	require.Equal(t, []string{
		"package places own tests others survived",
		"src/p 4 2 1 1",
		"all 4 2 1 1",
	}, lines(out.String()))
	require.Regexp(t, `src/p/p.go:9 .*: killed by src/q TestWhose\n`, said.String())
	require.Regexp(t, `src/p/p.go:12 .*: SURVIVED\n`, said.String())
	text, err := os.ReadFile("src/p/p.go")
	require.NoError(t, err)
	require.Contains(t, string(text), "n /\n8", "the checkout stays")
	require.Equal(t, 2, run([]string{"-only", "("}, &out, &said))
}

// lines are those of a table, with single blanks.
func lines(table string) (all []string) {
	for line := range strings.Lines(table) {
		all = append(all, strings.Join(strings.Fields(line), " "))
	}
	return all
}

// What is done to a piece of code, in the order of the text.
func TestPlaces(t *testing.T) {
	const head = "package p\n\nfunc f(a, b int) (int, error) {\n"
	for body, want := range map[string][]string{
		"if a < b { return a, nil }; return 0, nil": {
			`condition negated: a < b`, `a < b gets <= for: <`, `removed: return a, nil`, `returns nothing in the place of: a`, `one more: 0`},
		"a = 1; b++; g(a); for a != b { continue }; return 2, nil": {
			`one more: 1`, `removed: a = 1`, `removed: b++`, `removed: g(a)`, `a != b gets == for: !=`, `removed: continue`, `one more: 2`, `returns nothing in the place of: 2`},
		"c := a + b\nreturn g(\n\"x\"+\"\", true || 'a' == 'b'), err": {
			`a + b gets - for: +`, `returns nothing in the place of: g( ...`, `returns nothing in the place of: err`, `"x"+"" gets - for: +`, `emptied: "x"`, `true || 'a' == 'b' gets && for: ||`, `turned: true`, `'a' == 'b' gets != for: ==`, `one more: 'a'`, `one more: 'b'`},
	} {
		all, err := places("p.go", []byte(head+body+"\n}\n"), 1)
		require.NoError(t, err)
		var what []string
		for _, p := range all {
			what = append(what, p.what)
		}
		require.ElementsMatch(t, want, what, body)
	}
}
