//go:build unix

package relay

import (
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestWriteFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "tor_relays.csv")
	m := smallMerger(t)
	want, stats := written(t, m, Options{})
	old := syscall.Umask(0o022)
	defer syscall.Umask(old)

	t.Run("new", func(t *testing.T) {
		got, err := m.WriteFile(path, Options{})
		require.NoError(t, err)
		require.Equal(t, stats, got)
		only(t, path, want)
		info, err := os.Stat(path)
		require.NoError(t, err)
		require.Equal(t, fs.FileMode(0o644), info.Mode())
	})
	t.Run("in place of another", func(t *testing.T) {
		require.NoError(t, os.WriteFile(path, []byte("old"), 0o600))
		require.NoError(t, os.Chmod(path, 0o460))
		if os.Geteuid() == 0 {
			require.NoError(t, os.Chown(path, 12345, 54321))
		}
		reader, err := os.Open(path)
		require.NoError(t, err)
		defer reader.Close()
		_, err = m.WriteFile(path, Options{})
		require.NoError(t, err)
		only(t, path, want)
		info, err := os.Stat(path)
		require.NoError(t, err)
		require.Equal(t, fs.FileMode(0o460), info.Mode())
		if os.Geteuid() == 0 {
			require.EqualValues(t, 12345, info.Sys().(*syscall.Stat_t).Uid)
			require.EqualValues(t, 54321, info.Sys().(*syscall.Stat_t).Gid)
		}
		held := make([]byte, 10)
		n, _ := reader.Read(held)
		require.Equal(t, "old", string(held[:n]), "who has the old one open keeps it")
	})
	t.Run("behind a link", func(t *testing.T) {
		link := filepath.Join(t.TempDir(), "link.csv")
		require.NoError(t, os.Symlink(path, link))
		require.NoError(t, os.WriteFile(path, []byte("old"), 0o644))
		_, err := m.WriteFile(link, Options{})
		require.NoError(t, err)
		only(t, path, want)
		info, err := os.Lstat(link)
		require.NoError(t, err)
		require.Equal(t, fs.ModeSymlink, info.Mode().Type())
	})
}

func TestWriteFileOnAFullDisk(t *testing.T) {
	// A limit on the size of files stands for it: the same write fails.
	path := tableFile(t)
	m := NewMerger()
	require.NoError(t, addTable(m, synthetic(1000)))
	signal.Ignore(syscall.SIGXFSZ)
	defer signal.Reset(syscall.SIGXFSZ)
	var limit syscall.Rlimit
	require.NoError(t, syscall.Getrlimit(syscall.RLIMIT_FSIZE, &limit))
	require.NoError(t, syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: 1 << 14, Max: limit.Max}))
	_, err := m.WriteFile(path, Options{})
	require.NoError(t, syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit))
	require.ErrorIs(t, err, syscall.EFBIG)
	require.ErrorContains(t, err, "write the relay table: ")
	only(t, path, before)
	_, err = m.WriteFile(path, Options{})
	require.NoError(t, err, "and when there is room again")
}
