package event

import (
	"bytes"

	"tordetect/src/cell"
	"tordetect/src/flow"
	"tordetect/src/tlsname"
)

// Names reads the names and fingerprints that a client showed. Only what speaks for
// Tor gets into the flow: a row with an ordinary name stays a quiet one.
func (r *Reader) Names(e *Event, f *flow.Flow) {
	r.Target = cell.Addr{}
	if r.isOther || e.have&(1<<SNI|1<<JA4|1<<JA3|1<<URL|1<<Query) == 0 {
		return
	}
	var h hello
	r.each(e, JA4, &h, func(text []byte) { h.ja4 |= tlsname.JA4(text) })
	r.each(e, JA3, &h, func(text []byte) { h.ja3 |= tlsname.JA3(text) })
	r.each(e, SNI, &h, func(text []byte) {
		h.read(r, text)
		r.readOnion(f, flow.InTLS, text)
	})
	r.urls(e, f)
	r.each(e, Query, nil, func(text []byte) { r.readOnion(f, flow.InDNS, text) })
	h.put(f, r.name)
}

// each calls do for every value of the first cell that has one.
func (r *Reader) each(e *Event, role Role, h *hello, do func(text []byte)) {
	for i := range e.n(role) {
		text, counts := e.at(role, i)
		if !counts {
			continue
		}
		if len(text) > 0 && bytes.IndexByte(text, '\n') < 0 {
			if !cell.IsEmpty(text) {
				do(text)
				return
			}
			continue
		}
		found := false
		for k, n := 0, r.values(e, role, i, false); k < n; k++ {
			if text := r.value(k); !cell.IsEmpty(text) {
				do(text)
				found = true
			}
		}
		if found {
			if h != nil && r.several() {
				h.several = true
			}
			return
		}
	}
}

// urls reads the hosts of URLs: of each cell, as one may hold a path and the next
// its host. Zeek's host is read for names only: under that name Splunk keeps the
// machine that sent the log.
func (r *Reader) urls(e *Event, f *flow.Flow) {
	for i := range e.n(URL) {
		if _, counts := e.at(URL, i); !counts {
			continue
		}
		n := e.name(URL, i)
		names := n != nil && (n.Text == "host" || n.Text == "http.hostname")
		for k, count := 0, r.values(e, URL, i, false); k < count; k++ {
			host, port := hostPort(r.value(k))
			if len(host) == 0 {
				continue
			}
			if isDigit := '0' <= host[0] && host[0] <= '9'; isDigit || bytes.IndexByte(host, ':') >= 0 {
				if a, ok := cell.Address(host); ok {
					if !names && !r.Target.IsValid() {
						r.Target = a
						r.Target.Port = port
					}
					continue
				}
			}
			r.readOnion(f, flow.InURL, host)
		}
	}
}

// hostPort returns the host of a URL, or of what is left of one, and its port: the
// one it names or that of its scheme; 0 for none.
func hostPort(url []byte) (host []byte, port uint16) {
	url = bytes.TrimSpace(url)
	host, named := tlsname.HostPort(url)
	if n, ok := cell.Port(named); ok {
		return host, n
	}
	switch {
	case beginsWith(url, "https://"):
		return host, 443
	case beginsWith(url, "http://"):
		return host, 80
	}
	return host, 0
}

// hello is what is known of a TLS hello before it is put into the flow.
type hello struct {
	ja4, ja3 tlsname.Client
	fits     tlsname.Client
	madeUp   bool
	named    bool // there is a server name
	// several says that a cell holds different values: which name went with
	// which fingerprint is not known.
	several bool
}

// read reads a server name, after the fingerprints. Of several the first that
// looks made up is kept for the sentence, else the first that has the form.
func (h *hello) read(r *Reader, text []byte) {
	fits, madeUp := tlsname.Form(text)
	if madeUp == 0 && h.ja4|h.ja3 == 0 {
		return // most names: there will be no sentence about it
	}
	if !h.named || madeUp != 0 && !h.madeUp || fits != 0 && h.fits == 0 {
		r.name = append(r.name[:0], text[:min(len(text), maxHost)]...)
	}
	h.named = true
	h.fits |= fits
	h.madeUp = h.madeUp || madeUp != 0
}

// maxHost is the longest name of a host (RFC 1035, section 2.3.4).
const maxHost = 255

// readOnion keeps the name of an onion service, or else of a gateway, and where
// it was shown first.
func (r *Reader) readOnion(f *flow.Flow, where flow.Where, name []byte) {
	kind := tlsname.OfHost(name)
	if kind <= f.Onion.Kind {
		return
	}
	r.onion = append(r.onion[:0], name[:min(len(name), maxHost)]...)
	f.Onion = flow.Onion{Kind: kind, Where: where, Name: r.onion}
}

// put gives the flow what speaks for Tor.
func (h *hello) put(f *flow.Flow, name []byte) {
	if h.ja4|h.ja3 == 0 && !h.madeUp {
		return
	}
	f.Hello = flow.Hello{JA4: h.ja4 != 0, JA3: h.ja3 != 0, MadeUp: h.madeUp}
	f.Hello.Form = !h.several && h.fits&(h.ja4|h.ja3) != 0
	if h.named {
		f.Hello.Name = name
	}
}
