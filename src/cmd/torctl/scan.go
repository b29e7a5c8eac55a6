package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
	_ "time/tzdata" // zones by name where the system has none: Windows, small containers

	"github.com/spf13/cobra"

	"tordetect/src/terminal"
	"tordetect/src/trafficlog"
)

// scanOptions is what the flags of scan say.
type scanOptions struct {
	files    []string
	log      trafficlog.Options
	form     string
	relays   string // path of the relay table
	named    bool   // by the user, so it has to be there
	internal string // networks, commas between
	minScore int
	failOn   string // a verdict, or empty
	version  string
	now      time.Time
}

// Scores from which on a form shows flows. A person wants findings; a program
// gets every flow, as from the search command.
const (
	minScoreTable = 20 // "possible"
	minScoreData  = 0
)

func scanCommand(t *terminal.Terminal, now func() time.Time) *cobra.Command {
	o := scanOptions{version: version}
	var format, zone string
	c := &cobra.Command{
		Use:   "scan FILE...",
		Short: "Find Tor in log files, judged as in Splunk",
		Long: `Reads logs of Palo Alto firewalls (TRAFFIC), Zeek (conn, ssl, dns, http), Suricata
(eve.json), and CSV or JSON lines with CIM names, such as the files of outputcsv.
Plain or gzip; "-" is stdin. Each file's format is found by looking at it.

Each flow is judged by the code of the search command tordetect, against the
relay table and, for flows older than that, the history beside it
(tor_relays_history.csv beside tor_relays.csv). "Not found" means something only
where the table covers the time of a flow: the summary says for how many it does.

Lines that cannot be read are named, counted and left out; --strict stops at the
first.`,
		Example: `  torctl scan pan.log --relays tor_relays.csv
  torctl scan /var/log/zeek/2026-11-20/*.log.gz -o csv > flows.csv
  zcat eve.json.1.gz | torctl scan - --format suricata -o json --min-score 50
  torctl scan pan.log -o html > report.html
  torctl scan pan.log --zone Europe/Berlin --internal 10.0.0.0/8,192.0.2.0/24
  torctl scan pan.log --fail-on likely || echo "exit code $?"`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, files []string) error {
			o.files, o.now = files, now()
			o.log.Now = o.now
			if err := o.check(format, zone, c.Flags().Changed("min-score"), c.Flags().Changed("relays")); err != nil {
				return err
			}
			return scanFiles(t, c.InOrStdin(), o)
		},
	}
	f := c.Flags()
	f.StringVar(&format, "format", "auto", "format of all files: auto, pan, zeek, suricata, csv or json")
	f.StringVarP(&o.form, "output", "o", formTable, outputHelp+"table (one row for each pair of ends), json or csv (one for each flow), or html (a report of one page)")
	f.StringVar(&o.relays, "relays", defaultTable, relaysHelp)
	f.IntVar(&o.minScore, "min-score", 0, "leave out flows below this score (default 20 for table and html, 0 for json and csv)")
	f.StringVar(&o.internal, "internal", "", "the site's own networks: a listed relay in them is ours, as in 10.0.0.0/8,2001:db8::/32")
	f.StringVar(&o.failOn, "fail-on", "", "exit with 3 if a flow has this verdict or a surer one: tor, likely or possible")
	f.StringVar(&zone, "zone", "UTC", "time zone of logs that name none (Palo Alto): UTC, local, +02:00 or a name such as Europe/Berlin")
	f.BoolVar(&o.log.Strict, "strict", false, "stop at the first line or file that cannot be read")
	return c
}

// check reads what flags say in words.
func (o *scanOptions) check(format, zone string, scored, named bool) error {
	var err error
	if err = checkForm(o.form, formTable, formJSON, formCSV, formHTML); err != nil {
		return err
	}
	if o.log.Format, err = trafficlog.ParseFormat(format); err != nil {
		return err
	}
	if o.log.Zone, err = parseZone(zone); err != nil {
		return err
	}
	o.named = named
	switch {
	case scored && (o.minScore < 0 || o.minScore > 99):
		return fmt.Errorf("bad score %d: want a whole number from 0 to 99", o.minScore)
	case !scored && (o.form == formTable || o.form == formHTML):
		o.minScore = minScoreTable
	case !scored:
		o.minScore = minScoreData
	}
	if o.failOn != "" && verdictRank(o.failOn) < rankPossible {
		return fmt.Errorf("bad verdict %q: want tor, likely or possible", o.failOn)
	}
	stdin := 0
	for _, file := range o.files {
		if file == "-" {
			stdin++
		}
	}
	if stdin > 1 {
		return errors.New("stdin (-) can be read only once")
	}
	return nil
}

