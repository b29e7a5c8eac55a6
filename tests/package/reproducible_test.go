package packagetest

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
)

// The same commit gives the same bytes: in another folder, with another umask,
// and from a checkout with other modes and times.
func TestReproducible(t *testing.T) {
	if _, err := exec.LookPath("bash"); err != nil {
		t.Skip("skipped: build.sh needs bash")
	}
	want, err := os.ReadFile(tgz)
	require.NoError(t, err)
	date := "SOURCE_DATE_EPOCH=" + strconv.FormatInt(headers[0].ModTime.Unix(), 10)
	for name, mode := range map[string]fs.FileMode{"open": 0o777, "closed": 0o600} {
		t.Run(name, func(t *testing.T) {
			clone := filepath.Join(t.TempDir(), "another", name+" folder")
			copyProject(t, clone, mode)
			path, err := buildPackage(clone, t.TempDir(), date, "GOFLAGS=-tags=other", "TZ=Asia/Tokyo", "LC_ALL=C")
			require.NoError(t, err)
			have, err := os.ReadFile(path)
			require.NoError(t, err)
			require.Equal(t, filepath.Base(tgz), filepath.Base(path))
			require.True(t, string(want) == string(have), "two builds differ (or the sources changed since %s was built)", tgz)
		})
	}
}

// copyProject copies what the package is made of, all files with one mode.
func copyProject(t *testing.T, to string, mode fs.FileMode) {
	for _, part := range []string{"app", "bin", "default", "metadata", "src", "tests/package", "go.mod", "go.sum", "build.sh"} {
		from := filepath.Join(projectRoot, part)
		require.NoError(t, filepath.WalkDir(from, func(at string, entry fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			below, err := filepath.Rel(projectRoot, at)
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
