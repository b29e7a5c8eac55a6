// Package cell reads the text of one cell: an address, a port, a number, a time,
// or no value. It is the one place that says how a log may write these.
//
//	Address("[2001:db8::1]:443")       -> 2001:db8::1, port 443
//	Address("64:ff9b::198.51.100.23")  -> 198.51.100.23, written as NAT64
//	Port("9001/tcp")                   -> 9001
//	Number("4000.5")                   -> 4000
//	ReadTime("1795169730000", nil)     -> 2026-11-20T10:15:30Z
//	ReadTime("2026-11-20 10:15:30", nil) -> no time: it names no zone
//	IsEmpty("null")                    -> true
//
// Text is hostile and of any length; nothing is allocated for it. A cell holds
// one value here: which separators make a list is a matter of package event, and
// what a word means in a firewall's language as well.
package cell

import "bytes"

// IsEmpty reports whether a cell holds a word for "no value", in any case and
// with blanks around: fillnull writes null, CIM unknown, Zeek and many others a
// dash, Zeek (empty) for an empty list.
func IsEmpty(text []byte) bool {
	if len(text) > 0 {
		switch c := text[0]; {
		case c <= ' ', c >= 0x80, c == '-', c == 'n', c == 'N', c == 'u', c == 'U', c == '(':
		default:
			return false // nearly all cells
		}
	}
	return isEmpty(text)
}

func isEmpty(text []byte) bool {
	text = bytes.TrimSpace(text)
	if len(text) > longestEmpty {
		return false
	}
	var low [longestEmpty]byte
	switch string(Lower(low[:0], text)) {
	case "", "-", "null", "unknown", "(empty)":
		return true
	}
	return false
}

const longestEmpty = len("unknown")

// Lower appends the ASCII lower case of text.
func Lower(dst, text []byte) []byte {
	for _, c := range text {
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		dst = append(dst, c)
	}
	return dst
}

// maxDigits is how many digits a number may have, so that it fits into 64 bits.
const maxDigits = 18

// Number reads a number that is not negative: bytes, packets, seconds. A fraction
// is cut off.
func Number(text []byte) (int64, bool) {
	var n int64
	for i, c := range text {
		switch {
		case c == '.' && i > 0:
			return n, digitsOnly(text[i+1:])
		case c < '0' || c > '9' || i == maxDigits:
			if i == 0 && (c == ' ' || c == '\t') || i > 0 && c == ' ' {
				if t := bytes.TrimSpace(text); len(t) < len(text) {
					return Number(t)
				}
			}
			return 0, false
		}
		n = n*10 + int64(c-'0')
	}
	return n, len(text) > 0
}

// IsAlphanumeric reports whether a byte is an ASCII letter or digit.
func IsAlphanumeric(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}

// HexDigit reads a hexadecimal digit.
func HexDigit(c byte) (value byte, ok bool) {
	switch {
	case '0' <= c && c <= '9':
		return c - '0', true
	case 'a' <= c|0x20 && c|0x20 <= 'f':
		return c | 0x20 - 'a' + 10, true
	}
	return 0, false
}

func digitsOnly(text []byte) bool {
	for _, c := range text {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}

// services are the ports of names that logs write instead of a number: those
// services that Tor's relays and their neighbours use, and what web and mail
// logs name (IANA's service names; www is the older one of http).
var services = [...]struct {
	name string
	port uint16
}{
	{"https", 443}, {"http", 80}, {"www", 80}, {"ssh", 22}, {"domain", 53}, {"dns", 53}, {"smtp", 25},
	{"submission", 587}, {"smtps", 465}, {"imap", 143}, {"imaps", 993}, {"pop3", 110}, {"pop3s", 995},
	{"ftp", 21}, {"ftps", 990}, {"telnet", 23}, {"ntp", 123}, {"rdp", 3389}, {"ms-wbt-server", 3389},
	{"socks", 1080}, {"http-alt", 8080}, {"https-alt", 8443}, {"http-proxy", 8080},
}

// longestService is the length of the longest name of services.
const longestService = len("ms-wbt-server")

// Port reads a port: a number, a number beside its transport (9001/tcp, tcp/9001),
// or the name of a service. Port 0 is how data models write "none".
func Port(text []byte) (uint16, bool) {
	if n, ok := Number(text); ok {
		return uint16(n), n > 0 && n < 1<<16
	}
	text = bytes.TrimSpace(text)
	if at := bytes.IndexByte(text, '/'); at >= 0 {
		switch left, right := text[:at], text[at+1:]; {
		case isTransport(right):
			text = left
		case isTransport(left):
			text = right
		default:
			return 0, false
		}
		if n, ok := Number(text); ok {
			return uint16(n), n > 0 && n < 1<<16
		}
	}
	if len(text) > longestService {
		return 0, false
	}
	var low [longestService]byte
	name := Lower(low[:0], text)
	for i := range services {
		if string(name) == services[i].name {
			return services[i].port, true
		}
	}
	return 0, false
}

func isTransport(text []byte) bool {
	var low [len("sctp")]byte
	if len(text) > len(low) {
		return false
	}
	switch string(Lower(low[:0], text)) {
	case "tcp", "udp", "sctp", "tcp6", "udp6":
		return true
	}
	return false
}
