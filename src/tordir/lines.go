package tordir

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"

	"tordetect/src/cell"
)

// MaxDocument is the largest document that is parsed, in bytes. The largest
// real consensus known is 3.4 MB (2026-06-27, 9609 relays); an exit list has
// 0.2 MB.
const MaxDocument = 32 << 20

// maxObject is the longest base64 text of a key or signature. A key of 4096 bit
// has 700 characters; the largest in use has 3072 bit.
const maxObject = 4096

// maxQuote is how much of a document's text an error repeats.
const maxQuote = 60

// lines walks over a document line by line. Lines end with LF; a last line
// without one is no line but a cut.
type lines struct {
	doc   []byte
	at    int // where the next line starts
	start int // where the line last returned starts
}

// errCut is returned where a document stops within a line.
var errCut = errors.New("the document ends in the middle of a line: it was cut short")

// next returns the next line without its LF. At the end it returns false, and
// err is errCut if bytes are left over.
func (l *lines) next() (line []byte, ok bool, err error) {
	rest := l.doc[l.at:]
	i := bytes.IndexByte(rest, '\n')
	if i < 0 {
		if len(rest) > 0 {
			l.start = l.at
			return nil, false, errCut
		}
		return nil, false, nil
	}
	l.start = l.at
	l.at += i + 1
	return rest[:i], true, nil
}

// fail says what is wrong with the line last returned.
func (l *lines) fail(format string, args ...any) error {
	n := 1 + bytes.Count(l.doc[:l.start], []byte{'\n'})
	return fmt.Errorf("line %d: "+format, append([]any{n}, args...)...)
}

// object reads the PEM-like object of the given name that must follow the line
// last returned, and returns its bytes in memory of their own.
func (l *lines) object(names ...string) ([]byte, error) {
	line, ok, err := l.next()
	if err != nil || !ok {
		return nil, errCutObject
	}
	end := ""
	for _, name := range names {
		if string(line) == "-----BEGIN "+name+"-----" {
			end = "-----END " + name + "-----"
		}
	}
	if end == "" {
		return nil, l.fail("want -----BEGIN %s-----, not %s", names[0], quote(line))
	}
	from := l.at
	for {
		line, ok, err = l.next()
		if err != nil || !ok {
			return nil, errCutObject
		}
		if string(line) == end {
			break
		}
		if l.at-from > maxObject {
			return nil, l.fail("the object is longer than %d characters", maxObject)
		}
	}
	text := l.doc[from:l.start]
	data := make([]byte, base64.StdEncoding.DecodedLen(len(text)))
	n, err := base64.StdEncoding.Decode(data, text)
	if err != nil {
		return nil, l.fail("the object above is not base64: %v", err)
	}
	return data[:n], nil
}

// errCutObject is returned where a document stops within a key or signature.
var errCutObject = errors.New("the document ends in the middle of a key or signature: it was cut short")

// word takes the first argument off a line. Arguments are separated by blanks
// or tabs; an empty word means that there is none.
func word(line []byte) (w, rest []byte) {
	i := 0
	for i < len(line) && (line[i] == ' ' || line[i] == '\t') {
		i++
	}
	j := i
	for j < len(line) && line[j] != ' ' && line[j] != '\t' {
		j++
	}
	return line[i:j], line[j:]
}

// argument returns the rest of a line that starts with the keyword.
func argument(line []byte, keyword string) (rest []byte, ok bool) {
	if len(line) < len(keyword) || string(line[:len(keyword)]) != keyword {
		return nil, false
	}
	rest = line[len(keyword):]
	return rest, len(rest) == 0 || rest[0] == ' ' || rest[0] == '\t'
}

// unix returns a CRLF copy with the line ends of the original, and any other
// document as it is. Signatures are made over LF.
func unix(doc []byte) []byte {
	i := bytes.IndexByte(doc, '\n')
	if i <= 0 || doc[i-1] != '\r' {
		return doc
	}
	return bytes.ReplaceAll(doc, []byte("\r\n"), []byte("\n"))
}

