package format

import (
	"bytes"
	"slices"

	"tordetect/src/cell"
	"tordetect/src/event"
)

// head is what the lines with # of a Zeek file say of its rows.
type head struct {
	separator    byte // 0: there was no head
	unset, empty []byte
	path         string
	fields       int     // how many a row has; 0: their names are not known
	cells        []field // those that are read
	ends         bool    // there are addresses
	certificate  bool    // there is the name of a certificate
}

// equal reports whether both say the same of rows.
func (z *head) equal(o *head) bool {
	return z.separator == o.separator && z.path == o.path && z.fields == o.fields && z.ends == o.ends && z.certificate == o.certificate &&
		bytes.Equal(z.unset, o.unset) && bytes.Equal(z.empty, o.empty) && slices.Equal(z.cells, o.cells)
}

// field is a column of a Zeek file that is read.
type field struct {
	number int // from 0
	slot   event.Slot
}

// maxFields bounds the columns of a file. Zeek's conn.log has 22, with many packages
// some 60.
const maxFields = 512

// readZeek reads a line of a Zeek log with tabs: its head, a row of a file with a
// head, or a row alone, as it comes to a search.
func (p *Parser) readZeek(line []byte, e *event.Event) Claim {
	z := &p.zeek
	switch {
	case line[0] == '#':
		return z.directive(line)
	case z.separator != 0 && z.fields > 0:
		return p.zeekRow(line, e)
	}
	return p.zeekAlone(line, e)
}

// directive reads a line that begins with #.
func (z *head) directive(line []byte) Claim {
	claim := Claim{Kind: Blank, Format: Zeek}
	// The separator itself is written behind a blank: "#separator \x09".
	if value, ok := bytes.CutPrefix(line, []byte("#separator ")); ok {
		*z = head{separator: '\t', unset: []byte("-"), empty: []byte("(empty)")}
		if c, ok := hexByte(bytes.TrimSpace(value)); ok {
			z.separator = c
		}
		return claim
	}
	separator := z.separator
	if separator == 0 {
		separator = '\t'
	}
	name, value, _ := bytes.Cut(line, []byte{separator})
	switch string(name) {
	case "#unset_field":
		z.unset = bytes.Clone(value)
	case "#empty_field":
		z.empty = bytes.Clone(value)
	case "#path":
		z.path = string(value[:min(len(value), 64)])
	case "#fields":
		z.separator = separator
		z.bind(value)
	case "#types", "#open", "#close", "#set_separator":
	default:
		return Claim{Kind: Nobody} // a comment of somebody else
	}
	return claim
}

// bind finds the names of a file's columns.
func (z *head) bind(value []byte) {
	z.fields, z.cells, z.ends, z.certificate = 0, nil, false, false // a state that was kept has those before
	for name := range bytes.SplitSeq(value, []byte{z.separator}) {
		if z.fields == maxFields {
			break
		}
		slot, known := event.Find(name)
		if string(name) == "host" && z.path != "http" {
			known = false // Zeek calls other things so, too
		}
		if known {
			z.cells = append(z.cells, field{z.fields, slot})
			z.ends = z.ends || slot.IsEnd()
			z.certificate = z.certificate || slot.IsCertificate()
		}
		z.fields++
	}
}

// hexByte reads \x09, or a byte that stands for itself.
func hexByte(text []byte) (byte, bool) {
	if len(text) == 1 {
		return text[0], true
	}
	if len(text) != 4 || text[0] != '\\' || text[1] != 'x' {
		return 0, false
	}
	high, ok1 := cell.HexDigit(text[2])
	low, ok2 := cell.HexDigit(text[3])
	return high<<4 | low, ok1 && ok2
}

