package splunkd

import (
	"slices"
	"sort"
	"strings"
	"time"

	"tordetect/tests/splunkd/spl"
	"tordetect/tests/splunkd/wire"
)

// search is one running search.
type search struct {
	head             *Head
	context          *spl.Context
	sid              string
	earliest, latest time.Time // zero: no bound
	messages         []wire.Message
	processes        int
	cost             Cost
	silent           string // what is said of an indexer without whose events it goes on
}

// step is one compiled command of the pipeline.
type step struct {
	name      string
	streaming bool // may run on the indexers
	run       func(at place, in *spl.Table) (*spl.Table, error)
	custom    *custom
}

// events are the events of a window that are there at the time of the search, newest first. lag is how much later than
// at its _indextime one shows.
func (s *search) events(w window, lag time.Duration) []event {
	earliest, latest := w.over(s)
	h := s.head
	if !h.inOrder {
		sort.SliceStable(h.log, func(i, j int) bool { return h.log[i].time.After(h.log[j].time) })
		h.inOrder = true
	}
	from, to := 0, len(h.log)
	if !latest.IsZero() {
		from = sort.Search(len(h.log), func(i int) bool { return h.log[i].time.Before(latest) })
	}
	if !earliest.IsZero() {
		to = max(from, sort.Search(len(h.log), func(i int) bool { return h.log[i].time.Before(earliest) }))
	}
	var list []event
	answers := s.answers()
	for _, e := range h.log[from:to] {
		if answers(e) && (h.SummaryLag == 0 || !e.indexed().Add(lag).After(s.context.Now)) && !slices.Contains(h.Forbidden, e.fields["index"]) {
			list = append(list, e)
		}
	}
	if latest.After(s.context.Now) {
		latest = s.context.Now // behind it is nothing to read
	}
	if !earliest.IsZero() && !latest.IsZero() && earliest.Before(latest) {
		s.cost.Read += latest.Sub(earliest)
	}
	return list
}

// eventSearch is `search` at the beginning of a search.
type eventSearch struct {
	keep      spl.Predicate
	internals bool // an internal index is named
	first     int  // head follows: the search ends with so many events; 0: with all
	window
}

// events are those that the search looks at, newest first. What it reads of Splunk's own indexes costs nothing here, and
// hours that head cut short neither.
func (q *eventSearch) events(s *search) []event {
	before := s.cost.Read
	events := s.events(q.window, 0)
	if q.internals {
		events = append(s.internals(q.window), events...)
		slices.SortStableFunc(events, func(a, b event) int { return b.time.Compare(a.time) })
	}
	if q.internals || q.first > 0 {
		s.cost.Read = before
	}
	if q.first == 0 {
		return events
	}
	var kept []event
	for _, e := range events {
		row := e.row()
		row["splunk_server"] = spl.Value{searchHead}
		if q.keep(row) {
			if kept = append(kept, e); len(kept) == q.first {
				break
			}
		}
	}
	return kept
}

// table is what the event search gives on the search head.
func (q *eventSearch) table(s *search) *spl.Table {
	table := eventTable(q.events(s), q.keep, searchHead)
	s.cost.Events, s.cost.Rows = s.cost.Events+len(table.Rows), s.cost.Rows+len(table.Rows)
	return table
}

// note keeps messages; the same text is taken once per search, whatever process it comes from.
func (s *search) note(messages []wire.Message) {
	for _, m := range messages {
		if !slices.ContainsFunc(s.messages, func(known wire.Message) bool { return known.Text == m.Text }) {
			s.messages = append(s.messages, m)
		}
	}
}

// boundText is a time bound as getinfo has it: epoch seconds as text, "0" for none.
func boundText(t time.Time) string {
	if t.IsZero() {
		return "0"
	}
	return spl.EpochText(t)
}

// execute compiles all commands, so that every mistake of the search shows before a row flows, and then runs them.
func (s *search) execute(text string) (*spl.Table, error) {
	macros, err := s.head.App.Conf("macros")
	if err != nil {
		return nil, err
	}
	expanded, err := expandMacros(macros, s.context, text)
	if err != nil {
		return nil, err
	}
	if expanded, err = s.subsearches(expanded); err != nil {
		return nil, err
	}
	events, steps, err := s.plan(expanded)
	if err != nil {
		return nil, err
	}
	local := place{app: s.head.App, sid: s.sid}
	var table *spl.Table
	if events != nil {
		spread := 0
		for spread < len(steps) && steps[spread].streaming {
			spread++
		}
		if s.head.Indexers > 0 {
			table, err = s.onPeers(events, steps[:spread])
		} else {
			table, err = runSteps(local, events.table(s), steps[:spread])
		}
		steps = steps[spread:]
		if err != nil {
			return nil, err
		}
	}
	return runSteps(local, table, steps)
}

