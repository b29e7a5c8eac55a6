package packagetest

import (
	"archive/tar"
	"encoding/json"
	"image/png"
	"io/fs"
	"math"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"tordetect/src/command/tordetect"
	"tordetect/src/detect"
	"tordetect/tests/manual"
)

// Splunk unpacks what is there: modes decide whether the command starts, and
// AppInspect refuses hidden files and stray folders only with a hint.
func TestArchive(t *testing.T) {
	var order []string
	for _, header := range headers {
		name := strings.TrimSuffix(header.Name, "/")
		order = append(order, header.Name)
		want := int64(0o644)
		if header.Typeflag == tar.TypeDir || path.Dir(name) == app+"/bin" {
			want = 0o755
		}
		require.Equal(t, want, header.Mode, "mode of %s", name)
		require.True(t, name == app || strings.HasPrefix(name, app+"/"), "%s is beside the app", name)
		require.Zero(t, header.Uid+header.Gid, "owner of %s", name)
		require.Empty(t, header.Uname+header.Gname, "owner of %s", name)
		require.Equal(t, headers[0].ModTime, header.ModTime, "time of %s", name)
		require.Regexp(t, `^[A-Za-z0-9_.-]+$`, path.Base(name))
		require.NotRegexp(t, `^\.|~$|\.pyc?$|\.exe$|\.bat$`, path.Base(name))
	}
	require.True(t, sort.StringsAreSorted(order), "the order of the machine's folders must not show")
	require.Greater(t, headers[0].ModTime.Unix(), int64(1_700_000_000), "the commit's time, not the epoch")

	// A lookup would overwrite what the site learned, local/ what it set.
	for _, name := range names() {
		top := strings.Split(name, "/")[0]
		if top == name && path.Ext(name) == ".md" {
			continue // TestManualPages
		}
		require.Contains(t, []string{"bin", "default", "metadata", "static", "README", "LICENSE", "NOTICE", "app.manifest", "sbom.cdx.json"}, top)
	}
	for _, name := range []string{"README.md", "LICENSE", "NOTICE", "app.manifest", "sbom.cdx.json", "metadata/default.meta", "default/app.conf"} {
		require.True(t, has(name), "%s is missing", name)
	}
}

// A dotted address, unless a network's: AppInspect warns about each.
var dotted = regexp.MustCompile(`\b\d{1,3}(?:\.\d{1,3}){3}\b(/\d)?`)

func TestTexts(t *testing.T) {
	for _, name := range names() {
		if !isText(name) {
			continue
		}
		text := read(t, name)
		require.True(t, utf8.ValidString(text), name)
		require.NotContains(t, text, "\r", name)
		require.NotContains(t, text, "\x00", name)
		require.True(t, strings.HasSuffix(text, "\n"), "%s: no line end at the end", name)
		require.NotRegexp(t, `-----BEGIN [A-Z ]*PRIVATE KEY`, text, name)
		require.NotRegexp(t, `(?m)^(<<<<<<<|>>>>>>>|=======$)`, text, "%s: merge marker", name)
		require.NotRegexp(t, `@VERSION@|@DATE@`, text, "%s: a stamp is missing", name)
		for _, found := range dotted.FindAllStringSubmatch(text, -1) {
			require.NotEmpty(t, found[1], "%s: the dotted address %s draws a warning, write a network or IPv6", name, found[0])
		}
		if strings.HasSuffix(name, ".conf") {
			require.NotRegexp(t, `(?m)[ \t]+$`, text, "%s: a blank at the end of a line", name)
		}
	}
}

func TestOneVersion(t *testing.T) {
	c := conf(t, "default/app.conf")
	version := value(t, c, "launcher", "version")
	require.Regexp(t, `^\d+\.\d+\.\d+([-+][0-9A-Za-z.+-]+)?$`, version)
	require.Equal(t, version, value(t, c, "id", "version"))
	require.Equal(t, version, manifest(t).Info.ID.Version)
	require.Equal(t, app+"-"+version+".tgz", filepath.Base(tgz))
	require.Contains(t, startedByHand(t), app+" "+version+":")

	require.Equal(t, app, value(t, c, "package", "id"))
	require.Equal(t, app, value(t, c, "id", "name"))
	require.Equal(t, app, manifest(t).Info.ID.Name)
}

type manifestFile struct {
	SchemaVersion string
	Info          struct {
		Title, Description, ReleaseDate string
		ID                              struct{ Name, Version string }
		License, ReleaseNotes           struct{ Name, Text string }
	}
	SupportedDeployments, TargetWorkloads []string
}

