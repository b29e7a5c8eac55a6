package dirclient

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// write is an answer of that status and body.
func write(status int, body []byte, headers ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i < len(headers); i += 2 {
			w.Header().Add(headers[i], headers[i+1])
		}
		w.WriteHeader(status)
		_, _ = w.Write(body)
	}
}

func TestWhatIsAskedAndTold(t *testing.T) {
	var asked http.Header
	source := serve(t, func(w http.ResponseWriter, r *http.Request) {
		asked = r.Header.Clone()
		asked.Set("Path", r.URL.Path)
		_, _ = w.Write(document)
	})
	doc, err := newest(newClient(t, nil), source)
	require.NoError(t, err)
	address := source.base.String() + "tor/status-vote/current/consensus-microdesc"
	require.Equal(t, Document{URL: address, Bytes: document}, doc)
	require.Equal(t, http.Header{
		"Path":            {"/tor/status-vote/current/consensus-microdesc"},
		"Accept-Encoding": {"gzip, deflate"},
	}, asked, "nothing else is told about us")
}

func TestEncodings(t *testing.T) {
	twice := append(append([]byte{}, document...), document...)
	f := func(name, encoding string, body, want []byte) {
		t.Helper()
		doc, err := newest(newClient(t, nil), serve(t, write(200, body, "Content-Encoding", encoding)))
		require.NoError(t, err, name)
		require.Equal(t, want, doc.Bytes, name)
	}
	f("plain", "", document, document)
	f("identity", "identity", document, document)
	f("gzip", "gzip", zipped(document), document)
	f("upper case", " GZip ", zipped(document), document)
	f("x-gzip", "x-gzip", zipped(document), document)
	f("gzip twice", "gzip", append(zipped(document), zipped(document)...), twice)
	f("deflate", "deflate", deflated(document), document)
	f("deflate twice", "deflate", append(deflated(document), deflated(document)...), twice)
	f("an empty stream between", "deflate", append(append(deflated(document), deflated(nil)...), deflated(document)...), twice)
	f("a file that is compressed itself", "", zipped(document), zipped(document))
}

func TestEncodingsRefused(t *testing.T) {
	f := func(name string, sort error, tries int, body []byte, headers ...string) {
		t.Helper()
		doc, err := newest(newClient(t, nil), serve(t, write(200, body, headers...)))
		require.ErrorIs(t, err, sort, name)
		require.Empty(t, doc, name)
		var e *Error
		require.ErrorAs(t, err, &e, name)
		require.Equal(t, tries, e.Tries, "%s: %v", name, err)
		require.Equal(t, 200, e.Status, name)
	}
	f("unknown", errEncoding, 1, document, "Content-Encoding", "x-tor-lzma")
	f("control characters", errEncoding, 1, document, "Content-Encoding", "\u0085b")
	f("two", errEncoding, 1, deflated(zipped(document)), "Content-Encoding", "gzip, deflate")
	f("two lines", errEncoding, 1, zipped(zipped(document)), "Content-Encoding", "gzip", "Content-Encoding", "gzip")
	f("rubbish as gzip", errEncoding, 1, document, "Content-Encoding", "gzip")
	f("rubbish as deflate", errEncoding, 1, document, "Content-Encoding", "deflate")
	f("rubbish after gzip", errEncoding, 1, append(zipped(document), "rubbish, long enough"...), "Content-Encoding", "gzip")
	f("rubbish after deflate", errEncoding, 1, append(deflated(document), "rubbish"...), "Content-Encoding", "deflate")
	f("empty", errEmpty, 1, nil)
	f("empty inside", errEmpty, 1, zipped(nil), "Content-Encoding", "gzip")

	wrong := zipped(document)
	wrong[len(wrong)-8]++ // the checksum
	f("wrong checksum", errEncoding, 1, wrong, "Content-Encoding", "gzip")
}

