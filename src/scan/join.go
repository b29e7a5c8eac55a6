package scan

import (
	"bytes"
	"slices"

	"tordetect/src/detect"
	"tordetect/src/flow"
)

// A joiner makes one flow of the events of one connection: of Zeek's conn, ssl and
// dns with one uid, of Suricata's flow, tls and alert with one flow_id. Of most
// connections it never hears: it begins with the first event that has evidence, and
// takes what comes later, evidence or not.
//
// When it is full, the flow that it has held longest is done as it stands, and
// later events of that connection are a flow of their own; early counts those.
type joiner struct {
	whole bool // texts are wanted, and not only what is counted
	done  func(*Flow) error
	early int64

	last  map[string]*joined // of a connection, by key; the ones before are behind it
	queue []*joined          // in the order of their first events
	size  int                // bytes of texts
}

// Limits of a joiner. The flows with evidence of a day in an enterprise are some
// thousands.
const (
	maxJoined     = 50_000
	maxJoinedText = 32 << 20 // bytes
	maxJoinedCell = 512      // bytes of one text; reports show half of it
	maxSameID     = 16       // flows with one community_id
	maxRelays     = 16       // of a finding; 8 relays may share an IPv4 address
)

// sameIDGap is how many seconds may lie between events of one connection that the
// community_id alone joins: the ends of a connection are told by several programs,
// each by its clock. Two connections of the same ports are further apart, as Linux
// does not use a pair of ports again for 60 seconds (TCP_TIMEWAIT_LEN).
const sameIDGap = 60

// joined is the events of one connection so far.
type joined struct {
	Flow
	finding detect.Finding
	size    int
	before  *joined // of the same key
}

// knows reports whether there are events of a connection.
func (j *joiner) knows(connection []byte) bool { return j.last[string(connection)] != nil }

// put joins an event to the others of its connection. It reports false for one
// that it has no use for: without evidence, and of no flow that it holds.
func (j *joiner) put(f *Flow) (bool, error) {
	same := 0
	for k := j.last[string(f.Connection)]; k != nil; k = k.before {
		if !isCommunityID(f.Connection) || k.near(f) {
			j.size -= k.size
			k.join(f, j.whole)
			j.size += k.size
			return true, j.shrink()
		}
		same++
	}
	if !f.hasEvidence() {
		return false, nil
	}
	if same >= maxSameID {
		j.early++
		return true, j.done(f)
	}
	if j.last == nil {
		j.last = map[string]*joined{}
	}
	k := &joined{Flow: *f, finding: *f.Finding, before: j.last[string(f.Connection)]}
	k.own(j.whole)
	j.last[string(k.Connection)] = k
	j.queue = append(j.queue, k)
	j.size += k.size
	return true, j.shrink()
}

// shrink ends the oldest flows while there are too many.
func (j *joiner) shrink() error {
	for len(j.queue) > 1 && (len(j.queue) > maxJoined || j.size > maxJoinedText) {
		j.early++
		if err := j.end(); err != nil {
			return err
		}
	}
	return nil
}

// finish ends all flows.
func (j *joiner) finish() error {
	for len(j.queue) > 0 {
		if err := j.end(); err != nil {
			return err
		}
	}
	return nil
}

// end ends the oldest flow.
func (j *joiner) end() error {
	k := j.queue[0]
	j.queue[0] = nil
	j.queue = j.queue[1:]
	j.size -= k.size
	// It is the last in the line of its key.
	if at := j.last[string(k.Connection)]; at == k {
		delete(j.last, string(k.Connection))
	} else {
		for at.before != k {
			at = at.before
		}
		at.before = nil
	}
	return j.done(&k.Flow)
}

// hasEvidence reports whether anything speaks for Tor, scored or only said.
func (f *Flow) hasEvidence() bool { return hasEvidence(f.Finding) }

func hasEvidence(f *detect.Finding) bool { return f.Score > 0 || len(f.Evidence) > 0 }

