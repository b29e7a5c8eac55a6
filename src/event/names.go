package event

import "strings"

// Role is what a cell is read for.
type Role uint8

const (
	Source Role = iota
	SourcePort
	Destination
	DestinationPort
	Transport
	Version
	Time
	Span
	Duration
	FlowStart
	FlowEnd
	LogTime
	First
	Last
	App
	Service
	Signature
	Action
	ConnState
	BytesIn
	BytesOut
	PacketsIn
	PacketsOut
	SNI
	JA4
	JA3
	JA3Text
	JA4Raw
	Groups
	Subject
	Issuer
	URL
	Method
	Query
	User
	EventType
	Subtype
	Direction
	FlowSource
	SensorID
	CommunityID
	Raw
	Roles
)

// Vocabulary is whose word a name is, in the order of trust.
type Vocabulary uint8

const (
	CIM       Vocabulary = iota // Splunk's Common Information Model, and what its searches make
	Zeek                        // conn, ssl, dns, http and other logs with a connection's id
	Suricata                    // eve.json
	PaloAlto                    // PAN-OS's own names, and those of its add-on
	ECS                         // the Elastic Common Schema
	FlowLog                     // AWS VPC flow logs
	FortiGate                   // its traffic logs
	NetFlow                     // fields of NetFlow and IPFIX as collectors name them
	WebLog                      // web servers, proxies and sign-in logs
	Collector                   // around an event, as HTTP Event Collector takes it, or Azure's diagnostic settings
	vocabularies
)

// vocabularyNames are for people.
var vocabularyNames = [vocabularies]string{"CIM", "Zeek", "Suricata", "Palo Alto", "ECS", "AWS flow logs", "FortiGate", "NetFlow", "web and sign-in logs", "collectors"}

func (v Vocabulary) String() string { return vocabularyNames[v] }

// Name is one name of a role.
type Name struct {
	Text string
	Of   Vocabulary
	// Beside says when a name that others use for other things counts.
	Beside Condition
	// Nano says that a number counts nanoseconds.
	Nano bool
	// UTC says that a time without a zone is UTC, as its vendor documents.
	UTC bool
}

// Condition says beside what a general word counts.
type Condition uint8

const (
	Always  Condition = iota
	OwnEnds           // an end of its own vocabulary
	SignIn            // the user of a sign-in
	Request           // the method or path of an HTTP request
)

// quicID is a field of Zeek's quic.log, which names no transport.
const quicID = "client_initial_dcid"

// A role is one line of the table of names.
type role struct {
	means string
	names []Name
}

