package doctor

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"strings"
	"time"

	"tordetect/src/relay"
	"tordetect/src/splunkhome"
	"tordetect/src/text"
)

// The relay tables, below the app.
const (
	listFile    = splunkhome.Lookups + "/" + splunkhome.Table
	historyFile = splunkhome.Lookups + "/" + splunkhome.History
)

// The ages from which on a list is worth a word: those of the search Tor Detect
// is blind, and of require_list=true. A list is renewed hourly and holds for three
// hours.
const (
	ageOld     = 6 * time.Hour
	ageUseless = relay.RecentWindow * time.Second
	// maxAhead is how long a list may hold from now on: it may be dated 15 minutes
	// ahead, and lists of the public network hold three hours.
	maxAhead = 3*time.Hour + 15*time.Minute
	// minCovered is what the first update brings at least.
	minCovered = 20 * time.Hour
)

// renew is what to do where a table is no good.
const renew = "run the search " + updateSearch

// checkList looks at the relay table.
func (e *exam) checkList() (where, fine string) {
	if !e.place.searches {
		return "", ""
	}
	table, err := relay.Open(e.path(listFile))
	switch {
	case errors.Is(err, fs.ErrNotExist) && e.place.name == placeBundle.name:
		e.add(Error, listFile, "on the search head: look at the lookup's permissions (read for everyone), its size, excludeReplicatedLookupSize and the denylists in distsearch.conf", "the relay list did not come with the bundle: this peer finds only what the firewall names itself")
		return "", ""
	case errors.Is(err, fs.ErrNotExist):
		severity := Warning
		if len(e.enabled(true)) > 0 {
			severity = Error
		}
		e.add(severity, listFile, "enable the search Update the Tor relay list and run it once (manual, The relay list)", "there is no relay list yet: only what the firewall names itself can be found")
		return "", ""
	case errors.Is(err, fs.ErrPermission):
		e.add(Warning, listFile, "run this as the user that Splunk runs as", "the relay list cannot be read by you")
		return "", ""
	case err != nil:
		e.add(Error, listFile, "remove it and "+renew, "the relay list cannot be read: %v", err)
		return "", ""
	}
	e.state(listFile, table)
	newest, ok := table.Newest()
	if !ok {
		if table.Complete {
			e.add(Error, listFile, renew, "the relay list says of no hour what it was then")
		}
		return "", ""
	}
	age := e.Now.Sub(time.Unix(newest, 0))
	switch {
	case -age > relay.MaxAhead:
		e.add(Error, listFile, "check the clock; if it is right, look who may write the lookup, remove it and "+renew,
			"the relay list says that it holds until %s, long after this machine's clock: it will not be renewed before then", text.Time(newest))
	case -age > maxAhead:
		e.add(Warning, listFile, "check this machine's clock (timedatectl)", "the newest list holds until %s, %s from now on, but lists hold for three hours: the clock is slow", text.Time(newest), hours(-age))
	case age > ageUseless:
		e.add(Error, listFile, renew+", or find out why it fails (Activity, Jobs)", "the newest list ended at %s, %s ago: the scheduled searches fail, newer relays are not found", text.Time(newest), hours(age))
	case age > ageOld:
		e.add(Warning, listFile, renew+", or find out why it fails (Activity, Jobs)", "the newest list ended at %s, %s ago: newer relays are not found", text.Time(newest), hours(age))
	}
	listed, before := table.ListedAt(newest), table.ListedBefore(newest)
	if listed*2 < before {
		e.add(Error, listFile, "look at the last runs of the search Update the Tor relay list, and at its source", "the newest list has %d relays, less than half of the %d of a day before", listed, before)
	}
	e.exitLists(table, newest)
	lists := table.Lists()
	var covered time.Duration
	for _, l := range lists {
		covered += time.Duration(l.To-l.From) * time.Second
	}
	if covered < minCovered {
		e.add(Note, listFile, "run | torupdate backfill=72h once as the search Update the Tor relay list does, to get the days before", "the relay list covers %s only: older rows have coverage before, and \"none\" means nothing for them", hours(covered))
	}
	if len(lists) > 1 {
		e.add(Note, listFile, "hours of the last three days: | torupdate backfill=72h as the search Update the Tor relay list runs it; older ones: torctl relays import of that time's consensuses", "%s in the relay list's time, the last one from %s to %s: rows of these hours cannot be checked",
			text.Counted(len(lists)-1, "gap"), text.Time(lists[len(lists)-2].To), text.Time(lists[len(lists)-1].From))
	}
	return listFile, text.Counted(listed, "relay") + ", until " + text.Time(newest)
}

