package threeways

import (
	"strings"
	"time"
)

// Palo Alto's TRAFFIC, in the forms in which it comes, and THREAT url.
var panShapes = []shape{
	{"Palo Alto TRAFFIC", "", func(r *source) event { return r.palo(false) }},
	{"Palo Alto THREAT url", "", func(r *source) event { return r.palo(true) }},
}

// panNames are PAN-OS's names of fields of TRAFFIC, by number.
var panNames = map[int]string{
	2: "receive_time", 3: "serial", 4: "type", 5: "subtype", 7: "time_generated", 8: "src", 9: "dst", 10: "natsrc", 11: "natdst", 12: "rule",
	13: "srcuser", 14: "dstuser", 15: "app", 25: "sport", 26: "dport", 30: "proto", 31: "action",
	33: "bytes_sent", 34: "bytes_received", 37: "elapsed", 45: "pkts_sent", 46: "pkts_received",
}

func (r *source) palo(threat bool) event {
	c := r.connection()
	slashed := func(at time.Time) string { return at.UTC().Format("2006/01/02 15:04:05") }
	end := c.at.Add(c.took).Truncate(time.Second)
	at := slashed(end)
	var e event
	e.time = itoa(int(end.Unix()))
	if r.one(6) { // Prisma Access
		at = end.Format("2006-01-02T15:04:05.000000Z")
	}
	kind, subtype := "TRAFFIC", of(r, "end", "end", "start", "drop", "deny")
	if threat {
		kind, subtype = "THREAT", "url"
	}
	cells := make([]string, of(r, 46, 61, 103, 115))
	set := func(n int, text string) { cells[n-1] = text }
	for n, text := range map[int]string{
		1: "1", 2: at, 3: "012345678901", 4: kind, 5: subtype, 6: "2561", 7: at, 8: c.source, 9: c.destination, 10: "203.0.113.1", 11: c.destination,
		12: of(r, "Outbound_Allow", "", `a rule, with ""commas""`, "rule 7"), 13: of(r, "", `corp\ann`, "ann"), 14: of(r, "", "bob"),
		15: of(r, "ssl", "tor", "tor2web", "incomplete", "web-browsing", "not-applicable"), 16: "vsys1", 22: at, 23: "14740", 24: "1",
		25: itoa(c.sourcePort), 26: itoa(c.destinationPort), 27: "9001", 28: "11024", 29: "0x400053", 30: c.transport,
		31: of(r, "allow", "allow", "deny", "drop", "reset-both", "block-url", "alert"), 36: slashed(c.at), 44: "0",
	} {
		set(n, text)
	}
	if r.one(20) { // a log that was written when it was received
		set(7, "")
	}
	if threat {
		set(32, of(r, r.url(), `www.example.com/a,b`, "abcdefghij234567.onion/"))
		set(33, "(9999)")
		set(34, "any")
		set(35, "informational")
	} else {
		for n, text := range map[int]string{
			32: itoa(c.bytesIn + c.bytesOut), 33: itoa(c.bytesOut), 34: itoa(c.bytesIn), 35: itoa(c.packetsIn + c.packetsOut),
			37: itoa(int(c.took / time.Second)), 38: "any", 45: itoa(c.packetsOut), 46: itoa(c.packetsIn),
		} {
			set(n, text)
		}
		if !r.one(4) { // the firewall's time, with its offset; the times before are then its local time
			if highRes := len(cells) - 3; len(cells) >= 103 {
				zone := time.FixedZone("", of(r, 0, 2, -7)*3600)
				cells[highRes] = end.In(zone).Format("2006-01-02T15:04:05.000-07:00")
				e.put("high_res_timestamp", cells[highRes])
				local := end.In(zone).Format("2006/01/02 15:04:05")
				set(2, local)
				set(7, local)
			}
		}
	}
	for n, name := range panNames {
		if threat && n > 31 {
			continue
		}
		text := strings.ReplaceAll(cells[n-1], `""`, `"`)
		e.put(name, text)
	}
	if threat {
		e.put("misc", cells[31])
	}
	for i, text := range cells {
		if strings.ContainsAny(text, `",`) {
			cells[i] = `"` + text + `"`
		}
	}
	if r.one(8) { // all quoted
		for i, text := range cells {
			cells[i] = `"` + strings.Trim(text, `"`) + `"`
		}
	}
	if r.one(10) {
		cells = cells[1:] // the first field is missing
	}
	e.line = r.syslog(false) + strings.Join(cells, ",")
	return e
}

// syslog is what may stand before an event. That of RFC 5424 says where the forwarder's
// clock stands; here it is far from that of the event, so that it tells nothing.
func (r *source) syslog(json bool) string {
	headers := []string{"", "", "", "<14>Nov 20 12:00:00 fw1.example.com ", "Nov 20 12:00:00 10.0.0.1 ", "<14>1 2026-11-22T12:00:00+02:00 fw1 - - - - "}
	if json {
		return of(r, append(headers, "<13>Nov 20 10:00:00 ids suricata[7]: ", "2026-11-22T12:00:00.000Z sensor ")...)
	}
	return of(r, append(headers, `<14>1 2026-11-22T12:00:00Z fw1 - - - [x a="1,2" b="3"] `, "Nov 20 12:00:00 fw1, eth0, ")...)
}
