// Package chunkedtest plays splunkd for the tests of a search command.
//
//	result := chunkedtest.Run(t, &command{}, chunkedtest.Search{
//		Args:   []string{"field=age"},
//		Chunks: []string{chunkedtest.Body([]string{"age", "name"}, []string{"66", "Noah"})},
//	})
//	require.Equal(t, "132", result.Rows()[0]["age"])
//
// A search is what splunkd makes of it: a probe, which is a getinfo and then the
// end of stdin, as while a search is parsed; then a run, in turns: getinfo, a
// chunk for each body, or, for a generating command, requests without rows until
// it says that it is done. What is sent has the keys, types and order that were
// recorded from splunkd 8.2.1.
//
// Every reply is judged as splunkd would, and what splunkd would not take, or take
// for something else without a word, fails the test: see judge.go for the rules.
//
// It does not start a process, does not send only the fields that a command
// requires, and does not play indexers.
package chunkedtest

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"

	"tordetect/src/chunked"
	"tordetect/src/rows"
)

// Search is one search with the command in it.
type Search struct {
	// Args are the words behind the command's name as splunkd takes them apart: a
	// user's a=1 b = "x y" is "a=1", "b", "=", "x y".
	Args []string

	// Info holds further keys of searchinfo, and other values for those that are
	// always there, such as "maxresultrows": 100 or "earliest_time": "1795168800".
	Info map[string]any

	// Chunks are the bodies that the command gets, the last one with finished. See
	// Body. A generating command gets none.
	Chunks []string

	// EmptyLast sends one more chunk at the end, which has the header of the last
	// and no rows, as splunkd mostly does: only that one says finished.
	EmptyLast bool

	// ProbeOnly ends after the probe, as for a search that is only parsed.
	ProbeOnly bool
}

// Result is what came back.
type Result struct {
	Declared string            // metadata of the reply to getinfo
	Replies  []Reply           // to the chunks
	Messages []chunked.Message // of all replies
	Failure  string            // for which the search failed; else empty

	t testing.TB
}

// Reply is one reply to a chunk.
type Reply struct {
	Finished bool
	Body     string
}

// maxTurns is how often a generating command may ask for another turn.
const maxTurns = 10000

// sessionKey has the length of a real one. No reply may hold it.
var sessionKey = strings.Repeat("q7_^Zx", 20)

// Run runs a search and judges the replies; what is wrong with them fails the
// test. A search that fails is no failure of the test: see Result.Failure.
//
// The probe and the run are made with the same value, so that Getinfo is asked
// twice.
func Run(t testing.TB, cmd chunked.Command, s Search) *Result {
	t.Helper()
	result := &Result{t: t}
	judge := &judge{result: result}
	probe := start(cmd)
	judge.getinfo(probe.ask(getinfo(t, s, map[string]any{
		"sid": "searchparsetmp_1795168800", "session_key": "", "dispatch_dir": "", "maxresultrows": 0,
	}), ""))
	judge.end(probe.end())
	if result.Failure == "" && !s.ProbeOnly {
		run := start(cmd)
		judge.getinfo(run.ask(getinfo(t, s, nil), ""))
		for i := 0; judge.expectsMore(); i++ {
			chunk, finished := s.chunk(i, judge.generating)
			judge.execute(chunk, finished, run.ask(execute(finished), chunk))
			if i == maxTurns {
				judge.problem("the command asked for more than %d turns", maxTurns)
				break
			}
		}
		judge.end(run.end())
	}
	for _, problem := range judge.problems {
		t.Errorf("the command's replies: %s", problem)
	}
	return result
}

// chunk returns the body of a turn and whether it is the last one.
func (s *Search) chunk(turn int, generating bool) (body string, finished bool) {
	switch last := len(s.Chunks) - 1; {
	case generating || last < 0:
		return "", true // as splunkd says from the first time on
	case turn > last:
		return headerOf(s.Chunks[last]), true
	default:
		return s.Chunks[turn], turn == last && !s.EmptyLast
	}
}

func headerOf(body string) string {
	var s rows.Scanner
	if s.Reset([]byte(body)) != nil || len(s.Names()) == 0 {
		return ""
	}
	return string(s.Header()) + "\n"
}

// Rows returns the rows of all replies, each by column. A list is its values with
// LF between them.
func (r *Result) Rows() []map[string]string {
	r.t.Helper()
	if r.Failure != "" {
		r.t.Fatalf("the search failed: %s", r.Failure)
	}
	var all []map[string]string
	for _, reply := range r.Replies {
		table, err := read(reply.Body)
		if err != nil {
			r.t.Fatalf("read a reply: %v", err)
		}
		for _, cells := range table.rows {
			row := make(map[string]string, len(cells))
			for i, cell := range cells {
				row[table.names[i]] = cell
			}
			all = append(all, row)
		}
	}
	return all
}

