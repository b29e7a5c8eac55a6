package relay

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"
	"unsafe"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"tordetect/src/flow"
	"tordetect/src/relay/sheet"
	"tordetect/tests/shared"
)

// addTable adds a table for which there is no clock.
func addTable(m *Merger, text string) error {
	_, err := m.AddTable(text, sheet.MaxTime)
	return err
}

// written writes what was merged.
func written(t require.TestingT, m *Merger, o Options) (string, Stats) {
	var b bytes.Buffer
	s, err := m.Write(&b, o)
	require.NoError(t, err)
	return b.String(), s
}

func ports(s ...string) (all []netip.AddrPort) {
	for _, p := range s {
		all = append(all, netip.MustParseAddrPort(p))
	}
	return all
}

// identityOf makes the identity of the fingerprint hex40(c).
func identityOf(c string) (id [20]byte) {
	n, _ := strconv.ParseUint(c+c, 16, 8)
	for i := range id {
		id[i] = byte(n)
	}
	return id
}

func TestMerge(t *testing.T) {
	a, b := identityOf("A"), identityOf("B")
	const hour = 3600
	anna := ListedRelay{a, "anna", flow.Guard | flow.Exit, ports("192.0.2.1:9001", "[2001:db8::1]:443"), netip.MustParseAddrPort("192.0.2.1:9030")}
	exit := anna
	exit.Flags = flow.Exit
	renamed := anna
	renamed.Nickname = "anna2"
	bert := ListedRelay{b, "bert", flow.DirAuthority | flow.BadExit, ports("192.0.2.10:443"), netip.AddrPort{}}
	mapped := anna
	mapped.Ports, mapped.Dir = ports("[::ffff:192.0.2.1]:9001"), netip.AddrPort{}
	for _, c := range []struct {
		name  string
		add   func(t *testing.T, m *Merger)
		want  string
		stats Stats
	}{
		{"nothing", func(*testing.T, *Merger) {}, ",0,end,,,,,\n", Stats{}},
		{"every cell", func(t *testing.T, m *Merger) {
			require.NoError(t, m.AddList(List{0, 3 * hour, []ListedRelay{bert, anna}}))
		}, `,,coverage,,,,0,10800
192.0.2.1,9001,or,Exit Guard,AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA,anna,0,10800
192.0.2.1,9030,dir,Exit Guard,AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA,anna,0,10800
192.0.2.10,443,or,Authority BadExit,BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB,bert,0,10800
2001:db8::1,443,or,Exit Guard,AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA,anna,0,10800
,5,end,,,,,
`, Stats{Rows: 5, Relays: 2, Exits: 1, Newest: 10800, Coverage: 3 * time.Hour}},
		{"missing from one list, overlapping and touching lists, a gap", func(t *testing.T, m *Merger) {
			for _, at := range []int64{1, 10, 7, 4} { // in hours; [7,10] touches [10,13], [4,7] both
				require.NoError(t, m.AddList(List{at * hour, (at + 3) * hour, []ListedRelay{bert}}))
			}
			require.NoError(t, m.AddList(List{2 * hour, 5 * hour, nil}))
			require.NoError(t, m.AddList(List{20 * hour, 23 * hour, []ListedRelay{bert}}))
			require.NoError(t, m.AddList(List{23*hour + 1, 26 * hour, []ListedRelay{bert}}))
			require.NoError(t, m.AddList(List{26*hour + 2, 27 * hour, []ListedRelay{bert}}))
		}, `,,coverage,,,,3600,46800
,,coverage,,,,72000,93600
,,coverage,,,,93602,97200
192.0.2.10,443,or,Authority BadExit,BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB,bert,3600,46800
192.0.2.10,443,or,Authority BadExit,BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB,bert,72000,93600
192.0.2.10,443,or,Authority BadExit,BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB,bert,93602,97200
,6,end,,,,,
`, Stats{Rows: 6, Relays: 1, Oldest: 3600, Newest: 97200, Coverage: 46800*time.Second - time.Hour + 21600*time.Second + 3598*time.Second}},
		{"other flags start a row, another nickname does not", func(t *testing.T, m *Merger) {
			anna, renamed, exit := anna, renamed, exit
			anna.Ports, renamed.Ports, exit.Ports = ports("192.0.2.1:9001"), ports("192.0.2.1:9001"), ports("192.0.2.1:9001")
			anna.Dir, renamed.Dir, exit.Dir = netip.AddrPort{}, netip.AddrPort{}, netip.AddrPort{}
			require.NoError(t, m.AddList(List{2 * hour, 5 * hour, []ListedRelay{renamed}}))
			require.NoError(t, m.AddList(List{3 * hour, 6 * hour, []ListedRelay{exit}}))
			require.NoError(t, m.AddList(List{1 * hour, 4 * hour, []ListedRelay{anna}}))
			require.NoError(t, m.AddList(List{4 * hour, 7 * hour, []ListedRelay{mapped}}))
		}, `,,coverage,,,,3600,25200
192.0.2.1,9001,or,Exit Guard,AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA,anna,3600,25200
192.0.2.1,9001,or,Exit,AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA,anna,10800,21600
,3,end,,,,,
`, Stats{Rows: 3, Relays: 1, Exits: 1, Oldest: 3600, Newest: 25200, Coverage: 6 * time.Hour}},
		{"what a list cannot mean", func(t *testing.T, m *Merger) {
			odd := bert
			odd.Nickname, odd.Flags = `a"b,c`, 0xf0|flow.Guard
			odd.Ports = append(ports("192.0.2.2:0", "[2001:db8::2%eth0]:1", "192.0.2.10:443", "192.0.2.10:443"), netip.AddrPort{})
			require.NoError(t, m.AddList(List{0, 10, []ListedRelay{odd}}))
			require.ErrorContains(t, m.AddList(List{10, 10, []ListedRelay{bert}}), "no span of time")
			require.ErrorContains(t, m.AddList(List{-1, 10, []ListedRelay{bert}}), "no span of time")
			require.ErrorContains(t, m.AddList(List{0, sheet.MaxTime + 1, []ListedRelay{bert}}), "no span of time")
			require.ErrorContains(t, m.AddExitList(ExitList{Downloaded: -1}), "no time between")
			require.ErrorContains(t, m.AddExitList(ExitList{Downloaded: math.MaxInt64}), "no time between")
			require.NoError(t, m.AddExitList(ExitList{0, []ExitSighting{{b, netip.Addr{}, 5}, {b, netip.MustParseAddr("192.0.2.3"), -1}, {b, netip.MustParseAddr("192.0.2.3"), math.MaxInt64}}}))
		}, `,,coverage,,,,0,10
192.0.2.10,443,or,Guard,BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB,,0,10
2001:db8::2,1,or,Guard,BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB,,0,10
,3,end,,,,,
`, Stats{Rows: 3, Relays: 1, Newest: 10, Coverage: 10 * time.Second, Skipped: 5}},
		{"sightings of exits", func(t *testing.T, m *Merger) {
			day := int64(24 * hour)
			at := netip.MustParseAddr("203.0.113.5")
			require.NoError(t, m.AddExitList(ExitList{100 * hour, []ExitSighting{
				{b, at, 53*hour + day},                                     // a day after bert was last listed
				{b, netip.MustParseAddr("203.0.113.6"), 50 * hour},         // a day before the next two
				{b, netip.MustParseAddr("203.0.113.6"), 74 * hour},         // touches
				{b, netip.MustParseAddr("203.0.113.6"), 98*hour + 1},       // does not, but for a second; too late, too
				{b, netip.MustParseAddr("203.0.113.7"), 53*hour + day + 1}, // too late
				{b, netip.MustParseAddr("203.0.113.8"), 50*hour - day - 1}, // too early
				{b, at, 50*hour - day + 15*hour},
				{a, at, 52 * hour}, // never listed
			}}))
			require.NoError(t, m.AddList(List{50 * hour, 53 * hour, []ListedRelay{bert}}))
			require.NoError(t, m.AddExitList(ExitList{0, []ExitSighting{{b, netip.MustParseAddr("::ffff:203.0.113.5"), 53*hour + day}}}))
			require.NoError(t, m.AddExitList(ExitList{53 * hour, []ExitSighting{
				{b, netip.MustParseAddr("203.0.113.9"), 53*hour + 1}, // from after the list was made
			}}))
			require.NoError(t, m.AddExitList(ExitList{50*hour - 1, nil})) // no consensus covers these two
			require.NoError(t, m.AddExitList(ExitList{53*hour + 1, nil}))
		}, `,,coverage,,,,180000,190800
,,exit_coverage,,,,190800,201600
192.0.2.10,443,or,Authority BadExit,BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB,bert,180000,190800
203.0.113.5,,exit,,BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB,bert,147600,234000
203.0.113.5,,exit,,BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB,bert,277200,363600
203.0.113.6,,exit,,BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB,bert,180000,352800
,6,end,,,,,
`, Stats{Rows: 6, Relays: 1, Exits: 1, Oldest: 180000, Newest: 190800, Coverage: 3 * time.Hour, ExitCoverage: 3 * time.Hour, Unlisted: 4, Uncovered: 3, Skipped: 1}},
		{"tables, one of them cut", func(t *testing.T, m *Merger) {
			require.NoError(t, addTable(m, smallTable))
			require.NoError(t, addTable(m, tableHeader+",,coverage,,,,5000,6000\n192.0.2.1,9001,or,Guard Exit,"+fpA+",zoe,1900,2100\n192.0.2.9,0,or,,,,1,2\n192.0.2.9,1,or,,,,1,2\n192.0.2.9,1,or,,"+hex40("0")+",,1,2\n"))
			require.ErrorIs(t, addTable(m, "something else"), ErrNotATable)
		}, `,,coverage,,,,1000,2000
,,exit_coverage,,,,1000,1500
192.0.2.1,9001,or,Exit Guard,AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA,zoe,1000,2100
192.0.2.1,9030,dir,Exit Guard,AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA,anna,1000,2000
192.0.2.9,1,or,,,,1,2
192.0.2.9,1,or,,0000000000000000000000000000000000000000,,1,2
192.0.2.17,,exit,Exit Guard,AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA,zoe,1000,1500
2001:db8::1,443,or,,BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB,bert,1200,1900
,8,end,,,,,
`, Stats{Rows: 8, Relays: 3, Exits: 1, Oldest: 1000, Newest: 2000, Coverage: 1000 * time.Second, ExitCoverage: 500 * time.Second, Skipped: 1, CutTables: 1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := NewMerger()
			c.add(t, m)
			got, stats := written(t, m, Options{})
			require.Equal(t, tableHeader+c.want, got)
			require.Equal(t, c.stats, stats)
			newest, ok := m.Newest()
			require.Equal(t, c.stats.Newest, newest)
			require.Equal(t, c.stats.Newest != 0, ok)
			again, _ := written(t, m, Options{})
			require.Equal(t, got, again, "written twice")
		})
	}
}

