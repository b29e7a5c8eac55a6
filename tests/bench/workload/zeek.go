//go:build linux

package workload

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
)

// conn are Zeek's conn events as Splunk extracts them from JSON.
var conn = Shape{
	Name: "Zeek conn",
	Columns: strings.Fields(internals + ` ts uid id.orig_h id.orig_p id.resp_h id.resp_p proto service duration orig_bytes resp_bytes conn_state
		local_orig local_resp missed_bytes history orig_pkts orig_ip_bytes resp_pkts resp_ip_bytes community_id orig_l2_addr resp_l2_addr vlan`),
	Cell: func(r *rand.Rand, column string, f Flow) string {
		switch column {
		case "_raw":
			return fmt.Sprintf(`{"ts":%d.%03d,"uid":"C%015x","id.orig_h":"%s","id.orig_p":%d,"id.resp_h":"%s","id.resp_p":%s,"proto":"tcp","service":"ssl","duration":%d.5,"orig_bytes":%d,"resp_bytes":%d,"conn_state":"SF","local_orig":true,"local_resp":false,"missed_bytes":0,"history":"ShADadFf","orig_pkts":%d,"orig_ip_bytes":%d,"resp_pkts":%d,"resp_ip_bytes":%d,"community_id":"1:%027x="}`,
				f.Time, f.N%1000, r.Uint64()>>4, f.Src, 40000+f.N%20000, f.Dest, f.Port, 1+r.IntN(60), r.IntN(1<<16), r.IntN(1<<20), r.IntN(500), r.IntN(1<<16), r.IntN(500), r.IntN(1<<20), r.Uint64())
		case "duration":
			return fmt.Sprintf("%d.5", r.IntN(20))
		case "orig_bytes", "resp_bytes", "orig_ip_bytes", "resp_ip_bytes":
			return strconv.Itoa(1000 + r.IntN(1<<20))
		case "orig_pkts", "resp_pkts":
			return strconv.Itoa(10 + r.IntN(500))
		case "conn_state":
			return "SF"
		case "local_orig":
			return "true"
		case "local_resp":
			return "false"
		case "missed_bytes":
			return "0"
		case "history":
			return "ShADadFf"
		case "community_id":
			return fmt.Sprintf("1:%027x=", r.Uint64())
		case "orig_l2_addr", "resp_l2_addr":
			return fmt.Sprintf("02:00:00:00:%02x:%02x", r.IntN(256), r.IntN(256))
		case "vlan":
			return "17"
		}
		return zeek(r, column, f)
	},
}

// ssl are Zeek's ssl events, with the server name and JA4. Relays are shown a
// name as tor makes it up, and every second one tor's own JA4.
var ssl = Shape{
	Name: "Zeek ssl",
	Columns: strings.Fields(internals + ` ts uid id.orig_h id.orig_p id.resp_h id.resp_p version cipher curve server_name resumed next_protocol
		established ssl_history cert_chain_fps{} client_cert_chain_fps{} subject issuer sni_matches_cert validation_status ja3 ja3s ja4 ja4s`),
	Cell: func(r *rand.Rand, column string, f Flow) string {
		name := fmt.Sprintf("host%d.shop%d.example", f.N%900, f.N%77)
		ja4 := fmt.Sprintf("t13d1516h2_%012x_%012x", 0x8daaf6152771+f.N%40, 0x02713d6af862+f.N%7)
		if f.Tor {
			name = "www." + madeUp(r) + ".com"
			if f.N%2 == 0 {
				ja4 = "t13d181100_796efca44d18_d41ae481755e"
			}
		}
		switch column {
		case "_raw":
			return fmt.Sprintf(`{"ts":%d.%03d,"uid":"C%015x","id.orig_h":"%s","id.orig_p":%d,"id.resp_h":"%s","id.resp_p":%s,"version":"TLSv13","cipher":"TLS_AES_256_GCM_SHA384","curve":"x25519","server_name":"%s","resumed":false,"established":true,"ssl_history":"CsiI","ja3":"%016x%016x","ja4":"%s"}`,
				f.Time, f.N%1000, r.Uint64()>>4, f.Src, 40000+f.N%20000, f.Dest, f.Port, name, r.Uint64(), r.Uint64(), ja4)
		case "version":
			return "TLSv13"
		case "cipher":
			return "TLS_AES_256_GCM_SHA384"
		case "curve":
			return "x25519"
		case "server_name":
			return name
		case "resumed":
			return "false"
		case "established", "sni_matches_cert":
			return "true"
		case "ssl_history":
			return "CsiI"
		case "next_protocol":
			return "h2"
		case "ja3", "ja3s":
			return fmt.Sprintf("%016x%016x", r.Uint64(), r.Uint64())
		case "ja4":
			return ja4
		case "ja4s":
			return "t130200_1302_234ea6891581"
		case "validation_status":
			return "ok"
		}
		return zeek(r, column, f)
	},
}

// zeek are the cells that all of Zeek's logs have.
func zeek(r *rand.Rand, column string, f Flow) string {
	switch column {
	case "ts":
		return fmt.Sprintf("%d.%03d", f.Time, f.N%1000)
	case "uid":
		return fmt.Sprintf("C%015x", r.Uint64()>>4)
	case "id.orig_h":
		return f.Src
	case "id.orig_p":
		return strconv.Itoa(40000 + f.N%20000)
	case "id.resp_h":
		return f.Dest
	case "id.resp_p":
		return f.Port
	case "proto":
		return "tcp"
	case "service":
		return "ssl"
	}
	return internal(r, column, f)
}

func madeUp(r *rand.Rand) string {
	name := make([]byte, 8+r.IntN(10))
	for i := range name {
		name[i] = "abcdefghijklmnopqrstuvwxyz234567"[r.IntN(32)]
	}
	return string(name)
}
