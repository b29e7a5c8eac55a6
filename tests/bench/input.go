package main

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// The benchmark's network lives in 240.0.0.0/4, which is reserved and has no
// hosts: the documentation ranges hold too few addresses for 27,000 rows.

const noon = 1795176000 // 2026-11-20T12:00:00Z

// table makes a relay table of n rows and returns it with the addresses and OR
// ports of its relays.
func table(n int) (text string, relays [][2]string) {
	r := rand.New(rand.NewPCG(1, uint64(n)))
	var b strings.Builder
	b.WriteString("ip,port,role,flags,fingerprint,nickname,first_seen,last_seen\n")
	fmt.Fprintf(&b, ",,coverage,,,,%d,%d\n", noon-7*86400, noon)
	flags := []string{"", "Guard", "Exit", "Exit Guard"}
	for i := range n - 1 {
		first, last := noon-7*86400, noon
		if i%3 == 0 {
			first += r.IntN(86400)
			last -= r.IntN(86400)
		}
		ip := fmt.Sprintf("%d.%d.%d.%d", 240+i>>20, i>>12&255, i>>4&255, i&15*16+3)
		port := []string{"443", "9001", "8443"}[r.IntN(3)]
		relays = append(relays, [2]string{ip, port})
		fmt.Fprintf(&b, "%s,%s,or,%s,%016X%016X%08X,relay%d,%d,%d\n", ip, port, flags[r.IntN(4)], r.Uint64(), r.Uint64(), r.Uint32(), i, first, last)
	}
	fmt.Fprintf(&b, ",%d,end,,,,,\n", n)
	return b.String(), relays
}

// shape is a kind of chunk: the columns in splunkd's order and what is in them.
type shape struct {
	name    string
	columns []string
	cell    func(r *rand.Rand, column, src, dest, port string, row int) string
}

// body makes a chunk of n rows of which one in every tor goes to a relay.
func (s shape) body(n int, share float64, relays [][2]string) []byte {
	r := rand.New(rand.NewPCG(2, uint64(n)))
	var b strings.Builder
	for i, column := range s.columns {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(cell(column))
	}
	for _, column := range s.columns {
		b.WriteString("," + cell("__mv_"+column))
	}
	b.WriteByte('\n')
	for i := range n {
		src := fmt.Sprintf("10.%d.%d.%d", r.IntN(4), r.IntN(256), r.IntN(256))
		dest, port := fmt.Sprintf("203.0.113.%d", r.IntN(256)), "443"
		if r.Float64() < share {
			relay := relays[r.IntN(len(relays))]
			dest, port = relay[0], relay[1]
		}
		for c, column := range s.columns {
			if c > 0 {
				b.WriteByte(',')
			}
			b.WriteString(cell(s.cell(r, column, src, dest, port, i)))
		}
		b.WriteString(strings.Repeat(",", len(s.columns)))
		b.WriteByte('\n')
	}
	return []byte(b.String())
}

// cell writes a cell as splunkd does: bare if empty or letters and digits only.
func cell(text string) string {
	for i := range len(text) {
		if c := text[i]; (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'z') {
			return `"` + strings.ReplaceAll(text, `"`, `""`) + `"`
		}
	}
	return text
}

// tstats is what stands behind tstats in the shipped searches.
var tstats = shape{
	name:    "tstats rows",
	columns: []string{"All_Traffic.src_ip", "All_Traffic.dest_ip", "All_Traffic.dest_port", "All_Traffic.action", "count", "firstTime", "lastTime"},
	cell: func(r *rand.Rand, column, src, dest, port string, row int) string {
		switch column {
		case "All_Traffic.src_ip":
			return src
		case "All_Traffic.dest_ip":
			return dest
		case "All_Traffic.dest_port":
			return port
		case "All_Traffic.action":
			return "allowed"
		case "count":
			return fmt.Sprint(1 + r.IntN(99))
		case "firstTime":
			return fmt.Sprint(noon - 3600 - row%1800)
		}
		return fmt.Sprint(noon - row%1800)
	},
}

// events are firewall events with 48 columns, _raw among them.
var events = shape{name: "firewall events", columns: eventColumns, cell: eventCell}

var eventColumns = strings.Fields(`_time _raw _indextime _sourcetype _subsecond _cd _bkt _si _serial host index linecount source sourcetype
	splunk_server eventtype tag action app bytes bytes_in bytes_out category dest dest_ip dest_port dest_zone duration dvc
	log_subtype packets packets_in packets_out product protocol rule session_id src src_ip src_port src_zone transport
	user vendor vendor_action vendor_product vsys session_end_reason`)

func eventCell(r *rand.Rand, column, src, dest, port string, row int) string {
	switch column {
	case "_time":
		return fmt.Sprintf("%d.%03d", noon-row%3600, row%1000)
	case "_raw":
		return fmt.Sprintf("Nov 20 11:59:59 fw1 1,2026/11/20 11:59:59,001701000001,TRAFFIC,end,2561,2026/11/20 11:59:59,%s,%s,,,Outbound_Allow,,,ssl,vsys1,Trust,Untrust,ethernet1/2,ethernet1/1,to_splunk,2026/11/20 11:59:59,%d,1,%d,%s,0,0,0x19,tcp,allow,%d,%d,%d,%d,2026/11/20 11:58:59,60,any,0,376156893,0x0,10.0.0.0-10.255.255.255,Germany,0,%d,%d,tcp-fin,0,0,0,0,,PA-220,from-policy,,,0,,0,,N/A,0,0,0,0,4f6ac2a1-1111-2222-3333-444455556666,0,0,,,,,,,,0.0.0.0,,,,,2026-11-20T11:59:59.000+00:00,,,encrypted-tunnel,networking,browser-based,4,,,ssl,no,no,0", src, dest, row, 40000+row%20000, port, r.IntN(1<<20), r.IntN(1<<16), r.IntN(1<<20), r.IntN(999), r.IntN(500), r.IntN(500))
	case "src", "src_ip":
		return src
	case "dest", "dest_ip":
		return dest
	case "dest_port":
		return port
	case "src_port":
		return fmt.Sprint(40000 + row%20000)
	case "bytes", "bytes_in", "bytes_out":
		return fmt.Sprint(1 + r.IntN(1<<20))
	case "packets", "packets_in", "packets_out", "session_id", "duration":
		return fmt.Sprint(1 + r.IntN(9999))
	case "transport":
		return "tcp"
	case "app":
		return "ssl"
	case "action":
		return "allowed"
	case "_cd":
		return fmt.Sprintf("7:%d", row*131)
	case "_bkt":
		return "firewall~7~4F6AC2A1-1111-2222-3333-444455556666"
	case "_indextime":
		return fmt.Sprint(noon)
	case "_si":
		return "idx1.example\nfirewall"
	case "tag":
		return "communicate\nnetwork"
	case "source":
		return "/var/log/remote/fw1/traffic.log"
	case "vendor_product":
		return "Palo Alto Networks Firewall"
	}
	return "pan:" + column
}
