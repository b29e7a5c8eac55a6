package logfile

import (
	"bytes"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/require"

	"tordetect/src/rows"
)

// fuzzFormat reads anything as one format. Whatever it is, the chunks are CSV that
// the search command takes, with as many rows as they say and lines in order; and
// it does not matter in how many pieces the text arrives.
func fuzzFormat(f *testing.F, format Format, seeds ...string) {
	for _, seed := range seeds {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		l := New(Options{Format: format, Now: time.Unix(noon, 0)})
		var bodies, again []byte
		last := int64(0)
		require.NoError(t, l.Read("x", bytes.NewReader(text), func(c *Chunk) error {
			bodies = append(bodies, c.Body...)
			var s rows.Scanner
			require.NoError(t, s.Reset(c.Body))
			place := len(s.Names()) - 1
			s.Pick([]int{place})
			for s.Next() {
				if s.Names()[place] != "log_line" || c.Format == CSV && l.csv.traced {
					continue
				}
				line, err := strconv.ParseInt(string(s.Cell(place)), 10, 64)
				require.NoError(t, err)
				require.Greater(t, line, last)
				last = line
			}
			require.NoError(t, s.Err(), "%q", c.Body)
			require.Equal(t, c.Rows, s.Number())
			return nil
		}))
		require.LessOrEqual(t, l.Rows+l.Unreadable+l.Other, l.Lines)
		require.LessOrEqual(t, len(l.Complaints.Kept()), keptComplaints*int(Kinds))

		pieces := New(Options{Format: format, Now: time.Unix(noon, 0)})
		require.NoError(t, pieces.Read("x", iotest.HalfReader(iotest.OneByteReader(bytes.NewReader(text))), func(c *Chunk) error {
			again = append(again, c.Body...)
			return nil
		}))
		require.Equal(t, string(bodies), string(again))
		require.Equal(t, l.Counts, pieces.Counts)
		require.Equal(t, l.Complaints, pieces.Complaints)
	})
}

func FuzzPAN(f *testing.F) {
	fuzzFormat(f, PAN, generate("pan 61", 1, 2), generate("pan sys", 1, 1), strings.Replace(sample.panLine(61), "Outbound_Allow", `"a,""b"`, 1), ",TRAFFIC,,\"")
}

func FuzzZeek(f *testing.F) {
	fuzzFormat(f, Zeek, generate("zeek", 1, 2), generate("zeek json", 1, 2), "#separator \\x2c\n#fields,ts,id.orig_h,id.resp_h\n1,2,\\x0a\"", "#fields\tts\tid.orig_h\tid.resp_h\n1\t\xff,\"\t\\x")
}

func FuzzSuricata(f *testing.F) {
	fuzzFormat(f, Suricata, generate("suricata", 1, 2), `{"event_type":"dns","timestamp":"2026-11-20T12:00:00Z","dns":{"queries":[{"rrname":"a\ud800\n"},{"rrname":[1,"x\\"]}]}}`)
}

func FuzzCSV(f *testing.F) {
	fuzzFormat(f, CSV, generate("csv", 1, 2), "src_ip,x\n\"a\n\"\"b\",\"\n", "src_ip,log_line\na,b\n", "\"src_ip\"\r\n\r\n\"a\rb\"\r\n")
}

func FuzzJSON(f *testing.F) {
	fuzzFormat(f, JSON, generate("json", 1, 2), `{"result":{"src_ip":["a",["b"],{"c":"d"},null,1.5e3,"\""]}}`)
}

func FuzzAuto(f *testing.F) {
	var seeds []string
	for name := range generators {
		seeds = append(seeds, generate(name, 1, 1))
	}
	fuzzFormat(f, Auto, append(seeds, string([]byte{0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff}), "\xef\xbb\xbfsrc_ip\na\n")...)
}

// Cells are counted as package rows counts them, and refused as it refuses them.
func FuzzCells(f *testing.F) {
	for _, seed := range []string{"", "a,b", `"a,b",c`, `"a""b"`, `"a"b`, `a"b`, `"`, `,`, `"",""`, `"a`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, row []byte) {
		if bytes.IndexByte(row, '\n') >= 0 || bytes.HasSuffix(row, []byte("\r")) || len(row) == 0 {
			t.Skip("no row by itself")
		}
		var s rows.Scanner
		err := s.Reset(row)
		n, ok := countCells(row)
		require.Equal(t, err == nil, ok, "%v", err)
		if !ok {
			return
		}
		require.Len(t, s.Names(), n)
		for i, name := range s.Names() {
			cell, _ := rows.Value(cellAt(row, i), nil)
			require.Equal(t, name, string(cell))
		}
	})
}

// split and splitQuoted agree with plain ways to do the same.
func FuzzSplit(f *testing.F) {
	f.Add([]byte("a,b,,c"), byte(','), 3)
	f.Add([]byte("\x80\x81\x00\xff,12345678,,,,,,,,,"), byte(','), 100)
	f.Fuzz(func(t *testing.T, line []byte, separator byte, n int) {
		n = 1 + (n&0x7fffffff)%maxFields
		var got fields
		got.split(line, separator, n)
		want := bytes.Split(line, []byte{separator})
		require.Equal(t, min(len(want), n), got.count)
		for i := range got.count {
			require.Equal(t, string(want[i]), string(got.at(i)))
		}
		if bytes.IndexByte(line, '"') < 0 {
			var quoted fields
			quoted.splitQuoted(line, n)
			got.split(line, ',', n)
			require.Equal(t, got.count, quoted.count)
			require.Equal(t, got.ends[:got.count], quoted.ends[:got.count])
		}
	})
}

// Times are what package time makes of them, where both read them.
func FuzzTimes(f *testing.F) {
	for _, seed := range []string{"2026/11/20 12:00:00", "2026-11-20T12:00:00.123456+0100", "2026-11-20T12:00:00Z", "1795176000.5", "2026/02/30 00:00:00", "9.5e-05"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		c := clock{zone: time.UTC}
		if at, ok := c.palo([]byte(text)); ok {
			if want, err := time.Parse("2006/01/02 15:04:05", strings.Replace(text, ":60", ":59", 1)); err == nil && !strings.HasSuffix(text, ":60") {
				require.Equal(t, want.Unix(), at)
			}
			twice, _ := c.palo([]byte(text))
			require.Equal(t, at, twice)
		}
		if micros, ok := c.iso([]byte(text)); ok && strings.HasSuffix(text, "Z") {
			if want, err := time.Parse(time.RFC3339Nano, strings.Replace(text, " ", "T", 1)); err == nil {
				require.Equal(t, want.UnixMicro(), micros)
			}
		}
		if micros, ok := decimal([]byte(text)); ok {
			require.GreaterOrEqual(t, micros, int64(0))
			back, ok := decimal(appendSeconds(nil, micros))
			require.True(t, ok)
			require.Equal(t, micros, back)
		}
	})
}
