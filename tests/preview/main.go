// Command preview draws the dashboards of the app without a Splunk: it runs their searches over the sample log and table,
// through the packaged app and the stand-in, and writes each dashboard as one HTML page.
//
//	go run ./tests/preview [-o FOLDER] [-theme auto|light|dark] [-findings N] [-set TOKEN=VALUE]... [VIEW...]
//	go run ./tests/preview -browser chromium -o app/static       the pictures of the manual
//
//	in:   default/data/ui/views/VIEW.xml of the package ($TORDETECT_PACKAGE, or the newest dist/*.tgz), the sample of tests/sample
//	out:  FOLDER/VIEW.html, self-contained, in light and dark; with -browser only FOLDER/VIEW.png
//
// What is in the panels is what the searches of the dashboard gave. Known of how Splunk draws, and followed: how numbers are
// rounded and get commas, how bars are stacked, where an axis ends. Widths, heights, colours and letters are ours. Nothing on
// a page can be clicked.
//
//	main.go     arguments, the search head, the files
//	page.go     a dashboard's state as data for page.tmpl and page.css
//	chart.go    stacked columns as SVG
//	many.go     traffic with a given number of findings, in place of the sample log
//	picture.go  a browser's screenshot, made small
package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"tordetect/tests/preview/dashboard"
	"tordetect/tests/sample"
	"tordetect/tests/splunkd"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// options of the program.
type options struct {
	folder, theme, browser string
	width, findings        int
	set                    settings
}

// settings are the fields of the form that are filled in.
type settings map[string]string

func (s settings) String() string { return "" }

func (s settings) Set(text string) error {
	name, value, ok := strings.Cut(text, "=")
	if !ok || name == "" {
		return errors.New("want TOKEN=VALUE")
	}
	s[name] = value
	return nil
}

func run(args []string, stdout, stderr io.Writer) int {
	o := options{set: settings{}}
	flags := flag.NewFlagSet("preview", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&o.folder, "o", "dist", "`folder` to write to")
	flags.StringVar(&o.theme, "theme", "auto", "auto, light or dark")
	flags.StringVar(&o.browser, "browser", "", "a Chromium `program`: write a picture of each page instead")
	flags.IntVar(&o.width, "width", 1200, "of the page, in `pixels`")
	flags.IntVar(&o.findings, "findings", -1, "show traffic with so many findings (`number`) in place of the sample log")
	flags.Var(o.set, "set", "`TOKEN=VALUE` of the dashboard's form")
	if err := flags.Parse(args); err != nil {
		return 2
	}
	if !slices.Contains([]string{"auto", "light", "dark"}, o.theme) || o.width < 200 || o.width > 4000 {
		fmt.Fprintln(stderr, "preview: -theme is auto, light or dark, and -width between 200 and 4000")
		return 2
	}
	if o.findings > mostFindings {
		fmt.Fprintf(stderr, "preview: -findings is at most %d\n", mostFindings)
		return 2
	}
	views := flags.Args()
	if len(o.set) > 0 && len(views) != 1 {
		fmt.Fprintln(stderr, "preview: -set needs the one view whose form it fills")
		return 2
	}
	if len(views) == 0 {
		views = []string{"tor_overview", "was_it_tor"}
	}
	if err := write(o, views, stdout); err != nil {
		fmt.Fprintln(stderr, "preview:", err)
		return 1
	}
	return 0
}

// usual is what the forms hold where nothing else is said: all of the sample log; a relay that joined during the day, two
// hours after the firewall had called a flow to it Tor.
func usual(view string) map[string]string {
	switch view {
	case "tor_overview":
		return map[string]string{"period.earliest": "-6h@h", "period.latest": "now"}
	case "was_it_tor":
		for _, f := range sample.Flows() {
			if f.Kind == sample.LabelledEarly {
				return map[string]string{"address": fmt.Sprintf("%s:%d", f.Dest, f.DestPort), "time": f.End.Add(2 * time.Hour).Format(time.RFC3339)}
			}
		}
	}
	return nil
}

func write(o options, views []string, stdout io.Writer) (err error) {
	dir, err := os.MkdirTemp("", "tordetect-preview-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	head, err := install(dir, o.findings)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(o.folder, 0o755); err != nil {
		return err
	}
	for _, name := range views {
		view, err := dashboard.Read(filepath.Join(head.App.Dir, "default", "data", "ui", "views", filepath.Base(name)+".xml"))
		if err != nil {
			return err
		}
		form := usual(name)
		if len(o.set) > 0 {
			form = o.set
		}
		page, err := dashboard.Open(head, view, form)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		var text bytes.Buffer
		if err := render(&text, page, o.theme, o.width); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		target := filepath.Join(o.folder, name+".html")
		if o.browser != "" {
			target = filepath.Join(o.folder, name+".png")
			err = picture(o.browser, text.Bytes(), dir, o.width, target)
		} else {
			err = os.WriteFile(target, text.Bytes(), 0o644)
		}
		if err != nil {
			return err
		}
		fmt.Fprintln(stdout, target)
	}
	return nil
}

// install is a search head with two indexers, the package, the sample log and table. Each indexer tells its throughput,
// which is what the panel What each node has asks for.
func install(dir string, findings int) (*splunkd.Head, error) {
	file, err := splunkd.PackageFile()
	if err != nil {
		return nil, err
	}
	app, err := splunkd.Install(file, dir)
	if err != nil {
		return nil, err
	}
	table := app.Lookup("tor_relays.csv")
	if err := os.MkdirAll(filepath.Dir(table), 0o755); err != nil {
		return nil, err
	}
	if err := os.WriteFile(table, sample.Table(), 0o644); err != nil {
		return nil, err
	}
	head := &splunkd.Head{App: app, Indexers: 2}
	if findings >= 0 {
		head.AddEvents(many(findings, sample.ListEnd())...)
	} else if _, err := head.AddLog(bytes.NewReader(sample.Log())); err != nil {
		return nil, err
	}
	_, last, _ := head.Span()
	head.Now = last.Add(time.Second)
	for i := range 4 {
		head.AddEvents(splunkd.Event{Time: last.Add(-time.Duration(i) * time.Minute), Fields: map[string]string{
			"index": "_internal", "sourcetype": "splunkd", "component": "Metrics", "group": "thruput", "name": "thruput",
		}})
	}
	return head, nil
}
