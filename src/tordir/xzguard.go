package tordir

import (
	"bufio"
	"errors"
	"fmt"
	"io"

	"github.com/ulikunitz/xz"
	"github.com/ulikunitz/xz/lzma"
)

// maxDictionary is the largest dictionary an .xz file may ask for: that of the
// program's highest level, xz -9. A dictionary is allocated whole when a block
// begins, so a file of 32 bytes could ask for 4 GB.
const maxDictionary = 64 << 20

// newXZ unpacks .xz, one stream or several.
func newXZ(r io.Reader) (io.Reader, error) {
	return xz.ReaderConfig{DictCap: lzma.MinDictCap}.NewReader(&xzGuard{r: bufio.NewReader(r)})
}

// xzGuard passes an .xz file on and watches its headers go by: it stops before a
// block that asks for too large a dictionary, and says if the file ends where a
// stream does not (the reader behind it takes the end of a block for that of the
// file). It follows the container (stream header, blocks of LZMA2 chunks, index,
// footer) without unpacking anything; what is wrong in other ways is left for
// the reader to find.
type xzGuard struct {
	r     *bufio.Reader
	head  []byte // bytes looked at and not passed on yet
	skip  int    // bytes to pass on unseen after head
	step  xzStep
	check int // size of a block's checksum
	size  int // bytes of the block's chunks so far, modulo 4 (they are padded)
	err   error
}

type xzStep int

const (
	xzStream xzStep = iota
	xzBlock
	xzChunk
)

func (g *xzGuard) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	for len(g.head) == 0 && g.skip == 0 {
		if g.err != nil {
			return 0, g.err
		}
		g.advance()
	}
	if len(g.head) > 0 {
		n := copy(p, g.head)
		g.head = g.head[n:]
		return n, nil
	}
	n, err := g.r.Read(p[:min(len(p), g.skip)])
	if g.skip -= n; err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

// look reads n bytes into head; on an error what there is is passed on first.
func (g *xzGuard) look(n int) []byte {
	start := len(g.head)
	g.head = append(g.head, make([]byte, n)...)
	got, err := io.ReadFull(g.r, g.head[start:])
	if err != nil {
		g.head = g.head[:start+got]
		if g.err = err; err == io.EOF && (g.step != xzStream || start > 0) {
			g.err = io.ErrUnexpectedEOF
		}
		return nil
	}
	return g.head[start:]
}

// advance reads the next header, whatever it is due to be.
func (g *xzGuard) advance() {
	g.head = nil
	switch g.step {
	case xzStream:
		b := g.look(4)
		if b == nil || b[0] == 0 { // padding between streams: four zeros
			return
		}
		if b = g.look(8); b == nil {
			return
		}
		g.check = [16]int{0, 4, 4, 4, 8, 8, 8, 16, 16, 16, 32, 32, 32, 64, 64, 64}[b[3]&15]
		g.step = xzBlock
	case xzBlock:
		b := g.look(1)
		if b == nil {
			return
		}
		if b[0] == 0 {
			g.index()
			return
		}
		if b = g.look(int(b[0])*4 + 3); b == nil {
			return
		}
		if err := checkBlock(b); err != nil {
			g.head, g.err = nil, err
			return
		}
		g.step, g.size = xzChunk, 0
	case xzChunk:
		g.chunk()
	}
}

// checkBlock reads the rest of a block header: flags, two optional sizes, and the
// one filter that there is, LZMA2 with the code of its dictionary's size.
func checkBlock(b []byte) error {
	flags := b[0]
	b = b[1:]
	for _, present := range []byte{0x40, 0x80} {
		if flags&present != 0 {
			for len(b) > 0 && b[0] >= 0x80 {
				b = b[1:]
			}
			b = b[min(1, len(b)):]
		}
	}
	if flags&3 != 0 || len(b) < 3 || b[0] != 0x21 || b[1] != 1 {
		return errors.New("xz: a filter other than LZMA2, unpack it first")
	}
	size, err := lzma.DecodeDictCap(b[2])
	if err != nil || size > maxDictionary {
		return fmt.Errorf("xz: it asks for a dictionary of %d MB, more than the %d that are allowed", size>>20, maxDictionary>>20)
	}
	return nil
}

// chunk reads the header of one LZMA2 chunk.
func (g *xzGuard) chunk() {
	b := g.look(1)
	if b == nil {
		return
	}
	switch control := b[0]; {
	case control == 0: // the end of the chunks: padding, checksum
		g.skip = (4-(g.size+1)%4)%4 + g.check
		g.step = xzBlock
		return
	case control < 3: // not packed: its size less one
		if b = g.look(2); b == nil {
			return
		}
		g.skip = int(b[0])<<8 + int(b[1]) + 1
	case control >= 0x80: // packed: low bits of the size unpacked, size packed, both less one
		if b = g.look(4); b == nil {
			return
		}
		g.skip = int(b[2])<<8 + int(b[3]) + 1
		if control >= 0xC0 {
			g.skip++ // one byte of properties
		}
	default:
		g.err = errors.New("xz: a bad LZMA2 chunk")
		return
	}
	g.size = (g.size + len(g.head) + g.skip) % 4
}

// index reads the index behind the blocks, whose zero byte was just read: a
// count, two numbers for each block, padding, checksum. The footer follows.
func (g *xzGuard) index() {
	count, ok := g.number()
	for ; ok && count > 0; count-- {
		if _, ok = g.number(); ok {
			_, ok = g.number()
		}
		if len(g.head) > maxIndex {
			g.head, g.err = nil, fmt.Errorf("xz: an index of more than %d MB", maxIndex>>20)
			return
		}
	}
	if ok {
		g.skip = (4-len(g.head)%4)%4 + 4 + 12
		g.step = xzStream
	}
}

// maxIndex bounds the index of a stream, which the reader keeps in memory. A
// block has some 10 bytes in it, and usually 24 MB of data.
const maxIndex = 1 << 20

func (g *xzGuard) number() (n uint64, ok bool) {
	for shift := 0; shift < 63; shift += 7 {
		b := g.look(1)
		if b == nil {
			return 0, false
		}
		n |= uint64(b[0]&0x7F) << shift
		if b[0] < 0x80 {
			return n, true
		}
	}
	g.err = errors.New("xz: a bad number in the index")
	return 0, false
}
