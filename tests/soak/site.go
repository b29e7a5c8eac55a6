package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"tordetect/tests/splunkd"
)

// noon is the time of all rows, and of the table.
var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

// relays is how many rows the table has: those of a week of the real network.
const relays = 27_000

// site is a Splunk with the app and a table, and a folder for temporary files of its
// own.
type site struct {
	folder, temporary string
	*splunkd.Head
}

func newSite() (*site, error) {
	file, err := splunkd.PackageFile()
	if err != nil {
		return nil, err
	}
	s := &site{}
	if s.folder, err = os.MkdirTemp("", "soak-"); err != nil {
		return nil, err
	}
	app, err := splunkd.Install(file, s.folder)
	if err != nil {
		s.remove()
		return nil, err
	}
	s.Head = &splunkd.Head{App: app, Now: noon}
	s.temporary = filepath.Join(s.folder, "tmp")
	err = errors.Join(os.Mkdir(s.temporary, 0o755), os.MkdirAll(filepath.Dir(app.Lookup("x")), 0o755),
		os.WriteFile(app.Lookup("tor_relays.csv"), []byte(table()), 0o644))
	if err != nil {
		s.remove()
		return nil, err
	}
	return s, nil
}

func (s *site) remove() { os.RemoveAll(s.folder) }

// table has relays of a day, on all of the addresses that rows ask for.
func table() string {
	var b strings.Builder
	from, to := noon.Unix()-43200, noon.Unix()+43200
	b.WriteString("ip,port,role,flags,fingerprint,nickname,first_seen,last_seen\n")
	fmt.Fprintf(&b, ",,coverage,,,,%d,%d\n", from, to)
	for i := range relays {
		fmt.Fprintf(&b, "198.51.100.%d,%d,or,Guard,%040X,r%d,%d,%d\n", i%256, 9001+i/256, i, i, from, to)
	}
	fmt.Fprintf(&b, ",%d,end,,,,,\n", relays+1)
	return b.String()
}

// state is what must be the same before and after: files below the site, what we have
// open, and children that nobody waited for.
func (s *site) state() (string, error) {
	var b strings.Builder
	err := filepath.WalkDir(s.folder, func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err == nil && !d.IsDir() {
			fmt.Fprintf(&b, "%s %d %d\n", path, info.Size(), info.ModTime().UnixNano())
		}
		return err
	})
	if err != nil {
		return "", err
	}
	open, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return "", err
	}
	fmt.Fprintf(&b, "%d descriptors\n", len(open))
	tasks, err := filepath.Glob("/proc/self/task/*/children")
	if err != nil {
		return "", err
	}
	for _, task := range tasks {
		children, err := os.ReadFile(task)
		if err == nil && len(children) > 0 { // the thread may have ended meanwhile
			fmt.Fprintf(&b, "children %s\n", children)
		}
	}
	return b.String(), nil
}
