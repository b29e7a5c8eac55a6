package chunked

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
)

// Limits of what a Reader takes from the other side. A length over its limit
// is refused before any memory is taken for it.
const (
	// MaxHeader bounds the header line. splunkd's own are about 20 bytes long,
	// 33 with the largest lengths; the rest is for blanks.
	MaxHeader = 256

	// MaxMetadata bounds the JSON object. A getinfo carries the whole search
	// three times (args, raw_args, search, the last one percent-encoded); a
	// subsearch that expanded to 10,000 terms makes that a few megabytes.
	MaxMetadata = 16 << 20

	// MaxBody bounds the body. splunkd takes at most 100 MB of _raw for one
	// chunk (max_rawsize_perchunk in limits.conf); extracted fields and doubled
	// quotes can multiply that, but hardly by ten.
	MaxBody = 1 << 30
)

const (
	aheadSize     = 4 << 10 // bytes read at once while looking for a header; holds a usual getinfo whole
	maxEmptyReads = 100     // reads in a row without a byte or an error; the same as bufio
)

// A Reader takes frames apart. It works for both sides: a command reads
// requests, a host reads replies.
//
//	chunked 1.0,<metadata bytes>,<body bytes>⏎<metadata><body>
//
// Blanks, tabs and a CR around the parts of the header line are accepted.
type Reader struct {
	src      io.Reader
	ahead    [aheadSize]byte
	pos, end int   // ahead[pos:end] is read but not used
	later    error // came together with bytes; reported after them

	line     [MaxHeader]byte
	metadata []byte
	body     []byte

	frame int         // number of the current frame, from 1
	start int64       // offset of its header in the stream
	used  int64       // bytes of the stream used up
	err   error       // a reader that failed stays failed
	ended func(error) // if not nil, told when the stream ends or fails inside a body
}

// NewReader returns a Reader of the frames in src. It reads in large pieces
// by itself; a bufio.Reader in between would only copy.
func NewReader(src io.Reader) *Reader { return &Reader{src: src} }

// Next returns the next frame, read whole. Both slices are valid until the next
// call of Next, which uses their memory again.
//
// The error is io.EOF at the end of the stream between two frames, and
// io.ErrUnexpectedEOF when the stream ends inside a frame: the other side was
// killed or gave up. A frame that is no frame gives an [*Error]; any other
// error comes from the stream. After an error every call returns the same.
func (r *Reader) Next() (metadata, body []byte, err error) {
	metadata, size, err := r.begin()
	if err == nil {
		body, err = r.whole(size)
	}
	if err != nil {
		return nil, nil, err
	}
	return metadata, body, nil
}

// begin reads a frame up to its body and returns the size of that, which has to
// be read next: by whole, or through a bodyReader.
func (r *Reader) begin() (metadata []byte, bodySize int, err error) {
	if r.err != nil {
		return nil, 0, r.err
	}
	r.frame++
	r.start = r.used
	metadataSize, bodySize, err := r.header()
	if err == nil {
		err = r.fill(&r.metadata, metadataSize)
	}
	if err != nil {
		return nil, 0, r.stop(err)
	}
	return r.metadata, bodySize, nil
}

// whole reads a body of that size.
func (r *Reader) whole(size int) ([]byte, error) {
	if err := r.fill(&r.body, size); err != nil {
		return nil, r.stop(err)
	}
	return r.body, nil
}

// stop makes the reader fail for good.
func (r *Reader) stop(err error) error {
	if err == io.EOF && r.used > r.start {
		err = io.ErrUnexpectedEOF
	}
	r.err = err
	return err
}

// bodyReader reads the body of a frame as it arrives. It gives io.EOF at the end
// of the body; what goes wrong before is the Reader's error as well.
type bodyReader struct {
	r    *Reader
	left int
}

// Len is how many bytes of the body are still to be read.
func (b *bodyReader) Len() int { return b.left }

func (b *bodyReader) Read(p []byte) (int, error) {
	if b.r.err != nil {
		return 0, b.r.err
	}
	if b.left == 0 {
		return 0, io.EOF
	}
	n, err := b.r.read(p[:min(len(p), b.left)])
	b.left -= n
	switch {
	case err != nil:
		err = b.r.stop(err)
		if b.r.ended != nil {
			b.r.ended(err)
		}
		return n, err
	case b.left == 0:
		return n, io.EOF
	}
	return n, nil
}

// header reads one header line and returns the two lengths, both checked.
func (r *Reader) header() (metadata, body int, err error) {
	line := r.line[:0]
	for {
		c, err := r.readByte()
		if err != nil {
			return 0, 0, err
		}
		if c == '\n' {
			break
		}
		line = append(line, c)
		if n := len(line); n <= len(magic) && c != magic[n-1] {
			// No need to wait for a LF that may never come.
			return 0, 0, r.fail(ErrHeader, "")
		}
		if len(line) == MaxHeader {
			return 0, 0, r.fail(ErrHeader, fmt.Sprintf("the line is longer than %d bytes", MaxHeader))
		}
	}
	metadata, body, ok := parseHeader(line)
	switch {
	case !ok:
		return 0, 0, r.fail(ErrHeader, "")
	case metadata > MaxMetadata:
		return 0, 0, r.fail(ErrTooLong, fmt.Sprintf("more than %d bytes of metadata", MaxMetadata))
	case body > MaxBody:
		return 0, 0, r.fail(ErrTooLong, fmt.Sprintf("a body of more than %d bytes", MaxBody))
	}
	return metadata, body, nil
}

