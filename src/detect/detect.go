// Package detect judges one flow of network traffic: given what the firewall
// said of it and what the relay list says of its two ends, how sure is it that
// this is Tor, in which direction, and why.
//
//	in:   10.0.0.5 -> 198.51.100.7 port 9001, TCP, answered, the firewall's label "ssl",
//	      and a sighting: 198.51.100.7:9001 is the OR port of relay "anna" at that time
//	out:  score 97, verdict tor, state established, direction outbound, role guard,
//	      evidence [or_port], and a sentence that says all this with its times
//
// The evidence codes and their weights stand in one table (evidence.go), the
// rules that turn sightings into codes in weigh.go, what the client showed of
// itself in names.go, the sentences in reason.go, and the reading of firewall
// vocabulary (actions, application labels, transports) in firewall.go and
// labels.go.
//
// It is pure: no input or output, no clock, no knowledge of columns, files or
// of how a relay table is kept. The same flow always gives the same finding.
// Nothing is allocated for a flow once a Judge's buffers have grown.
package detect

import "net/netip"

// Side is one of a flow's two ends.
type Side uint8

const (
	Source Side = iota
	Destination
)

// Kind is what the relay list knows an address as.
type Kind uint8

const (
	ORPort       Kind = iota // a relay's address and OR port
	DirPort                  // a relay's address and Dir port
	ExitAddress              // an address that an exit was seen to leave from
	Bridge                   // a bridge that ships with Tor Browser
	Authority                // a directory authority's OR port, known without a list
	AuthorityDir             // a directory authority's Dir port, known without a list
)

// When is how the listing stands to the flow's time.
type When uint8

const (
	Listed  When = iota // at the flow's first or last moment
	Spanned             // inside the flow's interval, at neither end
	Recent              // within the 24 h before, and a later list lacks it
	Stale               // the flow is outside every list that was read; the nearest has it
	Later               // only after the flow: not evidence, but told
	Earlier             // only before the flow: not evidence, but told
)

// Flags of a relay that change what it does for others.
type Flags uint8

const (
	Guard Flags = 1 << iota
	Exit
	BadExit
	DirAuthority
)

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
func (s *Sighting) BuiltIn() bool { return s.Kind >= Bridge }

// far reports whether every list is so far away that the reader should see it
// in the score.
func (s *Sighting) far() bool { return s.When == Stale && !s.BuiltIn() && s.Away > staleFar }

// exit reports whether the relay lets traffic out for anyone: clients do not
// use an exit with the flag BadExit.
func (f Flags) exit() bool { return f&Exit != 0 && f&BadExit == 0 }

// End is how a flow's end is named in sentences.
type End struct {
	Addr netip.Addr // the zero Addr if the row has no readable address
	Port uint16     // 0 if the row has none
}

// Flow is what is known of one row of traffic before it is judged.
type Flow struct {
	Source, Destination End
	Transport           Transport
	Label               Label
	Hello               Hello
	Onion               Onion
	State               State
	Coverage            Coverage
	// Undated says that the row has no usable time, so that the list could
	// not be asked.
	Undated bool
	// NewestList and OldestList are the list's bounds in epoch seconds, used
	// in sentences only; 0 without a list.
	NewestList, OldestList int64
	Sightings              []Sighting
}

// Coverage says what "not found" means for a flow.
type Coverage uint8

const (
	CoverageFull   Coverage = iota
	CoverageGap             // some of its time lies between two lists
	CoverageStale           // some lies after the newest list
	CoverageBefore          // some lies before the first list
	CoverageNone            // there is no list, no time, or nothing to look up
)

var coverageNames = [...]string{"full", "gap", "stale", "before", "none"}

// String is the word used in the field tor_coverage.
func (c Coverage) String() string { return coverageNames[c] }

// Verdict is the score in a word.
type Verdict uint8

const (
	VerdictNone     Verdict = iota // below 20, and the row could be checked
	VerdictUnknown                 // below 20, and it could not
	VerdictPossible                // 20 to 49
	VerdictLikely                  // 50 to 79
	VerdictTor                     // 80 and more
)

var verdictNames = [...]string{"none", "unknown", "possible", "likely", "tor"}

// String is the word used in the field tor_verdict.
func (v Verdict) String() string { return verdictNames[v] }

// Direction is which way Tor was used.
type Direction uint8

const (
	DirectionNone Direction = iota
	Outbound                // a client here to Tor
	Inbound                 // from a Tor exit to us
	Relay                   // a relay of our own
)

var directionNames = [...]string{"", "outbound", "inbound", "relay"}

// String is the word used in the field tor_direction.
func (d Direction) String() string { return directionNames[d] }

// Role is what the matched address does in the Tor network, the best first.
type Role uint8

const (
	RoleNone Role = iota
	RoleBridge
	RoleRelay
	RoleGuard
	RoleExit
	RoleGuardExit
	RoleAuthority
)

var roleNames = [...]string{"", "bridge", "relay", "guard", "exit", "guard+exit", "authority"}

// String is the word used in the field tor_role.
func (r Role) String() string { return roleNames[r] }

// Finding is the judgement of one flow. Its slices belong to the Judge and are
// overwritten by the next flow.
type Finding struct {
	Score     int // 0 to 99: how sure it is that this is Tor traffic
	Verdict   Verdict
	State     State
	Direction Direction
	Role      Role
	Evidence  []Evidence  // strongest first
	Relays    []*Sighting // those behind the deciding evidence, by fingerprint, each once
	Deciding  *Sighting   // of Relays the one with the best role; nil without a listing
	Reason    []byte      // one English sentence, or empty where there is nothing to say
}

// Judge judges flow after flow. The zero value is ready; it is not for
// concurrent use.
type Judge struct {
	finding  Finding
	graded   []graded
	use      []graded // of these, those that may make others idle
	names    [nameCodes]Evidence
	evidence []Evidence
	relays   []*Sighting
	reason   []byte
}

// Judge returns the finding for a flow, valid until the next call.
func (j *Judge) Judge(f *Flow) *Finding {
	out := &j.finding
	*out = Finding{State: f.State, Evidence: j.evidence[:0], Relays: j.relays[:0], Reason: j.reason[:0]}
	a := j.grade(f)
	label := j.labelEvidence(f, a)
	names := j.nameEvidence(f, a)
	name := strongest(names)

	out.Score = j.decide(label, name, a)
	out.Verdict = verdict(out.Score, f.Coverage)
	out.Evidence = gather(out.Evidence, j.graded, label, names, f.Transport)
	var deciding *graded
	if len(j.graded) > 0 {
		deciding = &j.graded[0]
		out.Relays, out.Deciding = relaysBehind(out.Relays, j.graded)
		out.Role = role(out.Deciding)
	}
	out.Direction = direction(deciding, label, name)
	out.Reason = reason(out.Reason, f, out, j.graded, label, name)
	j.evidence, j.relays, j.reason = out.Evidence, out.Relays, out.Reason
	return out
}

func verdict(score int, c Coverage) Verdict {
	switch {
	case score >= 80:
		return VerdictTor
	case score >= 50:
		return VerdictLikely
	case score >= 20:
		return VerdictPossible
	case c != CoverageFull:
		return VerdictUnknown
	}
	return VerdictNone
}
