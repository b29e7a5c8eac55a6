package logfile

import (
	"bytes"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/require"

	"tordetect/src/event"
	"tordetect/src/format"
	"tordetect/src/rows"
	"tordetect/tests/pace"
)

// Any bytes, as each format or none: every line is an event, unreadable, of another
// kind or nothing; lines are in order; complaints are bounded; and it does not matter
// in how many pieces the text arrives.
func FuzzFiles(f *testing.F) {
	for _, k := range kinds {
		f.Add(uint8(k.format), []byte(k.file(2)))
		f.Add(uint8(format.Auto), []byte(k.file(1)))
	}
	for _, text := range []string{"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff", "\xef\xbb\xbfsrc_ip\na\n", "\"src_ip\"\r\n\r\n\"a\rb\"\r\n", "src_ip,x\n\"a\n\"\"b\",\"\n", `[{"src_ip":1},"x",[`, `{"results":[{"src_ip":"a"}]}`, "{\n}"} {
		f.Add(uint8(format.Auto), []byte(text))
	}
	f.Fuzz(func(t *testing.T, of uint8, text []byte) {
		if bytes.HasPrefix(text, []byte{0x1f, 0x8b}) && len(text) > 1<<12 {
			t.Skip("what is packed may be large")
		}
		options := Options{Format: format.Format(of) % format.Formats, Now: time.Unix(1795176000, 0)}
		pace.Hold(t, text, func(text []byte) {
			require.NoError(t, New(options).Read("x", bytes.NewReader(text), func(*event.Event, int64) error { return nil }))
		})
		readAll := func(pieces bool) (*Log, []got) {
			src := iotest.DataErrReader(bytes.NewReader(text))
			if pieces {
				src = iotest.HalfReader(iotest.OneByteReader(bytes.NewReader(text)))
			}
			l, last := New(options), int64(0)
			var out []got
			require.NoError(t, l.Read("x", src, func(e *event.Event, line int64) error {
				require.Greater(t, line, last)
				last = line
				out = append(out, got{line: line, dest: string(e.Text(event.Destination, nil)), source: string(e.Text(event.Source, nil))})
				return nil
			}))
			return l, out
		}
		l, events := readAll(false)
		require.LessOrEqual(t, len(l.Complaints.Kept()), keptComplaints*int(Kinds))
		require.EqualValues(t, len(events), l.Events)
		again, same := readAll(true)
		require.Equal(t, events, same)
		require.Equal(t, l.Counts, again.Counts)
		require.Equal(t, l.Complaints, again.Complaints)
	})
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
		if ok {
			require.Len(t, s.Names(), n)
		}
	})
}
