// Package judge is the one place where an event meets the relay list: it has an
// event read, asks the list about its ends at its time, and has the flow judged.
//
//	in:   the event  10.0.0.5 -> 198.51.100.7 port 9001 at 1795422600, and a relay table
//	out:  the flow, with a sighting: 198.51.100.7:9001 is the OR port of "anna",
//	      and the finding: score 97, verdict tor, outbound, guard, or_port, and why
//
// The search command, torctl scan and the tests of what both must agree on use it,
// so that none of them can differ. This file asks the list; proxy.go finds the true
// destination of a request to a proxy, messages.go says what somebody should know
// of a run by what seen.go notes, ports.go looks a port up among many, and raw.go
// reads rows that have nothing but the event itself.
//
// What an event says is decided in package event, what a listing is worth in
// package detect. Nothing is allocated for an event once buffers have grown.
package judge

import (
	"net/netip"
	"time"

	"tordetect/src/cell"
	"tordetect/src/detect"
	"tordetect/src/event"
	"tordetect/src/flow"
	"tordetect/src/relay"
)

// Options say how events are judged.
type Options struct {
	Labeled  bool           // events without a label were named Tor
	Internal []netip.Prefix // the site's own networks
	Zone     *time.Location // of times that name none; nil: none was given
	// Window stands in for the time of events without one; nil: nothing does.
	Window *flow.Interval
}

// Judge judges event after event. Make one with New.
type Judge struct {
	options Options
	network *relay.Network
	reader  event.Reader
	detect  detect.Judge
	raw     raw

	ports    ports
	flow     flow.Flow
	read     *event.Event // which was read
	table    *relay.Table // which can tell of it
	at       flow.Interval
	listings []relay.Listing

	seen seen
}

// New returns a judge who asks that network.
func New(network *relay.Network, options Options) *Judge {
	j := &Judge{options: options, network: network}
	j.reader.Zone, j.reader.Labeled = options.Zone, options.Labeled
	return j
}

// Flow reads an event and asks the list about it. The flow is valid until the next
// call.
func (j *Judge) Flow(e *event.Event) *flow.Flow {
	j.begin(e)
	return j.rest()
}

// Look reads of an event what tells whether it is of interest: its ends, which the
// list may know, the firewall's name for it, and what the client showed. Most events
// are of none, and get a finding that depends on few facts; for them no flow is made.
// Of the others the flow is returned, as by Flow, which may turn out to be quiet, too.
func (j *Judge) Look(e *event.Event) (Quiet, *flow.Flow) {
	j.begin(e)
	f := &j.flow
	if j.reader.Target.IsValid() || !isSilent(f) || j.knows(j.reader.Source.Addrs) || j.knows(j.reader.Destination.Addrs) {
		f = j.rest()
		return QuietOf(f), f
	}
	j.cover(f)
	j.reader.State(j.read, f)
	j.reader.Transport(j.read, f)
	return QuietOf(f), nil
}

// Quiet is all that the finding of a quiet flow depends on.
type Quiet struct {
	State          flow.State
	Coverage       flow.Coverage
	Transport      flow.Transport
	Newest, Oldest int64 // of the list
}

// QuietOf returns what the finding of a flow depends on if it is quiet.
func QuietOf(f *flow.Flow) Quiet {
	return Quiet{f.State, f.Coverage, f.Transport, f.NewestList, f.OldestList}
}

// begin reads of an event what Look says, and when it was.
func (j *Judge) begin(e *event.Event) {
	f := &j.flow
	f.Hello, f.Onion = flow.Hello{}, flow.Onion{}
	j.reader.Begin(e, f)
	if len(j.reader.Source.Addrs) == 0 && len(j.reader.Destination.Addrs) == 0 {
		if inner := j.raw.open(e, &j.seen); inner != nil {
			e = inner
			j.reader.Begin(e, f)
		}
	}
	j.read = e
	j.reader.Names(e, f)
	at, kind := j.reader.When(e)
	dated := kind.IsMoment()
	switch {
	case kind == cell.NoTime && j.options.Window != nil:
		at, dated = *j.options.Window, true
	case kind != cell.NoTime && !dated:
		j.seen.unreadableTime = true
	case kind == cell.NoTime:
		j.seen.timeless = true
	}
	j.at = at
	f.Undated = !dated
	j.table = j.network.At(at, dated)
}

// rest makes the flow of the event that was begun with.
func (j *Judge) rest() *flow.Flow {
	f, e := &j.flow, j.read
	*f = flow.Flow{Sightings: f.Sightings[:0], Label: f.Label, Hello: f.Hello, Onion: f.Onion, Undated: f.Undated}
	j.reader.State(e, f)
	j.reader.Transport(e, f)
	table, dated := j.table, !f.Undated
	j.proxied(f, table, dated)
	source, destination := &j.reader.Source, &j.reader.Destination
	f.Source, f.Destination = source.End(), destination.End()
	f.SourcePorts, f.DestinationPorts = source.Ports, destination.Ports
	f.NAT64 = source.NAT64 || destination.NAT64
	j.cover(f)
	j.sight(f, table, dated, flow.Destination, destination)
	j.sight(f, table, dated, flow.Source, source)
	if !IsQuiet(f) {
		f.Source.Internal, f.Destination.Internal = j.isInternal(f.Source.Addr), j.isInternal(f.Destination.Addr)
		f.Source.Name, f.Destination.Name = j.reader.Called(e)
	}
	return f
}

