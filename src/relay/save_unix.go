//go:build unix

package relay

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/google/renameio/v2"
)

// replace writes a new file beside the target and renames it over the old one,
// whose permission and owner it gets.
func replace(target string, old fs.FileInfo, write func(io.Writer) error) error {
	f, err := renameio.NewPendingFile(target, renameio.WithTempDir(filepath.Dir(target)),
		renameio.WithPermissions(0o644), renameio.WithExistingPermissions())
	if err != nil {
		return fmt.Errorf("write the relay table: %w", err)
	}
	defer f.Cleanup() // nothing to do once it is in place
	if err := write(f); err != nil {
		return err
	}
	if owner := ownerOf(old); owner != nil && int(owner.Uid) != os.Geteuid() {
		if err := f.Chown(int(owner.Uid), int(owner.Gid)); err != nil && !errors.Is(err, fs.ErrPermission) {
			return fmt.Errorf("write the relay table: keep its owner: %w", err)
		}
	}
	if err := f.CloseAtomicallyReplace(); err != nil {
		return fmt.Errorf("write the relay table: %w", err)
	}
	return nil
}

func ownerOf(old fs.FileInfo) *syscall.Stat_t {
	if old == nil {
		return nil
	}
	owner, _ := old.Sys().(*syscall.Stat_t)
	return owner
}
