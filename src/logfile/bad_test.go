package logfile

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/require"
)

var sample = flow{start: noon, took: 60, src: "10.0.0.5", dest: "198.51.100.7", srcPort: 50000, port: 9001, transport: "tcp", app: "ssl", in: 10, out: 20, packetsIn: 1, pktsO: 2}

// A bad line is named and counted, and what is around it is read.
func TestBadLines(t *testing.T) {
	good := map[string]string{}
	for name, g := range generators {
		good[name] = g.line(sample)
	}
	junk := "\x00\xff\x80\x01 junk \x1b[31m"
	for _, c := range []struct{ format, bad, want string }{
		{"pan 61", good["pan 61"][:200], "cut line: x.log:2: the TRAFFIC line has fewer than 46 fields: it was cut"},
		{"pan 61", good["pan 61"][40:], "unreadable line: x.log:2: no Palo Alto log line"},
		{"pan 61", junk, "unreadable line: x.log:2: no Palo Alto log line"},
		{"pan 61", strings.Repeat(",", 200), "unreadable line: x.log:2: no Palo Alto log line"},
		{"pan 61", ",TRAFFIC," + strings.Repeat(",", 200), "unreadable line: x.log:2: no Palo Alto log line"},
		{"pan 61", strings.Repeat(`"`, 1001), "unreadable line: x.log:2: no Palo Alto log line"},
		{"pan 61", good["suricata"], "line of another format: x.log:2: the line looks like suricata, other than the lines before"},
		{"pan 61", good["json"], "line of another format: x.log:2: the line looks like json, other than the lines before"},
		{"zeek", good["zeek"][:60], "cut line: x.log:10: the row has fewer fields than the line #fields names"},
		{"zeek", good["zeek"] + "\tmore", "unreadable line: x.log:10: the row has more fields than the line #fields names"},
		{"zeek", "x" + good["zeek"], "unreadable line: x.log:10: ts is no time"},
		{"zeek", junk, "cut line: x.log:10: the row has fewer fields than the line #fields names"},
		{"zeek json", good["zeek json"][:100], "unreadable line: x.log:2: broken JSON"},
		{"zeek json", strings.Replace(good["zeek json"], `"ts":1795176000.0`, `"ts":-1`, 1), "unreadable line: x.log:2: ts is no time"},
		{"zeek json", `{"a":1}`, "unreadable line: x.log:2: no id.orig_h or no id.resp_h"},
		{"zeek json", good["suricata"], "line of another format: x.log:2: the line looks like suricata, other than the lines before"},
		{"suricata", good["suricata"][:300], "unreadable line: x.log:2: broken JSON"},
		{"suricata", good["suricata"] + "}", "unreadable line: x.log:2: broken JSON"},
		{"suricata", strings.Repeat("[", 5_00_000), "unreadable line: x.log:2: broken JSON"},
		{"suricata", `{"flow":` + strings.Repeat("[", 500_000), "unreadable line: x.log:2: broken JSON"},
		{"suricata", `[1,2]`, "unreadable line: x.log:2: broken JSON"},
		{"suricata", `{"x":1}`, "unreadable line: x.log:2: no event_type: the object is no event of Suricata"},
		{"suricata", `{"event_type":"flow","timestamp":"yesterday"}`, "unreadable line: x.log:2: timestamp is no time"},
		{"suricata", good["zeek json"], "line of another format: x.log:2: the line looks like zeek, other than the lines before"},
		{"json", `{"src_ip":`, "unreadable line: x.log:2: broken JSON"},
		{"json", `{"a":"b"}`, "unreadable line: x.log:2: " + cimNoEnds.text},
		{"csv", "1,2,3", "cut line: x.log:3: the row has fewer cells than the header"},
		{"csv", good["csv"] + ",x", "unreadable line: x.log:3: the row has more cells than the header"},
		{"csv", `1,2,a"b,4,5,6,7"`, "unreadable line: x.log:3: a quote inside a bare cell, or text behind a closing quote"},
		{"csv", `1,2,"a"b`, "unreadable line: x.log:3: a quote inside a bare cell, or text behind a closing quote"},
		{"csv", good["pan 61"], "line of another format: x.log:3: the line looks like pan, other than the lines before"},
		{"pan 61", strings.Repeat("x", 10<<20), "line too long: x.log:2: the line is longer than 1 MiB"},
		{"suricata", strings.Repeat(" ", 10<<20) + "{}", "line too long: x.log:2: the line is longer than 1 MiB"},
		{"csv", strings.Repeat("x", 10<<20), "line too long: x.log:3: the line is longer than 1 MiB"},
	} {
		t.Run(c.format, func(t *testing.T) {
			g := generators[c.format]
			line := good[c.format]
			text := g.head + line + "\n" + c.bad + "\n" + line + "\n"
			rows, l := read(t, Options{Format: g.format}, text)
			require.Equal(t, []string{c.want}, complaints(l))
			require.Len(t, rows, 2)
			require.EqualValues(t, 1, l.Unreadable)
			require.EqualValues(t, 0, l.BadFiles)
			first, last := rows[0]["log_line"], rows[1]["log_line"]
			delete(rows[0], "log_line")
			delete(rows[1], "log_line")
			require.Equal(t, rows[0], rows[1])
			require.NotEqual(t, first, last)

			rows, l = read(t, Options{Format: g.format, Strict: true}, text)
			require.Len(t, rows, 1, "strict ends at the line, and keeps what was before")
			require.Equal(t, []string{c.want}, complaints(l))

			// The last line may be the bad one, and have no end.
			rows, l = read(t, Options{Format: g.format}, g.head+line+"\n"+c.bad)
			require.Equal(t, []string{c.want}, complaints(l))
			require.Len(t, rows, 1)
		})
	}
}

