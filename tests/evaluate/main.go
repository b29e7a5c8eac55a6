// Command evaluate measures the judgement of tordetect on labelled flows:
//
//	go run ./tests/evaluate [-out dist] [-seeds 5]                 flows of our own generator
//	go run ./tests/evaluate [-relays TABLE] FLOWS.csv ...          flows of files
//	go run ./tests/evaluate -write FOLDER [-seeds 5]               only writes what would be measured
//	go run ./tests/evaluate day ...                                the app's searches over a day, see package day
//
// For every verdict, every evidence code and the usual ways of finding Tor
// (exit list only, any relay address, ports, the firewall's label, the bare
// pattern of names) it counts what was found rightly, wrongly and not at all,
// outbound and inbound apart, and gives precision and recall with 95% intervals
// (Wilson). The rows go through the search command itself (package judge), which
// sees no column of the truth.
//
// Without files it makes flows of two sets of seeds. From the tuning seeds it
// computes what each code's weight would be by measurement, beside the weight
// that package detect has. The figures of the report are of the held-out seeds,
// which no weight was ever set by. The generator makes rare things more often
// than they happen; so a flow counts by its case's base rate (see the table in
// tests/flows), and with files each counts once.
//
// Other kinds of logs of the same network (NetFlow, VPC flow logs, an explicit
// proxy, NAT64, sign-ins) are measured each by itself, in a table of their own;
// no other figure has a part of them.
//
// A file has a header. It is of our own generator (columns truth,
// truth_direction, case), or has label (tor, not_tor), kind, and start and end
// in place of _time. Its relay table lies beside it as tor_relays.csv, or is
// named. The report goes to stdout, and as evaluate.json into the
// folder -out. Exit code 0, 1 failed, 2 wrong usage.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"strings"

	"tordetect/tests/day"
	"tordetect/tests/flows"
)

func main() { os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }

// The seeds: no weight is ever set by those that are held out.
const (
	firstTuning  = 1
	firstHeldOut = 101
	mostSeeds    = firstHeldOut - firstTuning // or the two would meet
)

// options of a run.
type options struct {
	out, relays, internal, write string
	inside                       []netip.Prefix
	seeds                        int
	files                        []string
}

func run(args []string, _ io.Reader, stdout, stderr io.Writer) int {
	if len(args) > 0 && args[0] == "day" {
		return day.Run(args[1:], stdout, stderr)
	}
	o, err := parse(args, stderr)
	if err != nil {
		if !errors.Is(err, flag.ErrHelp) {
			fmt.Fprintln(stderr, "evaluate:", err)
		}
		return 2
	}
	if err := o.do(stdout); err != nil {
		fmt.Fprintln(stderr, "evaluate:", err)
		return 1
	}
	return 0
}

func parse(args []string, stderr io.Writer) (options, error) {
	var o options
	var inside string
	f := flag.NewFlagSet("evaluate", flag.ContinueOnError)
	f.SetOutput(stderr)
	f.StringVar(&o.out, "out", "dist", "folder for evaluate.json")
	f.StringVar(&o.relays, "relays", "", "relay table of the files; unset: tor_relays.csv beside each")
	f.StringVar(&o.internal, "internal", "", "the option internal= of tordetect for the files")
	f.StringVar(&inside, "inside", "10.0.0.0/8,172.16.0.0/12,192.168.0.0/16,fc00::/7,2001:db8:20::/48",
		"networks of ours: tells which way a flow of a file went, where the file does not say")
	f.IntVar(&o.seeds, "seeds", 5, "tuning seeds, and as many that are held out")
	f.StringVar(&o.write, "write", "", "folder for the generated flows and tables; nothing is measured")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	for word := range strings.SplitSeq(inside, ",") {
		p, err := netip.ParsePrefix(strings.TrimSpace(word))
		if err != nil {
			return o, fmt.Errorf("-inside: %w", err)
		}
		o.inside = append(o.inside, p)
	}
	o.files = f.Args()
	switch {
	case o.seeds < 1 || o.seeds > mostSeeds:
		return o, fmt.Errorf("-seeds %d: want 1 to %d", o.seeds, mostSeeds)
	case len(o.files) > 0 && o.write != "":
		return o, errors.New("-write takes no files: it writes generated flows")
	}
	return o, nil
}

func (o options) do(stdout io.Writer) error {
	if o.write != "" {
		return o.writeFlows(stdout)
	}
	r, err := o.measure()
	if err != nil {
		return err
	}
	r.text(stdout)
	data, err := r.json()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(o.out, 0o755); err != nil {
		return err
	}
	file := filepath.Join(o.out, "evaluate.json")
	if err := os.WriteFile(file, data, 0o644); err != nil {
		return err
	}
	fmt.Fprintf(stdout, "\n%s holds the same.\n", file)
	return nil
}

// measure makes the report, of files or of generated flows.
func (o options) measure() (*report, error) {
	if len(o.files) > 0 {
		var rows []row
		for _, name := range o.files {
			more, err := o.load(name)
			if err != nil {
				return nil, fmt.Errorf("evaluate %s: %w", name, err)
			}
			rows = append(rows, more...)
		}
		r := newReport(rows)
		r.Files = o.files
		return r, nil
	}
	heldOut, err := generated(firstHeldOut, o.seeds)
	if err != nil {
		return nil, err
	}
	tuning, err := generated(firstTuning, o.seeds)
	if err != nil {
		return nil, err
	}
	r := newReport(heldOut.border)
	r.Seeds, r.TuningSeeds = heldOut.seeds, tuning.seeds
	r.Tuning = tune(tuning.border)
	r.Logs = measureLogs(heldOut, tuning)
	return r, nil
}

// writeFlows writes a folder for each seed.
func (o options) writeFlows(stdout io.Writer) error {
	for _, first := range []uint64{firstTuning, firstHeldOut} {
		for i := range uint64(o.seeds) {
			set := flows.Generate(first + i)
			folder := filepath.Join(o.write, fmt.Sprint(set.Seed))
			if err := os.MkdirAll(folder, 0o755); err != nil {
				return err
			}
			files := map[string][]byte{"flows.csv": set.CSV(), "tor_relays.csv": set.Table()}
			for _, l := range set.Logs() {
				files[l.Name+".csv"] = l.CSV()
			}
			for name, content := range files {
				if err := os.WriteFile(filepath.Join(folder, name), content, 0o644); err != nil {
					return err
				}
			}
			fmt.Fprintf(stdout, "%s: %d flows, labels in the words of %s, internal=%s; other logs beside it\n", filepath.Join(folder, "flows.csv"), len(set.Flows), set.Vendor, set.Internal)
		}
	}
	return nil
}
