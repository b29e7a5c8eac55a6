package replay

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tordetect/src/replay/recorded"
	"tordetect/src/web"
)

func TestRaw(t *testing.T) {
	c := newCollector(t, false)
	hec := newHEC(t, c, nil)
	require.Equal(t, c.URL+"/services/collector/raw", hec.Name())
	files := dataset(t, "a.log", []byte("one\r\n\n  \ntwo \"2\"\nthree"), recorded.Meta{Index: "main", Sourcetype: "pan:traffic", Source: "a b&c", Host: "pa-220"})
	summary, err := Run(context.Background(), hec, files, quick(nil))
	require.NoError(t, err)
	require.Equal(t, map[string]int{"one": 1, `two "2"`: 1, "three": 1}, c.arrived)
	require.Equal(t, map[string]int{"host=pa-220&index=main&source=a+b%26c&sourcetype=pan%3Atraffic": 1}, c.metas)
	require.Equal(t, "Splunk "+testToken, c.headers.Get("Authorization"))
	require.True(t, isGUID(c.headers.Get("X-Splunk-Request-Channel")))
	require.Equal(t, Summary{Target: hec.Name(), Files: 1, Accepted: 3, Undated: 3, Skipped: 2, Requests: 1, Complete: true}, summary)
}

func TestEvent(t *testing.T) {
	c := newCollector(t, true)
	hec := newHEC(t, c, func(config *HECConfig) { config.Event, config.Gzip = true, true })
	require.Equal(t, c.URL+"/services/collector/event", hec.Name())
	lines := []string{
		panLine(0),
		`{"timestamp":"2026-11-20T12:00:10.250000+0000","text":"a \"b\" \\ \t"}`,
		"no time, \x01\x7f \u00e9 \u2028 <&>",
		"1763633730.5\tnot UTF-8: \xff\xe9 end",
	}
	summary, err := Run(context.Background(), hec, dataset(t, "a.log", []byte(strings.Join(lines, "\n")), recorded.Meta{Sourcetype: "st"}), quick(nil))
	require.NoError(t, err)
	require.EqualValues(t, 4, summary.Accepted)
	require.EqualValues(t, 1, summary.Undated)
	require.Equal(t, "gzip", c.headers.Get("Content-Encoding"), "questions about ids are not packed")
	lines[3] = "1763633730.5\tnot UTF-8: \ufffd\ufffd end"
	want := []any{json.Number("1795176000"), json.Number("1795176010.250000"), nil, json.Number("1763633730.500000")}
	require.Len(t, c.posted, 4)
	for i, e := range c.posted {
		require.Equal(t, lines[i], e["event"])
		require.Equal(t, want[i], e["time"], lines[i])
		require.Equal(t, "st", e["sourcetype"])
		require.NotContains(t, e, "index")
	}
}

// TestShiftToNow: the newest of all files is where it is asked for, and what is
// between the events stays.
func TestShiftToNow(t *testing.T) {
	now := time.Date(2027, 3, 1, 8, 0, 0, 500, time.UTC)
	folder := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(folder, name)
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		return path
	}
	files, err := recorded.Open([]string{
		write("pan.log", panLine(0)+"\n"+panLine(5)+"\nsome text\n"),
		write("eve.json", `{"timestamp":"2026-11-20T12:01:00.9+0000","flow":{"start":"2026-11-20T12:00:30.1+0000"}}`+"\n"),
	}, recorded.Meta{})
	require.NoError(t, err)
	options := quick(func(o *Options) { o.ShiftToNow, o.Ago, o.Now = true, time.Minute, func() time.Time { return now } })

	c := newCollector(t, false)
	summary, err := Run(context.Background(), newHEC(t, c, nil), files, options)
	require.NoError(t, err)
	require.Equal(t, time.Date(2027, 3, 1, 7, 58, 59, 900_000_000, time.UTC), summary.Newest.UTC(), "whole seconds, never later than asked")
	require.Equal(t, time.Date(2027, 3, 1, 7, 57, 59, 0, time.UTC), summary.Oldest.UTC())
	require.EqualValues(t, 1, summary.Undated)
	require.Contains(t, c.arrived, `{"timestamp":"2027-03-01T07:58:59.9+0000","flow":{"start":"2027-03-01T07:58:29.1+0000"}}`)
	require.Contains(t, c.arrived, strings.ReplaceAll(panLine(5), "2026/11/20 12:00:10", "2027/03/01 07:58:09"))
	require.Contains(t, c.arrived, "some text")

	// The event endpoint has the time beside the text, which stays.
	c = newCollector(t, false)
	summary2, err := Run(context.Background(), newHEC(t, c, func(config *HECConfig) { config.Event = true }), files, options)
	require.NoError(t, err)
	require.Equal(t, summary.Newest, summary2.Newest)
	require.Contains(t, c.arrived, panLine(5))
	require.Equal(t, json.Number("1803887939.900000"), c.posted[0]["time"])
}