// parseZone reads the name of a time zone, or an offset.
func parseZone(name string) (*time.Location, error) {
	switch {
	case strings.EqualFold(name, "local"):
		return time.Local, nil
	case name != "" && (name[0] == '+' || name[0] == '-'):
		for _, form := range []string{"-07:00", "-0700", "-07"} {
			if at, err := time.Parse(form, name); err == nil {
				_, offset := at.Zone()
				return time.FixedZone(name, offset), nil
			}
		}
	case name != "":
		if zone, err := time.LoadLocation(name); err == nil {
			return zone, nil
		}
	}
	return nil, fmt.Errorf("bad time zone %q: want UTC, local, an offset such as +02:00 or a name such as Europe/Berlin", name)
}

// torFound is the error of --fail-on: the work was done, and it found Tor.
type torFound struct{ error }

// scanFiles reads the files, judges their flows and writes what was found.
func scanFiles(t *terminal.Terminal, stdin io.Reader, o scanOptions) error {
	if _, err := os.Stat(o.relays); errors.Is(err, fs.ErrNotExist) && (o.named || o.failOn != "") {
		return failed(fmt.Errorf("%s: no such relay table; torctl relays import or update makes one", o.relays))
	}
	j, err := newJudge(o)
	if err != nil {
		return err
	}
	out := newReport(t, o)
	bar := t.Bytes(totalSize(o.files))
	s, err := j.run(stdin, bar, out.add)
	bar.Done()
	var complaint *trafficlog.Complaint
	if errors.As(err, &complaint) {
		return failed(fmt.Errorf("%s; stopped here (--strict)", printable(err.Error())))
	}
	if err != nil {
		return failed(err)
	}
	if err := out.finish(s); err != nil {
		return failed(fmt.Errorf("write the results: %w", err))
	}
	saySummary(t, s)
	if o.failOn != "" {
		if n := s.atLeast(verdictRank(o.failOn)); n > 0 {
			return torFound{fmt.Errorf("%s of verdict %s or surer", counted(n, "flow"), o.failOn)}
		}
	}
	if n := s.Read.BadFiles; n > 0 {
		return failed(fmt.Errorf("%d of %s could not be read, or not to the end", n, counted(int64(s.Read.Files), "file")))
	}
	return nil
}

// newReport returns the report of a form.
func newReport(t *terminal.Terminal, o scanOptions) report {
	switch o.form {
	case formJSON:
		return newJSONReport(t.Out())
	case formCSV:
		return newCSVReport(t.Out())
	case formHTML:
		return newHTMLReport(t.Out(), o.files)
	}
	return &tableReport{t: t, minScore: o.minScore}
}

// openLog opens a log file. A folder is refused here, as reading it fails late.
func openLog(path string, stdin io.Reader) (io.ReadCloser, error) {
	if path == "-" {
		return io.NopCloser(stdin), nil
	}
	f, err := os.Open(path)
	if err != nil {
		var cause *fs.PathError
		if errors.As(err, &cause) {
			err = cause.Err // the path stands in front of the message already
		}
		return nil, err
	}
	if info, err := f.Stat(); err == nil && info.IsDir() {
		f.Close()
		return nil, errors.New("is a folder: name the files in it")
	}
	return f, nil
}

// logName is a file's name in messages and results.
func logName(path string) string {
	if path == "-" {
		return "stdin"
	}
	return filepath.ToSlash(path)
}

// totalSize is the size of all files together; 0 if one of them has none to tell.
func totalSize(files []string) int64 {
	total := int64(0)
	for _, file := range files {
		info, err := os.Stat(file)
		switch {
		case file == "-":
			return 0
		case err != nil || info.IsDir(): // will be complained about
		case !info.Mode().IsRegular():
			return 0
		default:
			total += info.Size()
		}
	}
	return total
}
