//go:build linux

package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tordetect/tests/bench/process"
	"tordetect/tests/bench/workload"
)

// The test's own program is the variants that are part of the benchmark.
func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == "-be" {
		os.Exit(be(os.Args[2]))
	}
	os.Exit(m.Run())
}

// python is the one with splunklib that build.sh has made, if it has.
const python = "../../dist/.venv-bench/bin/python"

// tiny is a bench with the program of this checkout.
func tiny(t *testing.T) *bench {
	t.Helper()
	program := build(t, "../../src/cmd/tordetect")
	b := &bench{binary: program, other: program, launcher: "../../bin/tordetect.sh", script: "lookup.py", runs: 1, oddities: 14}
	if exec.Command(python, "-c", "import splunklib.searchcommands").Run() == nil {
		b.python = python
	}
	require.NoError(t, b.begin(os.Stderr))
	t.Cleanup(func() { _ = os.RemoveAll(b.folder) })
	return b
}

func build(t *testing.T, folder string) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "program")
	out, err := exec.Command("go", "build", "-o", program, folder).CombinedOutput()
	require.NoError(t, err, "%s", out)
	return program
}

// A workload with options of the command is for those who know them.
func TestOptions(t *testing.T) {
	for _, w := range workload.Workloads() {
		if len(w.Args) > 0 {
			require.Subset(t, []string{"tordetect", "other", "echo"}, w.With, w.Name)
		}
	}
}

// Every variant gets rows of every shape, in two chunks, through the driver. The
// look-ups must find the rows that were made to go to relays, and no others; the
// echoes must send back what they got.
func TestVariants(t *testing.T) {
	b := tiny(t)
	for _, w := range append(workload.Workloads()[:4], workload.Workload{Name: "history", Shape: workload.Tstats, With: workload.Most, Tor: 5, History: 1500, Old: 10}) {
		w.Rows, w.Chunks, w.Tor, w.Relays = 400, 2, max(w.Tor, 5), 600
		n, err := b.networks.Install(w.Relays, w.History)
		require.NoError(t, err)
		flows := w.Flows(n)
		requests := w.Requests(flows)
		var want []int
		for _, f := range flows {
			if f.Tor {
				want = append(want, f.N)
			}
		}
		require.Greater(t, len(want), 5, "of %s", w.Name)
		require.Less(t, len(want), 100, "of %s", w.Name)
		for _, name := range w.With {
			t.Run(w.Name+"/"+name, func(t *testing.T) {
				if name == "splunklib" && b.python == "" {
					t.Skip("skipped: no Python with splunklib; ./build.sh bench makes one")
				}
				v := b.variants(n, []string{name})[0]
				chunks := 0
				f, err := b.driver.Run(v, requests, func(i int, metadata, body []byte) {
					isEcho := name == "echo" || name == "chunked" || name == "cat"
					switch {
					case i == 0 && !isEcho:
						require.Contains(t, string(metadata), `"type":"streaming"`)
					case i == 0 || i == len(requests)-1:
					case isEcho:
						require.True(t, bytes.HasSuffix(requests[i], body) && len(body) > 0)
						chunks++
					default:
						require.Equal(t, want, found(t, body))
						chunks++
					}
				})
				require.NoError(t, err)
				require.Equal(t, w.Chunks, chunks)
				require.Positive(t, f.CPU)
				require.Greater(t, f.Memory, int64(100<<10))
				require.Positive(t, f.Reply)
				if name != "cat" {
					require.Greater(t, f.Wall, f.Getinfo)
					require.Greater(t, f.Wall, f.After)
				}
			})
		}
	}
}

// found are the numbers of the rows that were said to be Tor.
func found(t *testing.T, body []byte) []int {
	t.Helper()
	all, err := csv.NewReader(bytes.NewReader(body)).ReadAll()
	require.NoError(t, err)
	require.Len(t, all, 401)
	verdict := slices.Index(all[0], "tor_verdict")
	require.GreaterOrEqual(t, verdict, 0)
	var out []int
	for i, row := range all[1:] {
		if row[verdict] == "tor" {
			out = append(out, i)
		}
	}
	return out
}

