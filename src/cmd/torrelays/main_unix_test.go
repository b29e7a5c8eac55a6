//go:build unix

package main

import (
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// An import that is no file does not hang.
func TestImportOfAPipe(t *testing.T) {
	s := newSite(t)
	require.NoError(t, syscall.Mkfifo(filepath.Join(s.lookups, "pipe.csv"), 0o600))
	require.Contains(t, s.update(0.2, 50000, "import=pipe.csv").failure, "no such file")
}
