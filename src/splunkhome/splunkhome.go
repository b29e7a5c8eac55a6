// Package splunkhome knows how a Splunk lies on disk: its conf files and which of
// them counts, its apps, where our lookups are and what they are called, and what
// its own files say of its part in a search head cluster.
//
//	home := splunkhome.Home{Path: "/opt/splunk"}
//	apps, _, err := home.Apps()
//	server := home.Global("server", apps)
//	server.Text("general", "serverName") // "sh1"
//	splunkhome.Member(server)            // true: it is in a search head cluster
//
// A conf file is read as Splunk reads it and not as a check of style, see [Conf].
// Nothing is asked of a Splunk that runs, and nothing is written.
package splunkhome

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"

	"tordetect/src/bounded"
)

// App is our app's id, which is its folder's name too. In its folder lookups are the
// relay table of the last days, and the history; in local the URL of a proxy with
// its password may be.
const (
	App     = "tordetect"
	Lookups = "lookups"
	Table   = "tor_relays.csv"
	History = "tor_relays_history.csv"
	Proxy   = "torupdate_proxy.txt"
)

// Home is a Splunk's folder, SPLUNK_HOME.
type Home struct {
	Path string
	// Conf reads a conf file, as ParseConf keeps it; one that is not there says nothing.
	// nil: up to MaxConf bytes of a regular file.
	Conf func(file string, keep func(key string) bool) *Conf
}

// MaxApps is how many apps are looked at; a large site has 300.
const MaxApps = 2_000

// Apps are the folders of the apps, in the order of their names; more and err as
// Folders has them.
func (h Home) Apps() (apps []string, more bool, err error) {
	folder := filepath.Join(h.Path, "etc", "apps")
	names, more, err := Folders(folder, MaxApps)
	for i, name := range names {
		names[i] = filepath.Join(folder, name)
	}
	return names, more, err
}

// Folders are the names of the folders in one, links to folders among them, at
// most so many, and whether there are more. What cannot be looked at is left out, and
// the first of it is the error; what is not there is none.
func Folders(in string, most int) (names []string, more bool, err error) {
	failed := func(path string, why error) {
		if err == nil && why != nil && !absent(why) {
			err = fmt.Errorf("%s: %w", path, bounded.Cause(why))
		}
	}
	entries, why := os.ReadDir(in)
	failed(in, why)
	for _, x := range entries {
		path := filepath.Join(in, x.Name())
		if x.Type()&fs.ModeSymlink != 0 {
			info, why := os.Stat(path)
			if failed(path, why); why != nil || !info.IsDir() {
				continue
			}
		} else if !x.IsDir() {
			continue
		}
		if len(names) >= most {
			return names, true, err
		}
		names = append(names, x.Name())
	}
	return names, false, err
}

// absent reports whether an error says that there is no such file, or that its folder
// is none.
func absent(err error) bool { return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) }

// Global is a conf file as Splunk reads it for itself: of system and of the apps in
// these folders, where a first one of system/local, the apps' local/, their
// default/ and system/default says something (admin manual, "Configuration file
// precedence", global context: apps in the order of their names).
func (h Home) Global(name string, apps []string) *Conf {
	system := filepath.Join(h.Path, "etc", "system")
	folders := []string{filepath.Join(system, "local")}
	apps = slices.Sorted(slices.Values(apps))
	for _, folder := range []string{"local", "default"} {
		for _, app := range apps {
			folders = append(folders, filepath.Join(app, folder))
		}
	}
	return h.layers(name, nil, append(folders, filepath.Join(system, "default")))
}

// InApp is a conf file of an app alone, local/ laid over default/, as Splunk reads
// it within that app. Of its keys those are kept that keep says yes to (nil: all).
func (h Home) InApp(app, name string, keep func(key string) bool) *Conf {
	return h.layers(name, keep, []string{filepath.Join(app, "local"), filepath.Join(app, "default")})
}

