package rows

import (
	"bytes"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// FuzzSeparators holds what the processor's own instructions find against what it means,
// and that against a reading byte by byte.
func FuzzSeparators(f *testing.F) {
	for _, text := range []string{
		"",
		"a,b\n1,2\n",
		`"a,b",c"d,"""` + "\n",
		"\"\n,\n\"\n\xac\xa2\x8a\x2d\x2b\x23\x21\x0b\x09",
		strings.Repeat(",", 64) + strings.Repeat(`"`, 64) + strings.Repeat("\n", 64) + strings.Repeat("x", 64),
		strings.Repeat("x", 63) + `"` + strings.Repeat("x", 63) + `"` + `"`,
	} {
		f.Add([]byte(text), false, false, false)
		f.Add([]byte(text), true, true, false)
		f.Add([]byte(text), false, false, true)
	}
	f.Fuzz(func(t *testing.T, text []byte, inside, lastQuote, lastText bool) {
		checkSeparators(t, text, carried{inside: -bit(inside), lastQuote: bit(lastQuote), lastText: bit(lastText && !lastQuote && !inside)})
	})
}

// TestSeparatorsOfRandomBlocks covers what mutations hardly reach: several blocks, and
// all places in them.
func TestSeparatorsOfRandomBlocks(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for range 2000 {
		text := make([]byte, r.IntN(10*blockLen))
		for i := range text {
			text[i] = "\"\"\",\nx\r\xac\xa2\x8a"[r.IntN(10)]
		}
		checkSeparators(t, text, carried{inside: -r.Uint64N(2)})
	}
}

func bit(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}

func checkSeparators(t *testing.T, text []byte, begin carried) {
	for len(text) == 0 || len(text)%blockLen > 0 {
		text = append(text, '\n')
	}
	original := bytes.Clone(text)
	const from = 70
	room := func() ([]int32, []int32) {
		return append(make([]int32, 0, len(text)+4), -1), append(make([]int32, 0, len(text)+1), 0)
	}
	wantAt, wantEnds := room()
	wantLast, gotLast := begin, begin
	wantAt, wantEnds = separatorsOf(wantAt, wantEnds, text, from, &wantLast)
	gotAt, gotEnds := room()
	gotAt, gotEnds = appendSeparators(gotAt, gotEnds, text, from, &gotLast)
	require.Equal(t, wantAt, gotAt)
	require.Equal(t, wantEnds, gotEnds)
	require.Equal(t, wantLast.bad != 0, gotLast.bad != 0)
	gotLast.bad = wantLast.bad
	require.Equal(t, wantLast, gotLast)
	require.Equal(t, original, text)

	at, ends, bad := []int32{-1}, []int32{0}, false
	in, lastQuote, lastText := begin.inside != 0, begin.lastQuote == 1, begin.lastText == 1
	for i, c := range text {
		isQuote := c == '"'
		in = in != isQuote
		isText := !in && !isQuote && c != ',' && c != '\n'
		if !in && c == '\n' {
			ends = append(ends, int32(len(at)))
		}
		if !in && (c == ',' || c == '\n') {
			at = append(at, int32(from+i))
		}
		bad = bad || isQuote && lastText || isText && lastQuote
		lastQuote, lastText = isQuote, isText
	}
	require.Equal(t, at, wantAt)
	require.Equal(t, ends, wantEnds)
	require.Equal(t, bad, wantLast.bad != 0)
}

// A row with far more cells than the header costs no memory for each.
func TestForgottenSeparators(t *testing.T) {
	var s Scanner
	body := []byte("a,b\n" + strings.Repeat("1,", 1<<20) + "\n")
	require.NoError(t, s.Reset(body))
	require.False(t, s.Next())
	require.EqualError(t, s.Err(), "row 1 at byte 4: number of cells differs from the header: found 1048577, want 2")
	require.Less(t, cap(s.part.at), 4*pieceLen)
}

// BenchmarkSeparators compares the two.
func BenchmarkSeparators(b *testing.B) {
	body := shapes[0].body()[:pieceLen]
	at, ends := make([]int32, 0, pieceLen+3), make([]int32, 0, pieceLen)
	for name, look := range map[string]func(at, ends []int32, blocks []byte, from int, last *carried) ([]int32, []int32){
		"portable": separatorsOf, "fast": appendSeparators,
	} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(pieceLen)
			var last carried
			for b.Loop() {
				look(at, ends, body, 0, &last)
			}
		})
	}
}
