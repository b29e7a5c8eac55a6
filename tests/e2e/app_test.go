// Package e2e tests the packaged app as it would run in Splunk: the tarball is
// installed, its searches are run by the stand-in in tests/splunkd, and what
// comes out is held against the truth of the log.
//
// The package is $TORDETECT_PACKAGE; without it ./build.sh package makes one.
package e2e

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tordetect/tests/packaged"
	"tordetect/tests/sample"
	"tordetect/tests/splunkd"
)

// head is a search head with the app installed, a log and a relay table (none if
// nil). Now is just after the log, and searches run over all of it.
func head(t *testing.T, log, table []byte) *splunkd.Head {
	t.Helper()
	file, err := packaged.File()
	require.NoError(t, err)
	app, err := splunkd.Install(file, t.TempDir())
	require.NoError(t, err)
	h := &splunkd.Head{App: app}
	if table != nil {
		put(t, h, "tor_relays.csv", table)
	}
	_, err = h.AddLog(bytes.NewReader(log))
	require.NoError(t, err)
	first, last, _ := h.Span()
	h.Now = last.Add(time.Second)
	h.Earliest, h.Latest = first, h.Now
	return h
}

func sampleHead(t *testing.T) *splunkd.Head { return head(t, sample.Log(), sample.Table()) }

// put writes a lookup file, as outputlookup would.
func put(t *testing.T, h *splunkd.Head, name string, text []byte) {
	t.Helper()
	require.NoError(t, os.MkdirAll(filepath.Dir(h.App.Lookup(name)), 0o755))
	require.NoError(t, os.WriteFile(h.App.Lookup(name), text, 0o644))
}

// macro sets a macro of the app in local, as an admin would.
func macro(t *testing.T, h *splunkd.Head, name, definition string) {
	t.Helper()
	local := filepath.Join(h.App.Dir, "local")
	require.NoError(t, os.MkdirAll(local, 0o755))
	f, err := os.OpenFile(filepath.Join(local, "macros.conf"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	require.NoError(t, err)
	_, err = fmt.Fprintf(f, "[%s]\ndefinition = %s\n", name, definition)
	require.NoError(t, err)
	require.NoError(t, f.Close())
}

func search(t *testing.T, h *splunkd.Head, spl string) *splunkd.Result {
	t.Helper()
	result, err := h.Run(spl)
	require.NoError(t, err)
	return result
}

// texts writes rows for comparison: the columns, each row on a line.
func texts(result *splunkd.Result, columns ...string) []string {
	var out []string
	for _, row := range result.Rows {
		out = append(out, line(row, columns...))
	}
	return out
}

func line(row splunkd.Row, columns ...string) string {
	cells := make([]string, len(columns))
	for i, column := range columns {
		cells[i] = strings.Join(row[column], "+")
	}
	return strings.Join(cells, " ")
}
