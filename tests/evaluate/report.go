package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	pretty "github.com/jedib0t/go-pretty/v6/text"

	"tordetect/src/text"
	"tordetect/tests/flows"
)

// report is all that was measured; its form is that of evaluate.json.
type report struct {
	Files       []string    `json:"files,omitempty"`
	Seeds       []uint64    `json:"held_out_seeds,omitempty"` // of all figures but Tuning
	TuningSeeds []uint64    `json:"tuning_seeds,omitempty"`   // of Tuning, and of nothing else
	Flows       int         `json:"flows"`
	Tor         int         `json:"tor"`
	NotTor      int         `json:"not_tor"`
	LeftOut     int         `json:"left_out"` // relays of our own; leaks
	BaseRate    float64     `json:"base_rate"`
	Direction   *Share      `json:"direction_right"`
	Measures    []Measure   `json:"measures"`
	Cases       []CaseRow   `json:"cases"`
	Bands       []Band      `json:"score_bands"`
	Tuning      []Tuned     `json:"tuning,omitempty"`
	Logs        []LogReport `json:"logs,omitempty"` // of other kinds of logs, and of no figure above
}

// Measure is a method in one direction. The counts are of flows as they are; the
// shares are at the base rates where there are such. TP, FP and FN are true and
// false positives and false negatives.
type Measure struct {
	Group     string `json:"group"`
	Name      string `json:"name"`
	Direction string `json:"direction"`
	Flows     int    `json:"flows"` // that it was asked about
	TP        int    `json:"tp"`
	FP        int    `json:"fp"`
	FN        int    `json:"fn"`
	Precision *Share `json:"precision"` // nil: it found nothing
	Recall    *Share `json:"recall"`    // nil: there was nothing to find
}

// CaseRow is what became of the flows of a case, by their score.
type CaseRow struct {
	Case           string         `json:"case"`
	Truth          string         `json:"truth"`
	Direction      string         `json:"direction"`
	Flows          int            `json:"flows"`
	TorVerdict     int            `json:"tor"`
	Likely         int            `json:"likely"`
	Possible       int            `json:"possible"`
	Less           int            `json:"less"`
	Found          *Share         `json:"likely_or_above"`
	InAMillion     float64        `json:"in_a_million"`    // of those found, at the base rate; with files their number
	RightDirection int            `json:"right_direction"` // of those found
	Strongest      map[string]int `json:"strongest"`       // flows by their strongest code
}

// Band is how right a range of scores is.
type Band struct {
	From  int     `json:"from"`
	To    int     `json:"to"`
	Flows int     `json:"flows"`
	Mean  float64 `json:"mean"` // score
	Tor   *Share  `json:"tor"`
}

// directions are counted apart; what is neither (a relay of our own) is not
// counted.
var directions = []string{"outbound", "inbound"}

func newReport(rows []row) *report {
	r := &report{Flows: len(rows)}
	var base, right tally
	for i := range rows {
		f := &rows[i]
		switch {
		case !counts(f):
			r.LeftOut++
			continue
		case f.truth == flows.Tor:
			r.Tor++
			if f.Score >= 50 {
				right.add(f.weight, f.Finding.Direction == f.direction)
			}
		default:
			r.NotTor++
		}
		base.add(f.weight, f.truth == flows.Tor)
	}
	if s := base.share(); s != nil {
		r.BaseRate = s.Value
	}
	r.Direction = right.share()
	for _, m := range methods() {
		for _, direction := range directions {
			r.Measures = append(r.Measures, m.measure(rows, direction))
		}
	}
	r.Cases = byCase(rows)
	r.Bands = bands(rows)
	return r
}

func counts(f *row) bool { return f.truth != flows.Leak && slices.Contains(directions, f.direction) }

func (m method) measure(rows []row, direction string) Measure {
	out := Measure{Group: m.group, Name: m.name, Direction: direction}
	var found, there tally // of what it found, of what is Tor
	for i := range rows {
		f := &rows[i]
		if f.direction != direction || m.answered && f.unanswered() {
			continue
		}
		is := f.truth == flows.Tor
		if f.truth == flows.Leak {
			if !m.leaks {
				continue
			}
			is = true
		} else if m.leaks && is {
			continue // it is not about these
		}
		out.Flows++
		hit := m.finds(f)
		if hit {
			found.add(f.weight, is)
		}
		if is {
			there.add(f.weight, hit)
		}
	}
	out.TP, out.FP, out.FN = found.hits, found.flows-found.hits, there.flows-there.hits
	out.Precision, out.Recall = found.share(), there.share()
	return out
}

