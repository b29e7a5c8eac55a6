// Package hellos makes TLS ClientHellos and captures of packets that hold them.
//
//	in:   the text of a JA3, signatures, a server name     (hellos.TorBrowser has those of a build of tor)
//	out:  the bytes of such a ClientHello, in records of TLS or a datagram of DTLS;
//	      TCP segments with it as IP packets; a pcap or pcapng file of these
//
// It computes no fingerprint: whoever uses it holds what is read of the bytes against
// the text that they were made of. Nothing is taken from a capture.
package hellos

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"
)

// Hello is a ClientHello as fingerprints tell of it.
type Hello struct {
	Text       string   // what its JA3 is the hash of
	Signatures string   // in hex, with commas
	Name       string   // the server name, where the text has that extension
	ALPN       string   // with blanks between, the same
	Versions   []uint16 // that it supports, the same
	DTLS       bool
}

// TorBrowser is the hello of tor 0.4.9 with OpenSSL 3.5, as in Tor Browser 15.
var TorBrowser = Hello{
	Text:       "771,4865-4867-4866-49195-49199-52393-52392-49196-49200-49162-49161-49171-49172-156-157-47-53,65281-0-11-10-35-22-23-13-43-45-51,4588-4587-23-29-21,0-1-2",
	Signatures: "0905,0906,0904,0403,0503,0603,0807,0808,081a,081b,081c,0809,080a,080b,0804,0805,0806,0401,0501,0601,0303,0301,0302,0402,0502,0602",
	Name:       "www.cdxjgg3hvpu33.com",
	Versions:   []uint16{0x0304, 0x0303},
}

// Snowflake is the hello of the DTLS of snowflake-client 2.10.1.
var Snowflake = Hello{
	Text:       "65277,49195-49199-49162-49172-49196-49200,13-65281-10-11-14-23,29-23-24,0",
	Signatures: "0403,0503,0603,0401,0501,0601,0807",
	DTLS:       true,
}

// Their fingerprints, as they were measured.
const (
	TorBrowserJA3 = "9037f3da26d21e802a6c324394599f83"
	TorBrowserJA4 = "t13d171100_5b57614c22b0_8e6e362c5eac"
	SnowflakeJA3  = "644e04da8b16fde8ff910bb0042b4922"
	SnowflakeJA4  = "dd2i060600_b94582744588_4bbccbffe950"
)

// Ends of connections, and when packets begin.
var (
	Client  = netip.MustParseAddrPort("10.0.0.5:40000")
	Server  = netip.MustParseAddrPort("198.51.100.7:9001")
	Client6 = netip.MustParseAddrPort("[2001:db8::5]:40000")
	Server6 = netip.MustParseAddrPort("[2001:db8::7]:443")
	Began   = time.Date(2026, 11, 20, 11, 30, 0, 250_000_000, time.UTC)
)

// Extensions that have a content of their own here (IANA, TLS ExtensionType Values).
const (
	extServerName        = 0
	extGroups            = 10
	extFormats           = 11
	extSignatures        = 13
	extALPN              = 16
	extSupportedVersions = 43
	extKeyShare          = 51
)

// Numbers reads a list of numbers of a base.
func Numbers(text string, base int, separator string) (out []uint16) {
	for word := range strings.SplitSeq(text, separator) {
		if n, err := strconv.ParseUint(word, base, 16); err == nil {
			out = append(out, uint16(n))
		}
	}
	return out
}

// List writes numbers as they stand in a JA3's text.
func List(all []uint16) string {
	var words []string
	for _, n := range all {
		words = append(words, strconv.Itoa(int(n)))
	}
	return strings.Join(words, "-")
}

// list8 and list16 put a length before bytes.
func list8(b []byte) []byte  { return append([]byte{byte(len(b))}, b...) }
func list16(b []byte) []byte { return append(binary.BigEndian.AppendUint16(nil, uint16(len(b))), b...) }

func packed(all []uint16) (out []byte) {
	for _, n := range all {
		out = binary.BigEndian.AppendUint16(out, n)
	}
	return out
}

// Body makes the body of the ClientHello. Extensions whose content no fingerprint
// holds are empty, but for a key share as long as a post-quantum one.
func (h Hello) Body() []byte {
	parts := strings.Split(h.Text, ",")
	out := packed(Numbers(parts[0], 10, "-"))
	out = append(out, bytes.Repeat([]byte{7}, 32)...)        // random
	out = append(out, list8(bytes.Repeat([]byte{9}, 32))...) // session id
	if h.DTLS {
		out = append(out, list8([]byte("cookie"))...)
	}
	out = append(out, list16(packed(Numbers(parts[1], 10, "-")))...)
	out = append(out, 1, 0) // no compression
	var extensions []byte
	for _, kind := range Numbers(parts[2], 10, "-") {
		extensions = append(binary.BigEndian.AppendUint16(extensions, kind), list16(h.extension(kind, parts))...)
	}
	return append(out, list16(extensions)...)
}

