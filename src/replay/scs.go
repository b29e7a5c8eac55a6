package replay

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/splunk/splunk-cloud-sdk-go/services"
	"github.com/splunk/splunk-cloud-sdk-go/services/ingest"
	"github.com/splunk/splunk-cloud-sdk-go/util"

	"tordetect/src/replay/recorded"
	"tordetect/src/text"
	"tordetect/src/web"
)

// SCSConfig is how to reach the ingest service of Splunk Cloud Services.
type SCSConfig struct {
	URL     string // https://HOST[:PORT], without a path
	Tenant  string
	Token   Token
	Server  web.Server    // whom to take for it
	Timeout time.Duration // of one request; 0 = 30 s
	Now     func() time.Time
}

// SCS is the ingest service of Splunk Cloud Services, which is neither Splunk
// Enterprise nor Splunk Cloud Platform: these have a collector.
//
// It is reached through Splunk's SDK, but with batches of our own: the SDK's
// BatchEventsSender loses one event of each full batch without an error.
type SCS struct {
	config SCSConfig
	base   *url.URL
	events poster
	way    *way
}

// poster is what is used of the SDK.
type poster interface {
	PostEvents(events []ingest.Event, response ...*http.Response) (*ingest.HttpResponse, error)
}

// Most of a request: the SDK's own limits (services/ingest/batch_events_sender.go).
const (
	scsEvents = 500
	scsBytes  = 1_040_000
)

// NewSCS checks the configuration; it sends nothing.
func NewSCS(config SCSConfig) (*SCS, error) {
	base, err := parseBase(config.URL)
	if err != nil {
		return nil, err
	}
	if base.Path != "" {
		return nil, errors.New("the URL has a path: want https://HOST:PORT; the tenant is given by itself")
	}
	// The SDK takes an empty tenant and then posts to nobody's address.
	if config.Tenant == "" || strings.ContainsFunc(config.Tenant, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_')
	}) {
		return nil, fmt.Errorf("bad tenant %q: want its name, of letters, digits, - and _", text.Foreign(config.Tenant))
	}
	if config.Token.text() == "" {
		return nil, errors.New("no token")
	}
	defaulted(&config.Timeout, 30*time.Second)
	if config.Now == nil {
		config.Now = time.Now
	}
	if err := proven(base, config.Server); err != nil {
		return nil, err
	}
	direct, err := transport(config.Server)
	if err != nil {
		return nil, err
	}
	s := &SCS{config: config, base: base, way: &way{direct: direct}}
	client, err := services.NewClient(&services.Config{
		Token:        config.Token.text(),
		Tenant:       config.Tenant,
		Scheme:       base.Scheme,
		OverrideHost: base.Host,
		RoundTripper: s.way,
		// The limit is the context's; the SDK's own must not come before it.
		Timeout: config.Timeout + time.Minute,
	})
	if err != nil {
		return nil, errors.New(config.Token.clean(err.Error()))
	}
	s.events = ingest.NewService(client)
	return s, nil
}

// Name is the address of the tenant's ingest service.
func (s *SCS) Name() string {
	return s.base.JoinPath(s.config.Tenant, "ingest/v1beta2/events").String()
}

// Traits of the ingest service.
func (s *SCS) Traits() Traits {
	return Traits{Events: scsEvents, Bytes: scsBytes - len("[]"), CarriesTime: true, DropsRepeats: true}
}

// Size of an event in a request.
func (s *SCS) Size(meta recorded.Meta, e *recorded.Event) int {
	text, err := json.Marshal(ingestEvent(Batch{Meta: meta, Run: newID(), File: "x"}, e))
	if err != nil {
		return scsBytes + 1 // cannot be: strings and numbers alone
	}
	return len(text) + len(",")
}

// ingestEvent has an id that is the same when it is sent again in this replay,
// and another in the next one.
func ingestEvent(batch Batch, e *recorded.Event) ingest.Event {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\x00%s\x00%d", batch.Run, batch.File, e.From))
	id := hex.EncodeToString(sum[:16])
	optional := func(text string) *string {
		if text == "" {
			return nil
		}
		return &text
	}
	event := ingest.Event{Body: string(e.Text), Id: &id,
		Host: optional(batch.Meta.Host), Source: optional(batch.Meta.Source), Sourcetype: optional(batch.Meta.Sourcetype)}
	if batch.Meta.Index != "" {
		event.Attributes = map[string]interface{}{"index": batch.Meta.Index}
	}
	if !e.Time.IsZero() {
		millis := e.Time.UnixMilli()
		event.Timestamp = &millis
	}
	return event
}

