// Command torrelays is the program behind two search commands of the app Tor
// Detect that make rows of their own, and run on the search head only:
//
//	| torrelays                        the state of the relay table, one row
//	| torrelays seen <ip> [at=<time>]  what an address was at a time
//	| torupdate [source=...]...        fetch, verify and merge; emits the whole table for outputlookup
//
// The launchers bin/torrelays.sh and bin/torupdate.sh name the command as the
// first argument. torrelays only reads. torupdate reaches the network and is for
// administrators (metadata/default.meta).
package main

import (
	"fmt"
	"io"
	"log"
	"os"
	"path/filepath"
	"time"

	"tordetect/src/chunked"
)

// version is set by build.sh.
var version = "dev"

func main() {
	chunked.IgnoreSIGPIPE()
	log.SetOutput(io.Discard) // net/http tells there what a server sent unasked
	os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr, time.Now))
}

func run(args []string, stdin io.Reader, stdout, stderr io.Writer, now func() time.Time) int {
	program, err := os.Executable()
	if err != nil {
		fmt.Fprintf(stderr, "torrelays: find the folder of the program: %v\n", err)
		return 1
	}
	lookups := filepath.Join(filepath.Dir(program), "..", "lookups")
	var command chunked.Command
	switch {
	case len(args) == 1 && args[0] == "torrelays":
		command = &ask{lookups: lookups, now: now}
	case len(args) == 1 && args[0] == "torupdate":
		command = &update{lookups: lookups, now: now}
	default:
		fmt.Fprintf(stderr, "torrelays %s: Splunk runs this program for the search commands | torrelays and | torupdate\n"+
			"torrelays: on a command line use torctl relays\n", version)
		return 2
	}
	if err := chunked.Serve(stdin, stdout, command); err != nil {
		return 1
	}
	return 0
}
