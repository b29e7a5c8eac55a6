package logfile

import (
	"errors"
	"io"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/require"

	"tordetect/src/event"
	"tordetect/src/format"
)

// A bad line is named and counted, and what is around it is read.
func TestBadLines(t *testing.T) {
	pan, eve := kinds["pan"].line(0), kinds["suricata"].line(0)
	junk := "\x00\xff\x80\x01 junk \x1b[31m"
	for _, c := range []struct{ format, bad, want string }{
		{"pan", pan[:60], "cut line: x.log:2: the TRAFFIC line has fewer fields than all PAN-OS write: it was cut"},
		{"pan", junk, "unreadable line: x.log:2: the line is of no known format"},
		{"zeek", "1795168800.0\tC1\t10.0.0.5", "cut line: x.log:8: the row has fewer fields than the line #fields names"},
		{"zeek", kinds["zeek"].line(1) + "\tmore", "unreadable line: x.log:8: the row has more fields than the line #fields names"},
		{"zeek json", `{"id.orig_h":`, "cut line: x.log:2: broken JSON"},
		{"suricata", `{"flow":` + strings.Repeat("[", 500_000), "unreadable line: x.log:2: broken JSON"},
		{"suricata", strings.Repeat("[", 500_000), "unreadable line: x.log:2: the line is of no known format"},
		{"json", `{"a"}`, "unreadable line: x.log:2: broken JSON"},
		{"csv", "1,2,3", "cut line: x.log:3: the row has fewer cells than the header"},
		{"csv", "1,2,3,4,5,6", "unreadable line: x.log:3: the row has more cells than the header"},
		{"csv", `1,2,a"b,4,5"`, "unreadable line: x.log:3: a quote inside a bare cell, or text behind a closing quote"},
		{"csv", `1,2,"a"b`, "unreadable line: x.log:3: a quote inside a bare cell, or text behind a closing quote"},
		{"pan", strings.Repeat("x", 3<<20), "line too long: x.log:2: the line is longer than 1 MiB"},
		{"suricata", strings.Repeat(" ", 3<<20) + "{}", "line too long: x.log:2: the line is longer than 1 MiB"},
		{"csv", strings.Repeat("x", 3<<20), "line too long: x.log:3: the line is longer than 1 MiB"},
	} {
		t.Run(c.format, func(t *testing.T) {
			k := kinds[c.format]
			text := k.head + k.line(0) + "\n" + c.bad + "\n" + k.line(1) + "\n"
			events, l := read(t, Options{}, text)
			require.Equal(t, []string{c.want}, complaints(l))
			require.Len(t, events, 2)
			require.Equal(t, "1001", events[1].port)
			require.EqualValues(t, 1, l.Unreadable)
			require.Zero(t, l.BadFiles)

			events, l = read(t, Options{Strict: true}, text)
			require.Len(t, events, 1, "strict ends at the line, and keeps what was before")
			require.Equal(t, []string{c.want}, complaints(l))

			// The last line may be the bad one, and have no end.
			events, l = read(t, Options{}, k.head+k.line(0)+"\n"+c.bad)
			require.Equal(t, []string{c.want}, complaints(l))
			require.Len(t, events, 1)
		})
	}
	// A line that ends too early counts as far as it goes, and the lines behind it count,
	// also where it is the first one and ends as a document over several lines would.
	events, l := read(t, Options{}, `{"dest_ip":"192.0.2.1",`+"\n"+eve+"\n")
	require.Len(t, events, 2)
	require.Equal(t, []string{"cut line: x.log:1: " + cutEvent.text}, complaints(l))
	events, l = read(t, Options{}, eve+"\n"+eve[:len(eve)-1]+"\n")
	require.Len(t, events, 2)
	require.Equal(t, []string{"cut line: x.log:2: " + cutEvent.text}, complaints(l))
	require.Zero(t, l.Unreadable)
}

