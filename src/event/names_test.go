package event

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The table keeps within what an event has room for, every role has a name and says
// what it is, and no name stands twice, whatever its dots.
func TestTable(t *testing.T) {
	require.LessOrEqual(t, len(slots.name), maxNames)
	require.Len(t, slots.number, len(slots.name), "two names are one, apart from their dots")
	for r := range Roles {
		require.NotEmpty(t, table[r].means, r)
		require.NotEmpty(t, table[r].names, table[r].means)
		require.LessOrEqual(t, len(table[r].names), 32, table[r].means)
		for _, n := range table[r].names {
			require.NotContains(t, n.Text, " ")
			s, ok := Find([]byte(strings.ReplaceAll(n.Text, "{}", "")))
			require.True(t, ok, n.Text)
			require.Equal(t, r, slots.role[s])
			require.LessOrEqual(t, len(n.Text), maxName)
			if n.Beside == OwnEnds && n.Of != Collector {
				require.NotEmpty(t, slots.ends[n.Of], n.Text)
			}
		}
	}
}

// A dot, an underscore and the prefix of a data set make no difference.
func TestFind(t *testing.T) {
	for name, role := range map[string]Role{
		"id.orig_h": Source, "id_orig_h": Source, "source_ip": Source, "flow.src_ip": FlowSource, "flow_src_ip": FlowSource,
		"All_Traffic.src": Source, "DNS.query": Query, "Authentication.src_user": User, "tls.ja3.hash": JA3, "dns.queries.rrname": Query,
		"client_ip": Source, "@timestamp": LogTime,
	} {
		s, ok := Find([]byte(name))
		require.True(t, ok, name)
		require.Equal(t, role, slots.role[s], name)
	}
	for _, name := range []string{"", "Src_ip", "all.src", "tunnel.src_ip", "x.id.orig_h", ".src", "src.", "All_Traffic..src", strings.Repeat("x", 200), "hostname"} {
		_, ok := Find([]byte(name))
		require.False(t, ok, name)
	}
}

// A set of roles fits into the bits of a word.
func TestRolesFit(t *testing.T) { require.LessOrEqual(t, int(Roles), 64) }
