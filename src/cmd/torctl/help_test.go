package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/require"
	"github.com/ulikunitz/xz"

	"tordetect/src/terminal"
	"tordetect/tests/tornet"
)

// tree is all of torctl's commands, as a program that ran would have them.
func tree() *cobra.Command {
	return rootCommand(terminal.New(io.Discard, io.Discard), time.Now)
}

// exampleLines are the examples of a command, a line each, without remarks.
func exampleLines(c *cobra.Command) []string {
	var lines []string
	for line := range strings.SplitSeq(strings.ReplaceAll(c.Example, "\\\n", ""), "\n") {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			lines = append(lines, line)
		}
	}
	return lines
}

// operators part the commands of a line: pipes, lists, redirections, substitutions.
var operators = regexp.MustCompile(`\|\|?|&&|;|>>?|<\(|\)`)

var (
	assignment = regexp.MustCompile(`^[A-Z_]+=`)
	quoted     = regexp.MustCompile(`'[^']*'|"[^"]*"`)
)

// calls are the arguments of each torctl in a line of a shell.
func calls(line string) [][]string {
	// Operators in quotes are none.
	line = quoted.ReplaceAllStringFunc(line, func(q string) string { return strings.ReplaceAll(operators.ReplaceAllString(q, "_"), " ", "_") })
	var all [][]string
	for _, part := range operators.Split(line, -1) {
		words := strings.Fields(part)
		for len(words) > 0 && assignment.MatchString(words[0]) {
			words = words[1:]
		}
		if len(words) > 0 && words[0] == "torctl" {
			all = append(all, words[1:])
		}
	}
	return all
}

// Every command teaches by examples, and every example is one that the command
// takes: the command exists, and so do its flags, with values of their kind.
func TestExamples(t *testing.T) {
	require.Equal(t, [][]string{{"scan", "-", "-o", "json"}}, calls("zcat x | torctl scan - -o json > y"))
	require.Equal(t, [][]string{{"replay", "x"}}, calls("TORCTL_TOKEN=$(cat token) torctl replay x"))
	require.Equal(t, [][]string{{"completion", "bash"}}, calls("source <(torctl completion bash)"))
	commands := 0
	each(tree(), func(c *cobra.Command) {
		commands++
		lines := exampleLines(c)
		require.NotEmpty(t, lines, "%s has no example", c.CommandPath())
		own := false
		for _, line := range lines {
			require.NotEmpty(t, calls(line), "no torctl in %q", line)
			for _, args := range calls(line) {
				found, rest, err := tree().Find(args)
				require.NoError(t, err, line)
				require.True(t, found.Runnable(), "%q: %s does nothing", line, found.CommandPath())
				require.NoError(t, found.ParseFlags(rest), line)
				require.NoError(t, found.ValidateArgs(found.Flags().Args()), line)
				require.NoError(t, found.ValidateRequiredFlags(), line)
				require.NoError(t, found.ValidateFlagGroups(), line)
				own = own || strings.HasPrefix(found.CommandPath()+" ", c.CommandPath()+" ")
			}
		}
		require.True(t, own, "%s has examples of other commands only", c.CommandPath())
	})
	require.Equal(t, 13, commands)
}

// noNetwork are the commands whose examples are run; the others ask servers.
var noNetwork = regexp.MustCompile(`torctl (relays (import|verify|status|seen)|scan|fingerprint|doctor|completion|man) `)

