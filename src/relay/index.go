package relay

import (
	"cmp"
	"math/bits"
	"net/netip"
	"slices"
	"sort"
	"strings"
	"sync"
	"sync/atomic"

	"tordetect/src/flow"
	"tordetect/src/relay/sheet"
)

// index finds the entries of an address, and makes them when it is asked for them the
// first time: a search meets a few of the addresses of a table.
//
//	filter     may the address be there? mostly not
//	layers     the history   a  b  d       runs of rows by address; known has the
//	           the table     a  c          entries of those that were asked for
//	built in                 c
//
// The newest layer that has an address answers for it: with its rows and those of the
// layers below, joined. A layer never changes, nor do its answers when another is
// laid over it.
type index struct {
	layers  []*layer
	builtIn map[netip.Addr][]Entry
	filter  filter
	most    int // no address has more rows

	making sync.Mutex // of entries
	room   []Entry    // for those that are made next
	heads  [][]Entry  // and for what known points to
}

// layer is a table, in which addresses are found by halving.
type layer struct {
	*sheet.Sheet
	keys  []uint64                  // of runs, in order
	order []int32                   // which runs, those of one address as in the file; nil: all as in the file
	known []atomic.Pointer[[]Entry] // of an address, by the place of its first run
}

// maxPerAddress bounds the rows of one address, and the exit rows of one relay,
// that are kept: the newest. Eight relays may share an address (tor's
// AuthDirMaxServersPerAddr); in 400 days, each with two ports and a change of
// flags a week, they make about 1,000 rows. A lookup file is written by people
// too, and a file with one address in every row must not stop a search.
const maxPerAddress = 4096

// mayHave reports whether there may be entries of an address; false is certain.
func (x *index) mayHave(addr netip.Addr) bool { return x.filter.mayHave(sheet.Key(addr)) }

// of returns the entries of an address.
func (x *index) of(addr netip.Addr) []Entry {
	if !x.mayHave(addr) {
		return nil
	}
	return x.under(len(x.layers), addr)
}

// under returns the entries of an address in the layers under one, which is not asked.
func (x *index) under(n int, addr netip.Addr) []Entry {
	for n--; n >= 0; n-- {
		if place, ok := x.layers[n].find(addr); ok {
			rows, _ := x.at(n, place)
			return rows
		}
	}
	return x.builtIn[addr]
}

// at returns the entries of the address at a place of a layer, and how many were
// dropped where they were made by this call.
func (x *index) at(n, place int) (rows []Entry, dropped int) {
	l := x.layers[n]
	if known := l.known[place].Load(); known != nil {
		return *known, 0
	}
	under := x.under(n, l.addr(place))
	x.making.Lock()
	defer x.making.Unlock()
	if known := l.known[place].Load(); known != nil {
		return *known, 0
	}
	end, most := l.end(place)
	if most += len(under); cap(x.room)-len(x.room) < most {
		x.room = make([]Entry, 0, max(most, min(2*cap(x.room), mostRoom), leastRoom))
	}
	if len(x.heads) == 0 {
		x.heads = make([][]Entry, leastRoom)
	}
	rows = x.room[len(x.room):]
	for i := place; i < end; i++ {
		if i > place && l.run(i) != l.run(i-1)+1 { // what stands together in the file goes first
			rows, under = append(rows, under...), nil
		}
		rows = l.Append(rows, l.run(i))
	}
	rows, dropped = settle(append(rows, under...))
	x.room = x.room[:len(x.room)+len(rows)]
	rows = slices.Clip(rows)
	x.heads[0] = rows
	l.known[place].Store(&x.heads[0])
	x.heads = x.heads[1:]
	return rows, dropped
}

// Memory is taken for that many entries at once, 10 to 160 KB, as more are asked for.
const leastRoom, mostRoom = 128, 2048

// run returns the run at a place.
func (l *layer) run(place int) int {
	if l.order == nil {
		return place
	}
	return int(l.order[place])
}

func (l *layer) addr(place int) netip.Addr { return l.Addr(l.run(place)) }

