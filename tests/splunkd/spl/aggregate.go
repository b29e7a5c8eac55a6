package spl

import (
	"sort"
	"strings"
)

// aggregate is one function of stats or tstats: sum(All_Traffic.bytes_in) as bytes_in.
type aggregate struct {
	Function string
	Field    string // empty for count of rows
	Eval     expr   // instead of a field: dc(eval(if(role="or",fingerprint,null())))
	As       string
}

// of returns the values of a row that the function takes in. Of an expression these are the values of its result; a
// truth value counts once if true.
func (a aggregate) of(c *Context, row Row) []string {
	switch {
	case a.Eval != nil:
		value := a.Eval(c, row)
		if value.Kind == boolean && !value.truth {
			return nil
		}
		return value.texts()
	case a.Field != "":
		return row[a.Field]
	}
	return []string{""}
}

// listLimit is how many values list() keeps (limits.conf [stats] list_maxsize).
const listLimit = 100

// aggregateFunctions turn all values of a group, in row order, into the result.
var aggregateFunctions = map[string]func(values []string) Value{
	"count": func(values []string) Value { return Value{FormatNumber(float64(len(values)))} },
	"dc":    func(values []string) Value { return Value{FormatNumber(float64(len(distinct(values))))} },
	"sum": func(values []string) Value {
		total, n := Sum(values)
		if n == 0 {
			return nil
		}
		return Value{FormatNumber(total)}
	},
	"avg": func(values []string) Value {
		total, n := Sum(values)
		if n == 0 {
			return nil
		}
		return Value{FormatNumber(total / float64(n))}
	},
	"min": func(values []string) Value { return extreme(values, -1) },
	"max": func(values []string) Value { return extreme(values, 1) },
	"first": func(values []string) Value {
		if len(values) == 0 {
			return nil
		}
		return Value{values[0]}
	},
	"last": func(values []string) Value {
		if len(values) == 0 {
			return nil
		}
		return Value{values[len(values)-1]}
	},
	"values": func(values []string) Value {
		kept := distinct(values)
		sort.Strings(kept)
		return kept
	},
	"list": func(values []string) Value {
		if len(values) > listLimit {
			values = values[:listLimit]
		}
		return append(Value(nil), values...)
	},
}

var aggregateAliases = map[string]string{"c": "count", "distinct_count": "dc", "mean": "avg"}

func distinct(values []string) []string {
	seen := map[string]bool{}
	var kept []string
	for _, v := range values {
		if !seen[v] {
			seen[v] = true
			kept = append(kept, v)
		}
	}
	return kept
}

// sum adds the values that are numbers; the others do not count.
func Sum(values []string) (total float64, n int) {
	for _, v := range values {
		if f, ok := Number(v); ok {
			total += f
			n++
		}
	}
	return total, n
}

// extreme compares as numbers where all values are numbers, else as texts.
func extreme(values []string, sign int) Value {
	if len(values) == 0 {
		return nil
	}
	compare := CompareTexts
	if _, n := Sum(values); n < len(values) {
		compare = strings.Compare
	}
	best := values[0]
	for _, v := range values[1:] {
		if compare(v, best)*sign > 0 {
			best = v
		}
	}
	return Value{best}
}

