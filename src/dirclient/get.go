package dirclient

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"time"

	"github.com/cenkalti/backoff/v5"

	"tordetect/src/text"
	"tordetect/src/web"
)

// Between two tries: about 1 s, then 2 s, 4 s, each half as long or half as
// long again at random, so that many installations do not come in step.
const (
	firstPause = time.Second
	pauseGrows = 2
)

// drained is how much of an answer that is not wanted is read, and for how
// long, so that its connection can serve the next request.
const (
	drained     = 16 << 10
	drainedTime = time.Second
)

// An ask is one document wanted of one server.
type ask struct {
	source Source
	url    *url.URL
	since  time.Time // If-Modified-Since; zero = none
	tries  int       // at most; at least 1
}

// get fetches one document, asking again where that may help. The error is an
// *Error.
func (c *Client) get(ctx context.Context, a ask) (Document, error) {
	var last *failure
	tries := 0
	pauses := &pauses{wait: c.wait, exponential: backoff.ExponentialBackOff{
		InitialInterval:     firstPause,
		RandomizationFactor: 0.5,
		Multiplier:          pauseGrows,
		MaxInterval:         c.limits.RetryAfter,
	}}
	doc, err := backoff.Retry(ctx, func() (Document, error) {
		tries++
		doc, failed := c.try(ctx, a)
		if failed == nil {
			return doc, nil
		}
		last = failed
		if !failed.again {
			return doc, backoff.Permanent(failed)
		}
		pauses.after = failed.after
		return doc, failed
	},
		backoff.WithBackOff(pauses),
		backoff.WithMaxTries(uint(a.tries)),
		// Not to wait for what comes too late anyway. Zero would mean for ever.
		backoff.WithMaxElapsedTime(max(time.Until(c.deadline), 1)),
	)
	if err == nil {
		return doc, nil
	}
	cause := last.err
	if stopped := context.Cause(ctx); stopped != nil && !errors.Is(cause, stopped) {
		cause = fmt.Errorf("%w, before another try; the last one: %v", stopped, cause)
	}
	failed := &Error{Source: a.source.text, URL: safeURL(a.url), Status: last.status, Tries: tries, Date: last.date, Err: cause}
	if errors.Is(cause, errTLS) {
		failed.advice = c.trust
	}
	return Document{}, failed
}

// pauses are the waits between tries: those of the back-off, or what the
// server asked for if that is longer.
type pauses struct {
	exponential backoff.ExponentialBackOff
	after       time.Duration
	wait        func(time.Duration) time.Duration
}

func (p *pauses) Reset() { p.exponential.Reset() }

func (p *pauses) NextBackOff() time.Duration {
	return p.wait(max(p.exponential.NextBackOff(), p.after))
}

// try asks once, and follows redirects.
func (c *Client) try(ctx context.Context, a ask) (Document, *failure) {
	ctx, cancel := context.WithTimeoutCause(ctx, c.limits.Request,
		because(ErrTooSlow, "not finished within %v", c.limits.Request))
	defer cancel()

	target := a.url
	insider := false // the source itself is at an inside address
	for hop := 0; ; hop++ {
		if c.requests >= c.limits.Requests {
			return Document{}, &failure{err: because(ErrSpent, "%d requests", c.requests)}
		}
		c.requests++
		doc, next, failed := c.hop(ctx, a, target, hop, &insider)
		if failed != nil || next == nil {
			return doc, failed
		}
		if hop == c.limits.Redirects {
			return Document{}, &failure{err: because(errRedirect, "more than %d, the last one to %s", c.limits.Redirects, text.Foreign(safeURL(next)))}
		}
		if err := c.checkRedirect(target, next, insider); err != nil {
			return Document{}, &failure{err: err}
		}
		target = next
	}
}

