package report

import (
	"fmt"
	"strings"

	"tordetect/src/flow"
	"tordetect/src/scan"
	"tordetect/src/terminal"
)

// blindness says what each coverage means for a flow that was not found.
var blindness = [flow.Coverages]string{
	flow.CoverageStale:  "after the newest relay list ended",
	flow.CoverageGap:    "in a gap between relay lists",
	flow.CoverageBefore: "before the first relay list",
	flow.CoverageNone:   "without anything to look up: no table, no time, or no address",
}

// Say tells what was read and judged, in lines beside the results.
func Say(t *terminal.Terminal, s *scan.Summary) {
	sayComplaints(t, s)
	for _, text := range s.Warnings {
		t.Say("warning: %s", text)
	}
	if s.Zoneless > 0 {
		t.Say("times of the log without a zone were taken for %s; --zone names another", s.Options.Zone)
	}
	t.Say("read %s from %s, %s unreadable, %s of other kinds", terminal.Counted(s.Flows, "flow"), terminal.Counted(int64(s.Files), "file"),
		terminal.Counted(s.Unreadable, "line"), terminal.Counted(s.Other, "line"))
	if s.First != 0 {
		t.Say("flows from %s to %s", clock(s.First), clock(s.Last))
	}
	var parts []string
	for _, v := range scan.Verdicts {
		parts = append(parts, fmt.Sprintf("%d %s", s.Verdicts[v], v))
	}
	t.Say("verdicts: %s", strings.Join(parts, ", "))
	sayCoverage(t, s)
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
			t.Say("blind spot: %s %s%s", terminal.Counted(at.Flows, "flow"), blindness[c], when)
		}
	}
}

// sayComplaints tells what could not be read, the first of each kind with its
// place.
func sayComplaints(t *terminal.Terminal, s *scan.Summary) {
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
