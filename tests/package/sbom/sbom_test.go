package sbom

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const root = "../../.."

// table is that of DEPENDENCIES.md.
func table(t *testing.T) []Module {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "tests", "package", "sbom", "DEPENDENCIES.md"))
	require.NoError(t, err)
	modules, err := Modules(text)
	require.NoError(t, err)
	require.True(t, slices.IsSortedFunc(modules, func(a, b Module) int { return strings.Compare(a.Path, b.Path) }))
	return modules
}

// run runs go in the project.
func run(t *testing.T, env []string, args ...string) []byte {
	t.Helper()
	cmd := exec.Command("go", args...)
	cmd.Dir = root
	cmd.Env = append(os.Environ(), append([]string{"GOFLAGS="}, env...)...)
	out, err := cmd.Output()
	require.NoError(t, err, "go %s", strings.Join(args, " "))
	return out
}

// The table has every module that go.mod requires, the day of the release that is
// pinned, the licence that it comes with, and the programs that contain it.
func TestDependencies(t *testing.T) {
	var mod struct {
		Require []struct{ Path, Version string }
	}
	require.NoError(t, json.Unmarshal(run(t, nil, "mod", "edit", "-json"), &mod))
	in := map[string][]string{}
	for _, program := range []string{"tordetect", "torrelays", "torctl"} {
		systems := []string{"linux"}
		if program == "torctl" {
			systems = append(systems, "darwin", "windows")
		}
		for _, system := range systems {
			const path = "{{with .Module}}{{if not .Main}}{{.Path}}{{end}}{{end}}"
			for m := range strings.FieldsSeq(string(run(t, []string{"GOOS=" + system}, "list", "-deps", "-f", path, "./src/cmd/"+program))) {
				if !slices.Contains(in[m], program) {
					in[m] = append(in[m], program)
				}
			}
		}
	}
	rows := table(t)
	byPath := map[string]Module{}
	for _, m := range rows {
		byPath[m.Path] = m
	}
	require.Len(t, byPath, len(mod.Require), "as many as go.mod requires")
	for _, required := range mod.Require {
		row, ok := byPath[required.Path]
		require.True(t, ok, "%s is required by go.mod and not in DEPENDENCIES.md", required.Path)
		programs := in[required.Path]
		if programs == nil {
			programs = []string{"tests"}
		}
		require.Equal(t, programs, row.In, required.Path)
		var have struct {
			Dir  string
			Time time.Time
		}
		require.NoError(t, json.Unmarshal(run(t, nil, "list", "-m", "-json", required.Path), &have))
		if !have.Time.IsZero() { // the module's cache knows it
			require.Equal(t, have.Time.Format(time.DateOnly), row.Released, required.Path)
		}
		if have.Dir != "" {
			require.Equal(t, licenceOf(t, have.Dir), row.Licence, required.Path)
		}
		released, err := time.Parse(time.DateOnly, row.Released)
		require.NoError(t, err)
		require.Equal(t, released.AddDate(3, 0, 0).Before(reviewed), strings.Contains(row.Why, "Old: "), "%s: an old release stays for a reason", required.Path)
	}
}

// reviewed is when the ages in the table were looked at: a table does not go stale by
// itself on a day when nothing changed.
var reviewed = time.Date(2026, 11, 30, 0, 0, 0, 0, time.UTC)

var licenceFile = regexp.MustCompile(`(?i)^(licen[cs]e|copying|unlicense)`)

