package doctor

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"tordetect/tests/unprivileged"
)

// stanzas is a conf file of one more stanza than is kept, in front of a text.
func stanzas(text string) string {
	var b strings.Builder
	for i := range 50_001 {
		fmt.Fprintf(&b, "[%d]\n", i)
	}
	return b.String() + text
}

// What was not looked at, for its size or because it is no file, is named.
func TestUnseen(t *testing.T) {
	const warning = "what %s may say was not checked, whatever the other lines say: no ordinary file, or larger than is looked at"
	const conf = "etc/apps/zz/default/"
	one := func(where string) []string {
		counted := "1 file"
		if strings.HasSuffix(where, "/") {
			counted = "1 folder"
		}
		return []string{"warning files: " + where + ": " + fmt.Sprintf(warning, counted)}
	}
	circle := func(s *site, name string) {
		require.NoError(s.t, os.MkdirAll(filepath.Dir(s.at(name)), 0o755))
		require.NoError(s.t, os.Symlink(filepath.Base(name), s.at(name)))
	}
	for _, c := range []finding{
		{"more apps than are looked at", func(s *site) {
			for i := range maxApps {
				require.NoError(s.t, os.Mkdir(s.at(fmt.Sprintf("etc/apps/app%d", i)), 0o755))
			}
			s.write(conf+"commands.conf", "[tordetect]\nfilename = a.py\n")
		}, one("etc/apps/")},
		{"more commands than are kept", func(s *site) { s.write(conf+"commands.conf", stanzas("[tordetect]\nfilename = a.py\n")) }, one(conf + "commands.conf")},
		{"more macros", func(s *site) { s.write(conf+"macros.conf", stanzas("")) }, one(conf + "macros.conf")},
		{"more searches", func(s *site) { s.write(conf+"savedsearches.conf", stanzas("")) }, one(conf + "savedsearches.conf")},
		{"more lookups", func(s *site) { s.write(conf+"transforms.conf", stanzas("")) }, one(conf + "transforms.conf")},
		{"more permissions", func(s *site) { s.write("metadata/local.meta", stanzas("")) }, one("etc/apps/tordetect/metadata/local.meta")},
		{"more limits, which leave those below them no room", func(s *site) { s.write(conf+"limits.conf", stanzas("")) },
			[]string{"warning files: etc/apps/, " + conf + "limits.conf: " + fmt.Sprintf(warning, "1 file and 1 folder")}},
		{"more patterns", func(s *site) {
			var b strings.Builder
			for i := range maxPatterns {
				fmt.Fprintf(&b, "a%d = none\n", i)
			}
			s.write(conf+"distsearch.conf", "[replicationDenylist]\n"+b.String()+"z = apps/tordetect/...\n")
		}, []string{"warning files: etc/apps/tordetect/default/distsearch.conf, " + conf + "distsearch.conf: " + fmt.Sprintf(warning, "2 files")}},
		{"users in a circle", func(s *site) { circle(s, "etc/users") }, one("etc/users")},
		{"an app in a circle", func(s *site) { circle(s, "etc/apps/zz") }, one("etc/apps/")},
		{"lookups of another app in a circle", func(s *site) { circle(s, "etc/apps/zz/lookups") }, one("etc/apps/zz/lookups")},
		{"a file where a folder may be", func(s *site) {
			s.write("etc/apps/zz/lookups", "")
			s.write("etc/apps/zz/local", "")
			s.write("etc/users", "")
		}, nil},
		{"a history in a circle", func(s *site) { circle(s, historyFile) }, one("etc/apps/tordetect/" + historyFile)},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := healthy(t)
			s.noRun, s.os, s.arch = true, "linux", goarch
			c.do(s)
			require.Equal(t, c.want, complaints(s.examine()))
		})
	}
}

// A cluster's member is seen as one, whatever another app's server.conf has in it.
func TestMemberWithoutRoom(t *testing.T) {
	s := healthy(t)
	s.noRun = true
	s.write("etc/system/local/server.conf", "[shclustering]\ndisabled = 0\nconf_replication_include.lookups = false\n")
	s.write("etc/apps/zz/local/server.conf", stanzas(""))
	require.Contains(t, strings.Join(complaints(s.examine()), "\n"), "error cluster: etc/system/local/server.conf: the members do not replicate lookups")
}

// The limits on folders, which no test fills.
func TestFolderLimits(t *testing.T) {
	s := healthy(t)
	s.write("etc/apps/zz/lookups/tor_relays.csv", "")
	e := newExam(context.Background(), s.app, Options{})
	e.home = s.home
	require.Len(t, e.folders(s.at("etc/apps"), 2), 2)
	require.Len(t, e.beside(s.at("etc/apps/zz"), 3), 3)
	require.Empty(t, e.passed)
	require.Len(t, e.folders(filepath.Join(s.home, "etc"), 1), 1)
	require.Len(t, e.beside(s.at("etc/apps/zz"), 2), 2)
	require.Equal(t, map[string]bool{"etc/": true, "etc/apps/zz/": true}, e.passed)
}

// What another user keeps from us is said once each, folders as well.
func TestUnreadable(t *testing.T) {
	needsLinux(t)
	s := healthy(t)
	s.noRun = true
	s.write("etc/users/ann/search/lookups/tor_relays.csv", "")
	s.write("etc/apps/zz/default/commands.conf", "[tordetect]\nfilename = a.py\n")
	s.write("etc/system/local/server.conf", "[shclustering]\n")
	s.write("etc/apps/zz/bin/a.py", "")
	for _, name := range []string{"etc/users", "etc/apps/zz/bin", "etc/apps/zz/default", "etc/system/local/server.conf"} {
		s.chmod(name, 0)
		t.Cleanup(func() { s.chmod(name, 0o755) })
	}
	unprivileged.FromHere(t, s.home)
	require.Equal(t, []string{"note files: etc/apps/zz/bin/, etc/apps/zz/default/, etc/system/local/server.conf, etc/users/: 1 file and 3 folders could not be read for want of permission, so some checks saw less, whatever the other lines say"},
		complaints(s.examine()))
}

// The app's folder may be a link to where the app lies: names and Splunk's folder are
// those of the link.
func TestLinkedApp(t *testing.T) {
	needsLinux(t)
	s := healthy(t)
	elsewhere := filepath.Join(s.home, "shared", "td-1")
	require.NoError(t, os.Mkdir(filepath.Dir(elsewhere), 0o755))
	require.NoError(t, os.Rename(s.app, elsewhere))
	require.NoError(t, os.Symlink(elsewhere, s.app))
	r := s.examine()
	require.Empty(t, complaints(r))
	require.Equal(t, "app", r.Place)
	require.Equal(t, s.home, r.Home)
	s.remove("default/macros.conf")
	require.Contains(t, strings.Join(complaints(s.examine()), "\n"), "error files: default/macros.conf: the file is missing")
}
