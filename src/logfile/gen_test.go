package logfile

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"
)

// flow is what the generators write as lines of each format.
type flow struct {
	start            int64 // epoch seconds
	took             int64 // seconds
	src, dest        string
	srcPort, port    int
	transport, app   string
	in, out          int
	packetsIn, pktsO int
	sni, query       string
}

// noon is the day of the generated logs, 2026-11-20T12:00:00Z.
const noon = 1795176000

// flows makes flows of a seed, in the order of their ends.
func flows(seed uint64, n int) []flow {
	r := rand.New(rand.NewPCG(seed, 7))
	out := make([]flow, n)
	for i := range out {
		f := flow{
			start: noon + int64(i/10), took: 60 + int64(r.IntN(3)),
			src: fmt.Sprintf("10.%d.%d.%d", r.IntN(4), r.IntN(256), 1+r.IntN(254)), srcPort: 1024 + r.IntN(60000),
			dest: fmt.Sprintf("203.0.113.%d", 1+r.IntN(254)), port: []int{443, 80, 53, 9001}[r.IntN(4)],
			transport: "tcp", app: "ssl",
			in: r.IntN(1 << 20), out: r.IntN(1 << 14), packetsIn: r.IntN(1000), pktsO: 1 + r.IntN(1000),
		}
		switch f.port {
		case 53:
			f.transport, f.app, f.query = "udp", "dns", fmt.Sprintf("host%d.example.com", r.IntN(1000))
		case 9001:
			f.dest = fmt.Sprintf("198.51.100.%d", 1+r.IntN(254))
			f.sni = fmt.Sprintf("www.host%d.com", r.IntN(1000))
		}
		if r.IntN(20) == 0 {
			f.src, f.dest = "2001:db8:20::15", fmt.Sprintf("2001:db8:1::%x", r.IntN(1<<16))
		}
		out[i] = f
	}
	return out
}

func (f flow) end() int64 { return f.start + f.took }

// panLine writes a TRAFFIC line of so many fields.
func (f flow) panLine(count int) string {
	at := time.Unix(f.end(), 0).UTC().Format("2006/01/02 15:04:05")
	begun := time.Unix(f.start, 0).UTC().Format("2006/01/02 15:04:05")
	cells := make([]string, count)
	for i, v := range map[int]string{
		1: "1", 2: at, 3: "012345678901", 4: "TRAFFIC", 5: "end", 6: "2561", 7: at, 8: f.src, 9: f.dest, 10: "192.0.2.10", 11: f.dest,
		12: "Outbound_Allow", 15: f.app, 16: "vsys1", 17: "Trust", 18: "Untrust", 19: "ethernet1/2", 20: "ethernet1/1", 21: "fwd_splunk", 22: at,
		23: "14740", 24: "1", 25: strconv.Itoa(f.srcPort), 26: strconv.Itoa(f.port), 27: "9001", 28: "11024", 29: "0x400053", 30: f.transport, 31: "allow",
		32: strconv.Itoa(f.in + f.out), 33: strconv.Itoa(f.out), 34: strconv.Itoa(f.in), 35: strconv.Itoa(f.packetsIn + f.pktsO), 36: begun,
		37: strconv.FormatInt(f.took, 10), 38: "any", 39: "0", 40: "376156893", 41: "0x0", 42: "10.0.0.0-10.255.255.255", 43: "Germany", 44: "0",
		45: strconv.Itoa(f.pktsO), 46: strconv.Itoa(f.packetsIn), 47: "tcp-fin", 53: "PA-220", 54: "from-policy", 61: "N/A",
		72: "2a4cd3a5-1c1d-4a0e-b0b5-000000000001", 103: at, 115: "no",
	} {
		if i <= count {
			cells[i-1] = v
		}
	}
	return strings.Join(cells, ",")
}

const zeekHead = "#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\tconn\n#open\t2026-11-20-12-00-00\n" +
	"#fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\tservice\tduration\torig_bytes\tresp_bytes\tconn_state\tlocal_orig\tlocal_resp\tmissed_bytes\thistory\torig_pkts\torig_ip_bytes\tresp_pkts\tresp_ip_bytes\ttunnel_parents\n" +
	"#types\ttime\tstring\taddr\tport\taddr\tport\tenum\tstring\tinterval\tcount\tcount\tstring\tbool\tbool\tcount\tstring\tcount\tcount\tcount\tcount\tset[string]\n"

