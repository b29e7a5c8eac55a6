// Package digest keeps what reports for people tell of a scan's findings: which of
// our hosts met which relays, when, and how sure that is.
//
//	in:   flow after flow, as package scan finds them
//	out:  10.0.0.5 met 198.51.100.7:9001 40 times from 8 to 11 o'clock, sent 3 MB,
//	      verdict tor, score 97, and of these flows the surest with its reason
//
// Its size is bounded, however many flows there are and however long their texts;
// what does not fit is the weakest, and is counted.
//
// digest.go has flows between the same two ends, hosts.go those ends, kind.go what our
// hosts are, keep.go the bounded map, timeline.go flows by time. The package draws nothing.
package digest

import (
	"cmp"
	"hash/maphash"
	"maps"
	"slices"
	"strings"

	"tordetect/src/cell"
	"tordetect/src/detect"
	"tordetect/src/flow"
	"tordetect/src/scan"
)

// A Digest is made by New.
type Digest struct {
	Flows    int64 // of at least the least score
	Pairs    map[PairKey]*Pair
	Clients  map[string]*Host // that contacted Tor, or may have
	Reached  map[string]*Host // that were contacted from Tor, with the port
	Peers    map[string]*Peer
	Evidence map[string]int64 // flows by code of evidence
	Verdicts Timeline         // by detect.Verdict
	States   Timeline         // by flow.State
	Inbound  int64            // flows from Tor
	Left     int64            // flows whose pair is not kept

	// Who met whom, to count each other end once, and as a relay or a guard if it
	// ever was one. Hashed with a seed, as the log may be made to collide.
	met  map[uint64]metAs
	seed maphash.Seed
	Many bool // met is full: there are more than are counted

	floors [4]int // of pairs, clients, reached and peers
}

// Limits of a digest. A network of an enterprise has some thousand relay pairs in
// a bad month; beyond that a table helps nobody.
const (
	MaxPairs = 20000
	maxEnds  = 20000 // clients, hosts reached, and peers
	maxMet   = 1e6   // distinct ends of ours and theirs, of some 40 bytes
	maxUsers = 10    // of a host
	maxNamed = 3     // other ends of a host that are named
	maxText  = 256   // bytes of a text from the log: the longest DNS name has 255
	maxList  = 16    // relays that share an address: 8 may share an IPv4 address
)

// PairKey is what the flows of a pair share.
type PairKey struct {
	Ours, Theirs string // an address, or what stands for one; with its port if it is a destination
	Direction    detect.Direction
	Verdict      detect.Verdict
	State        flow.State
}

// A Pair is the flows of two ends that were judged alike.
type Pair struct {
	PairKey
	Flows             int64
	First, Last       int64 // epoch seconds; 0: not known
	BytesIn, BytesOut int64
	Best              Found // the flow of the highest score, the first of them
}

// Found is a flow as a digest keeps it: its texts are its own, and bounded.
type Found struct {
	File               string
	Line               int64
	First, Last        int64 // epoch seconds; 0: not known
	Source, SourcePort string
	Dest, DestPort     string
	Name               string // what stands for a destination without an address
	Host, Peer         string // our end and the other, where there is evidence
	User               string
	BytesIn, BytesOut  int64 // 0: none, or not known
	Score              int
	Verdict            detect.Verdict
	State              flow.State
	Direction          detect.Direction
	Role               detect.Role
	Evidence           []string
	Reason             string
	Relays             []Known
	ListedFrom, Listed int64 // the interval in which the address was listed; 0: none
}

// Known is a relay that a list has.
type Known struct{ Fingerprint, Nickname string }

// New returns an empty digest.
func New() *Digest {
	return &Digest{
		Pairs: map[PairKey]*Pair{}, Clients: map[string]*Host{}, Reached: map[string]*Host{}, Peers: map[string]*Peer{},
		Evidence: map[string]int64{}, Verdicts: newTimeline(), States: newTimeline(),
		met: map[uint64]metAs{}, seed: maphash.MakeSeed(),
		floors: [4]int{-1, -1, -1, -1}, // a score of 0 has a place
	}
}

// Add counts one flow. It keeps nothing of its memory.
func (d *Digest) Add(f *scan.Flow) { d.add(found(f)) }

