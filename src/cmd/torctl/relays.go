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
	"tordetect/src/splunkhome"
	"tordetect/src/terminal"
	"tordetect/src/text"
	"tordetect/src/tordir"
	"tordetect/src/web"
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
		RunE: func(c *cobra.Command, files []string) error {
			if err := checkForm(form, terminal.FormTable, terminal.FormJSON); err != nil {
				return err
			}
			o := relaylist.ImportOptions{Files: files}
			var err error
			if o.Retention, err = parseDays("retention", keep); err != nil {
				return err
			}
			if o.Trust, err = trusted(authorities); err != nil {
				return failed(err)
			}
			o.Now = now()
			return failed(importFiles(c.Context(), t, at(path), o, form))
		},
	}
	c.Flags().StringVar(&path, "relays", defaultTable, relaysHelp)
	c.Flags().StringVar(&authorities, "authorities", "", authoritiesHelp)
	c.Flags().StringVar(&keep, "retention", "", "drop what ended so long before the newest list, as in 400d; nothing is dropped without it")
	c.Flags().StringVarP(&form, "output", "o", terminal.FormTable, outputHelp+"table or json")
	return c
}

// defaultTable is the table in the folder one works in.
const defaultTable = splunkhome.Table

func importFiles(ctx context.Context, t *terminal.Terminal, place relaylist.Place, o relaylist.ImportOptions, form string) error {
	begin, done := t.Files(len(o.Files))
	o.Begin = begin
	result, err := relaylist.Import(ctx, place, o)
	done()
	// First what became of the table, then the documents: whoever reads those may go
	// away, as head does, or have no room for them.
	warn(t, result)
	if err == nil {
		t.Say("%s has %d rows, %d relays", place.Path, result.Written.Rows, result.Written.Relays)
		err = relaylist.Failed(result.Verdicts)
	}
	if len(result.Verdicts) == 0 {
		return err
	}
	return errors.Join(verdictRows(t, form, result.Verdicts), err)
}

func warn(t *terminal.Terminal, result *relaylist.Result) {
	for _, warning := range result.Warnings {
		t.Say("warning: %s", text.Printable(warning))
	}
}

// at is the place of a table that torctl writes. A signal to stop waits for the
// writing: it takes a second at most, and a temporary file would stay behind
// otherwise.
func at(path string) relaylist.Place {
	return relaylist.Place{Path: path, Hold: func(replace func() error) (err error) {
		if stopped := holdSignals(func() { err = replace() }); err == nil && stopped != nil {
			return fmt.Errorf("stopped by a signal (%v) after %s was written", stopped, path)
		}
		return err
	}}
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

func updateCommand(t *terminal.Terminal, now func() time.Time) *cobra.Command {
	var path, authorities, keep, proxy, ca, backfill string
	var sources []string
	c := &cobra.Command{
		Use:   "update",
		Short: "Fetch newer lists, verify them and merge them into the table",
		Long: `Asks the sources in turn until one has a list newer than the table's:
  collector             CollecTor, over HTTPS (without --source)
  authorities           the directory authorities, over HTTP; their ports
                        look like Tor in your own logs
  dir+http://HOST:PORT  any directory cache
  https://HOST/PATH/    a mirror of CollecTor
  FOLDER                files that you brought`,
		Example: "  torctl relays update --relays tor_relays.csv --retention 7d --source collector --source authorities",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			u := relaylist.UpdateOptions{Progress: func(what string) { t.Say("%s", text.Printable(what)) }}
			var err error
			if u.Retention, err = parseDays("retention", keep); err != nil {
				return err
			}
			if u.Backfill, err = parseDays("backfill", backfill); err != nil {
				return err
			}
			for _, name := range sources {
				source, err := dirclient.ParseSource(name)
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
			u.Client.ProxyFromEnvironment, u.Client.CAOption = true, "--ca FILE"
			if ca != "" {
				if u.Client.RootCAs, err = web.Authorities(ca, true); err != nil {
					return failed(err)
				}
			}
			if u.Trust, err = trusted(authorities); err != nil {
				return failed(err)
			}
			u.Now = now()
			return failed(updateTable(c.Context(), t, at(path), u))
		},
	}
	c.Flags().StringVar(&path, "relays", defaultTable, relaysHelp)
	c.Flags().StringArrayVar(&sources, "source", nil, "where to look; may be given several times")
	c.Flags().StringVar(&authorities, "authorities", "", authoritiesHelp)
	c.Flags().StringVar(&keep, "retention", "", "drop what ended so long before the newest list, as in 7d")
	c.Flags().StringVar(&backfill, "backfill", "", "how far back to look in an archive for hours that the table lacks, as in 24h; 72h without it")
	c.Flags().StringVar(&proxy, "proxy", "", "proxy for all requests: http, https, socks5 or socks5h URL; without it those of the environment (HTTPS_PROXY, NO_PROXY), the place for a password")
	c.Flags().StringVar(&ca, "ca", "", "PEM file of certificate authorities to trust beside the system's, as that of a proxy that inspects TLS")
	return c
}

func updateTable(ctx context.Context, t *terminal.Terminal, place relaylist.Place, o relaylist.UpdateOptions) error {
	result, err := relaylist.Update(ctx, place, o)
	warn(t, result)
	switch {
	case err != nil:
		return err
	case result.Current:
		t.Say("%s is up to date", place.Path)
		return nil
	}
	for _, asked := range result.Asked {
		if asked.Lists > 0 {
			t.Say("%s gave %s, %d addresses of exits", asked.Source, text.Counted(asked.Lists, "list"), asked.Exits)
		}
	}
	t.Say("%s has %d rows, %d relays, until %s", place.Path, result.Written.Rows, result.Written.Relays, text.Time(result.Written.Newest))
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
		RunE: func(c *cobra.Command, files []string) error {
			if err := checkForm(form, terminal.FormTable, terminal.FormJSON); err != nil {
				return err
			}
			trust, err := trusted(authorities)
			if err != nil {
				return failed(err)
			}
			begin, done := t.Files(len(files))
			verdicts, err := relaylist.Verify(c.Context(), relaylist.ImportOptions{
				Options: relaylist.Options{Trust: trust, Now: now()}, Files: files, Begin: begin})
			done()
			if err != nil {
				return failed(err)
			}
			refused := relaylist.Failed(verdicts)
			if refused == nil && !slices.ContainsFunc(verdicts, func(v relaylist.Verdict) bool { return v.Kind == tordir.KindConsensus }) {
				return failed(errors.New("no consensus is among these documents: there is nothing to verify"))
			}
			return failed(errors.Join(verdictRows(t, form, verdicts), refused))
		},
	}
	c.Flags().StringVar(&authorities, "authorities", "", authoritiesHelp)
	c.Flags().StringVarP(&form, "output", "o", terminal.FormTable, outputHelp+"table or json")
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
			after = text.Time(v.ValidAfter)
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
			if err := checkForm(form, terminal.FormTable, terminal.FormJSON, terminal.FormCSV); err != nil {
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
			return failed(t.Rows(form, columns, withUnits(form, columns, [][]any{row})))
		},
	}
	c.Flags().StringVar(&path, "relays", defaultTable, relaysHelp)
	c.Flags().StringVarP(&form, "output", "o", terminal.FormTable, outputHelp+"table, json or csv")
	return c
}

