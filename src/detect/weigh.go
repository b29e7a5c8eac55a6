package detect

import (
	"math"
	"slices"
	"strings"
)

// graded is a sighting as evidence.
type graded struct {
	*Sighting
	Evidence
	far bool // stale beyond staleFar
}

// lists is what the relay list gives for a flow, both ends weighed.
type lists struct {
	deciding    *graded // the heaviest of either end, a tie is the destination; nil without a listing
	destination *graded // the heaviest of the destination group
	source      *graded // the heaviest of the source group
	hosted      bool    // an end is a relay of the site's own
	unanswered  bool
	near        float64 // the heaviest weight that no cap holds down
	any         float64 // the heaviest weight
	anyMax      int     // what a score that rests on any may reach
}

// grade turns the flow's sightings into evidence and weighs it. Later and
// Earlier listings are no evidence.
func (j *Judge) grade(f *Flow) lists {
	j.graded = j.graded[:0]
	l := lists{unanswered: f.State == Attempt || f.State == Blocked, anyMax: scoreMax}
	if f.Transport == NotTCP || len(f.Sightings) == 0 {
		return l
	}
	destinationKnown := false
	for i := range f.Sightings {
		s := &f.Sightings[i]
		if s.When >= Later {
			continue
		}
		if s.Internal && s.relay() {
			l.hosted = true
			j.put(hostedRelay, s, &l)
		} else if s.Side == Destination {
			if c, ok := destinationCode(s); ok {
				destinationKnown = true
				j.put(c, s, &l)
			}
		}
	}
	// Some exporters write a flow the wrong way round: it seems to come from
	// a relay's OR port and to go to a high port of no relay.
	turned := !destinationKnown && f.Destination.Port >= lowestClientPort && slices.ContainsFunc(f.Sightings, fromORPort)
	for i := range f.Sightings {
		s := &f.Sightings[i]
		switch {
		case s.When >= Later || s.Side == Destination || s.Internal && s.relay():
		case turned && fromORPort(*s):
			if c, ok := destinationCode(s); ok {
				j.put(c, s, &l)
			}
		case turned:
		default:
			if c, ok := sourceCode(s); ok {
				j.put(c, s, &l)
			}
		}
	}
	j.graded = slices.DeleteFunc(j.graded, superseded(j.graded))
	for i := range j.graded {
		l.weigh(&j.graded[i])
	}
	if l.hosted {
		l.near, l.any = 0, 0
		l.deciding = nil
		for i := range j.graded {
			if g := &j.graded[i]; g.Code == hostedRelay && better(g, l.deciding) {
				l.deciding = g
			}
		}
	}
	return l
}

// superseded says which sightings tell nothing beside another: a relay's other
// ports where one of them matched, a relay without Exit where an exit shares its
// address.
func superseded(all []graded) func(graded) bool {
	var destination, source bool
	for i := range all {
		g := &all[i]
		destination = destination || table[g.Code].group == byDestination && g.Code != relayAddress
		source = source || table[g.Code].group == bySource
	}
	return func(g graded) bool {
		return g.Code == relayAddress && destination || g.Code == relaySource && source
	}
}

// lowestClientPort is where ports that clients are given begin, on the systems
// that give the lowest (RFC 6335: 0-1023 are system ports).
const lowestClientPort = 1024

// fromORPort reports whether the flow comes from a listed OR port.
func fromORPort(s Sighting) bool {
	return s.Side == Source && s.When < Later && !s.Internal && !s.Ports &&
		(s.Kind == ORPort || s.Kind == Authority) && s.Port == s.ListedPort
}

// destinationCode says what traffic to a listed address is evidence of.
func destinationCode(s *Sighting) (Code, bool) {
	match := s.Port != 0 && s.Port == s.ListedPort
	if s.When == Recent && (s.Kind != ORPort || !match || s.Ports) {
		return 0, false // the grace is for a client's guard, nothing else
	}
	switch {
	case s.Kind == ExitAddress:
		return 0, false // nothing listens there
	case s.Kind == Bridge:
		return defaultBridge, match && !s.Ports
	case match && s.Ports:
		return unpaired, true
	case match && (s.Kind == DirPort || s.Kind == AuthorityDir):
		return dirPort, true
	case match && s.Kind == Authority:
		return authority, true
	case match && s.When == Recent:
		return orPortRecent, true
	case match && s.When == Spanned:
		return orPortSpan, true
	case match:
		return orPort, true
	case s.Port == 0:
		return relayNoPort, true
	}
	return relayAddress, true
}

// sourceCode says what traffic from a listed address is evidence of.
func sourceCode(s *Sighting) (Code, bool) {
	switch s.Kind {
	case ExitAddress:
		if s.When == Spanned {
			return exitAddressSpan, true
		}
		return exitAddress, true
	case ORPort:
		switch {
		case s.When == Recent:
			return 0, false
		case !s.Flags.exit():
			return relaySource, true
		case s.Elsewhere && s.Addr.Is4(): // exit lists know IPv4 only
			return exitORAddress, true
		case s.When == Spanned:
			return exitFlagSpan, true
		}
		return exitFlag, true
	case Authority:
		return relaySource, true
	}
	return 0, false
}

