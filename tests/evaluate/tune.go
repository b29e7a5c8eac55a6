package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"

	"tordetect/src/detect"
	"tordetect/tests/flows"
)

// Tuned is a code, alone of all that speaks in a flow: its weight in detect, and
// the one that the tuning seeds give it.
type Tuned struct {
	Evidence string  `json:"evidence"` // the code, and how it stands
	Weight   float64 `json:"weight"`   // in the table of detect
	Given    float64 `json:"given"`    // the mean score of these flows, as a share: with what weakens it
	Flows    int     `json:"flows"`
	TP       int     `json:"tp"`
	Measured *Share  `json:"measured"` // the share of Tor among them, at the base rates
	Deserved float64 `json:"deserved"` // that, smoothed
	// Factor is by how much the false alarms would have to be more frequent for
	// the weight given to be right: how wrong a guess of a base rate must be.
	Factor  float64 `json:"right_if_false_alarms_times"`
	Differs bool    `json:"differs"` // outside of the interval, and by more than a bad guess
}

// badGuess is how wrong a base rate that is a guess may well be, either way.
const badGuess = 3

// witness is what a code is a witness of. Codes of one witness do not add up, so
// a code that stands beside weaker ones of its own witness is alone.
func witness(code string) string {
	switch {
	case strings.HasSuffix(code, "_label"):
		return "label"
	case slices.Contains([]string{"ja4_tor", "ja3_tor", "onion_name", "sni_pattern"}, code):
		return "name"
	}
	return "list"
}

// tune measures each code's weight: the probability that a flow with this
// evidence alone is Tor, at the base rates. That is what a weight means.
func tune(rows []row) []Tuned {
	var order []string
	for _, e := range detect.Weights() {
		order = append(order, e.Name())
	}
	of := map[string]*tally{}
	scores := map[string]float64{}
	for i := range rows {
		f := &rows[i]
		if key, ok := alone(f); ok && counts(f) {
			if of[key] == nil {
				of[key] = &tally{}
			}
			of[key].add(f.weight, f.truth == flows.Tor)
			scores[key] += f.weight * float64(f.Score) / 100
		}
	}
	var keys []string
	for key := range of {
		keys = append(keys, key)
	}
	rank := func(key string) int { return slices.Index(order, base(key)) }
	slices.SortFunc(keys, func(a, b string) int {
		if d := rank(a) - rank(b); d != 0 {
			return d
		}
		return strings.Compare(a, b)
	})
	var out []Tuned
	for _, key := range keys {
		t := of[key]
		x := Tuned{Evidence: key, Weight: weightOf(key), Given: scores[key] / t.weight, Flows: t.flows, TP: t.hits, Measured: t.share(), Deserved: t.smoothed()}
		x.Factor = odds(x.Deserved) / odds(x.Given)
		outside := x.Given < x.Measured.Low || x.Given > x.Measured.High
		x.Differs = outside && (x.Factor > badGuess || x.Factor < 1.0/badGuess)
		out = append(out, x)
	}
	return out
}

func odds(p float64) float64 { return p / (1 - p) }

// base is the code that a key begins with, as it stands in the table of detect.
func base(key string) string {
	code, _, _ := strings.Cut(key, ",")
	return strings.TrimSuffix(code, "_stale")
}

// weightOf is the weight in detect of the code that a key begins with.
func weightOf(key string) float64 {
	code := base(key)
	for _, e := range detect.Weights() {
		if e.Name() == code {
			return e.Weight
		}
	}
	return 0
}

// alone names the evidence of a flow in which one witness speaks.
func alone(f *row) (string, bool) {
	var spoke []string
	for _, code := range f.Evidence {
		if weightOf(code) > 0 {
			spoke = append(spoke, code)
		}
	}
	if len(spoke) == 0 {
		return "", false
	}
	for _, code := range spoke[1:] {
		if witness(code) != witness(spoke[0]) {
			return "", false
		}
	}
	key := spoke[0]
	switch witness(key) {
	case "label":
		if f.Coverage == "full" && len(f.Evidence) == 1 {
			key += ", unlisted"
		}
	case "name":
		if f.Has("sni_pattern") && len(spoke) > 1 {
			key += ", with the pattern"
		}
	}
	if f.Finding.Direction != "inbound" && f.unanswered() {
		key += ", no answer"
	}
	return key, true
}

func (r *report) tuning(w io.Writer) {
	if len(r.Tuning) == 0 {
		return
	}
	t := newTable(w, fmt.Sprintf("Weights by measurement, of the tuning seeds %d to %d only: a code that speaks alone", r.TuningSeeds[0], r.TuningSeeds[len(r.TuningSeeds)-1]), 2, 3, 4, 5, 7, 8)
	t.AppendHeader(table.Row{"", "weight", "given", "flows", "Tor", "share of Tor at the base rates", "smoothed", "right at", ""})
	for _, x := range r.Tuning {
		mark := ""
		if x.Differs {
			mark = "differs"
		}
		t.AppendRow(table.Row{x.Evidence, fmt.Sprintf("%.2f", x.Weight), fmt.Sprintf("%.2f", x.Given), x.Flows, x.TP, x.Measured, fmt.Sprintf("%.2f", x.Deserved), fmt.Sprintf("x%.2g", x.Factor), mark})
	}
	t.Render()
	fmt.Fprintln(w, "A weight is the share that is Tor among flows with this evidence alone. Given: what such flows scored, with all that weakens it (no answer, an old list).\n"+
		"Right at: how many times as many false alarms would make what is given right. Up to 3 either way a guess of a base rate explains it.")
}
