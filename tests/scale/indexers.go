//go:build linux

package main

import (
	"archive/tar"
	"compress/gzip"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"tordetect/tests/bench/page"
	"tordetect/tests/bench/process"
	"tordetect/tests/bench/workload"
	"tordetect/tests/splunkd"
)

// tables are the sizes of a relay table: somewhat less and more than those of a day and of a week, and one that is too large.
var tables = []int{10_000, workload.SomeRelays, 100_000}

// spread is what indexers get, start and give back.
func (s *scale) spread(out io.Writer) error {
	for _, part := range []func(io.Writer) error{s.bundles, s.starts, s.together, s.where} {
		if err := part(out); err != nil {
			return err
		}
	}
	return nil
}

// judging is a search that runs on the indexers.
const judging = "search index=main | tordetect | table splunk_server tor_verdict"

// site installs the package on a search head with so many indexers and this relay table.
func (s *scale) site(indexers int, table []byte) (*splunkd.Head, error) {
	dir, err := os.MkdirTemp(s.folder, "site-")
	if err != nil {
		return nil, err
	}
	app, err := splunkd.Install(s.pack, dir)
	if err != nil {
		return nil, err
	}
	h := &splunkd.Head{App: app, Now: time.Unix(workload.Noon, 0).UTC(), Indexers: indexers, ProbeOnce: true}
	h.Earliest, h.Latest = h.Now.Add(-time.Hour), h.Now
	return h, lookup(h, "tor_relays.csv", table)
}

// lookup writes a lookup of the app, as outputlookup does.
func lookup(h *splunkd.Head, name string, text []byte) error {
	path := h.App.Lookup(name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, text, 0o644)
}

// relays is a table of so many rows.
func relays(rows int) []byte {
	text, _ := workload.Table(rows, workload.Noon-workload.Week, workload.Noon)
	return []byte(text)
}

// carried are the files of a bundle: where they lie, by their path in it.
type carried map[string]string

// bundle pushes one and reads what the first indexer has.
func bundle(h *splunkd.Head) (carried, error) {
	if _, err := h.Run(judging); err != nil {
		return nil, err
	}
	found := carried{}
	pattern := filepath.Join(filepath.Dir(h.App.Home), "indexer1", "var", "run", "searchpeers", "*")
	roots, err := filepath.Glob(pattern)
	if err != nil || len(roots) != 1 {
		return nil, fmt.Errorf("%s: %d bundles, want one (%v)", pattern, len(roots), err)
	}
	return found, filepath.WalkDir(roots[0], func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			relative, _ := filepath.Rel(roots[0], path)
			found[relative] = path
		}
		return err
	})
}

// weigh is the size of the files, and of all of them in a compressed archive, as a bundle travels.
func (c carried) weigh(wanted func(path string) bool) (files int, plain, packed int64, err error) {
	var size counter
	zipped := gzip.NewWriter(&size)
	archive := tar.NewWriter(zipped)
	for name, path := range c {
		if !wanted(name) {
			continue
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return 0, 0, 0, err
		}
		files, plain = files+1, plain+int64(len(text))
		if err := archive.WriteHeader(&tar.Header{Name: name, Size: int64(len(text)), Mode: 0o644}); err != nil {
			return 0, 0, 0, err
		}
		if _, err := archive.Write(text); err != nil {
			return 0, 0, 0, err
		}
	}
	if err := archive.Close(); err != nil {
		return 0, 0, 0, err
	}
	err = zipped.Close()
	return files, plain, int64(size), err
}

type counter int64

func (c *counter) Write(p []byte) (int, error) { *c += counter(len(p)); return len(p), nil }

// bundles tells what is carried to each indexer, at first and after an update of the table.
func (s *scale) bundles(out io.Writer) error {
	days := min(week, s.days)
	heading(out, "**The search bundle**, this app's part of it for one indexer, plain and compressed (tar, gzip), with a table of %d days.", days)
	before, _, err := s.table(days, 0)
	if err != nil {
		return err
	}
	h, err := s.site(1, before)
	if err != nil {
		return err
	}
	if err := lookup(h, "tor_relays_history.csv", relays(1000)); err != nil { // which must not travel
		return err
	}
	first, err := bundle(h)
	if err != nil {
		return err
	}
	had := map[string]fs.FileInfo{}
	for name, path := range first {
		if had[name], err = os.Stat(path); err != nil {
			return err
		}
		if strings.Contains(name, "history") {
			return fmt.Errorf("%s is in the bundle", name)
		}
	}
	after, rows, err := s.table(days, 1)
	if err != nil {
		return err
	}
	if err := lookup(h, "tor_relays.csv", after); err != nil {
		return err
	}
	second, err := bundle(h)
	if err != nil {
		return err
	}
	lines := [][]string{{"what", "files", "MB", "compressed MB"}}
	var packed [3]int64
	for i, part := range []struct {
		what   string
		wanted func(name string) bool
	}{
		{fmt.Sprintf("all, the table with %d rows", rows), func(string) bool { return true }},
		{"of it the programs, for two architectures", func(name string) bool { return strings.Contains(name, "/bin/") }},
		{"what an hourly update changes", func(name string) bool {
			info, err := os.Stat(second[name])
			return err != nil || had[name] == nil || info.Size() != had[name].Size() || !info.ModTime().Equal(had[name].ModTime())
		}},
	} {
		files, plain, size, err := second.weigh(part.wanted)
		if err != nil {
			return err
		}
		packed[i] = size
		lines = append(lines, []string{part.what, fmt.Sprint(files), mega(plain), mega(size)})
	}
	page.Columns(out, lines)

	heading(out, "**How much travels in a day**, compressed, from one search head with hourly updates.")
	lines = [][]string{{"indexers", "pushes", "MB as deltas", "MB as full bundles", "MB of one update to all"}}
	for _, n := range s.indexers {
		lines = append(lines, []string{fmt.Sprint(n), fmt.Sprint(24 * n), mega(int64(24*n) * packed[2]), mega(int64(24*n) * packed[0]), mega(int64(n) * packed[2])})
	}
	page.Columns(out, lines)
	return nil
}

