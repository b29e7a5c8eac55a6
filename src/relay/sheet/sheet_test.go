package sheet

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"

	"tordetect/src/flow"
)

const head = "ip,port,role,flags,fingerprint,nickname,first_seen,last_seen\n"

// both reads a text with quick and without, as a whole and with nothing behind it that
// quick may look at, byte for byte and in blocks: they are one.
func both(t require.TestingT, text string) *Sheet {
	slow, err := (&reader{slow: true}).read(strings.NewReader(text), int64(len(text)))
	for _, padded := range []string{text, text + "\n" + strings.Repeat("\n", longest)} {
		if strings.LastIndexByte(text, '\n') < len(text)-1 && padded != text {
			continue // its last line was cut, and would not be
		}
		quick, err2 := Read(strings.NewReader(padded), int64(len(text)))
		if err != nil {
			require.EqualError(t, err2, err.Error())
			continue
		}
		require.NoError(t, err2)
		require.Equal(t, slow, quick)
	}
	return slow
}

func FuzzRead(f *testing.F) {
	all := head
	for _, line := range lines {
		f.Add(head + line + "\n")
		all += line + "\n"
	}
	f.Add(all + ",6,end,,,,,\n")
	f.Add(head + ",,coverage,,,,1,2\r\n\n\"192.0.2.1\",1,or,\"Exit \"\"\",,x,1.5,2\n" + lines[0])
	f.Fuzz(func(t *testing.T, text string) { both(t, text) })
}

// lines are rows as our own tables have them.
var lines = []string{
	"192.0.2.1,443,or,Exit Guard,0123456789ABCDEF0123456789ABCDEF01234567,anna,1795422520,1795422840",
	"192.0.2.1,9001,or,,0123456789ABCDEF0123456789ABCDEF01234567,anna,1795422520,1795422520",
	"192.0.2.1,,exit,Exit,ABCDEF0123456789ABCDEF0123456789ABCDEF01,bob,1795422520,1795422840",
	"192.0.2.1,80,exit,Exit,ABCDEF0123456789ABCDEF0123456789ABCDEF01,bob,1795422520,1795422840",
	"2001:db8::1,9030,dir,Guard,ABCDEF0123456789ABCDEF0123456789ABCDEF01,b1,0795422520,9795422840",
	"192.0.2.10,65535,or,Guard Unknown,ABCDEF0123456789ABCDEF0123456789ABCDEF01,abcdefghijklmnopqrs,1795422520,1795422840",
}

