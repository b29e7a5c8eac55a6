// Package relaylist keeps a relay table current: it takes Tor's documents, from
// files or from the network, believes what is signed, and merges it into the
// table that package relay reads. It also says what a table knows: its state, and
// what an address was at a time.
//
//	in:   consensuses, certificates and exit lists, in any order, and a table
//	out:  a verdict for each document, and the merged table
//
//	importer := relaylist.NewImporter(tordir.PublicAuthorities(), now)
//	verdicts := importer.Files(paths)      // "9 of 9 signatures, 9609 relays"
//	importer.Merger.WriteFile(...)
//
// Documents are parsed and verified in package tordir, merged in package relay.
// What meets here is the rules between them: certificates may come after the
// consensus that needs them, a document from the future is refused, and exit
// lists, which nobody signs, count only for relays that a consensus lists.
package relaylist

import (
	"errors"
	"fmt"
	"iter"
	"net/netip"
	"os"
	"slices"
	"strings"
	"time"

	"tordetect/src/relay"
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
}

// pending says that more certificates could change the verdict.
func (v *Verdict) pending() bool {
	return !v.OK && v.Kind == tordir.KindConsensus && (v.hasCheck(tordir.StatusUnknownCertificate) || v.hasCheck(tordir.StatusExpiredCertificate))
}

func (v *Verdict) hasCheck(status tordir.Status) bool {
	return slices.ContainsFunc(v.Verification.Checks, func(c tordir.Check) bool { return c.Status == status })
}

// Importer takes documents in. Make one with NewImporter.
type Importer struct {
	Merger   *relay.Merger
	Warnings []string // sentences about the tables that were added

	trust        tordir.Trust
	now          time.Time
	certificates tordir.Certificates
}

// NewImporter returns an Importer that believes these authorities, and no
// document that is ahead of now.
func NewImporter(trust tordir.Trust, now time.Time) *Importer {
	return &Importer{Merger: relay.NewMerger(), trust: trust, now: now}
}

// maxCertificates bounds the certificates that are kept. All of the public
// network since 2007 are about 350.
const maxCertificates = 5000

// Add takes a document in. A consensus whose certificates are not known yet is
// refused: Files tries it again.
func (im *Importer) Add(doc tordir.Document) Verdict { return im.add(doc, time.Time{}) }

// add is Add for a document that was asked for as the list of an hour, if hour is
// not zero: another hour's is refused, however well it is signed.
func (im *Importer) add(doc tordir.Document, hour time.Time) Verdict {
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
		v.Reason = "This is no document of Tor's directory."
	}
	return v
}

func (im *Importer) addCertificates(v *Verdict, text []byte) {
	certificates, err := tordir.ParseCertificates(text)
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
func (im *Importer) holds(c *tordir.Certificate) bool {
	for _, o := range im.certificates {
		if o.Identity == c.Identity && o.SigningKeyDigest == c.SigningKeyDigest && o.Published == c.Published && o.Expires == c.Expires {
			return true
		}
	}
	return false
}

func (im *Importer) addConsensus(v *Verdict, text []byte, hour time.Time) {
	c, err := tordir.ParseConsensus(text)
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
		v.Reason = fmt.Sprintf("It is of %s, which is %s ahead of this machine's clock: check the clock.", clock(c.ValidAfter), strings.TrimSuffix(ahead.Round(time.Minute).String(), "0s"))
	}
	if v.OK && !hour.IsZero() && c.ValidAfter != hour.Unix() {
		v.OK = false
		v.Reason = fmt.Sprintf("It is the list of %s under the name of %s: the source is broken, or somebody wants ours to be out of date.", clock(c.ValidAfter), clock(hour.Unix()))
	}
	if !v.OK {
		return
	}
	if err := im.Merger.AddList(listOf(c)); err != nil {
		v.OK, v.Reason = false, sentence(err)
	}
}

