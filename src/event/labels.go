package event

import (
	"bytes"

	"tordetect/src/cell"
	"tordetect/src/flow"
)

// Spelling is how a product writes that a flow is Tor.
type Spelling struct {
	Product string
	Text    string
	Label   flow.Label
	Source  string // where it was read; "not seen" is a guess from how the product writes others
}

// spellings are the labels that are known, for the manual and the test: the
// rule of ReadLabel takes each of them.
var spellings = []Spelling{
	{"Palo Alto App-ID", "tor", flow.LabelTor, "application list; ESCU's TOR Traffic"},
	{"Palo Alto App-ID", "tor2web", flow.LabelTor2web, "application list"},
	{"Cisco Secure Firewall", "Tor", flow.LabelTor, "ESCU's test of TOR Traffic passes; case not seen"},
	{"Fortinet FortiGate", "Tor", flow.LabelTor, "application control signature for the client (community.fortinet.com 196239)"},
	{"Fortinet FortiGate", "Tor.Client", flow.LabelTor, "not seen; signature names are written with dots"},
	{"Fortinet FortiGate", "Tor.Web.Proxy", flow.LabelTor, "not seen; Fortinet's article 193404 calls a signature for it TOR.Web.Proxy.TLSv1.Detection"},
	{"SonicWall", "Tor", flow.LabelTor, "application of signature 3584"},
	{"SonicWall", "Tor -- Client Request 5", flow.LabelTor, "signature 3584"},
	{"Juniper AppID", "TOR", flow.LabelTor, "not seen; IDP signatures say TOR (APP:TUN:TOR-1)"},
	{"Juniper AppID", "junos:TOR", flow.LabelTor, "not seen; predefined applications are written junos:NAME"},
	{"Juniper IDP", "APP:TUN:TOR-1", flow.LabelTor, "signature list"},
	{"nDPI, ntopng", "Tor", flow.LabelTor, "ntop/nDPI"},
	{"nDPI, ntopng", "TLS.Tor", flow.LabelTor, "ntop/nDPI: the protocol, a dot, the application"},
	{"nDPI's reader", "163/Tor", flow.LabelTor, "ntop/nDPI issue 154: the number, a slash, the application"},
	{"Netify", "tor_bridge", flow.LabelTor, "netify.ai, Tor Detection"},
	{"Netify", "tor_exit", flow.LabelTor, "netify.ai, Tor Detection"},
	{"Netify", "tor_relay", flow.LabelTor, "netify.ai, Tor Detection"},
	{"Smoothwall", "Proxies > Tor", flow.LabelTor, "kb.smoothwall.com 360002033490"},
	{"nDPI in Suricata", "TLS.Tor", flow.LabelTor, "ndpi.proto of eve.json (plugins/ndpi of Suricata 8 writes what nDPI serialises)"},
	{"Check Point, Zscaler, Sophos", "Tor", flow.LabelTor, "not seen"},
	{"Check Point, Zscaler, Sophos", "Tor Browser", flow.LabelTor, "not seen"},
}

// Spellings returns the known labels.
func Spellings() []Spelling { return append([]Spelling(nil), spellings...) }

// ReadLabel reads a cell of the column app, in any case, with or without blanks
// around. It takes every spelling in the table above, and others of their kind:
//
//   - the word tor at the beginning, followed by the end or by something that is
//     neither letter nor digit: tor, Tor.Client, tor_exit, Tor -- Client Request 5;
//   - the word tor at the end, behind a path that the product writes before an
//     application: a dot, colon, slash or > and blanks, as in TLS.Tor, junos:TOR.
//     A number may follow it: APP:TUN:TOR-1;
//   - tor2web in the same places.
//
// The word elsewhere is not taken: "Anti-Tor" or "Guard Tor Proxy" could mean
// anything. "torrent", "monitor", "store" and "TorGuard" hold no word tor.
func ReadLabel(text []byte) flow.Label {
	app := bytes.TrimSpace(text)
	if cell.IsEmpty(app) {
		return flow.LabelNone
	}
	if l := readWord(app); l != flow.LabelOther {
		return l
	}
	at := bytes.LastIndexAny(app, ".:/>")
	if at < 0 {
		return flow.LabelOther
	}
	switch last := bytes.TrimSpace(app[at+1:]); readWord(last) {
	case flow.LabelTor2web:
		return flow.LabelTor2web
	case flow.LabelTor:
		// Behind a path it must be the whole name, but for a number.
		if rest := last[len("tor"):]; len(rest) == 0 || rest[0] == '-' && isNumber(rest[1:]) {
			return flow.LabelTor
		}
	}
	return flow.LabelOther
}

