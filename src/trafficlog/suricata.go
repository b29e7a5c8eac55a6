package trafficlog

import "bytes"

// eveObject is a line of eve.json: the events of which we make rows.
type eveObject struct {
	Event     text `json:"event_type"`
	Timestamp text `json:"timestamp"`
	Source    text `json:"src_ip"`
	SrcPort   text `json:"src_port"`
	Dest      text `json:"dest_ip"`
	DestPort  text `json:"dest_port"`
	Proto     text `json:"proto"`
	AppProto  text `json:"app_proto"`

	Flow    eveFlow    `json:"flow"`
	NetFlow eveNetFlow `json:"netflow"`
	TLS     eveTLS     `json:"tls"`
	DNS     eveDNS     `json:"dns"`
	HTTP    eveHTTP    `json:"http"`
}

type eveFlow struct {
	PacketsOut text `json:"pkts_toserver"`
	PacketsIn  text `json:"pkts_toclient"`
	BytesOut   text `json:"bytes_toserver"`
	BytesIn    text `json:"bytes_toclient"`
	Start      text `json:"start"`
	End        text `json:"end"`
	Action     text `json:"action"`
}

// eveNetFlow counts one direction only.
type eveNetFlow struct {
	Packets text `json:"pkts"`
	Bytes   text `json:"bytes"`
	Start   text `json:"start"`
	End     text `json:"end"`
}

type eveTLS struct {
	SNI text `json:"sni"`
	JA4 text `json:"ja4"`
	JA3 struct {
		Hash text `json:"hash"`
	} `json:"ja3"`
}

// eveDNS is a query; since version 3 of the format in a list.
type eveDNS struct {
	Name    text `json:"rrname"`
	Queries []struct {
		Name text `json:"rrname"`
	} `json:"queries"`
}

type eveHTTP struct {
	Hostname text `json:"hostname"`
	URL      text `json:"url"`
}

func (o *eveObject) reset() {
	for _, t := range [...]*text{
		&o.Event, &o.Timestamp, &o.Source, &o.SrcPort, &o.Dest, &o.DestPort, &o.Proto, &o.AppProto,
		&o.Flow.PacketsOut, &o.Flow.PacketsIn, &o.Flow.BytesOut, &o.Flow.BytesIn, &o.Flow.Start, &o.Flow.End, &o.Flow.Action,
		&o.NetFlow.Packets, &o.NetFlow.Bytes, &o.NetFlow.Start, &o.NetFlow.End,
		&o.TLS.SNI, &o.TLS.JA4, &o.TLS.JA3.Hash, &o.DNS.Name, &o.HTTP.Hostname, &o.HTTP.URL,
	} {
		*t = (*t)[:0]
	}
	o.DNS.Queries = o.DNS.Queries[:0]
}

var (
	eveHeader = []byte("_time,duration,src_ip,src_port,dest_ip,dest_port,transport,app,action," +
		"bytes_in,bytes_out,packets_in,packets_out,sni,ja4,ja3,query,url")

	eveBroken = problem{Unreadable, "broken JSON"}
	eveKind   = problem{Unreadable, "no event_type: the object is no event of Suricata"}
	eveTime   = problem{Unreadable, "timestamp is no time"}
)

// eveLines reads eve.json of Suricata.
type eveLines struct {
	clock   clock
	object  eveObject
	scratch []byte
	whole   []byte // a URL
}

func (e *eveLines) columns() []byte { return eveHeader }

func (e *eveLines) row(dst, line []byte) ([]byte, int64, *problem) {
	if len(line) == 0 {
		return dst, 0, &blank
	}
	o := &e.object
	o.reset()
	if !decode(line, o) {
		return dst, 0, &eveBroken
	}
	in, out := [2]text{o.Flow.BytesIn, o.Flow.PacketsIn}, [2]text{o.Flow.BytesOut, o.Flow.PacketsOut}
	start, end := o.Flow.Start, o.Flow.End
	app := o.AppProto
	switch string(o.Event) {
	case "":
		return dst, 0, &eveKind
	case `"flow"`:
	case `"netflow"`:
		in, out = [2]text{}, [2]text{o.NetFlow.Bytes, o.NetFlow.Packets}
		start, end = o.NetFlow.Start, o.NetFlow.End
	case `"tls"`, `"dns"`, `"http"`:
		// The flow is not over yet: what it counts so far says nothing.
		in, out = [2]text{}, [2]text{}
		start, end = nil, nil
		app = either(app, o.Event)
	default:
		return dst, 0, &other
	}
	at, took, ok := e.times(start, end)
	if !ok {
		return dst, 0, &eveTime
	}
	dst = append(appendSeconds(dst, at), ',')
	if took >= 0 {
		dst = appendSeconds(dst, took)
	}
	for _, t := range [...]text{
		o.Source, o.SrcPort, o.Dest, o.DestPort, o.Proto, app, o.action(),
		in[0], out[0], in[1], out[1], o.TLS.SNI, o.TLS.JA4, o.TLS.JA3.Hash,
	} {
		dst = appendCell(append(dst, ','), t.value(&e.scratch))
	}
	dst = appendCell(append(dst, ','), e.query())
	dst = appendCell(append(dst, ','), e.url())
	return dst, at / million, nil
}

// times returns the end of an event and how long it took, -1 where it has no
// start and end.
func (e *eveLines) times(start, end text) (at, took int64, ok bool) {
	if last, ok := e.time(end); ok {
		if first, ok := e.time(start); ok && first <= last {
			return last, last - first, true
		}
	}
	at, ok = e.time(e.object.Timestamp)
	return at, -1, ok
}

func (e *eveLines) time(t text) (int64, bool) {
	micros, ok := e.clock.iso(t.value(&e.scratch))
	return micros, ok && micros >= 0
}

// action is what an inline Suricata did with a flow.
func (o *eveObject) action() text {
	switch action := o.Flow.Action; {
	case bytes.Equal(action, []byte(`"drop"`)), bytes.Equal(action, []byte(`"reject"`)):
		return textBlocked
	case bytes.Equal(action, []byte(`"accept"`)), bytes.Equal(action, []byte(`"pass"`)):
		return textAllowed
	default:
		return action
	}
}

var textAllowed, textBlocked = text(`"allowed"`), text(`"blocked"`)

// query returns the names that were asked for, a line each.
func (e *eveLines) query() []byte {
	o := &e.object
	if len(o.DNS.Name) > 0 || len(o.DNS.Queries) == 0 {
		return o.DNS.Name.value(&e.scratch)
	}
	if len(o.DNS.Queries) == 1 {
		return o.DNS.Queries[0].Name.value(&e.scratch)
	}
	var all, one []byte
	for i := range o.DNS.Queries {
		if i > 0 {
			all = append(all, '\n')
		}
		all = append(all, o.DNS.Queries[i].Name.value(&one)...)
	}
	return all
}

// url returns what was asked for by HTTP, with the host that the path lacks.
func (e *eveLines) url() []byte {
	o := &e.object.HTTP
	host := o.Hostname.value(&e.scratch)
	if len(host) == 0 {
		return o.URL.value(&e.scratch)
	}
	e.whole = append(append(e.whole[:0], "http://"...), host...)
	if path := o.URL.value(&e.scratch); len(path) > 0 && path[0] == '/' {
		e.whole = append(e.whole, path...)
	}
	return e.whole
}
