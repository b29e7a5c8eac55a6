package relay

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"tordetect/src/text"
)

// What quick reads, split and row read alike; what they refuse, it leaves to them.
func checkQuick(t *testing.T, line string) bool {
	const before = "192.0.2.1,443,or,Exit Guard,0123456789ABCDEF0123456789ABCDEF01234567,anna,1795422520,1795422840"
	order := []uint8{colIP, colPort, colRole, colFlags, colFingerprint, colNickname, colFirst, colLast}
	quick, slow := parsed{beside: &index{}}, parsed{beside: &index{}}
	var row cells
	for _, p := range []*parsed{&quick, &slow} {
		require.True(t, split(before, order, &row) && p.row(&row))
	}
	if !quick.quick(line) {
		require.Len(t, quick.entries, 1)
		return false
	}
	require.True(t, split(line, order, &row) && slow.row(&row), line)
	require.Equal(t, slow, quick, line)
	return true
}

func FuzzQuick(f *testing.F) {
	for _, line := range quickLines {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, line string) {
		if strings.IndexByte(line, '\n') < 0 {
			checkQuick(t, line)
		}
	})
}

var quickLines = []string{
	"192.0.2.1,443,or,Exit Guard,0123456789ABCDEF0123456789ABCDEF01234567,anna,1795422520,1795422840",
	"192.0.2.1,9001,or,,0123456789ABCDEF0123456789ABCDEF01234567,anna,1795422520,1795422520",
	"192.0.2.1,,exit,Exit,ABCDEF0123456789ABCDEF0123456789ABCDEF01,bob,1795422520,1795422840",
	"192.0.2.1,80,exit,Exit,ABCDEF0123456789ABCDEF0123456789ABCDEF01,bob,1795422520,1795422840",
	"2001:db8::1,9030,dir,Guard,ABCDEF0123456789ABCDEF0123456789ABCDEF01,b1,0795422520,9795422840",
	"192.0.2.10,65535,or,Guard Unknown,ABCDEF0123456789ABCDEF0123456789ABCDEF01,abcdefghijklmnopqrs,1795422520,1795422840",
}

func TestQuick(t *testing.T) {
	for _, line := range quickLines {
		require.True(t, checkQuick(t, line), line)
	}
	for _, line := range []string{
		"", ",443,end,,,,,", ",,coverage,,,,1795422520,1795422840",
		"192.0.2.1,0,or,,0123456789ABCDEF0123456789ABCDEF01234567,anna,1795422520,1795422840",
		"192.0.2.1,65536,or,,0123456789ABCDEF0123456789ABCDEF01234567,anna,1795422520,1795422840",
		"192.0.2.1,,or,,0123456789ABCDEF0123456789ABCDEF01234567,anna,1795422520,1795422840",
		"192.0.2.1,443,or,,0123456789abcdef0123456789abcdef01234567,anna,1795422520,1795422840",
		"192.0.2.1,443,or,,0123456789ABCDEG0123456789ABCDEF01234567,anna,1795422520,1795422840",
		"192.0.2.1,443,or,,0123456789ABCDEF0123456789ABCDEF01234567,an-na,1795422520,1795422840",
		"192.0.2.1,443,or,,0123456789ABCDEF0123456789ABCDEF01234567,an,na,1795422520,1795422840",
		"192.0.2.1,443,or,,0123456789ABCDEF0123456789ABCDEF01234567,anna,1795422841,1795422840",
		"192.0.2.1,443,or,,0123456789ABCDEF0123456789ABCDEF01234567,anna,179542252x,1795422840",
		"192.0.2.256,443,or,,0123456789ABCDEF0123456789ABCDEF01234567,anna,1795422520,1795422840",
		`"192.0.2.1",443,or,,0123456789ABCDEF0123456789ABCDEF01234567,anna,1795422520,1795422840`,
		"::ffff:192.0.2.1,443,or,,0123456789ABCDEF0123456789ABCDEF01234567,anna,1795422520,1795422840",
	} {
		require.False(t, checkQuick(t, line), line)
	}
	r := rand.New(rand.NewPCG(1, 2))
	const bytes = "0123456789ABCDEFabcg,:. \"\r-orexit"
	read := 0
	for range 60_000 {
		line := []byte(quickLines[r.IntN(len(quickLines))])
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
		if checkQuick(t, string(line)) {
			read++
		}
	}
	require.Greater(t, read, 10_000)
}

// A second table joins the first address by address, so that both are in memory once.
func TestTablesAreJoinedInPlace(t *testing.T) {
	const head = "ip,port,role,flags,fingerprint,nickname,first_seen,last_seen\n"
	row := func(ip, first string) string {
		return ip + ",443,or,Exit,0123456789ABCDEF0123456789ABCDEF01234567,anna," + first + ",1795422840\n"
	}
	table, err := Parse(head + row("192.0.2.1", "1795422520") + row("192.0.2.3", "1795422520") + ",2,end,,,,,\n")
	require.NoError(t, err)
	p, err := parse(head+row("192.0.2.1", "1795000000")+row("192.0.2.2", "1795000000")+row("192.0.2.1", "1794000000")+",3,end,,,,,\n", &table.index)
	require.NoError(t, err)
	var got []string
	for _, e := range p.entries[:5] {
		got = append(got, e.Addr.String()+" "+text.Time(e.First)[:10])
	}
	require.Equal(t, []string{"192.0.2.1 2026-11-18", "192.0.2.1 2026-11-23", "192.0.2.2 2026-11-18", "192.0.2.1 2026-11-06", "192.0.2.3 2026-11-23"}, got)
	require.Len(t, p.entries, 3+len(table.entries))
	require.LessOrEqual(t, len(p.entries), cap(p.entries))
	require.Equal(t, 4+len(table.entries), cap(p.entries), "room for all was taken at once")
}
