package relay

import (
	"encoding/hex"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"tordetect/src/flow"
	"tordetect/src/relay/sheet"
)

// Merger makes a relay table out of consensuses, exit lists and earlier tables.
//
//	m.AddTable(text, latest)  what is known already
//	m.AddList(list)           one consensus; again and again
//	m.AddExitList(list)       one exit list; again and again
//	m.WriteFile(path, Options{Retention: 7 * 24 * time.Hour})
//
// A row is the union of [valid-after, valid-until] of the lists that hold it.
// A union does not ask in which order it is made, nor by how many: the same
// documents give the same bytes in any order, and in any number of runs that
// pass on a written table, with two provisos.
//
//   - Retention drops what ended too long before the newest list of that run,
//     and what was dropped cannot be joined any more. Lists that come in the
//     order of time, from run to run, give the same bytes still. In any other
//     order the table is the same for all moments since the newest list less
//     the retention; a row may begin later than it could have.
//   - A sighting of an exit list counts only if a consensus lists that relay
//     around then, and the table keeps no others; the list covers time only if
//     a consensus covers the moment of its download. So an exit list must come
//     in the run of those consensuses or in a later one, or once more.
//
// A Merger keeps nothing of what it is given, so that callers may reuse their
// slices and let go of the documents. It asks no clock and checks no signature:
// what is added is taken for true. It is not for several goroutines at once.
type Merger struct {
	numbers map[key]uint32 // of each key in rows
	rows    []mergedRow
	pieces  []piece

	coverage, exitCoverage lists
	newest                 int64 // valid-until of the newest consensus; 0: none

	// sightings are those of exit lists that no consensus confirmed yet, and
	// downloads the times of exit lists whose consensus is not known yet.
	sightings map[sighting]struct{}
	downloads map[int64]struct{}

	nicknames   []string // by number; the first is empty
	nicknameNos map[string]uint32

	tables, cut, skipped int
}

// key is what stays the same in a row of the table. It has no pointers, so that
// hundreds of thousands of them cost the garbage collector nothing.
type key struct {
	addr  [16]byte // IPv4 as IPv4-mapped
	relay identity
	port  uint16
	kind  flow.Kind
	flags flow.Flags
}

// identity is a relay's: the fingerprint's 20 bytes. A table made by hand may
// have rows without any.
type identity struct {
	id    [20]byte
	known bool
}

// mergedRow is a key and the one of its pieces that was last added to.
type mergedRow struct {
	key
	latest int32
}

// sighting is one address of an exit, seen at one moment.
type sighting struct {
	addr    [16]byte
	id      [20]byte
	scanned int64
}

// List is a consensus, as far as the table is concerned.
type List struct {
	ValidAfter, ValidUntil int64
	Relays                 []ListedRelay
}

// ListedRelay is a relay of a consensus.
type ListedRelay struct {
	Identity [20]byte
	Nickname string
	Flags    flow.Flags
	Ports    []netip.AddrPort // its OR addresses, IPv4 and IPv6
	Dir      netip.AddrPort   // the zero value: none
}

// ExitList is a list of addresses that exits were seen to leave from.
type ExitList struct {
	// Downloaded is when the list was made or fetched. 0 means unknown: the
	// sightings count, but the list covers no time.
	Downloaded int64
	Sightings  []ExitSighting
}

// ExitSighting is one of an exit's addresses.
type ExitSighting struct {
	Identity [20]byte
	Addr     netip.Addr
	Scanned  int64
}

const (
	// exitWindow is how long an address counts after an exit was seen to leave
	// from it: 24 hours, as in ExoneraTor, Tor's own tool for that question.
	exitWindow = 24 * 60 * 60
	// exitListWindow is the time that one exit list covers: 3 hours, as long as
	// a consensus of the public network is valid. Both come every hour: one
	// that was missed leaves no gap, and a source that died shows after the
	// same time.
	exitListWindow = 3 * 60 * 60
)