// TestAnswers: what a server may answer, and what is said about it.
func TestAnswers(t *testing.T) {
	f := func(text string, requests int64, answer http.HandlerFunc) {
		t.Helper()
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body) // else net/http does not see that the other side is gone
			answer(w, r)
		}))
		defer server.Close()
		hec, err := NewHEC(HECConfig{URL: server.URL, Token: token(t), Timeout: 150 * time.Millisecond})
		require.NoError(t, err)
		summary, err := Run(context.Background(), hec, panFile(t, 3), quick(func(o *Options) { o.Retry.Tries = 3 }))
		require.ErrorContains(t, err, text)
		require.Zero(t, summary.Accepted, text)
		require.Equal(t, requests, summary.Requests, text)
		require.False(t, summary.Complete)
		require.NotContains(t, err.Error(), "\n")
		if strings.Contains(text, "but not a collector's answer") {
			require.EqualValues(t, 3, summary.Unconfirmed, "who knows what that was")
		}
	}
	code := func(status, code int, text string, headers ...string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			for i := 0; i < len(headers); i += 2 {
				w.Header().Set(headers[i], headers[i+1])
			}
			say(w, status, code, text)
		}
	}
	plain := func(status int, text string, headers ...string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			for i := 0; i < len(headers); i += 2 {
				w.Header().Set(headers[i], headers[i+1])
			}
			http.Error(w, text, status)
		}
	}
	f(`lines 1 to 3: HTTP status 400, code 7 "Incorrect index"; choose an index that exists and that the token may write to, with --index`, 1, code(400, 7, "Incorrect index"))
	f(`HTTP status 400, code 10 "Data channel is missing"; the token wants a channel`, 1, code(400, 10, "Data channel is missing"))
	f(`line 2: HTTP status 400, code 6 "Invalid data format"; the collector cannot read this event`, 1, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(400)
		fmt.Fprint(w, `{"text":"Invalid data format","code":6,"invalid-event-number":1}`)
	})
	f(`HTTP status 401, code 3 "Invalid authorization"; check the token`, 1, code(401, 3, "Invalid authorization"))
	f(`HTTP status 403, code 4 "Invalid token"; check the token, and that it belongs to this server`, 1, code(403, 4, "Invalid token"))
	f(`HTTP status 403, code 1 "Token disabled"; enable the token`, 1, code(403, 1, "Token disabled"))
	f(`HTTP status 404; check the URL`, 1, plain(404, "<html>"))
	f(`HTTP status 418 "short and stout"`, 1, plain(418, "short and stout"))
	f(`HTTP status 429 "slow down" (tried 3 times); start again later`, 3, plain(429, "slow down"))
	f(`HTTP status 503, code 9 "Server is busy" (tried 3 times); start again later`, 3, code(503, 9, "Server is busy"))
	f(`HTTP status 503, code 9 "Server is busy", and the server asks us to wait 1h0m0s; start again then`, 1, code(503, 9, "Server is busy", "Retry-After", "3600"))
	f(`HTTP status 500, code 8 "Internal server error" (tried 3 times); look into splunkd.log`, 3, code(500, 8, "Internal server error"))
	f(`HTTP status 502 (tried 3 times)`, 3, plain(502, "<html>"))
	f(`HTTP status 302, a redirect, which is not followed`, 1, plain(302, "", "Location", "http://192.0.2.1/"))
	f(`HTTP status 200, but not a collector's answer; check the URL`, 1, plain(200, "<html>welcome</html>"))
	f(`HTTP status 200, but not a collector's answer`, 1, plain(200, ""))
	f(`HTTP status 200, but not a collector's answer: a web page came instead: "Access denied"; a web filter, a proxy or a login page answered: have it let this host and port through`, 1,
		plain(200, "<!DOCTYPE html><html><head><title>Access\n denied</title>"))
	f(`HTTP status 202, but not a collector's answer`, 1, plain(202, "queued"))
	f(`HTTP status 204, but not a collector's answer`, 1, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(204) })
	f(`HTTP status 403, and a web page came instead of a collector's answer: "Blocked by category"; a web filter`, 1, plain(403, "<html><title>Blocked by category</title>"))
	f(`HTTP status 200, code 9 "odd"`, 1, code(200, 9, "odd"))
	f(`no answer within 150ms (tried 3 times); look at the server's load, or allow more by --timeout`, 3, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	f(`no answer within 150ms`, 3, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "100")
		w.WriteHeader(200)
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	})
	f(`the connection was dropped: read: connection reset by peer (tried 3 times)`, 3, func(w http.ResponseWriter, _ *http.Request) { reset(w) })
	f(`the connection was dropped: unexpected EOF`, 3, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		fmt.Fprint(w, `{"text":"Success","code":0}`)
	})
	f(`HTTP status 400 "?[31mred?[0m`, 1, plain(400, "\x1b[31mred\x1b[0m\x00\u202e"))
	f(`server response headers exceeded 65536 bytes`, 3, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Long", strings.Repeat("x", 200_000))
	})
	f(`HTTP status 200, but not a collector's answer`, 1, func(w http.ResponseWriter, _ *http.Request) {
		piece := bytes.Repeat([]byte(" "), 100_000)
		for range 1000 { // far more than is read
			if _, err := w.Write(piece); err != nil {
				return
			}
		}
	})
}

