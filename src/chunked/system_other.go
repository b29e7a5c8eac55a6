//go:build !linux

package chunked

// widen does nothing: only Linux lets a process ask for a larger pipe.
func widen(any) {}

// readerGone cannot tell: what is closed is seen when it is written to.
func readerGone(any) func() bool { return nil }

// populate does nothing: the system gives each page when it is written to.
func populate([]byte) {}
