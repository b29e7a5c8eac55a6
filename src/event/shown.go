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
	if r.isOther || e.have&(1<<SNI|1<<JA4|1<<JA3|1<<JA3Text|1<<JA4Raw|1<<Groups|1<<Subject|1<<URL|1<<Query) == 0 {
		return
	}
	var h hello
	r.each(e, JA4, &h, h.readJA4)
	r.each(e, JA3, &h, h.readJA3)
	r.each(e, JA3Text, &h, h.readJA3Text)
	r.each(e, JA4Raw, &h, h.readJA4Raw)
	r.groups(e, &h)
	if e.have&(1<<Subject) != 0 {
		h.shown.Certificate = tlsname.Certificate(e.alone(Subject), e.alone(Issuer))
	}
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

// groups reads a list of numbers as the groups of one hello. Of more values than fit no
// list is tor's.
func (r *Reader) groups(e *Event, h *hello) {
	for i := range e.n(Groups) {
		var room [longestGroups]byte
		text := room[:0]
		for k, n := 0, r.values(e, Groups, i, true); k < n; k++ {
			value := bytes.TrimSpace(r.value(k))
			if len(text)+1+len(value) > len(room) {
				break
			}
			if k > 0 {
				text = append(text, '-')
			}
			text = append(text, value...)
		}
		if !cell.IsEmpty(text) {
			h.readJA3Text(text)
			return
		}
	}
}

// longestGroups is twice what a library's usual list takes.
const longestGroups = 80

// alone returns the text of a role's first cell with a value; nil where it holds a
// list, as which value goes with which of another role is not known.
func (e *Event) alone(role Role) []byte {
	for i := range e.n(role) {
		if text, counts := e.at(role, i); counts && !cell.IsEmpty(text) {
			return text
		}
	}
	return nil
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
	shown  flow.Hello     // what needs no name beside it
	client tlsname.Client // of the fingerprints
	arti   bool           // a fingerprint of Arti, which counts beside a made-up name only
	fits   tlsname.Client
	madeUp tlsname.Client
	named  bool // there is a server name
	// several says that a cell holds different values: which name went with
	// which fingerprint is not known.
	several bool
}

func (h *hello) readJA4(text []byte) { h.matchJA4(tlsname.JA4(text)) }

func (h *hello) readJA4Raw(text []byte) { h.matchJA4(tlsname.JA4Raw(text)) }

func (h *hello) matchJA4(client tlsname.Client, match tlsname.Match) {
	switch {
	case client == tlsname.Snowflake:
		h.shown.Snowflake = true
	case client == tlsname.Arti:
		h.arti = true
	case match == tlsname.Ciphers:
		h.shown.Ciphers = true
		h.client |= client
	case match != tlsname.NoMatch:
		h.shown.JA4 = true
		h.client |= client
	}
}

func (h *hello) readJA3(text []byte) {
	switch client, match := tlsname.JA3(text); {
	case client == tlsname.Snowflake:
		h.shown.Snowflake = true
	case match != tlsname.NoMatch:
		h.shown.JA3Shared = match == tlsname.Shared && (h.shown.JA3Shared || !h.shown.JA3)
		h.shown.JA3 = true
		h.client |= client
	case tlsname.IsJA3(text):
		h.shown.JA3Other = true
	}
}

func (h *hello) readJA3Text(text []byte) {
	own, read := tlsname.Groups(text)
	if own {
		h.shown.Groups = true
		h.client |= tlsname.CTor
	}
	h.shown.JA3Other = h.shown.JA3Other || read && !own
}

// read reads a server name, after the fingerprints. Of several the first that
// looks made up is kept for the sentence, else the first that has the form.
func (h *hello) read(r *Reader, text []byte) {
	fits, madeUp := tlsname.Form(text)
	if madeUp == 0 && h.client == 0 {
		return // most names: there will be no sentence about it
	}
	if !h.named || madeUp != 0 && h.madeUp == 0 || fits != 0 && h.fits == 0 {
		r.name = append(r.name[:0], text[:min(len(text), maxHost)]...)
	}
	h.named = true
	h.fits |= fits
	h.madeUp |= madeUp
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
	h.shown.MadeUp = h.madeUp != 0
	if h.arti && !h.several && h.madeUp&tlsname.Arti != 0 {
		h.shown.JA4 = true
		h.client |= tlsname.Arti
	}
	if !h.shown.Speaks() {
		return
	}
	f.Hello = h.shown
	f.Hello.Form = !h.several && h.fits&h.client != 0
	f.Hello.Foreign = h.named && h.fits&h.client == 0
	f.Hello.Groups = h.shown.Groups && !h.shown.JA3
	f.Hello.JA3Other = h.shown.JA3Other && !h.shown.JA3 && !h.shown.Groups && !h.several
	if h.named {
		f.Hello.Name = name
	}
}
