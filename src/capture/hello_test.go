package capture

import (
	"bytes"
	"net/netip"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/gopacket/gopacket/layers"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"tordetect/tests/hellos"
	"tordetect/tests/pace"
)

func itoa(n uint16) string { return strconv.Itoa(int(n)) }

func netipPort(a netip.AddrPort, port uint16) netip.AddrPort {
	return netip.AddrPortFrom(a.Addr(), port)
}

// ja4Of is the JA4 of a hellos.Hello.
func ja4Of(t *testing.T, s hellos.Hello) (hashed, raw string) {
	t.Helper()
	var h clientHello
	require.True(t, h.read(s.Body(), s.DTLS))
	return h.ja4()
}

// The first part of a JA4, and what has no lists.
func TestJA4(t *testing.T) {
	f := func(change func(*hellos.Hello), want string) {
		t.Helper()
		s := hellos.TorBrowser
		change(&s)
		hashed, _ := ja4Of(t, s)
		require.Regexp(t, "^"+want, hashed)
	}
	f(func(*hellos.Hello) {}, hellos.TorBrowserJA4)
	f(func(s *hellos.Hello) { s.Versions = []uint16{0x8a8a, 0x0303, 0x0304} }, "t13d1711")
	f(func(s *hellos.Hello) { s.Versions = []uint16{0x0303} }, "t12d1711")
	f(func(s *hellos.Hello) { s.Versions = nil }, "t12d1711")
	f(func(s *hellos.Hello) { s.Versions = []uint16{0x7f1c} }, "t00d1711") // a draft
	f(func(s *hellos.Hello) { s.Text = "769,47-53,10-11,23,0" }, "t10i020200_")
	f(func(s *hellos.Hello) { s.Text = "771,47-2570-53,0-10-11-64250,23,0" }, "t12d020300_")
	f(func(s *hellos.Hello) { s.Text = "771,47,0,," }, "t12d010100_[0-9a-f]{12}_000000000000$")
	f(func(s *hellos.Hello) { s.Text = "771,2570,," + "," }, "t12i000000_000000000000_000000000000$")
	f(func(s *hellos.Hello) { s.Text = "771,47,0-16,,"; s.ALPN = "http/1.1" }, "t12d0102h1_")
	f(func(s *hellos.Hello) { s.Text = "771,47,0-16,,"; s.ALPN = "" }, "t12d010200_")
	f(func(s *hellos.Hello) { s.Text = "771,47,0-2586-2570,," }, "t12d010200_") // 0a1a is no GREASE
	many := strings.Repeat("47-", 149) + "47"
	f(func(s *hellos.Hello) { s.Text = "771," + many + ",0,," }, "t12d990100_")
	f(func(s *hellos.Hello) { s.Text, s.DTLS = "65277,47,43,,", true; s.Versions = []uint16{0xfefc, 0xfefd} }, "dd3i010100_")
	f(func(s *hellos.Hello) { s.Text, s.DTLS = "65279,47,10,23,", true }, "dd1i010100_")
}

// A message that is longer than itself, or not to its end, is no hello.
func TestNoHello(t *testing.T) {
	body := hellos.TorBrowser.Body()
	for n := range body {
		var h clientHello
		if h.read(body[:n], false) { // without extensions it may be one
			require.Empty(t, h.extensions, n)
		}
	}
	const one = "\x00\x00\x02\x13\x01\x01\x00" // one cipher
	begin := "\x03\x03" + strings.Repeat("x", 32)
	for _, bad := range []string{"", "\x03\x03", begin + "\x00\x00\x00\x01\x00", begin + one + "\x00\x07\x00\x00\x00\x03\x00\x01\x00", begin + one + "\x00\x05\x00\x00\x00\x01\x00"} {
		var h clientHello
		require.False(t, h.read([]byte(bad), false), "%q", bad)
	}
	var h clientHello
	require.True(t, h.read([]byte(begin+one+"\x00\x04\x00\x00\x00\x00"), false), "a server name without anything in it")
}

// However a hello is cut into records and segments, and in whichever order these
// come, it is the same one, once; what is behind it does not matter.
func TestAnyCut(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		b := append(hellos.TorBrowser.Records(rapid.IntRange(1, 2000).Draw(r, "record")), "what follows"...)
		base := rapid.Uint32().Draw(r, "sequence number")
		var all []hellos.Segment
		for at := 0; at < len(b); {
			n := min(len(b)-at, rapid.IntRange(100, 1500).Draw(r, "segment"))
			from := max(0, at-rapid.IntRange(0, 50).Draw(r, "sent again"))
			all = append(all, seg(base+1+uint32(from), b[from:at+n], ""))
			at += n
		}
		all = rapid.Permutation(all).Draw(r, "order")
		got, s := read(t, hellos.Pcap(layers.LinkTypeRaw, hellos.Whole, hellos.Packets(append([]hellos.Segment{seg(base, nil, "S"), seg(base, nil, "S")}, all...)...)...))
		require.Len(t, got, 1)
		require.Equal(t, hellos.TorBrowserJA3, got[0].JA3)
		require.Zero(t, s.Partial+s.Broken)
	})
}