// TestOldOK: what the collector of OpenTelemetry said until 2023 is success. It has no
// number, so it is none where acknowledgements are wanted.
func TestOldOK(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		fmt.Fprintln(w, `"OK"`)
	}))
	defer server.Close()
	for _, ack := range []bool{false, true} {
		hec, err := NewHEC(HECConfig{URL: server.URL, Token: token(t), Ack: ack})
		require.NoError(t, err)
		summary, err := Run(context.Background(), hec, panFile(t, 3), quick(nil))
		if ack {
			require.ErrorContains(t, err, "without an acknowledgement id")
			require.EqualValues(t, 3, summary.Unconfirmed)
			continue
		}
		require.NoError(t, err)
		require.EqualValues(t, 3, summary.Accepted)
		require.Equal(t, SentOnce, summary.Delivery())
	}
}

// TestEndsOfTheWay: nobody there, no such name.
func TestEndsOfTheWay(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address := "http://" + listener.Addr().String()
	listener.Close()
	hec, err := NewHEC(HECConfig{URL: address, Token: token(t)})
	require.NoError(t, err)
	summary, err := Run(context.Background(), hec, panFile(t, 3), quick(func(o *Options) { o.Retry.Tries = 2 }))
	require.ErrorContains(t, err, "no connection: connect: connection refused (tried 2 times); check the address, and whether the server runs")
	require.Zero(t, summary.Unconfirmed, "nothing can have arrived")
	require.Zero(t, summary.MaybeTwice)
}

// What a server asks for is honoured.
func TestRetryAfter(t *testing.T) {
	c := newCollector(t, false)
	c.Server.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if c.requests++; c.requests == 1 {
			w.Header().Set("Retry-After", "1")
			say(w, 429, 26, "slow")
			return
		}
		say(w, 200, 0, "Success")
	})
	begin := time.Now()
	summary, err := Run(context.Background(), newHEC(t, c, nil), panFile(t, 1), quick(nil))
	require.NoError(t, err)
	require.GreaterOrEqual(t, time.Since(begin), time.Second)
	require.EqualValues(t, 1, summary.Retries)
	require.Zero(t, summary.MaybeTwice)
}

