package relaylist

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"time"

	"tordetect/src/dirclient"
	"tordetect/src/flow"
	"tordetect/src/text"
	"tordetect/src/tordir"
)

// FirstBackfill is how far back an update looks for hours that the table lacks,
// if nothing else is said: all that CollecTor keeps in its folder recent. The
// first run finds that it lacks all, later ones mostly the newest alone.
const FirstBackfill = 72 * time.Hour

// ErrNothingNewer says that no source has a list newer than the table's, and that
// the table's still holds.
var ErrNothingNewer = errors.New("nothing newer")

// fetch is Update for an importer that has the table already. It fails, and says
// why for each source, if none has a newer list; with ErrNothingNewer if that is as
// it should be.
func (im *importer) fetch(ctx context.Context, o UpdateOptions) error {
	if len(o.Sources) == 0 {
		o.Sources = []dirclient.Source{dirclient.Collector()}
	}
	if o.Client.Now == nil {
		o.Client.Now = func() time.Time { return im.now }
	}
	if o.Progress == nil {
		o.Progress = func(string) {}
	}
	if o.Backfill == 0 {
		o.Backfill = FirstBackfill
	}
	if o.Retention > 0 { // else what it drops would be asked for again, run after run: it counts from the end of the newest list
		o.Backfill = min(o.Backfill, max(o.Retention-validFor, time.Hour))
	}
	client, err := dirclient.New(o.Client)
	if err != nil {
		return fmt.Errorf("prepare the update: %w", err)
	}
	defer client.Close()
	f := fetch{im: im, client: client, update: o, covered: im.merger.Covered()}
	f.had, _ = im.merger.Newest()
	var failures noList
	filled, current := false, false
	for _, source := range o.Sources {
		o.Progress("asking " + source.String())
		f.asked = Asked{Source: source.String()}
		err := f.source(ctx, source)
		if err == nil || f.filled && !filled { // the first that filled gaps has the exit list too
			f.exits(ctx, source)
		}
		filled = f.filled
		f.asked.Err = err
		im.out.Asked = append(im.out.Asked, f.asked)
		if err == nil {
			f.tell(failures)
			return nil
		}
		current = current || errors.Is(err, ErrNothingNewer)
		failures = append(failures, err)
		if ctx.Err() != nil {
			break
		}
	}
	switch {
	case filled:
		return nil
	case current:
		return ErrNothingNewer
	}
	return failures
}

// tell warns of sources that failed before one that helped, and of a list that is
// the newest and has ended all the same.
func (f *fetch) tell(failures noList) {
	for _, err := range failures {
		if !errors.Is(err, ErrNothingNewer) {
			f.im.warn("A source was passed over: %s", ended(err))
		}
	}
	until, _ := f.im.merger.Newest()
	if now := f.im.now.Unix(); until < now {
		f.im.warn("The newest list that was had ended at %s, %d hours ago: newer relays are not known. Name a source that is current.", text.Time(until), (now-until)/3600)
	}
}

// fetch is one update under way.
type fetch struct {
	im      *importer
	client  *dirclient.Client
	update  UpdateOptions
	asked   Asked           // the source that is being asked
	had     int64           // valid-until of the newest list of the table; 0 without one
	covered []flow.Interval // for which the table has lists
	filled  bool            // older hours that the table lacked were had from an archive
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
		f.update.Progress("reading " + document.URL)
		name := source.String()
		if !document.Hour.IsZero() {
			name += ": the list of " + text.Time(document.Hour.Unix())
		}
		good := false
		for doc, err := range tordir.Documents(document.URL, bytes.NewReader(document.Bytes), fetchedLimits) {
			if err != nil {
				refused.add(fmt.Errorf("%s cannot be read: %w", name, err))
				continue
			}
			if doc.Kind != tordir.KindConsensus {
				refused.add(fmt.Errorf("%s %s", name, isNo("consensus", doc.Bytes)))
				continue
			}
			v := f.im.addOf(doc, document.Hour)
			if v.pending() && !asked {
				asked = true
				f.certificates(ctx, source, v.Verification)
				v = f.im.addOf(doc, document.Hour)
			}
			f.im.out.Verdicts = append(f.im.out.Verdicts, v)
			if !v.OK {
				refused.add(fmt.Errorf("%s was refused: %s", name, v.Reason))
				continue
			}
			good = true
			f.asked.Lists++
			newest = max(newest, v.ValidUntil)
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
		f.im.warnOf(refused)
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
		f.im.warnOf(refused)
		return nil
	case newest == 0 && refused.count > 0:
		return refused.err()
	case newest == 0:
		return fmt.Errorf("%s has no consensus", source)
	case newest == f.had || f.im.now.Unix() <= newest:
		// A cache has a list up to an hour later than others, and hands the one before
		// out until then. As long as that holds it is what it should have; and ours,
		// which is newer, holds longer.
		f.im.warnOf(refused)
		return f.nothingNewer(source)
	}
	return fmt.Errorf("%s has only lists that are older than the table's: the newest ends at %s, the table's at %s. It is out of date, or somebody wants ours to be",
		source, text.Time(newest), text.Time(f.had))
}

