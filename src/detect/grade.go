package detect

import (
	"net/netip"

	"tordetect/src/flow"
)

// graded is a sighting as evidence.
type graded struct {
	*flow.Sighting
	Evidence
	turned bool // the flow was read the wrong way round
	most   int  // what a score that rests on this may reach
	score  int  // of this, the label and the names together, within most
}

// about is what is known of the whole flow before its evidence is summed up.
type about struct {
	unanswered bool // nothing answered, or the firewall blocked it
	hosted     bool // an end is a relay of the site's own
}

// grade turns the flow's sightings into evidence. Later and Earlier listings
// are none.
func (j *Judge) grade(f *flow.Flow) about {
	j.graded = j.graded[:0]
	a := about{unanswered: f.State == flow.Attempt || f.State == flow.Blocked}
	if f.Transport == flow.NotTCP {
		return a
	}
	var asked netip.Addr // the source of which is known whether it answers
	answers, sources := false, 0
	for i := range f.Sightings {
		s := &f.Sightings[i]
		if s.Side == flow.Source && s.Addr != asked {
			sources++
			asked, answers = s.Addr, sources <= maxSources && isAnswer(f, s.Addr)
		}
		switch {
		case s.When >= flow.Later:
		case s.Internal:
			a.hosted = true
			j.put(hostedRelay, s, a, false)
		case s.Side == flow.Destination:
			if c, ok := destinationCode(s); ok {
				j.put(c, s, a, false)
			}
		case answers:
			// It is the client's flow to that port.
			if c, ok := destinationCode(s); ok {
				j.put(c, s, a, true)
			}
		default:
			if c, ok := sourceCode(s); ok {
				j.put(c, s, a, false)
				if g := &j.graded[len(j.graded)-1]; g.Sighting == s && g.Weight > perhapsAnswer && mayAnswer(f) {
					g.Weight = perhapsAnswer
				}
			}
		}
	}
	j.dropIdle()
	return a
}

// put notes a piece of evidence with its weight for this flow.
func (j *Judge) put(c Code, s *flow.Sighting, a about, turned bool) {
	if len(j.graded) == maxPieces {
		if c != hostedRelay {
			return
		}
		j.graded = j.graded[:maxPieces-1] // a relay of the site's own is never missed
	}
	g := graded{Sighting: s, Evidence: Evidence{Code: c, Weight: table[c].weight}, most: scoreMax, turned: turned}
	if s.When == flow.Stale && !s.BuiltIn() {
		g.Evidence.Stale = true
		g.Weight *= survivalAfter(s.Away)
		if far(s) {
			g.most = min(g.most, staleMax)
		}
	}
	if a.unanswered && table[c].group == byDestination {
		g.Weight *= unanswered
		g.most = min(g.most, unansweredMax)
	}
	j.graded = append(j.graded, g)
}

// maxPieces bounds the evidence that is looked at for one flow. Eight relays may
// share an address (tor's AuthDirMaxServersPerAddr), so this is enough for a
// cell with a hundred addresses of relays; a relay table made to slow a search
// down could have thousands of lines for one address.
const maxPieces = 1000

// maxSources bounds the sources that are looked at for whether they answer: each
// is held against all ports and listings of the flow.
const maxSources = 100

// dropIdle drops evidence that tells nothing beside other evidence which weighs
// as much or more, so that the score is never the lower for it.
func (j *Judge) dropIdle() {
	if len(j.graded) < 2 {
		return
	}
	// A flow read the wrong way round, where it is as good the right way.
	j.drop(
		func(g *graded) bool { return g.turned },
		func(by *graded) bool { return by.Side == flow.Destination && by.Code != hostedRelay },
		false)
	// What the source would be, where the flow is the wrong way round.
	j.drop(
		func(g *graded) bool { return g.Side == flow.Source && !g.turned && g.Code != hostedRelay },
		func(by *graded) bool { return by.turned },
		true)
	// A relay's other ports, where one of the same address matched.
	j.drop(
		func(g *graded) bool { return g.Code == relayAddress },
		func(by *graded) bool { return by.Code != relayAddress && table[by.Code].group == byDestination },
		true)
	// A relay without Exit, where an exit shares its address.
	j.drop(
		func(g *graded) bool { return g.Code == relaySource },
		func(by *graded) bool { return table[by.Code].group == bySource },
		true)
}