// refine runs the commands of a search over rows that are there already.
func (s *search) refine(text string, rows *spl.Table) (*spl.Table, error) {
	macros, err := s.head.App.Conf("macros")
	if err != nil {
		return nil, err
	}
	expanded, err := expandMacros(macros, s.context, text)
	if err != nil {
		return nil, err
	}
	steps, err := s.following(expanded)
	if err != nil {
		return nil, err
	}
	return runSteps(place{app: s.head.App, sid: s.sid}, rows, steps)
}

// following compiles commands that others stand before, so that the first is not the first of the search.
func (s *search) following(text string) ([]step, error) {
	stages, err := spl.ParsePipeline("| " + text)
	if err != nil {
		return nil, err
	}
	return s.compile(append([]spl.Stage{{Name: "search"}}, stages...), true)
}

// result is what the user of the search gets.
func (s *search) result(table *spl.Table, err error) (*Result, error) {
	result := &Result{Messages: s.messages, Processes: s.processes, Cost: s.cost, earliest: s.earliest, latest: s.latest, silent: s.silent}
	if err == nil {
		result.Table = *table
	}
	return result, err
}

func runSteps(at place, table *spl.Table, steps []step) (*spl.Table, error) {
	var err error
	for _, st := range steps {
		if table, err = st.run(at, table); err != nil {
			return nil, err
		}
	}
	return table, nil
}

// plan compiles a search without macros: the event search at its beginning, nil where it is none, and the steps.
func (s *search) plan(text string) (events *eventSearch, steps []step, err error) {
	stages, err := spl.ParsePipeline(text)
	if err != nil {
		return nil, nil, err
	}
	if stages[0].Name == "search" {
		if events, err = s.compileEvents(stages[0].Text); err != nil {
			return nil, nil, err
		}
	}
	if events != nil && len(stages) > 1 && stages[1].Name == "head" {
		if events.first, err = spl.HeadLimit(stages[1].Text); err != nil {
			return nil, nil, err
		}
	}
	steps, err = s.compile(stages, events != nil)
	return events, steps, err
}

// compile turns stages into steps; of an event search the first stage is compiled already.
func (s *search) compile(stages []spl.Stage, eventSearch bool) ([]step, error) {
	commands, err := s.head.App.Conf("commands")
	if err != nil {
		return nil, err
	}
	whole := "| " + spl.Render(stages)
	if eventSearch {
		whole = spl.Render(stages)
	}
	spread := eventSearch // true as long as all commands so far run on the indexers
	var steps []step
	for i, st := range stages {
		if eventSearch && i == 0 {
			continue
		}
		if known, ok := builtins()[st.Name]; ok {
			if known.generating != (i == 0) {
				return nil, wrongPlace(st.Name, known.generating)
			}
			operate, err := known.compile(s, st.Text)
			if err != nil {
				return nil, err
			}
			steps = append(steps, step{name: st.Name, streaming: known.streaming, run: func(_ place, in *spl.Table) (*spl.Table, error) { return operate(in) }})
			if n := len(steps); st.Name == "head" && n > 1 && steps[n-2].custom != nil && steps[n-2].custom.decl.Type == "streaming" {
				if steps[n-2].custom.stopAfter, err = spl.HeadLimit(st.Text); err != nil {
					return nil, err
				}
			}
			spread = spread && known.streaming
			continue
		}
		if !commands.Has(st.Name) {
			return nil, spl.SearchErrorf("Unknown search command '%s'.", st.Name)
		}
		text := whole
		if spread {
			text = "litsearch " + strings.TrimPrefix(spl.Render(stages[:i+1]), "search ")
		}
		c, err := newCustom(s, st, text)
		if err != nil {
			return nil, err
		}
		if c.decl.Generating != (i == 0) {
			return nil, wrongPlace(st.Name, c.decl.Generating)
		}
		if spread && c.decl.Type != "streaming" {
			c.search = whole
		}
		c.fromEvents = spread
		spread = spread && c.decl.Type == "streaming"
		steps = append(steps, step{name: st.Name, streaming: c.decl.Type == "streaming" && !c.decl.Generating, run: c.run, custom: c})
	}
	return steps, nil
}

