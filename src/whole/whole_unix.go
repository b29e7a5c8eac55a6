//go:build unix

package whole

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/google/renameio/v2"
)

// Replace puts what write writes in the target's place. A new file gets the permission,
// less the umask; in the place of another it gets that one's permission, and its owner
// where we may set it. An error of write comes back as it is.
func Replace(target string, perm fs.FileMode, write func(io.Writer) error) error {
	sweep(target, time.Now())
	f, err := renameio.NewPendingFile(target, renameio.WithTempDir(filepath.Dir(target)),
		renameio.WithPermissions(perm), renameio.WithExistingPermissions())
	if err != nil {
		return err
	}
	defer f.Cleanup() // nothing to do once it is in place
	if err := write(f); err != nil {
		return err
	}
	if owner := ownerOf(target); owner != nil && int(owner.Uid) != os.Geteuid() {
		if err := f.Chown(int(owner.Uid), int(owner.Gid)); err != nil && !errors.Is(err, fs.ErrPermission) {
			return fmt.Errorf("keep its owner: %w", err)
		}
	}
	if err := f.CloseAtomicallyReplace(); err != nil {
		return err
	}
	return syncFolder(filepath.Dir(target))
}

// ownerOf says whose the file at a path is; nil where there is none.
func ownerOf(path string) *syscall.Stat_t {
	info, err := os.Lstat(path)
	if err != nil {
		return nil
	}
	owner, _ := info.Sys().(*syscall.Stat_t)
	return owner
}

// syncFolder makes a new name in a folder outlive a loss of power. Some file systems
// cannot sync a folder, and some folders may be written to and not read: they say so,
// and the file is in place all the same.
func syncFolder(folder string) error {
	f, err := os.Open(folder)
	if errors.Is(err, fs.ErrPermission) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("sync the folder: %w", err)
	}
	defer f.Close()
	err = f.Sync()
	if err == nil || errors.Is(err, syscall.EINVAL) || errors.Is(err, syscall.ENOTSUP) || errors.Is(err, syscall.EBADF) || errors.Is(err, syscall.EROFS) {
		return nil
	}
	return fmt.Errorf("it is in place, but may be lost when the power fails: sync the folder: %w", err)
}
