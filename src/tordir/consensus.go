package tordir

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"tordetect/src/flow"
)

// The two flavours of a consensus. Both list the same relays with the same
// addresses, ports and flags.
const (
	FlavourNS        = "ns"
	FlavourMicrodesc = "microdesc"
)

// maxSignatures bounds the work of one verification. The public network has
// nine authorities.
const maxSignatures = 100

// Consensus is a network status consensus (dir-spec 3.4). Times are epoch
// seconds, UTC.
//
// It refers to the bytes it was parsed from, for Verify; they must not change
// before that. Its strings have memory of their own.
type Consensus struct {
	Flavour    string // FlavourNS or FlavourMicrodesc
	Method     int    // consensus-method, 20 (2016) to 35 (2026)
	ValidAfter int64
	FreshUntil int64 // after ValidAfter; on the public network an hour
	ValidUntil int64 // after FreshUntil; on the public network three hours after ValidAfter
	Sources    []Source
	Relays     []Relay     // ascending by identity, each once
	Signatures []Signature // in the document's order, at least one

	signed []byte // network-status-version through the space after the first directory-signature
}

// Source is an authority whose vote is in the consensus, by its own account
// (dir-source). It proves nothing; who signed is in Signatures.
type Source struct {
	Nickname string
	V3Ident  [20]byte
	Addr     netip.Addr
	DirPort  uint16
	ORPort   uint16
}

// Relay is a relay that was running and valid when the consensus was made.
type Relay struct {
	Nickname string
	Identity [20]byte // SHA-1 of its RSA key; the fingerprint is its hex
	Addr     netip.Addr
	ORPort   uint16
	DirPort  uint16           // 0 = none
	IPv6     []netip.AddrPort // OR addresses of its "a" lines; nil where the consensus method has none
	Flags    flow.Flags
}

// Signature is one directory-signature of a consensus, not yet checked.
type Signature struct {
	Algorithm        string   // "sha1", "sha256", or a word not known here
	V3Ident          [20]byte // who is said to have signed
	SigningKeyDigest [20]byte // with which key
	signature        []byte
}

// ParseConsensus reads a consensus of either flavour. The document may have
// CollecTor's @type line in front and may be a CRLF copy. It has to be the only
// one: [Documents] takes files apart. Nothing is verified, see
// [Consensus.Verify].
//
// Errors name the line. A vote, a document cut short and a second document
// behind the first are refused.
func ParseConsensus(doc []byte) (*Consensus, error) {
	l, err := begin(doc)
	if err != nil {
		return nil, fmt.Errorf("consensus: %w", err)
	}
	c := &Consensus{}
	for _, part := range []func(*lines) error{c.readPreamble, c.readRelays, c.readSignatures} {
		if err := part(&l); err != nil {
			return nil, fmt.Errorf("consensus: %w", err)
		}
	}
	return c, nil
}

// The two ways to end too early.
var (
	errNoSignature = errors.New("the document ends before its signatures: it was cut short")
	errTwo         = errors.New("another document begins here: the first one was cut short, or several are in one file")
)

// readPreamble reads from the first line to the last before the first relay.
func (c *Consensus) readPreamble(l *lines) error {
	if err := c.readFlavour(l); err != nil {
		return err
	}
	p := preamble{c: c, times: [...]timeLine{
		{keyword: "valid-after", value: &c.ValidAfter}, {keyword: "fresh-until", value: &c.FreshUntil}, {keyword: "valid-until", value: &c.ValidUntil},
	}}
	for {
		before := l.at
		line, ok, err := l.next()
		if err != nil {
			return err
		}
		if !ok {
			return errNoSignature
		}
		if endsPreamble(line) {
			l.at = before
			return p.complete(l)
		}
		if err := p.read(l, line); err != nil {
			return err
		}
	}
}

// readFlavour reads the first line.
func (c *Consensus) readFlavour(l *lines) error {
	line, ok, err := l.next()
	if err != nil || !ok {
		return errCut
	}
	rest, ok := argument(line, "network-status-version")
	if !ok {
		return l.fail("want network-status-version, not %s: this is no consensus", quote(line))
	}
	version, rest := word(rest)
	flavour, _ := word(rest)
	switch {
	case string(version) != "3":
		return l.fail("network-status-version %s is not known, only 3", quote(version))
	case len(flavour) == 0 || string(flavour) == FlavourNS:
		c.Flavour = FlavourNS
	case string(flavour) == FlavourMicrodesc:
		c.Flavour = FlavourMicrodesc
	default:
		return l.fail("consensus flavour %s is not known, only ns and microdesc", quote(flavour))
	}
	return nil
}

// preamble is what was met of the lines behind the first.
type preamble struct {
	c      *Consensus
	status bool // vote-status
	times  [3]timeLine
}

// timeLine is a line that holds a time.
type timeLine struct {
	keyword string
	value   *int64
	seen    bool
}

