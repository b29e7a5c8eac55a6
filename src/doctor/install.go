package doctor

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"tordetect/src/bounded"
	"tordetect/src/splunkhome"
)

// place is what a folder with the app in it is for Splunk.
type place struct {
	name string
	tail string // how the path of the folder's parent ends
	up   int    // how far above that parent Splunk's folder is

	complete bool // all of the package has to be there
	searches bool // Splunk searches with it, so the relay list counts
	others   bool // other apps stand beside it and count
}

var (
	placeApp      = place{name: "app", tail: "etc/apps", up: 2, complete: true, searches: true, others: true}
	placeBundle   = place{name: "bundle on a search peer", up: 5, searches: true}
	placeDeployer = place{name: "deployer", tail: "etc/shcluster/apps", up: 3, complete: true}
	placePackage  = place{name: "package", complete: true}
	placeFolder   = place{name: "folder", complete: true, searches: true}
)

// places are those that a path tells. An app that is to be sent to indexers or
// forwarders is in the wrong one.
var places = []place{
	placeApp, placeDeployer,
	{name: "cluster manager", tail: "etc/manager-apps", up: 2, complete: true},
	{name: "cluster manager", tail: "etc/master-apps", up: 2, complete: true},
	{name: "cluster peer", tail: "etc/peer-apps", up: 2, complete: true},
	{name: "cluster peer", tail: "etc/slave-apps", up: 2, complete: true},
	{name: "deployment server", tail: "etc/deployment-apps", up: 2, complete: true},
}

// locate tells by the path what the folder is, and where Splunk's folder is.
// Links are not followed: Splunk goes by the path that it knows.
func locate(folder string) (place, string) {
	parent := filepath.Dir(folder)
	slashed := filepath.ToSlash(parent)
	for _, p := range places {
		if strings.HasSuffix(slashed, "/"+p.tail) {
			return p, above(parent, p.up)
		}
	}
	// .../var/run/searchpeers/<search head>-<time>/apps/tordetect
	if path.Base(slashed) == "apps" && strings.HasSuffix(path.Dir(path.Dir(slashed)), "/var/run/searchpeers") {
		return placeBundle, above(parent, placeBundle.up)
	}
	return placeFolder, ""
}

func above(folder string, levels int) string {
	for range levels {
		folder = filepath.Dir(folder)
	}
	return folder
}

// checkPlace looks at where the app is.
func (e *exam) checkPlace() (where, fine string) {
	name := filepath.Base(e.app)
	if e.place.name != placePackage.name && name != splunkhome.App {
		e.add(Error, name, "rename the folder to "+splunkhome.App+" and restart Splunk", "the folder has another name than the app: Splunk takes the folder's name for the app's, and finds neither its lookups nor its settings under %s", splunkhome.App)
	}
	if id := e.conf("app").Text("package", "id"); id != "" && id != splunkhome.App {
		e.add(Error, "default/app.conf", "give the folder of Tor Detect", "this is the app %q and not %s", id, splunkhome.App)
	}
	if e.conf("app").Text("install", "state") == "disabled" {
		e.add(Error, "local/app.conf", "enable it (Apps, Manage apps)", "the app is disabled")
	}
	switch {
	case strings.HasPrefix(e.place.name, "cluster"), e.place.name == "deployment server":
		e.add(Warning, "", "install it on the search head only; a search head cluster gets it from its deployer (etc/shcluster/apps)",
			"this is the place for apps that go to indexers or forwarders: they get the program and the relay list from the search head with its bundle, and an app of their own would never have a current list")
	}
	if e.home != "" {
		return e.home, "this is a Splunk's " + e.place.name
	}
	return "", "this is a " + e.place.name + " outside of a Splunk"
}

// entry is a file or folder of the app.
type entry struct {
	name string // below the app, with slashes; "." is the app itself
	mode fs.FileMode
	size int64
	time time.Time
	uid  int // -1: not known
}

// walk lists the app.
func (e *exam) walk() {
	e.entries, e.truncated = e.list(e.app, maxEntries)
}

// list lists a folder and all in it, in the order of names. What cannot be read is
// noted and not among them.
func (e *exam) list(folder string, most int) (entries []entry, truncated bool) {
	// An app may be a link to where it lies, which a walk would not follow.
	root, err := filepath.EvalSymlinks(folder)
	if err != nil {
		root = folder
	}
	_ = filepath.WalkDir(root, func(at string, d fs.DirEntry, err error) error {
		name, outside := filepath.Rel(root, at)
		if outside != nil {
			return nil
		}
		if err != nil {
			e.missed(filepath.Join(folder, name), err)
			return nil
		}
		if len(entries) >= most {
			truncated = true
			return filepath.SkipAll
		}
		info, err := d.Info()
		if err != nil {
			return nil // it is gone meanwhile
		}
		entries = append(entries, entry{filepath.ToSlash(name), info.Mode(), info.Size(), info.ModTime(), userOf(info)})
		return nil
	})
	return entries, truncated
}

