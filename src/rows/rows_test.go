package rows_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"tordetect/src/rows"
)

// cellsOf scans a whole body.
func cellsOf(body string) (names []string, cells [][]string, err error) {
	var s rows.Scanner
	if err := s.Reset([]byte(body)); err != nil {
		return nil, nil, err
	}
	names = s.Names()
	for s.Next() {
		var row []string
		for i := range names {
			value, _ := rows.Value(s.Cell(i), nil)
			row = append(row, string(value))
		}
		cells = append(cells, row)
	}
	return names, cells, s.Err()
}

func TestScannerCells(t *testing.T) {
	long := strings.Repeat("long, \"\"quoted\"\"\n", 70_000) // above 1 MB
	for _, c := range []struct {
		name, body string
		names      []string
		cells      [][]string
	}{
		{"empty body", "", nil, nil},
		{"header alone", "a,b\n", []string{"a", "b"}, nil},
		{"header without row end", "a,b", []string{"a", "b"}, nil},
		{"splunkd's quoting", "\"_time\",age,\"a b\"\n\"1380899494.5\",05,\n", []string{"_time", "age", "a b"}, [][]string{{"1380899494.5", "05", ""}}},
		{"last row without row end", "a,b\n1,2\n3,4", []string{"a", "b"}, [][]string{{"1", "2"}, {"3", "4"}}},
		{"CRLF", "a,\"b\"\r\n1,\"2\"\r\n\"3\",4\r\n", []string{"a", "b"}, [][]string{{"1", "2"}, {"3", "4"}}},
		{"CRLF cut in two at the end", "a,b\n1,\"2\"\r", []string{"a", "b"}, [][]string{{"1", "2"}}},
		{"lone CR is text", "a,b\n\r1\r2,\"\r\n\r\"\n", []string{"a", "b"}, [][]string{{"\r1\r2", "\r\n\r"}}},
		{"CR before CRLF is text", "a\n1\r\r\n", []string{"a"}, [][]string{{"1\r"}}},
		{"empty lines are rows", "a\n\n1\n\n", []string{"a"}, [][]string{{""}, {"1"}, {""}}},
		{"doubled quotes", "\"a\"\"b\"\n\"\"\"\"\n\"\"\"x\"\"\"\n\"\"\n", []string{`a"b`}, [][]string{{`"`}, {`"x"`}, {""}}},
		{"NUL, invalid UTF-8, high bits of , and LF", "a,b\n\x00\xff\xac\x8a\xa2,\"\x00\xac\xa2\"\n", []string{"a", "b"}, [][]string{{"\x00\xff\xac\x8a\xa2", "\x00\xac\xa2"}}},
		{"neighbours of the special bytes", "a,b\n-+-#!#\x0b\x09,\"#-\x0b\"\n", []string{"a", "b"}, [][]string{{"-+-#!#\x0b\x09", "#-\x0b"}}},
		{"duplicate names", "a,a\n1,2\n", []string{"a", "a"}, [][]string{{"1", "2"}}},
		{"a cell of 1 MB", "a,b\n\"" + long + "\",2\n", []string{"a", "b"}, [][]string{{strings.ReplaceAll(long, `""`, `"`), "2"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			names, cells, err := cellsOf(c.body)
			require.NoError(t, err)
			require.Equal(t, c.names, names)
			require.Equal(t, c.cells, cells)
		})
	}
}

// In the bodies § marks the offset that the error must tell.
func TestScannerErrors(t *testing.T) {
	for _, c := range []struct {
		name, body string
		want       rows.Error
	}{
		{"too few cells", "a,b\n1,2\n§1\n", rows.Error{Row: 2, Found: 1, Want: 2, Err: rows.ErrRagged}},
		{"too many cells", "a,b\n§1,2,3,4\n", rows.Error{Row: 1, Found: 4, Want: 2, Err: rows.ErrRagged}},
		{"empty line", "a,b\n1,2\n§\n", rows.Error{Row: 2, Found: 1, Want: 2, Err: rows.ErrRagged}},
		{"bare quote", "a,b\n1,x§\"y\n", rows.Error{Row: 1, Cell: 2, Err: rows.ErrQuote}},
		{"bare quote at the end of a cell", "a,b\n1§\",2\n", rows.Error{Row: 1, Cell: 1, Err: rows.ErrQuote}},
		{"text after a closing quote", "a,b\n\"1\"§x,2\n", rows.Error{Row: 1, Cell: 1, Err: rows.ErrQuote}},
		{"blank after a closing quote", "a,b\n\"1\"§ ,2\n", rows.Error{Row: 1, Cell: 1, Err: rows.ErrQuote}},
		{"lone CR after a closing quote", "a,b\n\"1\"§\r,2\n", rows.Error{Row: 1, Cell: 1, Err: rows.ErrQuote}},
		{"text over a word's edge", "a,b\n12,\"456\"§x\n", rows.Error{Row: 1, Cell: 2, Err: rows.ErrQuote}},
		{"bare quote over a word's edge", "a,b\n12,45678§\"\n", rows.Error{Row: 1, Cell: 2, Err: rows.ErrQuote}},
		{"unclosed", "a,b\n1,§\"2\n3,4\n", rows.Error{Row: 1, Cell: 2, Err: rows.ErrUnclosed}},
		{"unclosed at the very end", "a,b\n1,§\"", rows.Error{Row: 1, Cell: 2, Err: rows.ErrUnclosed}},
		{"three quotes", "a\n§\"\"\"", rows.Error{Row: 1, Cell: 1, Err: rows.ErrUnclosed}},
		{"bare quote in the header", "a,b§\"\n1,2\n", rows.Error{Cell: 2, Err: rows.ErrQuote}},
		{"unclosed header", "a,§\"b\n1,2\n", rows.Error{Cell: 2, Err: rows.ErrUnclosed}},
		{"byte order mark before a quoted name", "\ufeff§\"a\"\n", rows.Error{Cell: 1, Err: rows.ErrQuote}},
	} {
		t.Run(c.name, func(t *testing.T) {
			before, after, _ := strings.Cut(c.body, "§")
			c.want.Offset = len(before)
			_, _, err := cellsOf(before + after)
			require.Equal(t, &c.want, err)
			require.ErrorIs(t, err, c.want.Err)
		})
	}
}

func TestOutput(t *testing.T) {
	fields := []rows.Field{{Name: "verdict"}, {Name: "why", List: true}, {Name: "n"}}
	cells := []rows.Cell{{Plain: []byte("tor")}, {Plain: []byte("\"a\nb\""), Multi: []byte(`"$a$;$b$"`)}, {}}
	for _, c := range []struct{ name, in, out string }{
		{"all appended", "x,__mv_x\n1,\n", "x,__mv_x,verdict,why,n,\"__mv_why\"\n1,,tor,\"a\nb\",,\"$a$;$b$\"\n"},
		{"all replaced", "n,__mv_why,why,x,__mv_verdict,verdict,__mv_n\n7,old,old,\"k\"\"\",old,old,old\n",
			"n,__mv_why,why,x,__mv_verdict,verdict,__mv_n\n,\"$a$;$b$\",\"a\nb\",\"k\"\"\",,tor,\n"},
		{"list column missing", "why,x\r\nold,1\r\n", "why,x,verdict,n,\"__mv_why\"\n\"a\nb\",1,tor,,\"$a$;$b$\"\n"},
		{"plain column missing", "\"__mv_why\",x\nold,1\n", "\"__mv_why\",x,verdict,why,n\n\"$a$;$b$\",1,tor,\"a\nb\",\n"},
		{"every duplicate replaced", "verdict,verdict\n1,2", "verdict,verdict,why,n,\"__mv_why\"\ntor,tor,\"a\nb\",,\"$a$;$b$\"\n"},
		{"no rows", "x\n", "x,verdict,why,n,\"__mv_why\"\n"},
		{"empty body", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			var s rows.Scanner
			require.NoError(t, s.Reset([]byte(c.in)))
			o := rows.NewOutput(fields)
			o.Bind(&s)
			out := o.AppendHeader(nil)
			for s.Next() {
				out = o.AppendRow(out, &s, cells)
			}
			require.NoError(t, s.Err())
			require.Equal(t, c.out, string(out))
		})
	}
}

