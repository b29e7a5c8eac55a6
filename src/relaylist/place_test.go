package relaylist

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// tree makes files, and folders for names that end in a slash, and links for
// contents that begin with an arrow.
func tree(t *testing.T, files map[string]string) string {
	t.Helper()
	root, err := filepath.EvalSymlinks(t.TempDir())
	require.NoError(t, err)
	for name, content := range files {
		path := filepath.Join(root, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		target, link := strings.CutPrefix(content, "->")
		switch {
		case strings.HasSuffix(name, "/"):
			require.NoError(t, os.MkdirAll(path, 0o755))
		case link:
			require.NoError(t, os.Symlink(target, path))
		default:
			require.NoError(t, os.WriteFile(path, []byte(content), 0o644))
		}
	}
	return root
}

const (
	isMember  = "[general]\nserverName = sh1\n[shclustering]\ndisabled = 0\n"
	noMember  = "[shclustering]\ndisabled = true\n"
	ownStanza = "[shclustering]\nconf_replication_include.analyticstories = true\n"
	noCluster = "[general]\nserverName = sh1\n"
)

func TestCheckPlaceInCluster(t *testing.T) {
	const local, app = "s/etc/system/local/server.conf", "s/etc/apps/tordetect/lookups/"
	for _, c := range []struct {
		name    string
		files   map[string]string
		table   string
		refused bool
	}{
		{"a member", map[string]string{local: isMember, app: ""}, app + "t.csv", true},
		{"with a mark at the beginning", map[string]string{local: "\ufeff[shclustering]\ndisabled = false\n", app: ""}, app + "t.csv", true},
		{"our own app's stanza makes nobody a member", map[string]string{"s/etc/apps/tordetect/default/server.conf": ownStanza, app: ""}, app + "t.csv", false},
		{"our own app's stanza in a member", map[string]string{local: isMember, "s/etc/apps/tordetect/default/server.conf": ownStanza, app: ""}, app + "t.csv", true},
		{"no member", map[string]string{local: noCluster, app: ""}, app + "t.csv", false},
		{"outside of the apps", map[string]string{local: isMember, "s/var/": ""}, "s/var/t.csv", false},
		{"a user's lookups", map[string]string{local: isMember, "s/etc/users/ann/tordetect/lookups/": ""}, "s/etc/users/ann/tordetect/lookups/t.csv", true},
		{"a link to the file", map[string]string{local: isMember, app + "t.csv": "x", "t.csv": "->" + app + "t.csv"}, "t.csv", true},
		{"a link to a file that is not there yet", map[string]string{local: isMember, app: "", "t.csv": "->" + app + "t.csv"}, "t.csv", true},
		{"a link to the folder", map[string]string{local: isMember, app: "", "l": "->" + app}, "l/t.csv", true},
		{"an app that is a link to elsewhere", map[string]string{local: isMember, "app/lookups/": "", "s/etc/apps/tordetect": "->../../../app"}, app + "t.csv", true},
		{"said by an app", map[string]string{local: noCluster, "s/etc/apps/org_sh/local/server.conf": isMember, app: ""}, app + "t.csv", true},
		{"said by an app's default", map[string]string{"s/etc/apps/org_sh/default/server.conf": isMember, app: ""}, app + "t.csv", true},
		{"system goes before the apps", map[string]string{local: noMember, "s/etc/apps/org_sh/local/server.conf": isMember, app: ""}, app + "t.csv", false},
		{"local goes before default", map[string]string{"s/etc/apps/b/local/server.conf": isMember, "s/etc/apps/a/default/server.conf": noMember, app: ""}, app + "t.csv", true},
		{"a stanza alone, and Splunk's default", map[string]string{local: "[shclustering]\npass4SymmKey = x\n", "s/etc/system/default/server.conf": noMember, app: ""}, app + "t.csv", false},
		{"Splunk below another etc/apps", map[string]string{"etc/apps/s/etc/system/local/server.conf": isMember, "etc/apps/s/etc/apps/tordetect/lookups/": ""},
			"etc/apps/s/etc/apps/tordetect/lookups/t.csv", true},
		{"etc/apps below a member's apps", map[string]string{local: isMember, app + "etc/apps/": ""}, app + "etc/apps/t.csv", true},
		{"brackets in the path", map[string]string{"s[1]/etc/apps/org/local/server.conf": isMember, "s[1]/etc/apps/tordetect/": ""}, "s[1]/etc/apps/tordetect/t.csv", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			root := tree(t, c.files)
			real, err := checkPlace(filepath.Join(root, c.table))
			if c.refused {
				require.ErrorContains(t, err, "search head cluster's member")
				return
			}
			require.NoError(t, err)
			require.Equal(t, filepath.Join(root, c.table), real)
		})
	}
}

