//go:build linux

package faults

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tordetect/tests/packaged"
)

// Where memory ends, a search fails: what was sent until then is the beginning of the
// right answer, and the exit code says that it is not the whole.
func TestMemory(t *testing.T) {
	s := newSite(t)
	line := strings.SplitAfter(body, "\n")[1]
	chunk := "_time,src_ip,dest_ip,dest_port,transport\n" + strings.Repeat(line, 400_000) // 20 MB
	input := s.conversation("tordetect", "", body, chunk, "")
	whole := run(t, s.command("tordetect", ""), input)
	require.Zero(t, whole.Code)
	failsOrAnswers := func(t *testing.T, cmd *exec.Cmd, what string) (failed bool) {
		t.Helper()
		spoken := run(t, cmd, input)
		require.True(t, bytes.HasPrefix(whole.Stdout, spoken.Stdout), what)
		require.NotContains(t, string(spoken.Stderr), "sessionkey")
		if spoken.Code == 0 {
			require.Len(t, spoken.Stdout, len(whole.Stdout), what)
		}
		return spoken.Code != 0
	}
	promised(t, "little address space", func(t *testing.T) {
		failed, answered := 0, 0
		for _, kilobytes := range []int{1 << 14, 1 << 16, 1 << 17, 1 << 18, 1 << 19, 1 << 20, 1 << 22} {
			if failsOrAnswers(t, s.command("tordetect", fmt.Sprintf("ulimit -v %d;", kilobytes)), fmt.Sprint(kilobytes, " KB")) {
				require.Zero(t, answered, "it fails with more and answers with less")
				failed++
			} else {
				answered++
			}
		}
		t.Logf("failed with %d limits, answered with %d", failed, answered)
		require.Positive(t, failed)
		require.Positive(t, answered)
	})
	promised(t, "little memory", func(t *testing.T) {
		asRoot(t)
		group := filepath.Join("/sys/fs/cgroup/memory", fmt.Sprintf("tordetect-faults-%d", os.Getpid()))
		limit := "memory.limit_in_bytes"
		if _, err := os.Stat("/sys/fs/cgroup/cgroup.controllers"); err == nil {
			group, limit = filepath.Join("/sys/fs/cgroup", filepath.Base(group)), "memory.max"
		}
		if err := os.Mkdir(group, 0o755); err != nil {
			t.Skipf("skipped: no control group can be made: %v", err)
		}
		defer func() { require.NoError(t, syscall.Rmdir(group), "a process is left in the group") }()
		failed, answered := 0, 0
		for _, megabytes := range []int{8, 24, 400} {
			if err := os.WriteFile(filepath.Join(group, limit), fmt.Append(nil, megabytes<<20), 0o644); err != nil {
				t.Skipf("skipped: no memory can be limited: %v", err)
			}
			if failsOrAnswers(t, s.command("tordetect", "echo $$ >"+filepath.Join(group, "cgroup.procs")+"; "), fmt.Sprint(megabytes, " MB")) {
				failed++
			} else {
				answered++
			}
		}
		require.Positive(t, failed)
		require.Positive(t, answered)
	})
}