// drop removes what is idle beside something of use. Nothing is both, or the
// order would matter.
func (j *Judge) drop(idle, use func(*graded) bool, sameAddr bool) {
	j.use = j.use[:0]
	for i := range j.graded {
		if use(&j.graded[i]) {
			j.use = append(j.use, j.graded[i])
		}
	}
	if len(j.use) == 0 {
		return
	}
	kept := j.graded[:0]
	for i := range j.graded {
		if g := &j.graded[i]; !idle(g) || !j.beside(g, sameAddr) {
			kept = append(kept, *g)
		}
	}
	j.graded = kept
}

// beside reports whether something of use says as much as g.
func (j *Judge) beside(g *graded, sameAddr bool) bool {
	for i := range j.use {
		by := &j.use[i]
		noLess := g.Weight == 0 || by.Weight >= g.Weight && by.most >= g.most
		if noLess && (!sameAddr || by.Side == g.Side && by.Addr == g.Addr) {
			return true
		}
	}
	return false
}

// Ports that clients are given begin at lowestClientPort on the systems that give
// the lowest (RFC 6335: 0-1023 are system ports), and at dynamicPort on most (Linux;
// IANA's begin at 49152).
const (
	lowestClientPort = 1024
	dynamicPort      = 32768
)

// isAnswer reports whether a flow from a listed address is an answer to a client of
// ours, as one-way flow logs and some exporters write it: from a port of a service,
// or the OR or Dir port of that address, to a port that clients are given. Of several
// source ports all must say so, and it is none where the record saw who began.
func isAnswer(f *flow.Flow, addr netip.Addr) bool {
	if f.Handshake || f.Source.Port == 0 || f.Destination.Port < lowestClientPort {
		return false
	}
	if len(f.SourcePorts) <= 1 {
		return isService(f, addr, f.Source.Port)
	}
	for _, port := range f.SourcePorts {
		if !isService(f, addr, port) {
			return false
		}
	}
	return true
}

// isService reports whether a port of an address is that of a service.
func isService(f *flow.Flow, addr netip.Addr, port uint16) bool {
	if port < lowestClientPort {
		return true
	}
	for i := range f.Sightings {
		s := &f.Sightings[i]
		if s.Side == flow.Source && s.Addr == addr && s.When < flow.Later && s.Kind != flow.ExitAddress && s.Kind != flow.Bridge && s.ListedPort == port && !s.Ports {
			return true
		}
	}
	return false
}

// mayAnswer reports whether a row that names no source port may be an answer.
func mayAnswer(f *flow.Flow) bool {
	return !f.Handshake && f.Source.Port == 0 && !f.CountedBack && f.Destination.Port >= dynamicPort
}

// destinationCode says what traffic to a listed address is evidence of.
func destinationCode(s *flow.Sighting) (Code, bool) {
	match := s.Port != 0 && s.Port == s.ListedPort
	if s.When == flow.Recent && (s.Kind != flow.ORPort || !match || s.Ports) {
		return 0, false // the grace is for a client's guard, nothing else
	}
	switch {
	case s.Kind == flow.ExitAddress:
		return 0, false // nothing listens there
	case s.Kind == flow.Bridge:
		if s.Ports {
			return unpaired, match
		}
		return defaultBridge, match
	case match && s.Ports:
		return unpaired, true
	case match && (s.Kind == flow.DirPort || s.Kind == flow.AuthorityDir):
		return dirPort, true
	case match && s.Kind == flow.Authority:
		return authority, true
	case match && s.When == flow.Recent:
		return orPortRecent, true
	case match && s.When == flow.Spanned:
		return orPortSpan, true
	case match:
		return orPort, true
	case s.Port == 0:
		return relayNoPort, true
	}
	return relayAddress, true
}

// sourceCode says what traffic from a listed address is evidence of.
func sourceCode(s *flow.Sighting) (Code, bool) {
	switch s.Kind {
	case flow.ExitAddress:
		if s.When == flow.Spanned {
			return exitAddressSpan, true
		}
		return exitAddress, true
	case flow.ORPort:
		switch {
		case s.When == flow.Recent:
			return 0, false
		case !s.Flags.Exits():
			return relaySource, true
		case s.Elsewhere && s.Addr.Is4(): // exit lists know IPv4 only
			return exitORAddress, true
		case s.When == flow.Spanned:
			return exitFlagSpan, true
		}
		return exitFlag, true
	case flow.Authority:
		return relaySource, true
	}
	return 0, false
}
