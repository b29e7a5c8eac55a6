package relay

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"tordetect/src/flow"
)

// synthetic writes a table of so many rows as the writers of this project
// would: sorted by address, a relay with one row for each of its flags'
// changes, half of the relays with an IPv6 address, a quarter with a row from
// an exit list. The addresses are numbers drawn by a seeded generator and
// belong to no list.
func synthetic(rows int) string {
	random := rand.New(rand.NewPCG(1, uint64(rows)))
	const start, hour = 1795422520, 3600
	var b bytes.Buffer
	fmt.Fprintf(&b, "ip,port,role,flags,fingerprint,nickname,first_seen,last_seen\n")
	fmt.Fprintf(&b, ",,coverage,,,,%d,%d\n,,exit_coverage,,,,%d,%d\n", start, start+7*24*hour, start, start+7*24*hour)
	n := 2
	changes := max(1, rows/20_000)
	for relays := 0; n < rows; relays++ {
		id := fmt.Sprintf("%016X%016X%08X", random.Uint64(), random.Uint64(), random.Uint32())
		v4 := netip.AddrFrom4([4]byte{byte(11 + relays>>16), byte(relays >> 8), byte(relays), byte(random.Uint32())})
		v6 := netip.AddrFrom16([16]byte{0x2a, byte(relays >> 16), byte(relays >> 8), byte(relays), 4: byte(random.Uint32()), 15: byte(random.Uint32())})
		for c := 0; c < changes && n < rows; c++ {
			first := start + (c*168/changes)*hour
			last := first + 168/changes*hour + 2*hour
			flags := [...]string{"Guard", "", "Exit", "Exit Guard"}[(relays+c)%4]
			line := func(ip netip.Addr, port, role string) {
				if n < rows {
					fmt.Fprintf(&b, "%s,%s,%s,%s,%s,relay%d,%d,%d\n", ip, port, role, flags, id, relays, first, last)
					n++
				}
			}
			line(v4, strconv.Itoa(443+relays%9000), "or")
			if relays%2 == 0 {
				line(v6, strconv.Itoa(443+relays%9000), "or")
			}
			if relays%4 == 0 {
				line(v4, "", "exit")
			}
		}
	}
	fmt.Fprintf(&b, ",%d,end,,,,,\n", n)
	return b.String()
}

// sizes are those of design section 6: a week and 400 days.
var sizes = []int{27_000, 400_000}

func BenchmarkParse(b *testing.B) {
	for _, rows := range sizes {
		text := synthetic(rows)
		b.Run(strconv.Itoa(rows), func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			defer cpu(b)()
			for b.Loop() {
				t, err := Parse(text)
				if err != nil || !t.Complete || t.Rows != rows {
					b.Fatal(err, t.Rows)
				}
			}
		})
	}
}

// BenchmarkParseCSV is the ordinary way, to compare with: encoding/csv and a
// map from the address to its rows.
func BenchmarkParseCSV(b *testing.B) {
	for _, rows := range sizes {
		text := synthetic(rows)
		b.Run(strconv.Itoa(rows), func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			defer cpu(b)()
			for b.Loop() {
				if got := ordinary(b, text); len(got) == 0 {
					b.Fatal("no rows")
				}
			}
		})
	}
}

func ordinary(tb testing.TB, text string) map[netip.Addr][]Entry {
	r := csv.NewReader(strings.NewReader(text))
	r.ReuseRecord = true
	_, err := r.Read()
	require.NoError(tb, err)
	table := make(map[netip.Addr][]Entry)
	for {
		row, err := r.Read()
		if err != nil {
			return table
		}
		if row[0] == "" {
			continue
		}
		addr, _ := netip.ParseAddr(row[0])
		port, _ := strconv.ParseUint(row[1], 10, 16)
		first, _ := strconv.ParseInt(row[6], 10, 64)
		last, _ := strconv.ParseInt(row[7], 10, 64)
		table[addr] = append(table[addr], Entry{Addr: addr, Port: uint16(port), Fingerprint: row[4], Nickname: row[5], First: first, Last: last})
	}
}

func BenchmarkLookup(b *testing.B) {
	const rows = 27_000
	text := synthetic(rows)
	table, err := Parse(text)
	require.NoError(b, err)
	byMap := ordinary(b, text)
	random := rand.New(rand.NewPCG(2, 2))
	var hits, misses []netip.Addr
	for addr := range byMap {
		hits = append(hits, addr)
	}
	for range 4096 {
		misses = append(misses, netip.AddrFrom4([4]byte{10, byte(random.Uint32()), byte(random.Uint32()), byte(random.Uint32())}))
	}
	newest, _ := table.Newest()
	at := flow.Interval{From: newest - 3600, To: newest - 3600}
	for _, c := range []struct {
		name  string
		addrs []netip.Addr
	}{{"miss", misses}, {"hit", hits[:4096]}} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			var found []Listing
			i := 0
			for b.Loop() {
				found = table.Lookup(found[:0], c.addrs[i&4095], at)
				i++
			}
		})
		b.Run(c.name+"/map", func(b *testing.B) {
			b.ReportAllocs()
			n, i := 0, 0
			for b.Loop() {
				n += len(byMap[c.addrs[i&4095]])
				i++
			}
			_ = n
		})
	}
}
