package detect_test

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"tordetect/src/detect"
)

// The lists of these tests hold every relay for four hours of one morning. The
// newest list ends when the morning does.
var (
	morning = time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC).Unix()
	noon    = morning + 4*hour
)

const (
	hour = 3600
	day  = 24 * hour
)

// flow builds a detect.Flow in one line:
//
//	from("10.0.0.5", "198.51.100.7:9001").blocked().label(detect.LabelTor).dest(or(9001, detect.Guard, "anna"))
type flow struct{ detect.Flow }

// from starts an answered TCP flow without a label, in a time that the lists
// cover. Each end is an address, or an address and port; "" is an unreadable
// one.
func from(source, destination string) flow {
	return flow{detect.Flow{
		Source: endOf(source), Destination: endOf(destination),
		Transport: detect.TCP, State: detect.Established,
		OldestList: morning, NewestList: noon,
	}}
}

func endOf(text string) detect.End {
	if text == "" {
		return detect.End{}
	}
	if p, err := netip.ParseAddrPort(text); err == nil {
		return detect.End{Addr: p.Addr(), Port: p.Port()}
	}
	return detect.End{Addr: netip.MustParseAddr(text)}
}

func (f flow) attempt() flow                  { f.State = detect.Attempt; return f }
func (f flow) blocked() flow                  { f.State = detect.Blocked; return f }
func (f flow) unsure() flow                   { f.State = detect.StateUnknown; return f }
func (f flow) udp() flow                      { f.Transport = detect.NotTCP; return f }
func (f flow) label(l detect.Label) flow      { f.Label = l; return f }
func (f flow) covered(c detect.Coverage) flow { f.Coverage = c; return f }
func (f flow) undated() flow                  { f.Coverage, f.Undated = detect.CoverageNone, true; return f }
func (f flow) listless() flow {
	f.Coverage, f.OldestList, f.NewestList = detect.CoverageNone, 0, 0
	return f
}

// sni is a TLS name that looks like nothing, formed one of the form that Tor's
// have, madeUp one that looks like Tor's as well; ja4 and ja3 are fingerprints of
// a known build.
func (f flow) sni(name string) flow    { f.Hello.Name = []byte(name); return f }
func (f flow) formed(name string) flow { f = f.sni(name); f.Hello.Form = true; return f }
func (f flow) madeUp(name string) flow { f = f.formed(name); f.Hello.MadeUp = true; return f }
func (f flow) ja4() flow               { f.Hello.JA4 = true; return f }
func (f flow) ja3() flow               { f.Hello.JA3 = true; return f }
func (f flow) onion(k detect.OnionKind, w detect.Where, name string) flow {
	f.Onion = detect.Onion{Kind: k, Where: w, Name: []byte(name)}
	return f
}

// dest and src add what the list says of the flow's end.
func (f flow) dest(l listing) flow { return f.sight(detect.Destination, f.Destination, l) }
func (f flow) src(l listing) flow  { return f.sight(detect.Source, f.Source, l) }

func (f flow) sight(side detect.Side, e detect.End, l listing) flow {
	s := l.Sighting
	s.Side = side
	if !s.Addr.IsValid() {
		s.Addr = e.Addr
		s.Port = e.Port
	}
	f.Sightings = append(slices.Clip(f.Sightings), s)
	return f
}

// listing builds a detect.Sighting; the flow fills in its own address and port.
type listing struct{ detect.Sighting }

func or(port uint16, flags detect.Flags, name string) listing {
	return listing{detect.Sighting{
		Kind: detect.ORPort, ListedPort: port, Flags: flags,
		Nickname: name, Fingerprint: fingerprint(name), First: morning, Last: noon,
	}}
}

func dir(port uint16, name string) listing {
	l := or(port, 0, name)
	l.Kind = detect.DirPort
	return l
}

// exit is an exit list's line.
func exit(name string) listing {
	l := or(0, 0, name)
	l.Kind = detect.ExitAddress
	return l
}

// builtIn is a line of the program's own list.
func builtIn(kind detect.Kind, port uint16, name string) listing {
	return listing{detect.Sighting{Kind: kind, ListedPort: port, Nickname: name, Fingerprint: fingerprint(name)}}
}

func (l listing) spanned() listing           { l.When = detect.Spanned; return l }
func (l listing) recent(away int64) listing  { l.When, l.Away = detect.Recent, away; return l }
func (l listing) stale(away int64) listing   { l.When, l.Away = detect.Stale, away; return l }
func (l listing) later(away int64) listing   { l.When, l.Away = detect.Later, away; return l }
func (l listing) earlier(away int64) listing { l.When, l.Away = detect.Earlier, away; return l }
func (l listing) elsewhere() listing         { l.Elsewhere = true; return l }
func (l listing) internal() listing          { l.Internal = true; return l }
func (l listing) pairs() listing             { l.Ports = true; return l }
func (l listing) named(name string) listing  { l.Nickname = name; return l }
func (l listing) at(address string) listing {
	e := endOf(address)
	l.Addr, l.Port = e.Addr, e.Port
	return l
}
func (l listing) print(digits string) listing { l.Fingerprint = digits; return l }

// fingerprint makes 40 hex digits of a name, in the names' own order.
func fingerprint(name string) string {
	if name == "" {
		return ""
	}
	return strings.Repeat(fmt.Sprintf("%02X", name[0]), 20)
}

// summary is a finding on one line: score verdict state direction role: evidence.
func summary(found *detect.Finding) string {
	word := func(s fmt.Stringer) string {
		if s.String() == "" {
			return "-"
		}
		return s.String()
	}
	out := fmt.Sprintf("%d %s %s %s %s:", found.Score, word(found.Verdict), word(found.State), word(found.Direction), word(found.Role))
	for _, e := range found.Evidence {
		out += " " + e.Name()
	}
	return out
}