// find returns the first place of an address.
func (l *layer) find(addr netip.Addr) (place int, ok bool) {
	key := sheet.Key(addr)
	for n := uint(len(l.keys)); n > 0; { // without a jump that is guessed wrong every other time
		half := (n + 1) >> 1
		if l.keys[place+int(half)-1] < key {
			place += int(half)
		}
		n -= half
	}
	if place == len(l.keys) || l.keys[place] != key {
		return 0, false
	}
	if l.addr(place) == addr {
		return place, true
	}
	place += sort.Search(len(l.keys)-place, func(i int) bool {
		return l.keys[place+i] > key || !l.addr(place+i).Less(addr)
	})
	return place, place < len(l.keys) && l.addr(place) == addr
}

// end returns the place behind those of an address, and a number that its rows do not
// exceed.
func (l *layer) end(place int) (end, most int) {
	addr := l.addr(place)
	for end = place; end == place || end < len(l.keys) && l.keys[end] == l.keys[place] && l.addr(end) == addr; end++ {
		most += l.MostOf(l.run(end))
	}
	return end, most
}

// begin starts with the built-in list.
func (x *index) begin(rows []Entry) {
	x.builtIn = make(map[netip.Addr][]Entry)
	for _, e := range rows {
		x.builtIn[e.Addr] = append(x.builtIn[e.Addr], e)
	}
	for addr, rows := range x.builtIn {
		x.builtIn[addr], _ = settle(rows)
		x.most = max(x.most, len(rows))
	}
	x.sift()
}

// lay lays a table over those that are there, and returns how many rows it dropped
// because their address has too many.
func (x *index) lay(s *sheet.Sheet) (dropped int) {
	l := newLayer(s)
	x.layers = append(x.layers, l)
	x.sift()
	most := s.Most()
	if l.order != nil || x.most+most > maxPerAddress {
		for place := 0; place < len(l.keys); {
			end, rows := l.end(place)
			if x.most+rows > maxPerAddress { // perhaps too many, and how many are to be told
				_, d := x.at(len(x.layers)-1, place)
				dropped += d
			}
			most = max(most, rows)
			place = end
		}
	}
	x.most = min(x.most+most, maxPerAddress)
	return dropped
}

// newLayer brings the runs into the order of addresses, which those of our own files
// have.
func newLayer(s *sheet.Sheet) *layer {
	l := &layer{Sheet: s, keys: s.Keys()}
	l.known = make([]atomic.Pointer[[]Entry], len(l.keys))
	if s.InOrder() {
		return l
	}
	l.order = make([]int32, len(l.keys))
	for i := range l.order {
		l.order[i] = int32(i)
	}
	keys := l.keys
	slices.SortFunc(l.order, func(a, b int32) int {
		if keys[a] != keys[b] {
			return cmp.Compare(keys[a], keys[b])
		}
		return cmp.Or(s.Addr(int(a)).Compare(s.Addr(int(b))), cmp.Compare(a, b))
	})
	l.keys = make([]uint64, len(keys))
	for place, run := range l.order {
		l.keys[place] = keys[run]
	}
	return l
}

// each gives all entries of a kind that is not built in, until it is told to stop.
func (x *index) each(kind flow.Kind, yield func(*Entry) bool) {
	for n := len(x.layers) - 1; n >= 0; n-- {
		l := x.layers[n]
		for place := 0; place < len(l.keys); {
			first, addr := place, l.addr(place)
			place, _ = l.end(place)
			if x.isOver(n, addr) || !x.has(n, addr, kind) {
				continue
			}
			rows, _ := x.at(n, first)
			for i := range rows {
				if rows[i].Kind == kind && !yield(&rows[i]) {
					return
				}
			}
		}
	}
}

// isOver reports whether a layer over one has an address.
func (x *index) isOver(n int, addr netip.Addr) bool {
	return slices.ContainsFunc(x.layers[n+1:], func(l *layer) bool {
		_, ok := l.find(addr)
		return ok
	})
}

// has reports whether an address has a row of a kind in a layer or under it.
func (x *index) has(n int, addr netip.Addr, kind flow.Kind) bool {
	return slices.ContainsFunc(x.layers[:n+1], func(l *layer) bool {
		place, ok := l.find(addr)
		if !ok {
			return false
		}
		for end, _ := l.end(place); place < end; place++ {
			if l.Has(l.run(place), kind) {
				return true
			}
		}
		return false
	})
}