// An empty line would be no row at all for encoding/csv and others.
func TestOutputOfOneEmptyColumn(t *testing.T) {
	var s rows.Scanner
	require.NoError(t, s.Reset([]byte("n\n7\n")))
	o := rows.NewOutput([]rows.Field{{Name: "n"}})
	o.Bind(&s)
	require.True(t, s.Next())
	require.Equal(t, "n\n\"\"\n", string(o.AppendRow(o.AppendHeader(nil), &s, []rows.Cell{{}})))
}

func TestListRoundTrip(t *testing.T) {
	for _, c := range []struct {
		text   string
		values []string
	}{
		{`"$FIREFLY-WIN$;$beatles$"`, []string{"FIREFLY-WIN", "beatles"}},
		{`"$a$;$b$$c$"`, []string{"a", "b$c"}},
		{`"$$$$;$a$"`, []string{"$", "a"}},
		{`"$a$$$;$$$b$"`, []string{"a$", "$b"}},
		{`"$$;$$"`, []string{"", ""}},
		{`"$""$;$;$"`, []string{`"`, ";"}},
	} {
		var l rows.List
		for _, v := range c.values {
			l.Add([]byte(v))
		}
		require.Equal(t, c.text, string(l.AppendMulti(nil)))
		require.NoError(t, l.Parse([]byte(c.text)))
		require.Equal(t, len(c.values), l.Len())
		for i, v := range c.values {
			require.Equal(t, v, string(l.Value(i)))
		}
	}
}

