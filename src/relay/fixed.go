package relay

import "tordetect/src/flow"

// Unread reports whether At would have to read a file first: the table, or for what is
// older than it the history.
func (n *Network) Unread(when flow.Interval, dated bool) bool {
	return n.table == nil || !n.historied && dated && when.From < n.from
}

// Fixed returns a network that knows what this one has read so far and reads nothing
// more. Several may ask those of one network at the same time, but not while this one
// reads. There has to be a table.
func (n *Network) Fixed() *Network {
	return &Network{path: n.path, table: n.Table(), historied: true}
}
