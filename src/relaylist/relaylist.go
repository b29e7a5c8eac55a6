// Package relaylist keeps a relay table current: it takes Tor's documents, from
// files or from the network, believes what is signed, and merges it into the
// table that package relay reads. It also says what a table knows: its state, and
// what an address was at a time.
//
//	in:   a place with a table, or none yet; consensuses, certificates and exit
//	      lists, in any order, or the sources that have them
//	out:  a verdict for each document, what each source gave, warnings, and the
//	      merged table in its place
//
//	result, err := relaylist.Update(ctx, relaylist.Place{Path: "tor_relays.csv"}, relaylist.UpdateOptions{...})
//	result, err := relaylist.Import(ctx, relaylist.Place{Path: "tor_relays.csv"}, relaylist.ImportOptions{...})
//	result.Verdicts[0].Reason // "9 of 9 authorities signed, 5 are needed."
//
// Documents are parsed and verified in package tordir, fetched in package
// dirclient, merged in package relay. What meets here is the rules between them:
// certificates may come after the consensus that needs them, a document from the
// future is refused, exit lists, which nobody signs, count only out of files that are
// whole and for relays that a consensus lists, and one writer at a time changes a
// table, or nothing does.
//
// It prints nothing, and knows no command line and no search.
package relaylist

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"time"

	"tordetect/src/dirclient"
	"tordetect/src/relay"
	"tordetect/src/text"
	"tordetect/src/tordir"
)

// Place is where a table lies, and who puts the new one there.
type Place struct {
	// Path is the table's file. There need be none yet.
	Path string

	// Lookup says that Splunk writes the table: it is a lookup that a search
	// renews from our rows (| outputlookup), as Splunk would not replicate what we
	// wrote. Nothing is locked and nothing written then; the merged table is in
	// Result.Rows. Another search may have renewed it meanwhile: that is taken in
	// last of all. And what is no table there is told and begun anew, as on
	// Splunk Cloud nobody could move it away.
	Lookup bool

	// Learn are tables whose content is taken in too: a history learns what the
	// table knows, and then from the network only what that lacks.
	Learn []string

	// Hold, if not nil, calls what puts a new table in the place of the old one, so
	// that a signal to stop can wait for it.
	Hold func(replace func() error) error
}

// Options are those of both ways to learn.
type Options struct {
	Trust     tordir.Trust  // the authorities to believe; nil: the public network's
	Now       time.Time     // what is ahead of it is not believed
	Retention time.Duration // drops what ended so long before the newest list; 0: nothing is dropped
}

// UpdateOptions say where to look for newer lists, and how far back.
type UpdateOptions struct {
	Options
	Sources  []dirclient.Source // tried in turn; none: CollecTor
	Backfill time.Duration      // how far back to go in an archive for hours that the table lacks; 0: FirstBackfill
	Client   dirclient.Config
	Progress func(text string) // if not nil, is told what is being done
}

// ImportOptions name files.
type ImportOptions struct {
	Options
	Files []string
	Begin func(path string) // if not nil, is told of each file as it is begun
}

// Result is what was learned, and what came of it.
type Result struct {
	Verdicts []Verdict // of all documents
	Asked    []Asked   // the sources, in the order in which they were asked
	Warnings []string  // sentences: what went wrong without being a failure

	// Current says that nothing newer was found, as it should be: the table's
	// newest list still holds. Its file is not written then.
	Current bool

	Written relay.Stats         // of the new table
	Rows    iter.Seq[relay.Row] // the new table of a Place that is a Lookup, once and without the header
}

// Asked is a source that was asked for newer lists.
type Asked struct {
	Source string
	Lists  int   // that were believed
	Exits  int   // addresses of exits that were taken in
	Err    error // why it has no newer list; nil: it had
}

// Update takes newer lists into a table from the first source that has one, and an
// exit list where one can be had over TLS. The Result is never nil: its verdicts
// and warnings belong to a failure too.
func Update(ctx context.Context, place Place, o UpdateOptions) (*Result, error) {
	return keep(place, o.Options, func(im *importer) error { return im.fetch(ctx, o) })
}

