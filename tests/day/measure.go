package day

import (
	"math"
	"slices"
	"sort"
	"time"

	"tordetect/tests/splunkd"
)

// Summary is what a day came to; its form is that of the last line of the output.
type Summary struct {
	Seed     *uint64 `json:"seed,omitempty"` // of a generated day
	Events   int     `json:"events"`
	Days     float64 `json:"days"`   // that were played
	Digest   string  `json:"digest"` // the reading of suppression by fields in digest mode
	ToFind   int     `json:"to_find"`
	Found    int     `json:"found"`
	False    int     `json:"false"`
	Twice    int     `json:"told_twice"`
	Searches []Line  `json:"searches"`
	Cases    []Case  `json:"cases"`
	Blind    []Blind `json:"blind"`
}

// Blind is what was told of a search that does not see.
type Blind struct {
	Problem string    `json:"problem"`
	Search  string    `json:"search"`
	Told    int       `json:"told"`
	First   time.Time `json:"first"`
	Last    time.Time `json:"last"`
}

// Line is what a search came to.
type Line struct {
	Search string `json:"search"`
	ToFind int    `json:"to_find"` // hosts or users
	Found  int    `json:"found"`
	False  int    `json:"false"` // hosts or users that it told of and should not have
	Twice  int    `json:"told_twice"`
	// Minutes from the first event that was indexed to the first telling: of all, of those whose event came within ten
	// minutes, of those whose event came later.
	Minutes *Spread `json:"minutes"`
	Prompt  *Spread `json:"minutes_prompt"`
	Late    *Spread `json:"minutes_late"`

	Told       int     `json:"told"` // results
	Suppressed int     `json:"suppressed"`
	Cut        int     `json:"cut"` // by max_per_result_alerts and its time
	Runs       int     `json:"runs"`
	Failed     int     `json:"failed"`
	Why        string  `json:"failed_why,omitempty"`
	Skipped    int     `json:"skipped"`
	Lost       int     `json:"lost"`
	Actions    float64 `json:"actions_seconds"`

	// What all runs of the day itself had to do: events of the data models that they read, rows that the search head got,
	// rows that the largest sort, stats or eventstats of each run took in.
	Events int `json:"events_read"`
	Rows   int `json:"rows_to_the_search_head"`
	Sorted int `json:"rows_sorted"`

	HoursADay float64 `json:"hours_read_a_day"`
	Widest    float64 `json:"hours_widest_run"`
	Costs     []Cost  `json:"costs"`
}

// Spread is median, 95% and most.
type Spread struct {
	Median float64 `json:"median"`
	P95    float64 `json:"p95"`
	Most   float64 `json:"most"`
}

// Cost is what the widest run of a search takes at a site of so many connections an hour.
type Cost struct {
	Connections int `json:"connections_an_hour"`
	Read        int `json:"events_read"`
	Rows        int `json:"rows_to_the_search_head"`
	Sorted      int `json:"rows_sorted"`
}

// Case is what became of a kind of host.
type Case struct {
	Case   string `json:"case"`
	Search string `json:"search"`
	ToFind int    `json:"to_find"`
	Found  int    `json:"found"`
	Twice  int    `json:"told_twice"`
}

// sites are those that costs are extrapolated to: a billion connections a day is 42 million an hour.
var sites = []int{1_000_000, 10_000_000, 42_000_000}

// promptly is the lateness up to which an event is prompt.
const promptly = 10 * time.Minute

// naming is in which fields a search says who it tells of, the first of them that a result has. tor_host is who, wherever
// a search has it.
var naming = map[string][]string{
	labelled: {"tor_host", "src_ip", "src"},
	client:   {"tor_host", "src", "src_ip"},
	visitors: {"tor_host", "dest", "dest_ip"},
	logins:   {"user"},
	names:    {"tor_host", "src"},
	snow:     {"tor_host", "src"},
	own:      {"tor_host", "ip"},
}

// who is of whom a result tells.
func who(search string, row splunkd.Row) []string {
	fields, known := naming[search]
	if !known {
		fields = []string{"tor_host", "src", "user", "dest"}
	}
	for _, field := range fields {
		if len(row[field]) > 0 {
			return row[field]
		}
	}
	return []string{""}
}

