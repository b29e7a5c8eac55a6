package rows

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// FuzzScanner holds the scan loop against readRow, byte for byte, and readRow
// against encoding/csv.
func FuzzScanner(f *testing.F) {
	pad := strings.Repeat("x", 60) // brings what follows over the edge of a block
	for _, body := range []string{
		"",                                       // no columns, no rows
		"\n",                                     // a header with one nameless column
		"a,b\n1,2\n3,4",                          // no row end at the end
		"a,\"b\"\r\n1,\"2\"\r\n\"3\",\"\r\n\"\r", // CRLF, CRLF in quotes, CRLF cut in two
		"a\n1\r\r\n\r\n\n",                       // CR as text before CRLF, empty lines
		"a,b\n\"\"\"\",\"\"\"x\"\"\"\n",          // nothing but quotes
		"a,b\n1,x\"y\n",                          // bare quote
		"a,b\n\"1\"x,2\n",                        // text after a closing quote
		"a,b\n\"1\"\r,2\n",                       // CR that is text, after a closing quote
		"a,b\n1,\"2\n3,4\n",                      // unclosed
		"a,b\n1\n",                               // ragged
		"a,b\n" + pad + "12,\"\"\n",              // quotes on both sides of a block's edge
		"a,b\n" + pad + "123,\"\"\n",             // opening quote as the first byte of a block
		"a,b\n" + pad + "1234\",2\n",             // bare quote as the first byte of a block
		"a,b\n" + pad + ",\"1\"x\n",              // text after a quote that ends a block
		"a,b\n\"" + pad + pad + pad + "\n\",2\n", // a block without quotes inside quotes, LF in quotes
		"a,b\n\"" + pad + pad + "\"\"\n" + pad + pad + "\",2\n",                 // the same, and goes on after a doubled quote
		"a,b\n\"" + pad + pad + pad,                                             // the same, unclosed
		"a,b\n-#\x0b\xac\xa2\x8a,\x00\xff\n",                                    // bytes that differ from , " LF in one bit
		"a" + strings.Repeat(",", 200) + "\n" + strings.Repeat(",", 200) + "\n", // several blocks of commas
	} {
		f.Add([]byte(body))
	}
	f.Fuzz(checkScanner)
}

// TestScannerOnRandomRows covers what mutations of small bodies hardly reach: all
// places of quotes, separators and faults in blocks of 64 bytes.
func TestScannerOnRandomRows(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	faults := []string{"\"", ",", "\n", "\r", "\r\n", "x", "\"\"", "\"x", ""}
	for range 4000 {
		columns := 1 + r.IntN(40)
		var body []byte
		for range 1 + r.IntN(5) {
			for c := range columns {
				if c > 0 {
					body = append(body, ',')
				}
				body = appendRandomCell(body, r)
			}
			body = append(body, "\r\n"[r.IntN(2):]...)
		}
		if r.IntN(2) == 0 {
			at := r.IntN(len(body))
			body = slices.Replace(body, at, at+r.IntN(2), []byte(faults[r.IntN(len(faults))])...)
		}
		checkScanner(t, body)
	}
}

// appendRandomCell appends an empty cell, a bare one, or a quoted one of up to
// some 200 bytes.
func appendRandomCell(dst []byte, r *rand.Rand) []byte {
	var value []byte
	size := r.IntN(12)
	switch r.IntN(20) {
	case 0:
		size = r.IntN(200)
	case 1, 2, 3, 4, 5:
		size = 0
	}
	alphabet := []string{"abc09", "ab \",\n", "a.\r-#\x00\xac\xa2\x8a", "\"\"\"x"}[r.IntN(4)]
	for range size {
		value = append(value, alphabet[r.IntN(len(alphabet))])
	}
	return AppendCell(dst, value)
}

// checkScanner compares all that a Scanner tells about a body with what readRow
// and encoding/csv tell.
func checkScanner(t *testing.T, body []byte) {
	var s Scanner
	original := bytes.Clone(body)
	want, end, wantErr := readAll(body)
	err := s.Reset(body)
	if wantErr != nil && wantErr.Row == 0 {
		require.Equal(t, error(wantErr), err)
		require.Equal(t, error(wantErr), s.Err())
		require.False(t, s.Next())
		return
	}
	require.NoError(t, err)
	if len(body) == 0 {
		require.Empty(t, s.Names())
		require.False(t, s.Next())
		return
	}
	require.Len(t, s.Names(), want[0].cells)
	require.Equal(t, string(body[:want[0].end]), string(s.Header()))
	for i, row := range want[1:] {
		require.True(t, s.Next(), "row %d", i+1)
		require.Equal(t, i+1, s.Number())
		require.Equal(t, string(body[row.seps[0]+1:row.end]), string(s.Row()))
		require.Equal(t, row.next, s.next)
		for c := range s.Names() {
			require.Equal(t, string(body[row.seps[c]+1:row.seps[c+1]]), string(s.Cell(c)))
			require.Equal(t, row.seps[c], s.sep(c))
			require.Equal(t, row.seps[c+1], s.sep(c+1))
		}
	}
	require.False(t, s.Next())
	require.False(t, s.Next(), "a scanner that is done stays done")
	if wantErr == nil {
		require.NoError(t, s.Err())
	} else {
		require.Equal(t, error(wantErr), s.Err())
	}
	require.Equal(t, original, body, "the body is written to")
	checkAgainstCSV(t, body, want, end, wantErr)
}

