package relay

import (
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tordetect/src/flow"
	"tordetect/src/relay/sheet"
)

const fpA, fpB = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB"

// smallTable has one of everything.
const smallTable = `ip,port,role,flags,fingerprint,nickname,first_seen,last_seen
,,coverage,,,,1000,2000
,,exit_coverage,,,,1000,1500
192.0.2.1,9001,or,Exit Guard,` + fpA + `,anna,1000,2000
192.0.2.1,9030,dir,Exit Guard,` + fpA + `,anna,1000,2000
2001:db8::1,443,or,,` + fpB + `,bert,1200,1900
192.0.2.17,,exit,Exit Guard,` + fpA + `,anna,1000,1500
,6,end,,,,,
`

// contents writes down all that a table says, apart from the built-in list.
func contents(t *Table) string {
	var b strings.Builder
	for _, e := range entriesOf(t) {
		b.WriteString(line(*e))
	}
	all := strings.Split(b.String(), "\n")
	slices.Sort(all)
	return fmt.Sprintf("%s\nlists %v exit lists %v rows %d skipped %d complete %v", strings.Join(all, "\n"), t.lists, t.exitLists, t.Rows, t.Skipped, t.Complete)
}

func TestParseForms(t *testing.T) {
	table, err := Parse(smallTable)
	require.NoError(t, err)
	want := contents(table)
	require.Equal(t, `
192.0.2.1,9001,or,Guard Exit,`+fpA+`,anna,1000,2000
192.0.2.1,9030,dir,Guard Exit,`+fpA+`,anna,1000,2000
192.0.2.17,,exit,Guard Exit,`+fpA+`,anna,1000,1500
2001:db8::1,443,or,,`+fpB+`,bert,1200,1900
lists [{1000 2000}] exit lists [{1000 1500}] rows 6 skipped 0 complete true`, want)

	// each rewrites the cells of every line.
	each := func(rewrite func(cells []string) []string) string {
		var b strings.Builder
		for l := range strings.Lines(smallTable) {
			b.WriteString(strings.Join(rewrite(strings.Split(strings.TrimSuffix(l, "\n"), ",")), ",") + "\n")
		}
		return b.String()
	}
	for name, text := range map[string]string{
		"CRLF":                     strings.ReplaceAll(smallTable, "\n", "\r\n"),
		"byte order mark":          "\ufeff" + smallTable,
		"byte order mark and CRLF": "\ufeff" + strings.ReplaceAll(smallTable, "\n", "\r\n"),
		"no row end at the end":    strings.TrimSuffix(smallTable, "\n"),
		"empty lines":              strings.ReplaceAll(smallTable, "\n", "\n\n\r\n"),
		"columns reversed":         each(func(c []string) []string { slices.Reverse(c); return c }),
		"columns added": each(func(c []string) []string {
			return append([]string{"_time"}, append(c, `"a ""quoted"", note"`, "")...)
		}),
		"a column of ours once more": each(func(c []string) []string {
			if c[0] == "ip" {
				return append(c, "ip")
			}
			return append(c, "203.0.113.1")
		}),
		"all quoted": each(func(c []string) []string {
			for i := range c {
				c[i] = `"` + c[i] + `"`
			}
			return c
		}),
		"all quoted, CRLF": strings.ReplaceAll(each(func(c []string) []string {
			for i := range c {
				c[i] = `"` + c[i] + `"`
			}
			return c
		}), "\n", "\r\n"),
		"numbers with a fraction": each(func(c []string) []string {
			for i := range c {
				if _, err := strconv.Atoi(c[i]); err == nil {
					c[i] += ".000000"
				}
			}
			return c
		}),
		"hex in lower case":            strings.ReplaceAll(strings.ReplaceAll(smallTable, fpA, strings.ToLower(fpA)), fpB, strings.ToLower(fpB)),
		"mapped addresses and zones":   strings.NewReplacer("192.0.2.", "::ffff:192.0.2.", "2001:db8::1", "2001:DB8:0::1%eth0").Replace(smallTable),
		"flags that nobody asked for":  strings.ReplaceAll(smallTable, "Exit Guard", "Exit Fast  Guard V2Dir"),
		"rows in another order":        smallTable[:strings.Index(smallTable, "192.0.2.1,9001")] + strings.Join(shuffled(smallTable), ""),
		"lists that touch and overlap": strings.NewReplacer(",,coverage,,,,1000,2000\n", ",,coverage,,,,1501,2000\n,,coverage,,,,1000,1200\n,,coverage,,,,1200,1500\n", ",6,end", ",8,end").Replace(smallTable),
	} {
		t.Run(name, func(t *testing.T) {
			table, err := Parse(text)
			require.NoError(t, err)
			table.Rows = 6 // the number of rows is not the matter here
			require.Equal(t, want, contents(table))
		})
	}
}

