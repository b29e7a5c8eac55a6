package main

import (
	"fmt"
	"path"
	"strings"

	"tordetect/src/terminal"
)

// tableReport shows a row for each pair of ends that were judged alike, the surest
// first.
type tableReport struct {
	t        *terminal.Terminal
	minScore int
	digest   *digest
}

// maxTableRows is how many rows a person scrolls through at most.
const maxTableRows = 500

func (r *tableReport) add(row *judged) error {
	if r.digest == nil {
		r.digest = newDigest()
	}
	r.digest.add(row.finding())
	return nil
}

// tableColumn is a column of the table. Where the terminal is too narrow, those of
// the highest rank go first; the last one of the rest takes what is left.
type tableColumn struct {
	name string
	rank int
	text func(*pair) string
}

var tableColumns = []tableColumn{
	{"verdict", 0, func(p *pair) string { return p.Verdict }},
	{"score", 0, func(p *pair) string { return fmt.Sprint(p.Best.Score) }},
	{"state", 3, func(p *pair) string { return p.State }},
	{"direction", 2, func(p *pair) string { return p.Direction }},
	{"ours", 0, func(p *pair) string { return p.Ours }},
	{"theirs", 0, func(p *pair) string { return p.Theirs }},
	{"role", 4, func(p *pair) string { return p.Best.Role }},
	{"flows", 1, func(p *pair) string { return fmt.Sprint(p.Flows) }},
	{"first", 1, func(p *pair) string { return moments(p.First) }},
	{"last", 5, func(p *pair) string { return moments(p.Last) }},
	{"evidence", 2, func(p *pair) string { return strings.Join(p.Best.Evidence, " ") }},
	{"where", 3, func(p *pair) string { return fmt.Sprintf("%s:%d", path.Base(p.Best.File), p.Best.Line) }},
}

// widestCell bounds a column, so that one long name does not push the rest away.
const widestCell = 46

func moments(at int64) string {
	if at == 0 {
		return ""
	}
	return clock(at)
}

func (r *tableReport) finish(s *summary) error {
	if r.digest == nil {
		r.t.Say("no flow has a score of %d or more", r.minScore)
		return nil
	}
	pairs := r.digest.sortedPairs()
	shown := pairs[:min(len(pairs), maxTableRows)]
	columns := make([]terminal.Column, len(tableColumns))
	for i, c := range tableColumns {
		columns[i] = terminal.Column{Name: c.name, Rank: c.rank, Widest: widestCell}
	}
	rows := make([][]string, len(shown))
	for i, p := range shown {
		for _, c := range tableColumns {
			rows[i] = append(rows[i], c.text(p))
		}
	}
	if err := r.t.Table(columns, rows); err != nil {
		return err
	}
	if more := len(pairs) - len(shown); more > 0 {
		r.t.Say("%d more rows are not shown; -o csv has every flow", more)
	}
	if r.digest.Left > 0 {
		r.t.Say("the table holds %d pairs at most: %s not in it; -o csv has every flow", maxPairs, counted(r.digest.Left, "flow"))
	}
	if below := s.Read.Rows - r.digest.Flows; below > 0 {
		r.t.Say("%s below score %d not shown", counted(below, "flow"), r.minScore)
	}
	return nil
}
