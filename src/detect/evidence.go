package detect

import "math"

// Code names a piece of evidence.
type Code uint8

const (
	noCode Code = iota
	orPort
	defaultBridge
	authority
	orPortRecent
	orPortSpan
	dirPort
	relayNoPort
	unpaired
	relayAddress
	hostedRelay

	exitAddress
	exitFlag
	exitAddressSpan
	exitFlagSpan
	exitORAddress
	relaySource

	appLabel
	tor2webLabel

	ja3Tor
	ja3Groups
	ja4Tor
	ja4Ciphers
	certTor
	onionName
	sniPattern

	listLabel
	dtlsSnowflake
	notTCP
	codes
)

// group is a set of codes that say the same thing in different strength:
// within a group only the strongest counts.
type group uint8

const (
	byDestination group = iota
	bySource
	byLabel
	byName
	bySay // said, never scored
)

// table holds every code with its weight: the probability that a flow with
// this evidence alone is Tor. The thresholds of the verdicts are 0.20, 0.50 and
// 0.80; weights keep 0.03 away from them, so that rounding never decides.
//
// They were set by hand from the two private networks measured in the design and
// in tor.md; the reasons stand beside them. ./build.sh evaluate holds them to
// flows of our own making, on seeds that are kept apart from those it reports: for
// each code the share of Tor where it is alone, and in all flows, at the base
// rates of tests/flows/cases.go, and how wrong a base rate would have to be for
// the weight to be right. Most of them lie between the two shares or within
// a factor of three, which a guessed base rate explains. Those that differ are
// kept, for reasons: exit_flag (0.99 measured) and relay_address (0.00) change no
// verdict; app_label of an unlisted end (0.13) rests on a guess of how often
// firewalls mislabel, and an analyst wants to see what the firewall calls Tor;
// dir_port (0.93) and exit_or_address (0.00) stand on few flows; the JA3 of a Tor
// build with a name that is not of Tor's form (0.00) stays possible and no more.
var table = [codes]struct {
	name, stale string
	group       group
	weight      float64
}{
	// Address and OR port together: 0 of 37 and 6 of 921 other flows. The rest
	// is a change of hands within the hour.
	orPort: {"or_port", "or_port_stale", byDestination, 0.97},
	// Odd ports on machines that run nothing else; the list ages.
	defaultBridge: {"default_bridge", "", byDestination, 0.97},
	// Clients at their first start; also monitoring, relays and researchers.
	authority: {"authority", "", byDestination, 0.90},
	// A client may use a consensus that long, and so may the next owner of the
	// address: in the larger network the grace won 1 flow and cost 5.
	orPortRecent: {"or_port_recent", "", byDestination, 0.60},
	// A relay for some of the interval; whether the traffic fell into it is
	// not known.
	orPortSpan: {"or_port_span", "", byDestination, 0.60},
	// Plain HTTP to the directory: old clients, relays, tools.
	dirPort: {"dir_port", "dir_port_stale", byDestination, 0.60},
	// A third of the relays share their address with other services.
	relayNoPort: {"relay_noport", "relay_noport_stale", byDestination, 0.35},
	// After stats values() the pair may never have happened.
	unpaired: {"unpaired", "unpaired_stale", byDestination, 0.35},
	// 10 of 10 such flows in the private network were web services.
	relayAddress: {"relay_address", "relay_address_stale", byDestination, 0.10},
	// Ours: the operator knows.
	hostedRelay: {"hosted_relay", "hosted_relay_stale", bySay, 0},

	// Scanned within the day: users' traffic leaves there. What remains is the
	// exit host's own programs.
	exitAddress: {"exit_address", "exit_address_stale", bySource, 0.95},
	// The flag alone cannot know where the exit leaves from: 9 false of 274.
	exitFlag: {"exit_flag", "exit_flag_stale", bySource, 0.85},
	// As or_port_span.
	exitAddressSpan: {"exit_address_span", "", bySource, 0.60},
	exitFlagSpan:    {"exit_flag_span", "", bySource, 0.60},
	// The exit leaves from elsewhere, so this is its operator.
	exitORAddress: {"exit_or_address", "exit_or_address_stale", bySource, 0.10},
	// Nearly always the operator's own traffic: about 1% let some ports out.
	relaySource: {"relay_source", "relay_source_stale", bySay, 0},

	// Independent of every list; labels err both ways. The weight falls to
	// labelUnlisted where the list could be asked and knows neither end.
	appLabel: {"app_label", "", byLabel, 0.65},
	// A gateway to onion services, used without Tor.
	tor2webLabel: {"tor2web_label", "", byLabel, 0.40},

	// What fingerprints are worth beside what name stands in prints, below.
	ja3Tor:     {"ja3_tor", "", byName, 0.90},
	ja3Groups:  {"ja3_groups", "", byName, 0.86},
	ja4Tor:     {"ja4_tor", "", byName, 0.40},
	ja4Ciphers: {"ja4_ciphers", "", byName, 0.25},
	// Two names drawn by lot where others have a company's: 0.99 to 1.00 beside
	// servers of whose private authorities a quarter is named as a machine. Below
	// that for who copies Tor on purpose.
	certTor: {"cert_tor", "", byName, 0.90},
	// Somebody here wants an onion service, but the name left outside of Tor.
	onionName: {"onion_name", "", byName, 0.40},
	// 0.1 to 0.7% of the ordinary names of that form look so, and there are far
	// more of those than of Tor's: never more than a hint beside other evidence.
	sniPattern: {"sni_pattern", "", byName, 0.15},

	// A rule that matches addresses of a published list is a list again, of another
	// date, and no witness beside ours.
	listLabel: {"list_label", "", bySay, 0},

	// DTLS as Snowflake's: any program with that version of pion, a WebRTC for Go,
	// has the same. For hunting.
	dtlsSnowflake: {"dtls_snowflake", "", bySay, 0},

	// Tor runs over TCP: the list is not asked.
	notTCP: {"not_tcp", "", bySay, 0},
}

