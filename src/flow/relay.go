package flow

import (
	"net/netip"
	"strings"

	"tordetect/src/cell"
)

// Kind is what the relay list knows an address as.
type Kind uint8

const (
	ORPort       Kind = iota // an address and OR port of a relay in the consensus
	DirPort                  // an address and Dir port of a relay in the consensus
	ExitAddress              // an address that traffic was seen to leave from (exit lists); no port
	Bridge                   // built in: a bridge that ships with Tor Browser
	Authority                // built in: a directory authority's OR port
	AuthorityDir             // built in: a directory authority's Dir port
)

// BuiltIn reports whether this kind comes with the program and not from the
// table.
func (k Kind) BuiltIn() bool { return k >= Bridge }

// When says how a listing stands to the time of a flow.
type When uint8

const (
	Listed  When = iota // at the interval's first or last moment
	Spanned             // somewhere inside the interval, at neither end
	Recent              // ended in the 24 hours before, and a later list lacks the relay there
	Stale               // the interval lies outside every list that was read, and the nearest list has it
	Later               // first listed after the interval: no evidence, but worth telling
	Earlier             // last listed before the interval: no evidence, but worth telling
)

// Flags are those of a relay's consensus flags that change what it does for
// others. All others are passed over: everything listed is Running and Valid.
type Flags uint8

const (
	Guard Flags = 1 << iota
	Exit
	BadExit
	DirAuthority // the flag that the consensus calls Authority

	AllFlags = Guard | Exit | BadExit | DirAuthority
)

// flagNames are the words of a consensus (dir-spec 3.4.1), in its order: that of
// the alphabet.
var flagNames = [...]struct {
	flag Flags
	name string
}{{DirAuthority, "Authority"}, {BadExit, "BadExit"}, {Exit, "Exit"}, {Guard, "Guard"}}

// ParseFlag reads one flag; 0 for a word that is none of ours.
func ParseFlag[T string | []byte](word T) Flags {
	for i := range flagNames {
		if string(word) == flagNames[i].name {
			return flagNames[i].flag
		}
	}
	return 0
}

// String writes the flags as a consensus does, with blanks between.
func (f Flags) String() string {
	var names []string
	for _, n := range flagNames {
		if f&n.flag != 0 {
			names = append(names, n.name)
		}
	}
	return strings.Join(names, " ")
}

// Exits reports whether the relay lets traffic out for anyone: clients do not use
// an exit with the flag BadExit.
func (f Flags) Exits() bool { return f&Exit != 0 && f&BadExit == 0 }

// MaxNickname is the longest nickname of a relay or authority (dir-spec, section 2.1.3).
const MaxNickname = 19

// IsNickname reports whether a relay or authority may be called that: 1 to MaxNickname
// letters and digits. Anybody may write a table, and what is no nickname does not get
// into a sentence.
func IsNickname[T string | []byte](name T) bool {
	if len(name) == 0 || len(name) > MaxNickname {
		return false
	}
	for i := range len(name) {
		if !cell.IsAlphanumeric(name[i]) {
			return false
		}
	}
	return true
}

// Sighting is one thing that the relay list says about one address of a flow.
type Sighting struct {
	Side Side
	// Addr and Port are the flow's own. Port is 0 if the row has none.
	Addr netip.Addr
	Port uint16
	// Ports says that the row has a list of ports beside a list of addresses,
	// so that Port is one of several that may never have gone with Addr.
	Ports bool
	// Internal says that Addr belongs to the site's own networks.
	Internal bool

	// What the list says. ListedPort is 0 for an ExitAddress.
	Kind        Kind
	When        When
	Away        int64 // seconds to the nearest list (Stale), to the listing (Later, Earlier, Recent)
	ListedPort  uint16
	Flags       Flags
	Fingerprint string
	Nickname    string
	First, Last int64 // epoch seconds, both included; of no meaning for built-in kinds
	// Elsewhere says that an exit list of that time knows another address
	// that this relay's traffic leaves from.
	Elsewhere bool
}

// BuiltIn reports whether the sighting comes from the program's own list.
func (s *Sighting) BuiltIn() bool { return s.Kind.BuiltIn() }

// Coverage says what "not found" means for the time of a flow.
type Coverage uint8

const (
	CoverageFull   Coverage = iota // lists were read for the whole interval
	CoverageGap                    // a part lies between two lists
	CoverageStale                  // a part lies after the newest list ended
	CoverageBefore                 // a part lies before the first list
	CoverageNone                   // there is no list, no time, or nothing to look up
	Coverages
)

var coverageNames = [Coverages]string{"full", "gap", "stale", "before", "none"}

// String is the word used in the field tor_coverage.
func (c Coverage) String() string { return coverageNames[c] }
