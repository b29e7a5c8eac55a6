package tordir

import (
	"archive/tar"
	"bufio"
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"errors"
	"fmt"
	"io"
	"iter"

	"tordetect/src/bounded"
	"tordetect/src/text"
)

// Kind is what a document turned out to be.
type Kind string

// The kinds. A vote is told apart so that it can be refused with its name.
const (
	KindConsensus    Kind = "consensus"
	KindVote         Kind = "vote"
	KindCertificates Kind = "certificates"
	KindExitList     Kind = "exit list"
	KindUnknown      Kind = "unknown"
)

// Document is one document of a file, fit for the parser of its kind.
type Document struct {
	Kind  Kind
	Name  string // file, and member of the archive behind a colon; fit for a terminal
	Bytes []byte // memory of its own. Of an unknown document only the beginning
	Last  bool   // beside an error: the rest of the file is left unread
}

// Limits bound what [Documents] reads from one file. A zero field stands for its
// default.
type Limits struct {
	Input    int64 // bytes of the file as it is
	Output   int64 // bytes after decompression, all members together
	Document int64 // bytes of one document
}

// The defaults suit an archive that an admin imports. What comes over a network
// should be given far less.
const (
	// CollecTor's month of consensuses is 20 MB packed in 2020, its month of
	// microdescriptors (with the consensuses among them) some hundreds.
	defaultInput = 2 << 30
	// 744 consensuses of 3.4 MB are 2.5 GB.
	defaultOutput = 16 << 30
)

func (l Limits) orDefaults() Limits {
	if l.Input <= 0 {
		l.Input = defaultInput
	}
	if l.Output <= 0 {
		l.Output = defaultOutput
	}
	if l.Document <= 0 || l.Document > MaxDocument {
		l.Document = MaxDocument
	}
	return l
}

const (
	// maxDepth is how many layers are opened: tar.xz with .gz members has three.
	maxDepth = 4
	// maxUnknown is how much of an unknown document is kept.
	maxUnknown = 256
	// maxFailures is how many broken members of an archive are told of before
	// the rest is left unread.
	maxFailures = 100
	// maxName is how much of a member's name is kept.
	maxName = 200
)

// Documents finds the documents in a file: consensuses, votes, certificates and
// exit lists, one or many, plain or packed as .gz, .xz, .z (zlib), .tar, .tar.gz,
// .tar.xz, and archives of packed files. It goes by the bytes, never by the name,
// which is only for messages.
//
// Documents that follow each other in one file are taken apart; certificates that
// follow each other stay together. @type lines and a byte order mark at the beginning
// are dropped. CRLF copies are left as they are, the parsers read them. A document
// whose beginning is missing is passed over, one whose end is missing is returned as
// far as it goes: its parser says so. Members of an archive that are something else are passed over; if
// nothing at all is found, one document of KindUnknown is returned.
//
// An error ends the file or the member it is about (Name of the document beside
// it tells which), not the iteration: an archive goes on with its next member,
// where that is possible, for a hundred errors. A file beyond the limits of Input
// or Output is left at once. The error of a checksum comes behind the documents that
// it covers: what is not signed is to be believed only if none came for the file and
// the members that it is in.
func Documents(name string, r io.Reader, limits Limits) iter.Seq2[Document, error] {
	return func(yield func(Document, error) bool) {
		limits = limits.orDefaults()
		f := &finder{limits: limits, yield: yield, left: limits.Output}
		name = text.Short(name, maxName)
		f.open(name, &bounded.Stream{R: r, Left: &limits.Input, Err: tooLarge(fmt.Sprintf("the file is larger than the %d bytes that are read", limits.Input))}, 0)
		if !f.stopped && !f.found && f.failures == 0 {
			f.give(Document{Kind: KindUnknown, Name: name, Bytes: f.head})
		}
	}
}

// finder is one run of Documents.
type finder struct {
	limits  Limits
	left    int64 // of limits.Output
	yield   func(Document, error) bool
	stopped bool   // the caller wants no more
	found   bool   // a document was given
	head    []byte // the beginning of what is unknown

	failures int                         // errors given
	readers  [maxDepth + 1]*bufio.Reader // one for each layer, reused from member to member
}

// give hands out a document; false means stop.
func (f *finder) give(d Document) bool {
	f.found = true
	f.stopped = f.stopped || !f.yield(d, nil)
	return !f.stopped
}

// fail hands out an error.
func (f *finder) fail(name string, err error) {
	f.failures++
	large := tooLarge("")
	last := f.failures == maxFailures || errors.As(err, &large) // what is left would fail the same way
	f.stopped = f.stopped || !f.yield(Document{Kind: KindUnknown, Name: name, Last: last}, err) || last
}