// Send posts a batch.
func (s *SCS) Send(ctx context.Context, batch Batch) (int64, error) {
	events := make([]ingest.Event, len(batch.Events))
	for i, e := range batch.Events {
		events[i] = ingestEvent(batch, e)
	}
	ctx, line, cancel := limited(ctx, s.config.Timeout)
	defer cancel()
	s.way.ctx = ctx
	said, err := s.events.PostEvents(events)
	var refused *util.HTTPError
	notOurs := &Failure{Outcome: Unclear, Status: s.way.status, Code: -1, Event: -1,
		Err: fmt.Errorf("HTTP status %d, but not the ingest service's answer", s.way.status), Advice: "check the URL: a proxy or another service answers there"}
	switch {
	case s.way.status >= 300 && s.way.status < 400: // no error for the SDK
		return -1, answered(s.way.answer(s.way.status), -1, "", -1, s.config.Now())
	case err == nil && said.Code != nil && *said.Code != "SUCCESS":
		// No error for the SDK. What became of the events is not said.
		return -1, &Failure{Outcome: Lost, Status: s.way.status, Code: -1, Event: -1,
			Err: fmt.Errorf("HTTP status %d, code%s%s", s.way.status, s.quoted(said.Code), s.quoted(said.Message)), Advice: "look into the service's documentation for this code"}
	case err == nil && s.way.status != http.StatusNoContent && said.Code == nil:
		return -1, notOurs
	case err == nil:
		return -1, nil
	case err == io.EOF && s.way.status == http.StatusOK && !s.way.cut: //nolint:errorlint // bare, from reading an empty body; wrapped, it is a dropped connection
		return -1, nil
	case s.way.status >= 200 && s.way.status < 300 && !s.way.cut && ctx.Err() == nil:
		return -1, notOurs
	case errors.As(err, &refused):
		f := answered(s.way.answer(refused.HTTPStatusCode), -1, s.said(refused), -1, s.config.Now())
		if refused.HTTPStatusCode == http.StatusServiceUnavailable && refused.Code != "" {
			f.Outcome = NotTaken // the service's own word
		}
		return -1, f
	}
	return -1, broken(ctx, err, line, s.config.Timeout, s.config.Token.clean)
}

func (s *SCS) quoted(text *string) string {
	if text == nil {
		return ""
	}
	return fmt.Sprintf(" %q", s.config.Token.clean(*text))
}

func (s *SCS) said(e *util.HTTPError) string {
	return s.config.Token.clean(strings.TrimSpace(e.Code + " " + e.Message))
}

// way is the seam that the SDK, which knows no context, leaves for cancelling
// and for limits.
type way struct {
	direct http.RoundTripper
	ctx    context.Context
	status int
	header http.Header
	cut    bool // the body broke off
}

func (w *way) RoundTrip(r *http.Request) (*http.Response, error) {
	w.status, w.header, w.cut = 0, nil, false
	response, err := w.direct.RoundTrip(r.WithContext(w.ctx))
	if err != nil {
		return nil, err
	}
	w.status, w.header = response.StatusCode, response.Header
	if response.StatusCode >= 300 && response.StatusCode < 400 {
		response.Header = response.Header.Clone()
		response.Header.Del("Location") // so that net/http does not follow it
	}
	response.Body = &boundedBody{Reader: io.LimitReader(response.Body, maxAnswer), Closer: response.Body, way: w}
	return response, nil
}

// answer is the last answer with its headers.
func (w *way) answer(status int) *http.Response {
	header := w.header
	if header == nil {
		header = http.Header{}
	}
	return &http.Response{StatusCode: status, Header: header}
}

type boundedBody struct {
	io.Reader
	io.Closer
	way *way
}

func (b *boundedBody) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	if err != nil && err != io.EOF { //nolint:errorlint // readers return it bare
		b.way.cut = true
	}
	return n, err
}
