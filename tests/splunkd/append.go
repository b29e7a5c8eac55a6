package splunkd

import (
	"slices"
	"strings"

	"tordetect/tests/splunkd/spl"
	"tordetect/tests/splunkd/wire"
)

// compileAppend compiles append [...]: the rows of a search of its own behind those that are there. Splunk runs it
// first and cuts it at 50,000 rows and 60 seconds, which is not played; nor are indexers for its events.
//
// A mistake in its text fails the whole search, as all mistakes do while a search is read. That an error of its run leaves
// out its rows, with a warning that begins with [subsearch], is only supposed; the references say so of rest and of
// inputlookup, unless they are told to be strict.
func compileAppend(s *search, text string) (spl.Operator, error) {
	for {
		option, rest, _ := strings.Cut(text, " ")
		name, _, given := strings.Cut(option, "=")
		if !given || !slices.Contains([]string{"extendtimerange", "maxtime", "maxout", "timeout"}, name) {
			break
		}
		text = strings.TrimSpace(rest)
	}
	inner, ok := strings.CutPrefix(text, "[")
	if !ok || !strings.HasSuffix(inner, "]") {
		return nil, spl.SearchErrorf("Error in 'append' command: the search to append is missing.")
	}
	search, steps, err := s.plan(strings.TrimSuffix(inner, "]"))
	if err != nil {
		return nil, err
	}
	return func(in *spl.Table) (*spl.Table, error) {
		var events *spl.Table
		if search != nil {
			events = search.table(s)
		}
		more, err := runSteps(place{app: s.head.App, sid: s.sid}, events, steps)
		if failed, ok := err.(*spl.SearchError); ok {
			s.note([]wire.Message{{Level: "ERROR", Text: "[subsearch]: " + failed.Text}})
			return in, nil
		}
		if err != nil {
			return nil, err
		}
		out := &spl.Table{Columns: slices.Clone(in.Columns), Rows: append(slices.Clone(in.Rows), more.Rows...)}
		out.Add(more.Columns...)
		return out, nil
	}, nil
}

// compileAppendpipe compiles appendpipe [...]: the rows that are there, and behind them what the commands in brackets make
// of them.
func compileAppendpipe(s *search, text string) (spl.Operator, error) {
	inner, ok := strings.CutPrefix(text, "[")
	if !ok || !strings.HasSuffix(inner, "]") {
		return nil, spl.SearchErrorf("Error in 'appendpipe' command: the commands in brackets are missing.")
	}
	steps, err := s.following(strings.TrimSuffix(inner, "]"))
	if err != nil {
		return nil, err
	}
	return func(in *spl.Table) (*spl.Table, error) {
		more, err := runSteps(place{app: s.head.App, sid: s.sid}, in, steps)
		if err != nil {
			return nil, err
		}
		out := &spl.Table{Columns: slices.Clone(in.Columns), Rows: append(slices.Clone(in.Rows), more.Rows...)}
		out.Add(more.Columns...)
		return out, nil
	}, nil
}
