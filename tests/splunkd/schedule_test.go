package splunkd

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var midnight = time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC) // a Friday

func clock(hour, minute int) time.Time {
	return midnight.Add(time.Duration(hour)*time.Hour + time.Duration(minute)*time.Minute)
}

func TestCron(t *testing.T) {
	for text, want := range map[string]string{
		"0 * * * *":             "0000 0100 0200 0300 0400 0500",
		"25 2-4 * * *":          "0225 0325 0425",
		"*/20 1 * * *":          "0100 0120 0140",
		"10-40/15 1,3 * * *":    "0110 0125 0140 0310 0325 0340",
		"5/30 0 * * *":          "0005 0035",
		"0 3 20 11 *":           "0300",
		"0 3 21 11 *":           "",
		"0 3 * * 5":             "0300",
		"0 3 * * 6":             "",
		"0 3 1 * 5":             "0300", // one of the two days is enough
		"0 3 20 * 0":            "0300",
		"0 3 20 12 *":           "",
		"  0   5   *   *   *  ": "0500",
	} {
		c, err := parseCron(text)
		require.NoError(t, err, text)
		var got []string
		for _, at := range c.between(midnight, clock(6, 0)) {
			got = append(got, at.Format("1504"))
		}
		require.Equal(t, want, strings.Join(got, " "), text)
	}
	sunday, err := parseCron("0 0 * * 7")
	require.NoError(t, err)
	require.Len(t, sunday.between(midnight, midnight.AddDate(0, 0, 14)), 2)
	require.Equal(t, []time.Time{clock(1, 0)}, must(parseCron("0 * * * *")).between(clock(0, 0).Add(time.Second), clock(1, 1)), "the end is left out, the beginning is not")
	require.Equal(t, 7*24*time.Hour, sunday.period(midnight.AddDate(0, 0, 2)))
	for text, want := range map[string]string{
		"* * * *": "want 5 fields", "60 * * * *": "want 0 to 59", "* * 0 * *": "want 1 to 31", "a * * * *": "no number",
		"5-a * * * *": "no number", "9-5 * * * *": "want 0 to 59", "*/0 * * * *": "no step", "": "want 5 fields",
	} {
		_, err := parseCron(text)
		require.ErrorContains(t, err, want, text)
	}
	for text, want := range map[string]bool{
		"* * * * *": true, "*/5 * * * *": true, "0 * * * *": true, "0 */2 * * *": true, "0 0 * * *": true,
		"25 * * * *": false, "0 6 * * *": false, "0 0 * * 1": false, "5 0 * * *": false,
	} {
		require.Equal(t, want, must(parseCron(text)).skewable(), text)
	}
}

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

// saved writes savedsearches.conf of a head's app.
func saved(t *testing.T, h *Head, stanzas map[string]string) {
	t.Helper()
	text := ""
	for name, keys := range stanzas {
		text += "[" + name + "]\n" + strings.ReplaceAll(keys, ";", "\n") + "\n"
	}
	require.NoError(t, os.WriteFile(filepath.Join(h.App.Dir, "default", "savedsearches.conf"), []byte(text), 0o600))
}

func planned(t *testing.T, s *Scheduler, name string, from, to time.Time) []string {
	t.Helper()
	runs, err := s.Plan([]string{name}, from, to)
	require.NoError(t, err)
	var lines []string
	for _, r := range runs {
		text := r.Scheduled.Format("1504") + " " + r.Start.Sub(r.Scheduled).String()
		if !r.Earliest.IsZero() {
			text += " " + r.Earliest.Format("021504") + "-" + r.Latest.Format("1504")
		}
		for word, is := range map[string]bool{" skipped": r.Skipped, " lost": r.Lost} {
			if is {
				text += word
			}
		}
		lines = append(lines, text)
	}
	return lines
}

