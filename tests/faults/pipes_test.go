//go:build linux

package faults

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tordetect/tests/splunkd"
)

// splunkd ends a search as it likes: whenever it stops to write or to read, a command
// leaves soon, with nothing on stderr, and what it wrote until then is what it would have
// written.
func TestPipes(t *testing.T) {
	s := newSite(t)
	many := body + strings.Repeat(strings.SplitAfter(body, "\n")[1], 3000) // more than a pipe holds
	commands := map[string][]byte{
		"tordetect": s.conversation("tordetect", "", body, body, ""),
		"torrelays": s.conversation("torrelays", `seen "198.51.100.1" at="2026-11-20T12:00:00Z"`, ""),
		"torupdate": s.conversation("torupdate", "import=none.csv", ""),
	}
	promised(t, "requests end at any byte", func(t *testing.T) {
		for name, input := range commands {
			whole := run(t, s.command(name, ""), input)
			for _, cut := range sample(len(input), 60) {
				spoken := run(t, s.command(name, ""), input[:cut])
				require.Zero(t, spoken.Code, "%s, cut at %d", name, cut)
				require.Empty(t, string(spoken.Stderr), "%s, cut at %d", name, cut)
				require.True(t, bytes.HasPrefix(whole.Stdout, spoken.Stdout), "%s, cut at %d", name, cut)
				_, err := spoken.Frames()
				require.NoError(t, err, "%s, cut at %d", name, cut)
			}
		}
	})
	promised(t, "replies are read to any byte", func(t *testing.T) {
		commands["tordetect"] = s.conversation("tordetect", "", many, many, "")
		for name, input := range commands {
			whole := run(t, s.command(name, ""), input)
			for _, last := range sample(len(whole.Stdout), 30) {
				if last > 3000 && last%(64<<10) > 60 {
					continue // far from the head of a frame, and from where a pipe is full
				}
				cmd := s.command(name, "")
				cmd.Stdin = bytes.NewReader(input)
				var stderr bytes.Buffer
				cmd.Stderr = &stderr
				out, err := cmd.StdoutPipe()
				require.NoError(t, err)
				require.NoError(t, cmd.Start())
				_, err = io.CopyN(io.Discard, out, int64(last))
				require.NoError(t, err)
				require.NoError(t, out.Close())
				late := time.AfterFunc(10*time.Second, func() { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) })
				_ = cmd.Wait() // the input may be left over, which is no fault
				require.True(t, late.Stop(), "%s goes on after byte %d", name, last)
				require.Empty(t, stderr.String(), "%s, byte %d", name, last)
				if code := cmd.ProcessState.ExitCode(); code != whole.Code {
					require.Zero(t, code, "%s, byte %d", name, last)
				}
			}
		}
	})
	promised(t, "command killed between frames", func(t *testing.T) {
		before := files(t, s.App.Dir)
		requests := [][]byte{s.GetinfoFrame("tordetect", ""), splunkd.ExecuteFrame([]byte(body), false), splunkd.ExecuteFrame([]byte(body), false)}
		for kill := range len(requests) + 1 {
			cmd := s.command("tordetect", "")
			in, err := cmd.StdinPipe()
			require.NoError(t, err)
			out, err := cmd.StdoutPipe()
			require.NoError(t, err)
			require.NoError(t, cmd.Start())
			for _, request := range requests[:kill] {
				_, err := in.Write(request)
				require.NoError(t, err)
				oneReply(t, out)
			}
			require.NoError(t, cmd.Process.Kill())
			_ = cmd.Wait()
			// The launcher asks uname for the architecture, which ends by itself.
			require.Eventually(t, func() bool { return errors.Is(syscall.Kill(-cmd.Process.Pid, 0), syscall.ESRCH) }, 5*time.Second, 5*time.Millisecond, "a process of its group is left")
		}
		require.Equal(t, before, files(t, s.App.Dir))
		require.Equal(t, "tor none", verdicts(t, s.search(t, "", "")), "the next search")
	})
}

// oneReply reads a frame and no more.
func oneReply(t *testing.T, out io.Reader) {
	t.Helper()
	var metadata, rows int
	var head []byte
	for one := make([]byte, 1); len(head) == 0 || head[len(head)-1] != '\n'; head = append(head, one...) {
		_, err := io.ReadFull(out, one)
		require.NoError(t, err)
	}
	_, err := fmt.Sscanf(string(head), "chunked 1.0,%d,%d\n", &metadata, &rows)
	require.NoError(t, err)
	_, err = io.CopyN(io.Discard, out, int64(metadata+rows))
	require.NoError(t, err)
}

// Each search answers by the table before or after, and the update is not held up.
func TestSearchesAndUpdate(t *testing.T) {
	s := newSite(t)
	i := newImports(t)
	args := append([]string{}, i.args...)
	args[len(args)-1] = s.table()
	promised(t, "two searches and an update at once", func(t *testing.T) {
		s.put(t, i.before)
		chunk := "_time,src_ip,dest_ip,dest_port,transport\n" + strings.Repeat(strings.SplitAfter(body, "\n")[1], 200)
		input := s.conversation("tordetect", "", chunk, chunk, chunk, "")
		answers := map[string]bool{}
		for _, text := range []string{i.before, i.after} {
			s.put(t, text)
			answers[string(run(t, s.command("tordetect", ""), input).Stdout)] = true
		}
		for range sample(60, 10) {
			s.put(t, i.before)
			var all sync.WaitGroup
			var spoken [2]splunkd.Spoken
			for n := range spoken {
				all.Go(func() { spoken[n] = run(t, s.command("tordetect", ""), input) })
			}
			updated := run(t, exec.Command(i.torctl, args...), nil)
			all.Wait()
			require.Zero(t, updated.Code, "%s", updated.Stderr)
			for _, one := range spoken {
				require.Zero(t, one.Code)
				require.True(t, answers[string(one.Stdout)], "it is neither the answer before nor the one after")
			}
			text, err := os.ReadFile(s.table())
			require.NoError(t, err)
			require.Equal(t, i.after, string(text))
		}
		require.Equal(t, []string{"tor_relays.csv"}, beside(t, filepath.Dir(s.table())))
	})
}