func (f flow) zeekLine() string {
	return fmt.Sprintf("%d.000000\tCHhAvVGS1DHFjwGM9\t%s\t%d\t%s\t%d\t%s\t%s\t%d.000000\t1\t2\tSF\tT\tF\t0\tShADadFf\t%d\t%d\t%d\t%d\t-",
		f.start, f.src, f.srcPort, f.dest, f.port, f.transport, f.app, f.took, f.pktsO, f.out, f.packetsIn, f.in)
}

func (f flow) zeekJSON() string {
	return fmt.Sprintf(`{"ts":%d.0,"uid":"CHhAvVGS1DHFjwGM9","id.orig_h":"%s","id.orig_p":%d,"id.resp_h":"%s","id.resp_p":%d,"proto":"%s","service":"%s","duration":%d.0,"orig_bytes":1,"resp_bytes":2,"conn_state":"SF","local_orig":true,"history":"ShADadFf","orig_pkts":%d,"orig_ip_bytes":%d,"resp_pkts":%d,"resp_ip_bytes":%d}`,
		f.start, f.src, f.srcPort, f.dest, f.port, f.transport, f.app, f.took, f.pktsO, f.out, f.packetsIn, f.in)
}

func (f flow) eveLine() string {
	iso := func(at int64) string { return time.Unix(at, 0).UTC().Format("2006-01-02T15:04:05.000000+0000") }
	return fmt.Sprintf(`{"timestamp":"%s","flow_id":1234567890,"in_iface":"eth0","event_type":"flow","src_ip":"%s","src_port":%d,"dest_ip":"%s","dest_port":%d,"proto":"%s","app_proto":"%s","flow":{"pkts_toserver":%d,"pkts_toclient":%d,"bytes_toserver":%d,"bytes_toclient":%d,"start":"%s","end":"%s","age":%d,"state":"closed","reason":"timeout","alerted":false},"tcp":{"tcp_flags":"1b","syn":true,"state":"closed"}}`,
		iso(f.end()+60), f.src, f.srcPort, f.dest, f.port, strings.ToUpper(f.transport), f.app, f.pktsO, f.packetsIn, f.out, f.in, iso(f.start), iso(f.end()), f.took)
}

func (f flow) cimJSON() string {
	return fmt.Sprintf(`{"_time":"%d","duration":%d,"src_ip":"%s","src_port":%d,"dest_ip":"%s","dest_port":"%d","transport":"%s","app":"%s","bytes_in":%d,"bytes_out":%d,"packets_in":%d,"packets_out":%d}`,
		f.end(), f.took, f.src, f.srcPort, f.dest, f.port, f.transport, f.app, f.in, f.out, f.packetsIn, f.pktsO)
}

const csvHead = "_time,duration,src_ip,src_port,dest_ip,dest_port,transport,app,bytes_in,bytes_out,packets_in,packets_out\n"

func (f flow) csvLine() string {
	return fmt.Sprintf(`%d,%d,"%s",%d,"%s",%d,%s,%s,%d,%d,%d,%d`,
		f.end(), f.took, f.src, f.srcPort, f.dest, f.port, f.transport, f.app, f.in, f.out, f.packetsIn, f.pktsO)
}

// generators writes n flows in each format.
var generators = map[string]struct {
	format Format
	head   string
	line   func(f flow) string
}{
	"pan 46":    {PAN, "", func(f flow) string { return f.panLine(46) }},
	"pan 61":    {PAN, "", func(f flow) string { return f.panLine(61) }},
	"pan 115":   {PAN, "", func(f flow) string { return f.panLine(115) }},
	"pan sys":   {PAN, "", func(f flow) string { return "<14>Nov 20 12:00:00 fw.example.com " + f.panLine(103) }},
	"zeek":      {Zeek, zeekHead, flow.zeekLine},
	"zeek json": {Zeek, "", flow.zeekJSON},
	"suricata":  {Suricata, "", flow.eveLine},
	"csv":       {CSV, csvHead, flow.csvLine},
	"json":      {JSON, "", flow.cimJSON},
}

func generate(name string, seed uint64, n int) string {
	g := generators[name]
	var b strings.Builder
	b.WriteString(g.head)
	for _, f := range flows(seed, n) {
		b.WriteString(g.line(f) + "\n")
	}
	return b.String()
}
