package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var stamp = Stamp{Version: "1.2.3", Time: time.Unix(1_795_564_800, 0).UTC()}

// project writes a small project with one file more.
func project(t *testing.T, name, text string) string {
	root := t.TempDir()
	files := map[string]string{
		"app/app.manifest": `{"version": "@VERSION@", "date": "@DATE@"}` + "\n", "app/README.md": "# x\n",
		"bin/x.sh": "#!/bin/sh\n", "default/app.conf": "[launcher]\nversion = 1.2.3\n\n[id]\nname = x\n",
		"metadata/default.meta": "[]\n",
	}
	if name != "" {
		files[name] = text
	}
	for name, text := range files {
		at := filepath.Join(root, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(at), 0o755))
		require.NoError(t, os.WriteFile(at, []byte(text), 0o600))
	}
	return root
}

func TestCollect(t *testing.T) {
	programs := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(programs, "x-linux-amd64"), []byte("\x7fELF\r\n"), 0o600))
	// A local.meta is what Splunk writes into a checkout that it runs.
	files, err := Collect(project(t, "metadata/local.meta", "[]\n"), programs, stamp)
	require.NoError(t, err)
	type line struct {
		Name string
		Mode int
		Data string
	}
	var have []line
	for _, f := range files {
		have = append(have, line{f.Name, int(f.Mode), string(f.Data)})
	}
	require.Equal(t, []line{
		{"README.md", 0o644, "# x\n"},
		{"app.manifest", 0o644, `{"version": "1.2.3", "date": "2026-11-25"}` + "\n"},
		{"bin/x-linux-amd64", 0o755, "\x7fELF\r\n"},
		{"bin/x.sh", 0o755, "#!/bin/sh\n"},
		{"default/app.conf", 0o644, "[launcher]\nversion = 1.2.3\n\n[id]\nversion = 1.2.3\nname = x\n"},
		{"metadata/default.meta", 0o644, "[]\n"},
	}, have)
}

func TestCollectRefuses(t *testing.T) {
	for name, test := range map[string]struct{ file, text, want string }{
		"a hidden file":     {"default/.x.conf.swp", "x", "not for the package"},
		"a backup":          {"default/app.conf~", "x", "not for the package"},
		"a blank":           {"app/static/app icon.png", "x", "not for the package"},
		"carriage returns":  {"bin/y.sh", "#!/bin/sh\r\n", "carriage returns"},
		"a program in bin/": {"bin/x", "\x7fELF", "no launcher"},
		"the same twice":    {"app/bin/x.sh", "#!/bin/sh\n", "two places"},
		"a core dump":       {"app/core", string(make([]byte, maxFile+1)), "limit"},
		"no place to stamp": {"app/app.manifest", "{}\n", "@VERSION@"},
		"two places":        {"default/app.conf", "x\n[id]\n[id]\n\n[id]\n", "2 times"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Collect(project(t, test.file, test.text), "", stamp)
			require.ErrorContains(t, err, test.want)
		})
	}
	root := project(t, "", "")
	require.NoError(t, os.Symlink("/etc/passwd", filepath.Join(root, "app", "link")))
	_, err := Collect(root, "", stamp)
	require.ErrorContains(t, err, "no regular file")
}

// A failure leaves the tarball of before, and nothing beside it.
func TestRunKeepsTheOldTarball(t *testing.T) {
	folder := t.TempDir()
	out := filepath.Join(folder, "x.tgz")
	args := []string{"-version", "1.2.3", "-date", "1795564800", "-out", out, "-root"}
	var complaints bytes.Buffer
	require.Equal(t, 0, run(append(args, project(t, "", "")), nil, &complaints), complaints.String())
	before, err := os.ReadFile(out)
	require.NoError(t, err)
	require.Equal(t, 1, run(append(args, project(t, "bin/y", "")), nil, &complaints))
	require.Contains(t, complaints.String(), "no launcher")
	after, err := os.ReadFile(out)
	require.NoError(t, err)
	require.Equal(t, before, after)
	left, err := os.ReadDir(folder)
	require.NoError(t, err)
	require.Len(t, left, 1)
	require.Equal(t, 2, run(args[:4], nil, &complaints))
	require.Equal(t, 2, run(append(args, project(t, "", ""), "more"), nil, &complaints))
}
