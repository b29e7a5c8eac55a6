package relay

import (
	"bytes"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestMergeFirst(t *testing.T) {
	m := NewMerger()
	require.NoError(t, m.AddTable(smallTable))
	require.NoError(t, m.AddList(List{1500, 2600, []ListedRelay{{Identity: [20]byte{1}, Nickname: "x", Flags: Guard | Exit, Ports: []netip.AddrPort{netip.MustParseAddrPort("192.0.2.1:9001"), netip.MustParseAddrPort("[2001:db8::5]:9001")}}}}))
	var b bytes.Buffer
	s, err := m.Write(&b, Options{})
	require.NoError(t, err)
	t.Logf("%s\n%+v", b.String(), s)
}