func byCase(rows []row) []CaseRow {
	var order []string
	of := map[string]*CaseRow{}
	found := map[string]*tally{}
	for i := range rows {
		f := &rows[i]
		key := f.kind + "\x00" + f.truth + "\x00" + f.direction
		c := of[key]
		if c == nil {
			c = &CaseRow{Case: f.kind, Truth: f.truth, Direction: f.direction, Strongest: map[string]int{}}
			of[key], found[key] = c, &tally{}
			order = append(order, key)
		}
		c.Flows++
		found[key].add(1, f.Score >= 50)
		if f.Score >= 50 {
			c.InAMillion += f.weight
		}
		switch {
		case f.Score >= 80:
			c.TorVerdict++
		case f.Score >= 50:
			c.Likely++
		case f.Score >= 20:
			c.Possible++
		default:
			c.Less++
		}
		if f.Score >= 50 && f.Finding.Direction == f.direction {
			c.RightDirection++
		}
		if len(f.Evidence) > 0 {
			c.Strongest[f.Evidence[0]]++
		}
	}
	var out []CaseRow
	for _, key := range order {
		of[key].Found = found[key].share()
		out = append(out, *of[key])
	}
	rank := map[string]int{}
	for i, c := range flows.Cases() {
		rank[c.Name] = i + 1
	}
	for _, name := range logOrder() {
		rank[name] = len(rank) + 1
	}
	slices.SortStableFunc(out, func(a, b CaseRow) int {
		return cmp.Or(cmp.Compare(rank[a.Case], rank[b.Case]), strings.Compare(a.Case, b.Case), strings.Compare(a.Direction, b.Direction))
	})
	return out
}

func bands(rows []row) []Band {
	var out []Band
	for _, b := range []Band{{From: 1, To: 19}, {From: 20, To: 49}, {From: 50, To: 79}, {From: 80, To: 94}, {From: 95, To: 99}} {
		var is tally
		sum := 0.0
		for i := range rows {
			f := &rows[i]
			if counts(f) && b.From <= f.Score && f.Score <= b.To {
				is.add(f.weight, f.truth == flows.Tor)
				sum += f.weight * float64(f.Score)
			}
		}
		b.Flows, b.Tor = is.flows, is.share()
		if is.weight > 0 {
			b.Mean = sum / is.weight
		}
		out = append(out, b)
	}
	return out
}

func (r *report) json() ([]byte, error) {
	data, err := json.MarshalIndent(r, "", "  ")
	return append(data, '\n'), err
}

// text writes the report for a terminal.
func (r *report) text(w io.Writer) {
	if len(r.Files) > 0 {
		fmt.Fprintf(w, "Flows of %s: %d, of which %d Tor, %d not", strings.Join(r.Files, ", "), r.Flows, r.Tor, r.NotTor)
	} else {
		fmt.Fprintf(w, "Flows of the held-out seeds %d to %d: %d, of which %d Tor, %d not", r.Seeds[0], r.Seeds[len(r.Seeds)-1], r.Flows, r.Tor, r.NotTor)
	}
	if r.LeftOut > 0 {
		fmt.Fprintf(w, ", and %d left aside (relays of our own; leaks)", r.LeftOut)
	}
	fmt.Fprint(w, ".\n")
	if len(r.Seeds) > 0 {
		fmt.Fprintf(w, "Precision and recall are at the base rates of tests/flows/cases.go, where %.2f%% of all flows are Tor; the counts are of flows as made.\n", 100*r.BaseRate)
	}
	fmt.Fprintf(w, "Brackets: 95%% interval (Wilson). The direction is right in %s of the Tor flows that are likely or above.\n", r.Direction)
	r.measures(w, "Verdicts and the usual ways", byVerdict, byUsual)
	r.measures(w, "Evidence", byCode)
	r.cases(w)
	r.bands(w)
	r.tuning(w)
	r.logs(w)
}

// quiet counts the cases of other flows of which none is likely or above. What
// never happened in n flows may still happen in one of n/3 (the rule of three:
// the 95% bound of none).
func (r *report) quiet() (cases, flowsOf int) {
	for _, c := range r.Cases {
		if c.Truth == flows.NotTor && c.TorVerdict+c.Likely == 0 && slices.Contains(directions, c.Direction) {
			cases++
			flowsOf += c.Flows
		}
	}
	return cases, flowsOf
}

// silent reports whether a measure is of a code that is of the other direction.
func (m Measure) silent() bool { return m.Group == byCode && m.Precision == nil }

// remark tells codes that are said and never scored.
func (m Measure) remark() string {
	if m.Group == byCode && weightOf(m.Name) == 0 {
		return " (never scored)"
	}
	return ""
}

