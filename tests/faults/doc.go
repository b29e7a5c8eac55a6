// Package faults breaks what the packaged programs stand on, the table, memory, disk,
// pipes, a clock, and holds them to what README.md promises for each case.
//
//	go test ./tests/faults              a sample of bytes and moments
//	./build.sh faults                   all of them
//
// The package is $TORDETECT_PACKAGE; without it ./build.sh package makes one. What
// needs root or a tool is skipped where that is not to be had, and says so.
//
// It does not try what a log or a document says (fuzzing, tests/cases), and not what
// a directory server does (src/dirclient).
package faults