// exitLists looks at what a table knows of exits' addresses.
func (e *exam) exitLists(table *relay.Table, newest int64) {
	exits := table.ExitLists()
	what := "there is no list of the addresses that exits use"
	switch {
	case len(exits) == 0:
	case e.Now.Sub(time.Unix(exits[len(exits)-1].To, 0)) > ageUseless:
		if e.Now.Sub(time.Unix(newest, 0)) > ageUseless {
			return // the whole list is old, which has been said
		}
		what = "the newest list of the addresses that exits use ended at " + text.Time(exits[len(exits)-1].To)
	default:
		return
	}
	e.add(Warning, listFile, "use CollecTor, a mirror of it or a folder with exit lists as a source; the others have none", "%s: visitors from exits with another address than their own are not found", what)
}

// state says what is broken in a table.
func (e *exam) state(file string, table *relay.Table) {
	switch {
	case !table.Complete:
		e.add(Error, file, "upload it again, or remove it and "+renew, "the table was cut or damaged: its end row is missing or wrong, so \"not found\" means nothing")
	case table.Skipped > 0:
		e.add(Warning, file, renew, "%d of %d rows cannot be read: somebody edited the table", table.Skipped, table.Rows)
	}
}

// checkHistory looks at the table of the year, which a site may do without.
func (e *exam) checkHistory() (where, fine string) {
	if !e.place.searches || e.place.name == placeBundle.name {
		return "", ""
	}
	info, err := os.Stat(e.path(historyFile))
	if err != nil {
		e.missed(e.path(historyFile), err)
		return "", ""
	}
	if info.Size() > maxHistory {
		e.add(Note, historyFile, "", "the history has %d MB and was not read; a search that looks at old rows reads it each time", info.Size()>>20)
		return "", ""
	}
	table, err := relay.Open(e.path(historyFile))
	if errors.Is(err, fs.ErrPermission) {
		e.missed(e.path(historyFile), err)
		return "", ""
	}
	if err != nil {
		e.add(Error, historyFile, "remove it, and run the search Keep the Tor relay history", "the history cannot be read: %v", err)
		return "", ""
	}
	e.state(historyFile, table)
	newest, ok := table.Newest()
	if !ok {
		return "", ""
	}
	// It is written once a day.
	if age := e.Now.Sub(time.Unix(newest, 0)); age > 2*ageUseless && e.on(historySearch) {
		e.add(Warning, historyFile, "look why the search Keep the Tor relay history fails (Activity, Jobs)", "the history ends at %s, though it is written every day: rows that fall out of the relay list are lost", text.Time(newest))
	}
	return historyFile, "until " + text.Time(newest)
}

// maxClock is how far a file may be ahead of the clock: file servers have clocks
// of their own.
const maxClock = 5 * time.Minute

// checkClock compares the clock with the files and with the release.
func (e *exam) checkClock() (where, fine string) {
	var future []string
	latest := time.Time{}
	for _, x := range e.entries {
		if x.time.Sub(e.Now) > maxClock {
			future = append(future, x.name)
			if x.time.After(latest) {
				latest = x.time
			}
		}
	}
	if len(future) > 0 {
		e.add(Warning, some(future), "check this machine's clock (timedatectl), and the file server's", "files from the future, up to %s: the clock is or was wrong, and Splunk may not notice that they change", text.Time(latest.Unix()))
	}
	var manifest struct{ Info struct{ ReleaseDate string } }
	if json.Unmarshal([]byte(e.read(e.path("app.manifest"), maxScript)), &manifest) == nil {
		released, err := time.Parse(time.DateOnly, manifest.Info.ReleaseDate)
		if err == nil && e.Now.Before(released) {
			e.add(Error, "", "set this machine's clock", "the clock says %s, but the app was released on %s: signatures and ages are judged wrong", text.Time(e.Now.Unix()), manifest.Info.ReleaseDate)
		}
	}
	return "", "no file is from the future"
}

// hours is a duration in words, to the hour.
func hours(d time.Duration) string {
	if d >= 72*time.Hour {
		return text.Counted(int(d.Hours()/24), "day")
	}
	return strings.TrimSpace(text.Counted(int(d.Hours()), "hour"))
}
