package flows

import (
	"net/netip"
	"slices"
)

// anExit lets users out.
func anExit(r relay) bool { return r.exit && !r.badExit && !r.hosted && len(r.leaves) > 0 }

// arrive is an established connection to one of our servers.
func (s *site) arrive(from netip.Addr, at int64, r relay) Flow {
	to := s.server()
	if from.Is6() {
		to = s.server6()
	}
	f := s.answered(s.flow(s.from(from), to, at), s.length(300))
	f.App = s.label(namesExit, map[bool]string{true: "tls", false: "web"}[to.Port() == 443])
	f.relay = r
	return f
}

// leaving draws an exit and an address that its users leave from.
func (s *site) leaving(at int64, fits func(relay, netip.Addr) bool) (relay, netip.Addr, bool) {
	for range 50 {
		if r, ok := s.pick(at, anExit); ok {
			if a := r.leaves[s.r.IntN(len(r.leaves))]; fits(r, a) {
				return r, a, true
			}
		}
	}
	return relay{}, netip.Addr{}, false
}

func fromORAddress(r relay, a netip.Addr) bool { return a == r.or.Addr() && r.scans }

func exitInbound(s *site) (Flow, bool) {
	at := s.moment()
	r, a, ok := s.leaving(at, fromORAddress)
	return s.arrive(a, at, r), ok
}

func exitElsewhere(s *site) (Flow, bool) {
	at := s.moment()
	r, a, ok := s.leaving(at, func(r relay, a netip.Addr) bool { return a != r.or.Addr() && r.scans })
	return s.arrive(a, at, r), ok
}

func exitUnscanned(s *site) (Flow, bool) {
	at := s.moment()
	r, a, ok := s.leaving(at, func(r relay, a netip.Addr) bool { return a == r.or.Addr() && !r.scans })
	return s.arrive(a, at, r), ok
}

func exitIPv6(s *site) (Flow, bool) {
	at := s.moment()
	r, _, ok := s.leaving(at, func(r relay, _ netip.Addr) bool { return r.or6.IsValid() })
	return s.arrive(r.or6.Addr(), at, r), ok
}

func exitQuiet(s *site) (Flow, bool) {
	at := s.moment()
	r, ok := s.pick(at, func(r relay) bool { return anyRelay(r) && r.letsOut })
	return s.arrive(r.or.Addr(), at, r), ok
}

func exitBlocked(s *site) (Flow, bool) {
	at := s.moment()
	r, a, ok := s.leaving(at, fromORAddress)
	f := s.refused(s.flow(s.from(a), s.server(), at))
	f.relay = r
	return f, ok
}

func exitUnanswered(s *site) (Flow, bool) {
	at := s.moment()
	r, a, ok := s.leaving(at, fromORAddress)
	f := s.attempted(s.flow(s.from(a), s.closed(), at))
	f.relay = r
	return f, ok
}

// closed is a port of ours where nothing listens.
func (s *site) closed() netip.AddrPort {
	return netip.AddrPortFrom(s.client().Addr(), [...]uint16{22, 23, 445, 3389, 5060, 8080}[s.r.IntN(6)])
}

func exitSummed(s *site) (Flow, bool) {
	f, ok := exitInbound(s)
	return s.summed(f), ok
}

// hostedClient is somebody in the world who uses our relay.
func hostedClient(s *site) (Flow, bool) {
	at := s.moment()
	r, ok := s.pick(at, func(r relay) bool { return r.hosted })
	f := s.answered(s.flow(s.from(s.stranger4()), r.or, at), 30+s.length(1770))
	f.App = s.label(namesOR, "tls")
	f.relay = r
	return s.hello(f, torTLS(s.r)), ok
}

func hostedOut(s *site) (Flow, bool) {
	at := s.moment()
	r, ok := s.pick(at, func(r relay) bool { return r.hosted })
	to, ok2 := s.known(at, anyRelay)
	f := s.connect(s.from(r.or.Addr()), to.or, at, r)
	f.other = to
	return f, ok && ok2
}

