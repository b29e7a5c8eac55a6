package dirclient

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"iter"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Paths below an archive's base and of a directory cache (tor.md, sections 6 and 7).
const (
	consensusFolder = "recent/relay-descriptors/microdescs/consensus-microdesc/"
	exitListFolder  = "recent/exit-lists/"
	certificateFile = "archive/relay-descriptors/certs.tar.xz"

	cacheConsensus = "tor/status-vote/current/consensus-microdesc"
	cacheAllKeys   = "tor/keys/all"
	cacheKeys      = "tor/keys/fp-sk/"
)

// stampLayout is the time in CollecTor's file names, UTC.
const stampLayout = "2006-01-02-15-04-05"

const (
	// maxBackfill: CollecTor's recent/ holds 72 hours.
	maxBackfill = 72 * time.Hour

	// newestWithin is how far back the newest consensus is looked for: its
	// valid-until is three hours after its valid-after, and one any older is
	// of no use today.
	newestWithin = 3 * time.Hour

	// maxMisses ends a search for hours that do not exist: a folder without
	// any of the last 24 hours is not alive, or not CollecTor's layout.
	maxMisses = 24

	// maxFailures ends a series whose documents fail one after the other.
	maxFailures = 3

	// sinceMargin is added to If-Modified-Since, as tor does: a cache compares it
	// with the valid-after of what it has.
	sinceMargin = 3 * time.Minute

	// clockMargin is how far two clocks may differ before it is worth a word;
	// a relay list is good for hours, so seconds do not matter.
	clockMargin = 15 * time.Minute

	// keysAtOnce keeps a request line below 3 kB.
	keysAtOnce = 32
)

// Wanted says which documents of a series to fetch.
type Wanted struct {
	// Newest is the valid-after (exit lists: the download time) of the newest
	// document that the caller holds; zero = none. Servers that hold only the
	// newest document are asked for a newer one.
	Newest time.Time

	// Backfill is how far back to go in an archive, at most 72 h. Zero = only
	// the newest document, of the last three hours.
	Backfill time.Duration

	// Have says whether the caller needs no document of that hour (exit list:
	// of that second); nil = it needs all. Newest counts as held by itself.
	Have func(time.Time) bool
}

func (w Wanted) has(at time.Time) bool {
	return at.Equal(w.Newest) || w.Have != nil && w.Have(at)
}

// A Key names a certificate: by the authority's v3ident and the digest of the
// signing key, as a consensus' signatures do.
type Key struct{ Identity, SigningKey [20]byte }

// Consensuses fetches consensuses of the microdesc flavour, newest first. This
// series, as all others, yields at least one document or error.
//
// From an archive they are one for each hour that is wanted and exists; from a
// cache or the authorities it is the newest, if newer than wanted.Newest.
//
// An error (an *Error, or Attempts for the authorities) may be followed by more
// documents, if the loop goes on. ErrNothingNewer comes alone: the source answered,
// and holds nothing that is wanted.
func (c *Client) Consensuses(ctx context.Context, source Source, wanted Wanted) iter.Seq2[Document, error] {
	switch source.kind {
	case kindArchive:
		return c.series(ctx, source, wanted, func(context.Context) ([]item, error) { return c.consensusHours(source, wanted), nil })
	case kindCache, kindAuthorities:
		since := wanted.Newest
		if !since.IsZero() {
			since = since.Add(sinceMargin)
		}
		return c.single(ctx, func(ctx context.Context) (Document, error) {
			return c.inTurn(ctx, source, cacheConsensus, since)
		})
	}
	return refuse(source)
}

// Certificates fetches key certificates. A directory cache is asked for those
// named, and for all that it has where none is; it answers with those that it
// has, or not at all. An archive has one file of all since 2007.
func (c *Client) Certificates(ctx context.Context, source Source, keys []Key) iter.Seq2[Document, error] {
	switch source.kind {
	case kindArchive:
		return c.single(ctx, func(ctx context.Context) (Document, error) {
			return c.get(ctx, ask{source: source, url: source.base.JoinPath(certificateFile), tries: c.limits.Tries})
		})
	case kindCache, kindAuthorities:
		return func(yield func(Document, error) bool) {
			ctx, cancel := c.bound(ctx)
			defer cancel()
			for _, path := range keyPaths(keys) {
				if !yield(c.inTurn(ctx, source, path, time.Time{})) {
					return
				}
			}
		}
	}
	return refuse(source)
}

// ExitLists fetches exit lists, newest first: from an archive those of recent/
// that are wanted, found by its listing, as their names hold the second.
func (c *Client) ExitLists(ctx context.Context, source Source, wanted Wanted) iter.Seq2[Document, error] {
	switch source.kind {
	case kindArchive:
		return c.series(ctx, source, wanted, func(ctx context.Context) ([]item, error) {
			return c.exitLists(ctx, source, wanted)
		})
	}
	return refuse(source)
}

// bound puts the client's total time on a context.
func (c *Client) bound(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithDeadlineCause(ctx, c.deadline, because(ErrSpent, "%v", c.limits.Total))
}

func (c *Client) single(ctx context.Context, get func(context.Context) (Document, error)) iter.Seq2[Document, error] {
	return func(yield func(Document, error) bool) {
		ctx, cancel := c.bound(ctx)
		defer cancel()
		yield(get(ctx))
	}
}

func refuse(source Source) iter.Seq2[Document, error] {
	return func(yield func(Document, error) bool) {
		yield(Document{}, &Error{Source: source.text, Err: errKind})
	}
}

