package chunked

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// waits is a command that works until its context ends.
type waits struct {
	began chan struct{}
	cause error
}

func (w *waits) Execute(ctx context.Context, chunk *Chunk, body io.Reader) error {
	close(w.began)
	select {
	case <-ctx.Done():
		w.cause = context.Cause(ctx)
		return ctx.Err()
	case <-time.After(5 * time.Second):
		return errors.New("nobody said that splunkd is gone")
	}
}

// The context of a command that is at work ends when nobody reads its replies any
// more, and the run ends quietly, also where the rest of a request never comes.
func TestContextEndsWithTheReader(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("skipped: only Linux tells of a reader that is gone")
	}
	for name, rest := range map[string]string{"a generating command": request(askLast, ""), "a body that stops": "chunked 1.0,37,85\n" + askMore + "a\n"} {
		t.Run(name, func(t *testing.T) {
			stdin, ask, err := os.Pipe()
			require.NoError(t, err)
			defer ask.Close() // open all the time
			replies, stdout, err := os.Pipe()
			require.NoError(t, err)
			defer stdout.Close()
			cmd := &waits{began: make(chan struct{})}
			done := make(chan error)
			go func() { done <- Serve(stdin, stdout, cmd) }()
			_, err = ask.WriteString(request(askInfo, "") + rest)
			require.NoError(t, err)
			<-cmd.began

			select {
			case <-done:
				require.Fail(t, "it ended while stdout was read")
			case <-time.After(3 * watchEvery):
			}
			closed := time.Now()
			require.NoError(t, replies.Close())
			select {
			case err := <-done:
				require.NoError(t, err)
			case <-time.After(10 * time.Second):
				require.FailNow(t, "it does not end")
			}
			require.Equal(t, errGone, cmd.cause)
			require.Less(t, time.Since(closed), time.Second)
		})
	}
}

// All requests may be there at once, and stdin at its end, long before the work
// is done: that is no reason to stop.
func TestContextOutlivesStdin(t *testing.T) {
	replies, stdout, err := os.Pipe()
	require.NoError(t, err)
	defer replies.Close()
	err = Serve(strings.NewReader(conversation("a\n")), stdout, CommandFunc(func(ctx context.Context, chunk *Chunk, body io.Reader) error {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(3 * watchEvery):
			return copyAll(ctx, chunk, body)
		}
	}))
	require.NoError(t, err)
	require.NoError(t, stdout.Close())
	out, err := io.ReadAll(replies)
	require.NoError(t, err)
	require.Equal(t, "a\n", requireFrames(t, string(out))[1].body)
}

// A stdin that ends inside a body ends the context, so that what a command started
// beside its reading ends too; so does the end of the run.
func TestContextEndsWithTheBody(t *testing.T) {
	text := conversation("a\n1\n")
	var kept context.Context
	keep := CommandFunc(func(ctx context.Context, chunk *Chunk, body io.Reader) error {
		kept = ctx
		require.NoError(t, ctx.Err())
		_, err := io.ReadAll(body)
		if err != nil {
			require.ErrorIs(t, context.Cause(ctx), io.ErrUnexpectedEOF)
		}
		return err
	})
	out, err := serve(text[:len(text)-1], keep)
	require.NoError(t, err)
	require.Len(t, requireFrames(t, out), 1)
	_, err = serve(text, keep)
	require.NoError(t, err)
	require.ErrorIs(t, kept.Err(), context.Canceled)
}

// One context serves all chunks of a run: work that begins in one may go on in the next.
func TestContextOfARun(t *testing.T) {
	var first context.Context
	_, err := serve(conversation("a\n", "a\n"), CommandFunc(func(ctx context.Context, chunk *Chunk, body io.Reader) error {
		if first == nil {
			first = ctx
		}
		require.Same(t, first, ctx)
		return copyAll(ctx, chunk, body)
	}))
	require.NoError(t, err)
}

// A command may be one function: it streams, and takes all arguments.
func TestCommandFunc(t *testing.T) {
	var out bytes.Buffer
	require.NoError(t, Serve(strings.NewReader(wire(probe)+request(askLast, "a\n1\n")), &out, CommandFunc(copyAll)))
	require.Equal(t, []frame{{`{"type":"streaming"}`, ""}, {`{"finished":true}`, "a\n1\n"}}, requireFrames(t, out.String()))
}

// What the watch costs a chunk that is over before it looks.
func BenchmarkWatch(b *testing.B) {
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	require.NoError(b, err)
	defer null.Close()
	w := newWatch(null)
	b.ReportAllocs()
	for b.Loop() {
		w.start()
		w.pause()
	}
}

// What one look costs.
func BenchmarkLook(b *testing.B) {
	read, write, err := os.Pipe()
	require.NoError(b, err)
	defer read.Close()
	defer write.Close()
	gone := readerGone(write)
	if gone == nil {
		b.Skip("skipped: this system does not tell")
	}
	b.ReportAllocs()
	for b.Loop() {
		if gone() {
			b.Fatal("the reader is there")
		}
	}
}
