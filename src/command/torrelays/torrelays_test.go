package torrelays

import (
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tordetect/src/chunked"
	"tordetect/src/chunked/chunkedtest"
	"tordetect/src/flow"
	"tordetect/src/relay"
	"tordetect/src/splunkhome"
	"tordetect/tests/tornet"
)

var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

func clockAt(h float64) func() time.Time {
	return func() time.Time { return noon.Add(time.Duration(h * float64(time.Hour))) }
}

// result of one run of a command, as splunkd sees it.
type result struct {
	*chunkedtest.Result
	text     string // all rows, as one CSV
	messages []string
}

// speak runs a command: getinfo, and execute until it says that it is done.
func speak(t *testing.T, app App, command string, maxRows int, args ...string) result {
	t.Helper()
	out := result{Result: chunkedtest.Run(t, app.Command(command), chunkedtest.Search{Args: args, Info: map[string]any{"maxresultrows": maxRows}})}
	for _, m := range out.Messages {
		out.messages = append(out.messages, m.Text)
	}
	for _, reply := range out.Replies {
		header, rest, _ := strings.Cut(reply.Body, "\n")
		if out.text == "" && header != "" {
			out.text = header + "\n"
		}
		out.text += rest
	}
	return out
}

// site is an app's lookups folder with a directory cache to ask.
type site struct {
	t         *testing.T
	lookups   string
	source    string
	consensus []byte
	net       *tornet.Network
	asked     func() // called by the cache before it answers with a consensus
}

func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{t: t, lookups: t.TempDir(), net: tornet.New(5, 5, tornet.Size(20))}
	certificates := s.net.Certificates()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case !strings.HasPrefix(r.URL.Path, "/tor/status-vote/"):
			_, _ = w.Write(certificates)
		case s.consensus == nil:
			http.NotFound(w, r)
		default:
			if s.asked != nil {
				s.asked()
			}
			_, _ = w.Write(s.consensus)
		}
	}))
	t.Cleanup(server.Close)
	s.source = "source=dir+" + server.URL
	s.put("authorities.txt", s.net.AuthoritiesFile())
	return s
}

func (s *site) put(name string, text []byte) {
	require.NoError(s.t, os.WriteFile(filepath.Join(s.lookups, name), text, 0o600))
}

func (s *site) hour(h int) []byte {
	at := noon.Add(time.Duration(h) * time.Hour)
	return s.net.Consensus(tornet.Spec{ValidAfter: at, Relays: s.net.Relays(at)})
}

func (s *site) update(h float64, maxRows int, args ...string) result {
	return speak(s.t, App{Lookups: s.lookups, Now: clockAt(h)}, "torupdate", maxRows, append([]string{"authorities=authorities.txt"}, args...)...)
}

// The update's rows are the table: put in its place they are read back, extended
// an hour later, and stay when an update fails.
func TestUpdate(t *testing.T) {
	s := newSite(t)
	s.consensus = s.hour(0)
	r := s.update(0.2, 7, s.source)
	require.Empty(t, r.Failure)
	require.Equal(t, `{"type":"stateful","generating":true}`, r.Declared)
	require.Greater(t, len(r.Replies), 3, "no more rows a reply than splunkd takes")
	table, err := relay.Parse(r.text)
	require.NoError(t, err)
	require.True(t, table.Complete)
	require.Equal(t, len(s.net.Relays(noon)), table.Fingerprints(flow.ORPort))
	s.put(splunkhome.Table, []byte(r.text))

	again := s.update(0.3, 50000, s.source)
	require.Equal(t, r.text, again.text, "nothing newer: the table as it is")

	s.consensus = s.hour(1)
	longer := s.update(1.2, 50000, s.source)
	table, err = relay.Parse(longer.text)
	require.NoError(t, err)
	newest, _ := table.Newest()
	require.Equal(t, noon.Add(4*time.Hour).Unix(), newest)

	s.consensus = nil
	failed := s.update(1.2, 50000, s.source)
	require.NotEmpty(t, failed.Failure)
	require.Empty(t, failed.text)
	s.consensus = s.hour(0)
	s.put(splunkhome.Table, []byte(longer.text))
	require.Equal(t, longer.text, s.update(1.2, 50000, s.source).text, "an hour behind, and it holds: the table as it is")
	require.Contains(t, s.update(3.1, 50000, s.source).Failure, "only lists that are older than the table's")

	history := s.update(1.2, 50000, "history=true", "import=consensus.txt")
	require.Contains(t, history.Failure, "import consensus.txt: there is no such file")
	s.put("consensus.txt", append(s.hour(-24), s.net.Certificates()...))
	history = s.update(1.2, 50000, "history=true", "import=consensus.txt")
	table, err = relay.Parse(history.text)
	require.NoError(t, err)
	require.Len(t, table.Lists(), 2)
	require.Empty(t, history.messages)
	require.Contains(t, s.update(30, 50000, "history=true", "import=consensus.txt").messages[0], "ended at 2026-11-20T16:00:00Z")
	s.put("exits.txt", slices.Concat(s.hour(-24), s.net.Certificates(), s.net.ExitList(noon.Add(-50*time.Hour), s.net.ExitNodes(noon.Add(-50*time.Hour)))))
	require.Contains(t, strings.Join(s.update(1.2, 50000, "history=true", "import=exits.txt").messages, " "), "no consensus was read count for nothing: 1")
}

