package event_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"tordetect/src/event"
	"tordetect/src/flow"
	"tordetect/tests/pace"
)

func TestReadLabel(t *testing.T) {
	f := func(cell string, want flow.Label) {
		t.Helper()
		require.Equal(t, want, event.ReadLabel([]byte(cell)), "%q", cell)
	}
	// Tor, as vendors spell it.
	f("tor", flow.LabelTor)
	f("Tor", flow.LabelTor)
	f("TOR", flow.LabelTor)
	f(" tor ", flow.LabelTor)
	f(strings.Repeat(" ", 100)+"tor", flow.LabelTor)
	f("Tor.Client", flow.LabelTor)
	f("Tor.Web.Proxy", flow.LabelTor)
	f("Tor -- Client Request 5", flow.LabelTor)
	f("TLS.Tor", flow.LabelTor)
	f("tls.tor", flow.LabelTor)
	f("TLS.TLS.Tor", flow.LabelTor)
	f(strings.Repeat("x", 100)+".Tor", flow.LabelTor)
	f("tor_bridge", flow.LabelTor)
	f("tor_exit", flow.LabelTor)
	f("tor-relay", flow.LabelTor)
	f("tor\x00", flow.LabelTor)
	f("tor\xff", flow.LabelTor)

	f("Junos:Tor", flow.LabelTor)
	f("Proxies >  tor ", flow.LabelTor)
	f("a/b.c:TOR-12", flow.LabelTor)
	f("app:tor2web", flow.LabelTor2web)

	// A gateway.
	f("tor2web", flow.LabelTor2web)
	f("Tor2Web", flow.LabelTor2web)
	f("tor2web-base", flow.LabelTor2web)
	f("HTTP.tor2web", flow.LabelTor2web)

	// Something else.
	f("torrent", flow.LabelOther)
	f("bittorrent", flow.LabelOther)
	f("TorGuard", flow.LabelOther)
	f("tor2", flow.LabelOther)
	f("TLS.Tor-", flow.LabelOther)
	f("TLS.Tor-x", flow.LabelOther)
	f("TLS.Tor Guard", flow.LabelOther)
	f("store", flow.LabelOther)
	f("app:store", flow.LabelOther)
	f("Google Play Store", flow.LabelOther)
	f("storage/vector", flow.LabelOther)
	f("navigator", flow.LabelOther)
	f("Torrentz > HTTP", flow.LabelOther)
	f("anti-tor", flow.LabelOther)
	f("tor.", flow.LabelTor)
	f(".tor", flow.LabelTor)
	f("tor2we", flow.LabelOther)
	f("web-tor", flow.LabelOther)
	f("monitor", flow.LabelOther)
	f("TLS.Torrent", flow.LabelOther)
	f("TLS.Monitor", flow.LabelOther)
	f(strings.Repeat("x", 60)+".torrent", flow.LabelOther)
	f("to", flow.LabelOther)
	f(".", flow.LabelOther)
	f("ssl", flow.LabelOther)
	f("unknown-tcp", flow.LabelOther)
	f("incomplete", flow.LabelOther)
	f("\xff\xfe", flow.LabelOther)
	f("null tor", flow.LabelOther)

	// No value.
	f("", flow.LabelNone)
	f("   ", flow.LabelNone)
	f("-", flow.LabelNone)
	f("null", flow.LabelNone)
	f("NULL", flow.LabelNone)
	f("unknown", flow.LabelNone)
	f(" Unknown\t", flow.LabelNone)
}

// Every spelling of the table is read, alone and in other cases, and stands there
// once for a product with its source.
func TestSpellings(t *testing.T) {
	seen := map[string]bool{}
	for _, s := range event.Spellings() {
		require.NotEmpty(t, s.Product)
		require.NotEmpty(t, s.Source, s.Text)
		require.False(t, seen[s.Product+s.Text], "%s %s twice", s.Product, s.Text)
		seen[s.Product+s.Text] = true
		for _, text := range []string{s.Text, strings.ToUpper(s.Text), strings.ToLower(s.Text), "  " + s.Text + "\t"} {
			require.Equal(t, s.Label, event.ReadLabel([]byte(text)), "%s: %q", s.Product, text)
		}
		// The same letters inside of a word are not Tor.
		require.Equal(t, flow.LabelOther, event.ReadLabel([]byte("x"+s.Text+"rent")), "%q", s.Text)
	}
	require.Greater(t, len(seen), 10)
}