// find returns the app's entry of a name.
func (e *exam) find(name string) (entry, bool) {
	i := slices.IndexFunc(e.entries, func(x entry) bool { return x.name == name })
	if i < 0 {
		return entry{}, false
	}
	return e.entries[i], true
}

func (e *exam) there(name string) bool {
	_, found := e.find(name)
	return found
}

// in returns the entries directly in one of the app's folders.
func (e *exam) in(folder string) []entry {
	var found []entry
	for _, x := range e.entries {
		if path.Dir(x.name) == folder && x.name != "." {
			found = append(found, x)
		}
	}
	return found
}

func (e *exam) path(name string) string { return filepath.Join(e.app, filepath.FromSlash(name)) }

// read reads a file of at most so many bytes. What is no file, or larger, or not
// there, is "".
func (e *exam) read(file string, most int64) string {
	text, err := bounded.File(file, most)
	e.missed(file, err)
	return string(text)
}

// missed notes a file or folder that could not be read.
func (e *exam) missed(path string, err error) {
	if err == nil || errors.Is(err, syscall.ENOTDIR) { // a file where a folder could be: there is nothing in it
		return
	}
	info, missing := os.Lstat(path)
	for errors.Is(missing, fs.ErrPermission) && path != filepath.Dir(path) { // who knows what is in that folder
		path = filepath.Dir(path)
		info, missing = os.Lstat(path)
	}
	shown := e.show(path)
	if missing == nil && info.IsDir() {
		shown += "/"
	}
	switch {
	case errors.Is(err, fs.ErrPermission):
		e.unread[shown] = true
	case missing == nil: // no file, too large, or a link that leads nowhere
		e.passed[shown] = true
	}
}

// folders are the names of the folders in one, at most so many. That there are more,
// or that they cannot be read, is noted.
func (e *exam) folders(in string, most int) []string {
	names, more, err := splunkhome.Folders(in, most)
	if more {
		e.passed[e.show(in)+"/"] = true
	}
	e.missed(in, err)
	return names
}

func regular(file string) bool {
	info, err := os.Stat(file)
	return err == nil && info.Mode().IsRegular()
}

// conf is one of the app's conf files, local/ laid over default/.
func (e *exam) conf(name string) *splunkhome.Conf {
	if c := e.ours[name]; c != nil {
		return c
	}
	c := e.layer("local", name)
	c.Under(e.layer("default", name))
	e.ours[name] = c
	return c
}

// layer is the app's conf file in default/ or local/ alone.
func (e *exam) layer(folder, name string) *splunkhome.Conf {
	file := folder + "/" + name + ".conf"
	return e.parse(e.path(file), file, nil)
}

// parse reads a conf file, which settings name as shown. That there is more in it than
// is kept is noted.
func (e *exam) parse(file, shown string, keep func(string) bool) *splunkhome.Conf {
	c := splunkhome.ParseConf(shown, e.read(file, splunkhome.MaxConf), keep)
	if c.Full {
		e.passed[e.show(file)] = true
	}
	return c
}

// meta is the app's metadata, local.meta over default.meta.
func (e *exam) meta() *splunkhome.Conf {
	c := splunkhome.NewConf()
	for _, file := range []string{"metadata/local.meta", "metadata/default.meta"} {
		c.Under(e.parse(e.path(file), file, nil))
	}
	return c
}

// confOf is a conf file of another app.
func (e *exam) confOf(app, name string, keep func(string) bool) *splunkhome.Conf {
	return e.splunk().InApp(app, name, keep)
}

// siblings are the folders of the other apps, in the order of their names.
func (e *exam) siblings() []string {
	if !e.place.others {
		return nil
	}
	var found []string
	for _, name := range e.folders(filepath.Dir(e.app), maxApps) {
		if folder := filepath.Join(filepath.Dir(e.app), name); folder != e.app {
			found = append(found, folder)
		}
	}
	return found
}

// show is a path as findings show it: below Splunk's folder.
func (e *exam) show(file string) string {
	if below, err := filepath.Rel(e.home, file); e.home != "" && err == nil && filepath.IsLocal(below) {
		return filepath.ToSlash(below)
	}
	return filepath.ToSlash(file)
}

// global is a conf file as Splunk reads it for itself.
func (e *exam) global(name string) *splunkhome.Conf {
	if e.home == "" {
		return splunkhome.NewConf()
	}
	c := e.splunk().Global(name, append(slices.Clone(e.others), e.app))
	if c.Full { // also where each of the files is small enough
		e.passed[e.show(filepath.Join(e.home, "etc", "apps"))+"/"] = true
	}
	return c
}

// splunk is Splunk's folder, read within our limits and shown as findings show it.
func (e *exam) splunk() splunkhome.Home {
	return splunkhome.Home{Path: e.home, Conf: func(file string, keep func(string) bool) *splunkhome.Conf { return e.parse(file, e.show(file), keep) }}
}
