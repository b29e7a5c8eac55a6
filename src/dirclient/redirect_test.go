package dirclient

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestRedirects(t *testing.T) {
	inside := serveOn(t, "127.0.0.2:0")
	public := serve(t, write(200, document)).base.String()
	secure, pool := serveTLS(t, write(200, document))

	f := func(name, to, want string) {
		t.Helper()
		c := newClient(t, func(config *Config) { config.RootCAs = pool })
		doc, err := newest(c, serve(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header()["Location"] = []string{to}
			w.WriteHeader(http.StatusFound)
		}))
		if want == "" {
			require.NoError(t, err, name)
			require.Equal(t, document, doc.Bytes, name)
			require.Equal(t, strings.Split(to, "?")[0], doc.URL, "where it came from at last, without what may be a secret")
			return
		}
		require.ErrorIs(t, err, errRedirect, name)
		require.ErrorContains(t, err, want, name)
		require.NotContains(t, err.Error(), "hunter2", name)
		require.Empty(t, doc, name)
	}
	f("another host", public+"other", "")
	f("with a query", public+"other?token=hunter2", "")
	f("to https", secure.String()+"x", "")
	f("inside", inside, "an address inside our networks")
	f("inside, mapped", strings.Replace(inside, "127.0.0.2", "[::ffff:127.0.0.2]", 1), "an address inside our networks")
	f("no location", "", "without a usable Location")
	f("no URL", "http://[::1", "without a usable Location")
	f("a file", "file:///etc/passwd", "not encrypted")
	f("javascript", "javascript:alert(1)", "not encrypted")
	f("no host", "https:///x", "names no host")
	f("a user", "http://user:hunter2@127.0.0.1/", "with a user in it")
}

// serveOn serves the document at an address, and returns its URL.
func serveOn(t testing.TB, addr string) string { return serveHandler(t, addr, write(200, document)) }

func serveHandler(t testing.TB, addr string, handler http.HandlerFunc) string {
	t.Helper()
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		t.Skipf("skipped: no second loopback address here: %v", err)
	}
	server := httptest.NewUnstartedServer(handler)
	server.Listener.Close()
	server.Listener = listener
	server.Start()
	t.Cleanup(server.Close)
	return server.URL + "/"
}

// TestRedirectByName: a name tells nothing until it is resolved; its address is looked
// at before a byte is sent there.
func TestRedirectByName(t *testing.T) {
	var asked atomic.Int32
	behind, err := url.Parse(serveHandler(t, "127.0.0.2:0", func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		_, _ = w.Write(document)
	}))
	require.NoError(t, err)
	source := serve(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "http://innocent.example:"+behind.Port()+"/", http.StatusFound)
	})
	c := newClient(t, nil)
	resolver := nameServer(t, [4]byte{127, 0, 0, 2})
	c.redirected.DialContext = (&net.Dialer{Resolver: resolver, ControlContext: c.guard}).DialContext

	_, err = newest(c, source)
	require.ErrorIs(t, err, errRedirect)
	require.ErrorContains(t, err, "to 127.0.0.2:"+behind.Port()+", an address inside our networks")
	require.Zero(t, asked.Load())

	c.inside = func(netip.Addr) bool { return false }
	_, err = newest(c, source)
	require.NoError(t, err, "the same way, where that address is public")
	require.EqualValues(t, 1, asked.Load())

	// The client's own dialer asks the guard, too.
	own := newClient(t, nil)
	request, err := http.NewRequest(http.MethodGet, behind.String(), nil)
	require.NoError(t, err)
	_, err = own.redirected.RoundTrip(request)
	require.ErrorIs(t, err, errRedirect)
	require.ErrorIs(t, own.guard(context.Background(), "tcp6", "[fe80::1%eth0]:80", nil), errRedirect)
	require.NoError(t, own.guard(allowInside(context.Background(), true), "tcp", "127.0.0.2:80", nil))
}

// nameServer answers every question for an IPv4 address with that one (RFC 1035, section 4).
func nameServer(t testing.TB, addr [4]byte) *net.Resolver {
	t.Helper()
	server, err := net.ListenPacket("udp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { server.Close() })
	go func() {
		packet := make([]byte, 512)
		for {
			n, from, err := server.ReadFrom(packet)
			if err != nil {
				return
			}
			const header = 12
			end := header
			for end < n && packet[end] != 0 { // the name's labels
				end += int(packet[end]) + 1
			}
			question := packet[header : end+5] // the root label, type, class
			reply := append([]byte{packet[0], packet[1], 0x81, 0x80, 0, 1, 0, 0, 0, 0, 0, 0}, question...)
			if question[len(question)-3] == 1 { // A
				reply[7] = 1
				reply = append(reply, 0xc0, header, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4)
				reply = append(reply, addr[:]...)
			}
			_, _ = server.WriteTo(reply, from)
		}
	}()
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", server.LocalAddr().String())
	}}
}

// TestRedirectFromInside: a mirror of our own may send us to its neighbour.
func TestRedirectFromInside(t *testing.T) {
	inside := serveOn(t, "127.0.0.2:0")
	c := newClient(t, nil)
	c.inside = func(netip.Addr) bool { return true }
	doc, err := newest(c, serve(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, inside, http.StatusFound) }))
	require.NoError(t, err)
	require.Equal(t, inside, doc.URL)

	// Known only once its name is resolved.
	c = newClient(t, nil)
	c.inside = func(addr netip.Addr) bool { return addr == netip.MustParseAddr("127.0.0.2") }
	first, err := url.Parse(serveHandler(t, "127.0.0.2:0", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, inside, http.StatusFound)
	}))
	require.NoError(t, err)
	c.direct.DialContext = (&net.Dialer{Resolver: nameServer(t, [4]byte{127, 0, 0, 2})}).DialContext
	source, err := ParseSource("dir+http://mirror.example:" + first.Port())
	require.NoError(t, err)
	doc, err = newest(c, source)
	require.NoError(t, err)
	require.Equal(t, inside, doc.URL)
}

func TestRedirectLoop(t *testing.T) {
	count := 0
	_, err := newest(newClient(t, nil), serve(t, func(w http.ResponseWriter, r *http.Request) {
		count++
		http.Redirect(w, r, fmt.Sprintf("/round/%d", count), http.StatusMovedPermanently)
	}))
	require.ErrorIs(t, err, errRedirect)
	require.ErrorContains(t, err, "more than 3, the last one to")
	require.Equal(t, 4, count)
}

func TestRedirectFromTLSToPlain(t *testing.T) {
	plain := serve(t, write(200, document)).base.String()
	source, pool := serveTLS(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, plain, http.StatusFound) })
	c := newClient(t, func(config *Config) { config.RootCAs = pool })
	_, errs := all(c.Certificates(context.Background(), source, nil))
	require.Len(t, errs, 1)
	require.ErrorIs(t, errs[0], errRedirect)
	require.ErrorContains(t, errs[0], "from https to "+strings.TrimSuffix(plain, "/"))
}
