package relaylist

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"tordetect/src/relay"
	"tordetect/src/text"
	"tordetect/src/tordir"
)

// maxAhead is how far a consensus may be ahead of the clock. A valid one exists
// five minutes before its valid-after (dir-spec 3.4, voting-delay); the rest is
// for a clock that is not quite right.
const maxAhead = 15 * time.Minute

// Verdict is what came of one document.
type Verdict struct {
	Name string // file, and member of an archive behind a colon
	Kind tordir.Kind

	// Of a consensus.
	Flavour      string
	ValidAfter   int64 // epoch seconds
	ValidUntil   int64
	Relays       int
	Verification tordir.Verification

	// Certificates and exit addresses that were taken in.
	Taken int

	// OK says that the document was believed. Reason is a sentence, of a good
	// document too.
	OK     bool
	Reason string

	err error // why it could not be read; Reason is made from it
}

// refusal is why a document was not believed, with its name.
func (v *Verdict) refusal() error {
	if v.err != nil {
		return v.err
	}
	return fmt.Errorf("%s was refused: %s", v.Name, v.Reason)
}

// pending says that more certificates could change the verdict.
func (v *Verdict) pending() bool {
	return !v.OK && v.Kind == tordir.KindConsensus && (v.hasCheck(tordir.StatusUnknownCertificate) || v.hasCheck(tordir.StatusExpiredCertificate))
}

func (v *Verdict) hasCheck(status tordir.Status) bool {
	return slices.ContainsFunc(v.Verification.Checks, func(c tordir.Check) bool { return c.Status == status })
}

// importer takes documents in.
type importer struct {
	merger       *relay.Merger
	out          Result
	trust        tordir.Trust
	now          time.Time
	certificates tordir.Certificates
	held         held
}

func newImporter(o Options) *importer {
	im := &importer{merger: relay.NewMerger(), trust: o.Trust, now: o.Now}
	if im.trust == nil {
		im.trust = tordir.PublicAuthorities()
	}
	return im
}

func (im *importer) warn(format string, args ...any) {
	im.out.Warnings = append(im.out.Warnings, fmt.Sprintf(format, args...))
}

// maxCertificates bounds the certificates that are kept. All of the public
// network since 2007 are about 350.
const maxCertificates = 5000

// add takes a document in, whose verdict is to be appended next. A consensus whose
// certificates are not known yet is refused, and pending; an exit list counts once it
// is settled.
func (im *importer) add(doc tordir.Document) Verdict { return im.addOf(doc, time.Time{}) }

// addOf is add for a document that was asked for as the list of an hour, if hour is
// not zero: another hour's is refused, however well it is signed.
func (im *importer) addOf(doc tordir.Document, hour time.Time) Verdict {
	v := Verdict{Name: doc.Name, Kind: doc.Kind}
	switch doc.Kind {
	case tordir.KindCertificates:
		im.addCertificates(&v, doc.Bytes)
	case tordir.KindConsensus:
		im.addConsensus(&v, doc.Bytes, hour)
	case tordir.KindExitList:
		im.addExitList(&v, doc.Bytes)
	case tordir.KindVote:
		v.Reason = "This is an authority's vote and no consensus: nothing is decided in it."
	default:
		v.Reason = sentence(errors.New("this " + isNo("document of Tor's directory", doc.Bytes)))
	}
	return v
}

func (im *importer) addCertificates(v *Verdict, doc []byte) {
	certificates, err := tordir.ParseCertificates(doc)
	for _, c := range certificates {
		if len(im.certificates) < maxCertificates && !im.holds(c) {
			im.certificates = append(im.certificates, c)
		}
	}
	v.Taken = len(certificates)
	v.OK = err == nil && len(certificates) > 0
	v.Reason = fmt.Sprintf("%d certificates.", len(certificates))
	if err != nil {
		v.Reason = fmt.Sprintf("%d certificates, and bad ones: %s", len(certificates), sentence(err))
	}
}