// labelUnlisted is the weight of app_label where coverage is full and neither
// end is in the list: a bridge, or a mislabel.
const labelUnlisted = 0.55

// print is what a fingerprint is worth beside the server name of its row.
type print struct {
	alone   float64 // the row has none
	formed  float64 // it has the form of those that this client makes up
	drawn   float64 // and looks drawn by lot
	foreign float64 // it has not that form: all of 5,836 hellos of C tor had
}

// prints are the weights of fingerprints. 35 builds of C tor and 38 look-alikes were
// measured (package tlsname). No look-alike has the JA3 of one: it holds tor's own
// list of groups. JA4 leaves the groups out: whoever gives OpenSSL a browser's list of
// ciphers and asks for no ALPN, as scrapers do, has tor's, with ordinary names, of
// which one in ten is www.something.com. tests/flows makes of a million flows 5 of
// such scrapers, 3 to bridges that no list knows, and 0.05 of programs that send all
// of tor's hello: guesses. Behind each line stands the share of Tor of 20 tuning seeds
// at these rates, where nothing else speaks, and of all.
var prints = struct{ ja3, groups, ja4, ja4Beside, ciphers print }{
	// 0.95 to 1.00; form 0.98 to 1.00; drawn 1.00; foreign 0.00, kept possible: who
	// sends all of Tor's hello wants to look like it.
	ja3: print{alone: 0.90, formed: 0.90, drawn: 0.97, foreign: 0.40},
	// 0.83 to 0.97; form 0.92 to 0.99; drawn 0.97 to 1.00. The rule is younger than
	// the builds.
	groups: print{alone: 0.86, formed: 0.86, drawn: 0.95, foreign: 0.40},
	// 0.20 to 0.97; form 0.53 to 0.99; drawn 0.94 to 1.00; foreign 0.00.
	ja4: print{alone: 0.40, formed: 0.60, drawn: 0.90, foreign: 0.10},
	// The scraper: 0.03 to 0.51; form 0.04 to 0.53; drawn 0.11 to 0.97, a build whose
	// JA3 nobody measured; foreign 0.00.
	ja4Beside: print{alone: 0.10, formed: 0.10, drawn: 0.85, foreign: 0.05},
	// Less than a whole JA4: 0.12 to 0.81; form 0.34 to 0.95; drawn 0.92 to 0.99.
	ciphers: print{alone: 0.25, formed: 0.40, drawn: 0.86, foreign: 0.05},
}

// perhapsAnswer is what an exit's address as the source is worth at most where the
// row has no source port and counts nothing that came back, and the destination's
// port is one that clients are given: one-way flow logs write the answer of a web
// server on an exit's machine so. It weighs as exit_address_span.
const perhapsAnswer = 0.60

// unanswered scales destination and label where nothing answered or the
// firewall blocked it: half of such contacts are scanners (second private
// network, lesson 4). A score that rests on a destination or on a name then
// stops at unansweredMax.
const (
	unanswered    = 0.6
	unansweredMax = 79
)

// A listing further from every list than staleFar seconds keeps the score at
// staleMax: 7.6% of the addresses are gone after a week, and the reader should
// see that the list is old.
const (
	staleFar = 7 * 24 * 60 * 60
	staleMax = 79
)

// scoreMax is the highest score: no evidence is certain.
const scoreMax = 99

// survival is the share of address and port pairs that are still Tor after
// some time, measured between real consensuses of 2021 to 2026 (the longest
// between 43 months): 1 h, 25 h, 3 d, 10 d, 53 d, 182 d, 376 d, 43 months.
var survival = [...]struct{ seconds, share float64 }{
	{1 * 3600, 0.994},
	{25 * 3600, 0.982},
	{3 * 86400, 0.952},
	{10 * 86400, 0.888},
	{53 * 86400, 0.811},
	{182 * 86400, 0.643},
	{376 * 86400, 0.451},
	{1309 * 86400, 0.219},
}

// survivalAfter interpolates survival linearly over the logarithm of the time.
// Below the first point and beyond the last it is that point's; 0 stands for
// "never away" and gives 1.
func survivalAfter(seconds int64) float64 {
	s := float64(seconds)
	if seconds <= 0 {
		return 1
	}
	if s <= survival[0].seconds {
		return survival[0].share
	}
	for i := 1; i < len(survival); i++ {
		a, b := survival[i-1], survival[i]
		if s <= b.seconds {
			part := math.Log(s/a.seconds) / math.Log(b.seconds/a.seconds)
			return a.share + part*(b.share-a.share)
		}
	}
	return survival[len(survival)-1].share
}

// Evidence is one code of a finding, with the weight that it had for this flow.
type Evidence struct {
	Code   Code
	Stale  bool
	Weight float64
}

// Name is the word used in the field tor_evidence.
func (e Evidence) Name() string {
	if e.Stale {
		return table[e.Code].stale
	}
	return table[e.Code].name
}

// Names lists every word that Name can return, for the manual and its test.
func Names() []string {
	var out []string
	for _, c := range table[noCode+1:] {
		out = append(out, c.name)
		if c.stale != "" {
			out = append(out, c.stale)
		}
	}
	return out
}

// Weights returns every code with its weight, in the order of the table: what a
// flow with this evidence alone is given, where nothing takes from it (an
// answer came, the list is of that time). For the evaluation and the manual.
func Weights() []Evidence {
	var out []Evidence
	for c := noCode + 1; c < codes; c++ {
		out = append(out, Evidence{Code: c, Weight: table[c].weight})
	}
	return out
}
