package command

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tordetect/src/chunked"
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
	info := map[string]any{"action": "getinfo", "searchinfo": map[string]any{
		"args": r.args, "sid": r.sid, "earliest_time": r.earliest, "latest_time": r.latest,
	}}
	metadata, err := json.Marshal(info)
	require.NoError(t, err)
	request := chunked.AppendFrame(nil, metadata, nil)
	for i, body := range r.chunks {
		kind := `{"action":"execute","finished":false}`
		if i == len(r.chunks)-1 {
			kind = `{"action":"execute","finished":true}`
		}
		request = chunked.AppendFrame(request, []byte(kind), []byte(body))
	}
	search := New(folder, func() time.Time { return r.now }).On(r.node)
	var stdout bytes.Buffer
	served := chunked.Serve(bytes.NewReader(request), &stdout, search)

	out := result{t: t, search: search}
	frames := chunked.NewReader(&stdout)
	for i := 0; ; i++ {
		metadata, body, err := frames.Next()
		if err != nil {
			break
		}
		var m struct {
			Inspector struct{ Messages [][2]string }
			Error     string
		}
		require.NoError(t, json.Unmarshal(metadata, &m))
		out.failure += m.Error
		for _, message := range m.Inspector.Messages {
			out.messages = append(out.messages, message[0]+": "+message[1])
		}
		if i == 0 {
			out.declared = string(metadata)
			continue
		}
		out.bodies = append(out.bodies, string(body))
	}
	require.Equal(t, out.failure != "", served != nil, "%v", served)
	return out
}

// rows reads the replies as CSV, all chunks together, each row by column.
func (r result) rows() []map[string]string {
	r.t.Helper()
	require.Empty(r.t, r.failure)
	var out []map[string]string
	for _, body := range r.bodies {
		records, err := csv.NewReader(strings.NewReader(body)).ReadAll()
		require.NoError(r.t, err, body)
		for i, record := range records {
			if i == 0 {
				continue
			}
			row := make(map[string]string)
			for c, name := range records[0] {
				_, twice := row[name]
				require.False(r.t, twice, "column %s is there twice", name)
				row[name] = record[c]
			}
			out = append(out, row)
		}
	}
	return out
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
