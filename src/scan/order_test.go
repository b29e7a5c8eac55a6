package scan_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tordetect/src/report"
	"tordetect/src/scan"
	"tordetect/tests/shapes"
	"tordetect/tests/shared"
)

// forms are the ways in which flows are asked for.
var forms = map[string]scan.Options{
	"joined": {Join: true, MinScore: 20}, "all": {}, "csv": {}, "json, some": {MinScore: 50}, "strict": {Strict: true, MinScore: 20},
}

// tellAll runs a scan and writes down all that it tells.
func tellAll(t *testing.T, o scan.Options, form string, files []string, workers, block int) string {
	t.Helper()
	var out bytes.Buffer
	o.Files, o.Format, o.Now, o.Workers = files, "auto", noon.Add(20*24*time.Hour), workers
	o.InBlocks(block)
	var rows report.Report
	switch {
	case form == "csv":
		rows = report.CSV(&out)
	case strings.HasPrefix(form, "json"):
		rows = report.JSON(&out)
	}
	if rows != nil {
		o.Rows = rows.(scan.Rows)
	}
	run := func(add func(*scan.Flow) error) (*scan.Summary, error) {
		if workers < 0 {
			return scan.RunLineByLine(&o, noProgress{}, add)
		}
		return scan.Run(t.Context(), &o, strings.NewReader(""), noProgress{}, add)
	}
	s, err := run(func(f *scan.Flow) error {
		found, cells := *f.Finding, f.Cells
		fmt.Fprintf(&out, "%s:%d %d-%d %d %v %v %q %v %d %v %v %v %v %q", f.File, f.Line, f.First, f.Last, f.ListTime, f.Coverage, f.Closes, f.Connection, found.Verdict, found.Score, found.State, found.Direction, found.Role, found.Evidence, found.Reason)
		for _, relay := range found.Relays {
			fmt.Fprintf(&out, " %+v", *relay)
		}
		if found.Deciding != nil {
			fmt.Fprintf(&out, " deciding %+v", *found.Deciding)
		}
		fmt.Fprintf(&out, " %q\n", cells)
		return nil
	})
	if err != nil {
		return fmt.Sprintf("%s\n%v", out.String(), err)
	}
	if rows != nil {
		require.NoError(t, rows.Finish(s))
	}
	s.Options = nil
	text, err := json.Marshal(s)
	require.NoError(t, err)
	return out.String() + string(text)
}

// sameAnyway holds that it does not matter how many read files, and how much at once:
// all is as where one reads them line by line.
func sameAnyway(t *testing.T, relays string, files ...string) {
	t.Helper()
	for form, o := range forms {
		o.Relays = relays
		want := tellAll(t, o, form, files, -1, 0)
		for _, with := range []struct{ workers, block int }{{1, 1000}, {3, 200}, {0, 4000}} {
			if got := tellAll(t, o, form, files, with.workers, with.block); got != want {
				a, b := strings.Split(want, "\n"), strings.Split(got, "\n")
				for i := range min(len(a), len(b)) {
					require.Equal(t, a[i], b[i], "%v, %s, %+v, line %d of what is told", files, form, with, i)
				}
				require.Equal(t, len(a), len(b), "%v, %s, %+v", files, form, with)
			}
		}
	}
}

// Every shape, and each of those of the same kind of file behind each other, is told
// the same however many read it.
func TestOrderOfShapes(t *testing.T) {
	paths, err := filepath.Glob("../../tests/shapes/testdata/*.txtar")
	require.NoError(t, err)
	require.Greater(t, len(paths), 50)
	folder := t.TempDir()
	relays := relayTable(t, folder)
	var files []string
	var lines bytes.Buffer
	for i, path := range paths {
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		shape, err := shapes.Parse(text)
		require.NoError(t, err)
		files = append(files, filepath.Join(folder, fmt.Sprintf("%d.log", i)))
		require.NoError(t, os.WriteFile(files[i], shape.Text, 0o600))
		lines.Write(append(shape.Text, '\n'))
	}
	sameAnyway(t, relays, files...)
	// A file that begins with lines is one of lines.
	mixed := filepath.Join(folder, "mixed.log")
	require.NoError(t, os.WriteFile(mixed, append([]byte("#\n"), lines.Bytes()...), 0o600))
	sameAnyway(t, relays, mixed)
}

// The small inputs that went wrong once are told the same.
func TestOrderOfCases(t *testing.T) {
	relays := shared.Beside(t, "cases/relays.csv")
	files, err := filepath.Glob(filepath.Join(filepath.Dir(relays), "*"))
	require.NoError(t, err)
	require.Greater(t, len(files), 20)
	sameAnyway(t, relays, files...)
}

var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

