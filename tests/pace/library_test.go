package pace_test

import (
	"bytes"
	"testing"

	"tordetect/src/chunked"
	"tordetect/src/rows"
	"tordetect/tests/pace"
)

// Packages chunked and rows import nothing of ours, so their parsers are held to a pace
// here: frames and their getinfo.
func FuzzFrames(f *testing.F) {
	f.Add([]byte("chunked 1.0,20,0\n{\"action\":\"getinfo\"}chunked 1.0,37,4\n{\"action\":\"execute\",\"finished\":true}a\n1\n"))
	f.Add([]byte("chunked 1.0,2,0\n{}"))
	f.Fuzz(func(t *testing.T, stream []byte) {
		pace.Hold(t, stream, func(stream []byte) {
			for r := chunked.NewReader(bytes.NewReader(stream)); ; {
				if _, _, err := r.Next(); err != nil {
					return
				}
			}
		})
	})
}

// And rows with their lists.
func FuzzRows(f *testing.F) {
	f.Add([]byte("a,__mv_a\n\"1\n2\",\"$1$;$2$\"\n"))
	f.Add([]byte("a,b,c\n1,\"\"\"\",\n,,\n"))
	f.Fuzz(func(t *testing.T, body []byte) {
		pace.Hold(t, body, func(body []byte) {
			var s rows.Scanner
			var l rows.List
			if s.Reset(body) != nil {
				return
			}
			out := rows.NewOutput([]rows.Field{{Name: "tor_host"}, {Name: "tor_evidence", List: true}})
			out.Bind(&s)
			reply := out.AppendHeader(nil)
			cells := []rows.Cell{{Plain: []byte("x")}, {Plain: []byte("y")}}
			for s.Next() {
				for i := range min(len(s.Names()), 64) {
					if l.Parse(s.Cell(i)) == nil {
						reply = l.AppendMulti(reply)
					}
				}
				reply = out.AppendRow(reply, &s, cells)
			}
		})
	})
}
