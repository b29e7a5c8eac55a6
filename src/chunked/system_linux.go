package chunked

import (
	"os"
	"syscall"
	"unsafe"
)

// pipeSize is what a pipe is asked to hold: the most that Linux allows a user
// without privileges (/proc/sys/fs/pipe-max-size). The usual 64 KiB make a chunk
// of 60 MB a thousand turns of writer and reader.
const pipeSize = 1 << 20

// widen asks for a larger pipe behind a stream. Anything else than a pipe, and a
// system that refuses, stay as they are.
func widen(stream any) {
	file, ok := stream.(*os.File)
	if !ok {
		return
	}
	raw, err := file.SyscallConn()
	if err != nil {
		return
	}
	_ = raw.Control(func(fd uintptr) {
		_, _, _ = syscall.Syscall(syscall.SYS_FCNTL, fd, syscall.F_SETPIPE_SZ, pipeSize)
	})
}

// hugePage is the size of a large page on amd64 and arm64.
const hugePage = 2 << 20

// allocate returns a slice of that length and capacity. Large memory is asked
// for in large pages: a chunk of 60 MB then costs 30 page faults instead of
// 15,000, which are most of what an echo of it costs.
func allocate(length, capacity int) []byte {
	buf := make([]byte, length, capacity)
	if capacity < 2*hugePage {
		return buf
	}
	start := uintptr(unsafe.Pointer(unsafe.SliceData(buf)))
	skip := int(-start & (hugePage - 1))
	if whole := (capacity - skip) &^ (hugePage - 1); whole > 0 {
		_ = syscall.Madvise(buf[:capacity][skip:skip+whole], syscall.MADV_HUGEPAGE)
	}
	return buf
}