// TestSettle: the pieces of a row stand together, in the order of time and
// apart, and hold the moments that they held.
func TestSettle(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 3))
	m := NewMerger()
	const rows, moments = 50, 400
	var held [rows][moments]bool
	for range 3000 {
		row, from := random.Uint32N(rows), random.Int64N(moments-10)
		to := from + random.Int64N(10)
		for i := from; i <= to; i++ {
			held[row][i] = true
		}
		k := key{port: uint16(row) + 1}
		m.add(&k, flow.Interval{From: from, To: to}, "")
	}
	m.settle()
	var have [rows][moments]bool
	for i, p := range m.pieces {
		if i > 0 && p.row == m.pieces[i-1].row {
			require.Greater(t, p.first, m.pieces[i-1].last+1)
		} else if i > 0 {
			require.Greater(t, p.row, m.pieces[i-1].row)
		}
		for j := p.first; j <= p.last; j++ {
			have[m.rows[p.row].port-1][j] = true
		}
	}
	require.Equal(t, held, have)
}

func TestRetention(t *testing.T) {
	const text = tableHeader + `,,coverage,,,,0,10
,,coverage,,,,20,30
,,coverage,,,,90,100
,,exit_coverage,,,,0,69
,,exit_coverage,,,,80,999
192.0.2.1,1,or,,,,0,69
192.0.2.2,1,or,,,,0,70
192.0.2.3,,exit,,,,75,80
,8,end,,,,,
`
	m := NewMerger()
	require.NoError(t, addTable(m, text))
	all, stats := written(t, m, Options{})
	require.Equal(t, text, all)
	require.Zero(t, stats.Dropped)
	some, stats := written(t, m, Options{Retention: 30 * time.Second})
	require.Equal(t, tableHeader+`,,coverage,,,,90,100
,,exit_coverage,,,,80,999
192.0.2.2,1,or,,,,0,70
192.0.2.3,,exit,,,,75,80
,4,end,,,,,
`, some)
	require.Equal(t, Stats{Rows: 4, Oldest: 90, Newest: 100, Coverage: 10 * time.Second, ExitCoverage: 919 * time.Second, Dropped: 4}, stats)

	// Lists without a gap cover no time before it either: who left then is not in the table any more.
	m = NewMerger()
	require.NoError(t, addTable(m, tableHeader+",,coverage,,,,0,100\n,,exit_coverage,,,,10,100\n192.0.2.1,1,or,,,,0,69\n192.0.2.2,1,or,,,,0,70\n,4,end,,,,,\n"))
	some, stats = written(t, m, Options{Retention: 30 * time.Second})
	require.Equal(t, tableHeader+",,coverage,,,,70,100\n,,exit_coverage,,,,70,100\n192.0.2.2,1,or,,,,0,70\n,3,end,,,,,\n", some)
	require.Equal(t, int64(70), stats.Oldest)
	_, stats = written(t, m, Options{})
	require.Zero(t, stats.Oldest, "the merger keeps all")

	m = NewMerger() // no consensus, nothing to count from
	require.NoError(t, addTable(m, strings.TrimSuffix(text, ",8,end,,,,,\n")))
	_, stats = written(t, m, Options{Retention: time.Second})
	require.Equal(t, 3, stats.Rows)
}

