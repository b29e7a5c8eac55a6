package command

import (
	"bytes"

	"tordetect/src/flow"

	"tordetect/src/rows"
	"tordetect/src/tlsname"
)

// shown reads the names and fingerprints that a client showed. Only what speaks
// for Tor gets into the flow: a row with an ordinary name stays a quiet one.
func (r *row) shown(f *flow.Flow, s *rows.Scanner, c *columns) {
	var hello hello
	for _, p := range c.places[roleJA4] {
		if r.each(s, p, func(text []byte) { hello.ja4 |= tlsname.JA4(text) }) {
			hello.several = hello.several || r.several()
			break
		}
	}
	for _, p := range c.places[roleJA3] {
		if r.each(s, p, func(text []byte) { hello.ja3 |= tlsname.JA3(text) }) {
			hello.several = hello.several || r.several()
			break
		}
	}
	for _, p := range c.places[roleSNI] {
		if r.each(s, p, func(text []byte) {
			r.readName(&hello, text)
			r.readOnion(f, flow.InTLS, tlsname.OfHost(text), text)
		}) {
			hello.several = hello.several || r.several()
			break
		}
	}
	for _, p := range c.places[roleURL] {
		if r.each(s, p, func(text []byte) {
			host := tlsname.Host(text)
			r.readOnion(f, flow.InURL, tlsname.OfHost(host), host)
		}) {
			break
		}
	}
	for _, p := range c.places[roleQuery] {
		if r.each(s, p, func(text []byte) { r.readOnion(f, flow.InDNS, tlsname.OfHost(text), text) }) {
			break
		}
	}
	hello.put(f, r.name)
}

// each calls do for every value of a cell and reports whether it had one.
func (r *row) each(s *rows.Scanner, p place, do func(text []byte)) bool {
	text := bare(s, p)
	if len(text) > 0 && bytes.IndexByte(text, '\n') < 0 {
		r.list.Reset()
		if len(text) <= len("unknown") && isEmpty(text) {
			return false
		}
		do(text)
		return true
	}
	found := false
	for i, n := 0, r.values(s, p); i < n; i++ {
		if text := r.value(s, p, i); !isEmpty(text) {
			do(text)
			found = true
		}
	}
	return found
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

// readName reads a server name, after the fingerprints. Of several the first that
// looks made up is kept for the sentence, else the first that has the form.
func (r *row) readName(h *hello, text []byte) {
	fits, madeUp := tlsname.Form(text)
	if madeUp == 0 && h.ja4|h.ja3 == 0 {
		return // most names: there will be no sentence about it
	}
	if !h.named || madeUp != 0 && !h.madeUp || fits != 0 && h.fits == 0 {
		r.name = append(r.name[:0], text[:min(len(text), maxName)]...)
	}
	h.named = true
	h.fits |= fits
	h.madeUp = h.madeUp || madeUp != 0
}

// maxName is the longest name of a host (RFC 1035, section 2.3.4).
const maxName = 255

// readOnion keeps the name of an onion service, or else of a gateway, and where
// it was shown first.
func (r *row) readOnion(f *flow.Flow, where flow.Where, kind tlsname.Kind, name []byte) {
	if kind == tlsname.Ordinary || flow.OnionKind(kind) <= f.Onion.Kind {
		return
	}
	r.onion = append(r.onion[:0], name[:min(len(name), maxName)]...)
	f.Onion = flow.Onion{Kind: flow.OnionKind(kind), Where: where, Name: r.onion}
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
