//go:build linux

package faults

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tordetect/tests/packaged"
	"tordetect/tests/splunkd"
	"tordetect/tests/tornet"
)

var every = flag.Bool("every", false, "try each byte and each moment in the place of a sample")

// promised is a case of README.md.
func promised(t *testing.T, name string, run func(t *testing.T)) {
	t.Helper()
	t.Run(name, run)
}

// The table of promises and the cases are the same.
func TestPromises(t *testing.T) {
	page, err := os.ReadFile("README.md")
	require.NoError(t, err)
	var written, tried []string
	for _, m := range regexp.MustCompile(`(?m)^\| ([^|]+) \|`).FindAllStringSubmatch(string(page), -1) {
		if m[1] != "fault" && !strings.HasPrefix(m[1], "-") {
			written = append(written, m[1])
		}
	}
	files, err := filepath.Glob("*_test.go")
	require.NoError(t, err)
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		for _, m := range regexp.MustCompile(`promised\(t, "([^"]+)"`).FindAllStringSubmatch(string(text), -1) {
			tried = append(tried, m[1])
		}
	}
	slices.Sort(written)
	slices.Sort(tried)
	require.Equal(t, written, tried)
}

// site is a Splunk with the app installed, in a folder that others may enter.
type site struct{ *splunkd.Head }

func newSite(t *testing.T) *site {
	t.Helper()
	file, err := packaged.File()
	require.NoError(t, err)
	folder := t.TempDir()
	for _, open := range []string{folder, filepath.Dir(folder)} { // for who is not root
		require.NoError(t, os.Chmod(open, 0o755))
	}
	app, err := splunkd.Install(file, folder)
	require.NoError(t, err)
	require.NoError(t, os.MkdirAll(filepath.Dir(app.Lookup("x")), 0o755))
	s := &site{&splunkd.Head{App: app, Now: noon}}
	s.put(t, table(200, "a"))
	return s
}

func (s *site) table() string { return s.App.Lookup("tor_relays.csv") }

func (s *site) put(t *testing.T, text string) {
	t.Helper()
	require.NoError(t, os.WriteFile(s.table(), []byte(text), 0o644))
}

var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

// table has so many relays, of a day around noon. Two relays have the address that the
// rows ask for, so that a table of any name knows it.
func table(relays int, nickname string) string { return tableAt(noon, relays, nickname) }

func tableAt(at time.Time, relays int, nickname string) string {
	var b strings.Builder
	from, to := at.Unix()-43200, at.Unix()+43200
	b.WriteString("ip,port,role,flags,fingerprint,nickname,first_seen,last_seen\n")
	fmt.Fprintf(&b, ",,coverage,,,,%d,%d\n", from, to)
	for i := range relays {
		fmt.Fprintf(&b, "198.51.100.%d,%d,or,Guard,%040X,%s%d,%d,%d\n", 1+i%250, 9001+i/250, i, nickname, i, from, to)
	}
	fmt.Fprintf(&b, ",%d,end,,,,,\n", relays+1)
	return b.String()
}

// body has a row of a client of the first relay, and one of nothing.
var body = fmt.Sprintf("_time,src_ip,dest_ip,dest_port,transport\n%d,10.0.0.1,198.51.100.1,9001,tcp\n%d,10.0.0.2,203.0.113.9,443,tcp\n", noon.Unix(), noon.Unix())

// conversation is all that splunkd sends for a search over these bodies.
func (s *site) conversation(command, arguments string, bodies ...string) []byte {
	all := s.GetinfoFrame(command, arguments)
	for i, body := range bodies {
		all = append(all, splunkd.ExecuteFrame([]byte(body), i == len(bodies)-1)...)
	}
	return all
}

// command is a search command as splunkd starts it, behind words of a shell such as
// ulimit -v 1000;.
func (s *site) command(name, shell string) *exec.Cmd {
	cmd := exec.Command("/bin/sh", "-c", shell+` exec "$0"`, filepath.Join(s.App.Dir, "bin", name+".sh"))
	cmd.Env = []string{"PATH=/usr/bin:/bin", "SPLUNK_HOME=" + s.App.Home, "HOME=" + s.App.Home}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.WaitDelay = time.Second
	return cmd
}

// run starts a command with that input to its end.
func run(t *testing.T, cmd *exec.Cmd, input []byte) splunkd.Spoken {
	t.Helper()
	var stdout, stderr bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(input), &stdout, &stderr
	require.NoError(t, cmd.Start())
	late := time.AfterFunc(time.Minute, func() { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) })
	err := cmd.Wait()
	require.True(t, late.Stop(), "it did not end within a minute")
	if exit := new(exec.ExitError); err != nil && !errors.As(err, &exit) && !errors.Is(err, syscall.EPIPE) {
		require.NoError(t, err)
	}
	return splunkd.Spoken{Stdout: stdout.Bytes(), Stderr: stderr.Bytes(), Code: cmd.ProcessState.ExitCode()}
}

// search judges body.
func (s *site) search(t *testing.T, shell, arguments string) splunkd.Spoken {
	t.Helper()
	return run(t, s.command("tordetect", shell), s.conversation("tordetect", arguments, body))
}

