//go:build linux

package main

import (
	"bytes"
	"compress/gzip"
	"os/exec"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// bombOf packs so many zeros.
func bombOf(t *testing.T, size int) []byte {
	t.Helper()
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	for piece := make([]byte, 1<<20); size > 0; size -= len(piece) {
		_, err := w.Write(piece)
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	return packed.Bytes()
}

// measured runs torupdate, and returns what it said and the most memory that it had.
func measured(t *testing.T, s *site, input []byte) (said string, megabytes int) {
	t.Helper()
	program := s.program("torupdate")
	cmd := exec.Command(program[0], program[1:]...)
	cmd.Stdin, cmd.Env = bytes.NewReader(input), []string{"HOME=" + s.App.Dir}
	out, _ := cmd.CombinedOutput()
	return string(out), int(cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss >> 10)
}
