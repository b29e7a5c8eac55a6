package torrelays

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"tordetect/src/chunked"
	"tordetect/src/dirclient"
	"tordetect/src/relay"
	"tordetect/src/relaylist"
	"tordetect/src/rows"
	"tordetect/src/splunkhome"
	"tordetect/src/tordir"
	"tordetect/src/web"
)

// update is | torupdate. It verifies all before its first row, and emits the
// whole merged table, so that outputlookup can put it in the place of the old
// one and Splunk replicates it. A failure fails the search, and the old table
// stays.
type update struct {
	app App
	orders

	next func() (relay.Row, bool) // the rows still to be emitted
	stop func()
}

// orders is what the arguments say.
type orders struct {
	sources     []dirclient.Source
	retention   time.Duration
	backfill    time.Duration
	authorities string // lookup file, or empty
	imported    string // lookup file, or empty
	ca          string // lookup file, or empty
	proxy       string // URL, proxyFile, proxyNone, or empty for that of the environment
	history     bool
	maxRows     int
}

// Retention of the two tables, where nothing is said: a week is small enough for
// every search's bundle; 400 days is a year of log retention and a month.
const (
	tableRetention   = 7 * 24 * time.Hour
	historyRetention = 400 * 24 * time.Hour
)

var updateOptions = []string{"source", "retention", "backfill", "authorities", "ca", "proxy", "history", "import"}

// Getinfo reads the arguments. Where one is given twice the last counts.
func (u *update) Getinfo(info *chunked.Info) (chunked.Declaration, error) {
	o := orders{maxRows: info.MaxResultRows}
	args := chunked.NewArguments(info.Args, func(name string) bool { return slices.Contains(updateOptions, name) })
	for args.Next() {
		if !args.Named {
			return chunked.Declaration{}, fmt.Errorf("unknown argument %q: want name=value with one of %s", args.Name, strings.Join(updateOptions, ", "))
		}
		if err := o.set(args.Name, args.Value); err != nil {
			return chunked.Declaration{}, err
		}
	}
	if o.retention == 0 {
		o.retention = tableRetention
		if o.history {
			o.retention = historyRetention
		}
	}
	if o.imported != "" && len(o.sources) > 0 {
		return chunked.Declaration{}, errors.New("import= and source= do not go together: take one")
	}
	u.orders = o
	return chunked.Declaration{Type: chunked.Stateful, Generating: true}, nil
}

func (o *orders) set(name, value string) (err error) {
	bad := func(want string) error {
		return fmt.Errorf("option %s has the bad value %q: want %s", name, value, want)
	}
	switch name {
	case "source":
		source, err := dirclient.ParseSource(value)
		if err != nil {
			return fmt.Errorf("option source: %w", err)
		}
		o.sources = append(o.sources, source)
	case "retention":
		o.retention, err = span(value, "d", 24*time.Hour)
		if err != nil {
			return bad("days such as 7d")
		}
	case "backfill":
		o.backfill, err = span(value, "h", time.Hour)
		if err != nil || o.backfill > relaylist.FirstBackfill {
			return bad("hours such as 24h, at most 72h")
		}
	case "authorities", "ca", "import":
		if !splunkhome.LookupName(value) {
			return bad("the name of a file in the app's lookups folder, without a path")
		}
		switch name {
		case "authorities":
			o.authorities = value
		case "ca":
			o.ca = value
		case "import":
			o.imported = value
		}
	case "proxy":
		if _, err := dirclient.ParseProxy(value); err != nil && value != proxyFile && value != proxyNone {
			return fmt.Errorf("option proxy: %w, or %s for the URL in local/%s, or %s", err, proxyFile, splunkhome.Proxy, proxyNone)
		}
		o.proxy = value
	case "history":
		is, ok := chunked.Bool(value)
		if !ok {
			return bad("true or false")
		}
		o.history = is
	default:
		return fmt.Errorf("unknown option %q: want one of %s", name, strings.Join(updateOptions, ", "))
	}
	return nil
}

// span reads 7d or 24h.
func span(text, unit string, one time.Duration) (time.Duration, error) {
	number, ok := strings.CutSuffix(text, unit)
	n, err := strconv.Atoi(number)
	if !ok || err != nil || n < 1 || n > 10000 {
		return 0, errors.New("bad span")
	}
	return time.Duration(n) * one, nil
}