// fail makes the typed error. The bytes of the frame stay out of it: after a
// lost byte anything may stand where a header should, a session key included.
func (r *Reader) fail(err error, detail string) *Error {
	return &Error{Frame: r.frame, Offset: r.start, Err: err, Detail: detail}
}

// fill reads n bytes of the stream into buf, a buffer that is kept from frame
// to frame.
func (r *Reader) fill(buf *[]byte, n int) error {
	*buf = (*buf)[:0]
	if cap(*buf) < n {
		enlarge(buf, n)
	}
	for len(*buf) < n {
		size := len(*buf)
		if size == cap(*buf) {
			enlarge(buf, n)
		}
		k, err := r.read((*buf)[size:min(n, cap(*buf))])
		*buf = (*buf)[:size+k]
		if err != nil {
			return err
		}
	}
	return nil
}

func (r *Reader) readByte() (byte, error) {
	if r.pos == r.end {
		n, err := r.readSource(r.ahead[:])
		if err != nil {
			return 0, err
		}
		r.pos, r.end = 0, n
	}
	c := r.ahead[r.pos]
	r.pos++
	r.used++
	return c, nil
}

// read returns what was read ahead or, when nothing is left of that, reads
// from the source straight into p.
func (r *Reader) read(p []byte) (n int, err error) {
	if r.pos < r.end {
		n = copy(p, r.ahead[r.pos:r.end])
		r.pos += n
	} else {
		n, err = r.readSource(p)
	}
	r.used += int64(n)
	return n, err
}

func (r *Reader) readSource(p []byte) (int, error) {
	if r.later != nil {
		return 0, r.later
	}
	for range maxEmptyReads {
		n, err := r.src.Read(p)
		if n > 0 {
			r.later = err
			return n, nil
		}
		if err != nil {
			return 0, err
		}
	}
	return 0, io.ErrNoProgress
}

const (
	magic   = "chunked"
	version = "1.0"
	blanks  = " \t\r"
)

// parseHeader reads a header line without its LF.
func parseHeader(line []byte) (metadata, body int, ok bool) {
	line, ok = bytes.CutPrefix(line, []byte(magic))
	if !ok || len(line) == 0 || bytes.IndexByte([]byte(blanks), line[0]) < 0 {
		return 0, 0, false
	}
	first, line, ok1 := bytes.Cut(line, []byte(","))
	second, third, ok2 := bytes.Cut(line, []byte(","))
	if !ok1 || !ok2 || string(bytes.Trim(first, blanks)) != version {
		return 0, 0, false
	}
	metadata, ok1 = parseLength(bytes.Trim(second, blanks))
	body, ok2 = parseLength(bytes.Trim(third, blanks))
	return metadata, body, ok1 && ok2
}

// parseLength reads decimal digits. A number over every limit stays there.
func parseLength(digits []byte) (n int, ok bool) {
	for _, c := range digits {
		if c < '0' || c > '9' {
			return 0, false
		}
		if n <= MaxBody/10 {
			n = n*10 + int(c-'0')
		} else {
			n = MaxBody + 1
		}
	}
	return n, len(digits) > 0
}

// AppendFrame appends one frame to dst, exactly as splunkd writes it. Both
// sides can use it; it does not look into metadata or body.
func AppendFrame(dst, metadata, body []byte) []byte {
	dst = appendHeader(dst, len(metadata), len(body))
	dst = append(dst, metadata...)
	return append(dst, body...)
}

func appendHeader(dst []byte, metadata, body int) []byte {
	dst = append(dst, magic+" "+version+","...)
	dst = strconv.AppendInt(dst, int64(metadata), 10)
	dst = append(dst, ',')
	dst = strconv.AppendInt(dst, int64(body), 10)
	return append(dst, '\n')
}

// Error says which frame broke the conversation. Its text holds no byte of
// the frame.
type Error struct {
	Frame  int    // number of the frame, from 1
	Offset int64  // offset of the frame's header in the stream, in bytes
	Detail string // more words, may be empty
	Err    error  // one of the four below
}

// What can be wrong with a frame.
var (
	ErrHeader   = errors.New(`no header line like "chunked 1.0,<metadata bytes>,<body bytes>"`)
	ErrTooLong  = errors.New("longer than a chunk may be")
	ErrMetadata = errors.New("the metadata is no JSON object")
	ErrAction   = errors.New("unexpected action")
)

func (e *Error) Error() string {
	text := fmt.Sprintf("frame %d at byte %d of the input: %v", e.Frame, e.Offset, e.Err)
	if e.Detail != "" {
		text += ": " + e.Detail
	}
	return text
}

// Unwrap returns Err.
func (e *Error) Unwrap() error { return e.Err }
