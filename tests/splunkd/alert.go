package splunkd

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"tordetect/tests/splunkd/spl"
)

// Alerts is what happens with the results of scheduled runs: whether they trigger, what is suppressed because it was
// told before, and what the limits of alerting cut off. It keeps what was told between the runs.
//
// savedsearches.conf.spec has alert.suppress.fields as the "list of fields to use when suppressing per-result alerts".
// What they do with alert.digest_mode = 1 it leaves open, so both readings are played, the worse one unless told:
//
//	digest_mode = 0                       each result by itself: suppressed where its fields' values were told before
//	digest_mode = 1                       the fields do nothing: the first alert silences the whole search for the period
//	digest_mode = 1, DigestFields         results whose values were told before are left out of the alert
//
// Enterprise Security ships searches of the second kind and seems to expect the third.
//
// alert.suppress.group_name silences all searches of the group, with all their results and the one that triggered too,
// for the period of that one. The spec says so of "all of the alerts in the group", and nothing of fields.
type Alerts struct {
	App          *App
	DigestFields bool
	// Price is how long one action takes for one call: for each result with digest_mode = 0, else for each alert. Not
	// documented anywhere; scripts of actions are programs that are started.
	Price time.Duration

	told map[string]time.Time // until when it is suppressed
}

// Told is what became of a run's results.
type Told struct {
	Rows       []spl.Row     // those that triggered actions
	Suppressed int           // rows that were told before
	Cut        int           // rows that the limits below cut off; nothing remembers them
	Took       time.Duration // the actions, all together
}

// The limits of alerts that trigger for each result (limits.conf, [scheduler]).
const (
	maxPerResultAlerts     = 500               // max_per_result_alerts
	maxPerResultAlertsTime = 300 * time.Second // max_per_result_alerts_time
)

// Trigger takes the result of a run.
func (a *Alerts) Trigger(run Run, result *spl.Table) (Told, error) {
	saved, err := a.App.Conf("savedsearches")
	if err != nil {
		return Told{}, err
	}
	rule, err := readRule(saved, run.Search)
	if err != nil {
		return Told{}, fmt.Errorf("savedsearches.conf [%s]: %w", run.Search, err)
	}
	if a.told == nil {
		a.told = map[string]time.Time{}
	}
	if rule.actions == 0 || !rule.holds(len(result.Rows)) {
		return Told{}, nil
	}
	price := a.Price * time.Duration(rule.actions)
	var told Told
	group := "group\x00" + rule.group
	if rule.group != "" {
		if a.silenced(rule, group, run.Start) {
			return Told{Suppressed: len(result.Rows)}, nil
		}
		defer func() {
			if len(told.Rows) > 0 {
				a.remember(rule, group, run.Start)
			}
		}()
	}
	if !rule.digest {
		for i, row := range result.Rows {
			key := rule.key(run.Search, row)
			if a.silenced(rule, key, run.Start) {
				told.Suppressed++
				continue
			}
			if len(told.Rows) >= maxPerResultAlerts || told.Took+price > maxPerResultAlertsTime {
				for _, later := range result.Rows[i:] {
					if a.silenced(rule, rule.key(run.Search, later), run.Start) {
						told.Suppressed++
					} else {
						told.Cut++
					}
				}
				break
			}
			told.Took += price
			told.Rows = append(told.Rows, row)
			a.remember(rule, key, run.Start)
		}
		return told, nil
	}
	if a.DigestFields && len(rule.fields) > 0 {
		for _, row := range result.Rows {
			if a.silenced(rule, rule.key(run.Search, row), run.Start) {
				told.Suppressed++
				continue
			}
			told.Rows = append(told.Rows, row)
		}
		for _, row := range told.Rows {
			a.remember(rule, rule.key(run.Search, row), run.Start)
		}
	} else if a.silenced(rule, run.Search, run.Start) {
		told.Suppressed = len(result.Rows)
	} else {
		told.Rows = result.Rows
		a.remember(rule, run.Search, run.Start)
	}
	if len(told.Rows) > 0 {
		told.Took = price
	}
	return told, nil
}

func (a *Alerts) silenced(r rule, key string, at time.Time) bool {
	return r.period > 0 && at.Before(a.told[key])
}

func (a *Alerts) remember(r rule, key string, at time.Time) { a.told[key] = at.Add(r.period) }

// rule is how a saved search alerts.
type rule struct {
	digest             bool
	period             time.Duration // of suppression; 0: none
	fields             []string
	group              string // of suppression
	actions            int
	counttype, compare string
	quantity           int
}

// otherActions are keys of the form action.X that are no actions of their own.
var otherActions = []string{"action.correlationsearch", "action.escu"}

func readRule(saved *Conf, name string) (rule, error) {
	get := func(key, unset string) string {
		if value, ok := saved.Get(name, key); ok && value != "" {
			return value
		}
		return unset
	}
	isSet := func(key string) bool { on, _ := confBool(get(key, "0")); return on }
	r := rule{counttype: get("counttype", "always"), compare: get("relation", "greater than")}
	// "Default: true", the spec says.
	r.digest, _ = confBool(get("alert.digest_mode", "1"))
	var err error
	if r.quantity, err = strconv.Atoi(get("quantity", "0")); err != nil {
		return r, fmt.Errorf("quantity: %w", err)
	}
	if !slices.Contains([]string{"number of events", "always"}, r.counttype) {
		return r, fmt.Errorf("counttype %q is not played by this stand-in", r.counttype)
	}
	if _, known := relations[r.compare]; !known {
		return r, fmt.Errorf("relation %q is not played by this stand-in", r.compare)
	}
	for _, key := range saved.Keys(name) {
		if strings.HasPrefix(key, "action.") && strings.Count(key, ".") == 1 && isSet(key) && !slices.Contains(otherActions, key) {
			r.actions++
		}
	}
	if isSet("alert.track") {
		r.actions++ // the list of triggered alerts
	}
	if !isSet("alert.suppress") {
		return r, nil
	}
	r.group = get("alert.suppress.group_name", "")
	period := get("alert.suppress.period", "")
	if r.period, err = spl.ParseSpan(period); err != nil || period == "" {
		return r, fmt.Errorf("alert.suppress.period is %q, want a time such as 26h", period)
	}
	for field := range strings.SplitSeq(get("alert.suppress.fields", ""), ",") {
		if field = strings.TrimSpace(field); field != "" {
			r.fields = append(r.fields, field)
		}
	}
	if !r.digest && len(r.fields) == 0 {
		return r, fmt.Errorf("alert.suppress of results wants alert.suppress.fields")
	}
	return r, nil
}

var relations = map[string]func(have, want int) bool{
	"greater than": func(have, want int) bool { return have > want },
	"less than":    func(have, want int) bool { return have < want },
	"equal to":     func(have, want int) bool { return have == want },
	"not equal to": func(have, want int) bool { return have != want },
}

func (r rule) holds(rows int) bool {
	return r.counttype == "always" || relations[r.compare](rows, r.quantity)
}

// key is what is remembered of a result: the values of the fields. A field without value has the empty one (only
// supposed).
func (r rule) key(search string, row spl.Row) string {
	return search + "\x00" + spl.Line(row, r.fields)
}
