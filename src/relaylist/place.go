package relaylist

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"

	"github.com/gofrs/flock"

	"tordetect/src/splunkhome"
)

// checkPlace returns the file that a table's path stands for, links followed, and
// says why it is no place to write a table to. Nothing is made there.
//
// A table inside an app of a search head cluster's member is refused: Splunk
// replicates what goes through it, and would not notice a file that a program
// wrote. The other members would go on with another list. So it is where Splunk's
// files do not tell, as one of them cannot be read.
func checkPlace(path string) (real string, err error) {
	if path == "" {
		return "", errors.New("the table has no name: give the path of a file")
	}
	whole, err := filepath.Abs(path)
	if err != nil {
		return "", fmt.Errorf("find the table: %w", err)
	}
	if real, err = follow(whole); err != nil {
		return "", fmt.Errorf("find the table %s: %w", path, err)
	}
	if info, err := os.Stat(real); err == nil && !info.Mode().IsRegular() {
		return "", fmt.Errorf("%s is not a file", path)
	}
	// Splunk goes by the path that it knows, we write to where that leads.
	for _, home := range slices.Concat(splunkhome.Around(whole), splunkhome.Around(real)) {
		clustered, err := home.Clustered()
		instead := fmt.Sprintf("write the table elsewhere and upload it in Splunk as the lookup file %s, or use | torupdate", filepath.Base(path))
		switch {
		case err != nil:
			return "", fmt.Errorf("%s lies in an app of Splunk, and whether that is a search head cluster's member cannot be known: %w: "+
				"run this as the user that Splunk runs as, or %s", path, err, instead)
		case clustered:
			return "", fmt.Errorf("%s lies in an app of a search head cluster's member, where Splunk would not replicate it: %s", path, instead)
		}
	}
	return real, nil
}

// maxLinks bounds the links behind each other, as the kernel does.
const maxLinks = 40

// follow follows the links of an absolute path. The file need not be there, its
// folder must.
func follow(path string) (string, error) {
	for range maxLinks {
		real, err := filepath.EvalSymlinks(path)
		if !errors.Is(err, fs.ErrNotExist) {
			return real, err
		}
		folder, err := filepath.EvalSymlinks(filepath.Dir(path))
		if err != nil {
			return "", err
		}
		path = filepath.Join(folder, filepath.Base(path))
		target, err := os.Readlink(path)
		if err != nil {
			return path, nil // no link: the file is still to be made
		}
		if !filepath.IsAbs(target) {
			target = filepath.Join(folder, target)
		}
		path = target // a link that leads to nothing yet
	}
	return "", errors.New("too many links")
}

// Lock keeps other programs from writing the table until unlock is called; if one
// has the lock already, it fails at once. Links are followed first. The system lets
// go of the lock when the program ends, however it ends.
//
// The table itself is locked, or its folder while there is no table: a file of its
// own would stay behind, in the owner's way and in Splunk's bundle. As a writer
// puts a new file in the table's place, what was locked has to be there still.
// (Windows: lock_windows.go.)
func Lock(path string) (unlock func(), err error) {
	whole, err := filepath.Abs(path)
	if err == nil {
		whole, err = follow(whole)
	}
	if err != nil {
		return nil, fmt.Errorf("lock the table %s: %w", path, err)
	}
	for range maxLockings {
		target := lockable(whole)
		lock := flock.New(target, flock.SetFlag(lockFlags))
		got, err := lock.TryLock()
		switch {
		case errors.Is(err, fs.ErrNotExist) && target == whole:
			continue // it is gone meanwhile
		case target != whole && slices.ContainsFunc(noLocks, func(no error) bool { return errors.Is(err, no) }):
			return func() {}, nil // nothing is there that two writers could lose
		case err != nil:
			return nil, fmt.Errorf("lock the table %s: %w", path, err)
		case !got:
			return nil, fmt.Errorf("the table %s is being written by another program: try again when it is done", path)
		}
		locked, err := lock.Stat()
		there, missing := os.Stat(lockable(whole))
		if err == nil && missing == nil && os.SameFile(locked, there) {
			return func() { _ = lock.Unlock(); unlocked(target) }, nil
		}
		_ = lock.Unlock()
	}
	return nil, fmt.Errorf("the table %s is replaced again and again by another program: try again when it is done", path)
}

// maxLockings bounds the tries to lock what is there.
const maxLockings = 10

// noLocks are the answers of file systems that cannot lock a folder, as NFS.
var noLocks = []error{syscall.EBADF, syscall.EISDIR, syscall.ENOLCK, syscall.ENOTSUP, syscall.ENOSYS, syscall.EINVAL}
