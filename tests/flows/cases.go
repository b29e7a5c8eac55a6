package flows

// Case is a thing that happens at the border.
type Case struct {
	Name, Truth, Direction string
	// PerMillion is how many of a million flows at the border are of the case,
	// the base rate; Guess says that no measurement is behind it.
	PerMillion float64
	Guess      bool
	// Flows is how many of them are made of a seed. Rare cases are made more
	// often than they happen, so that they can be measured at all: whoever
	// counts gives a flow the weight PerMillion/Flows.
	Flows int
	Why   string

	draw func(*site) (Flow, bool)
}

// Cases returns the table of what happens, and how often.
func Cases() []Case { return append([]Case(nil), cases...) }

const (
	guess    = true
	measured = false

	out = "outbound"
	in  = "inbound"
	own = "relay"
)

// The anchor of the shares: about 300 of a million flows are Tor clients'
// connections, and as many come from exits. Between what is known: 6.6 million
// Tor sessions in 204 customer networks in a month (tor.md section 15), which
// is some 30 of a million if such a network has a billion flows, and 1,500 of a
// million in the one classifier that was tested with a base rate. What the
// cases are of that, and all shares of ordinary traffic, are guesses unless a
// row says otherwise.
var cases = []Case{
	// Clients of ours.
	{"or_connection", Tor, out, 120, guess, 200, "a client and its guard, established", orConnection},
	{"or_ipv6", Tor, out, 20, guess, 100, "half of the relays have IPv6; few offices do", orIPv6},
	{"or_ipv6_port", Tor, out, 1, measured, 60, "1.2% of the relays have IPv6 on another port (2026-06: 117 of 9,609)", orIPv6Port},
	{"or_shared", Tor, out, 40, measured, 100, "32.5% of the relays share their address with others", orShared},
	{"or_arti", Tor, out, 5, guess, 60, "Tor's other implementation: other names and fingerprints", orArti},
	{"or_bootstrap", Tor, out, 30, guess, 100, "a start opens some connections more, also to relays that are no guards", orBootstrap},
	{"or_nat", Tor, out, 20, guess, 60, "logged behind the site's NAT: one source for all clients", orNAT},
	{"or_old_consensus", Tor, out, 0.5, guess, 60, "a client that still uses a consensus from before the relay left; 0.6 to 1.5% of guard pairs are gone after a day", orOldConsensus},
	{"or_blocked", Tor, out, 30, guess, 100, "firewalls block Tor by address, or by what they recognised", orBlocked},
	{"or_unanswered", Tor, out, 20, guess, 100, "relays that are overloaded, or left since the client's consensus", orUnanswered},
	{"or_turned", Tor, out, 1, guess, 60, "logged the wrong way round by some exporters", orTurned},
	{"or_summed", Tor, out, 5, guess, 60, "a day's flows to one relay as one row, as data models sum them up", orSummed},
	{"or_noport", Tor, out, 1, guess, 40, "logs without ports", orNoPort},
	{"or_values", Tor, out, 1, guess, 40, "rows of lists of values, after stats values()", orValues},
	{"dir_client", Tor, out, 0.3, guess, 40, "clients stopped using Dir ports years ago", dirClient},
	{"bridge_vanilla", Tor, out, 3, guess, 100, "an unlisted bridge without a transport: TLS as of a relay", bridgeVanilla},
	{"bridge_old", Tor, out, 0.1, guess, 60, "the same with TLS 1.2, whose certificate is seen", bridgeOld},
	{"bridge_obfs4", Tor, out, 15, guess, 60, "an unlisted bridge, no TLS: nothing here can find it", bridgeObfs4},
	{"bridge_webtunnel", Tor, out, 5, guess, 40, "HTTPS to a site of its own, or of a content network (meek): not to be told from others", bridgeWebtunnel},
	{"snowflake", Tor, out, 10, guess, 40, "DTLS over UDP to homes", snowflake},

	// From exits to us.
	{"exit", Tor, in, 220, guess, 200, "a user leaves through an exit's OR address", exitInbound},
	{"exit_elsewhere", Tor, in, 8, measured, 100, "2.3 to 4.8% of exit addresses are no OR address", exitElsewhere},
	{"exit_unscanned", Tor, in, 4, guess, 60, "the exit is in no exit list", exitUnscanned},
	{"exit_ipv6", Tor, in, 15, guess, 60, "exit lists know no IPv6", exitIPv6},
	{"exit_quiet", Tor, in, 1, measured, 40, "about 1% of the relays without Exit let some ports out", exitQuiet},
	{"exit_blocked", Tor, in, 30, guess, 60, "a blocked exit is still an exit", exitBlocked},
	{"exit_unanswered", Tor, in, 10, guess, 60, "scans through Tor", exitUnanswered},
	{"exit_summed", Tor, in, 5, guess, 60, "a day's flows from one exit as one row", exitSummed},

	// Relays of our own: never a finding, so not counted with the others.
	{"hosted_client", Tor, own, 20, guess, 40, "the world to a relay that the site hosts", hostedClient},
	{"hosted_relay", Tor, own, 20, guess, 40, "the hosted relay to other relays", hostedOut},
	{"hosted_exit", Tor, own, 10, guess, 40, "the hosted exit to the world", hostedExit},
	{"hosted_web", NotTor, own, 5, guess, 40, "other services of the machine that the hosted relay runs on", hostedWeb},

	// Ordinary traffic of ours.
	{"web", NotTor, out, 560000, guess, 5000, "most of all flows", web},
	{"dns", NotTor, out, 200000, guess, 300, "", dns},
	{"other_service", NotTor, out, 60000, guess, 300, "ssh, mail, file sharing, unanswered tries of what is gone", otherService},
	{"tor_port", NotTor, out, 300, guess, 200, "other services on the ports that relays like", torPort},
	{"machine_name", NotTor, out, 400, measured, 200, "0.32 to 0.69% of popular .com names that fit the bare pattern fire the rule; if one in seven TLS names fits it", showing(ordinaryTLS, machineName)},
	{"tor_twin", NotTor, out, 0.05, guess, 40, "a program that sends Tor's TLS hello on purpose: none of 38 measured had the JA3 of one", torTwin},
	{"borrowed_ciphers", NotTor, out, 5, guess, 100, "a scraper that gave OpenSSL a browser's list of ciphers: tor's JA4, another JA3", showing(borrowedTLS, ordinaryName)},
	{"borrowed_machine", NotTor, out, 0.004, guess, 60, "the same and machine_name: one in seven names fits, and of these 0.5% fire the rule", showing(borrowedTLS, machineName)},
	{"look_alike", NotTor, out, 3000, guess, 200, "Thunderbird, okhttp, older Firefox, Python, Node, Go: a part of their hello is tor's", showing(lookAlikeTLS, ordinaryName)},
	{"rustls", NotTor, out, 100, guess, 60, "rustls without resumption and ALPN: Arti's hello", showing(rustlsTLS, ordinaryName)},
	{"rustls_machine", NotTor, out, 0.07, guess, 60, "as borrowed_machine", showing(rustlsTLS, machineName)},
	{"old_server", NotTor, out, 1000, guess, 100, "servers with TLS 1.2, a quarter of them with an authority that is named as a machine, to be on the safe side", oldServer},
	{"mislabelled", NotTor, out, 15, guess, 200, "labels err: 2 of 921 other flows in a private network, far fewer where Tor-like traffic is not half of all", mislabelled},
	{"web_on_relay", NotTor, out, 40, guess, 200, "relays stand at hosters among ordinary servers; many share an address", webOnRelay},
	{"web_on_relay_noport", NotTor, out, 1, guess, 40, "as or_noport", webNoPort},
	{"values_mixed", NotTor, out, 1, guess, 40, "as or_values, but the pair never happened", valuesMixed},
	{"other_family", NotTor, out, 0.3, guess, 40, "a service on a relay's IPv6 address, at the port that is its OR port in IPv4 only", otherFamily},
	{"reuse_before", NotTor, out, 0.5, guess, 100, "a server on an address and port that became a relay's", reuseBefore},
	{"reuse_after", NotTor, out, 0.5, guess, 150, "the same, after the relay left", reuseAfter},
	{"reuse_summed", NotTor, out, 0.2, guess, 60, "a day of such a server as one row; the relay was there for a part of it", reuseSummed},
	{"udp_to_relay", NotTor, out, 10, guess, 60, "QUIC and file sharing with a relay's address and port", udpToRelay},
	{"scan_unanswered", NotTor, out, 15, guess, 100, "half of the unanswered tries of OR ports were scanners' (second private network)", scanUnanswered},
	{"scan_blocked", NotTor, out, 15, guess, 60, "the same, blocked", scanBlocked},
	{"scan_answered", NotTor, out, 2, guess, 60, "an OR port that says hello to a scanner", scanAnswered},
	{"monitor", NotTor, out, 0.5, guess, 40, "somebody watches relays: their OR and Dir ports", monitor},

	// Tells of Tor without being it.
	{"onion_dns", Leak, out, 3, guess, 60, "a query for an onion name: a browser without Tor", onionDNS},
	{"onion_gateway", Leak, out, 2, guess, 60, "a gateway to onion services", onionGateway},

	// Ordinary traffic to us.
	{"visitor", NotTor, in, 120000, guess, 500, "", visitor},
	{"noise", NotTor, in, 58000, guess, 200, "scans of the whole Internet", noise},
	{"operator", NotTor, in, 10, guess, 150, "whoever runs a relay browses from its address", operator},
	{"exit_host", NotTor, in, 5, measured, 60, "the exit host's own programs: 6 of 303 flows from exits", exitHost},
	{"exit_or_operator", NotTor, in, 1, guess, 60, "the same, from the OR address of an exit that leaves elsewhere", exitOROperator},
	{"exit_before", NotTor, in, 1, guess, 60, "whoever has the address before it becomes an exit's", exitBefore},
	{"exit_after", NotTor, in, 2, guess, 100, "or after that", exitAfter},
	{"bad_exit", NotTor, in, 0.5, guess, 40, "clients do not leave through an exit that is marked as bad", badExit},
}

