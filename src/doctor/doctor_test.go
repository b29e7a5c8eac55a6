package doctor

import (
	"context"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A fresh installation lacks the relay list and nothing else; with one it is
// healthy.
func TestHealthy(t *testing.T) {
	needsLinux(t)
	require.Equal(t, []string{"warning relay list: lookups/tor_relays.csv: there is no relay list yet: only what the firewall names itself can be found"},
		complaints(install(t).examine()))
	s := healthy(t)
	r := s.examine()
	require.Empty(t, complaints(r))
	require.Equal(t, len(r.Findings), r.Count(OK))
	require.Equal(t, s.home, r.Home)
	require.Equal(t, "app", r.Place)
	// What is fine is told of as well, by each check that has something to look at.
	var fine []string
	for _, f := range r.Findings {
		fine = append(fine, f.Check)
		require.NotEmpty(t, f.What)
		require.Empty(t, f.Do)
	}
	require.Equal(t, []string{"place", "files", "programs", "launchers", "start", "version", "relay list", "clock", "lookups",
		"permissions", "bundle", "searches", "leftovers"}, fine)
}

func needsLinux(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("skipped: the package's programs run on Linux only")
	}
}

const goarch = runtime.GOARCH

var otherArch = map[string]string{"amd64": "arm64", "arm64": "amd64"}[runtime.GOARCH]

// A launcher that hangs, also one whose child does, costs the timeout and no more.
func TestHanging(t *testing.T) {
	needsLinux(t)
	for _, script := range []string{"sleep 60", "sleep 60 &\nexit 0", "exec sleep 60"} {
		s := healthy(t)
		s.fake(script)
		begun := time.Now()
		r, err := Folder(context.Background(), s.app, Options{Now: s.now, Timeout: 300 * time.Millisecond})
		require.NoError(t, err)
		require.Len(t, complaints(r), 1)
		require.Contains(t, complaints(r)[0], "error start: bin/tordetect.sh: the command tordetect does not answer as it should: ")
		require.Less(t, time.Since(begun), 30*time.Second)
	}
}

// Where the machine is no Linux, nothing is started, and nothing else is missed.
func TestElsewhere(t *testing.T) {
	s := healthy(t)
	s.os, s.arch = "darwin", "arm64"
	require.Equal(t, []string{"note start: bin: the programs run on Linux only, so they were not started here"}, complaints(s.examine()))
	s.os, s.noRun = "linux", true
	require.Empty(t, complaints(s.examine()))
}

// The places that a path tells.
func TestPlaces(t *testing.T) {
	for _, c := range []struct {
		folder, place, home string
		want                []string
	}{
		{"etc/shcluster/apps/tordetect", "deployer", "", []string{"error cluster: lookups: the deployer must not have lookups"}},
		{"etc/deployment-apps/tordetect", "deployment server", "", []string{"warning place: : this is the place for apps that go to indexers"}},
		{"etc/manager-apps/tordetect", "cluster manager", "", []string{"warning place: : this is the place for apps that go to indexers"}},
		{"etc/slave-apps/tordetect", "cluster peer", "", []string{"warning place: : this is the place for apps that go to indexers"}},
		{"var/run/searchpeers/sh1-1795564800/apps/tordetect", "bundle on a search peer", "", nil},
		{"etc/apps/tordetect-0.1.0", "app", "", []string{"error place: tordetect-0.1.0: the folder has another name"}},
		{"somewhere/tordetect", "folder", "none", nil},
	} {
		s := healthy(t)
		to := filepath.Join(s.home, filepath.FromSlash(c.folder))
		require.NoError(t, os.MkdirAll(filepath.Dir(to), 0o755))
		require.NoError(t, os.Rename(s.app, to))
		s.app, s.noRun = to, true
		r := s.examine()
		require.Equal(t, c.place, r.Place)
		if c.home == "" {
			c.home = s.home
		} else {
			c.home = ""
		}
		require.Equal(t, c.home, r.Home)
		got := complaints(r)
		require.Len(t, got, len(c.want), "%s: %v", c.folder, got)
		for i, want := range c.want {
			require.True(t, strings.HasPrefix(got[i], want), "%s: %s", c.folder, got[i])
		}
	}
}

// The deployer's copy is as it should be without lookups.
func TestDeployer(t *testing.T) {
	s := healthy(t)
	to := filepath.Join(s.home, "etc", "shcluster", "apps", "tordetect")
	require.NoError(t, os.MkdirAll(filepath.Dir(to), 0o755))
	require.NoError(t, os.Rename(s.app, to))
	s.app, s.noRun = to, true
	s.remove("lookups")
	require.Empty(t, complaints(s.examine()))
	require.NoError(t, os.Mkdir(filepath.Join(to, "lookups"), 0o755))
	require.Empty(t, complaints(s.examine()), "an empty folder")
}

