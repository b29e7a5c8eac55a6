package chunked

import (
	"errors"
	"fmt"
	"path"
	"runtime"
	"strings"
)

// catch turns a panic of the command into an error. The value of the panic
// stays out of it, because it may hold anything: a row, a key.
func catch(err *error) {
	if recover() != nil {
		*err = errors.New("internal error in " + where() + "; please report it")
	}
}

// where names the functions between a panic and Serve, innermost first, as in
// "strings.Repeat (strings.go:624), command.(*Command).Execute (command.go:41)".
func where() string {
	const most = 4 // functions: enough to find the line, short enough to be read
	var counters [64]uintptr
	frames := runtime.CallersFrames(counters[:runtime.Callers(0, counters[:])])
	var names []string
	panicked := false
	for len(names) < most {
		frame, more := frames.Next()
		name := path.Base(frame.Function) // without the path of the package
		switch {
		case frame.Function == "runtime.gopanic":
			panicked, names = true, nil // a panic in a deferred function hides the one before
		case strings.HasPrefix(frame.Function, "runtime."):
		case panicked && strings.HasPrefix(name, "chunked.(*session)."):
			more = false
		case panicked:
			names = append(names, fmt.Sprintf("%s (%s:%d)", name, path.Base(frame.File), frame.Line))
		}
		if !more {
			break
		}
	}
	return strings.Join(names, ", ")
}