func manifest(t *testing.T) manifestFile {
	var m manifestFile
	require.NoError(t, json.Unmarshal([]byte(read(t, "app.manifest")), &m))
	return m
}

func TestManifest(t *testing.T) {
	m, c := manifest(t), conf(t, "default/app.conf")
	require.Equal(t, "2.0.0", m.SchemaVersion)
	require.Equal(t, value(t, c, "ui", "label"), m.Info.Title)
	require.Equal(t, value(t, c, "launcher", "description"), m.Info.Description)
	require.Equal(t, headers[0].ModTime.UTC().Format(time.DateOnly), m.Info.ReleaseDate)
	require.True(t, has(path.Clean(m.Info.License.Text)))
	require.True(t, has(path.Clean(m.Info.ReleaseNotes.Text)))
	require.Contains(t, m.TargetWorkloads, "_indexers")
}

func TestLicence(t *testing.T) {
	licence := read(t, "LICENSE")
	for _, part := range []string{"Apache License", "Version 2.0, January 2004", "9. Accepting Warranty", "END OF TERMS AND CONDITIONS"} {
		require.Contains(t, licence, part)
	}
	// The programs contain Go's runtime, whose licence wants to be passed on.
	require.Contains(t, read(t, "NOTICE"), "The Go Authors")
	require.Contains(t, read(t, "NOTICE"), "Redistributions in binary form must reproduce")
}

func TestIcons(t *testing.T) {
	for name, size := range map[string]int{"appIcon.png": 36, "appIconAlt.png": 36, "appIcon_2x.png": 72, "appIconAlt_2x.png": 72} {
		file, err := os.Open(filepath.Join(folder, "static", name))
		require.NoError(t, err)
		picture, err := png.DecodeConfig(file)
		require.NoError(t, file.Close())
		require.NoError(t, err, name)
		require.Equal(t, []int{size, size}, []int{picture.Width, picture.Height}, name)
	}
	for _, name := range names() {
		if path.Dir(name) == "static" {
			require.Equal(t, ".png", path.Ext(name), name)
		}
	}
}

// The package has the pages of the manual and no others, each of which can be found
// from the front page, and their links lead somewhere.
func TestManualPages(t *testing.T) {
	pages, err := manual.Pages(folder)
	require.NoError(t, err)
	written, err := manual.Pages(manualFolder)
	require.NoError(t, err)
	require.Equal(t, written, pages)
	require.Less(t, strings.Count(pages[0].Text, "\n"), 650, "%s is read from top to bottom: what is looked up has a page of its own", pages[0].Name)

	anchors := map[string]bool{}
	for _, page := range pages {
		require.Regexp(t, `^# `, page.Text, page.Name)
		anchors[page.Name] = true
		for _, heading := range regexp.MustCompile(`(?m)^#+ (.*)$`).FindAllStringSubmatch(page.Text, -1) {
			anchor := page.Name + "#" + regexp.MustCompile(`[^a-z0-9_ -]`).ReplaceAllString(strings.ToLower(heading[1]), "")
			anchors[strings.ReplaceAll(anchor, " ", "-")] = true
		}
	}
	links := 0
	for _, page := range pages {
		for _, link := range regexp.MustCompile(`[^!]\[[^\]]*\]\(([^)]*)\)`).FindAllStringSubmatch(page.Text, -1) {
			target := link[1]
			if strings.HasPrefix(target, "#") {
				target = page.Name + target
			}
			require.True(t, anchors[target], "%s links to %s, which is nowhere", page.Name, link[1])
			links++
		}
		require.True(t, page.Name == "README.md" || strings.Contains(pages[0].Text, "]("+page.Name), "README.md does not link to %s", page.Name)
	}
	require.Greater(t, links, 10)
}

