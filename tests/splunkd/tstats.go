package splunkd

import (
	"slices"
	"time"

	"tordetect/tests/splunkd/spl"
)

// tstats is the one command that reads data models:
//
//	| tstats fillnull_value=null count min(_time) as firstTime from datamodel=Network_Traffic
//	    where All_Traffic.app=tor by All_Traffic.src_ip All_Traffic.dest_port _time span=1h
//
// Its columns are the by fields with their prefix, then the aggregates. A row without a value in a by field is dropped,
// unless fillnull_value gives it one. With summariesonly=true an event counts from Head.SummaryLag after
// its _indextime on, whatever its time; without, from its _indextime on. earliest= and latest= in the where clause: window.go.
func compileTstats(s *search, text string) (spl.Operator, error) {
	tokens, err := spl.Tokenize(text)
	if err != nil {
		return nil, err
	}
	options, tokens, err := spl.KeyValues("tstats", tokens, "summariesonly", "allow_old_summaries", "fillnull_value", "local", "chunk_size", "include_reduced_buckets")
	if err != nil {
		return nil, err
	}
	for _, name := range []string{"summariesonly", "allow_old_summaries", "local", "include_reduced_buckets"} {
		if value, set := options[name]; set {
			if _, ok := confBool(value); !ok {
				return nil, spl.SearchErrorf("Error in 'tstats' command: Invalid boolean '%s' for %s.", value, name)
			}
		}
	}
	aggregates, tokens, err := spl.ParseAggregates("tstats", text, tokens, "from", "where", "by")
	if err != nil {
		return nil, err
	}
	if len(aggregates) == 0 {
		return nil, spl.SearchErrorf("Error in 'tstats' command: a function is missing.")
	}
	if len(tokens) < 4 || !tokens[1].Is("datamodel") || tokens[2].Text != "=" {
		return nil, spl.SearchErrorf("Error in 'tstats' command: 'from datamodel=NAME' is wanted; other sources are not played by this stand-in.")
	}
	from := findModel(tokens[3].Text)
	if from == nil {
		return nil, spl.SearchErrorf("Error in 'tstats' command: The data model '%s' is not played by this stand-in.", tokens[3].Text)
	}
	used := []string{"_time"} // fields: to make whole rows of all events would take most of the time of a test
	check := func(name string) error {
		if !slices.Contains(used, name) {
			used = append(used, name)
		}
		return from.check(name)
	}
	for _, agg := range aggregates {
		if agg.Eval != nil {
			return nil, spl.SearchErrorf("Error in 'tstats' command: eval is not allowed in %s.", agg.As)
		}
		if agg.Field != "" {
			if err := check(agg.Field); err != nil {
				return nil, err
			}
		}
	}
	tokens = tokens[4:]
	keep := spl.Predicate(func(spl.Row) bool { return true })
	var bounds window
	if len(tokens) > 0 && tokens[0].Is("where") {
		if bounds, tokens, err = s.inlineWindow(tokens[1:], "by", "groupby"); err != nil {
			return nil, err
		}
		if len(tokens) > 0 && !tokens[0].Is("by") && !tokens[0].Is("groupby") || !bounds.given {
			if keep, tokens, err = spl.ParsePredicate(tokens, check, "by", "groupby"); err != nil {
				return nil, err
			}
		}
	}
	var by []string
	var span time.Duration
	if len(tokens) > 0 {
		if !tokens[0].Is("by") && !tokens[0].Is("groupby") {
			return nil, spl.SearchErrorf("Error in 'tstats' command: unexpected %q.", tokens[0].Raw)
		}
		if by, span, err = tstatsBy(check, tokens[1:]); err != nil {
			return nil, err
		}
	}
	fill, filled := options["fillnull_value"]
	lag, unseen := time.Duration(0), false
	if only, _ := confBool(options["summariesonly"]); only {
		lag, unseen = s.head.SummaryLag, slices.Contains(s.head.NotAccelerated, from.name)
	}
	return func(*spl.Table) (*spl.Table, error) {
		if slices.Contains(s.head.NoModel, from.name) {
			return nil, spl.SearchErrorf("Error in 'DataModelEvaluator': Data model '%s' was not found.", from.name)
		}
		var rows []spl.Row
		for _, e := range s.events(bounds, lag) {
			if e.model != from.name || unseen {
				continue
			}
			s.cost.Events++
			row, _ := from.cells(e, used)
			if !keep(row) {
				continue
			}
			for _, name := range by {
				if filled && len(row[name]) == 0 {
					row[name] = spl.One(fill)
				}
			}
			if span > 0 {
				row["_time"] = spl.Value{spl.EpochText(e.time.Truncate(span))}
			}
			rows = append(rows, row)
		}
		grouped := spl.Group(s.context, rows, by, aggregates)
		s.cost.Rows += len(grouped.Rows)
		return grouped, nil
	}, nil
}

// tstatsBy reads the fields behind BY; `span=1h` groups _time.
func tstatsBy(check func(string) error, tokens []spl.Token) ([]string, time.Duration, error) {
	var span time.Duration
	var names []spl.Token
	for i := 0; i < len(tokens); i++ {
		if tokens[i].Is("span") && i+2 < len(tokens) && tokens[i+1].Text == "=" {
			var err error
			if span, err = spl.ParseSpan(tokens[i+2].Text); err != nil {
				return nil, 0, err
			}
			i += 2
			continue
		}
		names = append(names, tokens[i])
	}
	by, err := spl.ParseNames("tstats", names)
	if err != nil {
		return nil, 0, err
	}
	hasTime := false
	for _, name := range by {
		hasTime = hasTime || name == "_time"
		if err := check(name); err != nil {
			return nil, 0, err
		}
	}
	if span > 0 && !hasTime {
		return nil, 0, spl.SearchErrorf("Error in 'tstats' command: span goes with _time.")
	}
	return by, span, nil
}
