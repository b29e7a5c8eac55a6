package relay

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"strings"

	"tordetect/src/flow"
)

// Network is the relay table of a path and, for what is older, the history that
// lies beside it: the one way to ask what the Tor network was at a time, for the
// search commands, torctl scan and torctl relays seen. The table is read when
// something is asked for the first time, the history when something is older than
// the table, or there is no table.
type Network struct {
	path string

	table     *Table
	absent    error // why there is no table; nil if there is one
	from      int64 // when it begins
	historied bool
	hasOld    bool  // the history was read
	old       error // why it could not be read

	// Of the table itself, before the history joined it.
	complete      bool
	skipped, rows int

	oldSkipped, oldRows int // of the history
}

// NewNetwork returns the network of the table at path, which is not opened yet.
func NewNetwork(path string) *Network { return &Network{path: path} }

// HistoryOf is the path of the history that goes with a table.
func HistoryOf(table string) string { return strings.TrimSuffix(table, ".csv") + "_history.csv" }

// Table returns the table without its history, or the built-in list where there is
// none; see Absent.
func (n *Network) Table() *Table {
	if n.table == nil {
		t, err := Open(n.path)
		if n.absent = err; err != nil {
			t = Empty()
		}
		n.set(t)
	}
	return n.table
}

func (n *Network) set(t *Table) {
	n.table, n.complete, n.skipped, n.rows = t, t.Complete, t.Skipped, t.Rows
	n.from = math.MaxInt64
	if oldest, ok := t.Oldest(); ok {
		n.from = oldest
	}
}

// At returns the table that can tell about that time; where it is not dated, the one
// that there is.
func (n *Network) At(when flow.Interval, dated bool) *Table {
	if n.table != nil && (n.historied || !dated || when.From >= n.from) { // nearly always
		return n.table
	}
	table := n.Table()
	if !dated || when.From >= n.from {
		return table
	}
	n.historied = true
	skipped, rows := table.Skipped, table.Rows
	err := table.ExtendFile(HistoryOf(n.path))
	n.oldSkipped, n.oldRows = table.Skipped-skipped, table.Rows-rows
	switch n.hasOld = err == nil; {
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		n.old = err
	case n.hasOld && (n.complete || n.absent != nil) && !table.Complete:
		n.old = errors.New("it was cut")
	}
	return table
}

// Opened reports whether the table was asked for.
func (n *Network) Opened() bool { return n.table != nil }

// Absent says why there is no table, of the kind fs.ErrNotExist where there is no
// file; nil where there is one. It opens the table.
func (n *Network) Absent() error {
	n.Table()
	return n.absent
}

// Damage says in sentences, by the table's name, what of the table that is there, and of
// its history, was lost. It is for those that have asked what they wanted to know.
func (n *Network) Damage(name string) (table, history []string) {
	if n.absent == nil && n.table != nil && !n.complete {
		table = append(table, fmt.Sprintf("The relay list %s was cut or damaged: its rows are used, but what is not in it cannot be told to be no relay.", name))
	}
	if n.skipped > 0 {
		table = append(table, fmt.Sprintf("The relay list %s has unreadable rows, %d of %d; they were skipped.", name, n.skipped, n.rows))
	}
	if n.old != nil {
		history = append(history, fmt.Sprintf("The relay history %s cannot be read: %v. Rows older than the relay list cannot be checked.", HistoryOf(name), n.old))
	}
	if n.oldSkipped > 0 {
		history = append(history, fmt.Sprintf("The relay history %s has unreadable rows, %d of %d; they were skipped.", HistoryOf(name), n.oldSkipped, n.oldRows))
	}
	return table, history
}

// HasHistory reports whether there is a history and something was old enough to ask it.
func (n *Network) HasHistory() bool { return n.hasOld }