// NewMerger returns a Merger that knows nothing yet.
func NewMerger() *Merger {
	return &Merger{
		numbers:     make(map[key]uint32),
		sightings:   make(map[sighting]struct{}),
		downloads:   make(map[int64]struct{}),
		nicknames:   []string{""},
		nicknameNos: map[string]uint32{"": 0},
	}
}

// Newest returns the valid-until of the newest consensus that was added, by
// itself or in a table; ok is false if there was none.
func (m *Merger) Newest() (validUntil int64, ok bool) { return m.newest, m.newest != 0 }

// Covered returns the times for which consensuses were added, by themselves or in
// a table.
func (m *Merger) Covered() []flow.Interval { return slices.Clone(m.coverage) }

// Added says what of a table did not count.
type Added struct {
	Rows, Skipped int   // its rows, and those of them that cannot be read
	Unsound       bool  // it was cut, or most of it cannot be read: its coverage was left out
	Ahead         int64 // the end of coverage that was left out as it is too late; 0: nothing was
}

// AddTable adds a table's rows and coverage. Of a table that was cut, or of which most
// rows cannot be read, the rows count and the coverage does not. Nor does coverage
// count that ends after the latest moment that a list can reach, of which the caller's
// clock knows. It fails, and adds nothing, if the text is no table (ErrNotATable) or
// too long.
func (m *Merger) AddTable(text string, latest int64) (Added, error) {
	if len(text) > MaxTableBytes {
		return Added{}, fmt.Errorf("merge a relay table: it has %d bytes; the limit is %d", len(text), MaxTableBytes)
	}
	s, err := sheet.Read(strings.NewReader(text), int64(len(text)))
	if err != nil {
		return Added{}, fmt.Errorf("merge a relay table: %w", err)
	}
	m.tables++
	m.skipped += s.Skipped
	added := Added{Rows: s.Rows, Skipped: s.Skipped, Unsound: !s.Sound()}
	if s.Sound() {
		left := func(c flow.Interval) bool {
			if c.To > latest {
				added.Ahead = max(added.Ahead, c.To)
			}
			return c.To > latest
		}
		m.coverage = join(append(m.coverage, slices.DeleteFunc(s.Coverage, left)...))
		m.exitCoverage = join(append(m.exitCoverage, slices.DeleteFunc(s.ExitCoverage, left)...))
		if n := len(m.coverage); n > 0 {
			m.newest = max(m.newest, m.coverage[n-1].To)
		}
	} else {
		m.cut++
	}
	var rows []sheet.Entry
	for run := range s.Runs() {
		rows = s.Append(rows[:0], run)
		for i := range rows {
			e := &rows[i]
			k := key{addr: e.Addr.As16(), port: e.Port, kind: e.Kind, flags: e.Flags}
			if e.Fingerprint != "" {
				_, err := hex.Decode(k.relay.id[:], []byte(e.Fingerprint))
				k.relay.known = err == nil // always: the sheet has 40 hex digits or none
			}
			m.add(&k, flow.Interval{From: e.First, To: e.Last}, e.Nickname)
		}
	}
	return added, nil
}

// AddList adds a consensus. It fails, and adds nothing, if its times are not in
// order or not within the years 1970 to 9999; an address without a port is
// counted as skipped.
func (m *Merger) AddList(l List) error {
	if l.ValidAfter < 0 || l.ValidUntil <= l.ValidAfter || l.ValidUntil > sheet.MaxTime {
		return fmt.Errorf("merge a consensus: it is valid from %d to %d, which is no span of time between 1970 and 9999", l.ValidAfter, l.ValidUntil)
	}
	at := flow.Interval{From: l.ValidAfter, To: l.ValidUntil}
	m.newest = max(m.newest, at.To)
	m.coverage = cover(m.coverage, at)
	for i := range l.Relays {
		r := &l.Relays[i]
		k := key{relay: identity{r.Identity, true}, flags: r.Flags & flow.AllFlags, kind: flow.ORPort}
		nick := sheet.NicknameOf(r.Nickname)
		for _, p := range r.Ports {
			m.addPort(&k, p, at, nick)
		}
		if r.Dir != (netip.AddrPort{}) {
			k.kind = flow.DirPort
			m.addPort(&k, r.Dir, at, nick)
		}
	}
	return nil
}