func (d *Digest) add(f Found) {
	d.Flows++
	d.Verdicts.add(f.Last, int(f.Verdict))
	d.States.add(f.Last, int(f.State))
	for _, code := range f.Evidence {
		d.Evidence[code]++
	}
	ours, theirs := f.ends()
	if f.isTurned() {
		f.BytesIn, f.BytesOut = f.BytesOut, f.BytesIn // as our end sees them
	}
	key := PairKey{ours, theirs, f.Direction, f.Verdict, f.State}
	p, isNew := keep(d.Pairs, key, MaxPairs, f.Score, &d.floors[0], func(p *Pair) (PairKey, int) { return p.PairKey, p.Best.Score }, comparePairs,
		func(p *Pair) { d.Left += p.Flows })
	if p == nil {
		d.Left++
	} else {
		if isNew || f.Score > p.Best.Score {
			p.PairKey, p.Best = key, f
		}
		p.Flows++
		p.BytesIn += f.BytesIn
		p.BytesOut += f.BytesOut
		widen(&p.First, &p.Last, &f)
	}
	d.addEnds(ours, theirs, &f)
}

// found takes over a flow.
func found(f *scan.Flow) Found {
	d := f.Finding
	text := func(c scan.Column) string { return clipped(f.Cells[c]) }
	number := func(c scan.Column) int64 { n, _ := cell.Number(f.Cells[c]); return n }
	out := Found{
		File: f.File, Line: f.Line, First: cmp.Or(f.First, f.Last), Last: f.Last,
		Source: text(scan.SrcIP), SourcePort: text(scan.SrcPort), Dest: text(scan.DestIP), DestPort: text(scan.DestPort), User: text(scan.User),
		BytesIn: number(scan.BytesIn), BytesOut: number(scan.BytesOut),
		Score: d.Score, Verdict: d.Verdict, State: d.State, Direction: d.Direction, Role: d.Role, Reason: string(d.Reason),
		Host: clipped(d.Host.AppendTo(nil)), Peer: clipped(d.Peer.AppendTo(nil)),
	}
	if out.Dest == "" {
		out.Name = cmp.Or(text(scan.SNI), text(scan.Query), text(scan.URL))
	}
	for _, e := range d.Evidence {
		out.Evidence = append(out.Evidence, e.Name())
	}
	for _, s := range d.Relays[:min(len(d.Relays), maxList)] {
		out.Relays = append(out.Relays, Known{s.Fingerprint, s.Nickname})
	}
	if s := d.Deciding; s != nil && !s.BuiltIn() {
		out.ListedFrom, out.Listed = s.First, s.Last
	}
	return out
}

// clipped bounds a text. The log may be hostile: what is kept of it must not grow
// with the length of a line.
func clipped(text []byte) string {
	if len(text) > maxText {
		return strings.ToValidUTF8(string(text[:maxText]), "") + "…"
	}
	return string(text)
}

// ends returns our end of a flow and the other one, as the judgement has them;
// where there is no evidence, source and destination. Who was visited has its port.
func (f *Found) ends() (ours, theirs string) {
	ours = cmp.Or(f.Host, f.Source, "-")
	if f.Direction == detect.Inbound {
		ours = joinPort(ours, f.DestPort)
	}
	return ours, cmp.Or(f.Peer, joinPort(cmp.Or(f.Dest, f.Name, "-"), f.DestPort))
}

// isTurned reports whether an outbound flow was logged the wrong way round.
func (f *Found) isTurned() bool {
	return f.Direction != detect.Inbound && f.Host != "" && f.Host == f.Dest
}

func joinPort(host, port string) string {
	if port == "" || port == "0" {
		return host
	}
	if strings.Contains(host, ":") {
		return "[" + host + "]:" + port
	}
	return host + ":" + port
}

func widen(first, last *int64, f *Found) {
	if f.Last == 0 {
		return
	}
	if *first == 0 || f.First < *first {
		*first = f.First
	}
	*last = max(*last, f.Last)
}

// SortedPairs returns the pairs, the surest first, then the earliest.
func (d *Digest) SortedPairs() []*Pair { return slices.SortedFunc(maps.Values(d.Pairs), comparePairs) }

func comparePairs(a, b *Pair) int {
	return cmp.Or(
		cmp.Compare(b.Best.Score, a.Best.Score), cmp.Compare(a.First, b.First),
		cmp.Compare(a.Ours, b.Ours), cmp.Compare(a.Theirs, b.Theirs),
		cmp.Compare(a.State.String(), b.State.String()), cmp.Compare(a.Direction.String(), b.Direction.String()), cmp.Compare(a.Verdict.String(), b.Verdict.String()))
}
