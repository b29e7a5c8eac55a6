package replay

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tordetect/src/replay/recorded"
)

const testToken = "7b1c5e0a-5d1f-4b7e-9d55-000000c0ffee"

var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

// A fault is what a server does to a request instead of answering it well.
type fault int

const (
	fine       fault = iota
	busy             // 503, the collector's code 9
	tooMany          // 429
	tooLarge         // 413
	dropBefore       // the connection is reset, and nothing was taken
	dropAfter        // it was taken, then the connection is reset
	hangBefore       // no answer, and nothing was taken
	hangAfter        // it was taken, and no answer
	badGateway       // 502 of a proxy; it was taken
	kinds
)

// A collector answers like Splunk's HTTP Event Collector (Splunk, "Troubleshoot
// HTTP Event Collector" and "HTTP Event Collector indexer acknowledgment"): codes,
// channels, acknowledgements that are told once, gzip.
type collector struct {
	*httptest.Server
	acks    bool
	largest int64                              // of a body, unpacked
	slow    int                                // questions about an id until it is indexed
	base    int64                              // the first id of a channel
	fault   func(n int, r *http.Request) fault // of the nth request; nil = all fine

	faults   sync.Mutex // so that fault may count
	mu       sync.Mutex
	requests int
	arrived  map[string]int // events, how often
	metas    map[string]int
	posted   []map[string]any // event endpoint: the last request's
	headers  http.Header      // of the last request that carried events
	channels map[string]*ackChannel
	closed   chan struct{}
}

type ackChannel struct {
	next   int64
	open   map[int64]int      // questions so far
	events map[int64][]string // not told yet that they are indexed
}

// restart forgets all channels, and of what nobody was told of loses what it likes.
func (c *collector) restart(loses func() bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, ch := range c.channels {
		for _, id := range slices.Sorted(maps.Keys(ch.events)) {
			if !loses() {
				continue
			}
			for _, e := range ch.events[id] {
				c.arrived[e]--
			}
		}
	}
	c.channels = map[string]*ackChannel{}
}

func newCollector(t testing.TB, acks bool) *collector {
	c := &collector{acks: acks, largest: 1_000_000, arrived: map[string]int{}, metas: map[string]int{}, channels: map[string]*ackChannel{}, closed: make(chan struct{})}
	c.Server = httptest.NewUnstartedServer(c)
	c.Server.Config.ErrorLog = log.New(io.Discard, "", 0) // of clients that we make go away
	t.Cleanup(func() {
		close(c.closed)
		c.Server.CloseClientConnections()
		c.Server.Close()
	})
	return c
}

func say(w http.ResponseWriter, status, code int, text string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	fmt.Fprintf(w, `{"text":%q,"code":%d}`, text, code)
}

func (c *collector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	c.mu.Lock()
	n := c.requests
	c.requests++
	c.mu.Unlock()
	f := fine
	if c.fault != nil {
		c.faults.Lock()
		f = c.fault(n, r)
		c.faults.Unlock()
	}
	switch f {
	case busy:
		say(w, 503, 9, "Server is busy")
		return
	case tooMany:
		w.Header().Set("Retry-After", "0")
		http.Error(w, "slow down", http.StatusTooManyRequests)
		return
	case tooLarge:
		http.Error(w, "<html>too large</html>", http.StatusRequestEntityTooLarge)
		return
	case dropBefore:
		reset(w)
		return
	case hangBefore:
		c.hang(r)
		return
	}
	answer := httptest.NewRecorder()
	c.mu.Lock()
	c.take(answer, r, body)
	c.mu.Unlock()
	switch f {
	case dropAfter:
		reset(w)
		return
	case hangAfter:
		c.hang(r)
		return
	case badGateway:
		http.Error(w, "<html>bad gateway</html>", http.StatusBadGateway)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(answer.Code)
	_, _ = w.Write(answer.Body.Bytes())
}

func (c *collector) hang(r *http.Request) {
	select {
	case <-r.Context().Done():
	case <-c.closed:
	}
}

func reset(w http.ResponseWriter) {
	conn, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		return
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	conn.Close()
}

func (c *collector) take(w http.ResponseWriter, r *http.Request, body []byte) {
	if !isAsk(r) {
		c.headers = r.Header.Clone()
	}
	kind, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	switch {
	case token == "":
		say(w, 401, 2, "Token is required")
		return
	case kind != "Splunk":
		say(w, 401, 3, "Invalid authorization")
		return
	case token != testToken:
		say(w, 403, 4, "Invalid token")
		return
	}
	if r.Header.Get("Content-Encoding") == "gzip" {
		unpacked, err := gzip.NewReader(bytes.NewReader(body))
		if err == nil {
			body, err = io.ReadAll(unpacked)
		}
		if err != nil {
			say(w, 400, 6, "Invalid data format")
			return
		}
	}
	channel := r.Header.Get("X-Splunk-Request-Channel")
	if channel == "" && (c.acks || strings.HasSuffix(r.URL.Path, "/raw")) {
		say(w, 400, 10, "Data channel is missing")
		return
	}
	if channel != "" && !isGUID(channel) {
		say(w, 400, 11, "Invalid data channel")
		return
	}
	var events []string
	switch {
	case int64(len(body)) > c.largest:
		http.Error(w, "<html>too large</html>", http.StatusRequestEntityTooLarge)
		return
	case r.URL.Path == "/services/collector/ack":
		c.acknowledge(w, channel, body)
		return
	case len(body) == 0:
		say(w, 400, 5, "No data")
		return
	case r.URL.Path == "/services/collector/raw":
		if r.URL.Query().Get("index") == "forbidden" {
			say(w, 400, 7, "Incorrect index")
			return
		}
		c.metas[r.URL.RawQuery]++
		events = strings.Split(strings.TrimSuffix(string(body), "\n"), "\n")
	case r.URL.Path == "/services/collector/event":
		var ok bool
		if events, ok = c.parse(w, body); !ok {
			return
		}
	default:
		http.Error(w, "<html>not found</html>", 404)
		return
	}
	for _, e := range events {
		c.arrived[e]++
	}
	if !c.acks {
		say(w, 200, 0, "Success")
		return
	}
	ch := c.channels[channel]
	if ch == nil {
		ch = &ackChannel{next: c.base, open: map[int64]int{}, events: map[int64][]string{}}
		c.channels[channel] = ch
	}
	ch.open[ch.next], ch.events[ch.next] = 0, events
	fmt.Fprintf(w, `{"text":"Success","code":0,"ackId":%d}`, ch.next)
	ch.next++
}

func (c *collector) parse(w http.ResponseWriter, body []byte) (events []string, ok bool) {
	c.posted = nil
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	for n := 0; ; n++ {
		var e map[string]any
		if err := decoder.Decode(&e); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			w.WriteHeader(400)
			fmt.Fprintf(w, `{"text":"Invalid data format","code":6,"invalid-event-number":%d}`, n)
			return nil, false
		}
		text, isText := e["event"].(string)
		if !isText {
			say(w, 400, 12, "Event field is required")
			return nil, false
		}
		if text == "" {
			say(w, 400, 13, "Event field cannot be blank")
			return nil, false
		}
		events = append(events, text)
		c.posted = append(c.posted, e)
	}
	return events, true
}

