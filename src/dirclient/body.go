package dirclient

import (
	"bufio"
	"compress/gzip"
	"compress/zlib"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"

	"tordetect/src/bounded"
	"tordetect/src/text"
)

// acceptEncoding are the content encodings that we undo. Directory caches know
// these names (tor.md, section 7); "deflate" is zlib, RFC 1950.
const acceptEncoding = "gzip, deflate"

// sureSize is as much memory as is taken because a Content-Length says so;
// beyond it the buffer grows with what arrives.
const sureSize = 4 << 20

// receive reads and unpacks a whole body. arrived is called as bytes arrive.
func (c *Client) receive(ctx context.Context, response *http.Response, arrived func()) ([]byte, *failure) {
	fail := func(err error, again bool) ([]byte, *failure) {
		return nil, &failure{err: err, again: again}
	}
	if response.ContentLength > c.limits.Body {
		return fail(because(ErrTooLarge, "%d bytes announced, %d allowed", response.ContentLength, c.limits.Body), false)
	}
	wire := &wireReader{body: response.Body, limit: c.limits.Body, arrived: arrived}
	plain, size := io.Reader(wire), int64(0)
	// More than one header line is more than one encoding, as is a list.
	switch encoding := strings.ToLower(strings.TrimSpace(strings.Join(response.Header.Values("Content-Encoding"), ","))); encoding {
	case "", "identity":
		size = max(response.ContentLength, 0)
	case "gzip", "x-gzip":
		plain = &gzipReader{source: bufio.NewReader(wire)}
	case "deflate":
		plain = &zlibReader{source: bufio.NewReader(wire)}
	default:
		return fail(because(errEncoding, "Content-Encoding %q, which was not asked for", shorten(text.Foreign(encoding))), false)
	}

	body, err := bounded.Reader(plain, c.limits.Decoded, min(size, sureSize))
	var large *bounded.TooLarge
	switch {
	case wire.err != nil && wire.err != io.EOF:
		// The connection's own failure, however the unpacking words it.
		return nil, networkFailure(ctx, wire.err)
	case errors.As(err, &large):
		return fail(because(ErrTooLarge, "over %d bytes when unpacked", c.limits.Decoded), false)
	case errors.Is(err, io.ErrUnexpectedEOF):
		return fail(because(errTruncated, "compressed data without its end"), true)
	case err != nil:
		return fail(because(errEncoding, "%s", text.Foreign(err.Error())), false)
	case len(body) == 0:
		return fail(errEmpty, false)
	}
	return body, nil
}

// wireReader counts a body as it is sent, and stops at the limit.
type wireReader struct {
	body    io.Reader
	limit   int64
	count   int64
	arrived func()
	err     error // how it ended; a reader that failed stays failed
}

func (w *wireReader) Read(p []byte) (int, error) {
	if w.err != nil {
		return 0, w.err
	}
	n, err := w.body.Read(p)
	w.count += int64(n)
	if w.count > w.limit {
		n, err = 0, because(ErrTooLarge, "over %d bytes", w.limit)
	}
	w.err = err
	if n > 0 {
		w.arrived()
	}
	return n, err
}

// gzipReader unpacks gzip, one or several members on end, to the end of the source.
type gzipReader struct {
	source *bufio.Reader
	gzip   *gzip.Reader
}

func (g *gzipReader) Read(p []byte) (int, error) {
	if g.gzip == nil {
		var err error
		if g.gzip, err = gzip.NewReader(g.source); err != nil {
			return 0, noEnd(err)
		}
	}
	return g.gzip.Read(p)
}

// zlibReader unpacks zlib streams on end: a directory cache sends several
// documents as one stream each.
type zlibReader struct {
	source *bufio.Reader
	zlib   io.ReadCloser
}

func (z *zlibReader) Read(p []byte) (int, error) {
	for {
		if z.zlib == nil {
			var err error
			if z.zlib, err = zlib.NewReader(z.source); err != nil {
				return 0, noEnd(err)
			}
		}
		n, err := z.zlib.Read(p)
		if err != io.EOF {
			return n, err
		}
		// A stream ended whole. Is there another?
		if _, end := z.source.Peek(1); end != nil {
			return n, end
		}
		if err := z.zlib.(zlib.Resetter).Reset(z.source, nil); err != nil {
			return n, noEnd(err)
		}
		if n > 0 {
			return n, nil
		}
	}
}

// noEnd: where a header is due, the end of the data is a cut.
func noEnd(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