func (h Hello) extension(kind uint16, parts []string) (data []byte) {
	switch kind {
	case extServerName:
		return list16(append([]byte{0}, list16([]byte(h.Name))...))
	case extGroups:
		return list16(packed(Numbers(parts[3], 10, "-")))
	case extFormats:
		for _, f := range Numbers(parts[4], 10, "-") {
			data = append(data, byte(f))
		}
		return list8(data)
	case extSignatures:
		return list16(packed(Numbers(h.Signatures, 16, ",")))
	case extALPN:
		for name := range strings.FieldsSeq(h.ALPN) {
			data = append(data, list8([]byte(name))...)
		}
		return list16(data)
	case extSupportedVersions:
		return list8(packed(h.Versions))
	case extKeyShare:
		return bytes.Repeat([]byte{3}, 1200)
	}
	return nil
}

// Records makes the records of TLS with the hello, none longer than most.
func (h Hello) Records(most int) (out []byte) {
	body := h.Body()
	message := append([]byte{1, byte(len(body) >> 16), byte(len(body) >> 8), byte(len(body))}, body...)
	for len(message) > 0 {
		n := min(most, len(message))
		out = append(append(out, 22, 3, 1), list16(message[:n])...)
		message = message[n:]
	}
	return out
}

// Datagram makes the datagram of DTLS with the hello.
func (h Hello) Datagram() []byte {
	body := h.Body()
	size := []byte{byte(len(body) >> 16), byte(len(body) >> 8), byte(len(body))}
	message := append(append([]byte{1}, size...), 0, 0, 0, 0, 0)
	message = append(append(message, size...), body...)
	return append([]byte{22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0}, list16(message)...)
}

// Segment is a TCP segment.
type Segment struct {
	Seq     uint32
	Payload []byte
	Flags   string // of S, F, R
}

// Packet makes the IP packet of a segment.
func (s Segment) Packet(from, to netip.AddrPort) []byte {
	return packet(from, to, layers.IPProtocolTCP, &layers.TCP{
		SrcPort: layers.TCPPort(from.Port()), DstPort: layers.TCPPort(to.Port()), Seq: s.Seq, ACK: true, Window: 64240, DataOffset: 5,
		SYN: strings.Contains(s.Flags, "S"), FIN: strings.Contains(s.Flags, "F"), RST: strings.Contains(s.Flags, "R"),
	}, s.Payload)
}

// Packets makes those of a client's segments to the server.
func Packets(all ...Segment) (out [][]byte) {
	for _, s := range all {
		out = append(out, s.Packet(Client, Server))
	}
	return out
}

// UDP makes the IP packet of a datagram.
func UDP(from, to netip.AddrPort, payload []byte) []byte {
	return packet(from, to, layers.IPProtocolUDP, &layers.UDP{SrcPort: layers.UDPPort(from.Port()), DstPort: layers.UDPPort(to.Port())}, payload)
}

func packet(from, to netip.AddrPort, protocol layers.IPProtocol, l gopacket.SerializableLayer, payload []byte) []byte {
	var network gopacket.SerializableLayer = &layers.IPv6{Version: 6, HopLimit: 64, NextHeader: protocol, SrcIP: from.Addr().AsSlice(), DstIP: to.Addr().AsSlice()}
	if from.Addr().Is4() {
		network = &layers.IPv4{Version: 4, TTL: 64, Protocol: protocol, SrcIP: from.Addr().AsSlice(), DstIP: to.Addr().AsSlice()}
	}
	b := gopacket.NewSerializeBuffer()
	must(gopacket.SerializeLayers(b, gopacket.SerializeOptions{FixLengths: true}, network, l, gopacket.Payload(payload)))
	return b.Bytes()
}

// Whole is a length to which no packet here is cut.
const Whole = 1 << 18

// Pcap writes packets of one link type, a millisecond apart, each cut to a length.
func Pcap(link layers.LinkType, cut int, packets ...[]byte) []byte {
	var b bytes.Buffer
	w := pcapgo.NewWriter(&b)
	must(w.WriteFileHeader(uint32(cut), link))
	for i, p := range packets {
		n := min(cut, len(p))
		must(w.WritePacket(gopacket.CaptureInfo{Timestamp: Began.Add(time.Duration(i) * time.Millisecond), CaptureLength: n, Length: len(p)}, p[:n]))
	}
	return b.Bytes()
}

// Pcapng writes packets, one of each interface in turn.
func Pcapng(links []layers.LinkType, packets ...[]byte) []byte {
	var b bytes.Buffer
	w, err := pcapgo.NewNgWriterInterface(&b, pcapgo.NgInterface{LinkType: links[0], SnapLength: Whole, Comment: "one"}, pcapgo.DefaultNgWriterOptions)
	must(err)
	for _, link := range links[1:] {
		_, err := w.AddInterface(pcapgo.NgInterface{LinkType: link, SnapLength: Whole})
		must(err)
	}
	for i, p := range packets {
		must(w.WritePacket(gopacket.CaptureInfo{Timestamp: Began, CaptureLength: len(p), Length: len(p), InterfaceIndex: i % len(links)}, p))
	}
	must(w.Flush())
	return b.Bytes()
}

// must stops a test whose input cannot be made.
func must(err error) {
	if err != nil {
		panic(err)
	}
}
