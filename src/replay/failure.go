package replay

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v5"

	"tordetect/src/web"
)

// An Outcome is what became of a request that was not answered with success.
type Outcome int

const (
	Refused  Outcome = iota // not taken, and never will be
	TooLarge                // not taken; smaller ones may be
	NotTaken                // not taken this time: try again
	Lost                    // nobody knows: the answer did not arrive, or says nothing
	Unclear                 // nobody knows, and trying again would tell no more: answered with success, in other words than ours
)

// A Failure is why a request did not succeed. Its text is one line: what
// happened, and what to do.
type Failure struct {
	Outcome Outcome
	Status  int           // HTTP status; 0 = no answer
	Code    int           // the collector's code; -1 = none
	After   time.Duration // not before, as the server asked
	Event   int           // number in the batch, from 0, of the event that the server names; -1 = none
	Fresh   bool          // the connection was made for this request
	Err     error         // what happened
	Advice  string
}

func (f *Failure) Error() string {
	text := f.Err.Error()
	if f.Advice != "" {
		text += "; " + f.Advice
	}
	return text
}

func (f *Failure) Unwrap() error { return f.Err }

// inDoubt says whether the request may have been taken.
func (f *Failure) inDoubt() bool { return f.Outcome == Lost || f.Outcome == Unclear }

// retry hands a failure to backoff. backoff.RetryAfterError alone would say
// only how long to wait; this one keeps the cause.
type retry struct{ *Failure }

func (r retry) Unwrap() []error {
	if r.After <= 0 {
		return []error{r.Failure}
	}
	return []error{r.Failure, &backoff.RetryAfterError{Duration: r.After}}
}

// collectorAdvice is what to do about a code of the HTTP Event Collector
// (Splunk, "Troubleshoot HTTP Event Collector", possible error codes).
var collectorAdvice = map[int]string{
	1:         "enable the token in Splunk, under HTTP Event Collector",
	2:         "give the token",
	3:         "check the token",
	4:         "check the token, and that it belongs to this server",
	5:         "this is a fault of the replay",
	6:         "the collector cannot read this event; try the other endpoint",
	7:         "choose an index that exists and that the token may write to, with --index",
	8:         "look into splunkd.log of the server",
	10:        "the token wants a channel: leave --channel out, then one is made",
	11:        "a channel is a GUID such as 0aeeac95-ac74-4aa9-b30d-6c4c0ac581ba",
	codeNoAck: "turn on indexer acknowledgement for this token in Splunk, or leave --ack out",
	16:        "check the token",
}

const codeNoAck = 14

var statusAdvice = map[int]string{
	http.StatusUnauthorized:          "check the token",
	http.StatusForbidden:             "check the token, and what it may do",
	http.StatusNotFound:              "check the URL: scheme, host and port (8088 for a collector), no path",
	http.StatusMethodNotAllowed:      "check the URL: this is not a collector",
	http.StatusRequestEntityTooLarge: "the server takes no events of this size",
	http.StatusTooManyRequests:       "start again later",
	http.StatusServiceUnavailable:    "start again later",
}

// answered judges an answer that is not success. text is what the server said,
// fit to be shown, and code its number.
func answered(response *http.Response, code int, text string, event int, now time.Time) *Failure {
	status := response.StatusCode
	f := &Failure{Status: status, Code: code, Event: event, Advice: statusAdvice[status]}
	said := ""
	if text != "" {
		said = fmt.Sprintf(" %q", text)
	}
	if code >= 0 {
		said = fmt.Sprintf(", code %d%s", code, said)
		if advice, ok := collectorAdvice[code]; ok {
			f.Advice = advice
		}
	}
	f.Err = fmt.Errorf("HTTP status %d%s", status, said)
	switch {
	case status >= 300 && status < 400:
		f.Outcome = Refused
		f.Err = fmt.Errorf("HTTP status %d, a redirect, which is not followed because it would carry the token elsewhere", status)
		f.Advice = "give the final address as the URL, if it is the right one"
	case status == http.StatusRequestEntityTooLarge:
		f.Outcome = TooLarge
	case status == http.StatusTooManyRequests:
		f.Outcome = NotTaken
	case status == http.StatusServiceUnavailable && (code >= 0 || response.Header.Get("Retry-After") != ""):
		f.Outcome = NotTaken // the collector's own word, or a server's that says when
	case status >= 500, status == http.StatusRequestTimeout:
		f.Outcome = Lost // a proxy may answer so for a collector that took it
	default:
		f.Outcome = Refused
	}
	f.After = web.RetryAfter(response.Header.Get("Retry-After"), now)
	return f
}