// A variant that breaks must stop the benchmark, not give it figures.
func TestBroken(t *testing.T) {
	b := tiny(t)
	b.driver.Patience = 300 * time.Millisecond
	requests := [][]byte{workload.Probe(), workload.FrameOf(workload.Execute, []byte("a,b\n1,2\n")), workload.FrameOf(workload.Last, nil)}
	for name, argv := range map[string][]string{
		"ends at once":        {"true"},
		"ends with an error":  {"false"},
		"writes something":    {"echo", "hello"},
		"never answers":       {"sleep", "60"},
		"lacks a table":       {b.self, "-be", "csv"},
		"is not there at all": {filepath.Join(b.folder, "nothing")},
	} {
		_, err := b.driver.Run(process.Variant{Name: name, Argv: argv}, requests, nil)
		require.Error(t, err, name)
	}
	b.driver.Patience = time.Minute
	_, err := b.driver.Run(process.Variant{Argv: []string{b.self, "-be", "echo"}}, requests, nil)
	require.NoError(t, err, "a run after failed ones")
}

// The whole program, on little: its table, its targets, its file.
func TestRun(t *testing.T) {
	file := filepath.Join(t.TempDir(), "bench.json")
	readme := filepath.Join(t.TempDir(), "README.md")
	require.NoError(t, os.WriteFile(readme, []byte("before\n<!-- figures: written by bench -readme -->\nold\n<!-- end of figures -->\nafter\n"), 0o644))
	args := []string{"-readme", readme, "-tordetect", build(t, "../../src/cmd/tordetect"), "-launcher", "../../bin/tordetect.sh", "-runs", "1", "-json", file, "-only", "tordetect,echo", "tstats", "tstats-rows10k"}
	var stdout, stderr bytes.Buffer
	require.Zero(t, run(args, &stdout, &stderr), "%s", &stderr)
	require.Contains(t, stdout.String(), "| tstats: our CPU / the echo's")
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	var r struct {
		Workloads []struct {
			Name     string
			Rows     int
			Variants []process.Measured
		}
		Targets []target
	}
	require.NoError(t, json.Unmarshal(text, &r))
	require.Len(t, r.Workloads, 2)
	require.Equal(t, "tstats-rows10k", r.Workloads[1].Name)
	require.Equal(t, 10_000, r.Workloads[1].Rows)
	require.Len(t, r.Workloads[1].Variants, 2)
	require.Len(t, r.Targets, 2) // without splunklib

	described, err := os.ReadFile(readme)
	require.NoError(t, err)
	require.Regexp(t, `(?s)^before\n.*\| tstats-rows10k .*\nafter\n$`, string(described))
	require.NotContains(t, string(described), "old")
	require.NoError(t, os.WriteFile(readme, []byte("no marks"), 0o644))
	require.ErrorContains(t, (&report{}).describe(readme), "no marks for figures")

	require.Equal(t, 2, run([]string{"no-such-workload"}, &stdout, &stderr))
	require.Equal(t, 2, run([]string{"-runs", "0"}, &stdout, &stderr))
}

func TestStartUp(t *testing.T) {
	b := tiny(t)
	for _, s := range startUps()[:4] {
		s.relays = min(s.relays, 500)
		got, err := b.measureStart(s)
		require.NoError(t, err, s.what)
		for _, m := range got {
			require.Positive(t, m.Median.Getinfo)
			require.Equal(t, s.rows >= 0, m.Median.First > 0, "%s, %s", s.what, m.Variant)
		}
	}
}

