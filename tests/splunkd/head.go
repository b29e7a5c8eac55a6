package splunkd

import (
	"fmt"
	"io"
	"maps"
	"time"

	"tordetect/tests/splunkd/spl"
	"tordetect/tests/splunkd/wire"
)

// Head is a search head with one installed app, some indexed firewall logs and other events.
//
// App and Now are needed; every other field may be zero. A Head runs one search at a time.
type Head struct {
	App *App
	Now time.Time

	// Earliest and Latest are the window of Run, earliest <= _time < latest; zero is no bound.
	Earliest, Latest time.Time

	Zone *time.Location // the searching user's time zone; nil is UTC
	Host string         // host of the indexed events; empty is "firewall"

	// ChunkRows is how many rows a request has. 0 cuts as recorded, else there are many chunks, an empty one among them
	// and an empty last one.
	ChunkRows   int
	VaryColumns bool // each chunk has only the columns that have a value in it
	Preview     bool // a preview run

	// Indexers is how many search peers the events lie on; 0 is a single machine.
	Indexers int

	// Late is how long some of the indexers, counted from 0, take to answer; Down is one that the search head knows to be
	// gone. Behind are those that the search bundle does not reach: they keep the one they have.
	Late   map[int]time.Duration
	Behind map[int]bool

	// SummaryLag makes time pass for events: one is there from its _indextime on, and in the summaries of its data model so
	// much later. 0: all events are there at any time, and every one is summarised.
	SummaryLag time.Duration

	// DefaultIndexes are those that an event search without index looks at (authorize.conf, srchIndexesDefault); nil: main.
	// Forbidden are those that the searching user may not search: nothing says that they exist.
	DefaultIndexes, Forbidden []string

	// What a site may lack: data models that no app has, or that are not accelerated; REST, which the user may not ask.
	NoModel, NotAccelerated []string
	NoREST                  bool

	// Enabled are the saved searches that are enabled; nil: as savedsearches.conf has it. Owners has those whose owner is no
	// user any more, so that the scheduler leaves them out.
	Enabled map[string]bool
	Owners  map[string]string

	ProbeOnce bool // a command with the same arguments is probed in the first search only, which saves three processes

	Timeout time.Duration // for one reply and for an exit; 0 is 60 s
	Hold    time.Duration // keep the last byte of each request back so long: nothing may be replied before
	Env     []string      // more environment for commands

	log      []event
	internal []event // of the index _internal, by time
	jobs     []job
	inOrder  bool // log is, newest first
	probed   map[string]wire.Declaration
	searches int
	bundles  int
	peers    []*App
}

// defaultTimeout is long, because test machines are busy; a hung command still ends the test.
const defaultTimeout = 60 * time.Second

func (h *Head) timeout() time.Duration {
	if h.Timeout > 0 {
		return h.Timeout
	}
	return defaultTimeout
}

// AddLog indexes Palo Alto log lines and returns how many there were.
func (h *Head) AddLog(r io.Reader) (int, error) {
	host := h.Host
	if host == "" {
		host = "firewall"
	}
	events, err := readLog(r, host)
	for i := range events {
		events[i].number = len(h.log) + i
	}
	h.log, h.inOrder = append(h.log, events...), false
	return len(events), err
}

// Event is an indexed event of any source, with the fields that its add-on would extract.
type Event struct {
	Time   time.Time
	Index  time.Time           // when it was indexed; zero: a second after Time
	Raw    string              // may be empty
	Model  string              // the data model that its tags put it in, such as Authentication; empty for none
	Fields map[string]string   // sourcetype among them
	Lists  map[string][]string // fields with several values; data models do not have them
}

// AddEvents indexes events.
func (h *Head) AddEvents(events ...Event) {
	h.inOrder = false
	for _, e := range events {
		fields := map[string]string{"index": "main", "host": "sensor", "source": "sensor"}
		maps.Copy(fields, e.Fields)
		h.log = append(h.log, event{number: len(h.log), raw: e.Raw, time: e.Time, added: e.Index, model: e.Model, fields: fields, lists: e.Lists})
	}
}

