//go:build !linux

package chunked

// widen does nothing: only Linux lets a process ask for a larger pipe.
func widen(any) {}

// allocate returns a slice of that length and capacity.
func allocate(length, capacity int) []byte { return make([]byte, length, capacity) }
