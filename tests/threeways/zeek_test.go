package threeways

import (
	"strings"
	"time"
)

// Zeek's logs with tabs, each with the fields that its release has; and, below, as
// JSON.
var zeekShapes = []shape{
	zeekLog("conn", "", "proto service duration orig_bytes resp_bytes conn_state local_orig local_resp missed_bytes history orig_pkts orig_ip_bytes resp_pkts resp_ip_bytes tunnel_parents"),
	zeekLog("conn", " of 2.3", "proto service duration orig_bytes resp_bytes conn_state local_orig missed_bytes history orig_pkts orig_ip_bytes resp_pkts resp_ip_bytes tunnel_parents"),
	zeekLog("conn", " of 8", "proto service duration orig_bytes resp_bytes conn_state local_orig local_resp missed_bytes history orig_pkts orig_ip_bytes resp_pkts resp_ip_bytes tunnel_parents ip_proto"),
	zeekLog("ssl", "", "version cipher curve server_name resumed last_alert next_protocol established ssl_history cert_chain_fps client_cert_chain_fps sni_matches_cert"),
	zeekLog("ssl", " of 2.4", "version cipher curve server_name resumed last_alert next_protocol established cert_chain_fuids client_cert_chain_fuids subject issuer client_subject client_issuer"),
	zeekLog("ssl", " of 2.2", "version cipher server_name session_id subject issuer_subject not_valid_before not_valid_after last_alert client_subject client_issuer_subject"),
	zeekLog("dns", "", "proto trans_id rtt query qclass qclass_name qtype qtype_name rcode rcode_name AA TC RD RA Z answers TTLs rejected"),
	zeekLog("dns", " of 2.4", "proto trans_id query qclass qclass_name qtype qtype_name rcode rcode_name AA TC RD RA Z answers TTLs rejected"),
	zeekLog("http", "", "trans_depth method host uri referrer version user_agent origin request_body_len response_body_len status_code status_msg info_code info_msg tags username password proxied orig_fuids"),
	zeekLog("conn", " where a policy leaves out what is local", "proto service duration orig_bytes resp_bytes conn_state missed_bytes history orig_pkts orig_ip_bytes resp_pkts resp_ip_bytes tunnel_parents ip_proto"),
	zeekLog("quic", "", "version client_initial_dcid client_scid server_scid server_name client_protocol history"),
	zeekLog("http", " of 2.4", "trans_depth method host uri referrer user_agent request_body_len response_body_len status_code status_msg info_code info_msg filename tags username password proxied orig_fuids"),
}

const zeekEnds = "ts uid id.orig_h id.orig_p id.resp_h id.resp_p "

// zeekLog is a log with its head.
func zeekLog(path, release, fields string) shape {
	names := strings.Fields(zeekEnds + fields)
	head := "#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\t" + path + "\n#open\t2026-11-20-12-00-00\n" +
		"#fields\t" + strings.Join(names, "\t") + "\n"
	return shape{"Zeek " + path + release, head, func(r *source) event {
		values, time := r.zeek(path)
		e := event{time: time}
		row := make([]string, len(names))
		for i, name := range names {
			text := values[name]
			if text == "" {
				row[i] = "-"
				continue
			}
			row[i] = strings.ReplaceAll(text, ",", `\x2c`)
			if name == "service" || name == "tags" {
				row[i] = text // a set
			}
			e.put(name, text)
		}
		e.line = strings.Join(row, "\t")
		return e
	}}
}

