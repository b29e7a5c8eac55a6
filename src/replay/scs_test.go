package replay

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tordetect/src/replay/recorded"
)

// An ingestService answers like that of Splunk Cloud Services, as far as the SDK's
// model and integration tests tell: a JSON array of at most 500 events and 1 MiB,
// each id kept once.
type ingestService struct {
	*httptest.Server
	answer func(n int, w http.ResponseWriter, r *http.Request, take func()) // of the nth request; nil = success
	token  string

	mu       sync.Mutex
	requests int
	largest  int // events
	bytes    int
	posts    map[string]int // by id: how often
	events   map[string]map[string]any
	path     string
	closed   chan struct{}
}

func newIngestService(t testing.TB) *ingestService {
	s := &ingestService{token: testToken, posts: map[string]int{}, events: map[string]map[string]any{}, closed: make(chan struct{})}
	s.Server = httptest.NewUnstartedServer(s)
	s.Server.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.Server.Start()
	t.Cleanup(func() { close(s.closed); s.Server.CloseClientConnections(); s.Server.Close() })
	return s
}

func (s *ingestService) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	s.mu.Lock()
	n := s.requests
	s.requests++
	s.path = r.URL.Path
	s.mu.Unlock()
	if r.Header.Get("Authorization") != "Bearer "+s.token {
		w.WriteHeader(401)
		fmt.Fprint(w, `{"code":"UNAUTHORIZED","message":"Authentication failed"}`)
		return
	}
	var events []map[string]any
	if err := json.Unmarshal(body, &events); err != nil || len(events) == 0 || len(events) > 500 || len(body) > 1<<20 {
		w.WriteHeader(400)
		fmt.Fprint(w, `{"code":"INVALID_DATA","message":"Invalid data format"}`)
		return
	}
	take := func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.largest, s.bytes = max(s.largest, len(events)), max(s.bytes, len(body))
		for _, e := range events {
			id, _ := e["id"].(string)
			s.posts[id]++
			s.events[id] = e
		}
	}
	if s.answer != nil {
		s.answer(n, w, r, take)
		return
	}
	take()
	fmt.Fprint(w, `{"code":"SUCCESS","message":"Success","details":{}}`)
}

func newSCS(t testing.TB, s *ingestService, timeout time.Duration) *SCS {
	t.Helper()
	scs, err := NewSCS(SCSConfig{URL: s.URL, Tenant: "corp", Token: token(t), Timeout: timeout})
	require.NoError(t, err)
	return scs
}

// bodies are the texts that arrived, and how often each under different ids.
func (s *ingestService) bodies() map[string]int {
	bodies := map[string]int{}
	for _, e := range s.events {
		bodies[e["body"].(string)]++
	}
	return bodies
}

func TestIngest(t *testing.T) {
	s := newIngestService(t)
	scs := newSCS(t, s, 0)
	require.Equal(t, s.URL+"/corp/ingest/v1beta2/events", scs.Name())
	files := panFile(t, 1200)
	files[0].Meta = recorded.Meta{Index: "main", Sourcetype: "pan:traffic", Source: "pan.log", Host: "pa-220"}
	summary, err := Run(context.Background(), scs, files, quick(nil))
	require.NoError(t, err)
	require.Equal(t, "/corp/ingest/v1beta2/events", s.path)
	require.EqualValues(t, 1200, summary.Accepted)
	require.EqualValues(t, 3, summary.Requests)
	require.Equal(t, 500, s.largest)
	require.Len(t, s.events, 1200, "each event has an id of its own")
	require.Len(t, s.bodies(), 1200)
	for id, e := range s.events {
		if e["body"] == panLine(7) {
			require.Equal(t, map[string]any{"body": panLine(7), "id": id, "timestamp": float64(noon.Add(14 * time.Second).UnixMilli()),
				"host": "pa-220", "source": "pan.log", "sourcetype": "pan:traffic", "attributes": map[string]any{"index": "main"}}, e)
		}
	}

	// The next replay is another one, and its ids too.
	_, err = Run(context.Background(), scs, files, quick(nil))
	require.NoError(t, err)
	require.Len(t, s.events, 2400)
}

// TestIngestFaults: everything that goes wrong, and all events arrive.
func TestIngestFaults(t *testing.T) {
	const events = 20_000
	s := newIngestService(t)
	random := rand.New(rand.NewPCG(3, 1))
	var mu sync.Mutex
	seen := map[int]int{}
	s.answer = func(_ int, w http.ResponseWriter, r *http.Request, take func()) {
		mu.Lock()
		kind := 0
		if random.IntN(3) == 0 {
			kind = 1 + random.IntN(9)
		}
		seen[kind]++
		mu.Unlock()
		switch kind {
		case 1: // 200 without a body: taken
			take()
		case 2:
			fmt.Fprint(w, `{"code":"PARTIAL_FAILURE","message":"try again"}`)
		case 3:
			w.WriteHeader(429)
			fmt.Fprint(w, `{"code":"TOO_MANY","message":"slow down"}`)
		case 4:
			w.WriteHeader(503)
		case 5:
			reset(w)
		case 6:
			take()
			reset(w)
		case 7:
			take()
			select {
			case <-r.Context().Done():
			case <-s.closed:
			}
		case 8: // cut in the middle of the answer
			take()
			w.Header().Set("Content-Length", "51")
			fmt.Fprint(w, `{"code":"SUCC`)
		case 9:
			w.WriteHeader(413)
		default:
			take()
			fmt.Fprint(w, `{"code":"SUCCESS","message":"Success","grease":[1]}`)
		}
	}
	scs := newSCS(t, s, 100*time.Millisecond)
	summary, err := Run(context.Background(), scs, panFile(t, events), quick(func(o *Options) { o.MaxEvents = 100 }))
	require.NoError(t, err)
	require.Len(t, s.events, events, "all arrive, and repeats have the same id")
	require.Len(t, s.bodies(), events)
	require.EqualValues(t, events, summary.Accepted)
	require.Len(t, seen, 10, "all faults happened")
	repeated := 0
	for _, times := range s.posts {
		if times > 1 {
			repeated++
		}
	}
	require.NotZero(t, repeated)
	require.LessOrEqual(t, int64(repeated), summary.MaybeTwice)
	require.Equal(t, AtLeastOnce, summary.Delivery())
	require.True(t, summary.DropsRepeats)
}

