package main

import (
	"errors"
	"fmt"
	"io"
	"net/netip"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"
)

// connection is what a firewall knows of a flow when it ends.
type connection struct {
	src, dst    netip.AddrPort // who began it, and with whom
	proto       string
	first, last time.Time
	out, in     counted
	app         string // what the first bytes look like, in a firewall's words
	reset       bool
	closed      bool
}

// counted are packets, and their bytes from the IP header on.
type counted struct{ packets, bytes int }

func (c *counted) add(bytes int) { c.packets++; c.bytes += bytes }

// answered says whether both sides spoke.
func (c *connection) answered() bool { return c.in.packets > 0 && !(c.reset && c.in.packets == 1) }

// ends is a flow's key.
type ends struct {
	proto    string
	src, dst netip.AddrPort
}

// summed reads a capture and sums its packets up into flows, in the order in which they
// began. Who sends the first packet is the source: a SYN where there is one.
func summed(pcap io.Reader) ([]*connection, error) {
	r, err := pcapgo.NewReader(pcap)
	if err != nil {
		return nil, fmt.Errorf("read the capture: %w", err)
	}
	var all []*connection
	open := map[ends]*connection{}
	for {
		data, info, err := r.ReadPacketData()
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read the capture: %w", err)
		}
		p, ok := unpack(data)
		if !ok {
			continue
		}
		c, back := open[p.ends], false
		if c == nil {
			if c = open[ends{p.proto, p.dst, p.src}]; c != nil {
				back = true
			}
		}
		if c == nil || p.opens && c.closed {
			c, back = &connection{src: p.src, dst: p.dst, proto: p.proto, first: info.Timestamp}, false
			delete(open, ends{p.proto, p.dst, p.src})
			open[p.ends] = c
			all = append(all, c)
		}
		c.last = info.Timestamp
		if back {
			c.in.add(p.length)
		} else {
			c.out.add(p.length)
		}
		c.closed = c.closed || p.closes
		c.reset = c.reset || p.resets
		if c.app == "" && len(p.payload) > 0 {
			c.app = recognised(p)
		}
	}
}

// packet is what of a packet counts.
type packet struct {
	ends
	length                int
	opens, closes, resets bool
	payload               []byte
}

func unpack(data []byte) (packet, bool) {
	parsed := gopacket.NewPacket(data, layers.LayerTypeEthernet, gopacket.DecodeOptions{Lazy: true, NoCopy: true})
	var p packet
	var from, to netip.Addr
	ip, ok := parsed.Layer(layers.LayerTypeIPv4).(*layers.IPv4)
	if !ok {
		return p, false
	}
	from, _ = netip.AddrFromSlice(ip.SrcIP)
	to, _ = netip.AddrFromSlice(ip.DstIP)
	p.length = int(ip.Length)
	if p.length == 0 { // of a segment of 64 kB or more, not cut yet
		p.length = len(data) - 14
	}
	switch transport := parsed.TransportLayer().(type) {
	case *layers.TCP:
		p.ends = ends{"tcp", netip.AddrPortFrom(from, uint16(transport.SrcPort)), netip.AddrPortFrom(to, uint16(transport.DstPort))}
		p.opens, p.resets = transport.SYN && !transport.ACK, transport.RST
		p.closes, p.payload = transport.FIN || transport.RST, transport.Payload
	case *layers.UDP:
		p.ends = ends{"udp", netip.AddrPortFrom(from, uint16(transport.SrcPort)), netip.AddrPortFrom(to, uint16(transport.DstPort))}
		p.payload = transport.Payload
	default:
		return p, false
	}
	return p, true
}

// recognised is what a simple firewall calls a flow by its first bytes. It knows no
// Tor.
func recognised(p packet) string {
	switch text := string(p.payload[:min(4, len(p.payload))]); {
	case p.proto == "udp" && (p.dst.Port() == 53 || p.src.Port() == 53):
		return "dns"
	case p.proto == "udp":
		return "unknown-udp"
	case text[0] == 0x16 && len(p.payload) > 2 && p.payload[1] == 3: // a handshake record of TLS
		return "ssl"
	case text == "GET " || text == "POST":
		return "web-browsing"
	case text == "SSH-":
		return "ssh"
	}
	return "unknown-tcp"
}
