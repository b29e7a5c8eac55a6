package tordetect

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tordetect/src/chunked"
)

// With narrow=true splunkd is told which fields to send: what is read and what is
// written, no raw event, and only one name where the user gave one.
func TestNarrowDeclares(t *testing.T) {
	declared := func(args ...string) chunked.Declaration {
		t.Helper()
		d, err := New(t.TempDir(), time.Now).Getinfo(&chunked.Info{Args: args})
		require.NoError(t, err)
		return d
	}
	require.Nil(t, declared().RequiredFields)
	d := declared("narrow=t")
	require.Equal(t, chunked.Streaming, d.Type)
	for _, c := range Columns() {
		for _, name := range c.Names {
			require.Equal(t, name != "_raw", slices.Contains(d.RequiredFields, name), name)
		}
	}
	for _, f := range Fields {
		require.Contains(t, d.RequiredFields, f.Name)
	}
	require.NotContains(t, d.RequiredFields, "tor_node")
	sorted := slices.Clone(d.RequiredFields)
	slices.Sort(sorted)
	require.Len(t, slices.Compact(sorted), len(d.RequiredFields), "a field is named twice")

	d = declared("narrow=true", "local=true", "info=true", "src=sa", "time=ts")
	require.Equal(t, chunked.Stateful, d.Type)
	require.Contains(t, d.RequiredFields, "sa")
	require.NotContains(t, d.RequiredFields, "src_ip")
	require.NotContains(t, d.RequiredFields, "_time")
	require.Contains(t, d.RequiredFields, "tor_node")
}

// What splunkd sends then has all fields, most of them empty, and an index; rows
// get the same cells as without, in the places that are there, and keep their
// index.
func TestNarrowRows(t *testing.T) {
	wide := run{table: network(), chunks: []string{flowHeader + guardRow() + strings.Repeat(epoch(10)+",10.0.0.5,203.0.113.9,443\n", 3) + guardRow()}}.do(t).rows()

	d, err := New(t.TempDir(), time.Now).Getinfo(&chunked.Info{Args: []string{"narrow=true"}})
	require.NoError(t, err)
	columns := append(slices.Clone(d.RequiredFields), "_chunked_idx")
	header := strings.Join(columns, ",") + ",__mv_" + strings.Join(columns, ",__mv_") + "\n"
	var body strings.Builder
	body.WriteString(header)
	for i, row := range wide {
		cells := make([]string, len(columns)*2)
		for c, name := range columns {
			cells[c] = row[name]
			if strings.HasPrefix(name, "tor_") {
				cells[c] = ""
			}
		}
		cells[len(columns)-1] = string(rune('0' + i))
		body.WriteString(strings.Join(cells, ",") + "\n")
	}
	narrow := run{args: []string{"narrow=true"}, table: network(), chunks: []string{body.String(), header}}.do(t)
	got := narrow.rows()
	require.Len(t, got, len(wide))
	for i := range wide {
		require.Equal(t, string(rune('0'+i)), got[i]["_chunked_idx"])
		for _, f := range Fields {
			require.Equal(t, wide[i][f.Name], got[i][f.Name], f.Name)
		}
	}
	require.Equal(t, strings.Count(header, ","), strings.Count(strings.SplitN(narrow.bodies[0], "\n", 2)[0], ","), "no column is added")

	dropped := run{args: []string{"narrow=true", "min_score=50"}, table: network(), chunks: []string{body.String()}}.do(t).rows()
	require.Len(t, dropped, 2)
	require.Equal(t, []string{"0", "4"}, []string{dropped[0]["_chunked_idx"], dropped[1]["_chunked_idx"]})
}

// The node's name, version and architecture and the list's age stand behind the
// other fields, of quiet rows too, and only when asked for.
func TestInfo(t *testing.T) {
	body := flowHeader + guardRow() + epoch(10) + ",10.0.0.5,203.0.113.9,443\n"
	require.NotContains(t, run{table: network(), chunks: []string{body}}.do(t).bodies[0], "tor_node")
	search := run{args: []string{"info=true"}, table: network(), chunks: []string{body}, now: at(21), node: Node{"idx, 1", "1.2.3", "arm64"}}
	for _, row := range search.do(t).rows() {
		require.Equal(t, []string{"idx, 1", "1.2.3", "arm64", "3600"}, []string{row["tor_node"], row["tor_version"], row["tor_arch"], row["tor_list_age"]})
	}
	search.now = at(19)
	require.Equal(t, "-3600", search.do(t).rows()[0]["tor_list_age"], "it still holds")
	search.table = ""
	require.Equal(t, "", search.do(t).rows()[0]["tor_list_age"])
	require.Equal(t, "1.2.3", search.do(t).rows()[0]["tor_version"])
}

// Rows whose fields are there already cost no more memory than others.
func TestNarrowAllocations(t *testing.T) {
	per := func(n int) float64 {
		search := New(t.TempDir(), time.Now)
		_, err := search.Getinfo(&chunked.Info{Args: []string{"narrow=true"}})
		require.NoError(t, err)
		header, err := json.Marshal(search.fields())
		require.NoError(t, err)
		head := strings.NewReplacer("[", "", "]", "", "\"", "").Replace(string(header))
		row := strings.Repeat(",", strings.Count(head, ",")) + "\n"
		chunk, body := &chunked.Chunk{}, []byte(head+"\n"+strings.Repeat(row, n))
		require.NoError(t, search.Execute(context.Background(), chunk, bytes.NewReader(body)))
		chunk.Grow(n * 2000)
		least := 1e9
		for range 5 {
			least = min(least, testing.AllocsPerRun(2, func() {
				chunk.Reply = chunk.Reply[:0]
				if err := search.Execute(context.Background(), chunk, bytes.NewReader(body)); err != nil {
					t.Fatal(err)
				}
			}))
		}
		return least
	}
	require.Equal(t, per(30), per(1000))
}
