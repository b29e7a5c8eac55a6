package detect

import "tordetect/src/flow"

// sides says which end of a flow is ours and which the other. It is the one place
// that decides whom a finding is about: searches group and suppress by it.
//
//	10.0.0.5:50001 -> 198.51.100.7:9001, a guard        host 10.0.0.5, peer 198.51.100.7:9001
//	198.51.100.7:9001 -> 10.0.0.5:50001, its answer     host 10.0.0.5, peer 198.51.100.7:9001
//	203.0.113.9:40000 -> 192.0.2.1:443, from an exit    host 192.0.2.1, peer 203.0.113.9
//
// Both are empty where nothing speaks for Tor, so that rows of no interest are alike.
func sides(f *flow.Flow, out *Finding, deciding *graded, label, name Evidence) (host, peer flow.End) {
	if deciding == nil && label.Code == noCode && name.Code == noCode && f.Label != flow.LabelListed {
		return flow.End{}, flow.End{}
	}
	ends := [...]flow.End{flow.Source: f.Source, flow.Destination: f.Destination}
	if deciding != nil { // of a list, the address that is listed
		ends[deciding.Side].Addr, ends[deciding.Side].Port = deciding.Addr, deciding.Port
	}
	ours, theirs := f.OurSide(), flow.Destination
	if deciding != nil { // who is listed is somebody else, but for a relay of our own
		if ours = deciding.Side; deciding.Code != hostedRelay {
			ours = flow.Source + flow.Destination - ours
		}
	}
	if ours == flow.Destination {
		theirs = flow.Source
	}
	ends[ours].Port = 0
	if isTurned := out.Direction == Outbound && (deciding == nil || deciding.turned); theirs == flow.Source && !isTurned {
		ends[theirs].Port = 0 // a client's own port tells nothing
	}
	return ends[ours], ends[theirs]
}
