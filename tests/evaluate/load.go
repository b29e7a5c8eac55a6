package main

import (
	"encoding/csv"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"tordetect/src/flow"
	"tordetect/src/relay"
	"tordetect/tests/evaluate/judge"
	"tordetect/tests/flows"
)

// row is a flow with its truth, what the command found, and what the usual ways
// need to know.
type row struct {
	judge.Finding
	truth     string // words of package flows
	direction string // outbound, inbound; relay: of our own, not counted
	kind      string // the generator's case, or the file's kind
	weight    float64
	// conversation is the same for records of one; empty where each is by itself.
	conversation string
	covered      bool // lists of its time are in the table

	destPort, app, sni, ja3 string
	listing                 listing
}

// listing is what the relay table says of a flow's addresses, either end, whatever
// the ports.
type listing struct {
	exit, relay bool // at that time
	ever        bool // a relay's at any time of the table
}

// capture is one set of flows: what the command reads, and the truth beside it.
type capture struct {
	relays   []byte
	args     []string
	header   []string
	rows     [][]string
	truth    []row // truth, direction and kind
	timeCols [2]string
}

// sets are the judged flows of some seeds: those of the border, and of each
// other log.
type sets struct {
	seeds  []uint64
	border []row
	logs   [][]row // in the order of flows.Logs
}

// generated makes and judges the flows of so many seeds. A flow's weight is how
// many of a million flows, at the border or of its log, it stands for.
func generated(first uint64, count int) (*sets, error) {
	out := &sets{logs: make([][]row, len(flows.Logs()))}
	for seed := first; seed < first+uint64(count); seed++ {
		set := flows.Generate(seed)
		rows, err := judged(set, flows.Columns, set.Flows, (*flows.Flow).Cells)
		if err != nil {
			return nil, fmt.Errorf("seed %d: %w", seed, err)
		}
		out.border = append(out.border, rows...)
		for i, l := range set.Logs() {
			rows, err := judged(set, l.Columns, l.Flows, l.Cells)
			if err != nil {
				return nil, fmt.Errorf("seed %d, %s: %w", seed, l.Name, err)
			}
			out.logs[i] = append(out.logs[i], rows...)
		}
		out.seeds = append(out.seeds, seed)
	}
	weigh(out.border, flows.Cases())
	for i, l := range flows.Logs() {
		weigh(out.logs[i], l.Cases)
	}
	return out, nil
}

// judged judges the flows of a log.
func judged(set *flows.Set, columns []string, of []flows.Flow, cells func(*flows.Flow) []string) ([]row, error) {
	t := capture{relays: set.Table(), args: []string{"internal=" + set.Internal}, header: columns, timeCols: [2]string{"start", "end"}}
	for i := range of {
		f := &of[i]
		t.rows = append(t.rows, cells(f)[:len(columns)])
		r := row{truth: f.Truth, direction: f.Direction, kind: f.CaseAndHalf()}
		if f.Conversation > 0 {
			r.conversation = fmt.Sprint(set.Seed, " ", f.Conversation)
		}
		t.truth = append(t.truth, r)
	}
	return t.judge()
}

// weigh gives each flow its share of its case's base rate.
func weigh(rows []row, cases []flows.Case) {
	made := map[string]int{}
	for i := range rows {
		made[caseOf(rows[i].kind)]++
	}
	rate := map[string]float64{}
	for _, c := range cases {
		rate[c.Name] = c.PerMillion
	}
	for i := range rows {
		name := caseOf(rows[i].kind)
		rows[i].weight = rate[name] / float64(made[name])
	}
}

// load reads and judges the flows of a file; each counts once.
func (o options) load(name string) ([]row, error) {
	t, err := o.read(name)
	if err != nil {
		return nil, err
	}
	rows, err := t.judge()
	for i := range rows {
		rows[i].weight = 1
	}
	return rows, err
}

func (o options) read(name string) (*capture, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	records, err := csv.NewReader(file).ReadAll()
	if err != nil {
		return nil, err
	}
	if len(records) < 2 {
		return nil, errors.New("it holds no flows")
	}
	relays := o.relays
	if relays == "" {
		relays = filepath.Join(filepath.Dir(name), "tor_relays.csv")
	}
	t := &capture{timeCols: [2]string{"start", "end"}}
	if t.relays, err = os.ReadFile(relays); err != nil {
		return nil, fmt.Errorf("read the relay table: %w", err)
	}
	if o.internal != "" {
		t.args = append(t.args, "internal="+o.internal)
	}
	if err := t.take(records, o.inside); err != nil {
		return nil, err
	}
	return t, nil
}

