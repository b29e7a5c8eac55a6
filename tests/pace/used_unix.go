//go:build unix

package pace

import (
	"syscall"
	"time"
)

// used is the CPU time that this process has had. (Wall time would be that of others.)
func used() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