// Measure holds what was told against the truth.
func Measure(d *Day, tellings []Telling, all []Played, days float64) *Summary {
	s := &Summary{Events: len(d.Events), Days: days}
	judged := slices.ContainsFunc(d.Events, func(e Event) bool { return e.Truth != nil })
	for _, p := range all {
		l := Line{
			Search: p.Search, Suppressed: p.Suppressed, Cut: p.Cut, Runs: p.Runs, Failed: p.Failed, Why: p.Why, Skipped: p.Skipped, Lost: p.Lost,
			Actions: p.Actions.Seconds(), Events: p.All.Events, Rows: p.All.Rows, Sorted: p.All.Held, HoursADay: round(p.All.Read.Hours() / days), Widest: round(p.Widest.Read.Hours()), Costs: p.costs(),
		}
		find, known := hostsOf(d.Events, p.Search)
		l.ToFind = len(find)
		cases := map[string]*Case{}
		var order []string
		for _, w := range find {
			if cases[w.kind] == nil {
				cases[w.kind] = &Case{Case: w.kind, Search: p.Search}
				order = append(order, w.kind)
			}
			cases[w.kind].ToFind++
		}
		told := map[string]time.Time{} // last
		wrong := map[string]bool{}
		var minutes, prompt, late []float64
		for _, t := range tellings {
			if t.Search != p.Search {
				continue
			}
			if l.Told++; p.Search == blind {
				s.blind(t)
				continue
			}
			for _, name := range who(p.Search, t.Row) {
				host, ok := known[name]
				if !ok {
					host = name
					wrong[name] = judged
				}
				before, again := told[host]
				told[host] = t.At
				w := find[host]
				if again {
					if t.At.Sub(before) < memory {
						l.Twice++
						if w != nil {
							cases[w.kind].Twice++
						}
					}
					continue
				}
				if w == nil {
					continue
				}
				l.Found++
				cases[w.kind].Found++
				took := t.At.Sub(w.index).Minutes()
				if minutes = append(minutes, took); w.late <= promptly {
					prompt = append(prompt, took)
				} else {
					late = append(late, took)
				}
			}
		}
		for _, is := range wrong {
			if is {
				l.False++
			}
		}
		l.Minutes, l.Prompt, l.Late = spread(minutes), spread(prompt), spread(late)
		s.ToFind, s.Found, s.False, s.Twice = s.ToFind+l.ToFind, s.Found+l.Found, s.False+l.False, s.Twice+l.Twice
		s.Searches = append(s.Searches, l)
		sort.Strings(order)
		for _, name := range order {
			s.Cases = append(s.Cases, *cases[name])
		}
	}
	return s
}

// blind counts a telling of a search that does not see.
func (s *Summary) blind(t Telling) {
	problem, of := t.Row.Get("problem"), t.Row.Get("search")
	for i := range s.Blind {
		if b := &s.Blind[i]; b.Problem == problem && b.Search == of {
			b.Told, b.Last = b.Told+1, t.At
			return
		}
	}
	s.Blind = append(s.Blind, Blind{problem, of, 1, t.At, t.At})
}

// costs are extrapolated in a straight line from an hour of ordinary events, beside which the Tor of the day stays what it
// is. Groups of the same ends become more frequent the more connections there are, so that the true rows are fewer.
func (p *Played) costs() []Cost {
	if p.OrdinaryEvents == 0 || p.Search == blind { // which counts by the minute, however many there are
		return nil
	}
	var out []Cost
	for _, site := range sites {
		times := float64(site) / float64(p.OrdinaryEvents)
		if read := p.Ordinary.Read; read > 0 {
			times *= float64(p.Widest.Read) / float64(read)
		}
		c := Cost{Connections: site, Read: int(float64(p.Ordinary.Events) * times), Rows: int(float64(p.Ordinary.Rows) * times), Sorted: p.Widest.Held}
		if p.Ordinary.Events > 0 { // else it reads a lookup, and no connection
			c.Sorted += int(float64(p.Ordinary.Held) * times)
		}
		out = append(out, c)
	}
	return out
}

func spread(values []float64) *Spread {
	if len(values) == 0 {
		return nil
	}
	sort.Float64s(values)
	rank := func(share float64) float64 { // nearest rank
		return round(values[max(0, int(math.Ceil(share*float64(len(values))))-1)])
	}
	return &Spread{rank(0.5), rank(0.95), rank(1)}
}

func round(f float64) float64 { return math.Round(f*10) / 10 }
