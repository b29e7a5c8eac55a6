//go:build unix

package relaylist

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// lockFlags are those of opening what is locked.
const lockFlags = os.O_RDONLY

// lockable is the table, or its folder where there is none yet.
func lockable(table string) string {
	if _, err := os.Stat(table); errors.Is(err, fs.ErrNotExist) {
		return filepath.Dir(table)
	}
	return table
}

// unlocked has nothing to tidy up.
func unlocked(string) {}
