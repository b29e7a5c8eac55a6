// Package arm64 runs the packaged arm64 programs on this x86_64 machine, under
// qemu's user mode, and holds each reply against that of the amd64 programs:
//
//	in:   what splunkd sends: recorded, whole, broken off, wrong
//	out:  the same bytes, the same exit code, nothing on stderr but what the other says
//
// The launcher chooses the program: it asks uname, and here uname says aarch64.
// It proves nothing of the speed, nor of a kernel of that machine. Without qemu
// (Debian: qemu-user-static) the tests are skipped and say so; ./build.sh arm64 runs
// them alone.
package arm64

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tordetect/tests/packaged"
	"tordetect/tests/sample"
	"tordetect/tests/shared"
	"tordetect/tests/splunkd"
	"tordetect/tests/tornet"
)

// qemu finds the program, under the names that it has where it is static and where not.
func qemu(t *testing.T) string {
	t.Helper()
	if runtime.GOOS != "linux" || runtime.GOARCH != "amd64" {
		t.Skip("skipped: the other programs are those for amd64, and this machine is none")
	}
	for _, name := range []string{"qemu-aarch64-static", "qemu-aarch64"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Skip("skipped: no qemu-aarch64 (Debian: qemu-user-static)")
	return ""
}

// heads are two search heads with the same package, log and table; on the second
// the launchers start the arm64 programs.
func heads(t *testing.T) [2]*splunkd.Head {
	t.Helper()
	emulator := qemu(t)
	file, err := packaged.File()
	require.NoError(t, err)
	var both [2]*splunkd.Head
	for i := range both {
		app, err := splunkd.Install(file, t.TempDir())
		require.NoError(t, err)
		h := &splunkd.Head{App: app}
		put(t, app.Lookup("tor_relays.csv"), sample.Table(), 0o644)
		_, err = h.AddLog(strings.NewReader(string(sample.Log())))
		require.NoError(t, err)
		first, last, _ := h.Span()
		h.Now = last.Add(time.Second)
		h.Earliest, h.Latest = first, h.Now
		both[i] = h
	}
	app := both[1].App
	put(t, filepath.Join(app.Home, "bin", "uname"), []byte("#!/bin/sh\necho aarch64\n"), 0o755)
	programs, err := filepath.Glob(filepath.Join(app.Dir, "bin", "*-linux-arm64"))
	require.NoError(t, err)
	require.Len(t, programs, 2)
	for _, program := range programs {
		require.NoError(t, os.Rename(program, program+".elf"))
		put(t, program, fmt.Appendf(nil, "#!/bin/sh\n: >>%[2]s.ran\nexec %[1]s %[2]s.elf \"$@\"\n", emulator, program), 0o755)
		t.Cleanup(func() { require.FileExists(t, program+".ran", "the launcher chose the arm64 program") })
	}
	for _, arch := range []string{"tordetect-linux-amd64", "torrelays-linux-amd64"} {
		require.NoError(t, os.Remove(filepath.Join(app.Dir, "bin", arch)), "it must not be the one that answers")
	}
	return both
}

func put(t *testing.T, path string, text []byte, mode os.FileMode) {
	t.Helper()
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
	require.NoError(t, os.WriteFile(path, text, mode))
}

// ages are those of lists in an answer of torrelays, behind the time of each: the one
// thing in a reply that hangs on the moment of asking.
var ages = regexp.MustCompile(`(Z"),\d+,`)

const aged = "$1,age,"

// same speaks to both programs and wants one answer.
func same(t *testing.T, both [2]*splunkd.Head, command string, input []byte) splunkd.Spoken {
	t.Helper()
	want, err := both[0].Talk(command, input)
	require.NoError(t, err)
	got, err := both[1].Talk(command, input)
	require.NoError(t, err)
	require.Equal(t, want.Code, got.Code, "exit code; stderr: %s", got.Stderr)
	require.Equal(t, string(want.Stderr), string(got.Stderr))
	require.Equal(t, ages.ReplaceAllString(string(want.Stdout), aged), ages.ReplaceAllString(string(got.Stdout), aged))
	return want
}

const body = "src_ip,dest_ip\n\"10.0.0.1\",\"192.0.2.1\"\n"

// A request, cut short, wrong, and whole.
func TestSameReplies(t *testing.T) {
	both := heads(t)
	var rows strings.Builder
	rows.WriteString("_time,src_ip,dest_ip,dest_port,app\n")
	for _, f := range sample.Flows() {
		fmt.Fprintf(&rows, "%d,%s,%s,%d,%s\n", f.End.Unix(), f.Src, f.Dest, f.DestPort, f.App)
	}
	for _, command := range []string{"tordetect", "torrelays"} {
		getinfo := string(both[0].GetinfoFrame(command, ""))
		spoken := same(t, both, command, []byte(getinfo+string(splunkd.ExecuteFrame([]byte(rows.String()), true))))
		require.Zero(t, spoken.Code)
		for _, input := range []string{
			"", getinfo, getinfo[:20],
			getinfo + string(splunkd.ExecuteFrame([]byte(body), false)) + string(splunkd.ExecuteFrame(nil, true)),
			getinfo + string(splunkd.ExecuteFrame([]byte("a,b\n1,2\n3\n"), true)),
			"GET / HTTP/1.0\r\n\r\n", "chunked 1.0,5,0\nhello", "chunked 1.0,20,99999999999\n",
		} {
			same(t, both, command, []byte(input))
		}
	}
	for _, relays := range sample.Relays()[:3] {
		arguments := fmt.Sprintf(`seen "%s" at="%s"`, relays.Addr, sample.ListEnd().Add(-time.Hour).Format(time.RFC3339))
		same(t, both, "torrelays", append(both[0].GetinfoFrame("torrelays", arguments), splunkd.ExecuteFrame(nil, true)...))
	}
}

// splunkd's own bytes of 2015.
func TestSameReplyToRecordedBytes(t *testing.T) {
	recorded := shared.Unpacked(t, "recordings/countmatches.input.gz")
	both := heads(t)
	same(t, both, "tordetect", recorded)
	execute := recorded[strings.LastIndex(string(recorded[:2000]), "chunked 1.0,36,"):]
	spoken := same(t, both, "tordetect", append(both[0].GetinfoFrame("tordetect", ""), execute...))
	replies, err := spoken.Frames()
	require.NoError(t, err)
	require.Len(t, replies, 2)
	same(t, both, "torrelays", recorded)
}

// The shipped searches, and an update that checks signatures, give the same rows.
func TestSameSearches(t *testing.T) {
	both := heads(t)
	for _, spl := range []string{
		"search sourcetype=pan:traffic | tordetect",
		"search sourcetype=pan:traffic | tordetect narrow=true min_score=20",
		"| torrelays | table file rows relays exits valid_until coverage complete version",
	} {
		want, err := both[0].Run(spl)
		require.NoError(t, err)
		got, err := both[1].Run(spl)
		require.NoError(t, err)
		require.NotEmpty(t, want.Rows)
		require.Equal(t, want.Rows, got.Rows, spl)
		require.Equal(t, want.Messages, got.Messages, spl)
	}

	hour := time.Now().UTC().Truncate(time.Hour)
	net := tornet.New(11, 5, tornet.Size(40))
	certificates, consensus := net.Certificates(), net.Consensus(tornet.Spec{ValidAfter: hour, Relays: net.Relays(hour)})
	cache := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/tor/status-vote/") {
			_, _ = w.Write(consensus)
			return
		}
		_, _ = w.Write(certificates)
	}))
	t.Cleanup(cache.Close)
	var tables [2]*splunkd.Result
	for i, h := range both {
		put(t, h.App.Lookup("authorities.csv"), net.AuthoritiesFile(), 0o644)
		result, err := h.Run("| torupdate source=dir+" + cache.URL + " authorities=authorities.csv")
		require.NoError(t, err)
		require.NotEmpty(t, result.Rows)
		tables[i] = result
	}
	require.Equal(t, tables[0].Rows, tables[1].Rows)
}
