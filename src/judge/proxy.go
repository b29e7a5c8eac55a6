package judge

import (
	"tordetect/src/flow"
	"tordetect/src/relay"
)

// proxied finds the true destination of a request to an explicit proxy: the address
// in its CONNECT or URL. It is believed of clients here only, as scanners send such
// requests to our own web servers, and not where the list knows whom the row names
// as the destination: then the row means what it says.
func (j *Judge) proxied(f *flow.Flow, table *relay.Table, dated bool) {
	target := &j.reader.Target
	if !target.IsValid() {
		return
	}
	source, destination := &j.reader.Source, &j.reader.Destination
	named := destination.End()
	switch {
	case named.Addr == target.Addr:
		if len(destination.Ports) == 0 && target.Port != 0 {
			destination.Ports = append(destination.Ports, target.Port)
		}
		return
	case len(source.Addrs) == 0 || !flow.IsPrivate(source.Addrs[0]) && !j.isInternal(source.Addrs[0]):
		return
	case named.Addr.IsValid():
		for _, l := range j.lookup(table, named.Addr, dated) {
			if l.When < flow.Later {
				return
			}
		}
		f.Proxy = named.Addr
	}
	destination.Addrs = append(destination.Addrs[:0], target.Addr)
	destination.Ports = destination.Ports[:0]
	destination.SeveralAddrs, destination.SeveralPorts = false, false
	destination.NAT64 = target.NAT64
	if target.Port != 0 {
		destination.Ports = append(destination.Ports, target.Port)
	}
}
