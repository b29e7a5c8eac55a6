package rows_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"tordetect/src/rows"
)

// cellsOf scans a whole body with every column picked.
func cellsOf(body string) (names []string, cells [][]string, err error) {
	var s rows.Scanner
	if err := s.Reset([]byte(body)); err != nil {
		return nil, nil, err
	}
	names = s.Names()
	all := make([]int, len(names))
	for i := range all {
		all[i] = i
	}
	s.Pick(all)
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
		{"too few cells", "a,b\n1,2\n§1\n", rows.Error{Row: 2, Columns: 1, Want: 2, Err: rows.ErrRagged}},
		{"too many cells", "a,b\n§1,2,3,4\n", rows.Error{Row: 1, Columns: 4, Want: 2, Err: rows.ErrRagged}},
		{"empty line", "a,b\n1,2\n§\n", rows.Error{Row: 2, Columns: 1, Want: 2, Err: rows.ErrRagged}},
		{"bare quote", "a,b\n1,x§\"y\n", rows.Error{Row: 1, Columns: 2, Want: 2, Err: rows.ErrQuote}},
		{"bare quote at the end of a cell", "a,b\n1§\",2\n", rows.Error{Row: 1, Columns: 1, Want: 2, Err: rows.ErrQuote}},
		{"text after a closing quote", "a,b\n\"1\"§x,2\n", rows.Error{Row: 1, Columns: 1, Want: 2, Err: rows.ErrQuote}},
		{"blank after a closing quote", "a,b\n\"1\"§ ,2\n", rows.Error{Row: 1, Columns: 1, Want: 2, Err: rows.ErrQuote}},
		{"lone CR after a closing quote", "a,b\n\"1\"§\r,2\n", rows.Error{Row: 1, Columns: 1, Want: 2, Err: rows.ErrQuote}},
		{"text over a word's edge", "a,b\n12,\"456\"§x\n", rows.Error{Row: 1, Columns: 2, Want: 2, Err: rows.ErrQuote}},
		{"bare quote over a word's edge", "a,b\n12,45678§\"\n", rows.Error{Row: 1, Columns: 2, Want: 2, Err: rows.ErrQuote}},
		{"unclosed", "a,b\n1,§\"2\n3,4\n", rows.Error{Row: 1, Columns: 2, Want: 2, Err: rows.ErrUnclosed}},
		{"unclosed at the very end", "a,b\n1,§\"", rows.Error{Row: 1, Columns: 2, Want: 2, Err: rows.ErrUnclosed}},
		{"three quotes", "a\n§\"\"\"", rows.Error{Row: 1, Columns: 1, Want: 1, Err: rows.ErrUnclosed}},
		{"bare quote in the header", "a,b§\"\n1,2\n", rows.Error{Columns: 2, Err: rows.ErrQuote}},
		{"unclosed header", "a,§\"b\n1,2\n", rows.Error{Columns: 2, Err: rows.ErrUnclosed}},
		{"byte order mark before a quoted name", "\ufeff§\"a\"\n", rows.Error{Columns: 1, Err: rows.ErrQuote}},
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
			o.Bind(&s, nil)
			out := o.AppendHeader(nil)
			for s.Next() {
				out = o.AppendRow(out, &s, cells)
			}
			require.NoError(t, s.Err())
			require.Equal(t, c.out, string(out))
		})
	}
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

func TestNothingIsAllocatedPerRow(t *testing.T) {
	body := []byte("src,dst,old\n" + strings.Repeat("\"192.0.2.1\",\"198.51.100.1\",\"o\"\"k\"\n", 100))
	var s rows.Scanner
	require.NoError(t, s.Reset(body))
	o := rows.NewOutput([]rows.Field{{Name: "old"}, {Name: "new", List: true}})
	cells := []rows.Cell{{Plain: []byte("1")}, {Plain: []byte("2")}}
	reply := make([]byte, 0, 2*len(body))
	scratch := make([]byte, 0, 100)
	allocs := testing.AllocsPerRun(20, func() {
		_ = s.Reset(body)
		o.Bind(&s, []int{1})
		reply = o.AppendHeader(reply[:0])
		for s.Next() {
			_, scratch = rows.Value(s.Cell(2), scratch[:0])
			reply = o.AppendRow(reply, &s, cells)
		}
	})
	require.NoError(t, s.Err())
	require.Equal(t, 101, bytes.Count(reply, []byte("\n")))
	require.Zero(t, allocs)
}