// TestRowsAgainstGolden asks the definition: a moment is in a row if and only if
// a list holds it.
func TestRowsAgainstGolden(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		lists, _ := documents(t)
		read := readAll(t, merged(t, Options{}, lists...))
		type what struct {
			addr  netip.Addr
			port  uint16
			kind  flow.Kind
			flags flow.Flags
			fp    string
		}
		in := make(map[what][]flow.Interval)
		for _, d := range lists {
			for _, r := range d.list.Relays {
				put := func(a netip.AddrPort, kind flow.Kind) {
					w := what{a.Addr(), a.Port(), kind, r.Flags, strings.ToUpper(fmt.Sprintf("%x", r.Identity))}
					in[w] = append(in[w], flow.Interval{From: d.list.ValidAfter, To: d.list.ValidUntil})
				}
				for _, a := range r.Ports {
					put(a, flow.ORPort)
				}
				if r.Dir.IsValid() {
					put(r.Dir, flow.DirPort)
				}
			}
		}
		rows := make(map[what][]flow.Interval)
		for _, e := range rowsOf(read) {
			w := what{e.Addr, e.Port, e.Kind, e.Flags, e.Fingerprint}
			rows[w] = append(rows[w], flow.Interval{From: e.First, To: e.Last})
		}
		require.Len(t, rows, len(in))
		for w, lists := range in {
			g := &golden{}
			for _, l := range lists {
				g.rows = append(g.rows, Entry{First: l.From, Last: l.To})
			}
			var want []flow.Interval
			for _, e := range g.joined() {
				want = append(want, flow.Interval{From: e.First, To: e.Last})
			}
			require.ElementsMatch(t, want, rows[w], "%v", w)
		}
	})
}

