package relay

import (
	"encoding/json"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tordetect/src/flow"
	"tordetect/tests/shared"
)

// newestBuiltIn is the day of which the built-in list is; no date is later.
const newestBuiltIn = "2026-11-23"

func TestBuiltInLines(t *testing.T) {
	hex := regexp.MustCompile(`^[0-9A-F]{40}$`)
	names := regexp.MustCompile(`^[A-Za-z0-9]{1,19}$`)
	public := func(addr string) {
		a, err := netip.ParseAddr(addr)
		require.NoError(t, err)
		require.Equal(t, a.String(), addr, "written as netip writes it")
		require.False(t, a.Is4In6() || a.Zone() != "" || a.IsPrivate() || a.IsLoopback() || a.IsLinkLocalUnicast() || a.IsMulticast() || a.IsUnspecified(), addr)
		// Snowflake and meek lines have dummies of these networks.
		for _, documentation := range []string{"192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32"} {
			require.False(t, netip.MustParsePrefix(documentation).Contains(a), addr)
		}
	}
	dates := func(from, until string) {
		for _, day := range []string{from, until} {
			if day != "" {
				_, err := time.Parse(time.DateOnly, day)
				require.NoError(t, err)
				require.LessOrEqual(t, day, newestBuiltIn)
			}
		}
		if from != "" && until != "" {
			require.Less(t, from, until)
		}
	}

	seen := map[[3]string]bool{}
	once := func(key ...string) {
		require.False(t, seen[[3]string(key)], "%v is there twice", key)
		seen[[3]string(key)] = true
	}
	var today int
	for _, d := range DirectoryAuthorities() {
		require.Regexp(t, names, d.Nickname)
		public(d.Addr)
		require.NotZero(t, d.DirPort)
		require.NotZero(t, d.ORPort)
		require.NotEqual(t, d.DirPort, d.ORPort)
		require.Equal(t, d.Addr6 == "", d.ORPort6 == 0)
		if d.Addr6 != "" {
			public(d.Addr6)
			require.True(t, netip.MustParseAddr(d.Addr6).Is6())
		}
		if d.Fingerprint != "" {
			require.Regexp(t, hex, d.Fingerprint)
			require.NotEqual(t, d.V3Ident, d.Fingerprint)
		}
		if d.V3Ident != "" {
			require.Regexp(t, hex, d.V3Ident)
		}
		dates(d.From, d.Until)
		once(d.V3Ident, d.Addr, strconv.Itoa(int(d.ORPort)))
		if d.Until == "" {
			today++
			require.NotEmpty(t, d.Fingerprint)
		}
	}
	require.Equal(t, 10, today, "nine that vote, and the bridge authority")

	for _, b := range DefaultBridges() {
		public(b.Addr)
		require.NotZero(t, b.Port)
		require.Regexp(t, names, b.Transport)
		require.Regexp(t, hex, b.Fingerprint)
		dates(b.From, b.Until)
		once("bridge", b.Addr, strconv.Itoa(int(b.Port)))
	}

	// Nothing is lost on the way to the entries.
	want := len(DefaultBridges())
	for _, d := range DirectoryAuthorities() {
		want += 2
		if d.Addr6 != "" {
			want++
		}
	}
	require.Len(t, builtIn(), want)
}

func TestBuiltInLookup(t *testing.T) {
	table := Empty()
	for _, c := range []struct {
		about, addr, day string
		want             []string
	}{
		{"an authority today", "131.188.40.189", "2026-11-23", []string{"gabelmoo authority 443", "gabelmoo dir 80"}},
		{"an authority long ago", "131.188.40.189", "2010-01-01", []string{"gabelmoo authority 443", "gabelmoo dir 80"}},
		{"an authority's IPv6 address", "2001:67c:289c::9", "2026-11-23", []string{"maatuska authority 80"}},
		{"a former address, when it was one", "86.59.21.38", "2024-04-16", []string{"tor26 authority 443", "tor26 dir 80"}},
		{"a former address, a day later", "86.59.21.38", "2024-04-17", nil},
		{"an address before it was one", "217.196.147.77", "2024-02-19", nil},
		{"an address on its first day", "217.196.147.77", "2024-02-20", []string{"tor26 authority 443", "tor26 dir 80"}},
		{"the same address under a new key", "193.23.244.244", "2015-01-01", []string{"dannenberg authority 443", "dannenberg dir 80"}},
		{"moria1 with both keys", "128.31.0.39", "2023-04-03", []string{"moria1 authority 9101", "moria1 authority 9201", "moria1 dir 9131", "moria1 dir 9231"}},
		{"moria1 with the new key alone", "128.31.0.39", "2023-04-04", []string{"moria1 authority 9201", "moria1 dir 9231"}},
		{"a bridge of today", "45.145.95.6", "2026-11-23", []string{"obfs4 bridge 27015"}},
		{"three former bridges at one address", "193.11.166.194", "2023-09-01", []string{"obfs4 bridge 27015", "obfs4 bridge 27020", "obfs4 bridge 27025"}},
		{"a former bridge later", "193.11.166.194", "2024-10-01", nil},
		{"a dummy", "192.0.2.3", "2026-11-23", nil},
	} {
		t.Run(c.about, func(t *testing.T) {
			day, err := time.Parse(time.DateOnly, c.day)
			require.NoError(t, err)
			at := day.Unix() + 12*60*60
			var got []string
			for _, l := range table.Lookup(nil, netip.MustParseAddr(c.addr), flow.Interval{From: at, To: at}) {
				require.Equal(t, flow.Listed, l.When)
				require.True(t, l.Kind.BuiltIn())
				require.Equal(t, l.Kind != flow.Bridge, l.Flags == flow.DirAuthority)
				got = append(got, l.Nickname+" "+map[flow.Kind]string{flow.Authority: "authority", flow.AuthorityDir: "dir", flow.Bridge: "bridge"}[l.Kind]+" "+strconv.Itoa(int(l.Port)))
			}
			slices.Sort(got)
			require.Equal(t, c.want, got)
		})
	}
}