// zeekRow reads a row of a file with a head. One separator too many at the end of
// each row is no matter.
func (p *Parser) zeekRow(line []byte, e *event.Event) Claim {
	z := &p.zeek
	if !z.ends && !z.certificate {
		return Claim{Kind: Other, Format: Zeek, Text: kindName("Zeek ", []byte(z.path))}
	}
	isEscaped := bytes.IndexByte(line, '\\') >= 0
	ends := p.ends[:z.fields]
	n := findAll(line, z.separator, ends)
	var more []byte // behind the last field
	if n == z.fields-1 {
		ends[n] = int32(len(line)) // the last one is the line's
		n++
	} else if n == z.fields {
		more = line[ends[n-1]+1:]
	} // else the line ends here, perhaps inside of the field
	for _, f := range z.cells {
		if f.number >= n {
			break
		}
		from := int32(0)
		if f.number > 0 {
			from = ends[f.number-1] + 1
		}
		value := line[from:ends[f.number]]
		if string(value) == string(z.unset) || string(value) == string(z.empty) {
			continue
		}
		if isEscaped {
			value = p.unescapeZeek(value)
		}
		e.Set(f.slot, value)
	}
	switch {
	case n < z.fields && e.HasBothEnds():
		return Claim{Kind: Flow, Format: Zeek, Cut: true}
	case n < z.fields && n < 2:
		return Claim{Kind: Nobody}
	case n < z.fields:
		return Claim{Kind: Broken, Format: Zeek, Text: "the row has fewer fields than the line #fields names", Cut: true}
	case len(bytes.Trim(more, string(z.separator))) > 0:
		return Claim{Kind: Broken, Format: Zeek, Text: "the row has more fields than the line #fields names"}
	case !e.Says() && !z.ends:
		return Claim{Kind: Other, Format: Zeek, Text: kindName("Zeek ", []byte(z.path))}
	case !e.Says() && zeekLoose[z.path]:
		return Claim{Kind: Other, Format: Zeek, Text: kindName("Zeek ", []byte(z.path)) + " without a connection"}
	case !e.Says():
		return Claim{Kind: Broken, Format: Zeek, Text: "no id.orig_h or no id.resp_h"}
	}
	return Claim{Kind: Flow, Format: Zeek}
}

// zeekLoose are the logs whose id is optional: a notice, a weird packet or a file need
// not belong to a connection (script reference of each: id is &optional).
var zeekLoose = map[string]bool{"notice": true, "notice_alarm": true, "weird": true, "files": true, "analyzer": true, "analyzer_debug": true, "dpd": true, "reporter": true, "signatures": true}

// unescapeZeek undoes what Zeek writes as \x2c.
func (p *Parser) unescapeZeek(value []byte) []byte {
	if bytes.IndexByte(value, '\\') < 0 {
		return value
	}
	start := len(p.arena)
	for i := 0; i < len(value); i++ {
		if value[i] == '\\' && i+4 <= len(value) {
			if c, ok := hexByte(value[i : i+4]); ok {
				p.arena = append(p.arena, c)
				i += 3
				continue
			}
		}
		p.arena = append(p.arena, value[i])
	}
	return p.arena[start:len(p.arena):len(p.arena)]
}

// Names of the fields of rows without a head, counted from 1. All logs about
// connections begin with the same six; what follows is told apart by its content, as
// nothing in the row says which log it is (Zeek 2.0 to 8; docs.zeek.org, script
// reference of conn, ssl, dns, http and quic).
var (
	zeekCommon = []string{1: "ts", 2: "uid", 3: "id.orig_h", 4: "id.orig_p", 5: "id.resp_h", 6: "id.resp_p"}
	zeekConn   = []string{7: "proto", 8: "service", 9: "duration", 10: "orig_bytes", 11: "resp_bytes", 12: "conn_state"}
	zeekCounts = []string{1: "orig_pkts", 2: "orig_ip_bytes", 3: "resp_pkts", 4: "resp_ip_bytes"} // behind the history
	zeekHTTP   = []string{8: "method", 9: "host", 10: "uri"}
	zeekQUIC   = []string{8: "client_initial_dcid", 11: "server_name"}
)

// aloneFields is how many fields of such a row are looked at.
const aloneFields = 22

