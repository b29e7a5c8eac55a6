package detect

import (
	"bytes"

	"tordetect/src/cell"
	"tordetect/src/flow"
)

// nameCodes is how many codes of the group byName a flow can have.
const nameCodes = 5

// nameEvidence lists what the names and fingerprints of a flow are evidence of.
// A TLS connection that is not over TCP (QUIC, DTLS) is none of Tor's to a relay;
// the name of an onion service may be asked for by any transport.
func (j *Judge) nameEvidence(f *flow.Flow, a about) []Evidence {
	out := j.names[:0]
	if h := &f.Hello; f.Transport != flow.NotTCP {
		out = printEvidence(out, h)
		if h.Certificate {
			out = append(out, Evidence{Code: certTor, Weight: table[certTor].weight})
		}
		if h.MadeUp {
			out = append(out, Evidence{Code: sniPattern, Weight: table[sniPattern].weight})
		}
	}
	if f.Onion.Kind != flow.NoOnion {
		out = append(out, Evidence{Code: onionName, Weight: table[onionName].weight})
	}
	if a.hosted {
		for i := range out {
			out[i].Weight = 0
		}
	}
	return out
}

// printEvidence lists what the fingerprints are evidence of: one code for the JA3,
// one for the JA4.
func printEvidence(out []Evidence, h *flow.Hello) []Evidence {
	switch {
	case h.JA3 && h.JA3Shared:
		out = append(out, Evidence{Code: ja3Tor, Weight: prints.ja4.beside(h)})
	case h.JA3:
		out = append(out, Evidence{Code: ja3Tor, Weight: prints.ja3.beside(h)})
	case h.Groups:
		out = append(out, Evidence{Code: ja3Groups, Weight: prints.groups.beside(h)})
	}
	switch {
	case h.JA4 && h.JA3Other:
		out = append(out, Evidence{Code: ja4Tor, Weight: prints.ja4Beside.beside(h)})
	case h.JA4:
		out = append(out, Evidence{Code: ja4Tor, Weight: prints.ja4.beside(h)})
	case h.Ciphers && h.JA3Other:
		out = append(out, Evidence{Code: ja4Ciphers, Weight: min(prints.ciphers.beside(h), prints.ja4Beside.beside(h))})
	case h.Ciphers:
		out = append(out, Evidence{Code: ja4Ciphers, Weight: prints.ciphers.beside(h)})
	}
	return out
}

// beside is the weight beside the row's server name.
func (p *print) beside(h *flow.Hello) float64 {
	switch {
	case h.Form && h.MadeUp:
		return p.drawn
	case h.Form:
		return p.formed
	case h.Foreign:
		return p.foreign
	}
	return p.alone
}

// strongest is the one that counts of a group; without any it has no code.
func strongest(group []Evidence) Evidence {
	var best Evidence
	for _, e := range group {
		if best.Code == noCode || stronger(e, best) {
			best = e
		}
	}
	return best
}

// namesAlone: neither the list nor the firewall says Tor, but what the client
// showed does.
func namesAlone(dst []byte, f *flow.Flow, name Evidence) []byte {
	if name.Code == onionName {
		dst = leak(end(dst, f.Source.Addr, 0, "A host"), f)
		if f.State == flow.Blocked {
			dst = append(dst, "; the firewall blocked it"...)
		}
		if hasHello(f) {
			dst = hello(append(dst, "; "...), f)
		}
		return dst
	}
	h := &f.Hello
	dst = end(dst, f.Source.Addr, 0, "A host")
	dst = append(dst, deed(f.State)...)
	dst = end(dst, f.Destination.Addr, f.Destination.Port, "another")
	known := listUnasked
	switch {
	case name.Code == sniPattern:
		dst = hostName(append(dst, " with the TLS name "...), h.Name, "in its hello")
		dst = append(dst, ", which looks like one that Tor makes up; alone this is a weak sign, as some ordinary names look so too"...)
	case name.Code == certTor:
		dst = append(dst, ", whose certificate has names as Tor's relays make them up"...)
		if dst, known = unlisted(dst, f); known == listSilent {
			dst = append(dst, ": perhaps a bridge"...)
		}
	default:
		dst = besideName(fingerprint(append(dst, " with "...), h), h)
		if dst, known = unlisted(dst, f); known == listSilent {
			dst = append(dst, ": perhaps a bridge"...)
			if name.Weight < decisive {
				dst = append(dst, ", perhaps another program"...)
			}
		}
	}
	if f.State == flow.Blocked {
		dst = append(dst, "; the firewall blocked it"...)
	}
	if f.Onion.Kind != flow.NoOnion {
		dst = asked(append(dst, "; it"...), f)
	}
	return dst
}

// decisive is the weight from which on a sentence has no other program to offer.
const decisive = 0.80

