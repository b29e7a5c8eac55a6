package main

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	"tordetect/src/terminal"
	"tordetect/src/trafficlog"
)

// A report is a form of the results of scan.
type report interface {
	// add takes a flow of at least the least score, in the order of the logs.
	add(*judged) error

	// finish is called once, behind the last flow.
	finish(*summary) error
}

// A summary says what was read and judged, all flows, also those below the least
// score.
type summary struct {
	Read       trafficlog.Counts
	Complaints *trafficlog.Complaints
	Zone       *time.Location // of times without one
	Relays     string         // path of the relay table
	Warnings   []string       // sentences of the search command
	MinScore   int
	Version    string
	Now        int64

	Verdicts    [rankTor + 1]int64 // by rank
	Covered     [coverages]span    // by coverage: what "not found" means
	First, Last int64              // times of the flows that have one
	Untimed     int64              // flows without a time, or with one that has no zone
	ListUntil   int64              // end of the newest list that judged; 0: none did
}

// span is how many flows share something, and when they were.
type span struct{ Flows, First, Last int64 }

func (s *span) add(at int64) {
	s.Flows++
	if at != 0 {
		if s.First == 0 || at < s.First {
			s.First = at
		}
		s.Last = max(s.Last, at)
	}
}

// Ranks of verdicts, the surest highest.
const (
	rankUnknown = iota
	rankNone
	rankPossible
	rankLikely
	rankTor
)

var verdictNames = [...]string{"unknown", "none", "possible", "likely", "tor"}

// verdictRank is the rank of a verdict, -1 for another word.
func verdictRank(verdict string) int {
	for i, name := range verdictNames {
		if verdict == name {
			return i
		}
	}
	return -1
}

// Coverages in the order in which they are told.
const (
	coveredFull = iota
	coveredStale
	coveredGap
	coveredBefore
	coveredNone
	coverages
)

var coverageNames = [coverages]string{"full", "stale", "gap", "before", "none"}

// blindness says what each coverage means for a flow that was not found.
var blindness = [coverages]string{
	coveredStale:  "after the newest relay list ended",
	coveredGap:    "in a gap between relay lists",
	coveredBefore: "before the first relay list",
	coveredNone:   "without anything to look up: no table, no time, or no address",
}

// atLeast counts the flows of a verdict or a surer one.
func (s *summary) atLeast(rank int) int64 {
	n := int64(0)
	for ; rank <= rankTor; rank++ {
		n += s.Verdicts[rank]
	}
	return n
}

// count counts a row and notes its score.
func (s *summary) count(r *judged) {
	r.Score = int(r.number(colScore))
	rank := max(verdictRank(r.text(colVerdict)), rankUnknown)
	s.ListUntil = max(s.ListUntil, r.number(colListTime))
	s.tally(rank, coverageOf(r.cell(colCoverage)), epoch(r.cell(colTime)))
}

// again counts a row that ends as the one before did, and reports whether it does.
func (s *summary) again(row []byte, l *layout) bool {
	if len(l.tail) == 0 || !bytes.HasSuffix(row, l.tail) {
		return false
	}
	at := epoch(bytes.Trim(row[:bytes.IndexByte(row, ',')], `"`))
	if at == 0 {
		return false // the time may stand in another column
	}
	s.tally(l.rank, l.covered, at)
	return true
}

// tally counts a row of a verdict, a coverage and a time.
func (s *summary) tally(rank, covered int, at int64) {
	s.Verdicts[rank]++
	s.Covered[covered].add(at)
	if at == 0 {
		s.Untimed++
		return
	}
	if s.First == 0 || at < s.First {
		s.First = at
	}
	s.Last = max(s.Last, at)
}

// coverageOf reads the field tor_coverage.
func coverageOf(text []byte) int {
	for c, name := range coverageNames {
		if string(text) == name {
			return c
		}
	}
	return coveredNone
}

// parseISO reads an ISO time with a zone, as Splunk writes it.
func parseISO(text string) (int64, bool) {
	text = strings.Replace(text, " ", "T", 1)
	for _, form := range []string{time.RFC3339, "2006-01-02T15:04:05Z0700"} {
		if at, err := time.Parse(form, text); err == nil {
			return at.Unix(), true
		}
	}
	return 0, false
}

// sayComplaints tells what could not be read, the first of each kind with its
// place.
func sayComplaints(t *terminal.Terminal, s *summary) {
	var said [trafficlog.Kinds]int64
	for _, c := range s.Complaints.Kept() {
		t.Say("%s", printable(c.Error()))
		said[c.Kind]++
	}
	for kind, n := range said {
		k := trafficlog.Kind(kind)
		if more := s.Complaints.Count(k) - n; more > 0 {
			t.Say("and %d more like these: %s", more, k)
		}
	}
}

// saySummary tells what was read and judged.
func saySummary(t *terminal.Terminal, s *summary) {
	sayComplaints(t, s)
	for _, text := range s.Warnings {
		t.Say("warning: %s", printable(text))
	}
	if s.Read.Zoneless > 0 {
		t.Say("times of the log without a zone were taken for %s; --zone names another", s.Zone)
	}
	t.Say("read %s from %s, %s unreadable, %s of other kinds", counted(s.Read.Rows, "flow"), counted(int64(s.Read.Files), "file"),
		counted(s.Read.Unreadable, "line"), counted(s.Read.Other, "line"))
	if s.First != 0 {
		t.Say("flows from %s to %s", clock(s.First), clock(s.Last))
	}
	v := s.Verdicts
	t.Say("verdicts: %d tor, %d likely, %d possible, %d none, %d unknown", v[rankTor], v[rankLikely], v[rankPossible], v[rankNone], v[rankUnknown])
	var parts []string
	for c, name := range coverageNames {
		if n := s.Covered[c].Flows; n > 0 {
			parts = append(parts, fmt.Sprintf("%s %d", name, n))
		}
	}
	until := ""
	if s.ListUntil != 0 {
		until = "; the newest relay list ends at " + clock(s.ListUntil)
	}
	if len(parts) > 0 {
		t.Say("coverage: %s%s", strings.Join(parts, ", "), until)
	}
	for c, text := range blindness {
		if at := s.Covered[c]; at.Flows > 0 && text != "" {
			when := ""
			if at.First != 0 {
				when = fmt.Sprintf(", %s to %s", clock(at.First), clock(at.Last))
			}
			t.Say("blind spot: %s %s%s", counted(at.Flows, "flow"), text, when)
		}
	}
}
