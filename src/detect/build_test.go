package detect_test

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"tordetect/src/detect"
	"tordetect/src/flow"
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

// build makes a flow.Flow in one line:
//
//	from("10.0.0.5", "198.51.100.7:9001").blocked().label(flow.LabelTor).dest(or(9001, flow.Guard, "anna"))
type build struct{ flow.Flow }

// from starts an answered TCP flow without a label, in a time that the lists
// cover. Each end is an address, or an address and port; "" is an unreadable
// one.
func from(source, destination string) build {
	return build{flow.Flow{
		Source: endOf(source), Destination: endOf(destination),
		Transport: flow.TCP, State: flow.Established,
		OldestList: morning, NewestList: noon,
	}}
}

func endOf(text string) flow.End {
	if text == "" {
		return flow.End{}
	}
	if p, err := netip.ParseAddrPort(text); err == nil {
		return flow.End{Addr: p.Addr(), Port: p.Port()}
	}
	return flow.End{Addr: netip.MustParseAddr(text)}
}

func (f build) attempt() build                { f.State = flow.Attempt; return f }
func (f build) blocked() build                { f.State = flow.Blocked; return f }
func (f build) unsure() build                 { f.State = flow.StateUnknown; return f }
func (f build) saw() build                    { f.Handshake = true; return f }
func (f build) counted() build                { f.CountedBack = true; return f }
func (f build) ports(all ...uint16) build     { f.SourcePorts = all; return f }
func (f build) proxy(a string) build          { f.Proxy = netip.MustParseAddr(a); return f }
func (f build) nat64() build                  { f.NAT64 = true; return f }
func (f build) udp() build                    { f.Transport = flow.NotTCP; return f }
func (f build) label(l flow.Label) build      { f.Label = l; return f }
func (f build) covered(c flow.Coverage) build { f.Coverage = c; return f }
func (f build) undated() build                { f.Coverage, f.Undated = flow.CoverageNone, true; return f }
func (f build) listless() build {
	f.Coverage, f.OldestList, f.NewestList = flow.CoverageNone, 0, 0
	return f
}

// sni is a TLS name that looks like nothing, formed one of the form that Tor's
// have, madeUp one that looks like Tor's as well; ja4 and ja3 are fingerprints of
// a known flow.
func (f build) sni(name string) build {
	f.Hello.Name, f.Hello.Foreign = []byte(name), true
	return f
}
func (f build) formed(name string) build {
	f = f.sni(name)
	f.Hello.Form, f.Hello.Foreign = true, false
	return f
}
func (f build) madeUp(name string) build { f = f.formed(name); f.Hello.MadeUp = true; return f }
func (f build) ja4() build               { f.Hello.JA4 = true; return f }
func (f build) ja3() build               { f.Hello.JA3 = true; return f }
func (f build) shared() build            { f.Hello.JA3, f.Hello.JA3Shared = true, true; return f }
func (f build) otherJA3() build          { f.Hello.JA3Other = true; return f }
func (f build) groups() build            { f.Hello.Groups = true; return f }
func (f build) ciphers() build           { f.Hello.Ciphers = true; return f }
func (f build) cert() build              { f.Hello.Certificate = true; return f }
func (f build) snowflake() build         { f.Hello.Snowflake = true; return f }
func (f build) onion(k flow.OnionKind, w flow.Where, name string) build {
	f.Onion = flow.Onion{Kind: k, Where: w, Name: []byte(name)}
	return f
}

// dest and src add what the list says of the flow's end.
func (f build) dest(l listing) build { return f.sight(flow.Destination, f.Destination, l) }
func (f build) src(l listing) build  { return f.sight(flow.Source, f.Source, l) }

func (f build) sight(side flow.Side, e flow.End, l listing) build {
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
type listing struct{ flow.Sighting }

func or(port uint16, flags flow.Flags, name string) listing {
	return listing{flow.Sighting{
		Kind: flow.ORPort, ListedPort: port, Flags: flags,
		Nickname: name, Fingerprint: fingerprint(name), First: morning, Last: noon,
	}}
}

func dir(port uint16, name string) listing {
	l := or(port, 0, name)
	l.Kind = flow.DirPort
	return l
}

// exit is an exit list's line.
func exit(name string) listing {
	l := or(0, 0, name)
	l.Kind = flow.ExitAddress
	return l
}

// builtIn is a line of the program's own list.
func builtIn(kind flow.Kind, port uint16, name string) listing {
	return listing{flow.Sighting{Kind: kind, ListedPort: port, Nickname: name, Fingerprint: fingerprint(name)}}
}

func (l listing) spanned() listing           { l.When = flow.Spanned; return l }
func (l listing) recent(away int64) listing  { l.When, l.Away = flow.Recent, away; return l }
func (l listing) stale(away int64) listing   { l.When, l.Away = flow.Stale, away; return l }
func (l listing) later(away int64) listing   { l.When, l.Away = flow.Later, away; return l }
func (l listing) earlier(away int64) listing { l.When, l.Away = flow.Earlier, away; return l }
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
