package threeways

import (
	"cmp"
	"context"
	"encoding/csv"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tordetect/src/chunked/chunkedtest"
	"tordetect/src/command/tordetect"
	"tordetect/src/detect"
	reading "tordetect/src/event"
	"tordetect/src/flow"
	"tordetect/src/judge"
	"tordetect/src/relay"
	"tordetect/src/rows"
	"tordetect/src/scan"
)

// An event is a line of a log, and the columns that a search has of it.
type event struct {
	line  string
	cells []cell
	// time is that of the event's log as Splunk takes it, in epoch seconds; empty: the
	// event has none. Where only what stands around the event tells it, as the header of
	// a collector does, hasTime is true: then its columns have it as _time.
	time    string
	hasTime bool
}

// cell is one column; a list has several values.
type cell struct {
	name   string
	values []string
}

// put adds a column.
func (e *event) put(name string, values ...string) { e.cells = append(e.cells, cell{name, values}) }

// answer is what the three ways have in common.
type answer struct {
	verdict, score, state, direction, role  string
	evidence, relay, nickname, reason       string
	coverage, firstSeen, lastSeen, listTime string
	host, peer                              string
	first, last                             int64 // of the event, in epoch seconds
	nothing                                 bool  // the event says nothing that could be judged, so that a file has no flow there
}

// agrees reports whether the answer is also that of another way. Where there is nothing
// to judge, rows get an answer too: that nothing was found and nothing was looked for.
func (a answer) agrees(other answer) bool {
	if a.nothing {
		return other.score == "0" && other.direction == "" && other.relay == "" && other.coverage == "none"
	}
	return a == other
}

// untimed leaves the times out, which tordetect does not tell.
func untimed(all []answer) []answer {
	out := slices.Clone(all)
	for i := range out {
		out[i].first, out[i].last = 0, 0
	}
	return out
}

// answerOf is what a finding says.
func answerOf(found *detect.Finding, c flow.Coverage, listTime int64) answer {
	a := answer{
		verdict: found.Verdict.String(), score: strconv.Itoa(found.Score), state: found.State.String(), direction: found.Direction.String(),
		coverage: c.String(), reason: string(found.Reason), host: string(found.Host.AppendTo(nil)), peer: string(found.Peer.AppendTo(nil)),
	}
	var evidence, relays, names []string
	for _, e := range found.Evidence {
		evidence = append(evidence, e.Name())
	}
	for _, s := range found.Relays {
		relays, names = append(relays, s.Fingerprint), append(names, s.Nickname)
	}
	a.evidence, a.relay, a.nickname = strings.Join(evidence, "\n"), strings.Join(relays, "\n"), strings.Join(names, "\n")
	if d := found.Deciding; d != nil {
		a.role = found.Role.String()
		if !d.BuiltIn() {
			a.firstSeen, a.lastSeen = strconv.FormatInt(d.First, 10), strconv.FormatInt(d.Last, 10)
		}
	}
	if listTime != 0 {
		a.listTime = strconv.FormatInt(listTime, 10)
	}
	return a
}

// internal is the site's own network, in which there is a relay.
const internal = "203.0.113.0/24"

// ways reads events. The zero value is ready.
type ways struct {
	zone   *time.Location
	table  string // of relays; empty: that of this test
	folder string
}

// lookups returns a folder with the relay table.
func (w *ways) lookups(t testing.TB) string {
	if w.folder == "" {
		w.folder = t.TempDir()
		text := cmp.Or(w.table, table())
		require.NoError(t, os.WriteFile(filepath.Join(w.folder, "tor_relays.csv"), []byte(text), 0o600))
	}
	return w.folder
}

// file has package scan read the events as a log; unread is how many lines gave none
// although they should have.
func (w *ways) file(t testing.TB, head string, events []event) (out []answer, unread int64) {
	t.Helper()
	var text strings.Builder
	text.WriteString(head)
	for _, e := range events {
		text.WriteString(e.line + "\n")
	}
	read, sum := w.text(t, text.String())
	before, out := int64(strings.Count(head, "\n")), make([]answer, len(events))
	for i := range out {
		out[i].nothing = true
	}
	for _, a := range read {
		out[a.line-before-1] = a.answer
	}
	return out, sum.Unreadable
}