// packings are the beginnings of packed files. Without open it is refused.
var packings = []struct {
	magic string
	name  string
	open  func(*bufio.Reader) (io.Reader, error)
}{
	{"\x1f\x8b\x08", "gzip", func(r *bufio.Reader) (io.Reader, error) { return gzip.NewReader(r) }},
	{"\xfd7zXZ\x00", "xz", func(r *bufio.Reader) (io.Reader, error) { return newXZ(r) }},
	{"\x78\x01", "zlib", openZlib},
	{"\x78\x5e", "zlib", openZlib},
	{"\x78\x9c", "zlib", openZlib},
	{"\x78\xda", "zlib", openZlib},
	{"\x28\xb5\x2f\xfd", "zstd", nil},
	{"BZh", "bzip2", nil},
	{"PK\x03\x04", "zip", nil},
	{"7z\xbc\xaf\x27\x1c", "7z", nil},
	{"\x5d\x00\x00", "lzma", nil},
}

// open looks at the first bytes and reads what it finds.
func (f *finder) open(name string, r io.Reader, depth int) {
	if f.readers[depth] == nil {
		f.readers[depth] = bufio.NewReaderSize(nil, 64<<10)
	}
	br := f.readers[depth]
	br.Reset(r)
	head, err := br.Peek(512)
	if err != nil && err != io.EOF {
		f.fail(name, err)
		return
	}
	for _, p := range packings {
		if !bytes.HasPrefix(head, []byte(p.magic)) {
			continue
		}
		if p.open == nil {
			f.fail(name, fmt.Errorf("this is a %s file, which is not read: unpack it first", p.name))
			return
		}
		if depth == maxDepth {
			f.fail(name, fmt.Errorf("packed more than %d times", maxDepth))
			return
		}
		plain, err := p.open(br)
		if err != nil {
			f.fail(name, badFile(p.name, err))
			return
		}
		f.open(name, f.bound(&unpacked{r: plain, packing: p.name}), depth+1)
		return
	}
	if len(head) == 512 && string(head[257:262]) == "ustar" {
		if depth == maxDepth {
			f.fail(name, fmt.Errorf("packed more than %d times", maxDepth))
			return
		}
		f.openTar(name, br, depth)
		return
	}
	f.split(name, br)
}

// openTar reads the members of a tar file.
func (f *finder) openTar(name string, r io.Reader, depth int) {
	archive := &bounded.Archive{R: r}
	t := tar.NewReader(archive)
	for !f.stopped {
		h, err := t.Next()
		if err == io.EOF {
			if err = archive.End(); err == nil {
				return
			}
		}
		if err != nil {
			f.fail(name, badFile("tar", err))
			return
		}
		if h.Typeflag == tar.TypeReg {
			// bound, as a sparse member is larger than its bytes in the file
			f.open(name+":"+text.Short(h.Name, maxName), f.bound(t), depth+1)
		}
	}
}

// bound counts what is unpacked against the limit of the whole file.
func (f *finder) bound(r io.Reader) io.Reader {
	return &bounded.Stream{R: r, Left: &f.left, Err: tooLarge(fmt.Sprintf("unpacked it is larger than the %d bytes that are read", f.limits.Output))}
}

// tooLarge is an error that passes through the layers as it is.
type tooLarge string

func (e tooLarge) Error() string { return string(e) }

// unpacked names the packing in the errors of a stream.
type unpacked struct {
	r       io.Reader
	packing string
}

func (u *unpacked) Read(p []byte) (int, error) {
	n, err := u.r.Read(p)
	if err != nil && err != io.EOF {
		err = badFile(u.packing, err)
	}
	return n, err
}

// badFile says of which packing an error is, unless it is of none or of one around it.
func badFile(packing string, err error) error {
	if large := tooLarge(""); errors.As(err, &large) {
		return large
	}
	if around := (*badPacking)(nil); errors.As(err, &around) {
		return around
	}
	return &badPacking{packing, cutPacked(err)}
}

// badPacking is what is wrong with a packing.
type badPacking struct {
	packing string
	err     error
}

func (e *badPacking) Error() string { return fmt.Sprintf("bad %s file: %v", e.packing, e.err) }

func (e *badPacking) Unwrap() error { return e.err }

// cutPacked says in words what an unexpected end means.
func cutPacked(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		return errors.New("it ends too early: it was cut short")
	}
	return err
}

// openZlib unpacks zlib streams one behind the other, as directory caches may
// send them.
func openZlib(r *bufio.Reader) (io.Reader, error) {
	z, err := zlib.NewReader(r)
	return &zlibs{r: r, z: z}, err
}

type zlibs struct {
	r *bufio.Reader
	z io.ReadCloser
}

func (z *zlibs) Read(p []byte) (int, error) {
	for {
		n, err := z.z.Read(p)
		if err != io.EOF {
			return n, err
		}
		if n > 0 {
			return n, nil // the end is met again
		}
		if _, err := z.r.Peek(1); err != nil {
			return 0, err
		}
		if err := z.z.(zlib.Resetter).Reset(z.r, nil); err != nil {
			return 0, err
		}
	}
}
