// Package bounded reads what others wrote: whole, up to a limit, and never more
// memory than that.
//
//	text, err := bounded.File("/etc/splunk/server.conf", 1<<20)
//	// "it is not a file", "it has 5000000 bytes; the limit is 1048576"
//
// A file is a regular one, links followed: opening a pipe would wait for somebody
// who writes to it, and a device may never end. FileOrPipe takes a pipe too, as a
// shell's <(...) makes it, and does not wait for a writer that is not there. Open is
// for what is read piece by piece.
//
// Errors do not name the file: the caller does, as its users know it; Cause makes
// such of those of package os. It imports nothing of ours, parses nothing, and writes
// nothing.
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
	f, err := openFile(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return opened(f, most, 0)
}

func openFile(path string) (*os.File, error) {
	info, err := os.Stat(path) // before it is opened, as opening may already do something to a device
	switch {
	case err != nil:
		return nil, Cause(err)
	case !info.Mode().IsRegular():
		return nil, ErrNoFile
	}
	return open(path)
}

// FileOrPipe is File for what somebody named on a command line.
func FileOrPipe(path string, most int64) ([]byte, error) {
	f, err := open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return opened(f, most, fs.ModeNamedPipe)
}

func open(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	return f, Cause(err)
}

// An Input is a regular file that is read piece by piece, and no further than a limit.
type Input struct {
	file *os.File
	size int64
	left Stream
	err  error
}

// Open is File for what need not be in memory at once. The error of more than so many
// bytes may come late, as the file may grow while it is read.
func Open(path string, most int64) (*Input, error) {
	f, err := openFile(path)
	if err != nil {
		return nil, err
	}
	n, err := size(f, most, 0)
	if err != nil {
		f.Close()
		return nil, err
	}
	return &Input{file: f, size: n, left: Stream{R: f, Left: &most, Err: &TooLarge{Limit: most}}}, nil
}

func (i *Input) Read(p []byte) (int, error) {
	n, err := i.left.Read(p)
	if err = Cause(err); err != nil && !errors.Is(err, io.EOF) {
		i.err = err
	}
	return n, err
}

// Size returns how many bytes the file said to have when it was opened.
func (i *Input) Size() int64 { return i.size }

// Err returns what kept the file from being read; nil at its end.
func (i *Input) Err() error { return i.err }

// Close closes the file.
func (i *Input) Close() error { return i.file.Close() }

// Opened is File for one that is open already, which must not have been waited for
// (syscall.O_NONBLOCK). It is not closed.
func Opened(f fs.File, most int64) ([]byte, error) { return opened(f, most, 0) }

func opened(f fs.File, most int64, also fs.FileMode) ([]byte, error) {
	likely, err := size(f, most, also)
	if err != nil {
		return nil, err
	}
	text, err := Reader(f, most, likely)
	return text, Cause(err)
}

// size returns how long a file says to be that may be read.
func size(f fs.File, most int64, also fs.FileMode) (int64, error) {
	info, err := f.Stat()
	switch {
	case err != nil:
		return 0, Cause(err)
	case info.Mode().Type()&^also != 0:
		return 0, ErrNoFile
	case info.Size() > most:
		return 0, &TooLarge{Size: info.Size(), Limit: most}
	}
	return info.Size(), nil
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

// Cause takes the path off an error of a file, where it has one.
func Cause(err error) error {
	var at *fs.PathError
	if errors.As(err, &at) {
		return at.Err
	}
	return err
}

// Archive is R on its way to archive/tar. That takes R's end between two members for
// the archive's, and leaves unread what stands behind a proper end: the checksum of
// what the archive is packed in among it.
type Archive struct {
	R   io.Reader
	end bool // of R, met while members were read
}

func (a *Archive) Read(p []byte) (int, error) {
	n, err := a.R.Read(p)
	if n > 0 && err == io.EOF {
		err = nil // the end is met again
	}
	a.end = a.end || err == io.EOF
	return n, err
}

// End is for when archive/tar has said io.EOF. It reads R to its end and returns what
// is wrong there: R's own error, io.ErrUnexpectedEOF where the two blocks of zeros are
// missing that end an archive, or that something else than zeros stands behind them.
func (a *Archive) End() error {
	if a.end {
		return io.ErrUnexpectedEOF
	}
	room := make([]byte, 32<<10)
	for {
		n, err := a.R.Read(room)
		switch {
		case len(bytes.Trim(room[:n], "\x00")) > 0:
			return errors.New("something else follows its end")
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		}
	}
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
