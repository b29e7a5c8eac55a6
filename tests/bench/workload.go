//go:build linux

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
)

// A workload is what one search sends through the command.
type workload struct {
	Name    string  `json:"name"`
	Group   string  `json:"group"` // what it is measured for; a name on the command line as well
	Rows    int     `json:"rows"`  // of each chunk
	Chunks  int     `json:"chunks"`
	Tor     float64 `json:"tor_percent"`
	Relays  int     `json:"relays"`      // rows of the relay table
	History int     `json:"history"`     // rows of the history beside it
	Old     float64 `json:"old_percent"` // rows of traffic that only the history knows
	Newer   int64   `json:"newer"`       // seconds by which the rows are newer than the table
	Columns int     `json:"columns"`     // without their lists
	Request int64   `json:"request"`     // bytes of a chunk
	Narrow  bool    `json:"narrow"`      // only the columns that tordetect asks for
	shape   shape
	with    []string // names of variants
}

const (
	someRows   = 50_000 // maxresultrows: what splunkd sends at most at once
	someRelays = 27_000 // a week of hourly lists
)

var (
	everyone = []string{"tordetect", "other", "splunklib", "csv", "chunked", "echo", "cat"}
	most     = []string{"tordetect", "other", "splunklib", "csv", "echo"}
)

// workloads are all that is measured but start-up. The four of the group base
// differ from the others in one thing each: that is how cost grows with it.
func workloads() []workload {
	base := func(name string, s shape) workload {
		return workload{Name: name, Group: "base", shape: s, Rows: someRows, Chunks: 1, Tor: 1, Relays: someRelays, with: everyone}
	}
	list := []workload{base("events", events), base("tstats", tstats), base("conn", conn), base("ssl", ssl)}
	vary := func(name, group string, s shape, change func(w *workload)) {
		w := base(name, s)
		w.Group, w.with = group, most
		change(&w)
		list = append(list, w)
	}
	for _, tor := range []float64{0, 100} {
		vary(fmt.Sprintf("events-tor%g", tor), "tor", events, func(w *workload) { w.Tor = tor })
		vary(fmt.Sprintf("tstats-tor%g", tor), "tor", tstats, func(w *workload) { w.Tor = tor })
	}
	vary("tstats-relays100k", "relays", tstats, func(w *workload) { w.Relays = 100_000 })
	vary("tstats-history400k", "relays", tstats, func(w *workload) { w.History, w.Old = 400_000, 10 })
	vary("tstats-rows10k", "rows", tstats, func(w *workload) { w.Rows = 10_000 })
	vary("tstats-rows200k", "rows", tstats, func(w *workload) { w.Chunks = 4 })
	vary("events-rows10k", "rows", events, func(w *workload) { w.Rows = 10_000 })
	vary("events-rows200k", "rows", events, func(w *workload) { w.Chunks = 4 })
	for _, n := range []int{12, 24, 96, 192} {
		vary(fmt.Sprintf("events-columns%d", n), "columns", events.wide(n), func(w *workload) {})
	}
	// As a search over millions of rows meets them: several chunks, times with
	// fractions, and a table that is kept or is not.
	pair := func(name string, s shape, newer int64) {
		vary(name, "pairs", s.fractions(), func(w *workload) { w.Chunks, w.Newer = 2, newer })
	}
	pair("tstats-pair", tstats, 0)
	pair("tstats-stale", tstats, 2*hour)
	pair("events-pair", events, 0)
	pair("events-stale", events, 2*hour)
	vary("events-narrow", "narrow", events, func(w *workload) { w.Narrow, w.with = true, []string{"tordetect", "other", "echo"} })
	for i := range list {
		list[i].Columns = len(list[i].shape.columns)
	}
	return list
}