// Two updates at once: one that began earlier and ends later has what the other
// one wrote meanwhile, whichever way round their lists are.
func TestTwoUpdatesAtOnce(t *testing.T) {
	for _, hours := range [][2]int{{10, 5}, {5, 10}} {
		late, quick := hours[0], hours[1]
		s := newSite(t)
		s.consensus = s.hour(0)
		s.put(splunkhome.Table, []byte(s.update(0.2, 50000, s.source).text))

		s.consensus = s.hour(late)
		s.asked = func() {
			s.asked = nil // the other one is not disturbed
			own := s.consensus
			s.consensus = s.hour(quick)
			other := s.update(10.2, 50000, s.source)
			require.Empty(t, other.Failure)
			s.put(splunkhome.Table, []byte(other.text))
			s.consensus = own
		}
		r := s.update(10.2, 50000, s.source)
		require.Empty(t, r.Failure)
		require.Nil(t, s.asked, "the other one ran")
		table := parsed(t, r.text)
		require.True(t, table.Complete)
		var lists []flow.Interval // each holds for three hours
		for _, h := range []int{0, 5, 10} {
			lists = append(lists, flow.Interval{From: noon.Add(time.Duration(h) * time.Hour).Unix(), To: noon.Add(time.Duration(h+3) * time.Hour).Unix()})
		}
		require.Equal(t, lists, table.Lists())
	}
}

func parsed(t *testing.T, text string) *relay.Table {
	t.Helper()
	table, err := relay.Parse(text)
	require.NoError(t, err)
	return table
}

func TestUpdateOptions(t *testing.T) {
	s := newSite(t)
	for _, c := range []struct{ args, want string }{
		{"foo=1", `unknown option "foo": want one of source`},
		{"now", `unknown argument "now"`},
		{"source=ftp://x", "option source"},
		{"retention=7", `option retention has the bad value "7": want days such as 7d`},
		{"backfill=100h", `option backfill has the bad value`},
		{"import=../x", `option import has the bad value`},
		{"proxy=nowhere", "or none"},
		{"ca=/etc/ca.pem", "option ca has the bad value"},
		{"history=maybe", `option history has the bad value`},
		{"proxy=nonsense", "option proxy"},
		{"import=a.txt source=collector", "do not go together"},
	} {
		r := s.update(0, 50000, strings.Fields(c.args)...)
		require.Contains(t, r.Failure, c.want)
		require.Empty(t, r.Replies)
	}
	require.Contains(t, speak(t, App{Lookups: s.lookups, Now: clockAt(0)}, "torupdate", 10, "authorities=none.txt", s.source).Failure, "there is no file none.txt")
}