func seenCommand(t *terminal.Terminal, now func() time.Time) *cobra.Command {
	var path, form, at string
	c := &cobra.Command{
		Use:     "seen IP",
		Short:   "What an address was at a time",
		Long:    "Says what the table, and for older times the history beside it, knows of an address at a time (now without --at). A port behind the address, as in [2001:db8::1]:443, does not choose what is listed; the sentence says whether it was one of the relay's. \"no list\" means that no list was read for that time: it does not mean that the address was no relay.",
		Example: "  torctl relays seen 2001:db8::1 --at 2026-10-01T12:00:00Z\n  torctl relays seen '[2001:db8::1]:443' --at 2026-10-01T12:00:00Z",
		Args:    cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			if err := checkForm(form, terminal.FormTable, terminal.FormJSON, terminal.FormCSV); err != nil {
				return err
			}
			addr, port, err := relaylist.ParseEnd(args[0])
			if err != nil {
				return err
			}
			moment := now().Unix()
			if at != "" {
				if moment, err = relaylist.ParseTime(at); err != nil {
					return err
				}
			}
			network := relay.NewNetwork(path)
			lines := relaylist.Lookup(network, addr, moment)
			columns, rows := relaylist.SeenRows(lines)
			switch absent := network.Absent(); {
			case errors.Is(absent, fs.ErrNotExist) && network.HasHistory():
				t.Say("there is no table %s: the history alone is known", path)
			case errors.Is(absent, fs.ErrNotExist):
				t.Say("there is no table %s: only authorities and default bridges are known", path)
			case absent != nil:
				return failed(fmt.Errorf("%s: %w", path, absent))
			}
			lost, lostHistory := network.Damage(path)
			for _, sentence := range append(lost, lostHistory...) {
				t.Say("warning: %s", sentence)
			}
			if form == terminal.FormTable {
				said := strings.TrimSpace(relaylist.Sentence(lines) + " " + relaylist.PortSentence(lines, port))
				if err := t.Print(t.Paragraph("", said)); err != nil {
					return failed(err)
				}
			}
			return failed(t.Rows(form, columns, withUnits(form, columns, rows)))
		},
	}
	c.Flags().StringVar(&path, "relays", defaultTable, relaysHelp)
	c.Flags().StringVar(&at, "at", "", "the time: epoch seconds or RFC 3339, UTC where no zone is given")
	c.Flags().StringVarP(&form, "output", "o", terminal.FormTable, outputHelp+"table, json or csv")
	return c
}

// ages are columns in seconds, which a person reads with units.
var ages = []string{"age", "exit_age", "away"}

// withUnits gives ages their units in a table; programs get seconds.
func withUnits(form string, columns []string, rows [][]any) [][]any {
	if form != terminal.FormTable {
		return rows
	}
	for _, row := range rows {
		for i, cell := range row {
			if seconds, ok := cell.(int64); ok && slices.Contains(ages, columns[i]) {
				row[i] = text.Age(seconds)
				if seconds < 0 {
					row[i] = text.Age(-seconds) + " left" // the list still holds
				}
			}
		}
	}
	return rows
}

// trusted reads an authorities file; without one relaylist trusts the public
// network's.
func trusted(path string) (tordir.Trust, error) {
	if path == "" {
		return nil, nil
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
