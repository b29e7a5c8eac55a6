package wire

import (
	"strings"
	"testing"

	"tordetect/tests/splunkd/spl"
)

// What is written as a body is read back as it was.
func FuzzBodyRoundTrip(f *testing.F) {
	f.Add("src ip", "a\"b\nc", "x", "$;$")
	f.Add("__x", "", "\x00\xff", "\r\n")
	f.Add("_time", "1627354345.934", "a$", "$b")
	f.Fuzz(func(t *testing.T, name, single, first, second string) {
		if name == "" || strings.HasPrefix(name, multiPrefix) || name == "l" {
			t.Skip("no such field name")
		}
		in := []spl.Row{{name: spl.One(single), "l": {first, second}}, {}}
		out, err := DecodeBody(AppendBody(nil, []string{name, "l"}, in))
		if err != nil {
			t.Fatal(err)
		}
		if len(out.Rows) != 2 || out.Columns[0] != name || out.Rows[0].Get(name) != single {
			t.Fatalf("%q came back as %q", in, out.Rows)
		}
		if list := out.Rows[0]["l"]; len(list) != 2 || list[0] != first || list[1] != second {
			t.Fatalf("%q, %q came back as %q", first, second, list)
		}
	})
}

// Replies are hostile: no body may do more than be refused.
func FuzzDecodeBody(f *testing.F) {
	f.Add([]byte("a,__mv_a\n\"x\ny\",$x$;$y$\n"))
	f.Add([]byte("a\r\n\"\r\n\"\r\n"))
	f.Add([]byte("a,b\n,\n"))
	f.Fuzz(func(t *testing.T, body []byte) {
		table, err := DecodeBody(body)
		if err == nil && len(body) > 0 && len(table.Rows) > strings.Count(string(body), "\n") {
			t.Fatalf("%d rows of %q", len(table.Rows), body)
		}
	})
}
