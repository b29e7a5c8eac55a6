package detect

import (
	"strconv"

	"tordetect/src/flow"
	"tordetect/src/text"
)

// reason writes the finding as one sentence that can stand in a ticket: who
// did what to whom, as what that was listed and when; then, after semicolons,
// what else speaks for it and what weakens it. A flow without evidence that
// could be checked gets no sentence: most rows are of that kind.
//
//	10.0.0.5 connected to 198.51.100.7:9001, the OR port of the Tor guard anna,
//	listed from 2026-11-23T08:00:00Z to 2026-11-23T12:00:00Z; the firewall named it Tor.
//
// It says no more than is known. "Connected" needs an answer; a row that tells
// nothing of answers "contacted".
func reason(dst []byte, f *flow.Flow, out *Finding, all []graded, label, name Evidence) []byte {
	start := len(dst)
	switch {
	case len(all) > 0:
		dst = byListing(dst, f, out, all, label)
	case label.Code != noCode:
		dst = shown(labelAlone(dst, f, label), f)
	case name.Code != noCode:
		dst = namesAlone(dst, f, name)
	case f.Label == flow.LabelListed:
		dst = listedLabel(dst, f)
	case f.Hello.Snowflake:
		dst = snowflake(dst, f)
	default:
		// A row of which there are many alike: nothing of its own gets in.
		if dst = withoutEvidence(dst, f); len(dst) > start {
			dst = append(dst, '.')
		}
		return dst
	}
	if f.Label == flow.LabelListed && (len(all) > 0 || name.Code != noCode) {
		dst = append(dst, "; a rule that matches addresses of a published Tor list says so too"...)
	}
	return append(written(dst, f), '.')
}

// written says where the row means something else than it writes.
func written(dst []byte, f *flow.Flow) []byte {
	if f.Proxy.IsValid() {
		dst = f.Proxy.AppendTo(append(dst, "; the row names "...))
		dst = append(dst, " as the destination, which was the proxy of this request"...)
	}
	if f.NAT64 {
		dst = append(dst, "; the row writes an IPv4 address as IPv6 (NAT64)"...)
	}
	return dst
}

// byListing tells what the deciding listing is, the first of all, and the rest
// after it.
func byListing(dst []byte, f *flow.Flow, out *Finding, all []graded, label Evidence) []byte {
	g := &all[0]
	switch {
	case g.Code == hostedRelay:
		dst = hosted(dst, g)
	case g.turned:
		dst = toRelay(dst, f, g)
		dst = append(dst, "; the row names the relay as the source, as answers do"...)
	case g.Side == flow.Destination:
		dst = toRelay(dst, f, g)
	default:
		dst = fromRelay(dst, f, g)
	}
	dst = others(dst, out)
	if g.Code != hostedRelay {
		dst = otherEnd(dst, all)
	}
	if g.Evidence.Stale {
		dst = stale(dst, f, g)
	}
	switch label.Code {
	case appLabel:
		dst = append(dst, "; the firewall named it Tor"...)
	case tor2webLabel:
		dst = append(dst, "; the firewall named it tor2web"...)
	}
	if g.Code != hostedRelay {
		dst = outcome(dst, f, g, label)
	}
	return shown(dst, f)
}

// toRelay: somebody contacted a listed address. An answer tells it from the other
// side, and what it says of being answered, too.
func toRelay(dst []byte, f *flow.Flow, g *graded) []byte {
	client := f.Source.Addr
	if g.turned {
		client = f.Destination.Addr
	}
	dst = end(dst, client, 0, "A host")
	if g.Code == unpaired || g.turned && f.State != flow.Established {
		dst = append(dst, " may have contacted "...)
	} else {
		dst = append(dst, deed(f.State)...)
	}
	dst = end(dst, g.Addr, g.Port, "an address")
	switch g.Code {
	case defaultBridge:
		return append(dst, ", a bridge that ships with Tor Browser"...)
	case relayNoPort:
		dst = relay(append(dst, ", an address of "...), g.Sighting)
		dst = listed(dst, g)
		return append(dst, "; the row has no port, so it may be any service of that machine"...)
	case relayAddress:
		dst = relay(append(dst, ", an address of "...), g.Sighting)
		dst = append(append(dst, ", listed on "...), portWord(g.Kind)...)
		dst = strconv.AppendUint(append(dst, ' '), uint64(g.ListedPort), 10)
		if !g.BuiltIn() {
			dst = span(dst, g)
		}
		return append(dst, "; on another port it may be any service of that machine"...)
	case orPortRecent:
		dst = portOf(dst, g)
		dst = text.AppendTime(append(dst, " until "...), g.Last)
		return append(dst, "; later lists lack it: clients may use it for a day more, but the address may also have a new owner"...)
	}
	dst = portOf(dst, g)
	dst = listed(dst, g)
	switch g.Code {
	case authority:
		dst = append(dst, "; clients go there at their first start, but so do relays and monitors"...)
	case dirPort:
		dst = append(dst, "; old clients, relays and tools use it, current clients do not"...)
	case unpaired:
		dst = append(dst, "; address and port come from two lists of values and may never have gone together"...)
	case orPortSpan:
		dst = append(dst, "; the row covers more time than that, so the traffic may lie outside of it"...)
	}
	return dst
}

