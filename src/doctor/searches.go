package doctor

import (
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"tordetect/src/splunkhome"
	"tordetect/src/text"
)

// The searches that serve the others.
const (
	updateSearch  = "Update the Tor relay list"
	historySearch = "Keep the Tor relay history"
	healthSearch  = "Tor Detect is blind"
	// labelledSearch reads summaries or raw events, as the macro summariesonly_config says.
	labelledSearch = "TOR Traffic"
)

// on reports whether a search of this app runs by the clock.
func (e *exam) on(name string) bool {
	c := e.conf("savedsearches")
	return c.Has(name) && !c.Is(name, "disabled", false) && c.Is(name, "enableSched", false)
}

// enabled are the searches of this app that run by the clock; the detections alone
// if asked for.
func (e *exam) enabled(detections bool) []string {
	var names []string
	for _, name := range e.layer("default", "savedsearches").Names() {
		if e.on(name) && !(detections && (name == updateSearch || name == historySearch || name == healthSearch)) {
			names = append(names, name)
		}
	}
	return names
}

// checkSearches looks at which searches run, and whether those run that the others
// live by.
func (e *exam) checkSearches() (where, fine string) {
	if e.place.name != placeApp.name {
		return "", ""
	}
	const file = "local/savedsearches.conf"
	detections := e.enabled(true)
	if len(detections) > 0 && !e.on(updateSearch) {
		e.add(Warning, file, "enable the search "+updateSearch+", unless you renew the list in another way", "%s enabled (%s), but the search %s is not: the relay list grows old", text.Counted(len(detections), "detection"), some(detections), updateSearch)
	}
	if len(detections) > 0 && !e.on(healthSearch) {
		e.add(Warning, file, "enable the search "+healthSearch, "%s enabled, but the search %s is not: nobody is told when they cannot see", text.Counted(len(detections), "detection"), healthSearch)
	}
	if e.on(historySearch) && !e.on(updateSearch) {
		e.add(Note, file, "enable the search "+updateSearch, "the history is kept, but the relay list is not renewed")
	}
	if on := e.enabled(false); len(on) > 0 {
		return "", "enabled: " + strings.Join(on, ", ")
	}
	return "", "all are disabled, as installed"
}

// checkModel looks for the data model that the detections read, and whether it is
// accelerated.
func (e *exam) checkModel() (where, fine string) {
	if !e.place.others || e.home == "" || len(e.enabled(true)) == 0 {
		return "", ""
	}
	models := map[string]bool{}
	for _, name := range e.enabled(true) {
		search := e.conf("savedsearches").Text(name, "search")
		for _, model := range []string{"Network_Traffic", "Authentication"} {
			if strings.Contains(search, "datamodel="+model) {
				models[model] = true
			}
		}
	}
	accelerated := e.global("datamodels")
	for _, model := range []string{"Network_Traffic", "Authentication"} {
		if !models[model] {
			continue
		}
		found := false
		for _, app := range append(e.others, e.app) {
			for _, folder := range []string{"default", "local"} {
				found = found || regular(filepath.Join(app, folder, "data", "models", model+".json"))
			}
		}
		switch {
		case !found:
			e.add(Error, "etc/apps", "install the add-on Splunk Common Information Model (Splunk_SA_CIM)", "no app has the data model %s, which enabled searches read", model)
		case !accelerated.Is(model, "acceleration", false):
			e.add(Warning, "etc/apps", "accelerate it (Settings, Data models). Without acceleration set the macro summariesonly_config to false and the window of "+labelledSearch+" to -70m@m, both together, and change the macro tordetect_summaries for the others", "the data model %s is not accelerated: searches that read summaries only find nothing", model)
		}
	}
	e.rawWindow()
	return "etc/apps", "the data models that the enabled searches read are there and accelerated"
}

// rawWindow looks for the one of two settings that goes with the other: without summaries the search that may read raw
// events has to look back for an hour only.
func (e *exam) rawWindow() {
	begin := e.conf("savedsearches").Text(labelledSearch, "dispatch.earliest_time")
	if !e.on(labelledSearch) || e.conf("macros").Is("summariesonly_config", "definition", false) || back(begin) <= maxRawWindow {
		return
	}
	e.add(Warning, "local/macros.conf", "set it to true where the data model is accelerated, else set dispatch.earliest_time of the search to -70m@m", "the macro summariesonly_config is not true, and %s looks back to %s: each of its runs reads all of that as raw events", labelledSearch, begin)
}

// back is how far a time modifier such as -1525m@m lies back; 0 where it says otherwise.
func back(modifier string) time.Duration {
	m := backward.FindStringSubmatch(modifier)
	if m == nil {
		return 0
	}
	n, err := strconv.Atoi(m[1])
	if err != nil {
		return 0
	}
	return time.Duration(n) * map[string]time.Duration{"s": time.Second, "m": time.Minute, "h": time.Hour, "d": 24 * time.Hour}[m[2]]
}

var backward = regexp.MustCompile(`^-([0-9]{1,6})([smhd])[a-z]*(@[a-z]+)?$`)

// checkCluster looks for what goes wrong in a search head cluster only.
func (e *exam) checkCluster() (where, fine string) {
	mode := e.conf("app").Text("shclustering", "deployer_lookups_push_mode")
	const keep = "always_preserve"
	if e.place.name == placeDeployer.name {
		if files := e.in("lookups"); len(files) > 0 {
			e.add(Error, "lookups", "remove the folder from the deployer's copy", "the deployer must not have lookups of this app: it would put them in the place of what the members keep between them")
		}
		if mode != keep {
			e.add(Error, "local/app.conf", "remove deployer_lookups_push_mode from [shclustering]", "deployer_lookups_push_mode is %q and not %s: each push would replace the relay list", mode, keep)
		}
		return "", "nothing that would overwrite what the members have"
	}
	if e.place.name != placeApp.name || !splunkhome.Member(e.global("server")) {
		return "", ""
	}
	if mode != keep {
		e.add(Warning, "local/app.conf", "remove deployer_lookups_push_mode from [shclustering]", "deployer_lookups_push_mode is %q and not %s: the deployer may replace the relay list", mode, keep)
	}
	if !e.global("server").Is("shclustering", "conf_replication_include.lookups", true) {
		e.add(Error, "etc/system/local/server.conf", "remove conf_replication_include.lookups", "the members do not replicate lookups: each would have a relay list of its own")
	}
	if x, found := e.find(listFile); found && e.uploaded(x) {
		e.add(Warning, listFile, "let | torupdate or an upload in Splunk write it, never torctl or a copy", "the relay list belongs to %s and not to Splunk: a file that a program puts here is not replicated to the other members", userName(x.uid))
	}
	return "", "this is a member of a search head cluster, and its lookups are replicated"
}

// uploaded reports whether somebody else than Splunk wrote a file.
func (e *exam) uploaded(x entry) bool {
	owner := e.splunkUser()
	return owner >= 0 && x.uid >= 0 && x.uid != owner
}