// TestCutAnywhere: compressed data that ends early is never taken for a document,
// even where HTTP says that all of it arrived.
func TestCutAnywhere(t *testing.T) {
	for _, encoding := range []string{"gzip", "deflate"} {
		body := zipped(document)
		if encoding == "deflate" {
			body = deflated(document)
		}
		c := newClient(t, func(config *Config) { config.Limits.Tries, config.Limits.Requests = 1, 1000 })
		var cut int
		source := serve(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Encoding", encoding)
			_, _ = w.Write(body[:cut])
		})
		for cut = range body {
			_, err := newest(c, source)
			require.ErrorIs(t, err, errTruncated, "%s cut at %d", encoding, cut)
		}
		cut = len(body)
		_, err := newest(c, source)
		require.NoError(t, err)
	}
}

func TestSizes(t *testing.T) {
	small := func(config *Config) { config.Limits.Body, config.Limits.Decoded = 10_000, 100_000 }
	f := func(name, text string, sort error, answer func(net.Conn, int)) {
		t.Helper()
		doc, err := newest(newClient(t, small), serveRaw(t, answer))
		require.ErrorIs(t, err, sort, name)
		require.ErrorContains(t, err, text, name)
		require.Empty(t, doc, name)
	}
	// Written as tor's cache does: no length, the end of the connection ends the body.
	const head = "HTTP/1.0 200 OK\r\n"
	endless := func(conn net.Conn, line string) {
		piece := []byte(strings.Repeat(line, 1000))
		for range 100_000 { // far more than allowed, should nobody stop it
			if _, err := conn.Write(piece); err != nil {
				return
			}
		}
	}
	f("an endless body", "over 10000 bytes", ErrTooLarge, func(conn net.Conn, _ int) {
		_, _ = io.WriteString(conn, head+"\r\n")
		endless(conn, "r relay\n")
	})
	f("a length that is too large", "20000 bytes announced, 10000 allowed", ErrTooLarge, func(conn net.Conn, _ int) {
		_, _ = io.WriteString(conn, head+"Content-Length: 20000\r\n\r\n")
	})
	bomb := zipped(make([]byte, 5_000_000))
	require.Less(t, len(bomb), 10_000)
	f("a gzip bomb", "over 100000 bytes when unpacked", ErrTooLarge, func(conn net.Conn, _ int) {
		_, _ = fmt.Fprintf(conn, "%sContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%s", head, len(bomb), bomb)
	})
	many := bytes.Repeat(deflated([]byte("x")), 2000)
	f("endless compressed streams", "over 10000 bytes", ErrTooLarge, func(conn net.Conn, _ int) {
		_, _ = io.WriteString(conn, head+"Content-Encoding: deflate\r\n\r\n")
		endless(conn, string(many))
	})
	f("huge headers", "headers exceeded", errHeaders, func(conn net.Conn, _ int) {
		_, _ = io.WriteString(conn, head)
		endless(conn, "X-Padding: padding\r\n")
	})
	f("endless chunks of nothing", "over 10000 bytes", ErrTooLarge, func(conn net.Conn, _ int) {
		_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
		endless(conn, "1\r\nx\r\n")
	})
	f("a length beyond what comes", "body ended early", errTruncated, func(conn net.Conn, _ int) {
		_, _ = io.WriteString(conn, head+"Content-Length: 100\r\n\r\nonly this")
	})
	f("a length that is none", "bad Content-Length", errConnect, func(conn net.Conn, _ int) {
		_, _ = io.WriteString(conn, head+"Content-Length: -5\r\n\r\nthis")
	})
	f("not HTTP", "malformed HTTP", errConnect, func(conn net.Conn, _ int) {
		_, _ = io.WriteString(conn, "SSH-2.0-OpenSSH_9\r\n\r\n")
	})
}

// TestExactly: the limits are the last sizes that pass.
func TestExactly(t *testing.T) {
	body := zipped(document)
	exact := func(less int64) func(*Config) {
		return func(config *Config) {
			config.Limits.Body, config.Limits.Decoded = int64(len(body)), int64(len(document))-less
		}
	}
	source := serve(t, write(200, body, "Content-Encoding", "gzip"))
	_, err := newest(newClient(t, exact(0)), source)
	require.NoError(t, err)
	_, err = newest(newClient(t, exact(1)), source)
	require.ErrorIs(t, err, ErrTooLarge)
}