// Execute makes the table when it is asked first, and hands out as many rows a
// turn as splunkd takes.
func (u *update) Execute(ctx context.Context, c *chunked.Chunk, _ io.Reader) error {
	if u.next == nil {
		if err := u.begin(ctx, c); err != nil {
			return err
		}
	}
	columns := relay.Columns()
	out := rows.NewWriter(rows.Plain(columns[:]...))
	c.Reply = out.AppendHeader(c.Reply)
	cells := make([]rows.Cell, len(columns))
	for range u.maxRows {
		row, ok := u.next()
		if !ok {
			u.stop()
			return nil
		}
		for i := range cells {
			cells[i].SetString(row[i])
		}
		c.Reply = out.AppendRow(c.Reply, cells)
	}
	c.More = true
	return nil
}

// begin does all the work; what follows only hands out rows.
func (u *update) begin(ctx context.Context, c *chunked.Chunk) error {
	var trust tordir.Trust
	if u.authorities != "" {
		text, err := splunkhome.ReadLookup(u.app.Lookups, u.authorities, tordir.MaxAuthoritiesFile)
		if err != nil {
			return fmt.Errorf("read the authorities: %w", err)
		}
		if trust, err = tordir.ParseAuthorities(text); err != nil {
			return err
		}
	}
	place := relaylist.Place{Path: filepath.Join(u.app.Lookups, splunkhome.Table), Lookup: true}
	if u.history {
		place.Learn = []string{place.Path}
		place.Path = filepath.Join(u.app.Lookups, splunkhome.History)
	}
	result, err := u.learn(ctx, c, place, relaylist.Options{Trust: trust, Now: u.app.Now(), Retention: u.retention})
	if result != nil {
		for _, text := range result.Warnings {
			c.Warn(text)
		}
	}
	if err != nil {
		return err
	}
	u.next, u.stop = iter.Pull(result.Rows)
	return nil
}

// learn takes in newer documents: from the network or a folder, or an uploaded
// lookup.
func (u *update) learn(ctx context.Context, c *chunked.Chunk, place relaylist.Place, o relaylist.Options) (*relaylist.Result, error) {
	if u.imported != "" {
		file := filepath.Join(u.app.Lookups, u.imported)
		if info, err := os.Stat(file); err != nil || !info.Mode().IsRegular() {
			return nil, fmt.Errorf("import %s: there is no such file in the app's lookups folder", u.imported)
		}
		result, err := relaylist.Import(ctx, place, relaylist.ImportOptions{Options: o, Files: []string{file}})
		if err != nil {
			return result, fmt.Errorf("import %s: %w", u.imported, err)
		}
		return result, nil
	}
	options := relaylist.UpdateOptions{Options: o, Sources: u.sources, Backfill: u.backfill}
	var err error
	if options.Client, err = u.way(c); err != nil {
		return nil, err
	}
	return relaylist.Update(ctx, place, options)
}

// Words in the place of a proxy's URL. proxyFile says that it stands in a file of the app's
// folder local. A search, its macros and its job are there for everybody to read,
// and a password in it with them; this file Splunk shows to nobody, and it goes to
// no indexer. proxyNone goes without a proxy, also where the environment of
// splunkd names one.
const (
	proxyFile = "file"
	proxyNone = "none"
	maxProxy  = 4 << 10
)

// way is how to get to the sources.
func (u *update) way(c *chunked.Chunk) (config dirclient.Config, err error) {
	config.CAOption = "ca=<file in the app's lookups folder>"
	if u.ca != "" {
		pem, err := splunkhome.ReadLookup(u.app.Lookups, u.ca, web.MaxAuthorities)
		if err != nil {
			return config, fmt.Errorf("option ca: %w", err)
		}
		if config.RootCAs, err = web.Pool(u.ca, pem, true); err != nil {
			return config, fmt.Errorf("option ca: %w", err)
		}
	}
	text := u.proxy
	switch u.proxy {
	case "":
		config.ProxyFromEnvironment = true
		config.ProxyUsed = func(host string) {
			c.Info(fmt.Sprintf("The proxy %s of Splunk's environment (HTTPS_PROXY, HTTP_PROXY) was asked. If it should not be, write proxy=%s.", host, proxyNone))
		}
		return config, nil
	case proxyNone:
		return config, nil
	case proxyFile:
		secret, err := splunkhome.ReadSecret(filepath.Dir(u.app.Lookups), splunkhome.Proxy, maxProxy)
		if err != nil {
			return config, fmt.Errorf("option proxy: %w", err)
		}
		text = strings.TrimSpace(string(secret))
	}
	if config.Proxy, err = dirclient.ParseProxy(text); err != nil {
		return config, fmt.Errorf("option proxy: %w", err)
	}
	if _, password := config.Proxy.User.Password(); password && u.proxy != proxyFile {
		c.Warn(fmt.Sprintf("The password of the proxy stands in the search, for everybody to read: put the URL into the file local/%s of the app and write proxy=%s.", splunkhome.Proxy, proxyFile))
	}
	return config, nil
}