func hostedExit(s *site) (Flow, bool) {
	at := s.moment()
	r, ok := s.pick(at, func(r relay) bool { return r.hosted && r.exit })
	f := s.answered(s.flow(s.from(r.or.Addr()), netip.AddrPortFrom(s.stranger4(), 443), at), s.length(300))
	f.App = s.app("tls")
	f.relay = r
	return s.hello(f, ordinaryTLS(s.r, ordinaryName(s.r))), ok
}

func hostedWeb(s *site) (Flow, bool) {
	at := s.moment()
	r, ok := s.pick(at, func(r relay) bool { return r.hosted })
	f := s.answered(s.flow(s.from(s.stranger4()), netip.AddrPortFrom(r.or.Addr(), 80), at), s.length(60))
	f.App = s.app("web")
	f.relay = r
	return f, ok
}

func visitor(s *site) (Flow, bool) {
	f := s.arrive(s.stranger(), s.moment(), relay{})
	f.App = s.app("web")
	return f, true
}

func noise(s *site) (Flow, bool) {
	f := s.flow(s.from(s.stranger4()), s.closed(), s.moment())
	if s.r.IntN(2) == 0 {
		return s.attempted(f), true
	}
	return s.refused(f), true
}

// operator is whoever runs a relay that lets nothing out, or somebody in the same
// network behind the same address.
func operator(s *site) (Flow, bool) {
	at := s.moment()
	r, ok := s.pick(at, func(r relay) bool {
		return anyRelay(r) && !r.exit && !r.letsOut && !s.leavesFrom(r.or.Addr(), at)
	})
	return s.ownTraffic(r.or.Addr(), at, r), ok
}

// ownTraffic is of a relay's host and not of its users.
func (s *site) ownTraffic(from netip.Addr, at int64, r relay) Flow {
	f := s.arrive(from, at, r)
	f.App = s.label(misnames, "web")
	return f
}

// leavesFrom reports whether any exit's users leave from an address at a time or
// within three hours: a relay that only missed some lists is there all the same.
func (s *site) leavesFrom(a netip.Addr, at int64) bool {
	for h := at - 3*hour; h <= at+3*hour; h += hour {
		for _, r := range s.n.running(h) {
			if slices.Contains(r.leaves, a) {
				return true
			}
		}
	}
	return false
}

func exitHost(s *site) (Flow, bool) {
	at := s.moment()
	r, a, ok := s.leaving(at, func(relay, netip.Addr) bool { return true })
	return s.ownTraffic(a, at, r), ok
}

func exitOROperator(s *site) (Flow, bool) {
	at := s.moment()
	r, ok := s.pick(at, func(r relay) bool {
		return anExit(r) && r.scans && !slices.Contains(r.leaves, r.or.Addr()) && !s.leavesFrom(r.or.Addr(), at)
	})
	return s.ownTraffic(r.or.Addr(), at, r), ok
}

func badExit(s *site) (Flow, bool) {
	at := s.moment()
	r, ok := s.pick(at, func(r relay) bool { return anyRelay(r) && r.badExit && r.exit && !s.leavesFromGood(r.or.Addr(), at) })
	return s.ownTraffic(r.or.Addr(), at, r), ok
}

// leavesFromGood is leavesFrom of exits that are not marked as bad.
func (s *site) leavesFromGood(a netip.Addr, at int64) bool {
	for _, r := range s.n.running(at) {
		if !r.badExit && slices.Contains(r.leaves, a) {
			return true
		}
	}
	return false
}

// exitBefore and exitAfter are whoever has an exit's address up to two days
// before it is the exit's, and after.
func exitBefore(s *site) (Flow, bool) { return s.atOtherTime(+1) }
func exitAfter(s *site) (Flow, bool)  { return s.atOtherTime(-1) }

func (s *site) atOtherTime(sign int64) (Flow, bool) {
	at := s.moment()
	then := at + sign*(1+s.r.Int64N(48))*hour
	r, ok := s.pick(then, anExit)
	if !ok || then < start || then >= start+hours*hour {
		return Flow{}, false
	}
	if s.leavesFrom(r.leaves[0], at) {
		return Flow{}, false
	}
	return s.ownTraffic(r.leaves[0], at, r), true
}
