// Package whole puts a file in the place of another: whole, or not at all.
//
//	err := whole.Replace("tor_relays.csv", 0o644, func(w io.Writer) error { ... })
//
// The new file is written beside the target, on the same file system, synced and renamed
// over it. A reader meets the old file or the new one; where anything fails, the old one
// stays and nothing lies beside it. When Replace has returned, the new one stays also
// where the power fails: its folder, which holds the name, is synced too.
//
// A program that is killed leaves what it was writing, under a name of its own. As a
// table lies where Splunk copies everything to its indexers, the next Replace of the
// same target takes such a file away when it is a day old.
//
// It follows no links, keeps no second version, and locks nothing: whoever has others
// that write the same target locks it (relaylist.Lock).
package whole

import (
	"os"
	"path/filepath"
	"strings"
	"time"
)

// stale is when a file that was being written is one that somebody left: the longest
// write of ours takes seconds, and clocks of file servers are not always ours.
const stale = 24 * time.Hour

// sweep removes what killed programs left beside a target. What cannot be removed stays.
func sweep(target string, now time.Time) {
	folder, prefix := filepath.Dir(target), "."+filepath.Base(target)
	entries, err := os.ReadDir(folder)
	if err != nil {
		return
	}
	for _, e := range entries {
		number, ours := strings.CutPrefix(e.Name(), prefix)
		if !ours || number == "" || strings.Trim(number, "0123456789") != "" {
			continue
		}
		if info, err := e.Info(); err == nil && info.Mode().IsRegular() && now.Sub(info.ModTime()) > stale {
			_ = os.Remove(filepath.Join(folder, e.Name()))
		}
	}
}