// The manual must not say less than the program does.
func TestManual(t *testing.T) {
	text := manual.Text(t, folder)
	// Each has a row of a table of its own, or shares one: what stands in the
	// first cell of a row is explained in the others.
	explained := map[string]bool{}
	for _, row := range regexp.MustCompile(`(?m)^\| ([^|]*) \|`).FindAllStringSubmatch(text, -1) {
		for _, word := range regexp.MustCompile("`([^`]*)`").FindAllStringSubmatch(row[1], -1) {
			explained[word[1]] = true
		}
		explained[row[1]] = true
	}
	for _, option := range tordetect.OptionNames() {
		require.True(t, explained[option], "the manual has no row for the option %s", option)
	}
	for _, field := range slices.Concat(tordetect.Fields, tordetect.InfoFields) {
		require.True(t, explained[field.Name], "the manual has no row for the field %s", field.Name)
	}
	for _, code := range detect.Names() {
		require.True(t, explained[strings.TrimSuffix(code, "_stale")], "the manual has no row for the code %s", code)
	}
	require.True(t, explained["_stale"])
	for _, code := range detect.Names() {
		if !strings.HasSuffix(code, "_stale") {
			require.Contains(t, text, "\n### "+code+"\n", "the code has no page")
		}
	}
	for _, macro := range conf(t, "default/macros.conf").Stanzas() {
		require.True(t, explained[macro], "the manual has no row for the macro %s", macro)
	}
	for _, search := range conf(t, "default/savedsearches.conf").Stanzas() {
		require.True(t, explained[search], "the manual has no row for the search %s", search)
	}
	_, declared, found := strings.Cut(read(t, "README.md"), "\n## Binary File Declaration\n")
	require.True(t, found)
	for _, name := range names() {
		if path.Dir(name) == "bin" {
			require.Contains(t, declared, "`"+name+"`")
		}
	}
}

// The messages in the manual are those of the program: an analyst searches for
// what he reads.
func TestManualMessages(t *testing.T) {
	var sources strings.Builder
	require.NoError(t, filepath.WalkDir(filepath.Join(projectRoot, "src"), func(at string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(at, ".go") || strings.HasSuffix(at, "_test.go") {
			return err
		}
		text, err := os.ReadFile(at)
		sources.Write(text)
		return err
	}))
	// Those that people meet first stand in a chapter of the front page, the others on a page of their own.
	_, first, found := strings.Cut(read(t, "README.md"), "\n## Messages\n")
	require.True(t, found)
	first, _, _ = strings.Cut(first, "\n## ")
	others, _, found := strings.Cut(read(t, "messages.md"), "\n## What happens when\n")
	require.True(t, found)
	messages := regexp.MustCompile(`(?m)^\| ([^|]*) \|`).FindAllStringSubmatch(first+"\n"+others, -1)
	require.Greater(t, len(messages), 12)
	for _, message := range messages {
		if strings.HasPrefix(message[1], "message ") || strings.HasSuffix(message[1], "(from Splunk)") {
			continue
		}
		for _, part := range strings.Split(message[1], "...") {
			require.True(t, strings.Contains(sources.String(), strings.TrimSpace(part)), "the program has no such message: %s", message[1])
		}
	}

	// And each warning of the command, and of what was lost of a table, has its row.
	var forms [][]string
	for file, least := range map[string]int{"judge/messages.go": 8, "relay/network.go": 4, "relaylist/table.go": 3} {
		text, err := os.ReadFile(filepath.Join(projectRoot, "src", filepath.FromSlash(file)))
		require.NoError(t, err)
		found := regexp.MustCompile(`\b(?:put|Sprintf)\("([A-Z][^"]+)"`).FindAllStringSubmatch(string(text), -1)
		require.GreaterOrEqual(t, len(found), least, file)
		forms = append(forms, found...)
	}
	for _, form := range forms {
		require.True(t, slices.ContainsFunc(messages, func(message []string) bool {
			begins := regexp.MustCompile(` ?\\\.\\\.\\\. ?`).ReplaceAllString(regexp.QuoteMeta(message[1]), ".*")
			return regexp.MustCompile("^" + begins).MatchString(form[1])
		}), "the manual has no such message: %s", form[1])
	}
}

// The weights in the manual are those of the program.
func TestManualWeights(t *testing.T) {
	rows := regexp.MustCompile("(?m)^\\| (`[a-z0-9_]+`(?:, `[a-z0-9_]+`)*) \\|.*\\| (\\d+) \\|$").FindAllStringSubmatch(read(t, "evidence.md"), -1)
	told := map[string]string{}
	for _, row := range rows {
		for _, code := range strings.Split(row[1], ", ") {
			told[strings.Trim(code, "`")] = row[2]
		}
	}
	for _, e := range detect.Weights() {
		require.Equal(t, strconv.Itoa(int(math.Round(100*e.Weight))), told[e.Name()], e.Name())
	}
}

// Every row of a table has as many cells as its head, else pages cut it off.
func TestManualTables(t *testing.T) {
	columns := 0
	for number, line := range strings.Split(manual.Text(t, folder), "\n") {
		if !strings.HasPrefix(line, "|") || !strings.HasSuffix(line, "|") {
			columns = 0
			continue
		}
		cells := strings.Count(strings.ReplaceAll(line, `\|`, ""), "|") - 1
		if columns == 0 {
			columns = cells
		}
		require.Equal(t, columns, cells, "line %d of all pages: %s", number+1, line)
	}
}