// Span returns the times of the first and the last event; ok is false without events.
func (h *Head) Span() (first, last time.Time, ok bool) {
	for _, e := range h.log {
		if !ok || e.time.Before(first) {
			first = e.time
		}
		if !ok || e.time.After(last) {
			last = e.time
		}
		ok = true
	}
	return first, last, ok
}

// Run runs a search over Earliest to Latest. A search that fails as in Splunk gives a *SearchError, a command that breaks
// the protocol a *wire.ProtocolError; the messages so far are in the result, which is never nil.
func (h *Head) Run(search string) (*Result, error) { return h.run(search, h.Earliest, h.Latest) }

// RunOver runs a search over bounds as a dashboard writes them: `-24h@h`, `now`, epoch seconds; empty is no bound.
func (h *Head) RunOver(text, earliest, latest string) (*Result, error) {
	var bounds [2]time.Time
	for i, modifier := range []string{earliest, latest} {
		if modifier == "" || i == 0 && modifier == "0" {
			continue
		}
		var err error
		if bounds[i], err = spl.RelativeTime(modifier, h.Now.In(h.zone())); err != nil {
			return &Result{}, err
		}
	}
	return h.run(text, bounds[0], bounds[1])
}

// PostProcess runs a search without a leading pipe over the result of another one, as the panels of a dashboard do.
func (h *Head) PostProcess(base *Result, search string) (*Result, error) {
	s := h.search(base.earliest, base.latest)
	table, err := s.refine(search, &base.Table)
	return s.result(table, err)
}

// Holds evaluates an expression of eval as the condition of a dashboard's event handler.
func (h *Head) Holds(expression string, fields spl.Row) (bool, error) {
	condition, err := spl.ParseWhere(expression)
	if err != nil {
		return false, err
	}
	return condition(&spl.Context{Now: h.Now, Zone: h.zone()}, fields).IsTrue(), nil
}

// RunSaved runs a saved search of the app over its own dispatch times, counted from Now. Whether it is disabled does not
// matter: an analyst may run its text.
func (h *Head) RunSaved(name string) (*Result, error) {
	text, err := h.SavedSearch(name)
	if err != nil {
		return &Result{}, err
	}
	saved, err := h.App.Conf("savedsearches")
	if err != nil {
		return &Result{}, err
	}
	var bounds [2]time.Time
	for i, key := range []string{"dispatch.earliest_time", "dispatch.latest_time"} {
		value, set := saved.Get(name, key)
		if !set || value == "" || i == 0 && value == "0" {
			continue
		}
		if bounds[i], err = spl.RelativeTime(value, h.Now.In(h.zone())); err != nil {
			return &Result{}, err
		}
	}
	return h.run(text, bounds[0], bounds[1])
}

// RunSavedOver runs a saved search over Earliest to Latest instead of its own times.
func (h *Head) RunSavedOver(name string) (*Result, error) {
	text, err := h.SavedSearch(name)
	if err != nil {
		return &Result{}, err
	}
	return h.Run(text)
}

// SavedSearch returns the text of a saved search.
func (h *Head) SavedSearch(name string) (string, error) {
	saved, err := h.App.Conf("savedsearches")
	if err != nil {
		return "", err
	}
	text, ok := saved.Get(name, "search")
	if !saved.Has(name) || !ok {
		return "", fmt.Errorf("savedsearches.conf has no search %q", name)
	}
	return text, nil
}

// SavedSearches returns the names of all saved searches, in the order of the file.
func (h *Head) SavedSearches() ([]string, error) {
	saved, err := h.App.Conf("savedsearches")
	if err != nil {
		return nil, err
	}
	return saved.Stanzas(), nil
}

func (h *Head) zone() *time.Location {
	if h.Zone != nil {
		return h.Zone
	}
	return time.UTC
}

func (h *Head) run(text string, earliest, latest time.Time) (*Result, error) {
	s := h.search(earliest, latest)
	table, err := s.execute(text)
	return s.result(table, err)
}

func (h *Head) search(earliest, latest time.Time) *search {
	h.searches++
	s := &search{head: h, sid: fmt.Sprintf("%d.%d", h.Now.Unix(), h.searches), earliest: earliest, latest: latest}
	s.context = &spl.Context{Now: h.Now, Zone: h.zone(), Earliest: earliest, Latest: latest, Held: s.cost.hold}
	return s
}
