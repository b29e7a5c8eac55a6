package dirclient

import (
	"bytes"
	"compress/gzip"
	"context"
	"io"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"tordetect/tests/pace"
)

// FuzzReceive: whatever arrives, there is no panic, no more than the limits, and
// either a document or a failure; and gzip means what the standard library says.
func FuzzReceive(f *testing.F) {
	f.Add("", document)
	f.Add("gzip", zipped(document))
	f.Add("gzip", append(zipped(document), zipped(nil)...)) // members on end
	f.Add("gzip", zipped(make([]byte, 5000)))               // more than the limit when unpacked
	f.Add("deflate", append(deflated(document), deflated(document)...))
	f.Add("deflate", deflated(document)[:40]) // cut
	f.Add("x-zstd", document)                 // not ours
	limits := DefaultLimits()
	limits.Body, limits.Decoded = 2000, 4000
	f.Fuzz(func(t *testing.T, encoding string, body []byte) {
		c := &Client{limits: limits}
		pace.Hold(t, body, func(body []byte) {
			_, _ = c.receive(context.Background(), &http.Response{Header: http.Header{"Content-Encoding": {encoding}},
				Body: io.NopCloser(bytes.NewReader(body)), ContentLength: -1}, func() {})
		})
		response := &http.Response{
			Header:        http.Header{"Content-Encoding": {encoding}},
			Body:          io.NopCloser(bytes.NewReader(body)),
			ContentLength: -1,
		}
		got, failed := c.receive(context.Background(), response, func() {})
		if (len(got) == 0) == (failed == nil) {
			t.Fatalf("%d bytes and %v", len(got), failed)
		}
		if int64(len(got)) > limits.Decoded || failed == nil && int64(len(body)) > limits.Body {
			t.Fatalf("%d bytes from %d", len(got), len(body))
		}
		if failed != nil {
			return
		}
		switch encoding {
		case "":
			require.Equal(t, body, got)
		case "gzip":
			r, err := gzip.NewReader(bytes.NewReader(body))
			require.NoError(t, err)
			want, err := io.ReadAll(r)
			require.NoError(t, err)
			require.Equal(t, want, got)
		}
	})
}

// TestMemoryFollowsWhatArrives: a server that announces much and sends little
// costs little.
func TestMemoryFollowsWhatArrives(t *testing.T) {
	c := &Client{limits: DefaultLimits()}
	response := &http.Response{
		Header:        http.Header{},
		Body:          io.NopCloser(bytes.NewReader(document)),
		ContentLength: c.limits.Body,
	}
	got, failed := c.receive(context.Background(), response, func() {})
	require.Nil(t, failed) // that the length is wrong is net/http's to say
	require.LessOrEqual(t, cap(got), 2*sureSize)
}
