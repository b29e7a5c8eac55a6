package detect

import (
	"tordetect/src/flow"
	"tordetect/src/text"
)

// labelAlone: the firewall says Tor and the list says nothing.
func labelAlone(dst []byte, f *flow.Flow, label Evidence) []byte {
	if label.Code == tor2webLabel {
		dst = append(dst, "The firewall named it tor2web, a gateway to onion services for use without Tor,"...)
	} else {
		dst = append(dst, "The firewall named it Tor"...)
	}
	dst = end(append(dst, " when "...), f.Source.Addr, 0, "a host")
	dst = append(dst, deed(f.State)...)
	dst = end(dst, f.Destination.Addr, f.Destination.Port, "another")
	switch f.State {
	case flow.Attempt:
		dst = append(dst, " without an answer"...)
	case flow.Blocked:
		dst = append(dst, ", and blocked it"...)
	}
	if f.Transport == flow.NotTCP {
		return append(dst, "; it is not TCP, as Tor's connections to relays are, so the relay list was not asked"...)
	}
	dst, known := unlisted(dst, f)
	switch {
	case known == listUnasked || label.Code == tor2webLabel:
		return dst
	case known == listElsewhen:
		return append(dst, ": perhaps it ran unlisted, perhaps the label is wrong"...)
	}
	return append(dst, ": perhaps a bridge, perhaps a wrong label"...)
}

// listedLabel: the sensor matched an address of a list of its own, ours has nothing.
func listedLabel(dst []byte, f *flow.Flow) []byte {
	dst = append(dst, "A rule that matches addresses of a published Tor list named it"...)
	dst = end(append(dst, " when "...), f.Source.Addr, 0, "a host")
	dst = append(dst, deed(f.State)...)
	dst = end(dst, f.Destination.Addr, f.Destination.Port, "another")
	dst, _ = unlisted(dst, f)
	return dst
}

// withoutEvidence: say what the list says of another time, or of what is not TCP;
// else nothing. That the list is old or was not asked is said by the field for its
// coverage and by one message for all rows: a sentence in each would double a reply.
func withoutEvidence(dst []byte, f *flow.Flow) []byte {
	if f.Transport == flow.NotTCP {
		s := first(f, func(s *flow.Sighting) bool { return s.When < flow.Later })
		if s == nil {
			return dst
		}
		dst = end(dst, s.Addr, 0, "An address")
		dst = relay(append(dst, " is listed for "...), s)
		return append(dst, ", but this is not TCP, as Tor's connections to relays are"...)
	}
	if s := aside(f); s != nil {
		dst = asideText(dst, s, "An address")
	}
	return dst
}

// What the list says of a flow for which it has no evidence.
const (
	listUnasked  = iota // it could not be asked
	listElsewhen        // it has an end, at another time
	listSilent          // it has neither end
)

// unlisted says that the list has nothing, and what that means.
func unlisted(dst []byte, f *flow.Flow) ([]byte, int) {
	s := aside(f)
	if s != nil {
		dst = asideText(append(dst, "; "...), s, "an address")
	}
	switch {
	case f.Coverage != flow.CoverageFull:
		return why(append(dst, "; "...), f), listUnasked
	case s != nil:
		return dst, listElsewhen
	}
	return append(dst, "; neither end is on the relay list of that time"...), listSilent
}

// why says why "not found" means little. Its first letter is lower case.
func why(dst []byte, f *flow.Flow) []byte {
	switch {
	case f.Coverage == flow.CoverageNone && f.NewestList == 0:
		return append(dst, "there is no relay list"...)
	case f.Coverage == flow.CoverageNone && f.Undated:
		return append(dst, "the row has no usable time, so the relay list could not be asked"...)
	case f.Coverage == flow.CoverageNone:
		return append(dst, "the row has no public address to look up"...)
	case f.Coverage == flow.CoverageStale:
		dst = text.AppendTime(append(dst, "the relay list ends at "...), f.NewestList)
		return append(dst, ", so later traffic cannot be checked"...)
	case f.Coverage == flow.CoverageBefore:
		dst = text.AppendTime(append(dst, "the relay list begins at "...), f.OldestList)
		return append(dst, ", so earlier traffic cannot be checked"...)
	}
	return append(dst, "no relay list was read for a part of that time"...)
}

// aside finds a listing of the same address and port at another time, the
// nearest one: what a reader would look up next.
func aside(f *flow.Flow) *flow.Sighting {
	return first(f, func(s *flow.Sighting) bool {
		switch {
		case s.When < flow.Later || s.BuiltIn():
			return false
		case s.Side == flow.Destination:
			return s.Kind != flow.ExitAddress && s.Port == s.ListedPort
		}
		return s.Kind == flow.ExitAddress || s.Flags.Exits()
	})
}

// first returns the nearest sighting of a kind, or nil.
func first(f *flow.Flow, of func(*flow.Sighting) bool) *flow.Sighting {
	var best *flow.Sighting
	for i := range f.Sightings {
		s := &f.Sightings[i]
		if of(s) && (best == nil || s.Away < best.Away || s.Away == best.Away && compareSightings(s, best) < 0) {
			best = s
		}
	}
	return best
}

// asideText says what an address was at another time.
func asideText(dst []byte, s *flow.Sighting, instead string) []byte {
	if s.Side == flow.Source {
		dst = end(dst, s.Addr, 0, instead)
		dst = append(dst, " was an address of "...)
	} else {
		dst = end(dst, s.Addr, s.Port, instead)
		dst = append(append(append(dst, " was the "...), portWord(s.Kind)...), " of "...)
	}
	dst = relay(dst, s)
	if s.When == flow.Later {
		return append(text.AppendTime(append(dst, " only from "...), s.First), ", after this row"...)
	}
	return append(text.AppendTime(append(dst, " only until "...), s.Last), ", before this row"...)
}
