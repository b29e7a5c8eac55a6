package doctor

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tordetect/src/splunkhome"
)

// projectRoot is seen from this folder, in which go test runs.
const projectRoot = "../.."

// version is that of the programs and of the app in these tests.
const version = "9.8.7"

// programs is a folder with the programs of the package.
var programs string

func TestMain(m *testing.M) {
	code, err := func() (int, error) {
		scratch, err := os.MkdirTemp("", "doctor-")
		if err != nil {
			return 1, err
		}
		defer os.RemoveAll(scratch)
		programs = scratch
		for _, name := range []string{"tordetect", "torrelays"} {
			if err := build(name); err != nil {
				return 1, err
			}
		}
		return m.Run(), nil
	}()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	os.Exit(code)
}

// build makes a program for this machine's architecture, and one that says that it
// is for the other: only the two bytes of e_machine differ.
func build(name string) error {
	at := filepath.Join(programs, name)
	cmd := exec.Command("go", "build", "-ldflags", "-s -w -X main.version="+version, "-o", at, "./src/cmd/"+name)
	cmd.Dir = projectRoot
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build %s: %w\n%s", name, err, out)
	}
	text, err := os.ReadFile(at)
	if err != nil {
		return err
	}
	for arch, machine := range architectures {
		text[18], text[19] = byte(machine), byte(machine>>8)
		if err := os.WriteFile(fmt.Sprintf("%s-linux-%s", at, arch), text, 0o755); err != nil {
			return err
		}
	}
	return os.Remove(at)
}

// site is a Splunk with the app in it.
type site struct {
	t    *testing.T
	home string
	app  string
	now  time.Time
	options
}

type options struct {
	noRun  bool
	arch   string
	os     string
	torctl string
}

// install makes a Splunk with the app as the package installs it, and nothing else.
func install(t *testing.T) *site {
	home := t.TempDir()
	s := &site{t: t, home: home, app: filepath.Join(home, "etc", "apps", splunkhome.App), now: time.Now()}
	for from, to := range map[string]string{"default": "default", "app": ".", "bin": "bin"} {
		require.NoError(t, os.CopyFS(filepath.Join(s.app, to), os.DirFS(filepath.Join(projectRoot, from))))
	}
	meta, err := os.ReadFile(filepath.Join(projectRoot, "metadata", "default.meta"))
	require.NoError(t, err)
	s.write("metadata/default.meta", string(meta))
	// As build.sh package stamps them.
	conf := strings.ReplaceAll(s.read("default/app.conf"), "[id]\n", "[id]\nversion = "+version+"\n")
	at := strings.Index(conf, "[launcher]")
	head, rest := conf[:at], conf[at:]
	before, after, _ := strings.Cut(rest, "\nversion = ")
	_, after, _ = strings.Cut(after, "\n")
	s.write("default/app.conf", head+before+"\nversion = "+version+"\n"+after)
	s.write("app.manifest", strings.NewReplacer("@VERSION@", version, "@DATE@", "2026-01-01").Replace(s.read("app.manifest")))
	entries, err := os.ReadDir(programs)
	require.NoError(t, err)
	for _, x := range entries {
		require.NoError(t, os.Link(filepath.Join(programs, x.Name()), s.at("bin/"+x.Name())))
	}
	for _, name := range []string{"tordetect.sh", "torrelays.sh", "torupdate.sh"} {
		require.NoError(t, os.Chmod(s.at("bin/"+name), 0o755))
	}
	require.NoError(t, os.MkdirAll(filepath.Join(home, "etc", "system", "local"), 0o755))
	return s
}

// at is a file of the app, or of Splunk where it begins with etc/.
func (s *site) at(name string) string {
	if strings.HasPrefix(name, "etc/") {
		return filepath.Join(s.home, filepath.FromSlash(name))
	}
	return filepath.Join(s.app, filepath.FromSlash(name))
}

func (s *site) read(name string) string {
	text, err := os.ReadFile(s.at(name))
	require.NoError(s.t, err)
	return string(text)
}

// write makes a file new: programs are links to files of all tests.
func (s *site) write(name, text string) {
	require.NoError(s.t, os.MkdirAll(filepath.Dir(s.at(name)), 0o755))
	if err := os.Remove(s.at(name)); err != nil {
		require.ErrorIs(s.t, err, os.ErrNotExist)
	}
	require.NoError(s.t, os.WriteFile(s.at(name), []byte(text), 0o644))
	if strings.HasPrefix(name, "bin/") {
		s.chmod(name, 0o755)
	}
}

func (s *site) chmod(name string, mode os.FileMode) { require.NoError(s.t, os.Chmod(s.at(name), mode)) }

func (s *site) remove(name string) { require.NoError(s.t, os.RemoveAll(s.at(name))) }

// own makes a copy of a program that is no link any more.
func (s *site) own(name string) string {
	text := s.read(name)
	s.write(name, text)
	return text
}

// enable switches searches on, as Splunk writes that.
func (s *site) enable(names ...string) {
	var b strings.Builder
	for _, name := range names {
		fmt.Fprintf(&b, "[%s]\ndisabled = 0\n\n", name)
	}
	s.write("local/savedsearches.conf", b.String())
}

// relays is a relay table whose newest list ended so long ago, of so many hours
// before that.
type relays struct {
	age     time.Duration
	covered time.Duration
	listed  int // now; 100 a day before
	exits   bool
	cut     bool
	bad     bool // an unreadable row
	gap     bool
}

func (s *site) table(l relays) string {
	newest := s.now.Add(-l.age).Unix()
	first := newest - int64(l.covered/time.Second)
	var rows []string
	add := func(format string, args ...any) { rows = append(rows, fmt.Sprintf(format, args...)) }
	if l.gap {
		add(",,coverage,,,,%d,%d", first-100000, first-90000)
	}
	add(",,coverage,,,,%d,%d", first, newest)
	if l.exits {
		add(",,exit_coverage,,,,%d,%d", first, newest)
	}
	for i := range 100 {
		until := newest
		if i >= l.listed {
			until = newest - 20*3600
		}
		add("192.0.2.%d,9001,or,Guard,%040X,relay%d,%d,%d", i+1, i+1, i, first, until)
	}
	if l.bad {
		add("nonsense,9001,or,,,,%d,%d", first, newest)
	}
	text := "ip,port,role,flags,fingerprint,nickname,first_seen,last_seen\n" + strings.Join(rows, "\n") + "\n"
	if l.cut {
		return text
	}
	return text + fmt.Sprintf(",%d,end,,,,,\n", len(rows))
}

// current is a table as the hourly search keeps it.
var current = relays{age: -2 * time.Hour, covered: 7 * 24 * time.Hour, listed: 100, exits: true}

// healthy is a site in which nothing is wrong.
func healthy(t *testing.T) *site {
	s := install(t)
	s.write(listFile, s.table(current))
	return s
}

func (s *site) examine() *Report {
	o := Options{Now: s.now, OS: s.os, Arch: s.arch, NoRun: s.noRun, Version: s.torctl}
	if o.OS == "" {
		o.OS, o.Arch = "linux", runtime.GOARCH
		if s.arch != "" {
			o.Arch = s.arch
		}
	}
	r, err := Folder(context.Background(), s.app, o)
	require.NoError(s.t, err)
	return r
}

// complaints are the findings but those that are fine, one a line.
func complaints(r *Report) []string {
	var lines []string
	for _, f := range r.Findings {
		if f.Severity != OK {
			lines = append(lines, fmt.Sprintf("%s %s: %s: %s", f.Severity, f.Check, f.Where, f.What))
		}
	}
	return lines
}
