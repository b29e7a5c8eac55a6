package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"

	"tordetect/tests/flows"
)

// LogReport is what was measured of one kind of log, by itself: it has no part in
// the figures of the border's flows. A log may hold several records of a
// conversation; the counts are of records.
type LogReport struct {
	Log      string    `json:"log"`
	Means    string    `json:"means"`
	Flows    int       `json:"flows"`
	Tor      int       `json:"tor"`
	Measures []Measure `json:"measures"` // of the verdicts
	// Whole is the share of Tor's conversations of which at least one record is
	// likely or above, by direction.
	Whole map[string]*Share `json:"conversations_found"`
	// Clean is the share with the verdict none of what should have it, by
	// direction: records that are not Tor, of times that the lists cover.
	Clean  map[string]*Share `json:"none_of_others"`
	Right  *Share            `json:"direction_right"`
	Cases  []CaseRow         `json:"cases,omitempty"`
	Tuning []Tuned           `json:"tuning,omitempty"` // of the tuning seeds
}

func newLogReport(name, means string, rows []row) LogReport {
	r := LogReport{Log: name, Means: means, Flows: len(rows), Whole: map[string]*Share{}, Clean: map[string]*Share{}}
	for _, m := range methods() {
		if m.group == byVerdict {
			for _, direction := range directions {
				r.Measures = append(r.Measures, m.measure(rows, direction))
			}
		}
	}
	var right tally
	for i := range rows {
		f := &rows[i]
		if counts(f) && f.truth == flows.Tor {
			r.Tor++
			if f.Score >= 50 {
				right.add(f.weight, f.Finding.Direction == f.direction)
			}
		}
	}
	r.Right = right.share()
	for _, direction := range directions {
		if s := conversations(rows, direction); s != nil {
			r.Whole[direction] = s
		}
		if s := clean(rows, direction); s != nil {
			r.Clean[direction] = s
		}
	}
	return r
}

// conversations is the share of Tor's of which a record was found.
func conversations(rows []row, direction string) *Share {
	type conversation struct {
		weight float64
		found  bool
	}
	var order []string
	of := map[string]*conversation{}
	for i := range rows {
		f := &rows[i]
		if f.truth != flows.Tor || f.direction != direction {
			continue
		}
		key := f.conversation
		if key == "" { // it is one by itself
			key = fmt.Sprint("row ", i)
		}
		c := of[key]
		if c == nil {
			c = &conversation{}
			of[key] = c
			order = append(order, key)
		}
		c.weight += f.weight
		c.found = c.found || f.Score >= 50
	}
	var found tally
	for _, key := range order {
		found.add(of[key].weight, of[key].found)
	}
	return found.share()
}

func clean(rows []row, direction string) *Share {
	var none tally
	for i := range rows {
		f := &rows[i]
		if f.truth == flows.NotTor && f.direction == direction && f.covered {
			none.add(f.weight, f.Verdict == "none")
		}
	}
	return none.share()
}

// measureLogs makes the reports of all logs; the first is that of the border's
// firewall, to compare with.
func measureLogs(heldOut, tuning *sets) []LogReport {
	out := []LogReport{newLogReport("firewall", "the border's firewall: the flows of all other figures", heldOut.border)}
	for i, l := range flows.Logs() {
		r := newLogReport(l.Name, l.Means, heldOut.logs[i])
		r.Cases = byCase(heldOut.logs[i])
		r.Tuning = tune(tuning.logs[i])
		out = append(out, r)
	}
	return out
}

// likely is the measure of likely or above, outbound and inbound.
func (r LogReport) likely() []Measure {
	i := slices.IndexFunc(r.Measures, func(m Measure) bool { return m.Name == likelyOrAbove })
	return r.Measures[i : i+len(directions)]
}

func (r *report) logs(w io.Writer) {
	if len(r.Logs) == 0 {
		return
	}
	t := newTable(w, "Kinds of logs, each by itself: likely or above", 3, 4, 5, 6, 7)
	t.AppendHeader(table.Row{"", "", "flows", "Tor", "TP", "FP", "FN", "precision", "recall", "conversations found", "none of others", "direction right"})
	for _, l := range r.Logs {
		name, right := l.Log, l.Right.String() // of both directions
		for _, m := range l.likely() {
			if m.Flows == 0 {
				continue
			}
			t.AppendRow(table.Row{name, m.Direction, m.Flows, m.TP + m.FN, m.TP, m.FP, m.FN, m.Precision, m.Recall, l.Whole[m.Direction], l.Clean[m.Direction], right})
			name, right = "", ""
		}
	}
	t.Render()
	for _, l := range r.Logs {
		fmt.Fprintf(w, "%s: %s.\n", l.Log, l.Means)
	}
	fmt.Fprint(w, "Flows are records; shares are at the base rates of each log's own table in tests/flows/cases.go, all of them guesses. Conversations found: of Tor's, those of which a record is likely or above.\n",
		"None of others: of the records that are not Tor, in hours that the lists cover, those with the verdict none.\n")
	r.missed(w)
	r.differing(w)
}

// differing are the weights that the tuning seeds of a log contradict.
func (r *report) differing(w io.Writer) {
	for _, l := range r.Logs {
		var out []Tuned
		for _, x := range l.Tuning {
			if x.Differs {
				out = append(out, x)
			}
		}
		if len(out) > 0 {
			tuned(w, "Weights that differ by measurement in "+l.Log+", of the tuning seeds only", out)
		}
	}
}

// missed names the cases of the other logs in which something went wrong.
func (r *report) missed(w io.Writer) {
	t := newTable(w, "Cases of these logs in which Tor was missed or others are likely or above (all cases: evaluate.json)", 4, 5, 6, 7, 8)
	t.AppendHeader(table.Row{"", "truth", "", "flows", "tor", "likely", "possible", "less", "likely or above", "strongest evidence"})
	for _, l := range r.Logs {
		for _, c := range l.Cases {
			wrong := c.TorVerdict + c.Likely
			if c.Truth == flows.Tor {
				wrong = c.Flows - wrong
			}
			if wrong > 0 && c.Truth != flows.Leak {
				t.AppendRow(table.Row{c.Case, c.Truth, c.Direction, c.Flows, c.TorVerdict, c.Likely, c.Possible, c.Less, c.Found, c.strongest()})
			}
		}
	}
	t.Render()
}

// logOrder is the place of the other logs' cases in a table.
func logOrder() []string {
	var out []string
	for _, l := range flows.Logs() {
		for _, c := range l.Cases {
			out = append(out, c.Name, c.Name+" answer")
		}
	}
	return out
}

// caseOf is the case that a kind names: an answer is of its conversation's.
func caseOf(kind string) string {
	name, _ := strings.CutSuffix(kind, " answer")
	return name
}
