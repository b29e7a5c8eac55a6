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
	"tordetect/src/tordir"
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
	proxy       string
	history     bool
	maxRows     int
}

// Retention of the two tables, where nothing is said: a week is small enough for
// every search's bundle; 400 days is a year of log retention and a month.
const (
	tableRetention   = 7 * 24 * time.Hour
	historyRetention = 400 * 24 * time.Hour
)

var updateOptions = []string{"source", "retention", "backfill", "authorities", "proxy", "history", "import"}

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
	case "authorities", "import":
		if !plainName(value) {
			return bad("the name of a file in the app's lookups folder, without a path")
		}
		if name == "import" {
			o.imported = value
		} else {
			o.authorities = value
		}
	case "proxy":
		if _, err := dirclient.ParseProxy(value); err != nil {
			return fmt.Errorf("option proxy: %w", err)
		}
		o.proxy = value
	case "history":
		var ok bool
		if o.history, ok = chunked.Bool(value); !ok {
			return bad("true or false")
		}
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

func plainName(name string) bool {
	return name != "" && !strings.HasPrefix(name, ".") && !strings.ContainsAny(name, "/\\:\x00\r\n")
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
	trust := tordir.PublicAuthorities()
	if u.authorities != "" {
		text, err := readLookup(u.app.Lookups, u.authorities, maxAuthorities)
		if err != nil {
			return fmt.Errorf("read the authorities: %w", err)
		}
		if trust, err = tordir.ParseAuthorities(text); err != nil {
			return err
		}
	}
	name := tableName
	if u.history {
		name = historyName
	}
	im := relaylist.NewImporter(trust, u.app.Now())
	if err := u.addTable(c, im, name); err != nil {
		return err
	}
	if u.history {
		// The history learns what the table knows, and then from the network
		// only what that lacks.
		if err := u.addTable(c, im, tableName); err != nil {
			return err
		}
	}
	if err := u.learn(ctx, c, im); err != nil {
		return err
	}
	// Another update may have renewed the table meanwhile: what it learned is
	// joined again, so that a late run undoes nothing.
	if err := u.addTable(c, im, name); err != nil {
		return err
	}
	all, stats, err := im.Merger.Rows(relay.Options{Retention: u.retention})
	if err != nil {
		return fmt.Errorf("merge the table: %w", err)
	}
	if stats.Uncovered > 0 {
		c.Warn(fmt.Sprintf("Exit lists of times for which no consensus was read count for nothing: %d. Give both together.", stats.Uncovered))
	}
	if stats.Relays == 0 {
		return errors.New("no relay is known after the update: nothing is written")
	}
	u.next, u.stop = iter.Pull(all)
	return nil
}

// addTable takes in a table that is there. What is no relay table at all, an
// empty file or a page of HTML, is told and replaced: nothing in it was ours,
// and nobody could move it away on Splunk Cloud.
func (u *update) addTable(c *chunked.Chunk, im *relaylist.Importer, name string) error {
	err := im.AddTable(filepath.Join(u.app.Lookups, name))
	if errors.Is(err, relay.ErrNotATable) {
		c.Warn(fmt.Sprintf("The lookup %s was no relay list: a new one is begun.", name))
		return nil
	}
	return err
}

// learn takes in newer documents: from the network or a folder, or an uploaded
// lookup.
func (u *update) learn(ctx context.Context, c *chunked.Chunk, im *relaylist.Importer) error {
	if u.imported != "" {
		if info, err := os.Stat(filepath.Join(u.app.Lookups, u.imported)); err != nil || !info.Mode().IsRegular() {
			return fmt.Errorf("import %s: there is no such file in the app's lookups folder", u.imported)
		}
		verdicts := im.Files([]string{filepath.Join(u.app.Lookups, u.imported)}, nil)
		good := 0
		for _, v := range verdicts {
			switch {
			case !v.OK:
				c.Warn(fmt.Sprintf("%s was refused: %s", filepath.Base(v.Name), v.Reason))
			case v.Kind == tordir.KindConsensus:
				good++
			}
		}
		for _, text := range im.Warnings {
			c.Warn(text)
		}
		if newest, ok := im.Merger.Newest(); ok && good > 0 && newest < u.app.Now().Unix() {
			c.Warn(fmt.Sprintf("The newest list that is known now ended at %s: newer rows are judged by an old list. Import newer ones.", time.Unix(newest, 0).UTC().Format(time.RFC3339)))
		}
		if good == 0 {
			return fmt.Errorf("import %s: it holds no consensus that is signed by enough of the trusted authorities", u.imported)
		}
		return nil
	}
	var config dirclient.Config
	if u.proxy != "" {
		proxy, err := dirclient.ParseProxy(u.proxy)
		if err != nil {
			return fmt.Errorf("option proxy: %w", err)
		}
		config.Proxy = proxy
	}
	updated, err := im.Fetch(ctx, relaylist.Update{Sources: u.sources, Backfill: u.backfill, Retention: u.retention, Client: config})
	if updated != nil {
		for _, text := range updated.Warnings {
			c.Warn(text)
		}
	}
	if errors.Is(err, relaylist.ErrNothingNewer) {
		return nil // the table is emitted as it is
	}
	return err
}

// maxAuthorities bounds an authorities file.
const maxAuthorities = 1 << 20

func readLookup(folder, name string, limit int64) ([]byte, error) {
	path := filepath.Join(folder, name)
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() {
		return nil, fmt.Errorf("there is no file %s in the app's lookups folder", name)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("the file %s in the app's lookups folder cannot be read", name)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(text)) > limit {
		err = fmt.Errorf("the file %s has more than %d bytes", name, limit)
	}
	return text, err
}
