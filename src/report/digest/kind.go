package digest

import (
	"tordetect/src/detect"
	"tordetect/src/flow"
)

// A Kind is what a host's traffic makes it. The rules are those of the macro
// tordetect_hosts, over the outbound flows of a host; a test holds the two together.
type Kind string

// The kinds, in the order in which they are tried. A host of none has signs of Tor, and
// no flow to it.
const (
	OwnRelay      Kind = "relay"
	Scanner       Kind = "scanner"
	Bootstrapping Kind = "bootstrapping"
	Client        Kind = "client"
)

// Limits of the rules.
const (
	relayEnds     = 100 // a relay speaks to most of the others; a client in a month to some
	relayAnswered = 2   // and one in so many answers at least
	scannerEnds   = 20  // a scanner tries many
	scannerShare  = 10  // of which less than one in so many answers, while nothing is blocked
	firstHours    = 1   // a first start takes minutes,
	firstEnds     = 3   // and asks an authority, or more relays than a client in use
)

// Kind is what a host is.
func (h *Host) Kind() Kind {
	t := &h.traits
	switch {
	case t.own, t.ends >= relayEnds && t.answered*relayAnswered >= t.ends:
		return OwnRelay
	case t.ends >= scannerEnds && t.answered*scannerShare < t.ends && !t.blocked:
		return Scanner
	case t.ends > 0 && t.hours() <= firstHours && (t.authority || t.ends > firstEnds):
		return Bootstrapping
	case t.ends > 0:
		return Client
	}
	return ""
}

// traits are what Kind looks at: of findings, as the macro has them.
type traits struct {
	ends, answered          int // distinct other ends that were contacted, and those that may have answered
	own, blocked, authority bool
	first, last             int64
}

// isTold reports whether the macro has a flow.
func (f *Found) isTold() bool {
	return f.Verdict >= detect.VerdictPossible || f.Direction == detect.Relay
}

// toTor says how a flow met its other end.
func (f *Found) toTor() metAs {
	switch {
	case !f.isTold() || f.Direction != detect.Outbound || f.Peer == "":
		return notMet
	case f.State == flow.Established || f.State == flow.StateUnknown:
		return metOutbound | metAnswered
	}
	return metOutbound
}

func (t *traits) add(f *Found) {
	if !f.isTold() {
		return
	}
	t.own = t.own || f.Direction == detect.Relay
	t.blocked = t.blocked || f.State == flow.Blocked
	t.authority = t.authority || f.Direction == detect.Outbound && f.Role == detect.RoleAuthority
	widen(&t.first, &t.last, f)
}

// meet counts another end once.
func (t *traits) meet(before, now metAs) {
	isNew := now &^ before
	if isNew&metOutbound != 0 {
		t.ends++
	}
	if isNew&metAnswered != 0 {
		t.answered++
	}
}

// hours is over how many hours of the clock the flows spread.
func (t *traits) hours() int64 {
	const hour = 3600
	if t.last == 0 {
		return 0
	}
	return t.last/hour - t.first/hour + 1
}
