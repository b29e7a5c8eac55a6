package splunkd

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tordetect/tests/splunkd/spl"
)

// results are rows of hosts: "a b/x" is a, and b with the user x.
func results(words string) *spl.Table {
	table := &spl.Table{Columns: []string{"src", "user"}}
	for _, word := range strings.Fields(words) {
		src, user, _ := strings.Cut(word, "/")
		table.Rows = append(table.Rows, spl.Row{"src": spl.One(src), "user": spl.One(user)})
	}
	return table
}

func TestAlerts(t *testing.T) {
	const alert = "counttype = number of events; relation = greater than; quantity = 0; action.notable = 1; action.escu = 0; action.correlationsearch.enabled = 1; "
	const suppressed = alert + "alert.suppress = 1; alert.suppress.period = 26h; alert.suppress.fields = src"
	h := newHead(t)
	saved(t, h, map[string]string{
		"result":  suppressed + "; alert.digest_mode = 0",
		"two":     suppressed + ", user; alert.digest_mode = 0",
		"digest":  suppressed + "; alert.digest_mode = 1",
		"unset":   suppressed,
		"always":  alert + "alert.digest_mode = 1",
		"three":   strings.Replace(alert, "quantity = 0", "quantity = 2", 1),
		"silent":  "counttype = always",
		"tracked": "counttype = always; alert.track = 1",
		"whole":   alert + "alert.suppress = true; alert.suppress.period = 86400s",
		"nofield": alert + "alert.suppress = true; alert.suppress.period = 86400s; alert.digest_mode = 0",
		"period":  alert + "alert.suppress = true; alert.suppress.fields = src",
		"drops":   "counttype = number of events; relation = drops by",
		"custom":  "counttype = custom",
	})
	type step struct {
		hour int
		in   string
		want string // those told
		held int    // suppressed
	}
	for _, c := range []struct {
		search string
		fields bool
		steps  []step
	}{
		{"result", false, []step{{0, "a b", "a b", 0}, {1, "a b c", "c", 2}, {25, "a c", "", 2}, {26, "a c", "a", 1}, {27, "c", "c", 0}}},
		{"result", true, []step{{0, "a a", "a", 1}}},
		{"two", false, []step{{0, "a/x a/y", "a a", 0}, {1, "a/x a/z a", "a a", 1}}},
		{"digest", false, []step{{0, "a b", "a b", 0}, {1, "c", "", 1}, {25, "d", "", 1}, {26, "e a", "e a", 0}}},
		{"digest", true, []step{{0, "a b", "a b", 0}, {1, "a c", "c", 1}, {26, "a", "a", 0}, {26, "c", "", 1}}},
		{"digest", true, []step{{0, "a a", "a a", 0}}}, // nobody says that a row silences the next
		{"unset", false, []step{{0, "a", "a", 0}, {1, "c", "", 1}}},
		{"always", false, []step{{0, "a", "a", 0}, {1, "a", "a", 0}, {2, "", "", 0}}},
		{"three", false, []step{{0, "a b", "", 0}, {1, "a b c", "a b c", 0}}},
		{"silent", false, []step{{0, "a", "", 0}}},
		{"tracked", false, []step{{0, "a", "a", 0}}},
		{"whole", true, []step{{0, "a", "a", 0}, {23, "b", "", 1}, {24, "b", "b", 0}}},
	} {
		a := &Alerts{App: h.App, DigestFields: c.fields}
		for _, st := range c.steps {
			told, err := a.Trigger(Run{Search: c.search, Start: clock(st.hour, 0)}, results(st.in))
			require.NoError(t, err)
			var got []string
			for _, row := range told.Rows {
				got = append(got, row.Get("src"))
			}
			require.Equal(t, st.want, strings.Join(got, " "), "%s %v at %d", c.search, c.fields, st.hour)
			require.Equal(t, st.held, told.Suppressed, "%s %v at %d", c.search, c.fields, st.hour)
		}
	}
	for search, want := range map[string]string{
		"nofield": "wants alert.suppress.fields", "period": "alert.suppress.period", "drops": "not played", "custom": "not played",
	} {
		_, err := (&Alerts{App: h.App}).Trigger(Run{Search: search}, results("a"))
		require.ErrorContains(t, err, want, search)
	}
}

// One search of a group silences all of it, whatever the fields say.
func TestAlertGroups(t *testing.T) {
	const alert = "action.notable = 1; alert.digest_mode = 0; alert.suppress = 1; alert.suppress.fields = src; alert.suppress.group_name = "
	h := newHead(t)
	saved(t, h, map[string]string{
		"one": alert + "tor; alert.suppress.period = 26h", "two": alert + "tor; alert.suppress.period = 2h", "other": alert + "else; alert.suppress.period = 26h",
	})
	a := &Alerts{App: h.App}
	for _, st := range []struct {
		hour       int
		search, in string
		told, held int
	}{
		{0, "two", "a b", 2, 0}, {1, "one", "c", 0, 1}, {1, "other", "c", 1, 0}, {2, "one", "c", 1, 0}, {3, "two", "d", 0, 1}, {27, "two", "", 0, 0}, {28, "two", "d", 1, 0},
	} {
		told, err := a.Trigger(Run{Search: st.search, Start: clock(st.hour, 0)}, results(st.in))
		require.NoError(t, err)
		require.Equal(t, []int{st.told, st.held}, []int{len(told.Rows), told.Suppressed}, "%+v", st)
	}
}

// Alerts for each result have limits of number and time; what they cut is not remembered, and comes with the next run.
func TestAlertLimits(t *testing.T) {
	h := newHead(t)
	const alert = "action.notable = 1; action.risk = 1; alert.suppress = 1; alert.suppress.period = 26h; alert.suppress.fields = src; alert.digest_mode = "
	saved(t, h, map[string]string{"result": alert + "0", "digest": alert + "1"})
	var words []string
	for i := range 600 {
		words = append(words, fmt.Sprint("h", i))
	}
	all := results(strings.Join(words, " "))
	for _, c := range []struct {
		search    string
		price     time.Duration
		told, cut int
		took      time.Duration
		next      int
	}{
		{"result", 0, 500, 100, 0, 100},
		{"result", 250 * time.Millisecond, 500, 100, 250 * time.Second, 100},
		{"result", 500 * time.Millisecond, 300, 300, 300 * time.Second, 300},
		{"digest", 500 * time.Millisecond, 600, 0, time.Second, 0},
	} {
		a := &Alerts{App: h.App, Price: c.price}
		told, err := a.Trigger(Run{Search: c.search, Start: midnight}, all)
		require.NoError(t, err)
		require.Equal(t, []any{c.told, c.cut, c.took}, []any{len(told.Rows), told.Cut, told.Took}, "%+v", c)
		told, err = a.Trigger(Run{Search: c.search, Start: clock(1, 0)}, all)
		require.NoError(t, err)
		require.Equal(t, c.next, len(told.Rows), "%+v", c)
		require.Equal(t, 600-c.next, told.Suppressed)
	}
}