// A search writes no file: it needs no room and no right to write.
func TestDisk(t *testing.T) {
	s := newSite(t)
	promised(t, "app that cannot be written to", func(t *testing.T) {
		asRoot(t)
		readOnly := mounted(t, "tmpfs", "size=64m")
		require.NoError(t, exec.Command("cp", "-a", s.App.Dir+"/.", readOnly).Run())
		require.NoError(t, syscall.Mount("", readOnly, "", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""))
		old := s.App.Dir
		s.App.Dir = readOnly
		defer func() { s.App.Dir = old }()
		require.Equal(t, "tor none", verdicts(t, s.search(t, "", "")))
		file, err := packaged.Torctl()
		require.NoError(t, err)
		i := newImports(t)
		args := append([]string{}, i.args...)
		args[len(args)-1] = s.table()
		updated := run(t, exec.Command(file, args...), nil)
		require.Equal(t, 1, updated.Code)
		require.Contains(t, string(updated.Stderr), "read-only file system")
	})
	promised(t, "app on a disk without execution", func(t *testing.T) {
		asRoot(t)
		folder := mounted(t, "tmpfs", "size=64m")
		apps := filepath.Join(folder, "etc", "apps", "tordetect")
		require.NoError(t, os.MkdirAll(apps, 0o755))
		require.NoError(t, exec.Command("cp", "-a", s.App.Dir+"/.", apps).Run())
		require.NoError(t, syscall.Mount("", folder, "", syscall.MS_REMOUNT|syscall.MS_NOEXEC, ""))
		cmd := exec.Command("/bin/sh", filepath.Join(apps, "bin", "tordetect.sh"))
		cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
		spoken := run(t, cmd, s.conversation("tordetect", "", body))
		require.Equal(t, 126, spoken.Code)
		require.Empty(t, spoken.Stdout)
		require.Contains(t, string(spoken.Stderr), "Permission denied")
		file, err := packaged.Torctl()
		require.NoError(t, err)
		checked := run(t, exec.Command(file, "doctor", "--app", apps), nil)
		require.Equal(t, 1, checked.Code)
		require.Regexp(t, `(?i)permission denied|noexec`, string(checked.Stdout))
	})
	promised(t, "no room for the temporary files", func(t *testing.T) {
		full := filepath.Join(t.TempDir(), "gone")
		if os.Geteuid() == 0 {
			full = mounted(t, "tmpfs", "size=16k")
			fill(t, full)
		}
		require.Equal(t, "tor none", verdicts(t, s.search(t, "TMPDIR="+full+"; export TMPDIR;", "")))
		i := newImports(t)
		i.again(t)
		cmd := exec.Command(i.torctl, i.args...)
		cmd.Env = append(os.Environ(), "TMPDIR="+full)
		spoken := run(t, cmd, nil)
		require.Zero(t, spoken.Code, "%s", spoken.Stderr)
		require.Equal(t, i.after, i.read(t))
	})
	promised(t, "no room for the table", func(t *testing.T) {
		i := newImports(t)
		stays := func(cmd *exec.Cmd, why string) {
			t.Helper()
			spoken := run(t, cmd, nil)
			require.Equal(t, 1, spoken.Code)
			require.Regexp(t, `(?m)^torctl: write the relay table: .*`+why, string(spoken.Stderr))
			require.Equal(t, i.before, i.read(t))
			require.Equal(t, []string{"tor_relays.csv"}, i.beside(t))
		}
		i.again(t)
		limited := exec.Command("/bin/sh", append([]string{"-c", `ulimit -f 1; trap "" XFSZ; exec "$0" "$@"`, i.torctl}, i.args...)...)
		stays(limited, "file too large")
		if os.Geteuid() != 0 {
			return
		}
		folder := mounted(t, "tmpfs", "size=128k")
		i.table = filepath.Join(folder, "tor_relays.csv")
		require.NoError(t, os.WriteFile(i.table, []byte(i.before), 0o644))
		fill(t, folder)
		require.NoError(t, os.Remove(filepath.Join(folder, "filled")))
		require.NoError(t, os.WriteFile(filepath.Join(folder, "filled"), make([]byte, 128<<10-len(i.before)-16<<10), 0o644))
		i.args[len(i.args)-1] = i.table
		spoken := run(t, exec.Command(i.torctl, i.args...), nil)
		require.Equal(t, 1, spoken.Code)
		require.Regexp(t, `(?m)^torctl: write the relay table: .*no space left on device`, string(spoken.Stderr))
		require.Equal(t, i.before, i.read(t))
		require.ElementsMatch(t, []string{"tor_relays.csv", "filled"}, i.beside(t))
	})
}

// The clock of a machine is compared with times of lists and nothing else, so a table of
// another year stands for a clock of another year. (The clock of the machine that tests
// cannot be moved.)
func TestClock(t *testing.T) {
	s := newSite(t)
	rowsOf := func(at time.Time) string {
		return strings.ReplaceAll(body, fmt.Sprint(noon.Unix()), fmt.Sprint(at.Unix()))
	}
	search := func(at time.Time, arguments string) (string, string) {
		spoken := run(t, s.command("tordetect", ""), s.conversation("tordetect", arguments, rowsOf(at)))
		if spoken.Code != 0 {
			return "", said(t, spoken)
		}
		return verdicts(t, spoken), said(t, spoken)
	}
	file, err := packaged.Torctl()
	require.NoError(t, err)
	status := func() string {
		return string(run(t, exec.Command(file, "relays", "status", "--relays", s.table()), nil).Stdout)
	}
	promised(t, "clock a year ahead", func(t *testing.T) {
		at := time.Now().AddDate(-1, 0, 0)
		s.put(t, tableAt(at, 200, "a"))
		got, text := search(at, "")
		require.Equal(t, "tor none", got, "rows are judged by their own time")
		require.Empty(t, text)
		_, text = search(time.Now(), "require_list=true")
		require.Contains(t, text, "more than 24 hours before")
		require.Regexp(t, `36[45] d `, status())
	})
	promised(t, "clock a year behind", func(t *testing.T) {
		at := time.Now().AddDate(1, 0, 0)
		s.put(t, tableAt(at, 200, "a"))
		got, text := search(at, "")
		require.Equal(t, "tor none", got, "rows are judged by their own time")
		require.Empty(t, text)
		_, text = search(at, "require_list=true")
		require.Contains(t, text, "more than a day ahead of this machine's clock: check the clock")
		i := newImports(t)
		args := append([]string{}, i.args...)
		args[len(args)-1] = s.table()
		spoken := run(t, exec.Command(file, args...), nil)
		require.Zero(t, spoken.Code)
		require.Contains(t, string(spoken.Stderr), "ahead of this machine's clock: that is damage, or the clock is wrong.")
	})
}

// mounted is a folder that is a file system of its own until the test ends.
func mounted(t *testing.T, kind, options string) string {
	t.Helper()
	folder := t.TempDir()
	if err := syscall.Mount(kind, folder, kind, 0, options); err != nil {
		t.Skipf("skipped: no file system can be mounted: %v", err)
	}
	t.Cleanup(func() { require.NoError(t, syscall.Unmount(folder, 0)) })
	return folder
}

// fill leaves no room on a file system.
func fill(t *testing.T, folder string) {
	t.Helper()
	f, err := os.Create(filepath.Join(folder, "filled"))
	require.NoError(t, err)
	defer f.Close()
	for err == nil {
		_, err = f.Write(make([]byte, 4096))
	}
	require.ErrorIs(t, err, syscall.ENOSPC)
}
