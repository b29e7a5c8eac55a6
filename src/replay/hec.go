package replay

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"tordetect/src/replay/recorded"
	"tordetect/src/text"
	"tordetect/src/web"
)

// HECConfig is how to reach an HTTP Event Collector.
type HECConfig struct {
	URL     string // https://HOST:8088; a path of a proxy in front is kept
	Token   Token
	Event   bool          // the event endpoint; else the raw one
	Channel string        // a GUID; "" = one is made
	Ack     bool          // the token has indexer acknowledgement: wait for it
	Gzip    bool          // compress the requests
	Server  web.Server    // whom to take for it
	Timeout time.Duration // of one request; 0 = 30 s
	Now     func() time.Time
}

// HEC is an HTTP Event Collector (Splunk, "Format events for HTTP Event
// Collector" and "HTTP Event Collector REST API endpoints"). The raw endpoint
// takes the lines as they are, broken and dated by Splunk as a file would be; the
// event endpoint takes each as JSON with its time beside it.
type HEC struct {
	config HECConfig
	base   *url.URL
	own    bool
	client *http.Client
	buffer []byte
}

// Most of a request. Splunk's max_content_length was 1,000,000 before version 9,
// and many proxies stop at 1 MB.
const (
	hecEvents = 1000
	hecBytes  = 800_000
)

// NewHEC checks the configuration; it sends nothing.
func NewHEC(config HECConfig) (*HEC, error) {
	base, err := parseBase(config.URL)
	if err != nil {
		return nil, err
	}
	for _, tail := range []string{"/raw", "/event", "/services/collector"} {
		base.Path = strings.TrimSuffix(base.Path, tail)
	}
	if config.Token.text() == "" {
		return nil, errors.New("no token")
	}
	h := &HEC{config: config, base: base, own: config.Channel == ""}
	if h.own {
		h.config.Channel = newID()
	} else if !isGUID(config.Channel) {
		return nil, fmt.Errorf("bad channel %q: want a GUID such as %s", text.Foreign(config.Channel), newID())
	}
	defaulted(&h.config.Timeout, 30*time.Second)
	if h.config.Now == nil {
		h.config.Now = time.Now
	}
	if err := proven(base, config.Server); err != nil {
		return nil, err
	}
	way, err := transport(config.Server)
	if err != nil {
		return nil, err
	}
	// Acknowledgements live on the indexer that took the request: a load balancer
	// finds it again by its cookie.
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, err
	}
	h.client = &http.Client{Transport: way, Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return h, nil
}

func (h *HEC) endpoint(name string) *url.URL { return h.base.JoinPath("services/collector", name) }

func (h *HEC) kind() string {
	if h.config.Event {
		return "event"
	}
	return "raw"
}

// Name is the address of the endpoint.
func (h *HEC) Name() string { return h.endpoint(h.kind()).String() }

// Traits of a collector.
func (h *HEC) Traits() Traits {
	return Traits{Events: hecEvents, Bytes: hecBytes, CarriesTime: h.config.Event, Acks: h.config.Ack, Channel: h.config.Channel, OwnChannel: h.own}
}

// Size of an event in a request, unpacked.
func (h *HEC) Size(meta recorded.Meta, e *recorded.Event) int {
	if !h.config.Event {
		return len(e.Text) + 1
	}
	h.buffer = appendEvent(h.buffer[:0], meta, e)
	return len(h.buffer)
}

// Send posts a batch.
func (h *HEC) Send(ctx context.Context, batch Batch) (int64, error) {
	var body []byte
	target := h.endpoint(h.kind())
	if h.config.Event {
		for _, e := range batch.Events {
			body = appendEvent(body, batch.Meta, e)
		}
	} else {
		query := url.Values{}
		for key, value := range map[string]string{"index": batch.Meta.Index, "sourcetype": batch.Meta.Sourcetype, "source": batch.Meta.Source, "host": batch.Meta.Host} {
			if value != "" {
				query.Set(key, value)
			}
		}
		target.RawQuery = query.Encode()
		for _, e := range batch.Events {
			body = append(append(body, e.Text...), '\n')
		}
	}
	response, answer, err := h.post(ctx, target, batch.Channel, body, h.config.Gzip)
	if err != nil {
		return -1, err
	}
	said, ok := parseAnswer(answer)
	good := response.StatusCode >= 200 && response.StatusCode < 300
	if good && !ok && strings.TrimSpace(string(answer)) == oldOK {
		said.Code, ok = new(int), true
	}
	switch {
	case good && !ok:
		return -1, strange(response.StatusCode, answer, "a collector's", h.config.Token.clean)
	case !good || *said.Code != 0:
		return -1, h.failure(response, said, ok, answer)
	case !h.config.Ack:
		return -1, nil
	case said.AckID == nil, *said.AckID < 0:
		return -1, &Failure{Outcome: Unclear, Status: 200, Code: 0, Event: -1, Advice: collectorAdvice[codeNoAck],
			Err: errors.New("the collector took the events without an acknowledgement id, so this token has no indexer acknowledgement")}
	}
	return *said.AckID, nil
}

// oldOK is all that the collector of OpenTelemetry said until the middle of 2023.
const oldOK = `"OK"`

