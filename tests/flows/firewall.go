package flows

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
)

// vendor is how a firewall writes down what it sees.
type vendor struct {
	name    string
	tor     []string          // how it spells Tor
	apps    map[string]string // how it spells what we call web, tls, dns, ...
	allowed string
	blocked []string
	bytes   bool // counts bytes
	packets bool // counts packets
}

// vendors spell Tor in their own ways (see ReadLabel of package detect for the
// list). One logs no counts, so that nobody can tell from it what was answered.
var vendors = []vendor{
	{
		"Palo Alto", []string{"tor"},
		map[string]string{"web": "web-browsing", "tls": "ssl", "dns": "dns", "ssh": "ssh", "none": "incomplete", "unknown": "unknown-tcp", "udp": "quic", "p2p": "bittorrent", "tor2web": "tor2web"},
		"allowed", []string{"blocked", "deny", "reset-both"}, true, true,
	},
	{
		"Fortinet", []string{"Tor.Client"},
		map[string]string{"web": "HTTP.BROWSER", "tls": "SSL", "dns": "DNS", "ssh": "SSH", "none": "", "unknown": "unknown", "udp": "QUIC", "p2p": "BitTorrent", "tor2web": "Tor2web"},
		"allowed", []string{"blocked"}, true, true,
	},
	{
		"SonicWall", []string{"Tor", "Tor -- Client Request 5"},
		map[string]string{"web": "General HTTP", "tls": "General HTTPS", "dns": "General DNS", "ssh": "SSH", "none": "", "unknown": "General TCP", "udp": "General UDP", "p2p": "uTorrent", "tor2web": "tor2web"},
		"allowed", []string{"dropped"}, true, false,
	},
	{
		"nDPI", []string{"TLS.Tor", "Tor"},
		map[string]string{"web": "HTTP", "tls": "TLS", "dns": "DNS", "ssh": "SSH", "none": "Unknown", "unknown": "Unknown", "udp": "QUIC", "p2p": "BitTorrent", "tor2web": "TLS"},
		"allowed", []string{"blocked"}, true, true,
	},
	{
		"Netify", []string{"tor_relay", "tor_bridge"},
		map[string]string{"web": "http", "tls": "https", "dns": "dns", "ssh": "ssh", "none": "-", "unknown": "unclassified", "udp": "quic", "p2p": "bittorrent", "tor2web": "https"},
		"allowed", []string{"blocked"}, false, false,
	},
}

// How well the firewall knows Tor. Of the first two private networks only half
// of the outbound TLS flows were named, by rule; what a real firewall names is
// not published, so all of these are guesses.
const (
	namesOR      = 0.5
	namesVanilla = 0.4
	namesObfs4   = 0.05
	namesExit    = 0.05
	misnames     = 0.01 // of ordinary flows to or from relays' addresses
	// seesTLS is the share of TLS flows of which a sensor wrote name and
	// fingerprint, and nameless that of these in which the name is missing (both
	// guesses).
	seesTLS  = 0.7
	nameless = 0.1
	// Some sensors have one fingerprint only; Suricata, and Zeek's package where it is
	// told to, write what a JA3 is made of (guesses).
	onlyJA4  = 0.3
	onlyJA3  = 0.3
	logsText = 0.4
)

// site is the border while flows are made for it.
type site struct {
	r *rand.Rand
	n *network
	v vendor
}

// app is the vendor's word for an application.
func (s *site) app(what string) string { return s.v.apps[what] }

// label is the vendor's word for Tor with some probability, else for something
// else. What only counts packets has no words.
func (s *site) label(probability float64, otherwise string) string {
	if s.r.Float64() < probability && len(s.v.tor) > 0 {
		return s.v.tor[s.r.IntN(len(s.v.tor))]
	}
	return s.app(otherwise)
}

// moment is a time within the flows' part of the week, when lists were read or
// not.
func (s *site) moment() int64 {
	return start + firstFlow*hour + s.r.Int64N((lastFlow-firstFlow)*hour)
}

// client is one of our hosts, and the port it connects from.
func (s *site) client() netip.AddrPort {
	return s.from(netip.AddrFrom4([4]byte{10, 20, byte(s.r.IntN(8)), byte(10 + s.r.IntN(200))}))
}

func (s *site) client6() netip.AddrPort {
	return s.from(six(0x20, 0x1000+s.r.IntN(200)))
}

// from gives an address a port that systems give to clients.
func (s *site) from(a netip.Addr) netip.AddrPort {
	return netip.AddrPortFrom(a, uint16(32768+s.r.IntN(28000)))
}