// besideName says which name stands beside a fingerprint, and what else weakens it.
func besideName(dst []byte, h *flow.Hello) []byte {
	switch {
	case h.Form:
		dst = hostName(append(dst, " and the name "...), h.Name, "in its hello")
		dst = append(dst, ", of the form that Tor makes up"...)
	case h.Foreign:
		dst = append(dst, ", but with a name that Tor does not make up"...)
	case len(h.Name) == 0:
		dst = append(dst, "; the row has no TLS name that could go with it"...)
	default:
		dst = append(dst, "; which of the row's names goes with it is not known"...)
	}
	if h.JA3Other {
		dst = append(dst, "; its JA3 is no Tor build's"...)
	}
	return dst
}

// snowflake: DTLS as a client of Tor's transport has it, and others.
func snowflake(dst []byte, f *flow.Flow) []byte {
	dst = end(dst, f.Source.Addr, 0, "A host")
	dst = append(dst, deed(f.State)...)
	dst = end(dst, f.Destination.Addr, f.Destination.Port, "another")
	return append(dst, " with a DTLS fingerprint that Snowflake, a transport of Tor, has in common with other programs: something to look for, no finding"...)
}

// shown adds what the names say to a sentence that is about something else.
func shown(dst []byte, f *flow.Flow) []byte {
	if hasHello(f) {
		dst = hello(append(dst, "; "...), f)
	}
	if f.Onion.Kind != flow.NoOnion {
		dst = asked(append(dst, "; the client"...), f)
	}
	return dst
}

func hasHello(f *flow.Flow) bool {
	return f.Transport != flow.NotTCP && (f.Hello.IsPrint() || f.Hello.MadeUp || f.Hello.Certificate)
}

// hello says what a TLS hello looks like, in few words.
func hello(dst []byte, f *flow.Flow) []byte {
	h := &f.Hello
	switch {
	case !h.IsPrint() && h.MadeUp:
		dst = hostName(append(dst, "its TLS name "...), h.Name, "in its hello")
		dst = append(dst, " looks like one that Tor makes up"...)
	case !h.IsPrint():
		return append(dst, "the server's certificate has names as Tor's relays make them up"...)
	case h.Form:
		dst = kind(append(dst, "its TLS fingerprint ("...), h)
		dst = hostName(append(dst, ") and name ("...), h.Name, "in its hello")
		dst = append(dst, ") are like Tor's"...)
	case h.JA4 || h.JA3:
		dst = append(kind(append(dst, "its TLS fingerprint ("...), h), ") is that of a Tor build"...)
	default:
		dst = append(kind(append(dst, "its TLS fingerprint ("...), h), ") is like those of Tor builds"...)
	}
	if h.Certificate {
		dst = append(dst, ", and so are the names in the server's certificate"...)
	}
	return dst
}

func fingerprint(dst []byte, h *flow.Hello) []byte {
	if h.JA4 || h.JA3 {
		dst = append(dst, "the TLS fingerprint of a known Tor build ("...)
	} else {
		dst = append(dst, "a TLS fingerprint like those of Tor builds ("...)
	}
	return append(kind(dst, h), ')')
}

// kind names the fingerprints that were known, and the parts of others.
func kind(dst []byte, h *flow.Hello) []byte {
	start := len(dst)
	for _, k := range [...]struct {
		is   bool
		name string
	}{{h.JA4, "JA4"}, {h.Ciphers, "the ciphers of its JA4"}, {h.JA3, "JA3"}, {h.Groups, "the groups of its JA3"}} {
		if !k.is {
			continue
		}
		if len(dst) > start {
			dst = append(dst, " and "...)
		}
		dst = append(dst, k.name...)
	}
	return dst
}

// leak says where the name of an onion service or gateway was shown, and that
// this is no connection to Tor.
func leak(dst []byte, f *flow.Flow) []byte {
	dst = asked(dst, f)
	if f.Onion.Kind == flow.OnionGateway {
		return append(dst, ": a way to onion services without Tor, so this is not a connection to Tor"...)
	}
	return append(dst, ": a leak of that name, not a connection to Tor"...)
}

// asked says where the name was shown and what it is.
func asked(dst []byte, f *flow.Flow) []byte {
	switch f.Onion.Where {
	case flow.InDNS:
		dst = append(dst, " asked DNS for "...)
	case flow.InURL:
		dst = append(dst, " asked for a URL at "...)
	case flow.InTLS:
		dst = append(dst, " asked by TLS for "...)
	}
	if f.Onion.Kind == flow.OnionGateway {
		return append(hostName(dst, f.Onion.Name, "(a name not shown here)"), ", a tor2web gateway"...)
	}
	return append(hostName(dst, f.Onion.Name, "(a name not shown here)"), ", the name of an onion service"...)
}

// maxHostName bounds a name in a sentence: that of an onion service of version 3
// with a few labels before it.
const maxHostName = 80

// hostName writes a name, or the words instead of one that is no host name: logs
// hold what clients sent.
func hostName(dst, name []byte, instead string) []byte {
	name = bytes.TrimSuffix(bytes.TrimSpace(name), []byte("."))
	if len(name) == 0 || len(name) > maxHostName || name[0] == '.' || bytes.Contains(name, []byte("..")) {
		return append(dst, instead...)
	}
	for _, c := range name {
		if !cell.IsAlphanumeric(c) && c != '.' && c != '-' && c != '_' {
			return append(dst, instead...)
		}
	}
	return append(dst, name...)
}