func TestListErrors(t *testing.T) {
	for _, text := range []string{
		"a",       // no dollar at all
		"$", "$a", // not closed
		"$a$$",            // closed by half of a literal dollar
		"$a$b$",           // a value that goes on after its end
		"$a$;b",           // the second value is bare
		"$a$$;$b$",        // $$ is a literal dollar, so ; is text and b comes too late
		"$$$;$a$",         // the SDK would return one empty value and a
		"\"$a$;$b$\n\"",   // text after the last value
		"\"\"\"$a$\"\"\"", // quoted once too often
	} {
		t.Run(text, func(t *testing.T) {
			var l rows.List
			l.AddString("from before")
			err := l.Parse([]byte(text))
			require.ErrorContains(t, err, "multivalue cell")
			require.Zero(t, l.Len())
		})
	}
}

func TestListPlain(t *testing.T) {
	f := func(plain, multi string, values ...string) {
		t.Helper()
		var l rows.List
		for _, v := range values {
			l.AddString(v)
		}
		require.Equal(t, plain, string(l.AppendPlain(nil)))
		require.Equal(t, multi, string(l.AppendMulti(nil)))
		if multi == "" {
			require.NoError(t, l.Parse(nil))
			require.Zero(t, l.Len(), "an empty __mv_ cell is no list")
		}
	}
	f(``, ``)
	f(``, ``, "")
	f(`a1`, ``, "a1")
	f(`"a$b"`, ``, "a$b")
	f("\"\n\"", `"$$;$$"`, "", "")
	f("\"a\n\"\"b\"\"\"", `"$a$;$""b""$"`, "a", `"b"`)
}

func TestValueKeepsEarlierOnes(t *testing.T) {
	one, scratch := rows.Value([]byte(`"a""b"`), nil)
	two, scratch := rows.Value([]byte(`"""c"""`), scratch)
	three, scratch := rows.Value([]byte(`"d"`), scratch)
	require.Equal(t, []string{`a"b`, `"c"`, "d"}, []string{string(one), string(two), string(three)})
	require.Equal(t, `a"b"c"`, string(scratch))
}

func TestScannerValue(t *testing.T) {
	var s rows.Scanner
	require.NoError(t, s.Reset([]byte("a,b\n\"O\"\"Neil\",x\n1,2\n")))
	require.True(t, s.Next())
	require.Equal(t, `O"Neil`, string(s.Value(0)))
	require.Nil(t, s.Value(-1))
	require.Zero(t, testing.AllocsPerRun(10, func() { s.Value(0) }))
	require.True(t, s.Next())
	require.Equal(t, "1", string(s.Value(0)))
}

// A row says whether it may have a list, without its columns being looked at.
func TestHasLists(t *testing.T) {
	for body, want := range map[string][]bool{
		"a,b,__mv_a,__mv_b\n1,2,,\n1,2,$1$,\n1,2,,$2$\n,,,\n": {false, true, true, false},
		"a,__mv_a,b,__mv_b\n1,,2,\n":                          {true}, // it cannot be told at once
		"a,b\n1,2\n,\r\n":                                     {false, false},
		"a,__mv_a\r\n1,\r\n1,$1$\r\n,":                        {false, true, false},
		"__mv_a\n\n$1$\n":                                     {false, true},
	} {
		var s rows.Scanner
		require.NoError(t, s.Reset([]byte(body)))
		var got []bool
		for s.Next() {
			got = append(got, s.HasLists())
		}
		require.NoError(t, s.Err())
		require.Equal(t, want, got, "%q", body)
	}
}