// shuffled returns the last rows of a table in another order, the end row last.
func shuffled(table string) []string {
	rows := strings.SplitAfter(strings.TrimSuffix(table, "\n"), "\n")
	return []string{rows[6], rows[5], rows[3], rows[4], rows[7]}
}

func TestParseNicknamesAndFingerprints(t *testing.T) {
	for _, c := range []struct {
		fingerprint, nickname string
		readable              bool
		want                  string
	}{
		{fpA, "a", true, "a"},
		{fpA, "abcdefghijABCDEFGHI", true, "abcdefghijABCDEFGHI"},
		{fpA, "abcdefghijABCDEFGHIJ", true, ""}, // 20
		{fpA, "0Z9z", true, "0Z9z"},
		{fpA, "", true, ""},
		{fpA, "a b", true, ""},
		{fpA, "a@b[c`d{e/f:g", true, ""},
		{fpA, "\x1b[31mred", true, ""},
		{fpA, "<script>", true, ""},
		{fpA, "=cmd()", true, ""},
		{fpA, "änna", true, ""},
		{fpA, `"a""b"`, true, ""},
		{fpA, strings.Repeat("x", 100_000), true, ""},
		{"", "anna", true, "anna"}, // by hand
		{fpA[1:], "anna", false, ""},
		{fpA + "A", "anna", false, ""},
		{"$" + fpA[1:], "anna", false, ""},
		{fpA[1:] + "G", "anna", false, ""},
		{"no", "anna", false, ""},
	} {
		t.Run(fmt.Sprintf("%.45q %.25q", c.fingerprint, c.nickname), func(t *testing.T) {
			table, err := Parse(tableHeader + "192.0.2.1,9001,or,," + c.fingerprint + "," + c.nickname + ",1,2\n")
			require.NoError(t, err)
			found := table.Lookup(nil, netip.MustParseAddr("192.0.2.1"), flow.Interval{From: 1, To: 1})
			if !c.readable {
				require.Empty(t, found)
				require.Equal(t, 1, table.Skipped)
				return
			}
			require.Len(t, found, 1)
			require.Equal(t, c.want, found[0].Nickname)
			require.Zero(t, table.Skipped)
		})
	}
}

