package splunkd

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
)

// What the scheduler writes into its log, which everybody finds in index=_internal sourcetype=scheduler. The lines of
// success, of skipped runs and of runs that failed, and the one for max_per_result_alerts_time, have been seen in public
// logs of Splunk 8 to 9. The line for max_per_result_alerts has not; it is only supposed.

// logTime is how the log begins each line.
const logTime = "01-02-2006 15:04:05.000 -0700"

// write writes a line about a search at a time.
func (h *Head) write(at time.Time, level, search, format string, values ...any) {
	format = strings.ReplaceAll(format, "ID", fmt.Sprintf(`savedsearch_id="nobody;%s;%s"`, h.App.ID, search))
	raw := fmt.Sprintf("%s %-5s SavedSplunker - ", at.UTC().Format(logTime), level) + fmt.Sprintf(format, values...)
	fields := map[string]string{"index": "_internal", "host": searchHead, "source": "scheduler.log", "sourcetype": "scheduler", "log_level": level, "component": "SavedSplunker"}
	for _, pair := range logField.FindAllStringSubmatch(raw, -1) {
		fields[pair[1]] = strings.Trim(pair[2], `"`)
	}
	h.internal = append(h.internal, event{raw: raw, time: at, added: at, fields: fields})
}

var logField = regexp.MustCompile(`(\w+)=("[^"]*"|[^,\s]+)`)

// Ran notes that a run of a search ended well, Failed that it ended with an error. [Scheduler.Do] does both for the runs
// that it plays.
func (h *Head) Ran(search string, scheduled, at time.Time, results int) {
	h.write(at, "INFO", search, `ID, search_type="scheduled", user="nobody", app="%s", savedsearch_name="%s", priority=default, status=success, digest_mode=0, scheduled_time=%d, window_time=0, dispatch_time=%d, run_time=1.000, result_count=%d, alert_actions="", suppressed=0`,
		h.App.ID, search, scheduled.Unix(), at.Unix(), results)
}

// Failed notes a run that ended with an error.
func (h *Head) Failed(search string, at time.Time, why string) {
	h.write(at, "ERROR", search, `ID, message="%s". No actions executed`, strings.ReplaceAll(why, `"`, "'"))
}

// Skipped notes a run that was never started.
func (h *Head) Skipped(search string, scheduled, at time.Time) {
	h.write(at, "INFO", search, `ID, search_type="scheduled", user="nobody", app="%s", savedsearch_name="%s", priority=default, status=skipped, reason="The maximum number of concurrent running jobs for this historical scheduled search on this instance has been reached", scheduled_time=%d, window_time=0`,
		h.App.ID, search, scheduled.Unix())
}

// Cut notes that a limit of alerts for each result left some out: that of their number, or that of the time they take.
func (h *Head) Cut(search string, at time.Time, byTime bool) {
	what := "number of per-result alerts"
	if byTime {
		what = "amount of time allowed to spend in per-result alerts"
	}
	h.write(at, "WARN", search, "Reached maximum %s for ID", what)
}

// internals are the events of Splunk's own index in a window, newest first: the scheduler's, and one of splunkd, which
// always says something.
func (s *search) internals(w window) []event {
	if slices.Contains(s.head.Forbidden, "_internal") {
		return nil
	}
	earliest, latest := w.over(s)
	alive := s.context.Now.Add(-time.Second)
	all := append(slices.Clone(s.head.internal), event{raw: "INFO  Metrics - group=pipeline", time: alive, added: alive, fields: map[string]string{
		"index": "_internal", "host": searchHead, "source": "metrics.log", "sourcetype": "splunkd"}})
	all = slices.DeleteFunc(all, func(e event) bool {
		return e.added.After(s.context.Now) || !earliest.IsZero() && e.time.Before(earliest) || !latest.IsZero() && !e.time.Before(latest)
	})
	slices.SortStableFunc(all, func(a, b event) int { return b.time.Compare(a.time) })
	return all
}
