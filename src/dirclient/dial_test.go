package dirclient

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestTLS(t *testing.T) {
	source, pool := serveTLS(t, write(200, document))
	certificates := func(c *Client, source Source) error {
		_, errs := all(c.Certificates(context.Background(), source, nil))
		return errors.Join(errs...)
	}
	require.NoError(t, certificates(newClient(t, func(config *Config) { config.RootCAs = pool }), source))

	err := certificates(newClient(t, func(config *Config) { config.RootCAs = x509.NewCertPool() }), source)
	require.ErrorIs(t, err, errTLS)
	require.ErrorContains(t, err, "unknown authority; if a proxy inspects TLS here")

	// The test server's certificate is for 127.0.0.1, ::1 and example.com.
	other := serveTLSOn(t, "127.0.0.2:0")
	err = certificates(newClient(t, func(config *Config) { config.RootCAs = pool }), other)
	require.ErrorIs(t, err, errTLS)
	require.ErrorContains(t, err, "not 127.0.0.2")

	plain := serve(t, write(200, document))
	mirror, err := ParseSource("https://" + plain.base.Host)
	require.NoError(t, err)
	require.ErrorIs(t, certificates(newClient(t, nil), mirror), errNoTLS)

	old := httptest.NewUnstartedServer(write(200, document))
	old.TLS = &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}
	old.Config.ErrorLog = silent()
	old.StartTLS()
	defer old.Close()
	pool.AddCert(old.Certificate())
	source, err = ParseSource(old.URL)
	require.NoError(t, err)
	require.ErrorContains(t, certificates(newClient(t, func(config *Config) { config.RootCAs = pool }), source), "protocol version not supported")
}

func serveTLSOn(t testing.TB, addr string) Source {
	t.Helper()
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		t.Skipf("skipped: no second loopback address here: %v", err)
	}
	server := httptest.NewUnstartedServer(write(200, document))
	server.Listener.Close()
	server.Listener = listener
	server.Config.ErrorLog = silent()
	server.StartTLS()
	t.Cleanup(server.Close)
	source, err := ParseSource(server.URL)
	require.NoError(t, err)
	return source
}

func TestInsideAddr(t *testing.T) {
	for _, text := range []string{
		"127.0.0.1", "127.9.9.9", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.100.100.200",
		"0.0.0.0", "0.1.2.3", "224.0.0.1", "255.255.255.255",
		"::1", "::", "fe80::1", "fe80::1%eth0", "fd00::1", "fec0::1", "ff02::1",
		"::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::10.0.0.1",
	} {
		require.True(t, insideAddr(netip.MustParseAddr(text)), text)
	}
	for _, text := range []string{"192.0.2.1", "198.51.100.1", "203.0.113.1", "2001:db8::1", "::ffff:192.0.2.1", "64:ff9b::192.0.2.1", "172.32.0.1", "100.128.0.1", "11.0.0.1"} {
		require.False(t, insideAddr(netip.MustParseAddr(text)), text)
	}
	require.True(t, insideAddr(netip.Addr{}), "none known counts as inside")

	for host, want := range map[string]bool{
		"localhost": true, "LocalHost.": true, "a.localhost": true, "127.0.0.1": true, "::1": true,
		"mirror.example": false, "localhost.example": false, "192.0.2.1": false,
	} {
		require.Equal(t, want, insideName(host, insideAddr), host)
	}
}

