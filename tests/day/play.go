package day

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"tordetect/tests/splunkd"
)

// summaryLag is how old an event's _indextime is when accelerated summaries have it: acceleration runs every five minutes
// (datamodels.conf.spec, acceleration.cron_schedule).
const summaryLag = 5 * time.Minute

// memory is for how long nobody is told twice, and how long runs go on behind the last event (design section 10).
const memory = 26 * time.Hour

// update is the search that renews the relay table. The day's own network takes its place.
const update = "Update the Tor relay list"

// Options are what a play may have otherwise.
type Options struct {
	Package      string
	Local        string        // folder of conf files that are laid over the app's, empty: none
	DigestFields bool          // the better reading of suppression in digest mode
	Price        time.Duration // of an action
	Only         splunkd.Span  // only the runs that start in it; zero: all
}

// Telling is a result that triggered its actions.
type Telling struct {
	Search string
	At     time.Time // the start of the run
	Row    splunkd.Row
}

// Played is what a search did all day.
type Played struct {
	Search         string
	Runs           int
	Failed         int // by require_list, or any other error
	Skipped, Lost  int
	Why            string // the first failure
	Suppressed     int    // results that were told before
	Cut            int    // results that limits of alerts cut off
	Actions        time.Duration
	All            splunkd.Cost // of all runs together
	Widest         splunkd.Cost // the largest of each figure in one run
	Ordinary       splunkd.Cost // a run over one hour of ordinary events
	OrdinaryEvents int          // connections in that hour
}

