package splunkhome

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"tordetect/tests/unprivileged"
)

// tree makes files below a folder.
func tree(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for name, content := range files {
		path := filepath.Join(root, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(content), 0o644))
	}
	return root
}

// Of a key the first one counts: system/local, the apps' local/ in the order of
// their names, their default/, system/default.
func TestGlobal(t *testing.T) {
	home := Home{Path: tree(t, map[string]string{
		"etc/system/local/server.conf":   "[s]\na = system/local\n",
		"etc/apps/a/local/server.conf":   "[s]\na = a/local\nb = a/local\n",
		"etc/apps/a-b/local/server.conf": "[s]\nb = a-b/local\n", // a name that sorts behind a, a path that does not
		"etc/apps/b/local/server.conf":   "[s]\nb = b/local\nc = b/local\n",
		"etc/apps/a/default/server.conf": "[s]\nc = a/default\nd = a/default\n",
		"etc/system/default/server.conf": "[s]\nd = system/default\ne = system/default\n",
		"etc/apps/README":                "no folder",
	})}
	names, more, err := Folders(filepath.Join(home.Path, "etc", "apps"), MaxApps)
	require.NoError(t, err)
	require.False(t, more)
	require.Equal(t, []string{"a", "a-b", "b"}, names)
	apps, _, err := home.Apps()
	require.NoError(t, err)
	c := home.Global("server", apps)
	require.NoError(t, c.Err)
	for key, want := range map[string]string{"a": "system/local", "b": "a/local", "c": "b/local", "d": "a/default", "e": "system/default"} {
		require.Equal(t, want, c.Text("s", key), key)
	}
	s, _ := c.Get("s", "c")
	require.Equal(t, filepath.Join(home.Path, "etc/apps/b/local/server.conf"), s.File)
	require.Empty(t, Home{Path: t.TempDir()}.Global("server", nil).Stanzas)
	app := home.InApp(filepath.Join(home.Path, "etc/apps/a"), "server", func(key string) bool { return key != "d" })
	require.Equal(t, map[string]string{"s/a": "a/local", "s/b": "a/local", "s/c": "a/default"}, plain(app))
}

// What is left out of the folders is said; what is no folder is not missed.
func TestFolders(t *testing.T) {
	in := filepath.Join(tree(t, map[string]string{"in/a/x": "", "in/b/x": "", "in/file": "", "c/x": ""}), "in")
	require.NoError(t, os.Symlink(filepath.Join("..", "c"), filepath.Join(in, "c")))
	require.NoError(t, os.Symlink("file", filepath.Join(in, "d")))
	require.NoError(t, os.Symlink("nowhere", filepath.Join(in, "e")))
	for most, want := range [][]string{nil, {"a"}, {"a", "b"}, {"a", "b", "c"}} {
		names, more, err := Folders(in, most)
		require.NoError(t, err)
		require.Equal(t, want, names)
		require.Equal(t, most < 3, more)
	}
	for _, none := range []string{"none", "file"} {
		names, more, err := Folders(filepath.Join(in, none), 1)
		require.NoError(t, err)
		require.Empty(t, names)
		require.False(t, more)
	}
	circle := filepath.Join(in, "aa")
	require.NoError(t, os.Symlink("aa", circle))
	names, _, err := Folders(in, 9)
	require.ErrorContains(t, err, circle+": ")
	require.Equal(t, []string{"a", "b", "c"}, names)
	_, _, err = Folders(circle, 9)
	require.ErrorContains(t, err, circle+": ")
}

// A member is known as one whatever else cannot be read; that a Splunk is none only
// where all was read that could say so.
func TestClustered(t *testing.T) {
	const local = "etc/system/local/server.conf"
	many := func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, "[s%d]\n", i)
		}
		return b.String()
	}
	for _, c := range []struct {
		name    string
		files   map[string]string
		circles []string // links that lead to themselves: there, and not to be read
		want    bool
		err     string
	}{
		{"none", map[string]string{local: "[general]\n"}, nil, false, ""},
		{"no Splunk at all", nil, nil, false, ""},
		{"a file where a folder may be", map[string]string{"etc/apps/a/local": "", "etc/system/local": ""}, nil, false, ""},
		{"a member", map[string]string{local: "[shclustering]\ndisabled = 0\n"}, []string{"etc/apps/a/local/server.conf"}, true, ""},
		{"system/local is not readable", map[string]string{"etc/apps/a/local/server.conf": "[general]\n"}, []string{local}, false, local},
		{"an app's is not readable", map[string]string{local: "[general]\n"}, []string{"etc/apps/a/default/server.conf"}, false, "etc/apps/a/default/server.conf"},
		{"an app is not readable", map[string]string{local: "[general]\n"}, []string{"etc/apps/a"}, false, "etc/apps/a"},
		{"the apps are not readable", map[string]string{local: "[general]\n"}, []string{"etc/apps"}, false, "etc/apps"},
		{"no file", map[string]string{local + "/x": ""}, nil, false, "it is not a file"},
		{"an app with all the room", map[string]string{local: "[shclustering]\ndisabled = 0\n", "etc/apps/a/local/server.conf": many(maxStanzas + 1)}, nil, true, ""},
		{"all the room that there is", map[string]string{local: "[shclustering]\ndisabled = 0\n", "etc/apps/a/local/server.conf": many(maxStanzas)}, nil, true, ""},
		{"more than is kept", map[string]string{local: "[general]\n", "etc/apps/a/local/server.conf": many(maxStanzas)}, nil, false, "more stanzas or settings than are kept"},
	} {
		t.Run(c.name, func(t *testing.T) {
			root := tree(t, c.files)
			for _, name := range c.circles {
				at := filepath.Join(root, filepath.FromSlash(name))
				require.NoError(t, os.MkdirAll(filepath.Dir(at), 0o755))
				require.NoError(t, os.Symlink(filepath.Base(at), at))
			}
			got, err := Home{Path: root}.Clustered()
			require.Equal(t, c.want, got)
			if c.err == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, filepath.FromSlash(c.err))
		})
	}
	root := t.TempDir()
	for i := range MaxApps + 1 {
		require.NoError(t, os.MkdirAll(filepath.Join(root, "etc", "apps", fmt.Sprint(i)), 0o755))
	}
	_, err := Home{Path: root}.Clustered()
	require.ErrorContains(t, err, "it has more than the 2000 apps that are looked at")
}

