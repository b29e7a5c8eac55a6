package tordir

import (
	"errors"
	"fmt"
	"net/netip"
)

// ExitList is a list of addresses that exits were seen to leave from (TorDNSEL
// format). It is not signed. Times are epoch seconds, UTC.
type ExitList struct {
	Downloaded int64 // of CollecTor's copies; 0 in the list as it is served
	Nodes      []ExitNode
}

// ExitNode is an exit relay of the list.
type ExitNode struct {
	Identity   [20]byte
	Published  int64         // of its descriptor
	LastStatus int64         // valid-after of the consensus it was last seen in
	Addresses  []ExitAddress // one or more
}

// ExitAddress is an address that traffic of an exit was seen to come from.
type ExitAddress struct {
	Addr    netip.Addr
	Scanned int64 // when it was seen
}

// ParseExitList reads one exit list:
//
//	Downloaded 2018-11-01 00:02:01                      (not in all)
//	ExitNode 0011BD2485AD45D984EC4159C88FC066E5E3300E
//	Published 2018-10-31 05:08:21
//	LastStatus 2018-10-31 06:02:24
//	ExitAddress 192.0.2.201 2018-10-31 06:03:23         (one or more)
//
// A list without a node is an error, as an empty list must not pass for "no
// exits". So is a list that stops within a line or a node.
func ParseExitList(doc []byte) (*ExitList, error) {
	l, err := begin(doc)
	if err != nil {
		return nil, fmt.Errorf("exit list: %w", err)
	}
	list, err := readExitList(&l)
	if err != nil {
		return nil, fmt.Errorf("exit list: %w", err)
	}
	return list, nil
}

func readExitList(l *lines) (*ExitList, error) {
	const usual = 155 // bytes of a node's lines
	guess := len(l.doc)/usual + 8
	list := &ExitList{Nodes: make([]ExitNode, 0, guess)}
	addrs := make([]ExitAddress, 0, guess)
	first := 0 // in addrs, of the node at hand
	var node *ExitNode
	for {
		line, ok, err := l.next()
		if err != nil {
			return nil, err
		}
		if !ok {
			break
		}
		keyword, rest := word(line)
		ok = true
		switch string(keyword) {
		case "Downloaded":
			if node != nil || list.Downloaded != 0 {
				return nil, l.fail("%w", errTwo)
			}
			list.Downloaded, ok = parseTime(rest)
		case "ExitNode":
			if !node.complete() {
				return nil, l.fail("the ExitNode before this line lacks Published, LastStatus or ExitAddress")
			}
			list.Nodes = append(list.Nodes, ExitNode{})
			node, first = &list.Nodes[len(list.Nodes)-1], len(addrs)
			w, _ := word(rest)
			node.Identity, ok = parseFingerprint(w)
		case "Published", "LastStatus", "ExitAddress":
			if node == nil {
				return nil, l.fail("%s before the first ExitNode: this is no exit list, or its beginning is missing", keyword)
			}
			switch string(keyword) {
			case "Published":
				node.Published, ok = parseTime(rest)
			case "LastStatus":
				node.LastStatus, ok = parseTime(rest)
			default:
				w, rest := word(rest)
				var a ExitAddress
				var ok1 bool
				a.Addr, ok1 = parseAddr(w)
				a.Scanned, ok = parseTime(rest)
				ok = ok && ok1
				addrs = append(addrs, a)
				node.Addresses = addrs[first:len(addrs):len(addrs)]
			}
		}
		if !ok {
			return nil, l.fail("bad %s", quote(line))
		}
	}
	if node == nil {
		return nil, errors.New("no ExitNode in it: an empty list, or none at all")
	}
	if !node.complete() {
		return nil, errors.New("the last ExitNode lacks Published, LastStatus or ExitAddress: the list was cut short")
	}
	return list, nil
}

// complete says whether a node has all of its lines; before the first there is
// nothing to complete.
func (n *ExitNode) complete() bool {
	return n == nil || n.Published != 0 && n.LastStatus != 0 && len(n.Addresses) > 0
}
