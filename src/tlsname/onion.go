package tlsname

import (
	"bytes"

	"tordetect/src/cell"
	"tordetect/src/flow"
)

// Host names of tor2web gateways, as they were known in September 2025 (the Sigma
// rule "DNS TOR Proxies", sorted and without its doubles). Many are dead. A new
// one is a new line.
var gateways = map[string]bool{
	"hiddenservice.net": true,
	"onion.ca":          true, "onion.cab": true, "onion.casa": true, "onion.city": true, "onion.direct": true,
	"onion.dog": true, "onion.glass": true, "onion.gq": true, "onion.guide": true, "onion.in.net": true,
	"onion.ink": true, "onion.it": true, "onion.link": true, "onion.lt": true, "onion.lu": true,
	"onion.ly": true, "onion.mn": true, "onion.network": true, "onion.nu": true, "onion.pet": true,
	"onion.plus": true, "onion.pt": true, "onion.pw": true, "onion.rip": true, "onion.sh": true,
	"onion.si": true, "onion.to": true, "onion.top": true, "onion.ws": true,
	"s1.tor-gateways.de": true, "s2.tor-gateways.de": true, "s3.tor-gateways.de": true,
	"s4.tor-gateways.de": true, "s5.tor-gateways.de": true,
	"t2w.pw":         true,
	"tor2web.ae.org": true, "tor2web.blutmagie.de": true, "tor2web.com": true, "tor2web.fi": true,
	"tor2web.io": true, "tor2web.org": true, "tor2web.xyz": true,
	"torlink.co": true,
}

// All gateways have two or three labels and at most longestGateway characters;
// the test says so.
const longestGateway = len("tor2web.blutmagie.de")

// Gateways returns the list, in no order, for the manual and its test.
func Gateways() []string {
	out := make([]string, 0, len(gateways))
	for name := range gateways {
		out = append(out, name)
	}
	return out
}

// OfHost reads the name of a host in any case, with or without blanks around
// and a dot at its end.
func OfHost(name []byte) flow.OnionKind {
	name = bytes.TrimSpace(name)
	if n := len(name); n > 0 && name[n-1] == '.' {
		name = name[:n-1]
	}
	dot := bytes.LastIndexByte(name, '.')
	if dot <= 0 || name[dot-1] == '.' {
		return flow.NoOnion
	}
	var low [longestGateway]byte
	if tld := name[dot+1:]; len(tld) == len("onion") && string(cell.Lower(low[:0], tld)) == "onion" {
		return flow.OnionService
	}
	for range 2 { // its last two labels, and its last three
		dot = bytes.LastIndexByte(name[:dot], '.')
		tail := name[dot+1:]
		if len(tail) > longestGateway {
			break
		}
		if gateways[string(cell.Lower(low[:0], tail))] {
			return flow.OnionGateway
		}
		if dot <= 0 {
			break
		}
	}
	if hasService(name) {
		return flow.OnionService
	}
	return flow.NoOnion
}

// hasService reports whether a name holds that of an onion service with something
// behind it: a resolver's search suffix, as in <56 characters>.onion.corp.example.com.
func hasService(name []byte) bool {
	if len(name) < len2+len(".onion.x") {
		return false // most names
	}
	for from := 0; ; {
		at := bytes.IndexByte(name[from:], '.')
		if at < 0 {
			return false
		}
		label, rest := name[from:from+at], name[from+at+1:]
		if (at == len2 || at == len3) && len(rest) > len("onion") && rest[len("onion")] == '.' &&
			bytes.EqualFold(rest[:len("onion")], []byte("onion")) && isBase32(label) {
			return true
		}
		from += at + 1
	}
}

// Lengths of the names of onion services, of version 2 (80 bits) and of version 3
// (35 bytes; rend-spec-v3, section 6).
const len2, len3 = 16, 56

func isBase32(label []byte) bool {
	for _, c := range label {
		if (c|0x20 < 'a' || c|0x20 > 'z') && (c < '2' || c > '7') {
			return false
		}
	}
	return true
}

// HostPort returns the host of a URL as proxies log it (whole, without its scheme, or
// a host and a port), without user, and the port as it is written; nil where there
// is none.
func HostPort(url []byte) (host, port []byte) {
	url = bytes.TrimSpace(url)
	if i := bytes.IndexByte(url, ':'); i >= 0 && len(url) >= i+3 && url[i+1] == '/' && url[i+2] == '/' {
		url = url[i+3:]
	} else if len(url) >= 2 && url[0] == '/' && url[1] == '/' {
		url = url[2:]
	}
	for i, c := range url {
		if c == '/' || c == '?' || c == '#' || c == '\\' {
			url = url[:i]
			break
		}
	}
	if i := bytes.LastIndexByte(url, '@'); i >= 0 {
		url = url[i+1:]
	}
	if len(url) > 0 && url[0] == '[' {
		i := bytes.IndexByte(url, ']')
		if i < 0 {
			return nil, nil
		}
		host, port = url[1:i], url[i+1:]
		if len(port) > 0 && port[0] == ':' {
			return host, port[1:]
		}
		return host, nil
	}
	if i := bytes.IndexByte(url, ':'); i >= 0 {
		return url[:i], url[i+1:]
	}
	return url, nil
}