// Another user's file, as server.conf is where it holds a key.
func TestClusteredUnreadable(t *testing.T) {
	root := tree(t, map[string]string{"etc/system/local/server.conf": "[shclustering]\ndisabled = 0\n"})
	home := Home{Path: root}
	got, err := home.Clustered()
	require.NoError(t, err)
	require.True(t, got)
	require.NoError(t, os.Chmod(filepath.Join(root, "etc/system/local/server.conf"), 0))
	unprivileged.FromHere(t, root)
	_, err = home.Clustered()
	require.ErrorIs(t, err, os.ErrPermission)
	require.ErrorContains(t, err, "server.conf")
}

func TestMember(t *testing.T) {
	for conf, want := range map[string]bool{
		"":                              false,
		"[shclustering]":                false,
		"[shclustering]\ndisabled = 0":  true,
		"[shclustering]\ndisabled = no": true,
		"[shclustering]\ndisabled = 1":  false,
		"[shclustering]\nmgmt_uri = https://sh1:8089":                                         true,
		"[shclustering]\nmgmt_uri = https://sh1:8089\ndisabled = T":                           false,
		"[shclustering]\nconf_replication_include.analyticstories = true":                     false,
		"[shclustering]\nconf_replication_include.analyticstories = true\ndisabled = 0":       true,
		"[shclustering]\nconf_replication_include.analyticstories = true\npass4SymmKey = $7$": true,
	} {
		require.Equal(t, want, Member(ParseConf("", conf, nil)), conf)
	}
}

func TestAround(t *testing.T) {
	for path, want := range map[string][]Home{
		"/data/t.csv": nil,
		"/opt/splunk/etc/apps/tordetect/lookups/t.csv": {{Path: "/opt/splunk"}},
		"/opt/splunk/etc/users/ann/search/lookups/t":   {{Path: "/opt/splunk"}},
		"/etc/apps/s/etc/apps/x/t":                     {{Path: "/etc/apps/s"}, {Path: ""}},
		"/s/etc/apps/etc/apps/t":                       {{Path: "/s/etc/apps"}, {Path: "/s"}},
	} {
		require.Equal(t, want, Around(path), path)
	}
}

func TestReadLookup(t *testing.T) {
	folder := tree(t, map[string]string{"a.txt": "12345"})
	text, err := ReadLookup(folder, "a.txt", 5)
	require.NoError(t, err)
	require.Equal(t, "12345", string(text))
	_, err = ReadLookup(folder, "a.txt", 4)
	require.EqualError(t, err, "the file a.txt in the app's lookups folder: it has 5 bytes; the limit is 4")
	_, err = ReadLookup(folder, "b.txt", 4)
	require.EqualError(t, err, "there is no file b.txt in the app's lookups folder")
	for name, want := range map[string]bool{"a.txt": true, "": false, ".a": false, "../a": false, `..\a`: false, "c:a": false, "a\nb": false} {
		require.Equal(t, want, LookupName(name), name)
	}
}

func TestReadSecret(t *testing.T) {
	app := tree(t, map[string]string{"local/p.txt": "12345"})
	file := filepath.Join(app, "local", "p.txt")
	_, err := ReadSecret(app, "p.txt", 5)
	require.ErrorContains(t, err, "others than Splunk can read the file local/p.txt: chmod 600")
	require.NoError(t, os.Chmod(file, 0o600))
	text, err := ReadSecret(app, "p.txt", 5)
	require.NoError(t, err)
	require.Equal(t, "12345", string(text))
	_, err = ReadSecret(app, "p.txt", 4)
	require.EqualError(t, err, "the file local/p.txt: it has 5 bytes; the limit is 4")
	_, err = ReadSecret(app, "none.txt", 4)
	require.EqualError(t, err, "there is no file local/none.txt in the app's folder")
}
