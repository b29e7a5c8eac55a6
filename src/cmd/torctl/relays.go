package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"tordetect/src/dirclient"
	"tordetect/src/relay"
	"tordetect/src/relaylist"
	"tordetect/src/terminal"
	"tordetect/src/tordir"
)

func relaysCommand(t *terminal.Terminal, now func() time.Time) *cobra.Command {
	c := &cobra.Command{
		Use: "relays", Short: "The relay table: fill it, check documents, ask it",
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return c.Help()
			}
			c.SuggestionsMinimumDistance = 2
			like := ""
			if names := c.SuggestionsFor(args[0]); len(names) > 0 {
				like = ": did you mean " + strings.Join(names, " or ") + "?"
			}
			return fmt.Errorf("unknown command %q for %q%s", args[0], c.CommandPath(), like)
		},
	}
	c.AddCommand(importCommand(t, now), updateCommand(t, now), verifyCommand(t, now), statusCommand(t, now), seenCommand(t, now))
	return c
}

const (
	relaysHelp      = "the relay table"
	authoritiesHelp = "file of the authorities to trust instead of the public network's"
	outputHelp      = "form of the output: "
)

func importCommand(t *terminal.Terminal, now func() time.Time) *cobra.Command {
	var path, authorities, keep, form string
	c := &cobra.Command{
		Use:   "import FILE...",
		Short: "Verify documents and merge them into the table",
		Long: `Takes consensuses, key certificates and exit lists, plain, packed or in
archives, in any order, and merges what is signed by more than half of the
authorities into the table. What is not believed is listed and left out.`,
		Example: `  torctl relays import consensuses-2026-10.tar.xz certs.tar.xz --relays tor_relays_history.csv
  torctl relays import cached-microdesc-consensus cached-certs --retention 400d`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(_ *cobra.Command, files []string) error {
			if err := checkForm(form, formTable, formJSON); err != nil {
				return err
			}
			retention, err := parseDays("retention", keep)
			if err != nil {
				return err
			}
			trust, err := trusted(authorities)
			if err != nil {
				return failed(err)
			}
			return failed(importFiles(t, files, path, trust, retention, form, now()))
		},
	}
	c.Flags().StringVar(&path, "relays", defaultTable, relaysHelp)
	c.Flags().StringVar(&authorities, "authorities", "", authoritiesHelp)
	c.Flags().StringVar(&keep, "retention", "", "drop what ended so long before the newest list, as in 400d; nothing is dropped without it")
	c.Flags().StringVarP(&form, "output", "o", formTable, outputHelp+"table or json")
	return c
}

// defaultTable is the table in the folder one works in.
const defaultTable = "tor_relays.csv"

func importFiles(t *terminal.Terminal, files []string, path string, trust tordir.Trust, retention time.Duration, form string, now time.Time) error {
	file, err := relaylist.CheckPlace(path)
	if err != nil {
		return err
	}
	unlock, err := relaylist.Lock(file)
	if err != nil {
		return err
	}
	defer unlock()
	im := relaylist.NewImporter(trust, now)
	if err := im.AddTable(file); err != nil {
		return err
	}
	for _, text := range im.Warnings {
		t.Say("warning: %s", printable(text))
	}
	next, done := t.Files(len(files))
	verdicts := im.Files(files, next)
	done()
	refused := relaylist.Failed(verdicts)
	if !anyGood(verdicts) {
		if refused == nil {
			refused = errors.New("certificates alone say nothing about relays: add the consensuses that they are for")
		}
		return errors.Join(verdictRows(t, form, verdicts), fmt.Errorf("%w; %s", refused, unchanged(path)))
	}
	// First the table, then what is said about it: whoever reads that may go away,
	// as head does, or have no room for it.
	stats, err := save(im, file, retention)
	if err != nil {
		return err
	}
	t.Say("%s has %d rows, %d relays", path, stats.Rows, stats.Relays)
	if stats.Uncovered > 0 {
		t.Say("warning: %d exit lists count for nothing, as no consensus of their time is known: import them once more with the consensuses", stats.Uncovered)
	}
	return errors.Join(verdictRows(t, form, verdicts), refused)
}

// save puts the merged table in its place. A signal to stop waits for that: it
// takes a second at most, and a temporary file would stay behind otherwise.
func save(im *relaylist.Importer, path string, retention time.Duration) (stats relay.Stats, err error) {
	stopped := holdSignals(func() { stats, err = im.Merger.WriteFile(path, relay.Options{Retention: retention, Relays: true}) })
	switch {
	case err != nil:
		return stats, fmt.Errorf("%w; %s", err, unchanged(path))
	case stopped != nil:
		return stats, fmt.Errorf("stopped by a signal (%v) after %s was written", stopped, path)
	}
	return stats, nil
}

