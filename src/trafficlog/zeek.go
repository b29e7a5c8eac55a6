package trafficlog

import (
	"bytes"
	"slices"
)

// zeekColumn is a column of our rows and the Zeek fields that fill it, the best
// first. Byte counts with headers come first, as they are what other devices
// count, and a connection without payload has them.
type zeekColumn struct {
	name   string
	fields []string
}

var zeekTable = []zeekColumn{
	{"src_ip", []string{"id.orig_h"}},
	{"src_port", []string{"id.orig_p"}},
	{"dest_ip", []string{"id.resp_h"}},
	{"dest_port", []string{"id.resp_p"}},
	{"transport", []string{"proto"}},
	{"app", []string{"service"}},
	{"conn_state", []string{"conn_state"}},
	{"bytes_in", []string{"resp_ip_bytes", "resp_bytes"}},
	{"bytes_out", []string{"orig_ip_bytes", "orig_bytes"}},
	{"packets_in", []string{"resp_pkts"}},
	{"packets_out", []string{"orig_pkts"}},
	{"sni", []string{"server_name"}},
	{"ja4", []string{"ja4"}},
	{"ja3", []string{"ja3"}},
	{"query", []string{"query"}},
	{"url_domain", []string{"host"}},
	{"user", []string{"username"}},
}

var (
	zeekNoHeader = problem{Unreadable, "a row before any line #fields: Zeek logs without it cannot be read"}
	zeekCut      = problem{Cut, "the row has fewer fields than the line #fields names"}
	zeekLonger   = problem{Unreadable, "the row has more fields than the line #fields names"}
	zeekTime     = problem{Unreadable, "ts is no time"}
	zeekBroken   = problem{Unreadable, "broken JSON"}
	zeekNoEnds   = problem{Unreadable, "no id.orig_h or no id.resp_h"}
)

// zeekLines reads Zeek logs, TSV and JSON.
type zeekLines struct {
	clock  clock
	fields fields
	header []byte // CSV header of the rows

	// Of TSV, from the lines that begin with #.
	separator   byte
	unset       []byte
	empty       []byte
	path        string
	names       int     // fields that #fields names; 0: it was not seen
	flows       bool    // they are those of flows
	ts          int     // places of fields; -1: not there
	duration    int     //
	version     int     // of ssl.log, whose transport it tells
	columnsAt   [][]int // for each column, the places of the fields that fill it
	lastColumn  int     // the highest place
	transport   string  // of logs that name none
	application string

	object  zeekObject
	scratch []byte
}

func (z *zeekLines) begin() {
	*z = zeekLines{clock: z.clock, separator: '\t', unset: []byte("-"), empty: []byte("(empty)"), object: z.object, scratch: z.scratch, columnsAt: z.columnsAt}
}

func (z *zeekLines) columns() []byte { return z.header }

func (z *zeekLines) row(dst, line []byte) ([]byte, int64, *problem) {
	switch {
	case len(line) == 0:
		return dst, 0, &blank
	case line[0] == '{':
		return z.jsonRow(dst, line)
	case line[0] == '#':
		return dst, 0, z.directive(line)
	case z.names == 0:
		return dst, 0, &zeekNoHeader
	case !z.flows:
		return dst, 0, &other
	}
	return z.tsvRow(dst, line)
}

// directive reads a line that begins with #.
func (z *zeekLines) directive(line []byte) *problem {
	name, value, _ := bytes.Cut(line, []byte{z.separator})
	switch string(name) {
	case "#unset_field":
		z.unset = bytes.Clone(value)
	case "#empty_field":
		z.empty = bytes.Clone(value)
	case "#path":
		z.path = string(value[:min(len(value), 64)])
	case "#fields":
		return z.bind(value)
	default:
		// The separator itself is written behind a blank: "#separator \x09".
		if value, ok := bytes.CutPrefix(line, []byte("#separator ")); ok {
			if c, ok := hexByte(value); ok {
				z.separator = c
			}
			z.path, z.names = "", 0
		}
	}
	return &blank
}

// hexByte reads \x09 or a byte that stands for itself.
func hexByte(text []byte) (byte, bool) {
	if len(text) == 1 {
		return text[0], true
	}
	if len(text) != 4 || text[0] != '\\' || text[1] != 'x' {
		return 0, false
	}
	high, ok1 := nibble(text[2])
	low, ok2 := nibble(text[3])
	return high<<4 | low, ok1 && ok2
}

func nibble(c byte) (byte, bool) {
	switch {
	case '0' <= c && c <= '9':
		return c - '0', true
	case 'a' <= c|0x20 && c|0x20 <= 'f':
		return c | 0x20 - 'a' + 10, true
	}
	return 0, false
}

