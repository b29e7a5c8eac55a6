package recorded

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"tordetect/src/bounded"
	"tordetect/src/logfile"
)

// attackData is a tree like that of splunk/attack_data.
func attackData(t *testing.T) (root string) {
	t.Helper()
	root = t.TempDir()
	for name, text := range map[string]string{
		"datasets/attack_techniques/T1090.003/tor/tor.log":    "one event\n",
		"datasets/attack_techniques/T1090.003/tor/beside.log": "beside\n",
		"datasets/attack_techniques/T1090.003/tor/new.yml": `author: us
id: 1ba386d9-93c6-46dd-ae0d-000000000001
date: '2026-11-20'
description: made for this test
environment: none
directory: tor
mitre_technique: [T1090.003]
grease: {a: [1]}
datasets:
- name: tor
  path: /datasets/attack_techniques/T1090.003/tor/tor.log
  sourcetype: pan:traffic
  source: not_applicable
- {name: beside, path: beside.log, sourcetype: other, source: that}
`,
		"datasets/attack_techniques/T1090.003/tor/old.yml": `author: us
id: 7bf3cd9f-08b8-45f4-93f4-000000000002
dataset:
- https://media.example.com/media/x/attack_data/master/datasets/attack_techniques/T1090.003/tor/tor.log
sourcetypes:
- pan:traffic
`,
		"outside.log": "outside\n",
	} {
		path := filepath.Join(root, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	}
	return root
}

func TestAttackData(t *testing.T) {
	root := attackData(t)
	folder := filepath.Join(root, "datasets/attack_techniques/T1090.003/tor")
	files, err := Open([]string{filepath.Join(folder, "new.yml")}, Meta{Index: "attack_data"})
	require.NoError(t, err)
	require.Len(t, files, 2)
	const id = "1ba386d9-93c6-46dd-ae0d-000000000001"
	require.Equal(t, filepath.Join(folder, "tor.log"), files[0].Path)
	require.Equal(t, Meta{"attack_data", "pan:traffic", "not_applicable", id}, files[0].Meta)
	require.Equal(t, Meta{"attack_data", "other", "that", id}, files[1].Meta)

	files, err = Open([]string{filepath.Join(folder, "old.yml")}, Meta{Source: "mine", Host: "h"})
	require.NoError(t, err)
	require.Len(t, files, 1)
	require.Equal(t, filepath.Join(folder, "tor.log"), files[0].Path)
	require.Equal(t, Meta{"", "pan:traffic", "mine", "h"}, files[0].Meta)

	r, err := files[0].Read()
	require.NoError(t, err)
	defer r.Close()
	e, err := r.Next()
	require.NoError(t, err)
	require.Equal(t, "one event", string(e.Text))

	// Without the checkout around it, the file beside the yml will do.
	alone := t.TempDir()
	for _, name := range []string{"old.yml", "tor.log"} {
		text, err := os.ReadFile(filepath.Join(folder, name))
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(alone, name), text, 0o600))
	}
	files, err = Open([]string{filepath.Join(alone, "old.yml")}, Meta{})
	require.NoError(t, err)
	require.Equal(t, filepath.Join(alone, "tor.log"), files[0].Path)
}

// TestHostileDescriptions: a yml names files; it does not get any that it likes.
func TestHostileDescriptions(t *testing.T) {
	root := attackData(t)
	folder := filepath.Join(root, "datasets/attack_techniques/T1090.003/tor")
	require.NoError(t, os.Symlink(filepath.Join(root, "outside.log"), filepath.Join(folder, "link.log")))
	f := func(text, yml string) {
		t.Helper()
		path := filepath.Join(folder, "x.yml")
		require.NoError(t, os.WriteFile(path, []byte(yml), 0o600))
		_, err := Open([]string{path}, Meta{})
		require.ErrorContains(t, err, text)
		require.NotContains(t, err.Error(), "\x1b")
	}
	named := func(path string) string { return "datasets: [{name: \"a\\e[31m\", path: \"" + path + "\"}]" }
	f("leads out of the folder", named("../../../../outside.log"))
	f("leads out of the folder", named(filepath.Join(root, "outside.log")))
	f("leads out of the folder", named("/datasets/../outside.log"))
	f("leads out of the folder", named("/etc/passwd"))
	f("is not here", named("link.log"))
	f("is not here; bring it first, nothing is fetched", named("nowhere.log"))
	f("is not here", named("https://192.0.2.1/nowhere.log"))
	f("is not here", named("file:///etc/passwd"))
	f("it has no path", named(""))
	f("names no data set", "author: us")
	f("names no data set", "")
	f("is no description", "datasets: 5")
	f("is no description", "\t\x00")
	f("is no description", "- a\n- b")
	f("the limit is", strings.Repeat("#", 1<<20+1))
	f("is no description", "a: &a [x,x,x,x,x,x,x,x,x]\n"+func() string {
		var b strings.Builder // each line nine times the one before
		for i := 'b'; i < 'l'; i++ {
			b.WriteString(string(i) + ": &" + string(i) + " [" + strings.Repeat("*"+string(i-1)+",", 9) + "]\n")
		}
		return b.String() + "datasets: *k\n"
	}())
}

func TestFilesRefused(t *testing.T) {
	folder := t.TempDir()
	pointer := filepath.Join(folder, "pointer.log")
	require.NoError(t, os.WriteFile(pointer, []byte("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1532\n"), 0o600))
	_, err := Open([]string{pointer}, Meta{})
	require.ErrorContains(t, err, "pointer.log is a pointer of Git LFS, not the data: run `git lfs pull`")
	utf16 := filepath.Join(folder, "utf16.log")
	require.NoError(t, os.WriteFile(utf16, []byte("\xff\xfea\x00"), 0o600))
	_, err = Open([]string{utf16}, Meta{})
	require.ErrorContains(t, err, "utf16.log cannot be sent line by line: the text is UTF-16: convert it to UTF-8 first")
	_, err = Open([]string{folder}, Meta{})
	require.ErrorContains(t, err, "is no regular file")
	_, err = Open([]string{filepath.Join(folder, "nowhere")}, Meta{})
	require.ErrorContains(t, err, "no such file")
	good := filepath.Join(folder, "good.log")
	require.NoError(t, os.WriteFile(good, nil, 0o600))
	_, err = Open([]string{good, good}, Meta{})
	require.ErrorContains(t, err, "good.log is named twice")
}

// FuzzLines: every line that is not blank is an event, and their offsets meet.
func FuzzLines(f *testing.F) {
	f.Add([]byte("a\r\n\nb\n#fields\tx\n \nc"))
	f.Fuzz(func(t *testing.T, content []byte) {
		if bytes.HasPrefix(content, []byte{0x1f, 0x8b}) || bounded.IsPointer(content) || logfile.Unfit(content) != "" {
			return
		}
		path := filepath.Join(t.TempDir(), "a")
		require.NoError(t, os.WriteFile(path, content, 0o600))
		r, err := Dataset{Path: path}.Read()
		require.NoError(t, err)
		defer r.Close()
		var want []string
		for _, line := range bytes.Split(content, []byte("\n")) {
			line = bytes.TrimSuffix(line, []byte("\r"))
			if len(bytes.TrimSpace(line)) > 0 && !isHead(line) {
				want = append(want, string(line))
			}
		}
		var got []string
		at := int64(0)
		for {
			e, err := r.Next()
			if err != nil {
				break
			}
			require.Equal(t, at, e.From)
			require.Greater(t, e.To, e.From)
			at = e.To
			got = append(got, string(e.Text))
		}
		require.Equal(t, want, got)
	})
}