// failure is an answer that is not success.
func (h *HEC) failure(response *http.Response, said collectorAnswer, ok bool, answer []byte) *Failure {
	if !ok {
		text := h.config.Token.clean(strings.TrimSpace(string(answer)))
		title, page := web.Page(answer)
		if page || strings.HasPrefix(text, "<") {
			text = "" // the status says as much, or the page's title
		}
		f := answered(response, -1, text, -1, h.config.Now())
		if title != "" && response.StatusCode/100 != 3 {
			f.Err = fmt.Errorf("%w, and a web page came instead of a collector's answer: %q", f.Err, h.config.Token.clean(title))
			f.Advice = pageAdvice
		}
		return f
	}
	event := -1
	if said.Event != nil {
		event = *said.Event
	}
	f := answered(response, *said.Code, h.config.Token.clean(said.Text), event, h.config.Now())
	if response.StatusCode/100 == 2 {
		f.Outcome = Refused
	}
	return f
}

// Confirm asks /services/collector/ack.
func (h *HEC) Confirm(ctx context.Context, channel string, ids []int64) (map[int64]bool, error) {
	body, err := json.Marshal(map[string][]int64{"acks": ids})
	if err != nil {
		return nil, err
	}
	response, answer, err := h.post(ctx, h.endpoint("ack"), channel, body, false)
	if err != nil {
		return nil, err
	}
	var acks struct {
		Acks map[string]bool `json:"acks"`
	}
	if response.StatusCode != http.StatusOK {
		said, ok := parseAnswer(answer)
		return nil, h.failure(response, said, ok, answer)
	}
	if err := json.Unmarshal(answer, &acks); err != nil || acks.Acks == nil {
		f := strange(response.StatusCode, answer, "a collector's", h.config.Token.clean)
		f.Outcome = Lost // asking does no harm
		return nil, f
	}
	confirmed := map[int64]bool{}
	for text, yes := range acks.Acks {
		if id, err := strconv.ParseInt(text, 10, 64); err == nil && yes {
			confirmed[id] = true
		}
	}
	return confirmed, nil
}

// post sends a body and reads the answer, bounded in time and size.
func (h *HEC) post(ctx context.Context, target *url.URL, channel string, body []byte, pack bool) (*http.Response, []byte, error) {
	ctx, line, cancel := limited(ctx, h.config.Timeout)
	defer cancel()
	if pack {
		var packed bytes.Buffer
		w := gzip.NewWriter(&packed)
		_, err := w.Write(body)
		if err = errors.Join(err, w.Close()); err != nil {
			return nil, nil, err
		}
		body = packed.Bytes()
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, target.String(), bytes.NewReader(body))
	if err != nil {
		return nil, nil, err
	}
	request.Header.Set("Authorization", "Splunk "+h.config.Token.text())
	request.Header.Set("X-Splunk-Request-Channel", channel)
	request.Header.Set("Content-Type", "application/json")
	if target.Path == h.endpoint("raw").Path {
		request.Header.Set("Content-Type", "text/plain")
	}
	if pack {
		request.Header.Set("Content-Encoding", "gzip")
	}
	response, err := h.client.Do(request)
	if err != nil {
		return nil, nil, broken(ctx, err, line, h.config.Timeout, h.config.Token.clean)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil && response.StatusCode == http.StatusOK {
		return nil, nil, broken(ctx, err, line, h.config.Timeout, h.config.Token.clean)
	}
	return response, answer, nil
}

// appendEvent is an event as the event endpoint takes it. The line stays one
// string, also where it is JSON itself, so that Splunk stores it as it was.
func appendEvent(dst []byte, meta recorded.Meta, e *recorded.Event) []byte {
	dst = append(dst, '{')
	if !e.Time.IsZero() {
		dst = append(dst, `"time":`...)
		dst = appendEpoch(dst, e.Time)
		dst = append(dst, ',')
	}
	for _, m := range [...]struct{ key, value string }{{"host", meta.Host}, {"source", meta.Source}, {"sourcetype", meta.Sourcetype}, {"index", meta.Index}} {
		if m.value != "" {
			dst = append(dst, '"')
			dst = append(dst, m.key...)
			dst = append(dst, `":`...)
			dst = appendString(dst, m.value)
			dst = append(dst, ',')
		}
	}
	dst = append(dst, `"event":`...)
	dst = appendString(dst, string(e.Text))
	return append(dst, '}')
}

// appendEpoch is a time in seconds, with microseconds where it has some.
func appendEpoch(dst []byte, t time.Time) []byte {
	dst = strconv.AppendInt(dst, t.Unix(), 10)
	if micros := t.Nanosecond() / 1000; micros != 0 {
		dst = append(dst, fmt.Sprintf(".%06d", micros)...)
	}
	return dst
}

// appendString is a text as JSON. Bytes that are not UTF-8 become U+FFFD.
func appendString(dst []byte, text string) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	done := 0
	for i := 0; i < len(text); {
		c := text[i]
		if c >= utf8.RuneSelf {
			r, size := utf8.DecodeRuneInString(text[i:])
			if r == utf8.RuneError && size == 1 {
				dst = append(append(dst, text[done:i]...), "\ufffd"...)
				done = i + 1
			}
			i += size
			continue
		}
		i++
		if c >= ' ' && c != '"' && c != '\\' {
			continue
		}
		dst = append(dst, text[done:i-1]...)
		switch c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\t':
			dst = append(dst, `\t`...)
		default:
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		}
		done = i
	}
	return append(append(dst, text[done:]...), '"')
}

// newID is a random UUID (RFC 9562, version 4).
func newID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

func isGUID(text string) bool {
	if len(text) != 36 {
		return false
	}
	for i, c := range text {
		switch {
		case i == 8 || i == 13 || i == 18 || i == 23:
			if c != '-' {
				return false
			}
		case !strings.ContainsRune("0123456789abcdefABCDEF", c):
			return false
		}
	}
	return true
}
