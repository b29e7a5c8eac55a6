package doctor

import (
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"tordetect/src/splunkhome"
)

// The limits of a bundle that Splunk has where nothing is set, in MB
// (distsearch.conf.spec, [replicationSettings]).
const (
	defaultMaxBundle  = 2048
	defaultConcerning = 500
	defaultWarnShare  = 75 // per cent of maxBundleSize
)

// weekOfLists is what the relay table of a week takes, in MB, rounded up.
const weekOfLists = 4

// checkBundle looks at what the indexers get: whether the program and the relay
// list are in the search head's bundle, and whether the bundle may grow too large
// to be sent. It goes by Splunk's own allowlist: bin/, lookups/, metadata/ and the
// conf files of every app.
func (e *exam) checkBundle() (where, fine string) {
	if e.place.name != placeApp.name {
		return "", ""
	}
	c := e.global("distsearch")
	limit := func(key string, otherwise int64) (int64, splunkhome.Setting) {
		s, _ := c.Get("replicationSettings", key)
		if n, err := strconv.ParseInt(s.Text, 10, 64); err == nil && n >= 0 {
			return n, s
		}
		return otherwise, s
	}
	denied := e.denylist(c)
	for _, x := range e.entries {
		full := "apps/" + splunkhome.App + "/" + x.name
		from := denied(full)
		needed := x.name == listFile || strings.HasPrefix(x.name, "bin/tordetect")
		if from != "" && needed && x.mode.IsRegular() {
			e.add(Error, from, "take "+splunkhome.App+" out of that pattern, or use tordetect with local=true", "a replicationDenylist keeps %s from the indexers: the command does not work there, or finds less", x.name)
		}
		if from == "" && x.name == historyFile {
			e.add(Warning, "local/distsearch.conf", "remove tordetect_history from it", "the history goes to every indexer each time that it changes; it is meant to stay on the search head")
		}
	}
	exclude, at := limit("excludeReplicatedLookupSize", 0)
	if exclude > 0 {
		x, found := e.find(listFile)
		switch {
		case found && x.size > exclude<<20:
			e.add(Error, at.File, "raise excludeReplicatedLookupSize, or use tordetect with local=true", "lookups of more than %d MB do not go to the indexers, and the relay list has %d MB: they judge without it", exclude, x.size>>20)
		case exclude < weekOfLists:
			e.add(Warning, at.File, "raise excludeReplicatedLookupSize to 10 or more", "lookups of more than %d MB do not go to the indexers; the relay list of a week has about %d MB", exclude, weekOfLists)
		}
	}
	concerning, at := limit("concerningReplicatedFileSize", defaultConcerning)
	var ours, all int64
	for _, x := range e.entries {
		if !x.mode.IsRegular() || !replicated(x.name) || denied("apps/"+splunkhome.App+"/"+x.name) != "" {
			continue
		}
		ours += x.size
		if concerning > 0 && x.size > concerning<<20 {
			e.add(Note, x.name, "look whether it has to be there", "the file has %d MB; Splunk complains in splunkd.log of files over %d MB in its bundle", x.size>>20, concerning)
		}
	}
	seen := 0
	for _, app := range e.others {
		entries := e.beside(app, maxOtherEntries-seen)
		seen += len(entries)
		for _, x := range entries {
			lookup := strings.HasPrefix(x.name, "lookups/")
			if x.mode.IsRegular() && replicated(x.name) && !(lookup && exclude > 0 && x.size > exclude<<20) && denied("apps/"+filepath.Base(app)+"/"+x.name) == "" {
				all += x.size
			}
		}
	}
	all += ours
	most, at := limit("maxBundleSize", defaultMaxBundle)
	share, _ := limit("warnMaxBundleSizePerc", defaultWarnShare)
	if where = at.File; where == "" {
		where = "etc/apps"
	}
	switch {
	case all > most<<20:
		e.add(Error, where, "deny large lookups that no indexer needs (distsearch.conf, replicationDenylist)", "the apps' files have about %d MB, more than the %d MB that a bundle may have: the indexers get nothing new any more", all>>20, most)
	case all*100 > most<<20*share:
		e.add(Warning, where, "deny large lookups that no indexer needs (distsearch.conf, replicationDenylist)", "the apps' files have about %d MB; a bundle may have %d MB", all>>20, most)
	}
	return "", "about " + strconv.FormatInt(max(1, ours>>20), 10) + " MB of it go to the indexers, of " + strconv.FormatInt(max(1, all>>20), 10) + " MB of all apps"
}

// beside lists another app, and notes where that is not all of it.
func (e *exam) beside(app string, most int) []entry {
	entries, truncated := e.list(app, most)
	if truncated {
		e.passed[e.show(app)+"/"] = true
	}
	return entries
}

// replicated reports whether a file of an app is of the kind that goes into a
// bundle.
func replicated(name string) bool {
	folder, rest, _ := strings.Cut(name, "/")
	switch folder {
	case "bin", "lookups", "metadata":
		return true
	case "default", "local":
		return strings.HasSuffix(rest, ".conf")
	}
	return false
}

// denylist returns a function that says which conf file denies a path below etc/,
// or "". The older name of the stanza is known as well.
func (e *exam) denylist(c *splunkhome.Conf) func(path string) (from string) {
	type pattern struct {
		expression *regexp.Regexp
		file       string
	}
	var patterns []pattern
	for _, stanza := range []string{"replicationDenylist", "replicationBlacklist"} {
		var keys []string
		for key := range c.Stanzas[stanza] {
			keys = append(keys, key)
		}
		slices.Sort(keys)
		for _, key := range keys {
			s := c.Stanzas[stanza][key]
			if len(patterns) >= maxPatterns {
				e.passed[s.File] = true
				continue
			}
			expression, err := translate(s.Text)
			if err != nil {
				e.add(Note, s.File, "", "the pattern %s of [%s] is not understood here: whether it denies this app was not looked at", key, stanza)
				continue
			}
			patterns = append(patterns, pattern{expression, s.File})
		}
	}
	return func(path string) string {
		for _, p := range patterns {
			if p.expression.MatchString(path) {
				return p.file
			}
		}
		return ""
	}
}

// translate makes a regular expression of a pattern of distsearch.conf: "..." is
// any path, "*" anything but a slash, a dot is a dot, the rest is as in a regular
// expression. An empty pattern matches everything.
func translate(pattern string) (*regexp.Regexp, error) {
	if len(pattern) > maxPattern {
		return nil, fs.ErrInvalid
	}
	if pattern == "" {
		return regexp.Compile("")
	}
	var b strings.Builder
	b.WriteString("^(?:")
	for rest := pattern; rest != ""; {
		switch {
		case strings.HasPrefix(rest, "..."):
			b.WriteString(".*")
			rest = rest[3:]
			continue
		case rest[0] == '*':
			b.WriteString(`[^/\\]*`)
		case rest[0] == '.':
			b.WriteString(`\.`)
		default:
			b.WriteByte(rest[0])
		}
		rest = rest[1:]
	}
	b.WriteString(")$")
	return regexp.Compile(b.String())
}
