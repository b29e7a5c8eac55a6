package spl

import (
	"strings"
	"time"
)

// Operator is a compiled command: rows in, rows out. A generating command ignores its input.
type Operator func(in *Table) (*Table, error)

// EachRow makes an operator of a function that changes a row or drops it.
func EachRow(change func(Row) (keep bool)) Operator {
	return func(in *Table) (*Table, error) {
		out := &Table{Columns: in.Columns}
		for _, row := range in.Rows {
			row = row.Clone()
			if change(row) {
				out.Rows = append(out.Rows, row)
			}
		}
		return out, nil
	}
}

// filter makes an operator that keeps rows as they are, or drops them. No command changes a row that another one may have.
func filter(keep func(Row) bool) Operator {
	return func(in *Table) (*Table, error) {
		out := &Table{Columns: in.Columns}
		for _, row := range in.Rows {
			if keep(row) {
				out.Rows = append(out.Rows, row)
			}
		}
		return out, nil
	}
}

func CompileNothing(*Context, string) (Operator, error) {
	return func(in *Table) (*Table, error) { return in, nil }, nil
}

// CompileSearch is `search` behind another command; at the start of a search it is an event search (search.go).
func CompileSearch(_ *Context, text string) (Operator, error) {
	tokens, err := Tokenize(text)
	if err != nil {
		return nil, err
	}
	if len(tokens) == 0 {
		return CompileNothing(nil, "")
	}
	keep, _, err := ParsePredicate(tokens, nil)
	return filter(keep), err
}

func CompileWhere(c *Context, text string) (Operator, error) {
	condition, err := ParseWhere(text)
	return filter(func(row Row) bool { return condition(c, row).IsTrue() }), err
}