// A file that is not what it should be, as a whole.
func TestBadFiles(t *testing.T) {
	junk := make([]byte, 300<<10)
	r := rand.New(rand.NewPCG(1, 1))
	for i := range junk {
		junk[i] = byte(r.Uint32())
	}
	zipped := gzipped(t, kinds["pan"].file(2000))
	flipped := []byte(zipped)
	flipped[len(flipped)-6] ^= 1
	for _, c := range []struct {
		name, text string
		format     format.Format
		last       string // of the complaints
		least      int    // events
	}{
		{"text", "hello\nworld\n", format.Auto, "unknown format: x.log: " + unknownFormat.text, 0},
		{"junk", string(junk), format.Auto, "unknown format: x.log: " + unknownFormat.text, 0},
		{"UTF-16", "\xff\xfeh\x00", format.Auto, "unknown format: x.log: " + utf16Text.text, 0},
		{"xz", "\xfd7zXZ\x00abc", format.Auto, "unknown format: x.log: " + packed.text, 0},
		{"a pointer", "version https://git-lfs.github.com/spec/v1\noid sha256:0\n", format.Auto, "unknown format: x.log: " + pointer.text, 0},
		{"no gzip", "\x1f\x8b\x00\x00\x00", format.Auto, "broken file: x.log: it begins like a gzip file: unexpected EOF", 0},
		{"gzip cut", zipped[:len(zipped)/2], format.Auto, "the file was cut: it ends inside its compressed data", 100},
		{"gzip checksum", string(flipped), format.Auto, "broken file: x.log:2001: reading ends here: gzip: invalid checksum", 2000},
		{"gzip in gzip", gzipped(t, zipped), format.Auto, "unknown format: x.log: " + unknownFormat.text, 0},
		{"wrong flag", kinds["suricata"].file(1), format.PAN, "unknown format: x.log: no line could be read as pan", 0},
		{"CSV with other names", "a,b\n1,2\n", format.CSV, "unknown format: x.log: " + csvNoHeader.text, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			events, l := read(t, Options{Format: c.format}, c.text)
			all := complaints(l)
			require.Contains(t, all[len(all)-1], c.last)
			require.GreaterOrEqual(t, len(events), c.least)
			require.Equal(t, 1, l.BadFiles)
		})
	}
	events, l := read(t, Options{}, kinds["pan"].line(0)[50:]+"\n"+kinds["pan"].line(0))
	require.Len(t, events, 1, "half a line before")
	require.Zero(t, l.BadFiles)

	l = New(Options{})
	require.NoError(t, l.Missing("y.log", errors.New("permission denied")))
	require.Equal(t, []string{"unreadable file: y.log: permission denied"}, complaints(l))
	require.Equal(t, []int{1, 1}, []int{l.Files, l.BadFiles})

	broken := io.MultiReader(strings.NewReader(kinds["pan"].file(1)), iotest.ErrReader(errors.New("input/output error")))
	events, l = readFrom(t, Options{}, broken)
	require.Len(t, events, 1)
	require.Equal(t, []string{"broken file: x.log:2: reading ends here: input/output error"}, complaints(l))
}

// A stray quote in a CSV file costs the row that it is in, and not those behind it.
func TestCSVQuotes(t *testing.T) {
	const head = "src_ip,dest_ip,x\n"
	for _, c := range []struct {
		name, text string
		want       []string
		lines      []int64
	}{
		{"closed two rows later", "a,b,c\n1,\"2,3\n4,5,6\n7,8,9\"\n1,2,3\n", []string{"cut line: x.log:3: " + csvFewer.text, "cut line: x.log:5: " + unclosed.text}, []int64{2, 4, 6}},
		{"never closed", "a,b,c\n1,2,\"3\n4,5,6\n7,8,9\n", []string{"cut line: x.log:3: " + unclosed.text}, []int64{2, 4, 5}},
		{"a row of many lines", "a,\"b\n\n\nb\",c\n4,5,6\n", nil, []int64{2, 6}},
	} {
		events, l := read(t, Options{}, head+c.text)
		require.Equal(t, c.want, complaints(l), c.name)
		require.Equal(t, c.lines, numbers(events), c.name)
	}
	// However many there are, all other rows are read, and each line is in a number.
	const good, stray = "4,5,6\n", "1,\"2,3\n"
	for name, c := range map[string]struct {
		text           string
		events, broken int
	}{
		"between rows":   {strings.Repeat(strings.Repeat(good, 100)+stray, 40), 4000, 40},
		"far apart":      {strings.Repeat(strings.Repeat(good, MaxLine/len(good)+1)+stray, 3), 3 * (MaxLine/len(good) + 1), 3},
		"and no other":   {strings.Repeat("\"\n", 3<<20), 0, 3 << 20},
		"before an end":  {strings.Repeat(good, 9) + stray, 9, 1},
		"with long ones": {strings.Repeat(stray+strings.Repeat("x", 2*MaxLine)+"\n"+good, 20), 20, 40},
	} {
		events, l := read(t, Options{}, head+c.text)
		require.Len(t, events, c.events, name)
		require.EqualValues(t, c.broken, l.Unreadable, name)
		require.EqualValues(t, 1+c.events+c.broken, l.Lines, name)
		// To try rows again does not read for hours: no line is searched more than twice.
		require.LessOrEqual(t, searched(c.text), 2*len(c.text), name)
	}
}

