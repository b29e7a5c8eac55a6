package packagetest

import (
	"bytes"
	"debug/elf"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"tordetect/src/command/tordetect"
)

var machines = map[string]elf.Machine{"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64}

// Static, of the right machine, and with nothing in them of the machine that
// compiled them.
func TestPrograms(t *testing.T) {
	folders, err := exec.Command("go", "env", "GOROOT", "GOPATH", "GOMODCACHE", "GOCACHE").Output()
	require.NoError(t, err)
	places := append(strings.Fields(string(folders)), projectRoot)
	require.Len(t, places, 5)
	seen := 0
	for _, name := range names() {
		base, isProgram := strings.CutPrefix(name, "bin/")
		if !isProgram || strings.HasSuffix(name, ".sh") {
			continue
		}
		seen++
		arch := base[strings.LastIndex(base, "-")+1:]
		data := read(t, name)
		file, err := elf.NewFile(strings.NewReader(data))
		require.NoError(t, err, name)
		require.Equal(t, machines[arch], file.Machine, name)
		require.Equal(t, elf.ET_EXEC, file.Type, "%s: position independent", name)
		libraries, err := file.ImportedLibraries()
		require.NoError(t, err)
		require.Empty(t, libraries, name)
		for _, part := range file.Progs {
			require.NotEqual(t, elf.PT_INTERP, part.Type, "%s: dynamically linked", name)
		}
		for _, section := range file.Sections {
			require.NotContains(t, section.Name, "build-id", name)
			require.NotContains(t, section.Name, ".debug", name)
			if section.Name == ".note.go.buildid" {
				id, err := section.Data()
				require.NoError(t, err)
				// Header of a note: length of the name, of the text, the type; name "Go".
				require.Empty(t, bytes.Trim(id[min(16, len(id)):], "\x00"), "%s: has a build id", name)
			}
		}
		for _, place := range places {
			require.NotContains(t, data, place, "%s: a folder of the machine", name)
		}
		// A program that bears the command's own name fails AppInspect's cloud checks.
		require.NotEqual(t, app, base)
	}
	require.Equal(t, 4, seen, "tordetect and torrelays, each for two architectures")
}

func launcher() string { return filepath.Join(folder, "bin", app+".sh") }

// Splunk starts the launcher itself, not through a shell that would forgive.
func needsLinux(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("skipped: the package's programs run on Linux only")
	}
}

// startedByHand is what the program says to somebody who runs it.
func startedByHand(t *testing.T) string {
	needsLinux(t)
	cmd := exec.Command(launcher(), "--help")
	var complaints bytes.Buffer
	cmd.Stderr = &complaints
	var exit *exec.ExitError
	require.ErrorAs(t, cmd.Run(), &exit)
	require.Equal(t, 2, exit.ExitCode())
	return complaints.String()
}

// getinfo asks the packaged program, as splunkd does when a search is parsed.
func getinfo(t *testing.T, cmd *exec.Cmd, args ...string) (reply map[string]any) {
	t.Helper()
	meta, err := json.Marshal(map[string]any{
		"action": "getinfo", "preview": false,
		"searchinfo": map[string]any{"args": args, "raw_args": args, "sid": "1795564800.1", "app": app, "command": app},
	})
	require.NoError(t, err)
	var out, complaints bytes.Buffer
	cmd.Stdin = strings.NewReader(fmt.Sprintf("chunked 1.0,%d,0\n%s", len(meta), meta))
	cmd.Stdout, cmd.Stderr = &out, &complaints
	err = cmd.Run()
	require.Empty(t, complaints.String())
	head, rest, found := strings.Cut(out.String(), "\n")
	require.True(t, found, "no reply: %v", err)
	var metaLength, bodyLength int
	_, err = fmt.Sscanf(head, "chunked 1.0,%d,%d", &metaLength, &bodyLength)
	require.NoError(t, err, head)
	require.Len(t, rest, metaLength+bodyLength)
	require.NoError(t, json.Unmarshal([]byte(rest[:metaLength]), &reply))
	return reply
}

// The path, the folder and the environment that splunkd gives are not certain.
func TestLauncherRuns(t *testing.T) {
	needsLinux(t)
	bin := filepath.Join(folder, "bin")
	for name, cmd := range map[string]*exec.Cmd{
		"by its full path":      exec.Command(launcher()),
		"beside it":             {Path: "./tordetect.sh", Args: []string{"./tordetect.sh"}, Dir: bin},
		"by a shell, no slash":  {Path: "/bin/sh", Args: []string{"sh", "tordetect.sh"}, Dir: bin},
		"with a bare path":      {Path: launcher(), Args: []string{launcher()}, Env: []string{"PATH=/usr/bin:/bin"}},
		"with another's libs":   {Path: launcher(), Args: []string{launcher()}, Env: []string{"PATH=/usr/bin:/bin", "LD_LIBRARY_PATH=/nonexistent"}},
		"from the root of all":  {Path: launcher(), Args: []string{launcher()}, Dir: "/"},
		"below a folder, blank": blankFolder(t),
	} {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, "streaming", getinfo(t, cmd)["type"])
		})
	}
}

