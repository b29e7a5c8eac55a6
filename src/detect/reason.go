package detect

import (
	"net/netip"
	"strconv"
	"time"
)

// reason writes the finding as one sentence that can stand in a ticket: who,
// to or from what, listed when; then what else speaks for it and what weakens
// it, after semicolons. A flow without evidence that could be checked gets no
// sentence: most rows are of that kind.
func reason(dst []byte, f *Flow, out *Finding, l *lists, label Evidence) []byte {
	start := len(dst)
	switch g := l.deciding; {
	case l.hosted:
		dst = hosted(dst, g)
	case g == nil && label.Code != noCode:
		dst = labelAlone(dst, f, label)
	case g == nil:
		return withoutEvidence(dst, f)
	case table[g.Code].group == byDestination && g.Side == Source:
		dst = turned(dst, f, g)
	case table[g.Code].group == byDestination:
		dst = toRelay(dst, f, g)
	default:
		dst = fromRelay(dst, f, g)
	}
	if g := l.deciding; g != nil && !l.hosted {
		dst = others(dst, out)
		dst = otherEnd(dst, l)
		if g.When == Stale && !g.BuiltIn() {
			dst = stale(dst, g)
		}
		switch label.Code {
		case appLabel:
			dst = append(dst, "; the firewall named it Tor"...)
		case tor2webLabel:
			dst = append(dst, "; the firewall named it tor2web"...)
		}
		switch {
		case f.State == Attempt:
			dst = append(dst, "; nothing answered"...)
		case f.State == Blocked && g.Side == Source:
			dst = append(dst, "; the firewall blocked it"...)
		}
	}
	if len(dst) > start {
		dst = append(dst, '.')
	}
	return dst
}

// toRelay: somebody here contacted a listed address.
func toRelay(dst []byte, f *Flow, g *graded) []byte {
	dst = end(dst, f.Source.Addr, 0, "A host")
	dst = append(dst, deed(f.State)...)
	dst = end(dst, g.Addr, g.Port, "")
	dst = append(dst, ", "...)
	switch g.Code {
	case defaultBridge:
		return append(dst, "a bridge that ships with Tor Browser"...)
	case relayNoPort:
		dst = named(dst, "the address of ", g.Sighting)
		dst = listed(dst, g)
		return append(dst, "; the row has no port"...)
	case unpaired:
		dst = named(append(portWord(dst, g), " of "...), "", g.Sighting)
		dst = listed(dst, g)
		return append(dst, "; address and port come from two lists of values and may never have gone together"...)
	case relayAddress:
		dst = named(dst, "the address of ", g.Sighting)
		dst = listed(dst, g)
		dst = append(dst, "; this port is not its "...)
		dst = port(portWord(dst, g), g.ListedPort)
		return append(dst, ", so it may be any service on the same machine"...)
	case orPortRecent:
		dst = named(append(portWord(dst, g), " of "...), "", g.Sighting)
		dst = append(dst, " until "...)
		dst = clock(dst, g.Last)
		return append(dst, "; later lists lack it, but a client may use its list for a day"...)
	case orPortSpan:
		dst = named(append(portWord(dst, g), " of "...), "", g.Sighting)
		dst = listed(dst, g)
		return append(dst, ", which is only a part of the row's time"...)
	}
	dst = named(append(portWord(dst, g), " of "...), "", g.Sighting)
	return listed(dst, g)
}

// turned: the row says that a relay's OR port contacted a high port here.
func turned(dst []byte, f *Flow, g *graded) []byte {
	dst = end(dst, f.Destination.Addr, 0, "A host")
	dst = append(dst, deed(f.State)...)
	dst = end(dst, g.Addr, g.Port, "")
	dst = append(dst, ", "...)
	dst = named(append(portWord(dst, g), " of "...), "", g.Sighting)
	dst = listed(dst, g)
	return append(dst, "; the row has the flow the wrong way round"...)
}

