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
}

// shapes are the bodies of the benchmarks, of the sizes that issue 6 measures.
var shapes = []shape{
	{"events", 50_000, 48, 700, false},
	{"short-cells", 50_000, 48, 0, false},
	{"many-lines", 20_000, 24, 1500, true},
	{"tstats", 50_000, 8, 0, false},
}

// header makes the header row.
func (sh shape) header() []byte {
	var b []byte
	for _, prefix := range []string{"", multiPrefix} {
		for c := range sh.plain {
			if len(b) > 0 {
				b = append(b, ',')
			}
			b = AppendCell(b, fmt.Appendf(nil, "%sfield%d", prefix, c))
		}
	}
	return append(b, '\n')
}

// body makes the same text at each call.
func (sh shape) body() []byte {
	r := rand.New(rand.NewPCG(1, 2))
	b := sh.header()
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
		b.Run(sh.name+"/rows", func(b *testing.B) {
			b.SetBytes(int64(len(body)))
			var s Scanner
			for b.Loop() {
				if err := s.Reset(body); err != nil {
					b.Fatal(err)
				}
				for s.Next() {
				}
				if s.Err() != nil || s.Number() != sh.rows {
					b.Fatal(s.Err(), s.Number())
				}
			}
		})
	}
}

// BenchmarkReply reads a body and writes it with the fields of a search command
// added, none of which is in the input.
func BenchmarkReply(b *testing.B) {
	fields := []Field{{"verdict", false}, {"score", false}, {"evidence", true}, {"reason", false}, {"relay", true}, {"first_seen", false}}
	cells := make([]Cell, len(fields))
	for i := range cells[:3] {
		cells[i].Plain = []byte("none")
	}
	for _, sh := range shapes {
		body := sh.body()
		b.Run(sh.name, func(b *testing.B) {
			b.SetBytes(int64(len(body)))
			var s Scanner
			o := NewOutput(fields)
			reply := make([]byte, 0, 2*len(body))
			for b.Loop() {
				if err := s.Reset(body); err != nil {
					b.Fatal(err)
				}
				o.Bind(&s)
				reply = o.AppendHeader(reply[:0])
				for s.Next() {
					reply = o.AppendRow(reply, &s, cells)
				}
			}
		})
		b.Run(sh.name+"/copy", func(b *testing.B) { // what no reply can do without
			b.SetBytes(int64(len(body)))
			reply := make([]byte, 0, 2*len(body))
			for b.Loop() {
				reply = append(reply[:0], body...)
			}
		})
	}
}

func BenchmarkReset(b *testing.B) {
	body := shapes[0].header()
	b.SetBytes(int64(len(body)))
	var s Scanner
	for b.Loop() {
		if err := s.Reset(body); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkBind(b *testing.B) {
	var s Scanner
	if err := s.Reset(shapes[0].header()); err != nil {
		b.Fatal(err)
	}
	o := NewOutput([]Field{{"verdict", false}, {"score", false}, {"evidence", true}, {"field7", true}})
	for b.Loop() {
		o.Bind(&s)
	}
}

func BenchmarkValue(b *testing.B) {
	var scratch []byte
	for _, cell := range []string{"443", `"192.0.2.7"`, `"a ""quoted"" word"`} {
		raw := []byte(cell)
		b.Run(cell, func(b *testing.B) {
			for b.Loop() {
				_, scratch = Value(raw, scratch[:0])
			}
		})
	}
}

func BenchmarkAppendCell(b *testing.B) {
	var dst []byte
	for _, value := range []string{"443", "192.0.2.7", `a "quoted" word`} {
		raw := []byte(value)
		b.Run(value, func(b *testing.B) {
			for b.Loop() {
				dst = AppendCell(dst[:0], raw)
			}
		})
	}
}

func BenchmarkList(b *testing.B) {
	var l List
	cell := []byte(`"$198.51.100.9$;$192.0.2.1$;$a$$b$"`)
	b.Run("Parse", func(b *testing.B) {
		for b.Loop() {
			if err := l.Parse(cell); err != nil {
				b.Fatal(err)
			}
		}
	})
	var dst []byte
	b.Run("AppendPlain", func(b *testing.B) {
		for b.Loop() {
			dst = l.AppendPlain(dst[:0])
		}
	})
	b.Run("AppendMulti", func(b *testing.B) {
		for b.Loop() {
			dst = l.AppendMulti(dst[:0])
		}
	})
}
