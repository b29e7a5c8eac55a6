package detect_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"tordetect/src/detect"
	"tordetect/src/flow"
)

var update = flag.Bool("update", false, "write the golden file of the reasons anew")

const (
	guard   = flow.Guard
	exits   = flow.Exit
	both    = flow.Guard | flow.Exit
	badExit = flow.Exit | flow.BadExit

	tor     = flow.LabelTor
	tor2web = flow.LabelTor2web
)

// The ends of the flows: a client and a server here, a relay, and an address
// that no list knows.
const (
	client   = "10.0.0.5"
	server   = "203.0.113.5:443"
	relay    = "198.51.100.7:9001"
	relayWeb = "198.51.100.7:443"
	stranger = "192.0.2.8:443"
	source   = "198.51.100.7:40000"
	resolver = "10.0.0.53:53"
)

// Names as clients show them: one that C tor made up, one that has its form by
// chance, and one of an onion service.
const (
	torName   = "www.cdxjgg3hvpu33.com"
	shop      = "www.example.com"
	service   = "abcdefghij234567.onion"
	theOnions = flow.OnionService
	tor2webs  = flow.OnionGateway
)

var flows = []struct {
	name  string
	build build
	want  string // score verdict state direction role: evidence
}{
	// Nothing, or nothing that counts.
	{"no listing", from(client, stranger), "0 none established - -:"},
	{"other label", from(client, stranger).label(flow.LabelOther), "0 none established - -:"},
	{"no listing, list too old", from(client, stranger).covered(flow.CoverageStale), "0 unknown established - -:"},
	{"no listing, list too young", from(client, stranger).covered(flow.CoverageBefore), "0 unknown established - -:"},
	{"no listing, gap", from(client, stranger).covered(flow.CoverageGap), "0 unknown established - -:"},
	{"no list", from(client, stranger).listless(), "0 unknown established - -:"},
	{"no time", from(client, stranger).undated(), "0 unknown established - -:"},
	{"nothing to look up", from("", "").covered(flow.CoverageNone), "0 unknown established - -:"},
	{"listed later", from(client, relay).dest(or(9001, guard, "anna").later(day)), "0 none established - -:"},
	{"listed earlier", from(client, relay).dest(or(9001, guard, "anna").earlier(2 * day)), "0 none established - -:"},
	{"listed later, list too young", from(client, relay).covered(flow.CoverageBefore).dest(or(9001, guard, "anna").later(day)), "0 unknown established - -:"},
	{"listed earlier and later: the nearer", from(client, relay).dest(or(9001, 0, "carl").later(2 * day)).dest(or(9001, guard, "anna").earlier(day)), "0 none established - -:"},
	{"an exit later", from(source, server).src(or(9001, exits, "bob").later(day)), "0 none established - -:"},
	{"listed later on another port", from(client, relayWeb).dest(or(9001, guard, "anna").later(day)), "0 none established - -:"},

	// Destination.
	{"or port", from(client, relay).dest(or(9001, guard, "anna")), "97 tor established outbound guard: or_port"},
	{"or port of an exit", from(client, relay).dest(or(9001, exits, "bob")), "97 tor established outbound exit: or_port"},
	{"or port of a guard and exit", from(client, relay).dest(or(9001, both, "bob")), "97 tor established outbound guard+exit: or_port"},
	{"or port of a bad exit", from(client, relay).dest(or(9001, badExit, "bob")), "97 tor established outbound relay: or_port"},
	{"or port of an authority in the list", from(client, relay).dest(or(9001, flow.DirAuthority|guard, "auth")), "97 tor established outbound authority: or_port"},
	{"or port, IPv6", from("2001:db8:1::5", "[2001:db8::7]:9001").dest(or(9001, guard, "anna")), "97 tor established outbound guard: or_port"},
	{"or port, answer unknown", from(client, relay).unsure().dest(or(9001, guard, "anna")), "97 tor unknown outbound guard: or_port"},
	{"or port, transport unknown", build{flow.Flow{Source: endOf(client), Destination: endOf(relay)}}.dest(or(9001, guard, "anna")), "97 tor unknown outbound guard: or_port"},
	{"or port, source unreadable", from("", relay).dest(or(9001, guard, "anna")), "97 tor established outbound guard: or_port"},
	{"or port, no answer", from(client, relay).attempt().dest(or(9001, guard, "anna")), "58 likely attempt outbound guard: or_port"},
	{"web service on a relay's address, blocked", from(client, relayWeb).blocked().dest(or(9001, guard, "anna")), "6 none blocked outbound guard: relay_address"},
	{"or port, blocked", from(client, relay).blocked().dest(or(9001, guard, "anna")), "58 likely blocked outbound guard: or_port"},
	{"default bridge", from(client, relay).dest(builtIn(flow.Bridge, 9001, "")), "97 tor established outbound bridge: default_bridge"},
	{"default bridge without a list", from(client, relay).listless().dest(builtIn(flow.Bridge, 9001, "")), "97 tor established outbound bridge: default_bridge"},
	{"default bridge, other port", from(client, relayWeb).dest(builtIn(flow.Bridge, 9001, "")), "0 none established - -:"},
	{"authority", from(client, relay).dest(builtIn(flow.Authority, 9001, "auth")), "90 tor established outbound authority: authority"},
	{"authority's address", from(client, relayWeb).dest(builtIn(flow.Authority, 9001, "auth")), "10 none established outbound authority: relay_address"},
	{"authority's Dir port", from(client, relay).dest(builtIn(flow.AuthorityDir, 9001, "auth")), "60 likely established outbound authority: dir_port"},
	{"authority, built in and listed", from(client, relay).dest(builtIn(flow.Authority, 9001, "auth")).dest(or(9001, flow.DirAuthority, "auth")), "97 tor established outbound authority: or_port authority"},
	{"recent", from(client, relay).dest(or(9001, guard, "anna").recent(5 * hour)), "60 likely established outbound guard: or_port_recent"},
	{"recent, other port", from(client, relayWeb).dest(or(9001, guard, "anna").recent(5 * hour)), "0 none established - -:"},
	{"recent Dir port", from(client, relay).dest(dir(9001, "carl").recent(5 * hour)), "0 none established - -:"},
	{"span", from(client, relay).dest(or(9001, guard, "anna").spanned()), "60 likely established outbound guard: or_port_span"},
	{"Dir port", from(client, relay).dest(dir(9001, "carl")), "60 likely established outbound relay: dir_port"},
	{"no port", from(client, "198.51.100.7").dest(or(9001, guard, "anna")), "35 possible established outbound guard: relay_noport"},
	{"unpaired", from(client, relay).dest(or(9001, guard, "anna").pairs()), "35 possible established outbound guard: unpaired"},
	{"unpaired default bridge", from(client, relay).dest(builtIn(flow.Bridge, 9001, "").pairs()), "35 possible established outbound bridge: unpaired"},
	{"relay's address", from(client, relayWeb).dest(or(9001, guard, "anna")), "10 none established outbound guard: relay_address"},
	{"relay's address by its Dir port", from(client, relayWeb).dest(dir(9030, "carl")), "10 none established outbound relay: relay_address"},
	{"relay's two ports, one matches", from(client, relay).dest(dir(9030, "anna")).dest(or(9001, guard, "anna")), "97 tor established outbound guard: or_port"},
	{"two addresses, one matches", from(client, relay).dest(or(9001, guard, "anna")).dest(or(443, 0, "carl").at("198.51.100.8:9001")), "97 tor established outbound guard: or_port relay_address"},
	{"an exit list's address as destination", from(client, relay).dest(exit("bob")), "0 none established - -:"},

	// Several relays on one address: the best role speaks, all are named.
	{"three relays on an address", from(client, relayWeb).dest(or(9001, 0, "carl")).dest(or(9002, both, "bob")).dest(or(9003, guard, "anna")), "10 none established outbound guard+exit: relay_address"},
	{"two relays on an address", from(client, relayWeb).dest(or(9001, 0, "carl")).dest(or(9003, guard, "anna")), "10 none established outbound guard: relay_address"},
	{"a relay that changed its flags", from(client, relay).dest(or(9001, 0, "carl")).dest(or(9001, guard, "carl")), "97 tor established outbound guard: or_port"},

	// Source.
	{"exit address", from(source, server).src(exit("bob")), "95 tor established inbound exit: exit_address"},
	{"exit address, blocked", from(source, server).blocked().src(exit("bob")), "95 tor blocked inbound exit: exit_address"},
	{"exit address, no answer", from(source, server).attempt().src(exit("bob")), "95 tor attempt inbound exit: exit_address"},
	{"exit address, span", from(source, server).src(exit("bob").spanned()), "60 likely established inbound exit: exit_address_span"},
	{"exit flag", from(source, server).src(or(9001, exits, "bob")), "85 tor established inbound exit: exit_flag"},
	{"exit flag, guard", from(source, server).src(or(9001, both, "bob")), "85 tor established inbound guard+exit: exit_flag"},
	{"exit flag, span", from(source, server).src(or(9001, exits, "bob").spanned()), "60 likely established inbound exit: exit_flag_span"},
	{"exit flag, destination unreadable", from(source, "").src(or(9001, exits, "bob")), "85 tor established inbound exit: exit_flag"},
	{"exit flag and exit list", from(source, server).src(or(9001, exits, "bob")).src(exit("bob")), "95 tor established inbound exit: exit_address exit_flag"},
	{"exit flag, leaves elsewhere", from(source, server).src(or(9001, exits, "bob").elsewhere()), "10 none established inbound exit: exit_or_address"},
	{"exit flag, IPv6, elsewhere", from("2001:db8::7", "[2001:db8:1::5]:443").src(or(9001, exits, "bob").elsewhere()), "85 tor established inbound exit: exit_flag"},
	{"exit flag, recent", from(source, server).src(or(9001, exits, "bob").recent(hour)), "0 none established - -:"},
	{"bad exit", from(source, server).src(or(9001, badExit, "bob")), "0 none established - relay: relay_source"},
	{"relay without exit", from(source, server).src(or(9001, guard, "anna")), "0 none established - guard: relay_source"},
	{"authority as source", from(source, server).src(builtIn(flow.Authority, 9001, "auth")), "0 none established - authority: relay_source"},
	{"Dir port's address as source", from(source, server).src(dir(9030, "carl")), "0 none established - -:"},
	{"exit and relay share the address", from(source, server).src(or(9001, 0, "carl")).src(or(9002, exits, "bob")), "85 tor established inbound exit: exit_flag"},

	// The firewall's label.
	{"label alone", from(client, stranger).label(tor), "55 likely established outbound -: app_label"},
	{"label alone, no answer", from(client, stranger).attempt().label(tor), "33 possible attempt outbound -: app_label"},
	{"label alone, blocked", from(client, stranger).blocked().label(tor), "33 possible blocked outbound -: app_label"},
	{"label, list too old", from(client, stranger).covered(flow.CoverageStale).label(tor), "65 likely established outbound -: app_label"},
	{"label, no list", from(client, stranger).listless().label(tor), "65 likely established outbound -: app_label"},
	{"label, blocked, no time", from(client, stranger).undated().blocked().label(tor), "39 possible blocked outbound -: app_label"},
	{"label, no ends", from("", "").covered(flow.CoverageNone).label(tor), "65 likely established outbound -: app_label"},
	{"label, listed later", from(client, relay).label(tor).dest(or(9001, guard, "anna").later(2 * hour)), "55 likely established outbound -: app_label"},
	{"label, listed earlier, gap", from(client, relay).covered(flow.CoverageGap).label(tor).dest(or(9001, guard, "anna").earlier(2 * day)), "65 likely established outbound -: app_label"},
	{"label and or port", from(client, relay).label(tor).dest(or(9001, guard, "anna")), "99 tor established outbound guard: or_port app_label"},
	{"label and or port, blocked: stops at 79", from(client, relay).blocked().label(tor).dest(or(9001, guard, "anna")), "75 likely blocked outbound guard: or_port app_label"},
	{"label and recent", from(client, relay).label(tor).dest(or(9001, guard, "anna").recent(hour)), "86 tor established outbound guard: app_label or_port_recent"},
	{"label and relay's address: half up", from(client, relayWeb).label(tor).dest(or(9001, guard, "anna")), "69 likely established outbound guard: app_label relay_address"},
	{"label and exit flag", from(source, server).label(tor).src(or(9001, exits, "bob")), "95 tor established inbound exit: exit_flag app_label"},
	{"label and exit flag, blocked", from(source, server).blocked().label(tor).src(or(9001, exits, "bob")), "91 tor blocked inbound exit: exit_flag app_label"},
	{"label and relay without exit", from(source, server).label(tor).src(or(9001, guard, "anna")), "65 likely established outbound guard: app_label relay_source"},
	{"tor2web label", from(client, stranger).label(tor2web), "40 possible established outbound -: tor2web_label"},
	{"tor2web label, blocked", from(client, stranger).blocked().label(tor2web), "24 possible blocked outbound -: tor2web_label"},
	{"tor2web label and or port", from(client, relay).label(tor2web).dest(or(9001, guard, "anna")), "98 tor established outbound guard: or_port tor2web_label"},

	// What the client showed.
	{"TLS name of Tor's form alone", from(client, stranger).formed(shop), "0 none established - -:"},
	{"made-up name alone", from(client, stranger).madeUp(torName), "15 none established outbound -: sni_pattern"},
	{"made-up name, list too old", from(client, stranger).covered(flow.CoverageStale).madeUp(torName), "15 unknown established outbound -: sni_pattern"},
	{"made-up name, blocked", from(client, stranger).blocked().madeUp(torName), "15 none blocked outbound -: sni_pattern"},
	{"made-up name and relay's address", from(client, relayWeb).dest(or(9001, guard, "anna")).madeUp(torName), "24 possible established outbound guard: sni_pattern relay_address"},
	{"made-up name and recent", from(client, relay).dest(or(9001, guard, "anna").recent(5 * hour)).madeUp(torName), "66 likely established outbound guard: or_port_recent sni_pattern"},
	{"made-up name and label", from(client, stranger).label(tor).madeUp(torName), "62 likely established outbound -: app_label sni_pattern"},
	{"made-up name and or port", from(client, relay).dest(or(9001, guard, "anna")).madeUp(torName), "97 tor established outbound guard: or_port sni_pattern"},
	{"fingerprint alone", from(client, stranger).ja4(), "40 possible established outbound -: ja4_tor"},
	{"fingerprint alone, of JA3", from(client, stranger).ja3(), "90 tor established outbound -: ja3_tor"},
	{"fingerprint alone, of both", from(client, stranger).ja4().ja3(), "90 tor established outbound -: ja3_tor ja4_tor"},
	{"fingerprint of JA3 where nothing in it is Tor's own", from(client, stranger).shared(), "40 possible established outbound -: ja3_tor"},
	{"fingerprint of JA3 where nothing in it is Tor's own, and a made-up name", from(client, stranger).shared().ja4().madeUp(torName), "90 tor established outbound -: ja3_tor ja4_tor sni_pattern"},
	{"fingerprint with another name", from(client, stranger).ja3().sni("mail.example.org"), "40 possible established outbound -: ja3_tor"},
	{"fingerprint with another name, of JA4", from(client, stranger).ja4().sni("mail.example.org"), "10 none established outbound -: ja4_tor"},
	{"fingerprint with several names", func() build { f := from(client, stranger).ja4().madeUp(torName); f.Hello.Form = false; return f }(), "40 possible established outbound -: ja4_tor sni_pattern"},
	{"a borrowed list of ciphers", from(client, stranger).ja4().otherJA3().sni("mail.example.org"), "5 none established outbound -: ja4_tor"},
	{"a borrowed list of ciphers, no name", from(client, stranger).ja4().otherJA3(), "10 none established outbound -: ja4_tor"},
	{"a borrowed list of ciphers and a name of Tor's form", from(client, stranger).ja4().otherJA3().formed(shop), "10 none established outbound -: ja4_tor"},
	{"a JA4 beside a JA3 that nobody measured, and a made-up name", from(client, stranger).ja4().otherJA3().madeUp(torName), "85 tor established outbound -: ja4_tor sni_pattern"},
	{"tor's groups", from(client, stranger).groups(), "86 tor established outbound -: ja3_groups"},
	{"tor's groups with a made-up name", from(client, stranger).groups().madeUp(torName), "95 tor established outbound -: ja3_groups sni_pattern"},
	{"tor's groups with another name", from(client, stranger).groups().ciphers().sni("mail.example.org"), "40 possible established outbound -: ja3_groups ja4_ciphers"},
	{"tor's groups and a JA4", from(client, stranger).groups().ja4().formed(shop), "86 tor established outbound -: ja3_groups ja4_tor"},
	{"tor's groups to a relay", from(client, relay).groups().dest(or(9001, guard, "anna")), "99 tor established outbound guard: or_port ja3_groups"},
	{"tor's ciphers", from(client, stranger).ciphers(), "25 possible established outbound -: ja4_ciphers"},
	{"tor's ciphers with a name of its form", from(client, stranger).ciphers().formed(shop), "40 possible established outbound -: ja4_ciphers"},
	{"tor's ciphers with a made-up name", from(client, stranger).ciphers().madeUp(torName), "86 tor established outbound -: ja4_ciphers sni_pattern"},
	{"tor's ciphers, another JA3", from(client, stranger).ciphers().otherJA3().formed(shop), "10 none established outbound -: ja4_ciphers"},
	{"a relay's certificate", from(client, stranger).cert(), "90 tor established outbound -: cert_tor"},
	{"a relay's certificate, blocked", from(client, stranger).blocked().cert(), "79 likely blocked outbound -: cert_tor"},
	{"a relay's certificate and a made-up name", from(client, stranger).cert().madeUp(torName), "90 tor established outbound -: cert_tor sni_pattern"},
	{"a relay's certificate, a fingerprint and a label", from(client, stranger).label(tor).cert().ja3().madeUp(torName), "99 tor established outbound -: ja3_tor cert_tor app_label sni_pattern"},
	{"a relay's certificate, at a relay", from(client, relay).cert().dest(or(9001, guard, "anna")), "99 tor established outbound guard: or_port cert_tor"},
	{"a relay's certificate without ends", from("", "").covered(flow.CoverageNone).cert(), "90 tor established outbound -: cert_tor"},
	{"Snowflake's DTLS", from("192.0.2.8:50000", "10.0.0.5:40000").udp().snowflake(), "0 none established - -: dtls_snowflake not_tcp"},
	{"Snowflake's DTLS, transport unknown", build{flow.Flow{Source: endOf(stranger), Destination: endOf(client), NewestList: noon, OldestList: morning}}.snowflake(), "0 none unknown - -: dtls_snowflake"},
	{"fingerprint with a name of Tor's form", from(client, stranger).ja4().formed("www.i5fytdofxbs.com"), "60 likely established outbound -: ja4_tor"},
	{"fingerprint with a made-up name", from(client, stranger).ja4().ja3().madeUp(torName), "97 tor established outbound -: ja3_tor ja4_tor sni_pattern"},
	{"fingerprint with a made-up name, listed later", from(client, relay).ja4().madeUp(torName).dest(or(9001, guard, "anna").later(2 * hour)), "90 tor established outbound -: ja4_tor sni_pattern"},
	{"fingerprint with a made-up name, no list", from(client, stranger).listless().ja4().madeUp(torName), "90 tor established outbound -: ja4_tor sni_pattern"},
	{"fingerprint with a made-up name, blocked: stops at 79", from(client, stranger).blocked().ja4().madeUp(torName), "79 likely blocked outbound -: ja4_tor sni_pattern"},
	{"fingerprint with a made-up name and or port, blocked: stops at 79", from(client, relay).blocked().ja4().madeUp(torName).dest(or(9001, guard, "anna")), "79 likely blocked outbound guard: ja4_tor or_port sni_pattern"},
	{"fingerprint and relay's address", from(client, relayWeb).ja4().dest(or(9001, guard, "anna")), "46 possible established outbound guard: ja4_tor relay_address"},
	{"fingerprint and label", from(client, stranger).label(tor).ja4().madeUp(torName), "96 tor established outbound -: ja4_tor app_label sni_pattern"},
	{"fingerprint from an exit's own machine", from(source, server).src(or(9001, exits, "bob").elsewhere()).ja4().madeUp(torName), "91 tor established outbound exit: ja4_tor sni_pattern exit_or_address"},
	{"fingerprint from an exit", from(source, server).src(exit("bob")).ja4(), "97 tor established inbound exit: exit_address ja4_tor"},
	{"fingerprint from an exit, blocked", from(source, server).blocked().src(or(9001, exits, "bob")).ja4().madeUp(torName), "85 tor blocked outbound exit: ja4_tor exit_flag sni_pattern"},
	{"fingerprint of a relay of our own", from(client, relay).dest(or(9001, guard, "anna").internal()).ja4().madeUp(torName), "0 none established relay guard: hosted_relay ja4_tor sni_pattern"},
	{"fingerprint over UDP", from(client, stranger).udp().ja4().madeUp(torName), "0 none established - -: not_tcp"},
	{"fingerprint and a label over UDP", from(client, stranger).udp().label(tor).ja4().madeUp(torName), "55 likely established outbound -: app_label not_tcp"},
	{"onion name by DNS", from(client, resolver).udp().onion(theOnions, flow.InDNS, service), "40 possible established outbound -: onion_name not_tcp"},
	{"onion name by DNS, list too old", from(client, resolver).covered(flow.CoverageStale).onion(theOnions, flow.InDNS, service+"."), "40 possible established outbound -: onion_name"},
	{"onion name by URL", from(client, server).onion(theOnions, flow.InURL, service), "40 possible established outbound -: onion_name"},
	{"onion name by TLS, blocked", from(client, server).blocked().onion(theOnions, flow.InTLS, service), "40 possible blocked outbound -: onion_name"},
	{"gateway by DNS", from(client, resolver).onion(tor2webs, flow.InDNS, service+".to"), "40 possible established outbound -: onion_name"},
	{"gateway by URL, labelled", from(client, server).label(tor2web).onion(tor2webs, flow.InURL, service+".to"), "64 likely established outbound -: tor2web_label onion_name"},
	{"onion name to a relay", from(client, relay).dest(or(9001, guard, "anna")).onion(theOnions, flow.InTLS, service), "98 tor established outbound guard: or_port onion_name"},
	{"onion name and a made-up name", from(client, server).onion(theOnions, flow.InURL, service).madeUp(torName), "40 possible established outbound -: onion_name sni_pattern"},
	{"fingerprint and an onion name", from(client, server).ja4().formed(shop).onion(theOnions, flow.InURL, service), "60 likely established outbound -: ja4_tor onion_name"},
	{"a hostile onion name", from(client, resolver).onion(theOnions, flow.InDNS, "x\".\n<b>.onion"), "40 possible established outbound -: onion_name"},
	{"a long gateway name", from(client, resolver).onion(tor2webs, flow.InDNS, strings.Repeat("a", 81)+".onion.to"), "40 possible established outbound -: onion_name"},
	{"a hostile TLS name", from(client, stranger).ja4().formed("www.\x00.com"), "60 likely established outbound -: ja4_tor"},
	{"no ends, fingerprint", from("", "").covered(flow.CoverageNone).ja4(), "40 possible established outbound -: ja4_tor"},

	// Not TCP.
	{"UDP to an or port", from(client, relay).udp().dest(or(9001, guard, "anna")), "0 none established - -: not_tcp"},
	{"UDP to nobody", from(client, stranger).udp(), "0 none established - -: not_tcp"},
	{"UDP to a relay of later", from(client, relay).udp().dest(or(9001, guard, "anna").later(day)), "0 none established - -: not_tcp"},
	{"UDP with a label", from(client, relay).udp().label(tor).dest(or(9001, guard, "anna")), "55 likely established outbound -: app_label not_tcp"},

	// Both ends.
	{"both ends: destination heavier", from(source, "198.51.100.9:443").src(or(9001, exits, "bob")).dest(or(443, guard, "anna")), "97 tor established outbound guard: or_port exit_flag"},
	{"both ends: source heavier", from(source, "198.51.100.9:443").src(exit("bob")).dest(or(9001, guard, "anna")), "95 tor established inbound exit: exit_address relay_address"},
	{"both ends: a tie is outbound", from(source, "198.51.100.9:443").src(exit("bob").spanned()).dest(or(443, guard, "anna").spanned()), "60 likely established outbound guard: or_port_span exit_address_span"},
	{"both ends: blocked, the exit decides", from(source, "198.51.100.9:443").blocked().src(or(9001, exits, "bob")).dest(or(443, guard, "anna")), "85 tor blocked inbound exit: exit_flag or_port"},
	{"both ends: relay to relay", from(source, "198.51.100.9:443").src(or(9001, 0, "carl")).dest(or(443, guard, "anna")), "97 tor established outbound guard: or_port relay_source"},

	// Logged the wrong way round.
	{"turned", from(relay, "10.0.0.5:50000").src(or(9001, guard, "anna")), "97 tor established outbound guard: or_port"},
	{"turned, an exit", from(relay, "10.0.0.5:50000").src(or(9001, both, "bob")), "97 tor established outbound guard+exit: or_port"},
	{"turned, recent", from(relay, "10.0.0.5:50000").src(or(9001, guard, "anna").recent(hour)), "60 likely established outbound guard: or_port_recent"},
	{"turned, stale", from(relay, "10.0.0.5:50000").covered(flow.CoverageStale).src(or(9001, guard, "anna").stale(3 * day)), "92 tor established outbound guard: or_port_stale"},
	{"turned, no answer", from(relay, "10.0.0.5:50000").attempt().src(or(9001, guard, "anna")), "58 likely attempt outbound guard: or_port"},
	{"turned, an authority", from(relay, "10.0.0.5:50000").src(builtIn(flow.Authority, 9001, "auth")), "90 tor established outbound authority: authority"},
	{"an answer that was blocked: no visitor, though an exit", from(relay, "10.0.0.5:50000").blocked().src(or(9001, exits, "bob")), "58 likely blocked outbound exit: or_port"},
	{"the same, where the record saw who began", from(relay, "10.0.0.5:50000").saw().blocked().src(or(9001, exits, "bob")), "85 tor blocked inbound exit: exit_flag"},
	{"an answer of a web server on an exit's machine", from("198.51.100.7:80", "10.0.0.5:50000").src(or(9001, exits, "bob")), "10 none established outbound exit: relay_address"},
	{"the same, where only exit lists know the address", from("198.51.100.7:80", "10.0.0.5:50000").src(exit("bob")), "0 none established - -:"},
	{"from a low port to a service: no answer", from("198.51.100.7:80", "10.0.0.5:443").src(exit("bob")), "95 tor established inbound exit: exit_address"},
	{"several source ports, not all of services", from("198.51.100.7:80", "10.0.0.5:50000").ports(80, 40000).src(exit("bob")), "95 tor established inbound exit: exit_address"},
	{"several source ports, all of services", from("198.51.100.7:80", "10.0.0.5:50000").ports(80, 443).src(exit("bob")), "0 none established - -:"},
	{"no source port, nothing counted back, to a high port: perhaps an answer", from("198.51.100.7", "10.0.0.5:50000").src(exit("bob")), "60 likely established inbound exit: exit_address"},
	{"the same with a count of what came back", from("198.51.100.7", "10.0.0.5:50000").counted().src(exit("bob")), "95 tor established inbound exit: exit_address"},
	{"a request to a proxy", from(client, relay).proxy("10.0.0.3").dest(or(9001, guard, "anna")), "97 tor established outbound guard: or_port"},
	{"NAT64", from(client, relay).nat64().dest(or(9001, guard, "anna")), "97 tor established outbound guard: or_port"},
	{"a rule that matches a list", from(client, stranger).label(flow.LabelListed), "0 none established - -: list_label"},
	{"a rule that matches a list, beside ours", from(client, relay).label(flow.LabelListed).dest(or(9001, guard, "anna")), "97 tor established outbound guard: or_port list_label"},
	{"not turned: low port", from(relay, "10.0.0.5:443").src(or(9001, guard, "anna")), "0 none established - guard: relay_source"},
	{"not turned: lists of values", from(relay, "10.0.0.5:50000").src(or(9001, guard, "anna").pairs()), "0 none established - guard: relay_source"},
	{"not turned: source has another port", from(source, "10.0.0.5:50000").src(or(9001, guard, "anna")), "0 none established - guard: relay_source"},
	{"not turned: destination is an or port", from(relay, "198.51.100.9:9002").src(or(9001, exits, "bob")).dest(or(9002, guard, "anna")), "97 tor established outbound guard: or_port"},
	{"turned: destination is a relay, other port", from(relay, "198.51.100.9:50000").src(or(9001, guard, "anna")).dest(or(9002, 0, "carl")), "97 tor established outbound guard: or_port relay_address"},

	// Ours.
	{"hosted, to us", from("192.0.2.8", relay).dest(or(9001, guard, "anna").internal()), "0 none established relay guard: hosted_relay"},
	{"hosted, to us, other port", from("192.0.2.8", relayWeb).dest(or(9001, guard, "anna").internal()), "0 none established relay guard: hosted_relay"},
	{"hosted, from us to a relay", from("198.51.100.7", "198.51.100.9:443").src(or(9001, guard, "anna").internal()).dest(or(443, exits, "bob")), "0 none established relay guard: or_port hosted_relay"},
	{"hosted, labelled", from("192.0.2.8", relay).label(tor).dest(or(9001, guard, "anna").internal()), "0 none established relay guard: hosted_relay app_label"},
	{"hosted, stale", from("192.0.2.8", relay).covered(flow.CoverageStale).dest(or(9001, guard, "anna").internal().stale(2 * day)), "0 unknown established relay guard: hosted_relay_stale"},
	{"hosted exit's leaving address", from(source, stranger).src(exit("bob").internal()), "0 none established relay exit: hosted_relay"},

	// Stale: the survival table has a test of its own.
	{"stale, after the newest list", from(client, relay).covered(flow.CoverageStale).dest(or(9001, guard, "anna").stale(2 * hour)), "96 tor established outbound guard: or_port_stale"},
	{"stale, before the first list", from(client, relay).covered(flow.CoverageBefore).dest(or(9001, guard, "anna").stale(71 * hour)), "92 tor established outbound guard: or_port_stale"},
	{"stale, nearest to a gap's side", from(client, relay).covered(flow.CoverageGap).dest(or(9001, guard, "anna").stale(30 * hour)), "95 tor established outbound guard: or_port_stale"},
	{"stale, both sides of a gap", from(client, relay).covered(flow.CoverageGap).dest(or(9001, guard, "anna").stale(0)), "97 tor established outbound guard: or_port_stale"},
	{"stale, over a week, labelled: stops at 79", from(client, relay).covered(flow.CoverageStale).label(tor).dest(or(9001, guard, "anna").stale(8 * day)), "79 likely established outbound guard: or_port_stale app_label"},
	{"stale Dir port", from(client, relay).covered(flow.CoverageStale).dest(dir(9001, "carl").stale(3 * day)), "57 likely established outbound relay: dir_port_stale"},
	{"stale, no port", from(client, "198.51.100.7").covered(flow.CoverageStale).dest(or(9001, guard, "anna").stale(3 * day)), "33 possible established outbound guard: relay_noport_stale"},
	{"stale, unpaired", from(client, relay).covered(flow.CoverageStale).dest(or(9001, guard, "anna").pairs().stale(3 * day)), "33 possible established outbound guard: unpaired_stale"},
	{"stale, relay's address", from(client, relayWeb).covered(flow.CoverageStale).dest(or(9001, guard, "anna").stale(3 * day)), "10 unknown established outbound guard: relay_address_stale"},
	{"stale exit address", from(source, server).covered(flow.CoverageStale).src(exit("bob").stale(3 * day)), "90 tor established inbound exit: exit_address_stale"},
	{"stale exit address, gap between exit lists", from(source, server).src(exit("bob").stale(0)), "95 tor established inbound exit: exit_address_stale"},
	{"stale exit flag", from(source, server).covered(flow.CoverageStale).src(or(9001, exits, "bob").stale(3 * day)), "81 tor established inbound exit: exit_flag_stale"},
	{"stale exit flag, over a week, labelled: stops at 79", from(source, server).covered(flow.CoverageStale).label(tor).src(or(9001, exits, "bob").stale(10 * day)), "79 likely established inbound exit: exit_flag_stale app_label"},
	{"stale exit flag, leaves elsewhere", from(source, server).covered(flow.CoverageStale).src(or(9001, exits, "bob").elsewhere().stale(3 * day)), "10 unknown established inbound exit: exit_or_address_stale"},
	{"stale relay without exit", from(source, server).covered(flow.CoverageStale).src(or(9001, 0, "carl").stale(3 * day)), "0 unknown established - relay: relay_source_stale"},
	{"stale or port, and an exit list of the time: the exit leads higher", from(source, "198.51.100.9:443").covered(flow.CoverageStale).label(tor).src(exit("bob").spanned()).dest(or(443, guard, "anna").stale(8 * day)), "86 tor established inbound exit: or_port_stale app_label exit_address_span"},
	{"turned and stale, and an exit list of the time", from(relay, "10.0.0.5:50000").covered(flow.CoverageStale).label(tor).src(exit("bob").spanned()).src(or(9001, guard, "bob").stale(8 * day)), "79 likely established outbound guard: or_port_stale app_label"},
	{"built in takes no suffix", from(client, relay).covered(flow.CoverageStale).dest(builtIn(flow.Authority, 9001, "auth")), "90 tor established outbound authority: authority"},
	{"built in and stale", from(client, relay).covered(flow.CoverageStale).dest(builtIn(flow.Authority, 9001, "auth")).dest(or(9001, flow.DirAuthority, "auth").stale(10 * day)), "90 tor established outbound authority: authority or_port_stale"},

	// Names that must not get into a sentence.
	{"a hostile nickname", from(client, relay).dest(or(9001, guard, "anna").named("x. Ignore\nthis")), "97 tor established outbound guard: or_port"},
	{"no nickname, no fingerprint", from(client, relay).dest(or(9001, guard, "").print("<b>12345678")), "97 tor established outbound guard: or_port"},
}

// TestFlows holds each flow against its finding, and its sentence against the
// golden file, which reads as the list of all sentences. Renew it with
// go test ./src/detect -run TestFlows -update, and read what changed.
func TestFlows(t *testing.T) {
	var judge detect.Judge
	var sentences strings.Builder
	seen := map[string]bool{}
	for _, c := range flows {
		found := judge.Judge(&c.build.Flow)
		require.Equal(t, c.want, summary(found), "%s: %s", c.name, found.Reason)
		sentence := string(found.Reason)
		if sentence == "" {
			sentence = "(nothing to say)"
		}
		require.LessOrEqual(t, len(sentence), 330, "%s: too long for a ticket", c.name)
		sentences.WriteString(c.name + "\n    " + sentence + "\n")
		for _, e := range found.Evidence {
			seen[e.Name()] = true
		}
	}
	for _, name := range detect.Names() {
		require.True(t, seen[name], "no flow shows %s", name)
	}
	golden := filepath.Join("testdata", "reasons.golden")
	if *update {
		require.NoError(t, os.WriteFile(golden, []byte(sentences.String()), 0o644))
	}
	want, err := os.ReadFile(golden)
	require.NoError(t, err)
	require.Equal(t, string(want), sentences.String())
}
