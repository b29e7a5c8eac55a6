package spl

import (
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"
)

// The commands here look at the whole table, so they run on the search head.

func CompileStats(c *Context, text string) (Operator, error) {
	aggregates, by, err := readStats("stats", text)
	if err != nil {
		return nil, err
	}
	return func(in *Table) (*Table, error) {
		c.hold(in)
		return Group(c, in.Rows, by, namedAggregates(aggregates, by, in.Columns)), nil
	}, nil
}

// CompileEventstats keeps the rows and adds to each what stats gives for its group. A row without a value in a by field
// gets nothing.
func CompileEventstats(c *Context, text string) (Operator, error) {
	aggregates, by, err := readStats("eventstats", text)
	if err != nil {
		return nil, err
	}
	return func(in *Table) (*Table, error) {
		c.hold(in)
		out := &Table{Columns: slices.Clone(in.Columns)}
		for _, agg := range aggregates {
			out.Add(agg.As)
		}
		groups := map[string]Row{}
		for _, row := range Group(c, in.Rows, by, aggregates).Rows {
			groups[Line(row, by)] = row
		}
		for _, row := range in.Rows {
			row = row.Clone()
			if found := groups[Line(row, by)]; found != nil {
				for _, agg := range aggregates {
					row[agg.As] = found[agg.As]
				}
			}
			out.Rows = append(out.Rows, row)
		}
		return out, nil
	}, nil
}

// namedAggregates takes functions of wildcards, values(*) as *, for each column that is no by field. Internal ones are
// left out, as the names of a table are.
func namedAggregates(aggregates []aggregate, by, columns []string) []aggregate {
	var named []aggregate
	for _, agg := range aggregates {
		prefix, suffix, wild := strings.Cut(agg.Field, "*")
		if !wild {
			named = append(named, agg)
			continue
		}
		for _, column := range columns {
			if matchName(agg.Field, column) && !Internal(column) && !slices.Contains(by, column) {
				each := agg
				each.Field = column
				each.As = strings.Replace(agg.As, "*", column[len(prefix):len(column)-len(suffix)], 1)
				named = append(named, each)
			}
		}
	}
	return named
}

// Line is what a row has in some fields, as one text.
func Line(row Row, fields []string) string {
	var cells []string
	for _, field := range fields {
		cells = append(cells, row.Get(field))
	}
	return strings.Join(cells, "\x00")
}

// readStats reads the functions and the fields behind BY.
func readStats(command, text string) ([]aggregate, []string, error) {
	tokens, err := Tokenize(text)
	if err != nil {
		return nil, nil, err
	}
	aggregates, tokens, err := ParseAggregates(command, text, tokens, "by")
	if err != nil {
		return nil, nil, err
	}
	if len(aggregates) == 0 {
		return nil, nil, SearchErrorf("Error in '%s' command: a function is missing.", command)
	}
	if len(tokens) == 0 {
		return aggregates, nil, nil
	}
	by, err := ParseNames(command, tokens[1:])
	return aggregates, by, err
}

// sortDefault is how many rows sort keeps where no number is given; 0 keeps all.
const sortDefault = 10000

