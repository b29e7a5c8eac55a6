package relaylist

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"time"

	"tordetect/src/flow"

	"tordetect/src/dirclient"
	"tordetect/src/tordir"
)

// Update says where to look for newer lists, and how far back.
type Update struct {
	Sources  []dirclient.Source // tried in turn; none: CollecTor
	Backfill time.Duration      // how far back to go in an archive for hours that the table lacks; 0: FirstBackfill
	// Retention of the table that will be written, 0 for none: what it would drop
	// is not asked for.
	Retention time.Duration
	Client    dirclient.Config
	// Progress, if not nil, is told what is being done.
	Progress func(text string)
}

// FirstBackfill is how far back an update looks for hours that the table lacks,
// if nothing else is said: all that CollecTor keeps in its folder recent. The
// first run finds that it lacks all, later ones mostly the newest alone.
const FirstBackfill = 72 * time.Hour

// Updated is what an update found.
type Updated struct {
	Source   string    // that gave the lists
	Lists    int       // consensuses that were believed
	Newest   int64     // valid-after of the newest of them
	Exits    int       // exit addresses that were taken in
	Verdicts []Verdict // of all documents
	Warnings []string  // sentences: what went wrong without stopping the update
}

// ErrNothingNewer says that no source has a list newer than the table's, and that
// the table's still holds.
var ErrNothingNewer = errors.New("nothing newer")

// Fetch takes in newer lists from the first source that has one, and an exit
// list where one can be had over TLS. The table that is there must have been
// added before. It fails, and says why for each source, if there is none; with
// ErrNothingNewer if that is as it should be.
func (im *Importer) Fetch(ctx context.Context, u Update) (*Updated, error) {
	if len(u.Sources) == 0 {
		u.Sources = []dirclient.Source{dirclient.Collector()}
	}
	config := u.Client
	if config.Now == nil {
		config.Now = func() time.Time { return im.now }
	}
	client, err := dirclient.New(config)
	if err != nil {
		return nil, fmt.Errorf("prepare the update: %w", err)
	}
	defer client.Close()
	f := fetch{im: im, client: client, update: u, out: &Updated{Warnings: slices.Clone(im.Warnings)}}
	f.had, _ = im.Merger.Newest()
	f.covered = im.Merger.Covered()
	if f.update.Backfill == 0 {
		f.update.Backfill = FirstBackfill
		if u.Retention > 0 { // else what it drops would be asked for again, run after run
			f.update.Backfill = min(FirstBackfill, u.Retention)
		}
	}
	var failures noList
	current := false
	for _, source := range u.Sources {
		f.say("asking " + source.String())
		err := f.source(ctx, source)
		if err == nil {
			f.out.Source = source.String()
			for _, err := range failures {
				if !errors.Is(err, ErrNothingNewer) {
					f.warn("A source was passed over: %s", ended(err))
				}
			}
			f.exits(ctx, source)
			if until, _ := im.Merger.Newest(); until < im.now.Unix() {
				f.warn("The newest list that was had ended at %s, %d hours ago: newer relays are not known. Name a source that is current.", clock(until), (im.now.Unix()-until)/3600)
			}
			return f.out, nil
		}
		if f.filled && f.out.Source == "" {
			f.out.Source = source.String()
			f.exits(ctx, source)
		}
		current = current || errors.Is(err, ErrNothingNewer)
		failures = append(failures, err)
		if ctx.Err() != nil {
			break
		}
	}
	switch {
	case f.filled:
		return f.out, nil
	case current:
		return f.out, ErrNothingNewer
	}
	return f.out, failures
}

// fetch is one update under way.
type fetch struct {
	im      *Importer
	client  *dirclient.Client
	update  Update
	out     *Updated
	had     int64           // valid-until of the newest list of the table; 0 without one
	covered []flow.Interval // for which the table has lists
	filled  bool            // older hours that the table lacked were had from an archive
}

func (f *fetch) say(text string) {
	if f.update.Progress != nil {
		f.update.Progress(text)
	}
}

func (f *fetch) warn(format string, args ...any) {
	f.out.Warnings = append(f.out.Warnings, fmt.Sprintf(format, args...))
}

// add takes a document in and keeps its verdict.
func (f *fetch) add(doc tordir.Document) Verdict {
	v := f.im.Add(doc)
	f.out.Verdicts = append(f.out.Verdicts, v)
	if v.OK && v.Kind == tordir.KindConsensus {
		f.out.Lists++
		f.out.Newest = max(f.out.Newest, v.ValidAfter)
	}
	return v
}

