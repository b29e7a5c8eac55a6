package relay

import (
	"cmp"
	"encoding/binary"
	"hash/maphash"
	"math/bits"
	"net/netip"
	"slices"
	"strings"
)

// index finds the entries of an address. They lie side by side in entries, and
// a hash table with open addressing says where the first of them is:
//
//	slots    . . 1 . 4 . . 3 .            number of an entry, plus one; 0 is free
//	             |   |     |
//	entries      a a b     c c c          a, b, c: addresses, in the order of the file
//	             \_/ relays of address a, those of one relay and port together
//
// It is laid out anew for each table that is read and never changes after
// that. A miss, the usual case, mostly ends at a filter of a bit for each hash of
// an address, which fits into a core's nearest cache: without it the look-up of a
// miss was a seventh of what a row of tstats costs. (A Go map
// in place of the slots is as fast to ask, but takes a fifth longer to load a
// week: BenchmarkParse/27000, 14.1 instead of 11.8 ms of processor time.)
type index struct {
	entries []Entry
	filter  []uint64 // one bit for each hash of an address that is there
	slots   []int32
	shift   uint8 // 64 - log2(len(slots))
	// seed makes the hash differ from run to run, so that whoever writes the
	// table cannot make all addresses meet in one slot.
	seed maphash.Seed
}

// maxPerAddress bounds the rows of one address, and the exit rows of one relay,
// that are kept: the newest. Eight relays may share an address (tor's
// AuthDirMaxServersPerAddr); in 400 days, each with two ports and a change of
// flags a week, they make about 1,000 rows. A lookup file is written by people
// too, and a file with one address in every row must not stop a search.
const maxPerAddress = 4096

// of returns the entries of an address.
func (x *index) of(addr netip.Addr) []Entry {
	_, rows := x.find(addr)
	return rows
}

// find is of, and returns the number of the first of them.
func (x *index) find(addr netip.Addr) (start int, rows []Entry) {
	if !x.mayHave(addr) {
		return 0, nil
	}
	for s := x.slot(addr); ; s = (s + 1) & (len(x.slots) - 1) {
		i := int(x.slots[s]) - 1
		if i < 0 {
			return 0, nil
		}
		if x.entries[i].Addr == addr {
			rows := x.entries[i:]
			return i, rows[:leading(rows, (*Entry).sameAddr)]
		}
	}
}

// filterBits is how many bits the filter has for each address, at least: one
// miss in sixteen is looked up in vain.
const filterBits = 16

// leastFilter is the binary logarithm of the smallest filter's bits: half a
// kilobyte, so that a small table does not stop a common address by chance.
const leastFilter = 12

// mayHave reports whether an address may be there; false is certain.
func (x *index) mayHave(addr netip.Addr) bool {
	if len(x.filter) == 0 {
		return false
	}
	bit := x.bit(addr)
	return x.filter[bit>>6]&(1<<(bit&63)) != 0
}

// bit hashes an address for the filter. Whoever could make addresses meet in one
// bit would gain nothing: they are then looked up as without a filter.
func (x *index) bit(addr netip.Addr) uint64 {
	var h uint64
	if addr.Is4() {
		b := addr.As4()
		h = uint64(binary.LittleEndian.Uint32(b[:]))
	} else {
		b := addr.As16()
		h = binary.LittleEndian.Uint64(b[:8])*0x9E3779B97F4A7C15 ^ binary.LittleEndian.Uint64(b[8:])
	}
	h *= 0x9E3779B97F4A7C15 // 2^64 divided by the golden ratio: Knuth's multiplicative hash
	return h >> 32 & uint64(len(x.filter)<<6-1)
}

// slot hashes an address.
func (x *index) slot(addr netip.Addr) int {
	b := addr.As16()
	return int(maphash.Bytes(x.seed, b[:]) >> x.shift)
}

// lay builds the index over the entries, which it takes over, and returns how
// many it dropped because their address has too many.
func (x *index) lay(entries []Entry) (dropped int) {
	size := max(bits.Len(uint(2*len(entries))), 1) // more than twice the entries: at most half full
	x.entries, x.slots, x.shift = entries, make([]int32, 1<<size), uint8(64-size)
	x.seed = maphash.MakeSeed()

	// Number the addresses as they appear. In a file of our own the rows of
	// an address stand together already.
	type address struct{ slot, rows int32 }
	var addresses []address
	number := make([]int32, len(entries)) // of each entry's address
	together := true
	for i := range entries {
		if i > 0 && entries[i].Addr == entries[i-1].Addr {
			number[i] = number[i-1]
			addresses[number[i]].rows++
			continue
		}
		s := x.slot(entries[i].Addr)
		for x.slots[s] != 0 && entries[x.slots[s]-1].Addr != entries[i].Addr {
			s = (s + 1) & (len(x.slots) - 1)
		}
		if x.slots[s] != 0 {
			together = false
			number[i] = number[x.slots[s]-1]
			addresses[number[i]].rows++
			continue
		}
		x.slots[s] = int32(i) + 1
		number[i] = int32(len(addresses))
		addresses = append(addresses, address{slot: int32(s), rows: 1})
	}

	x.filter = make([]uint64, 1<<max(bits.Len(uint(filterBits*len(addresses))), leastFilter)>>6)
	for _, a := range addresses {
		bit := x.bit(entries[x.slots[a.slot]-1].Addr)
		x.filter[bit>>6] |= 1 << (bit & 63)
	}

	if !together {
		next := make([]int32, len(addresses)) // where the next row of an address goes
		for a := 1; a < len(next); a++ {
			next[a] = next[a-1] + addresses[a-1].rows
		}
		x.entries = make([]Entry, len(entries))
		for i := range entries {
			x.entries[next[number[i]]] = entries[i]
			next[number[i]]++
		}
	}

	kept, start := 0, 0
	for _, a := range addresses {
		rows, d := settle(x.entries[start : start+int(a.rows)])
		dropped += d
		x.slots[a.slot] = int32(kept) + 1
		if kept < start {
			copy(x.entries[kept:], rows)
		}
		kept += len(rows)
		start += int(a.rows)
	}
	clear(x.entries[kept:])
	x.entries = x.entries[:kept]
	return dropped
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
		inOrder = rows[i-1].compare(&rows[i]) <= 0
	}
	if !inOrder {
		slices.SortFunc(rows, func(a, b Entry) int { return a.compare(&b) })
	}
	n := 0
	for i := 1; i < len(rows); i++ {
		last, e := &rows[n], &rows[i]
		if last.sameRelay(e) && last.Flags == e.Flags && reaches(last.Last, e.First) {
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
	slices.SortFunc(rows, func(a, b Entry) int { return a.compare(&b) })
	return rows, dropped
}

// sameRelay reports whether both are of one relay, on one port of the address
// that they share.
func (e *Entry) sameRelay(o *Entry) bool {
	return e.Kind == o.Kind && e.Port == o.Port && e.Fingerprint == o.Fingerprint
}

// sameFlags reports whether both are of one relay, on one port, with the same flags.
func (e *Entry) sameFlags(o *Entry) bool { return e.Flags == o.Flags && e.sameRelay(o) }

func (e *Entry) sameAddr(o *Entry) bool { return e.Addr == o.Addr }

// compare orders the rows of an address: the built-in ones last, those of one
// relay and port together, in them those of the same flags, in these by time.
func (e *Entry) compare(o *Entry) int {
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