// oneWayCases are the conversations of NetFlow and of VPC flow logs; a record of
// these is one half of one. The shares are of a million records of such a log.
var oneWayCases = []Case{
	{"or", Tor, out, 240, guess, 60, "as or_connection: both halves count", orConnection},
	{"or_ipv6", Tor, out, 40, guess, 30, "", orIPv6},
	{"or_retried", Tor, out, 15, guess, 40, "nothing came back: one half", orRetried},
	{"or_reset", Tor, out, 5, guess, 40, "a reset came back: both halves, and no conversation", orReset},
	{"or_dropped", Tor, out, 30, guess, 40, "what a firewall behind the exporter drops, or a security group rejects", orDropped},
	{"bridge", Tor, out, 20, guess, 30, "an unlisted bridge: nothing in such a log can find it", bridgeObfs4},

	{"exit", Tor, in, 440, guess, 60, "as exit: our server's answer is the other half", exitInbound},
	{"exit_elsewhere", Tor, in, 15, guess, 30, "as exit_elsewhere", exitElsewhere},
	{"exit_ipv6", Tor, in, 30, guess, 30, "as exit_ipv6", exitIPv6},
	{"exit_high", Tor, in, 10, guess, 60, "to a service of ours on a high port: looks like an answer where the source port is missing", exitHigh},
	{"exit_unanswered", Tor, in, 10, guess, 30, "scans through Tor: one half", exitUnanswered},
	{"exit_blocked", Tor, in, 30, guess, 30, "", exitBlocked},

	{"web", NotTor, out, 600000, guess, 300, "most of all records", web},
	{"dns", NotTor, out, 150000, guess, 60, "", dns},
	{"other_service", NotTor, out, 50000, guess, 60, "", otherService},
	{"high_service", NotTor, out, 30000, guess, 60, "services on high ports", highService},
	{"web_on_relay", NotTor, out, 60, guess, 80, "as web_on_relay, and its answers", webOnRelay},
	{"web_on_exit", NotTor, out, 15, guess, 120, "web and mail servers on machines of exits: their answers are no Tor visitors", webOnExit},
	{"high_on_exit", NotTor, out, 5, guess, 120, "services on high ports of such machines", highOnExit},
	{"reuse_after", NotTor, out, 1, guess, 60, "as reuse_after", reuseAfter},
	{"udp_to_relay", NotTor, out, 10, guess, 40, "as udp_to_relay, and its answers", udpToRelay},
	{"scan_unanswered", NotTor, out, 10, guess, 40, "as scan_unanswered", scanUnanswered},
	{"scan_reset", NotTor, out, 5, guess, 40, "the same, with a reset that came back", scanReset},
	{"scan_answered", NotTor, out, 4, guess, 40, "as scan_answered", scanAnswered},

	{"visitor", NotTor, in, 120000, guess, 100, "", visitor},
	{"visitor_high", NotTor, in, 3000, guess, 60, "to services of ours on high ports", visitorHigh},
	{"noise", NotTor, in, 46000, guess, 60, "", noise},
	{"operator", NotTor, in, 15, guess, 60, "as operator", operator},
	{"operator_high", NotTor, in, 1, guess, 40, "the same, to services of ours on high ports", operatorHigh},
	{"exit_host", NotTor, in, 10, guess, 30, "as exit_host", exitHost},
	{"exit_after", NotTor, in, 4, guess, 40, "as exit_after", exitAfter},
}

