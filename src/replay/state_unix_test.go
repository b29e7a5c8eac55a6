//go:build unix

package replay

import (
	"context"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// A state that is a pipe is refused and not waited for.
func TestStateOfAPipe(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state")
	require.NoError(t, syscall.Mkfifo(path, 0o600))
	c := newCollector(t, false)
	_, err := Run(context.Background(), newHEC(t, c, nil), panFile(t, 3), quick(func(o *Options) { o.State = path }))
	require.ErrorContains(t, err, "it is not a file; name another by --state")
	require.Empty(t, c.arrived)
}
