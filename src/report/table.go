package report

import (
	"fmt"
	"path"
	"strings"

	"tordetect/src/detect"
	"tordetect/src/report/digest"
	"tordetect/src/scan"
	"tordetect/src/terminal"
	"tordetect/src/text"
)

// Table returns a report with a row for each pair of ends that were judged alike,
// the surest first.
func Table(t *terminal.Terminal) Report { return &tableReport{t: t, digest: digest.New()} }

type tableReport struct {
	t      *terminal.Terminal
	digest *digest.Digest
}

// maxTableRows is how many rows a person scrolls through at most.
const maxTableRows = 500

// widestCell bounds a column, so that one long name does not push the rest away.
const widestCell = 46

// tableColumns are the columns with the order in which they go where the terminal
// is too narrow. Without direction and state a visitor from an exit looks like a
// client, and a blocked try like a connection: they stay.
var tableColumns = []struct {
	name string
	rank int
	text func(*digest.Pair) string
	tone func(string) terminal.Tone
}{
	{"verdict", 0, func(p *digest.Pair) string { return p.Verdict.String() }, verdictTone},
	{"score", 1, func(p *digest.Pair) string { return fmt.Sprint(p.Best.Score) }, nil},
	{"state", 0, func(p *digest.Pair) string { return p.State.String() }, nil},
	{"direction", 0, func(p *digest.Pair) string { return p.Direction.String() }, nil},
	{"ours", 0, func(p *digest.Pair) string { return p.Ours }, nil},
	{"theirs", 0, func(p *digest.Pair) string { return p.Theirs }, nil},
	{"role", 5, func(p *digest.Pair) string { return p.Best.Role.String() }, nil},
	{"flows", 2, func(p *digest.Pair) string { return fmt.Sprint(p.Flows) }, nil},
	{"first", 3, func(p *digest.Pair) string { return clock(p.First) }, nil},
	{"last", 6, func(p *digest.Pair) string { return clock(p.Last) }, nil},
	{"evidence", 4, func(p *digest.Pair) string { return strings.Join(p.Best.Evidence, " ") }, nil},
	{"where", 4, func(p *digest.Pair) string { return fmt.Sprintf("%s:%d", path.Base(p.Best.File), p.Best.Line) }, nil},
}

// verdictTone is how much a verdict matters.
func verdictTone(verdict string) terminal.Tone {
	switch verdict {
	case detect.VerdictTor.String():
		return terminal.Alarm
	case detect.VerdictLikely.String():
		return terminal.Caution
	case detect.VerdictPossible.String():
		return terminal.Notice
	}
	return terminal.Faint
}

// clock is a time, empty where it is not known.
func clock(at int64) string {
	if at == 0 {
		return ""
	}
	return text.Time(at)
}

func (r *tableReport) Add(f *scan.Flow) error {
	r.digest.Add(f)
	return nil
}

func (r *tableReport) Finish(s *scan.Summary) error {
	least := s.Options.MinScore
	if s.Judged() == 0 {
		return nil // why is said elsewhere
	}
	if r.digest.Flows == 0 {
		weaker := ""
		if s.Below > 0 {
			weaker = fmt.Sprintf("; the highest is %d: --min-score %d shows it", s.Below, s.Below)
		}
		r.t.Say("no flow has a score of %d or more%s", least, weaker)
		return nil
	}
	pairs := r.digest.SortedPairs()
	shown := pairs[:min(len(pairs), maxTableRows)]
	var columns []terminal.Column
	for _, c := range tableColumns {
		columns = append(columns, terminal.Column{Name: c.name, Rank: c.rank, Widest: widestCell, Tone: c.tone})
	}
	rows := make([][]string, len(shown))
	for i, p := range shown {
		for _, c := range tableColumns {
			rows[i] = append(rows[i], c.text(p))
		}
	}
	left, err := r.t.Table(columns, rows)
	if err != nil {
		return err
	}
	if len(left) > 0 {
		r.t.Say("the terminal is too narrow for %s; -o csv has every column", strings.Join(left, ", "))
	}
	if more := len(pairs) - len(shown); more > 0 {
		r.t.Say("%d more rows are not shown; -o csv has every flow", more)
	}
	if r.digest.Left > 0 {
		r.t.Say("the table holds %d pairs at most: %s not in it; -o csv has every flow", digest.MaxPairs, text.Counted(r.digest.Left, "flow"))
	}
	if below := s.Judged() - r.digest.Flows; below > 0 {
		r.t.Say("%s below score %d not shown", text.Counted(below, "flow"), least)
	}
	return nil
}