// starts tells what the command takes on each indexer before it judges: its start, and the table.
func (s *scale) starts(out io.Writer) error {
	heading(out, "**A start**, on each indexer that a search runs on. With a row the table is read.")
	lines := [][]string{{"what", "CPU ms", "first reply ms", "peak MB"}}
	add := func(what string, table, rows int, launcher bool) error {
		n, err := s.networks.Install(table, 0)
		if err != nil {
			return err
		}
		program := process.Variant{Name: what, Argv: []string{n.Tordetect()}}
		if launcher {
			program.Argv = []string{filepath.Join(n.Folder, "bin", "tordetect.sh")}
		}
		requests := [][]byte{workload.Probe()}
		if rows > 0 {
			requests = append(requests, workload.Tstats.Frame(workload.Flows(rows, 0, workload.Noon, nil)))
		}
		got, err := s.driver.Sample([]process.Variant{program}, append(requests, workload.FrameOf(workload.Last, workload.Tstats.Header())), 8*s.runs)
		if err == nil {
			f := got[0].Median
			lines = append(lines, []string{what, milli(f.CPU), milli(f.First), mega(f.Memory)})
		}
		return err
	}
	if err := add("no row, through the launcher (a shell)", workload.SomeRelays, 0, true); err != nil {
		return err
	}
	if err := add("no row", workload.SomeRelays, 0, false); err != nil {
		return err
	}
	for _, table := range tables {
		if err := add(fmt.Sprintf("one row, table of %d rows", table), table, 1, false); err != nil {
			return err
		}
	}
	page.Columns(out, lines)
	return nil
}

// together runs one search over all indexers on this machine.
func (s *scale) together(out io.Writer) error {
	const each = 100 // events on an indexer
	heading(out, "**One search over all indexers**, %d events on each, all on this machine: CPU is of the commands' processes.", each)
	lines := [][]string{{"indexers", "processes", "CPU ms", "CPU ms a process", "rows to the search head"}}
	for _, n := range s.indexers {
		h, err := s.site(n, relays(workload.SomeRelays))
		if err != nil {
			return err
		}
		for i := range n * each {
			h.AddEvents(splunkd.Event{Time: h.Now.Add(-time.Duration(1+i%3000) * time.Second), Fields: map[string]string{
				"src_ip": fmt.Sprintf("10.0.%d.%d", i>>8&255, i&255), "dest_ip": fmt.Sprintf("203.0.113.%d", i&255), "dest_port": "443"}})
		}
		if _, err := h.Run(judging); err != nil { // the bundle, and the probes
			return err
		}
		var before, after syscall.Rusage
		if err := syscall.Getrusage(syscall.RUSAGE_CHILDREN, &before); err != nil {
			return err
		}
		result, err := h.Run(judging)
		if err != nil {
			return err
		}
		if err := syscall.Getrusage(syscall.RUSAGE_CHILDREN, &after); err != nil {
			return err
		}
		cpu := seconds(after) - seconds(before)
		lines = append(lines, []string{fmt.Sprint(n), fmt.Sprint(result.Processes), milli(cpu), milli(cpu / float64(max(1, result.Processes))), fmt.Sprint(len(result.Rows))})
		if err := os.RemoveAll(filepath.Dir(h.App.Home)); err != nil { // 32 bundles
			return err
		}
	}
	page.Columns(out, lines)
	return nil
}

func seconds(u syscall.Rusage) float64 {
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()).Seconds()
}

// where tells which of the app's searches start a command on the indexers: by how many more processes a search has with
// more indexers.
func (s *scale) where(out io.Writer) error {
	heading(out, "**Which searches run the command where**: processes of a run, without those that splunkd starts while it reads the search.")
	counts := map[string][2]int{}
	var names []string
	for i, n := range []int{1, 3} {
		h, err := s.site(n, relays(1000))
		if err != nil {
			return err
		}
		h.Now = time.Now().UTC()
		if names, err = h.SavedSearches(); err != nil {
			return err
		}
		for _, name := range names {
			text, err := h.SavedSearch(name)
			if err != nil {
				return err
			}
			if strings.Contains(text, "| torupdate") || strings.HasPrefix(text, "torupdate") { // asks servers
				continue
			}
			// An old table fails some of them; where they start is the question.
			text = strings.ReplaceAll(text, "require_list=true", "")
			if _, err := h.Run(text); err != nil { // the probes
				return fmt.Errorf("%s: %w", name, err)
			}
			result, err := h.Run(text)
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			c := counts[name]
			c[i] = result.Processes
			counts[name] = c
		}
	}
	lines := [][]string{{"search", "on the search head", "on each indexer"}}
	for _, name := range names {
		if c, ok := counts[name]; ok {
			each := (c[1] - c[0]) / 2
			lines = append(lines, []string{name, fmt.Sprint(c[0] - each), fmt.Sprint(each)})
		}
	}
	page.Columns(out, lines)
	return nil
}
