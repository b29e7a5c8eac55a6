package doctor

import (
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"tordetect/src/splunkhome"
	"tordetect/src/text"
)

// escuSearch is the search of Enterprise Security Content Update that our TOR
// Traffic derives from; escuID is its detection id. Both enabled make two findings
// of one flow.
const (
	escuSearch = "ESCU - TOR Traffic - Rule"
	escuID     = "ea688274-9c06-4473-b951-e4cb7a5d7a45"
)

// labelSearch knows a search that asks the data model for the firewall's label tor.
var labelSearch = regexp.MustCompile(`(?i)\bAll_Traffic\.app\s*(=|IN\s*\()\s*"?tor"?\b`)

// checkOthers looks at the apps beside: those that bring the same command, macro or
// detection.
func (e *exam) checkOthers() (where, fine string) {
	if !e.place.others {
		return "", ""
	}
	for _, app := range e.others {
		e.sameCommands(app)
		e.sameMacros(app)
		e.sameSearches(app)
	}
	if len(e.others) == 0 {
		return "", ""
	}
	return "etc/apps", text.Counted(len(e.others), "other app") + ", none of which does the same"
}

// sameCommands looks for a second copy of this app, under whatever name.
func (e *exam) sameCommands(app string) {
	c := e.confOf(app, "commands", func(key string) bool { return key == "filename" || key == "disabled" })
	for _, command := range commands {
		if c.Has(command.name) {
			e.add(Warning, e.show(app), "remove the app there if it is an older copy of Tor Detect", "another app brings the command %s too: in other apps than these two it is not certain which one runs", command.name)
			return
		}
	}
}

// sameMacros compares macros of the same name. Each app sees its own ones first, so
// a second definition changes nothing by itself; but exceptions that a site wrote
// into one are not in the other.
func (e *exam) sameMacros(app string) {
	keep := func(key string) bool { return key == "definition" }
	theirs := e.confOf(app, "macros", keep)
	ours := e.conf("macros")
	var names []string
	for name := range ours.Stanzas {
		if theirs.Has(name) && name != splunkhome.GlobalStanza {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		their, _ := theirs.Get(name, "definition")
		our, _ := ours.Get(name, "definition")
		switch {
		case strings.HasPrefix(name, "tordetect_"):
			e.add(Warning, their.File, "rename the macro there", "another app defines our macro %s: searches there, and where that one is exported also elsewhere, use it", name)
		case strings.Join(strings.Fields(their.Text), " ") == strings.Join(strings.Fields(our.Text), " "):
		case strings.HasSuffix(name, "_filter"):
			e.add(Warning, their.File, "make the same exceptions in the macro "+name+" of Tor Detect", "the macro %s is another there: its exceptions do not hold for our search, which uses the one of this app", name)
		default:
			e.add(Note, their.File, "if you changed it on purpose, change it in Tor Detect too", "the macro %s is another there; our searches use the one of this app", name)
		}
	}
}

// sameSearches looks for enabled searches that find the same as ours.
func (e *exam) sameSearches(app string) {
	c := e.confOf(app, "savedsearches", func(key string) bool {
		return key == "disabled" || key == "search" || key == "enableSched" || key == "action.correlationsearch.metadata"
	})
	var names []string
	for name := range c.Stanzas {
		if name != splunkhome.GlobalStanza && c.Is(name, "enableSched", false) && !c.Is(name, "disabled", false) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		search, _ := c.Get(name, "search")
		same := name == escuSearch || strings.Contains(c.Text(name, "action.correlationsearch.metadata"), escuID) ||
			labelSearch.MatchString(search.Text)
		if !same || !e.on(labelledSearch) {
			continue
		}
		e.add(Warning, search.File, "disable one of the two (Settings, Searches, app "+filepath.Base(app)+")", "the search %q is enabled there and %s here: each flow becomes two findings with twice the risk", name, labelledSearch)
	}
}
