package event

import (
	"tordetect/src/cell"
	"tordetect/src/flow"
)

// Transport reads what runs below the flow of the event that Begin read.
func (r *Reader) Transport(e *Event, f *flow.Flow) {
	f.Transport = flow.TransportUnknown
	if !r.isOther {
		f.Transport = r.transport(e)
	}
}

// transport reads the transport; of several it takes all to rule TCP out.
func (r *Reader) transport(e *Event) flow.Transport {
	t, ok := r.lastTransport.recall(e, Transport)
	if !ok {
		t = r.lastTransport.keep(e, Transport, r.readTransport(e))
	}
	for i := 0; t == flow.TransportUnknown && i < e.n(Version); i++ {
		text := e.bare(Version, i)
		if t = readVersion(text); e.isQUIC(i) && !cell.IsEmpty(text) {
			t = flow.NotTCP
		}
	}
	if t == flow.TransportUnknown && e.have&(1<<JA4) != 0 {
		t = r.ja4Transport(e)
	}
	return t
}

// ja4Transport is what the fingerprints say of the transport; of several all must rule
// TCP out.
func (r *Reader) ja4Transport(e *Event) flow.Transport {
	for i := range e.n(JA4) {
		t, found := flow.NotTCP, false
		for k, n := 0, r.values(e, JA4, i, false); k < n; k++ {
			if text := r.value(k); !cell.IsEmpty(text) {
				t, found = min(t, readJA4(text)), true
			}
		}
		if found {
			return t
		}
	}
	return flow.TransportUnknown
}

// isQUIC reports whether cell i of the versions is one that only QUIC has.
func (e *Event) isQUIC(i int) bool {
	n := e.name(Version, i)
	return n != nil && n.Text == quicID
}

func (r *Reader) readTransport(e *Event) flow.Transport {
	for i := range e.n(Transport) {
		n := r.values(e, Transport, i, true)
		if n == 0 || n == 1 && (cell.IsEmpty(r.value(0)) || isPort(r.value(0))) || !e.counts(Transport, i) {
			continue
		}
		for k := range n {
			if t := ReadTransport(r.value(k)); t != flow.NotTCP {
				return t
			}
		}
		return flow.NotTCP
	}
	return flow.TransportUnknown
}

// isPort reports whether a transport is a number that no protocol has: a FortiGate
// calls the port of the translated source so, beside its proto.
func isPort(text []byte) bool {
	n, ok := cell.Number(text)
	return ok && (n == 0 || n > 255)
}
