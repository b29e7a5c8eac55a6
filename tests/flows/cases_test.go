package flows

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"tordetect/tests/evaluate/judge"
)

// found is a flow and what the command made of it.
type found struct {
	Flow
	judge.Finding
	n *network
}

// judged runs the command over a seed's flows; it sees no column of the truth.
func judged(t *testing.T, seed uint64) map[string][]found {
	t.Helper()
	set := Generate(seed)
	var rows [][]string
	for i := range set.Flows {
		rows = append(rows, set.Flows[i].Cells()[:len(Columns)])
	}
	findings, err := judge.Rows(set.Table(), []string{"internal=" + set.Internal}, Columns, rows)
	require.NoError(t, err)
	out := map[string][]found{}
	for i, f := range set.Flows {
		out[f.Case] = append(out[f.Case], found{f, findings[i], set.network})
	}
	return out
}

// named reports whether the firewall called it Tor, rightly or not.
func (f *found) named() bool { return f.Has("app_label") }

// roles are those that the relay behind the flow had in the lists that were
// valid during it.
func (f *found) roles() []string {
	var out []string
	for h := int((f.First-start)/hour) - 3; h <= int((f.Flow.Last-start)/hour); h++ {
		for _, r := range f.n.byHour[min(max(h, 0), hours-1)] {
			if r.identity == f.relay.identity && r.or == f.relay.or {
				out = append(out, roleOf(r))
			}
		}
	}
	return out
}

func roleOf(r relay) string {
	exit := r.exit && !r.badExit
	switch {
	case r.authority:
		return "authority"
	case exit && r.guard:
		return "guard+exit"
	case exit:
		return "exit"
	case r.guard:
		return "guard"
	}
	return "relay"
}

// about requires that the finding tells of the relay behind the flow, and of it
// alone, and that the role and the reason fit.
func (f *found) about(t *testing.T, roles ...string) {
	t.Helper()
	require.Equal(t, []string{f.relay.fingerprint}, f.Relays, f.Reason)
	require.Equal(t, []string{f.relay.nickname}, f.Nicknames)
	require.Contains(t, append(roles, f.roles()...), f.Role, f.Reason)
	require.Contains(t, f.Reason, " "+f.relay.nickname, f.Reason)
}

// readBeside reports whether a list that was read has the relay at the flow's
// first or last moment, as nearly always.
func (f *found) readBeside() bool {
	for _, ap := range []netip.AddrPort{f.relay.or, f.relay.or6} {
		if f.n.readAt(ap, f.First) || f.n.readAt(ap, f.Flow.Last) {
			return true
		}
	}
	return false
}

// everRead reports whether a list that was read holds an OR port.
func (n *network) everRead(ap netip.AddrPort) bool {
	for _, s := range n.spans[ap] {
		for h := s.from; h < s.to; h++ {
			if read(h) {
				return true
			}
		}
	}
	return false
}

// scanned reports whether an exit was scanned in the day before.
func (n *network) scanned(r relay, at int64) bool {
	for then := at - 23*hour; then < at-hour; then += hour {
		was, ok := n.runs(r, then)
		if ok && len(was.leaves) > 0 && (int(then-start)/hour+int(r.identity[1]))%scanEvery == 0 {
			return true
		}
	}
	return false
}

// end is an address and port as sentences write it.
func end(addr, port string) string {
	return netip.MustParseAddrPort(net(addr) + ":" + port).String()
}

func net(addr string) string {
	if strings.Contains(addr, ":") {
		return "[" + addr + "]"
	}
	return addr
}