// read reads one of these lines.
func (p *preamble) read(l *lines, line []byte) error {
	if _, ok := argument(line, "network-status-version"); ok {
		return l.fail("%w", errTwo)
	}
	if rest, ok := argument(line, "vote-status"); ok {
		w, _ := word(rest)
		switch {
		case string(w) == "vote":
			return l.fail("this is the vote of one authority, not a consensus")
		case string(w) != "consensus" || p.status:
			return l.fail("bad %s, want one vote-status consensus", quote(line))
		}
		p.status = true
	}
	if rest, ok := argument(line, "consensus-method"); ok {
		w, _ := word(rest)
		n, ok := digits(w)
		if !ok || n < 1 || p.c.Method != 0 {
			return l.fail("bad %s", quote(line))
		}
		p.c.Method = n
	}
	for i := range p.times {
		t := &p.times[i]
		if rest, ok := argument(line, t.keyword); ok {
			at, ok := parseTime(rest)
			if !ok || t.seen {
				return l.fail("bad %s, want one %s YYYY-MM-DD HH:MM:SS", quote(line), t.keyword)
			}
			*t.value, t.seen = at, true
		}
	}
	if rest, ok := argument(line, "dir-source"); ok {
		return p.c.readSource(l, rest)
	}
	return nil
}

// complete says what is missing before the first relay.
func (p *preamble) complete(l *lines) error {
	if !p.status {
		return l.fail("no vote-status line before here")
	}
	if p.c.Method == 0 {
		return l.fail("no consensus-method line before here")
	}
	for _, t := range p.times {
		if !t.seen {
			return l.fail("no %s line before here", t.keyword)
		}
	}
	if p.c.ValidAfter >= p.c.FreshUntil || p.c.FreshUntil >= p.c.ValidUntil {
		return l.fail("valid-after, fresh-until and valid-until above are not in that order")
	}
	return nil
}

// endsPreamble says whether the line begins the relays, or what follows them.
func endsPreamble(line []byte) bool {
	for _, keyword := range []string{"r", "directory-footer", "directory-signature"} {
		if _, ok := argument(line, keyword); ok {
			return true
		}
	}
	return false
}

// readSource reads the arguments of dir-source: nickname, identity, host name,
// address, Dir port, OR port. A name that ends in -legacy repeats an authority
// under its former key and is no voter.
func (c *Consensus) readSource(l *lines, rest []byte) error {
	nickname, rest := word(rest)
	if strings.HasSuffix(string(nickname), "-legacy") {
		return nil
	}
	identity, rest := word(rest)
	_, rest = word(rest)
	addr, rest := word(rest)
	dirPort, rest := word(rest)
	orPort, _ := word(rest)

	s := Source{Nickname: string(nickname)}
	var ok [4]bool
	s.V3Ident, ok[0] = parseFingerprint(identity)
	s.Addr, ok[1] = parseAddr(addr)
	s.DirPort, ok[2] = parsePort(dirPort)
	s.ORPort, ok[3] = parsePort(orPort)
	if !flow.IsNickname(nickname) || ok != [4]bool{true, true, true, true} {
		return l.fail("bad dir-source, want: nickname, 40 hex digits, host name, address, Dir port, OR port")
	}
	c.Sources = append(c.Sources, s)
	return nil
}

// readSignatures reads what follows the signed part. Nobody vouches for these
// lines, so nothing but signatures is taken from them.
func (c *Consensus) readSignatures(l *lines) error {
	for {
		line, ok, err := l.next()
		if err != nil {
			return err
		}
		if !ok {
			return nil
		}
		if _, ok := argument(line, "network-status-version"); ok {
			return l.fail("%w", errTwo)
		}
		rest, ok := argument(line, "directory-signature")
		if !ok {
			continue
		}
		s, err := readSignature(l, rest)
		if err != nil {
			return err
		}
		if len(c.Signatures) == maxSignatures {
			return l.fail("more than %d signatures", maxSignatures)
		}
		c.Signatures = append(c.Signatures, s)
	}
}

// readSignature reads one directory-signature: [algorithm] identity key, and the
// object below. Without an algorithm it is SHA-1.
func readSignature(l *lines, rest []byte) (s Signature, err error) {
	s.Algorithm = "sha1"
	first, rest := word(rest)
	var ok1, ok2 bool
	if s.V3Ident, ok1 = parseFingerprint(first); !ok1 {
		if s.Algorithm = string(first); len(first) > maxQuote {
			return s, l.fail("bad algorithm %s", quote(first))
		}
		first, rest = word(rest)
		s.V3Ident, ok1 = parseFingerprint(first)
	}
	key, _ := word(rest)
	if s.SigningKeyDigest, ok2 = parseFingerprint(key); !ok1 || !ok2 {
		return s, l.fail("bad directory-signature, want: algorithm, 40 hex digits, 40 hex digits")
	}
	s.signature, err = l.object("SIGNATURE")
	return s, err
}
