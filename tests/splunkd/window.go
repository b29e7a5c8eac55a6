package splunkd

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"tordetect/tests/splunkd/spl"
	"tordetect/tests/splunkd/wire"
)

// A search may narrow or move its window itself: earliest= and latest= in the where clause of tstats or in an event
// search, and a subsearch that computes them.
//
//	where earliest=-70m@m latest=-10m@m All_Traffic.app=tor
//	where [| makeresults | addinfo | eval w="earliest=".(info_max_time-3600)." latest=".info_max_time | return $w]

// window is what a command says of its time. Bounds that it does not give are the search's, with one trap that Splunk's
// Search Manual has (Specify time modifiers in your search): where only earliest is given, latest is now, whatever the
// search's window; where only latest is given, there is no earliest.
type window struct {
	given            bool
	earliest, latest string // time modifiers, empty: not given
}

// over is the window in the end. Offsets count from now, as the run started (only supposed; design section 4 therefore
// computes both bounds from addinfo).
func (w window) over(s *search) (earliest, latest time.Time) {
	if !w.given {
		return s.earliest, s.latest
	}
	now := s.context.Now.In(s.context.Zone)
	latest = now
	if w.earliest != "" && w.earliest != "0" {
		earliest, _ = spl.RelativeTime(w.earliest, now) // read once when it was compiled
	}
	if w.latest != "" {
		latest, _ = spl.RelativeTime(w.latest, now)
	}
	return earliest, latest
}

// inlineWindow takes earliest= and latest= out of a filter, up to one of the stop words. Only those that are joined to
// the rest by AND are played.
func (s *search) inlineWindow(tokens []spl.Token, stop ...string) (w window, rest []spl.Token, err error) {
	depth := 0
	for i := 0; i < len(tokens); i++ {
		t := tokens[i]
		for _, word := range stop {
			if t.Is(word) {
				return w, append(rest, tokens[i:]...), nil
			}
		}
		switch t.Kind {
		case spl.TokenOpen:
			depth++
		case spl.TokenClose:
			depth--
		}
		if !t.Is("earliest") && !t.Is("latest") || i+2 >= len(tokens) || tokens[i+1].Text != "=" || !tokens[i+2].Word() {
			rest = append(rest, t)
			continue
		}
		last := len(rest) - 1
		if depth > 0 || last >= 0 && (rest[last].Is("OR") || rest[last].Is("NOT")) || i+3 < len(tokens) && tokens[i+3].Is("OR") {
			return w, nil, fmt.Errorf("%s= inside brackets, behind NOT or beside OR is not played by this stand-in", t.Text)
		}
		value := tokens[i+2].Text
		if _, err := spl.RelativeTime(value, s.context.Now); err != nil {
			return w, nil, err
		}
		w.given = true
		if t.Is("earliest") {
			w.earliest = value
		} else {
			w.latest = value
		}
		i += 2
		if i+1 < len(tokens) && tokens[i+1].Is("AND") {
			i++
		} else if last >= 0 && rest[last].Is("AND") {
			rest = rest[:last]
		}
	}
	return w, rest, nil
}

// refuseTimes is for a filter from which the times were taken.
func refuseTimes(name string) error {
	if name == "earliest" || name == "latest" {
		return fmt.Errorf("%s: only one such bound, with =, is played by this stand-in", name)
	}
	return nil
}

// compileAddinfo adds to each row what the search is: its window and when it started. Without bound the window begins at
// 0 and ends at +Infinity (Search Reference, addinfo).
func compileAddinfo(s *search, text string) (spl.Operator, error) {
	if strings.TrimSpace(text) != "" {
		return nil, spl.SearchErrorf("Error in 'addinfo' command: unexpected %q.", text)
	}
	names := []string{"info_min_time", "info_max_time", "info_sid", "info_search_time"}
	return func(in *spl.Table) (*spl.Table, error) {
		values := []string{"0.000", "+Infinity", s.sid, infoTime(s.context.Now)}
		if !s.earliest.IsZero() {
			values[0] = infoTime(s.earliest)
		}
		if !s.latest.IsZero() {
			values[1] = infoTime(s.latest)
		}
		out, err := spl.EachRow(func(row spl.Row) bool {
			for i, name := range names {
				row[name] = spl.Value{values[i]}
			}
			return true
		})(in)
		out.Columns = append([]string(nil), out.Columns...)
		out.Add(names...)
		return out, err
	}, nil
}

// infoTime is a time as addinfo writes it, with three digits behind the point.
func infoTime(t time.Time) string { return fmt.Sprintf("%d.%03d", t.Unix(), t.Nanosecond()/1e6) }

// maxSubsearch is how many rows a subsearch may give; more are cut, and a message says so (limits.conf [subsearch]
// maxout). Its time limit of 60 seconds is not played.
const maxSubsearch = 10000

