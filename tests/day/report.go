package day

import (
	"fmt"
	"io"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
)

// Text writes the summary for people.
func (s *Summary) Text(w io.Writer) {
	if s.Seed != nil {
		fmt.Fprintf(w, "Day of seed %d: ", *s.Seed)
	}
	fmt.Fprintf(w, "%d events, runs of %.1f days. In digest mode suppression by fields silences %s.\n\n", s.Events, s.Days, s.Digest)
	t := plain("search", "to find", "found", "false", "told twice", "prompt: minutes", "late: minutes", "suppressed", "cut", "failed runs", "hours read a day")
	for _, l := range s.Searches {
		t.AppendRow(table.Row{l.Search, l.ToFind, l.Found, l.False, l.Twice, l.Prompt, l.Late, l.Suppressed, l.Cut, l.Failed, l.HoursADay})
	}
	t.AppendFooter(table.Row{"all", s.ToFind, s.Found, s.False, s.Twice})
	fmt.Fprintln(w, t.Render())
	fmt.Fprintln(w, "Minutes from the first event that was indexed to the first telling: median, 95%, most. Late is what came more than ten minutes after its time.")

	if len(s.Cases) > 0 {
		t = plain("whom", "search", "to find", "found", "told twice")
		for _, c := range s.Cases {
			t.AppendRow(table.Row{c.Case, c.Search, c.ToFind, c.Found, c.Twice})
		}
		fmt.Fprintf(w, "\n%s\n", t.Render())
	}
	if len(s.Blind) > 0 {
		t = plain("blind", "search", "told", "first", "last")
		for _, b := range s.Blind {
			t.AppendRow(table.Row{b.Problem, b.Search, b.Told, b.First.Format("Jan 2 15:04"), b.Last.Format("Jan 2 15:04")})
		}
		fmt.Fprintf(w, "\n%s\n", t.Render())
	}
	if len(s.Searches) > 0 && s.Searches[0].Costs != nil {
		t = plain("widest run", "hours", "connections an hour", "events read", "rows to the search head", "rows sorted")
		for _, l := range s.Searches {
			for _, c := range l.Costs {
				t.AppendRow(table.Row{l.Search, l.Widest, count(c.Connections), count(c.Read), count(c.Rows), count(c.Sorted)})
			}
		}
		fmt.Fprintf(w, "\n%s\n", t.Render())
		fmt.Fprintln(w, "Extrapolated in a straight line from an hour of a few hundred ordinary connections: what groups by the same ends has fewer rows than this.")
	}
	for _, l := range s.Searches {
		if l.Why != "" {
			fmt.Fprintf(w, "\n%s failed %d times, first: %s\n", l.Search, l.Failed, l.Why)
		}
	}
}

func (s *Spread) String() string {
	if s == nil {
		return "-"
	}
	return fmt.Sprintf("%.0f %.0f %.0f", s.Median, s.P95, s.Most)
}

// count is a number with two digits that matter.
func count(n int) string {
	switch {
	case n >= 10_000_000:
		return fmt.Sprintf("%d M", n/1_000_000)
	case n >= 1_000_000:
		return fmt.Sprintf("%.1f M", float64(n)/1e6)
	case n >= 10_000:
		return fmt.Sprintf("%d k", n/1000)
	}
	return fmt.Sprint(n)
}

func plain(columns ...string) table.Writer {
	t := table.NewWriter()
	style := table.StyleLight
	style.Format.Header, style.Format.Footer = text.FormatDefault, text.FormatDefault
	style.Options = table.OptionsNoBordersAndSeparators
	style.Options.SeparateHeader = true
	t.SetStyle(style)
	head := table.Row{}
	var right []table.ColumnConfig
	for _, c := range columns {
		head = append(head, c)
		if !strings.Contains("search whom widest run blind first last", c) {
			right = append(right, table.ColumnConfig{Name: c, Align: text.AlignRight, AlignHeader: text.AlignRight, AlignFooter: text.AlignRight})
		}
	}
	t.AppendHeader(head)
	t.SetColumnConfigs(right)
	return t
}
