package splunkd

import (
	"errors"
	"fmt"
	"hash/fnv"
	"slices"
	"strconv"
	"strings"
	"time"

	"tordetect/tests/splunkd/spl"
	"tordetect/tests/splunkd/wire"
)

// Scheduler says when saved searches run, and runs them:
//
//	scheduler := &splunkd.Scheduler{Head: head}
//	runs, err := scheduler.Plan([]string{"TOR Traffic"}, from, to)
//	result, err := scheduler.Do(runs[0])
//
// What it follows is savedsearches.conf.spec, and where that is silent a decision that always is the same:
//
//   - the window of a run counts from its scheduled time, also if it starts later ("Prioritize concurrently scheduled
//     reports": a delayed run keeps its time range); now() is when it starts;
//   - allow_skew delays the start, by the same time at each run: the minute too where the form of the cron_schedule
//     allows it, else the second only;
//   - schedule_window delays each run by another time, never above the window. How long `auto` is, is not documented:
//     a tenth of the period here;
//   - both delays come from a hash of the search's name, not from load;
//   - realtime_schedule = 1 skips a run that cannot start; 0 makes it up as soon as the scheduler is back, over its own
//     window, if that is not more than a day ago (limits.conf, max_continuous_scheduled_search_lookback);
//   - a run that began and was ended (Lost) is not repeated, whatever the schedule.
type Scheduler struct {
	Head *Head
	Down []Span                                 // in which nothing is started
	Lost func(search string, at time.Time) bool // a run by its scheduled time that ends without result; nil: none
}

// Span is a time, its end left out.
type Span struct{ From, To time.Time }

func (s Span) holds(t time.Time) bool { return !t.Before(s.From) && t.Before(s.To) }

// Run is one run of a saved search.
type Run struct {
	Search           string
	Scheduled, Start time.Time
	Earliest, Latest time.Time // the window; zero: no bound
	Skipped          bool      // it never starts
	Lost             bool      // it starts, and gives nothing
	Partial          bool      // a search peer does not answer it
}

const (
	lookback  = 24 * time.Hour
	autoShare = 10 // of a period: what schedule_window = auto is taken for
)

// Plan lists the runs of some searches that are scheduled in a time, in the order in which they start.
func (s *Scheduler) Plan(searches []string, from, to time.Time) ([]Run, error) {
	saved, err := s.Head.App.Conf("savedsearches")
	if err != nil {
		return nil, err
	}
	var runs []Run
	for _, name := range searches {
		more, err := s.plan(saved, name, from, to)
		if err != nil {
			return nil, fmt.Errorf("savedsearches.conf [%s]: %w", name, err)
		}
		runs = append(runs, more...)
	}
	slices.SortStableFunc(runs, func(a, b Run) int { return a.Start.Compare(b.Start) })
	return runs, nil
}

func (s *Scheduler) plan(saved *Conf, name string, from, to time.Time) ([]Run, error) {
	get := func(key, unset string) string {
		if value, ok := saved.Get(name, key); ok {
			return value
		}
		return unset
	}
	if on, _ := confBool(get("enableSched", "0")); !on {
		return nil, nil
	}
	times, err := parseCron(get("cron_schedule", ""))
	if err != nil {
		return nil, err
	}
	realtime, ok := confBool(get("realtime_schedule", "1"))
	if !ok {
		return nil, fmt.Errorf("realtime_schedule is no boolean")
	}
	var runs []Run
	for _, at := range times.between(from, to) {
		delay, err := delays(name, times, at, get("allow_skew", "0"), get("schedule_window", "0"))
		if err != nil {
			return nil, err
		}
		run := Run{Search: name, Scheduled: at, Start: at.Add(delay), Lost: s.Lost != nil && s.Lost(name, at)}
		for i, bound := range []*time.Time{&run.Earliest, &run.Latest} {
			modifier := get([]string{"dispatch.earliest_time", "dispatch.latest_time"}[i], "")
			if modifier == "" || i == 0 && modifier == "0" {
				continue
			}
			if *bound, err = spl.RelativeTime(modifier, at.In(s.Head.zone())); err != nil {
				return nil, err
			}
		}
		for _, down := range s.Down {
			if !down.holds(run.Start) {
				continue
			}
			if run.Start = down.To; realtime || down.To.Sub(at) > lookback {
				run.Skipped = true
			}
		}
		runs = append(runs, run)
	}
	return runs, nil
}