func TestPlan(t *testing.T) {
	const window = "dispatch.earliest_time = -1525m@m; dispatch.latest_time = -25m@m; "
	h := newHead(t)
	saved(t, h, map[string]string{
		"hourly":   "enableSched = 1; cron_schedule = 25 * * * *; realtime_schedule = 0; " + window,
		"realtime": "enableSched = 1; cron_schedule = 25 * * * *; " + window,
		"off":      "cron_schedule = 25 * * * *",
		"skewed":   "enableSched = 1; cron_schedule = 25 * * * *; allow_skew = 100%; realtime_schedule = 0",
		"spread":   "enableSched = 1; cron_schedule = 0 * * * *; allow_skew = 100%",
		"half":     "enableSched = 1; cron_schedule = 0 * * * *; allow_skew = 10m",
		"windowed": "enableSched = 1; cron_schedule = 25 * * * *; schedule_window = 30; " + window,
		"auto":     "enableSched = 1; cron_schedule = 25 * * * *; schedule_window = auto",
		"wide":     "enableSched = 1; cron_schedule = 25 * * * *; schedule_window = 60",
		"odd":      "enableSched = 1; cron_schedule = 25 * * *",
	})
	s := &Scheduler{Head: h}
	require.Equal(t, []string{"0025 0s 182300-0000", "0125 0s 190000-0100"}, planned(t, s, "hourly", midnight, clock(2, 0)))
	require.Empty(t, planned(t, s, "off", midnight, clock(2, 0)))

	// Down from 01:00 to 03:30: what is continuous is made up, each over its own window; what is not is gone.
	s.Down = []Span{{clock(1, 0), clock(3, 30)}}
	require.Equal(t, []string{"0025 0s 182300-0000", "0125 2h5m0s 190000-0100", "0225 1h5m0s 190100-0200", "0325 5m0s 190200-0300"}, planned(t, s, "hourly", midnight, clock(4, 0)))
	require.Equal(t, []string{"0125 2h5m0s 190000-0100 skipped", "0225 1h5m0s 190100-0200 skipped"}, planned(t, s, "realtime", clock(1, 0), clock(3, 0)))
	s.Down = []Span{{midnight, clock(26, 0)}}
	require.Equal(t, []string{"0125 24h35m0s 190000-0100 skipped", "0225 23h35m0s 190100-0200"}, planned(t, s, "hourly", clock(1, 0), clock(3, 0)), "made up for a day")
	s.Down = nil

	s.Lost = func(name string, at time.Time) bool { return at.Equal(clock(1, 25)) }
	require.Equal(t, []string{"0025 0s 182300-0000", "0125 0s 190000-0100 lost"}, planned(t, s, "hourly", midnight, clock(2, 0)))
	s.Lost = nil

	// Delays are bounded; skew is the same at each run, the window's is not.
	delaysOf := func(name string) (out []time.Duration) {
		runs, err := s.Plan([]string{name}, midnight, midnight.AddDate(0, 0, 3))
		require.NoError(t, err)
		for _, r := range runs {
			out = append(out, r.Start.Sub(r.Scheduled))
		}
		return out
	}
	for name, most := range map[string]time.Duration{"skewed": time.Minute, "spread": time.Hour, "half": 10 * time.Minute} {
		all := delaysOf(name)
		require.Greater(t, all[0], time.Duration(0), name)
		for _, d := range all {
			require.Equal(t, all[0], d, name)
			require.Less(t, d, most, name)
		}
	}
	for name, most := range map[string]time.Duration{"windowed": 30 * time.Minute, "auto": 6 * time.Minute} {
		differ, longest := map[time.Duration]bool{}, time.Duration(0)
		for _, d := range delaysOf(name) {
			differ[d], longest = true, max(longest, d)
			require.Less(t, d, most, name)
		}
		require.Greater(t, len(differ), 10, name)
		require.Greater(t, longest, most/2, name)
	}
	require.Equal(t, delaysOf("windowed"), delaysOf("windowed"), "the same each time")
	late, err := s.Plan([]string{"windowed"}, midnight, clock(5, 0))
	require.NoError(t, err)
	for _, r := range late {
		require.Equal(t, r.Scheduled.Add(-25*time.Minute), r.Latest, "a run that starts later keeps its window")
	}
	for name, want := range map[string]string{"wide": "shorter than the period", "odd": "want 5 fields"} {
		_, err := s.Plan([]string{name}, midnight, clock(2, 0))
		require.ErrorContains(t, err, want)
	}
}

// traffic is an event of the day with a relay's port.
func traffic(at, index time.Time, src string) Event {
	return Event{Time: at, Index: index, Model: "Network_Traffic", Fields: map[string]string{"src": src, "dest": "198.51.100.7", "dest_port": "9001"}}
}