// TestAckDisabled: the token has no acknowledgement, which is found out before
// anything is sent, where the collector tells.
func TestAckDisabled(t *testing.T) {
	for _, tells := range []bool{true, false} {
		c := newCollector(t, false)
		if !tells {
			inner := c.Server.Config.Handler
			c.Server.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if isAsk(r) {
					http.NotFound(w, r)
					return
				}
				inner.ServeHTTP(w, r)
			})
		}
		hec := newHEC(t, c, func(config *HECConfig) { config.Ack = true })
		summary, err := Run(context.Background(), hec, panFile(t, 3), quick(nil))
		require.ErrorContains(t, err, "this token has no indexer acknowledgement; turn on indexer acknowledgement for this token in Splunk, or leave --ack out")
		require.Zero(t, summary.Accepted)
		if tells {
			require.ErrorContains(t, err, "nothing was sent")
			require.Zero(t, summary.Requests)
			require.Zero(t, summary.Unconfirmed)
			require.Empty(t, c.arrived)
			_, err = hec.Confirm(context.Background(), newID(), []int64{0})
			require.ErrorContains(t, err, `code 14 "ACK is disabled"`)
		} else {
			require.EqualValues(t, 1, summary.Requests)
			require.EqualValues(t, 3, summary.Unconfirmed)
		}
	}
}

// TestStickySession: acknowledgements live on one indexer; a load balancer finds
// it again by its cookie.
func TestStickySession(t *testing.T) {
	c := newCollector(t, true)
	c.slow = 1
	var cookies []string
	inner := c.Server.Config.Handler
	c.Server.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		cookies = append(cookies, r.Header.Get("Cookie"))
		http.SetCookie(w, &http.Cookie{Name: "indexer", Value: "2"})
		inner.ServeHTTP(w, r)
	})
	_, err := Run(context.Background(), newHEC(t, c, nil), panFile(t, 3), quick(nil))
	require.NoError(t, err)
	require.Equal(t, []string{"", "indexer=2"}, cookies[:2])
}

// TestPrivateAuthority: a certificate that only our own authority signed.
func TestPrivateAuthority(t *testing.T) {
	authority, certificate := certificates(t)
	c := newCollector(t, true)
	c.Server.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}}
	c.Server.StartTLS()
	folder := t.TempDir()
	ca, other, junk := filepath.Join(folder, "ca.pem"), filepath.Join(folder, "other.pem"), filepath.Join(folder, "junk.pem")
	require.NoError(t, os.WriteFile(ca, authority, 0o600))
	another, _ := certificates(t)
	require.NoError(t, os.WriteFile(other, another, 0o600))
	require.NoError(t, os.WriteFile(junk, []byte("junk"), 0o600))

	summary, err := Run(context.Background(), newHEC(t, c, func(config *HECConfig) { config.Server.CAFile = ca }), panFile(t, 3), quick(nil))
	require.NoError(t, err)
	require.EqualValues(t, 3, summary.Accepted)
	for _, file := range []string{"", other} {
		summary, err := Run(context.Background(), newHEC(t, c, func(config *HECConfig) { config.Server.CAFile = file }), panFile(t, 3), quick(nil))
		require.ErrorContains(t, err, "the server's certificate is not trusted")
		require.ErrorContains(t, err, "--ca FILE")
		require.EqualValues(t, 1, summary.Requests)
		require.Zero(t, summary.Unconfirmed)
	}
	_, err = NewHEC(HECConfig{URL: c.URL, Token: token(t), Server: web.Server{CAFile: junk}})
	require.ErrorContains(t, err, "junk.pem holds no certificate: want PEM")

	plain := newCollector(t, true)
	plain.Start()
	hec, err := NewHEC(HECConfig{URL: strings.Replace(plain.URL, "http:", "https:", 1), Token: token(t)})
	require.NoError(t, err)
	_, err = Run(context.Background(), hec, panFile(t, 3), quick(nil))
	require.ErrorContains(t, err, "the server does not speak TLS there; check the port, or give the URL with http://")
}

