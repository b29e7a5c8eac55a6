package replay

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"tordetect/src/bounded"
	"tordetect/src/text"
	"tordetect/src/web"
)

// transport is the way to a server. HTTP/1 alone: one request at a time goes over
// one connection.
func transport(server web.Server) (*http.Transport, error) {
	config, err := server.TLS()
	if err != nil {
		return nil, err
	}
	http1 := new(http.Protocols)
	http1.SetHTTP1(true)
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            (&net.Dialer{Timeout: 15 * time.Second}).DialContext,
		TLSHandshakeTimeout:    15 * time.Second,
		TLSClientConfig:        config,
		DisableCompression:     true,
		MaxIdleConnsPerHost:    1,
		IdleConnTimeout:        30 * time.Second,
		MaxResponseHeaderBytes: maxAnswer,
		Protocols:              http1,
	}, nil
}

// A line is what is known of a request's connection.
type line struct {
	up    atomic.Bool // there is one: before that, nothing was sent
	fresh atomic.Bool // it was made for this request: the process behind it may be another than before
}

// limited is a context that ends after the time, and tells of the connection.
func limited(ctx context.Context, timeout time.Duration) (_ context.Context, l *line, cancel func()) {
	ctx, cancel = context.WithTimeoutCause(ctx, timeout, errSlow)
	l = new(line)
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn: func(got httptrace.GotConnInfo) {
			l.up.Store(true)
			l.fresh.Store(!got.Reused)
		},
	}), l, cancel
}

// proven refuses what would prove the server where nothing does.
func proven(base *url.URL, server web.Server) error {
	if base.Scheme == "http" && (server.Pin != "" || server.Name != "") {
		return errors.New("the URL begins with http://, where no certificate is shown: a pin or a server name wants https://")
	}
	return nil
}

// parseBase takes a server's address apart. Errors do not show it whole: it may
// hold what should not be in it.
func parseBase(typed string) (*url.URL, error) {
	u, err := url.Parse(typed)
	switch {
	case typed == "":
		return nil, errors.New("no URL: want https://HOST:PORT")
	case err != nil:
		return nil, errors.New("the URL cannot be read: want https://HOST:PORT")
	case u.Scheme != "https" && u.Scheme != "http":
		return nil, fmt.Errorf("the URL begins with %q: want https://HOST:PORT", text.Foreign(u.Scheme))
	case u.User != nil:
		return nil, errors.New("the URL holds a user or password; give the token by --token-file or TORCTL_TOKEN")
	case u.RawQuery != "" || u.Fragment != "":
		return nil, errors.New("the URL has a part after ? or #: want https://HOST:PORT; a token does not belong there")
	case u.Hostname() == "":
		return nil, errors.New("the URL names no host: want https://HOST:PORT")
	}
	u.Path = strings.TrimRight(u.Path, "/")
	return u, nil
}

// Unencrypted says whether a URL sends its token over the network in the clear.
func Unencrypted(address string) bool {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	return u.Hostname() != "localhost" && (ip == nil || !ip.IsLoopback())
}

// TokenFile reads a token from a file that holds nothing else.
func TokenFile(path string) (Token, error) {
	text, err := bounded.FileOrPipe(path, 64<<10)
	if err != nil {
		return Token{}, fmt.Errorf("read the token of %s: %w", path, err)
	}
	token, err := NewToken(string(text))
	if err != nil {
		return Token{}, fmt.Errorf("read the token of %s: %w", path, err)
	}
	return token, nil
}

// Readable says whether others on this machine can read a file.
func Readable(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().Perm()&0o044 != 0
}
