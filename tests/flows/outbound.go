package flows

import (
	"net/netip"
	"strings"
)

// anyRelay is what most cases take: not one of ours, and no authority.
func anyRelay(r relay) bool { return !r.hosted && !r.authority }

func aGuard(r relay) bool { return anyRelay(r) && r.guard }

// pick draws a relay that runs at a time.
func (s *site) pick(at int64, fits func(relay) bool) (relay, bool) {
	return s.pickOf(s.n.running(at), fits)
}

func (s *site) pickOf(all []relay, fits func(relay) bool) (relay, bool) {
	for range 100 {
		if r := all[s.r.IntN(len(all))]; fits(r) {
			return r, true
		}
	}
	return relay{}, false
}

// consensus is what a client knows at a time. It fetches a list 1:45 to 2:50
// after the list's valid-after (dir-spec 5.1), and keeps it until it has the
// next, an hour later.
func (s *site) consensus(at int64) []relay {
	delay := int64(105*60) + s.r.Int64N(65*60) + s.r.Int64N(hour)
	return s.n.running(at - delay)
}

// known draws a relay that a client knows and that is still there.
func (s *site) known(at int64, fits func(relay) bool) (relay, bool) {
	r, ok := s.pickOf(s.consensus(at), fits)
	if !ok {
		return r, false
	}
	return s.n.runs(r, at)
}

// connect is an established connection of a client to an OR port.
func (s *site) connect(from, to netip.AddrPort, at int64, r relay) Flow {
	f := s.answered(s.flow(from, to, at), 30+s.length(1770))
	f.App = s.label(namesOR, "tls")
	f.relay = r
	return s.hello(f, torTLS(s.r))
}

func orConnection(s *site) (Flow, bool) {
	at := s.moment()
	r, ok := s.known(at, aGuard)
	return s.connect(s.client(), r.or, at, r), ok
}

func orIPv6(s *site) (Flow, bool) {
	at := s.moment()
	r, ok := s.known(at, func(r relay) bool { return aGuard(r) && r.or6.IsValid() })
	return s.connect(s.client6(), r.or6, at, r), ok
}

func orIPv6Port(s *site) (Flow, bool) {
	at := s.moment()
	r, ok := s.known(at, func(r relay) bool { return anyRelay(r) && r.or6.IsValid() && r.or6.Port() != r.or.Port() })
	return s.connect(s.client6(), r.or6, at, r), ok
}

func orShared(s *site) (Flow, bool) {
	at := s.moment()
	r, ok := s.known(at, func(r relay) bool { return aGuard(r) && s.n.neighbours(r.or.Addr(), at) > 1 })
	return s.connect(s.client(), r.or, at, r), ok
}

func orArti(s *site) (Flow, bool) {
	at := s.moment()
	r, ok := s.known(at, aGuard)
	f := s.connect(s.client(), r.or, at, r)
	f.silent()
	return s.hello(f, artiTLS(s.r)), ok
}

// orBootstrap is short, and one in ten asks an authority.
func orBootstrap(s *site) (Flow, bool) {
	at := s.moment()
	authority := s.r.IntN(10) == 0
	r, ok := s.known(at, func(r relay) bool { return !r.hosted && r.authority == authority })
	f := s.connect(s.client(), r.or, at, r)
	f.Last = f.First + 1 + s.r.Int64N(60)
	return f, ok
}

func orNAT(s *site) (Flow, bool) {
	at := s.moment()
	r, ok := s.known(at, aGuard)
	return s.connect(s.from(natted), r.or, at, r), ok
}

// orOldConsensus goes to a relay that left the list a few hours ago and still
// runs at its old place.
func orOldConsensus(s *site) (Flow, bool) {
	at := s.moment()
	r, ok := s.pick(at-4*hour-s.r.Int64N(20*hour), aGuard)
	if !ok || s.n.listedAt(r.or, at) {
		return Flow{}, false
	}
	return s.connect(s.client(), r.or, at, r), true
}

// orBlocked is blocked by its address at the first packet, or, once it was
// recognised, with some bytes in both directions.
func orBlocked(s *site) (Flow, bool) {
	at := s.moment()
	r, ok := s.known(at, aGuard)
	f := s.refused(s.flow(s.client(), r.or, at))
	f.relay = r
	if s.r.IntN(2) == 0 {
		f.App = s.label(1, "tls")
		f = s.counts(f, 700+s.r.IntN(600), 200+s.r.IntN(3000), 4, 4)
	}
	return f, ok
}

