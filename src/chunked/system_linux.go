package chunked

import (
	"os"
	"syscall"
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
