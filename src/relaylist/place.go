package relaylist

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/gofrs/flock"

	"tordetect/src/bounded"
)

// checkPlace returns the file that a table's path stands for, links followed, and
// says why it is no place to write a table to. Nothing is made there.
//
// A table inside an app of a search head cluster's member is refused: Splunk
// replicates what goes through it, and would not notice a file that a program
// wrote. The other members would go on with another list.
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
	if clustered(whole) || clustered(real) {
		return "", fmt.Errorf("%s lies in an app of a search head cluster's member, where Splunk would not replicate it: "+
			"write the table elsewhere and upload it in Splunk as the lookup file %s, or use | torupdate", path, filepath.Base(path))
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

// clustered reports whether a path lies in what a search head cluster's member
// replicates. SPLUNK_HOME may itself lie below a folder of such a name.
func clustered(path string) bool {
	path = filepath.ToSlash(path)
	for _, part := range []string{"/etc/apps/", "/etc/users/"} {
		for end := len(path); end > 0; {
			at := strings.LastIndex(path[:end], part)
			if at < 0 {
				break
			}
			if member(filepath.FromSlash(path[:at])) {
				return true
			}
			end = at + len(part) - 1 // the next one may share a slash with it
		}
	}
	return false
}

// member reports whether a Splunk is a member of a search head cluster: the stanza
// shclustering in the files server.conf, the first one that says disabled counts
// (admin manual, "Configuration file precedence", global context).
func member(home string) bool {
	files := []string{filepath.Join(home, "etc", "system", "local", "server.conf")}
	for _, folder := range []string{"local", "default"} {
		apps, _ := filepath.Glob(filepath.Join(escaped(home), "etc", "apps", "*", folder, "server.conf"))
		slices.Sort(apps)
		files = append(files, apps...)
	}
	files = append(files, filepath.Join(home, "etc", "system", "default", "server.conf"))
	found := false
	for _, file := range files {
		conf, err := bounded.File(file, maxConf)
		if err != nil {
			continue
		}
		stanza, disabled := shclustering(string(conf))
		if disabled != "" {
			switch strings.ToLower(disabled) {
			case "1", "true", "t", "yes", "y":
				return false
			}
			return true
		}
		found = found || stanza
	}
	return found
}

// maxConf bounds a server.conf: one of Splunk's own has 10 kB.
const maxConf = 1 << 20

// escaped makes a path fit for filepath.Glob, which takes brackets for patterns.
func escaped(path string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(path)
}

// shclustering reports whether a server.conf has the stanza, and what it says of
// disabled, if anything.
func shclustering(conf string) (found bool, disabled string) {
	in := false
	for _, line := range strings.Split(strings.TrimPrefix(conf, "\ufeff"), "\n") {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "[") {
			in = line == "[shclustering]"
			found = found || in
			continue
		}
		key, value, _ := strings.Cut(line, "=")
		if in && strings.TrimSpace(key) == "disabled" {
			disabled = strings.TrimSpace(value)
		}
	}
	return found, disabled
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
