package packagetest

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
)

// The same commit gives the same bytes: in another folder, with another
// environment, and from a checkout with other modes and times.
func TestReproducible(t *testing.T) {
	date := "SOURCE_DATE_EPOCH=" + strconv.FormatInt(headers[0].ModTime.Unix(), 10)
	scratch := t.TempDir()
	one, other := filepath.Join(scratch, "one"), filepath.Join(scratch, "further down", "the other")
	copyProject(t, projectRoot, one, 0o777)
	copyProject(t, one, other, 0o600)

	first, err := buildPackage(one, t.TempDir(), date)
	require.NoError(t, err)
	second, err := buildPackage(other, t.TempDir(), date, "GOFLAGS=-tags=other", "TZ=Asia/Tokyo", "LC_ALL=C")
	require.NoError(t, err)

	require.Equal(t, filepath.Base(tgz), filepath.Base(first))
	require.Equal(t, filepath.Base(first), filepath.Base(second))
	want, err := os.ReadFile(first)
	require.NoError(t, err)
	have, err := os.ReadFile(second)
	require.NoError(t, err)
	require.True(t, bytes.Equal(want, have), "two builds of the same files differ")

	later, err := buildPackage(one, t.TempDir(), "SOURCE_DATE_EPOCH=1700000000")
	require.NoError(t, err)
	data, err := os.ReadFile(later)
	require.NoError(t, err)
	require.False(t, bytes.Equal(want, data), "the date is in it")
}

// copyProject copies what the package is made of, all files with one mode.
func copyProject(t *testing.T, root, to string, mode fs.FileMode) {
	for _, part := range []string{"app", "bin", "default", "metadata", "src", "tests/package", "go.mod", "go.sum", "build.sh"} {
		from := filepath.Join(root, part)
		require.NoError(t, filepath.WalkDir(from, func(at string, entry fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			below, err := filepath.Rel(root, at)
			if err != nil {
				return err
			}
			if entry.IsDir() {
				return os.MkdirAll(filepath.Join(to, below), 0o755)
			}
			data, err := os.ReadFile(at)
			if err != nil {
				return err
			}
			target := filepath.Join(to, below)
			if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
				return err
			}
			if err := os.WriteFile(target, data, 0o644); err != nil {
				return err
			}
			if part == "build.sh" {
				return os.Chmod(target, 0o755)
			}
			return os.Chmod(target, mode)
		}))
	}
}
