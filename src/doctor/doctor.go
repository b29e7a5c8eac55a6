// Package doctor looks at an installed app Tor Detect, or at the package of one,
// and says what is wrong with it and what to do.
//
//	in:   the app's folder (SPLUNK_HOME/etc/apps/tordetect) or tordetect-<version>.tgz
//	out:  findings: how bad, which check, where, what, what to do
//
//	error    launchers  bin/tordetect.sh   it has Windows line ends, so Linux cannot start it
//	                                       do: take it from the package again; unpack with tar, not zip
//	ok       programs   bin                4 programs, each of the architecture that its name says
//
// It reads files and starts the app's own launchers with a question that changes
// nothing (getinfo, as splunkd asks it when a search is parsed). It asks neither
// Splunk nor the network, and changes nothing. So it does not know what Splunk
// has in memory, who has which role, nor whether a search ran.
//
// All that is read is bounded, see limits.go: conf files of other apps, lookups
// and packages may have been written by anybody.
package doctor

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"tordetect/src/splunkhome"
	"tordetect/src/text"
)

// Severity says how bad a finding is.
type Severity uint8

// The severities. OK says what was looked at and found in order. Note is worth
// knowing. Warning is something that costs findings or will break. Error is
// something that does not work, or that lets others in.
const (
	OK Severity = iota
	Note
	Warning
	Error
)

func (s Severity) String() string { return [...]string{"ok", "note", "warning", "error"}[s] }

// Finding is what a check found. Where is a file or folder, with slashes, below
// the app, or below Splunk's folder where it begins with etc/; it and What may
// hold text from outside, so whoever shows them takes control characters out.
// What and Do are sentences without a full stop at the end; Do is empty where
// nothing is to be done.
type Finding struct {
	Severity Severity
	Check    string
	Where    string
	What     string
	Do       string
}

// Options are what the checks compare with.
type Options struct {
	Now     time.Time
	Version string // of the program that asks; empty or "dev": not compared

	// OS and Arch are those of this machine, as GOOS and GOARCH say them. Empty:
	// asked of the runtime.
	OS, Arch string
	// Key is the file of the public key that a package must be signed by; empty: by none.
	Key string
	// NoRun leaves out starting the launchers.
	NoRun bool
	// Timeout is for each start of a launcher; 0: 10 seconds.
	Timeout time.Duration
}

// Report is what was found, in the order of the checks.
type Report struct {
	App      string // the folder, or the package
	Home     string // Splunk's folder, empty where it is not known
	Place    string // what the folder is: "app", "deployer", ...; see places
	Findings []Finding
}

// Count returns how many findings have the severity.
func (r *Report) Count(s Severity) int { return count(r.Findings, s) }

func count(findings []Finding, s Severity) int {
	n := 0
	for _, f := range findings {
		if f.Severity == s {
			n++
		}
	}
	return n
}

// Folder examines the app in a folder. It fails only if that is no folder of an
// app at all.
func Folder(ctx context.Context, folder string, o Options) (*Report, error) {
	whole, err := filepath.Abs(folder)
	if err != nil {
		return nil, fmt.Errorf("find the app: %w", err)
	}
	if info, err := os.Stat(whole); err != nil || !info.IsDir() {
		return nil, fmt.Errorf("%s is no folder: give the app's folder, such as /opt/splunk/etc/apps/%s", folder, splunkhome.App)
	}
	if !regular(filepath.Join(whole, "default", "app.conf")) {
		return nil, fmt.Errorf("%s is no app: it has no default/app.conf; give the app's folder, such as /opt/splunk/etc/apps/%s", folder, splunkhome.App)
	}
	e := newExam(ctx, whole, o)
	e.place, e.home = locate(whole)
	e.walk()
	e.run()
	return e.report(folder), nil
}

// checks in their order: first what keeps the app from running, then what it
// sees, then what is around it. Each returns what it looked at, for the case
// that it found nothing, or "" if there was nothing to look at.
var checks = []struct {
	name string
	run  func(*exam) (where, fine string)
}{
	{"place", (*exam).checkPlace},
	{"files", (*exam).checkFiles},
	{"programs", (*exam).checkPrograms},
	{"launchers", (*exam).checkLaunchers},
	{"start", (*exam).checkStart},
	{"version", (*exam).checkVersion},
	{"relay list", (*exam).checkList},
	{"history", (*exam).checkHistory},
	{"clock", (*exam).checkClock},
	{"lookups", (*exam).checkLookups},
	{"permissions", (*exam).checkPermissions},
	{"bundle", (*exam).checkBundle},
	{"other apps", (*exam).checkOthers},
	{"local", (*exam).checkLocal},
	{"searches", (*exam).checkSearches},
	{"data model", (*exam).checkModel},
	{"cluster", (*exam).checkCluster},
	{"leftovers", (*exam).checkLeftovers},
}

