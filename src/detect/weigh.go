package detect

import (
	"cmp"
	"math"
	"slices"
	"strings"

	"tordetect/src/flow"
)

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
	if f.Hello.Snowflake {
		out = add(out, Evidence{Code: dtlsSnowflake})
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
