package relaylist

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"
)

// Each answer is a sentence that says no more than was read.
func TestSentence(t *testing.T) {
	const noon, hour = int64(1795176000), int64(3600)
	addr := netip.MustParseAddr("198.51.100.56")
	seen := func(answer, role string, port uint16, name string) Seen {
		return Seen{Addr: addr, At: noon, Answer: answer, Role: role, Port: port, Nickname: name, First: noon - 2*hour, Last: noon + hour}
	}
	authority := Seen{Addr: addr, At: noon, Answer: "listed", Role: "authority", Port: 443, Nickname: "moria1"}
	away := seen("later", "or", 8443, "relay07")
	away.Away = 7500
	for want, lines := range map[string][]Seen{
		"198.51.100.56 was on the Tor list at 2026-11-20T12:00:00Z: the OR port 8443 of the relay relay07, listed from 2026-11-20T10:00:00Z to 2026-11-20T13:00:00Z; " +
			"an address that an exit leaves from, relay07, listed from 2026-11-20T10:00:00Z to 2026-11-20T13:00:00Z.": {seen("listed", "or", 8443, "relay07"), seen("listed", "exit", 0, "relay07")},
		"198.51.100.56 was on the Tor list at 2026-11-20T12:00:00Z: the OR port 443 of the directory authority moria1; the OR port 443 of the directory authority moria1; " +
			"the OR port 443 of the directory authority moria1; and 2 more.": {authority, authority, authority, authority, authority},
		"198.51.100.56 was not on the Tor list at 2026-11-20T12:00:00Z.":                                                 {{Addr: addr, At: noon, Answer: "not listed"}},
		"Whether 198.51.100.56 was on the Tor list at 2026-11-20T12:00:00Z is not known: no list of that time was read.": {{Addr: addr, At: noon, Answer: "no list"}},
		"198.51.100.56 was not on the Tor list at 2026-11-20T12:00:00Z. The nearest listing is 2 h 5 min away: the OR port 8443 of the relay relay07, " +
			"listed from 2026-11-20T10:00:00Z to 2026-11-20T13:00:00Z.": {{Addr: addr, At: noon, Answer: "not listed"}, away},
	} {
		require.Equal(t, want, Sentence(lines))
	}
	relay := []Seen{seen("listed", "or", 8443, "relay07"), seen("listed", "exit", 0, "relay07")}
	require.Equal(t, "Port 8443 was its: who connected there at that time nearly surely used Tor.", PortSentence(relay, 8443))
	require.Equal(t, "Port 443 was none of its Tor ports: there it may be any service of the same machine.", PortSentence(relay, 443))
	require.Empty(t, PortSentence(relay, 0))
	require.Empty(t, PortSentence([]Seen{{Addr: addr, At: noon, Answer: "not listed"}, away}, 8443))
	for _, role := range roles {
		require.Contains(t, roleWords, role)
	}
}