// A file that is not what it should be, as a whole.
func TestBadFiles(t *testing.T) {
	junk := make([]byte, 300<<10)
	r := rand.New(rand.NewPCG(1, 1))
	for i := range junk {
		junk[i] = byte(r.Uint32())
	}
	pan := generate("pan 61", 1, 2000)
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	_, _ = z.Write([]byte(pan))
	require.NoError(t, z.Close())
	flipped := bytes.Clone(zipped.Bytes())
	flipped[len(flipped)-6] ^= 1
	zeekRows := strings.TrimPrefix(generate("zeek", 1, 3), zeekHead)
	for _, c := range []struct {
		name   string
		text   string
		format Format
		want   []string
		rows   int
	}{
		{"empty", "", Auto, nil, 0},
		{"text", "hello\nworld\n", Auto, []string{"unknown format: x.log: " + unknownFormat.text}, 0},
		{"junk", string(junk), Auto, []string{"unknown format: x.log: " + unknownFormat.text}, 0},
		{"UTF-16", "\xff\xfeh\x00", Auto, []string{"unknown format: x.log: " + utf16Text.text}, 0},
		{"xz", "\xfd7zXZ\x00abc", Auto, []string{"unknown format: x.log: " + packed.text}, 0},
		{"no gzip", "\x1f\x8b\x00\x00\x00", Auto, []string{"broken file: x.log: it begins like a gzip file: unexpected EOF"}, 0},
		{"gzip cut", zipped.String()[:zipped.Len()/2], Auto, []string{"broken file: x.log:*: the file was cut: it ends inside its compressed data"}, -1},
		{"gzip checksum", string(flipped), Auto, []string{"broken file: x.log:2001: reading ends here: gzip: invalid checksum"}, 2000},
		{"gzip in gzip", string(gzipped(t, zipped.Bytes())), Auto, []string{"unknown format: x.log: " + unknownFormat.text}, 0},
		{"Zeek without a head", zeekRows, Auto, []string{"unknown format: x.log: " + zeekHeadless.text}, 0},
		{"Zeek without a head, told", zeekRows, Zeek, []string{
			"unreadable line: x.log:1: " + zeekNoHeader.text, "unreadable line: x.log:2: " + zeekNoHeader.text, "unreadable line: x.log:3: " + zeekNoHeader.text,
			"unknown format: x.log: no line could be read as zeek"}, 0},
		{"wrong flag", sample.eveLine(), PAN, []string{
			"line of another format: x.log:1: the line looks like suricata, other than the lines before",
			"unknown format: x.log: no line could be read as pan; it looks like suricata"}, 0},
		{"CSV with other names", "a,b\n1,2\n", CSV, []string{"unknown format: x.log:1: " + csvNoHeader.text, "unknown format: x.log: no line could be read as csv"}, 0},
		{"half a line before", sample.panLine(61)[150:] + "\n" + sample.panLine(61), Auto, []string{"unreadable line: x.log:1: no Palo Alto log line"}, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			rows, l := read(t, Options{Format: c.format}, c.text)
			got := complaints(l)
			if c.rows < 0 {
				require.Greater(t, len(rows), 100)
				require.Regexp(t, "^"+strings.ReplaceAll(c.want[0], "*", "[0-9]+")+"$", got[len(got)-1])
			} else {
				require.Equal(t, c.want, got)
				require.Len(t, rows, c.rows)
			}
			bad := 0
			if len(c.want) > 0 && c.name != "half a line before" {
				bad = 1
			}
			require.Equal(t, bad, l.BadFiles)
		})
	}

	l := New(Options{})
	require.NoError(t, l.Missing("y.log", errors.New("permission denied")))
	require.NoError(t, l.Read("x.log", strings.NewReader(sample.panLine(61)), func(*Chunk) error { return nil }))
	require.Equal(t, []string{"unreadable file: y.log: permission denied"}, complaints(l))
	require.EqualValues(t, 1, l.Rows)
	require.Equal(t, 2, l.Files)

	broken := io.MultiReader(strings.NewReader(sample.panLine(61)+"\n"), iotest.ErrReader(errors.New("input/output error")))
	rows, l := readFrom(t, Options{}, broken)
	require.Len(t, rows, 1)
	require.Equal(t, []string{"broken file: x.log:2: reading ends here: input/output error"}, complaints(l))
}