// TestConfiguration: what is refused before anything is sent.
func TestConfiguration(t *testing.T) {
	f := func(text string, config HECConfig) {
		t.Helper()
		if config.Token.reveal == nil {
			config.Token = token(t)
		}
		_, err := NewHEC(config)
		require.ErrorContains(t, err, text)
		require.NotContains(t, err.Error(), "hunter2")
	}
	f("no URL: want https://HOST:PORT", HECConfig{})
	f(`the URL begins with "ftp"`, HECConfig{URL: "ftp://splunk"})
	f(`the URL begins with "splunk"`, HECConfig{URL: "splunk:8088"})
	f("cannot be read", HECConfig{URL: "https://hunter2:\x7f"})
	f("holds a user or password", HECConfig{URL: "https://x:hunter2@splunk:8088"})
	f("a token does not belong there", HECConfig{URL: "https://splunk:8088?token=hunter2"})
	f("names no host", HECConfig{URL: "https://"})
	f("bad channel \"7\": want a GUID", HECConfig{URL: "https://splunk:8088", Channel: "7"})
	f("read the certificate authorities", HECConfig{URL: "https://splunk:8088", Server: web.Server{CAFile: "nowhere"}})
	_, err := NewHEC(HECConfig{URL: "https://splunk:8088"})
	require.EqualError(t, err, "no token")

	same := func(url string) {
		t.Helper()
		hec, err := NewHEC(HECConfig{URL: url, Token: token(t)})
		require.NoError(t, err)
		require.Equal(t, "https://splunk:8088/services/collector/raw", hec.Name())
	}
	same("https://splunk:8088")
	same("https://splunk:8088/")
	same("https://splunk:8088/services/collector")
	same("https://splunk:8088/services/collector/event")
	same("https://splunk:8088/services/collector/raw/")

	require.True(t, Unencrypted("http://splunk:8088"))
	require.False(t, Unencrypted("https://splunk:8088"))
	require.False(t, Unencrypted("http://127.0.0.1:8088"))
	require.False(t, Unencrypted("http://localhost:8088"))
}

