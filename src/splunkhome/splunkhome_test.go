package splunkhome

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
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
	require.Equal(t, []string{"a", "a-b", "b"}, Folders(filepath.Join(home.Path, "etc", "apps"), MaxApps))
	c := home.Global("server", home.Apps())
	for key, want := range map[string]string{"a": "system/local", "b": "a/local", "c": "b/local", "d": "a/default", "e": "system/default"} {
		require.Equal(t, want, c.Text("s", key), key)
	}
	s, _ := c.Get("s", "c")
	require.Equal(t, filepath.Join(home.Path, "etc/apps/b/local/server.conf"), s.File)
	require.Empty(t, Home{Path: t.TempDir()}.Global("server", nil).Stanzas)
	app := home.InApp(filepath.Join(home.Path, "etc/apps/a"), "server", func(key string) bool { return key != "d" })
	require.Equal(t, map[string]string{"s/a": "a/local", "s/b": "a/local", "s/c": "a/default"}, plain(app))
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