// Each of these rows is counted, skipped and harms no other.
func TestParseUnreadableRows(t *testing.T) {
	const good = "192.0.2.1,9001,or,Guard," + fpA + ",anna,1000,2000\n"
	for name, row := range map[string]string{
		"no address":              ",9001,or,," + fpA + ",anna,1,2",
		"no address at all":       "not-an-address,9001,or,," + fpA + ",anna,1,2",
		"a host name":             "relay.example,9001,or,," + fpA + ",anna,1,2",
		"brackets":                "[2001:db8::1],9001,or,," + fpA + ",anna,1,2",
		"port 0":                  "192.0.2.2,0,or,," + fpA + ",anna,1,2",
		"port 65536":              "192.0.2.2,65536,or,," + fpA + ",anna,1,2",
		"no port":                 "192.0.2.2,,or,," + fpA + ",anna,1,2",
		"no port of a Dir port":   "192.0.2.2,,dir,," + fpA + ",anna,1,2",
		"a port with a sign":      "192.0.2.2,+443,or,," + fpA + ",anna,1,2",
		"an unknown role":         "192.0.2.2,443,hidden,," + fpA + ",anna,1,2",
		"a role in upper case":    "192.0.2.2,443,OR,," + fpA + ",anna,1,2",
		"no role":                 "192.0.2.2,443,,," + fpA + ",anna,1,2",
		"ends before it begins":   "192.0.2.2,443,or,," + fpA + ",anna,2,1",
		"no time":                 "192.0.2.2,443,or,," + fpA + ",anna,,",
		"a negative time":         "192.0.2.2,443,or,," + fpA + ",anna,-5,2",
		"a time in words":         "192.0.2.2,443,or,," + fpA + ",anna,2026-11-23,2026-11-24",
		"a time with an exponent": "192.0.2.2,443,or,," + fpA + ",anna,1,1.795422520e9",
		"a fraction alone":        "192.0.2.2,443,or,," + fpA + ",anna,1,.5",
		"the year 10000":          "192.0.2.2,443,or,," + fpA + ",anna,1,253402300800",
		"a time beyond 64 bits":   "192.0.2.2,443,or,," + fpA + ",anna,1,18446744073709551618",
		"too few cells":           "192.0.2.2,443,or,," + fpA + ",anna,1",
		"too many cells":          "192.0.2.2,443,or,," + fpA + ",anna,1,2,",
		"an open quote":           `192.0.2.2,443,or,,` + fpA + `,"anna,1,2`,
		"text after a quote":      `192.0.2.2,443,or,,` + fpA + `,"anna"x,1,2`,
		"an open doubled quote":   `192.0.2.2,443,or,,` + fpA + `,"anna"",1,2`,
		"blanks":                  "   ",
		"NUL":                     "\x00",
		"invalid UTF-8":           "\xff\xfe,443,or,," + fpA + ",anna,1,2",
		"coverage without a time": ",,coverage,,,,,",
		"coverage turned round":   ",,coverage,,,,2000,1000",
		"an end row of no number": ",many,end,,,,,",
	} {
		t.Run(name, func(t *testing.T) {
			for _, text := range []string{row + "\n" + good, good + row + "\n"} {
				table, err := Parse(tableHeader + text + ",2,end,,,,,\n")
				require.NoError(t, err)
				require.Equal(t, 2, table.Rows)
				require.Equal(t, 1, table.Skipped)
				require.True(t, table.Complete, "it has as many rows as were written")
				require.Equal(t, []string{"anna"}, nicknames(table.Lookup(nil, netip.MustParseAddr("192.0.2.1"), flow.Interval{From: 1500, To: 1500})))
				require.Empty(t, table.Lookup(nil, netip.MustParseAddr("192.0.2.2"), flow.Interval{From: 1, To: 2}))
				require.Equal(t, flow.CoverageNone, table.Coverage(flow.Interval{From: 1500, To: 1500}))
			}
		})
	}
	table, err := Parse(tableHeader + "192.0.2.2,443,or,," + fpA + ",anna,1,253402300799\n")
	require.NoError(t, err)
	require.Zero(t, table.Skipped, "the last second of the year 9999")
}

func nicknames(all []Listing) (out []string) {
	for _, l := range all {
		out = append(out, l.Nickname)
	}
	return out
}

func TestParseHeader(t *testing.T) {
	many := strings.Repeat("x,", 64-8)
	for _, c := range []struct{ text, want string }{
		{"", `not a relay table: its header has no column "ip"`},
		{"\n", `not a relay table: its header has no column "ip"`},
		{"<html>\n", `not a relay table: its header has no column "ip"`},
		{"ip,port\n", `not a relay table: its header has no column "role"`},
		{strings.Replace(tableHeader, "last_seen", "lastseen", 1), `not a relay table: its header has no column "last_seen"`},
		{strings.Replace(tableHeader, "ip", "IP", 1), `not a relay table: its header has no column "ip"`},
		{`"ip,port` + "\n", `not a relay table: its first line is not a CSV header of at most 64 columns`},
		{`"ip"x,port` + "\n", `not a relay table: its first line is not a CSV header of at most 64 columns`},
		{"x," + many + tableHeader, `not a relay table: its first line is not a CSV header of at most 64 columns`},
		{strings.Repeat(",", 1<<20), `not a relay table: its first line is not a CSV header of at most 64 columns`},
		{tableHeader + strings.Repeat("\n", sheet.MaxRows+1), `it has 4000001 lines; the limit is 4000000`},
	} {
		t.Run(c.want, func(t *testing.T) {
			table := Empty()
			before := contents(table)
			require.EqualError(t, table.Extend(c.text), c.want)
			require.Equal(t, before, contents(table))
			_, err := Parse(c.text)
			require.EqualError(t, err, c.want)
		})
	}
	table, err := Parse(many + tableHeader + strings.Repeat(",", 64-8) + "192.0.2.1,9001,or,,,,1,2\n")
	require.NoError(t, err)
	require.Zero(t, table.Skipped)
	table, err = Parse(strings.TrimSuffix(tableHeader, "\n"))
	require.NoError(t, err)
	require.False(t, table.Complete)
}