// fromRelay: a listed address contacted somebody.
func fromRelay(dst []byte, f *flow.Flow, g *graded) []byte {
	dst = end(dst, g.Addr, 0, "An address")
	switch g.Code {
	case exitAddress, exitAddressSpan:
		dst = relay(append(dst, ", where users' traffic leaves through "...), g.Sighting)
		dst = span(append(dst, " (exit lists"...), g)
		dst = append(dst, "),"...)
	default:
		dst = relay(append(dst, ", an OR address of "...), g.Sighting)
		dst = append(listed(dst, g), ',')
	}
	dst = append(dst, deed(f.State)...)
	dst = end(dst, f.Destination.Addr, f.Destination.Port, "a host")
	if g.Weight == perhapsAnswer && mayAnswer(f) {
		dst = append(dst, "; the row has no source port and counts nothing that came back, so it may be an answer to a connection from there"...)
	}
	switch g.Code {
	case exitFlag:
		dst = append(dst, "; Tor users probably leave there, but no exit list of that time says so"...)
	case exitAddressSpan, exitFlagSpan:
		dst = append(dst, "; the row covers more time than that, so the traffic may lie outside of it"...)
	case exitORAddress:
		dst = append(dst, "; Tor users leave through another address of this relay, so this is probably its operator's own traffic"...)
	case relaySource:
		if g.Flags&flow.Exit != 0 {
			return append(dst, "; the relay is marked as a bad exit, so Tor clients do not leave through it"...)
		}
		dst = append(dst, "; the relay has no Exit flag, so this is nearly always its operator's own traffic"...)
	}
	return dst
}

// hosted: one of the ends is a relay of the site's own.
func hosted(dst []byte, g *graded) []byte {
	dst = end(dst, g.Addr, 0, "An address")
	dst = relay(append(dst, " belongs to "...), g.Sighting)
	dst = listed(dst, g)
	return append(dst, "; it lies in your own networks, so this counts as traffic of a relay that you host"...)
}

// others counts the relays that share the deciding address and port.
func others(dst []byte, out *Finding) []byte {
	n := len(out.Relays) - 1
	switch {
	case n < 1:
		return dst
	case n == 1:
		return append(dst, "; another relay shares this address"...)
	}
	dst = strconv.AppendInt(append(dst, "; "...), int64(n), 10)
	return append(dst, " other relays share this address"...)
}

// otherEnd tells that the end which does not decide is listed as well.
func otherEnd(dst []byte, all []graded) []byte {
	for i := range all {
		g := &all[i]
		switch {
		case g.Side == all[0].Side:
			continue
		case g.Side == flow.Source:
			dst = append(dst, "; the source is listed too, for "...)
		default:
			dst = append(dst, "; the destination is listed too, for "...)
		}
		return relay(dst, g.Sighting)
	}
	return dst
}

// outcome says that nothing came of it. Half of the contacts of this kind in the
// second private network were scanners; where the firewall named it Tor, or a
// client's hello was seen, it was more than a scan.
func outcome(dst []byte, f *flow.Flow, g *graded, label Evidence) []byte {
	switch s := f.State; {
	case s == flow.Blocked && label.Code != noCode:
		dst = append(dst, " and blocked it"...) // after "the firewall named it"
	case s == flow.Blocked:
		dst = append(dst, "; the firewall blocked it"...)
	case s == flow.Attempt && !g.turned:
		dst = append(dst, "; nothing answered"...)
	default:
		return dst
	}
	switch g.Code {
	case orPort, orPortRecent, orPortSpan, dirPort, authority, defaultBridge:
		if !g.turned && label.Code != appLabel && !hasHello(f) {
			dst = append(dst, ", so it may be no more than a scan"...)
		}
	}
	return dst
}

// stale says how far the list that has it is from the row.
func stale(dst []byte, f *flow.Flow, g *graded) []byte {
	exits := g.Kind == flow.ExitAddress
	switch {
	case g.Away == 0 && exits:
		return append(dst, "; no exit list covers that time, but those before and after have it"...)
	case g.Away == 0:
		return append(dst, "; no relay list covers that time, but those before and after have it"...)
	case exits: // the coverage of a flow is not that of the exit lists
		dst = distance(append(dst, "; the nearest exit list is "...), g.Away)
		dst = append(dst, " away"...)
	case f.Coverage == flow.CoverageStale:
		dst = distance(append(dst, "; the newest relay list is "...), g.Away)
		dst = append(dst, " older than this row"...)
	case f.Coverage == flow.CoverageBefore:
		dst = distance(append(dst, "; the oldest relay list is "...), g.Away)
		dst = append(dst, " newer than this row"...)
	default:
		dst = distance(append(dst, "; the nearest relay list is "...), g.Away)
		dst = append(dst, " away"...)
	}
	if far(g.Sighting) {
		dst = append(dst, ", so the address may have changed hands"...)
	}
	return dst
}