// table says what each role is and holds the names by which its cell is found,
// in the order of trust: the first that has a usable cell counts. A dot, an
// underscore and an object in another are the same: id.orig_h is id_orig_h and
// {"id":{"orig_h":...}}, and a list in JSON adds nothing. The same names hold for
// columns of a search, keys of JSON and heads of log files.
//
// Not here, on purpose: host as a machine's name, which in Splunk is the machine
// that sent the log (Zeek's host is read for names of onion services only); hosts
// of ECS, which are what observed; src and dest of translated addresses.
var table = [Roles]role{
	Source: {"address of the source", []Name{
		{Text: "src_ip"}, {Text: "src"},
		{Text: "id.orig_h", Of: Zeek},
		{Text: "source.ip", Of: ECS}, {Text: "client.ip", Of: ECS},
		{Text: "srcaddr", Of: FlowLog}, {Text: "srcip", Of: FortiGate},
		{Text: "src4_addr", Of: NetFlow}, {Text: "src6_addr", Of: NetFlow}, {Text: "IPV4_SRC_ADDR", Of: NetFlow}, {Text: "IPV6_SRC_ADDR", Of: NetFlow},
		{Text: "clientip", Of: WebLog}, {Text: "c_ip", Of: WebLog}, {Text: "remote_addr", Of: WebLog},
		{Text: "sourceIPAddress", Of: WebLog}, {Text: "ClientIP", Of: WebLog}, {Text: "ClientIPAddress", Of: WebLog},
		{Text: "callerIpAddress", Of: WebLog}, {Text: "client.ipAddress", Of: WebLog},
		{Text: "ipAddress", Of: WebLog, Beside: SignIn},
	}},
	SourcePort: {"port of the source", []Name{
		{Text: "src_port"}, {Text: "id.orig_p", Of: Zeek}, {Text: "sport", Of: PaloAlto},
		{Text: "source.port", Of: ECS}, {Text: "client.port", Of: ECS}, {Text: "srcport", Of: FlowLog},
		{Text: "L4_SRC_PORT", Of: NetFlow}, {Text: "c_port", Of: WebLog}, {Text: "remote_port", Of: WebLog},
	}},
	Destination: {"address of the destination", []Name{
		{Text: "dest_ip"}, {Text: "dest"},
		{Text: "id.resp_h", Of: Zeek}, {Text: "dst", Of: PaloAlto},
		{Text: "destination.ip", Of: ECS}, {Text: "server.ip", Of: ECS},
		{Text: "dstaddr", Of: FlowLog}, {Text: "dstip", Of: FortiGate}, {Text: "dst_ip", Of: FortiGate},
		{Text: "dst4_addr", Of: NetFlow}, {Text: "dst6_addr", Of: NetFlow}, {Text: "IPV4_DST_ADDR", Of: NetFlow}, {Text: "IPV6_DST_ADDR", Of: NetFlow},
		{Text: "s_ip", Of: WebLog},
	}},
	DestinationPort: {"port of the destination", []Name{
		{Text: "dest_port"}, {Text: "id.resp_p", Of: Zeek}, {Text: "dport", Of: PaloAlto},
		{Text: "destination.port", Of: ECS}, {Text: "server.port", Of: ECS}, {Text: "dstport", Of: FlowLog}, {Text: "dst_port", Of: FortiGate},
		{Text: "L4_DST_PORT", Of: NetFlow}, {Text: "s_port", Of: WebLog},
	}},
	Transport: {"transport", []Name{
		{Text: "transport"}, {Text: "proto", Of: Zeek}, {Text: "network.transport", Of: ECS},
		{Text: "protocol", Of: FlowLog, Beside: OwnEnds}, {Text: "PROTOCOL", Of: NetFlow, Beside: OwnEnds},
	}},
	Version: {"version of TLS, of which DTLS runs over UDP, and what only QUIC has", []Name{
		{Text: "version", Of: Zeek}, {Text: quicID, Of: Zeek}, {Text: "tls.version", Of: Suricata}, {Text: "ssl_version"},
	}},
	Time: {"time of the row", []Name{{Text: "_time"}}},
	Span: {"seconds that the row goes on after its time", []Name{{Text: "_span"}}},
	Duration: {"seconds that the flow lasted", []Name{
		{Text: "duration"}, {Text: "elapsed", Of: PaloAlto, Beside: OwnEnds}, {Text: "event.duration", Of: ECS, Beside: OwnEnds, Nano: true},
	}},
	FlowStart: {"time when the flow began", []Name{
		{Text: "flow.start", Of: Suricata}, {Text: "netflow.start", Of: Suricata}, {Text: "event.start", Of: ECS, Beside: OwnEnds}, {Text: "start", Of: FlowLog, Beside: OwnEnds},
		{Text: "t_first", Of: NetFlow}, {Text: "first", Of: NetFlow, Beside: OwnEnds},
	}},
	FlowEnd: {"time when the flow ended", []Name{
		{Text: "flow.end", Of: Suricata}, {Text: "netflow.end", Of: Suricata}, {Text: "event.end", Of: ECS, Beside: OwnEnds}, {Text: "end", Of: FlowLog, Beside: OwnEnds},
		{Text: "t_last", Of: NetFlow}, {Text: "last", Of: NetFlow, Beside: OwnEnds},
	}},
	LogTime: {"time in the event itself", []Name{
		{Text: "ts", Of: Zeek}, {Text: "timestamp", Of: Suricata},
		{Text: "high_res_timestamp", Of: PaloAlto}, {Text: "time_generated", Of: PaloAlto}, {Text: "generated_time", Of: PaloAlto}, {Text: "receive_time", Of: PaloAlto},
		{Text: "@timestamp", Of: ECS}, {Text: "eventtime", Of: FortiGate},
		{Text: "eventTime", Of: WebLog}, {Text: "CreationTime", Of: WebLog, UTC: true}, {Text: "createdDateTime", Of: WebLog},
		{Text: "published", Of: WebLog, Beside: OwnEnds}, {Text: "id.time", Of: WebLog}, // Okta, Google Workspace
		{Text: "EdgeStartTimestamp", Of: WebLog}, {Text: "time_iso8601", Of: WebLog}, // Cloudflare, nginx
		{Text: "FIRST_SWITCHED", Of: NetFlow, Beside: OwnEnds}, // nProbe's epoch; others count from their start, so it is the last resort
		{Text: "time", Of: Collector, Beside: OwnEnds},
	}},
	First: {"first moment of a row that stands for several", []Name{{Text: "firstTime"}}},
	Last:  {"last moment of such a row", []Name{{Text: "lastTime"}}},
	App: {"the firewall's name for the application", []Name{
		{Text: "app"}, {Text: "application"}, {Text: "appi_name"}, {Text: "ndpi.app_protocol", Of: Suricata}, {Text: "ndpi.proto", Of: Suricata}, {Text: "network.application", Of: ECS}, {Text: "L7_PROTO_NAME", Of: NetFlow},
	}},
	Service: {"a sensor's name for the protocol, of which Tor alone counts", []Name{
		{Text: "service", Of: Zeek}, {Text: "app_proto", Of: Suricata},
	}},
	Signature: {"name of a rule that matched", []Name{{Text: "signature"}, {Text: "alert.signature", Of: Suricata}}},
	Action: {"what the firewall did", []Name{
		{Text: "action"}, {Text: "verdict.action", Of: Suricata}, {Text: "alert.action", Of: Suricata}, {Text: "flow.action", Of: Suricata},
	}},
	ConnState: {"how far the connection came", []Name{{Text: "conn_state", Of: Zeek}}},
	BytesIn: {"bytes that came back", []Name{
		{Text: "bytes_in"}, {Text: "resp_ip_bytes", Of: Zeek}, {Text: "resp_bytes", Of: Zeek}, {Text: "flow.bytes_toclient", Of: Suricata},
		{Text: "bytes_received", Of: PaloAlto}, {Text: "destination.bytes", Of: ECS}, {Text: "rcvdbyte", Of: FortiGate},
	}},
	BytesOut: {"bytes that were sent", []Name{
		{Text: "bytes_out"}, {Text: "orig_ip_bytes", Of: Zeek}, {Text: "orig_bytes", Of: Zeek}, {Text: "flow.bytes_toserver", Of: Suricata}, {Text: "netflow.bytes", Of: Suricata},
		{Text: "bytes_sent", Of: PaloAlto}, {Text: "source.bytes", Of: ECS}, {Text: "sentbyte", Of: FortiGate},
		{Text: "bytes", Of: FlowLog, Beside: OwnEnds}, {Text: "IN_BYTES", Of: NetFlow}, {Text: "in_bytes", Of: NetFlow, Beside: OwnEnds},
	}},
	PacketsIn: {"packets that came back", []Name{
		{Text: "packets_in"}, {Text: "resp_pkts", Of: Zeek}, {Text: "flow.pkts_toclient", Of: Suricata},
		{Text: "pkts_received", Of: PaloAlto}, {Text: "destination.packets", Of: ECS}, {Text: "rcvdpkt", Of: FortiGate},
	}},
	PacketsOut: {"packets that were sent", []Name{
		{Text: "packets_out"}, {Text: "orig_pkts", Of: Zeek}, {Text: "flow.pkts_toserver", Of: Suricata}, {Text: "netflow.pkts", Of: Suricata},
		{Text: "pkts_sent", Of: PaloAlto}, {Text: "source.packets", Of: ECS}, {Text: "sentpkt", Of: FortiGate},
		{Text: "packets", Of: FlowLog, Beside: OwnEnds}, {Text: "IN_PKTS", Of: NetFlow}, {Text: "in_packets", Of: NetFlow, Beside: OwnEnds},
	}},
	SNI: {"server name of the TLS handshake", []Name{
		{Text: "sni"}, {Text: "ssl_sni"}, {Text: "ssl_server_name"}, {Text: "server_name", Of: Zeek}, {Text: "tls.sni", Of: Suricata}, {Text: "tls.client.server_name", Of: ECS},
	}},
	JA4: {"JA4 fingerprint of the client", []Name{{Text: "ja4"}, {Text: "tls.ja4", Of: Suricata}}},
	JA3: {"JA3 fingerprint of the client", []Name{
		{Text: "ja3"}, {Text: "tls.ja3", Of: Suricata}, {Text: "tls.ja3.hash", Of: Suricata}, {Text: "tls.client.ja3", Of: ECS},
	}},
	JA3Text: {"text that a JA3 is the hash of, or its groups", []Name{
		{Text: "ja3_string"}, {Text: "tls.ja3.string", Of: Suricata}, {Text: "ja3_ec", Of: Zeek},
	}},
	JA4Raw: {"text that a JA4 is made of the hashes of (JA4_r)", []Name{{Text: "ja4_r"}}},
	Groups: {"groups that the client offered, as a list of numbers", []Name{{Text: "client_curves", Of: Zeek}}},
	Subject: {"whom the server's certificate names", []Name{
		{Text: "ssl_subject"}, {Text: "ssl_subject_common_name"}, {Text: "subject", Of: Zeek, Beside: OwnEnds}, {Text: "certificate.subject", Of: Zeek},
		{Text: "tls.subject", Of: Suricata}, {Text: "tls.server.subject", Of: ECS},
	}},
	Issuer: {"who issued the server's certificate", []Name{
		{Text: "ssl_issuer"}, {Text: "ssl_issuer_common_name"}, {Text: "issuer", Of: Zeek, Beside: OwnEnds}, {Text: "certificate.issuer", Of: Zeek},
		{Text: "tls.issuerdn", Of: Suricata}, {Text: "tls.server.issuer", Of: ECS},
	}},
	URL: {"URL, or its host", []Name{
		{Text: "url"}, {Text: "http.url", Of: Suricata}, {Text: "uri", Of: Zeek, Beside: OwnEnds}, {Text: "misc", Of: PaloAlto, Beside: OwnEnds},
		{Text: "url.original", Of: ECS}, {Text: "url.full", Of: ECS},
		{Text: "url_domain"}, {Text: "http.hostname", Of: Suricata}, {Text: "host", Of: Zeek, Beside: Request},
	}},
	Method: {"method of an HTTP request", []Name{
		{Text: "http_method"}, {Text: "method", Of: Zeek, Beside: OwnEnds}, {Text: "http.http_method", Of: Suricata}, {Text: "http.request.method", Of: ECS},
	}},
	Query: {"name asked for by DNS", []Name{
		{Text: "query"}, {Text: "dns.rrname", Of: Suricata}, {Text: "dns.queries{}.rrname", Of: Suricata}, {Text: "dns.query{}.rrname", Of: Suricata}, {Text: "dns.question.name", Of: ECS},
	}},
	User: {"user, told and not judged by", []Name{
		{Text: "user"}, {Text: "src_user"}, {Text: "username", Of: Zeek}, {Text: "srcuser", Of: PaloAlto}, {Text: "dstuser", Of: PaloAlto},
		{Text: "user.name", Of: ECS}, {Text: "userPrincipalName", Of: WebLog}, {Text: "properties.userPrincipalName", Of: WebLog}, {Text: "UserId", Of: WebLog}, {Text: "userIdentity.userName", Of: WebLog}, {Text: "actor.email", Of: WebLog}, {Text: "actor.alternateId", Of: WebLog},
	}},
	EventType:   {"kind of a Suricata event", []Name{{Text: "event_type", Of: Suricata}}},
	Subtype:     {"says that a session only starts", []Name{{Text: "log_subtype", Of: PaloAlto}, {Text: "subtype", Of: PaloAlto}}},
	Direction:   {"to_client: the event's source is the server", []Name{{Text: "direction", Of: Suricata}}},
	FlowSource:  {"who began the flow", []Name{{Text: "flow.src_ip", Of: Suricata}}},
	SensorID:    {"the sensor's name for the connection", []Name{{Text: "flow_id", Of: Suricata}, {Text: "uid", Of: Zeek, Beside: OwnEnds}}},
	CommunityID: {"name of the connection that all sensors agree on", []Name{{Text: "community_id"}, {Text: "network.community_id", Of: ECS}}},
	Raw:         {"the event itself, where no column has an address", []Name{{Text: "_raw"}}},
}