func TestQuick(t *testing.T) {
	isQuick := func(line string) bool {
		p := &reader{}
		n := p.quick(line + "\n" + strings.Repeat("\n", longest))
		require.True(t, n == 0 || n == len(line)+1)
		both(t, head+lines[0]+"\n"+line+"\n"+lines[1]+"\n")
		return n > 0
	}
	for _, line := range lines {
		require.True(t, isQuick(line), line)
	}
	const id = "0123456789ABCDEF0123456789ABCDEF01234567"
	for _, line := range []string{
		"", ",443,end,,,,,", ",,coverage,,,,1795422520,1795422840",
		"192.0.2.1,0,or,," + id + ",anna,1795422520,1795422840",
		"192.0.2.1,65536,or,," + id + ",anna,1795422520,1795422840",
		"192.0.2.1,,or,," + id + ",anna,1795422520,1795422840",
		"192.0.2.1,443,or,,0123456789abcdef0123456789abcdef01234567,anna,1795422520,1795422840",
		"192.0.2.1,443,or,,0123456789ABCDEG0123456789ABCDEF01234567,anna,1795422520,1795422840",
		"192.0.2.1,443,or,," + id + ",an-na,1795422520,1795422840",
		"192.0.2.1,443,or,," + id + ",an,na,1795422520,1795422840",
		"192.0.2.1,443,or,," + id + ",,1795422520,1795422840",
		"192.0.2.1,443,or,," + id + ",abcdefghijklmnopqrst,1795422520,1795422840",
		"192.0.2.1,443,or,," + id + ",anna,1795422841,1795422840",
		"192.0.2.1,443,or,," + id + ",anna,179542252x,1795422840",
		"192.0.2.1,443,or,," + id + ",anna,1795422520,1795422840\r",
		"192.0.2.1,443,or,," + id + ",anna,1795422520,1795422840,",
		"192.0.2.1,443,or,\"Exit\"," + id + ",anna,1795422520,1795422840",
		"192.0.2.1,443,or,Ex\nit," + id + ",anna,1795422520,1795422840",
		"192.0.2.1,443,or,Exit" + strings.Repeat(" ", 100) + "," + id + ",anna,1795422520,1795422840",
		"192.0.2.256,443,or,," + id + ",anna,1795422520,1795422840",
		`"192.0.2.1",443,or,,` + id + ",anna,1795422520,1795422840",
		"::ffff:192.0.2.1,443,or,," + id + ",anna,1795422520,1795422840",
		"2001:db8::1%eth0,443,or,," + id + ",anna,1795422520,1795422840",
	} {
		require.False(t, isQuick(line), line)
	}
	r := rand.New(rand.NewPCG(1, 2))
	const bytes = "0123456789ABCDEFabcg,:. \"\r\n-orexit"
	read := 0
	for range 4_000 {
		line := []byte(lines[r.IntN(len(lines))])
		for range r.IntN(3) {
			at := r.IntN(len(line))
			switch c := bytes[r.IntN(len(bytes))]; r.IntN(3) {
			case 0:
				line[at] = c
			case 1:
				line = append(line[:at], line[at+1:]...)
			default:
				line = append(line[:at], append([]byte{c}, line[at:]...)...)
			}
		}
		p := &reader{}
		if p.quick(string(line)+"\n"+strings.Repeat("\n", longest)) > 0 {
			read++
		}
		both(t, head+lines[0]+"\n"+string(line)+"\n"+lines[1]+"\n")
	}
	require.Greater(t, read, 700)
}

// What is packed comes back as it was read, over the ends of blocks and pages.
func TestPages(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 5))
	var text strings.Builder
	var want []Entry
	text.WriteString(head)
	addr := netip.MustParseAddr("192.0.2.1")
	for i := range 20_000 {
		if r.IntN(5) > 0 { // some addresses have more rows than a page
			addr = [...]netip.Addr{addr.Next(), netip.AddrFrom4([4]byte{198, 51, 100, byte(i)}), netip.AddrFrom16([16]byte{0x20, 1, 0xd, 0xb8, 14: byte(i >> 8), 15: byte(i)})}[r.IntN(3)]
		}
		if i/5000%2 == 1 {
			addr = netip.MustParseAddr("192.0.2.1")
		}
		e := Entry{
			Addr: addr, Port: uint16(1 + r.IntN(65535)), Kind: flow.Kind(r.IntN(3)), Flags: flow.Flags(r.IntN(1 + int(flow.AllFlags))),
			First: r.Int64N(MaxTime), Nickname: [...]string{"", "anna", strings.Repeat("x", flow.MaxNickname)}[r.IntN(3)],
		}
		e.Last = e.First + r.Int64N(MaxTime-e.First+1)
		if e.Kind == flow.ExitAddress {
			e.Port = 0
		}
		if r.IntN(4) > 0 {
			e.Fingerprint = fmt.Sprintf("%040X", r.IntN(3))
		}
		want = append(want, e)
		role := [...]string{"or", "dir", "exit"}[e.Kind]
		fmt.Fprintf(&text, "%s,%d,%s,%s,%s,%s,%d,%d\n", e.Addr, e.Port, role, e.Flags, e.Fingerprint, e.Nickname, e.First, e.Last)
	}
	s := both(t, text.String())
	require.Greater(t, len(s.texts), 2)
	require.False(t, s.InOrder())
	require.GreaterOrEqual(t, s.Most(), 5000)
	var got []Entry
	for run := range s.Runs() {
		rows := s.Append(nil, run)
		require.LessOrEqual(t, len(rows), s.MostOf(run))
		require.Equal(t, rows[0].Addr, s.Addr(run))
		require.Equal(t, Key(rows[0].Addr), s.Keys()[run])
		for _, kind := range []flow.Kind{flow.ORPort, flow.DirPort, flow.ExitAddress} {
			has := false
			for _, e := range rows {
				has = has || e.Kind == kind
			}
			require.Equal(t, has, s.Has(run, kind))
		}
		got = append(got, rows...)
	}
	require.Equal(t, want, got)

	_, err := Read(iotest.TimeoutReader(iotest.OneByteReader(strings.NewReader(text.String()))), 0)
	require.ErrorIs(t, err, iotest.ErrTimeout)
	broken := errors.New("broken")
	_, err = Read(iotest.ErrReader(broken), 0)
	require.ErrorIs(t, err, broken)
}