// readAll reads a body with readRow and checks the number of cells, as the
// Scanner has to. It returns the rows, the header first, and where the last ends.
func readAll(body []byte) (all []rowText, end int, err *Error) {
	for end < len(body) {
		row, err := readRow(body, end, make([]int, 0, 8))
		if err == nil && len(all) > 0 && row.cells != all[0].cells {
			err = &Error{Found: row.cells, Want: all[0].cells, Offset: end, Err: ErrRagged}
		}
		if err != nil {
			err.Row = len(all)
			return all, end, err
		}
		all = append(all, row)
		end = row.next
	}
	return all, end, nil
}

// checkAgainstCSV is the law: where encoding/csv accepts, the cells and the row
// ends are the same; where it refuses, so do we. It does not hold for blank
// lines, which are rows here, and for CRLF in quotes, which stays here.
func checkAgainstCSV(t *testing.T, body []byte, got []rowText, end int, gotErr *Error) {
	if gotErr != nil && errors.Is(gotErr, ErrRagged) {
		body, gotErr = body[:end], nil // encoding/csv is told to accept any number
	}
	r := csv.NewReader(bytes.NewReader(body))
	r.FieldsPerRecord = -1
	for _, row := range got {
		text := body[row.seps[0]+1 : row.end]
		if len(text) == 0 {
			continue
		}
		record, err := r.Read()
		require.NoError(t, err)
		require.Len(t, record, row.cells)
		for c, cell := range record {
			value, _ := Value(body[row.seps[c]+1:row.seps[c+1]], nil)
			require.Equal(t, cell, strings.ReplaceAll(string(value), "\r\n", "\n"))
		}
		require.EqualValues(t, row.next, r.InputOffset())
	}
	_, err := r.Read()
	if gotErr == nil {
		require.ErrorIs(t, err, io.EOF)
		return
	}
	var parseErr *csv.ParseError
	require.ErrorAs(t, err, &parseErr)
	if gotErr.Err == ErrUnclosed || parseErr.Err == csv.ErrQuote && parseErr.Line > parseErr.StartLine {
		require.ErrorIs(t, parseErr.Err, csv.ErrQuote)
	}
}

// sdkList is how splunklib reads a list.
var sdkList = regexp.MustCompile(`\$((?:\$\$|[^$])*)\$(?:;|$)`)

// sdkParse returns the values that splunklib finds, and whether they cover the
// whole text.
func sdkParse(text string) (values []string, whole bool) {
	at := 0
	for _, m := range sdkList.FindAllStringSubmatchIndex(text, -1) {
		if m[0] != at {
			return nil, false
		}
		values = append(values, strings.ReplaceAll(text[m[2]:m[3]], "$$", "$"))
		at = m[1]
	}
	if at < len(text) {
		return nil, false
	}
	return values, true
}

func valuesOf(l *List) []string {
	var values []string
	for i := range l.Len() {
		values = append(values, string(l.Value(i)))
	}
	return values
}

// FuzzList reads any text as a list, and writes and reads any values.
func FuzzList(f *testing.F) {
	for _, text := range []string{
		"",             // no list
		"$a$;$b$$c$",   // the example of protocol.md section 9
		"$$;$$",        // two empty values
		"$$$$;$a$",     // a value that is a dollar
		"$a$$$;$$$b$",  // dollars at the edges of values
		"$a$;",         // a ; too many, which the SDK overlooks
		"$$$;$a$",      // one dollar too many: the SDK would find half of it
		"$a$$;$b$",     // two values run into each other: broken
		"a", "$a", "$", // broken
		"$a\nb$;$\"c\"$", // newline and quotes in a value
	} {
		f.Add(text, "\x01")
	}
	f.Fuzz(func(t *testing.T, text, cut string) {
		var l List
		want, whole := sdkParse(text)
		err := l.Parse(AppendCell(nil, []byte(text)))
		require.Equal(t, whole, err == nil)
		require.Equal(t, want, valuesOf(&l))
		if !strings.ContainsAny(text, "\"") {
			require.Equal(t, whole, l.Parse([]byte(text)) == nil, "bare")
			require.Equal(t, want, valuesOf(&l))
		}
		l.Parse([]byte(`"` + text)) // not a cell of CSV: anything but a panic

		if cut == "" {
			return
		}
		values := strings.Split(text, cut)
		l.Reset()
		for _, v := range values {
			l.AddString(v)
		}
		plainCell, multiCell := l.AppendPlain(nil), l.AppendMulti(nil)
		value, _ := Value(plainCell, nil)
		require.Equal(t, strings.Join(values, "\n"), string(value))
		require.Equal(t, string(AppendCell(nil, value)), string(plainCell))
		if len(values) < 2 {
			require.Empty(t, multiCell)
			return
		}
		require.NoError(t, l.Parse(multiCell))
		require.Equal(t, values, valuesOf(&l))
	})
}

