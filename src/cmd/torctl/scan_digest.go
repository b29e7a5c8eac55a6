package main

import (
	"cmp"
	"hash/maphash"
	"maps"
	"net/netip"
	"slices"
	"strings"
)

// A digest is what reports for people tell of the findings: which of our hosts
// met which relays, when, and how sure that is. Its size is bounded, however many
// flows there are; what does not fit is the weakest, and is counted.
type digest struct {
	Flows    int64 // of at least the least score
	Pairs    map[pairKey]*pair
	Clients  map[string]*host // that contacted Tor, or may have
	Reached  map[string]*host // that were contacted from Tor, with the port
	Peers    map[string]*peer
	Evidence map[string]int64 // flows by code of evidence
	Verdicts timeline         // by rank of the verdict
	States   timeline         // by place in stateNames
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
	maxPairs = 20000
	maxEnds  = 20000 // clients, hosts reached, and peers
	maxMet   = 1e6   // distinct ends of ours and theirs, of some 40 bytes
	maxCodes = 200   // of evidence; there are about 40
	maxUsers = 10    // of a host
	maxNamed = 3     // other ends of a host that are named
	maxText  = 256   // bytes of a text from the log: the longest DNS name has 255
	maxList  = 16    // relays that share an address: 8 may share an IPv4 address
)

// stateNames are the values of tor_state, the surest sign of Tor first.
var stateNames = [...]string{"established", "unknown", "attempt", "blocked"}

// stateIndex is the place of a state in stateNames, that of unknown for another
// word.
func stateIndex(state string) int {
	for i, name := range stateNames {
		if state == name {
			return i
		}
	}
	return unknownState
}

const unknownState = 1

