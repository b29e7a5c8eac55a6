package relaylist

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"time"

	"tordetect/src/bounded"
	"tordetect/src/flow"
	"tordetect/src/relay"
	"tordetect/src/text"
)

// addTable adds the table that is there already. No table is no error: the first
// one is made then. renew says what to do about a file that is no table at all, an
// empty one or a page of HTML: nothing in it is ours.
func (im *importer) addTable(path string, renew bool) error {
	text, err := bounded.File(path, relay.MaxTableBytes)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("read the table %s: %w", path, err)
	}
	name := filepath.Base(path)
	added, err := im.merger.AddTable(string(text), latestCovered(im.now))
	switch {
	case renew && errors.Is(err, relay.ErrNotATable):
		im.warnOnce(fmt.Sprintf("The lookup %s was no relay list: a new one is begun.", name))
	case err != nil:
		return fmt.Errorf("read the table %s: %w; move it away to begin a new one", path, err)
	case added.Unsound:
		im.warnOnce(fmt.Sprintf("The table %s was cut or damaged: its rows were taken as far as they can be read, %d of %d, but not what it says of its lists' times.", name, added.Rows-added.Skipped, added.Rows))
	case added.Skipped > 0:
		im.warnOnce(fmt.Sprintf("The table %s had unreadable rows, %d of %d, which are lost: what they listed is no longer found. Somebody edited the table; the lists of those times bring it back.", name, added.Skipped, added.Rows))
	}
	if added.Ahead != 0 {
		im.warnOnce("The table " + name + aheadOf(im.now, added.Ahead) + " What it says of its lists' times does not count.")
	}
	return nil
}

// warnOnce warns of a table, which may be read twice.
func (im *importer) warnOnce(text string) {
	if !slices.Contains(im.out.Warnings, text) {
		im.out.Warnings = append(im.out.Warnings, text)
	}
}

// latestCovered is the last moment that the coverage of a table may reach.
func latestCovered(now time.Time) int64 { return now.Add(relay.MaxAhead).Unix() }

// Ahead says in a sentence that a table claims lists of the future, or nothing. As
// long as such a claim counts, every real list is older than the newest one.
func Ahead(t *relay.Table, now time.Time) string {
	latest := int64(0)
	for _, all := range [][]flow.Interval{t.Lists(), t.ExitLists()} {
		for _, iv := range all {
			latest = max(latest, iv.To)
		}
	}
	if latest <= latestCovered(now) {
		return ""
	}
	return "The table" + aheadOf(now, latest)
}

func aheadOf(now time.Time, moment int64) string {
	return fmt.Sprintf(" says that lists were read until %s, %d hours ahead of this machine's clock: that is damage, or the clock is wrong.",
		text.Time(moment), (moment-now.Unix())/3600)
}
