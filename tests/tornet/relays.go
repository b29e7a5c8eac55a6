package tornet

import (
	"bytes"
	"crypto/sha1"
	"encoding/binary"
	"fmt"
	"net/netip"
	"sort"
	"time"
)

// Relay is an entry of a consensus.
type Relay struct {
	Nickname string
	Identity [20]byte
	Addr     netip.Addr
	ORPort   uint16
	DirPort  uint16
	IPv6     []netip.AddrPort
	Flags    []string // as they stand on the s line; Running and Valid among them
}

// ExitNode is an entry of an exit list.
type ExitNode struct {
	Identity   [20]byte
	Published  time.Time
	LastStatus time.Time
	Addresses  []ExitAddress
}

// ExitAddress is an address seen by a scan.
type ExitAddress struct {
	Addr    netip.Addr
	Scanned time.Time
}

// Relays returns the network's relays at a time, ascending by identity. The
// network changes over the hours: each place in it has an address for 20 to 400
// hours, then another one; now and then it is empty, and every few times another
// relay takes it. No two relays have the same address and port at a time.
func (n *Network) Relays(at time.Time) []Relay {
	var relays []Relay
	for i := range n.relays {
		if r, ok := n.relay(i, at); ok {
			relays = append(relays, r)
		}
	}
	for i, a := range n.Authorities {
		relays = append(relays, Relay{
			Nickname: fmt.Sprintf("%sor", a.Nickname),
			Identity: n.hash("authority", i, 0),
			Addr:     a.Addr, ORPort: a.ORPort, DirPort: a.DirPort,
			Flags: []string{"Authority", "Fast", "Running", "Stable", "V2Dir", "Valid"},
		})
	}
	sortRelays(relays)
	return dedupe(relays)
}

// sortRelays brings relays into the order of a consensus.
func sortRelays(relays []Relay) {
	sort.Slice(relays, func(i, j int) bool {
		return bytes.Compare(relays[i].Identity[:], relays[j].Identity[:]) < 0
	})
}

// dedupe drops a relay of the same address and port as an earlier one: an
// authority with two identities is one relay.
func dedupe(relays []Relay) []Relay {
	seen := map[netip.AddrPort]bool{}
	out := relays[:0]
	for _, r := range relays {
		ap := netip.AddrPortFrom(r.Addr, r.ORPort)
		if !seen[ap] {
			seen[ap] = true
			out = append(out, r)
		}
	}
	return out
}

// The three documentation networks for IPv4, and ports that relays have.
var (
	networks = [3][3]byte{{192, 0, 2}, {198, 51, 100}, {203, 0, 113}}
	ports    = [8]uint16{9001, 443, 9002, 8443, 80, 9100, 4443, 993}
)

// hosts is how many hosts of a network the relays share; those from 200 on are
// the authorities'.
const hosts = 190

// relay makes the relay in place i at a time.
func (n *Network) relay(i int, at time.Time) (Relay, bool) {
	life := n.hash("life", i, 0)
	hours := 20 + int64(binary.BigEndian.Uint16(life[0:]))%380
	offset := int64(binary.BigEndian.Uint16(life[2:]))
	epoch := (at.Unix()/3600 + offset) / hours
	now := n.hash("epoch", i, epoch)
	if now[0] < 20 { // one in thirteen
		return Relay{}, false
	}
	id := n.hash("identity", i, epoch/(2+int64(life[4]%5)))

	// Places that share a host have different ports, so nobody collides.
	host, lap := i%hosts, i/hosts
	network := networks[int(now[1])%3]
	port := uint16(10000 + lap)
	if lap < len(ports) {
		port = ports[(lap+host)%len(ports)]
	}
	r := Relay{
		Nickname: fmt.Sprintf("relay%dx%x", i, id[:2]),
		Identity: id,
		Addr:     netip.AddrFrom4([4]byte{network[0], network[1], network[2], byte(1 + host)}),
		ORPort:   port,
	}
	if life[5] < 20 {
		r.DirPort = 9030
	}
	if life[6] < 128 {
		six := [16]byte{0x20, 0x01, 0x0d, 0xb8, 0, byte(now[1] % 3), 14: byte(i >> 8), 15: byte(i)}
		port6 := port
		if life[6] < 4 {
			port6++
		}
		r.IPv6 = []netip.AddrPort{netip.AddrPortFrom(netip.AddrFrom16(six), port6)}
	}
	kind := life[7]
	if now[2] < 25 { // flags come and go as well
		kind += 80
	}
	for _, f := range []struct {
		name string
		set  bool
	}{
		{"BadExit", kind == 77},
		{"Exit", kind < 70},
		{"Fast", kind < 230},
		{"Guard", kind > 35 && kind < 150},
		{"HSDir", kind%2 == 0},
		{"Running", true},
		{"Stable", kind < 200},
		{"V2Dir", kind%5 != 0},
		{"Valid", true},
	} {
		if f.set {
			r.Flags = append(r.Flags, f.name)
		}
	}
	return r, true
}

// ExitNodes returns what a scan of the exits finds at a time: for some, another
// address than where they listen, for a few, two.
func (n *Network) ExitNodes(at time.Time) []ExitNode {
	var nodes []ExitNode
	for _, r := range n.Relays(at) {
		if !has(r.Flags, "Exit") {
			continue
		}
		h := sha1.Sum(r.Identity[:])
		scanned := at.Add(-time.Duration(h[0]) * 5 * time.Minute)
		node := ExitNode{
			Identity:   r.Identity,
			Published:  at.Add(-10 * time.Hour),
			LastStatus: at.Add(-time.Hour).Truncate(time.Hour),
			Addresses:  []ExitAddress{{r.Addr, scanned}},
		}
		other := netip.AddrFrom4([4]byte{198, 51, 100, 191 + h[1]%9})
		switch {
		case h[2] < 25:
			node.Addresses[0].Addr = other
		case h[2] < 35:
			node.Addresses = append(node.Addresses, ExitAddress{other, scanned.Add(time.Minute)})
		}
		nodes = append(nodes, node)
	}
	return nodes
}

func has(words []string, word string) bool {
	for _, w := range words {
		if w == word {
			return true
		}
	}
	return false
}

// hash is all the chance there is.
func (n *Network) hash(what string, i int, j int64) [20]byte {
	return sha1.Sum(fmt.Appendf(nil, "%d/%s/%d/%d", n.seed, what, i, j))
}