// subsearches runs what stands in square brackets and puts its text there, before the search itself is read. The search
// behind append stays, for its command to run.
func (s *search) subsearches(text string) (string, error) {
	start := 0 // of the command at hand
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '"':
			i = spl.QuotedEnd(text, i) - 1
		case '|':
			start = i + 1
		case '[':
			end := spl.BracketEnd(text, i)
			if end < 0 {
				return "", spl.SearchErrorf("Error in 'SearchParser': Mismatched quotes and/or parenthesis at %q.", text[i:])
			}
			inner, err := s.subsearches(text[i+1 : end])
			if err != nil {
				return "", err
			}
			if name, _ := spl.SplitWord(strings.TrimSpace(text[start:i])); spl.TakesPipeline(name) {
				inner = "[" + inner + "]"
			} else if inner, err = s.subsearch(inner); err != nil {
				return "", err
			}
			text = text[:i] + inner + text[end+1:]
			i += len(inner) - 1
		}
	}
	return text, nil
}

// subsearch runs a search inside another one, over the same window, and returns its text: that of `return`, else all rows
// as a condition.
func (s *search) subsearch(text string) (string, error) {
	events, steps, err := s.plan(text)
	if err != nil {
		return "", err
	}
	var table *spl.Table
	if events != nil {
		table = events.table(s)
	}
	if table, err = runSteps(place{app: s.head.App, sid: s.sid}, table, steps); err != nil {
		return "", err
	}
	if len(table.Columns) == 1 && table.Columns[0] == returnColumn {
		return table.Rows[0].Get(returnColumn), nil
	}
	if len(table.Rows) > maxSubsearch {
		table.Rows = table.Rows[:maxSubsearch]
		s.note([]wire.Message{{Level: "WARN", Text: fmt.Sprintf("Subsearch produced more than %d results, truncating to maxout %d.", maxSubsearch, maxSubsearch)}})
	}
	return condition(table), nil
}

// condition is what the command format makes of rows, which Splunk adds to a subsearch that has none:
// ( ( a="x" AND b="y" ) OR ( ... ) ), and NOT ( ) of nothing.
func condition(table *spl.Table) string {
	var rows []string
	for _, row := range table.Rows {
		var terms []string
		for _, name := range table.Columns {
			if spl.Internal(name) {
				continue
			}
			var any []string
			for _, value := range row[name] {
				any = append(any, fmt.Sprintf(`%s="%s"`, name, strings.ReplaceAll(value, `"`, `\"`)))
			}
			switch len(any) {
			case 0:
			case 1:
				terms = append(terms, any[0])
			default:
				terms = append(terms, "( "+strings.Join(any, " OR ")+" )")
			}
		}
		if len(terms) > 0 {
			rows = append(rows, "( "+strings.Join(terms, " AND ")+" )")
		}
	}
	if len(rows) == 0 {
		return "NOT ( )"
	}
	return "( " + strings.Join(rows, " OR ") + " )"
}

const returnColumn = "search"

// compileReturn plays `return [count] [alias=field | field | $field]...`: the first rows as a condition,
// (user="a" ip="b") OR (...), and of one row with one $field the bare value (Search Reference, return).
func compileReturn(_ *search, text string) (spl.Operator, error) {
	words := strings.FieldsFunc(text, func(r rune) bool { return r == ' ' || r == ',' || r == '\n' || r == '\t' })
	count := 1
	if len(words) > 0 {
		if n, err := strconv.Atoi(words[0]); err == nil && n > 0 {
			count, words = n, words[1:]
		}
	}
	type part struct{ alias, field string }
	var parts []part
	for _, word := range words {
		p := part{word, word}
		if name, bare := strings.CutPrefix(word, "$"); bare {
			p = part{"", name}
		} else if alias, name, given := strings.Cut(word, "="); given {
			p = part{alias, name}
		}
		if p.field == "" || strings.ContainsAny(p.alias+p.field, "$=\"[]") {
			return nil, spl.SearchErrorf("Error in 'return' command: %q is no field, alias=field or $field.", word)
		}
		parts = append(parts, p)
	}
	if len(parts) == 0 {
		return nil, spl.SearchErrorf("Error in 'return' command: a field is missing.")
	}
	return func(in *spl.Table) (*spl.Table, error) {
		var rows []string
		for _, row := range in.Rows[:min(count, len(in.Rows))] {
			var terms []string
			for _, p := range parts {
				switch value := row.Get(p.field); {
				case value == "":
				case p.alias == "":
					terms = append(terms, value)
				default:
					terms = append(terms, fmt.Sprintf(`%s="%s"`, p.alias, strings.ReplaceAll(value, `"`, `\"`)))
				}
			}
			if len(terms) > 0 {
				rows = append(rows, strings.Join(terms, " "))
			}
		}
		out := &spl.Table{Columns: []string{returnColumn}, Rows: []spl.Row{{}}}
		switch {
		case len(rows) == 1 && len(parts) == 1 && parts[0].alias == "":
			out.Rows[0][returnColumn] = spl.One(rows[0])
		case len(rows) > 0:
			out.Rows[0][returnColumn] = spl.One("(" + strings.Join(rows, ") OR (") + ")")
		}
		return out, nil
	}, nil
}