// A hello without a SYN before it, behind other talk, and twice on the same ports.
func TestBegins(t *testing.T) {
	b := hellos.TorBrowser.Records(1 << 14)
	f := func(whole, partial int, all ...hellos.Segment) {
		t.Helper()
		got, s := read(t, hellos.Pcap(layers.LinkTypeRaw, hellos.Whole, hellos.Packets(all...)...))
		require.Len(t, got, whole)
		require.Equal(t, int64(partial), s.Partial)
	}
	f(1, 0, seg(5, b, ""))
	f(1, 0, seg(5, b[:700], ""), seg(705, b[700:], ""))
	f(1, 0, seg(5, nil, "S"), seg(6, []byte("EHLO\r\n"), ""), seg(12, []byte("STARTTLS\r\n"), ""), seg(22, b, ""))
	f(1, 0, seg(5, nil, "S"), seg(6, []byte("CONNECT 198.51.100.7:9001 HTTP/1.1\r\n\r\n"), ""), seg(44, b[:900], ""), seg(944, b[900:], ""))
	f(2, 0, seg(5, nil, "S"), seg(6, b, ""), seg(9000, nil, "S"), seg(9001, b, ""))
	f(0, 1, seg(5, nil, "S"), seg(6, b[:700], ""))
	f(0, 1, seg(5, nil, "S"), seg(6, b[:700], "F"), seg(706, b[700:], ""))
	f(0, 1, seg(5, nil, "S"), seg(6, b[:700], ""), seg(9000, nil, "S"))
	f(0, 0, seg(5, nil, "S"), seg(6, []byte("GET / HTTP/1.1\r\n\r\n"), ""))
	f(0, 0, seg(5, nil, "S"))
	f(1, 0, seg(5, nil, "S"), seg(6, b[:700], ""), seg(5, nil, "S"), seg(706, b[700:], "")) // a SYN sent again loses nothing
	f(0, 0, seg(5, []byte{22, 3, 1, 0, 4, 2, 0, 0, 0}, ""))                                 // a ServerHello
	f(0, 0, seg(5, []byte{22, 3, 1, 0x42, 0, 1, 0, 0, 4}, ""))                              // a record longer than any
	f(0, 0, seg(5, nil, "S"), seg(6, []byte{22, 3, 1, 0, 0, 1}, ""))                        // an empty one
	f(0, 1, seg(5, []byte{22, 3, 1, 0, 4, 1, 1, 0, 1}, ""))                                 // longer than any that is read
	f(0, 1, seg(5, nil, "S"), seg(6, []byte{22, 3, 1, 0, 4, 1, 1}, ""), seg(13, []byte{0, 1}, "F"), seg(15, []byte("more"), ""))
	f(1, 1, seg(5, []byte{22, 3, 1, 0, 4, 1, 1, 0, 1}, ""), seg(9000, b, ""))
}

// A packet that the capture cut short leaves a hole: no hello, and it is counted.
func TestCutPackets(t *testing.T) {
	got, s := read(t, hellos.Pcap(layers.LinkTypeRaw, 600, hellos.Packets(seg(5, nil, "S"), seg(6, hellos.TorBrowser.Records(1<<14), ""))...))
	require.Empty(t, got)
	require.Equal(t, Summary{Packets: 2, Partial: 1}, s)
}

// What calls itself a hello and is none, read to its end.
func TestBroken(t *testing.T) {
	got, s := read(t, hellos.Pcap(layers.LinkTypeRaw, hellos.Whole, hellos.Packets(seg(6, append([]byte{22, 3, 1, 0, 8, 1, 0, 0, 4}, "none"...), ""))...))
	require.Empty(t, got)
	require.Equal(t, Summary{Packets: 1, Broken: 1}, s)
}

