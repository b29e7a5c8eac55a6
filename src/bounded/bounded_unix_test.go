//go:build unix

package bounded

import (
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// What is no file is not even opened: who waits to write into a pipe goes on waiting.
func TestNotOpened(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "p")
	require.NoError(t, syscall.Mkfifo(pipe, 0o600))
	opened := make(chan error, 1)
	go func() {
		w, err := os.OpenFile(pipe, os.O_WRONLY, 0)
		if err == nil {
			err = w.Close()
		}
		opened <- err
	}()
	time.Sleep(100 * time.Millisecond) // it waits for a reader by now
	_, err := File(pipe, 5)
	require.ErrorIs(t, err, ErrNoFile)
	_, err = Open(pipe, 5)
	require.ErrorIs(t, err, ErrNoFile)
	select {
	case <-opened:
		t.Fatal("the pipe was opened")
	case <-time.After(100 * time.Millisecond):
	}
	r, err := os.OpenFile(pipe, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	require.NoError(t, err)
	require.NoError(t, <-opened)
	require.NoError(t, r.Close())
}

// Nothing waits for a pipe that nobody writes to; one that is written to is read.
func TestPipe(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "p")
	require.NoError(t, syscall.Mkfifo(pipe, 0o600))
	done := make(chan error, 1)
	go func() {
		_, err := File(pipe, 5)
		if err == nil {
			done <- nil
			return
		}
		var text []byte
		text, err = FileOrPipe(pipe, 5)
		if len(text) > 0 {
			err = os.ErrInvalid
		}
		done <- err
	}()
	select {
	case err := <-done:
		require.NoError(t, err, "a pipe without a writer is empty")
	case <-time.After(20 * time.Second):
		t.Fatal("waits for a pipe that nobody writes to")
	}
	_, err := File(pipe, 5)
	require.ErrorIs(t, err, ErrNoFile)
	_, err = FileOrPipe("/dev/zero", 5)
	require.ErrorIs(t, err, ErrNoFile)

	for text, want := range map[string]string{"12345": "", "123456": "it has more than the 5 bytes that are read"} {
		r, w, err := os.Pipe()
		require.NoError(t, err)
		go func() {
			time.Sleep(20 * time.Millisecond)
			_, _ = w.WriteString(text)
			_ = w.Close()
		}()
		got, err := FileOrPipe("/dev/fd/"+strconv.Itoa(int(r.Fd())), 5)
		if want == "" {
			require.NoError(t, err)
			require.Equal(t, text, string(got))
		} else {
			require.EqualError(t, err, want)
		}
		require.NoError(t, r.Close())
	}
}
