package splunkd

import (
	"strings"
	"time"
)

// operator is a compiled command: rows in, rows out. A generating command ignores its input.
type operator func(in *Table) (*Table, error)

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

func compileNothing(*evalContext, string) (operator, error) {
	return func(in *Table) (*Table, error) { return in, nil }, nil
}

// compileSearch is `search` behind another command; at the start of a search it is an event search (search.go).
func compileSearch(_ *evalContext, text string) (operator, error) {
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

func compileWhere(c *evalContext, text string) (operator, error) {
	condition, err := parseWhere(text)
	return eachRow(func(row Row) bool { return condition(c, row).isTrue() }), err
}

func compileEval(c *evalContext, text string) (operator, error) {
	assignments, err := parseEval(text)
	if err != nil {
		return nil, err
	}
	return func(in *Table) (*Table, error) {
		var refused error
		out, err := eachRow(func(row Row) bool {
			for _, a := range assignments {
				switch value := a.Value(c, row); value.kind {
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
func compileRename(_ *evalContext, text string) (operator, error) {
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
func compileConvert(c *evalContext, text string) (operator, error) {
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
					value, _ = strftime(epoch(seconds).In(c.zone), format)
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

func compileFillnull(_ *evalContext, text string) (operator, error) {
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
func compileBin(_ *evalContext, text string) (operator, error) {
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

func compileMvexpand(_ *evalContext, text string) (operator, error) {
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