// fromRelay: a listed address contacted somebody here.
func fromRelay(dst []byte, f *Flow, g *graded) []byte {
	dst = end(dst, g.Addr, 0, "")
	dst = append(dst, ", "...)
	switch g.Code {
	case exitAddress, exitAddressSpan:
		dst = named(dst, "an address that traffic leaves Tor from by ", g.Sighting)
		dst = append(dst, ", seen"...)
		dst = span(dst, g)
	case exitORAddress:
		dst = named(dst, "the OR address of ", g.Sighting)
		dst = listed(dst, g)
		dst = append(dst, " whose traffic leaves from another address"...)
	case relaySource:
		dst = named(dst, "the address of ", g.Sighting)
		dst = listed(dst, g)
	default:
		dst = named(dst, "the address of ", g.Sighting)
		dst = listed(dst, g)
	}
	dst = append(dst, ","...)
	dst = append(dst, deed(f.State)...)
	dst = end(dst, f.Destination.Addr, f.Destination.Port, "a host")
	switch g.Code {
	case relaySource:
		return append(dst, "; it lets no one's traffic out, so this is its operator's own"...)
	case exitORAddress:
		return append(dst, "; so this is probably its operator's own"...)
	case exitAddressSpan, exitFlagSpan:
		return append(dst, "; it was listed for a part of the row's time only"...)
	}
	return dst
}

// hosted: one of the ends is a relay of the site's own.
func hosted(dst []byte, g *graded) []byte {
	dst = end(dst, g.Addr, 0, "")
	dst = named(append(dst, " is "...), "", g.Sighting)
	dst = listed(dst, g)
	return append(dst, ", inside your own networks: traffic of a relay that you host"...)
}

// labelAlone: the firewall says Tor and the list says nothing.
func labelAlone(dst []byte, f *Flow, label Evidence) []byte {
	if label.Code == tor2webLabel {
		dst = append(dst, "The firewall named this tor2web, a gateway to onion services that is used without Tor"...)
	} else {
		dst = append(dst, "The firewall named this Tor"...)
	}
	switch {
	case f.Transport == NotTCP:
		dst = append(dst, "; it is not TCP, which Tor's own connections are, so the relay list was not asked"...)
	case f.Coverage == CoverageFull:
		if s := aside(f); s != nil {
			return append(asideText(append(dst, "; "...), s), ": a bridge, or a mislabel"...)
		}
		dst = append(dst, "; neither end is on the relay list of that time: a bridge, or a mislabel"...)
	default:
		dst = why(append(dst, "; "...), f)
	}
	return dst
}

// withoutEvidence: say why nothing is known, or what the list says of another
// time; else nothing.
func withoutEvidence(dst []byte, f *Flow) []byte {
	start := len(dst)
	switch s := aside(f); {
	case f.Transport == NotTCP:
		if len(f.Sightings) == 0 {
			return dst
		}
		dst = end(dst, f.Sightings[0].Addr, 0, "")
		dst = append(dst, " is on the relay list, but this is not TCP, which Tor's own connections are"...)
	case s != nil:
		dst = asideText(dst, s)
		if f.Coverage != CoverageFull {
			dst = why(append(dst, "; "...), f)
		}
	case f.Coverage != CoverageFull:
		dst = why(dst, f)
		dst[start] -= 'a' - 'A' // why begins with a lower case letter
	default:
		return dst
	}
	return append(dst, '.')
}

// why says why "not found" means little.
func why(dst []byte, f *Flow) []byte {
	switch {
	case f.Coverage == CoverageNone && f.NewestList == 0:
		return append(dst, "there is no relay list"...)
	case f.Undated:
		return append(dst, "the row has no usable time, so the relay list could not be asked"...)
	case f.Coverage == CoverageNone:
		return append(dst, "the row has no public address that could be looked up"...)
	case f.Coverage == CoverageStale:
		return clock(append(dst, "the relay list ends at "...), f.NewestList)
	case f.Coverage == CoverageBefore:
		return clock(append(dst, "the relay list begins only at "...), f.OldestList)
	}
	return append(dst, "no relay list was read for a part of that time"...)
}

// aside finds a listing of the same address and port at another time, the
// nearest one: what a reader would look up next.
func aside(f *Flow) *Sighting {
	var best *Sighting
	for i := range f.Sightings {
		s := &f.Sightings[i]
		telling := s.When >= Later && !s.BuiltIn() &&
			(s.Side == Destination && s.Port == s.ListedPort && s.Kind != ExitAddress || s.Side == Source && (s.Kind == ExitAddress || s.Flags.exit()))
		if telling && (best == nil || s.Away < best.Away) {
			best = s
		}
	}
	return best
}

func asideText(dst []byte, s *Sighting) []byte {
	if s.Side == Source {
		dst = end(dst, s.Addr, 0, "")
		dst = append(dst, " was an exit of "...)
	} else {
		dst = end(dst, s.Addr, s.Port, "")
		dst = append(dst, " was an address of "...)
	}
	dst = named(dst, "", s)
	if s.When == Later {
		return append(clock(append(dst, " only from "...), s.First), ", after this row"...)
	}
	return append(clock(append(dst, " only until "...), s.Last), ", before this row"...)
}

