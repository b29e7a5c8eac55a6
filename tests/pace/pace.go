// Package pace holds parsers to a cost that grows with their input and no faster, so
// that a fuzz target fails on what is slow as it does on what breaks.
//
//	f.Fuzz(func(t *testing.T, text []byte) {
//		pace.Hold(t, text, func(text []byte) { Parse(text) })
//	})
//
// The input itself is small, and a square of small is small: so of some inputs it makes
// large ones, by writing the whole or a piece of its middle again and again, and has
// those read too. Which inputs and which piece follows from the input's bytes, so that
// one that failed fails again.
//
// It does not compare two versions of a parser: that is tests/bench.
package pace

import (
	"bytes"
	"hash/fnv"
	"testing"
	"time"
)

// usual are the bounds for all targets.
var usual = bounds{
	// The slowest of our parsers takes some 0.3 microseconds for a byte (YAML,
	// 2026-11-30), the race detector ten times as long. Where every byte looks at all
	// others, a byte of a grown input takes some 40.
	perByte: 4 * time.Microsecond,
	// For what has nothing to do with the input: a garbage collection, the first time
	// that something is made, a file that is opened.
	floor: 300 * time.Millisecond,
}

type bounds struct{ perByte, floor time.Duration }

const (
	// grown is the size of inputs that are made: large enough that a square is seen.
	grown = 128 << 10
	// share: one input of so many is grown, as reading that takes as long as some hundred
	// inputs of the usual size.
	share = 256
	// tries: other things run at the same time, so only what was slow each time is slow.
	tries = 3
)

// Hold has the input read, and if its turn has come larger ones that are made of it,
// and fails where that takes more CPU than so many bytes may cost.
func Hold(t testing.TB, input []byte, read func([]byte)) {
	t.Helper()
	usual.hold(t, input, read)
	h := fnv.New32a()
	h.Write(input)
	if sum := h.Sum32(); sum%share == 0 {
		usual.grow(t, input, sum/share, read)
	}
}

// grow has the larger ones read: the whole input repeated, and one that begins and ends
// as the input does, with a piece of its middle repeated that follows from the seed.
func (b bounds) grow(t testing.TB, input []byte, seed uint32, read func([]byte)) {
	t.Helper()
	if len(input) == 0 || len(input) >= grown {
		return
	}
	if !b.hold(t, bytes.Repeat(input, 1+grown/len(input)), read) {
		return
	}
	from := int(seed) % len(input)
	size := 1 + int(seed/7)%min(len(input)-from, 40) // a cell, a line, a few
	piece := input[from : from+size]
	middle := bytes.Repeat(piece, 1+grown/size)
	b.hold(t, bytes.Join([][]byte{input[:from], middle, input[from+size:]}, nil), read)
}

// hold reads one input against the clock of this process's CPU, and says whether it kept
// to its pace.
func (b bounds) hold(t testing.TB, input []byte, read func([]byte)) bool {
	t.Helper()
	most := b.floor + time.Duration(len(input))*b.perByte
	var took time.Duration
	for range tries {
		began := used()
		read(input)
		if took = used() - began; took <= most {
			return true
		}
	}
	t.Errorf("slow: %d bytes took %v of CPU, more than %v; they begin with %.200q", len(input), took, most, input)
	return false
}