func TestTimes(t *testing.T) {
	const short = 60 * time.Millisecond
	f := func(name, text string, limit func(*Limits), answer func(net.Conn, int)) {
		t.Helper()
		var count atomic.Int32
		c := newClient(t, func(config *Config) { limit(&config.Limits) })
		_, err := newest(c, serveRaw(t, func(conn net.Conn, n int) { count.Add(1); answer(conn, n) }))
		require.ErrorContains(t, err, text, name)
		require.EqualValues(t, 1, count.Load(), "%s: who is slow is not asked again", name)
	}
	drip := func(conn net.Conn, _ int) {
		_, _ = io.WriteString(conn, "HTTP/1.0 200 OK\r\n\r\n")
		for range 10_000 {
			if _, err := conn.Write([]byte("x")); err != nil {
				return
			}
			time.Sleep(5 * time.Millisecond)
		}
	}
	f("no headers", "too slow: no answer within 60ms", func(l *Limits) { l.Answer = short }, func(conn net.Conn, _ int) { hang(conn) })
	f("half of the headers", "too slow: no answer within 60ms", func(l *Limits) { l.Answer = short }, func(conn net.Conn, _ int) {
		_, _ = io.WriteString(conn, "HTTP/1.0 200 OK\r\nDate: ")
		hang(conn)
	})
	f("a body that stalls", "too slow: nothing more arrived for 60ms", func(l *Limits) { l.Stall = short }, func(conn net.Conn, _ int) {
		_, _ = io.WriteString(conn, "HTTP/1.0 200 OK\r\n\r\nnetwork-status")
		hang(conn)
	})
	f("a slow drip", "too slow: not finished within 200ms", func(l *Limits) { l.Request = 200 * time.Millisecond }, drip)
	f("all of it", "used up: 200ms", func(l *Limits) { l.Total = 200 * time.Millisecond }, drip)
}

// TestSlowButSteady: a stall is a pause, not the time of the whole.
func TestSlowButSteady(t *testing.T) {
	c := newClient(t, func(config *Config) { config.Limits.Stall = 500 * time.Millisecond })
	doc, err := newest(c, serveRaw(t, func(conn net.Conn, _ int) {
		_, _ = io.WriteString(conn, "HTTP/1.0 200 OK\r\n\r\n")
		for range 8 {
			_, _ = io.WriteString(conn, "piece")
			time.Sleep(80 * time.Millisecond)
		}
	}))
	require.NoError(t, err)
	require.Equal(t, strings.Repeat("piece", 8), string(doc.Bytes))
}

// Each sort of failure says what it is, in words of its own, and all but one what to do.
func TestSorts(t *testing.T) {
	texts := map[string]bool{}
	for _, sort := range []error{ErrNothingNewer, ErrNotFound, ErrTooLarge, ErrTooSlow, ErrSpent, errBusy, errForbidden, errStatus, errRedirect, errEncoding,
		errTruncated, errEmpty, errHeaders, errProxy, errTLS, errNoTLS, errName, errConnect, errKind, errFile, errFolder} {
		p := sort.(*problem)
		require.Greater(t, len(p.text), 7, "%v", p)
		require.False(t, texts[p.text], p.text)
		texts[p.text] = true
		require.Equal(t, sort == ErrNothingNewer, p.advice == "", p.text)
	}
}

