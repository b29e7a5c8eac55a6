package format

import (
	"bytes"

	"tordetect/src/cell"
	"tordetect/src/event"
)

// A panLog says which fields of a log are read, by their number as the manuals of PAN-OS
// count them, from 1, and the names that they have in the table of names (field
// descriptions of Traffic, URL Filtering, Decryption and GlobalProtect logs, PAN-OS 9 to
// 11: newer releases append fields and move none).
type panLog struct {
	// last is up to which field a line is read by number. All releases write these, so
	// that a line with fewer was cut.
	last   int
	fields []panField // in their order; the last one is among them
}

type panField struct {
	number int
	skip   int // how many fields stand between the one read before and this one
	slot   event.Slot
}

const (
	panType   = 4 // TRAFFIC, THREAT, SYSTEM and others
	panTime   = 7 // when the log was made; the one before is when it was received
	panAction = 31
)

// panCommon are the fields up to the action, which logs of flows have in common.
var panCommon = map[int]string{
	5: "subtype", 7: "time_generated", 8: "src", 9: "dst", 13: "srcuser", 14: "dstuser", 15: "app",
	25: "sport", 26: "dport", 30: "proto", panAction: "action",
}

// panLogs are the logs that are read.
var panLogs = map[string]*panLog{
	"TRAFFIC": newPanLog(46, panCommon, map[int]string{
		33: "bytes_sent", 34: "bytes_received", 37: "elapsed", 45: "pkts_sent", 46: "pkts_received",
	}),
	"THREAT":     newPanLog(32, panCommon, map[int]string{32: "misc"}), // the URL where the subtype is url
	"DECRYPTION": newPanLog(panType+maxPanFields, panCommon, map[int]string{64: "sni"}),
	// A login to the VPN: the address that the client came from, IPv6 or IPv4.
	"GLOBALPROTECT": newPanLog(17, map[int]string{7: "time_generated", 13: "srcuser", 16: "src", 17: "src_ip"}),
}

func newPanLog(last int, all ...map[int]string) *panLog {
	l := &panLog{last: last}
	before := panType
	for number := panType + 1; number <= last; number++ {
		for _, names := range all {
			if name := names[number]; name != "" {
				slot, _ := event.Find([]byte(name))
				l.fields = append(l.fields, panField{number, number - before - 1, slot})
				before = number
			}
		}
	}
	return l
}

var panReceived, _ = event.Find([]byte("receive_time"))
var panHighRes, _ = event.Find([]byte("high_res_timestamp"))

// readPaloAlto reads a line of a Palo Alto firewall: TRAFFIC, the URL of THREAT url, the
// server name of DECRYPTION, and logins by GLOBALPROTECT. The type is looked for, as a
// syslog header may hold commas, and the first field may be missing.
func (p *Parser) readPaloAlto(line []byte, e *event.Event) Claim {
	before, received, kind, rest, ok := findType(line)
	if !ok || p.Only == Auto && bytes.Contains(before, objectStart) {
		return Claim{Kind: Nobody}
	}
	log, isRead := panLogs[string(kind)]
	if !isRead {
		if string(kind) == "Type" {
			return Claim{Kind: Blank} // the header of an export
		}
		return Claim{Kind: Other, Format: PAN, Text: kindName("Palo Alto ", kind)}
	}
	e.HeaderTime = zonedTime(before)
	ends := p.ends[:log.last-panType]
	line, found := rest, 0
	plain := bytes.IndexByte(rest, '"') < 0
	if plain {
		if found = findAll(line, ',', ends); found == len(ends)-1 {
			ends[found] = int32(len(line)) // the last field may be the line's
			found++
		}
		if plain = found == len(ends); plain {
			rest = line[min(int(ends[found-1])+1, len(line)):]
		}
	}
	for i := range log.fields {
		f := &log.fields[i]
		var field []byte
		if whole := true; plain {
			at := f.number - panType - 1
			from := int32(0)
			if at > 0 {
				from = ends[at-1] + 1
			}
			field = line[from:ends[at]]
		} else if field, rest, whole = quotedField(rest, f.skip, f.number == log.last); !whole {
			// The line ends here, perhaps inside of the field.
			if e.Says() {
				return Claim{Kind: Flow, Format: PAN, Cut: true}
			}
			return Claim{Kind: Broken, Format: PAN, Text: "the " + string(kind) + " line has fewer fields than all PAN-OS write: it was cut", Cut: true}
		}
		switch {
		case f.number == panTime && cell.IsEmpty(field):
			e.Set(panReceived, received)
		case f.number == panType+1 && string(kind) == "THREAT" && string(field) != "url":
			return Claim{Kind: Other, Format: PAN, Text: "Palo Alto THREAT but url"}
		}
		if !plain && bytes.IndexByte(field, '"') >= 0 {
			field = p.undouble(field)
		}
		e.Set(f.slot, field)
	}
	if text := highRes(rest); text != nil {
		e.Set(panHighRes, text)
	}
	if !e.Says() {
		return Claim{Kind: Broken, Format: PAN, Text: "the line has no address"}
	}
	return Claim{Kind: Flow, Format: PAN}
}

