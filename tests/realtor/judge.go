package main

import (
	"bytes"
	"cmp"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"tordetect/tests/splunkd"
)

// judged makes flows of the capture, writes log and truth, lets app, scan and sensors
// judge, and prints what came of it. What must not be is the error.
func judged(o options, table string, noted *deeds, places map[netip.Addr]place, moved map[string]netip.Addr, say func(string, ...any), stdout io.Writer) error {
	all, err := flowsOf(filepath.Join(o.out, "capture.pcap"), noted, places)
	if err != nil {
		return err
	}
	label(all)
	log := firewallLog(all)
	rows, err := labelled(all)
	if err != nil {
		return err
	}
	logFile, flowFile := filepath.Join(o.out, "pan.log"), filepath.Join(o.out, "flows.csv")
	if err := errors.Join(os.WriteFile(logFile, log, 0o644), os.WriteFile(flowFile, rows, 0o644)); err != nil {
		return err
	}
	say("%d flows crossed the border", len(all))
	for what, relay := range moved {
		flows := 0
		for _, f := range all {
			if f.kind == toRelay && f.dst.Addr() == relay {
				flows++
			}
		}
		say("%d of them to the relay that %s", flows, what)
	}

	relays, err := os.ReadFile(table)
	if err != nil {
		return err
	}
	head, err := install(o.out, log, relays)
	if err != nil {
		return err
	}
	byEnds, err := byApp(head)
	if err != nil {
		return err
	}
	byScan, err := scanned(o, logFile, table)
	if err != nil {
		return err
	}
	for _, f := range all {
		key := keyOf(f.connection)
		f.app, f.scan = byEnds[key], byScan[key]
	}
	var wrong []string
	searches, more := searched(head, all)
	wrong = append(wrong, more...)
	sensors, more, err := sensed(o, table, all)
	if err != nil {
		return err
	}
	wrong = append(wrong, more...)
	wrong = append(wrong, faults(all)...)
	wrong = append(wrong, absent(all)...)

	fmt.Fprintf(stdout, "\n%s\n%s\n%s\n", byKind(all), searches, sensors)
	if err := compare(o, flowFile, stdout); err != nil {
		return err
	}
	if len(wrong) > 0 {
		return errors.New("wrong:\n  " + strings.Join(wrong, "\n  "))
	}
	return nil
}

func flowsOf(pcap string, noted *deeds, places map[netip.Addr]place) ([]*judgedFlow, error) {
	file, err := os.Open(pcap)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	found, err := summed(file)
	if err != nil {
		return nil, err
	}
	var all []*judgedFlow
	for _, c := range found {
		kind, tor, err := noted.truth(c, places)
		if err != nil {
			return nil, err
		}
		all = append(all, &judgedFlow{connection: c, kind: kind, tor: tor, sensor: map[string]string{}})
	}
	// A firewall logs a flow when it ends.
	slices.SortStableFunc(all, func(a, b *judgedFlow) int { return a.last.Compare(b.last) })
	return all, nil
}

// keyOf is what a flow is found again by in what was judged.
func keyOf(c *connection) string { return key(c.src.String(), c.dst.String(), c.proto) }

func key(src, dst, proto string) string { return src + " " + dst + " " + proto }

// install makes a search head with the package, the table and the log.
func install(folder string, log, relays []byte) (*splunkd.Head, error) {
	file, err := splunkd.PackageFile()
	if err != nil {
		return nil, err
	}
	folder = filepath.Join(folder, "splunk")
	if err := os.RemoveAll(folder); err != nil { // of a run before
		return nil, err
	}
	app, err := splunkd.Install(file, folder)
	if err != nil {
		return nil, err
	}
	lookup := app.Lookup("tor_relays.csv")
	if err := errors.Join(os.MkdirAll(filepath.Dir(lookup), 0o755), os.WriteFile(lookup, relays, 0o644)); err != nil {
		return nil, err
	}
	head := &splunkd.Head{App: app}
	if _, err := head.AddLog(bytes.NewReader(log)); err != nil {
		return nil, err
	}
	first, last, _ := head.Span()
	head.Now = last.Add(time.Second)
	head.Earliest, head.Latest = first, head.Now
	return head, nil
}

