package terminal

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"tordetect/src/text"
)

// evil is text that plays with a terminal in all the ways there are.
const evil = "a\x1b[31m\u009b\u202e\"b\\,\x7f\xffc\U000e0001\ufeff"

func TestSay(t *testing.T) {
	for text, want := range map[string]string{
		"fine":              "torctl: fine\n",
		"one\n\n  two \nx":  "torctl: one; two; x\n",
		evil:                "torctl: a?[31m??\"b\\,??c??\n",
		"\r\x00read\u2066x": "torctl: ?read?x\n",
	} {
		var out, err bytes.Buffer
		New(&out, &err).Say("%s", text)
		require.Empty(t, out.String())
		require.Equal(t, want, err.String())
	}
}

func TestRows(t *testing.T) {
	columns := []string{"ip", "port", "reason"}
	rows := [][]any{{"192.0.2.1", 9001, "a, b"}, {"x\x1b", int64(0), "é"}}
	for form, want := range map[string]string{
		FormJSON: `{"ip":"192.0.2.1","port":9001,"reason":"a, b"}` + "\n" + `{"ip":"x\u001b","port":0,"reason":"é"}` + "\n",
		FormCSV:  "ip,port,reason\n192.0.2.1,9001,\"a, b\"\nx?,0,é\n",
		FormTable: "┌───────────┬──────┬────────┐\n│ ip        │ port │ reason │\n├───────────┼──────┼────────┤\n" +
			"│ 192.0.2.1 │ 9001 │ a, b   │\n│ x?        │ 0    │ é      │\n└───────────┴──────┴────────┘\n",
	} {
		var out bytes.Buffer
		require.NoError(t, New(&out, nil).Rows(form, columns, rows))
		require.Equal(t, want, out.String())
		require.ErrorContains(t, New(full{}, nil).Rows(form, columns, rows), "write the output: no space left")
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("no space left") }

// A table leaves out columns until it fits, those of the highest rank first.
func TestFitting(t *testing.T) {
	columns := []Column{{"verdict", 0, 9}, {"state", 3, 9}, {"ours", 0, 9}, {"last", 5, 30}, {"first", 1, 30}}
	row := []string{"tor", "established", "192.0.2.1", "2026-11-20T12:00:00Z", "2026-11-20T12:00:00Z"}
	for width, want := range map[int][]int{0: {0, 1, 2, 3, 4}, 81: {0, 1, 2, 3, 4}, 80: {0, 1, 2, 4}, 58: {0, 1, 2, 4}, 57: {0, 2, 4}, 46: {0, 2, 4}, 45: {0, 2}, 3: {0, 2}} {
		require.Equal(t, want, fitting(columns, [][]string{row}, width), width)
	}
}

func TestParagraph(t *testing.T) {
	long := strings.Repeat("p", 100)
	require.Equal(t, "  "+strings.Repeat("word ", 16)+"word\n  word\n", New(nil, nil).Paragraph("  ", strings.Repeat("word ", 18)))
	require.Equal(t, "  see\n  "+long+"\n  there?\n", New(nil, nil).Paragraph("  ", "see "+long+" there\x1b"))
}

// JSON loses nothing and shows nothing.
func FuzzAppendJSON(f *testing.F) {
	f.Add([]byte(evil))
	f.Add([]byte("plain"))
	f.Add([]byte("eight or more of printable ASCII"))
	for _, c := range "\x00\x1f\x7f" {
		f.Add([]byte("sixteen or" + string(c) + " more"))
	}
	f.Fuzz(func(t *testing.T, value []byte) {
		out := AppendJSON(nil, value)
		var back string
		require.NoError(t, json.Unmarshal(out, &back), "%q", out)
		require.Equal(t, strings.ToValidUTF8(string([]rune(string(value))), "\ufffd"), back)
		shown, _ := PrintableCell(value, nil)
		require.Equal(t, text.Printable(strings.ReplaceAll(string(value), "\n", ";")), string(shown))
		for _, r := range string(out) + string(shown) {
			require.False(t, text.Plays(r) && r != utf8.RuneError)
		}
	})
}

// A bar without a terminal is a line at most.
func TestBarWithoutTerminal(t *testing.T) {
	var err bytes.Buffer
	b := New(nil, &err).Bytes(0)
	b.Of(1 << 40)
	b.Begin("x")
	b.Set(5)
	require.Equal(t, strings.NewReader("x"), b.Count(strings.NewReader("x")))
	b.Note("lines\x1b\nof two")
	b.Done()
	next, done := New(nil, &err).Files(5)
	next("a")
	done()
	require.Equal(t, "torctl: lines?; of two\n", err.String())
}
