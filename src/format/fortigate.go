package format

import (
	"bytes"

	"tordetect/src/event"
)

// A log of FortiGate as it comes by syslog: keys and values with blanks between, a value
// in quotes where it may hold one (FortiOS Log Message Reference, 5.4 to 7.6).
//
//	<189>date=2026-11-20 time=10:15:30 devname="fw1" tz="+0100" type="traffic" srcip=10.20.0.5 dstip=198.51.100.7 ...

// readFortiGate reads such a line. Other products write keys and values, too: it is
// FortiGate's where it names both ends in FortiGate's words.
func (p *Parser) readFortiGate(line []byte, e *event.Event) Claim {
	if !bytes.Contains(line, []byte("devid=")) && !bytes.Contains(line, []byte("logid=")) {
		return Claim{Kind: Nobody}
	}
	var date, hour, zone, kind, moment []byte
	rest, cut := line, false
	for len(rest) > 0 && !cut {
		var key, value []byte
		key, value, rest, cut = cutPair(rest)
		switch string(key) {
		case "date":
			date = value
		case "time":
			hour = value
		case "tz":
			zone = value
		case "type":
			kind = value
		case "eventtime":
			moment = value
		case "srcip", "srcport", "dstip", "dstport", "proto", "action", "app", "duration",
			"sentbyte", "rcvdbyte", "sentpkt", "rcvdpkt", "url", "user":
			e.Put(key, value)
		}
	}
	if !e.HasBothEnds() {
		return Claim{Kind: Other, Format: FortiGate, Text: kindName("FortiGate ", kind)}
	}
	if moment == nil && date != nil && hour != nil { // before FortiOS 6.0
		start := len(p.arena)
		for _, part := range [...][]byte{date, []byte("T"), hour, zone} {
			p.arena = append(p.arena, part...)
		}
		moment = p.arena[start:len(p.arena):len(p.arena)]
	}
	e.Set(fortiTime, moment)
	return Claim{Kind: Flow, Format: FortiGate, Cut: cut}
}

var fortiTime, _ = event.Find([]byte("eventtime"))

// cutPair takes the next key and value off a line; what is none is skipped. cut says
// that the value is in quotes that do not close.
func cutPair(line []byte) (key, value, rest []byte, cut bool) {
	equals := bytes.IndexByte(line, '=')
	if equals < 0 {
		return nil, nil, nil, false
	}
	key, rest = line[:equals], line[equals+1:]
	if at := bytes.LastIndexAny(key, " \t>,"); at >= 0 { // a header, or words before
		key = key[at+1:]
	}
	if len(rest) == 0 || rest[0] != '"' {
		value, rest, _ = bytes.Cut(rest, []byte(" "))
		return key, value, rest, false
	}
	for at := 1; at < len(rest); at++ {
		switch rest[at] {
		case '\\':
			at++
		case '"':
			return key, rest[1:at], rest[at+1:], false
		}
	}
	return key, nil, nil, true
}
