package splunkd

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"tordetect/tests/splunkd/spl"
	"tordetect/tests/splunkd/wire"
)

// What an admin sees of the searches of the app by rest, and what nobody may ask gives no row and a warning.
func TestRest(t *testing.T) {
	h := newHead(t)
	path := "| rest splunk_server=local count=0 /servicesNS/-/" + h.App.ID + "/"
	h.Now = clock(1, 30)
	saved(t, h, map[string]string{
		"on":   "enableSched = 1; cron_schedule = 25 * * * *; dispatch.earliest_time = -70m@m",
		"off":  "enableSched = 1; cron_schedule = 25 * * * *; disabled = 1",
		"hand": "search = index=main",
		"gone": "enableSched = 1; cron_schedule = 25 * * * *",
	})
	h.Owners = map[string]string{"gone": "bob"}
	rows := func(search string) []string {
		result, err := h.Run(search)
		require.NoError(t, err, search)
		var lines []string
		for _, row := range result.Rows {
			lines = append(lines, strings.ReplaceAll(spl.Line(row, result.Columns), "\x00", " "))
		}
		for _, m := range result.Messages {
			lines = append(lines, m.Level+" "+m.Text)
		}
		return lines
	}
	const shown = " | table title disabled is_scheduled next_scheduled_time eai:acl.owner dispatch.earliest_time | sort title"
	require.Equal(t, []string{
		"gone 0 1  bob ", "hand 0 0  nobody ", "off 1 1  nobody ", "on 0 1 2026-11-20 02:25:00 UTC nobody -70m@m",
	}, rows(path+"saved/searches"+shown))
	h.Enabled = map[string]bool{"off": true}
	require.Equal(t, []string{"gone 1", "hand 1", "off 0", "on 1"}, rows(path+"saved/searches | table title disabled | sort title"))
	require.Contains(t, rows(path + "configs/conf-limits | table title")[0], "WARN Unexpected status")
	h.NoREST = true
	require.Contains(t, rows(path + "saved/searches | table title")[0], "WARN Unexpected status")
	for search, want := range map[string]string{"| rest": "a path is missing", "| rest x /a": "unexpected", "| rest /a /b": "unexpected"} {
		_, err := h.Run(search)
		require.ErrorContains(t, err, want, search)
	}
}

// An error of a search in append leaves out its rows; a mistake in it fails all.
func TestAppendThatFails(t *testing.T) {
	h := newHead(t)
	h.NoModel = []string{"Network_Traffic"}
	result, err := h.Run(`| makeresults | eval n=1 | append [| tstats count from datamodel=Network_Traffic] | append [| makeresults | eval n=2] | table n`)
	require.NoError(t, err)
	require.Equal(t, []string{"n", "1", "2"}, texts(result.Table))
	require.Equal(t, []wire.Message{{Level: "ERROR", Text: "[subsearch]: Error in 'DataModelEvaluator': Data model 'Network_Traffic' was not found."}}, result.Messages)
	_, err = h.Run(`| tstats count from datamodel=Network_Traffic`)
	require.ErrorContains(t, err, "was not found")
	_, err = h.Run(`| makeresults | append [| nosuchcommand]`)
	require.ErrorContains(t, err, "Unknown search command")
}

// The scheduler logs what became of each run that it started, and of none that was lost.
func TestSchedulerLog(t *testing.T) {
	h := newHead(t)
	const hourly = "enableSched = 1; cron_schedule = 0 * * * *; "
	saved(t, h, map[string]string{
		"good": hourly + "search = | makeresults count=3", "bad": hourly + `search = | makeresults | eval x=`, "strict": hourly + "search = | makeresults; dispatch.allow_partial_results = 0",
	})
	s := &Scheduler{Head: h}
	for _, run := range []Run{
		{Search: "good"}, {Search: "bad"}, {Search: "good", Partial: true}, {Search: "strict", Partial: true}, {Search: "good", Lost: true}, {Search: "good", Skipped: true},
	} {
		run.Scheduled, run.Start = clock(1, 0), clock(1, 2)
		_, err := s.Do(run)
		var failed *spl.SearchError
		require.True(t, err == nil || errors.As(err, &failed), "%v", err)
	}
	h.Cut("good", clock(1, 3), true)
	h.Cut("good", clock(1, 4), false)
	h.Now = clock(2, 0)
	logged, err := h.Run(`index=_internal sourcetype=scheduler savedsearch_id="nobody;*" | eval line=log_level." ".savedsearch_id." ".coalesce(status,message,"-")." ".coalesce(result_count,"-") | stats count by line`)
	require.NoError(t, err)
	id := "nobody;" + h.App.ID + ";"
	require.Equal(t, []string{"line,count",
		"ERROR " + id + "bad Error in 'eval' command: The expression is malformed. An operand is missing at ''. -,1",
		"ERROR " + id + "strict Search results might be incomplete: the search process on the peer idx-1 ended prematurely. -,1",
		"INFO " + id + "good skipped -,1", "INFO " + id + "good success 3,2", "WARN " + id + "good - -,2",
	}, texts(logged.Table))
	jobs, err := h.Run("| rest /servicesNS/-/" + h.App.ID + "/search/jobs | table label messages.warn | sort label")
	require.NoError(t, err)
	require.Equal(t, []string{"label,messages.warn", "good,", "good,Search results might be incomplete: the search process on the peer idx-1 ended prematurely."}, texts(jobs.Table))
	h.Now = clock(4, 0)
	jobs, err = h.Run("| rest /servicesNS/-/" + h.App.ID + "/search/jobs")
	require.NoError(t, err)
	require.Empty(t, jobs.Rows, "they are kept for twice the period")

	h.Forbidden = []string{"_internal"}
	logged, err = h.Run("index=_internal")
	require.NoError(t, err)
	require.Empty(t, logged.Rows)
}
