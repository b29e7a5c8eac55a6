package detect_test

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"

	"tordetect/src/detect"
	"tordetect/src/flow"
)

// Whom a finding is about, however the row was logged.
func TestSides(t *testing.T) {
	guard := or(9001, flow.Guard, "anna")
	named := func(f build, source, destination string) build {
		f.Source.Name, f.Destination.Name = []byte(source), []byte(destination)
		return f
	}
	ours := func(f build, source, destination bool) build {
		f.Source.Internal, f.Destination.Internal = source, destination
		return f
	}
	for _, test := range []struct {
		name       string
		flow       build
		host, peer string
	}{
		{"a client", from("10.0.0.5:50001", "198.51.100.7:9001").dest(guard), "10.0.0.5", "198.51.100.7:9001"},
		{"a client by IPv6", from("[2001:db8::5]:50001", "[2001:db8:1::7]:9001").dest(guard), "2001:db8::5", "[2001:db8:1::7]:9001"},
		{"a client with a public address", from("203.0.113.5:50001", "198.51.100.7:9001").dest(guard), "203.0.113.5", "198.51.100.7:9001"},
		{"a relay at a private address", from("203.0.113.5:50001", "10.9.0.7:9001").dest(guard), "203.0.113.5", "10.9.0.7:9001"},
		{"no port", from("10.0.0.5", "198.51.100.7").dest(guard), "10.0.0.5", "198.51.100.7"},
		{"the answer's record", from("198.51.100.7:9001", "10.0.0.5:50001").src(guard), "10.0.0.5", "198.51.100.7:9001"},
		{"a visitor", from("198.51.100.7:40000", "192.0.2.1:443").src(exit("anna")), "192.0.2.1", "198.51.100.7"},
		{"a visitor named Tor", from("198.51.100.7:40000", "192.0.2.1:443").src(exit("anna")).label(flow.LabelTor), "192.0.2.1", "198.51.100.7"},
		{"a relay that calls", from("198.51.100.7:40000", "203.0.113.2:25").src(guard).label(flow.LabelTor), "203.0.113.2", "198.51.100.7"},
		{"our own relay, called", from("203.0.113.9:40000", "192.0.2.1:9001").dest(guard.internal()), "192.0.2.1", "203.0.113.9"},
		{"our own relay calls", from("192.0.2.1:40000", "198.51.100.7:9001").src(guard.internal()).dest(guard), "192.0.2.1", "198.51.100.7:9001"},
		{"one of a list", from("10.0.0.5", "203.0.113.8:443").dest(guard.at("198.51.100.7:9001")), "10.0.0.5", "198.51.100.7:9001"},
		{"only a label", from("10.0.0.5:50001", "198.51.100.7:443").label(flow.LabelTor), "10.0.0.5", "198.51.100.7:443"},
		{"only a label, on an answer", from("198.51.100.7:443", "10.0.0.5:50001").label(flow.LabelTor), "10.0.0.5", "198.51.100.7:443"},
		{"only a label, ours by internal", ours(from("198.51.100.7:443", "203.0.113.5:50001"), false, true).label(flow.LabelTor), "203.0.113.5", "198.51.100.7:443"},
		{"only a label, both ours", ours(from("203.0.113.6:50001", "10.0.0.5:443"), true, false).label(flow.LabelTor), "203.0.113.6", "10.0.0.5:443"},
		{"a made-up name", from("10.0.0.5:50001", "198.51.100.7:443").madeUp("www.kqpzvxw.com"), "10.0.0.5", "198.51.100.7:443"},
		{"a label of a list", from("10.0.0.5:50001", "198.51.100.7:443").label(flow.LabelListed), "10.0.0.5", "198.51.100.7:443"},
		{"names for addresses", named(from("", ""), "pc-17", "fileserver").label(flow.LabelTor), "pc-17", "fileserver"},
		{"an onion name and no destination", from("10.0.0.5:50001", "").onion(flow.OnionService, flow.InDNS, "x.onion"), "10.0.0.5", ""},
		{"nothing", from("10.0.0.5:50001", "198.51.100.7:443"), "", ""},
		{"not TCP", from("10.0.0.5:50001", "198.51.100.7:443").udp(), "", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			var judge detect.Judge
			found := judge.Judge(&test.flow.Flow)
			require.Equal(t, test.host, string(found.Host.AppendTo(nil)))
			require.Equal(t, test.peer, string(found.Peer.AppendTo(nil)))
		})
	}
	require.Equal(t, "pc-17:443", string(flow.End{Name: []byte("pc-17"), Port: 443}.AppendTo(nil)))
	require.Empty(t, flow.End{Port: 443}.AppendTo(nil))
	require.Equal(t, "198.51.100.7:443", string(flow.End{Addr: netip.MustParseAddr("198.51.100.7"), Name: []byte("x"), Port: 443}.AppendTo(nil)))
}