func wrongPlace(name string, generating bool) error {
	if generating {
		return spl.SearchErrorf("Error in '%s' command: This command must be the first command of a search.", name)
	}
	return spl.SearchErrorf("Error in '%s' command: This command cannot be the first command of a search.", name)
}

// compileEvents reads an event search.
func (s *search) compileEvents(text string) (*eventSearch, error) {
	tokens, err := spl.Tokenize(text)
	if err != nil {
		return nil, err
	}
	bounds, tokens, err := s.inlineWindow(tokens)
	if err != nil {
		return nil, err
	}
	out := &eventSearch{keep: func(spl.Row) bool { return true }, window: bounds}
	if len(tokens) > 0 {
		if out.keep, _, err = spl.ParsePredicate(tokens, refuseTimes); err != nil {
			return nil, err
		}
	}
	in, internals := s.indexes(tokens)
	keep := out.keep
	out.keep = func(r spl.Row) bool { return in(r.Get("index")) && keep(r) }
	out.internals = internals
	return out, nil
}

// indexes is what an event search may look at besides what its terms say: without any index it is the user's default
// ones, and a pattern without underscore matches no internal index (authorize.conf.spec, srchIndexesDefault). That one
// index anywhere in the search is enough is only supposed.
func (s *search) indexes(tokens []spl.Token) (look func(index string) bool, internals bool) {
	named := false
	for i, t := range tokens {
		if t.Is("index") && i+1 < len(tokens) && (tokens[i+1].Kind == spl.TokenOp || tokens[i+1].Is("IN")) {
			named = true
		}
		internals = internals || strings.HasPrefix(t.Text, "_")
	}
	switch {
	case !named:
		defaults := s.head.DefaultIndexes
		if defaults == nil {
			defaults = []string{"main"}
		}
		return func(index string) bool { return slices.Contains(defaults, index) }, false
	case !internals:
		return func(index string) bool { return !spl.Internal(index) }, false
	}
	return func(string) bool { return true }, true
}

// eventTable makes rows of the events that lie on a server.
func eventTable(events []event, keep spl.Predicate, server string) *spl.Table {
	table := &spl.Table{Columns: slices.Clone(eventColumns)}
	extracted := map[string]bool{}
	for _, e := range events {
		row := e.row()
		row["splunk_server"] = spl.Value{server}
		if !keep(row) {
			continue
		}
		for name := range row {
			extracted[name] = true
		}
		table.Rows = append(table.Rows, row)
	}
	var names []string
	for name := range extracted {
		names = append(names, name)
	}
	sort.Strings(names)
	table.Add(names...)
	return table
}

// onPeers runs the streaming part of an event search on every indexer, each on its slice of the events, and merges the
// results by time.
func (s *search) onPeers(q *eventSearch, steps []step) (*spl.Table, error) {
	peers, err := s.head.pushBundle()
	if err != nil {
		return nil, err
	}
	parts := make([][]event, len(peers))
	all := *q
	all.first = 0 // each peer has its own newest
	for _, e := range all.events(s) {
		i := e.number % len(peers)
		parts[i] = append(parts[i], e)
	}
	merged := &spl.Table{}
	for i, app := range peers {
		if s.head.silence(i) != "" {
			continue
		}
		at := place{app: app, remote: true, sid: "remote_" + searchHead + "_" + s.sid}
		table, err := runSteps(at, eventTable(parts[i], q.keep, peerName(i)), steps)
		if err != nil {
			if failed, ok := err.(*spl.SearchError); ok {
				return nil, spl.SearchErrorf("[%s] Streamed search execute failed because: %s", peerName(i), failed.Text)
			}
			return nil, err
		}
		merged.Add(table.Columns...)
		merged.Rows = append(merged.Rows, table.Rows...)
	}
	sort.SliceStable(merged.Rows, func(i, j int) bool {
		return spl.CompareTexts(merged.Rows[i].Get("_time"), merged.Rows[j].Get("_time")) > 0
	})
	return merged, nil
}
