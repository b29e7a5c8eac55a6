// Package relay knows the Tor network by time: which addresses and ports were
// listed as relays, when, and for which hours the lists were read at all.
//
// It makes the relay table, an ordinary Splunk lookup, and answers questions
// about an address at a moment or over an interval:
//
//	ip,port,role,flags,fingerprint,nickname,first_seen,last_seen
//	,,coverage,,,,1795422520,1795422840
//	198.51.100.21,443,or,Exit Guard,2DBB4D43E1DDE4C91EBC1FCA103E0465CDE18FC8,exit1,1795422520,1795422840
//	,2,end,,,,,
//
//	t.Lookup(nil, 198.51.100.21, at 1795422600)  ->  one Listing: the row above, Listed
//	t.Lookup(nil, 198.51.100.21, at 1795426000)  ->  the same row, Stale, 3160 s after the newest list
//	t.Coverage(at 1795426000)                    ->  Stale: "not found" means little at that time
//
// A row of the table is the union of [valid-after, valid-until] of the
// consensuses that hold it, so no row spans an hour that nobody saw. A
// built-in, dated list of directory authorities and of the bridges that Tor
// Browser ships (builtin.go) is part of every table, also of an empty one.
//
// This file has the questions and how a row is placed in time; lists.go the
// hours that were seen, load.go a table in memory and where it comes from,
// index.go the way from an address to its rows, which are made of what package
// sheet keeps of a file when somebody asks for them; near.go the questions of a
// judgement, network.go and fixed.go a table with the history beside it; merge.go
// makes a table out of consensuses, exit lists and earlier tables, of which pieces.go
// joins the hours, save.go writes it. A file is hostile: everything is bounded, what cannot
// be read is counted, and a table that was cut never says that an address is no
// relay.
//
// The package fetches nothing, checks no signature and passes no judgement:
// what a listing is worth is decided in package detect. Times are epoch
// seconds throughout.
package relay

import (
	"math"
	"net/netip"
	"slices"
	"time"

	"tordetect/src/flow"
	"tordetect/src/relay/sheet"
)

// Entry is one row of the table (or several of the same relay, port and flags
// that overlap or touch, joined) or one built-in line.
type Entry = sheet.Entry

// RecentWindow is how long a client may go on using a consensus after its
// valid-until: 24 hours (dir-spec 5.1; tor's REASONABLY_LIVE_TIME).
const RecentWindow = 24 * 60 * 60

// MaxAhead is how far ahead of the clock the newest list of a table may end: lists
// hold for three hours, those of other networks longer, and clocks are not all right.
// What ends later was never a list.
const MaxAhead = 24 * time.Hour

// Listing is an entry together with how it stands to the interval asked for.
type Listing struct {
	*Entry
	When flow.When
	// Away is the distance in seconds between the interval and the nearest
	// list (Stale), the entry's first moment (Later) or its last (Recent,
	// Earlier). A Stale entry that the lists on both sides of a gap hold has
	// 0: nothing suggests that it was ever away.
	Away int64
}

// Coverage returns the worst part of the interval, in the order of the
// constants.
func (t *Table) Coverage(at flow.Interval) flow.Coverage { return t.lists.coverage(at) }

// Newest returns the valid-until of the newest list in the table; ok is false
// for a table without coverage.
func (t *Table) Newest() (validUntil int64, ok bool) {
	if len(t.lists) == 0 {
		return 0, false
	}
	return t.lists[len(t.lists)-1].To, true
}

// Oldest returns the valid-after of the first list in the table.
func (t *Table) Oldest() (validAfter int64, ok bool) {
	if len(t.lists) == 0 {
		return 0, false
	}
	return t.lists[0].From, true
}

// HasRelay reports whether the table has an OR port. A table without one tells
// nothing, whatever its coverage says.
func (t *Table) HasRelay() bool {
	has := false
	t.each(flow.ORPort, func(*Entry) bool {
		has = true
		return false
	})
	return has
}

// Fingerprints counts the relays of which the table has rows of a kind.
func (t *Table) Fingerprints(kind flow.Kind) int {
	seen := map[string]bool{}
	t.each(kind, func(e *Entry) bool {
		seen[e.Fingerprint] = true
		return true
	})
	return len(seen)
}

// ListedAt counts the relays of which an OR port was listed at a moment.
func (t *Table) ListedAt(moment int64) int {
	seen := map[string]bool{}
	t.each(flow.ORPort, func(e *Entry) bool {
		if holds(e, moment) {
			seen[e.Fingerprint] = true
		}
		return true
	})
	return len(seen)
}

// ListedBefore returns the most relays that were listed at the same hour on one of the
// seven days before a moment: the days that a table keeps.
func (t *Table) ListedBefore(moment int64) int {
	most := 0
	for day := int64(1); day <= 7; day++ {
		most = max(most, t.ListedAt(moment-day*24*60*60))
	}
	return most
}

// Lists returns the times for which consensuses were read, in order, joined
// where they overlap or touch.
func (t *Table) Lists() []flow.Interval { return slices.Clone(t.lists) }

// ExitLists returns the times for which exit lists were read.
func (t *Table) ExitLists() []flow.Interval { return slices.Clone(t.exitLists) }

// Knows reports whether the table or the built-in list may have something to say
// of an address; false is certain. It is the quick question before Lookup.
func (t *Table) Knows(addr netip.Addr) bool { return t.mayHave(addr) }