// byApp is the verdict of the packaged command on each event.
func byApp(head *splunkd.Head) (map[string]string, error) {
	result, err := head.Run("search sourcetype=pan:traffic | tordetect")
	if err != nil {
		return nil, err
	}
	found := map[string]string{}
	for _, row := range result.Rows {
		found[key(row.Get("src_ip")+":"+row.Get("src_port"), row.Get("dest_ip")+":"+row.Get("dest_port"), row.Get("transport"))] = row.Get("tor_verdict")
	}
	return found, nil
}

// scanned is the verdict of torctl scan on each event of a log.
func scanned(o options, log, table string) (map[string]string, error) {
	var stderr bytes.Buffer
	cmd := exec.Command(o.torctl, "scan", log, "--relays", table, "-o", "csv")
	cmd.Stderr = &stderr
	text, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("torctl scan %s: %w: %s", log, err, stderr.Bytes())
	}
	records, err := csv.NewReader(bytes.NewReader(text)).ReadAll()
	if err != nil {
		return nil, err
	}
	at := map[string]int{}
	for i, name := range records[0] {
		at[name] = i
	}
	found := map[string]string{}
	for _, r := range records[1:] {
		cell := func(name string) string { return r[at[name]] }
		k := key(cell("src_ip")+":"+cell("src_port"), cell("dest_ip")+":"+cell("dest_port"), strings.ToLower(cell("transport")))
		if rank(cell("tor_verdict")) > rank(found[k]) || found[k] == "" {
			found[k] = cell("tor_verdict") // the surest of a flow's events
		}
	}
	return found, nil
}

// rank orders verdicts; likely and above is what an analyst sees.
func rank(verdict string) int {
	return slices.Index([]string{"", "unknown", "none", "possible", "likely", "tor"}, verdict)
}

func found(verdict string) bool { return rank(verdict) >= rank("likely") }

// faults are the flows that were judged as they must not be.
func faults(all []*judgedFlow) (wrong []string) {
	for _, f := range all {
		what := fmt.Sprintf("%s, %s to %s from %s, %d and %d packets, which the firewall called %s: app %q, scan %q",
			f.kind, f.src, f.dst, f.first.UTC().Format(time.TimeOnly), f.out.packets, f.in.packets, f.label, f.app, f.scan)
		switch {
		case f.app != f.scan:
			wrong = append(wrong, "app and scan disagree: "+what)
		case mustFind[f.kind] && !found(f.app):
			wrong = append(wrong, "missed: "+what)
		case !f.tor && found(f.app):
			wrong = append(wrong, "called Tor: "+what)
		}
		for sensor, verdict := range f.sensor {
			switch {
			case mustFind[f.kind] && !found(verdict):
				wrong = append(wrong, fmt.Sprintf("missed in the log of %s (%q): %s", sensor, verdict, what))
			case !f.tor && found(verdict):
				wrong = append(wrong, fmt.Sprintf("called Tor in the log of %s (%q): %s", sensor, verdict, what))
			}
		}
	}
	return wrong
}

// absent are the kinds of which nothing was seen: what did not happen was not judged,
// and a run without it proves nothing.
func absent(all []*judgedFlow) (wrong []string) {
	for _, kind := range always {
		if !slices.ContainsFunc(all, func(f *judgedFlow) bool { return f.kind == kind }) {
			wrong = append(wrong, "nobody made a flow of the kind: "+kind)
		}
	}
	return wrong
}

// A question is a search of the app, and the flows that it is there for.
type question struct {
	search string
	asks   func(*judgedFlow) bool
}

var questions = []question{
	{"TOR Traffic", func(f *judgedFlow) bool { return f.label == "tor" }},
	{"Tor client that the firewall did not name", func(f *judgedFlow) bool { return f.kind != fromExit && f.label != "tor" }},
	{"Traffic from Tor exits", func(f *judgedFlow) bool { return f.kind == fromExit }},
}

// wrong says what is wrong with the number of flows that a search told: all that the
// list is enough for, and no more than are Tor's.
func (q *question) wrong(told int, all []*judgedFlow) []string {
	least, most := 0, 0
	for _, f := range all {
		if f.tor && q.asks(f) {
			most++
			if mustFind[f.kind] {
				least++
			}
		}
	}
	if least == 0 {
		return []string{q.search + " had nothing to find"}
	}
	if told < least || told > most {
		return []string{fmt.Sprintf("%s told %d flows, want %d to %d", q.search, told, least, most)}
	}
	return nil
}

