package capture

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"
)

// Limits of a file.
const (
	maxPacket     = 256 << 10 // libpcap's largest
	maxBlock      = 1 << 20   // of pcapng: a packet and its options
	maxInterfaces = 4096      // of pcapng: of each something is kept
)

// packets is a capture of either kind, opened.
type packets struct {
	pcap *pcapgo.Reader
	ng   *pcapgo.NgReader
}

// errCut is a file that ends inside of a packet or block, or of its gzip. The library
// tells some of these ends from that of a whole file, and others not.
var errCut = errors.New("the file ends too soon: it was cut short")

var magicNG = []byte{0x0a, 0x0d, 0x0d, 0x0a}

// open finds out what a file is.
func open(r io.Reader) (*packets, error) {
	in := bufio.NewReader(r)
	head, err := in.Peek(4)
	if len(head) == 0 && err != io.EOF {
		return nil, fmt.Errorf("open the capture: %w", err)
	}
	if bytes.HasPrefix(head, []byte{0x1f, 0x8b}) {
		z, err := gzip.NewReader(in)
		if err != nil {
			return nil, fmt.Errorf("open the capture, which begins like a gzip file: %w", err)
		}
		in = bufio.NewReader(z)
		head, err = in.Peek(4)
		if len(head) == 0 && err != io.EOF {
			return nil, fmt.Errorf("open the capture, which begins like a gzip file: %w", cut(err))
		}
	}
	switch {
	case len(head) == 0:
		return nil, errors.New("open the capture: it is empty")
	case bytes.HasPrefix(head, []byte{0x1f, 0x8b}):
		return nil, errors.New("open the capture: it is compressed twice; unpack it once")
	case bytes.Equal(head, magicNG):
		ng, err := pcapgo.NewNgReader(&blocks{in: in}, pcapgo.NgReaderOptions{WantMixedLinkType: true, SkipUnknownVersion: true})
		if err != nil {
			return nil, fmt.Errorf("open the capture, which begins like pcapng: %w", unexpected(err))
		}
		return &packets{ng: ng}, nil
	}
	pcap, err := pcapgo.NewReader(in)
	if err != nil {
		return nil, fmt.Errorf("open the capture: want pcap or pcapng, plain or gzip: %w", unexpected(err))
	}
	pcap.SetSnaplen(min(pcap.Snaplen(), maxPacket))
	return &packets{pcap: pcap}, nil
}

// unexpected is the error of a file that ends too soon.
func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// next returns the next packet, valid until the next call, and what it begins with.
func (p *packets) next() (data []byte, info gopacket.CaptureInfo, link layers.LinkType, err error) {
	if p.pcap != nil {
		data, info, err = p.pcap.ZeroCopyReadPacketData()
		if err != io.EOF || info.CaptureLength > 0 { // behind a packet's head the end is none
			err = cut(err)
		}
		return data, info, known(p.pcap.LinkType()), err
	}
	data, info, err = p.ng.ZeroCopyReadPacketData()
	if err == nil && len(info.AncillaryData) > 0 {
		link, _ = info.AncillaryData[0].(layers.LinkType)
	}
	return data, info, known(link), err
}

// known is the link type that the library knows for the same.
func known(link layers.LinkType) layers.LinkType {
	switch link {
	case layers.LinkTypeIPv4, layers.LinkTypeIPv6, 12, 14: // raw IP, as BSD systems number it in memory
		return layers.LinkTypeRaw
	}
	return link
}

// blocks passes on the blocks of a pcapng file that hold packets or say how to read
// them. The others are skipped: the library keeps some of them for as long as the
// file lasts.
type blocks struct {
	in         *bufio.Reader
	order      binary.ByteOrder
	block      []byte // the rest of the one being passed on
	room       []byte
	interfaces int
}

// Types of blocks (draft-ietf-opsawg-pcapng, section 4).
const (
	blockSection   = 0x0a0d0d0a
	blockInterface = 1
	blockPacket    = 2
	blockSimple    = 3
	blockEnhanced  = 6
)

func (b *blocks) Read(p []byte) (int, error) {
	for len(b.block) == 0 {
		if err := b.next(); err != nil {
			return 0, err
		}
	}
	n := copy(p, b.block)
	b.block = b.block[n:]
	return n, nil
}

// next reads a block whole, or skips it.
func (b *blocks) next() error {
	head, err := b.in.Peek(12)
	if err != nil {
		if len(head) == 0 && err == io.EOF {
			return err
		}
		return cut(err)
	}
	if bytes.Equal(head[:4], magicNG) {
		switch {
		case binary.LittleEndian.Uint32(head[8:]) == 0x1a2b3c4d:
			b.order = binary.LittleEndian
		case binary.BigEndian.Uint32(head[8:]) == 0x1a2b3c4d:
			b.order = binary.BigEndian
		default:
			return errors.New("a section of the pcapng file has no byte order")
		}
		b.interfaces = 0
	}
	kind, size := b.order.Uint32(head), int64(b.order.Uint32(head[4:]))
	switch kind {
	case blockInterface:
		if b.interfaces++; b.interfaces > maxInterfaces {
			return fmt.Errorf("the pcapng file has more than %d interfaces", maxInterfaces)
		}
	case blockSection, blockPacket, blockSimple, blockEnhanced:
	default:
		if size < 12 {
			return fmt.Errorf("a block of the pcapng file has %d bytes: want at least 12", size)
		}
		if _, err := io.CopyN(io.Discard, b.in, size); err != nil {
			return cut(err)
		}
		return nil
	}
	if size < 12 || size > maxBlock || size%4 != 0 {
		return fmt.Errorf("a block of the pcapng file has %d bytes: want a multiple of 4 from 12 to %d", size, maxBlock)
	}
	if int64(cap(b.room)) < size {
		b.room = make([]byte, size)
	}
	b.block = b.room[:size]
	if _, err := io.ReadFull(b.in, b.block); err != nil {
		b.block = nil
		return cut(err)
	}
	return nil
}

// cut is the error of an end within something.
func cut(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errCut
	}
	return err
}
