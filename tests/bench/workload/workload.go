//go:build linux

package workload

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
)

// A Workload is what one search sends through the command.
type Workload struct {
	Name    string   `json:"name"`
	Group   string   `json:"group"` // what it is measured for; a name on the command line as well
	Rows    int      `json:"rows"`  // of each chunk
	Chunks  int      `json:"chunks"`
	Tor     float64  `json:"tor_percent"`
	Relays  int      `json:"relays"`         // rows of the relay table
	History int      `json:"history"`        // rows of the history beside it
	Old     float64  `json:"old_percent"`    // rows of traffic that only the history knows
	Newer   int64    `json:"newer"`          // seconds by which the rows are newer than the table
	Columns int      `json:"columns"`        // without their lists
	Request int64    `json:"request"`        // bytes of a chunk
	Narrow  bool     `json:"narrow"`         // only the columns that tordetect asks for
	Args    []string `json:"args,omitempty"` // of the command
	Shape   Shape    `json:"-"`
	With    []string `json:"-"` // names of variants
}

const (
	SomeRows   = 50_000 // maxresultrows: what splunkd sends at most at once
	SomeRelays = 27_000 // a week of hourly lists
)

var (
	everyone = []string{"tordetect", "other", "splunklib", "csv", "chunked", "echo", "cat"}
	Most     = []string{"tordetect", "other", "splunklib", "csv", "echo"}
)

// Workloads are all that is measured but start-up. The four of the group base
// differ from the others in one thing each: that is how cost grows with it.
func Workloads() []Workload {
	base := func(name string, s Shape) Workload {
		return Workload{Name: name, Group: "base", Shape: s, Rows: SomeRows, Chunks: 1, Tor: 1, Relays: SomeRelays, With: everyone}
	}
	list := []Workload{base("events", Events), base("tstats", Tstats), base("conn", conn), base("ssl", ssl)}
	vary := func(name, group string, s Shape, change func(w *Workload)) {
		w := base(name, s)
		w.Group, w.With = group, Most
		change(&w)
		list = append(list, w)
	}
	for _, tor := range []float64{0, 100} {
		vary(fmt.Sprintf("events-tor%g", tor), "tor", Events, func(w *Workload) { w.Tor = tor })
		vary(fmt.Sprintf("tstats-tor%g", tor), "tor", Tstats, func(w *Workload) { w.Tor = tor })
	}
	vary("tstats-relays100k", "relays", Tstats, func(w *Workload) { w.Relays = 100_000 })
	vary("tstats-history400k", "relays", Tstats, func(w *Workload) { w.History, w.Old = 400_000, 10 })
	vary("tstats-rows10k", "rows", Tstats, func(w *Workload) { w.Rows = 10_000 })
	vary("tstats-rows200k", "rows", Tstats, func(w *Workload) { w.Chunks = 4 })
	vary("events-rows10k", "rows", Events, func(w *Workload) { w.Rows = 10_000 })
	vary("events-rows200k", "rows", Events, func(w *Workload) { w.Chunks = 4 })
	for _, n := range []int{12, 24, 96, 192} {
		vary(fmt.Sprintf("events-columns%d", n), "columns", Events.Wide(n), func(w *Workload) {})
	}
	// As a search over millions of rows meets them: several chunks, times with
	// fractions, and a table that is kept or is not.
	pair := func(name string, s Shape, newer int64) {
		vary(name, "pairs", s.fractions(), func(w *Workload) { w.Chunks, w.Newer = 2, newer })
	}
	pair("tstats-pair", Tstats, 0)
	pair("tstats-stale", Tstats, 2*Hour)
	pair("events-pair", Events, 0)
	pair("events-stale", Events, 2*Hour)
	// The other programs know no option.
	vary("tstats-client", "client", Client, func(w *Workload) {
		w.Chunks, w.Args, w.With = 2, []string{"min_score=50"}, []string{"tordetect", "other", "echo"}
	})
	vary("events-narrow", "narrow", Events, func(w *Workload) { w.Narrow, w.With = true, []string{"tordetect", "other", "echo"} })
	for i := range list {
		list[i].Columns = len(list[i].Shape.Columns)
	}
	return list
}

// Choose returns the workloads of these names or groups, all without a name,
// and whether start-up is among them.
func Choose(names []string) (chosen []Workload, starts bool, err error) {
	all := Workloads()
	if len(names) == 0 {
		return all, true, nil
	}
	for _, name := range names {
		if name == "startup" {
			starts = true
			continue
		}
		before := len(chosen)
		for _, w := range all {
			if w.Name == name || w.Group == name {
				chosen = append(chosen, w)
			}
		}
		if len(chosen) == before {
			return nil, false, fmt.Errorf("there is no workload or group %q; bench -list names all", name)
		}
	}
	return chosen, starts, nil
}

// Flows draws those of a chunk.
func (w *Workload) Flows(n *Network) []Flow {
	out := Flows(w.Rows, w.Tor, Noon+w.Newer, n.Relays)
	if w.Old > 0 {
		// A chunk of old traffic, dealt out among the new.
		step := int(100 / w.Old)
		old := Flows(w.Rows/step, w.Tor, Noon-30*Day, n.Old)
		for i := range old {
			old[i].N = i * step
			out[i*step] = old[i]
		}
	}
	return out
}

// Requests are all that splunkd sends: getinfo, the chunks, and an empty last one.
func (w *Workload) Requests(flows []Flow) [][]byte {
	frame := w.Shape.Frame(flows)
	w.Request = int64(len(frame))
	w.Columns = len(w.Shape.Columns)
	args := w.Args
	if w.Narrow {
		args = append(slices.Clone(args), "narrow=true")
	}
	out := [][]byte{Probe(args...)}
	out = append(out, slices.Repeat([][]byte{frame}, w.Chunks)...)
	return append(out, FrameOf(Last, w.Shape.Header()))
}

// Narrowed leaves the columns that the program declares for narrow=true, and adds the one
// by which splunkd joins the reply to what it kept. Columns that it asks for and that are
// not there are sent all the same, empty.
func (w *Workload) Narrowed(declared []string) {
	whole := w.Shape
	w.Narrow = true
	w.Shape.Columns = append(slices.Clone(declared), "_chunked_idx")
	w.Shape.Cell = func(r *rand.Rand, column string, f Flow) string {
		switch {
		case column == "_chunked_idx":
			return strconv.Itoa(f.N)
		case slices.Contains(whole.Columns, column):
			return whole.Cell(r, column, f)
		}
		return ""
	}
}