// inTurn asks a cache, or one authority after the other, each once: the next
// one is the better second try. A cache alone is asked again.
func (c *Client) inTurn(ctx context.Context, source Source, path string, since time.Time) (Document, error) {
	if source.kind == kindCache {
		return c.get(ctx, ask{source: source, url: source.base.JoinPath(path), since: since, tries: c.limits.Tries})
	}
	if len(source.addrs) == 0 {
		return Document{}, &Error{Source: source.text, Err: because(errKind, "no authority with a Dir port is known")}
	}
	var attempts Attempts
	for _, addr := range source.addrs {
		server := &url.URL{Scheme: "http", Host: addr.String(), Path: "/"}
		doc, err := c.get(ctx, ask{source: source, url: server.JoinPath(path), since: since, tries: 1})
		if err == nil || errors.Is(err, ErrNothingNewer) {
			return doc, err
		}
		attempts = append(attempts, err)
		if ctx.Err() != nil || errors.Is(err, ErrSpent) {
			break
		}
	}
	return Document{}, attempts
}

// keyPaths are the requests for certificates, the keys in the order given.
func keyPaths(keys []Key) []string {
	if len(keys) == 0 {
		return []string{cacheAllKeys}
	}
	var paths []string
	for some := range slices.Chunk(keys, keysAtOnce) {
		pairs := make([]string, len(some))
		for i, k := range some {
			pairs[i] = strings.ToUpper(hex.EncodeToString(k.Identity[:]) + "-" + hex.EncodeToString(k.SigningKey[:]))
		}
		paths = append(paths, cacheKeys+strings.Join(pairs, "+"))
	}
	return paths
}

// An item is a document of a series that may exist.
type item struct {
	url *url.URL
	at  time.Time
}

// consensusHours are the hours to ask an archive for, newest first. Their
// names are known, so nothing needs to be listed.
func (c *Client) consensusHours(source Source, wanted Wanted) []item {
	newest := c.now().UTC().Truncate(time.Hour)
	back := min(max(wanted.Backfill, newestWithin), maxBackfill)
	var items []item
	for at := newest; newest.Sub(at) < back; at = at.Add(-time.Hour) {
		items = append(items, item{source.base.JoinPath(consensusFolder, at.Format(stampLayout)+"-consensus-microdesc"), at})
	}
	return items
}

var stamp = regexp.MustCompile(`\b[0-9]{4}(-[0-9]{2}){5}\b`)

// exitLists reads an archive's listing of its exit lists: whatever the page
// looks like, names are times.
func (c *Client) exitLists(ctx context.Context, source Source, wanted Wanted) ([]item, error) {
	folder := source.base.JoinPath(exitListFolder)
	listing, err := c.get(ctx, ask{source: source, url: folder, tries: c.limits.Tries})
	if err != nil {
		return nil, err
	}
	now := c.now().UTC()
	back := min(max(wanted.Backfill, newestWithin), maxBackfill)
	var items []item
	for _, name := range stamp.FindAll(listing.Bytes, -1) {
		at, err := time.Parse(stampLayout, string(name))
		if err != nil || now.Sub(at) >= back || at.Sub(now) > time.Hour {
			continue
		}
		items = append(items, item{folder.JoinPath(string(name)), at})
	}
	slices.SortFunc(items, func(a, b item) int { return b.at.Compare(a.at) })
	return slices.CompactFunc(items, func(a, b item) bool { return a.at.Equal(b.at) }), nil // a name stands twice, as link and as text
}

// series fetches one document after the other. What does not exist is passed
// over: an hour without a consensus, or one that is not yet there.
func (c *Client) series(ctx context.Context, source Source, wanted Wanted, list func(context.Context) ([]item, error)) iter.Seq2[Document, error] {
	return func(yield func(Document, error) bool) {
		ctx, cancel := c.bound(ctx)
		defer cancel()
		items, err := list(ctx)
		if err != nil {
			yield(Document{}, err)
			return
		}
		found, held, misses, failures := 0, 0, 0, 0
		var missed error
		for _, it := range items {
			if wanted.has(it.at) {
				held++
				if wanted.Backfill == 0 {
					break // the newest that there is, is held
				}
				continue
			}
			doc, err := c.get(ctx, ask{source: source, url: it.url, tries: c.limits.Tries})
			if errors.Is(err, ErrNotFound) {
				missed = err
				if misses++; misses == maxMisses {
					break
				}
				continue
			}
			misses = 0
			if err != nil {
				failures++
				if !yield(Document{}, err) || failures == maxFailures || ctx.Err() != nil || errors.Is(err, ErrSpent) {
					return
				}
				continue
			}
			failures = 0
			found++
			doc.Hour = it.at
			if !yield(doc, nil) || wanted.Backfill == 0 {
				return
			}
		}
		switch {
		case found > 0 || failures > 0:
		case held > 0:
			yield(Document{}, &Error{Source: source.text, Err: ErrNothingNewer})
		case missed != nil:
			yield(Document{}, c.clockToo(missed))
		default:
			yield(Document{}, &Error{Source: source.text, Err: because(ErrNotFound, "nothing of the last hours")})
		}
	}
}

// clockToo adds to "no such hour" what may well be the cause: this machine's
// clock asks for hours that have not come, or are gone.
func (c *Client) clockToo(missed error) error {
	var e *Error
	if !errors.As(missed, &e) || e.Date.IsZero() {
		return missed
	}
	ahead := c.now().Sub(e.Date).Round(time.Second)
	if ahead.Abs() < clockMargin {
		return missed
	}
	with := *e
	with.Err = fmt.Errorf("%w; this machine's clock differs from the server's by %v: set it right", e.Err, ahead.Abs())
	return &with
}