// hardCases are those of the plan, each with what the command must make of its
// flows at an hour for which lists were read.
var hardCases = []struct {
	name  string
	what  string
	check func(t *testing.T, f *found)
}{
	{"operator", "a relay's operator browses from its address, which lets no user out", func(t *testing.T, f *found) {
		if f.named() {
			require.NotEqual(t, "tor", f.Verdict, "a wrong label alone is not enough")
			return
		}
		if f.Has("exit_or_address") || f.Has("exit_address") {
			return // an exit left from that address within the day, perhaps this relay itself
		}
		require.Equal(t, "none", f.Verdict)
		require.Zero(t, f.Score)
		require.Empty(t, f.Finding.Direction)
		require.Equal(t, []string{"relay_source"}, f.Evidence)
		require.Contains(t, f.Relays, f.relay.fingerprint)
		require.Contains(t, f.Reason, "own traffic")
	}},
	{"exit_elsewhere", "an exit leaves from another address than its OR address", func(t *testing.T, f *found) {
		if len(f.Evidence) == 0 { // not scanned yet at its new place
			require.Equal(t, "none", f.Verdict)
			return
		}
		require.Equal(t, "tor", f.Verdict)
		require.Equal(t, "inbound", f.Finding.Direction)
		require.Equal(t, "exit_address", f.Evidence[0])
		require.Contains(t, []string{"exit", "guard+exit"}, f.Role)
		require.Contains(t, f.Reason, f.Src+", where users' traffic leaves through the Tor ")
		if f.n.scanned(f.relay, f.First) {
			require.Contains(t, f.Relays, f.relay.fingerprint)
		}
	}},
	{"exit_or_operator", "somebody comes from the OR address of such an exit", func(t *testing.T, f *found) {
		if f.named() || f.Has("exit_flag") || f.Has("exit_address") { // before it was scanned, or others leave there
			return
		}
		require.Equal(t, "none", f.Verdict)
		require.Contains(t, f.Evidence, "exit_or_address")
		require.Contains(t, f.Reason, "Tor users leave through another address of this relay")
	}},
	{"hosted_client", "the world uses a relay of ours", hosted},
	{"hosted_relay", "a relay of ours uses another relay", hosted},
	{"hosted_exit", "users leave through an exit of ours", hosted},
	{"hosted_web", "another service of the machine that a relay of ours runs on", hosted},
	{"or_shared", "several relays share the address: the one on that port counts", func(t *testing.T, f *found) {
		outbound(t, f)
		f.about(t)
		require.Contains(t, f.Reason, "connected to "+end(f.Dest, f.DestPort)+", the OR port of")
	}},
	{"or_ipv6_port", "a relay's IPv6 address with its own port", func(t *testing.T, f *found) {
		outbound(t, f)
		f.about(t)
		require.Contains(t, f.Reason, end(f.Dest, f.DestPort)+", the OR port of")
	}},
	{"other_family", "the IPv4 port on the IPv6 address is another service", func(t *testing.T, f *found) {
		require.Equal(t, "none", f.Verdict)
		require.Equal(t, []string{"relay_address"}, f.Evidence)
		f.about(t)
		require.Contains(t, f.Reason, "listed on OR port "+port(f.relay.or6))
	}},
	{"web_on_relay", "a web server on a relay's other port", func(t *testing.T, f *found) {
		if f.named() {
			require.Equal(t, "likely", f.Verdict)
			return
		}
		require.Equal(t, "none", f.Verdict)
		require.Equal(t, "relay_address", f.Evidence[0])
		require.Contains(t, f.Relays, f.relay.fingerprint)
		require.Contains(t, f.Reason, "on another port it may be any service of that machine")
	}},
	{"reuse_before", "a web server before the relay joined", func(t *testing.T, f *found) {
		require.Equal(t, "none", f.Verdict)
		require.False(t, f.Has("or_port"))
		at := netip.MustParseAddrPort(net(f.Dest) + ":" + f.DestPort)
		if len(f.Evidence) == 0 && f.n.everRead(at) {
			require.Contains(t, f.Reason, " only from ", "the relay that comes later is told")
			require.Contains(t, f.Reason, f.relay.nickname)
		}
	}},
	{"reuse_after", "a web server after the relay left", func(t *testing.T, f *found) {
		at := netip.MustParseAddrPort(net(f.Dest) + ":" + f.DestPort)
		switch {
		case f.n.listedAt(at, f.First):
			require.Equal(t, "or_port", f.Evidence[0], "the last list that holds it is still valid: no list can tell")
		case f.n.listedAt(at, f.Flow.Last-24*hour):
			require.Contains(t, []string{"or_port_recent"}, f.Evidence[0])
			require.Equal(t, "likely", f.Verdict)
			require.Contains(t, f.Reason, "the address may also have a new owner")
		default:
			require.False(t, f.Has("or_port"))
			if !f.Has("or_port_recent") { // a flow of some minutes may have begun within the day
				require.Equal(t, "none", f.Verdict)
			}
		}
	}},
	{"scan_unanswered", "a scanner's tries that nobody answered", func(t *testing.T, f *found) {
		require.Less(t, f.Score, 70, "half of such tries are scanners'")
		require.Equal(t, "attempt", f.Finding.State)
		require.Equal(t, "or_port", f.Evidence[0])
		f.about(t)
		require.Contains(t, f.Reason, "tried to reach "+end(f.Dest, f.DestPort))
		require.Contains(t, f.Reason, "nothing answered, so it may be no more than a scan")
	}},
	{"scan_blocked", "a scanner's tries that the firewall blocked", func(t *testing.T, f *found) {
		require.Equal(t, "likely", f.Verdict)
		require.Equal(t, "blocked", f.Finding.State)
		require.Contains(t, f.Reason, "tried to reach ")
		require.Contains(t, f.Reason, "the firewall blocked it, so it may be no more than a scan")
	}},
	{"or_nat", "clients behind one address of ours", func(t *testing.T, f *found) {
		outbound(t, f)
		f.about(t)
		require.Contains(t, f.Reason, natted.String()+" connected to ")
	}},
	{"or_turned", "a flow logged the wrong way round", func(t *testing.T, f *found) {
		outbound(t, f)
		f.about(t)
		require.Contains(t, f.Reason, f.Dest+" connected to "+end(f.Src, f.SrcPort))
		require.Contains(t, f.Reason, "as answers do")
	}},
	{"or_summed", "a day of connections to a relay as one row", func(t *testing.T, f *found) {
		require.Contains(t, []string{"tor", "likely"}, f.Verdict)
		require.Equal(t, "outbound", f.Finding.Direction)
		require.Condition(t, func() bool { return f.Has("or_port") || f.Has("or_port_span") })
		require.Contains(t, f.Relays, f.relay.fingerprint)
	}},
	{"reuse_summed", "a row of a day, in which the relay left before the traffic", func(t *testing.T, f *found) {
		at := netip.MustParseAddrPort(net(f.Dest) + ":" + f.DestPort)
		if !f.n.listedAt(at, f.First) && !f.n.listedAt(at, f.Flow.Last) {
			require.Equal(t, "or_port_span", f.Evidence[0])
			require.Equal(t, "likely", f.Verdict)
			require.Contains(t, f.Reason, "the row covers more time than that")
			return
		}
		require.Equal(t, "or_port", f.Evidence[0])
		require.Contains(t, f.Reason, "listed from ", "the reader sees when it was one")
	}},
	{"udp_to_relay", "UDP to a relay's OR port", func(t *testing.T, f *found) {
		require.Equal(t, "none", f.Verdict)
		require.Equal(t, []string{"not_tcp"}, f.Evidence)
	}},
	{"bridge_vanilla", "a bridge that no list knows: found by its JA3 or the groups in it, by its JA4 and a made-up name together, or by the label", func(t *testing.T, f *found) {
		byJA4, byJA3 := isBuild(f.JA4, f.JA3)
		groups := strings.Contains(f.JA3Text, "-21,")
		switch {
		case byJA3:
			require.Equal(t, "tor", f.Verdict, f.Reason)
			require.True(t, f.Has("ja3_tor"))
		case groups:
			require.Equal(t, "tor", f.Verdict, f.Reason)
			require.True(t, f.Has("ja3_groups"))
		case byJA4 && f.Has("sni_pattern"):
			require.Equal(t, "tor", f.Verdict, f.Reason)
			require.True(t, f.Has("ja4_tor"))
		case f.named():
			require.Contains(t, []string{"likely", "tor"}, f.Verdict)
		case byJA4 && f.JA3 == "" && f.SNI != "":
			require.Equal(t, "likely", f.Verdict, "a name of Tor's form that does not look made up: %s", f.SNI)
		case byJA4 && f.JA3 == "":
			require.Equal(t, "possible", f.Verdict, "the fingerprint alone")
		case !byJA4 && !f.Has("ja4_ciphers") && !f.Has("ja3_tor"):
			require.Equal(t, "none", f.Verdict, "the name alone: %s", f.SNI)
		}
		if f.Score > 0 {
			require.Equal(t, "outbound", f.Finding.Direction)
		}
		require.Empty(t, f.Relays)
	}},
	{"bridge_old", "the same with a certificate: nearly always", func(t *testing.T, f *found) {
		if f.Has("cert_tor") || f.named() {
			require.Contains(t, []string{"likely", "tor"}, f.Verdict)
		}
		if f.Has("cert_tor") {
			require.Equal(t, "tor", f.Verdict)
		}
	}},
	{"borrowed_ciphers", "tor's JA4 in a program that borrowed a list of ciphers", func(t *testing.T, f *found) {
		require.NotEqual(t, "tor", f.Verdict, f.Reason)
		require.False(t, f.Has("ja3_tor") || f.Has("ja3_groups"))
		if f.JA3 != "" && f.JA4 != "" {
			require.Equal(t, "none", f.Verdict, f.Reason)
		}
	}},
	{"look_alike", "programs that have a part of their hello in common with tor", func(t *testing.T, f *found) {
		require.Equal(t, "none", f.Verdict, f.Reason)
		require.Empty(t, f.Evidence)
	}},
	{"rustls", "rustls without a made-up name", func(t *testing.T, f *found) {
		require.Equal(t, "none", f.Verdict, f.Reason)
	}},
	{"old_server", "certificates of other servers", func(t *testing.T, f *found) {
		require.False(t, f.Has("cert_tor"), "%s by %s", f.Subject, f.Issuer)
	}},
	{"machine_name", "names that nobody chose", func(t *testing.T, f *found) {
		require.Equal(t, "none", f.Verdict, f.SNI)
	}},
	{"onion_dns", "a query for an onion name is a leak and no connection", func(t *testing.T, f *found) {
		require.Equal(t, "possible", f.Verdict)
		require.Equal(t, "onion_name", f.Evidence[0])
		require.Contains(t, f.Reason, f.Query)
	}},
	{"values_mixed", "two lists of values whose pair never happened", func(t *testing.T, f *found) {
		require.NotEqual(t, "tor", f.Verdict)
		require.True(t, f.Has("unpaired"))
		require.Contains(t, f.Reason, "may never have gone together")
	}},
}

