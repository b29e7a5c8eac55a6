// Package threeways holds the readers of events to one rule: an event read from a file
// by torctl scan, as _raw by tordetect, and as columns by tordetect gets the same
// answer.
//
//	line:     {"ts":1795169730.5,"id.orig_h":"10.0.0.5","id.resp_h":"198.51.100.1",...}
//	_raw:     the same text in a cell
//	columns:  ts, id.orig_h, id.resp_h and so on, each in a cell of its own
//	answer:   score 97, verdict tor, established, outbound, or_port, full, from 10:15:30 on
//
// The events are made at random, format by format (pan_test.go, zeek_test.go,
// suricata_test.go, json_test.go, wrapped_test.go), and come from the project's own
// samples and from ../shared (shapes_test.go). network_test.go has the relays that they
// meet, ways_test.go reads them, fuzz_test.go tries any bytes.
//
// What an event should say is not asked here: tests of packages format and event do.
package threeways

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A shape is one kind of log.
type shape struct {
	name string
	head string // lines before the events of a file
	make func(r *source) event
}

// shapes are all kinds, each file of one.
func shapes() []shape {
	var all []shape
	for _, some := range [][]shape{panShapes, zeekShapes, zeekObjects, suricataShapes, objectShapes, wrappedShapes} {
		all = append(all, some...)
	}
	return all
}

// total is how many events are tried, but with -short or the race detector.
const total = 120_000

// The rule, for each kind of log by itself, and without and with the time that Splunk
// gives an event.
func TestThreeWays(t *testing.T) {
	all := shapes()
	n := count(t) / len(all)
	sums := tally{}
	for i, s := range all {
		t.Run(s.name, func(t *testing.T) {
			r := newSource(uint64(i))
			events := make([]event, n)
			for i := range events {
				events[i] = s.make(r)
			}
			compare(t, s.head, events, sums)
		})
	}
	if n*len(all) < total/2 {
		return
	}
	// All that can happen did, or the test would say less than it seems to.
	for _, want := range []string{
		"tor", "likely", "possible", "none", "unknown", "established", "attempt", "blocked", "outbound", "inbound", "relay",
		"full", "gap", "stale", "before", "or_port", "exit_address", "relay_address", "or_port_span", "or_port_stale", "or_port_recent",
		"not_tcp", "app_label", "onion_name", "ja3_tor", "ja3_groups", "ja4_tor", "ja4_ciphers", "cert_tor", "dtls_snowflake", "sni_pattern",
	} {
		require.NotZero(t, sums[want], "%s: %v", want, sums)
	}
}

// The rule, for a file and a search in which events of all kinds stand in any order.
func TestThreeWaysMixed(t *testing.T) {
	r := newSource(99)
	var kinds []shape
	for _, s := range shapes() {
		if s.head == "" {
			kinds = append(kinds, s)
		}
	}
	events := make([]event, count(t)/24)
	for i := range events {
		events[i] = kinds[r.IntN(len(kinds))].make(r)
	}
	compare(t, "", events, tally{})
}

// The rule, where a zone is given: tordetect has no such option, so that here the judge
// is asked who reads for it.
func TestThreeWaysInAZone(t *testing.T) {
	zone := time.FixedZone("", -5*3600)
	for i, s := range shapes() {
		t.Run(s.name, func(t *testing.T) {
			r := newSource(uint64(1000 + i))
			r.zoneless = true
			events := make([]event, count(t)/len(shapes())/10)
			for i := range events {
				events[i] = s.make(r)
			}
			w := ways{zone: zone}
			file, _ := w.file(t, s.head, events)
			same(t, "as _raw", events, file, w.judged(t, asRaw(events, false)))
			same(t, "as columns", events, file, w.judged(t, asColumns(events, false)))
		})
	}
}

func count(t *testing.T) int {
	if testing.Short() || raceDetector {
		return total / 20
	}
	return total
}

// compare reads events in the three ways.
func compare(t *testing.T, head string, events []event, sums tally) {
	t.Helper()
	var w ways
	file, unread := w.file(t, head, events)
	require.Zero(t, unread, "lines that could not be read")
	sums.add(file)
	for _, timed := range []bool{false, true} {
		raw, columns := asRaw(events, timed), asColumns(events, timed)
		name := fmt.Sprintf(", with _time: %v", timed)
		same(t, "as _raw"+name, events, file, w.judged(t, raw))
		same(t, "as columns"+name, events, file, w.judged(t, columns))
		if timed {
			continue // the reader is that of above, and this takes most of the time
		}
		untimed := untimed(file)
		same(t, "by tordetect as _raw"+name, events, untimed, w.searched(t, raw))
		same(t, "by tordetect as columns"+name, events, untimed, w.searched(t, columns))
	}
}

// shown is how many differences of one kind are shown.
const shown = 1

// same holds one way to that of the file.
func same(t *testing.T, way string, events []event, want, got []answer) {
	t.Helper()
	if len(want) != len(events) || len(got) != len(events) {
		t.Fatalf("%s: %d events, %d from the file, %d this way", way, len(events), len(want), len(got))
	}
	differ := 0
	for i := range want {
		if want[i].agrees(got[i]) {
			continue
		}
		if differ++; differ <= shown {
			t.Errorf("%s:\n%s\ncolumns %v\nfile %v\nthis %v", way, events[i].line, events[i].cells, want[i], got[i])
		}
	}
	if differ > shown {
		t.Errorf("%s: %d of %d differ", way, differ, len(events))
	}
}

// tally counts words of answers.
type tally map[string]int

func (s tally) add(answers []answer) {
	for _, a := range answers {
		words := append(strings.Fields(a.evidence), a.verdict, a.state, a.direction, a.coverage)
		for _, word := range words {
			s[word]++
		}
	}
}

// source is where random events come from.
type source struct {
	*rand.Rand
	zoneless bool // times may lack their zone, as one is given
}

func newSource(seed uint64) *source { return &source{Rand: rand.New(rand.NewPCG(seed, 12))} }

// of picks one of several.
func of[T any](r *source, among ...T) T { return among[r.IntN(len(among))] }

// one reports true once in n times.
func (r *source) one(n int) bool { return r.IntN(n) == 0 }