func TestTargets(t *testing.T) {
	of := func(cpu, wall float64, memory int64) process.Figures {
		return process.Figures{CPU: cpu, Wall: wall, Memory: memory, Reply: 80e6}
	}
	r := report{
		Workloads: []result{{workload.Workload{Name: "events", Request: 60e6}, []process.Measured{
			{Variant: "tordetect", Median: of(0.1, 0.15, 141e6)}, {Variant: "echo", Median: of(0.08, 0.1, 0)}, {Variant: "splunklib", Median: of(5, 6, 0)}}},
			{workload.Workload{Name: "tstats", Request: 4e6}, []process.Measured{
				{Variant: "tordetect", Median: of(0.01, 0.015, 1e6)}, {Variant: "splunklib", Median: of(0.2, 0.4, 0)}}},
			{workload.Workload{Name: "tstats-pair", Request: 4e6}, []process.Measured{{Variant: "tordetect", Median: of(0.02, 0.03, 1e6)}}},
			{workload.Workload{Name: "tstats-stale", Request: 4e6}, []process.Measured{{Variant: "tordetect", Median: of(0.03, 0.03, 1e6)}}}},
		Starts: []started{
			{"getinfo only", -1, process.Measured{Variant: "launcher", Median: process.Figures{Getinfo: 0.009}}},
			{needsHistory, 1, process.Measured{Variant: "tordetect", Median: process.Figures{First: 0.2}}},
		},
	}
	var met []string
	for _, target := range r.judge() {
		met = append(met, target.mark())
	}
	require.Equal(t, "met met MISSED MISSED MISSED met met MISSED met MISSED", strings.Join(met, " "))
}

// The comparison must see no difference where there is none, and a small one.
func TestAgainst(t *testing.T) {
	b := tiny(t)
	same, err := b.against(io.Discard, b.binary, nil)
	require.NoError(t, err)
	require.True(t, same)

	other := tiny(t)
	older := filepath.Join(t.TempDir(), "older")
	program, err := os.ReadFile(other.binary)
	require.NoError(t, err)
	const sentence = "No row had the column "
	require.Equal(t, 1, bytes.Count(program, []byte(sentence)))
	program = bytes.Replace(program, []byte(sentence), []byte("No row has the column "), 1)
	require.NoError(t, os.WriteFile(older, program, 0o755))
	var told strings.Builder
	same, err = other.against(&told, older, nil)
	require.NoError(t, err)
	require.False(t, same)
	require.Contains(t, told.String(), "src=nowhere")
}

// A search that reads no row never opens the table: where there is none, it does
// not notice, and one row more does.
func TestNoRowNoTable(t *testing.T) {
	b := tiny(t)
	n, err := b.networks.Install(0, 0)
	require.NoError(t, err)
	empty, row := workload.FrameOf(workload.Execute, workload.Tstats.Header()), workload.Tstats.Frame(workload.Flows(1, 0, workload.Noon, nil))
	var told []string
	ours := process.Variant{Argv: []string{n.Tordetect()}}
	_, err = b.driver.Run(ours, [][]byte{workload.Probe(), empty, row, workload.FrameOf(workload.Last, workload.Tstats.Header())}, func(_ int, metadata, _ []byte) {
		told = append(told, string(metadata))
	})
	require.NoError(t, err)
	require.Equal(t, `{"finished":false}`, told[1])
	require.Contains(t, told[2], "The relay list tor_relays.csv is missing")
	require.Equal(t, `{"finished":true}`, told[3])
}

// Growth shows each case with its factor; every input is accepted, or refused where
// that is what is measured.
func TestGrowth(t *testing.T) {
	b := tiny(t)
	var out strings.Builder
	require.NoError(t, b.growth(&out, []string{"depth of a JSON event", "broken: a quote that is never closed"}))
	require.Regexp(t, `(?m)^depth of a JSON event +10000 +\d+\.\d +\d+\.\d +\d+\.\d +\d+\.\d`, out.String())
	require.Equal(t, 3, strings.Count(out.String(), "\n"))
	require.Error(t, b.growth(&out, []string{"nothing"}))
	all := growths()
	for i, g := range all {
		relays, bodies := g.of(8)
		require.NotEmpty(t, bodies, g.name)
		require.False(t, slices.ContainsFunc(all[:i], func(o growing) bool { return o.name == g.name }), g.name)
		_, err := b.grow(growing{g.name, 8, func(int) ([]string, [][]byte) { return relays, bodies }}, 8)
		require.NoError(t, err, g.name)
	}
}