// pairKey is what the flows of a pair share.
type pairKey struct {
	Ours, Theirs string // an address, or what stands for one; with its port if it is a destination
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

// A host is one of ours.
type host struct {
	Name              string
	Flows             int64
	First, Last       int64
	BytesIn, BytesOut int64
	States            [len(stateNames)]int64 // flows
	Verdict           string                 // the surest
	Score             int                    // the highest
	Reason            string                 // of the first flow of that score
	Users             []string
	Answered          int // flows that are at least possible and established

	// Distinct other ends: relays, as a list has them, those that are guards, and
	// the rest.
	Relays, Guards, Others int
	Ends                   []end // the surest of them
}

// An end is the other end of some of a host's flows.
type end struct {
	Name, Nickname string
	Score          int
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
	Hosts              int // distinct ones of ours
}

func newDigest() *digest {
	return &digest{
		Pairs: map[pairKey]*pair{}, Clients: map[string]*host{}, Reached: map[string]*host{}, Peers: map[string]*peer{},
		Evidence: map[string]int64{}, Verdicts: newTimeline(), States: newTimeline(),
		met: map[uint64]metAs{}, seed: maphash.MakeSeed(),
		floors: [4]int{-1, -1, -1, -1}, // a score of 0 has a place
	}
}

// add counts one finding.
func (d *digest) add(f finding) {
	d.Flows++
	f.clip()
	if rank := verdictRank(f.Verdict); rank >= 0 {
		d.Verdicts.add(f.Last, rank)
	}
	d.States.add(f.Last, stateIndex(f.State))
	for _, code := range f.Evidence {
		if _, known := d.Evidence[code]; known || len(d.Evidence) < maxCodes {
			d.Evidence[code]++
		}
	}
	ours, theirs := f.ends()
	if f.isTurned() {
		f.BytesIn, f.BytesOut = f.BytesOut, f.BytesIn // as our end sees them
	}
	key := pairKey{ours, theirs, f.Direction, f.Verdict, f.State}
	p, isNew := keep(d.Pairs, key, maxPairs, f.Score, &d.floors[0], func(p *pair) (pairKey, int) { return p.pairKey, p.Best.Score }, comparePairs,
		func(p *pair) { d.Left += p.Flows })
	if p == nil {
		d.Left++
	} else {
		if isNew || f.Score > p.Best.Score {
			p.pairKey, p.Best = key, f
		}
		p.Flows++
		p.BytesIn += f.BytesIn
		p.BytesOut += f.BytesOut
		widen(&p.First, &p.Last, &f)
	}
	hosts, floor := d.Clients, &d.floors[1]
	if f.Direction == inbound {
		d.Inbound++
		hosts, floor = d.Reached, &d.floors[2]
	}
	before, now := d.meet(ours, theirs, &f)
	h, _ := keep(hosts, ours, maxEnds, f.Score, floor, func(h *host) (string, int) { return h.Name, h.Score }, compareHosts, nil)
	if h != nil {
		h.add(ours, &f)
		h.meet(before, now)
		h.name(theirs, &f)
	}
	q, _ := keep(d.Peers, theirs, maxEnds, f.Score, &d.floors[3], func(q *peer) (string, int) { return q.Name, q.Score }, comparePeers, nil)
	if q != nil {
		q.add(theirs, &f)
		if before == notMet && now != notMet {
			q.Hosts++
		}
	}
}

func (q *peer) add(name string, f *finding) {
	q.Name = name
	q.Flows++
	widen(&q.First, &q.Last, f)
	if f.Role != "" && (q.Role == "" || f.Score > q.Score) {
		q.Role, q.Relays, q.Nicknames, q.ListedFrom, q.Listed = f.Role, f.Relays, f.Nicknames, f.ListedFrom, f.Listed
	}
	if q.Verdict == "" || f.Score > q.Score {
		q.Verdict, q.Score = f.Verdict, f.Score
	}
}

// metAs is as what an end was met, the most that it was.
type metAs uint8

const (
	notMet metAs = iota
	metUnlisted
	metRelay
	metGuard
)

// meet notes that two ends met, and returns as what they did before and do now.
func (d *digest) meet(ours, theirs string, f *finding) (before, now metAs) {
	var h maphash.Hash
	h.SetSeed(d.seed)
	_, _ = h.WriteString(ours)
	_ = h.WriteByte(0)
	_, _ = h.WriteString(theirs)
	if f.Direction == inbound {
		_ = h.WriteByte(0)
	}
	key := h.Sum64()
	before = d.met[key]
	if before == notMet && len(d.met) >= maxMet {
		d.Many = true
		return notMet, notMet
	}
	now = metUnlisted
	if f.Role != "" {
		now = metRelay
	}
	if strings.Contains(f.Role, "guard") {
		now = metGuard
	}
	if now = max(now, before); now > before {
		d.met[key] = now
	}
	return before, now
}

// inbound is the direction of flows that came from Tor.
const inbound = "inbound"

func (h *host) add(name string, f *finding) {
	h.Name = name
	h.Flows++
	h.BytesIn += f.BytesIn
	h.BytesOut += f.BytesOut
	h.States[stateIndex(f.State)]++
	if f.State == stateNames[0] && f.Score >= minScoreTable {
		h.Answered++
	}
	widen(&h.First, &h.Last, f)
	if h.Verdict == "" || f.Score > h.Score {
		h.Verdict, h.Score, h.Reason = f.Verdict, f.Score, f.Reason
	}
	if f.User != "" && len(h.Users) < maxUsers && !slices.Contains(h.Users, f.User) {
		h.Users = append(h.Users, f.User)
	}
}

// meet counts another end by the most that it was.
func (h *host) meet(before, now metAs) {
	if before < metGuard && now == metGuard {
		h.Guards++
	}
	if before < metRelay && now >= metRelay {
		h.Relays++
	}
	switch {
	case before == notMet && now == metUnlisted:
		h.Others++
	case before == metUnlisted && now > metUnlisted && h.Others > 0:
		h.Others--
	}
}

// name keeps the surest of the other ends by name.
func (h *host) name(theirs string, f *finding) {
	one := end{Name: theirs, Score: f.Score}
	if len(f.Nicknames) > 0 {
		one.Nickname = f.Nicknames[0]
	}
	at := slices.IndexFunc(h.Ends, func(e end) bool { return e.Name == theirs })
	switch {
	case at >= 0 && f.Score > h.Ends[at].Score:
		h.Ends = slices.Delete(h.Ends, at, at+1)
	case at >= 0:
		return
	case len(h.Ends) == maxNamed && f.Score <= h.Ends[maxNamed-1].Score:
		return
	case len(h.Ends) == maxNamed:
		h.Ends = h.Ends[:maxNamed-1]
	}
	for at = len(h.Ends); at > 0 && h.Ends[at-1].Score < f.Score; at-- {
	}
	h.Ends = slices.Insert(h.Ends, at, one)
}

// clip bounds the texts that a finding holds on to. The log may be hostile: what
// is kept of it must not grow with the length of a line.
func (f *finding) clip() {
	for _, text := range []*string{
		&f.Source, &f.Dest, &f.SourcePort, &f.DestPort, &f.Transport, &f.App, &f.Action, &f.User, &f.SNI, &f.JA4, &f.JA3, &f.Query, &f.URL,
	} {
		if len(*text) > maxText {
			*text = strings.ToValidUTF8((*text)[:maxText], "") + "…"
		}
	}
	f.Relays, f.Nicknames = f.Relays[:min(len(f.Relays), maxList)], f.Nicknames[:min(len(f.Nicknames), maxList)]
}

// keep returns what a map has for a key, and makes it where there is room. A full
// map makes room for what scores more than the least of it: a quarter of it at a
// time, the last in the order of compare, so that many weak findings cannot
// crowd out a sure one. It returns nil for what is not kept: all that scores no
// more than floor, once something had to go.
func keep[K comparable, V any](m map[K]*V, key K, limit, score int, floor *int, of func(*V) (K, int), compare func(a, b *V) int, dropped func(*V)) (v *V, isNew bool) {
	if v = m[key]; v != nil {
		return v, false
	}
	if score <= *floor {
		return nil, false
	}
	if len(m) >= limit {
		sorted := slices.SortedFunc(maps.Values(m), compare)
		*floor = score // a sweep that finds nothing is not done again for that score
		for i := len(sorted) - 1; i >= 0; i-- {
			key, least := of(sorted[i])
			if least >= score {
				break
			}
			*floor = least
			if len(sorted)-i > max(limit/4, 1) {
				break
			}
			delete(m, key)
			if dropped != nil {
				dropped(sorted[i])
			}
		}
		if len(m) >= limit {
			return nil, false
		}
	}
	v = new(V)
	m[key] = v
	return v, true
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
	case f.Direction == inbound:
		return joinPort(dest, f.DestPort), source
	case f.isTurned():
		return dest, joinPort(source, f.SourcePort)
	}
	return source, joinPort(dest, f.DestPort)
}

