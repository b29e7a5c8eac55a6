package scan_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"path/filepath"
	"testing"

	"tordetect/src/scan"
)

// quietLogs are logs of connections that have nothing to do with Tor, as most have.
func quietLogs(n int) map[string][]byte {
	var pan, zeek, eve bytes.Buffer
	zeek.WriteString("#separator \\x09\n#path\tconn\n#fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\tservice\tduration\torig_bytes\tresp_bytes\tconn_state\tlocal_orig\tlocal_resp\tmissed_bytes\thistory\torig_pkts\torig_ip_bytes\tresp_pkts\tresp_ip_bytes\ttunnel_parents\n")
	for i := range n {
		a, b, c := i%256, i>>8%256, i%250
		fmt.Fprintf(&pan, "1,2026/11/20 10:15:30,0123456789,TRAFFIC,end,2561,2026/11/20 10:15:30,10.20.%d.%d,203.0.113.%d,0.0.0.0,0.0.0.0,out,,,ssl,vsys1,in,ex,e1,e2,fwd,2026/11/20 10:15:30,1,1,50624,443,0,0,0x0,tcp,allow,7000,3000,4000,30,2026/11/20 10:15:30,10,any,,1,0x0,A,B,,14,16,tcp-fin,0,0,0,0,,fw1,from-policy,,,0,,0,,N/A,0,0,0,0,u\n", a, b, c)
		fmt.Fprintf(&zeek, "1795169730.%06d\tC%d\t10.20.%d.%d\t50624\t203.0.113.%d\t443\ttcp\tssl\t30.2\t1000\t2000\tSF\tT\tF\t0\tShADadfF\t22\t902\t22\t1144\t-\n", i, i, a, b, c)
		fmt.Fprintf(&eve, `{"timestamp":"2026-11-20T10:15:30.%06d+0000","flow_id":%d,"event_type":"flow","src_ip":"10.20.%d.%d","src_port":50624,"dest_ip":"203.0.113.%d","dest_port":443,"proto":"TCP","app_proto":"tls","flow":{"pkts_toserver":5,"pkts_toclient":5,"bytes_toserver":1000,"bytes_toclient":2000,"start":"2026-11-20T10:15:00.500000+0000","end":"2026-11-20T10:15:30.500000+0000","age":30,"state":"closed","reason":"timeout","alerted":false},"tcp":{"tcp_flags":"1b","syn":true,"state":"closed"}}`+"\n", i, i, a, b, c)
	}
	return map[string][]byte{"pan": pan.Bytes(), "zeek": zeek.Bytes(), "suricata": eve.Bytes()}
}

type noProgress struct{}

func (noProgress) Begin(string)                {}
func (noProgress) Count(f io.Reader) io.Reader { return f }

// BenchmarkRun reads and judges logs without a finding.
func BenchmarkRun(b *testing.B) {
	const n = 20000
	for name, text := range quietLogs(n) {
		b.Run(name, func(b *testing.B) {
			o := scan.Options{Files: []string{"-"}, Format: "auto", Relays: filepath.Join(b.TempDir(), "none.csv"), MinScore: 20, Join: true}
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				if _, err := scan.Run(context.Background(), &o, bytes.NewReader(text), noProgress{}, func(*scan.Flow) error { return nil }); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/event")
		})
	}
}
