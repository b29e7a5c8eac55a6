package html

import (
	"strings"

	"tordetect/src/detect"
	"tordetect/src/flow"
	"tordetect/src/report/digest"
)

// What the codes of evidence, verdicts and states mean, in the words of the HTML
// report. The manual has a page for each code; here a responder gets a sentence.

// codeWords are the words for one code of evidence: what was seen, and what weakens
// it or what to do about it.
type codeWords struct{ Name, Means, Note string }

var evidenceWords = [...]codeWords{
	{"or_port", "The destination's address and port were a Tor relay's OR port at the time of the flow.", "Look at the host: minutes with bytes both ways are a Tor client or a program that brings one; unanswered tries to many relays are a scan."},
	{"default_bridge", "The destination is a bridge that ships with Tor Browser.", "Somebody on the host chose to get around a block of Tor."},
	{"authority", "The destination is a directory authority of Tor.", "Clients go there at their first start; so do relays and monitors. Look for or_port of the same host within the hour."},
	{"or_port_recent", "The destination was a relay in the day before, and a later list lacks it.", "Believe it where the same host has or_port as well: the address may have a new owner."},
	{"or_port_span", "The destination was a relay for part of the time that the row stands for.", "Whether the traffic fell into that part is not known; scan logs with a row for each flow."},
	{"dir_port", "The destination is a relay's or an authority's Dir port.", "Old clients, relays and tools use it. Look for or_port of the same host."},
	{"relay_noport", "The destination is a relay's address, and the row has no port.", "Weak: a third of the relays share their address with other services. Get the port from the log."},
	{"unpaired", "Address and port are both listed, but they come from two lists of values.", "Weak: the two may never have gone together."},
	{"relay_address", "The destination is a relay's address on another port.", "Very weak: mostly a web service on the same machine."},
	{"hosted_relay", "A listed relay inside your own networks (--internal).", "If you do not know of it, find out who runs it."},
	{"exit_address", "The source is an address that a Tor exit was seen to leave from within the day before.", "Ordinary for a public website; look twice at logins, administration pages and uploads."},
	{"exit_flag", "The source is the address of a relay that lets traffic out, and no exit list knows another address for it.", "As exit_address; a few exits leave from elsewhere, and then it is their operator."},
	{"exit_address_span", "The source was an exit's address for part of the time that the row stands for.", "As exit_address, less sure."},
	{"exit_flag_span", "The source was an exit relay's address for part of the time that the row stands for.", "As exit_flag, less sure."},
	{"list_label", "A rule of the sensor matches addresses of a published Tor list.", "No evidence beside the list that was asked here: it is a list again, of another date."},
	{"exit_or_address", "The source is where an exit listens, and the exit list says that it leaves from another address.", "Weak: mostly its operator."},
	{"relay_source", "The source is a relay that is no exit.", "Said, never scored: nearly always its operator, and not somebody who uses Tor."},
	{"app_label", "The firewall calls the flow Tor.", "Independent of every list, and it errs both ways. Where no list has the address: a bridge, or a mislabel."},
	{"tor2web_label", "The firewall calls the flow tor2web: a web gateway to onion services.", "Used without Tor. Find out which onion service was wanted."},
	{"ja3_tor", "The client's TLS handshake has the JA3 fingerprint of a Tor build that was measured.", "Decisive: it holds Tor's own list of groups. Less where the server name is not of Tor's form, or the build is of OpenSSL 1.1.0 or 4.0."},
	{"ja3_groups", "The text of the client's JA3 holds Tor's own list of groups, in no build that was measured.", "Decisive, as ja3_tor."},
	{"ja4_tor", "The client's TLS handshake has the JA4 fingerprint of a Tor build that was measured.", "Decisive beside a made-up server name; alone another program with a borrowed list of ciphers may have it, and beside a JA3 that is not Tor's it nearly says so."},
	{"ja4_ciphers", "The client's JA4 has Tor's list of ciphers and no ALPN, in no build that was measured.", "As ja4_tor, weaker."},
	{"cert_tor", "The server's certificate names its owner and its issuer as Tor's relays make such names up.", "Decisive: find out what the server is. Seen in TLS 1.2 only."},
	{"dtls_snowflake", "The client's DTLS has the fingerprint of that of Snowflake, a transport of Tor.", "Said, never scored: other programs with the same WebRTC library have it too."},
	{"onion_name", "A server name, URL or DNS query names an onion service or a gateway to one.", "A leak, not a connection to Tor. Look which program asked; malware that calls home shows like this."},
	{"sni_pattern", "The server name looks like those that Tor makes up.", "Very weak alone: ordinary names look so too."},
	{"not_tcp", "The flow is not TCP, so the list was not asked.", "Tor's own connections are TCP."},
}

