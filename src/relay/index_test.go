package relay

import (
	"encoding/binary"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"
)

// However the addresses of a table are chosen, few of them meet in the hash
// table: neighbours, one a /24, one a /64, and those that differ in high bits
// only.
func TestSlotsAreSpread(t *testing.T) {
	v4 := func(n uint32) netip.Addr { return netip.AddrFrom4([4]byte(binary.BigEndian.AppendUint32(nil, n))) }
	v6 := func(high, low uint64) netip.Addr {
		return netip.AddrFrom16([16]byte(binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, high), low)))
	}
	const n = 20_000
	for name, addr := range map[string]func(i int) netip.Addr{
		"neighbours":             func(i int) netip.Addr { return v4(0x0A000000 + uint32(i)) },
		"one a /24":              func(i int) netip.Addr { return v4(0x0A000001 + uint32(i)<<8) },
		"high bits of IPv4":      func(i int) netip.Addr { return v4(uint32(i) << 17) },
		"IPv6 neighbours":        func(i int) netip.Addr { return v6(0x20010db8<<32, uint64(i)) },
		"one a /64":              func(i int) netip.Addr { return v6(0x20010db8<<32+uint64(i), 1) },
		"one a /48":              func(i int) netip.Addr { return v6(0x20010db8<<32+uint64(i)<<16, 1) },
		"high bits of the lower": func(i int) netip.Addr { return v6(0x20010db8<<32, uint64(i)<<49) },
		"both halves alike":      func(i int) netip.Addr { return v6(uint64(i)<<32, uint64(i)<<32) },
	} {
		t.Run(name, func(t *testing.T) {
			entries := make([]Entry, n)
			for i := range entries {
				entries[i] = Entry{Addr: addr(i), Port: 443}
			}
			distinct := map[netip.Addr]bool{}
			for i := range entries {
				distinct[entries[i].Addr] = true
			}
			var x index
			x.lay(entries)
			probes := 0
			for s, i := range x.slots {
				if i == 0 {
					continue
				}
				probes += (s-x.slot(x.entries[i-1].Addr)+len(x.slots))&(len(x.slots)-1) + 1
			}
			// Half full, linear probing: 1.5 on average (Knuth 6.4).
			require.Less(t, probes, 2*len(distinct)+100)
		})
	}
}

func TestIndexAgainstMap(t *testing.T) {
	text := synthetic(5_000)
	table, err := Parse(text)
	require.NoError(t, err)
	n := 0
	for addr, rows := range ordinary(t, text) {
		require.Len(t, table.of(addr), len(rows), addr)
		n += len(rows)
		next := addr.Next()
		if table.of(next) != nil {
			require.Equal(t, next, table.of(next)[0].Addr)
		}
	}
	require.Equal(t, 5_000, n+2, "two rows of coverage")
}
