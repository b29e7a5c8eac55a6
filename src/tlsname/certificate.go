package tlsname

import "bytes"

// Certificate reports whether the names of a server's certificate are of the form
// that C tor's relays make up for TLS 1.2, where a sensor can still read it (in TLS
// 1.3 it is encrypted), and at least one of the two looks made up.
//
//	subject  CN=www. + 8 to 20 of [a-z2-7] + .net, and nothing else
//	issuer   CN=www. + 8 to 20 of [a-z2-7] + .com, and nothing else
//
// Both are drawn by lot (tortls.c). The pair is unusual by itself: an issuer is
// mostly a company's name, or the subject again. Until 0.2.3 the issuer was below
// .net, too: so old a relay is not looked for.
func Certificate(subject, issuer []byte) bool {
	a, oka := commonName(subject, ".net")
	b, okb := commonName(issuer, ".com")
	return oka && okb && (a || b)
}

// Lengths of the part between www. and the last label in such a name.
const shortestCertificate, longestCertificate = 8, 20

// commonName reads a name that holds a common name and nothing else: CN=..., /CN=...
// as OpenSSL used to write it, or the common name alone.
func commonName(name []byte, tld string) (madeUp, ok bool) {
	name = bytes.TrimPrefix(bytes.TrimSpace(name), []byte("/"))
	name = bytes.TrimPrefix(name, []byte("CN="))
	const www = "www."
	if len(name) < len(www)+shortestCertificate+len(tld) || len(name) > len(www)+longestCertificate+len(tld) ||
		string(name[:len(www)]) != www || string(name[len(name)-len(tld):]) != tld {
		return false, false
	}
	m, ok := measure(name[len(www) : len(name)-len(tld)])
	if !ok || !m.base32 {
		return false, false
	}
	return m.looksDrawn(drawnRunCTor), true
}
