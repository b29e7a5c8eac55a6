package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"log"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tordetect/src/text"
	"tordetect/tests/tornet"
)

// bench is a folder with the documents of a Tor network of our own, and torctl.
type bench struct {
	t      *testing.T
	folder string
	stdout interface{ Write([]byte) (int, error) }
	out    bytes.Buffer
	net    *tornet.Network
}

func newBench(t *testing.T) *bench {
	b := &bench{t: t, folder: t.TempDir(), net: tornet.New(3, 5, tornet.Size(12))}
	b.stdout = &b.out
	b.file("certs", b.net.Certificates())
	b.file("authorities", b.net.AuthoritiesFile())
	b.file("consensus", b.hour(-1))
	return b
}

func (b *bench) hour(h int) []byte {
	at := noon.Add(time.Duration(h) * time.Hour)
	return b.net.Consensus(tornet.Spec{ValidAfter: at, Relays: b.net.Relays(at)})
}

func (b *bench) path(name string) string { return filepath.Join(b.folder, name) }

func (b *bench) file(name string, doc []byte) {
	require.NoError(b.t, os.MkdirAll(filepath.Dir(b.path(name)), 0o700))
	require.NoError(b.t, os.WriteFile(b.path(name), doc, 0o600))
}

// torctl runs torctl relays; @name stands for the path of a file.
func (b *bench) torctl(args ...string) (code int, stderr string) {
	words := []string{"relays"}
	for _, arg := range args {
		if name, ok := strings.CutPrefix(arg, "@"); ok {
			arg = b.path(name)
		}
		words = append(words, arg)
	}
	var errs bytes.Buffer
	code = run(words, strings.NewReader(""), b.stdout, &errs, func() time.Time { return noon })
	return code, errs.String()
}

// full is an output without room.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, syscall.ENOSPC }

// Output that cannot be written costs no table, and is told of.
func TestOutputLost(t *testing.T) {
	for _, form := range []string{"table", "json"} {
		b := newBench(t)
		b.stdout = full{}
		code, stderr := b.torctl("import", "@certs", "@consensus", "--authorities", "@authorities", "--relays", "@table.csv", "-o", form)
		require.Equal(t, 1, code)
		require.Contains(t, stderr, "write the output: no space left on device")
		require.FileExists(t, b.path("table.csv"))
		for _, args := range [][]string{
			{"verify", "@certs", "@consensus", "--authorities", "@authorities", "-o", form},
			{"status", "--relays", "@table.csv", "-o", form},
			{"seen", "192.0.2.1", "--relays", "@table.csv", "-o", form},
			{"seen", "192.0.2.1", "--relays", "@table.csv", "-o", "csv"},
		} {
			code, stderr := b.torctl(args...)
			require.Equal(t, 1, code, "%v", args)
			require.Contains(t, stderr, "write the output: no space left on device", "%v", args)
		}
	}
}

// What is said of a failure is true of the table.
func TestImportNothing(t *testing.T) {
	b := newBench(t)
	code, stderr := b.torctl("import", "@certs", "--authorities", "@authorities", "--relays", "@table.csv")
	require.Equal(t, 1, code)
	require.Equal(t, "torctl: certificates alone say nothing about relays: add the consensuses that they are for; no table was written\n", stderr)
	_, err := os.Stat(b.path("table.csv"))
	require.True(t, errors.Is(err, os.ErrNotExist))

	code, stderr = b.torctl("import", "@certs", "@consensus", "--authorities", "@authorities", "--relays", "@table.csv")
	require.Zero(t, code, stderr)
	code, stderr = b.torctl("import", "@certs", "--authorities", "@authorities", "--relays", "@table.csv")
	require.Equal(t, 1, code)
	require.Contains(t, stderr, "; the table "+b.path("table.csv")+" is as it was\n")
}

// A table with lists of the future is told of where its state is asked for, and
// where it is taken in.
func TestRelaysStatusFuture(t *testing.T) {
	b := newBench(t)
	b.file("table.csv", []byte("ip,port,role,flags,fingerprint,nickname,first_seen,last_seen\n,,coverage,,,,2100000000,2100003600\n,1,end,,,,,\n"))
	code, stderr := b.torctl("status", "--relays", "@table.csv")
	require.Zero(t, code)
	require.Contains(t, stderr, "torctl: warning: The table says that lists were read until 2036-07-18T14:20:00Z")
	code, stderr = b.torctl("import", "@certs", "@consensus", "--authorities", "@authorities", "--relays", "@table.csv")
	require.Zero(t, code, stderr)
	require.Contains(t, stderr, "torctl: warning: The table table.csv says that lists were read until 2036-07-18T14:20:00Z")
	_, stderr = b.torctl("status", "--relays", "@table.csv")
	require.Empty(t, stderr)
}