func gzipped(t *testing.T, text []byte) []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, err := z.Write(text)
	require.NoError(t, err)
	require.NoError(t, z.Close())
	return b.Bytes()
}

// A stray quote in a CSV file costs the row that it is in, and not those behind it.
func TestCSVQuotes(t *testing.T) {
	const head = "src_ip,dest_ip,x\n"
	for _, c := range []struct {
		name, text string
		want       []string
		lines      []string
	}{
		{"closed two rows later", "a,b,c\n1,\"2,3\n4,5,6\n7,8,9\"\n1,2,3\n", []string{"cut line: x.log:3: " + csvFewer.text, "cut line: x.log:5: " + unclosed.text}, []string{"2", "4", "6"}},
		{"never closed", "a,b,c\n1,2,\"3\n4,5,6\n7,8,9\n", []string{"cut line: x.log:3: " + unclosed.text}, []string{"2", "4", "5"}},
		{"a row of many lines", "a,\"b\n\n\nb\",c\n4,5,6\n", nil, []string{"2", "6"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			rows, l := read(t, Options{}, head+c.text)
			require.Equal(t, c.want, complaints(l))
			var lines []string
			for _, row := range rows {
				lines = append(lines, row["log_line"])
			}
			require.Equal(t, c.lines, lines)
		})
	}
	// Rows of a megabyte that end nowhere are tried again a few times only, or this
	// would read for hours.
	_, l := read(t, Options{}, head+strings.Repeat("\"\n", 3<<20))
	require.Less(t, l.Unreadable, int64(3<<20))
}

func TestClockJumps(t *testing.T) {
	log := func(starts ...int64) string {
		var b strings.Builder
		for _, start := range starts {
			f := sample
			f.start, f.took = start, 0
			b.WriteString(f.panLine(61) + "\n")
		}
		return b.String()
	}
	const day = 24 * 60 * 60
	now := time.Unix(noon+day, 0)
	for _, c := range []struct {
		name string
		text string
		want []string
	}{
		{"in order, with gaps", log(noon-30*day, noon-10*day, noon), nil},
		{"the newest first", log(noon, noon-10*day, noon-30*day), nil},
		{"out of order by hours", log(noon, noon+5, noon-20*3600, noon+6), nil},
		{"back", log(noon-30*day, noon, noon-day-60, noon), []string{"clock jump: x.log:3: the clock jumps: the row is of 2026-11-19T11:59:00Z, the one before was 24h1m0s away the other way"}},
		{"the future", log(noon, noon+3*day), []string{"clock jump: x.log:2: the row is of the future: 2026-11-23T12:00:00Z"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			rows, l := read(t, Options{Now: now}, c.text)
			require.Equal(t, c.want, complaints(l))
			require.Len(t, rows, strings.Count(c.text, "\n"), "the rows count")
			require.EqualValues(t, 0, l.Unreadable)
			_, l = read(t, Options{Now: now, Strict: true}, c.text)
			require.Len(t, complaints(l), len(c.want))
		})
	}
}