func TestParseEnd(t *testing.T) {
	const rows = ",,coverage,,,,1000,2000\n192.0.2.1,9001,or,," + fpA + ",anna,1000,2000\n"
	for _, c := range []struct {
		about, text string
		complete    bool
		rows        int
	}{
		{"right", rows + ",2,end,,,,,\n", true, 2},
		{"an empty table", ",0,end,,,,,\n", true, 0},
		{"missing", rows, false, 2},
		{"too few", rows + ",1,end,,,,,\n", false, 3},
		{"too many", rows + ",3,end,,,,,\n", false, 3},
		{"no number", rows + ",,end,,,,,\n", false, 3},
		{"not last", ",,coverage,,,,1000,2000\n,1,end,,,,,\n192.0.2.1,9001,or,," + fpA + ",anna,1000,2000\n", false, 2},
		{"first, with the right number", ",2,end,,,,,\n" + rows, false, 3},
		{"twice", rows + ",2,end,,,,,\n,2,end,,,,,\n", true, 2},
		{"two tables in one file", rows + ",2,end,,,,,\n" + rows + ",2,end,,,,,\n", false, 5},
		{"only a huge one", ",18446744073709551616,end,,,,,\n", false, 1},
	} {
		t.Run(c.about, func(t *testing.T) {
			table, err := Parse(tableHeader + c.text)
			require.NoError(t, err)
			require.Equal(t, c.complete, table.Complete)
			require.Equal(t, c.rows, table.Rows)
			if c.rows > 1 {
				require.Len(t, table.Lookup(nil, netip.MustParseAddr("192.0.2.1"), flow.Interval{From: 1500, To: 1500}), 1, "its rows count")
				want := flow.CoverageNone
				if c.complete {
					want = flow.CoverageFull
				}
				require.Equal(t, want, table.Coverage(flow.Interval{From: 1500, To: 1500}), "its coverage does not")
			}
		})
	}
}

// A table cut anywhere, in any order of columns, says nothing that the whole
// does not say: no more coverage, no listing at another time.
func TestParseCutAnywhere(t *testing.T) {
	rows := strings.SplitAfter(smallTable, "\n")
	for turn := range 8 {
		var b strings.Builder
		for _, r := range rows[:len(rows)-1] {
			c := strings.Split(strings.TrimSuffix(r, "\n"), ",")
			b.WriteString(strings.Join(append(c[turn:], c[:turn]...), ",") + "\n")
		}
		text := b.String()
		whole, err := Parse(text)
		require.NoError(t, err)
		require.True(t, whole.Complete)
		for cut := range len(text) - 1 {
			table, err := Parse(text[:cut])
			if err != nil {
				require.ErrorIs(t, err, ErrNotATable)
				require.Less(t, cut, len(tableHeader))
				continue
			}
			require.False(t, table.Complete, "turn %d, cut at %d", turn, cut)
			for _, e := range entriesOf(table) {
				require.True(t, slices.Contains(whole.of(e.Addr), *e), "turn %d, cut at %d: %s", turn, cut, line(*e))
			}
			require.Equal(t, flow.CoverageNone, table.Coverage(flow.Interval{From: 1500, To: 1500}))
			require.Empty(t, table.exitLists)
		}
	}
}