// hop sends one request and takes its answer: a document, the next target of
// a redirect, or a failure.
func (c *Client) hop(ctx context.Context, a ask, target *url.URL, number int, insider *bool) (doc Document, next *url.URL, failed *failure) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	watch := time.AfterFunc(c.limits.Answer, func() {
		cancel(because(ErrTooSlow, "no answer within %v", c.limits.Answer))
	})
	defer func() { watch.Stop() }()

	request, err := http.NewRequestWithContext(ctx, http.MethodGet, target.String(), nil)
	if err != nil {
		return doc, nil, &failure{err: because(errRedirect, "not a URL")} // our own URLs are sound
	}
	request.Header.Set("Accept-Encoding", acceptEncoding)
	request.Header["User-Agent"] = nil // none, as tor does; net/http sends its own unless told not to
	if !a.since.IsZero() {
		request.Header.Set("If-Modified-Since", a.since.UTC().Format(http.TimeFormat))
	}
	proxy, err := c.proxy(request)
	if err != nil {
		return doc, nil, &failure{err: because(errProxy, "the environment names one that is not a URL")}
	}
	if proxy != nil && c.used != nil {
		c.used(proxy)
	}

	transport := c.direct
	if number == 0 {
		*insider = insideName(target.Hostname(), c.inside)
		if proxy == nil {
			request = request.WithContext(httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
				GotConn: func(got httptrace.GotConnInfo) {
					*insider = *insider || c.inside(remoteAddr(got.Conn))
				},
			}))
		}
	} else {
		transport = c.redirected
		request = request.WithContext(allowInside(ctx, *insider || proxy != nil))
	}

	response, err := transport.RoundTrip(request)
	if err != nil {
		return doc, nil, networkFailure(ctx, err)
	}
	defer response.Body.Close()
	date, _ := http.ParseTime(response.Header.Get("Date"))
	defer func() {
		if failed != nil {
			failed.status, failed.date = response.StatusCode, date
		}
	}()
	watch.Stop()
	watch = time.AfterFunc(c.limits.Stall, func() {
		cancel(because(ErrTooSlow, "nothing more arrived for %v", c.limits.Stall))
	})
	if next, failed = c.judge(a, target, response); next != nil || failed != nil {
		watch.Reset(drainedTime)
		rest, _ := io.ReadAll(io.LimitReader(response.Body, drained)) // whatever becomes of it: the answer is known
		if title, page := web.Page(rest); page && title != "" && failed != nil && !errors.Is(failed.err, ErrNotFound) {
			failed.err = fmt.Errorf("%w; a web page came instead: %q", failed.err, title)
		}
		return doc, next, failed
	}

	doc = Document{URL: safeURL(target)}
	doc.Bytes, failed = c.receive(ctx, response, func() { watch.Reset(c.limits.Stall) })
	if failed != nil {
		return Document{}, nil, failed
	}
	return doc, nil, nil
}

// judge looks at the status: nil and nil = the body is the document.
func (c *Client) judge(a ask, target *url.URL, response *http.Response) (next *url.URL, failed *failure) {
	status := response.StatusCode
	fail := func(sort error) *failure {
		return &failure{err: because(sort, "HTTP status %d", status)}
	}
	switch status {
	case http.StatusOK:
		return nil, nil
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther,
		http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		next, err := target.Parse(response.Header.Get("Location"))
		if err != nil || response.Header.Get("Location") == "" {
			return nil, &failure{err: because(errRedirect, "HTTP status %d without a usable Location", status)}
		}
		return next, nil
	case http.StatusNotModified:
		if a.since.IsZero() {
			return nil, fail(errStatus) // nobody asked for that
		}
		return nil, fail(ErrNothingNewer)
	case http.StatusNotFound, http.StatusGone:
		return nil, fail(ErrNotFound)
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusUnavailableForLegalReasons:
		return nil, fail(errForbidden)
	case http.StatusProxyAuthRequired:
		return nil, fail(errProxy)
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		failed = fail(errBusy)
		failed.again = true
		failed.after = web.RetryAfter(response.Header.Get("Retry-After"), c.now())
		if failed.after > c.limits.RetryAfter {
			failed.again = false
			failed.err = because(errBusy, "HTTP status %d, and it asks us to wait %v", status, failed.after)
		}
		return nil, failed
	}
	return nil, fail(errStatus)
}