// CompileSort: `sort 0 -tor_score, +src`. A sign right before a name is that field's; one with a blank behind it holds for
// all later fields that have no sign of their own (Splunk's training, Search Expert). Rows without a value come last,
// whatever the direction.
func CompileSort(c *Context, text string) (Operator, error) {
	tokens, err := Tokenize(text)
	if err != nil {
		return nil, err
	}
	limit := sortDefault
	if len(tokens) > 0 && tokens[0].Kind == tokenWord {
		if n, err := strconv.Atoi(tokens[0].Text); err == nil && tokens[0].Text[0] != '-' && tokens[0].Text[0] != '+' {
			limit, tokens = n, tokens[1:]
		}
	}
	type key struct {
		field string
		sign  int
	}
	var keys []key
	held := 1 // the sign of a field without one
	for i := 0; i < len(tokens); i++ {
		if tokens[i].Kind == tokenComma {
			continue
		}
		name, sign := tokens[i].Text, held
		if tokens[i].Kind == tokenWord && (name[0] == '-' || name[0] == '+') {
			sign = 1
			if name[0] == '-' {
				sign = -1
			}
			if name = name[1:]; name == "" && i+1 < len(tokens) {
				i++
				name, held = tokens[i].Text, sign
			}
		}
		if !tokens[i].Word() || name == "" || i+1 < len(tokens) && tokens[i+1].Kind == TokenOpen {
			return nil, SearchErrorf("Error in 'sort' command: a field name is wanted at %q; functions are not played by this stand-in.", tokens[i].Raw)
		}
		keys = append(keys, key{name, sign})
	}
	if len(keys) == 0 {
		return nil, SearchErrorf("Error in 'sort' command: a field name is missing.")
	}
	return func(in *Table) (*Table, error) {
		c.hold(in)
		rows := append([]Row(nil), in.Rows...)
		sort.SliceStable(rows, func(i, j int) bool {
			for _, k := range keys {
				a, b := rows[i][k.field], rows[j][k.field]
				if len(a) == 0 || len(b) == 0 {
					if len(a) == len(b) {
						continue
					}
					return len(a) > 0
				}
				if c := CompareTexts(a.Text(), b.Text()) * k.sign; c != 0 {
					return c < 0
				}
			}
			return false
		})
		if limit > 0 && len(rows) > limit {
			rows = rows[:limit]
		}
		return &Table{Columns: in.Columns, Rows: rows}, nil
	}, nil
}

// CompileTable keeps exactly the named columns, in that order, also those that no row has.
func CompileTable(_ *Context, text string) (Operator, error) {
	tokens, err := Tokenize(text)
	if err != nil {
		return nil, err
	}
	names, err := ParseNames("table", tokens)
	return func(in *Table) (*Table, error) {
		out := &Table{}
		for _, name := range names {
			if !strings.Contains(name, "*") {
				out.Add(name)
				continue
			}
			for _, column := range in.Columns {
				if matchName(name, column) && !Internal(column) {
					out.Add(column)
				}
			}
		}
		return keepColumns(in, out.Columns), nil
	}, err
}

func keepColumns(in *Table, columns []string) *Table {
	out := &Table{Columns: columns}
	for _, row := range in.Rows {
		kept := Row{}
		for _, name := range columns {
			if value, ok := row[name]; ok {
				kept[name] = value
			}
		}
		out.Rows = append(out.Rows, kept)
	}
	return out
}

// CompileFields: `fields a b*` keeps, `fields - a b*` removes. Keeping keeps the internal fields too.
func CompileFields(_ *Context, text string) (Operator, error) {
	text = strings.TrimSpace(text)
	removing := strings.HasPrefix(text, "-")
	tokens, err := Tokenize(strings.TrimLeft(text, "+-"))
	if err != nil {
		return nil, err
	}
	names, err := ParseNames("fields", tokens)
	return func(in *Table) (*Table, error) {
		out := &Table{}
		if removing {
			for _, column := range in.Columns {
				named := false
				for _, name := range names {
					named = named || matchName(name, column)
				}
				if !named {
					out.Add(column)
				}
			}
			return keepColumns(in, out.Columns), nil
		}
		for _, column := range in.Columns {
			if Internal(column) {
				out.Add(column)
			}
		}
		for _, name := range names {
			for _, column := range in.Columns {
				if matchName(name, column) {
					out.Add(column)
				}
			}
		}
		return keepColumns(in, out.Columns), nil
	}, err
}

// headDefault is how many rows head keeps where no number is given.
const headDefault = 10

// HeadLimit reads the argument of head.
func HeadLimit(text string) (int, error) {
	text = strings.TrimPrefix(strings.ReplaceAll(text, " ", ""), "limit=")
	if text == "" {
		return headDefault, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		return 0, SearchErrorf("Error in 'head' command: a number is wanted, found %q; conditions are not played by this stand-in.", text)
	}
	return n, nil
}

func CompileHead(_ *Context, text string) (Operator, error) {
	n, err := HeadLimit(text)
	return func(in *Table) (*Table, error) {
		return &Table{Columns: in.Columns, Rows: in.Rows[:min(n, len(in.Rows))]}, nil
	}, err
}

