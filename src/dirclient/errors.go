package dirclient

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"strings"
	"time"

	"tordetect/src/text"
)

// What a caller may branch on, by errors.Is.
var (
	// ErrNothingNewer: the source answered, and has nothing newer than what
	// the caller holds. Only the server says so, and over plain HTTP anybody may:
	// a caller whose newest list is hours old should ask another source.
	ErrNothingNewer error = &problem{"nothing newer than what is there already", ""}

	// ErrNotFound: the source answered, and has no such document.
	ErrNotFound error = &problem{"no such document there", "try another source"}

	// ErrTooLarge: more than a size in Limits.
	ErrTooLarge error = &problem{"larger than allowed", "this is not what the source should hold: try another one"}

	// ErrTooSlow: longer than a time in Limits.
	ErrTooSlow error = &problem{"too slow", "try again later, or another source"}

	// ErrSpent: the client's total of time or requests is used up.
	ErrSpent error = &problem{"this update's time or number of requests is used up", "start it again later: what is there already is not fetched again"}
)

// Causes that only people read.
var (
	errBusy      = &problem{"the server is busy", "try again later, or another source"}
	errForbidden = &problem{"the server refuses us", "it may block this network or proxy: try another source"}
	errStatus    = &problem{"unexpected answer", "try another source"}
	errRedirect  = &problem{"redirect refused", "give the final address as the source, if it is the right one"}
	errEncoding  = &problem{"the body cannot be unpacked", "something on the way changes it, or the server is broken: try another source"}
	errTruncated = &problem{"the body ended early", "try again later, or another source"}
	errEmpty     = &problem{"the body is empty", "try another source"}
	errHeaders   = &problem{"headers larger than allowed", "this is not a directory server: check the address"}
	errProxy     = &problem{"the proxy refused", "check the proxy's address, user and password, and whether it lets this host through"}
	errTLS       = &problem{"the server's certificate is not trusted", "if a proxy inspects TLS here, add the authority that it signs with to the system's store; else check the clock and the address"}
	errNoTLS     = &problem{"the server does not speak TLS there", "check the address and port"}
	errName      = &problem{"the host name is not known", "check the spelling and this machine's name server, or give the proxy"}
	errConnect   = &problem{"no connection", "check the address, and whether a firewall or proxy is in between"}
	errKind      = &problem{"this source has no such documents", "name one that does"}
	errFile      = &problem{"file refused", "make it a readable, regular file inside the folder, or take it out"}
	errFolder    = &problem{"the folder cannot be read", "check its path and permissions"}
)

// A problem is a sort of failure: what it is, and what to do about it.
type problem struct{ text, advice string }

func (p *problem) Error() string { return p.text }

// because makes an error of a sort, with the particulars.
func because(sort error, format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{sort}, args...)...)
}

// An Error is a failure to get one document from one source. Its text is one
// line: source, URL or path, what happened, what to do.
type Error struct {
	Source string    // as Source.String gives it
	URL    string    // what was asked for, without user and query; or a file's path
	Status int       // the HTTP status of the last answer; 0 where there was none
	Tries  int       // how often it was asked; 0 = it was not
	Date   time.Time // the server's clock with its last answer; zero where it told none
	Err    error     // why

	advice string // in the place of the problem's own
}

func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(text.Foreign(e.Source))
	if e.URL != "" && e.URL != e.Source {
		fmt.Fprintf(&b, ": %s", text.Foreign(e.URL))
	}
	fmt.Fprintf(&b, ": %v", e.Err)
	if e.Tries > 1 {
		fmt.Fprintf(&b, " (asked %d times)", e.Tries)
	}
	advice := e.advice
	if p := (*problem)(nil); advice == "" && errors.As(e.Err, &p) {
		advice = p.advice
	}
	if advice != "" {
		fmt.Fprintf(&b, "; %s", advice)
	}
	return b.String()
}

func (e *Error) Unwrap() error { return e.Err }

// Attempts are the failures of several servers or sources tried in turn.
// errors.Is and errors.As look through all of them.
type Attempts []error

func (a Attempts) Error() string {
	texts := make([]string, len(a))
	for i, err := range a {
		texts[i] = err.Error()
	}
	return fmt.Sprintf("%d tried, none had it: %s", len(a), strings.Join(texts, " | "))
}

func (a Attempts) Unwrap() []error { return a }

// safeURL is a URL as errors and documents show it: a redirect's target may
// carry a user or a token.
func safeURL(u *url.URL) string {
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String()
}

// A failure is the outcome of one try, with what the next one depends on.
type failure struct {
	err    error
	status int
	date   time.Time
	again  bool          // another try may help
	after  time.Duration // not before
}

func (f *failure) Error() string { return f.err.Error() }
func (f *failure) Unwrap() error { return f.err }

// networkFailure sorts an error of net/http's transport. Its text may hold
// what a hostile server sent, but no URL: transports do not know of it.
func networkFailure(ctx context.Context, err error) *failure {
	var (
		sorted   *problem
		verify   *tls.CertificateVerificationError
		alert    tls.AlertError
		noTLS    tls.RecordHeaderError
		unknown  x509.UnknownAuthorityError
		lookup   *net.DNSError
		dial     *net.OpError
		earlyEnd = errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF)
	)
	said := text.Foreign(err.Error())
	switch {
	case ctx.Err() != nil:
		// Our own limits, a redirect that is refused, or the caller.
		return &failure{err: context.Cause(ctx)}
	case errors.As(err, &sorted):
		return &failure{err: err}
	case errors.As(err, &verify), errors.As(err, &unknown), errors.As(err, &alert):
		return &failure{err: because(errTLS, "%s", said)}
	case errors.As(err, &noTLS), strings.Contains(said, "server gave HTTP response to HTTPS client"):
		return &failure{err: because(errNoTLS, "%s", said)}
	case strings.Contains(said, "response headers exceeded"): // net/http has no error value for it
		return &failure{err: because(errHeaders, "%s", said)}
	case errors.As(err, &lookup):
		return &failure{err: because(errName, "%s", said), again: !lookup.IsNotFound}
	case errors.As(err, &dial) && dial.Op == "dial":
		return &failure{err: because(errConnect, "%s", said), again: !dial.Timeout()}
	case earlyEnd:
		return &failure{err: because(errTruncated, "%s", said), again: true}
	}
	return &failure{err: because(errConnect, "%s", said), again: true}
}
