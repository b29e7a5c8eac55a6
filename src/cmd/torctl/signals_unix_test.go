//go:build unix

package main

import (
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A signal waits for the work that must not be cut off.
func TestHoldSignals(t *testing.T) {
	require.Nil(t, holdSignals(func() {}))
	for _, s := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP} {
		done := false
		got := holdSignals(func() {
			require.NoError(t, syscall.Kill(os.Getpid(), s))
			time.Sleep(50 * time.Millisecond) // the signal is delivered meanwhile
			done = true
		})
		require.Equal(t, os.Signal(s), got)
		require.True(t, done)
	}
}
