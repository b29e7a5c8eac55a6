package main

import (
	"bytes"
	"net"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"
	"github.com/stretchr/testify/require"
)

var (
	desk  = netip.MustParseAddrPort("10.20.2.31:40000")
	relay = netip.MustParseAddrPort("198.51.100.21:443")
	third = netip.MustParseAddrPort("192.0.2.80:80")
	noon  = time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
)

// pcapOf writes packets a second apart. What is sent is flags, then a colon, then payload.
func pcapOf(t *testing.T, packets ...sent) *bytes.Buffer {
	t.Helper()
	var out bytes.Buffer
	w := pcapgo.NewWriterNanos(&out)
	require.NoError(t, w.WriteFileHeader(snap, layers.LinkTypeEthernet))
	for i, p := range packets {
		flags, payload, _ := strings.Cut(p.what, ":")
		ip := &layers.IPv4{Version: 4, TTL: 64, Protocol: layers.IPProtocolTCP, SrcIP: net.IP(p.src.Addr().AsSlice()), DstIP: net.IP(p.dst.Addr().AsSlice())}
		tcp := &layers.TCP{SrcPort: layers.TCPPort(p.src.Port()), DstPort: layers.TCPPort(p.dst.Port()),
			SYN: strings.Contains(flags, "S"), ACK: strings.Contains(flags, "A"), FIN: strings.Contains(flags, "F"), RST: strings.Contains(flags, "R")}
		require.NoError(t, tcp.SetNetworkLayerForChecksum(ip))
		b := gopacket.NewSerializeBuffer()
		require.NoError(t, gopacket.SerializeLayers(b, gopacket.SerializeOptions{FixLengths: true},
			&layers.Ethernet{SrcMAC: make([]byte, 6), DstMAC: make([]byte, 6), EthernetType: layers.EthernetTypeIPv4}, ip, tcp, gopacket.Payload(payload)))
		require.NoError(t, w.WritePacket(gopacket.CaptureInfo{Timestamp: noon.Add(time.Duration(i) * time.Second), CaptureLength: len(b.Bytes()), Length: len(b.Bytes())}, b.Bytes()))
	}
	return &out
}

const snap = 1 << 17

type sent struct {
	src, dst netip.AddrPort
	what     string
}

func TestSummed(t *testing.T) {
	all, err := summed(pcapOf(t,
		sent{desk, relay, "S"}, sent{relay, desk, "SA"}, sent{desk, relay, "A:\x16\x03\x01\x02"},
		sent{desk, third, "S"},
		sent{relay, desk, "A:answer"}, sent{desk, relay, "FA"}, sent{relay, desk, "FA"},
		sent{third, desk, "RA"},
		sent{desk, relay, "S"}, // the same ends again
	))
	require.NoError(t, err)
	require.Len(t, all, 3)
	first := all[0]
	require.Equal(t, desk, first.src)
	require.Equal(t, relay, first.dst)
	require.Equal(t, counted{3, 40 + 44 + 40}, first.out)
	require.Equal(t, counted{3, 40 + 46 + 40}, first.in)
	require.Equal(t, "ssl", first.app)
	require.True(t, first.answered())
	require.Equal(t, 6*time.Second, first.last.Sub(first.first))
	require.Equal(t, third, all[1].dst)
	require.False(t, all[1].answered(), "refused")
	require.Equal(t, noon.Add(8*time.Second), all[2].first.UTC())
}

func TestCaptureCutShort(t *testing.T) {
	whole := pcapOf(t, sent{desk, relay, "S"})
	_, err := summed(bytes.NewReader(whole.Bytes()[:whole.Len()-3]))
	require.ErrorContains(t, err, "read the capture")
	_, err = summed(strings.NewReader("no capture"))
	require.ErrorContains(t, err, "read the capture")
}

// Who talked for what reason; what nobody did is an error.
func TestTruth(t *testing.T) {
	gate := netip.MustParseAddr("203.0.113.66")
	places := map[netip.Addr]place{
		desk.Addr(): {client, 0, 0}, relay.Addr(): {middle, 443, 0}, gate: {bridge, 443, 8444}, third.Addr(): {exit, 9001, 0},
	}
	var d deeds
	noted := netip.MustParseAddrPort("198.51.100.21:80")
	d.note("tcp", desk, noted, relaysWeb)
	web := netip.MustParseAddrPort("10.20.0.80:80")
	answered := counted{3, 300}
	for _, c := range []struct {
		src, dst netip.AddrPort
		in       counted
		kind     string
		tor      bool
	}{
		{desk, relay, answered, toRelay, true},
		{desk, relay, counted{}, toAttempt, true},
		{desk, noted, answered, relaysWeb, false},
		{desk, netip.AddrPortFrom(gate, 443), answered, toBridge, true},
		{desk, netip.AddrPortFrom(gate, 8444), answered, toObfs4, true},
		{third, web, answered, fromExit, true},
		{desk, web, answered, "", false},
		{relay, web, answered, "", false},
		{web, relay, answered, "", false},
	} {
		kind, tor, err := d.truth(&connection{proto: "tcp", src: c.src, dst: c.dst, in: c.in}, places)
		require.Equal(t, c.kind, kind)
		require.Equal(t, c.tor, tor)
		require.Equal(t, c.kind == "", err != nil, "%s to %s", c.src, c.dst)
	}
}

