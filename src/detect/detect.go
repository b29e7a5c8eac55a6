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
// rules that turn sightings into codes in grade.go, what the client showed of
// itself in names.go, how all that becomes a score in weigh.go, who is ours in
// sides.go, and the sentence in reason.go, with unlisted.go for where the list has
// nothing and phrases.go for what its parts share. What the words of firewalls mean
// is package event's matter.
//
// It is pure: no input or output, no clock, no knowledge of columns, files or
// of how a relay table is kept. The same flow always gives the same finding.
// Nothing is allocated for a flow once a Judge's buffers have grown.
package detect

import "tordetect/src/flow"

// far reports whether every list is so far away that the reader should see it
// in the score.
func far(s *flow.Sighting) bool { return s.When == flow.Stale && !s.BuiltIn() && s.Away > staleFar }

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
	State     flow.State
	Direction Direction
	Role      Role
	Evidence  []Evidence       // strongest first
	Relays    []*flow.Sighting // those behind the deciding evidence, by fingerprint, each once
	Deciding  *flow.Sighting   // of Relays the one with the best role; nil without a listing
	Reason    []byte           // one English sentence, or empty where there is nothing to say

	// Host is the end on our side: the client, the visited, or our own relay, also
	// where the row was logged the wrong way round; without a port. Peer is the other
	// end, its port that of a service. Both are empty without evidence.
	Host, Peer flow.End
}

// Judge judges flow after flow. The zero value is ready; it is not for
// concurrent use.
type Judge struct {
	finding  Finding
	graded   []graded
	use      []graded // of these, those that may make others idle
	names    [nameCodes]Evidence
	evidence []Evidence
	relays   []*flow.Sighting
	reason   []byte
}

// Judge returns the finding for a flow, valid until the next call.
func (j *Judge) Judge(f *flow.Flow) *Finding {
	out := &j.finding
	*out = Finding{State: f.State, Evidence: j.evidence[:0], Relays: j.relays[:0], Reason: j.reason[:0]}
	a := j.grade(f)
	label := j.labelEvidence(f, a)
	names := j.nameEvidence(f, a)
	name := strongest(names)

	out.Score = j.decide(label, name, a)
	out.Verdict = VerdictOf(out.Score, f.Coverage)
	out.Evidence = gather(out.Evidence, j.graded, label, names, f)
	var deciding *graded
	if len(j.graded) > 0 {
		deciding = &j.graded[0]
		out.Relays, out.Deciding = relaysBehind(out.Relays, j.graded)
		out.Role = role(out.Deciding)
	}
	out.Direction = direction(deciding, label, name)
	out.Host, out.Peer = sides(f, out, deciding, label, name)
	out.Reason = reason(out.Reason, f, out, j.graded, label, name)
	j.evidence, j.relays, j.reason = out.Evidence, out.Relays, out.Reason
	return out
}

// VerdictOf is the verdict of a score, 0 to 99, where the list covers that much.
func VerdictOf(score int, c flow.Coverage) Verdict {
	switch {
	case score >= 80:
		return VerdictTor
	case score >= 50:
		return VerdictLikely
	case score >= 20:
		return VerdictPossible
	case c != flow.CoverageFull:
		return VerdictUnknown
	}
	return VerdictNone
}
