package whole

import (
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// Replace puts what write writes in the target's place. os.Rename replaces on Windows
// as well (MoveFileEx), but not a file that somebody has open: then this fails and the
// old one stays. The new file has the rights that its folder gives; there is no owner
// to keep, and no folder to sync. An error of write comes back as it is.
func Replace(target string, _ fs.FileMode, write func(io.Writer) error) (err error) {
	sweep(target, time.Now())
	f, err := os.CreateTemp(filepath.Dir(target), "."+filepath.Base(target)+"*")
	if err != nil {
		return err
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
	return err
}
