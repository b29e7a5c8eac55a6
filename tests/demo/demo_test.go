package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"tordetect/tests/packaged"
	"tordetect/tests/shared"
)

// usePackage names the package for run: $TORDETECT_PACKAGE, or one that is built now.
func usePackage(t *testing.T) {
	t.Helper()
	file, err := packaged.File()
	require.NoError(t, err)
	t.Setenv("TORDETECT_PACKAGE", file)
}

var summaryLine = regexp.MustCompile(`(?m)^(.+): (\d+) rows?, (\d+) flows(.*)$`)

// summaries returns the number of flows of each search, and checks that the output fits the terminal.
func summaries(t *testing.T, out string) map[string]int {
	t.Helper()
	for _, line := range strings.Split(out, "\n") {
		require.LessOrEqual(t, utf8.RuneCountInString(line), width, line)
	}
	flows := map[string]int{}
	for _, match := range summaryLine.FindAllStringSubmatch(out, -1) {
		n, err := strconv.Atoi(match[3])
		require.NoError(t, err)
		flows[match[1]] = n
	}
	return flows
}

func TestSample(t *testing.T) {
	usePackage(t)
	var out, errs strings.Builder
	require.Equal(t, 0, run(nil, &out, &errs), out.String()+errs.String())
	require.Empty(t, errs.String())
	flows := summaries(t, out.String())
	require.Len(t, flows, 3)
	for name, n := range flows {
		require.Positive(t, n, name)
	}
}

// Real Tor traffic of a private network: 62 of its 64 Tor flows touch a listed address, the other two are bridges.
func TestRealTraffic(t *testing.T) {
	folder := shared.File(t, "privnet")
	usePackage(t)
	var out, errs strings.Builder
	require.Equal(t, 0, run([]string{filepath.Join(folder, "pan.log"), filepath.Join(folder, "tor_relays.csv")}, &out, &errs), out.String()+errs.String())
	total := 0
	for _, n := range summaries(t, out.String()) {
		total += n
	}
	require.Equal(t, 62, total, out.String())
}

func TestWrongUse(t *testing.T) {
	var out, errs strings.Builder
	require.Equal(t, 2, run([]string{"a", "b", "c"}, &out, &errs))
	require.Equal(t, 2, run([]string{"-h"}, &out, &errs))
	require.Contains(t, errs.String(), "usage: demo [LOG [RELAY-TABLE]]")
	errs.Reset()
	require.Equal(t, 1, run([]string{filepath.Join(t.TempDir(), "none.log")}, &out, &errs))
	require.Contains(t, errs.String(), "no such file")
	errs.Reset()
	t.Setenv("TORDETECT_PACKAGE", "")
	t.Chdir(t.TempDir())
	require.NoError(t, os.WriteFile("x.log", nil, 0o600))
	require.Equal(t, 1, run([]string{"x.log"}, &out, &errs))
	require.Contains(t, errs.String(), "run ./build.sh package")
	require.Empty(t, out.String())
}
