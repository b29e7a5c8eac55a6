//go:build linux

package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"tordetect/tests/splunkd"
)

// rows name files, hosts and servers wherever a row can.
const rows = `_time,src_ip,dest_ip,dest,dest_port,transport,url,query,sni,user,_raw
1795180000,10.0.0.1,198.51.100.1,relay.example,9001,tcp,http://203.0.113.7/x,www.example,www.example,../../etc/passwd,
1795180000,host.example,file:///etc/passwd,/etc/passwd,443,tcp,https://198.51.100.1:9001/,x.onion,@/etc/passwd,"$(touch /tmp/x)","{""src_ip"":""10.0.0.2"",""dest_ip"":""evil.example"",""dest_port"":9001}"
1700000000,10.0.0.3,198.51.100.1,,9001,tcp,,,,,
`

// The search commands do what the page says that they do, and nothing else.
func TestSearchCommands(t *testing.T) {
	s := newSite(t)
	s.put(t, "lookups/other.csv", table)
	s.put(t, "lookups/documents.csv", string(s.certificates)+string(s.consensus))
	lists := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(lists, "documents"), append(slices.Clone(s.certificates), s.consensus...), 0o600))
	for _, c := range []struct {
		command, arguments string
		read               []string
	}{
		{"tordetect", "info=true", []string{"lookups/tor_relays.csv", "lookups/tor_relays_history.csv"}},
		{"tordetect", "relays=other.csv", []string{"lookups/other.csv"}},
		{"tordetect", "relays=none.csv require_list=true", []string{}},
		{"torrelays", "", []string{"lookups/tor_relays.csv"}},
		{"torrelays", `seen "198.51.100.1" at="2020-01-01T00:00:00Z"`, []string{"lookups/tor_relays.csv", "lookups/tor_relays_history.csv"}},
		{"torupdate", "authorities=authorities.csv import=documents.csv", []string{"lookups/tor_relays.csv", "lookups/authorities.csv", "lookups/documents.csv"}},
		{"torupdate", "history=true authorities=authorities.csv import=documents.csv", []string{"lookups/tor_relays.csv", "lookups/tor_relays_history.csv", "lookups/authorities.csv", "lookups/documents.csv"}},
		{"torupdate", "authorities=authorities.csv source=" + lists, []string{"lookups/tor_relays.csv", "lookups/authorities.csv", lists, lists + "/documents"}},
	} {
		t.Run(c.command, func(t *testing.T) {
			d := trace(t, s.App.Dir, nil, s.talk(c.command, c.arguments, map[bool]string{true: rows}[c.command == "tordetect"]), s.program(c.command)...)
			about := c.command + " " + c.arguments + ": " + d.out
			require.ElementsMatch(t, c.read, own(d.read, s.App.Dir), about)
			require.Empty(t, d.written, about)
			require.Empty(t, d.started, about)
			require.False(t, d.sockets, about)
			require.Equal(t, strings.Contains(c.arguments, "none.csv"), strings.Contains(d.out, `"error"`), about)
			if c.command == "tordetect" && !strings.Contains(c.arguments, "none.csv") {
				require.Contains(t, d.out, ",tor,97,", "whoever wrote the table is believed")
			}
		})
	}
}

// An update asks its source, or its proxy, for public documents, and nobody else.
func TestUpdate(t *testing.T) {
	s := newSite(t)
	var through []string
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		through = append(through, r.URL.Host)
		http.Error(w, "no", http.StatusForbidden)
	}))
	defer proxy.Close()
	port := func(url string) string {
		return "sin_port=htons(" + url[strings.LastIndex(url, ":")+1:] + `), sin_addr=inet_addr("127.0.0.1")`
	}
	arguments := "authorities=authorities.csv source=dir+" + s.server.URL
	d := trace(t, s.App.Dir, nil, s.talk("torupdate", arguments, ""), s.program("torupdate")...)
	require.Contains(t, d.out, ",or,")
	require.ElementsMatch(t, []string{"lookups/tor_relays.csv", "lookups/authorities.csv"}, own(d.read, s.App.Dir))
	require.Empty(t, d.written)
	require.Empty(t, d.started)
	require.False(t, d.listened)
	require.NotEmpty(t, d.reached)
	for _, reached := range d.reached {
		require.Contains(t, reached, port(s.server.URL))
	}
	for _, asked := range s.asked {
		require.Regexp(t, `^GET /tor/(status-vote/current/consensus-microdesc|keys/[a-zA-Z0-9/+-]*)(\.z)?$`, asked.Get("Asked"))
		for name := range asked {
			require.Contains(t, []string{"Asked", "Accept-Encoding", "If-Modified-Since"}, name)
		}
	}
	require.NotEmpty(t, s.asked)

	s.asked = nil
	s.put(t, "local/torupdate_proxy.txt", strings.Replace(proxy.URL, "//", "//ann:tr0ub4dor@", 1)+"\n")
	d = trace(t, s.App.Dir, nil, s.talk("torupdate", arguments+" proxy=file", ""), s.program("torupdate")...)
	require.ElementsMatch(t, []string{"lookups/tor_relays.csv", "lookups/authorities.csv", "local/torupdate_proxy.txt"}, own(d.read, s.App.Dir))
	require.NotContains(t, d.out, "tr0ub4dor")
	require.Empty(t, s.asked)
	require.NotEmpty(t, through)
	for _, reached := range d.reached {
		require.Contains(t, reached, port(proxy.URL))
	}
}