// readWord reads a label that begins with its word.
func readWord(app []byte) flow.Label {
	switch {
	case beginsWith(app, "tor2web"):
		return flow.LabelTor2web
	case beginsWith(app, "tor") && (len(app) == 3 || !cell.IsAlphanumeric(app[3])):
		return flow.LabelTor
	}
	return flow.LabelOther
}

func isNumber(text []byte) bool {
	for _, c := range text {
		if c < '0' || c > '9' {
			return false
		}
	}
	return len(text) > 0
}

// protocolWords are in the names of rules that recognise Tor's own protocol, beside
// the word tor, as in "TLS possible TOR SSL traffic" or "TOR Consensus Data
// Requested" of the Emerging Threats rules. A browser's download or a forum's name
// is another thing.
var protocolWords = [...]string{"ssl", "tls", "certificate", "handshake", "protocol", "consensus", "server key", "get server", "get status", "circuit"}

// listWords are in the names of rules that match addresses of a published list, as
// in "Known Tor Exit Node Traffic group 12". Such a rule is a list again, of another
// date, and no witness beside ours.
var listWords = [...]string{"known", "node", "exit", "relay", "router"}

// readSignature reads the name of a rule that matched.
func readSignature(text []byte) flow.Label {
	if len(text) > maxSignature {
		text = text[:maxSignature]
	}
	var buffer [maxSignature]byte
	low := cell.Lower(buffer[:0], text)
	switch {
	case bytes.Contains(low, []byte("tor2web")):
		return flow.LabelTor2web
	case !hasWord(low, "tor"):
		return flow.LabelNone // most rules; it hides no label
	}
	for _, word := range listWords {
		if bytes.Contains(low, []byte(word)) {
			return flow.LabelListed
		}
	}
	for _, word := range protocolWords {
		if bytes.Contains(low, []byte(word)) {
			return flow.LabelTor
		}
	}
	return flow.LabelNone
}

// isLabeled reports whether the text has a label that says Tor, which is worth
// judging also where no address can be read.
func (e *Event) isLabeled() bool {
	for i := range e.n(App) {
		for rest := e.bare(App, i); len(rest) > 0; {
			at := bytes.IndexAny(rest, ",\n")
			if at < 0 {
				at = len(rest)
			}
			if ReadLabel(rest[:at]) > flow.LabelListed {
				return true
			}
			rest = rest[min(at+1, len(rest)):]
		}
	}
	for i := range e.n(Service) {
		if e.counts(Service, i) && ReadLabel(e.bare(Service, i)) > flow.LabelListed {
			return true
		}
	}
	for i := range e.n(Signature) {
		if readSignature(e.bare(Signature, i)) > flow.LabelOther {
			return true
		}
	}
	return false
}

// maxSignature bounds what is looked at; the longest of the published rules have
// some 120 characters.
const maxSignature = 256

// hasWord reports whether a word stands in a text by itself.
func hasWord(text []byte, word string) bool {
	for from := 0; ; {
		at := bytes.Index(text[from:], []byte(word))
		if at < 0 {
			return false
		}
		at += from
		end := at + len(word)
		if (at == 0 || !cell.IsAlphanumeric(text[at-1])) && (end == len(text) || !cell.IsAlphanumeric(text[end])) {
			return true
		}
		from = at + 1
	}
}