// blankFolder installs the app below a folder with a blank in its name.
func blankFolder(t *testing.T) *exec.Cmd {
	at := filepath.Join(t.TempDir(), "my apps")
	require.NoError(t, os.CopyFS(at, os.DirFS(folder)))
	return exec.Command(filepath.Join(at, "bin", "tordetect.sh"))
}

// One launcher for all machines: a false uname and programs that only say who
// they are.
func TestLauncherPicksTheArchitecture(t *testing.T) {
	needsLinux(t)
	for machine, want := range map[string]string{"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"} {
		bin, tools := t.TempDir(), t.TempDir()
		script := func(at, text string) { require.NoError(t, os.WriteFile(at, []byte("#!/bin/sh\n"+text+"\n"), 0o755)) }
		script(filepath.Join(tools, "uname"), `[ "$*" = -m ] && echo `+machine)
		script(filepath.Join(bin, "tordetect-linux-amd64"), `echo amd64 "$#" "$@"`)
		script(filepath.Join(bin, "tordetect-linux-arm64"), `echo arm64 "$#" "$@"`)
		at := filepath.Join(bin, "tordetect.sh")
		require.NoError(t, os.WriteFile(at, []byte(read(t, "bin/tordetect.sh")), 0o755))
		cmd := exec.Command(at, "a b", "c")
		cmd.Env = []string{"PATH=" + tools}
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, string(out))
		require.Equal(t, want+" 2 a b c\n", string(out), machine)
	}
}

// The help in the search bar and the program agree, both ways.
func TestSearchbnf(t *testing.T) {
	needsLinux(t)
	c := conf(t, "default/searchbnf.conf")
	require.Equal(t, []string{app + "-command", app + "-option", "torrelays-command", "torupdate-command", "torupdate-option"}, c.Stanzas())
	for _, name := range []string{"torrelays-command", "torupdate-command"} {
		for _, key := range []string{"syntax", "shortdesc", "description", "usage", "example1", "comment1"} {
			require.NotEmpty(t, value(t, c, name, key))
		}
	}
	// An option that is refused or unknown would name the others.
	for option := range strings.SplitSeq(value(t, c, "torupdate-option", "syntax"), "|") {
		name, _, _ := strings.Cut(strings.Trim(option, " ("), "=")
		good := map[string]string{"source": "collector", "retention": "7d", "backfill": "24h", "proxy": "http://192.0.2.1:3128", "history": "true"}[name]
		if good == "" {
			good = "x.csv"
		}
		reply := getinfo(t, exec.Command(filepath.Join(folder, "bin", "torupdate.sh")), name+"="+good)
		require.Nil(t, reply["error"], "%s", name)
		require.Equal(t, true, reply["generating"])
	}
	for _, key := range []string{"syntax", "shortdesc", "description", "usage", "example1", "comment1"} {
		require.NotEmpty(t, value(t, c, app+"-command", key))
	}
	require.Equal(t, "public", value(t, c, app+"-command", "usage"))
	require.Equal(t, app+" (<"+app+"-option>)*", value(t, c, app+"-command", "syntax"))
	for i := 1; i <= 4; i++ {
		require.NotEmpty(t, value(t, c, app+"-command", fmt.Sprintf("comment%d", i)))
		for _, call := range calls(value(t, c, app+"-command", fmt.Sprintf("example%d", i))) {
			_, err := tordetect.ParseOptions(call)
			require.NoError(t, err)
		}
	}

	syntax := value(t, c, app+"-option", "syntax")
	require.Equal(t, strings.Count(syntax, "("), strings.Count(syntax, ")"))
	values := map[string]string{"<bool>": "true", "<int>": "7", "<cidr-list>": "2001:db8::/32", "<field>": "x", "<lookup-file>": "x.csv"}
	var documented, args []string
	for _, option := range regexp.MustCompile(`\(([a-z0-9_]+)=(<[a-z-]+>)\)`).FindAllStringSubmatch(syntax, -1) {
		require.Contains(t, values, option[2])
		documented = append(documented, option[1])
		args = append(args, option[1]+"="+values[option[2]])
		require.Regexp(t, `(^|[ ,])`+option[1]+`[:,]`, value(t, c, app+"-option", "description"), "no word on %s", option[1])
	}
	require.ElementsMatch(t, tordetect.OptionNames(), documented)
	require.NotContains(t, getinfo(t, exec.Command(launcher()), args...), "error")

	reply := getinfo(t, exec.Command(launcher()), "nonsense=1")
	for _, option := range documented {
		require.Regexp(t, `\b`+option+`\b`, reply["error"], "the error for an unknown option does not name %s", option)
	}
}

// calls finds the options of each `| tordetect ...` in a piece of SPL.
func calls(spl string) [][]string {
	var all [][]string
	for _, call := range regexp.MustCompile(`\|\s*`+app+`\b([^|]*)`).FindAllStringSubmatch(spl, -1) {
		var args []string
		for _, word := range strings.Fields(call[1]) {
			args = append(args, strings.ReplaceAll(word, `"`, ""))
		}
		all = append(all, args)
	}
	return all
}
