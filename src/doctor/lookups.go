package doctor

import (
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"tordetect/src/splunkhome"
)

// checkLookups looks at who may write the relay tables, and for tables that landed
// elsewhere: outputlookup and uploads write where the user was, which is not
// always this app.
func (e *exam) checkLookups() (where, fine string) {
	if !e.place.searches {
		return "", ""
	}
	owner := e.splunkUser()
	for _, x := range e.entries {
		if x.name != "lookups" && path.Dir(x.name) != "lookups" {
			continue
		}
		if e.modes() && x.mode&0o002 != 0 && x.mode&os.ModeSymlink == 0 {
			e.add(Error, x.name, "chmod o-w "+e.path(x.name), "every user of this machine can write it: whoever can write the relay list decides what is found")
		}
		if owner >= 0 && x.uid >= 0 && x.uid != owner && owner != 0 {
			switch {
			case x.mode.IsDir() && x.mode&0o022 == 0:
				e.add(Error, x.name, "chown -R "+userName(owner)+" "+e.path(x.name), "the folder belongs to %s, so Splunk, which runs as %s, cannot write lookups", userName(x.uid), userName(owner))
			case x.mode.IsRegular() && isTable(path.Base(x.name)):
				e.add(Warning, x.name, "chown "+userName(owner)+" "+e.path(x.name), "the table belongs to %s and Splunk runs as %s: it may not be able to renew it", userName(x.uid), userName(owner))
			}
		}
		if x.mode.IsRegular() && e.modes() && x.mode&0o400 == 0 {
			e.add(Error, x.name, "chmod u+rw "+e.path(x.name), "not even its owner can read it")
		}
	}
	if c, ok := e.conf("transforms").Get("tor_relays", "filename"); ok && c.Text != path.Base(listFile) {
		e.add(Error, c.File, "remove filename from [tor_relays] in it", "the lookup tor_relays is the file %s, but the command tordetect reads %s: updates never reach it", c.Text, path.Base(listFile))
	}
	e.strays()
	return "", "the relay tables are in this app alone, and not everyone's to write"
}

func isTable(name string) bool {
	return strings.HasPrefix(name, "tor_relays") && (strings.HasSuffix(name, ".csv") || strings.HasSuffix(name, ".csv.gz"))
}

// strays looks for relay tables in other apps, and in users' own folders.
func (e *exam) strays() {
	if !e.place.others {
		return
	}
	_, have := e.find(listFile)
	places := slices.Clone(e.others)
	users := filepath.Join(e.home, "etc", "users")
	left := maxUserApps
	for _, user := range e.folders(users, maxUsers) {
		apps := e.folders(filepath.Join(users, user), min(maxApps, left))
		left -= len(apps)
		for _, app := range apps {
			places = append(places, filepath.Join(users, user, app))
		}
	}
	var strays []string
	for _, place := range places {
		for _, file := range e.tables(filepath.Join(place, "lookups")) {
			strays = append(strays, e.show(file))
		}
	}
	if len(strays) > 0 {
		severity, what := Warning, "a relay list outside of this app: tordetect does not read it, and it may hide ours from searches there"
		if !have {
			severity, what = Error, "the relay list is not in this app but here, where tordetect does not read it"
		}
		e.add(severity, some(strays), "delete it in Settings, Lookups, Lookup table files, and run the update in the app Tor Detect, not in another one", "%s", what)
	}
	for _, app := range e.others {
		c := e.confOf(app, "transforms", func(key string) bool { return key == "filename" })
		for _, name := range []string{"tor_relays", "tor_relays_history"} {
			if s, ok := c.Get(name, "filename"); ok && c.Has(name) {
				e.add(Warning, s.File, "rename the definition there", "another app defines the lookup %s too: searches there read and write that one", name)
			}
		}
	}
}

// tables are the relay tables in a folder.
func (e *exam) tables(folder string) []string {
	entries, err := os.ReadDir(folder)
	e.missed(folder, err)
	var found []string
	for _, x := range entries {
		if isTable(x.Name()) {
			found = append(found, filepath.Join(folder, x.Name()))
		}
	}
	return found
}

