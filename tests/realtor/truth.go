package main

import (
	"fmt"
	"net/netip"
	"sync"
)

// Kinds of flows: who talked for what reason.
const (
	toRelay     = "client to a listed relay"
	toAttempt   = "client's unanswered try of a relay"
	toBridge    = "client to a plain bridge"
	toObfs4     = "client to an obfs4 bridge"
	fromExit    = "visit through an exit"
	ordinaryWeb = "ordinary: to a web server"
	ordinaryDNS = "ordinary: to a resolver"
	relaysWeb   = "ordinary: to another port of a relay's machine"
	relaysUDP   = "ordinary: UDP to the number of a relay's OR port"
	refused     = "ordinary: to a closed port of a relay's machine"
	visitor     = "ordinary: visit from a host of the world"
	relaysVisit = "ordinary: visit from the machine of a relay that is no exit"
)

// mustFind are the kinds that the list of relays is enough for.
var mustFind = map[string]bool{toRelay: true, fromExit: true}

// always are the kinds of which every run has some. A try that nobody answered is left
// to chance, and obfs4 to who has obfs4proxy.
var always = []string{toRelay, toBridge, fromExit, ordinaryWeb, ordinaryDNS, relaysWeb, relaysUDP, refused, visitor, relaysVisit}

// deeds are the ordinary connections that were made, by their ends: whoever makes
// one says so.
type deeds struct {
	mu   sync.Mutex
	kind map[ends]string
}

func (d *deeds) note(proto string, src, dst netip.AddrPort, kind string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.kind == nil {
		d.kind = map[ends]string{}
	}
	d.kind[ends{proto, src, dst}] = kind
}

// role is what a tor on a host is for.
type role string

const (
	authority role = "authority"
	middle    role = "relay"
	exit      role = "exit"
	bridge    role = "bridge"
	client    role = "client"
)

// place is a host on which a tor runs, as far as the truth needs it.
type place struct {
	runs   role
	orPort int
	obfs4  int
}

// truth says what a flow was. All that was not noted as ordinary and begins where tor
// runs is tor's: nothing else runs there. The rest nobody can explain, and then the
// experiment is wrong.
func (d *deeds) truth(c *connection, places map[netip.Addr]place) (kind string, tor bool, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if kind, ok := d.kind[ends{c.proto, c.src, c.dst}]; ok {
		return kind, false, nil
	}
	from, to := places[c.src.Addr()], places[c.dst.Addr()]
	switch port := int(c.dst.Port()); {
	case c.proto != "tcp":
	case from.runs == exit:
		return fromExit, true, nil
	case from.runs != client:
	case to.runs == bridge && port == to.obfs4:
		return toObfs4, true, nil
	case to.runs == bridge && port == to.orPort:
		return toBridge, true, nil
	case to.runs != "" && port == to.orPort && !c.answered():
		return toAttempt, true, nil
	case to.runs != "" && port == to.orPort:
		return toRelay, true, nil
	}
	return "", false, fmt.Errorf("nobody knows why %s talked to %s (%s)", c.src, c.dst, c.proto)
}