// isBuild reports whether fingerprints are those of builds that were measured, the
// JA3 with tor's own groups.
func isBuild(ja4, ja3 string) (byJA4, byJA3 bool) {
	for _, b := range torBuilds {
		byJA4 = byJA4 || b.ja4 == ja4
		byJA3 = byJA3 || b.ja3 == ja3 && b.groups != "" && !strings.HasPrefix(b.ja3, "0481700")
	}
	return byJA4, byJA3
}

// outbound requires a connection to an OR port, whatever else was seen.
func outbound(t *testing.T, f *found) {
	t.Helper()
	if !f.readBeside() {
		return
	}
	require.Equal(t, "tor", f.Verdict, f.Reason)
	require.Equal(t, "outbound", f.Finding.Direction)
	require.Equal(t, "or_port", f.Evidence[0])
	require.Equal(t, "established", f.Finding.State)
}

// hosted requires that a relay of the site's own is no finding.
func hosted(t *testing.T, f *found) {
	t.Helper()
	require.Equal(t, "none", f.Verdict)
	require.Zero(t, f.Score)
	require.Equal(t, "relay", f.Finding.Direction)
	require.True(t, f.Has("hosted_relay"))
	f.about(t)
	require.Contains(t, f.Reason, "it lies in your own networks")
}