// FuzzCell writes and reads any value.
func FuzzCell(f *testing.F) {
	f.Add([]byte("05"), []byte("kept"))      // bare
	f.Add([]byte(`a "b" c""`), []byte(nil))  // quotes in it
	f.Add([]byte("\x00\xff\r\n"), []byte{0}) // bytes that are no text
	f.Add([]byte(`"a""`), []byte("x"))       // read as a cell it has half of a doubled quote
	bare := regexp.MustCompile(`^[A-Za-z0-9]*$`)
	f.Fuzz(func(t *testing.T, value, before []byte) {
		cell := AppendCell(bytes.Clone(before), value)
		require.Equal(t, string(before), string(cell[:len(before)]))
		cell = cell[len(before):]
		require.Equal(t, !bare.Match(value), len(cell) > 0 && cell[0] == '"')
		got, scratch := Value(cell, bytes.Clone(before))
		require.Equal(t, string(value), string(got))
		require.Equal(t, string(before), string(scratch[:len(before)]))
		Value(value, nil) // not always a cell of CSV: anything but a panic
	})
}

// FuzzOutput adds fields to any body.
func FuzzOutput(f *testing.F) {
	f.Add([]byte("x,__mv_x\n1,\n"), "new", "list", "v")                            // all appended
	f.Add([]byte("list,x,__mv_new,__mv_list,new\n1,2,3,4,5\n"), "new", "list", "") // all replaced
	f.Add([]byte("new\n\nx\n"), "new", "new", "")                                  // one column, one name twice, an empty cell
	f.Add([]byte("a,a,\"__mv_b\"\r\n1,2,3"), "a", "b", "\"\r\n")                   // a duplicate, a list column alone, no row end
	f.Add([]byte("x\r\r\n1\r\r\n"), "y", "__mv_y", "\r")                           // cells that end with CR; a field named as a list column
	f.Fuzz(func(t *testing.T, body []byte, one, list, value string) {
		if !bytes.HasSuffix(body, []byte("\n")) {
			body = append(bytes.Clone(body), '\n')
		}
		var s Scanner
		if s.Reset(body) != nil {
			return
		}
		// Law: without fields, the output is the input.
		o := NewOutput(nil)
		o.Bind(&s)
		out := o.AppendHeader(nil)
		for s.Next() {
			out = o.AppendRow(out, &s, nil)
		}
		read := s.next
		if s.Err() != nil {
			read = s.start
		}
		if !bytes.Contains(body, []byte("\r\n")) {
			require.Equal(t, string(body[:read]), string(out))
		}

		// Law: with fields, each row has the cells of the input and ours.
		var l List
		l.AddString(value)
		l.AddString(one)
		cells := []Cell{
			{Plain: AppendCell(nil, []byte(value))},
			{Plain: l.AppendPlain(nil), Multi: l.AppendMulti(nil)},
		}
		o = NewOutput([]Field{{Name: one}, {Name: list, List: true}})
		body = body[:read]
		require.NoError(t, s.Reset(body))
		o.Bind(&s)
		out = o.AppendHeader(nil)
		for s.Next() {
			out = o.AppendRow(out, &s, cells)
		}
		require.NoError(t, s.Err())

		var in, reply Scanner
		require.NoError(t, in.Reset(body))
		require.NoError(t, reply.Reset(out))
		names := reply.Names()
		require.Equal(t, in.Names(), names[:len(in.Names())])
		for i, name := range names[len(in.Names()):] {
			require.NotContains(t, names[:len(in.Names())+i], name)
		}
		require.Contains(t, names, one)
		require.Contains(t, names, list)
		r := csv.NewReader(bytes.NewReader(out)) // it checks that each row is as long as the first
		if len(names) > 1 {
			header, err := r.Read()
			require.NoError(t, err)
			require.Len(t, header, len(names))
		}
		for in.Next() {
			require.True(t, reply.Next())
			if len(names) > 1 {
				_, err := r.Read()
				require.NoError(t, err)
			}
			for i, name := range names {
				got, _ := Value(reply.Cell(i), nil)
				switch {
				case name == one:
					require.Equal(t, value, string(got))
				case name == list:
					require.Equal(t, value+"\n"+one, string(got))
				case name == multiPrefix+one:
					require.Empty(t, got)
				case name == multiPrefix+list:
					require.Equal(t, string(cells[1].Multi), string(reply.Cell(i)))
				default:
					require.Equal(t, string(in.Cell(i)), string(reply.Cell(i)))
				}
			}
		}
		require.False(t, reply.Next())
		require.NoError(t, reply.Err())
	})
}