// An event shows from its _indextime on, in summaries five minutes later, whatever its own time is.
func TestTimePasses(t *testing.T) {
	h := newHead(t)
	h.SummaryLag = 5 * time.Minute
	h.AddEvents(traffic(clock(1, 0), clock(3, 0), "10.0.0.1"))
	h.AddEvents(Event{Time: clock(1, 0), Index: clock(3, 0), Fields: map[string]string{"sourcetype": "x"}})
	h.Earliest, h.Latest = clock(0, 30), clock(1, 30)
	for _, c := range []struct {
		spl  string
		at   time.Time
		want string
	}{
		{"| tstats summariesonly=true count from datamodel=Network_Traffic", clock(3, 4), "0"},
		{"| tstats summariesonly=true count from datamodel=Network_Traffic", clock(3, 5), "1"},
		{"| tstats summariesonly=false count from datamodel=Network_Traffic", clock(2, 59), "0"},
		{"| tstats count from datamodel=Network_Traffic", clock(3, 0), "1"},
		{"search sourcetype=x | stats count", clock(2, 59), "0"},
		{"search sourcetype=x | stats count", clock(3, 0), "1"},
	} {
		h.Now = c.at
		result, err := h.Run(c.spl)
		require.NoError(t, err)
		require.Equal(t, c.want, result.Rows[0].Get("count"), "%s at %s", c.spl, c.at)
	}
	h.SummaryLag = 0
	result, err := h.Run("search sourcetype=x | stats max(_indextime) as at")
	require.NoError(t, err)
	require.Equal(t, fmt.Sprint(clock(3, 0).Unix()), result.Rows[0].Get("at"))
}

// Bounds inside a search: both, one of them, computed by a subsearch from the window of the run.
func TestInlineWindow(t *testing.T) {
	h := newHead(t)
	for hour := range 6 {
		h.AddEvents(traffic(clock(hour, 30), time.Time{}, fmt.Sprint("10.0.0.", hour)))
	}
	h.Now, h.Earliest, h.Latest = clock(5, 0), clock(1, 0), clock(4, 0)
	const narrowed = `[| makeresults | addinfo | eval e=floor(info_max_time), w="earliest=".if(floor(e/3600)%6=2,floor(info_min_time),e-3600)." latest=".e | return $w]`
	bounds := func(from, to time.Time) string { return fmt.Sprintf("earliest=%d latest=%d", from.Unix(), to.Unix()) }
	for where, want := range map[string]string{
		`All_Traffic.dest_port=9001`:                                "1 2 3",
		bounds(clock(2, 0), clock(3, 0)):                            "2",
		bounds(clock(2, 0), clock(3, 0)) + ` All_Traffic.src=*`:     "2",
		`All_Traffic.src=* AND ` + bounds(clock(2, 0), clock(3, 0)): "2",
		`earliest=-150m@m All_Traffic.src=*`:                        "2 3 4", // to now, not to the window's end
		`latest=-150m@m`:                                            "0 1",   // from the beginning
		`All_Traffic.src=* earliest=-150m@m AND latest=-60m@m`:      "2 3",
		narrowed: "3",
		`[| makeresults count=2 | addinfo | eval All_Traffic.src=if(info_search_time>0,mvappend("10.0.0.1","10.0.0.3"),null()) | fields - _time info_*]`: "1 3",
		`[| makeresults count=0 | eval All_Traffic.src="10.0.0.1"]`:                                                                                      "",
	} {
		for _, spl := range []string{"| tstats count from datamodel=Network_Traffic where " + where + " by All_Traffic.src", "| tstats count from datamodel=Network_Traffic where " + where + " by All_Traffic.src | append [| makeresults count=0]"} {
			result, err := h.Run(spl)
			require.NoError(t, err, spl)
			var got []string
			for _, row := range result.Rows {
				got = append(got, strings.TrimPrefix(row.Get("All_Traffic.src"), "10.0.0."))
			}
			require.Equal(t, want, strings.Join(got, " "), spl)
		}
	}
	// At an hour that the expression names, the widest window is read.
	h.Earliest, h.Latest = clock(0, 0), clock(2, 10)
	result, err := h.Run("| tstats count from datamodel=Network_Traffic where " + narrowed)
	require.NoError(t, err)
	require.Equal(t, "2", result.Rows[0].Get("count"))
	require.Equal(t, Cost{Read: 130 * time.Minute, Events: 2, Rows: 1}, result.Cost)

	result, err = h.Run(`search earliest=-150m@m latest=now | stats count`)
	require.NoError(t, err)
	require.Equal(t, "3", result.Rows[0].Get("count"))
	require.Equal(t, 3, result.Cost.Held)

	h.Earliest, h.Latest = time.Time{}, time.Time{}
	result, err = h.Run("| makeresults | addinfo | eval x=info_min_time.\" \".info_max_time.\" \".info_search_time")
	require.NoError(t, err)
	require.Equal(t, fmt.Sprintf("0.000 +Infinity %d.000", clock(5, 0).Unix()), result.Rows[0].Get("x"))
}