// An exit list that comes before the consensuses of its time is told to be of no
// use, and does not claim that there were no exits.
func TestImportExitsFirst(t *testing.T) {
	b := newBench(t)
	at := noon.Add(-time.Hour)
	b.file("exits", b.net.ExitList(at.Add(2*time.Minute), b.net.ExitNodes(at)))
	b.file("earlier", b.hour(-24))
	common := []string{"--authorities", "@authorities", "--relays", "@table.csv"}
	take := func(files ...string) (int, string) {
		return b.torctl(append(append([]string{"import"}, files...), common...)...)
	}

	code, stderr := take("@exits")
	require.Equal(t, 1, code)
	require.Contains(t, stderr, "would have no relay: add the consensuses of the time of the exit lists; no table was written")
	code, stderr = take("@certs", "@earlier")
	require.Zero(t, code, stderr)
	code, stderr = take("@exits")
	require.Zero(t, code, stderr)
	require.Contains(t, stderr, "warning: Exit lists of times for which no consensus was read count for nothing: 1.")
	code, stderr = take("@certs", "@consensus")
	require.Zero(t, code, stderr)
	text, err := os.ReadFile(b.path("table.csv"))
	require.NoError(t, err)
	require.NotContains(t, string(text), "exit_coverage")
	code, stderr = take("@exits")
	require.Zero(t, code, stderr)
	require.NotContains(t, stderr, "warning")

	want, err := os.ReadFile(b.path("table.csv"))
	require.NoError(t, err)
	require.Contains(t, string(want), "exit_coverage")
	require.NoError(t, os.Remove(b.path("table.csv")))
	code, stderr = take("@exits", "@earlier", "@consensus", "@certs")
	require.Zero(t, code, stderr)
	got, err := os.ReadFile(b.path("table.csv"))
	require.NoError(t, err)
	require.Equal(t, string(want), string(got))
}

// Names and paths from outside do not play with the terminal.
func TestEscapes(t *testing.T) {
	b := newBench(t)
	wild := "w\x1b[31m\u009b1m\u202eld\U000e0041\""
	code, stderr := b.torctl("verify", b.path(wild), "-o", "json")
	require.Equal(t, 1, code)
	require.NotContains(t, stderr, "panic")
	var row struct{ File, Reason string }
	require.NoError(t, json.Unmarshal(b.out.Bytes(), &row), "%s", b.out.Bytes())
	require.Equal(t, b.path(wild), row.File, "escaped, not lost")
	require.Contains(t, row.Reason, "ld")

	said := b.out.String()
	for _, args := range [][]string{
		{"verify", b.path(wild)},
		{"status", "--relays", b.path(wild)},
		{"seen", wild},
		{"seen", "192.0.2.1", "--relays", b.path(wild), "-o", "csv"},
		{"import", "@certs", "@consensus", "--authorities", b.path(wild)},
		{"import", "@certs", "@consensus", "--authorities", "@authorities", "--relays", b.path(wild + "/t.csv")},
		{"import", "@certs", "@consensus", "--authorities", "@authorities", "--relays", b.path(wild)},
		{"update", "--source", b.path("\u202e"), "--relays", "@none.csv"},
		{wild},
		{"status", "-o", wild},
	} {
		b.out.Reset()
		code, stderr := b.torctl(args...)
		require.True(t, code == 0 || stderr != "")
		said += b.out.String() + stderr
	}
	require.Contains(t, said, "w?[31m?1m?ld?")
	for _, r := range said {
		require.True(t, r == '\n' || !text.Plays(r), "%q", said)
	}
}

// noise collects what the package log is told.
type noise struct {
	mu   sync.Mutex
	text []byte
}

func (n *noise) Write(p []byte) (int, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.text = append(n.text, p...)
	return len(p), nil
}

// A server that speaks out of turn does not reach the terminal through net/http.
func TestOutputOfHostileServer(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer listener.Close()
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			_, _ = conn.Read(make([]byte, 4096))
			_, _ = io.WriteString(conn, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\nHTTP/1.1 200 \x1b[2J\r\n\r\n")
			defer conn.Close()
		}
	}()
	var heard noise
	log.SetOutput(&heard)
	defer log.SetOutput(os.Stderr)
	b := newBench(t)
	code, stderr := b.torctl("update", "--source", "dir+http://"+listener.Addr().String(), "--relays", "@table.csv")
	require.Equal(t, 1, code)
	require.Contains(t, stderr, "no such document there")
	time.Sleep(50 * time.Millisecond) // for a goroutine of net/http
	heard.mu.Lock()
	defer heard.mu.Unlock()
	require.Empty(t, string(heard.text))
}