// holds reports whether the very certificate is there already: one key may have
// several, with other dates.
func (im *importer) holds(c *tordir.Certificate) bool {
	for _, o := range im.certificates {
		if o.Identity == c.Identity && o.SigningKeyDigest == c.SigningKeyDigest && o.Published == c.Published && o.Expires == c.Expires {
			return true
		}
	}
	return false
}

func (im *importer) addConsensus(v *Verdict, doc []byte, hour time.Time) {
	c, err := tordir.ParseConsensus(doc)
	if err != nil {
		v.Reason = sentence(err)
		return
	}
	v.Flavour, v.ValidAfter, v.ValidUntil, v.Relays = c.Flavour, c.ValidAfter, c.ValidUntil, len(c.Relays)
	v.Verification = c.Verify(im.certificates, im.trust)
	v.OK, v.Reason = v.Verification.OK, v.Verification.Reason
	if !v.OK && v.hasCheck(tordir.StatusUnknownCertificate) {
		v.Reason += " Key certificates of that time are needed too: a Tor client has them in its file cached-certs, CollecTor in certs.tar.xz."
	}
	if ahead := time.Unix(c.ValidAfter, 0).Sub(im.now); v.OK && ahead > maxAhead {
		v.OK = false
		v.Reason = ofFuture(c.ValidAfter, ahead)
	}
	if v.OK && !hour.IsZero() && c.ValidAfter != hour.Unix() {
		v.OK = false
		v.Reason = fmt.Sprintf("It is the list of %s under the name of %s: the source is broken, or somebody wants ours to be out of date.", text.Time(c.ValidAfter), text.Time(hour.Unix()))
	}
	if !v.OK {
		return
	}
	if err := im.merger.AddList(listOf(c)); err != nil {
		v.OK, v.Reason = false, sentence(err)
	}
}

func (im *importer) addExitList(v *Verdict, doc []byte) {
	e, err := tordir.ParseExitList(doc)
	if err != nil {
		v.Reason = sentence(err)
		return
	}
	list := relay.ExitList{Downloaded: e.Downloaded}
	latest, late := e.Downloaded, 0 // a list as it is served does not say when it was made
	if latest == 0 {
		latest = im.now.Add(maxAhead).Unix()
	}
	for _, node := range e.Nodes {
		for _, a := range node.Addresses {
			if a.Scanned > latest {
				late++
				continue
			}
			list.Sightings = append(list.Sightings, relay.ExitSighting{Identity: node.Identity, Addr: a.Addr, Scanned: a.Scanned})
		}
	}
	if ahead := time.Unix(e.Downloaded, 0).Sub(im.now); ahead > maxAhead {
		v.Reason = ofFuture(e.Downloaded, ahead)
		return
	}
	im.held.hold(v.Name, len(im.out.Verdicts), list)
	v.OK, v.Taken = true, len(list.Sightings)
	v.Reason = fmt.Sprintf("%d addresses of %d exits. Exit lists are not signed: only relays that a consensus lists around then count.", len(list.Sightings), len(e.Nodes))
	if late > 0 {
		v.Reason += fmt.Sprintf(" %d addresses were left out, as they are said to have been seen after the list was made.", late)
	}
}

// ofFuture says why a document is refused that is of a time ahead of the clock.
func ofFuture(at int64, ahead time.Duration) string {
	return fmt.Sprintf("It is of %s, which is %s ahead of this machine's clock: check the clock.", text.Time(at), strings.TrimSuffix(ahead.Round(time.Minute).String(), "0s"))
}

// listOf turns a consensus into what the table keeps of it.
func listOf(c *tordir.Consensus) relay.List {
	l := relay.List{ValidAfter: c.ValidAfter, ValidUntil: c.ValidUntil, Relays: make([]relay.ListedRelay, len(c.Relays))}
	for i := range c.Relays {
		r := &c.Relays[i]
		l.Relays[i] = relay.ListedRelay{
			Identity: r.Identity, Nickname: r.Nickname, Flags: r.Flags,
			Ports: append([]netip.AddrPort{netip.AddrPortFrom(r.Addr, r.ORPort)}, r.IPv6...),
		}
		if r.DirPort != 0 {
			l.Relays[i].Dir = netip.AddrPortFrom(r.Addr, r.DirPort)
		}
	}
	return l
}
