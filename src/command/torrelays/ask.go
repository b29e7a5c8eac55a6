package torrelays

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/netip"
	"path/filepath"

	"tordetect/src/chunked"
	"tordetect/src/relay"
	"tordetect/src/relaylist"
	"tordetect/src/splunkhome"
)

// ask is | torrelays.
type ask struct {
	app  App
	info *chunked.Info
	question
}

// question is what the arguments say.
type question struct {
	seen bool
	addr netip.Addr
	at   int64
	then bool // at was given; else it is now
}

const askUsage = "want torrelays, or torrelays seen <ip> [at=<time>]"

// Getinfo reads the arguments.
func (a *ask) Getinfo(info *chunked.Info) (chunked.Declaration, error) {
	a.info = info
	var err error
	if a.question, err = parseQuestion(info.Args); err != nil {
		return chunked.Declaration{}, err
	}
	// reporting: rows for the Statistics tab, and on the search head.
	return chunked.Declaration{Type: chunked.Reporting, Generating: true}, nil
}

func parseQuestion(words []string) (q question, err error) {
	args := chunked.NewArguments(words, func(name string) bool { return name == "ip" || name == "at" })
	for first := true; args.Next() && err == nil; first = false {
		switch {
		case first && !args.Named && args.Name == "seen":
			q.seen = true
		case q.seen && args.Named && args.Name == "at":
			q.at, err = relaylist.ParseTime(args.Value)
			q.then = true
		case q.seen && !q.addr.IsValid() && !args.Named:
			q.addr, err = relaylist.ParseAddr(args.Name)
		case q.seen && !q.addr.IsValid() && args.Name == "ip":
			q.addr, err = relaylist.ParseAddr(args.Value)
		case args.Named:
			err = fmt.Errorf("unknown argument %q: %s", args.Name+"="+args.Value, askUsage)
		default:
			err = fmt.Errorf("unknown argument %q: %s", args.Name, askUsage)
		}
	}
	if err == nil && q.seen && !q.addr.IsValid() {
		err = fmt.Errorf("seen needs an address: %s", askUsage)
	}
	return q, err
}

// Execute answers with all rows at once.
func (a *ask) Execute(_ context.Context, c *chunked.Chunk, _ io.Reader) error {
	network := relay.NewNetwork(filepath.Join(a.app.Lookups, splunkhome.Table))
	table, absent := network.Table(), network.Absent()
	unreadable := ""
	switch {
	case errors.Is(absent, fs.ErrNotExist):
		c.Warn("There is no relay list yet. Enable the search Update the Tor relay list, or import a list with torupdate.")
	case absent != nil:
		// A row all the same: the search that watches the list has to learn of it.
		unreadable = absent.Error()
		c.Warn(fmt.Sprintf("The relay list %s cannot be read: %v.", splunkhome.Table, absent))
	}
	if !a.seen {
		// As require_list asks it: by the end of the search's window, if that is past.
		columns, row := relaylist.Status(table, splunkhome.Table, a.app.Version, a.info.End(a.app.Now()))
		c.Reply = appendTable(c.Reply, append(columns, "unreadable"), [][]any{append(row, unreadable)})
		return nil
	}
	at := a.at
	if !a.then {
		at = a.app.Now().Unix()
	}
	columns, rows := relaylist.SeenRows(relaylist.Lookup(network, a.addr, at))
	lost, lostHistory := network.Damage(splunkhome.Table)
	for _, sentence := range append(lost, lostHistory...) {
		c.Warn(sentence)
	}
	c.Reply = appendTable(c.Reply, columns, rows)
	return nil
}
