package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"time"
)

// page is what every server answers: as long as a small page.
var page = bytes.Repeat([]byte("nothing to see here\n"), 1000)

func answer(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(page) }

// serve answers HTTP, or HTTPS, on a port of a host until the sandbox ends.
func serve(h *host, port int, secure bool) error {
	l, err := h.listen(port)
	if err != nil {
		return fmt.Errorf("serve on %s: %w", h.name, err)
	}
	s := &httptest.Server{Listener: l, Config: &http.Server{Handler: http.HandlerFunc(answer)}}
	if secure {
		s.StartTLS()
	} else {
		s.Start()
	}
	return nil
}

// echo answers datagrams with what they hold.
func echo(h *host, port int) error {
	c, err := h.listenUDP(port)
	if err != nil {
		return fmt.Errorf("serve on %s: %w", h.name, err)
	}
	go func() {
		buffer := make([]byte, 2048)
		for {
			n, from, err := c.ReadFrom(buffer)
			if err != nil {
				return
			}
			_, _ = c.WriteTo(buffer[:n], from)
		}
	}()
	return nil
}

// fetch gets a page over a connection of its own, and notes the connection as
// ordinary.
func (d *deeds) fetch(ctx context.Context, from *host, address string, secure bool, kind string) error {
	transport := &http.Transport{
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true, ServerName: "www.example.org"}, // nobody's certificate
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			c, err := from.dial(ctx, network, address)
			if err == nil {
				d.note("tcp", c.LocalAddr().(*net.TCPAddr).AddrPort(), netip.MustParseAddrPort(address), kind)
			}
			return c, err
		},
	}
	defer transport.CloseIdleConnections()
	scheme := "http"
	if secure {
		scheme = "https"
	}
	return get(ctx, transport, scheme+"://"+address+"/")
}

// through gets a page through the tor of a host. Streams of another user take another
// circuit, and so perhaps another exit.
func through(ctx context.Context, n *node, user, address string) error {
	proxy := &url.URL{Scheme: "socks5", Host: "127.0.0.1:9050", User: url.UserPassword(user, "x")}
	transport := &http.Transport{Proxy: http.ProxyURL(proxy), DialContext: n.dial}
	defer transport.CloseIdleConnections()
	return get(ctx, transport, "http://"+address+"/")
}

func get(ctx context.Context, transport *http.Transport, address string) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	response, err := (&http.Client{Transport: transport}).Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	n, err := io.Copy(io.Discard, response.Body)
	if err == nil && int(n) != len(page) {
		err = fmt.Errorf("get %s: %d bytes came of %d", address, n, len(page))
	}
	return err
}

// datagrams exchanges some with a server.
func (d *deeds) datagrams(ctx context.Context, from *host, address, kind string) error {
	c, err := from.dial(ctx, "udp4", address)
	if err != nil {
		return err
	}
	defer c.Close()
	d.note("udp", c.LocalAddr().(*net.UDPAddr).AddrPort(), netip.MustParseAddrPort(address), kind)
	buffer := make([]byte, 2048)
	for range 3 {
		if _, err := c.Write(bytes.Repeat([]byte{0x40}, 300)); err != nil {
			return err
		}
		if err := c.SetReadDeadline(time.Now().Add(5 * time.Second)); err != nil {
			return err
		}
		if _, err := c.Read(buffer); err != nil {
			return err
		}
	}
	return nil
}

// knock tries a port behind which nothing listens. The source port is chosen here, as
// a refused connection does not tell it.
func (d *deeds) knock(ctx context.Context, from *host, port int, address string) error {
	local := netip.AddrPortFrom(from.addr, uint16(port))
	d.note("tcp", local, netip.MustParseAddrPort(address), refused)
	err := from.do(func() error {
		dialer := net.Dialer{LocalAddr: net.TCPAddrFromAddrPort(local), Timeout: 5 * time.Second}
		c, err := dialer.DialContext(ctx, "tcp4", address)
		if err == nil {
			c.Close()
		}
		return err
	})
	if err == nil {
		return errors.New("knock at " + address + ": somebody listens there")
	}
	return nil
}
