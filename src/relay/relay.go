// Package relay knows the Tor network by time: which addresses and ports were
// listed as relays, when, and for which hours the lists were read at all.
//
// It reads the relay table, an ordinary Splunk lookup, and answers questions
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
// The package fetches nothing, checks no signature and passes no judgement:
// what a listing is worth is decided in package detect. Times are epoch
// seconds throughout.
package relay

import (
	"math"
	"net/netip"
)

// Kind says what an entry lists.
type Kind uint8

const (
	ORPort       Kind = iota // an address and OR port of a relay in the consensus
	DirPort                  // an address and Dir port of a relay in the consensus
	ExitAddress              // an address that traffic was seen to leave from (exit lists); no port
	Bridge                   // built in: a bridge that ships with Tor Browser
	Authority                // built in: a directory authority's OR port
	AuthorityDir             // built in: a directory authority's Dir port
)

// BuiltIn reports whether entries of this kind come with the program and not
// from the table.
func (k Kind) BuiltIn() bool { return k >= Bridge }

// Flags are those of a relay's consensus flags that the table keeps.
type Flags uint8

const (
	Guard Flags = 1 << iota
	Exit
	BadExit
	DirAuthority // the flag that the consensus calls Authority
)

// Entry is one row of the table, or one built-in line: an address that was
// listed from First to Last, both included.
type Entry struct {
	Addr        netip.Addr // never IPv4-mapped, never with a zone
	Port        uint16     // 0 for ExitAddress
	Kind        Kind
	Flags       Flags
	Fingerprint string // 40 upper case hex digits, or empty
	Nickname    string
	First, Last int64
}

// Interval is the time of a row of traffic, both ends included. From == To is
// a moment.
type Interval struct{ From, To int64 }

// When says how an entry stands to an interval.
type When uint8

const (
	Listed  When = iota // at the interval's first or last moment
	Spanned             // somewhere inside the interval, at neither end
	Recent              // ended in the RecentWindow before, and a later list lacks it
	Stale               // the interval lies outside every list that was read, and the nearest list has it
	Later               // first listed after the interval: no evidence, but worth telling
	Earlier             // last listed before the interval: no evidence, but worth telling
)

// RecentWindow is how long a client may go on using a consensus after its
// valid-until: 24 hours (dir-spec 5.1; tor's REASONABLY_LIVE_TIME).
const RecentWindow = 24 * 60 * 60

// Listing is an entry together with how it stands to the interval asked for.
type Listing struct {
	*Entry
	When When
	// Away is the distance in seconds between the interval and the nearest
	// list (Stale), the entry's first moment (Later) or its last (Recent,
	// Earlier). A Stale entry that the lists on both sides of a gap hold has
	// 0: nothing suggests that it was ever away.
	Away int64
}

// Coverage says what "not found" means for an interval.
type Coverage uint8

const (
	CoverageFull   Coverage = iota // lists were read for the whole interval
	CoverageGap                    // a part lies between two lists
	CoverageStale                  // a part lies after the newest list ended
	CoverageBefore                 // a part lies before the first list
	CoverageNone                   // there is no list
)

// String is the word used in the field tor_coverage.
func (c Coverage) String() string {
	return [...]string{"full", "gap", "stale", "before", "none"}[c]
}

// Coverage returns the worst part of the interval, in the order of the
// constants.
func (t *Table) Coverage(at Interval) Coverage { return t.lists.coverage(at) }

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

// maxPerAddress bounds the rows of one address that a look-up reads, newest in
// the file first. Eight relays may share an address (tor's
// AuthDirMaxServersPerAddr); in 400 days, each with two ports and a change of
// flags a week, they make about 1,000 rows. A lookup file is written by people
// too, and a file with one address in every row must not stop a search.
const maxPerAddress = 4096

// Lookup appends to dst what the table and the built-in list say of addr, on
// any port, over the interval. The order is that of the table. The listings
// point into the table and live as long as it does. It allocates only where
// dst is too small.
//
// addr must be unmapped and without a zone (netip.Addr.Unmap, WithZone).
func (t *Table) Lookup(dst []Listing, addr netip.Addr, at Interval) []Listing {
	for i, n := t.head(addr), 0; i != none && n < maxPerAddress; i, n = t.next[i], n+1 {
		e := &t.entries[i]
		if e.Kind.BuiltIn() {
			if e.First <= at.To && at.From <= e.Last {
				dst = append(dst, Listing{Entry: e})
			}
			continue
		}
		when, away := t.stand(e, at)
		dst = append(dst, Listing{Entry: e, When: when, Away: away})
	}
	return dst
}

// LookupUndated is Lookup for a row without a time: only the built-in lines
// that hold today can be told.
func (t *Table) LookupUndated(dst []Listing, addr netip.Addr) []Listing {
	for i := t.head(addr); i != none; i = t.next[i] {
		if e := &t.entries[i]; e.Kind.BuiltIn() && e.Last == math.MaxInt64 {
			dst = append(dst, Listing{Entry: e})
		}
	}
	return dst
}

// ExitElsewhere reports whether an exit list that counts for the interval
// knows another address than addr for the relay.
func (t *Table) ExitElsewhere(fingerprint string, addr netip.Addr, at Interval) bool {
	for _, i := range t.exits[fingerprint] {
		e := &t.entries[i]
		if e.Addr != addr && e.First <= at.To && at.From <= e.Last {
			return true
		}
	}
	return false
}

// stand places an entry of the table in time.
func (t *Table) stand(e *Entry, at Interval) (When, int64) {
	switch {
	case e.First <= at.From && at.From <= e.Last, e.First <= at.To && at.To <= e.Last:
		return Listed, 0
	case e.First <= at.To && at.From <= e.Last:
		return Spanned, 0
	}
	lists := t.lists
	if e.Kind == ExitAddress {
		lists = t.exitLists
	}
	before, after, outside := lists.around(at)
	if outside {
		heldBefore := before != nil && e.holds(before.To)
		heldAfter := after != nil && e.holds(after.From)
		nearBefore := before != nil && (after == nil || at.From-before.To <= after.From-at.To)
		switch {
		case heldBefore && after != nil && t.heldBy(e, after.From), heldAfter && before != nil && t.heldBy(e, before.To):
			return Stale, 0
		case heldBefore && nearBefore:
			return Stale, at.From - before.To
		case heldAfter && !nearBefore:
			return Stale, after.From - at.To
		}
	}
	if e.First > at.To {
		return Later, e.First - at.To
	}
	ago := at.From - e.Last
	if e.Kind != ExitAddress && ago <= RecentWindow && lists.reachBeyond(e.Last) {
		return Recent, ago
	}
	return Earlier, ago
}

// heldBy reports whether some row of the same relay, address and port covers
// the moment: a relay that left and came back has several.
func (t *Table) heldBy(e *Entry, moment int64) bool {
	for i, n := t.head(e.Addr), 0; i != none && n < maxPerAddress; i, n = t.next[i], n+1 {
		o := &t.entries[i]
		if o.Kind == e.Kind && o.Port == e.Port && o.Fingerprint == e.Fingerprint && o.holds(moment) {
			return true
		}
	}
	return false
}

func (e *Entry) holds(moment int64) bool { return e.First <= moment && moment <= e.Last }