// Lookup appends to dst what the table and the built-in list say of addr, on
// any port, over the interval: one listing for each row, those of one relay and
// port together, the built-in ones last. The listings point into the table and
// live as long as it does. It allocates only where dst is too small.
//
// addr must be unmapped and without a zone (netip.Addr.Unmap, WithZone), and
// at within the years 1970 to 9999, From not after To.
func (t *Table) Lookup(dst []Listing, addr netip.Addr, at flow.Interval) []Listing {
	for rows := t.of(addr); len(rows) > 0; {
		n := leading(rows, sameRelay)
		if rows[0].Kind.BuiltIn() {
			dst = appendBuiltIn(dst, rows[:n], at)
		} else {
			dst = t.appendRelay(dst, rows[:n], nil, at)
		}
		rows = rows[n:]
	}
	return dst
}

// LookupUndated is Lookup for a row without a time: only the built-in lines
// that hold today can be told.
func (t *Table) LookupUndated(dst []Listing, addr netip.Addr) []Listing {
	rows := t.of(addr)
	first := len(rows)
	for first > 0 && rows[first-1].Kind.BuiltIn() { // they are the last of an address
		first--
	}
	for i := first; i < len(rows); i++ {
		if e := &rows[i]; e.Last == math.MaxInt64 {
			dst = append(dst, Listing{Entry: e})
		}
	}
	return dst
}

// ExitElsewhere reports whether an exit list that counts for the interval
// knows another address than addr for the relay. A scan from before the relay
// came to addr says nothing of that address: it has moved since. Exit lists know
// IPv4 only: of an IPv6 addr the answer says nothing.
func (t *Table) ExitElsewhere(fingerprint string, addr netip.Addr, at flow.Interval) bool {
	exits := t.exits.of(fingerprint, &t.index)
	if len(exits) == 0 {
		return false
	}
	came := t.came(fingerprint, addr)
	for _, e := range exits {
		if scanned := max(e.First, e.Last-exitWindow); e.Addr != addr && overlaps(e, at) && came <= scanned {
			return true
		}
	}
	return false
}

// came returns when the relay was listed at addr for the first time, on any port;
// before all times where it never was.
func (t *Table) came(fingerprint string, addr netip.Addr) int64 {
	came := int64(math.MaxInt64)
	for rows := t.of(addr); len(rows) > 0; rows = rows[leading(rows, sameFlags):] {
		if e := &rows[0]; e.Kind == flow.ORPort && e.Fingerprint == fingerprint { // the first of those with its port and flags
			came = min(came, e.First)
		}
	}
	if came == math.MaxInt64 {
		return math.MinInt64
	}
	return came
}

// appendBuiltIn appends the built-in lines that hold somewhere in the
// interval. They need no list.
func appendBuiltIn(dst []Listing, rows []Entry, at flow.Interval) []Listing {
	for i := range rows {
		if e := &rows[i]; overlaps(e, at) {
			dst = append(dst, Listing{Entry: e})
		}
	}
	return dst
}

// appendRelay places the rows of one relay and port in time. They belong
// together: a relay that left and came back, or whose flags changed, has
// several, and what one of them lacks another may hold. Of many, picked are those
// that matter, by number; nil: all.
func (t *Table) appendRelay(dst []Listing, rows []Entry, picked []int, at flow.Interval) []Listing {
	lists := t.listsOf(rows)
	before, after := lists.around(at)
	count := len(rows)
	if picked != nil {
		count = len(picked)
	}
	row := func(i int) *Entry {
		if picked != nil {
			i = picked[i]
		}
		return &rows[i]
	}
	var inBefore, inAfter bool    // whether the relay is in the lists on both sides of at
	ended := int64(math.MinInt64) // when the last row that began by then ended
	for i := range count {
		e := row(i)
		inBefore = inBefore || before != nil && holds(e, before.To)
		inAfter = inAfter || after != nil && holds(e, after.From)
		if e.First <= at.To {
			ended = max(ended, e.Last)
		}
	}
	beforeIsNearer := before != nil && (after == nil || at.From-before.To <= after.From-at.To)

	for i := range count {
		e := row(i)
		l := Listing{Entry: e}
		heldBefore := before != nil && holds(e, before.To)
		heldAfter := after != nil && holds(e, after.From)
		switch {
		case holds(e, at.From) || holds(e, at.To):
			l.When = flow.Listed
		case overlaps(e, at):
			l.When = flow.Spanned
		case (heldBefore || heldAfter) && inBefore && inAfter:
			l.When = flow.Stale
		case heldBefore && beforeIsNearer:
			l.When, l.Away = flow.Stale, at.From-before.To
		case heldAfter && !beforeIsNearer:
			l.When, l.Away = flow.Stale, after.From-at.To
		case e.First > at.To:
			l.When, l.Away = flow.Later, e.First-at.To
		default:
			l.When, l.Away = flow.Earlier, at.From-e.Last
			if e.Kind != flow.ExitAddress && e.Last == ended && l.Away <= RecentWindow && lists.reachBeyond(e.Last) {
				l.When = flow.Recent
			}
		}
		dst = append(dst, l)
	}
	return dst
}

// holds reports whether the row was listed at the moment.
func holds(e *Entry, moment int64) bool { return e.First <= moment && moment <= e.Last }

// overlaps reports whether the row was listed somewhere in the interval.
func overlaps(e *Entry, at flow.Interval) bool { return e.First <= at.To && at.From <= e.Last }