// What must not be is said; so a green run means something.
func TestFaults(t *testing.T) {
	of := func(kind string, tor bool, app, scan string) []*judgedFlow {
		return []*judgedFlow{{connection: &connection{src: desk, dst: relay}, kind: kind, tor: tor, app: app, scan: scan}}
	}
	for _, c := range []struct {
		flows []*judgedFlow
		want  string
	}{
		{of(toRelay, true, "tor", "tor"), ""},
		{of(toBridge, true, "none", "none"), ""},
		{of(ordinaryWeb, false, "possible", "possible"), ""},
		{of(toRelay, true, "possible", "possible"), "missed"},
		{of(toRelay, true, "", ""), "missed"},
		{of(ordinaryWeb, false, "likely", "likely"), "called Tor"},
		{of(toRelay, true, "tor", "likely"), "disagree"},
	} {
		require.Contains(t, strings.Join(faults(c.flows), " "), c.want)
		require.Equal(t, c.want == "", len(faults(c.flows)) == 0)
	}
	sensed := of(toRelay, true, "tor", "tor")
	sensed[0].sensor = map[string]string{"suricata": "none"}
	require.Contains(t, faults(sensed)[0], "missed in the log of suricata")
}

// A run in which nothing happened, or of which the searches told nothing, is no good
// one.
func TestNothingHappened(t *testing.T) {
	of := func(kind, label string, tor bool) *judgedFlow {
		return &judgedFlow{connection: &connection{src: desk, dst: relay}, kind: kind, label: label, tor: tor}
	}
	var all []*judgedFlow
	for _, kind := range always {
		all = append(all, of(kind, "ssl", mustFind[kind]))
	}
	require.Empty(t, absent(all))
	require.Equal(t, []string{"nobody made a flow of the kind: " + toRelay}, absent(all[1:]))
	require.Len(t, absent(nil), len(always))

	all = append(all, of(toRelay, "tor", true), of(toAttempt, "incomplete", true))
	for i, want := range [][2]int{{1, 1}, {1, 2}, {1, 1}} { // of each question: least and most
		q := &questions[i]
		require.Empty(t, q.wrong(want[0], all))
		require.Empty(t, q.wrong(want[1], all))
		require.Contains(t, q.wrong(0, all)[0], q.search+" told 0 flows, want ")
		require.Contains(t, q.wrong(want[1]+1, all)[0], "told")
		require.Equal(t, []string{q.search + " had nothing to find"}, q.wrong(0, nil))
	}
}

// The log is one that our readers read as Palo Alto's, a line a flow.
func TestFirewallLog(t *testing.T) {
	all := []*judgedFlow{{connection: &connection{src: desk, dst: relay, proto: "tcp", first: noon, last: noon.Add(time.Minute), app: "ssl",
		out: counted{3, 300}, in: counted{2, 200}}, kind: toRelay, tor: true}}
	label(all)
	log := string(firewallLog(all))
	require.Equal(t, 1, strings.Count(log, "\n"))
	require.Contains(t, log, ",10.20.2.31,198.51.100.21,")
	require.Contains(t, log, ",tcp,allow,500,300,200,5,2026/11/30 12:00:00,60,")
	rows, err := labelled(all)
	require.NoError(t, err)
	require.Contains(t, string(rows), "1796040060,60,,,10.20.2.31,40000,198.51.100.21,443,tcp,ssl,allowed,300,200,3,2,,,,,,,,tor,outbound,established,"+toRelay)
}

// Without root it says what it lacks, and that is no failure.
func TestWrongUsage(t *testing.T) {
	var stdout, stderr bytes.Buffer
	require.Equal(t, 2, run(t.Context(), []string{"-no-such"}, &stdout, &stderr))
	require.Equal(t, 2, run(t.Context(), []string{"surplus"}, &stdout, &stderr))
	require.Contains(t, stderr.String(), "surplus")
}

func TestNotEquipped(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	var stdout, stderr bytes.Buffer
	require.Zero(t, run(t.Context(), []string{"-out", filepath.Join(t.TempDir(), "out")}, &stdout, &stderr), stderr.String())
	require.Contains(t, stdout.String(), "not run: ")
}
