package relaylist

import (
	"fmt"

	"tordetect/src/bounded"
	"tordetect/src/tordir"
)

// ReadAuthorities reads a file of authorities to trust.
func ReadAuthorities(path string) (tordir.Trust, error) {
	text, err := bounded.FileOrPipe(path, tordir.MaxAuthoritiesFile)
	if err != nil {
		return nil, fmt.Errorf("read the authorities %s: %w", path, err)
	}
	return tordir.ParseAuthorities(text)
}