// The examples that need no network are run, in a folder that has what they name.
func TestExamplesRun(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("skipped: there is no bash")
	}
	folder := exampleFolder(t)
	// A remark and its command are kept together; absolute paths lead into the folder,
	// and documents of our own network are signed by our own authorities.
	here := strings.NewReplacer(" /var/", " ./var/", " /opt/", " ./opt/", "torctl relays import ", "torctl relays import --authorities authorities ",
		"torctl relays verify ", "torctl relays verify --authorities authorities ")
	ran := 0
	each(tree(), func(c *cobra.Command) {
		for _, line := range exampleLines(c) {
			if !noNetwork.MatchString(line + " ") {
				continue
			}
			ran++
			cmd := exec.Command(bash, "-c", "set -o pipefail; "+here.Replace(line))
			cmd.Dir = folder
			cmd.Env = append(os.Environ(), "HOME="+folder, "SPLUNK_HOME="+filepath.Join(folder, "opt", "splunk"))
			var out, errs bytes.Buffer
			cmd.Stdout, cmd.Stderr = &out, &errs
			err := cmd.Run()
			// The doctor of the made-up app finds something, and grep nothing or something.
			if strings.Contains(line, "torctl doctor") {
				require.LessOrEqual(t, cmd.ProcessState.ExitCode(), 1, "%s\n%s%s", line, out.String(), errs.String())
				require.NotContains(t, errs.String(), "hint:", line)
				continue
			}
			require.NoError(t, err, "%s\n%s%s", line, out.String(), errs.String())
		}
	})
	require.Greater(t, ran, 20)
	for _, name := range []string{"flows.csv", "tor_relays_history.csv", "man1/torctl-doctor.1", ".local/share/man/man1/torctl.1", "_torctl", "torctl.fish", "profile.ps1"} {
		info, err := os.Stat(filepath.Join(folder, name))
		require.NoError(t, err)
		require.NotZero(t, info.Size(), name)
	}
}

// exampleFolder has the files that the examples name.
func exampleFolder(t *testing.T) string {
	b := newBench(t)
	samples, err := os.ReadFile(filepath.Join("testdata", "scan_formats.txtar"))
	require.NoError(t, err)
	sample := func(name string) []byte {
		_, text, found := strings.Cut(string(samples), "\n-- "+name+" --\n")
		require.True(t, found, name)
		text, _, _ = strings.Cut(text, "\n-- ")
		return []byte(text + "\n")
	}
	packed := func(text []byte) []byte {
		var out bytes.Buffer
		w := gzip.NewWriter(&out)
		_, err := w.Write(text)
		require.NoError(t, err)
		require.NoError(t, w.Close())
		return out.Bytes()
	}
	archive := func(files map[string][]byte) []byte {
		var out bytes.Buffer
		x, err := xz.NewWriter(&out)
		require.NoError(t, err)
		w := tar.NewWriter(x)
		for name, text := range files {
			require.NoError(t, w.WriteHeader(&tar.Header{Name: name, Size: int64(len(text)), Mode: 0o644, Typeflag: tar.TypeReg}))
			_, err := w.Write(text)
			require.NoError(t, err)
		}
		require.NoError(t, w.Close())
		require.NoError(t, x.Close())
		return out.Bytes()
	}
	b.file("pan.log", sample("pan.log"))
	b.file("eve.json.1.gz", packed(sample("eve.json")))
	b.file("var/log/zeek/2026-11-20/conn.log.gz", packed(sample("conn.log")))
	b.file("tor.pcap", torCapture())
	b.file("tor.pcap.gz", packed(torCapture()))
	b.file("cached-certs", b.net.Certificates())
	b.file("cached-microdesc-consensus", b.net.Consensus(tornet.Spec{ValidAfter: noon.Add(-2 * time.Hour), Relays: b.net.Relays(noon.Add(-2 * time.Hour))}))
	b.file("consensuses-2026-10.tar.xz", archive(map[string][]byte{"a": b.hour(-3), "b": b.hour(-1)}))
	b.file("certs.tar.xz", archive(map[string][]byte{"certs": b.net.Certificates()}))
	// The examples come in the order of the commands, these tables before all.
	for _, name := range []string{"tor_relays.csv", "tor_relays_history.csv"} {
		code, errs := b.torctl("import", "@certs", "@consensus", "--authorities", "@authorities", "--relays", "@"+name)
		require.Zero(t, code, errs)
	}
	madeUpApp(t, b.path("opt/splunk/etc/apps/tordetect"))
	b.file("tordetect-0.1.0.tgz", packed(tarOf(t, b.path("opt/splunk/etc/apps"))))
	b.file("consensus-11.gz", packed(b.hour(-1)))
	return b.folder
}