// CompileDedup keeps the first row of each combination of values; rows without a value in a field are dropped.
func CompileDedup(_ *Context, text string) (Operator, error) {
	tokens, err := Tokenize(text)
	if err != nil {
		return nil, err
	}
	names, err := ParseNames("dedup", tokens)
	return func(in *Table) (*Table, error) {
		seen := map[string]bool{}
		out := &Table{Columns: in.Columns}
		for _, row := range in.Rows {
			id, complete := "", true
			for _, name := range names {
				complete = complete && len(row[name]) > 0
				id += row.Get(name) + "\x00"
			}
			if complete && !seen[id] {
				seen[id] = true
				out.Rows = append(out.Rows, row)
			}
		}
		return out, nil
	}, err
}

// maxSeries is how many values of the by field timechart shows before it puts the rest into OTHER, which is not played.
const maxSeries = 10

// CompileTimechart: `timechart span=1h sum(count) by verdict`: a row for each span of the search's time (without bounds:
// from the first to the last that has something), a column for each value. A count without rows is 0, any other function has no value there.
func CompileTimechart(c *Context, text string) (Operator, error) {
	tokens, err := Tokenize(text)
	if err != nil {
		return nil, err
	}
	options, tokens, err := KeyValues("timechart", tokens, "span")
	if err != nil {
		return nil, err
	}
	span, err := ParseSpan(options["span"])
	if err != nil {
		return nil, err
	}
	aggregates, tokens, err := ParseAggregates("timechart", text, tokens, "by")
	if err != nil {
		return nil, err
	}
	by := []string{"_time"}
	if len(tokens) > 0 {
		names, err := ParseNames("timechart", tokens[1:])
		if err != nil {
			return nil, err
		}
		by = append(by, names...)
	}
	if len(by) > 2 || len(by) == 2 && len(aggregates) != 1 || len(aggregates) == 0 {
		return nil, SearchErrorf("Error in 'timechart' command: functions, or one function by one field, are wanted.")
	}
	return func(in *Table) (*Table, error) {
		var rows []Row
		for _, row := range in.Rows {
			if seconds, ok := Number(row.Get("_time")); ok {
				row = row.Clone()
				row["_time"] = Value{EpochText(epoch(seconds).Truncate(span))}
				rows = append(rows, row)
			}
		}
		grouped := Group(c, rows, by, aggregates)
		out := &Table{Columns: []string{"_time"}}
		if len(grouped.Rows) == 0 {
			return out, nil
		}
		bins := map[string]Row{}
		var series []string
		for _, row := range grouped.Rows {
			at := row.Get("_time")
			if bins[at] == nil {
				bins[at] = Row{"_time": row["_time"]}
			}
			for _, agg := range aggregates {
				name := agg.As
				if len(by) == 2 {
					name = row.Get(by[1])
				}
				bins[at][name] = row[agg.As]
				series = append(series, name)
			}
		}
		series = distinct(series)
		if len(by) == 2 {
			sort.Strings(series)
		}
		if len(series) > maxSeries {
			return nil, SearchErrorf("timechart with more than %d series is not played by this stand-in", maxSeries)
		}
		out.Add(series...)
		first, _ := Number(grouped.Rows[0].Get("_time"))
		last, _ := Number(grouped.Rows[len(grouped.Rows)-1].Get("_time"))
		from, to := epoch(first), epoch(last)
		// fixedrange=true is the default: all of the search's time, also where there is nothing.
		if !c.Earliest.IsZero() && !c.Latest.IsZero() {
			from = c.Earliest.UTC().Truncate(span)
			to = c.Latest.UTC().Add(-time.Nanosecond).Truncate(span)
		}
		for at := from; !at.After(to); at = at.Add(span) {
			row := bins[EpochText(at)]
			if row == nil {
				row = Row{"_time": Value{EpochText(at)}}
			}
			for _, name := range series {
				if aggregates[0].Function == "count" && row[name] == nil {
					row[name] = Value{"0"}
				}
			}
			out.Rows = append(out.Rows, row)
		}
		return out, nil
	}, nil
}
