package chunkedtest

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"tordetect/src/chunked"
	"tordetect/src/rows"
)

// judge holds the replies of a command against what splunkd takes:
//
//   - one reply to each request, and nothing else on stdout;
//   - the header line as splunkd writes it, the lengths in bytes, the metadata one
//     JSON object with keys that splunkd knows, messages before the error;
//   - getinfo answered the same each time, with a type that exists and no body;
//   - finished as in the request; a generating command says so once, at its end;
//   - a message is sent once, on one line; the session key never;
//   - the body CSV with as many cells in each row as in the header, no column
//     twice, lists that can be read and are the values of their plain column;
//   - _chunked_idx, where it came with the rows, among the columns, with values
//     that came.
//
// What is wrong in the same way in what the command was given is not its fault.
type judge struct {
	result   *Result
	problems []string

	asked      bool // getinfo
	generating bool
	finished   bool
	sent       []string // messages of this run
}

func (j *judge) problem(format string, args ...any) {
	j.problems = append(j.problems, fmt.Sprintf(format, args...))
}

// expectsMore reports whether splunkd would send another chunk.
func (j *judge) expectsMore() bool {
	return j.result.Failure == "" && !j.finished && len(j.problems) == 0
}

// metadata is all that splunkd knows, as it stands in a reply.
type metadata struct {
	Inspector      *inspector `json:"inspector"`
	Type           string     `json:"type"`
	RequiredFields []string   `json:"required_fields"`
	Generating     bool       `json:"generating"`
	StreamingPreop string     `json:"streaming_preop"`
	MaxWait        float64    `json:"maxwait"`
	Finished       *bool      `json:"finished"`
	Error          string     `json:"error"`
}

type inspector struct {
	Messages [][2]string `json:"messages"`
}

func (j *judge) getinfo(a answer) {
	m := j.frame("getinfo", a)
	j.sent = nil
	if m == nil || j.result.Failure != "" {
		return
	}
	switch chunked.Type(m.Type) {
	case "", chunked.Streaming, chunked.Stateful, chunked.Events, chunked.Reporting:
	default:
		j.problem("getinfo: splunkd knows no type %q", m.Type)
	}
	if a.body != "" {
		j.problem("getinfo: the reply has a body")
	}
	if j.asked && a.metadata != j.result.Declared {
		j.problem("getinfo: asked again it says %s, and before %s", a.metadata, j.result.Declared)
	}
	j.asked = true
	j.result.Declared = a.metadata
	j.generating = m.Generating
}

func (j *judge) execute(chunk string, finished bool, a answer) {
	m := j.frame("execute", a)
	if m == nil || j.result.Failure != "" {
		return
	}
	if m.Finished == nil {
		j.problem("execute: the reply does not say whether it is the last")
		return
	}
	if !j.generating && *m.Finished != finished {
		j.problem("execute: finished is %t, and in the request %t", *m.Finished, finished)
	}
	j.finished = *m.Finished
	j.result.Replies = append(j.result.Replies, Reply{*m.Finished, a.body})
	j.body(chunk, a.body)
}

// frame judges what all replies have in common. It returns nil where nothing can
// be read.
func (j *judge) frame(request string, a answer) *metadata {
	if a.err == io.EOF {
		a.err = io.ErrUnexpectedEOF
	}
	if a.err != nil {
		j.problem("%s: no reply: %v", request, a.err)
		return nil
	}
	if a.raw != string(chunked.AppendFrame(nil, []byte(a.metadata), []byte(a.body))) {
		j.problem("%s: the reply is not one frame with a header line like splunkd's", request)
	}
	if strings.Contains(a.raw, sessionKey) {
		j.problem("%s: the reply holds the session key", request)
	}
	if !utf8.ValidString(a.metadata) {
		j.problem("%s: the metadata is no UTF-8", request)
	}
	var m metadata
	decoder := json.NewDecoder(strings.NewReader(a.metadata))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&m); err != nil {
		j.problem("%s: splunkd does not take the metadata %.200s: %v", request, a.metadata, err)
		return nil
	}
	if _, err := decoder.Token(); err != io.EOF {
		j.problem("%s: something follows the JSON object of the metadata", request)
	}
	j.messages(request, a.metadata, &m)
	if m.Error != "" {
		j.result.Failure = m.Error
		if m.Finished == nil || !*m.Finished {
			j.problem("%s: an error does not say finished", request)
		}
		if a.body != "" {
			j.problem("%s: an error has a body", request)
		}
	}
	return &m
}