// madeUpApp is the app of this project as it stands, without programs.
func madeUpApp(t *testing.T, at string) {
	root := filepath.Join("..", "..", "..")
	for from, to := range map[string]string{"default": "default", "bin": "bin", "metadata": "metadata", "app": "."} {
		require.NoError(t, os.CopyFS(filepath.Join(at, to), os.DirFS(filepath.Join(root, from))))
	}
	manifest := filepath.Join(at, "app.manifest")
	text, err := os.ReadFile(manifest)
	require.NoError(t, err)
	text = []byte(strings.NewReplacer("@VERSION@", "0.1.0", "@DATE@", "2026-11-01").Replace(string(text)))
	require.NoError(t, os.WriteFile(manifest, text, 0o644))
}

func tarOf(t *testing.T, folder string) []byte {
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	require.NoError(t, w.AddFS(os.DirFS(folder)))
	require.NoError(t, w.Close())
	return out.Bytes()
}

// What a shell offers for a flag is what the command takes, all of it and no more.
func TestChoices(t *testing.T) {
	args := map[string][]string{
		"torctl relays import": {"x"}, "torctl relays verify": {"x"}, "torctl relays seen": {"192.0.2.1"}, "torctl scan": {"x"}, "torctl fingerprint": {"x"},
		"torctl replay": {"x", "--url", "http://127.0.0.1:1", "--token-file", "x"}, "torctl doctor": {"--app", "x"},
	}
	torctl := func(words ...string) (int, string) {
		var errs bytes.Buffer
		code := run(words, strings.NewReader(""), io.Discard, &errs, func() time.Time { return noon })
		return code, errs.String()
	}
	t.Chdir(t.TempDir())
	for path, flags := range choices {
		for flag, values := range flags {
			words := append(append(strings.Fields(path)[1:], args[path]...), "--"+flag)
			code, errs := torctl(append(words, "xyzzy")...)
			require.Equal(t, exitUsage, code, "%s --%s", path, flag)
			_, want, found := strings.Cut(errs, ": want ")
			require.True(t, found, errs)
			want, _, _ = strings.Cut(want, "\n")
			require.ElementsMatch(t, values, strings.FieldsFunc(strings.ReplaceAll(want, " or ", " "), func(r rune) bool { return r == ',' || r == ' ' }), "%s --%s: %s", path, flag, want)
			for _, value := range values {
				_, errs := torctl(append(words, value)...)
				require.NotContains(t, errs, ": want ", "%s --%s %s", path, flag, value)
			}
		}
	}
	// Every flag whose help lists values has them here.
	each(tree(), func(c *cobra.Command) {
		for _, flag := range []string{"output", "format", "to", "endpoint", "fail-on"} {
			if c.Flags().Lookup(flag) != nil {
				require.Contains(t, choices[c.CommandPath()], flag, c.CommandPath())
			}
		}
	})
}

// What a shell is told when somebody presses the tabulator.
func TestCompletion(t *testing.T) {
	complete := func(words ...string) []string {
		var out bytes.Buffer
		require.Zero(t, run(append([]string{"__completeNoDesc"}, words...), strings.NewReader(""), &out, io.Discard, time.Now))
		return strings.Fields(out.String())
	}
	const none, files, byEnd, folders = ":4", ":0", ":8", ":16"
	require.Equal(t, []string{"import", "seen", "status", "update", "verify", none}, complete("relays", ""))
	require.Equal(t, []string{"table", "json", "csv", none}, complete("relays", "status", "--output", ""))
	require.Equal(t, []string{"bash", "zsh", "fish", "powershell", none}, complete("completion", ""))
	require.Equal(t, []string{"csv", byEnd}, complete("scan", "x", "--relays", ""))
	require.Equal(t, []string{folders}, complete("doctor", "--app", ""))
	require.Equal(t, []string{files}, complete("scan", ""))
	require.Equal(t, []string{files}, complete("relays", "import", ""))
	require.Equal(t, []string{none}, complete("relays", "seen", ""))
	require.Equal(t, []string{none}, complete("doctor", ""))
	for shell, mark := range map[string]string{"bash": "complete -o default -F __start_torctl torctl", "zsh": "#compdef torctl", "fish": "complete -c torctl", "powershell": "Register-ArgumentCompleter -CommandName 'torctl'"} {
		var out bytes.Buffer
		require.Zero(t, run([]string{"completion", shell}, strings.NewReader(""), &out, io.Discard, time.Now))
		require.Contains(t, out.String(), mark)
		if path, err := exec.LookPath(shell); err == nil && shell != "powershell" {
			cmd := exec.Command(path, "-n")
			cmd.Stdin = &out
			text, err := cmd.CombinedOutput()
			require.NoError(t, err, "%s", text)
		}
	}
	require.Equal(t, exitUsage, run([]string{"completion", "tcsh"}, strings.NewReader(""), io.Discard, io.Discard, time.Now))
}

