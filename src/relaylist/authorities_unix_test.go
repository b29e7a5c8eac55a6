//go:build unix

package relaylist

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tordetect/src/tordir"
)

// A file of authorities may be a pipe of the shell, and no endless device.
func TestReadAuthorities(t *testing.T) {
	net, trust := lab(t)
	folder := t.TempDir()
	file := filepath.Join(folder, "file")
	require.NoError(t, os.WriteFile(file, net.AuthoritiesFile(), 0o600))
	got, err := ReadAuthorities(file)
	require.NoError(t, err)
	require.Equal(t, trust, got)

	pipe := filepath.Join(folder, "pipe")
	require.NoError(t, syscall.Mkfifo(pipe, 0o600))
	done := make(chan error, 1)
	go func() {
		_, err := ReadAuthorities(pipe)
		done <- err
	}()
	select {
	case err := <-done:
		require.ErrorContains(t, err, "the file names none")
	case <-time.After(20 * time.Second):
		t.Fatal("waits for a pipe that nobody writes to")
	}
	r, w, err := os.Pipe()
	require.NoError(t, err)
	defer r.Close()
	go func() {
		time.Sleep(20 * time.Millisecond)
		_, _ = w.Write(net.AuthoritiesFile())
		_ = w.Close()
	}()
	got, err = ReadAuthorities("/dev/fd/" + strconv.Itoa(int(r.Fd())))
	require.NoError(t, err)
	require.Equal(t, trust, got)

	large := filepath.Join(folder, "large")
	require.NoError(t, os.WriteFile(large, []byte(strings.Repeat("# nothing\n", tordir.MaxAuthoritiesFile/10+1)), 0o600))
	for path, want := range map[string]string{
		large:                         "it has 1048580 bytes; the limit is 1048576",
		"/dev/zero":                   "it is not a file",
		folder:                        "it is not a file",
		filepath.Join(folder, "none"): "no such file",
	} {
		_, err := ReadAuthorities(path)
		require.ErrorContains(t, err, want)
		require.ErrorContains(t, err, path)
	}
}