// Import takes the documents of files into a table, in any order. It fails if
// nothing in them says anything about relays; of a few that were refused beside
// good ones the verdicts tell, and Failed. The Result is never nil.
func Import(ctx context.Context, place Place, o ImportOptions) (*Result, error) {
	return keep(place, o.Options, func(im *importer) error {
		if err := im.files(ctx, o); err != nil {
			return err
		}
		if place.Lookup {
			im.tellImport()
		}
		had := map[tordir.Kind]bool{}
		for _, v := range im.out.Verdicts {
			had[v.Kind] = had[v.Kind] || v.OK
		}
		if had[tordir.KindConsensus] && !had[tordir.KindExitList] && !place.Lookup {
			im.warn("There was no exit list among the documents: what came from an exit by another address than its own is not known, unless an earlier import had the lists of these hours.")
		}
		if had[tordir.KindConsensus] || had[tordir.KindExitList] {
			return nil
		}
		if err := Failed(im.out.Verdicts); err != nil {
			return err
		}
		return errors.New("certificates alone say nothing about relays: add the consensuses that they are for")
	})
}

// tellImport warns of what was refused, where the table that Splunk shows leaves no
// room for verdicts, and of lists that are old: a lookup judges what happens now.
func (im *importer) tellImport() {
	var refused refusals
	for _, v := range im.out.Verdicts {
		if !v.OK {
			v.Name = filepath.Base(v.Name) // a search's messages are no place for a server's folders
			refused.add(v.refusal())
		}
	}
	im.warnOf(refused)
	if newest, ok := im.merger.Newest(); ok && newest < im.now.Unix() {
		im.warn("The newest list that is known now ended at %s: newer rows are judged by an old list. Import newer ones.", text.Time(newest))
	}
}

// Verify judges the documents of files, as Import would, for no table.
func Verify(ctx context.Context, o ImportOptions) ([]Verdict, error) {
	im := newImporter(o.Options)
	err := im.files(ctx, o)
	return im.out.Verdicts, err
}

// Failed returns an error that counts the documents which were not believed, or
// nil.
func Failed(verdicts []Verdict) error {
	bad := 0
	for _, v := range verdicts {
		if !v.OK {
			bad++
		}
	}
	switch {
	case len(verdicts) == 0:
		return errors.New("no document was found")
	case bad > 0:
		return fmt.Errorf("%d of %d documents were refused", bad, len(verdicts))
	}
	return nil
}

// keep opens a place, has something learned, and puts the merged table there.
func keep(place Place, o Options, learn func(*importer) error) (*Result, error) {
	im := newImporter(o)
	file, release, err := place.open()
	if err != nil {
		return &im.out, err
	}
	defer release()
	for _, path := range append([]string{file}, place.Learn...) {
		if err := im.addTable(path, place.Lookup); err != nil {
			return &im.out, err
		}
	}
	err = learn(im)
	im.out.Current = errors.Is(err, ErrNothingNewer)
	switch {
	case im.out.Current && !place.Lookup:
		return &im.out, nil
	case err != nil && !im.out.Current:
		return &im.out, place.unchanged(err)
	}
	return &im.out, place.put(im, file, relay.Options{Retention: o.Retention, Relays: true})
}

// open checks the place and keeps others from writing there until release is
// called. file is where the table is, links followed.
func (p Place) open() (file string, release func(), err error) {
	if p.Lookup {
		return p.Path, func() {}, nil
	}
	if file, err = checkPlace(p.Path); err != nil {
		return "", nil, err
	}
	release, err = Lock(file)
	return file, release, err
}

// put puts the merged table in its place, or makes the rows for the one who will.
func (p Place) put(im *importer, file string, o relay.Options) (err error) {
	out := &im.out
	if p.Lookup {
		if err := im.addTable(file, true); err != nil { // what another search learned meanwhile
			return err
		}
		if out.Rows, out.Written, err = im.merger.Rows(o); err != nil {
			return fmt.Errorf("merge the table: %w", err)
		}
		im.uncovered()
		return nil
	}
	var failure error
	replace := func() error {
		out.Written, failure = im.merger.WriteFile(file, o)
		return failure
	}
	if p.Hold == nil {
		p.Hold = func(replace func() error) error { return replace() }
	}
	err = p.Hold(replace)
	if failure != nil {
		return p.unchanged(failure)
	}
	im.uncovered()
	return err
}

// uncovered warns of exit lists that are of no use yet.
func (im *importer) uncovered() {
	if n := im.out.Written.Uncovered; n > 0 {
		im.warn("Exit lists of times for which no consensus was read count for nothing: %d. Give both together.", n)
	}
}

// unchanged says what a failure means for the table.
func (p Place) unchanged(err error) error {
	if p.Lookup {
		return err // whoever runs the search knows
	}
	if _, missing := os.Stat(p.Path); errors.Is(missing, fs.ErrNotExist) {
		return fmt.Errorf("%w; no table was written", err)
	}
	return fmt.Errorf("%w; the table %s is as it was", err, p.Path)
}