// bind finds the columns among the fields.
func (z *zeekLines) bind(value []byte) *problem {
	var names []string
	for name := range bytes.SplitSeq(value, []byte{z.separator}) {
		names = append(names, string(name))
	}
	z.names = min(len(names), maxFields-1)
	names = names[:z.names]
	z.ts, z.duration, z.version = slices.Index(names, "ts"), slices.Index(names, "duration"), slices.Index(names, "version")
	z.flows = z.ts >= 0 && slices.Contains(names, "id.orig_h") && slices.Contains(names, "id.resp_h")
	if !z.flows {
		return &blank // files, x509, weird: logs without flows
	}
	z.transport, z.application = "", ""
	switch z.path {
	case "ssl", "http":
		z.transport, z.application = "tcp", z.path
	case "dns":
		z.application = z.path
	}
	z.header = append(z.header[:0], zeekTimes...)
	z.columnsAt = z.columnsAt[:0]
	z.lastColumn = max(z.ts, z.duration, z.version)
	for _, column := range zeekTable {
		var places []int
		for _, name := range column.fields {
			if at := slices.Index(names, name); at >= 0 && !(name == "host" && z.path != "http") {
				places = append(places, at)
				z.lastColumn = max(z.lastColumn, at)
			}
		}
		fixed := column.name == "transport" && z.transport != "" || column.name == "app" && z.application != ""
		if len(places) == 0 && !fixed {
			continue
		}
		if len(places) == 0 {
			places = []int{fixedTransport}
			if column.name == "app" {
				places = []int{fixedApplication}
			}
		}
		z.columnsAt = append(z.columnsAt, places)
		z.header = append(append(z.header, ','), column.name...)
	}
	return &blank
}

// Places of columns that no field fills.
const (
	fixedTransport   = -1
	fixedApplication = -2
)

func (z *zeekLines) tsvRow(dst, line []byte) ([]byte, int64, *problem) {
	f := &z.fields
	f.split(line, z.separator, z.names+1)
	switch {
	case f.count < z.names:
		return dst, 0, &zeekCut
	case f.count > z.names:
		return dst, 0, &zeekLonger
	}
	start, ok := z.time(f.at(z.ts))
	if !ok {
		return dst, 0, &zeekTime
	}
	var took int64
	known := false
	if z.duration >= 0 {
		if field := f.at(z.duration); !z.isNone(field) {
			took, known = decimal(field)
		}
	}
	dst = appendTimes(dst, start, took, known)
	plain := isPlain(line) && bytes.IndexByte(line, ',') < 0 && bytes.IndexByte(line, '\\') < 0
	for _, places := range z.columnsAt {
		dst = append(dst, ',')
		if places[0] < 0 {
			dst = append(dst, z.fixed(places[0])...)
			continue
		}
		field := f.at(places[0])
		if z.isNone(field) {
			if len(places) == 1 || z.isNone(f.at(places[1])) {
				continue
			}
			field = f.at(places[1])
		}
		if plain {
			dst = append(dst, field...)
			continue
		}
		if bytes.IndexByte(field, '\\') >= 0 {
			z.scratch = unescapeZeek(z.scratch[:0], field)
			field = z.scratch
		}
		dst = appendCell(dst, field)
	}
	return dst, (start + took) / million, nil
}

// zeekTimes are the columns of appendTimes. A row of Zeek tells its start and end
// apart, as the search command takes its _time for the start.
const zeekTimes = "lastTime,firstTime,duration"

// appendTimes appends the end, the start and the duration of a flow.
func appendTimes(dst []byte, start, took int64, known bool) []byte {
	dst = append(appendSeconds(dst, start+took), ',')
	dst = append(appendSeconds(dst, start), ',')
	if known {
		dst = appendSeconds(dst, took)
	}
	return dst
}

// fixed is the value of a column that no field fills.
func (z *zeekLines) fixed(place int) string {
	if place == fixedApplication {
		return z.application
	}
	if z.version >= 0 && bytes.HasPrefix(z.fields.at(z.version), []byte("DTLS")) {
		return "udp"
	}
	return z.transport
}

// time reads ts: epoch seconds, or an ISO time where Zeek was told to write such.
func (z *zeekLines) time(text []byte) (int64, bool) {
	if micros, ok := decimal(text); ok {
		return micros, true
	}
	micros, ok := z.clock.iso(text)
	return micros, ok && micros >= 0
}

func (z *zeekLines) isNone(field []byte) bool {
	return string(field) == string(z.unset) || string(field) == string(z.empty)
}