// put notes a piece of evidence with its weight for this flow.
func (j *Judge) put(c Code, s *Sighting, l *lists) {
	g := graded{Sighting: s, Evidence: Evidence{Code: c, Weight: table[c].weight}}
	if s.When == Stale && !s.BuiltIn() {
		g.Evidence.Stale = true
		g.Weight *= survivalAfter(s.Away)
		g.far = s.Away > staleFar
	}
	if l.unanswered && table[c].group == byDestination {
		g.Weight *= unanswered
	}
	j.graded = append(j.graded, g)
}

// weigh takes a piece of evidence into the sum.
func (l *lists) weigh(g *graded) {
	if better(g, l.deciding) {
		l.deciding = g
	}
	most := scoreMax
	switch table[g.Code].group {
	case byDestination:
		if l.destination == nil || g.Weight > l.destination.Weight {
			l.destination = g
		}
		if l.unanswered {
			most = unansweredMax
		}
	case bySource:
		if l.source == nil || g.Weight > l.source.Weight {
			l.source = g
		}
	default:
		return
	}
	if g.far {
		most = min(most, staleMax)
	}
	if most == scoreMax {
		l.near = max(l.near, g.Weight)
	} else {
		l.anyMax = min(l.anyMax, most)
	}
	l.any = max(l.any, g.Weight)
}

// better orders evidence: heavier, then destination before source, then the
// relay with the better role, then the order of the list.
func better(g, than *graded) bool {
	switch {
	case than == nil || g.Weight > than.Weight:
		return true
	case g.Weight < than.Weight:
		return false
	case table[g.Code].group != table[than.Code].group:
		return table[g.Code].group < table[than.Code].group
	}
	return role(g.Sighting) > role(than.Sighting)
}

// labelEvidence is what the firewall's own label is worth.
func labelEvidence(f *Flow, l *lists) Evidence {
	e := Evidence{}
	switch f.Label {
	case LabelTor:
		e = Evidence{Code: appLabel, Weight: table[appLabel].weight}
		if f.Coverage == CoverageFull && l.deciding == nil {
			e.Weight = labelUnlisted
		}
	case LabelTor2web:
		e = Evidence{Code: tor2webLabel, Weight: table[tor2webLabel].weight}
	}
	if l.unanswered {
		e.Weight *= unanswered
	}
	if l.hosted {
		e.Weight = 0
	}
	return e
}

// score puts the groups together as independent witnesses. It is the better of
// what the evidence without a cap gives and of what all gives up to its cap, so
// that more evidence never lowers it.
func score(l *lists, label Evidence) int {
	return max(combine(l.near, label.Weight), min(combine(l.any, label.Weight), l.anyMax))
}

func combine(list, label float64) int {
	p := 100 * (1 - (1-list)*(1-label))
	return min(scoreMax, int(math.Floor(p+0.5+1e-9))) // half up, also where 0.5 is a hair short
}

// direction follows the deciding listing; a label alone is outbound.
func direction(l *lists, label Evidence) Direction {
	switch {
	case l.hosted:
		return Relay
	case l.any > 0 && table[l.deciding.Code].group == bySource:
		return Inbound
	case l.any > 0 || label.Weight > 0:
		return Outbound
	}
	return DirectionNone
}

// gather lists all codes, each once, strongest first; what has no weight comes
// last in the order of the table.
func gather(out []Evidence, all []graded, label Evidence, t Transport) []Evidence {
	for i := range all {
		out = add(out, all[i].Evidence)
	}
	if label.Code != noCode {
		out = add(out, label)
	}
	if t == NotTCP {
		out = add(out, Evidence{Code: notTCP})
	}
	return out
}

// add inserts in order. A code that is there already keeps its better weight.
func add(out []Evidence, e Evidence) []Evidence {
	for i := range out {
		if out[i].Code == e.Code && out[i].Stale == e.Stale {
			if out[i].Weight >= e.Weight {
				return out
			}
			out = slices.Delete(out, i, i+1)
			break
		}
	}
	at := len(out)
	for at > 0 && (out[at-1].Weight < e.Weight || out[at-1].Weight == e.Weight && out[at-1].Code > e.Code) {
		at--
	}
	return slices.Insert(out, at, e)
}

// relaysBehind returns the relays that share the deciding evidence's address
// and port, by fingerprint, and the one with the best role.
func relaysBehind(out []*Sighting, all []graded, deciding *graded) ([]*Sighting, *Sighting) {
	best := deciding.Sighting
	for i := range all {
		g := &all[i]
		if g.Side != deciding.Side || g.Addr != deciding.Addr || g.Code != deciding.Code || g.Evidence.Stale != deciding.Evidence.Stale {
			continue
		}
		if role(g.Sighting) > role(best) {
			best = g.Sighting
		}
		at, found := slices.BinarySearchFunc(out, g.Fingerprint, func(s *Sighting, fp string) int {
			return strings.Compare(s.Fingerprint, fp)
		})
		if !found {
			out = slices.Insert(out, at, g.Sighting)
		}
	}
	return out, best
}

// role is what the relay of a sighting does for the network.
func role(s *Sighting) Role {
	switch {
	case s.Kind == Bridge:
		return RoleBridge
	case s.Kind == Authority || s.Kind == AuthorityDir || s.Flags&DirAuthority != 0:
		return RoleAuthority
	case (s.Flags.exit() || s.Kind == ExitAddress) && s.Flags&Guard != 0:
		return RoleGuardExit
	case s.Flags.exit() || s.Kind == ExitAddress:
		return RoleExit
	case s.Flags&Guard != 0:
		return RoleGuard
	}
	return RoleRelay
}