// holdSignals does work that must not be cut off, and returns the signal to stop
// that came meanwhile, or nil.
func holdSignals(work func()) os.Signal {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer signal.Stop(signals)
	work()
	select {
	case s := <-signals:
		return s
	default:
		return nil
	}
}

// unchanged says what a failure means for the table.
func unchanged(path string) string {
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return "no table was written"
	}
	return "the table " + path + " is as it was"
}

// anyGood reports whether a document was believed that says something about
// relays.
func anyGood(verdicts []relaylist.Verdict) bool {
	for _, v := range verdicts {
		if v.OK && v.Kind != tordir.KindCertificates {
			return true
		}
	}
	return false
}

func updateCommand(t *terminal.Terminal, now func() time.Time) *cobra.Command {
	var path, authorities, keep, proxy, backfill string
	var sources []string
	c := &cobra.Command{
		Use:   "update",
		Short: "Fetch newer lists, verify them and merge them into the table",
		Long: `Asks the sources in turn until one has a list newer than the table's:
  collector             CollecTor, over HTTPS (without --source)
  authorities           the directory authorities, over HTTP. Their ports look like Tor in your own logs
  dir+http://HOST:PORT  any directory cache
  https://HOST/PATH/    a mirror of CollecTor
  FOLDER                files that you brought`,
		Example: "  torctl relays update --relays tor_relays.csv --retention 7d --source collector --source authorities",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			retention, err := parseDays("retention", keep)
			if err != nil {
				return err
			}
			u := relaylist.Update{Retention: retention, Progress: func(text string) { t.Say("%s", printable(text)) }}
			if u.Backfill, err = parseDays("backfill", backfill); err != nil {
				return err
			}
			for _, text := range sources {
				source, err := dirclient.ParseSource(text)
				if err != nil {
					return err
				}
				u.Sources = append(u.Sources, source)
			}
			if proxy != "" {
				if u.Client.Proxy, err = dirclient.ParseProxy(proxy); err != nil {
					return err
				}
			}
			u.Client.ProxyFromEnvironment = true
			trust, err := trusted(authorities)
			if err != nil {
				return failed(err)
			}
			return failed(updateTable(c.Context(), t, path, trust, u, retention, now()))
		},
	}
	c.Flags().StringVar(&path, "relays", defaultTable, relaysHelp)
	c.Flags().StringArrayVar(&sources, "source", nil, "where to look; may be given several times")
	c.Flags().StringVar(&authorities, "authorities", "", authoritiesHelp)
	c.Flags().StringVar(&keep, "retention", "", "drop what ended so long before the newest list, as in 7d")
	c.Flags().StringVar(&backfill, "backfill", "", "how far back to look in an archive for hours that the table lacks, as in 24h; 72h without it")
	c.Flags().StringVar(&proxy, "proxy", "", "proxy for all requests: http, https, socks5 or socks5h URL")
	return c
}

func updateTable(ctx context.Context, t *terminal.Terminal, path string, trust tordir.Trust, u relaylist.Update, retention time.Duration, now time.Time) error {
	file, err := relaylist.CheckPlace(path)
	if err != nil {
		return err
	}
	unlock, err := relaylist.Lock(file)
	if err != nil {
		return err
	}
	defer unlock()
	im := relaylist.NewImporter(trust, now)
	if err := im.AddTable(file); err != nil {
		return err
	}
	updated, err := im.Fetch(ctx, u)
	if updated != nil {
		for _, text := range updated.Warnings {
			t.Say("warning: %s", printable(text))
		}
	}
	if errors.Is(err, relaylist.ErrNothingNewer) {
		t.Say("%s is up to date", path)
		return nil
	}
	if err != nil {
		return fmt.Errorf("%w; %s", err, unchanged(path))
	}
	stats, err := save(im, file, retention)
	if err != nil {
		return err
	}
	t.Say("%s has %d rows, %d relays, until %s", path, stats.Rows, stats.Relays, clock(stats.Newest))
	return nil
}

func verifyCommand(t *terminal.Terminal, now func() time.Time) *cobra.Command {
	var authorities, form string
	c := &cobra.Command{
		Use:   "verify FILE...",
		Short: "Who signed what, and is it enough",
		Example: `  torctl relays verify cached-microdesc-consensus cached-certs
  torctl relays verify consensus-*.gz certs.tar.xz -o json`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(_ *cobra.Command, files []string) error {
			if err := checkForm(form, formTable, formJSON); err != nil {
				return err
			}
			trust, err := trusted(authorities)
			if err != nil {
				return failed(err)
			}
			next, done := t.Files(len(files))
			verdicts := relaylist.NewImporter(trust, now()).Files(files, next)
			done()
			refused := relaylist.Failed(verdicts)
			if refused == nil && !slices.ContainsFunc(verdicts, func(v relaylist.Verdict) bool { return v.Kind == tordir.KindConsensus }) {
				return failed(errors.New("no consensus is among these documents: there is nothing to verify"))
			}
			return failed(errors.Join(verdictRows(t, form, verdicts), refused))
		},
	}
	c.Flags().StringVar(&authorities, "authorities", "", authoritiesHelp)
	c.Flags().StringVarP(&form, "output", "o", formTable, outputHelp+"table or json")
	return c
}