// TestProxy: everything goes through the proxy, which may stand inside, to servers
// that only it can reach; and it may not be sent inside by them.
func TestProxy(t *testing.T) {
	var seen []string
	var auth string
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen = append(seen, r.Method+" "+r.URL.String())
		auth = r.Header.Get("Proxy-Authorization")
		switch {
		case r.Method == http.MethodConnect:
			w.WriteHeader(http.StatusProxyAuthRequired)
		case r.URL.Path == "/tor/keys/all":
			http.Redirect(w, r, "http://directory.example/moved", http.StatusFound)
		case strings.HasPrefix(r.URL.Path, "/tor/keys/fp-sk/"):
			http.Redirect(w, r, "http://10.1.2.3/moved", http.StatusFound)
		default:
			_, _ = w.Write(document)
		}
	}))
	defer proxy.Close()
	address, err := url.Parse(proxy.URL)
	require.NoError(t, err)
	address.User = url.UserPassword("user", "hunter2")
	target, err := ParseSource("dir+http://192.0.2.9:9030")
	require.NoError(t, err)
	c := newClient(t, func(config *Config) { config.Proxy = address })
	c.inside = insideAddr

	doc, err := newest(c, target)
	require.NoError(t, err)
	require.Equal(t, document, doc.Bytes)
	require.Equal(t, []string{"GET http://192.0.2.9:9030/tor/status-vote/current/consensus-microdesc"}, seen)
	require.Equal(t, "Basic dXNlcjpodW50ZXIy", auth)

	docs, errs := all(c.Certificates(context.Background(), target, nil))
	require.Empty(t, errs)
	require.Equal(t, "http://directory.example/moved", docs[0].URL)

	_, errs = all(c.Certificates(context.Background(), target, []Key{{}}))
	require.Len(t, errs, 1)
	require.ErrorIs(t, errs[0], errRedirect)
	require.ErrorContains(t, errs[0], "http://10.1.2.3/moved, an address inside our networks")

	_, errs = all(c.Certificates(context.Background(), Collector(), nil))
	require.Len(t, errs, 1)
	require.ErrorIs(t, errs[0], errProxy)
	require.ErrorContains(t, errs[0], "HTTP status 407")
	require.NotContains(t, errs[0].Error(), "hunter2")
	require.Equal(t, "CONNECT //collector.torproject.org:443", seen[len(seen)-1])

	_, err = New(Config{Proxy: &url.URL{Scheme: "ftp", Host: "192.0.2.1"}})
	require.ErrorContains(t, err, "proxy: want http://")
}

// TestProxyFromEnvironment: the environment counts only where it is asked for.
// It is in another process, as net/http reads it once.
func TestProxyFromEnvironment(t *testing.T) {
	if os.Getenv("DIRCLIENT_TEST_PROXY") != "" {
		var used []string
		asked := newClient(t, func(config *Config) {
			config.ProxyFromEnvironment, config.ProxyUsed, config.Limits.Tries = true, func(host string) { used = append(used, host) }, 1
		})
		target, err := ParseSource("dir+http://192.0.2.9:9030")
		require.NoError(t, err)
		doc, err := newest(asked, target)
		require.NoError(t, err)
		require.Equal(t, document, doc.Bytes)
		_, err = newest(asked, target)
		require.NoError(t, err)
		require.Equal(t, []string{os.Getenv("DIRCLIENT_TEST_PROXY")}, used, "told once, and without the password")

		request := httptest.NewRequest(http.MethodGet, "http://192.0.2.9:9030/", nil)
		proxy, err := newClient(t, nil).proxy(request)
		require.NoError(t, err)
		require.Nil(t, proxy)
		return
	}
	proxy := httptest.NewServer(write(200, document))
	defer proxy.Close()
	address := strings.Replace(proxy.URL, "http://", "http://ann:hunter2@", 1)
	again := exec.Command(os.Args[0], "-test.run=^TestProxyFromEnvironment$")
	again.Env = append(os.Environ(), "DIRCLIENT_TEST_PROXY="+strings.TrimPrefix(proxy.URL, "http://"),
		"HTTP_PROXY="+address, "http_proxy="+address, "NO_PROXY=", "no_proxy=")
	out, err := again.CombinedOutput()
	require.NoError(t, err, "%s", out)
}

// TestSocks: a small SOCKS5 server (RFC 1928) hands the connection to a directory cache.
func TestSocks(t *testing.T) {
	cache := serve(t, write(200, document))
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer listener.Close()
	asked := make(chan string, 1)
	go func() {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
		hello := make([]byte, 3)
		_, _ = io.ReadFull(conn, hello) // version 5, one method, none
		_, _ = conn.Write([]byte{5, 0})
		head := make([]byte, 5)
		_, _ = io.ReadFull(conn, head) // version, connect, 0, name, its length
		name := make([]byte, int(head[4])+2)
		_, _ = io.ReadFull(conn, name)
		asked <- string(name[:len(name)-2])
		_, _ = conn.Write([]byte{5, 0, 0, 1, 0, 0, 0, 0, 0, 0})
		to, err := net.Dial("tcp", cache.base.Host)
		if err != nil {
			return
		}
		defer to.Close()
		go func() { _, _ = io.Copy(to, conn) }()
		_, _ = io.Copy(conn, to)
	}()
	proxy, err := ParseProxy("socks5://" + listener.Addr().String())
	require.NoError(t, err)
	c := newClient(t, func(config *Config) { config.Proxy = proxy })
	source, err := ParseSource("dir+http://directory.example:80")
	require.NoError(t, err)
	doc, err := newest(c, source)
	require.NoError(t, err)
	require.Equal(t, document, doc.Bytes)
	require.Equal(t, "directory.example", <-asked, "the proxy resolves the name")
	c.Close()
}
