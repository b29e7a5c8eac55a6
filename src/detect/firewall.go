package detect

import (
	"bytes"

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

// ReadTransport reads a cell of the column transport or proto, in any case,
// with or without blanks around.
func ReadTransport(cell []byte) flow.Transport {
	var low [len("ipv6-icmp")]byte // the longest name
	cell = bytes.TrimSpace(cell)
	if len(cell) > len(low) {
		return flow.TransportUnknown
	}
	switch name := lower(low[:0], cell); {
	case string(name) == "tcp", string(name) == "6", string(name) == "tcp6":
		return flow.TCP
	case notTCPNames[string(name)]:
		return flow.NotTCP
	}
	return flow.TransportUnknown
}

// Empty reports whether a cell, in lower case, holds a word for "no value":
// fillnull writes null, CIM unknown, Zeek and many others a dash.
func Empty(cell []byte) bool {
	switch string(cell) {
	case "", "null", "unknown", "-":
		return true
	}
	return false
}

// IsBlock reports whether a cell of the column action says that the firewall
// stopped the flow: CIM's blocked and dropped, and the vendors' own deny,
// reset-both, reject and sinkhole.
func IsBlock(action []byte) bool {
	action = bytes.TrimSpace(action)
	for _, word := range [...]string{"block", "den", "drop", "reset", "reject", "sinkhole"} {
		if beginsWith(action, word) {
			return true
		}
	}
	return false
}

// ReadConnState reads Zeek's conn_state, which tells more than counts do: Zeek
// saw the handshake. StateUnknown is for the states of half-seen connections,
// and for anything else.
func ReadConnState(cell []byte) flow.State {
	switch string(bytes.TrimSpace(cell)) {
	case "S0", "SH", "RSTOS0", "REJ": // no answer to the SYN, or a refusal
		return flow.Attempt
	case "S1", "S2", "S3", "SF", "RSTO", "RSTR":
		return flow.Established
	}
	return flow.StateUnknown
}

// Counts of a flow; -1 is "not known". In is what came back.
type Counts struct{ PacketsIn, PacketsOut, BytesIn, BytesOut int64 }

// An attempt sends a few packets without an answer: three SYNs of 74 bytes and
// what a link layer adds stay below 400 bytes.
const (
	attemptPackets = 3
	attemptBytes   = 400
)

// StateOf says how far a flow came. What is not known is never an attempt.
func StateOf(blocked bool, c Counts) flow.State {
	switch {
	case blocked:
		return flow.Blocked
	case c.PacketsIn > 0 || c.BytesIn > 0:
		return flow.Established
	case c.PacketsIn == 0:
		return flow.Attempt
	case c.BytesIn == 0 && (c.PacketsOut >= 0 && c.PacketsOut <= attemptPackets || c.BytesOut >= 0 && c.BytesOut <= attemptBytes):
		return flow.Attempt
	}
	return flow.StateUnknown
}

// lower appends the ASCII lower case of text.
func lower(dst, text []byte) []byte {
	for _, c := range text {
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		dst = append(dst, c)
	}
	return dst
}

// alphanumeric reports whether c is an ASCII letter or digit.
func alphanumeric(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}
