// Command realtor lets the product judge a Tor network that runs: Debian's tor, in
// network namespaces of this program's own, and the packaged app over the log of the
// firewall between an office and that network.
//
//	go run ./tests/realtor [-out dist/realtor] [-torctl PROGRAM] [-evaluate PROGRAM]
//
//	office 10.20.0.0/16                      border        the world
//	clients, a client of a bridge, of obfs4    |     3 authorities, guards, exits, a cache, bridges
//	hosts that do not use Tor               ---+---  web servers, a resolver, other servers on relays' machines
//	a web server                               |     a client of Tor, visitors who are none
//	                                        capture
//
// What it does, one after the other:
//
//  1. The network comes up, with a consensus every 20 seconds (tornet_linux.go).
//     `torctl relays update` asks an authority and a cache for each.
//  2. Clients fetch pages through exits; others talk beside them (traffic_linux.go).
//     Meanwhile a relay joins and another leaves.
//  3. What crossed the border was captured (capture_linux.go), and is summed up into
//     flows (flows.go), which a firewall logs (logs.go).
//  4. The packaged app and `torctl scan` judge the log, and a sensor's log where one
//     is installed (judge.go, sensors.go). The truth of a flow is who talked for what
//     reason (truth.go); nothing of it is read off the flow.
//
// It prints what became of each kind of flow, and recall and precision beside those
// that package evaluate has for flows of its own making. The folder -out keeps
// capture, log, table and truth. Exit code 0, or 1 when a client of a listed relay
// was missed, an ordinary flow was called likely or tor, app and scan disagree, or
// the network did not come up; 2 wrong usage. Where root, tor or iproute2 is missing it
// says so and ends with 0.
//
// It proves nothing of the public network's size, nor of real people's traffic: the
// flows are few and chosen, all over IPv4 on one machine.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// options of a run.
type options struct {
	out, torctl, evaluate string
}

// errMissing says that this machine lacks what the run needs.
var errMissing = errors.New("not run")

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	var o options
	f := flag.NewFlagSet("realtor", flag.ContinueOnError)
	f.SetOutput(stderr)
	f.StringVar(&o.out, "out", "dist/realtor", "folder for capture, log, table and truth")
	f.StringVar(&o.torctl, "torctl", "dist/bin/torctl", "the program torctl")
	f.StringVar(&o.evaluate, "evaluate", "dist/bin/evaluate", "the program evaluate")
	if err := f.Parse(args); err != nil {
		return 2
	}
	if f.NArg() > 0 {
		fmt.Fprintf(stderr, "realtor: unexpected argument %q\n", f.Arg(0))
		return 2
	}
	var err error
	if o.out, err = filepath.Abs(o.out); err != nil {
		fmt.Fprintln(stderr, "realtor:", err)
		return 1
	}
	switch err := play(ctx, o, args, stdout, stderr); {
	case errors.Is(err, errMissing):
		fmt.Fprintln(stdout, "realtor:", err)
		return 0
	case err != nil:
		fmt.Fprintln(stderr, "realtor:", err)
		return 1
	}
	return 0
}
