package splunkd

import (
	"sort"
	"strconv"
	"strings"
	"time"
)

// operator is a compiled command: rows in, rows out. A generating command ignores its input.
type operator func(in *Table) (*Table, error)

// builtin is one of Splunk's own commands, as far as it is played.
type builtin struct {
	generating bool // must come first
	streaming  bool // works row by row, so it runs on the indexers behind an event search
	compile    func(s *search, text string) (operator, error)
}

// builtins are the commands that are played. Any other name has to be a custom command of the app, or the search fails.
var builtins = map[string]builtin{
	"tstats":       {generating: true, compile: compileTstats},
	"makeresults":  {generating: true, compile: compileMakeresults},
	"inputlookup":  {generating: true, compile: compileInputlookup},
	"outputlookup": {compile: compileOutputlookup},
	"search":       {streaming: true, compile: compileSearch},
	"where":        {streaming: true, compile: compileWhere},
	"eval":         {streaming: true, compile: compileEval},
	"rename":       {streaming: true, compile: compileRename},
	"convert":      {streaming: true, compile: compileConvert},
	"fields":       {streaming: true, compile: compileFields},
	"fillnull":     {streaming: true, compile: compileFillnull},
	"bin":          {streaming: true, compile: compileBin},
	"mvexpand":     {streaming: true, compile: compileMvexpand},
	"localop":      {compile: compileNothing},
	"stats":        {compile: compileStats},
	"sort":         {compile: compileSort},
	"table":        {compile: compileTable},
	"head":         {compile: compileHead},
	"dedup":        {compile: compileDedup},
}

// eachRow makes an operator of a function that changes a row or drops it.
func eachRow(change func(Row) (keep bool)) operator {
	return func(in *Table) (*Table, error) {
		out := &Table{Columns: in.Columns}
		for _, row := range in.Rows {
			row = row.clone()
			if change(row) {
				out.Rows = append(out.Rows, row)
			}
		}
		return out, nil
	}
}

func compileNothing(*search, string) (operator, error) {
	return func(in *Table) (*Table, error) { return in, nil }, nil
}

// compileSearch is `search` behind another command; at the start of a search it is an event search (search.go).
func compileSearch(_ *search, text string) (operator, error) {
	tokens, err := tokenize(text)
	if err != nil {
		return nil, err
	}
	if len(tokens) == 0 {
		return compileNothing(nil, "")
	}
	keep, _, err := parsePredicate(tokens, nil)
	return eachRow(func(row Row) bool { return keep(row) }), err
}

func compileWhere(s *search, text string) (operator, error) {
	condition, err := parseWhere(text)
	return eachRow(func(row Row) bool { return condition(s.context, row).isTrue() }), err
}

func compileEval(s *search, text string) (operator, error) {
	assignments, err := parseEval(text)
	if err != nil {
		return nil, err
	}
	return func(in *Table) (*Table, error) {
		var refused error
		out, err := eachRow(func(row Row) bool {
			for _, a := range assignments {
				switch value := a.Value(s.context, row); value.kind {
				case null:
					delete(row, a.Field)
				case boolean:
					refused = searchErrorf("Error in 'eval' command: Fields cannot be assigned a boolean result. Instead, try if([bool expr], [expr], [expr]).")
				default:
					row[a.Field] = value.texts()
				}
			}
			return true
		})(in)
		if refused != nil {
			return nil, refused
		}
		if err == nil {
			out.Columns = append([]string(nil), out.Columns...)
			for _, a := range assignments {
				out.add(a.Field)
			}
		}
		return out, err
	}, nil
}

// compileRename: `rename a as b, "All_Traffic.*" as *`. A column that has the new name already is replaced.
func compileRename(_ *search, text string) (operator, error) {
	tokens, err := tokenize(text)
	if err != nil {
		return nil, err
	}
	var pairs [][2]string
	for len(tokens) > 0 {
		if tokens[0].Kind == tokenComma && len(pairs) > 0 {
			tokens = tokens[1:]
			continue
		}
		if len(tokens) < 3 || !tokens[0].word() || !tokens[1].is("as") || !tokens[2].word() {
			return nil, searchErrorf("Error in 'rename' command: 'field AS name' is wanted at %q.", tokens[0].Raw)
		}
		from, to := tokens[0].Text, tokens[2].Text
		if strings.Count(from, "*") > 1 || strings.Count(from, "*") != strings.Count(to, "*") {
			return nil, searchErrorf("Error in 'rename' command: Wildcard mismatch: '%s' as '%s'.", from, to)
		}
		pairs = append(pairs, [2]string{from, to})
		tokens = tokens[3:]
	}
	if len(pairs) == 0 {
		return nil, searchErrorf("Error in 'rename' command: 'field AS name' is wanted.")
	}
	return func(in *Table) (*Table, error) {
		out := &Table{Columns: append([]string(nil), in.Columns...)}
		for _, row := range in.Rows {
			out.Rows = append(out.Rows, row.clone())
		}
		for _, pair := range pairs {
			from, to := pair[0], pair[1]
			for _, name := range append([]string(nil), out.Columns...) {
				if !matchName(from, name) {
					continue
				}
				target := to
				if prefix, suffix, wild := strings.Cut(from, "*"); wild {
					target = strings.Replace(to, "*", name[len(prefix):len(name)-len(suffix)], 1)
				}
				if target != name {
					renameColumn(out, name, target)
				}
			}
		}
		return out, nil
	}, nil
}