// proxyCases are of a million requests that a proxy and the site's web servers
// log. Tor behind a proxy is rarer than without one: clients have to be told of
// it, and many proxies let tunnels to port 443 only pass.
var proxyCases = []Case{
	{"or", Tor, out, 20, guess, 100, "a client's tunnel to its guard, by address as Tor always does", viaConnect(orConnection)},
	{"or_ipv6", Tor, out, 4, guess, 40, "the same to [IPv6]:port; the client itself has IPv4", viaConnect(orIPv6)},
	{"or_denied", Tor, out, 60, guess, 60, "other ports than 443 are forbidden; the error page is the proxy's", viaConnect(orDropped)},
	{"or_unanswered", Tor, out, 5, guess, 60, "503, a page of the proxy again", viaConnect(orUnanswered)},
	{"or_provider", Tor, out, 5, guess, 60, "a proxy of a provider, with an address of the Internet", viaProvider},
	{"or_behind_nat", Tor, out, 1, guess, 40, "the source is the site's own public address, which internal= does not name", viaConnect(orNAT)},
	{"or_port_in_url", Tor, out, 5, guess, 60, "dest is the destination, its port stands in the URL", portInURL},
	{"dir_client", Tor, out, 0.3, guess, 40, "as dir_client, an absolute URL", dirGet},
	{"bridge", Tor, out, 2, guess, 30, "an unlisted bridge: not to be found", viaConnect(bridgeObfs4)},
	{"exit", Tor, in, 200, guess, 80, "visitors of our web servers from exits", visits(exitInbound)},
	{"exit_connect", Tor, in, 3, guess, 60, "scanners that come through Tor and send CONNECT to our web servers", triesToTunnel(exitInbound)},

	{"web", NotTor, out, 880000, guess, 1000, "tunnels to names", webByName},
	{"web_by_address", NotTor, out, 9000, guess, 200, "conferencing, updates: tunnels to addresses", viaConnect(web)},
	{"high_service", NotTor, out, 500, guess, 60, "tunnels to high ports of addresses", viaConnect(highService)},
	{"web_on_relay", NotTor, out, 2, guess, 80, "as web_on_relay: nearly all of these go by name", viaConnect(webOnRelay)},
	{"plain_on_relay", NotTor, out, 0.5, guess, 40, "the same in an absolute URL", plainOnRelay},
	{"address_in_path", NotTor, out, 3, guess, 60, "who asks about a relay: its address stands in the path, the query or before an @", addressInPath},
	{"reuse_after", NotTor, out, 0.1, guess, 60, "as reuse_after", viaConnect(reuseAfter)},
	{"scan_answered", NotTor, out, 0.2, guess, 40, "as scan_answered", viaConnect(scanAnswered)},
	{"visitor", NotTor, in, 110000, guess, 200, "", visits(visitor)},
	{"connect", NotTor, in, 30, guess, 120, "scanners that send CONNECT or an absolute URL to our web servers, to see whether these are open proxies: must not be believed", triesToTunnel(visitor)},
	{"operator", NotTor, in, 8, guess, 40, "as operator", visits(operator)},
	{"exit_host", NotTor, in, 4, guess, 40, "as exit_host", visits(exitHost)},

	{"onion", Leak, out, 2, guess, 40, "a tunnel to an onion name: a browser without Tor", onionConnect},
}

