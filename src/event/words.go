package event

import (
	"bytes"
	"strings"

	"tordetect/src/cell"
	"tordetect/src/flow"
)

// notTCPNames are transports that are certainly not TCP, by name and by IANA
// protocol number. Anything else (also "ip", "any" or an application's name in
// the wrong column) leaves the transport unknown.
var notTCPNames = map[string]bool{
	"udp": true, "udp6": true, "17": true, "quic": true, "dtls": true,
	"icmp": true, "icmp6": true, "icmpv6": true, "ipv6-icmp": true, "1": true, "58": true,
	"igmp": true, "2": true, "gre": true, "47": true, "esp": true, "50": true, "ah": true, "51": true,
	"ospf": true, "89": true, "pim": true, "103": true, "vrrp": true, "112": true, "sctp": true, "132": true,
	"ipip": true, "4": true, "41": true, "arp": true,
}

// ReadTransport reads the name or number of a transport, in any case, with or
// without blanks around.
func ReadTransport(text []byte) flow.Transport {
	var low [len("ipv6-icmp")]byte // the longest name
	text = bytes.TrimSpace(text)
	if len(text) > len(low) {
		return flow.TransportUnknown
	}
	switch name := cell.Lower(low[:0], text); {
	case string(name) == "tcp", string(name) == "6", string(name) == "tcp6":
		return flow.TCP
	case notTCPNames[string(name)]:
		return flow.NotTCP
	}
	return flow.TransportUnknown
}

// readVersion is what the version of TLS says of the transport: that of DTLS is
// never TCP.
func readVersion(text []byte) flow.Transport {
	if bytes.HasPrefix(text, []byte("DTLS")) {
		return flow.NotTCP
	}
	return flow.TransportUnknown
}

// readJA4 is what a JA4 says of the transport: it begins with t for TCP, q for QUIC and
// d for DTLS, as in q13d0312h3_. That it was TCP is left open: what is logged beside it knows better.
func readJA4(text []byte) flow.Transport {
	if text = bytes.TrimSpace(text); len(text) > 11 && text[10] == '_' && (text[0]|0x20 == 'q' || text[0]|0x20 == 'd') {
		return flow.NotTCP
	}
	return flow.TransportUnknown
}

// blockWords are how actions begin that stopped a flow: CIM's blocked and dropped,
// and the words of vendors: deny, drop, reset-both, reject, sinkhole (Palo Alto),
// Prevent (Check Point), discard (Juniper, SonicWall), refused. FortiGate's
// client-rst and server-rst are ends of allowed sessions, as are close and timeout.
var blockWords = [...]string{"block", "den", "drop", "reset", "reject", "sinkhole", "prevent", "discard", "refuse"}

// IsBlock reports whether an action says that the firewall stopped the flow.
func IsBlock(action []byte) bool {
	action = bytes.TrimSpace(action)
	if len(action) == 1 && action[0]|0x20 == 'd' { // Azure's network security groups
		return true
	}
	for _, word := range blockWords {
		if beginsWith(action, word) {
			return true
		}
	}
	return false
}

// CIMAction says what the firewall did in CIM's words, where it is said in those of
// Palo Alto (as the lookup of its add-on translates them), of Suricata, or of FortiGate,
// which names how a session ended that it let through.
func CIMAction(action []byte) []byte {
	var low [len("sinkhole-and-more")]byte
	if len(action) > len(low) {
		return action
	}
	word := cell.Lower(low[:0], action)
	switch string(word) {
	case "allow", "alert", "continue", "forward", "accept", "pass",
		"start", "close", "timeout", "client-rst", "server-rst", "ip-conn":
		return allowed
	case "deny", "reject":
		return blocked
	case "drop", "sinkhole":
		return dropped
	}
	switch {
	case bytes.HasPrefix(word, []byte("drop-")):
		return dropped
	case bytes.HasPrefix(word, []byte("block-")), bytes.HasPrefix(word, []byte("reset-")):
		return blocked
	}
	return action
}

var allowed, blocked, dropped = []byte("allowed"), []byte("blocked"), []byte("dropped")

// conn is what Zeek's conn_state says.
type conn struct {
	state flow.State
	// handshake: the record saw how the connection began, so that who called whom
	// is certain.
	handshake bool
	// midstream: it began before Zeek looked; counts both ways tell that it was
	// answered, and nothing that it was not.
	midstream bool
}

// connStates are the states that tell more than counts do (Zeek's conn.log). Those
// of half-seen connections are not among them, but for OTH.
var connStates = map[string]conn{
	"S0": {state: flow.Attempt, handshake: true}, "REJ": {state: flow.Attempt, handshake: true}, // no answer to the SYN, or a refusal
	"SH": {state: flow.Attempt}, "RSTOS0": {state: flow.Attempt},
	"S1": {state: flow.Established, handshake: true}, "S2": {state: flow.Established, handshake: true}, "S3": {state: flow.Established, handshake: true},
	"SF": {state: flow.Established, handshake: true}, "RSTO": {state: flow.Established, handshake: true}, "RSTR": {state: flow.Established, handshake: true},
	"OTH": {midstream: true},
}

// IsConnState reports whether a text is one of Zeek's connection states.
func IsConnState(text []byte) bool {
	switch string(text) {
	case "S0", "S1", "S2", "S3", "SF", "REJ", "RSTO", "RSTR", "RSTOS0", "RSTRH", "SH", "SHR", "OTH":
		return true
	}
	return false
}

// Counts of a flow; -1 is "not known". In is what came back.
type Counts struct{ PacketsIn, PacketsOut, BytesIn, BytesOut int64 }

// An attempt sends a few packets without an answer: three SYNs of 74 bytes and
// what a link layer adds stay below 400 bytes.
const (
	attemptPackets = 3
	attemptBytes   = 400
)

// state says how far a flow came. What is not known is never an attempt.
func (c Counts) state() flow.State {
	switch {
	case c.PacketsIn > 0 || c.BytesIn > 0:
		return flow.Established
	case c.PacketsIn == 0:
		return flow.Attempt
	case c.BytesIn == 0 && (c.PacketsOut >= 0 && c.PacketsOut <= attemptPackets || c.BytesOut >= 0 && c.BytesOut <= attemptBytes):
		return flow.Attempt
	}
	return flow.StateUnknown
}

// beginsWith compares in any case.
func beginsWith(text []byte, word string) bool {
	return len(text) >= len(word) && strings.EqualFold(string(text[:len(word)]), word)
}
