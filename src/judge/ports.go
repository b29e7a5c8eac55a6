package judge

import "slices"

// ports answers whether a listed port is among an event's. Mostly there is one; of
// a list of them a set is made, as there may be as many addresses beside it.
type ports struct{ set *[1 << 16 / 64]uint64 }

// manyPorts are worth a set.
const manyPorts = 16

// open begins with a list; has is asked about the same one.
func (p *ports) open(all []uint16) {
	if len(all) < manyPorts {
		return
	}
	if p.set == nil {
		p.set = new([1 << 16 / 64]uint64)
	}
	clear(p.set[:])
	for _, port := range all {
		p.set[port>>6] |= 1 << (port & 63)
	}
}

func (p *ports) has(all []uint16, port uint16) bool {
	if len(all) < manyPorts {
		return slices.Contains(all, port)
	}
	return p.set[port>>6]&(1<<(port&63)) != 0
}
