package relay

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"tordetect/src/flow"
	"tordetect/src/relay/sheet"
)

// entriesOf returns all entries that are not built in.
func entriesOf(t *Table) (all []*Entry) {
	for _, kind := range []flow.Kind{flow.ORPort, flow.DirPort, flow.ExitAddress} {
		t.each(kind, func(e *Entry) bool {
			all = append(all, e)
			return true
		})
	}
	return all
}

func readAll(t require.TestingT, text string) *sheet.Sheet {
	s, err := sheet.Read(strings.NewReader(text), 0)
	require.NoError(t, err)
	return s
}

// rowsOf returns the rows of a sheet as they stand in the file.
func rowsOf(s *sheet.Sheet) (rows []Entry) {
	for run := range s.Runs() {
		rows = s.Append(rows, run)
	}
	return rows
}

// plain is a table without an index: all rows of each address, brought together as
// soon as a text is read.
type plain struct {
	rows    map[netip.Addr][]Entry
	dropped int
}

func newPlain() *plain {
	p := &plain{rows: map[netip.Addr][]Entry{}}
	for _, e := range builtIn() {
		p.rows[e.Addr] = append(p.rows[e.Addr], e)
	}
	for addr, rows := range p.rows {
		p.rows[addr], _ = settle(rows)
	}
	return p
}

func (p *plain) extend(rows []Entry) {
	together := map[netip.Addr][]Entry{}
	for len(rows) > 0 {
		addr, n := rows[0].Addr, 1
		for n < len(rows) && rows[n].Addr == addr {
			n++
		}
		_, again := together[addr]
		together[addr] = append(together[addr], rows[:n]...)
		if !again { // what was there goes behind what stands together first
			together[addr] = append(together[addr], p.rows[addr]...)
		}
		rows = rows[n:]
	}
	for addr, rows := range together {
		kept, dropped := settle(rows)
		p.rows[addr] = kept
		p.dropped += dropped
	}
}

// check asks a table for all that is in it.
func (p *plain) check(t *testing.T, table *Table) {
	n := 0
	for addr, want := range p.rows {
		require.True(t, table.Knows(addr))
		require.Equal(t, want, table.of(addr), addr)
		for _, e := range want {
			if !e.Kind.BuiltIn() {
				n++
			}
		}
	}
	require.Len(t, entriesOf(table), n, "each has them all, once")
}

// randomTable writes a table in whatever order, with relays that share addresses, and
// sometimes with one address again and again.
func randomTable(r *rand.Rand, rows int) string {
	var b strings.Builder
	b.WriteString(tableHeader)
	hosts, hostile := 1+r.IntN(rows), r.IntN(4) == 0
	sorted := r.IntN(2) == 0
	for i := range rows {
		host := i * hosts / rows
		if !sorted && r.IntN(3) == 0 {
			host = r.IntN(hosts)
		}
		addr := fmt.Sprintf("198.51.%d.%d", host>>8&255, host&255)
		switch {
		case hostile && r.IntN(2) == 0, host%97 == 5 && r.IntN(20) == 0:
			addr = "128.31.0.39" // built in
		case host%5 == 4:
			addr = fmt.Sprintf("2001:db8::%x", host)
		case host%5 == 3:
			addr = fmt.Sprintf("2001:db8:%x::1", host)
		}
		port, role := "443", "or"
		switch r.IntN(6) {
		case 0:
			port, role = "", "exit"
		case 1:
			port, role = "80", "dir"
		}
		first := 1795000000 + int64(r.IntN(10*rows))
		fmt.Fprintf(&b, "%s,%s,%s,%s,%040X,n%d,%d,%d\n", addr, port, role, flow.Flags(r.IntN(1+int(flow.AllFlags))), r.IntN(3), r.IntN(5), first, first+int64(r.IntN(20)))
	}
	return b.String()
}

// What is made of rows when they are asked for is what would have been made of all at
// once, in whatever order the files are, and whoever asks at the same time.
func TestRowsWhenAskedFor(t *testing.T) {
	dropped := 0
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(seed, 3))
		table, all := Empty(), newPlain()
		for range 1 + r.IntN(3) {
			size := 1 + r.IntN(300)
			if seed%10 == 0 {
				size = 12_000 // several pages
			}
			text := randomTable(r, size)
			require.NoError(t, table.Extend(text))
			all.extend(rowsOf(readAll(t, text)))
			require.Equal(t, all.dropped, table.Skipped)
			if r.IntN(2) == 0 {
				continue // nothing is asked for between two tables
			}
			var both sync.WaitGroup
			for range 2 {
				both.Go(func() {
					for addr, want := range all.rows {
						if got := table.of(addr); !equal(got, want) {
							t.Errorf("seed %d, %s: %d rows, not %d", seed, addr, len(got), len(want))
						}
					}
				})
			}
			both.Wait()
		}
		dropped += all.dropped
		all.check(t, table)
		require.Empty(t, table.of(netip.MustParseAddr("203.0.113.1")))
		require.Empty(t, table.of(netip.MustParseAddr("2001:db8::ffff")))
		require.Empty(t, table.of(netip.Addr{}))
	}
	require.NotZero(t, dropped)
}

func FuzzRowsWhenAskedFor(f *testing.F) {
	f.Add(smallTable, smallTable)
	f.Add(smallTable, strings.ReplaceAll(smallTable, "192.0.2.17", "192.0.2.1"))
	f.Add(randomTable(rand.New(rand.NewPCG(1, 3)), 100), randomTable(rand.New(rand.NewPCG(2, 3)), 100))
	f.Fuzz(func(t *testing.T, first, second string) {
		table, all := Empty(), newPlain()
		for _, text := range []string{first, second} {
			if table.Extend(text) == nil {
				all.extend(rowsOf(readAll(t, text)))
			}
		}
		all.check(t, table)
	})
}

func equal(a, b []Entry) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// A search that asks for few addresses makes few entries.
func TestFewAreMade(t *testing.T) {
	table, err := Parse(synthetic(27_000))
	require.NoError(t, err)
	addr := table.layers[0].addr(1000)
	require.Nil(t, table.layers[0].known[1000].Load())
	require.NotEmpty(t, table.of(addr))
	require.Less(t, len(table.room), 10)
	require.Zero(t, testing.AllocsPerRun(10, func() { table.of(addr) }))
}

// The filter lets few addresses pass that are not there, however those that are have
// been chosen: neighbours, one a /24, one a /64, and those that differ in high bits.
func TestFilter(t *testing.T) {
	const n = 20_000
	for name, key := range map[string]func(i uint64) uint64{
		"neighbours":        func(i uint64) uint64 { return 0x0A000000 + i },
		"one a /24":         func(i uint64) uint64 { return 0x0A000001 + i<<8 },
		"high bits of IPv4": func(i uint64) uint64 { return i << 17 & 0xffffffff },
		"one a /64":         func(i uint64) uint64 { return 0x20010db8<<32 + i },
		"one a /48":         func(i uint64) uint64 { return 0x20010db8<<32 + i<<16 },
	} {
		t.Run(name, func(t *testing.T) {
			f := make(filter, 1<<19>>6) // as sift makes it for so many
			for i := range uint64(n) {
				f.add(key(i))
			}
			r := rand.New(rand.NewPCG(1, 1))
			passed := 0
			for range 100_000 {
				if f.mayHave(uint64(r.Uint32())) || f.mayHave(r.Uint64()|1<<61) {
					passed++
				}
			}
			for i := range uint64(n) {
				require.True(t, f.mayHave(key(i)))
			}
			require.Less(t, passed, 4000, "of two keys, one in a hundred")
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
