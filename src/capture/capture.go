// Package capture finds the TLS ClientHellos in a packet capture and says how they
// look: what a sensor would have logged of them.
//
//	in:   a pcap or pcapng file, plain or gzip, with
//	      10.0.0.5:40000 > 198.51.100.7:9001  [SYN], 16 03 01 02 00 01 ... over two segments
//	out:  10.0.0.5:40000 -> 198.51.100.7:9001, name www.cdxjgg3hvpu33.com,
//	      JA3 5e6627dc19afa982e6b46b97808cb718, JA4 t13d181100_796efca44d18_d41ae481755e,
//	      and the texts that the two are hashes of
//
// From top to bottom: this file reads packets and hands on hellos; file.go keeps a
// hostile file within bounds; stream.go puts segments in order; hello.go reads a
// ClientHello, print.go makes its fingerprints.
//
// Whose hello it is, package tlsname knows. Read are TCP, and DTLS over UDP where the
// hello is in one piece, over IPv4 and IPv6 on Ethernet (with VLANs), raw IP, Linux's
// cooked captures and loopback. Not read: IP fragments, QUIC, hellos of SSL 2 and such of
// more than 64 KB.
package capture

import (
	"errors"
	"fmt"
	"io"
	"net/netip"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
)

// Hello is a ClientHello in a capture.
type Hello struct {
	Time                time.Time // of the packet that completes it
	Source, Destination netip.AddrPort
	DTLS                bool
	Name                string // the server name, as it stands there; empty without one
	JA3, JA3Text        string // the text is what the JA3 is the hash of
	JA4, JA4Raw         string
}

// Summary counts what was in a capture.
type Summary struct {
	Packets int64
	Unread  int64 // packets that cannot be read as far as TCP or UDP: of a link type or protocol that is not known, with a cut or broken header, or IP fragments
	Hellos  int64
	Partial int64 // hellos of which a part is missing: packets cut short, lost, or fragments of DTLS; and those that are longer than is read
	Broken  int64 // hellos that are none, read to their end
}

// Read reads a capture to its end and hands on each hello in the order in which they
// were complete. An error of found ends it. What was read before an error counts.
func Read(r io.Reader, found func(*Hello) error) (Summary, error) {
	var s Summary
	in, err := open(r)
	if err != nil {
		return s, err
	}
	c := &reading{summary: &s, found: found}
	for {
		data, info, link, err := in.next()
		if errors.Is(err, io.EOF) {
			s.Partial += c.streams.close()
			return s, nil
		}
		if err != nil {
			return s, fmt.Errorf("read packet %d of the capture: %w", s.Packets+1, err)
		}
		s.Packets++
		if err := c.packet(data, link, info.Timestamp); err != nil {
			return s, err
		}
		s.Partial += c.streams.takeLost()
	}
}

// reading is a capture while it is read.
type reading struct {
	summary *Summary
	found   func(*Hello) error
	streams streams
}

// packet reads one packet. The library recovers from its own panics.
func (c *reading) packet(data []byte, link layers.LinkType, at time.Time) error {
	p := gopacket.NewPacket(data, link, gopacket.DecodeOptions{Lazy: true, NoCopy: true})
	transport := p.TransportLayer()
	network := p.NetworkLayer()
	if transport == nil || network == nil { // ARP is read and has neither
		if p.ErrorLayer() != nil || p.Layer(gopacket.LayerTypeFragment) != nil {
			c.summary.Unread++
		}
		return nil
	}
	source, ok1 := netip.AddrFromSlice(network.NetworkFlow().Src().Raw())
	destination, ok2 := netip.AddrFromSlice(network.NetworkFlow().Dst().Raw())
	if !ok1 || !ok2 {
		return nil
	}
	switch t := transport.(type) {
	case *layers.TCP:
		if p.ErrorLayer() != nil {
			c.summary.Unread++
		}
		k := key{netip.AddrPortFrom(source, uint16(t.SrcPort)), netip.AddrPortFrom(destination, uint16(t.DstPort))}
		if message := c.streams.segment(k, t); message != nil {
			return c.hello(k, message, false, at)
		}
	case *layers.UDP:
		if len(t.Contents) == 0 { // what is wrong behind it does not matter
			c.summary.Unread++
		}
		k := key{netip.AddrPortFrom(source, uint16(t.SrcPort)), netip.AddrPortFrom(destination, uint16(t.DstPort))}
		switch body, state := datagram(t.Payload); state {
		case complete:
			return c.hello(k, body, true, at)
		case partial:
			c.summary.Partial++
		}
	}
	return nil
}

// hello hands on a message that calls itself a ClientHello, if it is one.
func (c *reading) hello(k key, body []byte, dtls bool, at time.Time) error {
	var h clientHello
	if !h.read(body, dtls) {
		c.summary.Broken++
		return nil
	}
	c.summary.Hellos++
	out := &Hello{Time: at, Source: k.source, Destination: k.destination, DTLS: dtls, Name: h.name}
	out.JA3, out.JA3Text = h.ja3()
	out.JA4, out.JA4Raw = h.ja4()
	return c.found(out)
}