// A search peer's bundle lacks what the denylist keeps from it; its list counts.
func TestBundleOnPeer(t *testing.T) {
	s := healthy(t)
	to := filepath.Join(s.home, "var", "run", "searchpeers", "sh1-1795564800", "apps", "tordetect")
	require.NoError(t, os.MkdirAll(filepath.Dir(to), 0o755))
	require.NoError(t, os.Rename(s.app, to))
	s.app = to
	for _, name := range []string{"bin/torrelays.sh", "bin/torupdate.sh", "bin/torrelays-linux-amd64", "bin/torrelays-linux-arm64", "app.manifest", "static"} {
		s.remove(name)
	}
	require.Empty(t, complaints(s.examine()))
	s.remove("lookups")
	require.Equal(t, []string{"error relay list: lookups/tor_relays.csv: the relay list did not come with the bundle: this peer finds only what the firewall names itself"}, complaints(s.examine()))
}

// Owners: Splunk's own apps belong to somebody else.
func TestOwner(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("skipped: only root can give files away")
	}
	s := healthy(t)
	const splunk = 12345
	for _, name := range []string{"etc/apps", "bin", "."} {
		require.NoError(t, os.Chown(s.at(name), splunk, splunk))
	}
	s.noRun = true
	got := strings.Join(complaints(s.examine()), "\n")
	require.Contains(t, got, "warning files: LICENSE")
	require.Contains(t, got, "Splunk's own apps belong to user 12345, but this does not")
	require.Contains(t, got, "error lookups: lookups: the folder belongs to root, so Splunk, which runs as user 12345, cannot write lookups")
	require.Contains(t, got, "warning lookups: lookups/tor_relays.csv: the table belongs to root and Splunk runs as user 12345")
	require.NotContains(t, got, "cluster")
	s.write("etc/system/local/server.conf", "[shclustering]\ndisabled = false\n")
	require.Contains(t, strings.Join(complaints(s.examine()), "\n"), "warning cluster: lookups/tor_relays.csv: the relay list belongs to root and not to Splunk")
}

// Root starts nothing as root that is another's.
func TestStartedAsOwner(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("skipped: only root can start something as another")
	}
	s := healthy(t)
	s.fake("id -u >&2; exit 1")
	require.NoError(t, os.Chown(s.at("bin/tordetect.sh"), nobody, nobody))
	for folder := s.app; folder != filepath.Dir(filepath.Dir(s.home)) && len(folder) > len(os.TempDir()); folder = filepath.Dir(folder) {
		require.NoError(t, os.Chmod(folder, 0o755))
	}
	require.Contains(t, strings.Join(complaints(s.examine()), "\n"), "does not answer as it should: 65534")
}

// What is no app is said so.
func TestNoApp(t *testing.T) {
	empty := t.TempDir()
	for folder, want := range map[string]string{
		empty:                                "it has no default/app.conf",
		filepath.Join(empty, "none"):         "is no folder: give the app's folder",
		filepath.Join(projectRoot, "go.mod"): "is no folder: give the app's folder",
	} {
		_, err := Folder(context.Background(), folder, Options{Now: time.Now()})
		require.ErrorContains(t, err, want)
	}
}

// What only others may execute says nothing of Splunk, and is no error.
func TestBarred(t *testing.T) {
	user := os.Geteuid()
	e := &exam{}
	require.Equal(t, user > 0, e.barred(entry{mode: 0o750, uid: user + 1}))
	require.False(t, e.barred(entry{mode: 0o755, uid: user + 1}))
	require.False(t, e.barred(entry{mode: 0o750, uid: user}))
	require.False(t, e.barred(entry{mode: 0o750, uid: -1}))
}

// The names that the checks go by are those of the app.
func TestNames(t *testing.T) {
	e := newExam(context.Background(), projectRoot, Options{})
	for _, name := range []string{updateSearch, historySearch, healthSearch, labelledSearch} {
		require.True(t, e.conf("savedsearches").Has(name), name)
	}
	for _, name := range siteMacros {
		require.True(t, e.conf("macros").Has(name), name)
	}
	for _, command := range commands {
		require.True(t, e.conf("commands").Has(command.name))
		require.DirExists(t, filepath.Join(projectRoot, "src", "cmd", command.program))
	}
	for _, file := range []string{listFile, historyFile} {
		name := strings.TrimSuffix(filepath.Base(file), ".csv")
		require.Equal(t, filepath.Base(file), e.conf("transforms").Text(name, "filename"))
	}
}

// A program whose last segment ends behind the file is cut, however its head looks.
func TestReadELF(t *testing.T) {
	b := make([]byte, 64+56)
	copy(b, "\x7fELF\x02\x01\x01")
	b[16], b[18], b[20], b[32], b[52], b[54], b[56], b[58] = 2, 62, 1, 64, 64, 56, 1, 64 // see elf(5)
	b[64] = 1                                                                            // PT_LOAD
	b[64+32] = 120                                                                       // p_filesz
	m, whole := readELF(string(b))
	require.Equal(t, architectures["amd64"], m)
	require.True(t, whole)
	b[64+32]++
	_, whole = readELF(string(b))
	require.False(t, whole)
	b[64+8], b[64+15] = 0xff, 0xff // p_offset far behind everything
	_, whole = readELF(string(b))
	require.False(t, whole)
}

// What a launcher says without end is not kept.
func TestBeginning(t *testing.T) {
	var b beginning
	for range 3 {
		n, err := b.Write(make([]byte, maxReply/2+1))
		require.NoError(t, err)
		require.Equal(t, maxReply/2+1, n)
	}
	require.Equal(t, maxReply, b.kept.Len())
}