// checkPermissions looks at metadata/: who may read, write and run what. What
// default.meta says is right; local.meta is what somebody clicked.
func (e *exam) checkPermissions() (where, fine string) {
	meta := e.meta()
	access := func(stanzas ...string) (splunkhome.Setting, string) {
		for _, stanza := range append(stanzas, "") {
			if s, ok := meta.Stanzas[stanza]["access"]; ok {
				return s, stanza
			}
		}
		return splunkhome.Setting{}, ""
	}
	if s, stanza := access("commands/torupdate", "commands"); mayAll(s.Text, "read") {
		e.add(Warning, s.File, "set read : [ admin, sc_admin ] for the command torupdate", "[%s] lets everyone run torupdate, which reaches the network and writes what is found", stanza)
	}
	for _, name := range []string{splunkhome.Table, splunkhome.History} {
		if s, stanza := access("lookups/"+name, "lookups"); mayAll(s.Text, "write") {
			e.add(Warning, s.File, "give write permission on the lookup to admin only (Settings, Lookups)", "[%s] lets everyone write the lookup %s: whoever can write it decides what is found", stanza, name)
		}
	}
	for _, stanza := range []string{"lookups/" + splunkhome.Table, "transforms/tor_relays", "commands/tordetect"} {
		if s, ok := meta.Stanzas[stanza]["access"]; ok && s.Text != "" && !mayAll(s.Text, "read") {
			e.add(Warning, s.File, "give read permission to everyone", "[%s] is not for everyone to read: others' searches fail or find less, and a lookup may not reach the indexers", stanza)
		}
	}
	for stanza, pairs := range meta.Stanzas {
		kind, name, _ := strings.Cut(stanza, "/")
		if kind == "macros" && name != "" && !strings.HasPrefix(name, "tordetect_") && pairs["export"].Text == "system" && e.layer("default", "macros").Has(name) {
			e.add(Warning, pairs["export"].File, "share that macro with this app only (Settings, Advanced search, Search macros)", "the macro %s is exported: it takes the place of ESCU's or CIM's in apps that have none of their own", name)
		}
	}
	for _, stanza := range []string{"commands", "commands/tordetect"} {
		if s, ok := meta.Stanzas[stanza]["export"]; ok && s.Text == "none" {
			e.add(Warning, s.File, "set export = system", "[%s] is not exported: the command exists in this app only", stanza)
		}
	}
	fine = "torupdate is for administrators, the lookups are not everyone's to write"
	switch asks := e.asksOutputlookup(); {
	case asks == nil:
	case *asks:
		fine += ", and outputlookup asks for that"
	default:
		fine += "; but outputlookup does not ask for that where nobody set it (manual, The relay list)"
	}
	return "metadata", fine
}

// asksOutputlookup reports whether outputlookup heeds who may write our lookups; nil
// where that cannot be known. It takes two settings, of which an app may ship only
// one (limits.conf.spec, outputlookup_check_permission; transforms.conf.spec,
// check_permission), so that where only one is set it was meant.
func (e *exam) asksOutputlookup() *bool {
	if e.place.name != placeApp.name {
		return nil
	}
	transforms := e.conf("transforms")
	limit := e.global("limits").Is("search", "outputlookup_check_permission", false)
	stanza := transforms.Is("tor_relays", "check_permission", false)
	switch {
	case limit && !stanza:
		e.add(Note, "local/transforms.conf", "set check_permission = true under [tor_relays] in it", "limits.conf has outputlookup check permissions, but the lookup tor_relays does not ask for it: whoever can search can overwrite the relay list")
	case stanza && !limit:
		e.add(Note, "local/transforms.conf", "set outputlookup_check_permission = true under [search] in limits.conf", "check_permission of the lookup tor_relays does nothing, as limits.conf does not turn it on: whoever can search can overwrite the relay list")
	}
	asks := limit && stanza
	return &asks
}

// mayAll reports whether an access line gives a right to everyone. Such a line is
// "read : [ * ], write : [ admin, power ]".
func mayAll(access, right string) bool {
	_, rest, found := strings.Cut(strings.ReplaceAll(access, " ", ""), right+":[")
	roles, _, _ := strings.Cut(rest, "]")
	return found && slices.Contains(strings.Split(roles, ","), "*")
}
