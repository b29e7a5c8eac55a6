package trafficlog

import (
	"slices"
	"strings"
)

// cimNames are the columns of rows that are made of JSON objects with CIM names:
// all by which the search command finds what it reads, and what helps an analyst.
// The same names, bare or behind the prefix of a data model's dataset
// (All_Traffic.src), make the first row of a CSV file a header.
var cimNames = []string{
	"_time", "_span", "firstTime", "lastTime", "duration", "ts", "timestamp", "flow.start",
	"src_ip", "src", "id.orig_h", "id_orig_h", "src_port", "id.orig_p", "id_orig_p",
	"dest_ip", "dest", "id.resp_h", "id_resp_h", "dest_port", "id.resp_p", "id_resp_p",
	"transport", "proto", "app", "application", "appi_name", "version", "tls.version", "action", "alert.action", "flow.action", "conn_state",
	"bytes_in", "bytes_received", "resp_bytes", "flow.bytes_toclient",
	"bytes_out", "bytes_sent", "orig_bytes", "flow.bytes_toserver",
	"packets_in", "pkts_received", "resp_pkts", "flow.pkts_toclient",
	"packets_out", "pkts_sent", "orig_pkts", "flow.pkts_toserver",
	"sni", "ssl_sni", "server_name", "tls.sni", "ssl_server_name", "ja4", "tls.ja4", "ja3", "tls.ja3", "tls.ja3.hash",
	"query", "dns.rrname", "dns.queries{}.rrname", "dns.query{}.rrname", "url", "url_domain", "http.hostname",
	"user", "count", "_raw",
}

// cimEnds are those of which a row needs one, or there is nothing to judge.
var cimEnds = []string{
	"src_ip", "src", "id.orig_h", "id_orig_h", "dest_ip", "dest", "id.resp_h", "id_resp_h",
	"sni", "ssl_sni", "server_name", "tls.sni", "ssl_server_name", "ja4", "tls.ja4", "ja3", "tls.ja3", "tls.ja3.hash",
	"query", "dns.rrname", "dns.queries{}.rrname", "dns.query{}.rrname", "url", "url_domain", "http.hostname", "_raw",
}

var (
	cimPlaces = places(cimNames)
	cimIsEnd  = places(cimEnds)

	cimBroken = problem{Unreadable, "broken JSON"}
	cimNoEnds = problem{Unreadable, "none of the keys src_ip, src, dest_ip, dest, sni, query, url and the like"}
)

func places(names []string) map[string]int {
	m := make(map[string]int, len(names))
	for i, name := range names {
		m[name] = i
	}
	return m
}

// bareName cuts the prefix of a data model's dataset off a name: a word with a
// capital and a dot.
func bareName(name string) string {
	if name != "" && 'A' <= name[0] && name[0] <= 'Z' {
		if _, rest, ok := strings.Cut(name, "."); ok {
			return rest
		}
	}
	return name
}

// cimLines reads JSON lines with CIM names: objects, or the results of Splunk's
// JSON output, {"preview":false,"result":{...}}. A row has the columns of which a
// key was seen in the file so far.
type cimLines struct {
	values  []text
	seen    []int // columns, in ascending order
	header  []byte
	object  object
	scratch []byte
}

// begin forgets the columns of the file before.
func (c *cimLines) begin() {
	c.seen, c.header = c.seen[:0], c.header[:0]
	if c.values == nil {
		c.values = make([]text, len(cimNames))
		c.object.put = func(key string) *text {
			if i, ok := cimPlaces[bareName(key)]; ok {
				return &c.values[i]
			}
			return nil
		}
		c.object.in = func(key string) bool { return key == "result" }
	}
}

func (c *cimLines) columns() []byte { return c.header }

func (c *cimLines) row(dst, line []byte) ([]byte, int64, *problem) {
	if len(line) == 0 {
		return dst, 0, &blank
	}
	for i := range c.values {
		c.values[i] = c.values[i][:0]
	}
	if !decode(line, &c.object) {
		return dst, 0, &cimBroken
	}
	found := false
	for i, t := range c.values {
		if len(t) == 0 {
			continue
		}
		if !found {
			_, found = cimIsEnd[cimNames[i]]
			found = found && len(t.value(&c.scratch)) > 0
		}
		c.see(i)
	}
	if !found {
		return dst, 0, &cimNoEnds
	}
	for n, i := range c.seen {
		if n > 0 {
			dst = append(dst, ',')
		}
		dst = appendCell(dst, c.values[i].value(&c.scratch))
	}
	at, _ := decimal(c.values[0].value(&c.scratch))
	return dst, at / million, nil
}

// see makes a column one of the header's.
func (c *cimLines) see(column int) {
	at, known := slices.BinarySearch(c.seen, column)
	if known {
		return
	}
	c.seen = slices.Insert(c.seen, at, column)
	c.header = c.header[:0]
	for n, i := range c.seen {
		if n > 0 {
			c.header = append(c.header, ',')
		}
		c.header = append(c.header, cimNames[i]...)
	}
}
