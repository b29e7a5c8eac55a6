// Command tordetect is the search command of the app Tor Detect. Splunk starts
// it for "| tordetect" through bin/tordetect.sh and talks to it over stdin and
// stdout in the chunked protocol; see package command/tordetect for what it does to rows.
//
// The relay table is looked for beside the program, in ../lookups: on a search
// head that is the app's folder, on an indexer the search head's bundle.
package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"time"

	"tordetect/src/chunked"
	"tordetect/src/command/tordetect"
)

// version is set by build.sh.
var version = "dev"

func main() {
	chunked.IgnoreSIGPIPE()
	debug.SetGCPercent(gcPercent)
	os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// gcPercent lets the collector wait until the heap is five times what lives. A
// run holds a table and one large reply, both of which stay, and makes next to no
// garbage: a collection finds nothing, but runs while the table is read, which
// then touches each page twice. Measured on 50,000 rows of tstats: 33.6 ms of
// processor time at 50 percent, 29.0 at 400 or without a collector, peak memory
// 16 MB in each case; the same with chunks of growing size (74 MB). A table of
// 400,000 rows was read into 121 MB then, and is into 23 MB now.
const gcPercent = 400

func run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	if len(args) > 0 || isTerminal(stdin) {
		fmt.Fprintf(stderr, "tordetect %s: Splunk runs this program for the search command | tordetect\n"+
			"tordetect: to judge log files by hand, use torctl scan\n", version)
		return 2
	}
	program, err := os.Executable()
	if err != nil {
		fmt.Fprintf(stderr, "tordetect: find the folder of the program: %v\n", err)
		return 1
	}
	lookups := filepath.Join(filepath.Dir(program), "..", "lookups")
	name, _ := os.Hostname() // only told where somebody asks for it
	node := tordetect.Node{Name: name, Version: version, Arch: runtime.GOARCH}
	if err := chunked.Serve(stdin, stdout, tordetect.New(lookups, time.Now).On(node)); err != nil {
		return 1
	}
	return 0
}

// isTerminal reports whether somebody types: a character device that is not
// the null device.
func isTerminal(stdin io.Reader) bool {
	f, ok := stdin.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	if err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return false
	}
	null, err := os.Stat(os.DevNull)
	return err != nil || !os.SameFile(info, null)
}
