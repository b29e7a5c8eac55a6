package threeways

import (
	"strings"
	"time"
)

// Suricata's eve.json.
var suricataShapes = []shape{
	{"Suricata flow", "", func(r *source) event { return r.eve(of(r, "flow", "flow", "netflow")) }},
	{"Suricata alert and anomaly", "", func(r *source) event { return r.eve(of(r, "alert", "alert", "anomaly", "drop")) }},
	{"Suricata tls", "", func(r *source) event { return r.eve("tls") }},
	{"Suricata dns", "", func(r *source) event { return r.eve("dns") }},
	{"Suricata http", "", func(r *source) event { return r.eve("http") }},
	{"Suricata events that are no flows", "", func(r *source) event { return r.eve("fileinfo") }},
}

func (r *source) eve(kind string) event {
	c := r.connection()
	stamp := c.at.Add(c.took)
	zone := time.FixedZone("", of(r, 0, 0, 1, -5)*3600)
	iso := func(at time.Time) string { return at.In(zone).Format("2006-01-02T15:04:05.000000-0700") }
	o := object{
		{"timestamp", iso(stamp)}, {"flow_id", number("1234567890123")}, {"in_iface", "eth0"}, {"event_type", kind},
		{"src_ip", c.source}, {"src_port", number(itoa(c.sourcePort))}, {"dest_ip", c.destination}, {"dest_port", number(itoa(c.destinationPort))},
		{"proto", strings.ToUpper(c.transport)},
	}
	if r.one(3) {
		o = append(o, field{"community_id", "1:LQU9qZlK+B5F3KDmev6m5PMibrg="})
	}
	if r.one(4) {
		o = append(o, field{"ndpi", object{{"app_protocol", of(r, "TLS.Tor", "TLS", "HTTP")}}})
	}
	if r.one(2) {
		o = append(o, field{"app_proto", of(r, "tls", "http", "failed", "tor")})
	}
	counts := object{
		{"pkts_toserver", number(itoa(c.packetsOut))}, {"pkts_toclient", number(itoa(c.packetsIn))},
		{"bytes_toserver", number(itoa(c.bytesOut))}, {"bytes_toclient", number(itoa(c.bytesIn))}, {"start", iso(c.at)},
	}
	switch kind {
	case "flow":
		counts = append(counts, field{"end", of(r, iso(stamp), iso(stamp), iso(c.at.Add(-time.Second)), "")}, field{"age", number(itoa(int(c.took.Seconds())))}, field{"state", "closed"})
		if r.one(5) {
			counts = append(counts, field{"action", of(r, "drop", "pass")})
		}
		o = append(o, field{"flow", counts}, field{"tcp", object{{"tcp_flags", "1b"}, {"syn", true}}})
	case "netflow":
		o = append(o, field{"netflow", object{{"pkts", number(itoa(c.packetsOut))}, {"bytes", number(itoa(c.bytesOut))}, {"start", iso(c.at)}, {"end", iso(stamp)}, {"age", number("3")}}})
	case "alert", "drop", "anomaly":
		if kind == "alert" {
			o = append(o, field{"alert", object{{"action", of(r, "allowed", "allowed", "blocked")}, {"gid", number("1")}, {"signature", of(r,
				"ET TOR Known Tor Exit Node Traffic group 12", "ET POLICY TLS possible TOR SSL traffic", "ET INFO a, rule", "ET POLICY tor2web .onion Proxy", "TOR Consensus Data Requested")}}})
		}
		if r.one(2) {
			counts = append(counts, field{"src_ip", of(r, c.source, c.destination)}, field{"dest_ip", c.destination})
		}
		o = append(o, field{"direction", of(r, "to_server", "to_client")})
		if !r.one(3) {
			o = append(o, field{"flow", counts})
		}
	case "tls":
		subject, issuer := r.certificate()
		tls := object{{"version", of(r, "TLS 1.3", "TLS 1.2", "DTLS 1.2")}, {"sni", r.serverName()}, {"subject", subject}, {"issuerdn", issuer}}
		if r.one(2) {
			tls = append(tls, field{"ja4", r.ja4()})
		}
		if r.one(2) {
			tls = append(tls, field{"ja3", object{{"hash", r.ja3()}, {"string", r.ja3Text()}}}, field{"ja3s", object{{"hash", "0123"}}})
		}
		o = append(o, field{"tls", tls})
	case "dns":
		switch r.IntN(3) {
		case 0: // version 1
			o = append(o, field{"dns", object{{"type", "query"}, {"id", number("7")}, {"rrname", r.query()}, {"rrtype", "A"}}})
		case 1: // version 2, an answer
			o = append(o, field{"dns", object{{"version", number("2")}, {"type", "answer"}, {"rrname", r.query()}, {"answers", []any{object{{"rrname", r.query()}, {"rdata", "198.51.100.1"}}}},
				{"grouped", object{{"A", list([]string{"192.0.2.1", "192.0.2.2"})}}}}})
		default:
			key := of(r, "queries", "query")
			o = append(o, field{"dns", object{{"version", number("3")}, {"type", "request"}, {key, []any{object{{"rrname", r.query()}, {"rrtype", "A"}}, object{{"rrname", r.query()}}}}}})
		}
	case "http", "fileinfo":
		o = append(o, field{"http", object{{"hostname", of(r, "www.example.com", "abcdefghij234567.onion", "198.51.100.1", "-")}, {"url", r.url()}, {"http_method", of(r, "GET", "CONNECT")}, {"length", number("7")}}})
	}
	if r.one(3) {
		r.shuffle(o)
	}
	if r.one(6) {
		o = nested(o)
	}
	return r.object(o, seconds(stamp))
}