func TestStatuses(t *testing.T) {
	f := func(status int, sort error, tries int, what, advice string) {
		t.Helper()
		_, err := newest(newClient(t, nil), serve(t, write(status, document)))
		require.ErrorIs(t, err, sort)
		var e *Error
		require.ErrorAs(t, err, &e)
		require.Equal(t, status, e.Status)
		require.Equal(t, tries, e.Tries, status)
		require.ErrorContains(t, err, fmt.Sprintf(": %s: HTTP status %d", what, status))
		require.ErrorContains(t, err, advice)
	}
	f(201, errStatus, 1, "unexpected answer", "try another source")
	f(400, errStatus, 1, "unexpected answer", "try another source")
	f(401, errForbidden, 1, "the server refuses us", "block")
	f(403, errForbidden, 1, "the server refuses us", "block")
	f(404, ErrNotFound, 1, "no such document there", "try another source")
	f(407, errProxy, 1, "the proxy refused", "proxy")
	f(410, ErrNotFound, 1, "no such document there", "try another source")
	f(429, errBusy, 3, "the server is busy", "try again later")
	f(500, errStatus, 1, "unexpected answer", "try another source")
	f(502, errBusy, 3, "the server is busy", "try again later")
	f(503, errBusy, 3, "the server is busy", "try again later")
	f(504, errBusy, 3, "the server is busy", "try again later")

	// Who answers in the place of the server mostly says so in the title of its page.
	page := []byte("<html><title>Blocked by \x1b[31m policy</title>")
	_, err := newest(newClient(t, nil), serve(t, write(403, page)))
	require.ErrorIs(t, err, errForbidden)
	require.ErrorContains(t, err, `HTTP status 403; a web page came instead: "Blocked by ?[31m policy"; it may block this network or proxy`)
	_, err = newest(newClient(t, nil), serve(t, write(404, page)))
	require.NotContains(t, err.Error(), "web page", "that is a server's own word")
}

func TestNothingNewer(t *testing.T) {
	var since string
	source := serve(t, func(w http.ResponseWriter, r *http.Request) {
		since = r.Header.Get("If-Modified-Since")
		w.WriteHeader(http.StatusNotModified)
	})
	held := time.Date(2026, 6, 27, 12, 0, 0, 0, time.UTC)
	_, err := newestAfter(newClient(t, nil), source, held.In(time.FixedZone("", 7200)))
	require.ErrorIs(t, err, ErrNothingNewer)
	require.Equal(t, "Sat, 27 Jun 2026 12:03:00 GMT", since, "valid-after and three minutes, as tor asks")

	_, err = newest(newClient(t, nil), source)
	require.ErrorIs(t, err, errStatus, "304 when nobody asked is no answer")
	require.NotErrorIs(t, err, ErrNothingNewer)
	require.Empty(t, since)
}

func TestBackOff(t *testing.T) {
	f := func(name string, pauses []time.Duration, fine bool, headers ...string) {
		t.Helper()
		var waits []time.Duration
		c := newClient(t, func(config *Config) {
			config.Wait = func(d time.Duration) time.Duration { waits = append(waits, d); return 0 }
		})
		count := 0
		doc, err := newest(c, serve(t, func(w http.ResponseWriter, r *http.Request) {
			if count++; count <= 2 {
				write(503, []byte("busy"), headers...)(w, r)
				return
			}
			_, _ = w.Write(document)
		}))
		if fine {
			require.NoError(t, err, name)
			require.Equal(t, document, doc.Bytes)
		} else {
			require.ErrorIs(t, err, errBusy, name)
		}
		require.Len(t, waits, len(pauses), name)
		for i, base := range pauses {
			require.GreaterOrEqual(t, waits[i], base, name)
			require.LessOrEqual(t, waits[i], max(3*base, time.Second), name)
		}
	}
	// Half as long or half as long again: 1 s is 0.5 to 1.5, 2 s is 1 to 3.
	f("no word", []time.Duration{time.Second / 2, time.Second}, true)
	f("seconds", []time.Duration{7 * time.Second, 7 * time.Second}, true, "Retry-After", "7")
	f("a date", []time.Duration{9 * time.Second, 9 * time.Second}, true, "Retry-After", noon.Add(9*time.Second).Format(http.TimeFormat))
	f("a date gone by", []time.Duration{time.Second / 2, time.Second}, true, "Retry-After", noon.Add(-time.Hour).Format(http.TimeFormat))
	f("the longest", []time.Duration{time.Minute, time.Minute}, true, "Retry-After", "60")
	f("rubbish", []time.Duration{time.Second / 2, time.Second}, true, "Retry-After", "-soon")
	f("too long", nil, false, "Retry-After", "61")
	f("a number that overflows", nil, false, "Retry-After", "9223372036854775807")
	f("a number without end", nil, false, "Retry-After", "99999999999999999999")
	f("a date in another century", nil, false, "Retry-After", "Fri, 31 Dec 2100 23:59:59 GMT")
}