// TestIngestBytes: a request stays within the limit, whatever JSON makes of the
// text.
func TestIngestBytes(t *testing.T) {
	s := newIngestService(t)
	line := strings.Repeat(`<&"\`, 2000) + "\u2028\x01"
	var text strings.Builder
	for i := range 400 {
		fmt.Fprintf(&text, "%d %s\n", i, line)
	}
	fmt.Fprintf(&text, "%s\nlast\n", strings.Repeat("<", 200_000)) // 1.2 MB as JSON
	summary, err := Run(context.Background(), newSCS(t, s, 0), dataset(t, "a.log", []byte(text.String()), recorded.Meta{}), quick(nil))
	require.NoError(t, err)
	require.EqualValues(t, 401, summary.Accepted)
	require.EqualValues(t, 1, summary.Refused)
	require.LessOrEqual(t, s.bytes, scsBytes)
	require.Greater(t, s.bytes, scsBytes*8/10)
}

func TestIngestAnswers(t *testing.T) {
	f := func(text string, requests int64, answer func(w http.ResponseWriter, r *http.Request)) {
		t.Helper()
		s := newIngestService(t)
		s.answer = func(_ int, w http.ResponseWriter, r *http.Request, _ func()) { answer(w, r) }
		summary, err := Run(context.Background(), newSCS(t, s, 150*time.Millisecond), panFile(t, 3), quick(func(o *Options) { o.Retry.Tries = 2 }))
		require.ErrorContains(t, err, text)
		require.Zero(t, summary.Accepted, text)
		require.Equal(t, requests, summary.Requests, text)
	}
	body := func(status int, text string) func(http.ResponseWriter, *http.Request) {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			fmt.Fprint(w, text)
		}
	}
	f(`HTTP status 400 "INVALID bad event"`, 1, body(400, `{"code":"INVALID","message":"bad event"}`))
	f(`HTTP status 401 "UNAUTHORIZED no"; check the token`, 1, body(401, `{"code":"UNAUTHORIZED","message":"no"}`))
	f(`HTTP status 403; check the token`, 1, body(403, "<html>"))
	f(`HTTP status 404`, 1, body(404, ""))
	f(`HTTP status 429 "SLOW"`, 2, body(429, `{"code":"SLOW"}`))
	f(`and the server asks us to wait 1h0m0s`, 1, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "3600")
		w.WriteHeader(429)
	})
	f(`HTTP status 503`, 2, body(503, ""))
	f(`HTTP status 200, code "PARTIAL" "some" (tried 2 times)`, 2, body(200, `{"code":"PARTIAL","message":"some"}`))
	f(`HTTP status 200, but not the ingest service's answer`, 1, body(200, "<html>welcome"))
	f(`HTTP status 200, but not the ingest service's answer`, 1, body(200, `{"text":"Success"}`))
	f(`HTTP status 302, a redirect, which is not followed`, 1, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "http://192.0.2.1/", http.StatusFound)
	})
	f(`HTTP status 307, a redirect`, 1, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "http://192.0.2.1/", http.StatusTemporaryRedirect)
	})
	f(`no answer within 150ms (tried 2 times)`, 2, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	f(`the connection was dropped: read: connection reset by peer`, 2, func(w http.ResponseWriter, _ *http.Request) { reset(w) })
	f(`HTTP status 400`, 1, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(400)
		piece := make([]byte, 100_000)
		for range 1000 { // far more than is read
			if _, err := w.Write(piece); err != nil {
				return
			}
		}
	})
}

// TestIngestCancelled: the SDK knows no context, and still stops at once.
func TestIngestCancelled(t *testing.T) {
	s := newIngestService(t)
	ctx, cancel := context.WithCancel(context.Background())
	s.answer = func(_ int, _ http.ResponseWriter, r *http.Request, _ func()) {
		cancel()
		<-r.Context().Done()
	}
	begin := time.Now()
	summary, err := Run(ctx, newSCS(t, s, time.Minute), panFile(t, 3), quick(nil))
	require.ErrorIs(t, err, context.Canceled)
	require.Less(t, time.Since(begin), 20*time.Second)
	require.EqualValues(t, 3, summary.Unconfirmed)
	require.Zero(t, summary.Accepted)
}

func TestIngestConfiguration(t *testing.T) {
	f := func(text string, config SCSConfig) {
		t.Helper()
		config.Token = token(t)
		_, err := NewSCS(config)
		require.ErrorContains(t, err, text)
	}
	f("no URL", SCSConfig{Tenant: "t"})
	f("the URL has a path", SCSConfig{URL: "https://api/x", Tenant: "t"})
	f(`bad tenant ""`, SCSConfig{URL: "https://api"})
	f(`bad tenant "a/b"`, SCSConfig{URL: "https://api", Tenant: "a/b"})
	f(`bad tenant ".."`, SCSConfig{URL: "https://api", Tenant: ".."})
	_, err := NewSCS(SCSConfig{URL: "https://api", Tenant: "t"})
	require.EqualError(t, err, "no token")
}
