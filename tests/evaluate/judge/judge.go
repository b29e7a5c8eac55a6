// Package judge runs the search command tordetect over rows in this process,
// and gives back what it found as values: the same code, the same judgement as
// in Splunk.
//
//	in:   a relay table, the options internal=..., rows of CIM columns as text
//	out:  a Finding for each row, in the same order
//
// It adds nothing and leaves nothing out. It knows no truth: whoever has one
// keeps it out of the rows.
package judge

import (
	"bytes"
	"context"
	"encoding/csv"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"tordetect/src/chunked"
	"tordetect/src/command/tordetect"
)

// Finding is what the command appended to a row.
type Finding struct {
	Verdict, State, Direction, Role string
	Score                           int
	Evidence                        []string // strongest first
	Reason                          string
	Relays, Nicknames               []string
	Coverage                        string
}

// Has reports whether a code is among the evidence.
func (f *Finding) Has(code string) bool { return slices.Contains(f.Evidence, code) }

// chunkRows is how many rows splunkd sends at a time (maxresultrows).
const chunkRows = 50000

// Rows judges rows with a header by a relay table. Args are the command's.
func Rows(table []byte, args, header []string, rows [][]string) ([]Finding, error) {
	folder, err := os.MkdirTemp("", "tordetect-judge-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(folder)
	if err := os.WriteFile(filepath.Join(folder, tordetect.DefaultRelays), table, 0o600); err != nil {
		return nil, err
	}
	search := tordetect.New(folder, time.Now) // asked for require_list only
	if _, err := search.Getinfo(&chunked.Info{Args: args}); err != nil {
		return nil, fmt.Errorf("start tordetect: %w", err)
	}
	var out []Finding
	for part := range slices.Chunk(rows, chunkRows) {
		body, err := write(header, part)
		if err != nil {
			return nil, err
		}
		var chunk chunked.Chunk
		if err := search.Execute(context.Background(), &chunk, bytes.NewReader(body)); err != nil {
			return nil, fmt.Errorf("run tordetect: %w", err)
		}
		found, err := read(chunk.Reply)
		if err != nil {
			return nil, fmt.Errorf("read the reply of tordetect: %w", err)
		}
		if len(found) != len(part) {
			return nil, fmt.Errorf("run tordetect: %d rows came back of %d", len(found), len(part))
		}
		out = append(out, found...)
	}
	return out, nil
}

func write(header []string, rows [][]string) ([]byte, error) {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	if err := w.Write(header); err != nil {
		return nil, err
	}
	if err := w.WriteAll(rows); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// read takes the command's own fields out of a reply.
func read(reply []byte) ([]Finding, error) {
	records, err := csv.NewReader(bytes.NewReader(reply)).ReadAll()
	if err != nil {
		return nil, err
	}
	if len(records) == 0 {
		return nil, fmt.Errorf("it has no header")
	}
	at := map[string]int{}
	for i, name := range records[0] {
		at[name] = i
	}
	for _, f := range tordetect.Fields {
		if _, ok := at[f.Name]; !ok {
			return nil, fmt.Errorf("it has no column %s", f.Name)
		}
	}
	out := make([]Finding, 0, len(records)-1)
	for _, r := range records[1:] {
		cell := func(name string) string { return r[at[name]] }
		score, err := strconv.Atoi(cell("tor_score"))
		if err != nil {
			return nil, fmt.Errorf("tor_score %q is no number", cell("tor_score"))
		}
		out = append(out, Finding{
			Verdict: cell("tor_verdict"), State: cell("tor_state"), Direction: cell("tor_direction"), Role: cell("tor_role"),
			Score: score, Evidence: list(cell("tor_evidence")), Reason: cell("tor_reason"),
			Relays: list(cell("tor_relay")), Nicknames: list(cell("tor_nickname")), Coverage: cell("tor_coverage"),
		})
	}
	return out, nil
}

// list takes a multivalue cell apart.
func list(cell string) []string {
	if cell == "" {
		return nil
	}
	return strings.Split(cell, "\n")
}