func TestRetryAfterIsToldAndBounded(t *testing.T) {
	_, err := newest(newClient(t, nil), serve(t, write(429, nil, "Retry-After", "3600")))
	require.ErrorContains(t, err, "HTTP status 429, and it asks us to wait 1h0m0s")
}

func TestConnectionResetThenFine(t *testing.T) {
	source := serveRaw(t, func(conn net.Conn, number int) {
		if number == 1 {
			_ = conn.(*net.TCPConn).SetLinger(0) // close sends a reset
			return
		}
		_, _ = fmt.Fprintf(conn, "HTTP/1.0 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(document), document)
	})
	doc, err := newest(newClient(t, nil), source)
	require.NoError(t, err)
	require.Equal(t, document, doc.Bytes)
}

func TestResetInTheBody(t *testing.T) {
	source := serveRaw(t, func(conn net.Conn, number int) {
		_, _ = io.WriteString(conn, "HTTP/1.0 200 OK\r\n\r\nnetwork-status")
		time.Sleep(20 * time.Millisecond) // so that the first bytes are read before the reset
		_ = conn.(*net.TCPConn).SetLinger(0)
	})
	doc, err := newest(newClient(t, nil), source)
	require.ErrorIs(t, err, errConnect)
	require.ErrorContains(t, err, "(asked 3 times)")
	require.Empty(t, doc)
}

func TestNobodyThere(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	source := cacheAt(t, listener.Addr())
	listener.Close()
	_, err = newest(newClient(t, nil), source)
	require.ErrorIs(t, err, errConnect)
	require.ErrorContains(t, err, "connection refused (asked 3 times); check the address")
	require.ErrorContains(t, err, source.String()+": http://"+listener.Addr().String()+"/tor/status-vote/current/consensus-microdesc: ")
}

func TestCancelled(t *testing.T) {
	stop := errors.New("the search was cancelled")
	t.Run("while it downloads", func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(context.Background())
		source := serveRaw(t, func(conn net.Conn, _ int) {
			_, _ = io.WriteString(conn, "HTTP/1.0 200 OK\r\n\r\nnetwork-status")
			cancel(stop)
			hang(conn)
		})
		_, errs := all(newClient(t, nil).Consensuses(ctx, source, Wanted{}))
		require.Len(t, errs, 1)
		require.ErrorIs(t, errs[0], stop)
	})
	t.Run("while it waits to ask again", func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(context.Background())
		c := newClient(t, func(config *Config) {
			config.Wait = func(time.Duration) time.Duration { cancel(stop); return 10 * time.Second }
		})
		begin := time.Now()
		_, errs := all(c.Consensuses(ctx, serve(t, write(503, nil)), Wanted{}))
		require.Less(t, time.Since(begin), 9*time.Second, "it did not wait to the end")
		require.Len(t, errs, 1)
		require.ErrorIs(t, errs[0], stop)
		require.ErrorContains(t, errs[0], "HTTP status 503", "the cause is kept")
	})
	t.Run("before it begins", func(t *testing.T) {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		_, errs := all(newClient(t, nil).Consensuses(ctx, serve(t, write(200, document)), Wanted{Backfill: time.Hour}))
		require.Len(t, errs, 1)
		require.ErrorIs(t, errs[0], context.Canceled)
	})
}

func TestNumberOfRequests(t *testing.T) {
	c := newClient(t, func(config *Config) { config.Limits.Requests = 4 })
	source := serve(t, write(503, nil))
	_, err := newest(c, source)
	require.ErrorIs(t, err, errBusy, "three of them")
	_, err = newest(c, source)
	require.ErrorIs(t, err, ErrSpent)
	_, err = newest(c, source)
	require.ErrorIs(t, err, ErrSpent)
}

func TestLimitsAreChecked(t *testing.T) {
	_, err := New(Config{Limits: Limits{Total: -1}})
	require.ErrorContains(t, err, "total is negative")
	_, err = New(Config{Limits: Limits{Tries: -1}})
	require.ErrorContains(t, err, "tries is negative")
	got, err := Limits{Body: 7}.orDefault()
	require.NoError(t, err)
	want := DefaultLimits()
	want.Body = 7
	require.Equal(t, want, got)
}