func renameColumn(t *Table, from, to string) {
	t.remove(to)
	for i, name := range t.Columns {
		if name == from {
			t.Columns[i] = to
		}
	}
	for _, row := range t.Rows {
		if value, ok := row[from]; ok {
			row[to] = value
			delete(row, from)
		}
	}
}

// convertDefault is the time format of convert where none is given.
const convertDefault = "%m/%d/%Y %H:%M:%S"

// compileConvert plays `convert timeformat="%Y" ctime(field) as name`: epoch seconds to text. What is no number stays.
func compileConvert(s *search, text string) (operator, error) {
	tokens, err := tokenize(text)
	if err != nil {
		return nil, err
	}
	options, tokens, err := keyValues("convert", tokens, "timeformat")
	if err != nil {
		return nil, err
	}
	format, given := options["timeformat"]
	if !given {
		format = convertDefault
	}
	if _, err := strftime(time.Unix(0, 0).UTC(), format); err != nil {
		return nil, err
	}
	var pairs [][2]string
	for len(tokens) > 0 {
		if len(tokens) < 4 || !tokens[0].is("ctime") || tokens[1].Kind != tokenOpen || !tokens[2].word() || tokens[3].Kind != tokenClose {
			return nil, searchErrorf("Error in 'convert' command: only ctime(field) is played by this stand-in, found %q.", tokens[0].Raw)
		}
		pair := [2]string{tokens[2].Text, tokens[2].Text}
		tokens = tokens[4:]
		if len(tokens) >= 2 && tokens[0].is("as") && tokens[1].word() {
			pair[1] = tokens[1].Text
			tokens = tokens[2:]
		}
		pairs = append(pairs, pair)
	}
	if len(pairs) == 0 {
		return nil, searchErrorf("Error in 'convert' command: a function is missing.")
	}
	change := eachRow(func(row Row) bool {
		for _, pair := range pairs {
			var texts Value
			for _, value := range row[pair[0]] {
				if seconds, ok := number(value); ok {
					value, _ = strftime(epoch(seconds).In(s.context.zone), format)
				}
				texts = append(texts, value)
			}
			if texts != nil {
				row[pair[1]] = texts
			}
		}
		return true
	})
	return func(in *Table) (*Table, error) {
		out, err := change(in)
		out.Columns = append([]string(nil), in.Columns...)
		for _, pair := range pairs {
			if out.has(pair[0]) {
				out.add(pair[1])
			}
		}
		return out, err
	}, nil
}

func compileFillnull(_ *search, text string) (operator, error) {
	tokens, err := tokenize(text)
	if err != nil {
		return nil, err
	}
	options, tokens, err := keyValues("fillnull", tokens, "value")
	if err != nil {
		return nil, err
	}
	fill, given := options["value"]
	if !given {
		fill = "0"
	}
	var names []string
	if len(tokens) > 0 {
		if names, err = parseNames("fillnull", tokens); err != nil {
			return nil, err
		}
	}
	return func(in *Table) (*Table, error) {
		out := &Table{Columns: append([]string(nil), in.Columns...)}
		out.add(names...)
		filled := names
		if len(names) == 0 {
			filled = in.Columns
		}
		for _, row := range in.Rows {
			row = row.clone()
			for _, name := range filled {
				if len(row[name]) == 0 {
					row[name] = Value{fill}
				}
			}
			out.Rows = append(out.Rows, row)
		}
		return out, nil
	}, nil
}

// compileBin: `bin _time span=1h`.
func compileBin(_ *search, text string) (operator, error) {
	tokens, err := tokenize(text)
	if err != nil {
		return nil, err
	}
	var name, spanText string
	for len(tokens) > 0 {
		switch {
		case tokens[0].is("span") && len(tokens) >= 3 && tokens[1].Text == "=":
			spanText, tokens = tokens[2].Text, tokens[3:]
		case tokens[0].word() && name == "":
			name, tokens = tokens[0].Text, tokens[1:]
		default:
			return nil, searchErrorf("Error in 'bin' command: unexpected %q.", tokens[0].Raw)
		}
	}
	span, err := parseSpan(spanText)
	if name != "_time" || err != nil {
		return nil, searchErrorf("Error in 'bin' command: only `bin _time span=<time>` is played by this stand-in.")
	}
	return eachRow(func(row Row) bool {
		if seconds, ok := number(row.Get(name)); ok {
			row[name] = Value{epochText(epoch(seconds).Truncate(span))}
		}
		return true
	}), nil
}