// staleSuffix marks a code whose list is not of the flow's time.
const staleSuffix = "_stale"

const staleWords = "Taken from the list nearest in time, as none was read for the time of the flow; it counts for less the further away that list is."

// wordsOf returns the words for a code; one that this program does not know has
// only its name.
func wordsOf(code string) codeWords {
	plain, isStale := strings.CutSuffix(code, staleSuffix)
	for _, w := range evidenceWords {
		if w.Name == plain {
			w.Name = code
			if isStale {
				w.Note = staleWords + " " + w.Note
			}
			return w
		}
	}
	return codeWords{Name: code, Means: "No explanation is known for this code."}
}

// wording is a word of the report and what it means.
type wording struct{ Name, Means string }

// verdictMeans and the like say what a word means to a responder.
var verdictMeans = map[detect.Verdict]string{
	detect.VerdictTor:      "Score 80 and more: treat it as Tor traffic.",
	detect.VerdictLikely:   "Score 50 to 79: look for a second sign, such as other relays of the same host.",
	detect.VerdictPossible: "Score 20 to 49: a hint. Alone it is not enough to act on.",
	detect.VerdictNone:     "Below 20, and the relay list of that time could be asked: neither end was a relay.",
	detect.VerdictUnknown:  "Below 20, and it could not be asked: not found is not the same as clean.",
}

var stateMeans = map[flow.State]string{
	flow.Established:  "The other end answered: data went both ways.",
	flow.Attempt:      "Nothing came back. Scanners try such ports, too; the score stops at 79 unless the source is an exit.",
	flow.Blocked:      "The firewall stopped it. Whoever tried still tried: find out which program it was.",
	flow.StateUnknown: "The log does not say whether anything was answered.",
}

// kindTerms say what a host is by the relays that it contacted.
var kindTerms = []wording{
	{string(digest.Client), "Flows to a few relays, over hours or days: somebody uses Tor, or a program that brings it."},
	{string(digest.Bootstrapping), "An authority, or more than three relays, and all within one hour of the clock: Tor was started there, perhaps for the first time."},
	{string(digest.Scanner), "Twenty relays or more, of which less than a tenth answered, and nothing was blocked: it tries ports."},
	{string(digest.OwnRelay), "A listed relay of your own (told with --internal and --min-score 0), or a hundred relays or more, of which half answered: it is part of Tor."},
}

// terms are the words of a type with what they mean, in the order given.
func terms[T interface {
	comparable
	String() string
}](means map[T]string, of ...T) []wording {
	var out []wording
	for _, word := range of {
		out = append(out, wording{word.String(), means[word]})
	}
	return out
}

// coverageWords say what a coverage means and what to do about it.
var coverageWords = [flow.Coverages]struct{ Means, Do string }{
	flow.CoverageFull:   {"A relay list of that time was asked. Not found means that neither end was a listed relay.", "Nothing."},
	flow.CoverageStale:  {"The flow is newer than the newest relay list.", "Run torctl relays update, and scan again."},
	flow.CoverageGap:    {"The flow lies between two relay lists, in hours that were never read.", "Import the consensuses of those hours (torctl relays import), and scan again."},
	flow.CoverageBefore: {"The flow is older than the first relay list.", "Import older consensuses (torctl relays import), and scan again."},
	flow.CoverageNone:   {"Nothing could be looked up: there was no relay table, or the flow has no time or no address.", "Make a table (torctl relays update), and look at flows without a time or an address in the log."},
}

// beyondLists is what no relay list can show, whatever was read.
var beyondLists = []string{
	"Bridges that are not public (obfs4, WebTunnel, Snowflake) are in no list. They show only where the firewall names them, or by the TLS fingerprint of the client.",
	"Tor inside a VPN or behind a proxy shows as traffic to the VPN or the proxy. Scan the proxy's log as well.",
	"A flow that no log of these has cannot be found: ask which networks and hours the logs cover, remote workers' networks among them.",
	"Behind address translation a client here may stand for many hosts: look its address up in the translation log or DHCP log of that time.",
	"What went through Tor, and to where, is in no log of a firewall. It is on the host.",
}
