//go:build linux

package main

import (
	"bytes"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tordetect/tests/packaged"
	"tordetect/tests/splunkd"
	"tordetect/tests/tornet"
)

// site is a search head with the app, a relay table, and the documents of a network
// that lives now.
type site struct {
	*splunkd.Head
	documents
	server *httptest.Server // a directory cache with them
	asked  []http.Header    // what it was asked, with method and path
}

type documents struct{ consensus, certificates, authorities []byte }

// network is made once: its keys take a second.
var network = sync.OnceValue(func() documents {
	hour := time.Now().UTC().Truncate(time.Hour)
	net := tornet.New(11, 3, tornet.Size(40))
	return documents{net.Consensus(tornet.Spec{ValidAfter: hour, Relays: net.Relays(hour)}), net.Certificates(), net.AuthoritiesFile()}
})

const table = `ip,port,role,flags,fingerprint,nickname,first_seen,last_seen
,,coverage,,,,1795168800,1795190400
198.51.100.1,9001,or,Guard,0123456789ABCDEF0123456789ABCDEF01234567,relay01,1795168800,1795190400
,2,end,,,,,
`

func newSite(t *testing.T) *site {
	t.Helper()
	file, err := packaged.File()
	require.NoError(t, err)
	app, err := splunkd.Install(file, t.TempDir())
	require.NoError(t, err)
	s := &site{Head: &splunkd.Head{App: app, Now: time.Unix(1795180000, 0)}, documents: network()}
	s.put(t, "lookups/tor_relays.csv", table)
	s.put(t, "lookups/tor_relays_history.csv", table)
	s.put(t, "lookups/authorities.csv", string(s.authorities))
	s.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Header.Set("Asked", r.Method+" "+r.RequestURI)
		s.asked = append(s.asked, r.Header)
		if strings.HasPrefix(r.URL.Path, "/tor/status-vote/") {
			_, _ = w.Write(s.consensus)
		} else {
			_, _ = w.Write(s.certificates)
		}
	}))
	t.Cleanup(s.server.Close)
	return s
}

func (s *site) path(name string) string { return filepath.Join(s.App.Dir, filepath.FromSlash(name)) }

func (s *site) put(t *testing.T, name, text string) {
	t.Helper()
	require.NoError(t, os.MkdirAll(filepath.Dir(s.path(name)), 0o755))
	require.NoError(t, os.WriteFile(s.path(name), []byte(text), 0o600))
}

// talk is all that splunkd sends for a search; a generating command gets no rows.
func (s *site) talk(command, arguments, rows string) []byte {
	all := s.GetinfoFrame(command, arguments)
	if rows != "" {
		all = append(all, splunkd.ExecuteFrame([]byte(rows), false)...)
	}
	return append(all, splunkd.ExecuteFrame([]byte(rows), true)...)
}

// program is that of this machine, as its launcher starts it.
func (s *site) program(command string) []string {
	if command == "tordetect" {
		return []string{s.path("bin/tordetect-linux-" + runtime.GOARCH)}
	}
	return []string{s.path("bin/torrelays-linux-" + runtime.GOARCH), command}
}

// deeds are what a program asked the system for.
type deeds struct {
	read, written []string // files; written are those that were made, changed or removed, too
	started       []string // programs
	sockets       bool
	reached       []string // addresses, as strace writes them
	listened      bool
	out           string // stdout and stderr
	code          int
}

var (
	call    = regexp.MustCompile(`^\d+ +(\w+)\((.*)`)
	named   = regexp.MustCompile(`"((?:[^"\\]|\\.)*)"`)
	below   = regexp.MustCompile(`^(?:AT_FDCWD|\d+)<([^>]*)>`)
	writes  = regexp.MustCompile(`O_WRONLY|O_RDWR|O_CREAT|O_TRUNC|O_APPEND`)
	changes = regexp.MustCompile(`^(creat|mk(dir|nod)(at)?|rmdir|unlink(at)?|rename(at2?)?|(sym)?link(at)?|l?chown(32)?|fchownat|chmod|fchmodat2?|truncate(64)?|utime(s|nsat)?|l?setxattr|mount)$`)
)

// trace runs a program under strace.
func trace(t *testing.T, dir string, env []string, input []byte, command ...string) deeds {
	t.Helper()
	strace, err := exec.LookPath("strace")
	if err != nil {
		t.Skip("skipped: needs strace")
	}
	log := filepath.Join(t.TempDir(), "trace")
	cmd := exec.Command(strace, append([]string{"-f", "-y", "-qq", "-s", "4096", "-e", "trace=%file,%network,execve,execveat", "-e", "signal=none", "-o", log}, command...)...)
	cmd.Dir, cmd.Env = dir, append([]string{"PATH=/usr/bin:/bin", "HOME=" + dir}, env...)
	cmd.Stdin = bytes.NewReader(input)
	said, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		require.NoError(t, err)
	}
	if strings.Contains(string(said), "ptrace") {
		t.Skip("skipped: strace may not trace here")
	}
	d := deeds{out: string(said), code: cmd.ProcessState.ExitCode()}
	text, err := os.ReadFile(log)
	require.NoError(t, err)
	for line := range strings.Lines(string(text)) {
		m := call.FindStringSubmatch(line)
		if m == nil {
			continue // the second half of a call
		}
		name, args := m[1], m[2]
		file := ""
		if found := named.FindStringSubmatch(args); found != nil {
			if file = found[1]; !filepath.IsAbs(file) {
				at := dir
				if found := below.FindStringSubmatch(args); found != nil {
					at = found[1]
				}
				file = filepath.Join(at, file)
			}
		}
		switch {
		case name == "execve" || name == "execveat":
			if !strings.Contains(line, " = -1 ") {
				d.started = append(d.started, file)
			}
		case name == "socket" || name == "socketpair":
			d.sockets = true
		case name == "connect" || name == "sendto" && strings.Contains(args, "sa_family"):
			d.reached = append(d.reached, strings.TrimSpace(args))
		case name == "bind" || name == "listen" || strings.HasPrefix(name, "accept"):
			d.listened = true
		case strings.HasPrefix(name, "open") && !writes.MatchString(args):
			d.read = append(d.read, file)
		case (strings.HasPrefix(name, "open") || changes.MatchString(name)) && file != os.DevNull:
			d.written = append(d.written, file)
		}
	}
	require.NotEmpty(t, d.started, "strace saw nothing: %s", said)
	require.Equal(t, command[0], d.started[0])
	d.started = d.started[1:]
	return d
}

// system are the files that Go's runtime and the search for a server read on any machine.
var system = regexp.MustCompile(`^(/proc/(self|\d+)/|/proc/sys/|/sys/|/etc/(resolv\.conf|nsswitch\.conf|hosts|services|protocols|host\.conf|gai\.conf|mdns\.allow|localtime|mime\.types|apache2?/mime\.types|apache/mime\.types|httpd/conf/mime\.types|ssl/|pki/|ca-certificates)|/usr/(local/)?share/|/system/etc/|/usr/lib/|/dev/null$)`)

// own leaves the files that the system's are not, without the folder that they are in.
func own(files []string, folder string) (all []string) {
	seen := map[string]bool{}
	for _, file := range files {
		if name, inside := strings.CutPrefix(file, folder+"/"); inside {
			file = name
		} else if file == folder {
			file = "."
		} else if system.MatchString(file) {
			continue
		}
		if !seen[file] {
			seen[file] = true
			all = append(all, file)
		}
	}
	return all
}
