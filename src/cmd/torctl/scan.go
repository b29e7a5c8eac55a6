package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"time"
	_ "time/tzdata" // zones by name where the system has none: Windows, small containers

	"github.com/spf13/cobra"

	"tordetect/src/detect"
	"tordetect/src/format"
	"tordetect/src/report"
	"tordetect/src/report/html"
	"tordetect/src/scan"
	"tordetect/src/terminal"
	"tordetect/src/text"
)

// scanOptions is what the flags of scan say.
type scanOptions struct {
	scan.Options
	form   string
	named  bool   // the relay table, by the user, so it has to be there
	failOn string // a verdict, or empty
}

// Scores from which on a form shows flows. A person wants findings; a program
// gets every flow, as from the search command.
const (
	minScoreTable = 20 // "possible"
	minScoreData  = 0
)

func scanCommand(t *terminal.Terminal, now func() time.Time) *cobra.Command {
	o := scanOptions{Options: scan.Options{Version: version}}
	var zone string
	c := &cobra.Command{
		Use:   "scan FILE...",
		Short: "Find Tor in log files, judged as in Splunk",
		Long: `Reads logs of Palo Alto firewalls (TRAFFIC, THREAT url), FortiGate (traffic), Zeek
(conn, ssl, dns, http), Suricata (eve.json), and CSV with a header, JSON lines or
JSON documents with the names of these, of CIM, ECS, NetFlow and others, such as the
files of outputcsv. Behind syslog headers and in shippers' objects or not, plain or
gzip; "-" is stdin. Each file's format is found by looking at it.

Each flow is judged by the code of the search command tordetect, against the
relay table and, for flows older than that, the history beside it
(tor_relays_history.csv beside tor_relays.csv). "Not found" means something only
where the table covers the time of a flow: the summary says for how many it does.

Events of one connection, as Zeek's conn, ssl and dns with one uid, are one flow in
the table, the page and the counts; json and csv have a row for each event.

Lines that cannot be read are named, counted and left out; of one that was cut counts
what stands before the cut. --strict stops at the first. Where a file could not be read
to its end, or nothing was a flow, the exit code is 1.`,
		Example: `  torctl scan pan.log --relays tor_relays.csv
  torctl scan /var/log/zeek/2026-11-20/*.log.gz -o csv > flows.csv
  zcat eve.json.1.gz | torctl scan - --format suricata -o json --min-score 50
  torctl scan pan.log -o html > report.html
  torctl scan pan.log --zone Europe/Berlin --internal 10.0.0.0/8,192.0.2.0/24
  torctl scan pan.log --fail-on likely || echo "exit code $?"`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, files []string) error {
			o.Files, o.Now = files, now()
			if err := o.check(zone, c.Flags().Changed("min-score"), c.Flags().Changed("relays")); err != nil {
				return err
			}
			return scanFiles(c.Context(), t, c.InOrStdin(), o)
		},
	}
	f := c.Flags()
	f.StringVar(&o.Format, "format", "auto", "format of all files: "+text.Or(format.Names()))
	f.StringVarP(&o.form, "output", "o", terminal.FormTable, outputHelp+"table (one row for each pair of ends), json or csv (one for each event), or html (a report of one page)")
	f.StringVar(&o.Relays, "relays", defaultTable, relaysHelp)
	f.IntVar(&o.MinScore, "min-score", 0, "leave out flows below this score (default 20 for table and html, 0 for json and csv)")
	f.StringVar(&o.Internal, "internal", "", "the site's own networks: a listed relay in them is ours, as in 10.0.0.0/8,2001:db8::/32")
	f.StringVar(&o.failOn, "fail-on", "", "exit with 3 if a flow has this verdict or a surer one: tor, likely or possible")
	f.StringVar(&zone, "zone", "", "time zone of times that name none: UTC, local, +02:00 or a name such as Europe/Berlin (without it those of Palo Alto and Microsoft 365 are UTC, and others are no times)")
	f.BoolVar(&o.Strict, "strict", false, "stop at the first line or file that cannot be read")
	return c
}

// check reads what flags say in words.
func (o *scanOptions) check(zone string, scored, named bool) error {
	var err error
	if err = checkForm(o.form, terminal.FormTable, terminal.FormJSON, terminal.FormCSV, formHTML); err != nil {
		return err
	}
	if _, err = format.ParseFormat(o.Format); err != nil {
		return err
	}
	if zone != "" {
		if o.Zone, err = parseZone(zone); err != nil {
			return err
		}
	}
	o.named = named
	switch {
	case scored && (o.MinScore < 0 || o.MinScore > 99):
		return fmt.Errorf("bad score %d: want a whole number from 0 to 99", o.MinScore)
	case !scored && (o.form == terminal.FormTable || o.form == formHTML):
		o.MinScore = minScoreTable
	case !scored:
		o.MinScore = minScoreData
	}
	if _, ok := parseVerdict(o.failOn); o.failOn != "" && !ok {
		return fmt.Errorf("bad verdict %q: want tor, likely or possible", o.failOn)
	}
	stdin := 0
	for _, file := range o.Files {
		if file == "-" {
			stdin++
		}
	}
	if stdin > 1 {
		return errors.New("stdin (-) can be read only once")
	}
	return nil
}

// parseVerdict reads a verdict that says Tor.
func parseVerdict(word string) (detect.Verdict, bool) {
	for v := detect.VerdictPossible; v <= detect.VerdictTor; v++ {
		if word == v.String() {
			return v, true
		}
	}
	return 0, false
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
func scanFiles(ctx context.Context, t *terminal.Terminal, stdin io.Reader, o scanOptions) error {
	if _, err := os.Stat(o.Relays); errors.Is(err, fs.ErrNotExist) && (o.named || o.failOn != "") {
		return failed(fmt.Errorf("%s: no such relay table; torctl relays import or update makes one", o.Relays))
	}
	if err := o.Check(); err != nil {
		return err
	}
	o.Join = o.form == terminal.FormTable || o.form == formHTML
	out := newReport(t, o.form)
	o.Rows, _ = out.(scan.Rows)
	bar := t.Bytes(scan.Size(o.Files))
	s, err := scan.Run(ctx, &o.Options, stdin, bar, out.Add)
	bar.Done()
	var complaint *scan.Complaint
	if errors.As(err, &complaint) {
		return failed(fmt.Errorf("%s; stopped here (--strict)", text.Printable(err.Error())))
	}
	if err != nil {
		return failed(err)
	}
	report.Complain(t, s)
	if err := out.Finish(s); err != nil {
		return failed(fmt.Errorf("write the results: %w", err))
	}
	report.Say(t, s)
	if v, asked := parseVerdict(o.failOn); asked {
		if n := s.AtLeast(v); n > 0 {
			return torFound{fmt.Errorf("%s of verdict %s or surer", text.Counted(n, "flow"), v)}
		}
	}
	if s.BadFiles > 0 {
		return failed(fmt.Errorf("%d of %s could not be read, or not to the end", s.BadFiles, text.Counted(s.Files, "file")))
	}
	if s.IsFlowless() {
		what := ""
		if kinds := report.Kinds(s); kinds != "" {
			what = ": " + kinds
		}
		return failed(fmt.Errorf("nothing in %s was a flow%s", text.Counted(s.Files, "file"), what))
	}
	return nil
}

// newReport returns the report of a form.
func newReport(t *terminal.Terminal, form string) report.Report {
	switch form {
	case terminal.FormJSON:
		return report.JSON(t.Out())
	case terminal.FormCSV:
		return report.CSV(t.Out())
	case formHTML:
		return html.New(t.Out())
	}
	return report.Table(t)
}