func (j *judge) messages(request, text string, m *metadata) {
	if m.Inspector == nil {
		return
	}
	if at := strings.Index(text, `"inspector"`); at > 1 {
		j.problem("%s: the messages do not stand first: splunkd loses those behind an error", request)
	}
	for _, message := range m.Inspector.Messages {
		level, text := message[0], message[1]
		if !slices.Contains([]string{"DEBUG", "INFO", "WARN", "ERROR", "FATAL"}, level) {
			j.problem("%s: a message has the level %q", request, level)
		}
		if text == "" || strings.ContainsAny(text, "\r\n") {
			j.problem("%s: a message is not one line: %q", request, text)
		}
		if slices.Contains(j.sent, text) {
			j.problem("%s: a message is sent twice: %s", request, text)
		}
		j.sent = append(j.sent, text)
		j.result.Messages = append(j.result.Messages, chunked.Message{Level: level, Text: text})
	}
}

// end judges how a command ended.
func (j *judge) end(rest string, err error) {
	if rest != "" {
		j.problem("%d bytes came without a request", len(rest))
	}
	if failed := j.result.Failure != ""; failed != (err != nil) && len(j.problems) == 0 {
		j.problem("the command ended with %v, and said %q", err, j.result.Failure)
	}
}

// table is a body that was read, all cells without their quotes.
type table struct {
	names []string
	rows  [][]string
}

func read(body string) (table, error) {
	var s rows.Scanner
	if err := s.Reset([]byte(body)); err != nil {
		return table{}, err
	}
	t := table{names: s.Names()}
	for s.Next() {
		cells := make([]string, len(t.names))
		for i := range cells {
			value, _ := rows.Value(s.Cell(i), nil)
			cells[i] = string(value)
		}
		t.rows = append(t.rows, cells)
	}
	return t, s.Err()
}

// body judges a body beside the one that the command was given.
func (j *judge) body(given, body string) {
	out, err := read(body)
	if err != nil {
		j.problem("execute: the body is no sound CSV: %v", err)
		return
	}
	in, _ := read(given)
	for i, name := range out.names {
		if slices.Index(out.names, name) != i && count(out.names, name) > count(in.names, name) {
			j.problem("execute: there are two columns %q", name)
		}
		if field, ok := strings.CutPrefix(name, "__mv_"); ok {
			j.lists(in, out, field, i)
		}
	}
	j.numbers(in, out)
}

func count(names []string, name string) (n int) {
	for _, other := range names {
		if other == name {
			n++
		}
	}
	return n
}

// lists judges a __mv_ column.
func (j *judge) lists(in, out table, field string, multi int) {
	plain := slices.Index(out.names, field)
	if plain < 0 {
		if !slices.Contains(in.names, out.names[multi]) {
			j.problem("execute: there is a column %s and none %s", out.names[multi], field)
		}
		return
	}
	came := map[[2]string]bool{}
	if a, b := slices.Index(in.names, field), slices.Index(in.names, out.names[multi]); a >= 0 && b >= 0 {
		for _, row := range in.rows {
			came[[2]string{row[a], row[b]}] = true
		}
	}
	for i, row := range out.rows {
		if row[multi] == "" || came[[2]string{row[plain], row[multi]}] {
			continue
		}
		var list rows.List
		if err := list.Parse(rows.AppendCell(nil, []byte(row[multi]))); err != nil {
			j.problem("execute: row %d, column %s: %v", i+1, out.names[multi], err)
			return
		}
		var values []string
		for k := range list.Len() {
			values = append(values, string(list.Value(k)))
		}
		if joined := strings.Join(values, "\n"); joined != row[plain] {
			j.problem("execute: row %d: the list of %s is %q and its plain cell %q", i+1, field, joined, row[plain])
			return
		}
	}
}

// indexColumn numbers the rows where splunkd sends only some fields: it puts the
// rest of each row back by it.
const indexColumn = "_chunked_idx"

func (j *judge) numbers(in, out table) {
	from, to := slices.Index(in.names, indexColumn), slices.Index(out.names, indexColumn)
	if from < 0 || len(out.rows) == 0 {
		return
	}
	if to < 0 {
		j.problem("execute: the column %s did not come back: splunkd cannot tell which rows these are", indexColumn)
		return
	}
	came := map[string]bool{"": true} // a new row has none
	for _, row := range in.rows {
		came[row[from]] = true
	}
	for i, row := range out.rows {
		if !came[row[to]] {
			j.problem("execute: row %d has the %s %q, which was not sent", i+1, indexColumn, row[to])
			return
		}
	}
}
