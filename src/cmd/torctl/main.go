// Command torctl is the admin's and the responder's command line of Tor Detect:
// it works on the same files as the app, without Splunk.
//
//	torctl relays import FILE...    verify documents and merge them into a relay table
//	torctl relays update            fetch newer lists, verify and merge them
//	torctl relays verify FILE...    who signed what, and is it enough
//	torctl relays status            what a table knows
//	torctl relays seen IP --at T    what an address was at a time
//	torctl scan FILE...             find Tor in log files
//	torctl fingerprint FILE...      whose TLS connections a capture holds
//	torctl replay FILE...           send recorded events to Splunk
//	torctl doctor                   is the installed app healthy
//	torctl completion SHELL         have a shell complete what one types
//	torctl man DIR                  write manual pages
//
// Results go to stdout, everything else to stderr with "torctl: " in front.
// Exit codes: 0 fine, 1 failed, 2 wrong usage, 3 Tor found (scan --fail-on).
package main

import (
	"context"
	"errors"
	"io"
	"log"
	"os"
	"time"

	"github.com/spf13/cobra"

	"tordetect/src/terminal"
)

// version is set by build.sh.
var version = "dev"

func main() { os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr, time.Now)) }

const (
	exitFailed = 1
	exitUsage  = 2
	exitFound  = 3
)

// failure is an error of the work, not of how the program was called.
type failure struct{ error }

func (f failure) Unwrap() error { return f.error }

// failed makes a failure; nil stays nil.
func failed(err error) error {
	if err == nil {
		return nil
	}
	return failure{err}
}

func run(args []string, stdin io.Reader, stdout, stderr io.Writer, now func() time.Time) int {
	return runOn(terminal.New(stdout, stderr), args, stdin, now)
}

// runOn runs a command for somebody at a terminal.
func runOn(t *terminal.Terminal, args []string, stdin io.Reader, now func() time.Time) int {
	root := rootCommand(t, now)
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(t.Out())
	root.SetErr(t.Err())
	// net/http has a word in the log for servers that speak out of turn. What an
	// update has to say of a server is in its errors.
	log.SetOutput(io.Discard)
	err := root.ExecuteContext(context.Background())
	var work failure
	var found torFound
	switch {
	case err == nil:
		return 0
	case errors.As(err, &found):
		t.Say("%v", err)
		return exitFound
	case errors.As(err, &work):
		t.Say("%v", err)
		return exitFailed
	}
	t.Say("%v", err)
	t.Say("hint: torctl --help shows what there is")
	return exitUsage
}

func rootCommand(t *terminal.Terminal, now func() time.Time) *cobra.Command {
	root := &cobra.Command{
		Use:           "torctl",
		Short:         "Work with Tor Detect's relay table and with log files, without Splunk",
		Version:       version,
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.AddCommand(relaysCommand(t, now), scanCommand(t, now), fingerprintCommand(t), replayCommand(t, now), doctorCommand(t, now), completionCommand(t), manCommand(t))
	teach(root)
	return root
}
