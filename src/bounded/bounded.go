// Package bounded reads what others wrote: whole, up to a limit, and never more
// memory than that.
//
//	text, err := bounded.File("/etc/splunk/server.conf", 1<<20)
//	// "it is not a file", "it has 5000000 bytes; the limit is 1048576"
//
// A file is a regular one, links followed: opening a pipe would wait for somebody
// who writes to it, and a device may never end. FileOrPipe takes a pipe too, as a
// shell's <(...) makes it, and does not wait for a writer that is not there.
//
// Errors do not name the file: the caller does, as its users know it. It imports
// nothing of ours, parses nothing, and writes nothing.
package bounded

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"
)

// ErrNoFile says that there is something else than a regular file.
var ErrNoFile = errors.New("it is not a file")

// TooLarge is the error of more than the limit.
type TooLarge struct {
	Size  int64 // 0: not known, as nobody read to the end
	Limit int64
}

func (e *TooLarge) Error() string {
	if e.Size > 0 {
		return fmt.Sprintf("it has %d bytes; the limit is %d", e.Size, e.Limit)
	}
	return fmt.Sprintf("it has more than the %d bytes that are read", e.Limit)
}

// File reads a regular file of at most so many bytes. What there is not is an
// error of the kind fs.ErrNotExist.
func File(path string, most int64) ([]byte, error) {
	info, err := os.Stat(path) // before it is opened, as opening may already do something to a device
	switch {
	case err != nil:
		return nil, cause(err)
	case !info.Mode().IsRegular():
		return nil, ErrNoFile
	}
	return open(path, most, 0)
}

// FileOrPipe is File for what somebody named on a command line.
func FileOrPipe(path string, most int64) ([]byte, error) { return open(path, most, fs.ModeNamedPipe) }

func open(path string, most int64, also fs.FileMode) ([]byte, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, cause(err)
	}
	defer f.Close()
	return opened(f, most, also)
}

// Opened is File for one that is open already, which must not have been waited for
// (syscall.O_NONBLOCK). It is not closed.
func Opened(f fs.File, most int64) ([]byte, error) { return opened(f, most, 0) }

func opened(f fs.File, most int64, also fs.FileMode) ([]byte, error) {
	info, err := f.Stat()
	switch {
	case err != nil:
		return nil, cause(err)
	case info.Mode().Type()&^also != 0:
		return nil, ErrNoFile
	case info.Size() > most:
		return nil, &TooLarge{Size: info.Size(), Limit: most}
	}
	text, err := Reader(f, most, info.Size())
	return text, cause(err)
}

// Reader reads a stream to its end. Where its size is likely, so much memory is taken
// at once.
func Reader(r io.Reader, most, likely int64) ([]byte, error) {
	var b bytes.Buffer
	b.Grow(int(min(likely, most)) + bytes.MinRead)
	_, err := b.ReadFrom(io.LimitReader(r, most+1))
	switch {
	case err != nil:
		return nil, err
	case int64(b.Len()) > most:
		return nil, &TooLarge{Limit: most}
	}
	return b.Bytes(), nil
}

// cause takes the path off an error.
func cause(err error) error {
	var at *fs.PathError
	if errors.As(err, &at) {
		return at.Err
	}
	return err
}

// Stream reads so much of R and no more: then Err, which passes through whatever
// unpacks the stream. What is left may be shared by several, as by the members of
// an archive.
type Stream struct {
	R    io.Reader
	Left *int64
	Err  error
}

func (s *Stream) Read(p []byte) (int, error) {
	if int64(len(p)) > *s.Left+1 {
		p = p[:*s.Left+1] // one more, to tell a stream of just the limit from a larger one
	}
	n, err := s.R.Read(p)
	if *s.Left -= int64(n); *s.Left < 0 {
		*s.Left = -1
		return 0, s.Err
	}
	return n, err
}
