package terminal

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
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

// A table leaves out columns until it fits, those of the highest rank first, and
// names them; where those that stay do not fit, rows become lines.
func TestTable(t *testing.T) {
	alarm := func(string) Tone { return Alarm }
	columns := []Column{{"verdict", 0, 9, alarm}, {"state", 3, 0, nil}, {"ours", 0, 9, nil}, {"last", 5, 0, nil}, {"first", 1, 0, nil}}
	row := []string{"tor", "established", "192.0.2.1", "2026-11-20T12:00:00Z", evil}
	row2 := []string{"tor", "", "192.0.2.2", "", "2026-11-20T12:00:00Z"}
	draw := func(width int, colours bool) (left []string, drawn string) {
		var out bytes.Buffer
		left, err := Of(&out, nil, width, colours).Table(columns, [][]string{row, row2})
		require.NoError(t, err)
		return left, out.String()
	}
	for width, want := range map[int][]string{0: nil, 83: nil, 82: {"last"}, 60: {"last"}, 59: {"state", "last"}, 46: {"state", "last"}, 45: {"state", "last", "first"}, 23: {"state", "last", "first"}} {
		left, drawn := draw(width, false)
		require.Equal(t, want, left, width)
		for line := range strings.Lines(drawn) {
			require.True(t, width == 0 || utf8.RuneCountInString(strings.TrimSpace(line)) <= width, "%d: %s", width, line)
		}
	}
	left, drawn := draw(22, false)
	require.Empty(t, left)
	require.Equal(t, "verdict: tor\nstate:   established\nours:    192.0.2.1\nlast:    2026-11-20T12:00:00Z\nfirst:   a?[31m??\"b\\,??c??\n\n"+
		"verdict: tor\nstate:   -\nours:    192.0.2.2\nlast:    -\nfirst:   2026-11-20T12:00:00Z\n", drawn)

	// Colours take no room, and are the terminal's own.
	for _, width := range []int{22, 60, 0} {
		_, plain := draw(width, false)
		_, coloured := draw(width, true)
		require.Equal(t, 2, strings.Count(coloured, "\x1b[1;31mtor\x1b[0m"))
		require.Equal(t, plain, strings.ReplaceAll(strings.ReplaceAll(coloured, "\x1b[1;31m", ""), "\x1b[0m", ""))
	}
}

// What is no terminal gets no colour, and no width.
func TestNoTerminal(t *testing.T) {
	f, err := os.Create(filepath.Join(t.TempDir(), "out"))
	require.NoError(t, err)
	defer f.Close()
	for _, out := range []io.Writer{nil, f, &bytes.Buffer{}} {
		require.Equal(t, "tor", New(out, nil).Toned(Alarm, "tor"))
		require.Zero(t, New(out, nil).Width())
	}
}

func TestParagraph(t *testing.T) {
	long := strings.Repeat("p", 100)
	require.Equal(t, "of two lines?\n", New(nil, nil).Paragraph("", "of\ntwo\u2028lines\x1b\n"))
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

// CSV is opened in spreadsheets, also in those that part cells at semicolons.
func TestRowsAsCSV(t *testing.T) {
	var out bytes.Buffer
	rows := [][]any{{"=1+1", "a;=1+1", 5}, {`say "x", y`, " @x", -5}, {"plain", "", "-"}, {evil, "two\nlines", 1.5}}
	require.NoError(t, Of(&out, nil, 0, false).Rows(FormCSV, []string{"a", "b", "c"}, rows))
	require.Equal(t, "a,b,c\n'=1+1,\"a;=1+1\",5\n\"say \"\"x\"\", y\",' @x,-5\nplain,,-\n\"a?[31m??\"\"b\\,??c??\",two?lines,1.5\n", out.String())
}