func TestSubsearchIsCut(t *testing.T) {
	h := newHead(t)
	h.AddEvents(traffic(clock(1, 0), time.Time{}, "9999"), traffic(clock(1, 0), time.Time{}, "10000"))
	result, err := h.Run(`| tstats count from datamodel=Network_Traffic where [| makeresults | eval All_Traffic.src=mvrange(0,10001) | mvexpand All_Traffic.src] by All_Traffic.src`)
	require.NoError(t, err)
	require.Len(t, result.Rows, 1, "the last of 10,001 rows is cut")
	require.Contains(t, result.Messages[0].Text, "truncating to maxout 10000")
}

func TestDo(t *testing.T) {
	h := newHead(t)
	h.SummaryLag = 5 * time.Minute
	saved(t, h, map[string]string{"s": "search = | tstats summariesonly=true count from datamodel=Network_Traffic; enableSched = 1; cron_schedule = 0 * * * *; dispatch.earliest_time = -70m@m; dispatch.latest_time = -10m@m; schedule_window = 10"})
	h.AddEvents(traffic(clock(1, 0), clock(1, 57), "10.0.0.1"))
	s := &Scheduler{Head: h}
	runs, err := s.Plan([]string{"s"}, clock(2, 0), clock(3, 0))
	require.NoError(t, err)
	for delay, want := range map[time.Duration]string{0: "0", 2 * time.Minute: "1"} {
		run := runs[0]
		run.Start = run.Scheduled.Add(delay)
		result, err := s.Do(run)
		require.NoError(t, err)
		require.Equal(t, want, result.Rows[0].Get("count"), "a run that starts later sees more of its window")
	}
	runs[0].Lost = true
	result, err := s.Do(runs[0])
	require.NoError(t, err)
	require.Empty(t, result.Rows)
	runs[0].Search = "none"
	runs[0].Lost = false
	_, err = s.Do(runs[0])
	require.ErrorContains(t, err, `no search "none"`)
}

// An event search without index looks at the default ones, a pattern at no internal one, nobody at what is forbidden.
func TestIndexes(t *testing.T) {
	h := newHead(t)
	h.Now = clock(1, 0)
	for _, index := range []string{"main", "zeek", "_internal"} {
		h.AddEvents(Event{Time: midnight, Raw: "word", Model: "Network_Traffic", Fields: map[string]string{"index": index, "kind": "x"}})
	}
	found := func(search string) string {
		result, err := h.Run(search + " | stats values(index) as index")
		require.NoError(t, err, search)
		return strings.Join(result.Rows[0]["index"], " ")
	}
	check := func(want map[string]string) {
		t.Helper()
		for search, indexes := range want {
			require.Equal(t, indexes, found(search), search)
		}
	}
	check(map[string]string{
		"kind=x": "main", "word": "main", "index=zeek": "zeek", "index=*": "main zeek", "index=_*": "_internal", "index IN (zeek,_internal) kind=x": "_internal zeek",
		"index=zeek OR kind=x": "main zeek",
	})
	h.DefaultIndexes, h.Forbidden = []string{"main", "zeek"}, []string{"_internal", "main"}
	check(map[string]string{"kind=x": "zeek", "index=*": "zeek", "index=main": "", "index=_internal": ""})
	result, err := h.Run("| tstats count from datamodel=Network_Traffic")
	require.NoError(t, err)
	require.Equal(t, "1", result.Rows[0].Get("count"))
}