// others names the relays that share the deciding address and port.
func others(dst []byte, out *Finding) []byte {
	n := len(out.Relays) - 1
	if n < 1 {
		return dst
	}
	dst = append(dst, "; "...)
	dst = strconv.AppendInt(dst, int64(n), 10)
	if n == 1 {
		return append(dst, " other relay shares the address"...)
	}
	return append(dst, " other relays share the address"...)
}

// otherEnd tells that the end which does not decide is listed as well.
func otherEnd(dst []byte, l *lists) []byte {
	g := l.destination
	if g == l.deciding {
		g = l.source
	}
	if g == nil || g.Side == l.deciding.Side {
		return dst
	}
	if g.Side == Source {
		return named(append(dst, "; the source is listed too, as "...), "", g.Sighting)
	}
	return named(append(dst, "; the destination is listed too, as "...), "", g.Sighting)
}

func stale(dst []byte, g *graded) []byte {
	if g.Away == 0 {
		return append(dst, "; the lists before and after that time have it"...)
	}
	dst = append(dst, "; the nearest list is "...)
	dst = distance(dst, g.Away)
	dst = append(dst, " away"...)
	if g.far {
		dst = append(dst, ", so the address may have changed hands"...)
	}
	return dst
}

// deed is the verb that fits the state.
func deed(s State) string {
	switch s {
	case Established:
		return " connected to "
	case Attempt:
		return " tried to reach "
	case Blocked:
		return " was kept from reaching "
	}
	return " sent traffic to "
}

func portWord(dst []byte, g *graded) []byte {
	if g.Kind == DirPort || g.Kind == AuthorityDir {
		return append(dst, "Dir port"...)
	}
	return append(dst, "OR port"...)
}

func port(dst []byte, p uint16) []byte {
	return strconv.AppendUint(append(dst, ' '), uint64(p), 10)
}

// end writes an address, with its port unless that is 0, or the stand-in if
// there is none.
func end(dst []byte, a netip.Addr, p uint16, instead string) []byte {
	switch {
	case !a.IsValid():
		return append(dst, instead...)
	case p == 0:
		return a.AppendTo(dst)
	}
	return netip.AddrPortFrom(a, p).AppendTo(dst)
}

// named writes what kind of relay it is and what it is called.
func named(dst []byte, before string, s *Sighting) []byte {
	dst = append(dst, before...)
	switch role(s) {
	case RoleAuthority:
		dst = append(dst, "the Tor authority "...)
	case RoleGuardExit, RoleExit:
		dst = append(dst, "the Tor exit "...)
	case RoleGuard:
		dst = append(dst, "the Tor guard "...)
	case RoleBridge:
		dst = append(dst, "the Tor bridge "...)
	default:
		dst = append(dst, "the Tor relay "...)
	}
	switch {
	case s.Nickname != "":
		return append(dst, s.Nickname...)
	case len(s.Fingerprint) >= 8:
		return append(append(dst, '$'), s.Fingerprint[:8]...)
	}
	return dst[:len(dst)-1]
}

// listed writes from when to when. A built-in listing has no such times.
func listed(dst []byte, g *graded) []byte {
	if g.BuiltIn() {
		return dst
	}
	return span(append(dst, ", listed"...), g)
}

func span(dst []byte, g *graded) []byte {
	dst = clock(append(dst, " from "...), g.First)
	return clock(append(dst, " to "...), g.Last)
}

// clock writes a time as 2006-01-02T15:04:05Z.
func clock(dst []byte, seconds int64) []byte {
	return time.Unix(seconds, 0).UTC().AppendFormat(dst, "2006-01-02T15:04:05Z")
}

// distance writes a time span in its largest fitting unit.
func distance(dst []byte, seconds int64) []byte {
	n, unit := seconds, " second"
	switch {
	case seconds >= 2*86400:
		n, unit = seconds/86400, " day"
	case seconds >= 2*3600:
		n, unit = seconds/3600, " hour"
	case seconds >= 2*60:
		n, unit = seconds/60, " minute"
	}
	dst = append(strconv.AppendInt(dst, n, 10), unit...)
	if n != 1 {
		dst = append(dst, 's')
	}
	return dst
}