// relayTable lists 198.51.100.1 to .9 with OR port 9001 from 8 to 13 h, and in the
// history beside it from 10 days before on.
func relayTable(t testing.TB, folder string) string {
	write := func(name string, from, to time.Time) string {
		var b strings.Builder
		b.WriteString("ip,port,role,flags,fingerprint,nickname,first_seen,last_seen\n")
		fmt.Fprintf(&b, ",,coverage,,,,%d,%d\n", from.Unix(), to.Unix())
		for i := 1; i < 10; i++ {
			fmt.Fprintf(&b, "198.51.100.%d,9001,or,Guard Exit,%040X,relay%d,%d,%d\n", i, i, i, from.Unix(), to.Unix())
		}
		b.WriteString(",10,end,,,,,\n")
		path := filepath.Join(folder, name)
		require.NoError(t, os.WriteFile(path, []byte(b.String()), 0o600))
		return path
	}
	write("tor_relays_history.csv", noon.Add(-10*24*time.Hour), noon.Add(-9*24*time.Hour))
	return write("tor_relays.csv", noon.Add(-4*time.Hour), noon.Add(time.Hour))
}

// madeUp writes n lines as several devices may write them into one file: of all
// formats, heads among them, connections in pieces, lines cut, broken and of other
// kinds, times of which some are old, have no zone or jump.
func madeUp(seed uint64, n int) []byte {
	r := rand.New(rand.NewPCG(seed, 3))
	var b bytes.Buffer
	heads := []string{
		"#separator \\x09\n#path\tconn\n#unset_field\t-\n#fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\tservice\tduration\torig_bytes\tresp_bytes\tconn_state\n",
		"#separator \\x09\n#path\tssl\n#unset_field\t-\n#fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tversion\tserver_name\n",
		"#separator \\x09\n#path\tdns\n#fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tquery\n",
		"#separator \\x09\n#path\tpe\n#fields\tts\tid\tmachine\n",
		"version srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status\n",
	}
	kind := r.IntN(7)
	for range n {
		if r.IntN(20) == 0 {
			kind = r.IntN(7)
		}
		at := noon.Add(-time.Duration(r.IntN(7200)) * time.Second)
		switch r.IntN(200) {
		case 0:
			at = at.Add(-9 * 24 * time.Hour) // the history's
		case 1:
			at = at.Add(24 * 24 * time.Hour) // the future
		}
		dest, port := fmt.Sprintf("203.0.113.%d", 1+r.IntN(250)), 443
		if r.IntN(20) == 0 {
			dest, port = fmt.Sprintf("198.51.100.%d", 1+r.IntN(9)), []int{9001, 80}[r.IntN(2)]
		}
		id, source := r.IntN(n/4+1), fmt.Sprintf("10.0.%d.%d", r.IntN(4), 1+r.IntN(250))
		slashes, iso := at.Format("2006/01/02 15:04:05"), at.Format("2006-01-02T15:04:05.000000-0700")
		line := ""
		switch kind {
		case 0:
			line = fmt.Sprintf("1,%s,0123,TRAFFIC,end,2561,%s,%s,%s,,,Rule %d,,,%s,vsys1,Trust,Untrust,a,b,fwd,%s,1,1,%d,%d,0,0,0x19,tcp,%s,5900,%d,%d,16,%s,%d,any,0,1,0x0,,,0,7,%d,x",
				slashes, slashes, source, dest, r.IntN(3), []string{"ssl", "tor", `"a, ""b"""`}[r.IntN(3)], slashes, 1024+r.IntN(60000), port, []string{"allow", "deny"}[r.IntN(2)], r.IntN(9000), r.IntN(9000), slashes, r.IntN(100), r.IntN(3))
		case 1, 2:
			line = fmt.Sprintf("%d.%06d\tC%d\t%s\t%d\t%s\t%d\t%s", at.Unix(), r.IntN(1e6), id, source, 1024+r.IntN(60000), dest, port,
				[]string{"tcp\tssl\t30.2\t1000\t2000\tSF", "TLSv12\twww.x\\x2ccom", "abcdefghijklmnop.onion"}[r.IntN(3)])
		case 3:
			line = fmt.Sprintf(`{"timestamp":"%s","flow_id":%d,"event_type":"%s","src_ip":"%s","src_port":%d,"dest_ip":"%s","dest_port":%d,"proto":"TCP","alert":{"signature":"%s"},"tls":{"sni":"www.ab\u0063defg.com"}}`,
				iso, id, []string{"flow", "tls", "alert", "stats", "fileinfo"}[r.IntN(5)], source, 1024+r.IntN(60000), dest, port, []string{"x", "ET POLICY TOR Client Hello"}[r.IntN(2)])
		case 4:
			line = fmt.Sprintf(`date=%s time=%s logid="0000000013" type="%s" srcip=%s srcport=%d dstip=%s dstport=%d proto=6 action="%s" sentbyte=%d rcvdbyte=9`,
				at.Format("2006-01-02"), at.Format("15:04:05"), []string{"traffic", "event", "utm"}[r.IntN(3)], source, 1024+r.IntN(60000), dest, port, []string{"close", "deny"}[r.IntN(2)], r.IntN(99))
		case 5:
			line = fmt.Sprintf("2 123456789012 eni-1 %s %s %d %d 6 14 1940 %d %d ACCEPT OK", source, dest, 1024+r.IntN(60000), port, at.Unix()-60, at.Unix())
		case 6:
			line = fmt.Sprintf(`<14>1 %s fw1 - - - - {"_time":%d,"src_ip":"%s","dest_ip":"%s","dest_port":%d,"community_id":"1:%028d"} `, at.Format(time.RFC3339), at.Unix(), source, dest, port, id)
		}
		switch r.IntN(60) {
		case 0:
			line = line[:r.IntN(len(line))]
		case 1:
			line = strings.Replace(line, "0", "x", r.IntN(9))
		case 2:
			line += line
		case 3:
			line = heads[r.IntN(len(heads))] + line
		case 4:
			line += "\r\n\n"
		case 5:
			line = strings.Repeat(" ", r.IntN(3)) + "junk"
		}
		b.WriteString(line)
		b.WriteByte('\n')
		if r.IntN(4000) == 0 {
			b.WriteString(strings.Repeat("{long", 230_000) + "\n")
		}
	}
	return b.Bytes()
}

