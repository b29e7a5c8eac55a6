package report

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"tordetect/src/flow"
	"tordetect/src/scan"
	"tordetect/src/terminal"
	"tordetect/src/text"
)

// blindness says what each coverage means for a flow that was not found.
var blindness = [flow.Coverages]string{
	flow.CoverageStale:  "after the newest relay list ended",
	flow.CoverageGap:    "in a gap between relay lists",
	flow.CoverageBefore: "before the first relay list",
	flow.CoverageNone:   "without anything to look up: no table, no time, or no address",
}

// Complain tells what could not be read, the first of each kind with its place. It
// goes before the results: that nothing was found in a file that is missing is no
// result.
func Complain(t *terminal.Terminal, s *scan.Summary) {
	said := map[string]int64{}
	for _, c := range s.Complaints {
		t.Say("%s", c)
		said[c.Kind]++
	}
	for _, kind := range s.Troubles {
		if more := kind.Count - said[kind.Kind]; more > 0 {
			t.Say("and %d more like these: %s", more, kind.Kind)
		}
	}
}

// Say tells what was read and judged, in lines behind the results.
func Say(t *terminal.Terminal, s *scan.Summary) {
	for _, text := range s.Warnings {
		t.Say("warning: %s", text)
	}
	if s.Zoneless > 0 {
		t.Say("times of the log without a zone were taken for %s; --zone names another", s.Zone())
	}
	t.Say("read %s from %s, %s unreadable, %s of other kinds", flowsRead(s), text.Counted(s.Files, "file"),
		text.Counted(s.Unreadable, "line"), text.Counted(s.Other, "line"))
	sayOthers(t, s)
	if s.First != 0 {
		t.Say("flows from %s to %s", clock(s.First), clock(s.Last))
	}
	var parts []string
	for _, v := range scan.Verdicts {
		parts = append(parts, fmt.Sprintf("%d %s", s.Verdicts[v], v))
	}
	t.Say("verdicts: %s", strings.Join(parts, ", "))
	sayCoverage(t, s)
	sayNames(t, s)
}

// sayNames tells which hosts showed several names as Tor makes them up.
func sayNames(t *terminal.Terminal, s *scan.Summary) {
	for _, h := range s.Naming[:min(len(s.Naming), fewNames)] {
		t.Say("%s", Naming(h))
	}
	if more := len(s.Naming) - fewNames; more > 0 {
		t.Say("and %s like this", text.Counted(more, "more host"))
	}
	if s.Forgotten > 0 {
		t.Say("%s", Forgotten(s.Forgotten))
	}
}

// Naming is the sentence about such a host.
func Naming(h scan.NamingHost) string {
	when := ""
	if h.At != 0 {
		when = " in four hours from " + clock(h.At)
	}
	return fmt.Sprintf("%s showed %d different server names of the kind that Tor makes up%s: look whether it uses a bridge that no list has (--min-score 0 shows the flows)", h.Addr, h.Names, when)
}

// Forgotten is the sentence about hosts with a made-up name for which there was no room.
func Forgotten(times int64) string {
	return fmt.Sprintf("so many hosts showed a server name of the kind that Tor makes up that %d were forgotten before all was read: one that showed several may not be told", times)
}

// flowsRead is how many flows were read, by the events that end them.
func flowsRead(s *scan.Summary) string {
	switch {
	case s.Events == 0:
		return text.Counted(s.Flows, "flow")
	case s.Flows == 0:
		return text.Counted(s.Events, "event") + " of flows, of none its end,"
	}
	return text.Counted(s.Flows, "flow") + " and " + text.Counted(s.Events, "other event") + " of them"
}

// sayOthers tells of what was no flow, beside what was, and of what was not joined.
func sayOthers(t *terminal.Terminal, s *scan.Summary) {
	if n := len(s.Flowless); n > 0 && !s.IsFlowless() {
		names, more := s.Flowless[:min(n, fewNames)], ""
		if n > fewNames {
			more = fmt.Sprintf(" and %d more", n-fewNames)
		}
		t.Say("no flow is in %s: %s%s", text.Counted(n, "file"), strings.Join(names, ", "), more)
	}
	if s.Other > 0 {
		t.Say("lines of other kinds: %s", Kinds(s))
	}
	if s.Early > 0 {
		t.Say("so many flows had evidence that %d were counted before all was read: what else was logged of them counts as flows of its own", s.Early)
	}
}

// How many names and kinds a line has.
const (
	fewNames = 5
	fewKinds = 10
)

// Kinds tells what the lines that are no flows are, the most frequent first.
func Kinds(s *scan.Summary) string {
	kinds := slices.SortedFunc(maps.Keys(s.Kinds), func(a, b string) int { return cmp.Or(cmp.Compare(s.Kinds[b], s.Kinds[a]), cmp.Compare(a, b)) })
	var parts []string
	for _, kind := range kinds[:min(len(kinds), fewKinds)] {
		parts = append(parts, fmt.Sprintf("%d %s", s.Kinds[kind], kind))
	}
	if more := len(kinds) - fewKinds; more > 0 {
		parts = append(parts, text.Counted(more, "more kind"))
	}
	return strings.Join(parts, ", ")
}

// sayCoverage tells what "not found" means for the flows.
func sayCoverage(t *terminal.Terminal, s *scan.Summary) {
	var parts []string
	for _, c := range scan.Coverages {
		if n := s.Covered[c].Flows; n > 0 {
			parts = append(parts, fmt.Sprintf("%s %d", c, n))
		}
	}
	until := ""
	if s.ListUntil != 0 {
		until = "; the newest relay list ends at " + clock(s.ListUntil)
	}
	if len(parts) > 0 {
		t.Say("coverage: %s%s", strings.Join(parts, ", "), until)
	}
	for _, c := range scan.Coverages {
		if at := s.Covered[c]; at.Flows > 0 && blindness[c] != "" {
			when := ""
			if at.First != 0 {
				when = fmt.Sprintf(", %s to %s", clock(at.First), clock(at.Last))
			}
			t.Say("blind spot: %s %s%s", text.Counted(at.Flows, "flow"), blindness[c], when)
		}
	}
}
