package command

import (
	"bytes"

	"tordetect/src/flow"

	"tordetect/src/detect"
)

// event is a raw event, the cell _raw, read by role. It is for rows in which no
// column has an address: events of a source that no add-on takes apart, or a
// search that took the fields away. Read are
//
//	Palo Alto   TRAFFIC, and the URL of THREAT url: comma-separated, by position
//	Zeek        conn, ssl and dns as tab-separated lines, by position; or JSON
//	Suricata    eve.json
//	any other   JSON object whose keys are the names of the columns
//
// behind a syslog header or not. A value that JSON escapes is not read: none of
// ours needs it. It does not do what an add-on does: no aliases, no look-ups, no
// key=value pairs. The values point into the text.
type event struct {
	cells [roles][]byte
	ranks [roles]int // of JSON: which of the usual names gave the cell
	// fromStart says that the time of the event is that of the first packet.
	fromStart bool
}

// Bounds of what is read of a raw event. Suricata's and Zeek's lines have 1 to 4
// KiB, Palo Alto's 1; what matters stands in front.
const (
	maxRaw   = 16 << 10
	maxDepth = 8   // objects and lists in each other; Suricata has 3
	maxPath  = 64  // bytes of a path of keys; the longest of ours has 20
	maxFront = 512 // bytes in front of a JSON object: a syslog header
)

// read reads a raw event; false if it is of no known kind.
func (e *event) read(text []byte) bool {
	text = text[:min(len(text), maxRaw)]
	text = text[skipBlanks(text, 0):]
	if len(text) == 0 {
		return false
	}
	if text[0] != '{' && (e.readPaloAlto(text) || e.readZeek(text)) {
		return true
	}
	if at := bytes.IndexByte(text[:min(len(text), maxFront)], '{'); at >= 0 {
		return e.readJSON(text[at:])
	}
	return false
}

// Fields of a Palo Alto line, counted from 1 (PAN-OS 9 to 11, Traffic and Threat
// Log Fields). Newer releases append fields and move none.
const (
	panType, panSubtype             = 4, 5
	panSource, panDestination       = 8, 9
	panApp                          = 15
	panSourcePort, panPort          = 25, 26
	panProtocol, panAction          = 30, 31
	panURL                          = 32 // THREAT
	panSent, panReceived            = 33, 34
	panElapsed                      = 37
	panPacketsSent, panPacketsBack  = 45, 46
	panLast                         = panPacketsBack
	panTraffic, panThreat, panStart = "TRAFFIC", "THREAT", "start"
)

// readPaloAlto reads a line whose fourth field says TRAFFIC or THREAT. A syslog
// header is part of the first.
func (e *event) readPaloAlto(line []byte) bool {
	threat, begun := false, false
	for n := 1; n <= panLast; n++ {
		var field []byte
		var more bool
		field, line, more = cutField(line)
		r := roles
		switch n {
		case panType:
			if threat = string(field) == panThreat; !threat && string(field) != panTraffic {
				return false
			}
			*e = event{}
		case panSubtype:
			begun = string(field) == panStart
			if threat && string(field) != "url" {
				return false
			}
		case panSource:
			r = roleSource
		case panDestination:
			r = roleDestination
		case panApp:
			r = roleApp
		case panSourcePort:
			r = roleSourcePort
		case panPort:
			r = roleDestinationPort
		case panProtocol:
			r = roleTransport
		case panAction:
			r = roleAction
		}
		switch {
		case threat && n == panURL:
			r = roleURL
		case threat || begun: // at the start there are no counts yet
		case n == panSent:
			r = roleBytesOut
		case n == panReceived:
			r = roleBytesIn
		case n == panElapsed:
			r = roleDuration
		case n == panPacketsSent:
			r = rolePacketsOut
		case n == panPacketsBack:
			r = rolePacketsIn
		}
		if r != roles {
			e.cells[r] = field
		}
		if !more {
			return n > panSubtype
		}
	}
	return true
}

// cutField takes the first field off a comma-separated line. A field in quotes
// may hold commas and doubled quotes.
func cutField(line []byte) (field, rest []byte, more bool) {
	if len(line) > 0 && line[0] == '"' {
		for at := 1; at < len(line); at++ {
			if line[at] != '"' {
				continue
			}
			if at+1 < len(line) && line[at+1] == '"' {
				at++
				continue
			}
			field, rest = line[1:at], line[at+1:]
			if len(rest) > 0 && rest[0] == ',' {
				return field, rest[1:], true
			}
			break // text behind the quote: a quote that means nothing
		}
	}
	return bytes.Cut(line, []byte(","))
}

// Fields of Zeek's lines, counted from 1. All logs about connections begin with
// the same six; what follows is told apart by its content, as the names stand in
// the head of the file and not in the event.
const (
	zeekTime                  = 1
	zeekSource, zeekPort      = 3, 4
	zeekDestination, zeekDest = 5, 6
	zeekSeventh               = 7 // conn, dns: protocol; ssl: version
	zeekEighth                = 8 // ssl: cipher
	zeekDuration              = 9 // conn
	zeekTenth                 = 10
	zeekRespBytes             = 11
	zeekState                 = 12 // conn
)