// source takes in what a source has. It fails if no list came that is newer than
// the table's.
func (f *fetch) source(ctx context.Context, source dirclient.Source) error {
	if source.IsFolder() {
		return f.folder(ctx, source)
	}
	if source.IsAuthorities() {
		source = source.WithAuthorities(f.dirPorts())
	}
	wanted := dirclient.Wanted{Backfill: f.update.Backfill, Have: f.has}
	if f.had != 0 {
		wanted.Newest = time.Unix(f.had, 0).Add(-validFor)
	}
	var newest int64
	var refused refusals
	hours := false // the lists are of the hours that were asked for
	asked := false // for certificates
	for document, err := range f.client.Consensuses(ctx, source, wanted) {
		if errors.Is(err, dirclient.ErrNothingNewer) {
			return f.nothingNewer(source)
		}
		if err != nil {
			refused.add(err)
			continue
		}
		f.say("reading " + document.URL)
		name := source.String()
		if !document.Hour.IsZero() {
			name += ": the list of " + clock(document.Hour.Unix())
		}
		good := false
		for doc, err := range tordir.Documents(document.URL, bytes.NewReader(document.Bytes), fetchedLimits) {
			if err != nil {
				refused.add(fmt.Errorf("%s cannot be read: %w", name, err))
				continue
			}
			if doc.Kind != tordir.KindConsensus {
				refused.add(fmt.Errorf("%s is no consensus", name))
				continue
			}
			v := f.im.add(doc, document.Hour)
			if v.pending() && !asked {
				asked = true
				f.certificates(ctx, source, v.Verification)
				v = f.im.add(doc, document.Hour)
			}
			f.out.Verdicts = append(f.out.Verdicts, v)
			if !v.OK {
				refused.add(fmt.Errorf("%s was refused: %s", name, v.Reason))
				continue
			}
			good = true
			f.out.Lists++
			f.out.Newest, newest = max(f.out.Newest, v.ValidAfter), max(newest, v.ValidUntil)
			hours = hours || !document.Hour.IsZero()
		}
		if good {
			refused.row = 0
		}
		if refused.row >= maxBad {
			break
		}
	}
	if newest < f.had && f.im.now.Unix() <= f.had && (hours || refused.count > 0 && f.has(f.im.now.Truncate(time.Hour))) {
		// An archive was asked for older hours only, as the table has the newest.
		f.filled = f.filled || hours
		f.warnOf(refused)
		return f.nothingNewer(source)
	}
	return f.judge(source, newest, refused)
}

// has reports whether the table covers all that the list of an hour would.
func (f *fetch) has(hour time.Time) bool {
	for _, iv := range f.covered {
		if iv.From <= hour.Unix() && hour.Add(validFor).Unix() <= iv.To {
			return true
		}
	}
	return false
}

// validFor is how long a consensus of the public network is valid: the table
// keeps the end of its newest list only.
const validFor = 3 * time.Hour

// fetchedLimits bound what is made of one fetched document: certs.tar.xz, the
// largest, has 150 kB packed and some megabytes unpacked.
var fetchedLimits = tordir.Limits{Input: 64 << 20, Output: 256 << 20}

// judge says whether a source did what an update is for.
func (f *fetch) judge(source dirclient.Source, newest int64, refused refusals) error {
	switch {
	case newest > f.had:
		f.warnOf(refused)
		return nil
	case newest == 0 && refused.count > 0:
		return refused.err()
	case newest == 0:
		return fmt.Errorf("%s has no consensus", source)
	case newest == f.had:
		f.warnOf(refused)
		return f.nothingNewer(source)
	}
	return fmt.Errorf("%s has only lists that are older than the table's: the newest ends at %s, the table's at %s. It is out of date, or somebody wants ours to be",
		source, clock(newest), clock(f.had))
}

// nothingNewer is fine as long as the table's newest list still holds.
func (f *fetch) nothingNewer(source dirclient.Source) error {
	if f.im.now.Unix() <= f.had {
		return fmt.Errorf("%s has %w than the table, which holds until %s", source, ErrNothingNewer, clock(f.had))
	}
	return fmt.Errorf("%s has nothing newer than the table, whose newest list ended at %s: it is out of date", source, clock(f.had))
}

