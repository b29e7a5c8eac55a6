package threeways

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"
)

// Whatever one reads, all read: any text as a line of a file and as _raw, and what a
// file holds first is what _raw says.
func FuzzThreeWays(f *testing.F) {
	r := newSource(5)
	for _, s := range shapes() {
		for range 3 {
			f.Add([]byte(s.make(r).line))
		}
	}
	for _, text := range []string{
		"", "{", "{}", `{"src_ip":`, `[{"dest_ip":"198.51.100.1","dest_port":9001}]`, `["x"]`, "#fields\tts\tid.orig_h", "#", "src_ip,dest_ip", "\xef\xbb\xbf{}",
		`{"event":{"event":{"event":{"event":{"dest_ip":"198.51.100.1"}}}}}`, `{"message":"{\"message\":\"{\\\"dest_ip\\\":\\\"198.51.100.1\\\"}\"}"}`,
		`{"results":[{"dest_ip":"198.51.100.1"}]}`, `{"result":{"dest_ip":"198.51.100.1"},"preview":true}`, ",,TRAFFIC,", `{"dest_ip":"198.51.100.1"}{"dest_ip":"198.51.100.2"}`,
	} {
		f.Add([]byte(text))
	}
	folder := ways{}
	folder.lookups(f)
	f.Fuzz(func(t *testing.T, text []byte) {
		if bytes.ContainsAny(text, "\n\x00") || len(text) > 1<<16 {
			t.Skip("several lines, or what no log has")
		}
		w := folder
		read, _ := w.text(t, string(text)+"\n")
		raw := w.judged(t, asRaw([]event{{line: string(text)}}, false))
		if len(raw) == 0 { // an empty row
			require.Empty(t, read)
			return
		}
		want := answer{nothing: true}
		if len(read) > 0 {
			want = read[0].answer
		}
		if !want.agrees(raw[0]) {
			t.Fatalf("%q:\nfile %v\n_raw %v", text, want, raw[0])
		}
	})
}
