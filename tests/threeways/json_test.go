package threeways

import (
	"fmt"
	"strings"
	"time"
)

// Other JSON, with the names of some vocabulary.
var objectShapes = []shape{
	{"CIM", "", (*source).cim},
	{"ECS", "", (*source).ecs},
	{"AWS flow logs", "", (*source).aws},
	{"FortiGate", "", (*source).fortiGate},
	{"NetFlow", "", (*source).netFlow},
	{"web logs", "", (*source).web},
	{"sign-in logs", "", (*source).signIn},
}

// text or number, as the writer has it.
func (r *source) text(n int) any {
	if r.one(2) {
		return itoa(n)
	}
	return number(itoa(n))
}

// address writes one in one of the ways in which cells hold addresses.
func (r *source) address(a string, port int) any {
	v6 := strings.Contains(a, ":")
	switch {
	case !r.one(3):
		return a
	case r.one(6):
		return of[any](r, nil, "", "-", "unknown", "0.0.0.0", "::", "fileserver")
	case r.one(4):
		return list([]string{a, of(r, "198.51.100.1", "198.51.100.77", "10.0.0.9", "fileserver")})
	case r.one(4):
		return a + of(r, ",", ", ", "\n") + "198.51.100.2"
	case r.one(3):
		return of(r, " "+a, a+" ")
	case v6 && port > 0 && r.one(2):
		return fmt.Sprintf("[%s]:%d", a, port)
	case v6:
		return of(r, "["+a+"]", a+"%eth0", a+"/128", strings.ToUpper(a))
	case port > 0 && r.one(2):
		return fmt.Sprintf("%s:%d", a, port)
	}
	return of(r, a+"/32", "::ffff:"+a, a+".5")
}

// port writes one.
func (r *source) port(n int) any {
	if !r.one(4) {
		return r.text(n)
	}
	return of[any](r, nil, "", "-", "0", fmt.Sprintf("%d/tcp", n), fmt.Sprintf("tcp/%d", n), "https", fmt.Sprintf("%d, 9001", n), list([]string{itoa(n), "443"}), "x")
}

// stamp writes a time.
func (r *source) stamp(at time.Time) any {
	switch r.IntN(8) {
	case 0:
		return at.UTC().Format("2006-01-02T15:04:05.000000Z")
	case 1:
		return at.In(time.FixedZone("", 3600)).Format("2006-01-02T15:04:05.000000-07:00")
	case 2:
		return number(fmt.Sprint(at.UnixMicro()))
	case 3:
		return at.UTC().Format("2006-01-02 15:04:05.000000 UTC")
	case 4:
		if r.zoneless {
			return at.UTC().Format("2006-01-02 15:04:05.000000")
		}
	}
	return of[any](r, number(seconds(at)), seconds(at))
}

func (r *source) cim() event {
	c := r.connection()
	src, dest := of(r, "src_ip", "src"), of(r, "dest_ip", "dest")
	o := object{
		{src, r.address(c.source, 0)}, {"src_port", r.port(c.sourcePort)}, {dest, r.address(c.destination, c.destinationPort)}, {"dest_port", r.port(c.destinationPort)},
		{"transport", of[any](r, c.transport, strings.ToUpper(c.transport), "6", nil, list([]string{"tcp", "udp"}), "udp,icmp")},
		{"app", of[any](r, "ssl", "tor", "TLS.Tor", "torrent", list([]string{"ssl", "tor"}), "ssl,Tor", nil)},
		{"action", of[any](r, "allowed", "blocked", "dropped", "D", list([]string{"blocked", "allowed"}), "deny,drop", nil)},
		{"bytes_in", r.text(c.bytesIn)}, {"bytes_out", r.text(c.bytesOut)}, {"packets_in", r.text(c.packetsIn)}, {"packets_out", r.text(c.packetsOut)},
	}
	if src == "src_ip" && r.one(5) {
		o = append(o, field{"src", r.address(r.ours(), 0)})
	}
	stamp := seconds(c.at)
	switch r.IntN(5) {
	case 0:
		o = append(o, field{"firstTime", r.stamp(c.at)}, field{"lastTime", r.stamp(c.at.Add(c.took))})
	case 1:
		o = append(o, field{"_time", r.stamp(c.at)}, field{"_span", r.text(int(c.took.Seconds()))})
	case 2:
		o = append(o, field{"_time", r.stamp(c.at)}, field{"duration", span(c.took)})
	case 3:
		o = append(o, field{"_time", nil}, field{"timestamp", r.stamp(c.at)})
	default:
		stamp = ""
	}
	if r.one(4) {
		o = append(o, field{"query", r.query()}, field{"url", r.url()}, field{"http_method", "CONNECT"})
	}
	if r.one(4) {
		o = append(o, field{"ssl_sni", of[any](r, r.serverName(), list([]string{r.serverName(), r.serverName()}))}, field{"ja3", r.ja3()}, field{"ja4", of[any](r, r.ja4(), list([]string{r.ja4(), r.ja4()}))})
	}
	if r.one(6) {
		o = append(o, field{"signature", "ET POLICY TLS possible TOR SSL traffic"})
	}
	if r.one(4) {
		for i := range o {
			if o[i].key[0] != '_' {
				o[i].key = "All_Traffic." + o[i].key
			}
		}
		if r.one(2) {
			o = nested(o)
		}
	}
	r.shuffle(o)
	return r.object(o, stamp)
}

