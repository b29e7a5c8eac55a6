//go:build linux

package main

import (
	"encoding/base64"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gopacket/gopacket/layers"
	"github.com/stretchr/testify/require"

	"tordetect/tests/hellos"
	"tordetect/tests/packaged"
)

// Each command of torctl reads, writes, starts and reaches what the page says, and
// nothing else.
func TestTorctl(t *testing.T) {
	s := newSite(t)
	program, err := packaged.Torctl()
	require.NoError(t, err)
	pkg, err := packaged.File()
	require.NoError(t, err)
	dir, scratch := t.TempDir(), t.TempDir()
	for _, open := range []string{scratch, filepath.Dir(scratch)} { // as root it starts a package's programs as nobody
		require.NoError(t, os.Chmod(open, 0o755))
	}
	put := func(name, text string) {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	const key = "11111111-2222-3333-4444-555555555555"
	var sent []string
	collector := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sent = append(sent, r.URL.Path)
		if len(sent) > 1 {
			w.Header().Set("Location", s.server.URL)
			w.WriteHeader(http.StatusTemporaryRedirect)
			return
		}
		_, _ = w.Write([]byte(`{"text":"Success","code":0}`))
	}))
	defer collector.Close()
	put("log.json", `{"_time":1795180000,"src_ip":"10.0.0.1","dest_ip":"198.51.100.1","dest_port":9001,"host":"relay.example","url":"http://203.0.113.7/"}`+"\n")
	put("tor.pcap", string(hellos.Pcap(layers.LinkTypeRaw, hellos.Whole, hellos.Packets(hellos.Segment{Seq: 1, Payload: hellos.TorBrowser.Records(1 << 14)})...)))
	put("tor_relays.csv", table)
	put("documents", string(s.certificates)+string(s.consensus))
	put("authorities", string(s.authorities))
	put("token", key+"\n")
	put("two.log", "one\ntwo\n")
	for _, c := range []struct {
		arguments string
		read      []string
		written   []string // expressions
		starts    bool
		reaches   string
		code      int
	}{
		{"scan log.json", []string{"log.json", "tor_relays.csv"}, nil, false, "", 0},
		{"scan log.json -o html", []string{"log.json", "tor_relays.csv"}, nil, false, "", 0},
		{"fingerprint tor.pcap", []string{"tor.pcap"}, nil, false, "", 0},
		{"relays status", []string{"tor_relays.csv"}, nil, false, "", 0},
		{"relays seen 198.51.100.1 --at 2026-11-20T12:00:00Z", []string{"tor_relays.csv"}, nil, false, "", 0},
		{"relays verify documents --authorities authorities", []string{"documents", "authorities"}, nil, false, "", 0},
		{"relays import documents --authorities authorities", []string{"documents", "authorities", "tor_relays.csv", "."}, []string{`tor_relays\.csv`, `\.tor_relays\.csv\d+`}, false, "", 0},
		{"relays update --authorities authorities --source dir+" + s.server.URL, []string{"authorities", "tor_relays.csv"}, nil, false, s.server.URL, 0},
		{"relays update --authorities authorities --relays new.csv --source dir+" + s.server.URL, []string{"authorities", "."}, []string{`new\.csv`, `\.new\.csv\d+`}, false, s.server.URL, 0},
		{"replay two.log --token-file token --tries 1 --batch 1 --url " + collector.URL, []string{"two.log", "token", "."}, []string{`two\.log\.replay`, `\.two\.log\.replay\d+`}, false, collector.URL, 1},
		{"doctor --no-run --app " + s.App.Dir, nil, nil, false, "", 1},
		{"doctor --app " + s.App.Dir, nil, nil, true, "", 1},
		{"doctor --package " + pkg, nil, []string{scratch + `/torctl-doctor-.*`}, true, "", 0},
		{"man pages", nil, []string{`pages(/torctl.*\.1)?`}, false, "", 0},
	} {
		words := strings.Fields(c.arguments)
		if words[0] == "relays" {
			words[0] += " " + words[1]
		}
		t.Run(words[0], func(t *testing.T) {
			d := trace(t, dir, []string{"TMPDIR=" + scratch}, nil, append([]string{program}, strings.Fields(c.arguments)...)...)
			about := c.arguments + ": " + d.out
			require.Equal(t, c.code, d.code, about)
			if !strings.HasPrefix(c.arguments, "doctor") {
				// A library of Splunk asks for the user's name when the program starts.
				require.ElementsMatch(t, append(c.read, "/etc/passwd"), own(d.read, dir), about)
			}
			if strings.Contains(c.arguments, "--no-run") {
				for _, read := range own(d.read, s.App.Home) {
					require.True(t, !filepath.IsAbs(read) || read == "/etc/passwd", "%s: %s", read, about)
				}
			}
			for _, written := range own(d.written, dir) {
				require.Regexp(t, "^("+strings.Join(append(c.written, "none"), "|")+")$", written, about)
			}
			require.Equal(t, c.written != nil, len(d.written) > 0, about)
			require.Equal(t, c.starts, len(d.started) > 0, about)
			for _, started := range d.started {
				require.Regexp(t, `/tordetect/bin/|/uname$`, started)
			}
			require.Equal(t, c.reaches != "", d.sockets, about)
			for _, reached := range d.reached {
				require.Contains(t, reached, "htons("+c.reaches[strings.LastIndex(c.reaches, ":")+1:]+")", about)
			}
			require.False(t, d.listened, about)
			require.NotContains(t, d.out, key)
		})
	}
	require.Len(t, sent, 2, "the redirect was not followed")
	left, err := os.ReadDir(scratch)
	require.NoError(t, err)
	require.Empty(t, left, "the unpacked package")

	// The state of the replay is left, as it did not end: it is for its user alone, and the
	// token is in no file but its own.
	info, err := os.Stat(filepath.Join(dir, "two.log.replay"))
	require.NoError(t, err)
	require.Equal(t, fs.FileMode(0o600), info.Mode().Perm())
	require.NoError(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || d.Name() == "token" {
			return err
		}
		text, err := os.ReadFile(path)
		require.NotContains(t, string(text), key, path)
		require.NotContains(t, string(text), base64.StdEncoding.EncodeToString([]byte(key)), path)
		return err
	}))
}