func TestAsk(t *testing.T) {
	s := newSite(t)
	ask := func(args ...string) result {
		return speak(t, App{Lookups: s.lookups, Now: clockAt(1)}, "torrelays", 50000, args...)
	}
	r := ask()
	require.Equal(t, `{"type":"reporting","generating":true}`, r.Declared)
	require.Contains(t, r.messages[0], "There is no relay list yet")
	require.Equal(t, "0", r.Rows()[0]["rows"])

	s.consensus = s.hour(0)
	s.put(splunkhome.Table, []byte(s.update(0.2, 50000, s.source).text))
	status := ask().Rows()[0]
	require.Equal(t, "true", status["complete"])
	require.Equal(t, "2026-11-20T15:00:00Z", status["valid_until"])
	require.Equal(t, "-7200", status["age"])
	// Over a window that is past it is as old as it was then; over one that is not, as it is now.
	for hours, want := range map[float64]string{0.5: "-9000", 1: "-7200", 30: "-7200"} {
		r := chunkedtest.Run(t, App{Lookups: s.lookups, Now: clockAt(1)}.Command("torrelays"), chunkedtest.Search{Info: map[string]any{"latest_time": fmt.Sprint(clockAt(hours)().Unix())}})
		require.Equal(t, want, r.Rows()[0]["age"], "%v", hours)
	}

	addr := s.net.Relays(noon)[0].Addr.String()
	for _, args := range [][]string{{"seen", addr}, {"seen", addr + "/32", "at=2026-11-20T12:30:00Z"}, {"seen", "ip", "=", addr, "at=", "2026-11-20T12:30"}} {
		rows := ask(args...).Rows()
		require.Equal(t, "listed", rows[0]["answer"], "%v", args)
		require.Equal(t, addr, rows[0]["ip"])
	}
	require.Equal(t, "no list", ask("seen", addr, "at=2026-11-20T20:00:00Z").Rows()[0]["answer"])
	require.Contains(t, ask("seen").Failure, "seen needs an address")
	require.Contains(t, ask("seen", "x").Failure, `bad address "x"`)
	require.Contains(t, ask("seen", addr, "at=soon").Failure, `bad time "soon"`)
	require.Contains(t, ask("show").Failure, `unknown argument "show"`)
	require.Equal(t, "no list", ask("seen", addr, "at=0").Rows()[0]["answer"])
	require.Equal(t, "1970-01-01T00:00:00Z", ask("seen", addr, "at=0").Rows()[0]["at"])

	table, err := os.ReadFile(filepath.Join(s.lookups, splunkhome.Table))
	require.NoError(t, err)
	for _, text := range []string{"", "junk", "a,b\n1,2\n"} {
		s.put(splunkhome.Table, []byte(text))
		r = ask()
		require.Contains(t, r.messages[0], "cannot be read")
		require.Contains(t, r.Rows()[0]["unreadable"], "not a relay table")
		require.Equal(t, "0", r.Rows()[0]["rows"])

		again := s.update(0.2, 50000, s.source)
		require.Contains(t, again.messages[0], "was no relay list")
		require.True(t, parsed(t, again.text).Complete, "and it is made anew")
	}
	require.NoError(t, os.Remove(filepath.Join(s.lookups, splunkhome.Table)))
	s.put(splunkhome.History, table)
	require.Equal(t, "listed", ask("seen", addr).Rows()[0]["answer"], "the history alone")

	require.NoError(t, os.Mkdir(filepath.Join(s.lookups, splunkhome.Table), 0o700))
	require.Contains(t, ask().Rows()[0]["unreadable"], "not a file")
	require.Contains(t, s.update(0.2, 50000, s.source).Failure, "it is not a file", "what cannot be read may be ours")
}

// The macro of the searches may name a retention; the history search names its own
// behind it.
func TestLastOptionCounts(t *testing.T) {
	s := newSite(t)
	s.consensus = s.hour(0)
	s.put("old.txt", append(s.hour(-24*100), s.net.Certificates()...))
	history := s.update(0.2, 50000, "history=true", "import=old.txt")
	s.put(splunkhome.History, []byte(history.text))
	r := s.update(0.2, 50000, s.source, "retention=14d", "history=false", "history=true", "retention=400d")
	require.Len(t, parsed(t, r.text).Lists(), 2)
	r = s.update(0.2, 50000, s.source, "retention=400d", "history=true", "retention=14d")
	require.Len(t, parsed(t, r.text).Lists(), 1)
}

// Getinfo may be asked again, with the same arguments or others: nothing stays of
// what was asked before.
func TestGetinfoAgain(t *testing.T) {
	first := &chunked.Info{Args: []string{"source=collector", "history=true", "retention=9d"}, MaxResultRows: 5}
	second := &chunked.Info{Args: []string{"source=collector"}, MaxResultRows: 7}
	u, fresh := &update{}, &update{}
	for _, info := range []*chunked.Info{first, first, second} {
		_, err := u.Getinfo(info)
		require.NoError(t, err)
	}
	_, err := fresh.Getinfo(second)
	require.NoError(t, err)
	require.Equal(t, fresh.orders, u.orders)
	require.Len(t, u.sources, 1)

	a := &ask{}
	for _, words := range [][]string{{"seen", "192.0.2.1", "at=0"}, {"seen", "192.0.2.1"}, {"seen", "192.0.2.2"}, {}} {
		_, err := a.Getinfo(&chunked.Info{Args: words})
		require.NoError(t, err)
	}
	require.Equal(t, question{}, a.question)
}

