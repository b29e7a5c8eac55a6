package command

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"time"

	"tordetect/src/flow"

	"tordetect/src/relay"
)

// tables keeps the relay table of a run: it is opened when the first row asks,
// and joined by the history when a row is older than it.
type tables struct {
	folder string // the app's lookups
	name   string

	table     *relay.Table
	absent    error // why there is no table; nil if there is one
	historied bool
	old       error // why the history could not be read

	// Of the table itself, before the history joined it.
	cut           bool
	skipped, rows int
}

// maxListAge is how old the newest list may be for require_list: the day for
// which a client may use a consensus after its end.
const maxListAge = relay.RecentWindow * time.Second

// open reads the table once. Without one the built-in list stays.
func (t *tables) open() *relay.Table {
	if t.table == nil {
		t.table, t.absent = relay.Open(filepath.Join(t.folder, t.name))
		if t.absent != nil {
			t.table = relay.Empty()
		}
		t.cut, t.skipped, t.rows = !t.table.Complete, t.table.Skipped, t.table.Rows
	}
	return t.table
}

// at returns the table that can judge a row of that time.
func (t *tables) at(when flow.Interval, dated bool) *relay.Table {
	table := t.open()
	if dated && !t.historied && t.absent == nil {
		if oldest, ok := table.Oldest(); ok && when.From < oldest {
			t.historied = true
			err := table.ExtendFile(filepath.Join(t.folder, historyOf(t.name)))
			switch {
			case err != nil && !errors.Is(err, fs.ErrNotExist):
				t.old = err
			case !t.cut && !table.Complete:
				t.old = errors.New("it was cut")
			}
		}
	}
	return table
}

// historyOf names the history that goes with a table.
func historyOf(name string) string { return strings.TrimSuffix(name, ".csv") + "_history.csv" }

// maxListAhead is how far ahead of the clock a list may end: it holds for three
// hours, and clocks are not all right. What ends later was not written by Tor.
const maxListAhead = 24 * time.Hour

// require fails where rows would be judged blindly: by a list that ended long
// before the time that is asked about, or that claims to be of the future.
func (t *tables) require(at, now time.Time) error {
	table := t.open()
	newest, ok := table.Newest()
	switch {
	case errors.Is(t.absent, fs.ErrNotExist):
		return fmt.Errorf("require_list: the relay list %s is missing: run the search Update the Tor relay list, or import a list", t.name)
	case t.absent != nil:
		return fmt.Errorf("require_list: the relay list %s cannot be read: %v: run the search Update the Tor relay list", t.name, t.absent)
	case !ok:
		return fmt.Errorf("require_list: the relay list %s was cut or damaged, or says for no hour that a consensus was read: run the search Update the Tor relay list", t.name)
	}
	if table.Relays() == 0 {
		return fmt.Errorf("require_list: the relay list %s holds no relay: run the search Update the Tor relay list", t.name)
	}
	ended := time.Unix(newest, 0)
	if at.Sub(ended) > maxListAge {
		return fmt.Errorf("require_list: the relay list %s ended at %s, more than 24 hours before %s: run the search Update the Tor relay list",
			t.name, clock(newest), clock(at.Unix()))
	}
	if ended.Sub(now) > maxListAhead {
		return fmt.Errorf("require_list: the relay list %s says that it holds until %s, which is more than a day ahead of this machine's clock: check the clock, and who may write the list",
			t.name, clock(newest))
	}
	return nil
}

// warnings says what is wrong with the table, if it was opened.
func (t *tables) warnings() []string {
	if t.table == nil {
		return nil
	}
	var out []string
	switch {
	case errors.Is(t.absent, fs.ErrNotExist):
		out = append(out, fmt.Sprintf("The relay list %s is missing, so only directory authorities and default bridges are known and other rows cannot be checked. Run the search Update the Tor relay list.", t.name))
	case t.absent != nil:
		out = append(out, fmt.Sprintf("The relay list %s cannot be read: %v. Run the search Update the Tor relay list.", t.name, t.absent))
	case t.cut:
		out = append(out, fmt.Sprintf("The relay list %s was cut or damaged: its rows are used, but what is not in it cannot be told to be no relay. Run the search Update the Tor relay list.", t.name))
	}
	if t.skipped > 0 {
		out = append(out, fmt.Sprintf("The relay list %s has unreadable rows, %d of %d; they were skipped. Run the search Update the Tor relay list.", t.name, t.skipped, t.rows))
	}
	if t.old != nil {
		out = append(out, fmt.Sprintf("The relay history %s cannot be read: %v. Rows older than the relay list cannot be checked.", historyOf(t.name), t.old))
	}
	return out
}
