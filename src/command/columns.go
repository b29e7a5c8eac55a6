package command

import (
	"slices"
	"strings"
)

// role is what a column is read for.
type role uint8

const (
	roleSource role = iota
	roleSourcePort
	roleDestination
	roleDestinationPort
	roleTransport
	roleVersion
	roleTime
	roleSpan
	roleDuration
	roleStart
	roleZeek
	roleLogTime
	roleFirst
	roleLast
	roleApp
	roleAction
	roleConnState
	roleBytesIn
	roleBytesOut
	rolePacketsIn
	rolePacketsOut
	roleSNI
	roleJA4
	roleJA3
	roleURL
	roleQuery
	roleRaw
	roles
)

// usual says what each role is and holds the names by which its column is found
// without an option, the first that has a usable cell first: CIM's names
// (Network_Traffic, Web, Network_Resolution, Authentication), then those of Zeek
// (conn, ssl, dns), whose dots Splunk may turn into underscores, of Suricata's
// eve.json (flow, tls, http, dns) and of Palo Alto's own fields. The time columns
// first and last are firstTime and lastTime as the detections of Enterprise
// Security name them. The same names are looked for in a raw JSON event.
//
// Not here, on purpose: host, which in Splunk is the machine that sent the log;
// app_proto of Suricata, which says "tls" of a flow that a firewall may well have
// called Tor and would overrule labeled=true.
var usual = [roles]struct {
	means string
	names []string
}{
	roleSource:          {"address of the source", []string{"src_ip", "src", "id.orig_h", "id_orig_h"}},
	roleSourcePort:      {"port of the source", []string{"src_port", "id.orig_p", "id_orig_p"}},
	roleDestination:     {"address of the destination", []string{"dest_ip", "dest", "id.resp_h", "id_resp_h"}},
	roleDestinationPort: {"port of the destination", []string{"dest_port", "id.resp_p", "id_resp_p"}},
	roleTransport:       {"transport", []string{"transport", "proto"}},
	roleVersion:         {"version of TLS, of which DTLS runs over UDP", []string{"version", "tls.version"}},
	roleTime:            {"time of the row", []string{"_time"}},
	roleSpan:            {"seconds that the row goes on after its time", []string{"_span"}},
	roleDuration:        {"seconds that the flow lasted", []string{"duration"}},
	roleStart:           {"time when the flow began", []string{"flow.start"}},
	roleZeek:            {"says that the time is that of the first packet", []string{"id.orig_h", "id_orig_h", "conn_state"}},
	roleLogTime:         {"time in the event itself", []string{"ts", "timestamp"}},
	roleFirst:           {"first moment of a row that stands for several", []string{"firstTime"}},
	roleLast:            {"last moment of such a row", []string{"lastTime"}},
	roleApp:             {"the firewall's name for the application", []string{"app", "application", "appi_name"}},
	roleAction:          {"what the firewall did", []string{"action", "alert.action", "flow.action"}},
	roleConnState:       {"how far the connection came", []string{"conn_state"}},
	roleBytesIn:         {"bytes that came back", []string{"bytes_in", "bytes_received", "resp_bytes", "flow.bytes_toclient"}},
	roleBytesOut:        {"bytes that were sent", []string{"bytes_out", "bytes_sent", "orig_bytes", "flow.bytes_toserver"}},
	rolePacketsIn:       {"packets that came back", []string{"packets_in", "pkts_received", "resp_pkts", "flow.pkts_toclient"}},
	rolePacketsOut:      {"packets that were sent", []string{"packets_out", "pkts_sent", "orig_pkts", "flow.pkts_toserver"}},
	roleSNI:             {"server name of the TLS handshake", []string{"sni", "ssl_sni", "server_name", "tls.sni", "ssl_server_name"}},
	roleJA4:             {"JA4 fingerprint of the client", []string{"ja4", "tls.ja4"}},
	roleJA3:             {"JA3 fingerprint of the client", []string{"ja3", "tls.ja3", "tls.ja3.hash"}},
	roleURL:             {"URL, or its host", []string{"url", "url_domain", "http.hostname"}},
	roleQuery:           {"name asked for by DNS", []string{"query", "dns.rrname", "dns.queries{}.rrname", "dns.query{}.rrname"}},
	roleRaw:             {"the event itself, where no column has an address", []string{"_raw"}},
}