// nothingNewer is fine as long as the table's newest list still holds.
func (f *fetch) nothingNewer(source dirclient.Source) error {
	if f.im.now.Unix() <= f.had {
		return fmt.Errorf("%s has %w than the table, which holds until %s", source, ErrNothingNewer, text.Time(f.had))
	}
	return fmt.Errorf("%s has nothing newer than the table, whose newest list ended at %s: it is out of date", source, text.Time(f.had))
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
		f.update.Progress("asking " + s.String() + " for certificates")
		taken := 0
		for document, err := range f.client.Certificates(ctx, s, keys) {
			if err != nil {
				f.im.warn("Certificates could not be had: %s", ended(err))
				continue
			}
			n, refused := f.takeFrom(document, tordir.KindCertificates, "certificate")
			f.im.warnOf(refused)
			taken += n
		}
		if taken > 0 {
			return
		}
	}
}

// exits takes in the current exit list. It is no reason to fail: the relays'
// flags say who is an exit, if less surely.
func (f *fetch) exits(ctx context.Context, source dirclient.Source) {
	before := f.asked.Exits
	for _, asked := range f.im.out.Asked {
		before += asked.Exits
	}
	if source.IsFolder() {
		if before == 0 {
			f.im.warn("The folder %s holds no exit list that can be used, so exits are known by their flag only.", source)
		}
		return
	}
	if !source.Encrypted() {
		f.im.warn("Exit lists are not signed and therefore not asked for over plain HTTP (%s): exits are known by their flag only.", source)
		return
	}
	var refused refusals
	for document, err := range f.client.ExitLists(ctx, source, dirclient.Wanted{}) {
		if err != nil {
			refused.add(err)
			continue
		}
		taken, bad := f.takeFrom(document, tordir.KindExitList, "exit list")
		f.asked.Exits += taken
		refused.join(bad)
	}
	switch {
	case f.asked.Exits > 0 || before > 0:
		f.im.warnOf(refused)
	case refused.count > 0:
		f.im.warn("No exit list could be had, so exits are known by their flag only: %s", ended(refused.err()))
	default:
		f.im.warn("No exit list could be had, so exits are known by their flag only: that of %s names no address.", source)
	}
}

// takeFrom takes in what a fetched document holds of one kind, and says what was
// wrong with the rest.
func (f *fetch) takeFrom(document dirclient.Document, kind tordir.Kind, name string) (taken int, refused refusals) {
	before := len(f.im.out.Verdicts)
	for doc, err := range tordir.Documents(document.URL, bytes.NewReader(document.Bytes), fetchedLimits) {
		switch {
		case err != nil:
			f.im.held.broken(doc)
			refused.add(fmt.Errorf("%s cannot be read: %w", document.URL, err))
		case doc.Kind != kind:
			refused.add(fmt.Errorf("%s %s", document.URL, isNo(name, doc.Bytes)))
		default:
			f.im.out.Verdicts = append(f.im.out.Verdicts, f.im.add(doc))
		}
	}
	f.im.settle()
	for _, v := range f.im.out.Verdicts[before:] {
		taken += v.Taken
		if !v.OK {
			refused.add(v.refusal())
		}
	}
	return taken, refused
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
