package relaylist

import (
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"

	"tordetect/src/tordir"
)

// maxAuthoritiesFile bounds an authorities file, in bytes. The built-in one has 2 kB.
const maxAuthoritiesFile = 1 << 20

// ReadAuthorities reads a file of authorities to trust.
func ReadAuthorities(path string) (tordir.Trust, error) {
	text, err := readBounded(path, maxAuthoritiesFile)
	if err != nil {
		return nil, fmt.Errorf("read the authorities %s: %w", path, err)
	}
	return tordir.ParseAuthorities(text)
}

// readBounded reads a file, or a pipe as a shell's <(...) makes it, of at most so
// many bytes. It does not wait for a pipe that nobody writes to.
func readBounded(path string, most int64) ([]byte, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if kind := info.Mode().Type(); kind != 0 && kind != os.ModeNamedPipe {
		return nil, errors.New("it is not a file")
	}
	text, err := io.ReadAll(io.LimitReader(f, most+1))
	if err == nil && int64(len(text)) > most {
		err = fmt.Errorf("it has more than the %d bytes that are read", most)
	}
	return text, err
}