func orUnanswered(s *site) (Flow, bool) {
	at := s.moment()
	r, ok := s.pickOf(s.consensus(at), aGuard)
	f := s.attempted(s.flow(s.client(), r.or, at))
	f.relay = r
	return f, ok
}

// orTurned is the row of an exporter that takes the answering side for the
// source.
func orTurned(s *site) (Flow, bool) {
	f, ok := orConnection(s)
	f.Src, f.SrcPort, f.Dest, f.DestPort = f.Dest, f.DestPort, f.Src, f.SrcPort
	f.BytesOut, f.BytesIn, f.PacketsOut, f.PacketsIn = f.BytesIn, f.BytesOut, f.PacketsIn, f.PacketsOut
	return f, ok
}

// orSummed is up to a day of connections to one relay; one in twenty goes to a
// relay that was there for some hours of it only.
func orSummed(s *site) (Flow, bool) {
	at := s.moment()
	fits := aGuard
	if s.r.IntN(20) == 0 {
		fits = func(r relay) bool { return r.passing }
	}
	r, ok := s.pick(at, fits)
	return s.summed(s.connect(s.client(), r.or, at, r)), ok
}

// summed makes a row of up to a day around the flow, without client ports and
// names, as a data model's summary has it.
func (s *site) summed(f Flow) Flow {
	f.Summed = true
	f.First -= s.r.Int64N(12 * hour)
	f.Last += s.r.Int64N(12 * hour)
	f.SrcPort = ""
	f.silent()
	return f
}

func orNoPort(s *site) (Flow, bool) {
	f, ok := orConnection(s)
	f.SrcPort, f.DestPort = "", ""
	return f, ok
}

// orValues lists the relay and an ordinary server, addresses here and ports
// there.
func orValues(s *site) (Flow, bool) {
	f, ok := orConnection(s)
	return s.values(f, f.DestPort), ok
}

// values adds an ordinary server to the destination; at is the port that its
// list of ports has beside the server's.
func (s *site) values(f Flow, at string) Flow {
	other := s.stranger4()
	ports := []string{at, "443"}
	if at == "443" {
		ports[1] = "8080"
	}
	f.Dest = strings.Join([]string{f.Dest, other.String()}, "\n")
	f.DestPort = strings.Join(ports, "\n")
	f.SrcPort = ""
	f.silent()
	return f
}

func (s *site) stranger4() netip.Addr {
	for {
		if a := s.stranger(); a.Is4() {
			return a
		}
	}
}

// dirClient is an old client or a tool that reads the directory in plain HTTP.
func dirClient(s *site) (Flow, bool) {
	at := s.moment()
	r, ok := s.known(at, func(r relay) bool { return anyRelay(r) && r.dir.IsValid() })
	f := s.answered(s.flow(s.client(), r.dir, at), s.length(20))
	f.App = s.label(namesOR, "web")
	f.relay = r
	return f, ok
}

func bridgeVanilla(s *site) (Flow, bool) {
	to := s.stranger()
	f := s.answered(s.flow(s.clientFor(to), netip.AddrPortFrom(to, s.anyPort()), s.moment()), 30+s.length(1770))
	f.App = s.label(namesVanilla, "tls")
	return s.hello(f, torTLS(s.r)), true
}

// bridgeOld is a bridge with so old a library that TLS 1.2 is spoken.
func bridgeOld(s *site) (Flow, bool) {
	f, ok := bridgeVanilla(s)
	return s.helloAlways(f, certified(s.r, torTLS(s.r))), ok
}

func bridgeObfs4(s *site) (Flow, bool) {
	to := s.stranger()
	f := s.answered(s.flow(s.clientFor(to), netip.AddrPortFrom(to, s.anyPort()), s.moment()), 30+s.length(1770))
	f.App = s.label(namesObfs4, "unknown")
	return f, true
}

func bridgeWebtunnel(s *site) (Flow, bool) {
	f, ok := web(s)
	return f, ok
}

func snowflake(s *site) (Flow, bool) {
	to := s.stranger()
	f := s.answered(s.flow(s.clientFor(to), s.from(to), s.moment()), 30+s.length(1770))
	f.Transport, f.App = "udp", s.app("unknown")
	return f, true
}

// anyPort is the port of a bridge: often 443, else any.
func (s *site) anyPort() uint16 {
	if s.r.IntN(3) == 0 {
		return 443
	}
	return uint16(1024 + s.r.IntN(60000))
}

// clientFor is a client that speaks the address's family.
func (s *site) clientFor(to netip.Addr) netip.AddrPort {
	if to.Is6() {
		return s.client6()
	}
	return s.client()
}