// The order of addresses is looked at, and never believed.
func TestInOrder(t *testing.T) {
	row := func(addrs ...string) *Sheet {
		text := head
		for _, a := range addrs {
			text += a + ",443,or,,,,1,2\n"
		}
		return both(t, text)
	}
	for _, c := range []struct {
		addrs []string
		want  bool
	}{
		{nil, true},
		{[]string{"192.0.2.1", "192.0.2.1", "192.0.2.2", "2001:db8::1", "2001:db8::2", "2001:db8:1::"}, true},
		{[]string{"192.0.2.1", "192.0.2.10", "192.0.2.9"}, false},
		{[]string{"192.0.2.1", "192.0.2.2", "192.0.2.1"}, false},
		{[]string{"2001:db8::2", "2001:db8::1"}, false},
		{[]string{"2001:db8::1", "192.0.2.1"}, false},
		{[]string{"::1", "192.0.2.1"}, true},
	} {
		require.Equal(t, c.want, row(c.addrs...).InOrder(), c.addrs)
	}
}

// A line may be longer than what is read at once, and is read in proportion.
func TestLongLine(t *testing.T) {
	long := "192.0.2.1,443,or,," + "0123456789ABCDEF0123456789ABCDEF01234567," + strings.Repeat("x", 5*blockSize) + ",1,2\n"
	s := both(t, head+lines[0]+"\n"+long+lines[1]+"\n")
	require.Equal(t, 3, s.Rows)
	require.Zero(t, s.Skipped)
	require.Equal(t, 1, s.Runs())
}

// A row costs no memory but what is packed of it.
func TestAllocations(t *testing.T) {
	text := head
	for i := range 10_000 {
		text += fmt.Sprintf("10.0.%d.%d,443,or,Guard,%040X,anna%d,1795422520,1795422840\n", i>>8, i&255, i, i)
	}
	require.Less(t, testing.AllocsPerRun(5, func() {
		_, err := Read(strings.NewReader(text), int64(len(text)))
		require.NoError(t, err)
	}), 60.0)
}

// An address is told by its text only within a block: the next one lies where that was.
func TestBlockForBlock(t *testing.T) {
	const row = "192.0.2.%d,443,or,Guard,0123456789ABCDEF0123456789ABCDEF01234567,annaannaannaa,1795422520,1795422840\n"
	var text strings.Builder
	text.WriteString(head)
	perBlock := blockSize / len(fmt.Sprintf(row, 1))
	for i := range 4 * perBlock {
		fmt.Fprintf(&text, row, 1+i/perBlock)
	}
	s := both(t, text.String())
	rows := map[netip.Addr]int{}
	for run := range s.Runs() {
		rows[s.Addr(run)] += len(s.Append(nil, run))
	}
	require.Len(t, rows, 4)
	for addr, n := range rows {
		require.Equal(t, perBlock, n, addr)
	}
}

func TestNumber(t *testing.T) {
	for text, want := range map[string]int64{"0": 0, "9001": 9001, "1795169730.500000": 1795169730, "1.": 1, "253402300799": 253402300799} {
		n, ok := number(text)
		require.True(t, ok, "%q", text)
		require.Equal(t, want, n, "%q", text)
	}
	for _, text := range []string{"", ".5", "-1", "90:1", "90/1", "9001:", " 1", "1 ", "1e3", "1.5.2", "253402300800", "99999999999999999999"} {
		_, ok := number(text)
		require.False(t, ok, "%q", text)
	}
}
