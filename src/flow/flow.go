// Package flow holds the plain types of the house: a flow of traffic as it is
// judged, and what the relay list says of its ends. They are the words in which
// the packages that read events, the one that keeps relay tables and the one
// that judges talk to each other:
//
//	event reads   10.0.0.5 -> 198.51.100.7 port 9001, TCP, Established, label "ssl"
//	relay adds    a Sighting: 198.51.100.7:9001 is the OR port of relay "anna", Listed
//	detect takes  the Flow and says how sure it is that this is Tor
//
// relay.go has the words of the relay list, this file those of traffic. The
// package neither reads texts nor asks lists nor weighs.
package flow

import (
	"net/netip"
	"strconv"

	"tordetect/src/cell"
)

// Interval is the time of traffic, in epoch seconds, both ends included. From ==
// To is a moment.
type Interval struct{ From, To int64 }

// Side says which of a flow's two ends is meant.
type Side uint8

const (
	Source Side = iota
	Destination
)

// End is what is known of one of a flow's ends.
type End struct {
	Addr netip.Addr // the zero Addr if the row has no readable address
	Port uint16     // 0 if the row has none
	// Name is what the row writes in the place of an address, in small letters.
	// It and Internal are told of flows that may have to do with Tor only.
	Name     []byte
	Internal bool // it lies in the site's own networks
}

// AppendTo appends the end as people write it, 198.51.100.7:9001, [2001:db8::7]:9001
// or fileserver:9001, without the port where there is none; nothing without
// address and name.
func (e End) AppendTo(dst []byte) []byte {
	switch {
	case e.Addr.Is6() && e.Port != 0:
		return netip.AddrPortFrom(e.Addr, e.Port).AppendTo(dst)
	case e.Addr.IsValid():
		dst = cell.AppendAddress(dst, e.Addr)
	case len(e.Name) == 0:
		return dst
	default:
		dst = append(dst, e.Name...)
	}
	if e.Port != 0 {
		dst = strconv.AppendUint(append(dst, ':'), uint64(e.Port), 10)
	}
	return dst
}

// isOurs reports whether an end lies on our side, as far as it alone can tell.
func (e End) isOurs() bool { return e.Internal || e.Addr.IsValid() && IsPrivate(e.Addr) }

// OurSide is the side of a flow that nothing else tells: the one that has an
// address of ours; the source where both have, or neither.
func (f *Flow) OurSide() Side {
	if f.Destination.isOurs() && f.Source.Addr.IsValid() && !f.Source.isOurs() {
		return Destination
	}
	return Source
}

// Flow is what is known of one row of traffic before it is judged.
type Flow struct {
	Source, Destination End
	// SourcePorts and DestinationPorts are all ports of a row that stands for
	// several flows, or lists several; empty where it has none.
	SourcePorts, DestinationPorts []uint16
	// Handshake says that the record saw how the connection began, so that who
	// called whom is certain.
	Handshake bool
	// CountedBack says that the record counts what came back.
	CountedBack bool
	// Proxy is whom the row names as the destination where the true one stands in
	// a request to an explicit proxy.
	Proxy     netip.Addr
	NAT64     bool // an end was written as IPv6 below 64:ff9b::/96 (RFC 6052)
	Transport Transport
	Label     Label
	Hello     Hello
	Onion     Onion
	State     State
	Coverage  Coverage
	// Undated says that the row has no usable time, so that the list could
	// not be asked.
	Undated bool
	// NewestList and OldestList are the list's bounds in epoch seconds, used
	// in sentences only; 0 without a list.
	NewestList, OldestList int64
	Sightings              []Sighting
}

// Transport is what runs below the flow, as far as it matters: Tor's own
// connections are TCP.
type Transport uint8

const (
	TransportUnknown Transport = iota
	TCP
	NotTCP
)

// State is how far the flow came, apart from whether it is Tor.
type State uint8

const (
	StateUnknown State = iota
	Established        // something answered
	Attempt            // nothing answered, or the answer was a refusal
	Blocked            // the firewall stopped it
	States
)

var stateNames = [States]string{"unknown", "established", "attempt", "blocked"}

// String is the word used in the field tor_state.
func (s State) String() string { return stateNames[s] }

// Label is what the firewall's own application detection says.
type Label uint8

const (
	LabelNone    Label = iota // no label, or an empty one
	LabelOther                // something else
	LabelListed               // a rule that matches addresses of a published list: a list again
	LabelTor2web              // a gateway to onion services
	LabelTor                  // Tor
)

// Hello is what was shown when a TLS connection began, by the client but for the
// certificate.
type Hello struct {
	// Name is the server name, for sentences; what it looks like is told by the
	// three below. Form: it has the form of the names that the client of the
	// fingerprint makes up, which alone is worth nothing, so Form is of no
	// meaning without a fingerprint. Foreign: there is a name and it has not.
	// MadeUp: it looks like a name of Tor's.
	Name                  []byte
	Form, Foreign, MadeUp bool

	// The fingerprint is that of a known build of a Tor client.
	JA4, JA3 bool
	// JA3Shared: of a build in whose JA3 nothing is Tor's own.
	JA3Shared bool
	// JA3Other: there is a JA3 of no known build.
	JA3Other bool
	// Groups: a JA3 of no known build holds tor's own list of groups.
	Groups bool
	// Ciphers: a JA4 of no known build holds tor's list of ciphers and no ALPN.
	Ciphers bool
	// Snowflake: the fingerprint is that of the DTLS which Snowflake uses.
	Snowflake bool
	// Certificate: the server's has names as Tor's relays make them up.
	Certificate bool
}

// IsPrint reports whether a fingerprint speaks for a Tor client.
func (h *Hello) IsPrint() bool { return h.JA4 || h.JA3 || h.Groups || h.Ciphers }

// Speaks reports whether anything shown speaks for Tor.
func (h *Hello) Speaks() bool { return h.IsPrint() || h.MadeUp || h.Certificate || h.Snowflake }

// Onion is the name of an onion service or of a gateway to them, where the row
// shows one.
type Onion struct {
	Kind  OnionKind
	Where Where
	Name  []byte // for sentences
}

// OnionKind is what such a name is.
type OnionKind uint8

const (
	NoOnion      OnionKind = iota
	OnionGateway           // a tor2web gateway: onion services without Tor
	OnionService           // a name below .onion, which only Tor itself can use
)

// Where is the place in which a name was shown.
type Where uint8

const (
	InDNS Where = iota // a query
	InURL
	InTLS // the server name
)

// IsPrivate reports whether an address cannot be a relay of the public network:
// RFC 1918 and 4193, loopback, link-local, the shared space of RFC 6598, multicast
// and the unspecified address.
func IsPrivate(a netip.Addr) bool {
	if a.Is4() {
		if b := a.As4(); b[0] == 100 && b[1]&0xC0 == 64 {
			return true
		}
	}
	return a.IsPrivate() || a.IsLoopback() || a.IsLinkLocalUnicast() || a.IsUnspecified() || a.IsMulticast()
}
