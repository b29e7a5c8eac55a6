package dirclient

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"syscall"

	"tordetect/src/cell"
	"tordetect/src/flow"
	"tordetect/src/text"
)

// transport makes the way to the servers. The one for redirects looks at every
// address before it connects, and keeps no connection, so that none that was
// made by other rules is used again.
func (c *Client) transport(roots *x509.CertPool, redirected bool) *http.Transport {
	dialer := &net.Dialer{Timeout: c.limits.Connect}
	if redirected {
		dialer.ControlContext = c.guard
	}
	http1 := new(http.Protocols) // directory servers speak HTTP/1; HTTP/2 brings more to go wrong than it gains
	http1.SetHTTP1(true)
	return &http.Transport{
		Proxy:                  c.proxy,
		DialContext:            dialer.DialContext,
		TLSClientConfig:        &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
		DisableCompression:     true, // done in body.go, where it has limits
		DisableKeepAlives:      redirected,
		MaxIdleConns:           4,
		MaxIdleConnsPerHost:    1,
		IdleConnTimeout:        c.limits.Answer,
		MaxResponseHeaderBytes: c.limits.Header,
		Protocols:              http1,
		OnProxyConnectResponse: func(_ context.Context, _ *url.URL, _ *http.Request, response *http.Response) error {
			if response.StatusCode == http.StatusOK {
				return nil
			}
			return because(errProxy, "HTTP status %d", response.StatusCode)
		},
	}
}

// checkRedirect says why a redirect is not followed; nil = it is, though the
// addresses that its name stands for are looked at later, by guard.
func (c *Client) checkRedirect(from, to *url.URL, insider bool) error {
	shown := text.Foreign(safeURL(to))
	switch {
	case to.Scheme != "https" && to.Scheme != from.Scheme:
		return because(errRedirect, "from %s to %s, which is not encrypted", from.Scheme, shown)
	case to.Hostname() == "":
		return because(errRedirect, "to %s, which names no host", shown)
	case to.User != nil:
		return because(errRedirect, "to %s, with a user in it", shown)
	case !insider && insideName(to.Hostname(), c.inside):
		return because(errRedirect, "to %s, an address inside our networks", shown)
	}
	return nil
}

type allowInsideKey struct{}

// allowInside marks a request whose connection may lead inside: the source
// itself is there, or the connection goes to the proxy that the admin named.
func allowInside(ctx context.Context, allow bool) context.Context {
	return context.WithValue(ctx, allowInsideKey{}, allow)
}

// guard refuses a connection by its address, after the name was resolved and
// before a byte is sent: a name may stand for any address.
func (c *Client) guard(ctx context.Context, _, address string, _ syscall.RawConn) error {
	if allow, _ := ctx.Value(allowInsideKey{}).(bool); allow {
		return nil
	}
	to, err := netip.ParseAddrPort(address)
	if err != nil || c.inside(to.Addr()) {
		return because(errRedirect, "to %s, an address inside our networks", address)
	}
	return nil
}

// insideName says whether a host as it stands in a URL is inside for sure.
func insideName(host string, inside func(netip.Addr) bool) bool {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return inside(netip.AddrFrom4([4]byte{127, 0, 0, 1}))
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && inside(addr)
}

func remoteAddr(conn net.Conn) netip.Addr {
	if tcp, ok := conn.RemoteAddr().(*net.TCPAddr); ok {
		return tcp.AddrPort().Addr()
	}
	return netip.Addr{}
}

// insideNets are addresses that lead into somebody's own networks, beside those that
// cannot be a relay's.
var insideNets = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"),   // this host, RFC 1122
	netip.MustParsePrefix("240.0.0.0/4"), // reserved, with broadcast
	netip.MustParsePrefix("fec0::/10"),   // site-local, RFC 3879
}

// insideAddr says whether an address is not a public one: loopback, private, shared by
// carriers, link-local (in the last two clouds have services and keep credentials),
// unspecified, multicast.
func insideAddr(addr netip.Addr) bool {
	addr, _ = cell.FromNAT64(addr.Unmap().WithZone(""))
	if !addr.IsValid() || flow.IsPrivate(addr) {
		return true
	}
	for _, net := range insideNets {
		if net.Contains(addr) {
			return true
		}
	}
	return false
}