// A chunk follows another in the same memory.
func TestScannerIsReused(t *testing.T) {
	buffer := make([]byte, 100)
	var s rows.Scanner
	next := func(body string) error { return s.Reset(buffer[:copy(buffer, body)]) }

	require.NoError(t, next("a,b\n1,2\n"))
	require.True(t, s.Next())
	require.Equal(t, "2", string(s.Cell(1)))

	require.NoError(t, next("a,b\n3,4\n"))
	require.True(t, s.Next())
	require.Equal(t, 1, s.Number())
	require.Equal(t, "4", string(s.Cell(1)))

	require.NoError(t, next("c,d\n5,6\n"))
	require.Equal(t, []string{"c", "d"}, s.Names())
	require.Equal(t, "c,d", string(s.Header()))
	require.True(t, s.Next())
	require.Equal(t, "6", string(s.Cell(1)))

	require.NoError(t, next("c,d\n5\n7,8\n"))
	require.False(t, s.Next())
	require.False(t, s.Next(), "a scanner that failed stays failed")
	require.ErrorIs(t, s.Err(), rows.ErrRagged)
	require.EqualError(t, s.Err(), "row 1 at byte 4: number of cells differs from the header: found 1, want 2")

	require.Error(t, next("c,\"d\n"))
	require.Empty(t, s.Names())
	require.False(t, s.Next())
	require.EqualError(t, s.Err(), "header row, cell 2, at byte 2: quoted cell is never closed")

	require.NoError(t, next(""))
	require.NoError(t, s.Err())
	require.False(t, s.Next())

	require.NoError(t, next("c,d\n9,10"))
	require.Equal(t, []string{"c", "d"}, s.Names())
	require.True(t, s.Next())
	require.Equal(t, "9,10", string(s.Row()))
}

func TestSizes(t *testing.T) {
	const columns, count = 5_000, 60_000
	var s rows.Scanner

	wide := strings.Repeat("\"a b\",", columns-1) + "z\n"
	require.NoError(t, s.Reset([]byte(wide+wide+wide)))
	require.Len(t, s.Names(), columns)
	for range 2 {
		require.True(t, s.Next())
		require.Equal(t, `"a b" "a b" z`, string(s.Cell(0))+" "+string(s.Cell(columns-2))+" "+string(s.Cell(columns-1)))
	}
	require.False(t, s.Next())
	require.NoError(t, s.Err())

	long := "a,b\n" + strings.Repeat("1,\n", count)
	require.NoError(t, s.Reset([]byte(long)))
	for s.Next() {
	}
	require.NoError(t, s.Err())
	require.Equal(t, count, s.Number())
	require.NoError(t, s.Reset([]byte(long+"1\n")))
	for s.Next() {
	}
	require.Equal(t, &rows.Error{Row: count + 1, Found: 1, Want: 2, Offset: len(long), Err: rows.ErrRagged}, s.Err())
}

// A chunk whose header is known is read and answered without an allocation,
// whether fields are replaced or appended.
func TestNothingIsAllocated(t *testing.T) {
	long := "a name that is too long for the stack of a caller"
	body := []byte("src,dst,old,\"__mv_old\",\"__mv_dst\"\n" +
		strings.Repeat("\"192.0.2.1\",\"198.51.100.1\",\"o\"\"k\",\"$o\"\"k$;$b$\",\n", 100))
	for name, fields := range map[string][]rows.Field{
		"appended": {{Name: long}, {Name: long + "s", List: true}},
		"replaced": {{Name: "dst"}, {Name: "old", List: true}},
		"both":     {{Name: "old"}, {Name: "new", List: true}},
	} {
		t.Run(name, func(t *testing.T) {
			var s rows.Scanner
			var l rows.List
			require.NoError(t, s.Reset(body))
			o := rows.NewOutput(fields)
			cells := make([]rows.Cell, 2)
			reply := make([]byte, 0, 2*len(body))
			var scratch, plain, multi []byte
			work := func() {
				_ = s.Reset(body)
				o.Bind(&s)
				reply = o.AppendHeader(reply[:0])
				for s.Next() {
					_, scratch = rows.Value(s.Cell(2), scratch[:0])
					_ = l.Parse(s.Cell(3))
					l.Add(s.Cell(1))
					plain, multi = l.AppendPlain(plain[:0]), l.AppendMulti(multi[:0])
					cells[1] = rows.Cell{Plain: plain, Multi: multi}
					reply = o.AppendRow(reply, &s, cells)
				}
			}
			require.Zero(t, testing.AllocsPerRun(10, work))
			require.NoError(t, s.Err())
			require.Equal(t, 3, l.Len())
			require.Greater(t, len(reply), 100*len("\"192.0.2.1\""))
		})
	}
}
