// Package cases holds the readers of events to small inputs that went wrong once,
// each with the right answer: ../../../shared/cases/cases.json, a folder beside the
// clone that is no part of it. Each input is read in the ways in which an event can
// come: as a log file by torctl scan, as _raw and as columns by the search command.
package cases

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sort"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tordetect/src/chunked/chunkedtest"
	"tordetect/src/command/tordetect"
	"tordetect/tests/packaged"
	"tordetect/tests/shared"
)

// A testCase is one entry of cases.json.
type testCase struct {
	Name    string
	Why     string
	Way     []string
	Args    []string
	Time    json.Number // _time of the rows with _raw
	File    string
	Rows    []map[string]string
	Expect  []map[string]any // a row each: fields of the finding; a list is values any of which is right
	Exit    *int
	Stderr  []string
	Message []string
}

// torctl is the program, built for these tests.
var torctl string

func TestMain(m *testing.M) {
	var err error
	if torctl, err = packaged.Torctl(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// runs is how many runs the cases make together, so that none is lost in silence.
const runs = 50

func TestCases(t *testing.T) {
	text, err := os.ReadFile(shared.Beside(t, "cases/cases.json"))
	require.NoError(t, err)
	var all []testCase
	require.NoError(t, json.Unmarshal(text, &all))
	ran := 0
	for _, c := range all {
		for _, way := range c.Way {
			ran++
			t.Run(c.Name+"/"+way, func(t *testing.T) {
				switch way {
				case "scan":
					c.scan(t)
				case "raw":
					c.judge(t, c.rawRows(t))
				case "columns":
					c.judge(t, c.Rows)
				default:
					t.Fatalf("unknown way %q", way)
				}
			})
		}
	}
	require.Equal(t, runs, ran)
}

// scan runs torctl scan over the file.
func (c *testCase) scan(t *testing.T) {
	command := exec.Command(torctl, "scan", shared.Beside(t, "cases/"+c.File), "--relays", shared.Beside(t, "cases/relays.csv"), "-o", "json")
	command.Args = append(command.Args, c.Args...)
	var stdout, stderr strings.Builder
	command.Stdout, command.Stderr = &stdout, &stderr
	_ = command.Run() // an exit code other than that is looked at
	want := 0
	if c.Exit != nil {
		want = *c.Exit
	}
	require.Equal(t, want, command.ProcessState.ExitCode(), "%s\n%s", c.Why, stderr.String())
	var rows []map[string]string
	for line := range strings.Lines(stdout.String()) {
		var object map[string]any
		require.NoError(t, json.Unmarshal([]byte(line), &object))
		row := map[string]string{}
		for name, value := range object {
			if list, ok := value.([]any); ok {
				value = strings.Trim(fmt.Sprint(list), "[]")
			}
			row[name] = fmt.Sprint(value)
		}
		rows = append(rows, row)
	}
	c.check(t, rows)
	for _, want := range c.Stderr {
		require.Contains(t, stderr.String(), want)
	}
}

// rawRows makes each line of the file a row with _raw.
func (c *testCase) rawRows(t *testing.T) []map[string]string {
	text, err := os.ReadFile(shared.Beside(t, "cases/"+c.File))
	require.NoError(t, err)
	var out []map[string]string
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimRight(line, "\r\n"); line != "" && line[0] != '#' {
			out = append(out, map[string]string{"_time": c.Time.String(), "_raw": line})
		}
	}
	return out
}

// judge runs the search command over rows.
func (c *testCase) judge(t *testing.T, rows []map[string]string) {
	folder := t.TempDir()
	table, err := os.ReadFile(shared.Beside(t, "cases/relays.csv"))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(folder, "tor_relays.csv"), table, 0o600))
	search := tordetect.New(folder, func() time.Time { return time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC) })
	result := chunkedtest.Run(t, search, chunkedtest.Search{Args: c.Args, Chunks: []string{asCSV(t, rows)}})
	require.Empty(t, result.Failure)
	c.check(t, result.Rows())
	var messages strings.Builder
	for _, m := range result.Messages {
		messages.WriteString(m.Text + "\n")
	}
	for _, want := range c.Message {
		require.Contains(t, messages.String(), want)
	}
}

func asCSV(t *testing.T, rows []map[string]string) string {
	columns := map[string]bool{}
	for _, row := range rows {
		for name := range row {
			columns[name] = true
		}
	}
	var names []string
	for name := range columns {
		names = append(names, name)
	}
	sort.Strings(names)
	var out strings.Builder
	w := csv.NewWriter(&out)
	require.NoError(t, w.Write(names))
	for _, row := range rows {
		var record []string
		for _, name := range names {
			record = append(record, row[name])
		}
		require.NoError(t, w.Write(record))
	}
	w.Flush()
	return out.String()
}

// check holds rows against what is expected of each.
func (c *testCase) check(t *testing.T, rows []map[string]string) {
	require.Len(t, rows, len(c.Expect), c.Why)
	for i, want := range c.Expect {
		for field, value := range want {
			got := strings.Join(strings.Fields(rows[i][field]), " ")
			require.Contains(t, anyOf(value), got, "row %d, %s: %s: %s", i+1, field, c.Why, rows[i]["tor_reason"])
		}
	}
}

// anyOf lists the values that are right.
func anyOf(value any) []string {
	switch v := value.(type) {
	case []any:
		var out []string
		for _, one := range v {
			out = append(out, anyOf(one)...)
		}
		return out
	case float64:
		return []string{strconv.FormatFloat(v, 'f', -1, 64)}
	case string:
		return []string{v}
	}
	return slices.Concat([]string{""})
}
