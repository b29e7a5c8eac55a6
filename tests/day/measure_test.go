package day

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tordetect/tests/splunkd"
)

func sought1(kind string, index, late time.Duration, find, may []string, names ...string) Event {
	return Event{Time: begin.Add(index - late), Index: begin.Add(index), Truth: &Truth{Case: kind, Names: names, Find: find, May: may}}
}

func tells(search string, after time.Duration, field string, values ...string) Telling {
	return Telling{search, begin.Add(after), splunkd.Row{field: values}}
}

// Found, lost, false, told twice: by any of its names, in either search by itself.
func TestMeasure(t *testing.T) {
	d := &Day{Events: []Event{
		sought1("a", time.Hour, 0, only(client), nil, "10.0.0.1", "ws-1"),
		sought1("a", 3*time.Hour, 0, only(client), nil, "10.0.0.1", "ws-1"), // a later event of the same host
		sought1("b", time.Hour, 9*time.Hour, only(client), only(visitors), "10.0.0.2"),
		sought1("b", time.Hour, 0, only(client), nil, "10.0.0.3"), // lost
		sought1("c", time.Hour, 0, nil, nil, "10.0.0.4"),
		sought1("u", time.Hour, 0, only(logins), nil, "alice"),
	}}
	tellings := []Telling{
		tells(client, 2*time.Hour, "src", "ws-1"),
		tells(client, 4*time.Hour, "src", "10.0.0.1"),  // twice, by another name
		tells(client, 31*time.Hour, "src", "10.0.0.1"), // again, more than 26 hours later
		tells(client, 5*time.Hour, "tor_host", "10.0.0.2"),
		tells(client, 5*time.Hour, "src", "10.0.0.4"),
		tells(client, 6*time.Hour, "src", "10.0.0.4"), // one that is false, told twice
		tells(visitors, 5*time.Hour, "dest", "10.0.0.2", "10.0.0.9"),
		tells(logins, 90*time.Minute, "user", "alice"),
	}
	s := Measure(d, tellings, []Played{
		{Search: client, All: splunkd.Cost{Read: 72 * time.Hour, Events: 9, Rows: 8, Held: 7}, Widest: splunkd.Cost{Read: 25 * time.Hour, Held: 40}, Ordinary: splunkd.Cost{Read: time.Hour, Events: 1000, Rows: 500, Held: 1}, OrdinaryEvents: 1000},
		{Search: visitors}, {Search: logins},
	}, 3)
	l := s.Searches[0]
	require.Equal(t, []int{3, 2, 1, 2, 6}, []int{l.ToFind, l.Found, l.False, l.Twice, l.Told})
	require.Equal(t, Spread{60, 240, 240}, *l.Minutes)
	require.Equal(t, Spread{60, 60, 60}, *l.Prompt)
	require.Equal(t, Spread{240, 240, 240}, *l.Late)
	require.Equal(t, []any{24.0, 9, 8, 7}, []any{l.HoursADay, l.Events, l.Rows, l.Sorted})
	require.Equal(t, Cost{42_000_000, 1_050_000_000, 525_000_000, 40 + 1_050_000}, l.Costs[2], "25 hours of 42 million, half of them rows, one in a thousand sorted")
	v := s.Searches[1]
	require.Equal(t, []int{0, 0, 1, 0}, []int{v.ToFind, v.Found, v.False, v.Twice}, "one may be told of, the other not")
	require.Nil(t, v.Minutes)
	require.Equal(t, Spread{30, 30, 30}, *s.Searches[2].Minutes)
	require.Equal(t, []int{4, 3, 2, 2}, []int{s.ToFind, s.Found, s.False, s.Twice})
	require.Equal(t, []Case{{"a", client, 1, 1, 1}, {"b", client, 2, 1, 0}, {"u", logins, 1, 1, 0}}, s.Cases)

	var b bytes.Buffer
	s.Text(&b)
	require.Regexp(t, `(?m)^ Tor client that the firewall did not name +3 +2 +1 +2 +60 60 60 +240 240 240 +0 +0 +0 +24 *$`, b.String())
	require.Regexp(t, `(?m)^ Tor client that the firewall did not name +25 +42 M +1050 M +525 M +1\.1 M *$`, b.String())

	// Where nobody knows the truth, nothing is false.
	s = Measure(&Day{Events: []Event{{Time: begin, Index: begin}}}, tellings, []Played{{Search: client}}, 1)
	require.Equal(t, []int{0, 0, 0}, []int{s.ToFind, s.Found, s.False})
	require.Equal(t, 1, s.Twice, "who has two names is two then")
}

func TestCount(t *testing.T) {
	for n, want := range map[int]string{0: "0", 9999: "9999", 10_000: "10 k", 1_250_000: "1.2 M", 42_000_000: "42 M"} {
		require.Equal(t, want, count(n))
	}
}

// What is told of searches that do not see counts for nobody, right or wrong, and is listed by problem and search.
func TestMeasureBlind(t *testing.T) {
	d := &Day{Events: []Event{{Truth: &Truth{Case: "x", Names: []string{"a"}, Find: []string{client}}, Fields: map[string]string{}}}}
	row := func(problem, of string) splunkd.Row {
		return splunkd.Row{"problem": {problem}, "search": {of}}
	}
	s := Measure(d, []Telling{
		{blind, at(1), row("no summaries", client)}, {blind, at(2), row("no summaries", logins)}, {blind, at(25), row("no summaries", client)},
	}, []Played{{Search: client}, {Search: blind, OrdinaryEvents: 1}}, 2)
	require.Equal(t, []int{1, 0, 0, 0}, []int{s.ToFind, s.Found, s.False, s.Twice})
	require.Equal(t, []Blind{{"no summaries", client, 2, at(1), at(25)}, {"no summaries", logins, 1, at(2), at(2)}}, s.Blind)
	require.Empty(t, s.Searches[1].Costs)
	require.Equal(t, 3, s.Searches[1].Told)
	var text strings.Builder
	s.Text(&text)
	require.Contains(t, text.String(), "no summaries")
}
