package detect_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"tordetect/src/detect"
)

func TestReadLabel(t *testing.T) {
	f := func(cell string, want detect.Label) {
		t.Helper()
		require.Equal(t, want, detect.ReadLabel([]byte(cell)), "%q", cell)
	}
	// Tor, as vendors spell it.
	f("tor", detect.LabelTor)
	f("Tor", detect.LabelTor)
	f("TOR", detect.LabelTor)
	f(" tor ", detect.LabelTor)
	f(strings.Repeat(" ", 100)+"tor", detect.LabelTor)
	f("Tor.Client", detect.LabelTor)
	f("Tor.Web.Proxy", detect.LabelTor)
	f("Tor -- Client Request 5", detect.LabelTor)
	f("TLS.Tor", detect.LabelTor)
	f("tls.tor", detect.LabelTor)
	f("TLS.TLS.Tor", detect.LabelTor)
	f(strings.Repeat("x", 100)+".Tor", detect.LabelTor)
	f("tor_bridge", detect.LabelTor)
	f("tor_exit", detect.LabelTor)
	f("tor-relay", detect.LabelTor)
	f("tor\x00", detect.LabelTor)
	f("tor\xff", detect.LabelTor)

	f("Junos:Tor", detect.LabelTor)
	f("Proxies >  tor ", detect.LabelTor)
	f("a/b.c:TOR-12", detect.LabelTor)
	f("app:tor2web", detect.LabelTor2web)

	// A gateway.
	f("tor2web", detect.LabelTor2web)
	f("Tor2Web", detect.LabelTor2web)
	f("tor2web-base", detect.LabelTor2web)
	f("HTTP.tor2web", detect.LabelTor2web)

	// Something else.
	f("torrent", detect.LabelOther)
	f("bittorrent", detect.LabelOther)
	f("TorGuard", detect.LabelOther)
	f("tor2", detect.LabelOther)
	f("TLS.Tor-", detect.LabelOther)
	f("TLS.Tor-x", detect.LabelOther)
	f("TLS.Tor Guard", detect.LabelOther)
	f("store", detect.LabelOther)
	f("app:store", detect.LabelOther)
	f("Google Play Store", detect.LabelOther)
	f("storage/vector", detect.LabelOther)
	f("navigator", detect.LabelOther)
	f("Torrentz > HTTP", detect.LabelOther)
	f("anti-tor", detect.LabelOther)
	f("tor.", detect.LabelTor)
	f(".tor", detect.LabelTor)
	f("tor2we", detect.LabelOther)
	f("web-tor", detect.LabelOther)
	f("monitor", detect.LabelOther)
	f("TLS.Torrent", detect.LabelOther)
	f("TLS.Monitor", detect.LabelOther)
	f(strings.Repeat("x", 60)+".torrent", detect.LabelOther)
	f("to", detect.LabelOther)
	f(".", detect.LabelOther)
	f("ssl", detect.LabelOther)
	f("unknown-tcp", detect.LabelOther)
	f("incomplete", detect.LabelOther)
	f("\xff\xfe", detect.LabelOther)
	f("null tor", detect.LabelOther)

	// No value.
	f("", detect.LabelNone)
	f("   ", detect.LabelNone)
	f("-", detect.LabelNone)
	f("null", detect.LabelNone)
	f("NULL", detect.LabelNone)
	f("unknown", detect.LabelNone)
	f(" Unknown\t", detect.LabelNone)
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
		require.Equal(t, detect.LabelOther, detect.ReadLabel([]byte("x"+s.Text+"rent")), "%q", s.Text)
	}
	require.Greater(t, len(seen), 10)
}

func TestReadTransport(t *testing.T) {
	f := func(cell string, want detect.Transport) {
		t.Helper()
		require.Equal(t, want, detect.ReadTransport([]byte(cell)), "%q", cell)
	}
	f("tcp", detect.TCP)
	f("TCP", detect.TCP)
	f(" tcp\t", detect.TCP)
	f("6", detect.TCP)
	f("tcp6", detect.TCP)

	f("udp", detect.NotTCP)
	f("UDP", detect.NotTCP)
	f("17", detect.NotTCP)
	f("icmp", detect.NotTCP)
	f("IPv6-ICMP", detect.NotTCP)
	f("1", detect.NotTCP)
	f("58", detect.NotTCP)
	f("gre", detect.NotTCP)
	f("sctp", detect.NotTCP)
	f(strings.Repeat(" ", 40)+"udp", detect.NotTCP)

	// What may be TCP is not ruled out.
	f("", detect.TransportUnknown)
	f("-", detect.TransportUnknown)
	f("unknown", detect.TransportUnknown)
	f("ip", detect.TransportUnknown)
	f("any", detect.TransportUnknown)
	f("0", detect.TransportUnknown)
	f("tls", detect.TransportUnknown)
	f("tcp/udp", detect.TransportUnknown)
	f("udpx", detect.TransportUnknown)
	f("udp"+strings.Repeat(" ", 20)+"x", detect.TransportUnknown)
	f("\xff", detect.TransportUnknown)
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
	f := func(cell string, want detect.State) {
		t.Helper()
		require.Equal(t, want, detect.ReadConnState([]byte(cell)), "%q", cell)
	}
	f("S0", detect.Attempt)
	f(" REJ ", detect.Attempt)
	f("SH", detect.Attempt)
	f("RSTOS0", detect.Attempt)
	f("S1", detect.Established)
	f("S2", detect.Established)
	f("S3", detect.Established)
	f("SF", detect.Established)
	f("RSTO", detect.Established)
	f("RSTR", detect.Established)
	f("RSTRH", detect.StateUnknown)
	f("SHR", detect.StateUnknown)
	f("OTH", detect.StateUnknown)
	f("-", detect.StateUnknown)
	f("", detect.StateUnknown)
	f("s0", detect.StateUnknown)
}

func TestStateOf(t *testing.T) {
	f := func(blocked bool, packetsIn, packetsOut, bytesIn, bytesOut int64, want detect.State) {
		t.Helper()
		got := detect.StateOf(blocked, detect.Counts{PacketsIn: packetsIn, PacketsOut: packetsOut, BytesIn: bytesIn, BytesOut: bytesOut})
		require.Equal(t, want, got)
	}
	const no = -1 // not known
	// The firewall's word comes first.
	f(true, no, no, no, no, detect.Blocked)
	f(true, 9, 9, 9000, 900, detect.Blocked)
	// Any answer.
	f(false, 1, no, no, no, detect.Established)
	f(false, no, no, 1, no, detect.Established)
	f(false, 5, 5, 0, 300, detect.Established)
	f(false, 0, 3, 60, 180, detect.Established)
	// No packet back.
	f(false, 0, no, no, no, detect.Attempt)
	f(false, 0, 100, 0, 90000, detect.Attempt)
	// No byte back, and little sent.
	f(false, no, 3, 0, no, detect.Attempt)
	f(false, no, no, 0, 400, detect.Attempt)
	f(false, no, 3, 0, 9000, detect.Attempt)
	f(false, no, 4, 0, 400, detect.Attempt)
	f(false, no, 0, 0, 0, detect.Attempt)
	f(false, no, 4, 0, 401, detect.StateUnknown)
	f(false, no, 4, 0, no, detect.StateUnknown)
	f(false, no, no, 0, 401, detect.StateUnknown)
	f(false, no, no, 0, no, detect.StateUnknown)
	// What is not known is never an attempt.
	f(false, no, no, no, no, detect.StateUnknown)
	f(false, no, 1, no, 60, detect.StateUnknown)
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
