package relay

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// replace writes a new file beside the target and renames it over the old one.
// os.Rename replaces on Windows as well (MoveFileEx), but not a file that
// somebody has open: then this fails and the old table stays. The new file has
// the rights that its folder gives; there is no owner to keep.
func replace(target string, _ fs.FileInfo, write func(io.Writer) error) (err error) {
	f, err := os.CreateTemp(filepath.Dir(target), "."+filepath.Base(target)+"*")
	if err != nil {
		return fmt.Errorf("write the relay table: %w", err)
	}
	defer func() {
		if err != nil {
			f.Close() // closed already where only the renaming failed
			os.Remove(f.Name())
		}
	}()
	if err = write(f); err != nil {
		return err
	}
	if err = f.Sync(); err == nil {
		err = f.Close()
	}
	if err == nil {
		err = os.Rename(f.Name(), target)
	}
	if err != nil {
		return fmt.Errorf("write the relay table: %w", err)
	}
	return nil
}
