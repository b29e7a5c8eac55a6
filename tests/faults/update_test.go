//go:build linux

package faults

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// An update puts its table in place whole or not at all, whatever call of the system
// fails, or is its last.
func TestUpdate(t *testing.T) {
	strace := needs(t, "strace")
	i := newImports(t)
	const calls = "openat,write,pwrite64,fsync,fchmod,fchown,close,renameat,renameat2,rename,flock"
	under := func(more ...string) *exec.Cmd {
		args := append([]string{"-f", "-qq", "-o", filepath.Join(i.folder, "trace")}, more...)
		return exec.Command(strace, append(append(args, i.torctl), i.args...)...)
	}
	trace := func() string {
		text, err := os.ReadFile(filepath.Join(i.folder, "trace"))
		require.NoError(t, err)
		return string(text)
	}
	if spoken := run(t, under("-e", "trace=fsync"), nil); spoken.Code != 0 && strings.Contains(string(spoken.Stderr), "ptrace") {
		t.Skip("skipped: strace may not trace here")
	}
	promised(t, "update killed at any call", func(t *testing.T) {
		killed, written := 0, 0
		for _, call := range strings.Split(calls, ",") {
			for when := 1; ; when++ {
				if call == "openat" && when%7 != 1 && !*every {
					continue
				}
				i.again(t)
				run(t, under("-e", "trace="+call, "-e", fmt.Sprintf("inject=%s:signal=KILL:when=%d", call, when)), nil)
				if !strings.Contains(trace(), "killed by SIGKILL") {
					break // there are no more of them
				}
				killed++
				switch i.read(t) {
				case i.before:
				case i.after:
					written++
				default:
					require.Fail(t, "the table is neither the old nor the new one", "%s, %d", call, when)
				}
				for _, name := range i.beside(t) {
					require.Regexp(t, `^(\.tor_relays\.csv\d+|tor_relays\.csv)$`, name)
				}
			}
		}
		t.Logf("killed %d times, %d of them after the table was in place", killed, written)
		require.Greater(t, killed, 6)
		require.Positive(t, written)

		// The next update is not held up, and what is a day old is gone after it.
		i.again(t)
		left := filepath.Join(filepath.Dir(i.table), ".tor_relays.csv123")
		require.NoError(t, os.WriteFile(left, []byte("half"), 0o600))
		require.NoError(t, os.Chtimes(left, time.Time{}, time.Now().Add(-25*time.Hour)))
		require.Zero(t, run(t, exec.Command(i.torctl, i.args...), nil).Code)
		require.Equal(t, []string{"tor_relays.csv"}, i.beside(t))
	})
	promised(t, "any write of an update fails", func(t *testing.T) {
		failed, old := 0, 0
		for _, fault := range []string{"write:error=ENOSPC", "write:error=EDQUOT", "fsync:error=EIO", "renameat:error=EIO", "renameat2:error=EIO", "rename:error=EIO", "openat:error=EMFILE"} {
			call, _, _ := strings.Cut(fault, ":")
			for when := 1; ; when++ {
				if call == "openat" && when%7 != 1 && !*every {
					continue
				}
				i.again(t)
				spoken := run(t, under("-e", "trace="+call, "-e", fmt.Sprintf("inject=%s:when=%d", fault, when)), nil)
				if !strings.Contains(trace(), "(INJECTED)") {
					break
				}
				failed++
				table := i.read(t)
				require.Contains(t, []string{i.before, i.after}, table, "%s, %d", fault, when)
				require.Equal(t, []string{"tor_relays.csv"}, i.beside(t), "%s, %d", fault, when)
				if spoken.Code == 0 {
					require.Equal(t, i.after, table, "%s, %d", fault, when)
					continue
				}
				if table == i.before {
					old++
				}
				if call == "fsync" && when == 2 {
					require.Equal(t, i.after, table)
					require.Contains(t, string(spoken.Stderr), "it is in place, but may be lost when the power fails")
				}
				if call != "write" { // which may be that of the message
					require.Regexp(t, `(?m)^torctl: .*(write the relay table|read |open |find |lock |as it was|sync the folder)`, string(spoken.Stderr), "%s, %d", fault, when)
				}
			}
		}
		t.Logf("%d calls failed, after %d of them the old table stood", failed, old)
		require.GreaterOrEqual(t, old, 3)
	})
	promised(t, "power lost after the rename", func(t *testing.T) {
		i.again(t)
		require.Zero(t, run(t, under("-y", "-e", "trace=fsync,renameat,renameat2,rename"), nil).Code)
		folder := regexp.QuoteMeta(filepath.Dir(i.table))
		require.Regexp(t, `(?s)fsync\(\d+<`+folder+`/\.tor_relays\.csv\d+>.*\) += 0.*rename\w*\(.*/\.tor_relays\.csv\d+".*tor_relays\.csv".*\) += 0.*fsync\(\d+<`+folder+`>\) += 0`, trace())
	})
}