// exam is one examination: the app, what was read of it, and what was found.
type exam struct {
	Options
	ctx   context.Context
	app   string // the folder
	home  string // Splunk's folder, or ""
	place place

	entries   []entry // all of the app, in the order of their names
	truncated bool    // there was more than is looked at
	ours      map[string]*splunkhome.Conf
	others    []string        // the other apps' folders
	unread    map[string]bool // what could not be read for want of permission
	passed    map[string]bool // files that are none, too large, or have more in them than is looked at; folders that do, with a slash
	silent    map[string]bool // launchers that did not answer
	check     string          // the one that runs
	said      int             // how often it and those before it added something
	findings  []Finding
	leftOut   int      // findings that there was no room for
	worst     Severity // of these
}

func newExam(ctx context.Context, folder string, o Options) *exam {
	if o.OS == "" {
		o.OS, o.Arch = runtime.GOOS, runtime.GOARCH
	}
	if o.Timeout <= 0 {
		o.Timeout = startTimeout
	}
	return &exam{Options: o, ctx: ctx, app: folder, ours: map[string]*splunkhome.Conf{},
		unread: map[string]bool{}, passed: map[string]bool{}, silent: map[string]bool{}}
}

func (e *exam) run() {
	e.others = e.siblings()
	for _, c := range checks {
		e.check = c.name
		before := e.said
		where, fine := c.run(e)
		if fine != "" && e.said == before {
			e.keep(OK, where, "", "%s", fine)
		}
	}
	// What the others do not tell has to be said, whatever room there is.
	e.check = "files"
	if unread := slices.Sorted(maps.Keys(e.unread)); len(unread) > 0 {
		e.keep(Note, some(unread), "run the same command as the user that Splunk runs as", "%s could not be read for want of permission, so some checks saw less, whatever the other lines say", countedFiles(unread))
	}
	if passed := slices.Sorted(maps.Keys(e.passed)); len(passed) > 0 {
		e.keep(Warning, some(passed), "make ordinary files of them, or look at them by hand", "what %s may say was not checked, whatever the other lines say: no ordinary file, or larger than is looked at", countedFiles(passed))
	}
	if e.leftOut > 0 {
		e.check = "findings"
		e.keep(e.worst, "", "mend what is found here, then run this again", "%s left out, as the report has room for %d; the worst of them is of the kind %s", text.Counted(e.leftOut, "finding"), maxFindings, e.worst)
	}
}

// countedFiles counts names of files and of folders, which end in a slash.
func countedFiles(names []string) string {
	files, folders := 0, 0
	for _, name := range names {
		if strings.HasSuffix(name, "/") {
			folders++
		} else {
			files++
		}
	}
	switch {
	case folders == 0:
		return text.Counted(files, "file")
	case files == 0:
		return text.Counted(folders, "folder")
	}
	return text.Counted(files, "file") + " and " + text.Counted(folders, "folder")
}

func (e *exam) report(name string) *Report {
	return &Report{App: name, Home: e.home, Place: e.place.name, Findings: e.findings}
}

// add adds a finding of the check that runs, where there is room for it.
func (e *exam) add(s Severity, where, do, what string, args ...any) {
	e.said++
	if e.room(s) {
		e.keep(s, where, do, what, args...)
	}
}

// keep adds a finding in any case.
func (e *exam) keep(s Severity, where, do, what string, args ...any) {
	e.findings = append(e.findings, Finding{Severity: s, Check: e.check, Where: where, What: fmt.Sprintf(what, args...), Do: do})
}

// room reports whether a finding may be added. In a full report it takes the place of
// the last one that is less bad; whichever is left out is counted.
func (e *exam) room(s Severity) bool {
	if len(e.findings)-count(e.findings, OK) < maxFindings {
		return true
	}
	e.leftOut++
	for least := Note; least < s; least++ {
		for i, f := range slices.Backward(e.findings) {
			if f.Severity == least {
				e.worst = max(e.worst, least)
				e.findings = slices.Delete(e.findings, i, i+1)
				return true
			}
		}
	}
	e.worst = max(e.worst, s)
	return false
}

// some writes out a few names of many.
func some(names []string) string {
	if len(names) <= shownNames {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:shownNames], ", "), len(names)-shownNames)
}

// shownNames is how many names a finding spells out.
const shownNames = 4