// found is the answer to the event of a line.
type found struct {
	line int64
	answer
}

// text has package scan read the text of a log.
func (w *ways) text(t testing.TB, text string) ([]found, *scan.Summary) {
	var out []found
	options := scan.Options{Files: []string{"-"}, Format: "auto", Zone: w.zone, Relays: filepath.Join(w.lookups(t), "tor_relays.csv"), Internal: internal, Now: day(30)}
	sum, err := scan.Run(context.Background(), &options, strings.NewReader(text), quiet{}, func(f *scan.Flow) error {
		a := answerOf(f.Finding, f.Coverage, f.ListTime)
		a.first, a.last = f.First, f.Last
		out = append(out, found{f.Line, a})
		return nil
	})
	require.NoError(t, err)
	return out, sum
}

type quiet struct{}

func (quiet) Begin(string)                {}
func (quiet) Count(f io.Reader) io.Reader { return f }

// searched has the search command read rows.
func (w *ways) searched(t testing.TB, body string) []answer {
	t.Helper()
	search := tordetect.New(w.lookups(t), func() time.Time { return day(30) })
	result := chunkedtest.Run(t, search, chunkedtest.Search{Args: []string{`internal="` + internal + `"`}, Chunks: []string{body}})
	require.Empty(t, result.Failure)
	var out []answer
	for _, row := range result.Rows() {
		out = append(out, answer{
			verdict: row["tor_verdict"], score: row["tor_score"], state: row["tor_state"], direction: row["tor_direction"], role: row["tor_role"],
			evidence: row["tor_evidence"], relay: row["tor_relay"], nickname: row["tor_nickname"], reason: row["tor_reason"],
			coverage: row["tor_coverage"], firstSeen: row["tor_first_seen"], lastSeen: row["tor_last_seen"], listTime: row["tor_list_time"],
			host: row["tor_host"], peer: row["tor_peer"],
		})
	}
	return out
}

// judged reads rows as the search command does, and tells when they were, too.
func (w *ways) judged(t testing.TB, body string) []answer {
	t.Helper()
	networks, err := netip.ParsePrefix(internal)
	require.NoError(t, err)
	j := judge.New(relay.NewNetwork(filepath.Join(w.lookups(t), "tor_relays.csv")), judge.Options{Zone: w.zone, Internal: []netip.Prefix{networks}})
	var s rows.Scanner
	var columns reading.Columns
	var e reading.Event
	require.NoError(t, s.Reset([]byte(body)))
	columns.Bind(s.Names())
	e.Row(&s, &columns)
	var out []answer
	for s.Next() {
		f := j.Flow(&e)
		a := answerOf(j.Finding(f), f.Coverage, f.NewestList)
		if at, timed := j.When(); timed {
			a.first, a.last = at.From, at.To
		}
		out = append(out, a)
	}
	require.NoError(t, s.Err())
	return out
}

// asRaw writes rows that have nothing but _raw, and their time where they are timed.
func asRaw(events []event, timed bool) string {
	var out strings.Builder
	w := csv.NewWriter(&out)
	_ = w.Write([]string{"_time", "_raw"})
	for _, e := range events {
		time := ""
		if timed {
			time = e.time
		}
		_ = w.Write([]string{time, e.line})
	}
	w.Flush()
	return out.String()
}

// asColumns writes rows with a column for each key.
func asColumns(events []event, timed bool) string {
	names, place := []string{"_time"}, map[string]int{"_time": 0}
	for _, e := range events {
		for _, c := range e.cells {
			if _, ok := place[c.name]; !ok {
				place[c.name] = len(names)
				names = append(names, c.name, "__mv_"+c.name)
			}
		}
	}
	var out strings.Builder
	w := csv.NewWriter(&out)
	_ = w.Write(names)
	record := make([]string, len(names))
	for _, e := range events {
		clear(record)
		for _, c := range e.cells {
			at := place[c.name]
			record[at] = strings.Join(c.values, "\n")
			if len(c.values) > 1 {
				record[at+1] = "$" + strings.Join(c.values, "$;$") + "$"
			}
		}
		if timed && record[0] == "" || e.hasTime {
			record[0] = e.time
		}
		_ = w.Write(record)
	}
	w.Flush()
	return out.String()
}
