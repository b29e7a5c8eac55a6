package doctor

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// checkFiles looks at modes and owners of all that the app has.
func (e *exam) checkFiles() (where, fine string) {
	if e.truncated {
		e.add(Warning, "", "look what fills the app's folder", "the app has more than %d files; the rest was not looked at", maxEntries)
	}
	var open, unreadable, elsewhere, foreign []string
	owner := e.splunkUser()
	for _, x := range e.entries {
		if x.mode&fs.ModeSymlink != 0 {
			continue // its own mode says nothing
		}
		inLookups := x.name == "lookups" || strings.HasPrefix(x.name, "lookups/")
		if e.modes() {
			if x.mode&0o002 != 0 && x.mode&fs.ModeSticky == 0 && !inLookups {
				open = append(open, x.name)
			}
			if x.mode&0o400 == 0 || x.mode.IsDir() && x.mode&0o100 == 0 {
				unreadable = append(unreadable, x.name)
			}
			if x.mode.IsRegular() && x.mode&0o111 != 0 && path.Dir(x.name) != "bin" {
				elsewhere = append(elsewhere, x.name)
			}
		}
		if owner >= 0 && x.uid >= 0 && x.uid != owner && !inLookups {
			foreign = append(foreign, x.name)
		}
	}
	if len(open) > 0 {
		e.add(Error, some(open), "chmod -R o-w "+e.app, "every user of this machine can write %d files and folders of the app: what Splunk runs and finds is theirs to decide", len(open))
	}
	if len(unreadable) > 0 {
		e.add(Error, some(unreadable), "chmod -R u+rX "+e.app, "not even the owner can read it")
	}
	if len(elsewhere) > 0 && e.place.name == placePackage.name {
		e.add(Warning, some(elsewhere), "build the package anew with ./build.sh package", "files outside of bin/ are executable, which Splunk Cloud refuses")
	}
	if len(foreign) > 0 {
		e.add(Warning, some(foreign), "chown -R "+userName(owner)+" "+e.app, "Splunk's own apps belong to %s, but this does not: Splunk cannot change its settings, and an update from the web fails", userName(owner))
	}
	for _, name := range []string{"default/commands.conf", "default/savedsearches.conf", "default/macros.conf", "default/transforms.conf", "metadata/default.meta"} {
		if _, found := e.find(name); !found && e.place.complete {
			e.add(Error, name, "install the package anew", "the file is missing: the app was unpacked only in part")
		}
	}
	for _, name := range []string{"lookups", "local", "metadata/local.meta"} {
		i := slices.IndexFunc(e.entries, func(x entry) bool { return x.name == name || strings.HasPrefix(x.name, name+"/") })
		if i >= 0 && e.place.name == placePackage.name {
			e.add(Error, e.entries[i].name, "build the package anew with ./build.sh package", "a package must not hold it: an update would overwrite what the site has set or learned")
		}
	}
	return "", fmt.Sprintf("%d files and folders, none that others can write", len(e.entries))
}

// modes reports whether modes mean anything here.
func (e *exam) modes() bool { return e.OS != "windows" || e.place.name == placePackage.name }

// splunkUser is whom Splunk's files belong to, so presumably who runs it; -1 where
// that is not known. The folder of all apps is Splunk's own to change.
func (e *exam) splunkUser() int {
	if e.home == "" || !e.place.others {
		return -1
	}
	info, err := os.Stat(filepath.Dir(e.app))
	if err != nil {
		return -1
	}
	return userOf(info)
}

// checkLeftovers looks for what older versions, editors and unpackers left.
func (e *exam) checkLeftovers() (where, fine string) {
	var strange, rubbish, old []string
	known := map[string]bool{}
	for _, l := range e.launchers() {
		known[l.file] = true
		for _, p := range l.programs() {
			known[p] = true
		}
	}
	for _, x := range e.entries {
		base := path.Base(x.name)
		switch {
		case x.name == ".":
		case isRubbish(base):
			rubbish = append(rubbish, x.name)
		case path.Dir(x.name) == "." && strings.HasPrefix(base, "default.old"):
			old = append(old, x.name)
		case path.Dir(x.name) == "bin" && !known[x.name] && len(known) > 0 && !e.isOurProgram(base):
			strange = append(strange, x.name)
		case path.Dir(x.name) == "lookups" && strings.HasPrefix(base, ".tor_relays"):
			old = append(old, x.name)
		}
	}
	if len(strange) > 0 {
		e.add(Note, some(strange), "remove them if nobody here needs them", "no command starts these: they are left from another version, and go to the indexers with the bundle")
	}
	if len(rubbish) > 0 {
		e.add(Note, some(rubbish), "remove them", "copies and leavings of editors or unpackers")
	}
	if len(old) > 0 {
		e.add(Note, some(old), "remove them", "left from an update that was cut off or done")
	}
	return "", "nothing is left of other versions"
}

// isOurProgram knows the package's own files in bin/, which local/commands.conf
// may leave without use.
func (e *exam) isOurProgram(base string) bool {
	return slices.Contains([]string{"tordetect.sh", "torrelays.sh", "torupdate.sh"}, base) ||
		strings.HasPrefix(base, "tordetect-linux-") || strings.HasPrefix(base, "torrelays-linux-")
}

func isRubbish(base string) bool {
	return strings.HasSuffix(base, "~") || strings.HasPrefix(base, "._") || base == ".DS_Store" || base == "__MACOSX" ||
		slices.Contains([]string{".bak", ".orig", ".rej", ".swp", ".pyc", ".tmp"}, path.Ext(base))
}