// TestTokenIsNeverShown: not by printing what holds it, and not by a server that
// repeats it.
func TestTokenIsNeverShown(t *testing.T) {
	secretToken := token(t)
	hec, err := NewHEC(HECConfig{URL: "https://splunk:8088", Token: secretToken})
	require.NoError(t, err)
	scs, err := NewSCS(SCSConfig{URL: "https://splunk:8088", Token: secretToken, Tenant: "t"})
	require.NoError(t, err)
	asJSON, err := json.Marshal(map[string]any{"config": hec.config.Token, "token": secretToken})
	require.NoError(t, err)
	require.JSONEq(t, `{"config":"(secret)","token":"(secret)"}`, string(asJSON))
	require.Equal(t, "(secret) (secret) (secret)", fmt.Sprintf("%v %s %#v", secretToken, secretToken, secretToken))
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		for _, what := range []any{secretToken, &secretToken, hec.config, &hec.config, *hec, hec, scs.config} {
			text := fmt.Sprintf(verb, what)
			require.NotContains(t, text, testToken, verb)
			require.NotContains(t, text, fmt.Sprintf("%x", testToken), verb)
		}
	}

	// Every way that a server's words come to be shown.
	echo := []http.HandlerFunc{
		func(w http.ResponseWriter, r *http.Request) { say(w, 403, 4, r.Header.Get("Authorization")) },
		func(w http.ResponseWriter, r *http.Request) { say(w, 503, 9, r.Header.Get("Authorization")) },
		func(w http.ResponseWriter, r *http.Request) { http.Error(w, r.Header.Get("Authorization"), 400) },
		func(w http.ResponseWriter, r *http.Request) {
			http.Error(w, r.Header.Get("Authorization"), http.StatusBadGateway)
		},
		func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/"+r.Header.Get("Authorization"), http.StatusTemporaryRedirect)
		},
		func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprintf(w, `{"code":"NO","message":%q}`, r.Header.Get("Authorization"))
		},
		func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(400)
			fmt.Fprintf(w, `{"code":%q,"message":%[1]q,"details":{"x":%[1]q}}`, r.Header.Get("Authorization"))
		},
		func(w http.ResponseWriter, r *http.Request) {
			conn, _, err := w.(http.Hijacker).Hijack()
			if err == nil {
				fmt.Fprintf(conn, "%s\r\n\r\n", r.Header.Get("Authorization"))
				conn.Close()
			}
		},
	}
	for i, answer := range echo {
		var seen atomic.Int32
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.HasSuffix(r.Header.Get("Authorization"), " "+testToken) {
				seen.Add(1)
			}
			answer(w, r)
		}))
		hec, err := NewHEC(HECConfig{URL: server.URL, Token: secretToken, Ack: true})
		require.NoError(t, err)
		scs, err := NewSCS(SCSConfig{URL: server.URL, Token: secretToken, Tenant: "t"})
		require.NoError(t, err)
		for _, target := range []Target{hec, scs} {
			state := filepath.Join(t.TempDir(), "state")
			var said strings.Builder
			summary, err := Run(context.Background(), target, panFile(t, 3), quick(func(o *Options) {
				o.Retry.Tries, o.State = 2, state
				o.Note = func(text string) { said.WriteString(text) }
			}))
			require.Error(t, err)
			fmt.Fprintf(&said, "%v %+v %#v %+v", err, err, err, summary)
			for e := err; e != nil; e = errors.Unwrap(e) {
				fmt.Fprintf(&said, "%v", e)
			}
			kept, err := os.ReadFile(state)
			if !errors.Is(err, os.ErrNotExist) { // nothing is kept where nothing arrived
				require.NoError(t, err)
			}
			said.Write(kept)
			require.NotContains(t, said.String(), testToken, i)
		}
		require.NotZero(t, seen.Load(), "the server had the token")
		server.Close()
	}

	for _, text := range []string{"", " \n", "two words", "line\nline", "gr\u00fcn", strings.Repeat("x", 20_000)} {
		_, err := NewToken(text)
		require.Error(t, err)
		if text = strings.TrimSpace(text); text != "" {
			require.NotContains(t, err.Error(), text)
		}
	}
	path := filepath.Join(t.TempDir(), "token")
	require.NoError(t, os.WriteFile(path, []byte("  "+testToken+"\r\n"), 0o600))
	read, err := TokenFile(path)
	require.NoError(t, err)
	require.Equal(t, testToken, read.text())
	_, err = TokenFile(filepath.Join(t.TempDir(), "nowhere"))
	require.ErrorContains(t, err, "read the token")
}

// TestJSONText: our own quoting is JSON, and says the same.
func TestJSONText(t *testing.T) {
	every := make([]byte, 256)
	for i := range every {
		every[i] = byte(i)
	}
	for _, text := range []string{"", "plain", string(every), "\u00e9\u2028\U0001f9c5", "\xed\xa0\x80", `"\`} {
		var back string
		require.NoError(t, json.Unmarshal(appendString(nil, text), &back), "%q", text)
		marshalled, err := json.Marshal(text)
		require.NoError(t, err)
		var want string
		require.NoError(t, json.Unmarshal(marshalled, &want))
		require.Equal(t, want, back)
	}
}

// A server may repeat the token in whatever letters.
func TestRepeatedToken(t *testing.T) {
	token, err := NewToken("a1b2c3d4-0000-1111-2222-abcdefabcdef")
	require.NoError(t, err)
	for _, text := range []string{"a1b2c3d4-0000-1111-2222-abcdefabcdef", "A1B2C3D4-0000-1111-2222-ABCDEFABCDEF", "A1b2c3d4-0000-1111-2222-abcdefABCDEF"} {
		require.Equal(t, "bad (secret)!", token.clean("bad "+text+"!"))
	}
	require.Equal(t, "bad xa1b2!", token.clean("bad xa1b2!"))
}
