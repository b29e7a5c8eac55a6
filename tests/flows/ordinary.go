package flows

import (
	"math/rand/v2"
	"net/netip"
)

// web is a client and a site. Its names include those that the bare pattern for
// Tor's made-up names fits.
func web(s *site) (Flow, bool) {
	to := s.stranger()
	return s.secure(netip.AddrPortFrom(to, 443), s.moment()), true
}

// secure is an ordinary TLS conversation.
func (s *site) secure(to netip.AddrPort, at int64) Flow {
	f := s.answered(s.flow(s.clientFor(to.Addr()), to, at), s.length(300))
	f.App = s.app("tls")
	return s.hello(f, ordinaryTLS(s.r, ordinaryName(s.r)))
}

func dns(s *site) (Flow, bool) {
	f := s.answered(s.flow(s.client(), netip.MustParseAddrPort("10.20.0.53:53"), s.moment()), 0)
	f.Transport, f.App, f.Query = "udp", s.app("dns"), ordinaryName(s.r)
	return f, true
}

func otherService(s *site) (Flow, bool) {
	to := s.stranger()
	f := s.flow(s.clientFor(to), netip.AddrPortFrom(to, [...]uint16{22, 25, 80, 993, 5222, 6881}[s.r.IntN(6)]), s.moment())
	switch s.r.IntN(10) {
	case 0:
		return s.attempted(f), true
	case 1:
		return s.refused(f), true
	}
	f = s.answered(f, s.length(1800))
	f.App = s.app(map[string]string{"22": "ssh", "80": "web", "6881": "p2p"}[f.DestPort])
	return f, true
}

// torPort is a service on a port that is known for Tor.
func torPort(s *site) (Flow, bool) {
	to := netip.AddrPortFrom(s.stranger(), [...]uint16{9001, 9001, 9030, 9040, 9050, 9051, 9150}[s.r.IntN(7)])
	return s.secure(to, s.moment()), true
}

// torTwin is another program that sends the hello of a build of tor, all of it; of its
// names some fit the pattern, as of any program's.
func torTwin(s *site) (Flow, bool) {
	f, ok := web(s)
	t := torTLS(s.r)
	t.name = ordinaryName(s.r)
	return s.helloAlways(f, t), ok
}

// showing is an ordinary program with a hello and a name of these kinds.
func showing(hello func(*rand.Rand, string) tls, name func(*rand.Rand) string) func(s *site) (Flow, bool) {
	return func(s *site) (Flow, bool) {
		f, ok := web(s)
		return s.helloAlways(f, hello(s.r, name(s.r))), ok
	}
}

// oldServer is one that speaks TLS 1.2, so that its certificate is seen.
func oldServer(s *site) (Flow, bool) {
	f, ok := web(s)
	return s.helloAlways(f, certificate(s.r, ordinaryTLS(s.r, ordinaryName(s.r)))), ok
}

// mislabelled is what the firewall takes for Tor: other TLS, and what it does
// not know.
func mislabelled(s *site) (Flow, bool) {
	to := netip.AddrPortFrom(s.stranger(), s.anyPort())
	f := s.secure(to, s.moment())
	f.App = s.label(1, "")
	return f, true
}

// onRelay draws a relay and another port of its machine, one that no relay and
// no Dir port has.
func (s *site) onRelay(at int64) (relay, netip.AddrPort, bool) {
	r, ok := s.known(at, anyRelay)
	if !ok {
		return r, netip.AddrPort{}, false
	}
	a := r.or.Addr()
	if r.or6.IsValid() && s.r.IntN(4) == 0 {
		a = r.or6.Addr()
	}
	to := netip.AddrPortFrom(a, [...]uint16{443, 80, 22, 8080, 25, 993}[s.r.IntN(6)])
	return r, to, !s.everAt(to)
}

// everAt reports whether an address and port was a relay's OR or Dir port at any
// time of the week.
func (s *site) everAt(ap netip.AddrPort) bool { return len(s.n.spans[ap]) > 0 || s.n.dirs[ap] }

func webOnRelay(s *site) (Flow, bool) {
	at := s.moment()
	r, to, ok := s.onRelay(at)
	f := s.secure(to, at)
	f.relay = r
	f.App = s.label(misnames, "tls")
	return f, ok
}

func webNoPort(s *site) (Flow, bool) {
	f, ok := webOnRelay(s)
	f.SrcPort, f.DestPort = "", ""
	return f, ok
}

// valuesMixed lists a relay, whose web service was used, and a server that has
// another service on the number of the relay's OR port.
func valuesMixed(s *site) (Flow, bool) {
	f, ok := webOnRelay(s)
	if a, err := netip.ParseAddr(f.Dest); err != nil || a != f.relay.or.Addr() {
		return Flow{}, false
	}
	return s.values(f, port(f.relay.or)), ok
}

// otherFamily is a service on a relay's IPv6 address, at its IPv4 OR port.
func otherFamily(s *site) (Flow, bool) {
	at := s.moment()
	r, ok := s.known(at, func(r relay) bool { return anyRelay(r) && r.or6.IsValid() && r.or6.Port() != r.or.Port() })
	if !ok {
		return Flow{}, false
	}
	to := netip.AddrPortFrom(r.or6.Addr(), r.or.Port())
	f := s.secure(to, at)
	f.relay = r
	return f, !s.everAt(to)
}