// The pages say what the help says: every command, flag and example.
func TestMan(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "man1")
	require.Zero(t, run([]string{"man", folder}, strings.NewReader(""), io.Discard, io.Discard, time.Now))
	pages, err := fs.Glob(os.DirFS(folder), "*.1")
	require.NoError(t, err)
	var names []string
	root := tree()
	each(root, func(c *cobra.Command) {
		name := manName(c) + ".1"
		names = append(names, name)
		text, err := os.ReadFile(filepath.Join(folder, name))
		require.NoError(t, err)
		page := string(text)
		require.Contains(t, page, roff(c.Short))
		for line := range strings.SplitSeq(c.Example, "\n") {
			require.Contains(t, page, roff(strings.TrimSpace(line)))
		}
		for line := range strings.SplitSeq(c.LocalFlags().FlagUsages(), "\n") {
			if flag := regexp.MustCompile(`--([a-z-]+)`).FindString(line); flag != "" {
				require.Contains(t, page, roff(flag), name)
			}
		}
		for i, line := range strings.Split(page, "\n") {
			if strings.HasPrefix(line, ".") {
				require.Regexp(t, `^\.(TH|SH|TP|B|BI|PP|EX|EE|br)( |$)`, line, "%s:%d: a request that is none of ours", name, i+1)
			}
			require.False(t, strings.HasPrefix(line, "'"), "%s:%d", name, i+1)
			require.NotRegexp(t, `[^\\]--`, line, "%s:%d: a hyphen that cannot be copied", name, i+1)
		}
		if groff, err := exec.LookPath("groff"); err == nil {
			cmd := exec.Command(groff, "-man", "-Tutf8", "-ww", "-z", filepath.Join(folder, name))
			complaints, err := cmd.CombinedOutput()
			require.NoError(t, err)
			require.Empty(t, string(complaints), name)
		}
	})
	require.ElementsMatch(t, names, pages)
	golden := filepath.Join("testdata", "torctl-relays-seen.1")
	page := manPage(find(t, root, "relays", "seen"))
	if *update {
		require.NoError(t, os.WriteFile(golden, []byte(page), 0o644))
	}
	want, err := os.ReadFile(golden)
	require.NoError(t, err)
	require.Equal(t, string(want), page)
}

func find(t *testing.T, root *cobra.Command, words ...string) *cobra.Command {
	c, _, err := root.Find(words)
	require.NoError(t, err)
	return c
}

// Text that would be a request, or another character, stays text.
func TestRoff(t *testing.T) {
	for text, want := range map[string]string{
		".TH":           `\&.TH`,
		"'x":            `\(aqx`,
		"a\n.b\n'c":     "a\n\\&.b\n\\(aqc",
		`a\b --c`:       `a\eb \-\-c`,
		"~/x ^ `y`":     `\(ti/x \(ha \(gay\(ga`,
		"no . in front": "no . in front",
	} {
		require.Equal(t, want, roff(text))
	}
	require.Equal(t, `"a \(dqb\(dq \-c"`, roffWord(`a "b" -c`))
	require.Equal(t, ".PP\na\nb\n.PP\n.EX\n  c\n  d\n.EE\n.PP\ne", prose("a\nb\n  c\n  d\n\ne\n"), "indented lines keep their form")
}