// readZeek reads a line of conn.log, ssl.log, dns.log or another log with the
// same beginning.
func (e *event) readZeek(line []byte) bool {
	var fields [zeekState + 1][]byte
	n := 0
	for more := true; more && n < zeekState; {
		n++
		fields[n], line, more = bytes.Cut(line, []byte("\t"))
	}
	if n < zeekDest || !isEpoch(fields[zeekTime]) {
		return false
	}
	if _, ok := parseAddr(fields[zeekSource]); !ok {
		return false
	}
	*e = event{fromStart: true}
	e.cells[roleLogTime] = fields[zeekTime]
	e.cells[roleSource], e.cells[roleSourcePort] = fields[zeekSource], fields[zeekPort]
	e.cells[roleDestination], e.cells[roleDestinationPort] = fields[zeekDestination], fields[zeekDest]
	switch transport := detect.ReadTransport(fields[zeekSeventh]); {
	case transport != flow.TransportUnknown && isConnState(fields[zeekState]):
		e.cells[roleTransport], e.cells[roleDuration] = fields[zeekSeventh], fields[zeekDuration]
		e.cells[roleBytesOut], e.cells[roleBytesIn] = fields[zeekTenth], fields[zeekRespBytes]
		e.cells[roleConnState] = fields[zeekState]
	case transport != flow.TransportUnknown:
		e.cells[roleTransport], e.cells[roleQuery] = fields[zeekSeventh], fields[zeekTenth]
	case bytes.HasPrefix(fields[zeekEighth], []byte("TLS_")):
		e.cells[roleSNI], e.cells[roleVersion] = fields[zeekTenth], fields[zeekSeventh]
	}
	return true
}

// isEpoch reports whether a text is a time in seconds with a fraction, as Zeek
// writes it.
func isEpoch(text []byte) bool {
	at := bytes.IndexByte(text, '.')
	if at < 9 || at > 11 {
		return false
	}
	_, ok := parseNumber(text)
	return ok
}

// isConnState reports whether a field is one of Zeek's connection states.
func isConnState(text []byte) bool {
	switch string(text) {
	case "S0", "S1", "S2", "S3", "SF", "REJ", "RSTO", "RSTR", "RSTOS0", "RSTRH", "SH", "SHR", "OTH":
		return true
	}
	return false
}

// nameOf is where a name of a column leads.
type nameOf struct {
	role role
	rank int
}

// roleOf finds the usual names, for keys of JSON. Some of Zeek's lead to two
// roles: that a row is Zeek's is seen apart.
var roleOf = func() map[string]nameOf {
	out := map[string]nameOf{}
	for r := range roles {
		switch r {
		case roleZeek, roleRaw, roleTime:
			continue
		}
		for i, name := range usual[r].names {
			out[name] = nameOf{r, i}
		}
	}
	return out
}()

// readJSON reads a JSON object. Keys in each other are joined by dots, and a list
// adds {}, as Splunk names such fields. It stops at the first thing that is not
// JSON, or at a bound, and keeps what it has.
func (e *event) readJSON(text []byte) bool {
	var path [maxPath]byte
	var ends [maxDepth]int // of the path, where each object or list begins
	var list [maxDepth]bool
	*e = event{}
	depth, end, at := 0, 0, 1
	found := false
	for at < len(text) {
		switch c := text[at]; {
		case c == ' ' || c == ',' || c == '\t' || c == '\n' || c == '\r':
			at++
			continue
		case c == '}' || c == ']':
			if depth == 0 {
				return found
			}
			depth--
			end = ends[depth]
			at++
			continue
		case !list[depth]:
			key, after, ok := cutString(text, at)
			if !ok {
				return found
			}
			at = skipBlanks(text, after)
			if at >= len(text) || text[at] != ':' {
				return found
			}
			at = skipBlanks(text, at+1)
			end = ends[depth]
			if end > 0 {
				end = join(&path, end, ".")
			}
			end = join(&path, end, key)
			if at >= len(text) {
				return found
			}
		}
		var value []byte
		switch c := text[at]; c {
		case '{', '[':
			if depth++; depth == maxDepth {
				return found
			}
			if c == '[' {
				end = join(&path, end, "{}")
			}
			ends[depth], list[depth] = end, c == '['
			at++
			continue
		case '"':
			var after int
			var ok bool
			if value, after, ok = cutString(text, at); !ok {
				return found
			}
			at = after
		default:
			from := at
			for at < len(text) && text[at] != ',' && text[at] != '}' && text[at] != ']' && text[at] > ' ' {
				at++
			}
			if value = text[from:at]; len(value) == 0 {
				return found
			}
		}
		if e.put(path[:end], value) {
			found = true
		}
	}
	return found
}

// put keeps a value under one of the usual names, if none has a better name. The
// first of a list stays.
func (e *event) put(path, value []byte) bool {
	to, ok := roleOf[string(path)]
	if !ok || isEmpty(value) || bytes.IndexByte(value, '\\') >= 0 {
		return false
	}
	if e.cells[to.role] != nil && e.ranks[to.role] <= to.rank {
		return true
	}
	e.cells[to.role], e.ranks[to.role] = value, to.rank
	if string(path) == "conn_state" || string(path) == "id.orig_h" || string(path) == "id_orig_h" {
		e.fromStart = true
	}
	return true
}

// cutString returns the text of the JSON string that begins at text[at], with its
// escapes, and the place behind it.
func cutString(text []byte, at int) (value []byte, after int, ok bool) {
	if text[at] != '"' {
		return nil, at, false
	}
	at++
	for from := at; at < len(text); at++ {
		switch text[at] {
		case '"':
			return text[from:at], at + 1, true
		case '\\':
			at++
		}
	}
	return nil, at, false
}

func skipBlanks(text []byte, at int) int {
	for at < len(text) && (text[at] == ' ' || text[at] == '\t' || text[at] == '\n' || text[at] == '\r') {
		at++
	}
	return at
}

// join appends to the path, as far as there is room, and returns its new end. A
// path of maxPath bytes is nobody's.
func join[T string | []byte](path *[maxPath]byte, end int, text T) int {
	return end + copy(path[end:], text)
}