func TestExtend(t *testing.T) {
	row := func(first, last int, flags, nickname string) string {
		return fmt.Sprintf("192.0.2.1,9001,or,%s,%s,%s,%d,%d\n", flags, fpA, nickname, first, last)
	}
	const end2 = ",2,end,,,,,\n"
	recent := tableHeader + ",,coverage,,,,1000,2000\n" + row(1200, 2000, "Guard", "now") + end2
	for _, c := range []struct {
		about, history string
		rows           []string
		lists          lists
		complete       bool
	}{
		{"the same once more", recent, []string{row(1200, 2000, "Guard", "now")}, lists{{From: 1000, To: 2000}}, true},
		{"an older state of the same row", tableHeader + ",,coverage,,,,100,1800\n" + row(1200, 1800, "Guard", "then") + end2,
			[]string{row(1200, 2000, "Guard", "now")}, lists{{From: 100, To: 2000}}, true},
		{"a row that goes on in the table", tableHeader + ",,coverage,,,,100,1300\n" + row(500, 1300, "Guard", "then") + end2,
			[]string{row(500, 2000, "Guard", "now")}, lists{{From: 100, To: 2000}}, true},
		{"a row that touches", tableHeader + ",,coverage,,,,100,999\n" + row(500, 1199, "Guard", "then") + end2,
			[]string{row(500, 2000, "Guard", "now")}, lists{{From: 100, To: 2000}}, true},
		{"a row that does not", tableHeader + ",,coverage,,,,100,998\n" + row(500, 1198, "Guard", "then") + end2,
			[]string{row(500, 1198, "Guard", "then"), row(1200, 2000, "Guard", "now")}, lists{{From: 100, To: 998}, {From: 1000, To: 2000}}, true},
		{"other flags", tableHeader + ",,coverage,,,,100,1800\n" + row(500, 1300, "", "then") + end2,
			[]string{row(500, 1300, "", "then"), row(1200, 2000, "Guard", "now")}, lists{{From: 100, To: 2000}}, true},
		{"a cut history", tableHeader + ",,coverage,,,,100,1800\n" + row(100, 900, "Guard", "then"),
			[]string{row(100, 900, "Guard", "then"), row(1200, 2000, "Guard", "now")}, lists{{From: 1000, To: 2000}}, false},
		{"an empty history", tableHeader + ",0,end,,,,,\n", []string{row(1200, 2000, "Guard", "now")}, lists{{From: 1000, To: 2000}}, true},
	} {
		t.Run(c.about, func(t *testing.T) {
			for _, order := range [][]string{{recent, c.history}, {c.history, recent}} {
				table := Empty()
				for _, text := range order {
					require.NoError(t, table.Extend(text))
				}
				var rows []string
				for _, e := range table.of(netip.MustParseAddr("192.0.2.1")) {
					rows = append(rows, line(e))
				}
				require.Equal(t, c.rows, rows)
				require.Equal(t, c.lists, table.lists)
				require.Equal(t, c.complete, table.Complete)
			}
		})
	}

	t.Run("a whole history does not heal a table that was cut to nothing", func(t *testing.T) {
		table, err := Parse(tableHeader)
		require.NoError(t, err)
		require.NoError(t, table.Extend(recent))
		require.False(t, table.Complete)
		require.Equal(t, flow.CoverageFull, table.Coverage(flow.Interval{From: 1500, To: 1500}))
	})
	t.Run("no table", func(t *testing.T) {
		table, err := Parse(recent)
		require.NoError(t, err)
		before := contents(table)
		require.ErrorIs(t, table.Extend("x,y\n1,2\n"), ErrNotATable)
		require.Equal(t, before, contents(table))
	})
	t.Run("exit rows", func(t *testing.T) {
		exit := func(addr string, first, last int) string {
			return fmt.Sprintf("%s192.0.2.%s,,exit,Exit,%s,anna,%d,%d\n,1,end,,,,,\n", tableHeader, addr, fpA, first, last)
		}
		table, err := Parse(exit("7", 1000, 1500))
		require.NoError(t, err)
		require.NoError(t, table.Extend(exit("8", 3000, 4000)))
		require.NoError(t, table.Extend(exit("7", 1400, 2000)))
		or := netip.MustParseAddr("192.0.2.8")
		require.True(t, table.ExitElsewhere(fpA, or, flow.Interval{From: 2000, To: 2000}))
		require.False(t, table.ExitElsewhere(fpA, or, flow.Interval{From: 3500, To: 3500}))
	})
}

