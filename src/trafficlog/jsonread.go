package trafficlog

import (
	"unsafe"

	jsoniter "github.com/json-iterator/go"
)

// How the JSON library fills text and object. With json.go this is all that knows
// the library.

type decoderFunc func(to unsafe.Pointer, from *jsoniter.Iterator)

func (f decoderFunc) Decode(to unsafe.Pointer, from *jsoniter.Iterator) { f(to, from) }

func readText(to unsafe.Pointer, from *jsoniter.Iterator) {
	t := (*text)(to)
	*t = captured(*t, from)
}

// captured returns the next value as it is written, in the memory of buf. The
// library wants a buffer that is not nil, and gives back what it has of a broken
// value: the error it notes refuses the whole line.
func captured(buf text, from *jsoniter.Iterator) text {
	from.WhatIsNext() // skips blanks
	if buf == nil {
		buf = make(text, 0, 32)
	}
	return from.SkipAndAppendBytes(buf[:0])
}

func readObject(to unsafe.Pointer, from *jsoniter.Iterator) {
	o := (*object)(to)
	var read func(from *jsoniter.Iterator, key string) bool
	read = func(from *jsoniter.Iterator, key string) bool {
		switch t := o.put(key); {
		case t != nil && len(*t) == 0:
			*t = captured(*t, from)
		case o.in(key) && from.WhatIsNext() == jsoniter.ObjectValue:
			return from.ReadMapCB(read)
		default:
			from.Skip()
		}
		return true
	}
	from.ReadMapCB(read)
}
