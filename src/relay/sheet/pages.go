package sheet

import (
	"encoding/binary"
	"net/netip"
	"strings"
	"unsafe"

	"tordetect/src/flow"
)

// pages hold entries, packed, in the order of the file:
//
//	run    address 5 or 17   4 or 16, and its bytes
//	  row  facts 1           kind, flags, whether the relay is that of the row before
//	       port 2, first 5, last 5, the lowest byte first
//	       relay 1 and more  length; fingerprint, comma, nickname
//
// A run begins with each address, and with each page. Pages are of one size, and
// their number is not known before the file is read: nothing is moved, and no memory
// is taken that is not used.
type pages struct {
	texts []string // a page each; what is added is written behind the end of the last
	runs  []uint32 // where each run begins: page and byte of it
	keys  []uint64 // and the beginning of its address, see Key
	inRun int      // rows that stand together with the last, whatever page they are on
	most  int      // of such rows
	mixed bool     // the addresses are not in order

	page []byte // the last one; texts has what is on it
	used int    // of it
	addr netip.Addr
	// relay of the row before, as text of its page. Each run begins with one.
	relay string
}

const (
	pageBits = 17
	pageSize = 1 << pageBits // so that a small table takes little; a week takes eight

	addrBytes  = 1 + 16
	rowBytes   = 1 + 2 + 5 + 5                                         // without the relay
	maxRelay   = fingerprintLen + len(",") + flow.MaxNickname          // written
	roomForOne = addrBytes + rowBytes + 1 + maxRelay + len("12345678") // numbers are written eight bytes at a time
)

// The bits of a row's facts. Two are enough for a kind, as no row has a built-in one.
const (
	kindBits  = 2
	kindMask  = 1<<kindBits - 1
	sameRelay = 1 << 7
)

// expect takes room for what is in a file of so many bytes, if it is like ours. What
// is not used is address space, and no memory.
func (p *pages) expect(bytes int) {
	p.runs, p.keys = make([]uint32, 0, bytes/bytesPerRun), make([]uint64, 0, bytes/bytesPerRun)
	p.turn(min(bytes, pageSize))
}

// bytesPerRun is what an address takes in a file at least, mostly.
const bytesPerRun = 120

// add packs an entry. relay is its fingerprint, a comma and its nickname.
func (p *pages) add(e *Entry, relay string) {
	hasTurned := len(p.page)-p.used < roomForOne
	if hasTurned {
		p.turn(pageSize)
	}
	if e.Addr != p.addr {
		p.begin(e.Addr)
		p.inRun = 0
	} else if hasTurned {
		p.begin(e.Addr)
	}
	p.inRun++
	p.most = max(p.most, p.inRun)
	facts := uint64(e.Kind) | uint64(e.Flags)<<kindBits
	isSame := relay == p.relay
	if isSame {
		facts |= sameRelay
	}
	b := p.page[p.used:]
	binary.LittleEndian.PutUint64(b[:8], facts|uint64(e.Port)<<8|uint64(e.First)<<24)
	binary.LittleEndian.PutUint64(b[8:16], uint64(e.Last))
	p.used += rowBytes
	if isSame {
		return
	}
	b = b[rowBytes : rowBytes+1+len(relay)]
	b[0] = uint8(len(relay))
	copy(b[1:], relay)
	p.relay = textOf(b[1:])
	p.used += len(b)
}

// begin begins a run.
func (p *pages) begin(addr netip.Addr) {
	key := Key(addr)
	if n := len(p.runs); n > 0 && key <= p.keys[n-1] && (key < p.keys[n-1] || addr.Less(p.addr)) {
		p.mixed = true
	}
	p.runs = append(p.runs, uint32(len(p.texts)-1)<<pageBits|uint32(p.used))
	p.keys = append(p.keys, key)
	p.addr, p.relay = addr, ""
	b := p.page[p.used:]
	if addr.Is4() {
		a := addr.As4()
		b[0] = 4
		p.used += 1 + copy(b[1:], a[:])
	} else {
		a := addr.As16()
		b[0] = 16
		p.used += 1 + copy(b[1:], a[:])
	}
}