// zeekAlone reads a row without a head.
func (p *Parser) zeekAlone(line []byte, e *event.Event) Claim {
	var f [aloneFields + 1][]byte
	n := 0
	for more := true; more && n < aloneFields; {
		n++
		f[n], line, more = bytes.Cut(line, []byte("\t"))
	}
	if n < len(zeekCommon)-1 || !isEpoch(f[1]) {
		return Claim{Kind: Nobody}
	}
	if _, ok := cell.Address(f[3]); !ok && !isUnspecified(f[3]) {
		return Claim{Kind: Nobody}
	}
	set := func(at int, name string) {
		if at <= n {
			e.Put([]byte(name), p.unescapeZeek(f[at]))
		}
	}
	all := func(names []string, from int) {
		for i, name := range names {
			if name != "" {
				set(from+i, name)
			}
		}
	}
	all(zeekCommon, 0)
	switch {
	case isTransportName(f[7]) && event.IsConnState(f[12]):
		all(zeekConn, 0)
		// Before Zeek 2.4 there is no local_resp, so the history stands a field earlier;
		// without local_orig, too, where a site's policy leaves both out.
		for _, history := range [...]int{16, 15, 14} {
			if isCount(f[history-1]) && !isCount(f[history]) && (isCount(f[history+1]) || string(f[history+1]) == "-") {
				all(zeekCounts, history)
				break
			}
		}
	case isTransportName(f[7]):
		set(7, "proto")
		// The round trip time stands before the query since Bro 2.5.
		if bytes.HasPrefix(f[11], []byte("C_")) || !bytes.HasPrefix(f[12], []byte("C_")) && !isCount(f[9]) && string(f[9]) != "-" {
			set(9, "query")
		} else {
			set(10, "query")
		}
	case isTLSVersion(f[7]) || isFlag(f[11]) && (string(f[7]) == "-" || isUnknownVersion(f[7])):
		set(7, "version")
		if isFlag(f[11]) {
			set(10, "server_name")
		} else {
			set(9, "server_name") // Bro 2.2 and older have no curve
		}
	case isCount(f[7]) && isMethod(f[8]):
		all(zeekHTTP, 0)
	case isHex(f[8]) && (isQUICVersion(f[7]) || isCount(f[7]) && len(f[8]) >= shortestDCID):
		all(zeekQUIC, 0)
	}
	return Claim{Kind: Flow, Format: Zeek}
}

// isTransportName reports whether a field is the name of a transport: a number is
// another log's depth or version.
func isTransportName(text []byte) bool {
	switch string(text) {
	case "tcp", "udp", "icmp", "unknown_transport":
		return true
	}
	return false
}

func isTLSVersion(text []byte) bool {
	return bytes.HasPrefix(text, []byte("TLSv")) || bytes.HasPrefix(text, []byte("SSLv")) || bytes.HasPrefix(text, []byte("DTLSv"))
}

// isUnknownVersion reports whether Zeek has no name for a version, as of a draft.
func isUnknownVersion(text []byte) bool { return bytes.HasPrefix(text, []byte("unknown-")) }

// isQUICVersion reports whether a version is one of QUIC's by its name; the first is
// called 1.
func isQUICVersion(text []byte) bool {
	return isUnknownVersion(text) || bytes.HasPrefix(text, []byte("draft-")) || bytes.HasPrefix(text, []byte("quicv"))
}

// shortestDCID is the shortest connection id that a client may begin QUIC of version 1
// with, as hex: 8 bytes (RFC 9000, section 7.2).
const shortestDCID = 16

func isHex(text []byte) bool {
	for _, c := range text {
		if _, ok := cell.HexDigit(c); !ok {
			return false
		}
	}
	return len(text) > 0
}

// isUnspecified reports whether a text is the address of a host that has none yet.
func isUnspecified(text []byte) bool { return string(text) == "::" || string(text) == "0.0.0.0" }

func isFlag(text []byte) bool { return string(text) == "T" || string(text) == "F" }

func isCount(text []byte) bool {
	_, ok := cell.Number(text)
	return ok
}

// isMethod reports whether a field is an HTTP method, or none.
func isMethod(text []byte) bool {
	for _, c := range text {
		if (c < 'A' || c > 'Z') && c != '-' && c != '_' {
			return false
		}
	}
	return len(text) > 0 && len(text) <= 32
}

// isEpoch reports whether a text is a time in seconds with a fraction, as Zeek
// writes it, or an ISO time, as it was told to.
func isEpoch(text []byte) bool {
	if at := bytes.IndexByte(text, '.'); at < 9 && (len(text) < 20 || text[10] != 'T') {
		return false
	}
	_, kind := cell.ReadTime(text, nil)
	return kind.IsMoment()
}