// licenceOf tells the licence of a module by its text.
func licenceOf(t *testing.T, folder string) string {
	t.Helper()
	files, err := os.ReadDir(folder)
	require.NoError(t, err)
	for _, f := range files {
		if !licenceFile.MatchString(f.Name()) {
			continue
		}
		text, err := os.ReadFile(filepath.Join(folder, f.Name()))
		require.NoError(t, err)
		words := strings.Join(strings.Fields(string(text)), " ")
		for _, known := range []struct{ says, is string }{
			{"two different licenses: MIT and Apache", "MIT AND Apache-2.0"},
			{"Apache License Version 2.0", "Apache-2.0"},
			{"Mozilla Public License Version 2.0", "MPL-2.0"},
			{"released into the public domain", "Unlicense"},
			{"endorse or promote products", "BSD-3-Clause"},
			{"Redistribution and use in source and binary forms", "BSD-2-Clause"},
			{"Permission is hereby granted, free of charge", "MIT"},
		} {
			if strings.Contains(words, known.says) {
				return known.is
			}
		}
		return "unknown: " + f.Name()
	}
	return NoLicence
}

// What a program is made of is read out of it, and told the same each time.
func TestOf(t *testing.T) {
	file := filepath.Join(t.TempDir(), "torrelays")
	run(t, []string{"CGO_ENABLED=0"}, "build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w", "-o", file, "./src/cmd/torrelays")
	data, err := os.ReadFile(file)
	require.NoError(t, err)
	release := Release{"tordetect", "1.2.3", time.Unix(1_796_000_000, 0)}
	programs := []Program{{"torrelays-linux-amd64", data}, {"torrelays-again", data}}
	modules := table(t)
	text, err := Of(release, programs, modules)
	require.NoError(t, err)
	again, err := Of(release, programs, modules)
	require.NoError(t, err)
	require.Equal(t, string(text), string(again))
	other, err := Of(Release{"tordetect", "1.2.4", release.Time}, programs, modules)
	require.NoError(t, err)

	var d, o document
	require.NoError(t, json.Unmarshal(text, &d))
	require.NoError(t, json.Unmarshal(other, &o))
	require.Regexp(t, `^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`, d.Serial)
	require.NotEqual(t, d.Serial, o.Serial)
	require.Equal(t, "2026-11-30T00:53:20Z", d.Metadata.Time)
	refs := map[string]component{d.Metadata.Component.Ref: d.Metadata.Component}
	for _, c := range d.Components {
		require.NotContains(t, refs, c.Ref, "each part once")
		refs[c.Ref] = c
	}
	require.Equal(t, "BSD-3-Clause", refs["pkg:golang/std@"+refs["pkg:golang/std@"+strings.TrimPrefix(goVersion(t), "go")].Version].Licences[0].Licence.ID)
	require.Len(t, refs["tordetect/torrelays-linux-amd64"].Hashes[0].Text, 64)
	linked := 0
	for _, m := range modules {
		for ref, c := range refs {
			if c.Name == m.Path {
				require.Contains(t, m.In, "torrelays", "%s is linked into it", m.Path)
				require.Regexp(t, `^h1:.{44}$`, c.Properties[0].Value, ref)
				linked++
			}
		}
	}
	require.Greater(t, linked, 3)
	for _, d := range d.Dependencies {
		require.Contains(t, refs, d.Ref)
		for _, on := range d.On {
			require.Contains(t, refs, on)
		}
	}

	_, err = Of(release, programs, modules[:1])
	require.ErrorContains(t, err, "is not in DEPENDENCIES.md: add it with its licence")
	_, err = Of(release, []Program{{"x", []byte("no program")}}, modules)
	require.ErrorContains(t, err, "read what x is made of")
}

func goVersion(t *testing.T) string {
	version, _, _ := strings.Cut(strings.TrimSpace(string(run(t, nil, "env", "GOVERSION"))), " ")
	return version
}

func TestModules(t *testing.T) {
	for text, want := range map[string]string{
		"":                                   "there is no table",
		"| a.b/c | 2026-01-01 | MIT | x |":   "want five cells",
		"| a.b/c | soon | MIT | x | y |":     "needs a day",
		"| a.b/c | 2026-01-01 | MIT | x | |": "a reason",
	} {
		_, err := Modules([]byte(text))
		require.ErrorContains(t, err, want, text)
	}
}