// reuseBefore is a server on an address and port up to two days before they
// became a relay's.
func reuseBefore(s *site) (Flow, bool) {
	ap := s.n.ports[s.r.IntN(len(s.n.ports))]
	sp := s.n.spans[ap][0]
	if sp.from <= firstFlow+1 || sp.from > lastFlow {
		return Flow{}, false
	}
	at := start + int64(sp.from)*hour - 1 - s.r.Int64N(int64(min(sp.from-firstFlow, 48))*hour)
	return s.reused(ap, at, sp.from), true
}

// reuseAfter is one up to three days after they were.
func reuseAfter(s *site) (Flow, bool) {
	ap, left, until, ok := s.left()
	if !ok {
		return Flow{}, false
	}
	at := left + 1 + s.r.Int64N(until-left)
	return s.reused(ap, at, int((left-start)/hour)-1), true
}

// left draws an OR port that a relay left, and how long it was free then, up to
// three days. Less than half a day is a relay that missed some lists: nobody
// else moves in.
func (s *site) left() (ap netip.AddrPort, from, until int64, ok bool) {
	ap = s.n.ports[s.r.IntN(len(s.n.ports))]
	spans := s.n.spans[ap]
	i := s.r.IntN(len(spans))
	next := lastFlow
	if i+1 < len(spans) {
		next = spans[i+1].from
	}
	first := spans[i].to
	last := min(next, first+72, lastFlow)
	if first < firstFlow || last < first+12 {
		return ap, 0, 0, false
	}
	return ap, start + int64(first)*hour, start + int64(last)*hour - 1, true
}

// reused is a conversation with a server where a relay was in another hour.
func (s *site) reused(ap netip.AddrPort, at int64, h int) Flow {
	f := s.secure(ap, at)
	for _, r := range s.n.byHour[h] {
		if r.or == ap || r.or6 == ap {
			f.relay = r
		}
	}
	return f
}

// reuseSummed is a row of hours in which the relay left, and in which it came
// where it stayed short, but tells of a server's flows only.
func reuseSummed(s *site) (Flow, bool) {
	ap, left, _, ok := s.left()
	if !ok {
		return Flow{}, false
	}
	f := s.reused(ap, left+3*hour, int((left-start)/hour)-1)
	f.Summed = true
	f.First, f.Last = left-s.r.Int64N(12*hour), left+5*hour+s.r.Int64N(7*hour)
	f.SrcPort = ""
	f.silent()
	return f, true
}

func udpToRelay(s *site) (Flow, bool) {
	at := s.moment()
	r, ok := s.known(at, anyRelay)
	f := s.answered(s.flow(s.client(), r.or, at), s.length(300))
	f.Transport, f.App = "udp", s.app("udp")
	f.relay = r
	return f, ok
}

// scanner is one of our hosts that looks at the whole Internet.
var scanner = netip.MustParseAddr("10.20.7.250")

func scanUnanswered(s *site) (Flow, bool) {
	at := s.moment()
	r, ok := s.pick(at, anyRelay)
	f := s.attempted(s.flow(s.from(scanner), r.or, at))
	f.relay = r
	return f, ok
}

func scanBlocked(s *site) (Flow, bool) {
	at := s.moment()
	r, ok := s.pick(at, anyRelay)
	f := s.refused(s.flow(s.from(scanner), r.or, at))
	f.relay = r
	return f, ok
}

func scanAnswered(s *site) (Flow, bool) {
	at := s.moment()
	r, ok := s.known(at, anyRelay)
	f := s.answered(s.flow(s.from(scanner), r.or, at), 1)
	f.App = s.label(misnames, "tls")
	f.relay = r
	return f, ok
}

func monitor(s *site) (Flow, bool) {
	at := s.moment()
	r, ok := s.known(at, anyRelay)
	to := r.or
	if r.dir.IsValid() {
		to = r.dir
	}
	f := s.answered(s.flow(s.client(), to, at), 1+s.r.Int64N(3))
	f.App = s.app("tls")
	f.relay = r
	return f, ok
}

func onionDNS(s *site) (Flow, bool) {
	f, ok := dns(s)
	f.Query = onionName(s.r)
	if s.r.IntN(4) == 0 {
		f.Query = letters(s.r, "abcdefgh", 4) + "." + f.Query
	}
	return f, ok
}

// gateways are suffixes of gateways to onion services (tor.md section 12).
var gateways = []string{"onion.ws", "onion.ly", "tor2web.io", "onion.pet"}

func onionGateway(s *site) (Flow, bool) {
	f, ok := web(s)
	name := letters(s.r, "abcdefghijklmnopqrstuvwxyz234567", 56) + "." + gateways[s.r.IntN(len(gateways))]
	f = s.helloAlways(f, ordinaryTLS(s.r, name))
	f.SNI = name
	if s.r.IntN(2) == 0 {
		f.App = s.app("tor2web")
	}
	return f, ok
}
