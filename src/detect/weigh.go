package detect

import (
	"cmp"
	"math"
	"net/netip"
	"slices"
	"strings"

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
	answers := false
	for i := range f.Sightings {
		s := &f.Sightings[i]
		if s.Side == flow.Source && s.Addr != asked {
			asked, answers = s.Addr, isAnswer(f, s.Addr)
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

// dropIdle drops evidence that tells nothing beside other evidence which weighs
// as much or more, so that the score is never the lower for it.
func (j *Judge) dropIdle() {
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

// maxPieces bounds the evidence that is looked at for one flow. Eight relays may
// share an address (tor's AuthDirMaxServersPerAddr), so this is enough for a
// cell with a hundred addresses of relays; a relay table made to slow a search
// down could have thousands of lines for one address.
const maxPieces = 1000

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

// labelEvidence is what the firewall's own label is worth.
func (j *Judge) labelEvidence(f *flow.Flow, a about) Evidence {
	e := Evidence{}
	switch f.Label {
	case flow.LabelTor:
		e = Evidence{Code: appLabel, Weight: table[appLabel].weight}
		if f.Coverage == flow.CoverageFull && len(j.graded) == 0 {
			e.Weight = labelUnlisted
		}
	case flow.LabelTor2web:
		e = Evidence{Code: tor2webLabel, Weight: table[tor2webLabel].weight}
	}
	if a.unanswered {
		e.Weight *= unanswered
	}
	if a.hosted {
		e.Weight = 0
	}
	return e
}

// decide orders the evidence, the deciding one first, and returns the score. A
// listing, the label and the names are independent witnesses. Of several listings
// the one that leads highest decides, so that more evidence never lowers the
// score.
func (j *Judge) decide(label, name Evidence, a about) int {
	score := together(0, label, name, a)
	for i := range j.graded {
		g := &j.graded[i]
		if a.hosted {
			g.Weight = 0
		}
		g.score = min(together(g.Weight, label, name, a), g.most)
		score = max(score, g.score)
	}
	slices.SortFunc(j.graded, before)
	return score
}

// together is the score of a listing, the label and the names. Where nothing
// answered, names lead no further than unansweredMax; a source, and the label
// beside it, may: a blocked exit is still an exit.
func together(list float64, label, name Evidence, a about) int {
	all := combine(list, label.Weight, name.Weight)
	if a.unanswered {
		all = max(min(all, unansweredMax), combine(list, label.Weight, 0))
	}
	return all
}

// combine rounds half up, also where 0.5 comes out a hair short: processors that
// fuse a multiplication with an addition round differently.
func combine(list, label, name float64) int {
	p := 100 * (1 - (1-list)*(1-label)*(1-name))
	return min(scoreMax, int(math.Floor(p+0.5+1e-9)))
}

// before orders evidence: a relay of the site's own, then what leads to the
// higher score, the heavier, destination before source, the better role. The
// rest only makes the order, and so the finding, independent of the order of
// the sightings: the nearer listing, the table before the built-in list, ...
func before(a, b graded) int {
	first := cmp.Or(
		-compareBool(a.Code == hostedRelay, b.Code == hostedRelay),
		-cmp.Compare(a.score, b.score),
		-cmp.Compare(a.Weight, b.Weight),
		cmp.Compare(table[a.Code].group, table[b.Code].group),
		seenFirst(a.Code, b.Code),
		-cmp.Compare(role(a.Sighting), role(b.Sighting)),
	)
	if first != 0 {
		return first
	}
	return cmp.Or(compareSightings(a.Sighting, b.Sighting), cmp.Compare(a.Code, b.Code))
}

// seenFirst puts where an exit was seen to leave from before what its flag promises.
func seenFirst(a, b Code) int {
	seen := func(c Code) bool { return c == exitAddress || c == exitAddressSpan }
	flag := func(c Code) bool { return c == exitFlag || c == exitFlagSpan }
	switch {
	case seen(a) && flag(b):
		return -1
	case flag(a) && seen(b):
		return 1
	}
	return 0
}

// compareSightings is a total order: two sightings that compare equal are the
// same.
func compareSightings(a, b *flow.Sighting) int {
	return cmp.Or(
		cmp.Compare(a.When, b.When),
		cmp.Compare(a.Away, b.Away),
		cmp.Compare(a.Kind, b.Kind),
		-cmp.Compare(a.Last, b.Last),
		cmp.Compare(a.First, b.First),
		strings.Compare(a.Fingerprint, b.Fingerprint),
		cmp.Compare(a.ListedPort, b.ListedPort),
		-cmp.Compare(a.Side, b.Side), // the destination first
		a.Addr.Compare(b.Addr),
		cmp.Compare(a.Port, b.Port),
		cmp.Compare(a.Flags, b.Flags),
		strings.Compare(a.Nickname, b.Nickname),
		compareBool(a.Ports, b.Ports),
		compareBool(a.Internal, b.Internal),
		compareBool(a.Elsewhere, b.Elsewhere),
	)
}

// compareBool sorts false before true.
func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

// direction follows the deciding listing; a label alone is outbound, and so are
// names that weigh no less than a listed source.
func direction(deciding *graded, label, name Evidence) Direction {
	switch {
	case deciding != nil && deciding.Code == hostedRelay:
		return Relay
	case deciding != nil && deciding.Weight > name.Weight && table[deciding.Code].group == bySource:
		return Inbound
	case deciding != nil && deciding.Weight > 0 || label.Weight > 0 || name.Weight > 0:
		return Outbound
	}
	return DirectionNone
}

// gather lists all codes, each once, strongest first; what has no weight comes
// last in the order of the table.
func gather(out []Evidence, all []graded, label Evidence, names []Evidence, f *flow.Flow) []Evidence {
	for i := range all {
		out = add(out, all[i].Evidence)
	}
	if label.Code != noCode {
		out = add(out, label)
	}
	for _, e := range names {
		out = add(out, e)
	}
	if f.Label == flow.LabelListed {
		out = add(out, Evidence{Code: listLabel})
	}
	if f.Transport == flow.NotTCP {
		out = add(out, Evidence{Code: notTCP})
	}
	return out
}

// add inserts in order. Of one code the first is the heaviest: decide has put
// the evidence in order.
func add(out []Evidence, e Evidence) []Evidence {
	at := len(out)
	for i := range out {
		if out[i].Code == e.Code && out[i].Stale == e.Stale {
			return out
		}
		if at == len(out) && stronger(e, out[i]) {
			at = i
		}
	}
	return slices.Insert(out, at, e)
}

// stronger reports whether a stands before b in a list of evidence.
func stronger(a, b Evidence) bool {
	return cmp.Or(-cmp.Compare(a.Weight, b.Weight), cmp.Compare(a.Code, b.Code), compareBool(a.Stale, b.Stale)) < 0
}

// relaysBehind returns the relays that share the deciding evidence's address
// and port, by fingerprint, and the one with the best role.
func relaysBehind(out []*flow.Sighting, all []graded) ([]*flow.Sighting, *flow.Sighting) {
	deciding := &all[0]
	best := deciding.Sighting
	for i := range all {
		g := &all[i]
		if g.Side != deciding.Side || g.Addr != deciding.Addr || g.Code != deciding.Code || g.Evidence.Stale != deciding.Evidence.Stale {
			continue
		}
		if role(g.Sighting) > role(best) {
			best = g.Sighting
		}
		at, found := slices.BinarySearchFunc(out, g.Fingerprint, func(s *flow.Sighting, fp string) int {
			return strings.Compare(s.Fingerprint, fp)
		})
		switch {
		case !found:
			out = slices.Insert(out, at, g.Sighting)
		case role(g.Sighting) > role(out[at]):
			out[at] = g.Sighting // it changed its flags in that time
		}
	}
	return out, best
}

// role is what the relay of a sighting does for the network.
func role(s *flow.Sighting) Role {
	switch {
	case s.Kind == flow.Bridge:
		return RoleBridge
	case s.Kind == flow.Authority || s.Kind == flow.AuthorityDir || s.Flags&flow.DirAuthority != 0:
		return RoleAuthority
	case (s.Flags.Exits() || s.Kind == flow.ExitAddress) && s.Flags&flow.Guard != 0:
		return RoleGuardExit
	case s.Flags.Exits() || s.Kind == flow.ExitAddress:
		return RoleExit
	case s.Flags&flow.Guard != 0:
		return RoleGuard
	}
	return RoleRelay
}