func (im *Importer) addExitList(v *Verdict, text []byte) {
	e, err := tordir.ParseExitList(text)
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
		v.Reason = fmt.Sprintf("It is of %s, which is %s ahead of this machine's clock: check the clock.", clock(e.Downloaded), strings.TrimSuffix(ahead.Round(time.Minute).String(), "0s"))
		return
	}
	if err := im.Merger.AddExitList(list); err != nil {
		v.Reason = sentence(err)
		return
	}
	v.OK, v.Taken = true, len(list.Sightings)
	v.Reason = fmt.Sprintf("%d addresses of %d exits. Exit lists are not signed: only relays that a consensus lists around then count.", len(list.Sightings), len(e.Nodes))
	if late > 0 {
		v.Reason += fmt.Sprintf(" %d addresses were left out, as they are said to have been seen after the list was made.", late)
	}
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

// Files takes in the documents of files, in any order: a consensus that comes
// before its certificates is read a second time. From a pipe, which cannot be read
// twice, it is kept meanwhile. The verdicts are in the order of the documents; see,
// if not nil, is told of each file as it is begun.
func (im *Importer) Files(paths []string, see func(path string)) []Verdict {
	var all []Verdict
	pending := make([]map[int]int, len(paths)) // of each file: number of a document -> its verdict
	type waiting struct {
		doc tordir.Document
		at  int // its verdict
	}
	var kept []waiting // from pipes
	read := func(i int, take func(number int, doc tordir.Document, err error)) {
		if see != nil {
			see(paths[i])
		}
		number := 0
		for doc, err := range documents(paths[i]) {
			take(number, doc, err)
			number++
		}
	}
	for i := range paths {
		read(i, func(number int, doc tordir.Document, err error) {
			v := Verdict{Name: doc.Name, Kind: tordir.KindUnknown}
			if err != nil {
				v.Reason = sentence(err)
			} else {
				v = im.Add(doc)
			}
			switch {
			case !v.pending():
			case regular(paths[i]):
				if pending[i] == nil {
					pending[i] = map[int]int{}
				}
				pending[i][number] = len(all)
			case len(kept) < maxKept:
				kept = append(kept, waiting{doc, len(all)})
			default:
				v.Reason += " It came through a pipe, before its certificates, behind too many others to be kept: name the certificates first."
			}
			all = append(all, v)
		})
	}
	for _, w := range kept {
		all[w.at] = im.Add(w.doc)
	}
	for i := range paths {
		if pending[i] == nil || len(im.certificates) == 0 {
			continue
		}
		read(i, func(number int, doc tordir.Document, err error) {
			if at, ok := pending[i][number]; ok && err == nil {
				all[at] = im.Add(doc)
			}
		})
	}
	return all
}

// maxKept bounds the consensuses of pipes that are kept until their certificates
// have come: three days of hourly lists, 250 MB.
const maxKept = 80

func regular(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

// documents finds the documents of a file.
func documents(path string) iter.Seq2[tordir.Document, error] {
	return func(yield func(tordir.Document, error) bool) {
		f, err := os.Open(path)
		if err == nil {
			defer f.Close()
			var info os.FileInfo
			if info, err = f.Stat(); err == nil && info.IsDir() {
				err = errors.New("this is a folder: name the files in it")
			}
		}
		if err != nil {
			yield(tordir.Document{Kind: tordir.KindUnknown, Name: path}, err)
			return
		}
		for doc, err := range tordir.Documents(path, f, tordir.Limits{}) {
			if !yield(doc, err) {
				return
			}
		}
	}
}

// Failed returns an error that counts the documents which were not believed, or
// nil.
func Failed(verdicts []Verdict) error {
	bad := 0
	for _, v := range verdicts {
		if !v.OK {
			bad++
		}
	}
	switch {
	case len(verdicts) == 0:
		return errors.New("no document was found")
	case bad > 0:
		return fmt.Errorf("%d of %d documents were refused", bad, len(verdicts))
	}
	return nil
}