// A launcher asks uname and becomes the program.
func TestLaunchers(t *testing.T) {
	s := newSite(t)
	for _, command := range []string{"tordetect", "torrelays", "torupdate"} {
		d := trace(t, s.App.Dir, nil, s.GetinfoFrame(command, ""), s.path("bin/"+command+".sh"))
		require.Len(t, d.started, 2)
		require.Equal(t, "uname", filepath.Base(d.started[0]))
		require.Equal(t, s.program(command)[0], d.started[1])
		require.Empty(t, d.written)
		require.False(t, d.sockets)
	}
}

// The key stands in nothing that a program says, whatever it is asked, and no program
// has a use for it.
func TestSessionKey(t *testing.T) {
	s := newSite(t)
	var info struct{ Searchinfo struct{ Session_key string } }
	frame := s.GetinfoFrame("tordetect", "")
	require.NoError(t, json.Unmarshal(frame[strings.Index(string(frame), "\n")+1:], &info))
	key := info.Searchinfo.Session_key
	require.Greater(t, len(key), 20)
	for _, command := range []string{"tordetect", "torrelays", "torupdate"} {
		arguments := map[string]string{"torupdate": "authorities=authorities.csv source=dir+" + s.server.URL}[command]
		for name, input := range map[string][]byte{
			"as it should be":      s.talk(command, arguments, rows),
			"an option's value":    s.talk(command, "source="+key+" relays="+key+" "+key, rows),
			"a cut request":        frame[:len(frame)-20],
			"a length that lies":   append([]byte("chunked 1.0,10,10\n"), frame[20:]...),
			"no header":            frame[20:],
			"no JSON":              []byte(strings.Replace(string(frame), "{", "[", 1)),
			"an action of no kind": []byte(strings.Replace(string(frame), `"getinfo"`, `"gotinfo"`, 1)),
			"rows that are broken": append(s.GetinfoFrame(command, arguments), splunkd.ExecuteFrame([]byte("a,b\n\""+"x"), true)...),
			"no rows":              s.GetinfoFrame(command, arguments),
		} {
			d := trace(t, s.App.Dir, nil, input, s.program(command)...)
			require.NotContains(t, d.out, key, "%s: %s", command, name)
			require.Empty(t, d.written)
		}
	}
	eachSource(t, func(file, text string) {
		if !strings.HasPrefix(file, "src/chunked/") {
			require.NotContains(t, text, ".Reveal()", "%s uses the session key", file)
		}
	})
}

// What is in other lookup files is shown to nobody. (torupdate tells an administrator
// which line of a document is bad.)
func TestOtherFiles(t *testing.T) {
	s := newSite(t)
	const secret = "hunter2hunter2"
	for name, text := range map[string]string{
		"a lookup":         "user,password\nann," + secret + "\n",
		"a line":           secret,
		"nearly documents": "network-status-version 3 " + secret + "\nvote-status consensus " + secret + "\n" + secret,
		"nearly keys":      "dir-key-certificate-version 3\nfingerprint " + secret + "\n",
		"nearly PEM":       "-----BEGIN CERTIFICATE-----\n" + secret + "\n-----END CERTIFICATE-----\n",
		"nearly trust":     secret + ",a,b,c,d,e,f\n",
		"nearly a table":   strings.Replace(table, "198.51.100.1,", secret+",", 1) + secret + "\n",
	} {
		s.put(t, "lookups/other.csv", text)
		for _, arguments := range []string{"relays=other.csv", "relays=other.csv require_list=true"} {
			spoken, err := s.Talk("tordetect", s.talk("tordetect", arguments, rows))
			require.NoError(t, err)
			require.NotContains(t, string(spoken.Stdout)+string(spoken.Stderr), secret, "%s of %s", arguments, name)
		}
	}
}

// A source that sends without end, or a little that unpacks to much, is left at the
// limits, and costs no more memory than they say.
func TestHostileSource(t *testing.T) {
	s := newSite(t)
	bomb := bombOf(t, 64<<20)
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		want   string
	}{
		"endless": {func(w http.ResponseWriter, r *http.Request) {
			for piece := []byte(strings.Repeat("r relay\n", 8000)); r.Context().Err() == nil; {
				if _, err := w.Write(piece); err != nil {
					return
				}
			}
		}, "over 16777216 bytes"},
		"a bomb": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = w.Write(bomb)
		}, "over 33554432 bytes when unpacked"},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(c.answer)
			defer server.Close()
			spoken, megabytes := measured(t, s, s.talk("torupdate", "source=dir+"+server.URL, ""))
			require.Contains(t, spoken, c.want)
			require.Less(t, megabytes, 200)
		})
	}
	require.Equal(t, runtime.GOOS, "linux") // whose unit of memory this is
}

// eachSource visits the Go files of the programs, tests apart.
func eachSource(t *testing.T, visit func(file, text string)) {
	t.Helper()
	n := 0
	require.NoError(t, filepath.WalkDir(filepath.Join(root, "src"), func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		file, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		text, err := os.ReadFile(path)
		visit(filepath.ToSlash(file), string(text))
		n++
		return err
	}))
	require.Greater(t, n, 100)
}

// No package but doctor starts a program, and none waits for connections.
func TestNobodyStartsOrListens(t *testing.T) {
	listen := regexp.MustCompile(`\b(net|tls)\.Listen|ListenAndServe|ListenPacket|\bhttp\.Serve\(`)
	eachSource(t, func(file, text string) {
		require.NotRegexp(t, listen, text, file)
		if !strings.HasPrefix(file, "src/doctor/") {
			require.NotRegexp(t, `"os/exec"|syscall\.(Exec|ForkExec|StartProcess)|os\.StartProcess|"plugin"`, text, file)
		}
	})
}