func TestOpen(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "tor_relays.csv")
	_, err := Open(path)
	require.ErrorIs(t, err, fs.ErrNotExist)
	require.ErrorContains(t, err, "open the relay table: ")

	require.NoError(t, os.WriteFile(path, []byte(smallTable), 0o600))
	table, err := Open(path)
	require.NoError(t, err)
	want, err := Parse(smallTable)
	require.NoError(t, err)
	require.Equal(t, contents(want), contents(table))
	require.ErrorIs(t, table.ExtendFile(filepath.Join(folder, "tor_relays_history.csv")), fs.ErrNotExist)
	require.Equal(t, contents(want), contents(table))

	require.NoError(t, os.WriteFile(path, nil, 0o600))
	_, err = Open(path)
	require.ErrorIs(t, err, ErrNotATable)

	_, err = Open(folder)
	require.EqualError(t, err, "it is not a file")

	// A file with a hole takes no room on the disk.
	require.NoError(t, os.Truncate(path, MaxTableBytes+1))
	_, err = Open(path)
	require.EqualError(t, err, "it has 536870913 bytes; the limit is 536870912")
}

// A lookup file is written by people too. One address in every row, one relay
// in every row: neither loading nor asking takes time that grows with the
// square, and what is left out is counted.
func TestHostileTable(t *testing.T) {
	const rows = 100_000
	var b strings.Builder
	b.WriteString(tableHeader)
	for i := range rows {
		// Two seconds each with a gap, so that nothing can be joined; the
		// order in the file is not that of time.
		first := (i * 7919 % rows) * 10
		if i%2 == 0 {
			fmt.Fprintf(&b, "131.188.40.189,%d,or,,%040X,,%d,%d\n", 1+i%65535, i, first, first+1)
		} else {
			fmt.Fprintf(&b, "198.51.%d.%d,,exit,,%s,,%d,%d\n", i>>9&255, i>>1&255, fpA, first, first+1)
		}
	}
	fmt.Fprintf(&b, ",%d,end,,,,,\n", rows)
	began := time.Now()
	table, err := Parse(b.String())
	require.NoError(t, err)
	require.True(t, table.Complete)
	addr := netip.MustParseAddr("131.188.40.189")
	found := table.Lookup(nil, addr, flow.Interval{From: rows * 20, To: rows * 20})
	require.Len(t, found, maxPerAddress)
	require.Equal(t, rows/2+2-maxPerAddress, table.Skipped, "the two built-in lines count")
	var authorities int
	oldest := int64(rows * 20)
	for _, l := range found {
		if l.Kind.BuiltIn() {
			authorities++
			continue
		}
		oldest = min(oldest, l.First)
	}
	require.Equal(t, 2, authorities, "the built-in lines stay")
	require.Greater(t, oldest, int64(rows*8), "the newest rows are kept")
	for range 100 {
		found = table.Lookup(found[:0], addr, flow.Interval{From: 5, To: 5})
		table.ExitElsewhere(fpA, addr, flow.Interval{From: rows * 20, To: rows * 20})
	}
	require.Less(t, len(table.exits.of(fpA, &table.index)), maxPerAddress+1)
	t.Logf("took %v", time.Since(began)) // a square would take minutes
}

// Opening a table takes little more memory than its text and its rows.
func TestMemory(t *testing.T) {
	text := synthetic(27_000)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	table, err := Parse(text)
	require.NoError(t, err)
	runtime.ReadMemStats(&after)
	require.Equal(t, 27_000, table.Rows)
	took := after.TotalAlloc - before.TotalAlloc
	require.Less(t, took, uint64(4*len(text)), "%d bytes for %d of text", took, len(text))
}
