// Command tordetect is the search command of the app Tor Detect. Splunk starts
// it for "| tordetect" through bin/tordetect.sh and talks to it over stdin and
// stdout in the chunked protocol; see package command for what it does to rows.
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

// gcPercent lets the collector wait until the heap is eleven times what lives. A
// run holds a table and one large reply, both of which stay, and makes next to no
// garbage: a collection finds nothing, but follows all pointers of the table, which
// is a tenth of what a search of 50,000 events costs.
const gcPercent = 1000

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