// delays is how much later than scheduled a run starts.
func delays(name string, times *cron, at time.Time, skewText, windowText string) (time.Duration, error) {
	period := times.period(at)
	most, err := share(skewText, period)
	if err != nil {
		return 0, fmt.Errorf("allow_skew: %w", err)
	}
	if !times.skewable() {
		most = min(most, time.Minute)
	}
	skew := spread(name, most)
	switch minutes, err := strconv.Atoi(windowText); {
	case windowText == "auto":
		most = period / autoShare
	case err != nil || minutes < 0:
		return 0, fmt.Errorf("schedule_window %q: want auto or minutes", windowText)
	default:
		most = time.Duration(minutes) * time.Minute
	}
	if most >= period {
		return 0, fmt.Errorf("schedule_window %q: it has to be shorter than the period of %s", windowText, period)
	}
	return min(skew+spread(fmt.Sprint(name, at.Unix()), most), period-time.Second), nil
}

// share reads 100%, 10m, 0.
func share(text string, period time.Duration) (time.Duration, error) {
	if percent, is := strings.CutSuffix(text, "%"); is {
		n, err := strconv.Atoi(percent)
		if err != nil || n < 0 || n > 100 {
			return 0, fmt.Errorf("%q is no percentage", text)
		}
		return period * time.Duration(n) / 100, nil
	}
	if text == "0" {
		return 0, nil
	}
	return spl.ParseSpan(text)
}

// spread is a time below most, in whole seconds, that belongs to a text.
func spread(text string, most time.Duration) time.Duration {
	if most < time.Second {
		return 0
	}
	h := fnv.New64a()
	h.Write([]byte(text))
	return time.Duration(h.Sum64()%uint64(most/time.Second)) * time.Second
}

// Do runs a run, and the scheduler's log gets its line. One that was skipped or lost has no result; of a lost one
// nothing is logged.
func (s *Scheduler) Do(run Run) (*Result, error) {
	switch {
	case run.Skipped:
		s.Head.Skipped(run.Search, run.Scheduled, run.Start)
		return &Result{}, nil
	case run.Lost:
		return &Result{}, nil
	}
	text, err := s.Head.SavedSearch(run.Search)
	if err != nil {
		return &Result{}, err
	}
	s.Head.Now = run.Start
	result, err := s.Head.run(text, run.Earliest, run.Latest)
	if err == nil && run.Partial {
		result.silent = "Search results might be incomplete: the search process on the peer idx-1 ended prematurely."
		result.Messages = append(result.Messages, wire.Message{Level: "WARN", Text: result.silent})
	}
	if err == nil && result.silent != "" {
		err = s.partial(run.Search, result.silent)
	}
	var failed *spl.SearchError
	switch {
	case errors.As(err, &failed):
		s.Head.Failed(run.Search, run.Start, failed.Text)
	case err == nil:
		s.Head.Ran(run.Search, run.Scheduled, run.Start, len(result.Rows))
		j := job{label: run.Search, done: run.Start.Add(result.Cost.Waited)}
		for _, m := range result.Messages {
			j.warnings = append(j.warnings, m.Text)
		}
		s.Head.jobs = append(s.Head.jobs, j)
	}
	return result, err
}

// partial is a run to which a search peer did not answer: it says so, or fails with dispatch.allow_partial_results = 0.
func (s *Scheduler) partial(name, text string) error {
	saved, err := s.Head.App.Conf("savedsearches")
	if err != nil {
		return err
	}
	if value, set := saved.Get(name, "dispatch.allow_partial_results"); set {
		if allowed, _ := confBool(value); !allowed {
			return &SearchError{Text: text}
		}
	}
	return nil
}
