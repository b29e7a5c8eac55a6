package doctor

import (
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"tordetect/src/splunkhome"
	"tordetect/src/text"
)

// siteMacros are the macros that a site is asked to set, beside those that end in
// _filter or _config.
var siteMacros = []string{internalMacro, "tordetect_summaries", updateOptions,
	"tordetect_tls_events", "tordetect_dns_events", "tordetect_snowflake_names"}

func meantToChange(macro string) bool {
	return strings.HasSuffix(macro, "_filter") || strings.HasSuffix(macro, "_config") || slices.Contains(siteMacros, macro)
}

// checkLocal looks at what local/ puts over default/: it outlives every update, and
// what it names may have gone.
func (e *exam) checkLocal() (where, fine string) {
	if _, found := e.find("local"); !found {
		return "", ""
	}
	e.localSearches()
	local, def := e.layer("local", "macros"), e.layer("default", "macros")
	for _, name := range local.Names() {
		s, ok := local.Stanzas[name]["definition"]
		switch {
		case !ok:
		case !def.Has(name):
			if strings.HasPrefix(name, "tordetect_") {
				e.add(Note, s.File, "remove it if no search of yours uses it", "the macro %s is no longer one of this app", name)
			}
		case s.Text == "":
			e.add(Error, s.File, "give it a definition, or delete it there", "the macro %s is empty: the searches with it fail", name)
		case name == updateOptions:
			e.checkUpdateOptions(s.File, s.Text)
		case meantToChange(name), s.Text == def.Text(name, "definition"):
		default:
			e.add(Note, s.File, "compare it with the one in default/macros.conf after each update", "the macro %s is changed here: updates of this app do not change it any more", name)
		}
	}
	for _, x := range e.in("local/data/ui/views") {
		name := strings.TrimPrefix(x.name, "local/")
		if _, found := e.find("default/" + name); found {
			e.add(Note, x.name, "compare it with default/"+name+" after each update, or delete it", "the dashboard is a copy of your own: updates do not change it any more")
		}
	}
	if x, found := e.find("local/" + splunkhome.Proxy); found && e.modes() && x.mode&0o077 != 0 {
		e.add(Error, x.name, "chmod 600 "+e.path(x.name), "others than Splunk can read the proxy's password in it, so torupdate refuses it")
	}
	commands := e.layer("local", "commands")
	for _, name := range commands.Names() {
		if len(commands.Stanzas[name]) > 0 && !e.layer("default", "commands").Has(name) {
			e.add(Note, "local/commands.conf", "remove it if nobody uses it", "the command %s is not one of this app", name)
		}
	}
	e.wideMacros()
	return "local", "nothing in it hides what it should not"
}

// internalMacro names the networks whose traffic among themselves is left out.
const internalMacro = "tordetect_internal"

// wideMacros looks for settings that leave out nearly everything: whoever may set a
// macro can hide with it, and a slip does the same.
func (e *exam) wideMacros() {
	local := e.layer("local", "macros")
	for _, entry := range strings.FieldsFunc(local.Text(internalMacro, "definition"), func(r rune) bool { return strings.ContainsRune(` ,"`, r) }) {
		prefix, err := netip.ParsePrefix(entry)
		if strings.Contains(entry, "*") || err == nil && prefix.Bits() < widest(prefix) {
			e.add(Warning, "local/macros.conf", "name the networks of your site only", "the macro %s has %q: traffic with nearly every address counts as inside, and is not searched", internalMacro, text.Foreign(entry))
		}
	}
	for _, name := range local.Names() {
		if definition := local.Text(name, "definition"); strings.HasSuffix(name, "_filter") && leavesOutAll.MatchString(definition) {
			e.add(Warning, "local/macros.conf", "name the hosts, users or networks that may use Tor", "the macro %s leaves out all that has a value in a field, whatever it is: its searches find next to nothing", name)
		}
	}
}

// widest is the shortest prefix that a site's network has: 10.0.0.0/8, fc00::/7.
func widest(prefix netip.Prefix) int {
	if prefix.Addr().Is4() {
		return 8
	}
	return 7
}

// leavesOutAll finds NOT field="*", NOT field IN ("*"), and conditions that no row meets.
var leavesOutAll = regexp.MustCompile(`(?i)\bNOT\s*\(?\s*[\w.:"'-]+\s*(=\s*|IN\s*\(([^)|]*,)?\s*)("\*"|\*)(\s|[),|]|$)|\bwhere\s+(false\(\)|1\s*=\s*0|0\s*=\s*1)`)

// updateOptions is the macro of the update's options: its proxy and authorities.
const updateOptions = "tordetect_update_options"

var (
	proxyPassword = regexp.MustCompile(`\bproxy="?[a-z0-9]+://[^/\s"@]*:[^/\s"@]*@`)
	proxyInFile   = regexp.MustCompile(`\bproxy="?file\b`)
	ownAuthority  = regexp.MustCompile(`\bca="?([^\s"]+)`)
)

// checkUpdateOptions looks whether what the options name is there, and whether they
// tell everybody what is not for everybody.
func (e *exam) checkUpdateOptions(file, text string) {
	if proxyPassword.MatchString(text) {
		e.add(Warning, file, "put the URL into local/"+splunkhome.Proxy+" of the app, readable by Splunk's user alone, and write proxy=file", "the macro %s has the password of a proxy, for everybody to read", updateOptions)
	}
	if _, found := e.find("local/" + splunkhome.Proxy); proxyInFile.MatchString(text) && !found {
		e.add(Error, file, "write the proxy's URL into that file, and chmod 600 it", "the macro %s says proxy=file, but there is no local/%s: torupdate fails", updateOptions, splunkhome.Proxy)
	}
	if m := ownAuthority.FindStringSubmatch(text); m != nil {
		if _, found := e.find("lookups/" + m[1]); !found {
			e.add(Error, file, "upload it as a lookup file of this app, or take ca= out", "the macro %s says ca=%s, but there is no such file in lookups: torupdate fails", updateOptions, m[1])
		}
	}
}

func (e *exam) localSearches() {
	local, def := e.layer("local", "savedsearches"), e.layer("default", "savedsearches")
	if len(def.Stanzas) == 0 {
		return // the file is missing, which has been said
	}
	for _, name := range local.Names() {
		search, ok := local.Stanzas[name]["search"]
		switch {
		case !def.Has(name) && !ok:
			e.add(Warning, "local/savedsearches.conf", "remove ["+name+"] from it", "it changes the search %q, which this app does not have (any more)", name)
		case def.Has(name) && ok && search.Text != def.Text(name, "search"):
			e.add(Note, "local/savedsearches.conf", "compare it with default/savedsearches.conf after each update; exceptions belong into the search's filter macro", "the search %q is changed here: updates of this app do not change it any more", name)
		}
	}
}
