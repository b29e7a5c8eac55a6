// Package web holds what our HTTP clients have in common, dirclient, which asks for
// Tor's documents, and replay, which sends events: whom to take for the server
// (server.go), how long a server asks us to wait, and whether a web page came in its
// place (page.go).
//
//	pool, err := web.Authorities("inspecting-proxy.pem", true)
//	pause := web.RetryAfter(response.Header.Get("Retry-After"), time.Now())
//	title, isPage := web.Page(body)
//
// It opens no connection.
package web

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"tordetect/src/bounded"
)

// MaxAuthorities bounds a file of certificate authorities, in bytes: the store of a
// whole system has some 200 kB.
const MaxAuthorities = 1 << 20

// Authorities reads a file of certificate authorities in PEM, or a pipe. They are
// trusted beside those of the system, or in the place of them.
func Authorities(path string, system bool) (*x509.CertPool, error) {
	pem, err := bounded.FileOrPipe(path, MaxAuthorities)
	if err != nil {
		return nil, fmt.Errorf("read the certificate authorities %s: %w", path, err)
	}
	return Pool(path, pem, system)
}

// Pool is Authorities for the content of a file, which is named for the error.
func Pool(name string, pem []byte, system bool) (*x509.CertPool, error) {
	pool := x509.NewCertPool()
	if system {
		if own, err := x509.SystemCertPool(); err == nil { // a system without a store trusts nobody by itself
			pool = own
		}
	}
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s holds no certificate: want PEM, that is text with BEGIN CERTIFICATE", name)
	}
	return pool, nil
}

// MaxPause is the longest pause that RetryAfter returns: far over any limit, and no
// number of seconds overflows.
const MaxPause = 365 * 24 * time.Hour

// RetryAfter reads the header of that name (RFC 9110, section 10.2.3): seconds or a
// date. What cannot be read counts as absent.
func RetryAfter(text string, now time.Time) time.Duration {
	// Of more digits than fit, ParseUint returns the largest number.
	if seconds, err := strconv.ParseUint(text, 10, 63); err == nil || errors.Is(err, strconv.ErrRange) {
		return time.Duration(min(seconds, uint64(MaxPause/time.Second))) * time.Second
	}
	if at, err := http.ParseTime(text); err == nil {
		return min(max(at.Sub(now), 0).Round(time.Second), MaxPause)
	}
	return 0
}
