// Package dirclient fetches Tor's directory documents: consensuses, key
// certificates and exit lists, over HTTP(S) or from a folder.
//
// # What goes in and what comes out
//
// A source as the admin wrote it, and what is wanted of it:
//
//	source, err := dirclient.ParseSource("collector")
//	client, err := dirclient.New(dirclient.Config{})
//	defer client.Close()
//	for document, err := range client.Consensuses(ctx, source, dirclient.Wanted{Backfill: 72 * time.Hour}) {
//		...
//	}
//
// and documents come back, one at a time, newest first:
//
//	Document{
//		URL:   "https://collector.torproject.org/recent/.../2026-06-27-04-00-00-consensus-microdesc",
//		Hour:  2026-06-27 04:00:00 UTC,  // the hour that was asked for
//		Bytes: "@type network-status-microdesc-consensus-3 1.0\nnetwork-status-version 3 microdesc\n...",
//	}
//
// Which source answers what:
//
//	source                 consensuses                 certificates           exit lists
//	collector, https://    an hour each, to 72 h back  all, as certs.tar.xz   an hour each, to 72 h back
//	authorities, dir+http  the newest                  those asked for, all   -
//	a folder               whatever files it holds: see [Client.Files]
//
// # What it promises
//
//   - A document is handed out only when it arrived whole, as far as HTTP can
//     tell; what was cut, or could not be unpacked, is an error.
//   - Every wait and every size has a limit, see [Limits], and so has their sum
//     over the life of a [Client].
//   - TLS is verified. A redirect never leads from https to http, and never from a
//     public server to an address inside our own networks.
//   - A server that is busy is asked again a few times, later each time, never
//     before it wants to be asked.
//   - An error says which source, which URL (without passwords and queries),
//     what happened and what to do.
//
// # What it does not do
//
// It trusts nothing and parses no document: over plain HTTP, and from a mirror,
// anybody may have written these bytes. That a consensus is signed, complete and
// of the hour asked for, is for the caller to see. It unpacks the HTTP
// Content-Encoding only; a file that is itself compressed (certs.tar.xz)
// is returned as it is. It writes no file, and keeps nothing between two clients.
package dirclient

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"sync"
	"time"

	"tordetect/src/text"
)

// A Document is one answer or one file, whole, and where it came from.
type Document struct {
	URL   string    // where the bytes came from at last, after redirects; for a folder the file's path
	Hour  time.Time // archives: the hour (exit lists: the second) in the file's name; else zero
	Bytes []byte    // the content, after HTTP's Content-Encoding was undone; never empty
}

// Config is what a Client is made from. The zero value is a client for the real
// network, without a proxy.
type Config struct {
	// Limits, each zero field replaced by that of DefaultLimits.
	Limits Limits

	// Proxy is a proxy for all requests: http, https, socks5 or socks5h, see
	// ParseProxy. Names are resolved by the proxy.
	Proxy *url.URL

	// ProxyFromEnvironment uses HTTPS_PROXY, HTTP_PROXY and NO_PROXY where
	// Proxy is nil. Without it the environment is not looked at. ProxyUsed is told
	// of the first one that was asked so, by its host and port; nil = nobody.
	ProxyFromEnvironment bool
	ProxyUsed            func(host string)

	// RootCAs are the trusted authorities for TLS; nil = those of the host.
	// CAOption is how the caller's users name a further one, for the advice where a
	// server is not trusted; empty = they cannot.
	RootCAs  *x509.CertPool
	CAOption string

	// Now is the clock that says which hours there are; nil = time.Now.
	Now func() time.Time

	// Wait turns a planned pause between two tries into the one that is made;
	// nil = itself. Tests return 0.
	Wait func(time.Duration) time.Duration
}

// A Client fetches documents for one update of a table. Its limits on time
// and requests count from New. Not for concurrent use.
type Client struct {
	limits Limits
	trust  string // the advice where a server is not trusted
	proxy  func(*http.Request) (*url.URL, error)
	used   func(proxy *url.URL) // of the environment; nil = nobody wants to know
	now    func() time.Time
	wait   func(time.Duration) time.Duration
	inside func(netip.Addr) bool // insideAddr; tests draw the border elsewhere

	deadline time.Time // of everything
	requests int       // sent so far

	direct     *http.Transport
	redirected *http.Transport
}

// New makes a client. The error names a limit or a proxy that makes no sense.
func New(config Config) (*Client, error) {
	limits, err := config.Limits.orDefault()
	if err != nil {
		return nil, err
	}
	c := &Client{
		limits:   limits,
		now:      config.Now,
		wait:     config.Wait,
		inside:   insideAddr,
		deadline: time.Now().Add(limits.Total),
	}
	if config.CAOption != "" {
		c.trust = fmt.Sprintf("if a proxy inspects TLS here, give the authority that it signs with by %s; else check the clock and the address", config.CAOption)
	}
	if c.now == nil {
		c.now = time.Now
	}
	if c.wait == nil {
		c.wait = func(d time.Duration) time.Duration { return d }
	}
	switch {
	case config.Proxy != nil:
		if err := checkProxy(config.Proxy); err != nil {
			return nil, err
		}
		c.proxy = http.ProxyURL(config.Proxy)
	case config.ProxyFromEnvironment:
		c.proxy = http.ProxyFromEnvironment
		if config.ProxyUsed != nil {
			var once sync.Once
			c.used = func(proxy *url.URL) { once.Do(func() { config.ProxyUsed(text.Foreign(proxy.Host)) }) }
		}
	default:
		c.proxy = func(*http.Request) (*url.URL, error) { return nil, nil }
	}
	c.direct = c.transport(config.RootCAs, false)
	c.redirected = c.transport(config.RootCAs, true)
	return c, nil
}

// Close drops the connections that are kept for the next request.
func (c *Client) Close() {
	c.direct.CloseIdleConnections()
	c.redirected.CloseIdleConnections()
}

// ParseProxy reads a proxy's URL as an admin writes it: http://host:port,
// https://..., socks5://... or socks5h://..., with user:password@ before the
// host where the proxy asks for it. No error repeats the text.
func ParseProxy(typed string) (*url.URL, error) {
	u, err := url.Parse(typed)
	if err != nil {
		// The parser's error quotes the text, and with it a password.
		return nil, errors.New("proxy: not a URL: want http://host:port, https://host:port or socks5://host:port")
	}
	if err := checkProxy(u); err != nil {
		return nil, err
	}
	return u, nil
}