// Column is one thing that is read of a row.
type Column struct {
	Means  string   // what it is
	Option string   // the option that names its column; empty: it has none
	Names  []string // found by these names without the option, the better first
}

// Columns returns all that is read of a row, for the manual and its test.
func Columns() []Column {
	out := make([]Column, 0, roles)
	for r := range roles {
		c := Column{Means: usual[r].means, Names: slices.Clone(usual[r].names)}
		for _, o := range options {
			if o.column == r && o.isColumn {
				c.Option = o.name
			}
		}
		out = append(out, c)
	}
	return out
}

// fields are the fields that splunkd has to send where it sends those only that a
// command names (protocol.md section 12): what is read, by its bare names, and
// what is written, so that a field that is there already is replaced. Not among
// them are fields behind a data set's name, of which there is no end, and the raw
// event, whose absence is what makes it worthwhile.
func (o *Options) fields() []string {
	var out []string
	put := func(name string) {
		if !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	for r := range roles {
		switch {
		case o.Columns[r] != "":
			put(o.Columns[r])
		case r != roleRaw:
			for _, name := range usual[r].names {
				put(name)
			}
		}
	}
	for _, f := range Fields {
		put(f.Name)
	}
	if o.Info {
		for _, f := range InfoFields {
			put(f.Name)
		}
	}
	return out
}

// place is a column and that of its list, by number; multi is -1 without one.
type place struct{ plain, multi int }

// columns knows where in a row each role stands.
type columns struct {
	options *Options
	places  [roles][]place // the better name first
	read    []int          // all of their numbers
	seen    [roles]bool    // a column named by the user was there in some chunk
	shows   bool           // there is a column with a name or fingerprint that a client showed
}

// bind finds the columns in a header.
func (c *columns) bind(names []string) {
	c.read = c.read[:0]
	for r := range roles {
		c.places[r] = c.places[r][:0]
		if named := c.options.Columns[r]; named != "" {
			if c.put(r, names, named) {
				c.seen[r] = true
			}
			continue
		}
		for _, name := range usual[r].names {
			c.put(r, names, name)
			for i, column := range names {
				if prefix, ok := strings.CutSuffix(column, name); ok && isDataset(prefix) {
					c.add(r, names, i)
				}
			}
		}
	}
	c.shows = false
	for _, r := range [...]role{roleSNI, roleJA4, roleJA3, roleURL, roleQuery} {
		c.shows = c.shows || len(c.places[r]) > 0
	}
}

// put adds the column of that very name.
func (c *columns) put(r role, names []string, name string) bool {
	i := slices.Index(names, name)
	if i >= 0 {
		c.add(r, names, i)
	}
	return i >= 0
}

func (c *columns) add(r role, names []string, plain int) {
	p := place{plain: plain, multi: -1}
	for i, name := range names {
		if r == roleRaw {
			break // an event is no list: one column less to look for
		}
		if rest, ok := strings.CutPrefix(name, "__mv_"); ok && rest == names[plain] {
			p.multi = i
			c.read = append(c.read, i)
			break
		}
	}
	c.read = append(c.read, plain)
	c.places[r] = append(c.places[r], p)
}

// missing returns the columns named by the user that no chunk had.
func (c *columns) missing() []string {
	var out []string
	for r := range roles {
		if named := c.options.Columns[r]; named != "" && !c.seen[r] {
			out = append(out, named)
		}
	}
	return out
}

// isDataset reports whether a prefix is that of a data model's dataset, as in
// All_Traffic.src: a word that begins with a capital, and a dot. Fields of JSON
// events, such as tunnel.src_ip of Suricata, begin with a small letter.
func isDataset(prefix string) bool {
	word, ok := strings.CutSuffix(prefix, ".")
	if !ok || word == "" || word[0] < 'A' || word[0] > 'Z' {
		return false
	}
	for i := range len(word) {
		c := word[i]
		if c != '_' && (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'z') {
			return false
		}
	}
	return true
}
