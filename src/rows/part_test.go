package rows

import (
	"bytes"
	"math/rand/v2"
	"strings"
	"testing"

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
	if len(s.Names()) > 0 {
		s.Pick([]int{len(s.Names()) - 1})
	}
	for s.Next() {
		out.rows = append(out.rows, string(s.Row()))
		out.cells = append(out.cells, string(s.Cell(len(s.Names())-1)))
	}
}

// scanParts scans a body that arrives in pieces of the sizes that size gives.
func scanParts(body []byte, size func() int) (out scanned) {
	var s Scanner
	var buffer []byte
	begun := false
	for {
		n := min(size(), len(body))
		buffer = append(buffer, body[:n]...)
		body = body[n:]
		last := len(body) == 0
		if !begun {
			ok, err := s.ResetPart(buffer, last)
			if err != nil {
				out.err = err.Error()
				return out
			}
			if begun = ok; !ok {
				continue
			}
		} else {
			s.Continue(buffer, last)
		}
		out.take(&s)
		if s.Err() != nil {
			out.err = s.Err().Error()
			return out
		}
		if last {
			return out
		}
		if !s.More() {
			out.err = "stopped before the end without asking for more"
			return out
		}
		buffer = append([]byte(nil), s.Rest()...)
	}
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