// verdicts are those of all rows of what was said, which has to be whole and quiet.
func verdicts(t *testing.T, spoken splunkd.Spoken) string {
	t.Helper()
	require.Zero(t, spoken.Code, "%s", spoken.Stdout)
	require.Empty(t, string(spoken.Stderr))
	frames, err := spoken.Frames()
	require.NoError(t, err)
	var all []string
	for _, f := range frames {
		table, err := splunkd.ReadBody(f.Body)
		require.NoError(t, err)
		for _, row := range table.Rows {
			all = append(all, row.Get("tor_verdict"))
		}
	}
	return strings.Join(all, " ")
}

// said are the texts of all messages, and of the error.
func said(t *testing.T, spoken splunkd.Spoken) string {
	t.Helper()
	frames, err := spoken.Frames()
	require.NoError(t, err)
	var all []string
	for _, f := range frames {
		var metadata struct {
			Inspector struct{ Messages [][]string }
			Error     string
		}
		require.NoError(t, json.Unmarshal(f.Metadata, &metadata))
		for _, m := range metadata.Inspector.Messages {
			all = append(all, strings.Join(m, " "))
		}
		if metadata.Error != "" {
			all = append(all, "ERROR "+metadata.Error)
		}
	}
	return strings.Join(all, "\n")
}

// files lists all that lies below a folder, with sizes and times.
func files(t *testing.T, folder string) (all []string) {
	t.Helper()
	require.NoError(t, filepath.WalkDir(folder, func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err == nil && !d.IsDir() {
			all = append(all, fmt.Sprintf("%s %d %v", path, info.Size(), info.ModTime().UnixNano()))
		}
		return err
	}))
	return all
}

// sample picks some of n moments, the first and last ones among them; all with -every.
func sample(n, few int) (all []int) {
	step := max(1, n/few)
	if *every {
		step = 1
	}
	for i := 0; i < n; i += step {
		all = append(all, i)
	}
	for i := max(0, n-3); i < n; i++ {
		all = append(all, i)
	}
	return slices.Compact(all)
}

func asRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("skipped: needs root")
	}
}

func needs(t *testing.T, tool string) string {
	t.Helper()
	path, err := exec.LookPath(tool)
	if err != nil {
		t.Skipf("skipped: needs %s", tool)
	}
	return path
}

// documents are those of a network that lives now: its keys take a second to make.
var documents = sync.OnceValue(func() map[string][]byte {
	hour := time.Now().UTC().Truncate(time.Hour)
	net := tornet.New(11, 3, tornet.Size(400))
	list := func(at time.Time) []byte {
		return net.Consensus(tornet.Spec{ValidAfter: at, Relays: net.Relays(at)})
	}
	return map[string][]byte{"certs": net.Certificates(), "authorities": net.AuthoritiesFile(), "first": list(hour.Add(-time.Hour)), "second": list(hour)}
})

// imports is a folder with the lists of two hours of a network, and torctl to import
// them.
type imports struct {
	folder, torctl, table string
	args                  []string // of the import of the second hour
	before, after         string   // what the table holds then
}

func newImports(t *testing.T) *imports {
	t.Helper()
	file, err := packaged.Torctl()
	require.NoError(t, err)
	i := &imports{folder: t.TempDir(), torctl: file}
	require.NoError(t, os.Chmod(i.folder, 0o755))
	require.NoError(t, os.Chmod(filepath.Dir(i.folder), 0o755))
	for name, text := range documents() {
		require.NoError(t, os.WriteFile(filepath.Join(i.folder, name), text, 0o644))
	}
	i.table = filepath.Join(i.folder, "lookups", "tor_relays.csv")
	require.NoError(t, os.Mkdir(filepath.Dir(i.table), 0o755))
	args := func(list string) []string {
		return []string{"relays", "import", filepath.Join(i.folder, "certs"), filepath.Join(i.folder, list), "--authorities", filepath.Join(i.folder, "authorities"), "--relays", i.table}
	}
	spoken := run(t, exec.Command(i.torctl, args("first")...), nil)
	require.Zero(t, spoken.Code, "%s", spoken.Stderr)
	i.before = i.read(t)
	i.args = args("second")
	spoken = run(t, exec.Command(i.torctl, i.args...), nil)
	require.Zero(t, spoken.Code, "%s", spoken.Stderr)
	i.after = i.read(t)
	require.NotEqual(t, i.before, i.after)
	return i
}

func (i *imports) read(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(i.table)
	require.NoError(t, err)
	return string(text)
}

// again puts the first table back, with nothing beside it.
func (i *imports) again(t *testing.T) {
	t.Helper()
	require.NoError(t, os.RemoveAll(filepath.Dir(i.table)))
	require.NoError(t, os.Mkdir(filepath.Dir(i.table), 0o755))
	require.NoError(t, os.WriteFile(i.table, []byte(i.before), 0o644))
}

// beside lists what lies in the table's folder.
func (i *imports) beside(t *testing.T) []string { return beside(t, filepath.Dir(i.table)) }

func beside(t *testing.T, folder string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(folder)
	require.NoError(t, err)
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}