// layers puts a conf file of some folders under each other.
func (h Home) layers(name string, keep func(string) bool, folders []string) *Conf {
	read := h.Conf
	if read == nil {
		read = readConf
	}
	c := NewConf()
	for _, folder := range folders {
		c.Under(read(filepath.Join(folder, name+".conf"), keep))
	}
	return c
}

func readConf(file string, keep func(string) bool) *Conf {
	text, err := bounded.File(file, MaxConf)
	c := ParseConf(file, string(text), keep)
	if err != nil && !absent(err) {
		c.Err = fmt.Errorf("%s: %w", file, err)
	}
	return c
}

// Clustered reports whether a Splunk is a member of a search head cluster. It fails
// where something that could say so was not read.
func (h Home) Clustered() (bool, error) {
	apps, more, err := h.Apps()
	server := h.Global("server", apps)
	switch {
	case Member(server):
		return true, nil
	case server.Err != nil:
		return false, server.Err
	case err != nil:
		return false, err
	case more:
		return false, fmt.Errorf("%s: it has more than the %d apps that are looked at", filepath.Join(h.Path, "etc", "apps"), MaxApps)
	case server.Full:
		return false, fmt.Errorf("%s: its server.conf files have more stanzas or settings than are kept", h.Path)
	}
	return false, nil
}

// Member reports whether a Splunk with this server.conf is a member of a search head
// cluster: the stanza shclustering is there, and is not disabled.
func Member(server *Conf) bool {
	const stanza = "shclustering"
	// Apps set conf_replication_include.* there without making it a member, as ours does.
	for key := range server.Stanzas[stanza] {
		if !strings.HasPrefix(key, "conf_replication_include.") && key != "disabled" {
			return !server.Is(stanza, "disabled", false)
		}
	}
	_, said := server.Stanzas[stanza]["disabled"]
	return said && !server.Is(stanza, "disabled", true)
}

// Around are the Splunks that a path lies in an app or a user's folder of, the
// innermost first: SPLUNK_HOME may itself lie below a folder of such a name.
func Around(path string) []Home {
	path = filepath.ToSlash(path)
	var homes []Home
	for _, part := range []string{"/etc/apps/", "/etc/users/"} {
		for end := len(path); end > 0; {
			at := strings.LastIndex(path[:end], part)
			if at < 0 {
				break
			}
			homes = append(homes, Home{Path: filepath.FromSlash(path[:at])})
			end = at + len(part) - 1 // the next one may share a slash with it
		}
	}
	return homes
}

// LookupName reports whether a text is the name of a file in a lookups folder, and
// no way out of it.
func LookupName(name string) bool {
	return name != "" && !strings.HasPrefix(name, ".") && !strings.ContainsAny(name, "/\\:\x00\r\n")
}

// ReadLookup reads a file in the app's lookups folder, of at most so many bytes. Its
// errors name the file as an analyst knows it, without the server's folders.
func ReadLookup(folder, name string, most int64) ([]byte, error) {
	text, err := bounded.File(filepath.Join(folder, name), most)
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, bounded.ErrNoFile):
		return nil, fmt.Errorf("there is no file %s in the app's lookups folder", name)
	case err != nil:
		return nil, fmt.Errorf("the file %s in the app's lookups folder: %w", name, err)
	}
	return text, nil
}

// ReadSecret reads a file of the app's folder local that only Splunk's user may
// read, of at most so many bytes. Its name must not end in .conf: what such a file
// says Splunk tells over REST.
func ReadSecret(app, name string, most int64) ([]byte, error) {
	at := filepath.Join(app, "local", name)
	shown := "local/" + name
	info, err := os.Stat(at)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("there is no file %s in the app's folder", shown)
	case err == nil && info.Mode().Perm()&0o077 != 0 && runtime.GOOS != "windows": // modes mean nothing there
		return nil, fmt.Errorf("others than Splunk can read the file %s: chmod 600 keeps it to the user that it belongs to, which must be Splunk's", shown)
	}
	text, err := bounded.File(at, most)
	if err != nil {
		return nil, fmt.Errorf("the file %s: %w", shown, err)
	}
	return text, nil
}
