package format

import (
	"bytes"

	"tordetect/src/event"
)

// Lines of one sensor have the same keys in much the same order. A keyring remembers
// what each key meant where it stood and which ones followed it, so that a key is
// mostly compared with the one that is awaited and not looked up:
//
//	{"src_ip":"10.0.0.5","flow":{"pkts_toserver":5,...     keys 1, 2, 3
//	key 3: `"pkts_toserver":` in the object of key 2, is packets_out, and "pkts_toclient": follows
//
// It changes nothing of what is read, only how a key is found. The zero value is empty.
type keyring struct {
	keys  []key // the first one stands for the beginning of an object
	last  int16 // the key before
	text  []byte
	full  bool               // there was a key too many
	index [2 * maxKeys]int16 // where a key is by the hash of its text, or behind that; 0: none
}

// key is a key of an object.
type key struct {
	text   []byte // as it stands, from its quote to its colon
	path   []byte // what it adds to the path
	from   int    // where it does so
	parent int16  // the key of the object that it stands in
	use    use
	slot   event.Slot // where it is a cell
	next   [2]int16   // the keys that followed, the last one first; 0: none did
}

// use says what becomes of a key's values.
type use uint8

const (
	unused  use = iota // nobody asks for them
	aCell              // they are cells of the event
	special            // they mean something to the parser
)

// unknown is a key that is not on the ring.
const unknown int16 = -1

// Bounds of a keyring. Suricata's eve.json has some 300 keys in all kinds of events. A ring
// that is full learns nothing until the next object, and begins anew with that: somebody
// who writes a thousand keys must not have all of them compared with each key that follows.
const (
	maxKeys = 512
	maxKey  = 64 // bytes
)

// begin goes to the beginning of an object, which is key 0.
func (k *keyring) begin() {
	if len(k.keys) == 0 || k.full {
		k.keys, k.text, k.full, k.index = append(k.keys[:0], key{}), k.text[:0], false, [2 * maxKeys]int16{}
	}
	k.last = 0
}

// await returns the key with which a text begins, in the object of parent, behind so
// much of a path, if it is one of those that are awaited; else unknown.
func (k *keyring) await(text []byte, parent int16, from int) int16 {
	if k.last < 0 || parent < 0 {
		return unknown
	}
	next := &k.keys[k.last].next
	if i := next[0]; i != 0 && k.keys[i].begins(text, parent, from) {
		k.last = i
		return i
	}
	if i := next[1]; i != 0 && k.keys[i].begins(text, parent, from) {
		next[0], next[1] = i, next[0]
		k.last = i
		return i
	}
	return unknown
}

// begins reports whether a text begins with the key.
func (k *key) begins(text []byte, parent int16, from int) bool {
	return k.parent == parent && k.from == from && len(text) >= len(k.text) && string(text[:len(k.text)]) == string(k.text)
}

// learn remembers a key that was not awaited.
func (k *keyring) learn(text []byte, parent int16, from int, path []byte) int16 {
	before := k.last
	if k.last = unknown; parent < 0 || len(text) > maxKey || k.full {
		return unknown
	}
	place := k.place(text, parent, from)
	i := *place
	if i == 0 {
		if k.full = len(k.keys) == maxKeys; k.full {
			return unknown
		}
		i = int16(len(k.keys))
		a := key{text: k.own(text), parent: parent, from: from, path: k.own(path[from:])}
		switch slot, ok := event.Find(path); {
		case ok && !slot.IsRaw():
			a.use, a.slot = aCell, slot
		case ok || isSpecial(path):
			a.use = special
		}
		k.keys, *place = append(k.keys, a), i
	}
	if before >= 0 {
		next := &k.keys[before].next
		next[0], next[1] = i, next[0]
	}
	k.last = i
	return i
}

// place is where the index has the key, or will have it.
func (k *keyring) place(text []byte, parent int16, from int) *int16 {
	for at := hash(text); ; at++ {
		place := &k.index[at%uint32(len(k.index))]
		if *place == 0 {
			return place
		}
		if a := &k.keys[*place]; a.parent == parent && a.from == from && bytes.Equal(a.text, text) {
			return place
		}
	}
}

func (k *keyring) own(text []byte) []byte {
	start := len(k.text)
	k.text = append(k.text, text...)
	return k.text[start:len(k.text):len(k.text)]
}

// hash is FNV-1a.
func hash(text []byte) uint32 {
	h := uint32(2166136261)
	for _, c := range text {
		h = (h ^ uint32(c)) * 16777619
	}
	return h
}
