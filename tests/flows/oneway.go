package flows

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// halves are the records of an exporter that sees each direction for itself:
// what the client sent, and with the ends changed round what came back, if
// anything did. Each counts its own direction only.
func halves(_ *site, f Flow) []Flow {
	there, back := f, f
	there.BytesIn, there.PacketsIn = "", ""
	back.Src, back.SrcPort, back.Dest, back.DestPort = f.Dest, f.DestPort, f.Src, f.SrcPort
	back.BytesOut, back.PacketsOut, back.BytesIn, back.PacketsIn = f.BytesIn, f.PacketsIn, "", ""
	back.Answer = true
	if f.PacketsIn == "0" {
		return []Flow{there}
	}
	return []Flow{there, back}
}

// vpcColumns are those of version 2, by the names of Amazon's own header, behind
// the time that Splunk gives the record.
var vpcColumns = strings.Fields("_time interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status")

func everyMinute(s *site, f Flow) []Flow     { return aggregated(s, f, 60) }
func everyTenMinutes(s *site, f Flow) []Flow { return aggregated(s, f, 600) }

// mostWindows is in how many windows a conversation has packets at most: one
// that idles has none in most, and records that are all alike measure nothing.
const mostWindows = 4

// aggregated are both halves, cut where the windows of the network interface end.
// A window's record is from its first packet to its last.
func aggregated(s *site, f Flow, window int64) []Flow {
	type part struct{ from, to int64 }
	offset := s.r.Int64N(window) // each interface has windows of its own
	var parts []part
	for from := f.First; from <= f.Last; {
		end := from - (from+offset)%window + window - 1
		parts = append(parts, part{from, min(end, f.Last)})
		from = end + 1
	}
	for len(parts) > mostWindows { // the first and the last stay
		i := 1 + s.r.IntN(len(parts)-2)
		parts = append(parts[:i], parts[i+1:]...)
	}
	var out []Flow
	for i, p := range parts {
		for _, half := range halves(s, f) {
			half.First, half.Last = p.from, p.to
			half.PacketsOut = portion(half.PacketsOut, len(parts), i)
			half.BytesOut = portion(half.BytesOut, len(parts), i)
			if half.PacketsOut == "0" {
				continue // a short answer has packets in its first windows only
			}
			half.more = map[string]string{
				"_time": fmt.Sprint(p.from), "start": fmt.Sprint(p.from), "end": fmt.Sprint(p.to),
				"interface-id": "eni-0a1b2c3d4e5f60718", "log-status": "OK",
				"protocol": map[string]string{"tcp": "6", "udp": "17"}[f.Transport],
			}
			out = append(out, half)
		}
	}
	return out
}

// portion is the i-th of n parts of a number, whose sum is the number; the first
// parts get what is left over.
func portion(number string, n, i int) string {
	total, err := strconv.Atoi(number)
	must(err)
	part := total / n
	if i < total%n {
		part++
	}
	return fmt.Sprint(part)
}

// tried is a contact that was repeated for up to a minute, as systems repeat a SYN
// (after 1, 3, 7, 15, 31 and 63 seconds), and that nothing answered.
func (s *site) tried(f Flow) Flow {
	n := 1 + s.r.IntN(7)
	f = s.counts(s.attempted(f), 60*n, 0, n, 0)
	f.Last = f.First + int64(1)<<(n-1) - 1
	return f
}

func orRetried(s *site) (Flow, bool) {
	at := s.moment()
	r, ok := s.pickOf(s.consensus(at), aGuard)
	f := s.tried(s.flow(s.client(), r.or, at))
	f.relay = r
	return f, ok
}

// orReset is refused by the relay's machine, where nothing listens any more: a
// reset comes back, which is a record and no conversation.
func orReset(s *site) (Flow, bool) {
	f, ok := orUnanswered(s)
	f.Last = f.First
	return s.counts(f, 60, 40, 1, 1), ok
}

func orDropped(s *site) (Flow, bool) {
	at := s.moment()
	r, ok := s.known(at, aGuard)
	f := s.refused(s.flow(s.client(), r.or, at))
	f.relay = r
	return f, ok
}

func scanReset(s *site) (Flow, bool) {
	f, ok := scanUnanswered(s)
	f.Last = f.First
	return s.counts(f, 60, 40, 1, 1), ok
}

// The ports of services below 1024, and above.
var (
	lowPorts  = [...]uint16{443, 443, 80, 22, 25, 993}
	highPorts = [...]uint16{8080, 8443, 2083, 3389, 5222, 6881, 25565, 32400}
)

// atExit is a conversation with a service on the machine that an exit runs on,
// at a port that no relay ever had.
func (s *site) atExit(p uint16) (Flow, bool) {
	at := s.moment()
	r, a, ok := s.leaving(at, fromORAddress)
	to := netip.AddrPortFrom(a, p)
	if !ok || s.everAt(to) {
		return Flow{}, false
	}
	f := s.secure(to, at)
	f.relay = r
	return f, true
}

func webOnExit(s *site) (Flow, bool)  { return s.atExit(lowPorts[s.r.IntN(len(lowPorts))]) }
func highOnExit(s *site) (Flow, bool) { return s.atExit(highPorts[s.r.IntN(len(highPorts))]) }

// highService is a service on a high port of a machine that never was a relay's.
func highService(s *site) (Flow, bool) {
	to := netip.AddrPortFrom(s.stranger(), highPorts[s.r.IntN(len(highPorts))])
	return s.secure(to, s.moment()), true
}

// toHighPort lets a visitor come to a service of ours on a high port; some of
// these lie where systems take the ports of their clients from.
func (s *site) toHighPort(f Flow) Flow {
	f.DestPort = fmt.Sprint([...]int{8443, 9443, 32400, 50000, 50443}[s.r.IntN(5)])
	return f
}

func exitHigh(s *site) (Flow, bool) {
	f, ok := exitInbound(s)
	return s.toHighPort(f), ok
}

func visitorHigh(s *site) (Flow, bool) {
	f, ok := visitor(s)
	return s.toHighPort(f), ok
}

func operatorHigh(s *site) (Flow, bool) {
	f, ok := operator(s)
	return s.toHighPort(f), ok
}
