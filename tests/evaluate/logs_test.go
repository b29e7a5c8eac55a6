package main

import (
	"bytes"
	"io"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"tordetect/tests/flows"
)

// recorded is a record of a conversation with its score.
func recorded(conversation, truth, direction string, score int, weight float64) row {
	r := row{truth: truth, direction: direction, conversation: conversation, weight: weight, kind: "k", covered: true}
	r.Score = score
	return r
}

// A conversation is found by any of its records; a direction without flows has no
// figures; the verdict none counts in covered hours only.
func TestLogReport(t *testing.T) {
	none := recorded("4", flows.NotTor, "outbound", 0, 3)
	none.Verdict = "none"
	blind := recorded("5", flows.NotTor, "outbound", 0, 100)
	blind.covered = false
	turned := recorded("1", flows.Tor, "outbound", 97, 1)
	turned.Finding.Direction = "outbound"
	r := newLogReport("x", "an x", []row{
		turned, recorded("1", flows.Tor, "outbound", 10, 1), // one half found
		recorded("2", flows.Tor, "outbound", 0, 1), recorded("2", flows.Tor, "outbound", 49, 1), // none
		recorded("3", flows.NotTor, "outbound", 95, 1), none, blind,
		recorded("", flows.Tor, "inbound", 60, 1), recorded("", flows.Tor, "inbound", 0, 1), // each by itself
	})
	require.Equal(t, []int{9, 6}, []int{r.Flows, r.Tor})
	outbound, inbound := r.likely()[0], r.likely()[1]
	require.Equal(t, []int{7, 1, 1, 3}, []int{outbound.Flows, outbound.TP, outbound.FP, outbound.FN})
	require.InDelta(t, 0.25, outbound.Recall.Value, 1e-9)
	require.InDelta(t, 0.5, r.Whole["outbound"].Value, 1e-9)
	require.InDelta(t, 2, r.Whole["outbound"].Of, 1e-9)
	require.InDelta(t, 0.5, r.Whole["inbound"].Value, 1e-9)
	require.InDelta(t, 0.75, r.Clean["outbound"].Value, 1e-9, "3 of 4; who is blind does not count")
	require.NotContains(t, r.Clean, "inbound")
	require.Equal(t, []int{2, 0, 1}, []int{inbound.Flows, inbound.FP, inbound.FN})
	require.InDelta(t, 0.5, r.Right.Value, 1e-9, "an answer taken for a visitor has the wrong direction")
}

// All logs are measured, and the other figures have no part of them.
func TestLogsByThemselves(t *testing.T) {
	r, err := whole()
	require.NoError(t, err)
	logs := flows.Generate(firstHeldOut).Logs()
	require.Len(t, r.Logs, 1+len(logs))
	for _, m := range r.Logs[0].Measures {
		require.Contains(t, r.Measures, m, "the first is the border's")
	}
	var b bytes.Buffer
	r.text(&b)
	for i, l := range logs {
		got := r.Logs[1+i]
		require.Equal(t, []any{l.Name, len(l.Flows)}, []any{got.Log, got.Flows})
		require.Contains(t, b.String(), "\n "+l.Name+" ")
		ofCases := 0
		for _, c := range got.Cases {
			ofCases += c.Flows
		}
		require.Equal(t, len(l.Flows), ofCases)
	}
	for _, c := range r.Cases {
		require.True(t, slices.ContainsFunc(flows.Cases(), func(f flows.Case) bool { return f.Name == c.Case }), "%s is of another log", c.Case)
	}
}

// The base rates of a log are those of its cases, whichever half a record is.
func TestWeightsOfLogs(t *testing.T) {
	held, err := generated(firstHeldOut, 1)
	require.NoError(t, err)
	for i, l := range flows.Logs() {
		sum := map[string]float64{}
		for _, f := range held.logs[i] {
			sum[caseOf(f.kind)] += f.weight
		}
		for _, c := range l.Cases {
			require.InDelta(t, c.PerMillion, sum[c.Name], 1e-6*c.PerMillion, c.Name)
		}
	}
}

// A log that was written is judged as the one in memory.
func TestLogsWrittenAndReadAgain(t *testing.T) {
	folder := t.TempDir()
	require.NoError(t, options{write: folder, seeds: 1}.do(io.Discard))
	memory, err := whole()
	require.NoError(t, err)
	internal := flows.Generate(firstHeldOut).Internal
	for _, l := range memory.Logs[1:] {
		o, err := parse([]string{"-internal", internal, filepath.Join(folder, "101", l.Log+".csv")}, io.Discard)
		require.NoError(t, err)
		r, err := o.measure()
		require.NoError(t, err)
		require.Len(t, r.Cases, len(l.Cases), l.Log)
		for i, c := range l.Cases {
			c.InAMillion, r.Cases[i].InAMillion = 0, 0 // a file has no base rates
			require.Equal(t, c, r.Cases[i])
		}
		for i, m := range l.Measures {
			require.Equal(t, []int{m.TP, m.FP, m.FN}, []int{r.Measures[i].TP, r.Measures[i].FP, r.Measures[i].FN}, l.Log)
		}
	}
}