// choose returns the workloads of these names or groups, all without a name,
// and whether start-up is among them.
func choose(names []string) (chosen []workload, starts bool, err error) {
	all := workloads()
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

// network is a relay table and the relays that traffic can go to.
type network struct {
	folder string // laid out as the package: bin, lookups
	relays []relay
	old    []relay // of the history
	tables []string
}

// install lays out a folder as the package does, with the program, its launcher
// and tables of so many rows; without rows there is no table.
func (b *bench) install(relays, history int) (*network, error) {
	for _, n := range b.networks {
		if n.size == [2]int{relays, history} {
			return n.network, nil
		}
	}
	n := &network{folder: filepath.Join(b.folder, fmt.Sprintf("app-%d-%d", relays, history))}
	bin, lookups := filepath.Join(n.folder, "bin"), filepath.Join(n.folder, "lookups")
	for _, folder := range []string{bin, lookups} {
		if err := os.MkdirAll(folder, 0o755); err != nil {
			return nil, err
		}
	}
	copies := []struct{ from, to string }{
		{b.binary, filepath.Join(bin, "tordetect-linux-"+runtime.GOARCH)},
		{b.launcher, filepath.Join(bin, "tordetect.sh")},
	}
	if b.other != "" {
		copies = append(copies, struct{ from, to string }{b.other, filepath.Join(bin, "other")})
	}
	for _, c := range copies {
		program, err := os.ReadFile(c.from)
		if err != nil {
			return nil, err
		}
		if err := os.WriteFile(c.to, program, 0o755); err != nil {
			return nil, err
		}
	}
	write := func(name string, rows int, from, to int64) ([]relay, error) {
		text, relays := table(rows, from, to)
		path := filepath.Join(lookups, name)
		n.tables = append(n.tables, path)
		return relays, os.WriteFile(path, []byte(text), 0o644)
	}
	var err error
	if relays > 0 {
		if n.relays, err = write("tor_relays.csv", relays, noon-week, noon); err != nil {
			return nil, err
		}
	}
	if history > 0 {
		if n.old, err = write("tor_relays_history.csv", history, noon-year, noon-week); err != nil {
			return nil, err
		}
	}
	b.networks = append(b.networks, installed{[2]int{relays, history}, n})
	return n, nil
}

type installed struct {
	size    [2]int
	network *network
}

func (n *network) program() string {
	return filepath.Join(n.folder, "bin", "tordetect-linux-"+runtime.GOARCH)
}

// flows draws those of a chunk.
func (w *workload) flows(n *network) []flow {
	out := flows(w.Rows, w.Tor, noon+w.Newer, n.relays)
	if w.Old > 0 {
		// A chunk of old traffic, dealt out among the new.
		step := int(100 / w.Old)
		old := flows(w.Rows/step, w.Tor, noon-30*day, n.old)
		for i := range old {
			old[i].n = i * step
			out[i*step] = old[i]
		}
	}
	return out
}

// requests are all that splunkd sends: getinfo, the chunks, and an empty last one.
func (w *workload) requests(flows []flow) [][]byte {
	frame := w.shape.frame(flows)
	w.Request = int64(len(frame))
	w.Columns = len(w.shape.columns)
	out := [][]byte{probe()}
	if w.Narrow {
		out[0] = probe("narrow=true")
	}
	out = append(out, slices.Repeat([][]byte{frame}, w.Chunks)...)
	return append(out, frameOf(last, w.shape.header()))
}

// narrow leaves the columns that the program asks for with narrow=true, and adds
// the one by which splunkd joins the reply to what it kept. Columns that it asks
// for and that are not there are sent all the same, empty.
func (b *bench) narrow(w *workload, n *network) error {
	var declared struct {
		Fields []string `json:"required_fields"`
	}
	var bad error
	ours := variant{argv: []string{n.program()}}
	_, err := b.driver.run(ours, [][]byte{probe("narrow=true")}, func(_ int, metadata, _ []byte) {
		bad = json.Unmarshal(metadata, &declared)
	})
	if err := errors.Join(err, bad); err != nil {
		return err
	}
	if len(declared.Fields) == 0 {
		return errors.New("the program declares no fields for narrow=true")
	}
	whole := w.shape
	w.shape.columns = append(declared.Fields, "_chunked_idx")
	w.shape.cell = func(r *rand.Rand, column string, f flow) string {
		switch {
		case column == "_chunked_idx":
			return strconv.Itoa(f.n)
		case slices.Contains(whole.columns, column):
			return whole.cell(r, column, f)
		}
		return ""
	}
	return nil
}

// variants are the programs of these names that can be had here.
func (b *bench) variants(n *network, names []string) []variant {
	tables := ""
	for i, path := range n.tables {
		if i > 0 {
			tables += string(os.PathListSeparator)
		}
		tables += path
	}
	env := []string{tablesVariable + "=" + tables}
	var out []variant
	for _, name := range names {
		if len(b.only) > 0 && !slices.Contains(b.only, name) {
			continue
		}
		switch name {
		case "tordetect":
			out = append(out, variant{name: name, argv: []string{n.program()}})
		case "other":
			if b.other != "" {
				out = append(out, variant{name: name, argv: []string{filepath.Join(n.folder, "bin", "other")}})
			}
		case "launcher":
			out = append(out, variant{name: name, argv: []string{filepath.Join(n.folder, "bin", "tordetect.sh")}})
		case "splunklib":
			if b.python != "" {
				out = append(out, variant{name: name, argv: []string{b.python, b.script}, env: env})
			}
		case "cat":
			out = append(out, variant{name: name, argv: []string{"cat"}, free: true})
		case "profiled":
			out = append(out, variant{name: name, argv: []string{b.self, "-be", name}, env: []string{
				lookupsVariable + "=" + filepath.Join(n.folder, "lookups"), profileVariable + "=" + b.profile}})
		default:
			out = append(out, variant{name: name, argv: []string{b.self, "-be", name}, env: env})
		}
	}
	return out
}
