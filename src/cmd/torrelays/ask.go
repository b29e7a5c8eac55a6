package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/netip"
	"path/filepath"
	"strings"
	"time"

	"tordetect/src/chunked"
	"tordetect/src/relay"
	"tordetect/src/relaylist"
)

// ask is | torrelays.
type ask struct {
	lookups string
	now     func() time.Time

	seen bool
	addr netip.Addr
	at   int64
	then bool // at was given; else it is now
}

const askUsage = "want torrelays, or torrelays seen <ip> [at=<time>]"

func (a *ask) Getinfo(info *chunked.Info) (chunked.Declaration, error) {
	for i, arg := range pairs(info.Args) {
		name, value, given := strings.Cut(arg, "=")
		var err error
		switch {
		case i == 0 && arg == "seen":
			a.seen = true
		case a.seen && name == "at" && given:
			a.at, err = relaylist.ParseTime(value)
			a.then = true
		case a.seen && !a.addr.IsValid() && (!given || name == "ip"):
			if given {
				arg = value
			}
			a.addr, err = relaylist.ParseAddr(arg)
		default:
			err = fmt.Errorf("unknown argument %q: %s", arg, askUsage)
		}
		if err != nil {
			return chunked.Declaration{}, err
		}
	}
	if a.seen && !a.addr.IsValid() {
		return chunked.Declaration{}, fmt.Errorf("seen needs an address: %s", askUsage)
	}
	// reporting: rows for the Statistics tab, and on the search head.
	return chunked.Declaration{Type: chunked.Reporting, Generating: true}, nil
}

func (a *ask) Execute(_ context.Context, c *chunked.Chunk, _ io.Reader) error {
	table, err := relay.Open(filepath.Join(a.lookups, tableName))
	unreadable := ""
	switch {
	case errors.Is(err, fs.ErrNotExist):
		c.Warn("There is no relay list yet. Enable the search Update the Tor relay list, or import a list with torupdate.")
		table = relay.Empty()
	case err != nil:
		// A row all the same: the search that watches the list has to learn of it.
		unreadable = err.Error()
		c.Warn(fmt.Sprintf("The relay list %s cannot be read: %v.", tableName, err))
		table = relay.Empty()
	}
	if !a.seen {
		columns, row := relaylist.Status(table, tableName, version, a.now())
		c.Reply = appendRows(c.Reply, append(columns, "unreadable"), [][]any{append(row, unreadable)})
		return nil
	}
	at := a.at
	if !a.then {
		at = a.now().Unix()
	}
	if oldest, ok := table.Oldest(); !ok || at < oldest {
		if err := table.ExtendFile(filepath.Join(a.lookups, historyName)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			c.Warn(fmt.Sprintf("The relay history %s cannot be read: %v.", historyName, err))
		}
	}
	columns, rows := relaylist.SeenRows(relaylist.Lookup(table, a.addr, at))
	c.Reply = appendRows(c.Reply, columns, rows)
	return nil
}

// pairs puts together what splunkd took apart at blanks around an equals sign.
func pairs(args []string) []string {
	var out []string
	for i := 0; i < len(args); i++ {
		arg := args[i]
		switch {
		case i+2 < len(args) && args[i+1] == "=":
			arg += "=" + args[i+2]
			i += 2
		case i+1 < len(args) && strings.HasSuffix(arg, "="):
			arg += args[i+1]
			i++
		case i+1 < len(args) && strings.HasPrefix(args[i+1], "=") && len(args[i+1]) > 1:
			arg += args[i+1]
			i++
		}
		out = append(out, arg)
	}
	return out
}