func TestReadTransport(t *testing.T) {
	f := func(cell string, want flow.Transport) {
		t.Helper()
		require.Equal(t, want, event.ReadTransport([]byte(cell)), "%q", cell)
	}
	f("tcp", flow.TCP)
	f("TCP", flow.TCP)
	f(" tcp\t", flow.TCP)
	f("6", flow.TCP)
	f("tcp6", flow.TCP)

	f("udp", flow.NotTCP)
	f("UDP", flow.NotTCP)
	f("17", flow.NotTCP)
	f("icmp", flow.NotTCP)
	f("IPv6-ICMP", flow.NotTCP)
	f("1", flow.NotTCP)
	f("58", flow.NotTCP)
	f("gre", flow.NotTCP)
	f("sctp", flow.NotTCP)
	f(strings.Repeat(" ", 40)+"udp", flow.NotTCP)

	// What may be TCP is not ruled out.
	f("", flow.TransportUnknown)
	f("-", flow.TransportUnknown)
	f("unknown", flow.TransportUnknown)
	f("ip", flow.TransportUnknown)
	f("any", flow.TransportUnknown)
	f("0", flow.TransportUnknown)
	f("tls", flow.TransportUnknown)
	f("tcp/udp", flow.TransportUnknown)
	f("udpx", flow.TransportUnknown)
	f("udp"+strings.Repeat(" ", 20)+"x", flow.TransportUnknown)
	f("\xff", flow.TransportUnknown)
}

func TestIsBlock(t *testing.T) {
	f := func(cell string, want bool) {
		t.Helper()
		require.Equal(t, want, event.IsBlock([]byte(cell)), "%q", cell)
	}
	// CIM
	f("blocked", true)
	f("dropped", true)
	f("allowed", false)
	f("teardown", false)
	f("failure", false)
	// vendors
	f("Blocked", true)
	f("block-continue", true)
	f("deny", true)
	f("Denied", true)
	f("DROP", true)
	f("drop-packet", true)
	f("reset-both", true)
	f("reset-client", true)
	f("REJECT", true)
	f("sinkhole", true)
	f(" deny ", true)
	f(strings.Repeat(" ", 40)+"deny", true)
	f("allow", false)
	f("accept", false)
	f("client-rst", false) // the host ended it, not the firewall
	f("close", false)
	f("timeout", false)
	f("", false)
	f("-", false)
	f("Prevent", true)
	f("discard", true)
	f("Refused", true)
	f("D", true)
	f("Detect", false)
	f("den", true)
	f("de", false)
}

// stateOf reads the state of an event with these cells, name and value by turns.
func stateOf(cells ...string) flow.State {
	var e event.Event
	for i := 0; i < len(cells); i += 2 {
		e.Put([]byte(cells[i]), []byte(cells[i+1]))
	}
	var r event.Reader
	var f flow.Flow
	r.Read(&e, &f)
	return f.State
}

func TestConnState(t *testing.T) {
	f := func(cell string, want flow.State) {
		t.Helper()
		require.Equal(t, want, stateOf("conn_state", cell), "%q", cell)
	}
	f("S0", flow.Attempt)
	f(" REJ ", flow.Attempt)
	f("SH", flow.Attempt)
	f("RSTOS0", flow.Attempt)
	f("S1", flow.Established)
	f("S2", flow.Established)
	f("S3", flow.Established)
	f("SF", flow.Established)
	f("RSTO", flow.Established)
	f("RSTR", flow.Established)
	f("RSTRH", flow.StateUnknown)
	f("SHR", flow.StateUnknown)
	f("OTH", flow.StateUnknown)
	f("-", flow.StateUnknown)
	f("", flow.StateUnknown)
	f("s0", flow.StateUnknown)

	// Of a connection that Zeek met in its middle packets both ways tell an answer,
	// and nothing tells that there was none.
	require.Equal(t, flow.Established, stateOf("conn_state", "OTH", "orig_pkts", "22", "resp_pkts", "22", "resp_bytes", "0"))
	require.Equal(t, flow.StateUnknown, stateOf("conn_state", "OTH", "orig_pkts", "0", "resp_pkts", "22"))
	require.Equal(t, flow.StateUnknown, stateOf("conn_state", "OTH", "orig_pkts", "0", "resp_pkts", "0"))
	require.Equal(t, flow.Established, stateOf("conn_state", "OTH", "resp_bytes", "10"))
	require.Equal(t, flow.Blocked, stateOf("conn_state", "SF", "action", "deny"))
	require.Equal(t, flow.Established, stateOf("conn_state", "SHR", "resp_ip_bytes", "0", "resp_bytes", "56"), "of two counts of bytes the larger")
}

