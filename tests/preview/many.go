package main

import (
	"fmt"
	"strings"
	"time"

	"tordetect/tests/sample"
	"tordetect/tests/splunkd"
)

// mostFindings bounds -findings: all rows of a search are in memory.
const mostFindings = 200_000

// many is traffic of the last four hours with so many findings, each another pair of host and relay, and a few hundred flows
// that are none: how the pages look where there is nothing, little, or more than fits.
func many(findings int, until time.Time) (events []splunkd.Event) {
	flow := func(i int, src, dest, port, app string) {
		events = append(events, splunkd.Event{Time: until.Add(-time.Duration(i*7919%14000) * time.Second), Model: "Network_Traffic", Fields: map[string]string{
			"sourcetype": "fw", "src": src, "dest": dest, "dest_port": port, "transport": "tcp", "app": app, "action": "allowed", "bytes_in": fmt.Sprint(i%100_000 + 900), "bytes_out": "900",
		}})
	}
	for i := range 300 {
		flow(i, fmt.Sprintf("10.200.0.%d", i%200), "203.0.113.80", "443", "ssl")
	}
	var guards []sample.Relay
	for _, r := range sample.Relays() {
		if strings.Contains(r.Flags, "Guard") {
			guards = append(guards, r)
		}
	}
	for i := range findings {
		r, app := guards[i%5], "ssl"
		if i%3 == 0 {
			app = "tor"
		}
		flow(i, fmt.Sprintf("10.%d.%d.%d", 1+i/5>>16, i/5>>8&255, i/5&255), r.Addr, fmt.Sprint(r.Port), app)
	}
	return events
}
