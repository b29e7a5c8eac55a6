// Package recorded reads files of recorded events: an event a line, plain or gzip, or
// the yml files of splunk/attack_data, which name such files with their source type
// and source.
//
//	in:   pan_tor.yml, which names pan_tor.log
//	out:  {Text: 1,2026/11/20 10:15:30,..., Line: 1, From: 0, To: 412}, and what Splunk is to store beside it
//
// The offsets of events meet, so that who remembers them knows what was done. No file
// is read that a yml names outside its own tree, and nothing is fetched. What an event
// says is not looked at, but for its time, and its end is the row's: events over
// several lines are several, and [Dataset] says where a file looks like that.
package recorded

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"tordetect/src/bounded"
	"tordetect/src/logfile"
	"tordetect/src/replay/attackdata"
)

// Meta is what Splunk stores beside an event; empty = the token's default.
type Meta struct{ Index, Sourcetype, Source, Host string }

// over is m, with what is empty taken from other.
func (m Meta) over(other Meta) Meta {
	pick := func(a, b string) string {
		if a != "" {
			return a
		}
		return b
	}
	return Meta{pick(m.Index, other.Index), pick(m.Sourcetype, other.Sourcetype), pick(m.Source, other.Source), pick(m.Host, other.Host)}
}

// Limits of what is read.
const (
	MaxLine  = 1_000_000 // bytes of an event; a request to SCS takes 1,040,000, and Splunk cuts at 10,000 by default
	MaxFiles = 1000      // files of one replay: all are in its state, which is written before each request
)

// A Dataset is a file of events, one a line, and what Splunk is to store beside
// each.
type Dataset struct {
	Path   string // as messages name it
	Meta   Meta
	Spread bool // it looks like JSON whose events take several lines each

	root, name string // for a file that a yml names: the folder that it must not leave
}

// Open looks at the files. One that ends in .yml or .yaml is a description as in
// splunk/attack_data: it stands for the files that it names, which are looked for
// beside it and in its checkout; nothing is fetched. override wins over what a
// yml says. A file's host is the id of its yml, as with attack_data's replay.py.
func Open(paths []string, override Meta) ([]Dataset, error) {
	var all []Dataset
	for _, p := range paths {
		sets := []Dataset{{Path: p}}
		if ext := strings.ToLower(filepath.Ext(p)); ext == ".yml" || ext == ".yaml" {
			described, err := attackdata.Read(p, override.Sourcetype != "")
			if err != nil {
				return nil, err
			}
			sets = nil
			for _, f := range described {
				sets = append(sets, Dataset{Path: filepath.Join(f.Root, f.Name), Meta: Meta{f.Index, f.Sourcetype, f.Source, f.Host}, root: f.Root, name: f.Name})
			}
		}
		for _, d := range sets {
			d.Meta = override.over(d.Meta)
			var err error
			if d.Spread, err = d.check(); err != nil {
				return nil, err
			}
			all = append(all, d)
		}
	}
	if len(all) > MaxFiles {
		return nil, fmt.Errorf("%d files, at most %d in one replay; start it several times", len(all), MaxFiles)
	}
	for i, d := range all {
		for _, e := range all[:i] {
			if d.Path == e.Path {
				return nil, fmt.Errorf("%s is named twice", d.Path)
			}
		}
	}
	return all, nil
}

func (d Dataset) open() (*os.File, error) {
	if d.root == "" {
		return os.Open(d.Path)
	}
	return os.OpenInRoot(d.root, d.name) // no way out by .. or a link
}

// sniffed is how much of a file's beginning tells what it is.
const sniffed = 512

// check says early what would fail late, and whether events may take several lines.
func (d Dataset) check() (spread bool, err error) {
	f, err := d.open()
	if err != nil {
		return false, fmt.Errorf("open the data set: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return false, err
	}
	if !info.Mode().IsRegular() {
		return false, fmt.Errorf("%s is no regular file; replay reads files, some of them twice, so write a stream to one first", d.Path)
	}
	head := make([]byte, sniffed)
	n, _ := io.ReadFull(f, head)
	if bounded.IsPointer(head[:n]) { // as most of attack_data's are in a plain clone
		return false, fmt.Errorf("%s is a pointer of Git LFS, not the data: run `git lfs pull` in its checkout", d.Path)
	}
	if why := logfile.Unfit(head[:n]); why != "" {
		return false, fmt.Errorf("%s cannot be sent line by line: %s", d.Path, why)
	}
	first, _, more := bytes.Cut(bytes.TrimLeft(head[:n], " \t\r\n"), []byte("\n"))
	first = bytes.TrimSpace(first)
	return more && len(first) > 0 && len(bytes.Trim(first, "[{ ")) == 0, nil
}

// zeekHead are the lines that describe a Zeek log. They are no events.
var zeekHead = []string{"#separator ", "#set_separator", "#empty_field", "#unset_field", "#path", "#open", "#close", "#fields", "#types"}

func isHead(line []byte) bool {
	return line[0] == '#' && slices.ContainsFunc(zeekHead, func(head string) bool { return bytes.HasPrefix(line, []byte(head)) })
}