// isTurned reports whether an outbound flow was logged the wrong way round.
func (f *finding) isTurned() bool {
	return f.Direction != inbound && isPrivateHost(f.Dest) && isPublicHost(f.Source)
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
func (d *digest) sortedPairs() []*pair { return slices.SortedFunc(maps.Values(d.Pairs), comparePairs) }

func comparePairs(a, b *pair) int {
	return cmp.Or(
		cmp.Compare(b.Best.Score, a.Best.Score), cmp.Compare(a.First, b.First),
		cmp.Compare(a.Ours, b.Ours), cmp.Compare(a.Theirs, b.Theirs),
		cmp.Compare(a.State, b.State), cmp.Compare(a.Direction, b.Direction), cmp.Compare(a.Verdict, b.Verdict))
}

func compareHosts(a, b *host) int {
	return cmp.Or(cmp.Compare(b.Score, a.Score), cmp.Compare(a.First, b.First), cmp.Compare(a.Name, b.Name))
}

func comparePeers(a, b *peer) int {
	return cmp.Or(cmp.Compare(b.Score, a.Score), cmp.Compare(a.First, b.First), cmp.Compare(a.Name, b.Name))
}

// A timeline counts findings by time, in slots of a length that people know. They
// become longer when there are too many of them.
type timeline struct {
	Step    int64           // seconds of a slot
	Counts  map[int64]*slot // by its first second
	Untimed int64           // findings without a time, or with one that cannot be
}

// slot counts by verdict or by state.
type slot [rankTor + 1]int64

// steps are the lengths of slots: each divides the next, so that none shorter than
// a day spans midnight.
var steps = [...]int64{1, 5, 15, 60, 300, 900, 3600, 3 * 3600, 6 * 3600, 12 * 3600, day, 7 * day, 28 * day, 364 * day, 10 * 364 * day}

const (
	day      = 24 * 3600
	maxSlots = 1000 // of a timeline; there are 806 of the longest up to maxTime

	// maxTime is the last second of the year 9999. What is later is no time in
	// seconds: a clock gone wrong, or milliseconds.
	maxTime = 253402300799
)

func newTimeline() timeline { return timeline{Step: steps[0], Counts: map[int64]*slot{}} }

// add counts one finding under one of the five counts of a slot.
func (t *timeline) add(at int64, which int) {
	if at <= 0 || at > maxTime {
		t.Untimed++
		return
	}
	at -= at % t.Step
	if t.Counts[at] == nil {
		t.Counts[at] = new(slot)
	}
	t.Counts[at][which]++
	for i := 1; len(t.Counts) > maxSlots && i < len(steps); i++ {
		t.widen(steps[i])
	}
}

// widen makes slots of that length, if they are shorter.
func (t *timeline) widen(step int64) {
	if step <= t.Step {
		return
	}
	wider := make(map[int64]*slot, len(t.Counts))
	for at, counts := range t.Counts {
		at -= at % step
		if wider[at] == nil {
			wider[at] = new(slot)
		}
		for i, n := range counts {
			wider[at][i] += n
		}
	}
	t.Step, t.Counts = step, wider
}
