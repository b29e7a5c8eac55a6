package chunked

import (
	"os"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// pipeSize is what a pipe is asked to hold: the most that Linux allows a user
// without privileges (/proc/sys/fs/pipe-max-size). The usual 64 KiB make a chunk
// of 60 MB a thousand turns of writer and reader.
const pipeSize = 1 << 20

// widen asks for a larger pipe behind a stream. Anything else than a pipe, and a
// system that refuses, stay as they are.
func widen(stream any) {
	if raw := connOf(stream); raw != nil {
		_ = raw.Control(func(fd uintptr) {
			_, _, _ = syscall.Syscall(syscall.SYS_FCNTL, fd, syscall.F_SETPIPE_SZ, pipeSize)
		})
	}
}

// readerGone returns a function that reports whether the pipe or socket behind a
// stream has lost its other side, or nil for a stream of which that cannot be told.
func readerGone(stream any) func() bool {
	raw := connOf(stream)
	if raw == nil {
		return nil
	}
	return func() (gone bool) {
		_ = raw.Control(func(fd uintptr) {
			// struct pollfd; asked for nothing, it still tells of errors.
			question := struct {
				fd              int32
				events, revents int16
			}{fd: int32(fd)}
			var atOnce syscall.Timespec
			n, _, errno := syscall.Syscall6(syscall.SYS_PPOLL, uintptr(unsafe.Pointer(&question)), 1,
				uintptr(unsafe.Pointer(&atOnce)), 0, 0, 0)
			gone = errno == 0 && n == 1 && question.revents&(pollErr|pollHup) != 0
		})
		return gone
	}
}

// Of poll(2); package syscall has no names for them.
const (
	pollErr = 0x8  // a pipe without a reader
	pollHup = 0x10 // a socket whose other side was closed
)

// populate asks for the memory of all pages that begin in buffer. Systems before Linux 5.14
// do not know how, and give each page when it is written to.
func populate(buffer []byte) {
	const page = 4 << 10 // or a multiple of it, of which the system refuses a part
	if len(buffer) < 2*page {
		return
	}
	skip := -uintptr(unsafe.Pointer(&buffer[0])) % page
	_ = unix.Madvise(buffer[skip:], unix.MADV_POPULATE_WRITE)
}

func connOf(stream any) syscall.RawConn {
	file, ok := stream.(*os.File)
	if !ok {
		return nil
	}
	raw, err := file.SyscallConn()
	if err != nil {
		return nil
	}
	return raw
}