// Complaints are bounded, and counted beyond that.
func TestManyComplaints(t *testing.T) {
	text := strings.Repeat("junk\n", 100_000) + sample.panLine(61) + "\n" + strings.Repeat(sample.panLine(61)[:150]+"\n", 1000)
	rows, l := read(t, Options{Format: PAN}, text)
	require.Len(t, rows, 1)
	require.Len(t, l.Complaints.Kept(), 2*keptComplaints)
	require.EqualValues(t, 100_000, l.Complaints.Count(Unreadable))
	require.EqualValues(t, 1000, l.Complaints.Count(Cut))
	require.EqualValues(t, 101_000, l.Complaints.Total())
	require.EqualValues(t, 101_000, l.Unreadable)
}

// The error of the callback ends the work at once.
func TestCallbackError(t *testing.T) {
	l, calls := New(Options{}), 0
	stop := errors.New("stop")
	err := l.Read("x", strings.NewReader(generate("pan 61", 1, 50000)), func(*Chunk) error { calls++; return stop })
	require.ErrorIs(t, err, stop)
	require.LessOrEqual(t, calls, 2)
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
	for name, c := range map[string]struct {
		text      string
		size      int
		perLine   float64 // allocations
		megabytes uint64
	}{
		"pan 61":          {generate("pan 61", 1, 1000), 64 << 20, 0.01, 4},
		"zeek":            {generate("zeek", 1, 1000), 64 << 20, 0.1, 4},
		"zeek json":       {generate("zeek json", 1, 1000), 16 << 20, 1, 4}, // the library's pool, which forgets some under the race detector
		"suricata":        {generate("suricata", 1, 1000), 16 << 20, 4, 20},
		"csv":             {generate("csv", 1, 1000), 64 << 20, 0.01, 4},
		"a line of 64 MB": {generate("pan 61", 1, 1) + strings.Repeat("x", 1000), 64 << 20, 100, 8},
	} {
		t.Run(name, func(t *testing.T) {
			l := New(Options{})
			var before, after runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			peak := uint64(0)
			require.NoError(t, l.Read("x", &endless{text: c.text, left: c.size}, func(*Chunk) error {
				if l.Rows%100_000 < 2000 {
					runtime.ReadMemStats(&after)
					peak = max(peak, after.HeapAlloc-min(before.HeapAlloc, after.HeapAlloc))
				}
				return nil
			}))
			runtime.ReadMemStats(&after)
			require.Less(t, float64(after.Mallocs-before.Mallocs)/float64(l.Lines), c.perLine, "allocations a line")
			require.Less(t, peak, c.megabytes<<20, "bytes in use")
			require.Greater(t, l.Rows, int64(0))
		})
	}
}

// A first line that is longer than what is looked at, or than what is read, does
// not hide the rest of the file.
func TestLongFirstLine(t *testing.T) {
	for name, want := range map[string]Format{"zeek json": Zeek, "suricata": Suricata, "json": JSON} {
		line := generators[name].line(sample)
		for _, extra := range []int{300 << 10, 10 << 20} {
			long := line[:len(line)-1] + `,"note":"` + strings.Repeat("x", extra) + `"}`
			rows, log := read(t, Options{}, long+"\n"+line+"\n")
			require.Equal(t, want, log.file.format, "%s, %d", name, extra)
			if extra < MaxLine {
				require.Len(t, rows, 2)
				continue
			}
			require.Len(t, rows, 1)
			require.Contains(t, log.Complaints.Kept()[0].Error(), ":1: the line is longer than 1 MiB")
		}
	}
}