// unescapeZeek appends a field in which Zeek wrote bytes as \x2c.
func unescapeZeek(dst, field []byte) []byte {
	for i := 0; i < len(field); i++ {
		if field[i] == '\\' && i+4 <= len(field) {
			if c, ok := hexByte(field[i : i+4]); ok {
				dst = append(dst, c)
				i += 3
				continue
			}
		}
		dst = append(dst, field[i])
	}
	return dst
}

// zeekObject is a line of a Zeek log in JSON.
type zeekObject struct {
	TS          text `json:"ts"`
	Duration    text `json:"duration"`
	Source      text `json:"id.orig_h"`
	SourcePort  text `json:"id.orig_p"`
	Dest        text `json:"id.resp_h"`
	DestPort    text `json:"id.resp_p"`
	Proto       text `json:"proto"`
	Service     text `json:"service"`
	State       text `json:"conn_state"`
	RespIPBytes text `json:"resp_ip_bytes"`
	RespBytes   text `json:"resp_bytes"`
	OrigIPBytes text `json:"orig_ip_bytes"`
	OrigBytes   text `json:"orig_bytes"`
	RespPackets text `json:"resp_pkts"`
	OrigPackets text `json:"orig_pkts"`
	ServerName  text `json:"server_name"`
	JA4         text `json:"ja4"`
	JA3         text `json:"ja3"`
	Version     text `json:"version"`
	Query       text `json:"query"`
	Host        text `json:"host"`
	Method      text `json:"method"`
	Username    text `json:"username"`
	TransID     text `json:"trans_id"`
}

func (o *zeekObject) reset() {
	for _, t := range [...]*text{
		&o.TS, &o.Duration, &o.Source, &o.SourcePort, &o.Dest, &o.DestPort, &o.Proto, &o.Service, &o.State,
		&o.RespIPBytes, &o.RespBytes, &o.OrigIPBytes, &o.OrigBytes, &o.RespPackets, &o.OrigPackets,
		&o.ServerName, &o.JA4, &o.JA3, &o.Version, &o.Query, &o.Host, &o.Method, &o.Username, &o.TransID,
	} {
		*t = (*t)[:0]
	}
}

var zeekJSONHeader = []byte(zeekTimes + ",src_ip,src_port,dest_ip,dest_port,transport,app,conn_state," +
	"bytes_in,bytes_out,packets_in,packets_out,sni,ja4,ja3,query,url_domain,user")

func (z *zeekLines) jsonRow(dst, line []byte) ([]byte, int64, *problem) {
	o := &z.object
	o.reset()
	if !decode(line, o) {
		return dst, 0, &zeekBroken
	}
	if len(o.Source) == 0 || len(o.Dest) == 0 {
		if len(o.TS) > 0 {
			return dst, 0, &other // files, x509, weird: logs without flows
		}
		return dst, 0, &zeekNoEnds
	}
	start, ok := z.time(o.TS.value(&z.scratch))
	if !ok {
		return dst, 0, &zeekTime
	}
	took, known := decimal(o.Duration.value(&z.scratch))
	dst = appendTimes(dst, start, took, known)
	transport, application := o.inferred()
	for _, t := range [...]text{
		o.Source, o.SourcePort, o.Dest, o.DestPort, transport, application, o.State,
		either(o.RespIPBytes, o.RespBytes), either(o.OrigIPBytes, o.OrigBytes), o.RespPackets, o.OrigPackets,
		o.ServerName, o.JA4, o.JA3, o.Query, o.Host, o.Username,
	} {
		dst = appendCell(append(dst, ','), t.value(&z.scratch))
	}
	if string(z.header) != string(zeekJSONHeader) {
		z.header = append(z.header[:0], zeekJSONHeader...)
		z.names = 0
	}
	return dst, (start + took) / million, nil
}

// inferred returns transport and application, which a log of one protocol does not
// name.
func (o *zeekObject) inferred() (transport, application text) {
	transport, application = o.Proto, o.Service
	switch {
	case bytes.HasPrefix(o.Version, []byte(`"DTLS`)):
		return either(transport, text("udp")), either(application, text("ssl"))
	case len(o.ServerName) > 0, bytes.HasPrefix(o.Version, []byte(`"TLS`)), bytes.HasPrefix(o.Version, []byte(`"SSL`)):
		return either(transport, text("tcp")), either(application, text("ssl"))
	case len(o.Method) > 0:
		return either(transport, text("tcp")), either(application, text("http"))
	case len(o.TransID) > 0:
		application = either(application, text("dns"))
	}
	return transport, application
}

func either(first, second text) text {
	if len(first) > 0 {
		return first
	}
	return second
}
