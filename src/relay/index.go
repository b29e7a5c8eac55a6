package relay

import (
	"encoding/binary"
	"math/bits"
	"net/netip"
)

// index finds the entries of an address: a hash table with open addressing
// from the address to its newest entry, and a chain from each entry to the
// next of the same address. It is built in one pass without sorting, and a
// miss, the usual case, costs one hash and mostly one probe.
type index struct {
	slots []int32 // entry number, or none; a power of two in length
	next  []int32 // next entry of the same address, or none
	shift uint8   // 64 - log2(len(slots))
}

const none = int32(-1)

// head returns the first entry of the address.
func (t *Table) head(addr netip.Addr) int32 {
	for s := t.slot(addr); ; s = (s + 1) & (len(t.slots) - 1) {
		i := t.slots[s]
		if i == none || t.entries[i].Addr == addr {
			return i
		}
	}
}

// insert puts entry i, whose place in next grow has made, before those of the
// same address.
func (x *index) insert(entries []Entry, i int32) {
	addr := entries[i].Addr
	s := x.slot(addr)
	for x.slots[s] != none && entries[x.slots[s]].Addr != addr {
		s = (s + 1) & (len(x.slots) - 1)
	}
	x.next[i] = x.slots[s]
	x.slots[s] = i
}

// grow makes room for the entries, at most half full, and inserts anew what
// next already holds.
func (x *index) grow(entries []Entry) {
	old := len(x.next)
	x.next = append(x.next, make([]int32, len(entries)-old)...)
	if 2*len(entries) <= len(x.slots) {
		return
	}
	size := bits.Len(uint(max(2*len(entries), 64) - 1))
	x.slots = make([]int32, 1<<size)
	x.shift = uint8(64 - size)
	for s := range x.slots {
		x.slots[s] = none
	}
	for i := range old {
		x.insert(entries, int32(i))
	}
}

// slot hashes an address: multiply and take the high bits (Fibonacci hashing).
func (x *index) slot(addr netip.Addr) int {
	b := addr.As16()
	h := binary.LittleEndian.Uint64(b[:8])*0x9E3779B97F4A7C15 ^ binary.LittleEndian.Uint64(b[8:])
	h *= 0xD6E8FEB86659FD93
	h ^= h >> 32
	h *= 0x9E3779B97F4A7C15
	return int(h >> x.shift)
}
