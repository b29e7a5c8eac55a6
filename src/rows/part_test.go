package rows

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"
)

// scanned is all that a scan of a body gives.
type scanned struct {
	names []string
	rows  []string
	cells []string
	err   string
}

func scanWhole(body []byte) (out scanned) {
	var s Scanner
	if err := s.Reset(body); err != nil {
		out.err = err.Error()
		return out
	}
	out.take(&s)
	if s.Err() != nil {
		out.err = s.Err().Error()
	}
	return out
}

func (out *scanned) take(s *Scanner) {
	out.names = append(out.names[:0], s.Names()...)
	for s.Next() {
		out.rows = append(out.rows, string(s.Row()))
		out.cells = append(out.cells, string(s.Cell(len(s.Names())-1)))
	}
}

// pieces gives a body in pieces of the sizes that size says.
type pieces struct {
	body []byte
	size func() int
}

func (p *pieces) Read(to []byte) (int, error) {
	n := copy(to, p.body[:min(p.size(), len(p.body))])
	if p.body = p.body[n:]; len(p.body) == 0 {
		return n, io.EOF
	}
	return n, nil
}

// scanParts scans a body that arrives in pieces.
func scanParts(body []byte, size func() int) (out scanned) {
	var s Scanner
	if err := s.ResetReader(&pieces{body, size}); err != nil {
		out.err = err.Error()
		return out
	}
	out.take(&s)
	if s.Err() != nil {
		out.err = s.Err().Error()
	}
	return out
}

// However a body is cut into parts, its rows, its cells and its errors are those
// of the whole.
func TestParts(t *testing.T) {
	bodies := []string{
		"", "a", "a\n", "a\r\n", "a,b\n1,2\n3,4\n", "a,b\r\n1,2\r\n3,4", "a\n\n\n", "\"a\nb\",c\n\"1\n\"\"2\",3\n",
		"a,b\n1,2\n3\n", "a,b\n1,\"2\n", "a,b\n1,2\"\n", "a,b\n\"1\"x,2\n", "a,\"b\n", "a\"\n1\n", "a\n1\r", "a\n\"1\r\n2\"\r\n",
		"a,b\n" + strings.Repeat("\"x\"\"y\",2\n", 40) + "1\n",
		"a,b\n1,\"" + strings.Repeat("long ", 60) + "\n\"\n3,4\n",
	}
	for _, body := range bodies {
		want := scanWhole([]byte(body))
		for size := 1; size <= min(len(body)+1, 90); size++ {
			require.Equal(t, want, scanParts([]byte(body), func() int { return size }), "%q in parts of %d", body, size)
		}
	}
}

func FuzzParts(f *testing.F) {
	f.Add([]byte("a,b\n\"1\n\",2\r\n3,\"4\"\"\"\n"), uint64(1))
	f.Add([]byte("a\n\"unclosed\n"), uint64(2))
	f.Fuzz(func(t *testing.T, body []byte, seed uint64) {
		r := rand.New(rand.NewPCG(seed, 0))
		got := scanParts(bytes.Clone(body), func() int { return 1 + r.IntN(20) })
		require.Equal(t, scanWhole(body), got)
	})
}

// A reader that fails stops the scanner with its error, wherever it does.
func TestReaderFails(t *testing.T) {
	const body = "a,b\n1,2\n\"3\n\",4\n"
	broken := errors.New("broken")
	for cut := range len(body) + 1 {
		var s Scanner
		err := s.ResetReader(io.MultiReader(strings.NewReader(body[:cut]), iotest.ErrReader(broken)))
		for err == nil && s.Next() {
		}
		require.ErrorIs(t, s.Err(), broken)
		require.False(t, s.Next())
		require.NoError(t, s.Reset([]byte(body)), "it is ready for the next body")
		require.NoError(t, s.Err())
	}
	var s Scanner
	require.ErrorIs(t, s.ResetReader(idle{}), io.ErrNoProgress)
}

// idle is a reader that never has anything.
type idle struct{}

func (idle) Read([]byte) (int, error) { return 0, nil }

// Nothing is allocated for a body with the same header, also when that arrives in pieces.
func TestReaderIsReused(t *testing.T) {
	body := []byte("a,b\n1,2\n3,4\n")
	var s Scanner
	p := &pieces{size: func() int { return 2 }}
	scan := func() {
		p.body = body
		if err := s.ResetReader(p); err != nil {
			t.Error(err)
		}
		for s.Next() {
			if s.Number() == 2 && string(s.Cell(1)) != "4" {
				t.Error("another cell")
			}
		}
		if s.Number() != 2 || s.Err() != nil {
			t.Error(s.Number(), s.Err())
		}
	}
	require.NoError(t, s.Reset(body))
	require.Zero(t, testing.AllocsPerRun(10, scan))
	require.Len(t, s.window.buffer, windowSize)
}

// A row costs in proportion to its length, in however small pieces it comes: its
// bytes are not scanned again for each piece.
func TestLongRowsAreLinear(t *testing.T) {
	const size = 4 << 20
	for name, cell := range map[string]string{"quoted": `"` + strings.Repeat("a word, ", size/8) + `"`, "bare": strings.Repeat("word", size/4)} {
		for _, body := range []string{"a,b\n" + cell + ",2\n", cell + ",2\n" + "a,b\n"} { // as a row, as a header
			var s Scanner
			scanned, last := 0, 0
			// Between two changes of s.body all of it is scanned once.
			p := &pieces{[]byte(body), func() int {
				if len(s.body) != last {
					last = len(s.body)
					scanned += last
				}
				return 512
			}}
			require.NoError(t, s.ResetReader(p))
			require.True(t, s.Next())
			require.False(t, s.Next())
			require.NoError(t, s.Err())
			require.Greater(t, scanned, size/2, name)
			require.Less(t, scanned, 3*size, name)
		}
	}
}
