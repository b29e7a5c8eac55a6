package relaylist

import (
	"fmt"

	"tordetect/src/bounded"

	"tordetect/src/tordir"
)

// maxAuthoritiesFile bounds an authorities file, in bytes. The built-in one has 2 kB.
const maxAuthoritiesFile = 1 << 20

// ReadAuthorities reads a file of authorities to trust.
func ReadAuthorities(path string) (tordir.Trust, error) {
	text, err := bounded.FileOrPipe(path, maxAuthoritiesFile)
	if err != nil {
		return nil, fmt.Errorf("read the authorities %s: %w", path, err)
	}
	return tordir.ParseAuthorities(text)
}
