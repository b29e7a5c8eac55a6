package tornet

import (
	"bytes"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strings"
	"time"
)

// Spec says what consensus to make. The zero value of a field stands for what a
// good consensus has.
type Spec struct {
	Flavour    string // "ns" or "microdesc"; microdesc unless set
	Method     int    // 35 unless set
	ValidAfter time.Time
	FreshUntil time.Time // an hour later unless set
	ValidUntil time.Time // three hours later unless set
	Relays     []Relay   // sorted here, see Unsorted
	Unsorted   bool      // leave them as they are

	Signers []int        // who signs, as indexes of Authorities, in this order; all once if nil
	Others  []*Authority // who signs besides, from another network say
	Voters  []int        // whose vote is in it (dir-source); all if nil

	Wrong      []int             // positions among the signatures that do not fit
	Algorithms map[int]string    // by position: the algorithm word of a signature, instead of the flavour's
	Digests    map[int]string    // by position: sign this text's digest instead of the document's
	Lines      map[string]string // by keyword: another line instead; "" drops it
	Legacy     bool              // a dir-source of a former key: nickname-legacy
	Grease     bool              // unknown keywords and extra arguments everywhere they may stand
	FlagsFirst bool              // the s line of a relay before its a and m lines
}

const stamp = "2006-01-02 15:04:05"

// Consensus makes a consensus.
func (n *Network) Consensus(spec Spec) []byte {
	spec = spec.withDefaults()
	if spec.Signers == nil {
		for i := range n.Authorities {
			spec.Signers = append(spec.Signers, i)
		}
	}
	if spec.Voters == nil {
		for i := range n.Authorities {
			spec.Voters = append(spec.Voters, i)
		}
	}
	b := &writer{lines: spec.Lines, grease: spec.Grease}
	version := "network-status-version 3"
	if spec.Flavour != "ns" {
		version += " " + spec.Flavour
	}
	b.item(version)
	b.item("vote-status consensus")
	b.item(fmt.Sprintf("consensus-method %d", spec.Method))
	b.times(spec)
	b.item("known-flags Authority BadExit Exit Fast Guard HSDir Running Stable V2Dir Valid")
	b.item("params CircuitPriorityHalflifeMsec=30000")
	for _, a := range sorted(n.pick(spec.Voters)) {
		b.source(a, "")
		b.item("contact nobody <nobody AT example dot com>")
		b.item(fmt.Sprintf("vote-digest %X", sha1.Sum(a.V3Ident[:])))
		if spec.Legacy {
			b.source(a, "-legacy")
		}
	}
	if !spec.Unsorted {
		sortRelays(spec.Relays)
	}
	for _, r := range spec.Relays {
		b.relay(r, spec)
	}
	b.item("directory-footer")
	b.item("bandwidth-weights Wbd=0 Wbe=0 Wbg=4194")

	signed := append(bytes.Clone(b.Bytes()), "directory-signature "...)
	signers := append(n.pick(spec.Signers), spec.Others...)
	for i, a := range signers {
		algorithm := ""
		if spec.Flavour != "ns" {
			algorithm = "sha256"
		}
		if word, ok := spec.Algorithms[i]; ok {
			algorithm = word
		}
		text := signed
		if other, ok := spec.Digests[i]; ok {
			text = []byte(other)
		}
		digest := digestOf(algorithm, text)
		for _, wrong := range spec.Wrong {
			if wrong == i {
				digest[0] ^= 1
			}
		}
		if algorithm != "" {
			algorithm += " "
		}
		fmt.Fprintf(b, "directory-signature %s%X %X\n", algorithm, a.V3Ident, fingerprint(a.signing))
		b.object("SIGNATURE", sign(a.signing, digest))
	}
	return b.Bytes()
}

func (s Spec) withDefaults() Spec {
	if s.Flavour == "" {
		s.Flavour = "microdesc"
	}
	if s.Method == 0 {
		s.Method = 35
	}
	if s.ValidAfter.IsZero() {
		s.ValidAfter = time.Date(2026, 6, 27, 4, 0, 0, 0, time.UTC)
	}
	if s.FreshUntil.IsZero() {
		s.FreshUntil = s.ValidAfter.Add(time.Hour)
	}
	if s.ValidUntil.IsZero() {
		s.ValidUntil = s.ValidAfter.Add(3 * time.Hour)
	}
	return s
}

// pick returns authorities by index.
func (n *Network) pick(indexes []int) []*Authority {
	var out []*Authority
	for _, i := range indexes {
		out = append(out, n.Authorities[i])
	}
	return out
}

// digestOf hashes as the algorithm word says. An unknown one hashes to something.
func digestOf(algorithm string, text []byte) []byte {
	switch algorithm {
	case "", "sha1":
		sum := sha1.Sum(text)
		return sum[:]
	default:
		sum := sha256.Sum256(text)
		return sum[:]
	}
}

