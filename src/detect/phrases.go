package detect

import (
	"net/netip"
	"strconv"

	"tordetect/src/flow"
	"tordetect/src/text"
)

// deed is the verb that fits the state.
func deed(s flow.State) string {
	switch s {
	case flow.Established:
		return " connected to "
	case flow.Attempt, flow.Blocked:
		return " tried to reach "
	}
	return " contacted "
}

// end writes an address, with its port unless that is 0, or the stand-in if
// there is none.
func end(dst []byte, a netip.Addr, p uint16, instead string) []byte {
	if !a.IsValid() {
		return append(dst, instead...)
	}
	return flow.End{Addr: a, Port: p}.AppendTo(dst)
}

// relay writes what kind of relay it is and what it is called.
func relay(dst []byte, s *flow.Sighting) []byte {
	switch role(s) {
	case RoleAuthority:
		dst = append(dst, "the Tor authority"...)
	case RoleGuardExit:
		dst = append(dst, "the Tor guard and exit"...)
	case RoleExit:
		dst = append(dst, "the Tor exit"...)
	case RoleGuard:
		dst = append(dst, "the Tor guard"...)
	case RoleBridge:
		dst = append(dst, "a bridge that ships with Tor Browser"...)
	default:
		dst = append(dst, "the Tor relay"...)
	}
	switch {
	case flow.IsNickname(s.Nickname):
		return append(append(dst, ' '), s.Nickname...)
	case len(s.Fingerprint) >= 8 && flow.IsNickname(s.Fingerprint[:8]): // letters and digits, too
		return append(append(dst, " $"...), s.Fingerprint[:8]...)
	}
	return dst
}

// portWord is what a listed port is called.
func portWord(k flow.Kind) string {
	switch k {
	case flow.DirPort, flow.AuthorityDir:
		return "Dir port"
	}
	return "OR port"
}

// portOf writes whose port a matched one is.
func portOf(dst []byte, g *graded) []byte {
	dst = append(append(dst, ", the "...), portWord(g.Kind)...)
	return relay(append(dst, " of "...), g.Sighting)
}

// listed writes from when to when. A built-in listing has no such times.
func listed(dst []byte, g *graded) []byte {
	if g.BuiltIn() {
		return dst
	}
	return span(append(dst, ", listed"...), g)
}

func span(dst []byte, g *graded) []byte {
	dst = text.AppendTime(append(dst, " from "...), g.First)
	return text.AppendTime(append(dst, " to "...), g.Last)
}

// distance writes a time span, rounded to its largest fitting unit.
func distance(dst []byte, seconds int64) []byte {
	n, unit := seconds, " second"
	switch {
	case seconds >= 47*3600+1800: // 48 hours once rounded
		n, unit = (seconds+43200)/86400, " day"
	case seconds >= 119*60+30:
		n, unit = (seconds+1800)/3600, " hour"
	case seconds >= 120:
		n, unit = (seconds+30)/60, " minute"
	}
	dst = append(strconv.AppendInt(dst, n, 10), unit...)
	if n != 1 {
		dst = append(dst, 's')
	}
	return dst
}
