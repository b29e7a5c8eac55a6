package replay

import (
	"bytes"
	"compress/gzip"
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"tordetect/src/replay/recorded"
)

func TestGzipAndZeekHead(t *testing.T) {
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	_, err := w.Write([]byte("#separator \\x09\n#set_separator\t,\n#fields\tts\tuid\n#types\ttime\tstring\n1763633730.5\tC1\n# a remark\n1763633731.5\tC2\n#close\t2026\n"))
	require.NoError(t, err)
	require.NoError(t, w.Close())
	c := newCollector(t, false)
	summary, err := Run(context.Background(), newHEC(t, c, nil), dataset(t, "conn.log.gz", packed.Bytes(), recorded.Meta{}), quick(nil))
	require.NoError(t, err)
	require.Equal(t, map[string]int{"1763633730.5\tC1": 1, "# a remark": 1, "1763633731.5\tC2": 1}, c.arrived)
	require.EqualValues(t, 5, summary.Skipped)

	// Cut: what came before is sent, and the rest is said to be missing.
	c = newCollector(t, false)
	summary, err = Run(context.Background(), newHEC(t, c, nil), dataset(t, "conn.log.gz", packed.Bytes()[:packed.Len()-12], recorded.Meta{}), quick(nil))
	require.ErrorContains(t, err, "conn.log.gz, line")
	require.ErrorContains(t, err, "unexpected EOF")
	require.Equal(t, Incomplete, summary.Delivery())
}

// Nothing to send is all sent.
func TestEmptyFile(t *testing.T) {
	summary, err := Run(context.Background(), newHEC(t, newCollector(t, true), nil), dataset(t, "empty.log", nil, recorded.Meta{}), quick(func(o *Options) { o.ShiftToNow = true }))
	require.NoError(t, err)
	require.Zero(t, summary.Requests)
	require.True(t, summary.Complete)
}

// TestSpread: JSON over several lines is sent as it is, but not without a word.
func TestSpread(t *testing.T) {
	for text, want := range map[string]bool{"{\n \"a\": 1\n}\n": true, "\n[\n {\"a\":1}\n]": true, "[{\r\n\"a\":1}]\n": true,
		"{\"a\":1}\n{\"a\":2}\n": false, "[2026] x\n": false, "{": false, "": false, "\n\n": false} {
		told := false
		_, err := Run(context.Background(), newHEC(t, newCollector(t, false), nil), dataset(t, "x.json", []byte(text), recorded.Meta{}), quick(func(o *Options) {
			o.Note = func(note string) { told = told || strings.Contains(note, "x.json looks like JSON over several lines") }
		}))
		require.NoError(t, err)
		require.Equal(t, want, told, text)
	}
}
