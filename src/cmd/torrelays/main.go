// Command torrelays is the program behind the search commands torrelays and
// torupdate of the app Tor Detect; see package command/torrelays for what they do. The
// launchers bin/torrelays.sh and bin/torupdate.sh name the command as the first
// argument.
//
// The relay tables are looked for beside the program, in ../lookups.
package main

import (
	"fmt"
	"io"
	"log"
	"os"
	"path/filepath"
	"time"

	"tordetect/src/chunked"
	"tordetect/src/command/torrelays"
)

// version is set by build.sh.
var version = "dev"

func main() {
	chunked.IgnoreSIGPIPE()
	log.SetOutput(io.Discard) // net/http tells there what a server sent unasked
	os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

func run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	program, err := os.Executable()
	if err != nil {
		fmt.Fprintf(stderr, "torrelays: find the folder of the program: %v\n", err)
		return 1
	}
	app := torrelays.App{Lookups: filepath.Join(filepath.Dir(program), "..", "lookups"), Version: version, Now: time.Now}
	var command chunked.Command
	if len(args) == 1 {
		command = app.Command(args[0])
	}
	if command == nil {
		fmt.Fprintf(stderr, "torrelays %s: Splunk runs this program for the search commands | torrelays and | torupdate\n"+
			"torrelays: on a command line use torctl relays\n", version)
		return 2
	}
	if err := chunked.Serve(stdin, stdout, command); err != nil {
		return 1
	}
	return 0
}