// A Column is one line of the table, for the manual.
type Column struct {
	Role  Role
	Means string
	Names []Name
}

// Table returns the table of names, in the order of the roles.
func Table() []Column {
	out := make([]Column, 0, Roles)
	for r := range Roles {
		out = append(out, Column{r, table[r].means, table[r].names})
	}
	return out
}

// A Slot is the number of a name in the whole table.
type Slot uint8

// slots are all names in a row, those of a role together in its order.
var slots = layOut()

type layout struct {
	first   [Roles + 1]Slot // the first name of each role
	name    []Name
	role    []Role
	general [Roles]uint32   // which names of a role are general words, by their place in it
	number  map[string]Slot // by the name with underscores
	ends    [vocabularies][]Slot
	zeek    []Slot // names that say that a time is that of the first packet
	signIn  []Slot
	request []Slot // of Zeek's http.log
}

func layOut() *layout {
	l := &layout{number: map[string]Slot{}}
	for r := range Roles {
		l.first[r] = Slot(len(l.name))
		for _, n := range table[r].names {
			s := Slot(len(l.name))
			l.name, l.role = append(l.name, n), append(l.role, r)
			if n.Beside != Always {
				l.general[r] |= 1 << (s - l.first[r])
			}
			l.number[plainName(n.Text)] = s // no name stands twice: a test
			if (r == Source || r == Destination) && n.Beside == Always {
				l.ends[n.Of] = append(l.ends[n.Of], s)
			}
			if n.Text == "conn_state" || n.Text == "id.orig_h" {
				l.zeek = append(l.zeek, s)
			}
			if n.Text == "uri" || n.Text == "method" {
				l.request = append(l.request, s)
			}
			if r == User {
				l.signIn = append(l.signIn, s)
			}
		}
	}
	l.first[Roles] = Slot(len(l.name))
	return l
}

// plainName writes a name with underscores only, without the marks of lists.
func plainName(name string) string {
	return strings.ReplaceAll(strings.ReplaceAll(name, "{}", ""), ".", "_")
}

// maxNames bounds the table, so that an event can be an array; a test holds it.
const maxNames = 232
