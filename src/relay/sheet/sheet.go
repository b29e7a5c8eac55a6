// Package sheet reads the file of a relay table into memory: row by row, strictly,
// within bounds, and packed to a third of its size.
//
//	in:   ip,port,role,flags,fingerprint,nickname,first_seen,last_seen
//	      ,,coverage,,,,1795422520,1795422840
//	      198.51.100.21,443,or,Exit Guard,2DBB4D43E1DDE4C91EBC1FCA103E0465CDE18FC8,exit1,1795422520,1795422840
//	      ,2,end,,,,,
//	out:  one time of coverage, and one run: 198.51.100.21 with one Entry;
//	      2 rows, none of them skipped, and the sheet is whole
//
// A run is what stands together of an address in the file. A search asks for few
// addresses, so that entries are made of a run when somebody asks for it, and not
// before. But each row is read to its last cell when the file is: whoever asks
// learns at once how many rows could not be read, and whether the table was cut.
//
// This file has what a sheet says, pages.go the packed form, read.go the rows as any
// program may write them, and quick.go the rows as our own do. Which runs are of one
// address, what is joined and what was when, is a matter of package relay.
package sheet

import (
	"errors"
	"net/netip"

	"tordetect/src/cell"
	"tordetect/src/flow"
)

// Entry is one row of the table (or several of the same relay, port and flags
// that overlap or touch, joined) or one built-in line: an address that was
// listed from First to Last, both included.
type Entry struct {
	Addr        netip.Addr // never IPv4-mapped, never with a zone
	Port        uint16     // 0 for ExitAddress
	Kind        flow.Kind
	Flags       flow.Flags
	Fingerprint string // 40 upper case hex digits, or empty
	Nickname    string // 1 to 19 letters and digits, or empty; of a Bridge its transport
	First, Last int64  // epoch seconds
}

// Sheet is a table as it was read. It never changes.
type Sheet struct {
	pages

	// When consensuses and exit lists were read, as the rows say it, in their order.
	Coverage, ExitCoverage []flow.Interval
	// Rows counts all rows, the end row apart. Skipped of them could not be read.
	Rows, Skipped int
	// Whole says that the last row is the end row, and counts right.
	Whole bool
}

// Sound reports whether what is not in the sheet was not listed: it was not cut, and
// most of its rows can be read. Else its coverage means nothing.
func (s *Sheet) Sound() bool { return s.Whole && 2*s.Skipped <= s.Rows }

// The table's columns, found by name; the order in a file does not matter.
const (
	IP = iota
	Port
	Role
	Flags
	Fingerprint
	Nickname
	First
	Last
	Columns
	ignored = Columns // a column of someone else
)

// Names are those of the columns.
var Names = [Columns]string{"ip", "port", "role", "flags", "fingerprint", "nickname", "first_seen", "last_seen"}

const (
	// MaxRows bounds the memory that a file makes us take, 90 bytes a row at most: ten
	// times the rows of 400 days.
	MaxRows = 4_000_000
	// MaxTime is the last moment that a row may name, in epoch seconds.
	MaxTime = cell.MaxTime
)

// ErrNotATable says that a file's header is not that of a relay table.
var ErrNotATable = errors.New("not a relay table")