// nat64Cases are of a million flows of an IPv6-only network; the shares are those
// of the border.
var nat64Cases = []Case{
	{"or", Tor, out, 200, guess, 150, "half of the relays have no IPv6, and the client takes the other way to many of the rest", translated(orConnection)},
	{"or_shared", Tor, out, 50, guess, 60, "as or_shared", translated(orShared)},
	{"or_native", Tor, out, 60, guess, 60, "as or_ipv6: no translation", orIPv6},
	{"or_blocked", Tor, out, 30, guess, 60, "as or_blocked", translated(orBlocked)},
	{"or_unanswered", Tor, out, 20, guess, 60, "as or_unanswered", translated(orUnanswered)},
	{"dir_client", Tor, out, 0.3, guess, 40, "as dir_client", translated(dirClient)},
	{"bridge", Tor, out, 15, guess, 30, "as bridge_obfs4", translated(bridgeObfs4)},

	{"web", NotTor, out, 830000, guess, 500, "", translated(web)},
	{"other_service", NotTor, out, 160000, guess, 100, "", translated(otherService)},
	{"tor_port", NotTor, out, 300, guess, 60, "as tor_port", translated(torPort)},
	{"web_on_relay", NotTor, out, 40, guess, 80, "as web_on_relay", translated(webOnRelay)},
	{"reuse_before", NotTor, out, 0.5, guess, 60, "as reuse_before", translated(reuseBefore)},
	{"reuse_after", NotTor, out, 0.5, guess, 60, "as reuse_after", translated(reuseAfter)},
	{"udp_to_relay", NotTor, out, 10, guess, 40, "as udp_to_relay", translated(udpToRelay)},
	{"mislabelled", NotTor, out, 15, guess, 60, "as mislabelled", translated(mislabelled)},
	{"scan_unanswered", NotTor, out, 15, guess, 60, "as scan_unanswered", translated(scanUnanswered)},
	{"scan_answered", NotTor, out, 2, guess, 40, "as scan_answered", translated(scanAnswered)},
}