// Each hard case, read against the truth: verdict, state, direction, role,
// evidence, reason.
func TestHardCases(t *testing.T) {
	for _, seed := range []uint64{1, 2} {
		all := judged(t, seed)
		for _, c := range hardCases {
			t.Run(c.name, func(t *testing.T) {
				checked := 0
				for _, f := range all[c.name] {
					if f.Coverage != "full" {
						require.NotEqual(t, "none", f.Verdict, "not found is not clean: %s", f.Reason)
						continue
					}
					checked++
					require.Equal(t, f.Flow.State, f.Finding.State, f.Reason)
					c.check(t, &f)
				}
				require.Greater(t, checked, 15, "flows of %s: %s", c.name, c.what)
			})
		}
	}
}

// What each case of the generator is at best and at worst, so that a change of
// the judgement that nobody meant is seen. The shares are of all flows of the
// case, with the hours that no list covers.
func TestCasesAsAWhole(t *testing.T) {
	all := judged(t, 3)
	share := func(name string, verdicts ...string) float64 {
		n := 0
		for _, f := range all[name] {
			if slices.Contains(verdicts, f.Verdict) {
				n++
			}
		}
		return float64(n) / float64(len(all[name]))
	}
	for _, name := range []string{"or_connection", "or_ipv6", "or_shared", "or_arti", "or_bootstrap", "or_nat", "or_turned", "exit", "exit_ipv6"} {
		require.GreaterOrEqual(t, share(name, "tor"), 0.9, name)
	}
	for _, name := range []string{"or_blocked", "or_unanswered", "or_old_consensus", "exit_blocked", "exit_elsewhere"} {
		require.GreaterOrEqual(t, share(name, "tor", "likely"), 0.85, name)
	}
	require.GreaterOrEqual(t, share("bridge_vanilla", "tor", "likely"), 0.65, "bridges of which a sensor saw the hello")
	require.GreaterOrEqual(t, share("bridge_old", "tor"), 0.9)
	for _, name := range []string{"web", "dns", "other_service", "tor_port", "visitor", "noise", "udp_to_relay", "other_family"} {
		require.Zero(t, share(name, "tor", "likely", "possible"), name)
	}
	for _, name := range []string{"operator", "web_on_relay", "reuse_before", "exit_or_operator"} {
		require.LessOrEqual(t, share(name, "tor", "likely"), 0.1, name)
	}
	for _, name := range []string{"bridge_obfs4", "bridge_webtunnel", "snowflake"} {
		require.LessOrEqual(t, share(name, "tor", "likely"), 0.15, "%s: nothing can find these", name)
	}
}