// ParseAggregates reads `count min(_time) as firstTime, dc(x)` up to the end or a stop word.
// text is what the tokens were cut from.
func ParseAggregates(command, text string, tokens []Token, stop ...string) ([]aggregate, []Token, error) {
	var found []aggregate
	for len(tokens) > 0 {
		head := tokens[0]
		if head.Kind == tokenComma && len(found) > 0 {
			tokens = tokens[1:]
			continue
		}
		for _, word := range stop {
			if head.Is(word) {
				return found, tokens, nil
			}
		}
		name := strings.ToLower(head.Text)
		if alias, ok := aggregateAliases[name]; ok {
			name = alias
		}
		if head.Kind != tokenWord || aggregateFunctions[name] == nil {
			return nil, nil, SearchErrorf("Error in '%s' command: The argument '%s' is invalid, or its function is not played by this stand-in.", command, head.Raw)
		}
		agg := aggregate{Function: name, As: head.Text}
		tokens = tokens[1:]
		if len(tokens) >= 3 && tokens[0].Kind == TokenOpen && tokens[1].Is("eval") && tokens[2].Kind == TokenOpen {
			p := &exprParser{command: command, text: text, pos: tokens[2].End}
			var err error
			if agg.Eval, err = p.or(); err != nil {
				return nil, nil, err
			}
			for range "))" {
				if !p.take(")") {
					return nil, nil, p.fail("A closing parenthesis is missing")
				}
			}
			agg.As = head.Text + strings.TrimSpace(text[tokens[0].End-1:p.pos])
			for len(tokens) > 0 && tokens[0].End <= p.pos {
				tokens = tokens[1:]
			}
		} else if len(tokens) >= 3 && tokens[0].Kind == TokenOpen && tokens[1].Word() && tokens[2].Kind == TokenClose {
			agg.Field = tokens[1].Text
			agg.As = head.Text + "(" + agg.Field + ")"
			tokens = tokens[3:]
		} else if len(tokens) > 0 && tokens[0].Kind == TokenOpen {
			return nil, nil, SearchErrorf("Error in '%s' command: %s() takes one field name here.", command, head.Text)
		}
		if agg.Field == "" && agg.Eval == nil && name != "count" {
			return nil, nil, SearchErrorf("Error in '%s' command: %s needs a field in parentheses.", command, head.Text)
		}
		if len(tokens) >= 2 && tokens[0].Is("as") && tokens[1].Word() {
			agg.As = tokens[1].Text
			tokens = tokens[2:]
		}
		for _, other := range found {
			if other.As == agg.As {
				return nil, nil, SearchErrorf("Error in '%s' command: The output field '%s' is named twice.", command, agg.As)
			}
		}
		found = append(found, agg)
	}
	return found, nil, nil
}

// ParseNames reads field names with commas or blanks between them.
func ParseNames(command string, tokens []Token) ([]string, error) {
	var names []string
	for _, t := range tokens {
		switch {
		case t.Kind == tokenComma:
		case t.Word():
			names = append(names, t.Text)
		default:
			return nil, SearchErrorf("Error in '%s' command: unexpected %q between field names.", command, t.Raw)
		}
	}
	if len(names) == 0 {
		return nil, SearchErrorf("Error in '%s' command: a field name is missing.", command)
	}
	return names, nil
}

// Group collects rows by the values of some fields and aggregates each group. Rows without a value in one of the fields
// are left out; a list counts once for each of its values. Groups come sorted by their fields.
func Group(c *Context, rows []Row, by []string, aggregates []aggregate) *Table {
	type bucket struct {
		keys   []string
		values [][]string
	}
	buckets := map[string]*bucket{}
	var order []*bucket
	for _, row := range rows {
		for _, keys := range combinations(row, by) {
			id := strings.Join(keys, "\x00")
			b := buckets[id]
			if b == nil {
				b = &bucket{keys: keys, values: make([][]string, len(aggregates))}
				buckets[id] = b
				order = append(order, b)
			}
			for i, agg := range aggregates {
				b.values[i] = append(b.values[i], agg.of(c, row)...)
			}
		}
	}
	if len(by) == 0 && len(order) == 0 {
		order = append(order, &bucket{values: make([][]string, len(aggregates))})
	}
	sort.SliceStable(order, func(i, j int) bool {
		for k := range by {
			if c := CompareTexts(order[i].keys[k], order[j].keys[k]); c != 0 {
				return c < 0
			}
		}
		return false
	})
	table := &Table{}
	table.Add(by...)
	for _, agg := range aggregates {
		table.Add(agg.As)
	}
	for _, b := range order {
		row := Row{}
		for k, name := range by {
			row[name] = Value{b.keys[k]}
		}
		for i, agg := range aggregates {
			row[agg.As] = aggregateFunctions[agg.Function](b.values[i])
		}
		table.Rows = append(table.Rows, row)
	}
	return table
}

// combinations lists the groups that a row belongs to: none where a field has no value, several for lists.
func combinations(row Row, by []string) [][]string {
	all := [][]string{nil}
	for _, field := range by {
		var longer [][]string
		for _, keys := range all {
			for _, v := range distinct(row[field]) {
				longer = append(longer, append(keys[:len(keys):len(keys)], v))
			}
		}
		all = longer
	}
	return all
}
