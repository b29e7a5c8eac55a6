package relaylist

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"tordetect/src/flow"

	"tordetect/src/relay"
)

// AddTable adds the table that is there already. No table is no error: the first
// import makes one.
func (im *Importer) AddTable(path string) error {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("read the table: %w", err)
	case !info.Mode().IsRegular():
		return fmt.Errorf("read the table: %s is not a file", path)
	case info.Size() > relay.MaxTableBytes:
		return fmt.Errorf("read the table: %s has %d bytes; the limit is %d", path, info.Size(), relay.MaxTableBytes)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("read the table: %w", err)
	}
	if err := im.addTable(filepath.Base(path), string(text)); err != nil {
		return fmt.Errorf("read the table %s: %w; move it away to begin a new one", path, err)
	}
	return nil
}

// AddTableText is AddTable for a table in memory.
func (im *Importer) AddTableText(text string) error { return im.addTable("", text) }

func (im *Importer) addTable(name, text string) error {
	ahead, err := im.Merger.AddTableUntil(text, latestCovered(im.now))
	if err != nil {
		return err
	}
	if warning := aheadOf(im.now, ahead); ahead != 0 {
		warning = strings.TrimSpace("The table "+name) + warning + " What it says of its lists' times does not count."
		if !slices.Contains(im.Warnings, warning) { // it may be read twice
			im.Warnings = append(im.Warnings, warning)
		}
	}
	return nil
}

// maxCoveredAhead is how far the coverage of a table may be ahead of the clock: a
// list of 15 minutes ahead that holds for three hours, and room for networks whose
// lists hold longer, and for clocks. What is behind it was never a list.
const maxCoveredAhead = 24 * time.Hour

func latestCovered(now time.Time) int64 { return now.Add(maxCoveredAhead).Unix() }

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
		clock(moment), (moment-now.Unix())/3600)
}
