package detect_test

import (
	"strings"
	"testing"

	"tordetect/src/flow"

	"github.com/stretchr/testify/require"

	"tordetect/src/detect"
)

func TestReadLabel(t *testing.T) {
	f := func(cell string, want flow.Label) {
		t.Helper()
		require.Equal(t, want, detect.ReadLabel([]byte(cell)), "%q", cell)
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
	for _, s := range detect.Spellings() {
		require.NotEmpty(t, s.Product)
		require.NotEmpty(t, s.Source, s.Text)
		require.False(t, seen[s.Product+s.Text], "%s %s twice", s.Product, s.Text)
		seen[s.Product+s.Text] = true
		for _, text := range []string{s.Text, strings.ToUpper(s.Text), strings.ToLower(s.Text), "  " + s.Text + "\t"} {
			require.Equal(t, s.Label, detect.ReadLabel([]byte(text)), "%s: %q", s.Product, text)
		}
		// The same letters inside of a word are not Tor.
		require.Equal(t, flow.LabelOther, detect.ReadLabel([]byte("x"+s.Text+"rent")), "%q", s.Text)
	}
	require.Greater(t, len(seen), 10)
}

func TestReadTransport(t *testing.T) {
	f := func(cell string, want flow.Transport) {
		t.Helper()
		require.Equal(t, want, detect.ReadTransport([]byte(cell)), "%q", cell)
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
		require.Equal(t, want, detect.IsBlock([]byte(cell)), "%q", cell)
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
	f("den", true)
	f("de", false)
}

func TestReadConnState(t *testing.T) {
	f := func(cell string, want flow.State) {
		t.Helper()
		require.Equal(t, want, detect.ReadConnState([]byte(cell)), "%q", cell)
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
}

func TestStateOf(t *testing.T) {
	f := func(blocked bool, packetsIn, packetsOut, bytesIn, bytesOut int64, want flow.State) {
		t.Helper()
		got := detect.StateOf(blocked, detect.Counts{PacketsIn: packetsIn, PacketsOut: packetsOut, BytesIn: bytesIn, BytesOut: bytesOut})
		require.Equal(t, want, got)
	}
	const no = -1 // not known
	// The firewall's word comes first.
	f(true, no, no, no, no, flow.Blocked)
	f(true, 9, 9, 9000, 900, flow.Blocked)
	// Any answer.
	f(false, 1, no, no, no, flow.Established)
	f(false, no, no, 1, no, flow.Established)
	f(false, 5, 5, 0, 300, flow.Established)
	f(false, 0, 3, 60, 180, flow.Established)
	// No packet back.
	f(false, 0, no, no, no, flow.Attempt)
	f(false, 0, 100, 0, 90000, flow.Attempt)
	// No byte back, and little sent.
	f(false, no, 3, 0, no, flow.Attempt)
	f(false, no, no, 0, 400, flow.Attempt)
	f(false, no, 3, 0, 9000, flow.Attempt)
	f(false, no, 4, 0, 400, flow.Attempt)
	f(false, no, 0, 0, 0, flow.Attempt)
	f(false, no, 4, 0, 401, flow.StateUnknown)
	f(false, no, 4, 0, no, flow.StateUnknown)
	f(false, no, no, 0, 401, flow.StateUnknown)
	f(false, no, no, 0, no, flow.StateUnknown)
	// What is not known is never an attempt.
	f(false, no, no, no, no, flow.StateUnknown)
	f(false, no, 1, no, 60, flow.StateUnknown)
}

func TestEmpty(t *testing.T) {
	f := func(cell string, want bool) {
		t.Helper()
		require.Equal(t, want, detect.Empty([]byte(cell)), "%q", cell)
	}
	f("", true)
	f("null", true)
	f("unknown", true)
	f("-", true)
	f("0", false)
	f("--", false)
	f("nullx", false)
}

// The readers take any bytes, allocate nothing, and do not see case or blanks
// around.
func FuzzFirewall(f *testing.F) {
	for _, cell := range []string{"", "tor", "TLS.Tor", "tor2web", "Tor -- Client Request 5", "udp", "ipv6-icmp", "reset-both", "unknown", "\xff"} {
		f.Add([]byte(cell))
	}
	f.Fuzz(func(t *testing.T, cell []byte) {
		upper := make([]byte, 0, len(cell)+2)
		upper = append(upper, ' ')
		for _, c := range cell {
			if 'a' <= c && c <= 'z' {
				c -= 'a' - 'A'
			}
			upper = append(upper, c)
		}
		upper = append(upper, '\t')
		require.Equal(t, detect.ReadLabel(cell), detect.ReadLabel(upper))
		require.Equal(t, detect.ReadTransport(cell), detect.ReadTransport(upper))
		require.Equal(t, detect.IsBlock(cell), detect.IsBlock(upper))
	})
}

func TestReadersAllocateNothing(t *testing.T) {
	cells := [][]byte{[]byte("Tor -- Client Request 5"), []byte("TLS.Tor"), []byte("tor2web"), []byte(strings.Repeat("long ", 99)), []byte("UDP"), []byte("Reset-Both")}
	require.Zero(t, testing.AllocsPerRun(20, func() {
		for _, cell := range cells {
			detect.ReadLabel(cell)
			detect.ReadTransport(cell)
			detect.IsBlock(cell)
		}
	}))
}