// The authorities of tor 0.4.9.11, as its program has them. Those of the
// consensus alone may have an IPv6 address more.
func TestAuthoritiesOfTor(t *testing.T) {
	line := regexp.MustCompile(`(?m)^(\w+) orport=(\d+) (?:v3ident=(\w+)|bridge) (?:ipv6=\[([0-9a-f:]+)\]:(\d+) )?([0-9.]+):(\d+) ([0-9A-F ]+)$`)
	found := line.FindAllStringSubmatch(string(shared.Bytes(t, "bridges/tor-0.4.9.11-builtin-dirs.txt")), -1)
	require.Len(t, found, 10)
	ours := DirectoryAuthorities()
	for _, m := range found {
		i := slices.IndexFunc(ours, func(d DirectoryAuthority) bool { return d.Nickname == m[1] && d.Until == "" })
		require.GreaterOrEqual(t, i, 0, m[0])
		d := ours[i]
		require.Equal(t, []string{m[2], m[3], m[6], m[7], strings.ReplaceAll(m[8], " ", "")},
			[]string{strconv.Itoa(int(d.ORPort)), d.V3Ident, d.Addr, strconv.Itoa(int(d.DirPort)), d.Fingerprint}, m[0])
		if m[4] != "" {
			require.Equal(t, []string{m[4], m[5]}, []string{d.Addr6, strconv.Itoa(int(d.ORPort6))}, m[0])
		}
	}
}

// bridgeLines are the obfs4 lines of a list, as transport, address and
// fingerprint; those of the other transports have dummy addresses.
func bridgeLines(lines []string) []string {
	var out []string
	for _, l := range lines {
		if words := strings.Fields(l); len(words) > 2 && words[0] == "obfs4" {
			out = append(out, strings.Join(words[:3], " "))
		}
	}
	slices.Sort(out)
	return out
}

func TestBridgesOfTorBrowser(t *testing.T) {
	var config struct{ Bridges map[string][]string }
	require.NoError(t, json.Unmarshal([]byte(shared.Bytes(t, "bridges/pt_config.json")), &config))
	var lines []string
	for _, l := range config.Bridges {
		lines = append(lines, l...)
	}
	was := bridgeLines(strings.Split(string(shared.Bytes(t, "bridges/bridges_list.obfs4.old.txt")), "\n"))
	is := bridgeLines(lines)

	var today, former []string
	for _, b := range DefaultBridges() {
		l := b.Transport + " " + netip.AddrPortFrom(netip.MustParseAddr(b.Addr), b.Port).String() + " " + b.Fingerprint
		if b.Until == "" {
			today = append(today, l)
		} else {
			former = append(former, l)
		}
	}
	slices.Sort(today)
	slices.Sort(former)
	require.Equal(t, is, today)
	require.Equal(t, slices.DeleteFunc(was, func(l string) bool { return slices.Contains(is, l) }), former)
}

// The relay table of a real, private network, made from its consensuses.
func TestPrivateNetwork(t *testing.T) {
	text := shared.Bytes(t, "privnet/tor_relays.csv")
	table, err := Parse(string(text))
	require.NoError(t, err)
	require.True(t, table.Complete)
	require.Equal(t, 21, table.Rows, "20 of relays and one of coverage")
	require.Zero(t, table.Skipped)
	require.Len(t, entriesOf(table), 20)
	newest, _ := table.Newest()
	oldest, _ := table.Oldest()
	require.Equal(t, []int64{1795422520, 1795422840}, []int64{oldest, newest})
	require.Equal(t, flow.CoverageFull, table.Coverage(flow.Interval{From: 1795422631, To: 1795422709}))
	require.Equal(t, flow.CoverageStale, table.Coverage(flow.Interval{From: 1795422631, To: 1795426000}))

	at := flow.Interval{From: 1795422634, To: 1795422709} // of an OR connection in the capture
	for addr, want := range map[string][]string{
		"198.51.100.3":    {"auth3:9001 listed", "auth3:9030 listed"},
		"2001:db8:1::1":   {"auth1:9001 listed"},
		"198.51.100.21":   {"exit1:443 listed"},
		"198.51.100.16":   {"relay6:9101 later"}, // joined 11 s after
		"198.51.100.31":   nil,                   // a bridge
		"198.51.100.32":   nil,                   // an obfs4 bridge
		"10.20.0.11":      nil,                   // a client
		"2001:db8:1::12":  {"relay2:443 listed"},
		"2001:db8:1::200": nil,
	} {
		var got []string
		for _, l := range table.Lookup(nil, netip.MustParseAddr(addr), at) {
			got = append(got, l.Nickname+":"+strconv.Itoa(int(l.Port))+" "+map[flow.When]string{flow.Listed: "listed", flow.Later: "later"}[l.When])
		}
		require.Equal(t, want, got, addr)
	}
	found := table.Lookup(nil, netip.MustParseAddr("198.51.100.21"), flow.Interval{From: 1795426000, To: 1795426000})
	require.Len(t, found, 1)
	require.Equal(t, flow.Stale, found[0].When)
	require.Equal(t, int64(3160), found[0].Away)
	require.Equal(t, "2DBB4D43E1DDE4C91EBC1FCA103E0465CDE18FC8", found[0].Fingerprint)
	require.Equal(t, flow.Exit|flow.Guard, found[0].Flags)
}
