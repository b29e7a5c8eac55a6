// Package unprivileged has a test of what a mode forbids go on where root runs it, whom a mode
// forbids nothing:
//
//	unprivileged.FromHere(t, folder)
//	_, err := os.ReadFile(file) // fs.ErrPermission, as anybody would get it
//
// On Linux root's thread asks for files as the user nobody until the test ends. Programs
// that it starts are root's.
package unprivileged

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
)

// nobody may do nothing, on every Linux.
const nobody = 65534

// FromHere makes the goroutine of the test one that files can be kept from. It is to be
// called when the files are there, and opens the folders below a TempDir that have any
// mode at all. Other goroutines stay root.
func FromHere(t *testing.T, folder string) {
	t.Helper()
	if os.Geteuid() != 0 {
		return
	}
	// A TempDir is root's alone. Files stay root's: they may be hard links to such of other tests.
	enter := func(at string) error {
		info, err := os.Lstat(at)
		if err != nil || !info.IsDir() || info.Mode().Perm() == 0 {
			return err
		}
		return os.Chmod(at, info.Mode().Perm()|0o055)
	}
	err := filepath.WalkDir(folder, func(at string, _ fs.DirEntry, err error) error { return errors.Join(err, enter(at)) })
	if err := errors.Join(err, enter(filepath.Dir(folder))); err != nil {
		t.Fatal(err)
	}
	runtime.LockOSThread()
	as := func(uid uintptr) { _, _, _ = syscall.RawSyscall(syscall.SYS_SETFSUID, uid, 0, 0) } // returns the one before, never an error
	as(nobody)
	t.Cleanup(func() {
		as(0)
		runtime.UnlockOSThread()
	})
}
