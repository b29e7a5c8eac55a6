package trafficlog

import "bytes"

// Fields of a TRAFFIC line, counted from 0 (the manuals of PAN-OS 9 to 11 count
// from 1, and call the first one FUTURE_USE).
const (
	panReceived  = 1
	panType      = 3
	panGenerated = 6
	panSource    = 7
	panDest      = 8
	panRule      = 11
	panUser      = 12 // of the source; the destination's is next
	panApp       = 14
	panSrcPort   = 24
	panDestPort  = 25
	panProtocol  = 29
	panAction    = 30
	panSent      = 32
	panReceivedB = 33
	panElapsed   = 36
	panPktsSent  = 44
	panPktsRecvd = 45

	// panFields is up to which field a line is read. All PAN-OS since 5.0 write
	// these, so that a line with fewer was cut.
	panFields = 46
)

const panColumns = "_time,duration,src_ip,src_port,dest_ip,dest_port,transport,app,action," +
	"bytes_in,bytes_out,packets_in,packets_out,user,rule"

var (
	panHeader = []byte(panColumns)

	panCut   = problem{Cut, "the TRAFFIC line has fewer than 46 fields: it was cut"}
	panNoLog = problem{Unreadable, "no Palo Alto log line"}
	panTime  = problem{Unreadable, "the generated time (field 7) is not of the form 2026/11/20 10:15:30"}
)

// panLines reads TRAFFIC logs of Palo Alto firewalls.
type panLines struct {
	clock  clock
	fields fields
}

func (p *panLines) columns() []byte { return panHeader }

func (p *panLines) row(dst, line []byte) ([]byte, int64, *problem) {
	if len(line) == 0 {
		return dst, 0, &blank
	}
	plain := isPlain(line)
	if bad := p.find(line, plain); bad != nil {
		return dst, 0, bad
	}
	f := &p.fields
	at, ok := p.clock.palo(f.at(panGenerated))
	if !ok {
		return dst, 0, &panTime
	}
	dst = appendSeconds(dst, at*million)
	if plain { // the usual line: nothing in it needs quotes or has some
		dst = append(append(dst, ','), f.at(panElapsed)...)
		dst = append(append(dst, ','), f.at(panSource)...)
		dst = append(append(dst, ','), f.at(panSrcPort)...)
		dst = append(append(dst, ','), f.at(panDest)...)
		dst = append(append(dst, ','), f.at(panDestPort)...)
		dst = append(append(dst, ','), f.at(panProtocol)...)
		dst = append(append(dst, ','), f.at(panApp)...)
		dst = append(append(dst, ','), panActionName(f.at(panAction))...)
		dst = append(append(dst, ','), f.at(panReceivedB)...)
		dst = append(append(dst, ','), f.at(panSent)...)
		dst = append(append(dst, ','), f.at(panPktsRecvd)...)
		dst = append(append(dst, ','), f.at(panPktsSent)...)
		dst = append(append(dst, ','), p.user()...)
		return append(append(dst, ','), f.at(panRule)...), at, nil
	}
	for _, i := range [...]int{panElapsed, panSource, panSrcPort, panDest, panDestPort, panProtocol, panApp} {
		dst = appendField(dst, f.at(i))
	}
	dst = appendField(dst, panActionName(f.at(panAction)))
	for _, i := range [...]int{panReceivedB, panSent, panPktsRecvd, panPktsSent} {
		dst = appendField(dst, f.at(i))
	}
	return appendField(appendField(dst, p.user()), f.at(panRule)), at, nil
}

// find splits a line, so that its fields stand at their places.
func (p *panLines) find(line []byte, plain bool) *problem {
	f := &p.fields
	f.splitLine(line, plain)
	if f.count > panType && string(f.at(panType)) != "TRAFFIC" {
		// A syslog header may hold commas, which moves the fields.
		at := bytes.Index(line, trafficField)
		if at < 0 {
			return p.notTraffic()
		}
		serial := bytes.LastIndexByte(line[:at], ',')
		received := bytes.LastIndexByte(line[:max(serial, 0)], ',')
		if received < 0 {
			return &panNoLog
		}
		f.splitLine(line[received:], plain)
	}
	switch {
	case f.count <= panType:
		return &panNoLog
	case f.count < panFields:
		return &panCut
	}
	return nil
}

var trafficField = []byte(",TRAFFIC,")

// notTraffic says what a line without TRAFFIC is: a line of another log type, the
// header of an export, or none.
func (p *panLines) notTraffic() *problem {
	f := &p.fields
	switch {
	case isPANLog(f):
		return &other
	case string(f.at(panReceived)) == "Receive Time":
		return &blank
	}
	return &panNoLog
}

// isPANLog reports whether a line is one of the logs of Palo Alto firewalls: a
// time in field 2 and a type in capitals in field 4.
func isPANLog(f *fields) bool {
	if f.count <= panType+1 {
		return false
	}
	at, kind := f.at(panReceived), f.at(panType)
	for _, c := range kind {
		if (c < 'A' || c > 'Z') && c != '-' && c != '_' {
			return false
		}
	}
	return len(kind) >= 3 && len(at) == len("2026/11/20 10:15:30") && at[4] == '/' && at[7] == '/' && at[13] == ':'
}

// user is the source's user, else the destination's, as the add-on has it.
func (p *panLines) user() []byte {
	if user := p.fields.at(panUser); len(user) > 0 {
		return user
	}
	return p.fields.at(panUser + 1)
}

// panActionName translates an action as the lookup vendor_action of the add-on
// does.
func panActionName(action []byte) []byte {
	switch {
	case string(action) == "allow", string(action) == "alert", string(action) == "continue", string(action) == "forward":
		return actionAllowed
	case string(action) == "deny", bytes.HasPrefix(action, []byte("block")), bytes.HasPrefix(action, []byte("reset-")):
		return actionBlocked
	case bytes.HasPrefix(action, []byte("drop")), string(action) == "sinkhole":
		return actionDropped
	}
	return action
}

var actionAllowed, actionBlocked, actionDropped = []byte("allowed"), []byte("blocked"), []byte("dropped")

// splitLine finds the fields of a line of Palo Alto.
func (f *fields) splitLine(line []byte, plain bool) {
	if plain {
		f.split(line, ',', panFields)
	} else {
		f.splitQuoted(line, panFields)
	}
}

// appendField appends a field of a CSV line, in quotes or not, as another cell of
// a row.
func appendField(dst, field []byte) []byte {
	dst = append(dst, ',')
	if n := len(field); n >= 2 && field[0] == '"' && quotedEnd(field, 0) == n {
		return append(dst, field...)
	}
	return appendCell(dst, field)
}
