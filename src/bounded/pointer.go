package bounded

import "bytes"

// IsPointer says whether a file begins as what lies in a clone in the place of a
// large file that Git LFS has not brought (git-lfs, docs/spec.md): three lines of
// text that name it. Older clones have the name that the program had before.
func IsPointer(head []byte) bool {
	for _, begin := range []string{"version https://git-lfs", "version https://hawser.github.com/spec/"} {
		if bytes.HasPrefix(head, []byte(begin)) {
			return true
		}
	}
	return false
}