func TestStateOfCounts(t *testing.T) {
	f := func(packetsIn, packetsOut, bytesIn, bytesOut string, want flow.State) {
		t.Helper()
		cells := []string{"packets_in", packetsIn, "packets_out", packetsOut, "bytes_in", bytesIn, "bytes_out", bytesOut}
		require.Equal(t, want, stateOf(cells...))
		require.Equal(t, flow.Blocked, stateOf(append(cells, "action", "blocked")...), "the firewall's word comes first")
		if open := stateOf(append(cells, "event_type", "tls")...); want == flow.Attempt {
			require.Equal(t, flow.StateUnknown, open, "a flow that goes on may still be answered")
		} else {
			require.Equal(t, want, open)
		}
	}
	const no = "" // not known
	// Any answer.
	f("1", no, no, no, flow.Established)
	f(no, no, "1", no, flow.Established)
	f("5", "5", "0", "300", flow.Established)
	f("0", "3", "60", "180", flow.Established)
	// No packet back.
	f("0", no, no, no, flow.Attempt)
	f("0", "100", "0", "90000", flow.Attempt)
	// No byte back, and little sent.
	f(no, "3", "0", no, flow.Attempt)
	f(no, no, "0", "400", flow.Attempt)
	f(no, "3", "0", "9000", flow.Attempt)
	f(no, "4", "0", "400", flow.Attempt)
	f(no, "0", "0", "0", flow.Attempt)
	f(no, "4", "0", "401", flow.StateUnknown)
	f(no, "4", "0", no, flow.StateUnknown)
	f(no, no, "0", "401", flow.StateUnknown)
	f(no, no, "0", no, flow.StateUnknown)
	// What is not known is never an attempt.
	f(no, no, no, no, flow.StateUnknown)
	f(no, "1", no, "60", flow.StateUnknown)
	require.Equal(t, flow.StateUnknown, stateOf("subtype", "start", "pkts_received", "0", "pkts_sent", "1"))
	require.Equal(t, flow.StateUnknown, stateOf("action", "start", "rcvdpkt", "0", "sentpkt", "1"))
	require.Equal(t, flow.Attempt, stateOf("action", "timeout", "rcvdpkt", "0", "sentpkt", "1"))
}

// A FortiGate names the port of the translated source transport, beside its proto.
func TestTransportIsNoPort(t *testing.T) {
	for _, c := range []struct {
		transport, proto string
		want             flow.Transport
	}{
		{"50624", "17", flow.NotTCP}, {"50624", "6", flow.TCP}, {"0", "1", flow.NotTCP}, {"256", "6", flow.TCP},
		{"50624", "", flow.TransportUnknown}, {"17", "6", flow.NotTCP}, {"ip", "17", flow.TransportUnknown},
	} {
		var e event.Event
		var r event.Reader
		var f flow.Flow
		e.Put([]byte("transport"), []byte(c.transport))
		e.Put([]byte("proto"), []byte(c.proto))
		r.Read(&e, &f)
		require.Equal(t, c.want, f.Transport, "%+v", c)
	}
}

// The readers take any bytes, allocate nothing, and do not see case or blanks
// around.
func FuzzFirewall(f *testing.F) {
	for _, cell := range []string{"", "tor", "TLS.Tor", "tor2web", "Tor -- Client Request 5", "udp", "ipv6-icmp", "reset-both", "unknown", "d", "\xff"} {
		f.Add([]byte(cell))
	}
	f.Fuzz(func(t *testing.T, cell []byte) {
		pace.Hold(t, cell, func(cell []byte) {
			event.ReadLabel(cell)
			event.ReadTransport(cell)
			event.IsBlock(cell)
		})
		upper := make([]byte, 0, len(cell)+2)
		upper = append(upper, ' ')
		for _, c := range cell {
			if 'a' <= c && c <= 'z' {
				c -= 'a' - 'A'
			}
			upper = append(upper, c)
		}
		upper = append(upper, '\t')
		require.Equal(t, event.ReadLabel(cell), event.ReadLabel(upper))
		require.Equal(t, event.ReadTransport(cell), event.ReadTransport(upper))
		require.Equal(t, event.IsBlock(cell), event.IsBlock(upper))
	})
}

func TestReadersAllocateNothing(t *testing.T) {
	cells := [][]byte{[]byte("Tor -- Client Request 5"), []byte("TLS.Tor"), []byte("tor2web"), []byte(strings.Repeat("long ", 99)), []byte("UDP"), []byte("Reset-Both")}
	require.Zero(t, testing.AllocsPerRun(20, func() {
		for _, cell := range cells {
			event.ReadLabel(cell)
			event.ReadTransport(cell)
			event.IsBlock(cell)
		}
	}))
}