func CompileEval(c *Context, text string) (Operator, error) {
	assignments, err := parseEval(text)
	if err != nil {
		return nil, err
	}
	return func(in *Table) (*Table, error) {
		var refused error
		out, err := EachRow(func(row Row) bool {
			for _, a := range assignments {
				switch value := a.Value(c, row); value.Kind {
				case null:
					delete(row, a.Field)
				case boolean:
					refused = SearchErrorf("Error in 'eval' command: Fields cannot be assigned a boolean result. Instead, try if([bool expr], [expr], [expr]).")
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
				out.Add(a.Field)
			}
		}
		return out, err
	}, nil
}

// CompileRename: `rename a as b, "All_Traffic.*" as *`. A column that has the new name already is replaced.
func CompileRename(_ *Context, text string) (Operator, error) {
	tokens, err := Tokenize(text)
	if err != nil {
		return nil, err
	}
	var pairs [][2]string
	for len(tokens) > 0 {
		if tokens[0].Kind == tokenComma && len(pairs) > 0 {
			tokens = tokens[1:]
			continue
		}
		if len(tokens) < 3 || !tokens[0].Word() || !tokens[1].Is("as") || !tokens[2].Word() {
			return nil, SearchErrorf("Error in 'rename' command: 'field AS name' is wanted at %q.", tokens[0].Raw)
		}
		from, to := tokens[0].Text, tokens[2].Text
		if strings.Count(from, "*") > 1 || strings.Count(from, "*") != strings.Count(to, "*") {
			return nil, SearchErrorf("Error in 'rename' command: Wildcard mismatch: '%s' as '%s'.", from, to)
		}
		pairs = append(pairs, [2]string{from, to})
		tokens = tokens[3:]
	}
	if len(pairs) == 0 {
		return nil, SearchErrorf("Error in 'rename' command: 'field AS name' is wanted.")
	}
	return func(in *Table) (*Table, error) {
		out := &Table{Columns: append([]string(nil), in.Columns...)}
		for _, row := range in.Rows {
			out.Rows = append(out.Rows, row.Clone())
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
	t.Remove(to)
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

// CompileConvert plays `convert timeformat="%Y" ctime(field) as name`: epoch seconds to text. What is no number stays.
func CompileConvert(c *Context, text string) (Operator, error) {
	tokens, err := Tokenize(text)
	if err != nil {
		return nil, err
	}
	options, tokens, err := KeyValues("convert", tokens, "timeformat")
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
		if len(tokens) < 4 || !tokens[0].Is("ctime") || tokens[1].Kind != TokenOpen || !tokens[2].Word() || tokens[3].Kind != TokenClose {
			return nil, SearchErrorf("Error in 'convert' command: only ctime(field) is played by this stand-in, found %q.", tokens[0].Raw)
		}
		pair := [2]string{tokens[2].Text, tokens[2].Text}
		tokens = tokens[4:]
		if len(tokens) >= 2 && tokens[0].Is("as") && tokens[1].Word() {
			pair[1] = tokens[1].Text
			tokens = tokens[2:]
		}
		pairs = append(pairs, pair)
	}
	if len(pairs) == 0 {
		return nil, SearchErrorf("Error in 'convert' command: a function is missing.")
	}
	change := EachRow(func(row Row) bool {
		for _, pair := range pairs {
			var texts Value
			for _, value := range row[pair[0]] {
				if seconds, ok := Number(value); ok {
					value, _ = strftime(epoch(seconds).In(c.Zone), format)
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
			if out.Has(pair[0]) {
				out.Add(pair[1])
			}
		}
		return out, err
	}, nil
}

func CompileFillnull(_ *Context, text string) (Operator, error) {
	tokens, err := Tokenize(text)
	if err != nil {
		return nil, err
	}
	options, tokens, err := KeyValues("fillnull", tokens, "value")
	if err != nil {
		return nil, err
	}
	fill, given := options["value"]
	if !given {
		fill = "0"
	}
	var names []string
	if len(tokens) > 0 {
		if names, err = ParseNames("fillnull", tokens); err != nil {
			return nil, err
		}
	}
	return func(in *Table) (*Table, error) {
		out := &Table{Columns: append([]string(nil), in.Columns...)}
		out.Add(names...)
		filled := names
		if len(names) == 0 {
			filled = in.Columns
		}
		for _, row := range in.Rows {
			row = row.Clone()
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

// CompileBin: `bin _time span=1h`.
func CompileBin(_ *Context, text string) (Operator, error) {
	tokens, err := Tokenize(text)
	if err != nil {
		return nil, err
	}
	var name, spanText string
	for len(tokens) > 0 {
		switch {
		case tokens[0].Is("span") && len(tokens) >= 3 && tokens[1].Text == "=":
			spanText, tokens = tokens[2].Text, tokens[3:]
		case tokens[0].Word() && name == "":
			name, tokens = tokens[0].Text, tokens[1:]
		default:
			return nil, SearchErrorf("Error in 'bin' command: unexpected %q.", tokens[0].Raw)
		}
	}
	span, err := ParseSpan(spanText)
	if name != "_time" || err != nil {
		return nil, SearchErrorf("Error in 'bin' command: only `bin _time span=<time>` is played by this stand-in.")
	}
	return EachRow(func(row Row) bool {
		if seconds, ok := Number(row.Get(name)); ok {
			row[name] = Value{EpochText(epoch(seconds).Truncate(span))}
		}
		return true
	}), nil
}

func CompileMvexpand(_ *Context, text string) (Operator, error) {
	name := strings.TrimSpace(text)
	if len(name) >= 2 && name[0] == '"' {
		name = unquote(name)
	}
	if name == "" || strings.ContainsAny(name, " ,=") {
		return nil, SearchErrorf("Error in 'mvexpand' command: one field is wanted, options are not played by this stand-in.")
	}
	return func(in *Table) (*Table, error) {
		out := &Table{Columns: in.Columns}
		for _, row := range in.Rows {
			if len(row[name]) < 2 {
				out.Rows = append(out.Rows, row)
				continue
			}
			for _, value := range row[name] {
				single := row.Clone()
				single[name] = Value{value}
				out.Rows = append(out.Rows, single)
			}
		}
		return out, nil
	}, nil
}