// A large log of everything is told the same however many read it, packed or not, and
// with others behind it.
func TestOrderOfMadeUp(t *testing.T) {
	folder := t.TempDir()
	relays := relayTable(t, folder)
	for seed := range uint64(2) {
		plain, packed := filepath.Join(folder, fmt.Sprint(seed, ".log")), filepath.Join(folder, fmt.Sprint(seed, ".log.gz"))
		text := madeUp(seed, 2000)
		require.NoError(t, os.WriteFile(plain, text, 0o600))
		var z bytes.Buffer
		w := gzip.NewWriter(&z)
		_, _ = w.Write(text)
		require.NoError(t, w.Close())
		require.NoError(t, os.WriteFile(packed, z.Bytes()[:z.Len()-int(seed%2)*500], 0o600))
		sameAnyway(t, relays, plain, packed, folder, relays)
	}
	// Without a table, and with a log whose first time without a zone asks for the history.
	sameAnyway(t, filepath.Join(folder, "none.csv"), filepath.Join(folder, "1.log"))
	old := filepath.Join(folder, "old.log")
	line := "1,2026/11/10 12:00:00,0123,TRAFFIC,end,2561,2026/11/10 12:00:00,10.0.0.1,198.51.100.1,,,R,,,ssl,vsys1,T,U,a,b,fwd,2026/11/10 12:00:00,1,1,5000,9001,0,0,0x19,tcp,allow,5900,1,1,16,2026/11/10 12:00:00,1,any,0,1,0x0,,,0,7,1,x\n"
	require.NoError(t, os.WriteFile(old, []byte(strings.Repeat(line, 3)), 0o600))
	sameAnyway(t, relays, old)
}

// Findings of quiet events are remembered, and stay what they were when others are made
// in between.
func TestQuietFindingsStay(t *testing.T) {
	folder := t.TempDir()
	o := scan.Options{Format: "auto", Relays: relayTable(t, folder), Now: noon, Workers: 1}
	var lines, want []string
	for i := range 60 {
		line := `{"_time":"%d","src_ip":"10.0.0.5","src_port":"50000","dest_ip":"%s","dest_port":"9001","transport":"%s","bytes_in":"%d","bytes_out":"90"}`
		switch i % 4 {
		case 0:
			lines, want = append(lines, fmt.Sprintf(line, noon.Unix(), "203.0.113.9", "udp", 1)), append(want, "[not_tcp] established")
		case 1:
			lines, want = append(lines, fmt.Sprintf(line, noon.Unix(), "198.51.100.1", "tcp", 1)), append(want, "[or_port] established")
		case 2:
			lines, want = append(lines, fmt.Sprintf(line, noon.Unix(), "203.0.113.9", "tcp", 0)), append(want, "[] attempt")
		case 3:
			lines, want = append(lines, fmt.Sprintf(line, noon.Unix(), "203.0.113.9", "tcp", 1)), append(want, "[] established")
		}
	}
	o.Files = []string{filepath.Join(folder, "x.log")}
	require.NoError(t, os.WriteFile(o.Files[0], []byte(strings.Join(lines, "\n")), 0o600))
	var got []string
	_, err := scan.Run(t.Context(), &o, nil, noProgress{}, func(f *scan.Flow) error {
		var names []string
		for _, e := range f.Finding.Evidence {
			names = append(names, e.Name())
		}
		got = append(got, fmt.Sprint(names, " ", f.Finding.State))
		return nil
	})
	require.NoError(t, err)
	require.Equal(t, want, got)
}
