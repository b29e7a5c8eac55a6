package day

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"tordetect/src/relay"
	"tordetect/tests/splunkd"
)

// options of a run.
type options struct {
	out, relays, digest, write, local string
	keep                              bool
	seed                              uint64
	size                              Size
	price                             time.Duration
	file                              string
}

// Run is the verb: it prints the tellings and the summary to stdout, a JSON object a line, and tables for people to stderr.
// It returns the exit code: 0, 1 failed, 2 wrong usage. How many were found is no failure.
func Run(args []string, stdout, stderr io.Writer) int {
	o, err := parseArgs(args, stderr)
	if err != nil {
		if !errors.Is(err, flag.ErrHelp) {
			fmt.Fprintln(stderr, "evaluate day:", err)
		}
		return 2
	}
	if err := o.do(stdout, stderr); err != nil {
		fmt.Fprintln(stderr, "evaluate day:", err)
		return 1
	}
	return 0
}

func parseArgs(args []string, stderr io.Writer) (options, error) {
	var o options
	f := flag.NewFlagSet("evaluate day", flag.ContinueOnError)
	f.SetOutput(stderr)
	f.StringVar(&o.out, "out", "dist", "folder for day.jsonl")
	f.StringVar(&o.relays, "relays", "", "relay table of a day of one's own")
	f.BoolVar(&o.keep, "json", false, "keep the output as day.jsonl")
	f.Uint64Var(&o.seed, "seed", 1, "of the day that is made")
	f.Float64Var(&o.size.Share, "share", 1, "of the hosts of the day that is made, from 0 to 1")
	f.IntVar(&o.size.Ordinary, "ordinary", 500, "ordinary connections an hour of the day that is made")
	f.StringVar(&o.digest, "digest", "whole", "what suppression by fields does in digest mode: whole silences the search, fields leaves out what was told")
	f.DurationVar(&o.price, "price", 250*time.Millisecond, "of an action")
	f.StringVar(&o.local, "local", "", "folder of conf files that are laid over the app's, as a site's local/ is")
	f.StringVar(&o.write, "write", "", "folder for the day that is made, day.jsonl and tor_relays.csv; nothing is played")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	// Flags may follow the file, as build.sh's verbs have it.
	if f.NArg() > 0 {
		o.file = f.Arg(0)
		if err := f.Parse(f.Args()[1:]); err != nil {
			return o, err
		}
	}
	switch {
	case f.NArg() > 0:
		return o, fmt.Errorf("%q is one argument too many: want one file of events", f.Arg(0))
	case o.digest != "whole" && o.digest != "fields":
		return o, fmt.Errorf("-digest %q: want whole or fields", o.digest)
	case o.size.Share <= 0 || o.size.Share > 1:
		return o, fmt.Errorf("-share %g: want more than 0, and at most 1", o.size.Share)
	case o.size.Ordinary < 0 || o.size.Ordinary > 100_000:
		return o, fmt.Errorf("-ordinary %d: want 0 to 100000", o.size.Ordinary)
	case o.price < 0:
		return o, fmt.Errorf("-price %s: want 0 or more", o.price)
	case o.relays != "" && o.file == "":
		return o, errors.New("-relays goes with a file of events: the day that is made has relays of its own")
	case o.write != "" && o.file != "":
		return o, errors.New("-write takes no file: it writes the day that is made")
	}
	return o, nil
}

func (o options) do(stdout, stderr io.Writer) error {
	d, relays, err := o.day()
	if err != nil {
		return err
	}
	if o.write != "" {
		return o.writeDay(d)
	}
	if o.keep {
		if err := os.MkdirAll(o.out, 0o755); err != nil {
			return err
		}
		file, err := os.Create(filepath.Join(o.out, "day.jsonl"))
		if err != nil {
			return err
		}
		defer file.Close()
		stdout = io.MultiWriter(stdout, file)
	}
	pack, err := splunkd.PackageFile()
	if err != nil {
		return err
	}
	out := json.NewEncoder(stdout)
	out.SetEscapeHTML(false)
	var tellings []Telling
	all, days, err := Play(d, relays, Options{Package: pack, Local: o.local, DigestFields: o.digest == "fields", Price: o.price}, func(t Telling) error {
		tellings = append(tellings, t)
		return out.Encode(told{t.Search, t.At.Unix(), plainRow(t.Row)})
	})
	if err != nil {
		return err
	}
	s := Measure(d, tellings, all, days)
	s.Digest = map[string]string{"whole": "the whole search", "fields": "those that were told"}[o.digest]
	if o.file == "" {
		s.Seed = &o.seed
	}
	if err := out.Encode(map[string]*Summary{"summary": s}); err != nil {
		return err
	}
	s.Text(stderr)
	return nil
}

// told is a line of the output.
type told struct {
	Search string         `json:"search"`
	Run    int64          `json:"run"`
	Row    map[string]any `json:"row"`
}

// plainRow has a text for a value, and a list for several.
func plainRow(row splunkd.Row) map[string]any {
	out := map[string]any{}
	for name, value := range row {
		switch len(value) {
		case 0:
		case 1:
			out[name] = value[0]
		default:
			out[name] = []string(value)
		}
	}
	return out
}

// day makes the day, or reads one's own with its relay table.
func (o options) day() (*Day, []byte, error) {
	if o.file == "" {
		return Generate(o.seed, o.size), nil, nil
	}
	file, err := os.Open(o.file)
	if err != nil {
		return nil, nil, fmt.Errorf("read the events: %w", err)
	}
	defer file.Close()
	events, err := Read(file)
	if err != nil {
		return nil, nil, fmt.Errorf("read the events of %s: %w", o.file, err)
	}
	byIndex(events)
	if o.relays == "" {
		return &Day{Events: events}, nil, nil
	}
	relays, err := os.ReadFile(o.relays)
	if err != nil {
		return nil, nil, fmt.Errorf("read the relay table: %w", err)
	}
	if _, err := relay.Parse(string(relays)); err != nil {
		return nil, nil, fmt.Errorf("read the relay table %s: %w", o.relays, err)
	}
	return &Day{Events: events}, relays, nil
}

// writeDay writes the events and the table of the last hour.
func (o options) writeDay(d *Day) error {
	if err := os.MkdirAll(o.write, 0o755); err != nil {
		return err
	}
	_, last := span(d.Events)
	relays, err := d.network.table(last)
	if err != nil {
		return err
	}
	if err := write(filepath.Join(o.write, "tor_relays.csv"), relays); err != nil {
		return err
	}
	file, err := os.Create(filepath.Join(o.write, "day.jsonl"))
	if err != nil {
		return err
	}
	return errors.Join(Write(file, d.Events), file.Close())
}