// A proxy's password has a place that is not for everybody to read; in the search
// it is used and warned of.
func TestProxyPassword(t *testing.T) {
	s := newSite(t)
	s.consensus = s.hour(0)
	var asked []string
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.Header.Get("Proxy-Authorization"))
		http.Error(w, "not today", http.StatusForbidden)
	}))
	defer proxy.Close()
	address := strings.Replace(proxy.URL, "http://", "http://ann:tr0ub4dor@", 1)
	const sent = "Basic YW5uOnRyMHViNGRvcg=="
	told := func(r result) string {
		text := r.Failure + strings.Join(r.messages, " ")
		require.NotContains(t, text, "tr0ub4dor")
		return text
	}
	require.Contains(t, told(s.update(0.2, 50000, s.source, "proxy="+address)), "The password of the proxy stands in the search, for everybody to read")
	require.Equal(t, sent, asked[0])

	file := filepath.Join(filepath.Dir(s.lookups), "local", "torupdate_proxy.txt")
	require.Contains(t, told(s.update(0.2, 50000, s.source, "proxy=file")), "option proxy: there is no file local/torupdate_proxy.txt in the app's folder")
	require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o700))
	require.NoError(t, os.WriteFile(file, []byte(address+"\n"), 0o640))
	require.Contains(t, told(s.update(0.2, 50000, s.source, "proxy=file")), "others than Splunk can read the file local/torupdate_proxy.txt: chmod 600")
	require.Len(t, asked, 1)
	require.NoError(t, os.Chmod(file, 0o600))
	require.NotContains(t, told(s.update(0.2, 50000, s.source, "proxy=file")), "stands in the search")
	require.Len(t, asked, 2)
	require.Equal(t, sent, asked[1])
}

// The proxy of splunkd's environment is asked where the search names none, and it is
// said. In another process, as net/http reads the environment once.
func TestProxyOfEnvironment(t *testing.T) {
	const variable = "TORUPDATE_TEST_SOURCE"
	s := newSite(t)
	if source := os.Getenv(variable); source != "" {
		r := s.update(0.2, 50000, "source=dir+http://192.0.2.9:9030")
		require.Empty(t, r.Failure)
		require.True(t, parsed(t, r.text).Complete)
		proxy := strings.TrimPrefix(source, "source=dir+http://")
		require.Contains(t, r.messages, "The proxy "+proxy+" of Splunk's environment (HTTPS_PROXY, HTTP_PROXY) was asked. If it should not be, write proxy=none.")
		r = s.update(0.2, 50000, source)
		require.NotContains(t, strings.Join(r.messages, " "), "environment", "this machine is asked directly")
		return
	}
	consensus, certificates := s.hour(0), s.net.Certificates()
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/tor/status-vote/") {
			_, _ = w.Write(consensus)
			return
		}
		_, _ = w.Write(certificates)
	}))
	defer proxy.Close()
	address := strings.Replace(proxy.URL, "http://", "http://ann:tr0ub4dor@", 1)
	again := exec.Command(os.Args[0], "-test.run=^TestProxyOfEnvironment$", "-test.v")
	again.Env = append(os.Environ(), variable+"=source=dir+"+proxy.URL, "HTTP_PROXY="+address, "http_proxy="+address, "NO_PROXY=", "no_proxy=")
	out, err := again.CombinedOutput()
	require.NoError(t, err, "%s", out)
	require.NotContains(t, string(out), "tr0ub4dor")
}

// Behind a proxy that inspects TLS its authority can be given, and the message says
// how.
func TestOwnAuthority(t *testing.T) {
	s := newSite(t)
	mirror := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.Contains(r.URL.Path, "/2026-11-20-12-00-00-consensus"):
			_, _ = w.Write(s.hour(0))
		case strings.HasSuffix(r.URL.Path, "certs.tar.xz"):
			_, _ = w.Write(s.net.Certificates())
		default:
			http.NotFound(w, r)
		}
	}))
	defer mirror.Close()
	source := "source=" + mirror.URL + "/"
	require.Contains(t, s.update(0.2, 50000, source).Failure, "give the authority that it signs with by ca=<file in the app's lookups folder>")
	require.Contains(t, s.update(0.2, 50000, source, "ca=none.csv").Failure, "option ca: there is no file none.csv in the app's lookups folder")
	s.put("junk.csv", []byte("junk"))
	require.Contains(t, s.update(0.2, 50000, source, "ca=junk.csv").Failure, "option ca: junk.csv holds no certificate: want PEM")
	s.put("proxy_ca.csv", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: mirror.Certificate().Raw}))
	r := s.update(0.2, 50000, source, "ca=proxy_ca.csv")
	require.Empty(t, r.Failure)
	require.True(t, parsed(t, r.text).Complete)
}
