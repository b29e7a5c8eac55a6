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