// signInCases are of a million sign-ins. Passwords are tried through Tor more than
// pages are read through it; how much more nobody has published.
var signInCases = []Case{
	{"exit_ClientIP", Tor, in, 160, guess, 60, "Microsoft 365", signsIn("ClientIP", exitInbound)},
	{"exit_ipAddress", Tor, in, 160, guess, 60, "Entra", signsIn("ipAddress", exitInbound)},
	{"exit_sourceIPAddress", Tor, in, 160, guess, 60, "AWS CloudTrail", signsIn("sourceIPAddress", exitInbound)},
	{"exit_c_ip", Tor, in, 160, guess, 60, "IIS, and what stands behind it", signsIn("c_ip", exitInbound)},
	{"exit_client.ip", Tor, in, 160, guess, 60, "Elastic's names", signsIn("client.ip", exitInbound)},
	{"exit_ipv6", Tor, in, 60, guess, 60, "as exit_ipv6: [address]:port", signsIn("", exitIPv6)},
	{"exit_elsewhere", Tor, in, 30, guess, 40, "as exit_elsewhere", signsIn("", exitElsewhere)},

	{"visitor", NotTor, in, 690000, guess, 500, "", signsIn("", visitor)},
	{"inside", NotTor, in, 250000, guess, 200, "people in the house", signInFromInside},
	{"service", NotTor, in, 50000, guess, 60, "services that sign in: a name, or nothing, in place of an address", signInByService},
	{"operator", NotTor, in, 15, guess, 60, "as operator", signsIn("", operator)},
	{"exit_host", NotTor, in, 10, guess, 40, "as exit_host", signsIn("", exitHost)},
	{"exit_after", NotTor, in, 5, guess, 60, "as exit_after", signsIn("", exitAfter)},
	{"alert", NotTor, in, 5, guess, 60, "an alert that names an attacker's server: ipAddress without a user is no client", alertElsewhere},
	{"rule", NotTor, in, 5, guess, 60, "a visitor changes a rule about an exit's address", ruleElsewhere},
}
