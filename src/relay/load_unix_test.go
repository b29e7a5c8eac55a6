//go:build unix

package relay

import (
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// To open a pipe would wait for somebody who writes to it.
func TestOpenAPipe(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "pipe.csv")
	require.NoError(t, syscall.Mkfifo(pipe, 0o600))
	_, err := Open(pipe)
	require.EqualError(t, err, "it is not a file")
}