// searched is how many bytes are searched for the ends of rows where each row costs its
// first line alone.
func searched(text string) int {
	var l lines
	l.reset(strings.NewReader(text))
	n := 0
	for {
		if row, bad := l.next(); row == nil && bad == nil {
			return n
		}
		n += l.size
		l.backUp()
	}
}

func TestClockJumps(t *testing.T) {
	const day, noon = 24 * 60 * 60, 1795176000
	for _, c := range []struct {
		name string
		at   []int64
		want []string
	}{
		{"in order, with gaps", []int64{noon - 30*day, noon - 10*day, noon}, nil},
		{"the newest first", []int64{noon, noon - 10*day, noon - 30*day}, nil},
		{"out of order by hours", []int64{noon, noon + 5, noon - 20*3600, noon + 6}, nil},
		{"back", []int64{noon - 30*day, noon, noon - day - 60, noon}, []string{"clock jump: x.log:3: the clock jumps: the event is of 2026-11-19T11:59:00Z, the one before was 24h1m0s away the other way"}},
		{"far back", []int64{noon - day, noon, noon - 9*day}, []string{"clock jump: x.log:3: the clock jumps: the event is of 2026-11-11T12:00:00Z, the one before was 9 days away the other way"}},
		{"the future", []int64{noon, noon + 3*day}, []string{"clock jump: x.log:2: the event is of the future: 2026-11-23T12:00:00Z"}},
	} {
		for _, strict := range []bool{false, true} {
			l := New(Options{Now: time.Unix(noon+day, 0), Strict: strict})
			i := 0
			err := l.Read("x.log", strings.NewReader(kinds["pan"].file(len(c.at))), func(*event.Event, int64) error { i++; return l.CheckClock(c.at[i-1]) })
			require.Equal(t, c.want, complaints(l), c.name)
			require.Equal(t, strict && c.want != nil, err != nil, c.name)
			require.Zero(t, l.Unreadable, "the events count")
		}
	}
}

// Complaints are bounded, and counted beyond that.
func TestManyComplaints(t *testing.T) {
	pan := kinds["pan"].line(0)
	events, l := read(t, Options{Format: format.PAN}, strings.Repeat("junk\n", 100_000)+pan+"\n"+strings.Repeat(pan[:60]+"\n", 1000))
	require.Len(t, events, 1)
	require.Len(t, l.Complaints.Kept(), 2*keptComplaints)
	require.EqualValues(t, 100_000, l.Complaints.Count(Unreadable))
	require.EqualValues(t, 1000, l.Complaints.Count(Cut))
	require.EqualValues(t, 101_000, l.Unreadable)
}

// endless gives the same text again and again, up to a size.
type endless struct {
	text string
	at   int
	left int
}

func (e *endless) Read(p []byte) (int, error) {
	if e.left <= 0 {
		return 0, io.EOF
	}
	n := copy(p, e.text[e.at:])
	e.at = (e.at + n) % len(e.text)
	e.left -= n
	return n, nil
}

// Memory does not grow with the log, a line costs no allocation, and lines that
// never end cost no memory either.
func TestMemory(t *testing.T) {
	texts := map[string]string{"a line of 16 MB": kinds["pan"].file(1) + strings.Repeat("x", 1000)}
	for name, k := range kinds {
		texts[name] = k.file(1000)
	}
	for name, text := range texts {
		t.Run(name, func(t *testing.T) {
			l := New(Options{})
			var before, after runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			require.NoError(t, l.Read("x", &endless{text: text, left: 16 << 20}, func(*event.Event, int64) error { return nil }))
			runtime.ReadMemStats(&after)
			require.Less(t, float64(after.Mallocs-before.Mallocs)/float64(max(l.Lines, 1000)), 0.05, "allocations a line")
			require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(8<<20), "bytes in all")
			require.Greater(t, l.Events, int64(0))
		})
	}
}

// A first line that is longer than what is looked at, or than what is read, does
// not hide the rest of the file.
func TestLongFirstLine(t *testing.T) {
	for _, name := range []string{"zeek json", "suricata", "json"} {
		line := kinds[name].line(0)
		for _, extra := range []int{300 << 10, 3 << 20} {
			long := line[:len(line)-1] + `,"note":"` + strings.Repeat("x", extra) + `"}`
			events, l := read(t, Options{}, long+"\n"+line+"\n")
			if extra < MaxLine {
				require.Len(t, events, 2, name)
				continue
			}
			require.Len(t, events, 1, name)
			require.Contains(t, l.Complaints.Kept()[0].Error(), ":1: the line is longer than 1 MiB")
		}
	}
}