func (r *source) ecs() event {
	c := r.connection()
	o := object{
		{"source.ip", c.source}, {"source.port", r.text(c.sourcePort)}, {"destination.ip", c.destination}, {"destination.port", r.text(c.destinationPort)},
		{"network.transport", c.transport}, {"network.application", of(r, "tls", "tor")}, {"source.bytes", r.text(c.bytesOut)}, {"destination.bytes", r.text(c.bytesIn)},
		{"source.packets", r.text(c.packetsOut)}, {"destination.packets", r.text(c.packetsIn)}, {"@timestamp", c.at.UTC().Format("2006-01-02T15:04:05.000000Z")},
	}
	switch r.IntN(3) {
	case 0:
		o = append(o, field{"event.duration", number(itoa(int(c.took)))})
	case 1:
		o = append(o, field{"event.start", r.stamp(c.at)}, field{"event.end", r.stamp(c.at.Add(c.took))})
	}
	if r.one(3) {
		o = append(o, field{"tls.client.server_name", r.serverName()}, field{"tls.client.ja3", r.ja3()}, field{"dns.question.name", r.query()}, field{"url.full", r.url()})
	}
	r.shuffle(o)
	return r.object(r.spelled(o), seconds(c.at))
}

func (r *source) aws() event {
	c := r.connection()
	at := c.at.Truncate(time.Second)
	end := at.Add(c.took).Truncate(time.Second)
	o := object{
		{"version", r.text(2)}, {"interface_id", "eni-0123"}, {"srcaddr", c.source}, {"dstaddr", c.destination}, {"srcport", r.text(c.sourcePort)}, {"dstport", r.text(c.destinationPort)},
		{"protocol", of[any](r, r.text(6), r.text(17))}, {"packets", r.text(c.packetsOut)}, {"bytes", r.text(c.bytesOut)}, {"start", r.text(int(at.Unix()))}, {"end", r.text(int(end.Unix()))},
		{"action", of(r, "ACCEPT", "REJECT")}, {"log_status", "OK"},
	}
	r.shuffle(o)
	return r.object(o, itoa(int(at.Unix())))
}

func (r *source) fortiGate() event {
	c := r.connection()
	o := object{
		{"srcip", c.source}, {"srcport", r.text(c.sourcePort)}, {"dstip", c.destination}, {"dstport", r.text(c.destinationPort)}, {"proto", of[any](r, r.text(6), r.text(17))},
		{"app", of(r, "SSL", "Tor", "Tor.Client")}, {"action", of(r, "accept", "deny", "client-rst", "close", "timeout")}, {"duration", r.text(int(c.took.Seconds()))},
		{"sentbyte", r.text(c.bytesOut)}, {"rcvdbyte", r.text(c.bytesIn)}, {"sentpkt", r.text(c.packetsOut)}, {"rcvdpkt", r.text(c.packetsIn)},
		{"eventtime", number(fmt.Sprint(c.at.UnixNano()))}, {"type", "traffic"}, {"subtype", of(r, "forward", "local")}, {"service", "tcp/9001"},
	}
	r.shuffle(o)
	return r.object(o, seconds(c.at))
}

func (r *source) netFlow() event {
	c := r.connection()
	o := object{
		{"L4_SRC_PORT", r.text(c.sourcePort)}, {"L4_DST_PORT", r.text(c.destinationPort)}, {"PROTOCOL", r.text(6)}, {"IN_BYTES", r.text(c.bytesOut)}, {"IN_PKTS", r.text(c.packetsOut)},
		{"timestamp", r.stamp(c.at)},
	}
	if strings.Contains(c.source+c.destination, ":") {
		o = append(o, field{"IPV6_SRC_ADDR", c.source}, field{"IPV6_DST_ADDR", c.destination})
	} else {
		o = append(o, field{"IPV4_SRC_ADDR", c.source}, field{"IPV4_DST_ADDR", c.destination})
	}
	r.shuffle(o)
	return r.object(o, seconds(c.at))
}

func (r *source) web() event {
	c := r.connection()
	o := object{
		{of(r, "clientip", "c_ip", "c-ip", "remote_addr", "client_ip", "client.ip"), r.address(c.source, c.sourcePort)}, {of(r, "s_ip", "dest_ip", "server.ip"), c.destination},
		{of(r, "s_port", "dest_port"), r.text(c.destinationPort)},
		{"url", r.url()}, {"http_method", of(r, "GET", "CONNECT")}, {"action", of(r, "allowed", "blocked")}, {"user", "ann"},
		{"timestamp", r.stamp(c.at)},
	}
	if r.one(2) {
		o[1] = field{"method", "GET"} // no word of a log whose ends are other
		o[2] = field{"uri", r.url()}
		o = append(o, field{"src_ip", c.source})
	}
	r.shuffle(o)
	return r.object(o, seconds(c.at))
}

func (r *source) signIn() event {
	c := r.connection()
	address, _ := r.theirs()
	o := object{{of(r, "ipAddress", "callerIpAddress", "ClientIP", "sourceIPAddress", "ClientIPAddress"), r.address(address, c.sourcePort)}, {"status", "success"}}
	o = append(o, field{of(r, "userPrincipalName", "UserId", "user", "actor.email", "nobody"), "ann@example.com"})
	if o[0].key == "ipAddress" && o[2].key == "nobody" {
		o[2].key = "user" // without a user the word is somebody else's
	}
	o = append(o, field{of(r, "createdDateTime", "eventTime", "CreationTime"), c.at.UTC().Format("2006-01-02T15:04:05.000000Z")})
	r.shuffle(o)
	return r.object(o, seconds(c.at))
}
