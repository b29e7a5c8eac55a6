package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

const targets = `package p

import "testing"

func FuzzGood(f *testing.F) {
	f.Add("a")
	f.Fuzz(func(t *testing.T, s string) {})
}

func FuzzLong(f *testing.F) {
	f.Add("a")
	f.Fuzz(func(t *testing.T, s string) { Long(s) })
}

func FuzzBad(f *testing.F) {
	f.Add("ab")
	f.Fuzz(func(t *testing.T, s string) {
		if len(s) > 2 {
			t.Fatal("too long")
		}
	})
}
`

const long = `package p

func Long(s string) bool {
	if len(s) > 2 {
		return true
	}
	return false
}
`

// What breaks a target is kept, the others run all the same, and the exit code says it.
func TestRun(t *testing.T) {
	t.Setenv("GOFLAGS", "-mod=mod")
	root := t.TempDir()
	t.Chdir(root)
	for name, text := range map[string]string{"go.mod": "module m\n\ngo 1.26\n", "src/p/p.go": long, "src/p/p_test.go": targets, "tests/none_test.go": "package tests\n"} {
		require.NoError(t, os.MkdirAll(filepath.Dir(name), 0o755))
		require.NoError(t, os.WriteFile(name, []byte(text), 0o644))
	}
	var out, said bytes.Buffer
	require.Equal(t, 1, run([]string{"-each", "2000x", "-workers", "1"}, &out, &said), said.String())
	require.Empty(t, out.String())
	kept := names("src/p/testdata/fuzz/FuzzBad")
	require.Len(t, kept, 1)
	require.Contains(t, said.String(), "found by src/p FuzzBad: src/p/testdata/fuzz/FuzzBad/"+kept[0])
	require.NotContains(t, said.String(), "found by src/p FuzzGood")
	require.NoFileExists(t, "dist/fuzz.jsonl")

	// It is found again from the file that was kept, without a new one.
	said.Reset()
	require.Equal(t, 1, run([]string{"-each", "10x", "-only", "FuzzBad"}, &out, &said))
	require.Contains(t, said.String(), "it failed on an input that it had")

	said.Reset()
	require.Equal(t, 0, run([]string{"-time", "1s", "-only", "FuzzGood", "-log", "log"}, &out, &said), said.String())
	require.Regexp(t, `(?m)^src/p FuzzGood +0\.\d +\d+ +\d+ +\d+ +\S+ `, out.String())
	require.Regexp(t, `(?m)^1 targets `, out.String())

	// Of what was found, the corpus gets the one input that runs more than the seed, once.
	require.Equal(t, 0, run([]string{"-time", "1s", "-only", "FuzzLong", "-log", ""}, &out, &said), said.String())
	for _, want := range []string{"keep src/p FuzzLong: 1 more\n", "keep src/p FuzzLong: 0 more\n"} {
		said.Reset()
		require.Equal(t, 0, run([]string{"-keep", "-only", "FuzzLong"}, &out, &said), said.String())
		require.Equal(t, want, said.String())
		require.Len(t, names("src/p/testdata/fuzz/FuzzLong"), 1)
	}
}

// The targets of the project are found, and those in the text above are none.
func TestFind(t *testing.T) {
	all, err := find("../..")
	require.NoError(t, err)
	require.Greater(t, len(all), 50)
	require.Contains(t, all, target{"src/relay", "FuzzParse"})
	require.NotContains(t, all, target{"tests/fuzz", "FuzzBad"})
}

func TestWrongUsage(t *testing.T) {
	for _, args := range [][]string{{"-each", "many"}, {"-each", "0x"}, {"-time", "-1s"}, {"-workers", "0"}, {"-only", "("}, {"-sum", "-keep"}, {"x"}} {
		var said bytes.Buffer
		require.Equal(t, 2, run(args, &said, &said), "%q", args)
	}
}

// Runs of one target are one line, with the newest coverage.
func TestSum(t *testing.T) {
	log := filepath.Join(t.TempDir(), "below", "log")
	for _, r := range []result{{Target: "b F", CPU: 60, Executions: 5, New: 2, Corpus: 4, Seeds: "1%", Covered: "2%"},
		{Target: "a F", CPU: 30, Found: []string{"x"}}, {Target: "b F", CPU: 6, Executions: 6, New: 1, Corpus: 5}} {
		require.NoError(t, note(log, r))
	}
	var out bytes.Buffer
	require.Equal(t, 0, run([]string{"-sum", "-log", log}, &out, &out))
	require.Equal(t, `target     CPU min  executions  new  corpus  covered  found
a F        0.5      0           0    0       -        x
b F        1.1      11          3    5       1% > 2%  
2 targets  1.6      11
`, out.String())
	require.True(t, onlyLate("--- FAIL: FuzzX (5s)\n    context deadline exceeded\n"))
	require.False(t, onlyLate("Failing input written to x\ncontext deadline exceeded\n"))
}
