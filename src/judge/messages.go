package judge

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"time"

	"tordetect/src/event"
	"tordetect/src/relay"
	"tordetect/src/text"
)

// A Speaker words messages for whoever runs the program.
type Speaker struct {
	Table   string // the name of the table
	Update  string // what to do about an old or missing list
	Zone    string // what to do about times without a zone
	Columns string // what to do about cells that were not found or not read
	NoTime  string // what to do where no time was found; empty: nothing is said of it
	Assumed string // what is said of times without a zone that were taken for UTC; empty: it is said elsewhere
}

// Analyst is the speaker of the search command.
func Analyst(table string) Speaker {
	return Speaker{
		Table:   table,
		Update:  "Run the search Update the Tor relay list.",
		Zone:    "Put tordetect before the macro or convert command that turns times into text.",
		Columns: "Name yours with the options src= or dest=.",
		Assumed: "The time of some events names no zone (Palo Alto writes none), so it was taken for UTC.",
	}
}

// Responder is the speaker of torctl scan, for the table at a path.
func Responder(table string) Speaker {
	return Speaker{
		Table:   filepath.Base(table),
		Update:  "Run torctl relays update.",
		Zone:    "Write times as epoch seconds or with a zone, as in 2026-11-20T09:00:00Z, or name the zone with --zone.",
		Columns: "Give the file a header with one of these names.",
		NoTime:  "Give the file's column such a name.",
	}
}

// maxListAge is how old the newest list may be for require_list: the day for
// which a client may use a consensus after its end.
const maxListAge = relay.RecentWindow * time.Second

// maxListAhead is how far ahead of the clock it may end.
const maxListAhead = relay.MaxAhead

// Require fails where events would be judged blindly: by a list that ended long
// before the time that is asked about, or that claims to be of the future.
func (j *Judge) Require(at, now time.Time, name string) error {
	table, absent := j.network.Table(), j.network.Absent()
	newest, ok := table.Newest()
	switch {
	case errors.Is(absent, fs.ErrNotExist):
		return fmt.Errorf("require_list: the relay list %s is missing: run the search Update the Tor relay list, or import a list", name)
	case absent != nil:
		return fmt.Errorf("require_list: the relay list %s cannot be read: %v: run the search Update the Tor relay list", name, absent)
	case !ok:
		return fmt.Errorf("require_list: the relay list %s was cut or damaged, or says for no hour that a consensus was read: run the search Update the Tor relay list", name)
	}
	if !table.HasRelay() {
		return fmt.Errorf("require_list: the relay list %s holds no relay: run the search Update the Tor relay list", name)
	}
	ended := time.Unix(newest, 0)
	if at.Sub(ended) > maxListAge {
		return fmt.Errorf("require_list: the relay list %s ended at %s, more than 24 hours before %s: run the search Update the Tor relay list",
			name, text.Time(newest), text.Time(at.Unix()))
	}
	if ended.Sub(now) > maxListAhead {
		return fmt.Errorf("require_list: the relay list %s says that it holds until %s, which is more than a day ahead of this machine's clock: check the clock, and who may write the list",
			name, text.Time(newest))
	}
	return nil
}

// Warnings says what somebody should know about the run so far, a sentence or two
// each. last says that no event follows and that rows without an address were not
// meant.
func (j *Judge) Warnings(say Speaker, last bool) []string {
	var out []string
	put := func(form string, args ...any) { out = append(out, fmt.Sprintf(form, args...)) }
	if j.network.Opened() {
		switch absent := j.network.Absent(); {
		case errors.Is(absent, fs.ErrNotExist) && j.network.HasHistory():
			put("The relay list %s is missing, so the history alone is known. %s", say.Table, say.Update)
		case errors.Is(absent, fs.ErrNotExist):
			put("The relay list %s is missing, so only directory authorities and default bridges are known and other rows cannot be checked. %s", say.Table, say.Update)
		case absent != nil:
			put("The relay list %s cannot be read: %v. %s", say.Table, absent, say.Update)
		}
		table, history := j.network.Damage(say.Table)
		for _, sentence := range table {
			out = append(out, sentence+" "+say.Update)
		}
		out = append(out, history...)
	}
	if j.seen.stale {
		put("The relay list %s ends at %s and some rows are newer: they were judged by an old list. %s", say.Table, text.Time(j.seen.staleAfter), say.Update)
	}
	if j.seen.unreadableTime {
		put("The time of some rows has no zone or cannot be read, so it counts as no time%s. %s", example(j.reader.Unread[event.Time], j.reader.Unread[event.First], j.reader.Unread[event.Last]), say.Zone)
	}
	if j.seen.timeless && say.NoTime != "" && j.reader.Unread[event.LogTime] == "" {
		put("Some events have no time, so no list can be asked about them: looked for were _time, %s and the like. %s", names(event.LogTime), say.NoTime)
	}
	if j.reader.Assumed > 0 && say.Assumed != "" {
		out = append(out, say.Assumed)
	}
	if text := j.reader.Unread[event.LogTime]; text != "" {
		put("The time in some events has no zone or cannot be read%s, so it counts as none. %s", example(text), say.Zone)
	}
	for _, c := range unread {
		if text := j.reader.Unread[c.role]; text != "" {
			put("The %s of some rows cannot be read%s, so it counts as none.", c.what, example(text))
		}
	}
	if j.seen.cut {
		put("Some events in _raw are cut, so what stood behind the cut was not judged. Splunk cuts at TRUNCATE in props.conf.")
	}
	if j.seen.several {
		put("Some events in _raw hold several objects, of which the first alone was judged. Have Splunk break them apart, by LINE_BREAKER in props.conf.")
	}
	if last && j.seen.event && !j.seen.end {
		put("No row had an address, so nothing was judged: looked for were %s and the like as the source, and %s and the like as the destination. %s",
			names(event.Source), names(event.Destination), say.Columns)
	}
	return out
}

// unread are the cells of which it is said that they cannot be read, beside times.
var unread = [...]struct {
	role event.Role
	what string
}{
	{event.Source, "address of the source"}, {event.SourcePort, "port of the source"},
	{event.Destination, "address of the destination"}, {event.DestinationPort, "port of the destination"},
}

// names lists a few of the names of a role.
func names(r event.Role) string {
	var out []string
	for _, n := range event.Table()[r].Names[:3] {
		out = append(out, n.Text)
	}
	return strings.Join(out, ", ")
}

// example shows the first of some texts that there is.
func example(texts ...string) string {
	for _, text := range texts {
		if text != "" {
			return fmt.Sprintf(", for example %q", text)
		}
	}
	return ""
}
