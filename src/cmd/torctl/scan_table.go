package main

import (
	"fmt"
	"os"
	"path"
	"strings"
	"unicode/utf8"

	"github.com/jedib0t/go-pretty/v6/table"
	"golang.org/x/term"
)

// tableReport shows a row for each pair of ends that were judged alike, the surest
// first.
type tableReport struct {
	t        *terminal
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
		r.t.say("no flow has a score of %d or more", r.minScore)
		return nil
	}
	pairs := r.digest.sortedPairs()
	shown := pairs[:min(len(pairs), maxTableRows)]
	columns := fitting(shown, r.t.width())

	w := table.NewWriter()
	w.SetStyle(table.StyleLight)
	w.Style().Format.Header = 0
	var header table.Row
	var configs []table.ColumnConfig
	for _, c := range columns {
		header = append(header, c.name)
		configs = append(configs, table.ColumnConfig{Name: c.name, WidthMax: widestCell})
	}
	w.AppendHeader(header)
	w.SetColumnConfigs(configs)
	for _, p := range shown {
		var cells table.Row
		for _, c := range columns {
			cells = append(cells, printable(c.text(p)))
		}
		w.AppendRow(cells)
	}
	if _, err := fmt.Fprintln(r.t.out, w.Render()); err != nil {
		return err
	}
	if more := len(pairs) - len(shown); more > 0 {
		r.t.say("%d more rows are not shown; -o csv has every flow", more)
	}
	if r.digest.Left > 0 {
		r.t.say("the table holds %d pairs at most: %s not in it; -o csv has every flow", maxPairs, counted(r.digest.Left, "flow"))
	}
	if below := s.Read.Rows - r.digest.Flows; below > 0 {
		r.t.say("%s below score %d not shown", counted(below, "flow"), r.minScore)
	}
	return nil
}

// fitting leaves out columns until the table fits into the width; 0 is any.
func fitting(pairs []*pair, width int) []tableColumn {
	columns := append([]tableColumn(nil), tableColumns...)
	for width > 0 {
		need, last := 1, 0 // borders: one in front, three a column
		for i, c := range columns {
			widest := len(c.name)
			for _, p := range pairs {
				widest = max(widest, utf8.RuneCountInString(c.text(p)))
			}
			need += min(widest, widestCell) + 3
			if c.rank >= columns[last].rank {
				last = i
			}
		}
		if need <= width || columns[last].rank == 0 {
			break
		}
		columns = append(columns[:last], columns[last+1:]...)
	}
	return columns
}

// width is how many characters a line of the terminal has; 0 if the results do not
// go to one.
func (t *terminal) width() int {
	f, ok := t.out.(*os.File)
	if !ok {
		return 0
	}
	width, _, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return 0
	}
	return width
}
