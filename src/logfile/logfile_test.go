package logfile

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"

	"tordetect/src/event"
	"tordetect/src/format"
)

// Every format is found by itself, in one piece or byte by byte, plain or gzip in two
// parts, with a mark at its beginning and CRLF.
func TestForms(t *testing.T) {
	const n = 3000
	for name, k := range kinds {
		t.Run(name, func(t *testing.T) {
			text := k.file(n)
			events, l := read(t, Options{}, text)
			require.Empty(t, complaints(l))
			require.Len(t, events, n)
			require.EqualValues(t, strings.Count(text, "\n"), l.Lines)
			first := int64(strings.Count(k.head, "\n")) + 1
			for i, e := range events {
				require.Equal(t, fmt.Sprint(first+int64(i), " 198.51.100.7 ", 1000+i), fmt.Sprint(e.line, " ", e.dest, " ", e.port))
			}
			told, _ := read(t, Options{Format: k.format}, text)
			require.Equal(t, events, told)

			small := k.file(200)
			want, _ := read(t, Options{}, small)
			pieces, _ := readFrom(t, Options{}, iotest.OneByteReader(strings.NewReader(small)))
			require.Equal(t, want, pieces)
			packed, l := read(t, Options{}, gzipped(t, small[:1000])+gzipped(t, small[1000:]))
			require.Empty(t, complaints(l))
			require.Equal(t, want, packed)
			crlf, l := read(t, Options{}, "\xef\xbb\xbf"+strings.ReplaceAll(small, "\n", "\r\n"))
			require.Empty(t, complaints(l))
			require.Equal(t, want, crlf)
			open, _ := read(t, Options{}, strings.TrimSuffix(small, "\n"))
			require.Equal(t, want, open, "without a last line end")
		})
	}
}

// CSV as outputcsv writes it: lists twice, line ends in cells, the header again behind
// files that were put together.
func TestCSV(t *testing.T) {
	events, l := read(t, Options{}, "\"_time\",\"dest_ip\",\"_raw\",\"__mv_dest_ip\"\n1795176000,\"10.0.0.1\n10.0.0.2\",\"a \"\"b\"\",\nc\",\"$10.0.0.1$;$10.0.0.2$\"\n1795176001,10.0.0.3,d,\n")
	require.Empty(t, complaints(l))
	require.Equal(t, []int64{2, 5}, numbers(events))
	require.Equal(t, "10.0.0.1\n10.0.0.2", events[0].dest)
	events, l = read(t, Options{}, "All_Traffic.dest,x\n192.0.2.1,1\nAll_Traffic.dest,x\n192.0.2.2,2\n\n192.0.2.3,3\n")
	require.Empty(t, complaints(l))
	require.Equal(t, []int64{2, 4, 6}, numbers(events))
	_, l = read(t, Options{Format: format.CSV}, "a,b\n1,2\n")
	require.Equal(t, []string{"unknown format: x.log: " + csvNoHeader.text}, complaints(l))
}

// Kinds of lines that are no flows are counted, as far as there is room, and a file
// that has nothing else is named.
func TestKinds(t *testing.T) {
	var b strings.Builder
	for i := range maxKinds + 50 {
		fmt.Fprintf(&b, "{\"event_type\":\"kind%d\"}\n", i)
	}
	_, l := read(t, Options{}, b.String())
	require.Len(t, l.Kinds, maxKinds+1)
	require.EqualValues(t, 50, l.Kinds["lines of more kinds"])
	require.EqualValues(t, maxKinds+50, l.Other())
	require.Equal(t, []string{"x.log"}, l.Flowless)
	require.Zero(t, l.BadFiles)
	_, l = read(t, Options{}, "")
	require.Empty(t, l.Flowless, "an empty file is a log of nothing")
}

// The error of who takes events ends the work at once.
func TestCallbackError(t *testing.T) {
	for name, text := range map[string]string{
		"lines": kinds["pan"].file(5), "csv": kinds["csv"].file(5), "document": "[" + strings.TrimSuffix(strings.ReplaceAll(kinds["json"].file(5), "\n", ","), ",") + "]",
	} {
		calls, stop := 0, errors.New("stop")
		err := New(Options{}).Read("x", strings.NewReader(text), func(*event.Event, int64) error { calls++; return stop })
		require.ErrorIs(t, err, stop, name)
		require.Equal(t, 1, calls, name)
	}
}

// Each file begins anew: what was known of the one before, its head above all, is
// forgotten.
func TestFiles(t *testing.T) {
	l := New(Options{})
	n := 0
	for _, text := range []string{kinds["zeek"].file(2), kinds["pan"].file(2), kinds["csv"].file(2), kinds["suricata"].file(2), kinds["zeek"].line(1)} {
		require.NoError(t, l.Read("x", strings.NewReader(text), func(*event.Event, int64) error { n++; return nil }))
	}
	require.Equal(t, 9, n)
	require.Equal(t, 5, l.Files)
	require.Empty(t, l.Complaints.Kept())
}
