package main

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"
)

// A digest is what reports for people tell of the findings: which of our hosts
// met which relays, when, and how sure that is. Its size is bounded, however many
// flows there are; what did not fit is counted.
type digest struct {
	Flows    int64 // of at least the least score
	Pairs    map[pairKey]*pair
	Clients  map[string]*client
	Peers    map[string]*peer
	Evidence map[string]int64 // flows by code of evidence
	Timeline timeline
	Left     int64 // flows whose pair, client or peer did not fit
}

// Limits of a digest. A network of an enterprise has some thousand relay pairs in
// a bad month; beyond that a table helps nobody.
const (
	maxPairs  = 20000
	maxEnds   = 20000 // clients, and peers
	maxCodes  = 200   // of evidence; there are about 40
	maxSlots  = 1000  // of the timeline
	firstSlot = 60    // seconds of one of them at first
)

// pairKey is what the flows of a pair share.
type pairKey struct {
	Ours, Theirs string // an address, or what stands for one; theirs with its port if it is a destination
	Direction    string
	Verdict      string
	State        string
}

// A pair is the flows of two ends that were judged alike.
type pair struct {
	pairKey
	Flows             int64
	First, Last       int64 // epoch seconds; 0: not known
	BytesIn, BytesOut int64
	Best              finding // the flow of the highest score, the first of them
}

// A client is one of our hosts.
type client struct {
	Name        string
	Flows       int64
	First, Last int64
	Verdict     string // the surest
	Score       int    // the highest
	Users       []string
	Peers       int // pairs it is part of
}

// A peer is an address on the other side: a relay, an exit, or what only looks like
// Tor.
type peer struct {
	Name               string // address, and port if it is a destination
	Flows              int64
	First, Last        int64
	Role               string
	Relays, Nicknames  []string
	ListedFrom, Listed int64
	Verdict            string
	Score              int
}

func newDigest() *digest {
	return &digest{
		Pairs: map[pairKey]*pair{}, Clients: map[string]*client{}, Peers: map[string]*peer{},
		Evidence: map[string]int64{}, Timeline: timeline{Step: firstSlot, Counts: map[int64]*slot{}},
	}
}

// add counts one finding.
func (d *digest) add(f finding) {
	d.Flows++
	d.Timeline.add(&f)
	for _, code := range f.Evidence {
		if _, known := d.Evidence[code]; known || len(d.Evidence) < maxCodes {
			d.Evidence[code]++
		}
	}
	ours, theirs := f.ends()
	key := pairKey{ours, theirs, f.Direction, f.Verdict, f.State}
	p, isNew := entry(d.Pairs, key, maxPairs)
	c, _ := entry(d.Clients, ours, maxEnds)
	q, _ := entry(d.Peers, theirs, maxEnds)
	if p == nil || c == nil || q == nil {
		d.Left++
	}
	if p != nil {
		if isNew || f.Score > p.Best.Score {
			p.pairKey, p.Best = key, f
		}
		p.Flows++
		p.BytesIn += f.BytesIn
		p.BytesOut += f.BytesOut
		widen(&p.First, &p.Last, &f)
	}
	if c != nil {
		c.Name = ours
		c.Flows++
		widen(&c.First, &c.Last, &f)
		if c.Verdict == "" || f.Score > c.Score {
			c.Verdict, c.Score = f.Verdict, f.Score
		}
		if f.User != "" && len(c.Users) < 10 && !slices.Contains(c.Users, f.User) {
			c.Users = append(c.Users, f.User)
		}
		if isNew {
			c.Peers++
		}
	}
	if q != nil {
		q.Name = theirs
		q.Flows++
		widen(&q.First, &q.Last, &f)
		if q.Verdict == "" || f.Score > q.Score {
			q.Verdict, q.Score = f.Verdict, f.Score
			q.Role, q.Relays, q.Nicknames, q.ListedFrom, q.Listed = f.Role, f.Relays, f.Nicknames, f.ListedFrom, f.Listed
		}
	}
}

// entry returns what a map has for a key, and makes it where there is room; else
// nil.
func entry[K comparable, V any](m map[K]*V, key K, limit int) (v *V, isNew bool) {
	if v = m[key]; v == nil && len(m) < limit {
		v, isNew = new(V), true
		m[key] = v
	}
	return v, isNew
}

func widen(first, last *int64, f *finding) {
	if f.Last == 0 {
		return
	}
	if *first == 0 || f.First < *first {
		*first = f.First
	}
	*last = max(*last, f.Last)
}

// ends returns our end of a flow and the other one. For a flow inbound from an
// exit ours is the destination, and so it is for one that was logged the wrong way
// round: from a public address to a private one, yet outbound.
func (f *finding) ends() (ours, theirs string) {
	source, dest := cmp.Or(f.Source, "-"), cmp.Or(f.Dest, f.SNI, f.Query, f.URL, "-")
	switch {
	case f.Direction == "inbound":
		return joinPort(dest, f.DestPort), source
	case isPrivateHost(f.Dest) && isPublicHost(f.Source):
		return dest, joinPort(source, f.SourcePort)
	}
	return source, joinPort(dest, f.DestPort)
}

func isPrivateHost(text string) bool {
	a, err := netip.ParseAddr(text)
	return err == nil && a.Unmap().IsPrivate()
}

func isPublicHost(text string) bool {
	a, err := netip.ParseAddr(text)
	return err == nil && !a.Unmap().IsPrivate()
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

// sortedPairs returns the pairs, the surest first, then the earliest.
func (d *digest) sortedPairs() []*pair {
	out := make([]*pair, 0, len(d.Pairs))
	for _, p := range d.Pairs {
		out = append(out, p)
	}
	slices.SortFunc(out, func(a, b *pair) int {
		return cmp.Or(
			cmp.Compare(b.Best.Score, a.Best.Score), cmp.Compare(a.First, b.First),
			cmp.Compare(a.Ours, b.Ours), cmp.Compare(a.Theirs, b.Theirs),
			cmp.Compare(a.State, b.State), cmp.Compare(a.Direction, b.Direction), cmp.Compare(a.Verdict, b.Verdict))
	})
	return out
}

// A timeline counts findings by time. Its slots double in length when there are
// too many of them.
type timeline struct {
	Step   int64           // seconds of a slot
	Counts map[int64]*slot // by its first second
}

// slot is how many findings of each verdict there are in a slot of the timeline.
type slot [rankTor + 1]int64

func (t *timeline) add(f *finding) {
	rank := verdictRank(f.Verdict)
	if f.Last == 0 || rank < 0 {
		return
	}
	m, _ := entry(t.Counts, f.Last-f.Last%t.Step, maxSlots+1)
	m[rank]++
	for len(t.Counts) > maxSlots {
		t.Step *= 2
		wider := make(map[int64]*slot, len(t.Counts))
		for at, m := range t.Counts {
			into, _ := entry(wider, at-at%t.Step, maxSlots+1)
			for rank, n := range m {
				into[rank] += n
			}
		}
		t.Counts = wider
	}
}