// Play runs the searches over a day and hands out each telling as it comes. table is the relay table of a day of one's
// own, nil for a generated one.
func Play(d *Day, table []byte, o Options, tell func(Telling) error) (all []Played, days float64, err error) {
	dir, err := os.MkdirTemp("", "tordetect-day-")
	if err != nil {
		return nil, 0, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	head, err := install(d, o, dir)
	if err != nil {
		return nil, 0, err
	}
	head.AddEvents(indexed(d.Events)...)
	searches, err := alerting(head)
	if err != nil {
		return nil, 0, err
	}
	head.Enabled = map[string]bool{update: true}
	for _, name := range searches {
		head.Enabled[name] = true
	}
	first, last := span(d.Events)
	first, last = first.Truncate(time.Hour), last.Add(memory)
	if !o.Only.From.IsZero() {
		first, last = o.Only.From, o.Only.To
	}
	s := &splunkd.Scheduler{Head: head, Down: d.Down, Lost: func(_ string, at time.Time) bool {
		return !at.Before(d.Broken.From) && at.Before(d.Broken.To)
	}}
	runs, err := s.Plan(searches, first, last)
	if err != nil {
		return nil, 0, err
	}
	renew, err := d.renewals(s, head, table, first, last)
	if err != nil {
		return nil, 0, err
	}
	of := map[string]*Played{}
	for _, name := range searches {
		of[name] = &Played{Search: name}
	}
	alerts := &splunkd.Alerts{App: head.App, DigestFields: o.DigestFields, Price: o.Price}
	for _, run := range runs {
		if err := renew(run.Start); err != nil {
			return nil, 0, err
		}
		if err := of[run.Search].play(s, alerts, run, tell); err != nil {
			return nil, 0, fmt.Errorf("%s, %s: %w", run.Search, run.Scheduled.Format(time.RFC3339), err)
		}
	}
	for _, name := range searches {
		if err := of[name].measure(d, head); err != nil {
			return nil, 0, fmt.Errorf("%s over ordinary events: %w", name, err)
		}
		all = append(all, *of[name])
	}
	return all, last.Sub(first).Hours() / 24, nil
}

// install makes a search head with the app, and what a site has in its local/. A day that is made is set up as the manual
// says: which networks are ours, which events tell of TLS and DNS.
func install(d *Day, o Options, dir string) (*splunkd.Head, error) {
	app, err := splunkd.Install(o.Package, dir)
	if err != nil {
		return nil, err
	}
	site := map[string][]byte{}
	if o.Local != "" {
		files, err := filepath.Glob(filepath.Join(o.Local, "*.conf"))
		if err == nil && len(files) == 0 {
			err = fmt.Errorf("-local %s: it holds no conf files", o.Local)
		}
		if err != nil {
			return nil, err
		}
		for _, file := range files {
			if site[filepath.Base(file)], err = os.ReadFile(file); err != nil {
				return nil, err
			}
		}
	}
	if d.network != nil {
		macros, err := app.Conf("macros")
		if err != nil {
			return nil, err
		}
		given, err := splunkd.ParseConf("macros.conf", string(site["macros.conf"]))
		if err != nil {
			return nil, err
		}
		networks, _ := macros.Get("tordetect_internal", "definition")
		for _, m := range [][2]string{
			{"tordetect_internal", networks + `,"` + internal + `"`},
			{"tordetect_tls_events", `index=zeek sourcetype="bro:ssl:json"`},
			{"tordetect_dns_events", `index=zeek sourcetype="bro:dns:json"`},
		} {
			if !given.Has(m[0]) {
				site["macros.conf"] = fmt.Appendf(site["macros.conf"], "\n[%s]\ndefinition = %s\n", m[0], m[1])
			}
		}
	}
	for name, text := range site {
		if err := write(filepath.Join(app.Dir, "local", name), text); err != nil {
			return nil, err
		}
	}
	return &splunkd.Head{App: app, SummaryLag: summaryLag, ProbeOnce: true}, nil
}

func write(file string, content []byte) error {
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	return os.WriteFile(file, content, 0o644)
}

// alerting lists the searches that alert.
func alerting(head *splunkd.Head) ([]string, error) {
	saved, err := head.App.Conf("savedsearches")
	if err != nil {
		return nil, err
	}
	var found []string
	for _, name := range saved.Stanzas() {
		spl, _ := saved.Get(name, "search")
		acts := slices.ContainsFunc(saved.Keys(name), func(key string) bool {
			value, _ := saved.Get(name, key)
			return value == "1" && (key == "action.notable" || key == "action.risk" || key == "alert.track")
		})
		if acts && !strings.Contains(spl, "| torupdate") { // which would ask a server
			found = append(found, name)
		}
	}
	if len(found) == 0 {
		return nil, errors.New("the app has no search that alerts")
	}
	return found, nil
}

// renewals returns what brings the lookup up to a time: one table for all of a day of one's own, else what the update
// that ran last wrote.
func (d *Day) renewals(s *splunkd.Scheduler, head *splunkd.Head, table []byte, first, last time.Time) (func(time.Time) error, error) {
	lookup := head.App.Lookup("tor_relays.csv")
	if d.network == nil {
		if table == nil {
			return func(time.Time) error { return nil }, nil
		}
		return func(time.Time) error { return nil }, write(lookup, table)
	}
	updates, err := s.Plan([]string{update}, first, last)
	if err != nil {
		return nil, err
	}
	if len(updates) == 0 {
		return nil, fmt.Errorf("the app has no search %q with a schedule", update)
	}
	text, err := d.network.table(first)
	if err != nil {
		return nil, err
	}
	return func(at time.Time) error {
		var newest time.Time
		for len(updates) > 0 && !updates[0].Start.After(at) {
			switch u := updates[0]; {
			case u.Skipped:
				head.Skipped(update, u.Scheduled, u.Start)
			case u.Lost:
			case !u.Start.Before(d.Failing.From) && u.Start.Before(d.Failing.To):
				head.Failed(update, u.Start, "Error in 'torupdate' command: no source gave a consensus")
			default:
				newest = u.Start
				head.Ran(update, u.Scheduled, u.Start, 1)
			}
			updates = updates[1:]
		}
		if newest.IsZero() {
			return nil
		}
		text, err := d.network.table(newest)
		if err != nil {
			return err
		}
		return write(lookup, text)
	}, write(lookup, text)
}

// play does one run.
func (p *Played) play(s *splunkd.Scheduler, alerts *splunkd.Alerts, run splunkd.Run, tell func(Telling) error) error {
	switch {
	case run.Skipped:
		p.Skipped++
		return nil
	case run.Lost:
		p.Lost++
		return nil
	}
	p.Runs++
	result, err := s.Do(run)
	p.count(result.Cost) // also of a run that fails behind that
	var failed *splunkd.SearchError
	if errors.As(err, &failed) {
		if p.Failed++; p.Why == "" {
			p.Why = failed.Text
		}
		return nil
	}
	if err != nil {
		return err
	}
	told, err := alerts.Trigger(run, &result.Table)
	if err != nil {
		return err
	}
	p.Suppressed += told.Suppressed
	if p.Cut += told.Cut; told.Cut > 0 {
		s.Head.Cut(run.Search, run.Start, told.Took > 0)
	}
	p.Actions += told.Took
	for _, row := range told.Rows {
		if err := tell(Telling{p.Search, run.Start, maps.Clone(row)}); err != nil {
			return err
		}
	}
	return nil
}

func (p *Played) count(c splunkd.Cost) {
	p.All.Read, p.Widest.Read = p.All.Read+c.Read, max(p.Widest.Read, c.Read)
	p.All.Events, p.Widest.Events = p.All.Events+c.Events, max(p.Widest.Events, c.Events)
	p.All.Rows, p.Widest.Rows = p.All.Rows+c.Rows, max(p.Widest.Rows, c.Rows)
	p.All.Held, p.Widest.Held = p.All.Held+c.Held, max(p.Widest.Held, c.Held)
}

// measure runs the search over an hour of ordinary events alone, which tells what a connection costs. The hour is one
// whose end is no time for a longer window (design section 4 has them at hours that leave 2 when divided by 6).
func (p *Played) measure(d *Day, head *splunkd.Head) error {
	if d.network == nil {
		return nil
	}
	spl, err := head.SavedSearch(p.Search)
	if err != nil {
		return err
	}
	quiet := &splunkd.Head{App: head.App, ProbeOnce: true, Earliest: at(3), Latest: at(4), Now: at(4)}
	for _, e := range d.Events {
		if e.Truth != nil || e.Time.Before(quiet.Earliest) || !e.Time.Before(quiet.Latest) {
			continue
		}
		quiet.AddEvents(indexed([]Event{e})...)
		if e.Model == traffic {
			p.OrdinaryEvents++
		}
	}
	result, err := quiet.Run(spl)
	p.Ordinary = result.Cost
	return err
}