// Connections that never say a hello, and such as send a piece of one, are forgotten.
func TestManyConnections(t *testing.T) {
	var s streams
	piece := hellos.TorBrowser.Records(1 << 14)[:1200]
	for i := range 2 * maxStreams {
		k := key{netipPort(hellos.Client, uint16(i)), netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 1, byte(i >> 16), byte(i >> 8)}), uint16(i))}
		require.Nil(t, s.segment(k, &layers.TCP{Seq: 1, SYN: true}))
		tcp := &layers.TCP{Seq: 2}
		tcp.Payload = piece
		require.Nil(t, s.segment(k, tcp))
		far := &layers.TCP{Seq: 9000}
		far.Payload = piece
		if i%20 == 0 {
			for range i % 80 {
				s.segment(k, far)
			}
		}
		require.LessOrEqual(t, len(s.of), maxStreams+1)
		require.LessOrEqual(t, len(s.line), 3*maxStreams)
		require.LessOrEqual(t, s.held, maxHeld+maxHello*2)
	}
	require.Positive(t, s.takeLost())
	runtime.GC()
	s.close()
	require.Zero(t, s.held)
	require.Empty(t, s.of)
}

// What came before its turn is bounded for each stream and for all.
func TestAhead(t *testing.T) {
	tcp := func(seq uint32, payload []byte) *layers.TCP {
		l := &layers.TCP{Seq: seq}
		l.Payload = payload
		return l
	}
	var s streams
	b := hellos.TorBrowser.Records(1 << 14)
	for _, most := range []int{maxAhead, maxAhead + 1} {
		k := key{netipPort(hellos.Client, uint16(most)), hellos.Server}
		s.segment(k, &layers.TCP{Seq: 1, SYN: true})
		for i := range most {
			s.segment(k, tcp(3+uint32(i), b[1:3]))
		}
		require.Equal(t, most <= maxAhead, s.of[k] != nil)
	}
	piece := make([]byte, 60<<10)
	for i := range 2 * maxHeld / len(piece) {
		k := key{netipPort(hellos.Client6, uint16(i)), hellos.Server6}
		s.segment(k, &layers.TCP{Seq: 1, SYN: true})
		s.segment(k, tcp(9, piece))
		require.LessOrEqual(t, s.held, maxHeld+len(piece))
	}
}

var (
	ja3Form = regexp.MustCompile(`^[0-9a-f]{32}$`)
	ja4Form = regexp.MustCompile(`^[td](1[0-3]|s[23]|d[123]|00)[di][0-9]{4}[0-9A-Za-z]{2}_[0-9a-f]{12}_[0-9a-f]{12}$`)
)

// Any bytes are a hello or none, and a hello has fingerprints of the right form, the
// same for the same bytes.
func FuzzClientHello(f *testing.F) {
	for _, s := range []hellos.Hello{hellos.TorBrowser, {Text: "771,47,0-16,,", ALPN: "h2", Name: "x"}, {Text: "65277,47,43,,", DTLS: true}} {
		f.Add(s.Body(), s.DTLS)
	}
	f.Add([]byte{}, false)
	f.Fuzz(func(t *testing.T, body []byte, dtls bool) {
		pace.Hold(t, body, func(body []byte) {
			var h clientHello
			if h.read(body, dtls) {
				h.ja3()
				h.ja4()
			}
		})
		before := bytes.Clone(body)
		var h, again clientHello
		ok := h.read(body, dtls)
		require.Equal(t, before, body)
		if !ok {
			return
		}
		hash, text := h.ja3()
		hashed, raw := h.ja4()
		require.Regexp(t, ja3Form, hash)
		require.Regexp(t, ja4Form, hashed)
		require.Equal(t, 4, strings.Count(text, ","))
		require.Equal(t, hashed[:11], raw[:11])
		require.LessOrEqual(t, len(h.name), len(body))
		require.True(t, again.read(body, dtls))
		hash2, _ := again.ja3()
		require.Equal(t, hash, hash2)
	})
}

// A stream gives back the hello's own bytes, or none, whatever it is made of.
func FuzzStream(f *testing.F) {
	f.Add(hellos.TorBrowser.Records(1<<14), uint16(5))
	f.Add(hellos.TorBrowser.Records(40), uint16(900))
	f.Add([]byte{22, 3, 1}, uint16(1))
	f.Fuzz(func(t *testing.T, b []byte, at uint16) {
		var a assembly
		a.feed(b)
		var whole []byte
		if a.state == complete {
			whole = a.body()
		}
		var s streams
		k := key{hellos.Client, hellos.Server}
		cut := min(int(at), len(b))
		require.Nil(t, s.segment(k, &layers.TCP{Seq: 1, SYN: true}))
		tcp := func(seq uint32, payload []byte) *layers.TCP {
			l := &layers.TCP{Seq: seq}
			l.Payload = payload
			return l
		}
		first := s.segment(k, tcp(2+uint32(cut), b[cut:]))
		second := s.segment(k, tcp(2, b[:cut]))
		if a.state == complete && cut > 0 && first == nil {
			require.Equal(t, whole, second)
		}
		s.close()
		require.Zero(t, s.held)
	})
}
