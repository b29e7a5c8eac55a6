package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tordetect/tests/sample"
	"tordetect/tests/splunkd"
)

// listing writes a relay table whose newest list ended a while ago: relays of
// which so many are in the newest list, and all were a day before.
func listing(ended time.Duration, listed, before int, exits bool) []byte {
	end := time.Now().Add(-ended).Unix()
	start := end - 3*24*60*60
	var b strings.Builder
	b.WriteString("ip,port,role,flags,fingerprint,nickname,first_seen,last_seen\n")
	rows := 0
	add := func(format string, values ...any) { fmt.Fprintf(&b, format+"\n", values...); rows++ }
	add(",,coverage,,,,%d,%d", start, end)
	if exits {
		add(",,exit_coverage,,,,%d,%d", start, end)
	}
	for i := range max(listed, before) {
		first, last := start, end
		if i >= listed {
			last = end - 12*60*60
		}
		if i >= before {
			first = end - 12*60*60
		}
		add("198.51.100.%d,%d,or,,%040X,relay%d,%d,%d", i%250+1, 9001+i/250, i, i, first, last)
	}
	fmt.Fprintf(&b, ",%d,end,,,,,\n", rows)
	return []byte(b.String())
}

// The health search is silent while all is well, and names each thing that keeps
// the other searches from seeing, with a sentence and what to do. The program's
// clock is the machine's.
func TestHealthSearch(t *testing.T) {
	run := func(table []byte, traffic bool) *splunkd.Result {
		t.Helper()
		h := head(t, sample.Log(), table)
		if !traffic {
			h.Now = h.Now.Add(48 * time.Hour)
		}
		result, err := h.RunSaved("Tor Detect is blind")
		require.NoError(t, err)
		for _, row := range result.Rows {
			require.Regexp(t, `^[A-Z].*\.$`, row.Get("finding"))
			require.Regexp(t, `^[A-Z].*[.?]$`, row.Get("todo"))
		}
		return result
	}
	hour := time.Hour
	good := listing(-hour, 100, 102, true)
	for name, c := range map[string]struct {
		table   []byte
		traffic bool
		want    []string
	}{
		"all is well":                 {good, true, nil},
		"a bit old":                   {listing(5*hour, 100, 102, true), true, nil},
		"grown":                       {listing(-hour, 300, 100, true), true, nil},
		"no table":                    {nil, true, []string{"no relay list"}},
		"a table without a list":      {[]byte("ip,port,role,flags,fingerprint,nickname,first_seen,last_seen\n"), true, []string{"no relay list"}},
		"old":                         {listing(7*hour, 100, 102, true), true, []string{"relay list old"}},
		"older, and no exit list":     {listing(30*hour, 100, 102, true), true, []string{"no exit list", "relay list old"}},
		"no exit list":                {listing(-hour, 100, 102, false), true, []string{"no exit list"}},
		"halved":                      {listing(-hour, 40, 102, true), true, []string{"relay list halved"}},
		"cut":                         {good[:len(good)-40], true, []string{"no exit list", "relay list cut"}},
		"empty":                       {[]byte{}, true, []string{"relay list unreadable"}},
		"something else":              {[]byte("<html>busy</html>\n"), true, []string{"relay list unreadable"}},
		"of the future":               {listing(-90*24*hour, 100, 102, true), true, []string{"relay list of the future"}},
		"no traffic in the model":     {good, false, []string{"no summaries"}},
		"no list, and nothing to see": {nil, false, []string{"no relay list", "no summaries"}},
	} {
		t.Run(name, func(t *testing.T) {
			require.ElementsMatch(t, c.want, texts(run(c.table, c.traffic), "problem"))
		})
	}
	require.Contains(t, run(listing(30*hour, 100, 102, true), true).Rows[0].Get("finding"), "ended 30 hours ago")
}

// Relays inside are found where the site has named its public networks, and only
// those of the last day.
func TestOurAddresses(t *testing.T) {
	table := `ip,port,role,flags,fingerprint,nickname,first_seen,last_seen
,,coverage,,,,1795000000,%[2]d
198.51.100.7,9001,or,Guard,%[1]s1,anna,1795000000,%[2]d
198.51.100.7,9030,dir,Guard,%[1]s1,anna,1795000000,%[2]d
198.51.100.8,443,or,Exit Guard,%[1]s2,bert,1795000000,%[2]d
198.51.100.9,,exit,,%[1]s2,bert,1795000000,%[2]d
198.51.100.10,443,or,,%[1]s3,gone,1795000000,1795100000
203.0.113.5,443,or,,%[1]s4,elsewhere,1795000000,%[2]d
198.51.100.11,443,or,Exit,%[1]s6,retired,1795000000,1795100000
198.51.100.11,443,or,BadExit,%[1]s6,retired,1795100000,%[2]d
2001:db8:7::5,443,or,,%[1]s5,six,1795000000,%[2]d
,10,end,,,,,
`
	h := head(t, sample.Log(), fmt.Appendf(nil, table, strings.Repeat("A", 39), time.Now().Unix()))
	h.Now = time.Now()
	result, err := h.RunSaved("Our addresses on the Tor list")
	require.NoError(t, err)
	require.Empty(t, result.Rows, "private networks have no relays")

	macro(t, h, "tordetect_internal", `"10.0.0.0/8","198.51.100.0/24","2001:db8:7::/48"`)
	result, err = h.RunSaved("Our addresses on the Tor list")
	require.NoError(t, err)
	require.ElementsMatch(t, []string{
		"198.51.100.7 is listed as a Tor relay relay anna 9001",
		"198.51.100.8 is listed as a Tor relay exit bert 443",
		"198.51.100.9 was the address of a Tor exit exit bert ",
		"198.51.100.11 is listed as a Tor relay relay retired 443", // an exit in former days, and no good one now
		"2001:db8:7::5 is listed as a Tor relay relay six 443",
	}, texts(result, "ip", "seen", "kind", "nickname", "port"))

	macro(t, h, "tordetect_hosted_filter", `search NOT nickname="anna"`)
	result, err = h.RunSaved("Our addresses on the Tor list")
	require.NoError(t, err)
	require.Len(t, result.Rows, 4)
}