// TestPrivateNetworkTable writes a table that others made as it was, but for
// the order of its rows.
func TestPrivateNetworkTable(t *testing.T) {
	text := shared.Bytes(t, "privnet/tor_relays.csv")
	m := NewMerger()
	require.NoError(t, addTable(m, string(text)))
	got, _ := written(t, m, Options{})
	require.ElementsMatch(t, strings.Split(strings.TrimSpace(string(text)), "\n"), strings.Split(strings.TrimSpace(got), "\n"))
}

// TestTooManyRows: what cannot be read again is not written.
func TestTooManyRows(t *testing.T) {
	m := NewMerger()
	for i := range int64(maxWritten + 1) {
		m.coverage = append(m.coverage, flow.Interval{From: 3 * i, To: 3*i + 1})
	}
	var b bytes.Buffer
	_, err := m.Write(&b, Options{})
	require.ErrorContains(t, err, "shorter retention")
	require.Zero(t, b.Len())
	m.coverage = m.coverage[:1000]
	_, stats := written(t, m, Options{})
	require.Equal(t, 1000, stats.Rows)
}

// TestAddListAllocates: a list of relays that are known makes no garbage, and
// documents are not held by their nicknames.
func TestAddListAllocates(t *testing.T) {
	m := NewMerger()
	l := List{0, 3 * 3600, nil}
	for i := range 100 {
		l.Relays = append(l.Relays, ListedRelay{[20]byte{byte(i)}, "relay" + strconv.Itoa(i), flow.Guard, ports(fmt.Sprintf("192.0.2.%d:9001", i)), netip.AddrPort{}})
	}
	require.NoError(t, m.AddList(l))
	require.Zero(t, testing.AllocsPerRun(100, func() {
		l.ValidAfter += 3600
		l.ValidUntil += 3600
		if m.AddList(l) != nil {
			t.Fatal("not added")
		}
	}))
	require.Equal(t, l.Relays[0].Nickname, m.nicknames[1])
	require.NotSame(t, unsafe.StringData(l.Relays[0].Nickname), unsafe.StringData(m.nicknames[1]))
}