func compileMvexpand(_ *search, text string) (operator, error) {
	name := strings.TrimSpace(text)
	if len(name) >= 2 && name[0] == '"' {
		name = unquote(name)
	}
	if name == "" || strings.ContainsAny(name, " ,=") {
		return nil, searchErrorf("Error in 'mvexpand' command: one field is wanted, options are not played by this stand-in.")
	}
	return func(in *Table) (*Table, error) {
		out := &Table{Columns: in.Columns}
		for _, row := range in.Rows {
			if len(row[name]) < 2 {
				out.Rows = append(out.Rows, row)
				continue
			}
			for _, value := range row[name] {
				single := row.clone()
				single[name] = Value{value}
				out.Rows = append(out.Rows, single)
			}
		}
		return out, nil
	}, nil
}

func compileStats(_ *search, text string) (operator, error) {
	tokens, err := tokenize(text)
	if err != nil {
		return nil, err
	}
	aggregates, tokens, err := parseAggregates("stats", tokens, "by")
	if err != nil {
		return nil, err
	}
	if len(aggregates) == 0 {
		return nil, searchErrorf("Error in 'stats' command: a function is missing.")
	}
	var by []string
	if len(tokens) > 0 {
		if by, err = parseNames("stats", tokens[1:]); err != nil {
			return nil, err
		}
	}
	return func(in *Table) (*Table, error) { return group(in.Rows, by, aggregates), nil }, nil
}

// sortDefault is how many rows sort keeps where no number is given; 0 keeps all.
const sortDefault = 10000

// compileSort: `sort 0 - tor_score, +src`. Rows without a value come last, whatever the direction.
func compileSort(_ *search, text string) (operator, error) {
	tokens, err := tokenize(text)
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
	for i := 0; i < len(tokens); i++ {
		if tokens[i].Kind == tokenComma {
			continue
		}
		name, sign := tokens[i].Text, 1
		if tokens[i].Kind == tokenWord && (name[0] == '-' || name[0] == '+') {
			if name[0] == '-' {
				sign = -1
			}
			if name = name[1:]; name == "" && i+1 < len(tokens) {
				i++
				name = tokens[i].Text
			}
		}
		if !tokens[i].word() || name == "" || i+1 < len(tokens) && tokens[i+1].Kind == tokenOpen {
			return nil, searchErrorf("Error in 'sort' command: a field name is wanted at %q; functions are not played by this stand-in.", tokens[i].Raw)
		}
		keys = append(keys, key{name, sign})
	}
	if len(keys) == 0 {
		return nil, searchErrorf("Error in 'sort' command: a field name is missing.")
	}
	return func(in *Table) (*Table, error) {
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
				if c := compareTexts(a.Text(), b.Text()) * k.sign; c != 0 {
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

// compileTable keeps exactly the named columns, in that order, also those that no row has.
func compileTable(_ *search, text string) (operator, error) {
	tokens, err := tokenize(text)
	if err != nil {
		return nil, err
	}
	names, err := parseNames("table", tokens)
	return func(in *Table) (*Table, error) {
		out := &Table{}
		for _, name := range names {
			if !strings.Contains(name, "*") {
				out.add(name)
				continue
			}
			for _, column := range in.Columns {
				if matchName(name, column) && !internal(column) {
					out.add(column)
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

// compileFields: `fields a b*` keeps, `fields - a b*` removes. Keeping keeps the internal fields too.
func compileFields(_ *search, text string) (operator, error) {
	text = strings.TrimSpace(text)
	removing := strings.HasPrefix(text, "-")
	tokens, err := tokenize(strings.TrimLeft(text, "+-"))
	if err != nil {
		return nil, err
	}
	names, err := parseNames("fields", tokens)
	return func(in *Table) (*Table, error) {
		out := &Table{}
		if removing {
			for _, column := range in.Columns {
				named := false
				for _, name := range names {
					named = named || matchName(name, column)
				}
				if !named {
					out.add(column)
				}
			}
			return keepColumns(in, out.Columns), nil
		}
		for _, column := range in.Columns {
			if internal(column) {
				out.add(column)
			}
		}
		for _, name := range names {
			for _, column := range in.Columns {
				if matchName(name, column) {
					out.add(column)
				}
			}
		}
		return keepColumns(in, out.Columns), nil
	}, err
}

// headDefault is how many rows head keeps where no number is given.
const headDefault = 10

// headLimit reads the argument of head.
func headLimit(text string) (int, error) {
	text = strings.TrimPrefix(strings.ReplaceAll(text, " ", ""), "limit=")
	if text == "" {
		return headDefault, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		return 0, searchErrorf("Error in 'head' command: a number is wanted, found %q; conditions are not played by this stand-in.", text)
	}
	return n, nil
}

func compileHead(_ *search, text string) (operator, error) {
	n, err := headLimit(text)
	return func(in *Table) (*Table, error) {
		return &Table{Columns: in.Columns, Rows: in.Rows[:min(n, len(in.Rows))]}, nil
	}, err
}

// compileDedup keeps the first row of each combination of values; rows without a value in a field are dropped.
func compileDedup(_ *search, text string) (operator, error) {
	tokens, err := tokenize(text)
	if err != nil {
		return nil, err
	}
	names, err := parseNames("dedup", tokens)
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