// isCommunityID tells an id made of addresses and ports alone from those that a
// sensor gives a connection: version 1 is "1:" and 28 characters of base64
// (Community ID Flow Hashing, version 1.0).
func isCommunityID(connection []byte) bool {
	return len(connection) == 30 && bytes.HasPrefix(connection, []byte("1:"))
}

// near reports whether an event may lie in the time of a flow. One without a time
// may.
func (k *joined) near(f *Flow) bool {
	if k.Last == 0 || f.Last == 0 {
		return true
	}
	return f.begin() <= k.Last+sameIDGap && f.Last >= k.begin()-sameIDGap
}

// begin is the first moment of a flow, as far as it is known.
func (f *Flow) begin() int64 {
	if f.First == 0 {
		return f.Last
	}
	return f.First
}

// join adds an event. The better finding stands for the flow, that of the event
// that ends it where they are equal; the codes of both are told, the better one's
// first. What the better event does not say is taken from the other.
func (k *joined) join(f *Flow, whole bool) {
	before, found := k.Flow, k.finding
	before.Finding = &found // as k's own is written anew
	best, other := before, *f
	if d := f.Finding; d.Score > found.Score || d.Score == found.Score && f.Closes && !k.Closes {
		best, other = *f, before
	}
	k.finding = *best.Finding
	k.finding.Evidence = slices.Clone(best.Finding.Evidence)
	for _, e := range other.Finding.Evidence {
		if !slices.ContainsFunc(k.finding.Evidence, func(has detect.Evidence) bool { return has.Code == e.Code && has.Stale == e.Stale }) {
			k.finding.Evidence = append(k.finding.Evidence, e)
		}
	}
	out := best
	for c, cell := range other.Cells {
		if len(out.Cells[c]) == 0 {
			out.Cells[c] = cell
		}
	}
	// Counts and how far it came are known when it ends.
	if ending := f; ending.Closes || k.Closes {
		if !f.Closes {
			ending = &before
		}
		for c := BytesIn; c <= PacketsOut; c++ {
			out.Cells[c] = ending.Cells[c]
		}
		if k.finding.State == flow.StateUnknown {
			k.finding.State = ending.Finding.State
		}
	}
	out.Closes = f.Closes || k.Closes
	out.Last = max(k.Last, f.Last)
	if out.First = min(k.begin(), f.begin()); out.First == 0 {
		out.First = max(k.begin(), f.begin())
	}
	out.ListTime = max(k.ListTime, f.ListTime)
	out.Connection = k.Connection
	k.Flow = out
	k.own(whole)
}

// own makes all that the flow points to its own.
func (k *joined) own(whole bool) {
	k.size = len(k.Connection)
	k.Finding = &k.finding
	if !whole {
		k.Connection = bytes.Clone(k.Connection)
		k.Cells, k.finding.Reason, k.finding.Evidence, k.finding.Relays, k.finding.Deciding = [Columns][]byte{}, nil, nil, nil, nil
		k.finding.Host, k.finding.Peer = flow.End{}, flow.End{}
		return
	}
	texts := [...]*[]byte{&k.finding.Reason, &k.finding.Host.Name, &k.finding.Peer.Name}
	all := texts[:]
	for i := range k.Cells {
		all = append(all, &k.Cells[i])
	}
	for _, text := range all {
		*text = (*text)[:min(len(*text), maxJoinedCell)]
		k.size += len(*text)
	}
	own := append(make([]byte, 0, k.size), k.Connection...)
	k.Connection = own
	for _, text := range all {
		start := len(own)
		own = append(own, *text...)
		*text = own[start:len(own):len(own)]
	}
	k.finding.Evidence = slices.Clone(k.finding.Evidence)
	k.finding.Relays = slices.Clone(k.finding.Relays[:min(len(k.finding.Relays), maxRelays)])
	for i, relay := range k.finding.Relays {
		copied := *relay
		if k.finding.Relays[i] = &copied; relay == k.finding.Deciding {
			k.finding.Deciding = &copied
		}
	}
	if d := k.finding.Deciding; d != nil && !slices.Contains(k.finding.Relays, d) {
		copied := *d
		k.finding.Deciding = &copied
	}
}
