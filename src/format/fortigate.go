package format

import (
	"bytes"

	"tordetect/src/event"
)

// fortiNames are the fields of a traffic line that are read. No others are, although
// the table of names knows more: transport is the port of the translated source here,
// and service the name of a port. Old releases call the action a status.
var fortiNames = [...]string{
	"eventtime", "srcip", "srcport", "dstip", "dstport", "proto", "action", "app", "user",
	"duration", "sentbyte", "rcvdbyte", "sentpkt", "rcvdpkt",
}

// fortiSlots are these fields in the table of names.
var fortiSlots = func() map[string]event.Slot {
	slots := map[string]event.Slot{}
	for _, name := range fortiNames {
		if slot, ok := event.Find([]byte(name)); ok {
			slots[name] = slot
		}
	}
	slots["status"] = slots["action"]
	return slots
}()

var fortiSubtype, _ = event.Find([]byte("log_subtype"))

// utm is the subtype of an event about what was seen in a flow that goes on.
var utm = []byte("utm")

var fortiTime, fortiAction = fortiSlots["eventtime"], fortiSlots["action"]

// fortiMark is a key that each line of a FortiGate has and other vendors do not.
var fortiMark = []byte("logid=")

// fortiFront is where it is looked for: a syslog header, names of the device and times
// stand before it, together some 250 bytes.
const fortiFront = 512

// readFortiGate reads a line of key=value pairs of a FortiGate, behind a syslog header
// or not. Traffic is a flow, and so is utm, which tells what was seen in one, where it
// names both ends; the other types tell of the firewall.
func (p *Parser) readFortiGate(line []byte, e *event.Event) Claim {
	at := bytes.Index(line[:min(len(line), fortiFront)], fortiMark)
	if at < 0 || at > 0 && line[at-1] != ' ' && line[at-1] != '>' || bytes.IndexByte(line[:at], '{') >= 0 {
		return Claim{Kind: Nobody} // behind a brace it is a text in a shipper's object
	}
	var date, clock, zone, kind []byte
	traffic, acted, timed, cut := false, false, false, false
	for rest := line; len(rest) > 0; {
		var key, value []byte
		var ok bool
		key, value, rest, ok = cutPair(rest)
		// All releases write the action, and more behind it: a line without one ends too
		// early, perhaps inside of its last value, as in dstip=198.51.100.2.
		if !ok || len(rest) == 0 && !acted {
			cut = true
			break
		}
		// A FortiGate writes no key twice: a second one stands in a value with quotes of
		// its own, as a user's name may have them, and says nothing.
		switch string(key) {
		case "type":
			if kind != nil {
				continue
			}
			switch kind = value; string(value) {
			case "traffic":
				traffic = true
			case "utm": // what was seen in a flow, as application control names it
				traffic = true
				e.Set(fortiSubtype, utm)
			case "":
			default:
				return Claim{Kind: Other, Format: FortiGate, Text: kindName("FortiGate ", value)}
			}
		case "date":
			date = first(date, value)
		case "time":
			clock = first(clock, value)
		case "tz":
			zone = first(zone, value)
		default:
			if slot, known := fortiSlots[string(key)]; known {
				if !e.Has(slot) {
					e.Set(slot, value)
				}
				acted = acted || slot == fortiAction
				timed = timed || slot == fortiTime
			}
		}
	}
	if !traffic {
		return Claim{Kind: Nobody}
	}
	e.HeaderTime = zonedTime(line[:at])
	if !timed && len(date) > 0 && len(clock) > 0 {
		e.Set(fortiTime, p.fortiDate(date, clock, zone))
	}
	if len(kind) > 0 && kind[0] == 'u' && !e.HasBothEnds() {
		return Claim{Kind: Other, Format: FortiGate, Text: kindName("FortiGate ", kind)}
	}
	if !e.Says() {
		return Claim{Kind: Broken, Format: FortiGate, Text: "the line has no address", Cut: cut}
	}
	return Claim{Kind: Flow, Format: FortiGate, Cut: cut}
}

func first(had, value []byte) []byte {
	if had != nil {
		return had
	}
	return value
}

// fortiDate joins the fields of a time, for older releases, which have no eventtime.
// Without tz, which the oldest do not write, the zone is that of the user or of the
// syslog header.
func (p *Parser) fortiDate(date, clock, zone []byte) []byte {
	start := len(p.arena)
	p.arena = append(append(p.arena, date...), 'T')
	p.arena = append(append(p.arena, clock...), zone...)
	return p.arena[start:len(p.arena):len(p.arena)]
}

// cutPair takes the first word off a line, and its key and value where it is a pair;
// not ok where the quotes around the value are not closed. The key may stand right
// behind the priority of a syslog header: <189>date=2026-11-20.
func cutPair(line []byte) (key, value, rest []byte, ok bool) {
	at := 0
	for at < len(line) && line[at] != ' ' && line[at] != '=' {
		at++
	}
	if at == len(line) || line[at] == ' ' {
		return nil, nil, line[min(at+1, len(line)):], true
	}
	key = line[bytes.LastIndexByte(line[:at], '>')+1 : at]
	rest = line[at+1:]
	if len(rest) > 0 && rest[0] == '"' {
		var after int
		value, after, _, ok = cutString(rest, 0)
		return key, value, rest[after:], ok
	}
	value, rest, _ = bytes.Cut(rest, []byte{' '})
	return key, value, rest, true
}