// Vote makes the vote of one authority, with its certificate inside, which looks
// much like a consensus.
func (n *Network) Vote(i int, spec Spec) []byte {
	spec = spec.withDefaults()
	a := n.Authorities[i]
	b := &writer{lines: spec.Lines, grease: spec.Grease}
	b.item("network-status-version 3")
	b.item("vote-status vote")
	b.item("consensus-methods 32 33 34 35")
	b.item("published " + spec.ValidAfter.Add(-5*time.Minute).Format(stamp))
	b.times(spec)
	b.item("known-flags Authority Exit Fast Guard Running Valid")
	b.source(a, "")
	b.item("contact nobody")
	b.Write(n.Certificate(i, CertSpec{}))
	for _, r := range spec.Relays {
		b.relay(r, Spec{Flavour: "ns", ValidAfter: spec.ValidAfter})
	}
	b.item("directory-footer")
	sum := sha1.Sum(append(bytes.Clone(b.Bytes()), "directory-signature "...))
	fmt.Fprintf(b, "directory-signature %X %X\n", a.V3Ident, fingerprint(a.signing))
	b.object("SIGNATURE", sign(a.signing, sum[:]))
	return b.Bytes()
}

// writer writes the lines of a document.
type writer struct {
	bytes.Buffer
	lines  map[string]string
	grease bool
	count  int
}

// item writes a line, or what was asked for in its place.
func (b *writer) item(line string) {
	keyword, _, _ := strings.Cut(line, " ")
	if other, ok := b.lines[keyword]; ok {
		if other == "" {
			return
		}
		line = other
	} else if b.grease {
		// Extra arguments, and keywords that nobody knows.
		switch keyword {
		case "network-status-version":
			if line == "network-status-version 3" {
				line += " ns"
			}
			line += " grease"
		case "s", "params", "contact", "known-flags":
		default:
			line += " grease=1"
		}
		if b.count++; b.count > 1 && b.count%7 == 0 {
			b.WriteString("x-grease r a s\n")
			b.object("GREASE", bytes.Repeat([]byte{byte(b.count)}, 70))
		}
	}
	b.WriteString(line + "\n")
}

func (b *writer) times(spec Spec) {
	b.item("valid-after " + spec.ValidAfter.UTC().Format(stamp))
	b.item("fresh-until " + spec.FreshUntil.UTC().Format(stamp))
	b.item("valid-until " + spec.ValidUntil.UTC().Format(stamp))
	b.item("voting-delay 300 300")
}

func (b *writer) source(a *Authority, suffix string) {
	b.item(fmt.Sprintf("dir-source %s%s %X %s %s %d %d", a.Nickname, suffix, a.V3Ident, a.Addr, a.Addr, a.DirPort, a.ORPort))
}

// relay writes the lines of a relay.
func (b *writer) relay(r Relay, spec Spec) {
	published := "2038-01-01 00:00:00" // what all have since method 33
	if spec.Method > 0 && spec.Method < 33 {
		published = spec.ValidAfter.Add(-7 * time.Hour).UTC().Format(stamp)
	}
	digest := ""
	if spec.Flavour == "ns" {
		d := sha1.Sum(r.Identity[:])
		digest = base64.RawStdEncoding.EncodeToString(d[:]) + " "
	}
	b.item(fmt.Sprintf("r %s %s %s%s %s %d %d", r.Nickname, base64.RawStdEncoding.EncodeToString(r.Identity[:]),
		digest, published, r.Addr, r.ORPort, r.DirPort))
	flags := "s " + strings.Join(r.Flags, " ")
	if spec.FlagsFirst {
		b.item(flags)
	}
	if spec.Method == 0 || spec.Method >= 27 || spec.Flavour == "ns" {
		for _, six := range r.IPv6 {
			b.item("a " + six.String())
		}
	}
	if spec.Flavour != "ns" {
		m := sha256.Sum256(r.Identity[:])
		b.item("m " + base64.RawStdEncoding.EncodeToString(m[:]))
	}
	if !spec.FlagsFirst {
		b.item(flags)
	}
	b.item("v Tor 0.4.9.9")
	b.item("pr Conflux=1 Cons=1-2 Desc=1-4 DirCache=2 FlowCtrl=1-2 HSDir=2 HSIntro=4-5 HSRend=1-2 Link=3-5 LinkAuth=3 Microdesc=1-3 Padding=2 Relay=2-6")
	b.item(fmt.Sprintf("w Bandwidth=%d", 1000+int(r.Identity[0])*10))
	if spec.Flavour == "ns" {
		if has(r.Flags, "Exit") {
			b.item("p accept 80,443")
		} else {
			b.item("p reject 1-65535")
		}
	}
}

// object writes a PEM-like object. Its lines have 64 characters.
func (b *writer) object(name string, data []byte) {
	text := base64.StdEncoding.EncodeToString(data)
	fmt.Fprintf(b, "-----BEGIN %s-----\n", name)
	for len(text) > 64 {
		b.WriteString(text[:64] + "\n")
		text = text[64:]
	}
	fmt.Fprintf(b, "%s\n-----END %s-----\n", text, name)
}
