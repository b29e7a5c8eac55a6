package tordetect

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tordetect/src/chunked/chunkedtest"
)

// run is one run of the command in a test: set what matters, call it, look at
// the rows.
type run struct {
	args             []string
	table            string // text of tor_relays.csv; empty: there is no file
	history          string
	chunks           []string
	now              time.Time
	earliest, latest string
	sid              string
	node             Node
}

// result is what came back.
type result struct {
	t        *testing.T
	splunkd  *chunkedtest.Result
	declared string // metadata of the getinfo reply
	bodies   []string
	messages []string
	failure  string // the error key
	search   *Search
}

func (r run) do(t *testing.T) result {
	t.Helper()
	folder := t.TempDir()
	write := func(name, text string) {
		if text != "" {
			require.NoError(t, os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600))
		}
	}
	write("tor_relays.csv", r.table)
	write("tor_relays_history.csv", r.history)
	if r.now.IsZero() {
		r.now = at(12)
	}
	search := New(folder, func() time.Time { return r.now }).On(r.node)
	splunkd := chunkedtest.Run(t, search, chunkedtest.Search{
		Args: r.args, Chunks: r.chunks, ProbeOnly: len(r.chunks) == 0,
		Info: map[string]any{"sid": r.sid, "earliest_time": r.earliest, "latest_time": r.latest},
	})
	out := result{t: t, splunkd: splunkd, search: search, declared: splunkd.Declared, failure: splunkd.Failure}
	for _, m := range splunkd.Messages {
		out.messages = append(out.messages, m.Level+": "+m.Text)
	}
	for _, reply := range splunkd.Replies {
		out.bodies = append(out.bodies, reply.Body)
	}
	return out
}

// rows returns the rows of all chunks together, each by column.
func (r result) rows() []map[string]string {
	r.t.Helper()
	return r.splunkd.Rows()
}

// one returns the only row.
func (r result) one() map[string]string {
	r.t.Helper()
	all := r.rows()
	require.Len(r.t, all, 1)
	return all[0]
}

// at is an hour of the test network's day, 2026-11-20 UTC.
func at(hour float64) time.Time {
	return time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC).Add(time.Duration(hour * float64(time.Hour)))
}

// epoch is at as a cell.
func epoch(hour float64) string { return itoa(at(hour).Unix()) }

func itoa(n int64) string {
	b, _ := json.Marshal(n)
	return string(b)
}

// network is a small Tor network: lists were read from 8 to 20 h.
//
//	guard 198.51.100.1:9001 (also 2001:db8::1 port 9443), Dir port 9030
//	exit  198.51.100.2:443, leaves from 198.51.100.200
//	young 198.51.100.3:443, listed from 14 h
func network() string {
	const fp = "0123456789ABCDEF0123456789ABCDEF0123456"
	return table(
		",,coverage,,,,8,20",
		",,exit_coverage,,,,8,20",
		"198.51.100.1,9001,or,Guard,"+fp+"1,guard,8,20",
		"198.51.100.1,9030,dir,Guard,"+fp+"1,guard,8,20",
		"2001:db8::1,9443,or,Guard,"+fp+"1,guard,8,20",
		"198.51.100.2,443,or,Exit Guard,"+fp+"2,exit,8,20",
		"198.51.100.200,,exit,,"+fp+"2,exit,8,20",
		"198.51.100.3,443,or,,"+fp+"3,young,14,20",
	)
}

// table writes a relay table; the two times at the end of each row are hours.
func table(rows ...string) string {
	var b strings.Builder
	b.WriteString("ip,port,role,flags,fingerprint,nickname,first_seen,last_seen\n")
	for _, row := range rows {
		cells := strings.Split(row, ",")
		for i := 6; i < 8; i++ {
			hour, err := time.ParseDuration(cells[i] + "h")
			if err != nil {
				panic(err)
			}
			cells[i] = itoa(at(hour.Hours()).Unix())
		}
		b.WriteString(strings.Join(cells, ",") + "\n")
	}
	b.WriteString("," + itoa(int64(len(rows))) + ",end,,,,,\n")
	return b.String()
}

// cut takes the end row off a table.
func cut(table string) string {
	return table[:strings.LastIndexByte(strings.TrimSuffix(table, "\n"), '\n')+1]
}