// Body writes a chunk as splunkd does: the columns, then a __mv_ column for each.
// A value with line ends in it is a list.
func Body(columns []string, data ...[]string) string {
	fields := make([]rows.Field, len(columns))
	for i, column := range columns {
		fields[i] = rows.Field{Name: column, List: true}
	}
	w := rows.NewWriter(fields)
	body := w.AppendHeader(nil)
	cells := make([]rows.Cell, len(columns))
	var list rows.List
	for _, row := range data {
		for i := range cells {
			list.Reset()
			if i < len(row) && row[i] != "" {
				for value := range strings.SplitSeq(row[i], "\n") {
					list.AddString(value)
				}
			}
			cells[i].SetList(&list)
		}
		body = w.AppendRow(body, cells)
	}
	return string(body)
}

// process is a command that runs.
type process struct {
	stdin   *io.PipeWriter
	replies *chunked.Reader
	raw     strings.Builder // of what was read and not asked for yet
	done    chan error
}

func start(cmd chunked.Command) *process {
	read, stdin := io.Pipe()
	answer, stdout := io.Pipe()
	p := &process{stdin: stdin, done: make(chan error, 1)}
	p.replies = chunked.NewReader(io.TeeReader(answer, &p.raw))
	go func() {
		err := chunked.Serve(read, stdout, cmd)
		read.Close()
		stdout.Close()
		p.done <- err
	}()
	return p
}

// answer is one reply, or what came instead.
type answer struct {
	metadata, body string
	raw            string // all bytes that came
	err            error
}

// ask sends a request and reads one reply, as splunkd waits for it.
func (p *process) ask(metadata, body string) answer {
	request := chunked.AppendFrame(nil, []byte(metadata), []byte(body))
	if _, err := p.stdin.Write(request); err != nil {
		return answer{err: fmt.Errorf("the command ended before its time")}
	}
	m, b, err := p.replies.Next()
	a := answer{metadata: string(m), body: string(b), raw: p.raw.String(), err: err}
	p.raw.Reset()
	return a
}

// end closes stdin and waits. It returns what was sent without a request, and how
// the command ended.
func (p *process) end() (rest string, err error) {
	p.stdin.Close()
	m, b, failed := p.replies.Next()
	if failed == nil {
		rest = string(m) + string(b)
	}
	for failed == nil {
		_, _, failed = p.replies.Next()
	}
	return rest + p.raw.String(), <-p.done
}

func execute(finished bool) string {
	return fmt.Sprintf(`{"action":"execute","finished":%t}`, finished)
}

// getinfo writes the request, with the keys as splunkd 8.2.1 has them.
func getinfo(t testing.TB, s Search, probe map[string]any) string {
	words := append([]string{}, s.Args...)
	keys := []struct {
		name  string
		value any
	}{
		{"args", words},
		{"raw_args", words},
		{"dispatch_dir", "/opt/splunk/var/run/splunk/dispatch/1795168800.114"},
		{"sid", "1795168800.114"},
		{"app", "search"},
		{"owner", "admin"},
		{"username", "admin"},
		{"session_key", sessionKey},
		{"splunkd_uri", "https://127.0.0.1:8089"},
		{"splunk_version", "8.2.1"},
		{"search", "search%20index%3Dmain%20%7C%20command"},
		{"command", "command"},
		{"maxresultrows", 50000},
		{"earliest_time", "0"},
		{"latest_time", "0"},
	}
	further := maps.Clone(s.Info)
	var text strings.Builder
	put := func(name string, value any) {
		if text.Len() > 0 {
			text.WriteByte(',')
		}
		encoded, err := json.Marshal(value)
		if err != nil {
			t.Fatalf("the value of %s in Search.Info: %v", name, err)
		}
		fmt.Fprintf(&text, "%q:%s", name, encoded)
	}
	for _, key := range keys {
		value := key.value
		if own, ok := further[key.name]; ok {
			value = own
		}
		if own, ok := probe[key.name]; ok {
			value = own
		}
		delete(further, key.name)
		put(key.name, value)
	}
	for _, name := range slices.Sorted(maps.Keys(further)) {
		put(name, further[name])
	}
	return `{"action":"getinfo","preview":false,"streaming_command_will_restart":false,"searchinfo":{` + text.String() + `}}`
}