// take divides records into what the command may see and the truth.
func (t *capture) take(records [][]string, inside []netip.Prefix) error {
	at := map[string]int{}
	for i, column := range records[0] {
		at[column] = i
	}
	hidden, wanted := flows.TruthColumns, []string(nil) // of our own form
	_, own := at["truth"]
	if !own {
		hidden, wanted = []string{"label", "kind"}, []string{"src_ip", "dest_ip"}
		if _, ok := at["_time"]; !ok {
			t.args = append(t.args, "first=start", "last=end")
		}
	}
	for _, name := range slices.Concat(hidden, wanted) {
		if _, ok := at[name]; !ok {
			return fmt.Errorf("it has no column %s: want those of our generator (%s) or label and kind", name, strings.Join(flows.TruthColumns, ", "))
		}
	}
	var seen []int
	for i, column := range records[0] {
		if !slices.Contains(hidden, column) {
			seen = append(seen, i)
			t.header = append(t.header, column)
		}
	}
	for i, r := range records[1:] {
		cells := make([]string, len(seen))
		for j, c := range seen {
			cells[j] = r[c]
		}
		t.rows = append(t.rows, cells)
		var truth row
		if own {
			truth = row{truth: r[at["truth"]], direction: r[at["truth_direction"]], kind: r[at["case"]]}
		} else {
			truth = row{truth: r[at["label"]], direction: way(r[at["src_ip"]], inside), kind: r[at["kind"]]}
		}
		if !slices.Contains([]string{flows.Tor, flows.NotTor, flows.Leak}, truth.truth) {
			return fmt.Errorf("row %d: the truth is %q: want %s or %s", i+1, truth.truth, flows.Tor, flows.NotTor)
		}
		t.truth = append(t.truth, truth)
	}
	return nil
}

// way is outbound if the source is ours.
func way(src string, inside []netip.Prefix) string {
	if a, err := netip.ParseAddr(src); err == nil {
		for _, p := range inside {
			if p.Contains(a.Unmap()) {
				return "outbound"
			}
		}
	}
	return "inbound"
}

// judge runs the command over the rows and looks their addresses up.
func (t *capture) judge() ([]row, error) {
	found, err := judge.Rows(t.relays, t.args, t.header, t.rows)
	if err != nil {
		return nil, err
	}
	relays, err := relay.Parse(string(t.relays))
	if err != nil {
		return nil, fmt.Errorf("read the relay table: %w", err)
	}
	at := map[string]int{}
	for i, column := range t.header {
		at[column] = i
	}
	for i, cells := range t.rows {
		cell := func(names ...string) string {
			for _, name := range names {
				if c, ok := at[name]; ok && cells[c] != "" {
					return cells[c]
				}
			}
			return ""
		}
		r := &t.truth[i]
		r.Finding = found[i]
		r.destPort, r.app, r.sni, r.ja3 = cell("dest_port", "dstport"), cell("app"), cell("sni", "ssl_sni"), cell("ja3")
		last := cell("lastTime", t.timeCols[1], "_time")
		first := cell("firstTime", t.timeCols[0])
		if first == "" {
			first = minus(last, cell("duration"))
		}
		during := flow.Interval{From: seconds(first), To: seconds(last)}
		r.listing = lookUp(relays, cell("src_ip", "src", "srcaddr")+"\n"+cell("dest_ip", "dest", "dstaddr"), during)
		r.covered = relays.Coverage(during) == flow.CoverageFull
	}
	return t.truth, nil
}

func seconds(text string) int64 {
	s, _ := strconv.ParseFloat(text, 64) // unreadable: 1970, when nothing was listed
	return int64(s)
}

func minus(end, duration string) string {
	return fmt.Sprint(seconds(end) - seconds(duration))
}

// lookUp is what a plain lookup by address finds. Where the table has no exit
// lists, the flag stands in for them.
func lookUp(t *relay.Table, addresses string, at flow.Interval) listing {
	var out listing
	for text := range strings.SplitSeq(addresses, "\n") {
		a, err := netip.ParseAddr(text)
		if err != nil {
			continue
		}
		for _, l := range t.Lookup(nil, a.Unmap(), at) {
			now := l.When == flow.Listed || l.When == flow.Spanned
			out.ever = out.ever || l.Kind == flow.ORPort
			out.relay = out.relay || now && l.Kind == flow.ORPort
			flagged := len(t.ExitLists()) == 0 && l.Kind == flow.ORPort && l.Flags&flow.Exit != 0
			out.exit = out.exit || now && (l.Kind == flow.ExitAddress || flagged)
		}
	}
	return out
}
