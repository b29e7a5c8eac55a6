package tordir

import (
	"encoding/base64"
	"net/netip"
	"strings"

	"tordetect/src/flow"
)

// readRelays reads the relays and the footer, to the first directory-signature.
// This is the path that has to be fast; all it takes memory for is the relays,
// their IPv6 addresses and their names, each in one piece.
func (c *Consensus) readRelays(l *lines) error {
	const usual = 320 // bytes of a relay's lines; 343 to 378 in the real documents
	guess := len(l.doc)/usual + 8
	c.Relays = make([]Relay, 0, guess)
	six := make([]netip.AddrPort, 0, guess/2)
	var names strings.Builder
	names.Grow(guess * 12)

	var relay *Relay
	first := 0 // in six, of the relay at hand
	flagged := true
	for {
		line, ok, err := l.next()
		if err != nil {
			return err
		}
		if !ok {
			return errNoSignature
		}
		if len(line) < 2 {
			continue
		}
		if line[1] == ' ' || line[1] == '\t' {
			switch line[0] {
			case 'r':
				if !flagged {
					return l.fail("the relay before this line has no s line")
				}
				next, nickname, err := readRelay(l, line[2:], c.Flavour)
				if err != nil {
					return err
				}
				if relay != nil && string(next.Identity[:]) <= string(relay.Identity[:]) {
					return l.fail("relays are not in the order of their identities")
				}
				// What a Builder has returned stays as it is while it grows.
				names.Write(nickname)
				text := names.String()
				next.Nickname = text[len(text)-len(nickname):]
				c.Relays = append(c.Relays, next)
				relay, first, flagged = &c.Relays[len(c.Relays)-1], len(six), false
			case 'a':
				w, _ := word(line[2:])
				ap, ok := parseAddrPort(w)
				if !ok || relay == nil {
					return l.fail("bad %s, want: a [IPv6]:port below an r line", quote(line))
				}
				if ap.Addr().Is6() { // tor, too, skips other kinds of addresses here
					six = append(six, ap)
					relay.IPv6 = six[first:len(six):len(six)]
				}
			case 's':
				if relay == nil || flagged {
					return l.fail("an s line without an r line")
				}
				relay.Flags, flagged = readFlags(line[2:]), true
			}
			continue
		}
		switch line[0] {
		case 's':
			if string(line) == "s" { // cannot happen: a listed relay is Running
				return l.fail("a relay without flags")
			}
		case 'n':
			if _, ok := argument(line, "network-status-version"); ok {
				return l.fail("%w", errTwo)
			}
		case 'd':
			if _, ok := argument(line, "directory-footer"); ok {
				return c.readFooter(l, flagged)
			}
			if _, ok := argument(line, "directory-signature"); ok {
				return c.endSigned(l, line, flagged)
			}
		}
	}
}

// readFooter reads from directory-footer to the first directory-signature.
func (c *Consensus) readFooter(l *lines, flagged bool) error {
	for {
		line, ok, err := l.next()
		if err != nil {
			return err
		}
		if !ok {
			return errNoSignature
		}
		if _, ok := argument(line, "directory-signature"); ok {
			return c.endSigned(l, line, flagged)
		}
		for _, keyword := range []string{"r", "network-status-version"} {
			if _, ok := argument(line, keyword); ok {
				return l.fail("%s line behind the footer", keyword)
			}
		}
	}
}

// endSigned notes what the signatures are made over, and goes back to the line
// of the first one.
func (c *Consensus) endSigned(l *lines, line []byte, flagged bool) error {
	const keyword = "directory-signature "
	if !flagged {
		return l.fail("the last relay has no s line")
	}
	if len(c.Relays) == 0 {
		return l.fail("no relay is listed")
	}
	if !strings.HasPrefix(string(line), keyword) {
		return l.fail("bad %s, want one blank behind the keyword", quote(line))
	}
	c.signed = l.doc[:l.start+len(keyword)]
	l.at = l.start
	return nil
}

// readRelay reads the arguments of an r line:
//
//	ns:         nickname identity digest date time address ORPort DirPort
//	microdesc:  nickname identity        date time address ORPort DirPort
//
// The publication date is not looked at: since method 33 it is the same for all.
func readRelay(l *lines, rest []byte, flavour string) (relay Relay, nickname []byte, err error) {
	nickname, rest = word(rest)
	if !flow.IsNickname(nickname) {
		return relay, nil, l.fail("bad nickname %s", quote(nickname))
	}
	identity, rest := word(rest)
	if !decodeIdentity(&relay.Identity, identity) {
		return relay, nil, l.fail("bad identity %s, want 27 characters of base64", quote(identity))
	}
	skip := 2
	if flavour == FlavourNS {
		skip = 3
	}
	for range skip {
		_, rest = word(rest)
	}
	addr, rest := word(rest)
	orPort, rest := word(rest)
	dirPort, _ := word(rest)
	var ok, ok1, ok2 bool
	relay.Addr, ok = parseAddr(addr)
	relay.ORPort, ok1 = parsePort(orPort)
	relay.DirPort, ok2 = parsePort(dirPort)
	if !ok || !ok1 || !ok2 {
		return relay, nil, l.fail("bad address and ports %s %s %s in an r line of flavour %s",
			quote(addr), quote(orPort), quote(dirPort), flavour)
	}
	return relay, nickname, nil
}

// decodeIdentity reads base64 without padding, whose last two bits must be 0 so
// that an identity is written in one way only.
func decodeIdentity(id *[20]byte, w []byte) bool {
	if len(w) != 27 {
		return false
	}
	var out [21]byte
	n, err := identityEncoding.Decode(out[:], w)
	copy(id[:], out[:])
	return err == nil && n == len(id)
}

var identityEncoding = base64.RawStdEncoding.Strict()

// readFlags reads the arguments of an s line.
func readFlags(rest []byte) (f flow.Flags) {
	for {
		var w []byte
		if w, rest = word(rest); len(w) == 0 {
			return f
		}
		f |= flow.ParseFlag(w)
	}
}
