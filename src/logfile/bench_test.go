package logfile

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func BenchmarkRead(b *testing.B) {
	for _, name := range []string{"pan 61", "pan 115", "zeek", "zeek json", "suricata", "csv", "json"} {
		b.Run(name, func(b *testing.B) {
			text := generate(name, 1, 20000)
			l := New(Options{})
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				require.NoError(b, l.Read("x", strings.NewReader(text), func(*Chunk) error { return nil }))
			}
			require.EqualValues(b, 20000*int64(l.Files), l.Rows)
			b.ReportMetric(float64(len(text))/20000, "B/line")
		})
	}
}