// acknowledge tells which ids are indexed; what was told is forgotten.
func (c *collector) acknowledge(w http.ResponseWriter, channel string, body []byte) {
	if !c.acks {
		say(w, 400, 14, "ACK is disabled")
		return
	}
	var asked struct{ Acks []int64 }
	if err := json.Unmarshal(body, &asked); err != nil {
		say(w, 400, 6, "Invalid data format")
		return
	}
	told := map[string]bool{}
	for _, id := range asked.Acks {
		told[fmt.Sprint(id)] = false
		if ch := c.channels[channel]; ch != nil {
			if n, ok := ch.open[id]; ok {
				ch.open[id]++
				if n >= c.slow {
					delete(ch.open, id)
					delete(ch.events, id)
					told[fmt.Sprint(id)] = true
				}
			}
		}
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"acks": told})
}

// missing and repeated are how many of the n events of panFile did not arrive, and
// how many arrived more than once.
func (c *collector) missing(n int) (missing, repeated int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range n {
		switch times := c.arrived[panLine(i)]; {
		case times == 0:
			missing++
		case times > 1:
			repeated++
		}
	}
	return missing, repeated
}

// panLine is the ith event: one every two seconds from noon.
func panLine(i int) string {
	at := noon.Add(time.Duration(2*i) * time.Second).Format("2006/01/02 15:04:05")
	return fmt.Sprintf("1,%s,012345678901,TRAFFIC,end,2561,%s,10.20.%d.%d,198.51.100.23,,,Outbound_Allow,,,ssl,vsys1,Trust,Untrust,ethernet1/2,ethernet1/1,fwd_splunk,%s,%d,1,50624,9001,0,0,0x19,tcp,allow,7419,6609,810,25,%s,65,any,0",
		at, at, i>>8&0xff, i&0xff, at, i, at)
}

func panFile(t testing.TB, n int) []recorded.Dataset {
	t.Helper()
	var b bytes.Buffer
	for i := range n {
		b.WriteString(panLine(i))
		b.WriteByte('\n')
	}
	return dataset(t, "pan.log", b.Bytes(), recorded.Meta{Sourcetype: "pan:traffic"})
}

func dataset(t testing.TB, name string, content []byte, meta recorded.Meta) []recorded.Dataset {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, content, 0o600))
	files, err := recorded.Open([]string{path}, meta)
	require.NoError(t, err)
	return files
}

func token(t testing.TB) Token {
	t.Helper()
	token, err := NewToken(testToken)
	require.NoError(t, err)
	return token
}

func newHEC(t testing.TB, c *collector, change func(*HECConfig)) *HEC {
	t.Helper()
	if c.URL == "" {
		c.Start()
	}
	config := HECConfig{URL: c.URL, Token: token(t), Ack: c.acks, Timeout: 5 * time.Second}
	if change != nil {
		change(&config)
	}
	hec, err := NewHEC(config)
	require.NoError(t, err)
	t.Cleanup(hec.client.CloseIdleConnections)
	return hec
}

// quick are options that do not wait long.
func quick(change func(*Options)) Options {
	o := Options{
		Retry: Retry{First: time.Millisecond, Longest: 5 * time.Millisecond},
		Ack:   Ack{Poll: 2 * time.Millisecond, Timeout: 300 * time.Millisecond, Settle: 200 * time.Millisecond},
	}
	if change != nil {
		change(&o)
	}
	return o
}
