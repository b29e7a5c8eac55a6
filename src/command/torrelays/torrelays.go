// Package torrelays is the two generating search commands of the app Tor Detect,
// which make rows of their own and run on the search head only:
//
//	| torrelays                        the state of the relay table, one row
//	| torrelays seen <ip> [at=<time>]  what an address was at a time
//	| torupdate [source=...]...        fetch, verify and merge; emits the whole table for outputlookup
//
// ask.go is torrelays, which only reads; update.go is torupdate, which reaches the
// network, and ends when its search does. What they know is in package relaylist,
// and who may run them in metadata/default.meta.
package torrelays

import (
	"fmt"
	"time"

	"tordetect/src/chunked"
	"tordetect/src/rows"
)

// App is where the commands work.
type App struct {
	Lookups string           // folder of the app's lookups
	Version string           // of the program, for the status
	Now     func() time.Time // the clock
}

// Command returns the search command of that name, or nil if there is none.
func (a App) Command(name string) chunked.Command {
	switch name {
	case "torrelays":
		return &ask{app: a}
	case "torupdate":
		return &update{app: a}
	}
	return nil
}

// appendTable writes a whole reply.
func appendTable(dst []byte, columns []string, all [][]any) []byte {
	out := rows.NewWriter(rows.Plain(columns...))
	dst = out.AppendHeader(dst)
	cells := make([]rows.Cell, len(columns))
	for _, row := range all {
		for i := range cells {
			cells[i].SetString(fmt.Sprint(row[i]))
		}
		dst = out.AppendRow(dst, cells)
	}
	return dst
}