// strange judges an answer of success that is not of the service that was asked. It
// may come from a proxy that kept the events, and as well from a collector of other
// make that took them.
func strange(status int, answer []byte, whose string, clean func(string) string) *Failure {
	f := &Failure{Outcome: Unclear, Status: status, Code: -1, Event: -1, Err: fmt.Errorf("HTTP status %d, but not %s answer", status, whose),
		Advice: "check the URL: a proxy or another service answers there"}
	if title, _ := web.Page(answer); title != "" {
		f.Err = fmt.Errorf("%w: a web page came instead: %q", f.Err, clean(title))
		f.Advice = pageAdvice
	}
	return f
}

const pageAdvice = "a web filter, a proxy or a login page answered: have it let this host and port through, or check the URL"

// broken judges a request that got no answer.
func broken(ctx context.Context, err error, line *line, timeout time.Duration, clean func(string) string) error {
	var (
		verify  *tls.CertificateVerificationError
		unknown x509.UnknownAuthorityError
		alert   tls.AlertError
		noTLS   tls.RecordHeaderError
		lookup  *net.DNSError
	)
	connected := line.up.Load()
	f := &Failure{Outcome: NotTaken, Code: -1, Event: -1, Fresh: line.fresh.Load()}
	if connected {
		f.Outcome = Lost
	}
	text := clean(lastPart(err))
	switch {
	case ctx.Err() != nil && !errors.Is(context.Cause(ctx), errSlow):
		if connected {
			f.Err = context.Cause(ctx)
			return f
		}
		return context.Cause(ctx)
	case ctx.Err() != nil && connected:
		f.Err, f.Advice = fmt.Errorf("no answer within %v", timeout), "look at the server's load, or allow more by --timeout"
	case ctx.Err() != nil:
		f.Err, f.Advice = fmt.Errorf("no connection within %v", timeout), "check the address, and whether a firewall or proxy is in between"
	case untrusted(f, err):
	case errors.As(err, &verify), errors.As(err, &unknown), errors.As(err, &alert):
		f.Outcome, f.Err = Refused, fmt.Errorf("the server's certificate is not trusted: %s", text)
		f.Advice = "give the certificate of the authority that signed it by --ca FILE; Splunk's own is $SPLUNK_HOME/etc/auth/cacert.pem"
	case errors.As(err, &noTLS), strings.Contains(text, "server gave HTTP response to HTTPS client"):
		f.Outcome, f.Err, f.Advice = Refused, errors.New("the server does not speak TLS there"), "check the port, or give the URL with http://"
	case errors.As(err, &lookup):
		f.Err, f.Advice = fmt.Errorf("the host name is not known: %s", text), "check its spelling"
		if lookup.IsNotFound {
			f.Outcome = Refused
		}
	case connected:
		f.Err, f.Advice = fmt.Errorf("the connection was dropped: %s", text), "look at the server and at what is in between"
	default:
		f.Err, f.Advice = fmt.Errorf("no connection: %s", text), "check the address, and whether the server runs"
	}
	return f
}

// lastPart is an error of net/http without the method, URL and addresses in front.
func lastPart(err error) string {
	var outer *url.Error
	if errors.As(err, &outer) {
		err = outer.Err
	}
	var network *net.OpError
	if errors.As(err, &network) { // its text has port numbers of ours
		var call *os.SyscallError
		if errors.As(network.Err, &call) {
			return fmt.Sprintf("%s: %v", call.Syscall, call.Err)
		}
		return fmt.Sprintf("%s: %v", network.Op, network.Err)
	}
	return err.Error()
}

// errSlow is the cause of a context that our own limit ended.
var errSlow = errors.New("too slow")

// collectorAnswer is what the HTTP Event Collector says.
type collectorAnswer struct {
	Text  string `json:"text"`
	Code  *int   `json:"code"`
	Event *int   `json:"invalid-event-number"`
	AckID *int64 `json:"ackId"`
}

func parseAnswer(body []byte) (answer collectorAnswer, ok bool) {
	err := json.Unmarshal(body, &answer)
	return answer, err == nil && answer.Code != nil
}
