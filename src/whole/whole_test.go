package whole_test

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tordetect/src/whole"
)

func put(text string) func(io.Writer) error {
	return func(w io.Writer) error { _, err := io.WriteString(w, text); return err }
}

// In its place is the old file or the new one, and nothing beside it.
func TestReplace(t *testing.T) {
	folder := t.TempDir()
	target := filepath.Join(folder, "table.csv")
	require.NoError(t, whole.Replace(target, 0o600, put("one")))
	require.NoError(t, whole.Replace(target, 0o644, put("two")))
	broken := errors.New("no more")
	err := whole.Replace(target, 0o644, func(w io.Writer) error {
		_, _ = io.WriteString(w, "half of thr")
		return broken
	})
	require.Equal(t, broken, err)
	text, err := os.ReadFile(target)
	require.NoError(t, err)
	require.Equal(t, "two", string(text))
	require.Equal(t, []string{"table.csv"}, in(t, folder))
	require.ErrorIs(t, whole.Replace(filepath.Join(folder, "none", "table.csv"), 0o644, put("")), os.ErrNotExist)
}

// What a killed program left is taken away when it is old; what is new may be another
// program's, and what has another name is somebody's.
func TestLeftovers(t *testing.T) {
	folder := t.TempDir()
	old := time.Now().Add(-25 * time.Hour)
	for _, name := range []string{".table.csv123", ".table.csv", ".table.csv12x", ".table.csv.123", "table.csv123", ".other.csv123", ".table.csv9"} {
		path := filepath.Join(folder, name)
		require.NoError(t, os.WriteFile(path, nil, 0o600))
		require.NoError(t, os.Chtimes(path, old, old))
	}
	require.NoError(t, os.WriteFile(filepath.Join(folder, ".table.csv456"), nil, 0o600))
	require.NoError(t, os.Mkdir(filepath.Join(folder, ".table.csv7"), 0o700))
	require.NoError(t, os.Chtimes(filepath.Join(folder, ".table.csv7"), old, old))
	require.NoError(t, whole.Replace(filepath.Join(folder, "table.csv"), 0o644, put("x")))
	require.Equal(t, []string{".other.csv123", ".table.csv", ".table.csv.123", ".table.csv12x", ".table.csv456", ".table.csv7", "table.csv", "table.csv123"}, in(t, folder))
}

func in(t *testing.T, folder string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(folder)
	require.NoError(t, err)
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}