// server is one of our own that the world may reach.
func (s *site) server() netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 20, 0, byte(80 + s.r.IntN(3))}), [...]uint16{443, 443, 443, 80, 25, 22}[s.r.IntN(6)])
}

func (s *site) server6() netip.AddrPort {
	return netip.AddrPortFrom(six(0x20, 0x80), 443)
}

// stranger is a host of the world that never is a relay. The relays of tornet
// live on the hosts 1 to 190 of each documentation network.
func (s *site) stranger() netip.Addr {
	switch s.r.IntN(8) {
	case 0:
		return six(9, s.r.IntN(1<<16))
	case 1, 2, 3:
		return netip.AddrFrom4([4]byte{198, 51, 100, byte(200 + s.r.IntN(55))})
	}
	return netip.AddrFrom4([4]byte{192, 0, 2, byte(191 + s.r.IntN(64))})
}

// six is an address of one of our IPv6 networks.
func six(network, host int) netip.Addr {
	return netip.AddrFrom16([16]byte{0x20, 0x01, 0x0d, 0xb8, 0, byte(network), 14: byte(host >> 8), 15: byte(host)})
}

// flow begins a TCP flow: who, to whom, when. Its state and counts come from one
// of answered, attempted, refused.
func (s *site) flow(from, to netip.AddrPort, at int64) Flow {
	f := Flow{
		Src: from.Addr().String(), Dest: to.Addr().String(),
		Transport: "tcp", First: at, Last: at, Action: s.v.allowed,
	}
	f.SrcPort, f.DestPort = port(from), port(to)
	return f
}

func port(ap netip.AddrPort) string {
	if ap.Port() == 0 {
		return ""
	}
	return fmt.Sprint(ap.Port())
}

// answered makes it a conversation of so many seconds.
func (s *site) answered(f Flow, seconds int64) Flow {
	f.State = "established"
	f.Last = f.First + seconds
	packets := int(10 + seconds/2 + s.r.Int64N(60))
	return s.counts(f, packets*(60+s.r.IntN(300)), packets*(100+s.r.IntN(900)), packets, packets+s.r.IntN(packets))
}

// attempted makes it one to three SYNs that nobody answered.
func (s *site) attempted(f Flow) Flow {
	f.State = "attempt"
	n := 1 + s.r.IntN(3)
	f.Last = f.First + int64(n*n)
	f.App = s.app("none")
	return s.counts(f, n*(60+14*s.r.IntN(2)), 0, n, 0)
}

// refused makes it a flow that the firewall stopped at its first packet.
func (s *site) refused(f Flow) Flow {
	f.State = "blocked"
	f.Action = s.v.blocked[s.r.IntN(len(s.v.blocked))]
	f.App = s.app("none")
	return s.counts(f, 60+14*s.r.IntN(2), 0, 1, 0)
}

func (s *site) counts(f Flow, bytesOut, bytesIn, packetsOut, packetsIn int) Flow {
	if s.v.bytes {
		f.BytesOut, f.BytesIn = fmt.Sprint(bytesOut), fmt.Sprint(bytesIn)
	}
	if s.v.packets {
		f.PacketsOut, f.PacketsIn = fmt.Sprint(packetsOut), fmt.Sprint(packetsIn)
	}
	return f
}

// hello adds what a sensor wrote of the TLS, where there was one.
func (s *site) hello(f Flow, t tls) Flow {
	if f.State == "established" && s.r.Float64() < seesTLS {
		f = s.helloAlways(f, t)
	}
	return f
}

// helloAlways is hello for a case that is about it.
func (s *site) helloAlways(f Flow, t tls) Flow {
	f.SNI, f.JA4, f.JA3, f.JA3Text = t.name, t.ja4, t.ja3, t.ja3Text
	f.Subject, f.Issuer = t.subject, t.issuer
	switch x := s.r.Float64(); {
	case x < onlyJA4:
		f.JA3, f.JA3Text = "", ""
	case x < onlyJA4+onlyJA3:
		f.JA4 = ""
	}
	if s.r.Float64() >= logsText {
		f.JA3Text = ""
	}
	if s.r.Float64() < nameless {
		f.SNI = ""
	}
	return f
}

// length of a conversation in seconds: most are short, some last half an hour.
func (s *site) length(longest int64) int64 {
	x := s.r.Float64()
	return 1 + int64(x*x*float64(longest))
}