// cover says what the list can tell of an event, and notes what the run has seen.
func (j *Judge) cover(f *flow.Flow) {
	source, destination := j.reader.Source.Addrs, j.reader.Destination.Addrs
	j.seen.event = true
	j.seen.end = j.seen.end || len(source) > 0 || len(destination) > 0 || f.Onion.Kind != flow.NoOnion || f.Hello.Speaks()
	f.NewestList, _ = j.table.Newest()
	f.OldestList, _ = j.table.Oldest()
	f.Coverage = flow.CoverageNone
	if !f.Undated && askable(source, destination) {
		f.Coverage = j.table.Coverage(j.at)
	}
	if f.Coverage == flow.CoverageStale {
		j.seen.stale, j.seen.staleAfter = true, f.NewestList
	}
}

// knows reports whether the list may know one of some addresses.
func (j *Judge) knows(addrs []netip.Addr) bool {
	for _, a := range addrs {
		if j.table.Knows(a) {
			return true
		}
	}
	return false
}

// Finding judges a flow. It is valid until the next call.
func (j *Judge) Finding(f *flow.Flow) *detect.Finding { return j.detect.Judge(f) }

// Event returns the event that was read last: that in a row's _raw, where it was.
func (j *Judge) Event() *event.Event { return j.read }

// When returns the time of the event read last; ok is false where it has none and
// the search's window stood in, or nothing did.
func (j *Judge) When() (at flow.Interval, ok bool) { return j.at, !j.flow.Undated }

// Reader returns who read the event: its ends, and what could not be read.
func (j *Judge) Reader() *event.Reader { return &j.reader }

// IsQuiet reports whether a flow has nothing to do with Tor: the list knows neither
// end, the firewall does not say Tor, and no name looks like it. Its score is 0, as
// there is nothing to weigh, and its finding depends on a few facts only.
func IsQuiet(f *flow.Flow) bool { return len(f.Sightings) == 0 && isSilent(f) }

// isSilent reports whether neither the firewall nor a name says Tor.
func isSilent(f *flow.Flow) bool {
	return f.Label <= flow.LabelOther && !f.Hello.Speaks() && f.Onion.Kind == flow.NoOnion
}

// askable reports whether asking the list can tell anything: not if one end is not
// readable and the other is not readable or private.
func askable(source, destination []netip.Addr) bool {
	return len(source) > 0 && len(destination) > 0 || hasPublic(source) || hasPublic(destination)
}

func hasPublic(addrs []netip.Addr) bool {
	for _, a := range addrs {
		if !flow.IsPrivate(a) {
			return true
		}
	}
	return false
}

// sight asks the table about each address of one side.
func (j *Judge) sight(f *flow.Flow, table *relay.Table, dated bool, side flow.Side, e *event.Ends) {
	j.ports.open(e.Ports)
	for _, addr := range e.Addrs {
		if !table.Knows(addr) {
			continue
		}
		var asked *relay.Entry // of the relay of which elsewhere is known
		elsewhere := false
		for _, l := range j.lookup(table, addr, dated) {
			s := flow.Sighting{
				Side: side, Addr: addr,
				Internal: j.isInternal(addr),
				Ports:    e.SeveralAddrs && e.SeveralPorts,
				Kind:     l.Kind, When: l.When, Away: l.Away,
				ListedPort: l.Port, Flags: l.Flags,
				Fingerprint: l.Fingerprint, Nickname: l.Nickname,
				First: l.First, Last: l.Last,
			}
			if j.ports.has(e.Ports, l.Port) {
				s.Port = l.Port
			} else if len(e.Ports) > 0 {
				s.Port = e.Ports[0]
			}
			if side == flow.Source && l.Kind == flow.ORPort && l.Flags&flow.Exit != 0 {
				if asked == nil || asked.Fingerprint != l.Fingerprint {
					asked, elsewhere = l.Entry, table.ExitElsewhere(l.Fingerprint, addr, j.at)
				}
				s.Elsewhere = elsewhere
			}
			f.Sightings = append(f.Sightings, s)
		}
	}
}

func (j *Judge) lookup(table *relay.Table, addr netip.Addr, dated bool) []relay.Listing {
	if dated {
		j.listings = table.Near(j.listings[:0], addr, j.at)
	} else {
		j.listings = table.LookupUndated(j.listings[:0], addr)
	}
	return j.listings
}

func (j *Judge) isInternal(a netip.Addr) bool {
	for _, p := range j.options.Internal {
		if p.Contains(a) {
			return true
		}
	}
	return false
}
