//go:build unix

package dirclient

import (
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestFolderRefusesAPipe(t *testing.T) {
	refuses(t, "a pipe", "it is not a file", errFile, func(dir string) {
		require.NoError(t, syscall.Mkfifo(filepath.Join(dir, "m"), 0o644))
	})
}
