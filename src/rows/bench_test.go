package rows

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
)

// shape is one kind of body that the scanner meets.
type shape struct {
	name  string
	rows  int
	plain int  // plain columns; as many __mv_ columns follow, all empty
	raw   int  // bytes of log text in column 1, 0 = none
	lines bool // the log text has lines of some 40 bytes, with quotes
	picks []int
}

// shapes are the bodies of the benchmarks, of the sizes that issue 6 measures.
var shapes = []shape{
	{"events", 50_000, 48, 700, false, []int{0, 5, 11, 12, 25, 26, 40}},
	{"short-cells", 50_000, 48, 0, false, []int{0, 5, 11, 12, 25, 26, 40}},
	{"many-lines", 20_000, 24, 1500, true, []int{0, 2, 11, 12, 20}},
	{"tstats", 50_000, 8, 0, false, []int{0, 1, 2, 3, 4}},
}

// body makes the same text at each call.
func (sh shape) body() []byte {
	r := rand.New(rand.NewPCG(1, 2))
	var b []byte
	for _, prefix := range []string{"", multiPrefix} {
		for c := range sh.plain {
			if len(b) > 0 {
				b = append(b, ',')
			}
			b = AppendCell(b, fmt.Appendf(nil, "%sfield%d", prefix, c))
		}
	}
	b = append(b, '\n')
	var cell []byte
	for range sh.rows {
		for c := range sh.plain {
			cell = cell[:0]
			switch {
			case c == 0:
				cell = fmt.Appendf(cell, "%d.%03d", 1_780_000_000+r.IntN(1e6), r.IntN(1000))
			case c == 1 && sh.raw > 0:
				for len(cell) < sh.raw {
					cell = fmt.Appendf(cell, "%d,10.0.%d.%d,allow,,web browsing,", r.IntN(1e6), r.IntN(256), r.IntN(256))
					if sh.lines {
						cell = append(cell, "\n\t\"Security\", "...)
					}
				}
			case c%6 == 0 || c == 1:
				cell = fmt.Appendf(cell, "192.0.2.%d", r.IntN(256))
			case c%6 == 2 || c%6 == 3:
				cell = fmt.Appendf(cell, "%d", r.IntN(65536))
			case c%6 == 4:
				cell = append(cell, "zone-inside to outside: rule"[:10+r.IntN(18)]...)
			case c%6 == 5 && r.IntN(3) > 0:
				cell = append(cell, "allowed"...)
			}
			if c > 0 {
				b = append(b, ',')
			}
			b = AppendCell(b, cell)
		}
		b = append(b, strings.Repeat(",", sh.plain)...)
		b = append(b, '\n')
	}
	return b
}

// BenchmarkScan compares ways to read a body: go test -run - -bench Scan ./src/rows
func BenchmarkScan(b *testing.B) {
	for _, sh := range shapes {
		body := sh.body()
		b.Run(sh.name+"/encoding-csv", func(b *testing.B) {
			b.SetBytes(int64(len(body)))
			for b.Loop() {
				r := csv.NewReader(bytes.NewReader(body))
				r.ReuseRecord = true
				for {
					if _, err := r.Read(); err == io.EOF {
						break
					} else if err != nil {
						b.Fatal(err)
					}
				}
			}
		})
		b.Run(sh.name+"/byte-by-byte", func(b *testing.B) {
			b.SetBytes(int64(len(body)))
			seps := make([]int, 0, 1000)
			for b.Loop() {
				for pos := 0; pos < len(body); {
					t, err := readRow(body, pos, seps)
					if err != nil {
						b.Fatal(err)
					}
					pos = t.next
				}
			}
		})
		for _, picks := range [][]int{nil, sh.picks} {
			b.Run(fmt.Sprintf("%s/words/picks=%d", sh.name, len(picks)), func(b *testing.B) {
				b.SetBytes(int64(len(body)))
				var s Scanner
				for b.Loop() {
					if err := s.Reset(body); err != nil {
						b.Fatal(err)
					}
					s.Pick(picks)
					for s.Next() {
					}
					if s.Err() != nil || s.Number() != sh.rows {
						b.Fatal(s.Err(), s.Number())
					}
				}
			})
		}
	}
}
