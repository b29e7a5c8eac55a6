package chunked

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"
)

func copyAll(_ context.Context, chunk *Chunk, body io.Reader) error {
	all, err := io.ReadAll(body)
	chunk.Reply = append(chunk.Reply, all...)
	return err
}

// A command that reads its bodies itself gets just their bytes, and the frames
// before and behind stay in step.
func TestStream(t *testing.T) {
	input := request(askInfo, "") + request(askMore, "a\n1\n") + request(askMore, "") + request(askLast, "b\n2\n")
	whole, err := serve(input, script{})
	require.NoError(t, err)
	for _, cmd := range []CommandFunc{
		copyAll,
		func(ctx context.Context, chunk *Chunk, body io.Reader) error {
			return copyAll(ctx, chunk, iotest.OneByteReader(body))
		},
	} {
		out, err := serve(input, cmd)
		require.NoError(t, err)
		require.Equal(t, whole, out)
	}
}

// What a command leaves unread is read all the same, before the reply.
func TestStreamLeavesRest(t *testing.T) {
	input := request(askInfo, "") + request(askMore, strings.Repeat("a\n", 9000)) + request(askLast, "b\n")
	out, err := serve(input, CommandFunc(func(_ context.Context, chunk *Chunk, body io.Reader) error {
		var first [2]byte
		_, err := io.ReadFull(body, first[:])
		chunk.Reply = append(chunk.Reply, first[:]...)
		return err
	}))
	require.NoError(t, err)
	require.Contains(t, out, "{\"finished\":false}a\n")
	require.Contains(t, out, "{\"finished\":true}b\n")
}

// An error is told after the request was read; a stream that ends inside the
// body is the quiet end whatever the command makes of it.
func TestStreamErrors(t *testing.T) {
	input := request(askInfo, "") + request(askLast, "a\n1\n")
	source := strings.NewReader(input)
	var out strings.Builder
	err := Serve(source, &out, CommandFunc(func(context.Context, *Chunk, io.Reader) error { return errors.New("no") }))
	require.EqualError(t, err, "no")
	require.Contains(t, out.String(), `"error":"no"`)
	require.Zero(t, source.Len())

	out.Reset()
	require.ErrorContains(t, Serve(strings.NewReader(input), &out, CommandFunc(func(context.Context, *Chunk, io.Reader) error { panic("secret") })), "internal error")
	require.NotContains(t, out.String(), "secret")

	for cut := len(request(askInfo, "")); cut < len(input); cut++ {
		for _, stream := range []CommandFunc{
			copyAll,
			func(ctx context.Context, c *Chunk, body io.Reader) error {
				_ = copyAll(ctx, c, body)
				return errors.New("broken")
			},
		} {
			out.Reset()
			require.NoError(t, Serve(strings.NewReader(input[:cut]), &out, stream), "cut at %d", cut)
			require.Equal(t, 1, strings.Count(out.String(), "chunked"), "only getinfo was answered")
		}
	}
}