// unannotated drops the lines before the document that begin with @, such as
// CollecTor's "@type". No signature covers them.
func unannotated(doc []byte) []byte {
	for len(doc) > 0 && doc[0] == '@' {
		i := bytes.IndexByte(doc, '\n')
		if i < 0 {
			return nil
		}
		doc = doc[i+1:]
	}
	return doc
}

// begin returns a document ready to be walked over, or why it cannot be read.
func begin(doc []byte) (lines, error) {
	if len(doc) > MaxDocument {
		return lines{}, fmt.Errorf("the document has %d bytes, more than the %d that are read", len(doc), MaxDocument)
	}
	doc = unix(unannotated(doc))
	if len(doc) == 0 {
		return lines{}, errors.New("the document is empty")
	}
	return lines{doc: doc}, nil
}

// quote makes hostile text fit for an error.
func quote(text []byte) string {
	if len(text) > maxQuote {
		return fmt.Sprintf("%q...", text[:maxQuote])
	}
	return fmt.Sprintf("%q", text)
}

// parseTime reads the two words YYYY-MM-DD HH:MM:SS, UTC, and returns epoch
// seconds. Years are 1970 to 9999.
func parseTime(line []byte) (int64, bool) {
	date, rest := word(line)
	clock, _ := word(rest)
	days, ok := parseDate(date)
	if !ok || len(clock) != 8 || clock[2] != ':' || clock[5] != ':' {
		return 0, false
	}
	h, ok1 := digits(clock[:2])
	m, ok2 := digits(clock[3:5])
	s, ok3 := digits(clock[6:])
	if !ok1 || !ok2 || !ok3 || h > 23 || m > 59 || s > 59 {
		return 0, false
	}
	return days*86400 + int64(h*3600+m*60+s), true
}

// parseDate reads YYYY-MM-DD and returns days since 1970-01-01.
func parseDate(w []byte) (int64, bool) {
	if len(w) != 10 || w[4] != '-' || w[7] != '-' {
		return 0, false
	}
	y, ok1 := digits(w[:4])
	m, ok2 := digits(w[5:7])
	d, ok3 := digits(w[8:])
	if !ok1 || !ok2 || !ok3 {
		return 0, false
	}
	return cell.Days(y, m, d)
}

// digits reads a decimal number of up to nine digits.
func digits(w []byte) (int, bool) {
	if len(w) == 0 || len(w) > 9 {
		return 0, false
	}
	n := 0
	for _, c := range w {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int(c-'0')
	}
	return n, true
}

// parsePort reads a port, 0 to 65535; 0 stands for none.
func parsePort(w []byte) (uint16, bool) {
	n, ok := digits(w)
	return uint16(n), ok && n <= 65535
}

// parseFingerprint reads the 40 hex digits of a SHA-1, upper or lower case.
func parseFingerprint(w []byte) (id [20]byte, ok bool) {
	if len(w) != 2*len(id) {
		return id, false
	}
	_, err := hex.Decode(id[:], w)
	return id, err == nil
}

// parseAddr reads an address without brackets or zone.
func parseAddr(w []byte) (netip.Addr, bool) {
	if addr, ok := cell.V4(w); ok {
		return addr, true
	}
	return cell.V6(w)
}

// parseAddrPort reads "[IPv6]:port" or "IPv4:port".
func parseAddrPort(w []byte) (ap netip.AddrPort, ok bool) {
	i := bytes.LastIndexByte(w, ':')
	if i < 0 {
		return ap, false
	}
	host := w[:i]
	bracketed := len(host) > 2 && host[0] == '[' && host[len(host)-1] == ']'
	if bracketed {
		host = host[1 : len(host)-1]
	}
	addr, ok1 := parseAddr(host)
	port, ok2 := parsePort(w[i+1:])
	if !ok1 || !ok2 || bracketed != (bytes.IndexByte(host, ':') >= 0) {
		return ap, false
	}
	return netip.AddrPortFrom(addr, port), true
}