// verdictRows writes a row for each consensus and vote, and for what could not
// be read. Certificates and exit lists have no signatures to tell of.
func verdictRows(t *terminal.Terminal, form string, verdicts []relaylist.Verdict) error {
	columns := []string{"file", "flavour", "valid_after", "relays", "signatures_good", "signatures_present", "authorities", "ok", "reason"}
	var rows [][]any
	for _, v := range verdicts {
		if v.OK && v.Kind != tordir.KindConsensus {
			continue
		}
		after := ""
		if v.ValidAfter != 0 {
			after = clock(v.ValidAfter)
		}
		rows = append(rows, []any{v.Name, v.Flavour, after, v.Relays, v.Verification.Good, v.Verification.Present, v.Verification.Authorities, v.OK, v.Reason})
	}
	return t.Rows(form, columns, rows)
}

func statusCommand(t *terminal.Terminal, now func() time.Time) *cobra.Command {
	var path, form string
	c := &cobra.Command{
		Use:   "status",
		Short: "What a table knows, and how old it is",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if err := checkForm(form, formTable, formJSON, formCSV); err != nil {
				return err
			}
			table, err := relay.Open(path)
			if err != nil {
				return failed(fmt.Errorf("%s: %w", path, err))
			}
			if warning := relaylist.Ahead(table, now()); warning != "" {
				t.Say("warning: %s", warning)
			}
			columns, row := relaylist.Status(table, path, version, now())
			return failed(t.Rows(form, columns, [][]any{row}))
		},
	}
	c.Flags().StringVar(&path, "relays", defaultTable, relaysHelp)
	c.Flags().StringVarP(&form, "output", "o", formTable, outputHelp+"table, json or csv")
	return c
}

func seenCommand(t *terminal.Terminal, now func() time.Time) *cobra.Command {
	var path, form, at string
	c := &cobra.Command{
		Use:     "seen IP",
		Short:   "What an address was at a time",
		Long:    "Says what the table knows of an address at a time (now without --at). \"no list\" means that no list was read for that time: it does not mean that the address was no relay.",
		Example: "  torctl relays seen 2001:db8::1 --at 2026-10-01T12:00:00Z",
		Args:    cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			if err := checkForm(form, formTable, formJSON, formCSV); err != nil {
				return err
			}
			addr, err := relaylist.ParseAddr(args[0])
			if err != nil {
				return err
			}
			moment := now().Unix()
			if at != "" {
				if moment, err = relaylist.ParseTime(at); err != nil {
					return err
				}
			}
			table, err := relay.Open(path)
			if errors.Is(err, fs.ErrNotExist) {
				t.Say("there is no table %s: only authorities and default bridges are known", path)
				table, err = relay.Empty(), nil
			}
			if err != nil {
				return failed(fmt.Errorf("%s: %w", path, err))
			}
			columns, rows := relaylist.SeenRows(relaylist.Lookup(table, addr, moment))
			return failed(t.Rows(form, columns, rows))
		},
	}
	c.Flags().StringVar(&path, "relays", defaultTable, relaysHelp)
	c.Flags().StringVar(&at, "at", "", "the time: epoch seconds or RFC 3339, UTC where no zone is given")
	c.Flags().StringVarP(&form, "output", "o", formTable, outputHelp+"table, json or csv")
	return c
}

// trusted reads an authorities file; without one the public network's are
// trusted.
func trusted(path string) (tordir.Trust, error) {
	if path == "" {
		return tordir.PublicAuthorities(), nil
	}
	return relaylist.ReadAuthorities(path)
}

// parseDays reads the value of a flag such as 400d or 36h; empty is none.
func parseDays(flag, text string) (time.Duration, error) {
	if text == "" {
		return 0, nil
	}
	bad := fmt.Errorf("bad %s %q: want days such as 3d or hours such as 36h", flag, text)
	number, unit := text[:len(text)-1], text[len(text)-1:]
	n, err := strconv.Atoi(number)
	switch {
	case err != nil || n < 1 || n > 100000:
		return 0, bad
	case strings.EqualFold(unit, "d"):
		return time.Duration(n) * 24 * time.Hour, nil
	case strings.EqualFold(unit, "h"):
		return time.Duration(n) * time.Hour, nil
	}
	return 0, bad
}

func clock(seconds int64) string { return time.Unix(seconds, 0).UTC().Format(time.RFC3339) }
