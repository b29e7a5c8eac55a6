package dirclient

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"context"
	"crypto/x509"
	"fmt"
	"io"
	"iter"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestMain also sees that nothing of ours runs on after the last test.
func TestMain(m *testing.M) {
	code := m.Run()
	if left := leftovers(); left != "" && code == 0 {
		fmt.Fprintf(os.Stderr, "goroutines left:\n%s\n", left)
		code = 1
	}
	os.Exit(code)
}

// leftovers waits a little for connections to end, and returns the stacks of
// those that do not.
func leftovers() string {
	for try := 0; ; try++ {
		stacks := make([]byte, 1<<20)
		stacks = stacks[:runtime.Stack(stacks, true)]
		var left []string
		for stack := range strings.SplitSeq(string(stacks), "\n\n") {
			if strings.Contains(stack, "persistConn") || strings.Contains(stack, "dirclient.(*Client)") {
				left = append(left, stack)
			}
		}
		if len(left) == 0 || try == 500 {
			return strings.Join(left, "\n\n")
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// noon is the clock of the tests; its hour is the newest that an archive may have.
var noon = time.Date(2026, 6, 27, 12, 20, 0, 0, time.UTC)

// document stands for a consensus: dirclient does not look into it.
var document = []byte("network-status-version 3 microdesc\n" + strings.Repeat("r relay\n", 100))

// newClient makes a client with short waits. Its border is drawn inside the loopback
// net: 127.0.0.1 counts as public, all else of it as inside.
func newClient(t testing.TB, change func(*Config)) *Client {
	t.Helper()
	config := Config{
		Now:  func() time.Time { return noon },
		Wait: func(time.Duration) time.Duration { return 0 },
		Limits: Limits{
			Answer:  5 * time.Second,
			Stall:   5 * time.Second,
			Request: 10 * time.Second,
			Total:   20 * time.Second,
		},
	}
	if change != nil {
		change(&config)
	}
	c, err := New(config)
	require.NoError(t, err)
	c.inside = func(addr netip.Addr) bool { return addr.Unmap() != netip.MustParseAddr("127.0.0.1") }
	t.Cleanup(c.Close)
	return c
}

// serve starts a plain server, and returns it as a directory cache.
func serve(t testing.TB, handler http.HandlerFunc) Source {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return cacheAt(t, server.Listener.Addr())
}

func cacheAt(t testing.TB, addr net.Addr) Source {
	t.Helper()
	source, err := ParseSource("dir+http://" + addr.String())
	require.NoError(t, err)
	return source
}

// serveTLS starts a TLS server, and returns it as a mirror, with the pool
// that trusts it.
func serveTLS(t testing.TB, handler http.HandlerFunc) (Source, *x509.CertPool) {
	t.Helper()
	server := httptest.NewUnstartedServer(handler)
	server.Config.ErrorLog = silent()
	server.StartTLS()
	t.Cleanup(server.Close)
	source, err := ParseSource(server.URL)
	require.NoError(t, err)
	pool := x509.NewCertPool()
	pool.AddCert(server.Certificate())
	return source, pool
}

// serveRaw answers each connection with what answer writes, after the request's
// headers were read. The number counts connections from 1.
func serveRaw(t testing.TB, answer func(conn net.Conn, number int)) Source {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	done := make(chan struct{})
	var number atomic.Int32
	var open atomic.Int32
	go func() {
		defer close(done)
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			open.Add(1)
			go func() {
				defer open.Add(-1)
				defer conn.Close()
				_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
				head := make([]byte, 4096)
				for got := 0; !bytes.Contains(head[:got], []byte("\r\n\r\n")); {
					n, err := conn.Read(head[got:])
					if err != nil {
						return
					}
					got += n
				}
				answer(conn, int(number.Add(1)))
			}()
		}
	}()
	t.Cleanup(func() {
		listener.Close()
		<-done
		for try := 0; open.Load() > 0 && try < 500; try++ {
			time.Sleep(10 * time.Millisecond)
		}
		require.Zero(t, open.Load(), "a connection was left open")
	})
	return cacheAt(t, listener.Addr())
}

// hang waits until the other side gives up.
func hang(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) }

// newest fetches the newest consensus.
func newest(c *Client, source Source) (Document, error) {
	return newestAfter(c, source, time.Time{})
}

func newestAfter(c *Client, source Source, held time.Time) (Document, error) {
	for doc, err := range c.Consensuses(context.Background(), source, Wanted{Newest: held}) {
		return doc, err
	}
	return Document{}, fmt.Errorf("neither a document nor an error")
}

// all runs a series to its end.
func all(series iter.Seq2[Document, error]) (docs []Document, errs []error) {
	for doc, err := range series {
		if err != nil {
			errs = append(errs, err)
		} else {
			docs = append(docs, doc)
		}
	}
	return docs, errs
}

func zipped(content []byte) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = w.Write(content)
	_ = w.Close()
	return b.Bytes()
}

func deflated(content []byte) []byte {
	var b bytes.Buffer
	w := zlib.NewWriter(&b)
	_, _ = w.Write(content)
	_ = w.Close()
	return b.Bytes()
}

// silent swallows what a server under attack has to say.
func silent() *log.Logger { return log.New(io.Discard, "", 0) }
