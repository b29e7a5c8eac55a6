package dirclient

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"path/filepath"
	"strings"
	"unicode"

	"tordetect/src/text"
)

// Where documents of the real network come from (tor.md, sections 4 and 6).
const collectorURL = "https://collector.torproject.org/"

// maxSourceText bounds a source as written: a path on Linux has at most 4096 bytes.
const maxSourceText = 4096

// known is what every refusal of a source ends with.
const known = `want "collector", "authorities", dir+http://host:port, https://mirror/path/, or a folder such as /data/lists or ./lists`

var errTooLong = fmt.Errorf("source: longer than %d bytes: %s", maxSourceText, known)

type kind int

const (
	kindNone kind = iota
	kindArchive
	kindAuthorities
	kindCache
	kindFolder
)

// A Source is a place where documents can be had. The zero value is no source.
type Source struct {
	kind   kind
	text   string           // canonical
	base   *url.URL         // archive, cache; a path ends in "/"
	addrs  []netip.AddrPort // authorities
	folder string
}

// String returns the source as ParseSource reads it. It holds no secret, as
// sources with a user or a query are refused.
func (s Source) String() string { return s.text }

// IsFolder says whether Files serves it, and not the other methods.
func (s Source) IsFolder() bool { return s.kind == kindFolder }

// IsAuthorities says whether WithAuthorities has to tell the addresses.
func (s Source) IsAuthorities() bool { return s.kind == kindAuthorities }

// Encrypted says whether the source proves by TLS who it is: so do CollecTor and
// its mirrors. Exit lists, which nobody signs, are fit to be believed
// from such a source only, or from the admin's own folder.
func (s Source) Encrypted() bool { return s.kind == kindArchive }

// WithAuthorities returns the source "authorities" with the Dir ports to ask,
// in the order in which they are tried. Shuffle them first: else all the
// world asks the first one.
func (s Source) WithAuthorities(dirPorts []netip.AddrPort) Source {
	if s.kind == kindAuthorities {
		s.addrs = dirPorts
	}
	return s
}

// Collector is the default source, the Tor project's archive.
func Collector() Source {
	return Source{kind: kindArchive, text: "collector", base: mustURL(collectorURL)}
}

// ParseSource reads a source as an admin writes it:
//
//	collector              CollecTor over HTTPS; so is the empty text
//	authorities            the directory authorities' Dir ports, over plain HTTP
//	dir+http://host:port   any directory cache, over plain HTTP
//	https://mirror/path/   a mirror with CollecTor's layout below path
//	/data/lists, ./lists   a folder
//
// Plain http to a mirror, a user or a query in a URL and unknown words are
// refused; no refusal repeats a URL's user or password.
func ParseSource(text string) (Source, error) {
	text = strings.TrimSpace(text)
	if len(text) > maxSourceText {
		return Source{}, errTooLong
	}
	if strings.IndexFunc(text, unicode.IsControl) >= 0 {
		return Source{}, fmt.Errorf("source: it holds a control character: %s", known)
	}
	scheme, rest, isURL := strings.Cut(text, "://")
	scheme = strings.ToLower(scheme)
	switch {
	case text == "" || text == "collector":
		return Collector(), nil
	case text == "authorities":
		return Source{kind: kindAuthorities, text: text}, nil
	case isURL && scheme == "dir+http":
		return parseCache("http://" + rest)
	case isURL && scheme == "https":
		return parseMirror(text)
	case isURL && scheme == "http":
		return Source{}, errors.New("source: a mirror over plain http is refused, as anybody on the way could change what it says: use https://, or dir+http://host:port for a directory cache")
	case isURL && scheme == "file":
		return Source{}, errors.New("source: write a folder as its path, without file://")
	case isURL:
		return Source{}, fmt.Errorf("source: unknown scheme %q: %s", shorten(scheme), known)
	case text == "." || text == ".." || strings.ContainsRune(text, '/') || strings.ContainsRune(text, filepath.Separator):
		folder := filepath.Clean(text)
		return Source{kind: kindFolder, text: text, folder: folder}, nil
	}
	return Source{}, fmt.Errorf("source: unknown word %q: %s", shorten(text), known)
}

func parseCache(text string) (Source, error) {
	u, err := parseURL(text)
	if err != nil {
		return Source{}, err
	}
	if u.Path != "" && u.Path != "/" {
		return Source{}, errors.New("source: a directory cache has no path: want dir+http://host:port")
	}
	if u.Port() == "" {
		return Source{}, errors.New("source: a directory cache needs its port: want dir+http://host:port")
	}
	u.Path = "/"
	return Source{kind: kindCache, text: "dir+http://" + u.Host, base: u}, nil
}

func parseMirror(text string) (Source, error) {
	u, err := parseURL(text)
	if err != nil {
		return Source{}, err
	}
	u = u.JoinPath("/") // ends in one slash, and has no dots left
	// What is no character of a URL takes three there.
	if len(u.String()) > maxSourceText {
		return Source{}, errTooLong
	}
	return Source{kind: kindArchive, text: u.String(), base: u}, nil
}

// parseURL accepts scheme, host, port and path.
func parseURL(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil {
		// The parser's error quotes the text, and with it a password.
		return nil, fmt.Errorf("source: not a URL: %s", known)
	}
	switch {
	case u.User != nil:
		return nil, errors.New("source: a user or password in a URL is refused, as it would end up in logs")
	case u.Hostname() == "":
		return nil, fmt.Errorf("source: the URL names no host: %s", known)
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return nil, errors.New("source: a URL with ? or # is refused: name the folder that holds recent/ and archive/")
	}
	if port := u.Port(); port != "" {
		if _, err := netip.ParseAddrPort("192.0.2.1:" + port); err != nil || strings.Trim(port, "0") == "" {
			return nil, fmt.Errorf("source: bad port %q: want 1 to 65535", shorten(port))
		}
	}
	return u, nil
}

func checkProxy(u *url.URL) error {
	switch u.Scheme {
	case "http", "https", "socks5", "socks5h":
	default:
		// Not quoted: in "user:password@host" the parser takes the user for it.
		return errors.New("proxy: want http://host:port, https://host:port, socks5://host:port or socks5h://host:port")
	}
	if u.Hostname() == "" {
		return errors.New("proxy: the URL names no host: want http://host:port, https://host:port or socks5://host:port")
	}
	return nil
}

// mustURL is for the constants above.
func mustURL(text string) *url.URL {
	u, err := url.Parse(text)
	if err != nil {
		panic(err)
	}
	return u
}

// shorten keeps an error readable whatever was typed.
func shorten(typed string) string { return text.Cut(typed, 40) }