// certificates asks for the keys that a consensus is signed with: the source
// itself, then the other sources, as one that holds consensuses need not hold
// certificates.
func (f *fetch) certificates(ctx context.Context, source dirclient.Source, v tordir.Verification) {
	var keys []dirclient.Key
	for _, c := range v.Checks {
		if c.Status == tordir.StatusUnknownCertificate || c.Status == tordir.StatusExpiredCertificate {
			keys = append(keys, dirclient.Key{Identity: c.V3Ident, SigningKey: c.SigningKeyDigest})
		}
	}
	sources := []dirclient.Source{source}
	for _, other := range f.update.Sources {
		if other.String() != source.String() && !other.IsFolder() {
			sources = append(sources, other)
		}
	}
	for _, s := range sources {
		if s.IsAuthorities() {
			s = s.WithAuthorities(f.dirPorts())
		}
		f.say("asking " + s.String() + " for certificates")
		taken := 0
		for document, err := range f.client.Certificates(ctx, s, keys) {
			if err != nil {
				f.warn("Certificates could not be had: %v.", err)
				continue
			}
			for doc, err := range tordir.Documents(document.URL, bytes.NewReader(document.Bytes), fetchedLimits) {
				if err == nil && doc.Kind == tordir.KindCertificates {
					taken += f.add(doc).Taken
				}
			}
		}
		if taken > 0 {
			return
		}
	}
}

// folder takes in all documents of an admin's folder, in any order: a consensus
// that comes before its certificates is read a second time, as Importer.Files does.
func (f *fetch) folder(ctx context.Context, source dirclient.Source) error {
	type place struct {
		path   string
		number int // of the document in the file
	}
	var verdicts []Verdict
	var refused refusals
	pending := map[place]int{} // to the verdict
	read := func(failed func(error), take func(place, tordir.Document)) {
		for document, err := range f.client.Files(ctx, source) {
			if err != nil {
				failed(err)
				continue
			}
			number := 0
			for doc, err := range tordir.Documents(document.URL, bytes.NewReader(document.Bytes), tordir.Limits{}) {
				if err != nil {
					failed(fmt.Errorf("%s: %w", doc.Name, err))
				} else if doc.Kind != tordir.KindUnknown { // a folder may hold other things
					take(place{document.URL, number}, doc)
				}
				number++
			}
		}
	}
	read(refused.add, func(at place, doc tordir.Document) {
		v := f.im.Add(doc)
		if v.pending() {
			pending[at] = len(verdicts)
		}
		verdicts = append(verdicts, v)
	})
	if len(pending) > 0 && len(f.im.certificates) > 0 {
		// What fails now was told of in the first reading.
		read(func(error) {}, func(at place, doc tordir.Document) {
			if i, ok := pending[at]; ok {
				verdicts[i] = f.im.Add(doc)
			}
		})
	}
	var newest int64
	for _, v := range verdicts {
		f.out.Verdicts = append(f.out.Verdicts, v)
		switch {
		case !v.OK:
			refused.add(fmt.Errorf("%s was refused: %s", v.Name, v.Reason))
		case v.Kind == tordir.KindConsensus:
			f.out.Lists++
			f.out.Newest, newest = max(f.out.Newest, v.ValidAfter), max(newest, v.ValidUntil)
		case v.Kind == tordir.KindExitList:
			f.out.Exits += v.Taken
		}
	}
	return f.judge(source, newest, refused)
}

// exits takes in the current exit list. It is no reason to fail: the relays'
// flags say who is an exit, if less surely.
func (f *fetch) exits(ctx context.Context, source dirclient.Source) {
	if source.IsFolder() {
		if f.out.Exits == 0 {
			f.warn("The folder %s holds no exit list, so exits are known by their flag only.", source)
		}
		return
	}
	if !source.Encrypted() {
		f.warn("Exit lists are not signed and therefore not asked for over plain HTTP (%s): exits are known by their flag only.", source)
		return
	}
	var failure error
	for document, err := range f.client.ExitLists(ctx, source, dirclient.Wanted{}) {
		if err != nil {
			failure = errors.Join(failure, err)
			continue
		}
		for doc, err := range tordir.Documents(document.URL, bytes.NewReader(document.Bytes), fetchedLimits) {
			if err == nil && doc.Kind == tordir.KindExitList {
				f.out.Exits += f.add(doc).Taken
			}
		}
	}
	if f.out.Exits == 0 {
		f.warn("No exit list could be had, so exits are known by their flag only: %v.", failure)
	}
}

// dirPorts returns the Dir ports of the authorities that are trusted now, in
// random order, so that not all the world asks the first.
func (f *fetch) dirPorts() []netip.AddrPort {
	var out []netip.AddrPort
	for _, a := range f.im.trust.At(f.im.now.Unix()) {
		if a.DirPort != 0 && a.Addr.IsValid() {
			out = append(out, netip.AddrPortFrom(a.Addr, a.DirPort))
		}
	}
	rand.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	return out
}
