//go:build !unix

package pace

import "time"

var start = time.Now()

// used is the time since the program began: there is no cheap clock of its CPU here.
func used() time.Duration { return time.Since(start) }
