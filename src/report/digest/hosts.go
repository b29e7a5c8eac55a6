package digest

import (
	"cmp"
	"hash/maphash"
	"slices"

	"tordetect/src/detect"
	"tordetect/src/flow"
)

// A Host is one of ours.
type Host struct {
	Name              string
	Flows             int64
	First, Last       int64
	BytesIn, BytesOut int64
	States            [flow.States]int64 // flows by flow.State
	Verdict           detect.Verdict     // the surest
	Score             int                // the highest
	Reason            string             // of the first flow of that score
	Users             []string
	Answered          int // flows that are at least possible and established

	// Distinct other ends: relays, as a list has them, those that are guards, and
	// the rest.
	Relays, Guards, Others int
	Ends                   []End // the surest of them

	traits traits // what Kind looks at
}

// An End is the other end of some of a host's flows.
type End struct {
	Name, Nickname string
	Score          int
}

// A Peer is an address on the other side: a relay, an exit, or what only looks like
// Tor.
type Peer struct {
	Name               string // address, and port if it is a destination
	Flows              int64
	First, Last        int64
	Role               detect.Role
	Relays             []Known
	ListedFrom, Listed int64
	Verdict            detect.Verdict
	Score              int
	Hosts              int // distinct ones of ours
}

// addEnds counts a flow for both of its ends.
func (d *Digest) addEnds(ours, theirs string, f *Found) {
	hosts, floor := d.Clients, &d.floors[1]
	if f.Direction == detect.Inbound {
		d.Inbound++
		hosts, floor = d.Reached, &d.floors[2]
	}
	before, now := d.meet(ours, theirs, f)
	h, _ := keep(hosts, ours, maxEnds, f.Score, floor, func(h *Host) (string, int) { return h.Name, h.Score }, CompareHosts, nil)
	if h != nil {
		h.add(ours, f)
		h.meet(before, now)
		h.name(theirs, f)
	}
	q, _ := keep(d.Peers, theirs, maxEnds, f.Score, &d.floors[3], func(q *Peer) (string, int) { return q.Name, q.Score }, ComparePeers, nil)
	if q != nil {
		q.add(theirs, f)
		if before == notMet && now != notMet {
			q.Hosts++
		}
	}
}

func (q *Peer) add(name string, f *Found) {
	q.Name = name
	q.Flows++
	widen(&q.First, &q.Last, f)
	if f.Role != detect.RoleNone && (q.Role == detect.RoleNone || f.Score > q.Score) {
		q.Role, q.Relays, q.ListedFrom, q.Listed = f.Role, f.Relays, f.ListedFrom, f.Listed
	}
	if q.Flows == 1 || f.Score > q.Score {
		q.Verdict, q.Score = f.Verdict, f.Score
	}
}

// metAs is as what an end was met: the most that it was, and what came of it.
type metAs uint8

const (
	notMet metAs = iota
	metUnlisted
	metRelay
	metGuard
	metMost metAs = 3 // the bits of these

	metOutbound metAs = 1 << iota // as Kind counts relays
	metAnswered
)

// meet notes that two ends met, and returns as what they did before and do now.
func (d *Digest) meet(ours, theirs string, f *Found) (before, now metAs) {
	var h maphash.Hash
	h.SetSeed(d.seed)
	_, _ = h.WriteString(ours)
	_ = h.WriteByte(0)
	_, _ = h.WriteString(theirs)
	if f.Direction == detect.Inbound {
		_ = h.WriteByte(0)
	}
	key := h.Sum64()
	before = d.met[key]
	if before == notMet && len(d.met) >= maxMet {
		d.Many = true
		return notMet, notMet
	}
	now = metUnlisted
	if f.Role != detect.RoleNone {
		now = metRelay
	}
	if f.Role == detect.RoleGuard || f.Role == detect.RoleGuardExit {
		now = metGuard
	}
	now = max(now, before&metMost) | before&^metMost | f.toTor()
	if now != before {
		d.met[key] = now
	}
	return before, now
}

func (h *Host) add(name string, f *Found) {
	h.Name = name
	h.Flows++
	h.BytesIn += f.BytesIn
	h.BytesOut += f.BytesOut
	h.States[f.State]++
	if f.State == flow.Established && f.Verdict >= detect.VerdictPossible {
		h.Answered++
	}
	widen(&h.First, &h.Last, f)
	h.traits.add(f)
	if h.Flows == 1 || f.Score > h.Score {
		h.Verdict, h.Score, h.Reason = f.Verdict, f.Score, f.Reason
	}
	if f.User != "" && len(h.Users) < maxUsers && !slices.Contains(h.Users, f.User) {
		h.Users = append(h.Users, f.User)
	}
}

// meet counts another end by the most that it was.
func (h *Host) meet(before, now metAs) {
	h.traits.meet(before, now)
	before, now = before&metMost, now&metMost
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
func (h *Host) name(theirs string, f *Found) {
	one := End{Name: theirs, Score: f.Score}
	if len(f.Relays) > 0 {
		one.Nickname = f.Relays[0].Nickname
	}
	at := slices.IndexFunc(h.Ends, func(e End) bool { return e.Name == theirs })
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

// CompareHosts puts the surest first, then the earliest.
func CompareHosts(a, b *Host) int {
	return cmp.Or(cmp.Compare(b.Score, a.Score), cmp.Compare(a.First, b.First), cmp.Compare(a.Name, b.Name))
}

// ComparePeers puts the surest first, then the earliest.
func ComparePeers(a, b *Peer) int {
	return cmp.Or(cmp.Compare(b.Score, a.Score), cmp.Compare(a.First, b.First), cmp.Compare(a.Name, b.Name))
}