// Key is what sorts an address among others, before the address itself: the four
// bytes of an IPv4 one, the first eight of an IPv6 one.
func Key(addr netip.Addr) uint64 {
	if addr.Is4() {
		a := addr.As4()
		return uint64(binary.BigEndian.Uint32(a[:]))
	}
	a := addr.As16()
	return binary.BigEndian.Uint64(a[:])
}

// turn begins a page.
func (p *pages) turn(size int) {
	p.close()
	p.page, p.used = make([]byte, size), 0
	p.texts = append(p.texts, "")
}

// close makes a text of the last page.
func (p *pages) close() {
	if n := len(p.texts); n > 0 {
		p.texts[n-1] = textOf(p.page[:p.used])
	}
}

// textOf is what was written on a page as text; nothing is written there again.
func textOf(written []byte) string { return unsafe.String(unsafe.SliceData(written), len(written)) }

// Keys returns the keys of all runs, in the order of the file. They are not to be
// changed.
func (p *pages) Keys() []uint64 { return p.keys }

// InOrder reports whether the runs are in the order of their keys, and of their
// addresses where keys are alike.
func (p *pages) InOrder() bool { return !p.mixed }

// Most returns how many rows stand together at most of one address.
func (p *pages) Most() int { return p.most }

// Runs returns how many runs there are.
func (p *pages) Runs() int { return len(p.runs) }

// run returns what is packed of a run, its address in front.
func (p *pages) run(n int) string {
	start := p.runs[n]
	text := p.texts[start>>pageBits]
	if n+1 < len(p.runs) && p.runs[n+1]>>pageBits == start>>pageBits {
		text = text[:p.runs[n+1]&(pageSize-1)]
	}
	return text[start&(pageSize-1):]
}

// Addr returns the address of a run.
func (p *pages) Addr(n int) netip.Addr {
	start := p.runs[n]
	addr, _ := cutAddr(p.texts[start>>pageBits][start&(pageSize-1):])
	return addr
}

func cutAddr(text string) (addr netip.Addr, rest string) {
	if text[0] == 4 {
		return netip.AddrFrom4([4]byte([]byte(text[1:5]))), text[5:]
	}
	return netip.AddrFrom16([16]byte([]byte(text[1:17]))), text[17:]
}

// MostOf returns a number that the rows of a run do not exceed.
func (p *pages) MostOf(n int) int { return len(p.run(n)) / rowBytes }

// Append appends the entries of a run. Their texts point into the sheet.
func (p *pages) Append(dst []Entry, run int) []Entry {
	var e Entry
	var rest string
	for e.Addr, rest = cutAddr(p.run(run)); rest != ""; {
		facts := rest[0]
		e.Kind, e.Flags = flow.Kind(facts&kindMask), flow.Flags(facts&^sameRelay>>kindBits)
		e.Port = uint16(rest[1]) | uint16(rest[2])<<8
		e.First, e.Last = fiveBytes(rest[3:8]), fiveBytes(rest[8:13])
		rest = rest[rowBytes:]
		if facts&sameRelay == 0 {
			relay := rest[1 : 1+rest[0]]
			e.Fingerprint, e.Nickname, _ = strings.Cut(relay, ",")
			rest = rest[1+len(relay):]
		}
		dst = append(dst, e)
	}
	return dst
}

// Has reports whether a run has an entry of a kind.
func (p *pages) Has(run int, kind flow.Kind) bool {
	for _, rest := cutAddr(p.run(run)); rest != ""; {
		facts := rest[0]
		if flow.Kind(facts&kindMask) == kind {
			return true
		}
		rest = rest[rowBytes:]
		if facts&sameRelay == 0 {
			rest = rest[1+rest[0]:]
		}
	}
	return false
}

func fiveBytes(s string) int64 {
	return int64(s[0]) | int64(s[1])<<8 | int64(s[2])<<16 | int64(s[3])<<24 | int64(s[4])<<32
}