// zeek makes the values of an event of a log.
func (r *source) zeek(path string) (values map[string]string, time string) {
	c := r.connection()
	time = seconds(c.at)
	values = map[string]string{
		"ts": time, "uid": "CHhAvVGS1DHFjwGM9", "id.orig_h": c.source, "id.orig_p": itoa(c.sourcePort), "id.resp_h": c.destination, "id.resp_p": itoa(c.destinationPort),
	}
	set := func(name string, among ...string) { values[name] = of(r, among...) }
	switch path {
	case "conn":
		values["proto"] = c.transport
		set("service", "ssl", "", "ssl,http", "tor", "dns")
		set("conn_state", "S0", "S1", "SF", "SF", "REJ", "S2", "S3", "RSTO", "RSTR", "RSTOS0", "RSTRH", "SH", "SHR", "OTH", "OTH")
		if !r.one(4) {
			values["duration"], values["orig_bytes"], values["resp_bytes"] = span(c.took), itoa(c.bytesOut/2), itoa(c.bytesIn/2)
		}
		set("local_orig", "T", "F", "")
		set("local_resp", "T", "F", "")
		values["missed_bytes"] = "0"
		set("history", "ShADadFf", "", "^d", "S")
		values["orig_pkts"], values["orig_ip_bytes"] = itoa(c.packetsOut), itoa(c.bytesOut)
		values["resp_pkts"], values["resp_ip_bytes"] = itoa(c.packetsIn), itoa(c.bytesIn)
		values["ip_proto"] = "6"
	case "ssl":
		set("version", "TLSv12", "TLSv13", "DTLSv12", "TLSv10")
		set("cipher", "TLS_AES_256_GCM_SHA384", "")
		set("curve", "x25519", "")
		set("server_name", r.serverName(), r.serverName(), "")
		set("resumed", "T", "F")
		set("established", "T", "F")
		set("subject", "CN=www.example.com", "")
		set("session_id", "", "0123abcd")
		set("last_alert", "", "unknown_ca")
		set("client_curves", "", "", "23,29,21", "29,23,30,25,24") // as ssl-log-ext logs them
	case "quic":
		set("version", "1", "quicv2", "draft-29", "unknown-5f9e1a3c")
		set("client_initial_dcid", "5a0c1e77b4d2983f", "0f2a7b93c8e61d5410")
		set("client_scid", "", "1b")
		set("server_scid", "", "9e41c7d2")
		set("server_name", r.serverName(), "")
		set("client_protocol", "h3", "")
		set("history", "ISishIHhhO", "I")
	case "dns":
		set("proto", "udp", "udp", "tcp")
		values["trans_id"] = itoa(r.IntN(65536))
		set("rtt", "", "0.012345")
		values["query"] = r.query()
		set("qclass", "1", "")
		if values["qclass"] != "" {
			values["qclass_name"], values["qtype"], values["qtype_name"] = "C_INTERNET", "1", "A"
		}
		set("rcode_name", "NOERROR", "NXDOMAIN", "")
		values["AA"], values["rejected"] = "F", "F"
	case "http":
		values["trans_depth"] = itoa(1 + r.IntN(9))
		set("method", "GET", "POST", "CONNECT", "")
		set("host", "www.example.com", "abcdefghij234567.onion", "abcdefghij234567.onion.to", "", "198.51.100.1")
		values["uri"] = r.url()
		set("referrer", "", "http://www.example.com/")
		set("version", "1.1", "1.0", "")
		set("user_agent", "curl/8.5", "")
		set("username", "", "ann")
		values["request_body_len"], values["response_body_len"] = itoa(c.bytesOut), itoa(c.bytesIn)
		set("status_code", "200", "404", "")
	}
	for name, text := range values {
		if text == "-" {
			values[name] = ""
		}
	}
	return values, time
}

// zeekObjects are the same logs as JSON, with names spelled in all ways.
var zeekObjects = []shape{
	{"Zeek conn as JSON", "", func(r *source) event { return r.zeekObject("conn") }},
	{"Zeek ssl as JSON", "", func(r *source) event { return r.zeekObject("ssl") }},
	{"Zeek dns as JSON", "", func(r *source) event { return r.zeekObject("dns") }},
	{"Zeek quic as JSON", "", func(r *source) event { return r.zeekObject("quic") }},
	{"Zeek http as JSON", "", func(r *source) event { return r.zeekObject("http") }},
}

// zeekNumbers are written without quotes.
var zeekNumbers = map[string]bool{
	"ts": true, "id.orig_p": true, "id.resp_p": true, "duration": true, "orig_bytes": true, "resp_bytes": true, "orig_pkts": true, "orig_ip_bytes": true,
	"resp_pkts": true, "resp_ip_bytes": true, "trans_id": true, "trans_depth": true, "qclass": true, "qtype": true, "rtt": true, "status_code": true,
}

func (r *source) zeekObject(path string) event {
	values, at := r.zeek(path)
	var o object
	if r.one(3) {
		o = append(o, field{"_path", path})
	}
	for _, name := range sorted(values) {
		text := values[name]
		switch {
		case text == "":
			continue
		case name == "ts":
			switch moment := parseSeconds(at); r.IntN(3) {
			case 0: // JSON::TS_MILLIS
				at = seconds(moment.Truncate(time.Millisecond))
				o = append(o, field{name, number(itoa(int(moment.UnixMilli())))})
			case 1:
				o = append(o, field{name, moment.UTC().Format("2006-01-02T15:04:05.000000Z")})
			default:
				o = append(o, field{name, number(text)})
			}
		case name == "duration" && text != "0.000000" && r.one(10):
			o = append(o, field{name, number("9.5e-05")})
		case zeekNumbers[name]:
			o = append(o, field{name, number(text)})
		case name == "client_curves":
			var numbers []any
			for one := range strings.SplitSeq(text, ",") {
				numbers = append(numbers, number(one))
			}
			o = append(o, field{name, numbers})
		case name == "service" && r.one(2):
			o = append(o, field{name, list(strings.Split(text, ","))})
		default:
			o = append(o, field{name, text})
		}
	}
	r.shuffle(o)
	return r.object(r.spelled(o), at)
}
