//go:build unix

package relay

import (
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// cpu reports the processor time of a whole operation, the garbage collector's
// included: the wall clock tells little on a machine that others use.
func cpu(b *testing.B) (done func()) {
	var before, after syscall.Rusage
	require.NoError(b, syscall.Getrusage(syscall.RUSAGE_SELF, &before))
	return func() {
		require.NoError(b, syscall.Getrusage(syscall.RUSAGE_SELF, &after))
		used := after.Utime.Nano() + after.Stime.Nano() - before.Utime.Nano() - before.Stime.Nano()
		b.ReportMetric(float64(used)/float64(b.N)/1e6, "cpu-ms/op")
	}
}