// Where Splunk's files do not tell whether it is in a cluster, no table is written
// into it.
func TestCheckPlaceUnknown(t *testing.T) {
	const local, app = "s/etc/system/local/server.conf", "s/etc/apps/tordetect/lookups/"
	for name, files := range map[string]map[string]string{
		"a server.conf that cannot be read": {local: "->server.conf", app: ""},
		"an app that cannot be read":        {local: noCluster, "s/etc/apps/org": "->org", app: ""},
		"a server.conf that is a folder":    {local + "/": "", app: ""},
		"more than is kept":                 {local: noCluster, "s/etc/apps/org/local/server.conf": stanzas(50_001), app: ""},
	} {
		root := tree(t, files)
		_, err := checkPlace(filepath.Join(root, app+"t.csv"))
		require.ErrorContains(t, err, "whether that is a search head cluster's member cannot be known: "+filepath.Join(root, "s"), name)
		require.ErrorContains(t, err, ": run this as the user that Splunk runs as, or write the table elsewhere and upload it", name)
		real, err := checkPlace(filepath.Join(root, "t.csv"))
		require.NoError(t, err, "outside of Splunk: "+name)
		require.Equal(t, filepath.Join(root, "t.csv"), real)
	}
	// A member is one, however much another app says.
	root := tree(t, map[string]string{local: isMember, "s/etc/apps/org/local/server.conf": stanzas(50_001), app: ""})
	_, err := checkPlace(filepath.Join(root, app+"t.csv"))
	require.ErrorContains(t, err, "lies in an app of a search head cluster's member")
}

// stanzas is a conf file of so many that say nothing.
func stanzas(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString("[" + strconv.Itoa(i) + "]\n")
	}
	return b.String()
}

// What is no place for a table is said before anything is made there.
func TestCheckPlace(t *testing.T) {
	root := tree(t, map[string]string{"folder/": "", "there.csv": "x", "link.csv": "->there.csv", "new.csv": "->folder/x.csv", "a": "->b", "b": "->a"})
	for path, want := range map[string]string{
		"":                                 "the table has no name",
		root:                               "is not a file",
		os.DevNull:                         "is not a file",
		filepath.Join(root, "none/t.csv"):  "no such file or directory",
		filepath.Join(root, "a"):           "too many links",
		filepath.Join(root, "there.csv/x"): "not a directory",
	} {
		_, err := checkPlace(path)
		require.ErrorContains(t, err, want, path)
	}
	for name, want := range map[string]string{"there.csv": "there.csv", "link.csv": "there.csv", "new.csv": "folder/x.csv", "other.csv": "other.csv"} {
		real, err := checkPlace(filepath.Join(root, name))
		require.NoError(t, err)
		require.Equal(t, filepath.Join(root, want), real)
	}
}

// One writer at a time, whatever the name, whether there is a table or not; and
// nothing is left behind.
func TestLock(t *testing.T) {
	root := tree(t, map[string]string{"t.csv": "x", "link.csv": "->t.csv", "new.csv": "->folder/none.csv", "folder/": ""})
	busy := func(name string) {
		t.Helper()
		_, err := Lock(filepath.Join(root, name))
		require.ErrorContains(t, err, "is being written by another program")
	}
	for _, names := range [][2]string{{"t.csv", "link.csv"}, {"link.csv", "t.csv"}, {"folder/none.csv", "new.csv"}, {"new.csv", "folder/none.csv"}} {
		unlock, err := Lock(filepath.Join(root, names[0]))
		require.NoError(t, err)
		busy(names[0])
		busy(names[1])
		unlock()
		unlock, err = Lock(filepath.Join(root, names[1]))
		require.NoError(t, err)
		unlock()
	}

	// A table that is replaced while it is locked is locked anew.
	path := filepath.Join(root, "t.csv")
	unlock, err := Lock(path)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(root, "next"), []byte("y"), 0o644))
	require.NoError(t, os.Rename(filepath.Join(root, "next"), path))
	other, err := Lock(path)
	require.NoError(t, err, "the writer puts a table in place last of all")
	busy("t.csv")
	unlock()
	busy("t.csv")
	other()

	entries, err := os.ReadDir(root)
	require.NoError(t, err)
	require.Len(t, entries, 4)
	_, err = Lock(filepath.Join(root, "none", "t.csv"))
	require.ErrorContains(t, err, "no such file or directory")
	require.NoDirExists(t, filepath.Join(root, "none"))
}

// Of several writers at once none undoes what another one did, from the first
// table on. Each adds one to the number in a file that it puts in the other's place.
func TestLockRace(t *testing.T) {
	path := filepath.Join(t.TempDir(), "t.csv")
	const writers, turns = 8, 2000
	type result struct {
		written int
		err     error
	}
	results := make(chan result, writers)
	for writer := range writers {
		next := path + strconv.Itoa(writer)
		add := func() error {
			text, err := os.ReadFile(path)
			if err != nil && !errors.Is(err, os.ErrNotExist) {
				return err
			}
			number, _ := strconv.Atoi(string(text))
			if err := os.WriteFile(next, []byte(strconv.Itoa(number+1)), 0o600); err != nil {
				return err
			}
			return os.Rename(next, path)
		}
		go func() {
			var r result
			for range turns {
				unlock, err := Lock(path)
				if err != nil {
					continue
				}
				r.err = errors.Join(r.err, add())
				r.written++
				unlock()
			}
			results <- r
		}()
	}
	written := 0
	for range writers {
		r := <-results
		require.NoError(t, r.err)
		written += r.written
	}
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, strconv.Itoa(written), string(text))
}