// objectStart before a line says that it is a text in a JSON object, whose escapes the
// reader of JSON undoes.
var objectStart = []byte(`{"`)

// maxHeaderFields is among how many fields the type is looked for: it is the fourth,
// behind a header with some commas.
const maxHeaderFields = 12

// findType finds the type of a Palo Alto line: a word in capitals two fields behind a
// time. It returns what stands before the time, the time, the type and what follows
// it. A line that stands as a text in a JSON object is that object's.
func findType(line []byte) (before, received, kind, rest []byte, ok bool) {
	var fields [maxHeaderFields][]byte
	rest = line
	for n, more := 0, true; more && n < maxHeaderFields; n++ {
		start := len(line) - len(rest)
		fields[n], rest, more = cutField(rest)
		if n < 2 {
			continue
		}
		word, at := fields[n], fields[n-2]
		switch {
		case string(word) == "Type" && string(at) == "Receive Time":
			return nil, nil, word, rest, true
		case isTypeWord(word):
			if size := timeAtEnd(at); size > 0 {
				if opensObject(line[:start]) {
					return nil, nil, nil, nil, false
				}
				at = bytes.TrimSuffix(at, quote)
				return line[:start], at[len(at)-size:], word, rest, true
			}
		}
	}
	return nil, nil, nil, nil, false
}

var quote = []byte{'"'}

// opensObject reports whether a JSON object begins in a text.
func opensObject(text []byte) bool {
	at := bytes.IndexByte(text, '{')
	return at >= 0 && bytes.HasPrefix(bytes.TrimLeft(text[at+1:], " "), quote)
}

// isTypeWord reports whether a field can be the type of a log: TRAFFIC, HIP-MATCH.
func isTypeWord(word []byte) bool {
	for _, c := range word {
		if (c < 'A' || c > 'Z') && c != '-' && c != '_' {
			return false
		}
	}
	return len(word) >= 3 && len(word) <= len("a_longer_word_than_any")
}

// timeAtEnd returns how long a time of Palo Alto's is with which a field ends, as it
// does behind a header where the first field is missing: 2026/11/20 10:15:30, or as
// Prisma Access writes it 2026-11-20T10:15:30.000000Z; 0: there is none. A quote that
// was opened behind the header closes it.
func timeAtEnd(field []byte) int {
	const form = len("2026/11/20 10:15:30")
	field = bytes.TrimSuffix(field, quote)
	if len(field) < form {
		return 0
	}
	if at := field[len(field)-form:]; at[4] == '/' && at[7] == '/' && at[13] == ':' && at[16] == ':' {
		return form
	}
	if at := bytes.LastIndexByte(field, ' '); at >= 0 {
		field = field[at+1:]
	}
	field = bytes.TrimPrefix(field, quote)
	if len(field) >= form && field[4] == '-' && field[10] == 'T' && field[13] == ':' {
		return len(field)
	}
	return 0
}

// highRes finds the time with an offset among the last fields: PAN-OS 10 and newer
// repeat the time of the log so, at another place in each release.
func highRes(rest []byte) []byte { return findZoned(rest, `,"`) }

var comma = []byte{','}

// maxPanFields is how many fields are read at most behind the type: those of
// DECRYPTION.
const maxPanFields = 60

// quotedField passes some fields of a line that may have quotes or end too soon, and
// returns the next and what follows it: whole is false where the line ends before the
// field or, unless that is the last one, with it.
func quotedField(line []byte, skip int, last bool) (field, rest []byte, whole bool) {
	more := true
	for n := 0; n <= skip; n++ {
		if field, line, more = cutField(line); !more && !(last && n == skip) {
			return nil, nil, false
		}
	}
	return field, line, true
}

// cutField takes the first field off a comma-separated line, with doubled quotes as
// they are. A field in quotes may hold commas.
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
			if at+1 == len(line) {
				return line[1:at], nil, false
			}
			if line[at+1] == ',' {
				return line[1:at], line[at+2:], true
			}
			break // text behind the quote: a quote that means nothing
		}
	}
	return bytes.Cut(line, comma)
}

// undouble takes the doubled quotes of a field for one each.
func (p *Parser) undouble(field []byte) []byte {
	start := len(p.arena)
	for i := 0; i < len(field); i++ {
		p.arena = append(p.arena, field[i])
		if field[i] == '"' && i+1 < len(field) && field[i+1] == '"' {
			i++
		}
	}
	return p.arena[start:len(p.arena):len(p.arena)]
}