// sift makes the filter of all layers.
func (x *index) sift() {
	n := len(x.builtIn)
	for _, l := range x.layers {
		n += len(l.keys)
	}
	x.filter = make(filter, 1<<max(bits.Len(uint(filterBits*n)), leastFilter)>>6)
	for addr := range x.builtIn {
		x.filter.add(sheet.Key(addr))
	}
	for _, l := range x.layers {
		for _, key := range l.keys {
			x.filter.add(key)
		}
	}
}

// filter tells of most keys of addresses that they are not there. It has two bits for
// each that is, in one word, and fits into a core's nearest cache: without it the
// look-up of a miss was a seventh of what a row of tstats costs.
type filter []uint64

// filterBits is how many bits the filter has for each address, at least: one
// miss in a hundred is looked up in vain.
const filterBits = 16

// leastFilter is the binary logarithm of the smallest filter's bits: half a
// kilobyte, so that a small table does not stop a common address by chance.
const leastFilter = 12

// mayHave reports whether a key may be there; false is certain. Whoever could make
// keys meet would gain nothing: they are then looked up as without a filter.
func (f filter) mayHave(key uint64) bool {
	if len(f) == 0 {
		return false
	}
	word, both := f.spread(key)
	return f[word]&both == both
}

func (f filter) add(key uint64) {
	word, both := f.spread(key)
	f[word] |= both
}

// spread returns the word of a key, and its bits there.
func (f filter) spread(key uint64) (word, both uint64) {
	h := key * 0x9E3779B97F4A7C15 // 2^64 divided by the golden ratio: Knuth's multiplicative hash
	return h >> 32 & uint64(len(f)-1), 1<<(h>>58) | 1<<(h>>52&63)
}

// settle brings the rows of one relay and port together, joins those of them
// that overlap or touch and have the same flags, and drops what is too much.
// What is kept stands at the front of rows. The history holds most rows of the
// table once more, some of them shorter.
func settle(rows []Entry) (kept []Entry, dropped int) {
	if len(rows) == 1 {
		return rows, 0
	}
	inOrder := true
	for i := 1; i < len(rows) && inOrder; i++ {
		inOrder = compare(&rows[i-1], &rows[i]) <= 0
	}
	if !inOrder {
		slices.SortFunc(rows, func(a, b Entry) int { return compare(&a, &b) })
	}
	n := 0
	for i := 1; i < len(rows); i++ {
		last, e := &rows[n], &rows[i]
		if sameRelay(last, e) && last.Flags == e.Flags && reaches(last.Last, e.First) {
			if e.Last > last.Last {
				last.Last, last.Nickname = e.Last, e.Nickname
			}
			continue
		}
		if n++; n < i {
			rows[n] = *e
		}
	}
	rows = rows[:n+1]
	if len(rows) <= maxPerAddress {
		return rows, 0
	}
	slices.SortFunc(rows, func(a, b Entry) int {
		if a.Kind.BuiltIn() != b.Kind.BuiltIn() {
			return cmp.Compare(b.Kind, a.Kind)
		}
		return cmp.Compare(b.Last, a.Last)
	})
	dropped = len(rows) - maxPerAddress
	rows = rows[:maxPerAddress]
	slices.SortFunc(rows, func(a, b Entry) int { return compare(&a, &b) })
	return rows, dropped
}

// sameRelay reports whether both are of one relay, on one port of the address
// that they share.
func sameRelay(e, o *Entry) bool {
	return e.Kind == o.Kind && e.Port == o.Port && e.Fingerprint == o.Fingerprint
}

// sameFlags reports whether both are of one relay, on one port, with the same flags.
func sameFlags(e, o *Entry) bool { return e.Flags == o.Flags && sameRelay(e, o) }

// compare orders the rows of an address: the built-in ones last, those of one
// relay and port together, in them those of the same flags, in these by time.
func compare(e, o *Entry) int {
	switch {
	case e.Kind != o.Kind:
		return cmp.Compare(e.Kind, o.Kind)
	case e.Port != o.Port:
		return cmp.Compare(e.Port, o.Port)
	case e.Fingerprint != o.Fingerprint:
		return strings.Compare(e.Fingerprint, o.Fingerprint)
	case e.Flags != o.Flags:
		return cmp.Compare(e.Flags, o.Flags)
	}
	return cmp.Compare(e.First, o.First)
}