// addPort adds one address and port of the relay in k.
func (m *Merger) addPort(k *key, p netip.AddrPort, at flow.Interval, nick string) {
	if !p.IsValid() || p.Port() == 0 {
		m.skipped++
		return
	}
	k.addr, k.port = p.Addr().As16(), p.Port()
	m.add(k, at, nick)
}

// AddExitList adds an exit list. A sighting counts for [scan, scan + 24 h], and
// only if a consensus lists the relay at some time between 24 hours before the
// scan and 24 hours after it: exit lists are not signed, and a relay that
// nobody signed is none. The list covers the three hours after its download,
// and only if a consensus covers the moment of the download: else its exits were
// left out for want of that consensus, and it would tell that there were none.
// Both is decided when the table is written, so that the order does not matter.
// It fails, and adds nothing, if the time of download is not within the years 1970
// to 9999; sightings without an address or such a time, or from after the
// download, are counted as skipped.
func (m *Merger) AddExitList(l ExitList) error {
	if l.Downloaded < 0 || l.Downloaded > sheet.MaxTime-exitListWindow {
		return fmt.Errorf("merge an exit list: it was downloaded at %d, which is no time between 1970 and 9999", l.Downloaded)
	}
	if l.Downloaded != 0 {
		m.downloads[l.Downloaded] = struct{}{}
	}
	for i := range l.Sightings {
		s := &l.Sightings[i]
		if !s.Addr.IsValid() || s.Scanned < 0 || s.Scanned > sheet.MaxTime-exitWindow || l.Downloaded != 0 && s.Scanned > l.Downloaded {
			m.skipped++
			continue
		}
		m.sightings[sighting{s.Addr.As16(), s.Identity, s.Scanned}] = struct{}{}
	}
	return nil
}

// cover adds one interval. Nearly always it belongs at the end.
func cover(l lists, at flow.Interval) lists {
	if n := len(l); n > 0 && l[n-1].From <= at.From && reaches(l[n-1].To, at.From) {
		l[n-1].To = max(l[n-1].To, at.To)
		return l
	}
	return join(append(l, at))
}

// confirm makes rows of the sightings whose relay is listed around then, and
// coverage of the exit lists whose moment a consensus covers. What is confirmed
// stays so whatever else is added: more lists never list less.
func (m *Merger) confirm() {
	m.settle()
	listed := make(map[[20]byte]lists)
	for s := range m.sightings {
		listed[s.id] = nil
	}
	for i := range m.pieces {
		p := &m.pieces[i]
		k := &m.rows[p.row].key
		if of, ok := listed[k.relay.id]; ok && k.relay.known && k.kind != flow.ExitAddress {
			listed[k.relay.id] = append(of, flow.Interval{From: p.first, To: p.last})
		}
	}
	for id, of := range listed {
		listed[id] = join(of)
	}
	for s := range m.sightings {
		of := listed[s.id]
		i := of.first(s.scanned - RecentWindow)
		if i == len(of) || of[i].From > s.scanned+exitWindow {
			continue
		}
		k := key{addr: s.addr, relay: identity{s.id, true}, kind: flow.ExitAddress}
		m.add(&k, flow.Interval{From: s.scanned, To: s.scanned + exitWindow}, "")
		delete(m.sightings, s)
	}
	m.settle()
	for at := range m.downloads {
		if m.coverage.coverage(flow.Interval{From: at, To: at}) == flow.CoverageFull {
			m.exitCoverage = append(m.exitCoverage, flow.Interval{From: at, To: at + exitListWindow})
			delete(m.downloads, at)
		}
	}
	m.exitCoverage = join(m.exitCoverage)
}
