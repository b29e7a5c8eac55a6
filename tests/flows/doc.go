// Package flows makes labelled flows: what a firewall at an office's border
// would log in a week in which a Tor network changes, and the truth of each
// line.
//
//	set := flows.Generate(7)
//	set.CSV()      rows as the search command tordetect reads them, and behind them the truth columns
//	set.Table()    the relay table of that week, lookups/tor_relays.csv
//	set.Internal   the networks for the option internal=
//
//	_time,duration,...,src_ip,src_port,dest_ip,dest_port,transport,app,...,truth,truth_direction,truth_state,case
//	1795032000,611,...,10.20.3.7,40112,198.51.100.24,443,tcp,ssl,...,tor,outbound,established,or_connection
//
// The network stands in network.go: the relays of package tornet, which join,
// leave and move, and the consensuses and exit lists that were read of them.
// cases.go is the table of what happens at the border and how often, with the
// reason for each share; outbound.go, inbound.go and ordinary.go make the flows
// of each case; firewall.go is how the border's firewall writes them down, and
// names.go are the names in TLS and DNS.
//
// What others than that firewall write of the same network stands in logs.go:
//
//	for _, l := range set.Logs() { l.CSV() }   NetFlow in two halves, VPC flow logs, an explicit proxy, NAT64, sign-ins
//
// Each has columns and cases of its own (the tables stand in cases.go as well)
// and is judged by itself. oneway.go, proxy.go, nat64.go and signin.go make from
// a conversation what such a log holds of it. The case of an answer's record has
// " answer" behind its name.
//
// The same seed gives the same bytes. Addresses are those for documentation,
// and private ones inside. Nothing is taken from a capture, and nothing from
// the packages that judge: the truth of a flow is what the generator did, and
// which relay ran when is asked of the generator's own network.
//
// What it cannot give: the shares are partly guesses (they say so), the
// ordinary names are made up, and the built-in addresses of the real network
// (directory authorities, bridges of Tor Browser) do not occur. Records of VPC
// flow logs without a flow (NODATA, SKIPDATA) are not made.
package flows