// String is the share in per cent with its interval.
func (s *Share) String() string {
	if s == nil {
		return "-"
	}
	return fmt.Sprintf("%s%% [%s-%s]", percent(s.Value), percent(s.Low), percent(s.High))
}

// percent shows one digit behind the point, and more where that would round to 0
// or 100 what is neither.
func percent(v float64) string {
	p := 100 * v
	switch {
	case p > 0 && p < 0.05:
		return fmt.Sprintf("%.3f", p)
	case p > 99.9 && p < 100:
		return fmt.Sprintf("%.2f", math.Floor(100*p)/100)
	}
	return strings.TrimSuffix(fmt.Sprintf("%.1f", p), ".0")
}

// newTable is the form of all tables. Cells are of our own words, but for the
// kinds of a file: control characters are taken out of these.
func newTable(w io.Writer, title string, right ...int) table.Writer {
	t := table.NewWriter()
	t.SetOutputMirror(w)
	t.SetStyle(table.StyleLight)
	t.Style().Format.Header = pretty.FormatDefault
	t.Style().Options.SeparateColumns = false
	t.Style().Options.DrawBorder = false
	var columns []table.ColumnConfig
	for _, n := range right {
		columns = append(columns, table.ColumnConfig{Number: n, Align: pretty.AlignRight, AlignHeader: pretty.AlignRight})
	}
	t.SetColumnConfigs(columns)
	fmt.Fprintf(w, "\n%s\n", title)
	return t
}

func (r *report) measures(w io.Writer, title string, groups ...string) {
	t := newTable(w, title, 3, 4, 5)
	t.AppendHeader(table.Row{"", "", "TP", "FP", "FN", "precision", "recall"})
	var silent []string
	for i := 0; i+1 < len(r.Measures); i += len(directions) {
		if !slices.Contains(groups, r.Measures[i].Group) {
			continue
		}
		found := 0
		for _, m := range r.Measures[i : i+len(directions)] {
			found += m.TP + m.FP
		}
		if found == 0 && r.Measures[i].Group == byCode {
			silent = append(silent, r.Measures[i].Name)
			continue
		}
		for _, m := range r.Measures[i : i+len(directions)] {
			if m.silent() {
				continue
			}
			t.AppendRow(table.Row{m.Name + m.remark(), m.Direction, m.TP, m.FP, m.FN, m.Precision, m.Recall})
		}
	}
	t.Render()
	if len(silent) > 0 {
		fmt.Fprintf(w, "Found nothing: %s.\n", strings.Join(silent, ", "))
	}
}

func (r *report) cases(w io.Writer) {
	title, found := "Cases: what became of their flows, as made; and how many of a million flows are likely or above by them, at the base rates", "in a million"
	if len(r.Files) > 0 {
		title, found = "Cases: what became of their flows", "found"
	}
	t := newTable(w, title, 4, 5, 6, 7, 8, 10)
	t.AppendHeader(table.Row{"", "truth", "", "flows", "tor", "likely", "possible", "less", "likely or above", found, "strongest evidence"})
	for _, c := range r.Cases {
		t.AppendRow(table.Row{text.Printable(c.Case), text.Printable(c.Truth), c.Direction, c.Flows, c.TorVerdict, c.Likely, c.Possible, c.Less, c.Found, fmt.Sprintf("%.3g", c.InAMillion), c.strongest()})
	}
	t.Render()
	if cases, of := r.quiet(); of >= 300 {
		fmt.Fprintf(w, "Of the %d flows of %d cases that are not Tor none is likely or above. That leaves room for one in %d (95%%), which the precision above does not count.\n", of, cases, of/3)
	}
}

// strongest names the two codes that were strongest in most flows.
func (c CaseRow) strongest() string {
	var codes []string
	for code := range c.Strongest {
		codes = append(codes, code)
	}
	slices.SortFunc(codes, func(a, b string) int {
		return cmp.Or(-cmp.Compare(c.Strongest[a], c.Strongest[b]), strings.Compare(a, b))
	})
	for i, code := range codes {
		codes[i] = fmt.Sprintf("%s %d", code, c.Strongest[code])
	}
	return strings.Join(codes[:min(2, len(codes))], ", ")
}

func (r *report) bands(w io.Writer) {
	t := newTable(w, "Scores: what share of the flows with such a score is Tor", 2, 3)
	t.AppendHeader(table.Row{"score", "flows", "mean score", "Tor"})
	for _, b := range r.Bands {
		t.AppendRow(table.Row{fmt.Sprintf("%d to %d", b.From, b.To), b.Flows, fmt.Sprintf("%.0f", b.Mean), b.Tor})
	}
	t.Render()
}
