package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"

	"tordetect/src/detect"
	"tordetect/tests/flows"
)

// Tuned is a code: its weight in detect, and what the tuning seeds make of it.
type Tuned struct {
	Evidence string  `json:"evidence"` // the code, and how it stands
	Weight   float64 `json:"weight"`   // in the table of detect
	Given    float64 `json:"given"`    // the mean score where it is alone, as a share: with what weakens it
	// Alone and All are the share of Tor at the base rates among flows in which
	// no other witness speaks, and among all in which the code is the strongest of
	// its witness. A weight belongs between: where others could have spoken and
	// did not, that tells as well.
	Alone Part `json:"alone"`
	All   Part `json:"all"`
	// Factor is by how much the false alarms would have to be more frequent for
	// the weight given to be right: how wrong a guess of a base rate must be. 1 if
	// it lies between Alone and All.
	Factor  float64 `json:"right_if_false_alarms_times"`
	Differs bool    `json:"differs"` // outside of both intervals, and by more than a bad guess
}

// Part is a share of Tor, with the flows as made.
type Part struct {
	Flows    int     `json:"flows"`
	TP       int     `json:"tp"`
	Tor      *Share  `json:"tor"`
	Smoothed float64 `json:"smoothed"`
}

func (t *tally) part() Part {
	return Part{Flows: t.flows, TP: t.hits, Tor: t.share(), Smoothed: t.smoothed()}
}

// badGuess is how wrong a base rate that is a guess may well be, either way.
const badGuess = 3

// witness is what a code is a witness of. Codes of one witness do not add up, so
// a code that stands beside weaker ones of its own witness is alone.
func witness(code string) string {
	switch {
	case strings.HasSuffix(code, "_label"):
		return "label"
	case slices.Contains([]string{"cert_tor", "onion_name", "sni_pattern"}, code) || isPrint(code):
		return "name"
	}
	return "list"
}

// tune measures each code's weight: the probability that a flow with this
// evidence is Tor, at the base rates. That is what a weight means.
func tune(rows []row) []Tuned {
	var order []string
	for _, e := range detect.Weights() {
		order = append(order, e.Name())
	}
	alone, all, scores := map[string]*tally{}, map[string]*tally{}, map[string]float64{}
	add := func(to map[string]*tally, key string, f *row) {
		if to[key] == nil {
			to[key] = &tally{}
		}
		to[key].add(f.weight, f.truth == flows.Tor)
	}
	for i := range rows {
		f := &rows[i]
		if !counts(f) {
			continue
		}
		keys := spoken(f)
		for _, key := range keys {
			add(all, key, f)
		}
		if len(keys) == 1 {
			add(alone, keys[0], f)
			scores[keys[0]] += f.weight * float64(f.Score) / 100
		}
	}
	var keys []string
	for key := range alone {
		keys = append(keys, key)
	}
	slices.SortFunc(keys, func(a, b string) int {
		return cmp.Or(cmp.Compare(slices.Index(order, base(a)), slices.Index(order, base(b))), strings.Compare(a, b))
	})
	var out []Tuned
	for _, key := range keys {
		x := Tuned{
			Evidence: key, Weight: weightOf(key), Given: scores[key] / alone[key].weight,
			Alone: alone[key].part(), All: all[key].part(), Factor: 1,
		}
		low, high := min(x.Alone.Smoothed, x.All.Smoothed), max(x.Alone.Smoothed, x.All.Smoothed)
		if nearest := min(max(x.Given, low), high); nearest != x.Given {
			x.Factor = odds(nearest) / odds(x.Given)
		}
		outside := x.Given < min(x.Alone.Tor.Low, x.All.Tor.Low) || x.Given > max(x.Alone.Tor.High, x.All.Tor.High)
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

// spoken names the strongest code of each witness that speaks in a flow, with how
// it stands.
func spoken(f *row) []string {
	var out, witnesses []string
	for _, code := range f.Evidence { // strongest first
		w := witness(code)
		if weightOf(code) == 0 || slices.Contains(witnesses, w) {
			continue
		}
		witnesses = append(witnesses, w)
		key := code
		switch {
		case w == "label" && f.Coverage == "full" && !listed(f):
			key += ", unlisted"
		case isPrint(code):
			key += f.beside()
		}
		if w != "name" && f.Finding.Direction != "inbound" && f.unanswered() {
			key += ", no answer"
		}
		out = append(out, key)
	}
	return out
}

// isPrint reports whether a code is that of a fingerprint.
func isPrint(code string) bool {
	return strings.HasPrefix(code, "ja3_") || strings.HasPrefix(code, "ja4_")
}

// beside says what stands beside a flow's fingerprint: a JA3 that is no tor's, and
// which name.
func (f *row) beside() (key string) {
	if f.ja3 != "" && !slices.ContainsFunc(f.Evidence, func(code string) bool { return strings.HasPrefix(code, "ja3_") }) {
		key = ", another JA3"
	}
	switch {
	case f.sni == "":
		return key + ", no name"
	case f.Has("sni_pattern"):
		return key + ", made-up name"
	case barePattern.MatchString(f.sni):
		return key + ", name of Tor's form"
	}
	return key + ", another name"
}

// listed reports whether the list speaks in a flow.
func listed(f *row) bool {
	return slices.ContainsFunc(f.Evidence, func(code string) bool { return witness(code) == "list" && code != "not_tcp" })
}

func (r *report) tuning(w io.Writer) {
	if len(r.Tuning) == 0 {
		return
	}
	tuned(w, fmt.Sprintf("Weights by measurement, of the tuning seeds %d to %d only", r.TuningSeeds[0], r.TuningSeeds[len(r.TuningSeeds)-1]), r.Tuning)
	fmt.Fprint(w, "A weight is the share of Tor among flows with this evidence. Given: what such flows scored, with all that weakens it (no answer, an old list).\n",
		"Flows and Tor are of those where nothing else speaks, as made; the shares are at the base rates, smoothed, with the interval of the unsmoothed share.\n",
		"Right at: how many times as many false alarms would make what is given right; up to ", badGuess, " either way the guess of a base rate explains it.\n")
}

func tuned(w io.Writer, title string, of []Tuned) {
	t := newTable(w, title, 2, 3, 4, 5, 8)
	t.AppendHeader(table.Row{"", "weight", "given", "flows", "Tor", "Tor where it is alone", "Tor in all", "right at", ""})
	for _, x := range of {
		mark := ""
		if x.Differs {
			mark = "differs"
		}
		t.AppendRow(table.Row{
			x.Evidence, fmt.Sprintf("%.2f", x.Weight), fmt.Sprintf("%.2f", x.Given), x.Alone.Flows, x.Alone.TP,
			x.Alone, x.All, fmt.Sprintf("x%.2g", x.Factor), mark,
		})
	}
	t.Render()
}

// String is the smoothed share, and the interval.
func (p Part) String() string {
	return fmt.Sprintf("%.2f [%.2f-%.2f]", p.Smoothed, p.Tor.Low, p.Tor.High)
}