// searched runs the app's searches over the log: each row must stand for Tor, and all
// of them for the flows that the search is there for.
func searched(head *splunkd.Head, all []*judgedFlow) (text string, wrong []string) {
	for _, q := range questions {
		result, err := head.RunSavedOver(q.search)
		if err != nil {
			wrong = append(wrong, fmt.Sprintf("%s: %v", q.search, err))
			continue
		}
		events := 0
		for _, row := range result.Rows {
			n, _ := strconv.Atoi(row.Get("count")) // no number: 0
			events += n
			src := cmp.Or(row.Get("src_ip"), row.Get("src"), strings.Join(row["exit"], " "))
			dest := cmp.Or(row.Get("dest_ip"), row.Get("dest"))
			if !slices.ContainsFunc(all, func(f *judgedFlow) bool {
				return f.tor && strings.Contains(src, f.src.Addr().String()) || f.tor && dest == f.dst.Addr().String()
			}) {
				wrong = append(wrong, fmt.Sprintf("%s found %s to %s, which is no Tor", q.search, src, dest))
			}
		}
		wrong = append(wrong, q.wrong(events, all)...)
		text += fmt.Sprintf("%s: %d rows of %d flows\n", q.search, len(result.Rows), events)
	}
	return text, wrong
}

// byKind is the table of kinds.
func byKind(all []*judgedFlow) string {
	type line struct {
		flows   int
		verdict map[string]int
	}
	kinds := map[string]*line{}
	var order []string
	for _, f := range all {
		if kinds[f.kind] == nil {
			kinds[f.kind] = &line{verdict: map[string]int{}}
			order = append(order, f.kind)
		}
		kinds[f.kind].flows++
		kinds[f.kind].verdict[f.app]++
	}
	slices.SortFunc(order, func(a, b string) int {
		return cmp.Or(cmp.Compare(strings.Index(a, "ordinary"), strings.Index(b, "ordinary")), strings.Compare(a, b))
	})
	var b strings.Builder
	fmt.Fprintf(&b, "%-62s %6s %6s %6s %8s %6s\n", "what really was", "flows", "tor", "likely", "possible", "none")
	for _, kind := range order {
		l := kinds[kind]
		fmt.Fprintf(&b, "%-62s %6d %6d %6d %8d %6d\n", kind, l.flows, l.verdict["tor"], l.verdict["likely"], l.verdict["possible"],
			l.verdict["none"]+l.verdict["unknown"])
	}
	return b.String()
}

// compare prints recall and precision of this network's flows beside those of the
// flows that package evaluate makes.
func compare(o options, flowFile string, stdout io.Writer) error {
	type measure struct {
		Group, Name, Direction string
		TP, FP, FN             int
		Precision, Recall      *struct{ Value float64 }
	}
	figures := func(folder string, args ...string) (map[string]measure, error) {
		if err := command("", o.evaluate, append([]string{"-out", folder}, args...)...); err != nil {
			return nil, err
		}
		text, err := os.ReadFile(filepath.Join(folder, "evaluate.json"))
		if err != nil {
			return nil, err
		}
		var report struct{ Measures []measure }
		if err := json.Unmarshal(text, &report); err != nil {
			return nil, err
		}
		out := map[string]measure{}
		for _, m := range report.Measures {
			out[m.Name+" "+m.Direction] = m
		}
		return out, nil
	}
	real, err := figures(o.out, "-internal", "10.20.0.0/16", flowFile)
	if err != nil {
		return err
	}
	made, err := figures(filepath.Join(o.out, "made"), "-seeds", "2")
	if err != nil {
		return err
	}
	percent := func(share *struct{ Value float64 }) string {
		if share == nil {
			return "-"
		}
		return fmt.Sprintf("%.1f%%", 100*share.Value)
	}
	fmt.Fprintf(stdout, "%-40s %17s %17s\n%-40s %8s %8s %8s %8s\n", "", "this network", "evaluate's flows", "", "recall", "prec.", "recall", "prec.")
	for _, name := range []string{"likely or above (50) outbound", "likely or above (50) inbound", "tor (score 80 and more) outbound", "tor (score 80 and more) inbound"} {
		r, m := real[name], made[name]
		fmt.Fprintf(stdout, "%-40s %8s %8s %8s %8s\n", name, percent(r.Recall), percent(r.Precision), percent(m.Recall), percent(m.Precision))
	}
	return nil
}
