package logfile

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"tordetect/src/event"
	"tordetect/src/format"
)

// got is an event as a test looks at it.
type got struct {
	line         int64
	dest, port   string
	time, source string
}

// read reads a file.
func read(t *testing.T, options Options, text string) ([]got, *Log) {
	t.Helper()
	return readFrom(t, options, strings.NewReader(text))
}

func readFrom(t *testing.T, options Options, src io.Reader) ([]got, *Log) {
	t.Helper()
	l := New(options)
	var out []got
	err := l.Read("x.log", src, func(e *event.Event, line int64) error {
		text := func(r event.Role) string { return string(e.Text(r, nil)) }
		out = append(out, got{line, text(event.Destination), text(event.DestinationPort), text(event.LogTime) + text(event.Time), text(event.Source)})
		return nil
	})
	if err != nil && options.Strict {
		require.IsType(t, &Complaint{}, err)
	} else {
		require.NoError(t, err)
	}
	require.EqualValues(t, len(out), l.Events)
	return out, l
}

func complaints(l *Log) []string {
	var out []string
	for _, c := range l.Complaints.Kept() {
		out = append(out, c.Kind.String()+": "+c.Error())
	}
	return out
}

func numbers(events []got) []int64 {
	var out []int64
	for _, e := range events {
		out = append(out, e.line)
	}
	return out
}

func gzipped(t *testing.T, text string) string {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, err := z.Write([]byte(text))
	require.NoError(t, err)
	require.NoError(t, z.Close())
	return b.String()
}

// kind writes events of a format, the i-th to port 1000+i.
type kind struct {
	format format.Format
	head   string
	line   func(i int) string
}

var kinds = map[string]kind{
	"pan": {format.PAN, "", func(i int) string {
		return fmt.Sprintf("1,2026/11/20 10:00:00,0123,TRAFFIC,end,2561,2026/11/20 10:00:00,10.0.0.5,198.51.100.7,,,r,,,ssl,vsys1,T,U,,,fwd,2026/11/20 10:00:00,1,1,50000,%d,0,0,0x0,tcp,allow,30,20,10,3,2026/11/20 10:00:00,0,any,,1,0x0,A,B,,2,1,tcp-fin", 1000+i)
	}},
	"zeek": {format.Zeek, "#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\tconn\n#fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\n", func(i int) string {
		return fmt.Sprintf("1795168800.0\tC1\t10.0.0.5\t50000\t198.51.100.7\t%d\ttcp", 1000+i)
	}},
	"zeek json": {format.Zeek, "", func(i int) string {
		return fmt.Sprintf(`{"ts":1795168800.0,"id.orig_h":"10.0.0.5","id.resp_h":"198.51.100.7","id.resp_p":%d}`, 1000+i)
	}},
	"suricata": {format.Suricata, "", func(i int) string {
		return fmt.Sprintf(`{"timestamp":"2026-11-20T10:00:00.0+0000","event_type":"flow","src_ip":"10.0.0.5","dest_ip":"198.51.100.7","dest_port":%d}`, 1000+i)
	}},
	"json": {format.JSON, "", func(i int) string {
		return fmt.Sprintf(`{"_time":"1795168800","src_ip":"10.0.0.5","dest_ip":"198.51.100.7","dest_port":%d}`, 1000+i)
	}},
	"csv": {format.CSV, "_time,src_ip,dest_ip,dest_port,app\n", func(i int) string { return fmt.Sprintf(`1795168800,10.0.0.5,"198.51.100.7",%d,ssl`, 1000+i) }},
}

// file writes so many events.
func (k kind) file(n int) string {
	var b strings.Builder
	b.WriteString(k.head)
	for i := range n {
		b.WriteString(k.line(i) + "\n")
	}
	return b.String()
}
