//go:build linux

package main

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"tordetect/src/chunked"
	"tordetect/src/rows"
)

// Everything here is drawn from seeded generators: the same input in every run
// and on every machine. The benchmark's network lives in 240.0.0.0/4, which is
// reserved and has no hosts, because the documentation ranges hold too few
// addresses for it. Relays and other hosts are scattered over the whole of it, so
// that no network as such tells the one from the other.

const (
	hour = 3600
	day  = 24 * hour
	noon = 1795176000 // 2026-11-20T12:00:00Z, the end of the newest list
	week = 7 * day    // what the relay table keeps
	year = 400 * day  // what its history keeps
)

// a relay as traffic meets it: address, OR port, and from when to when it was
// listed.
type relay struct {
	ip, port    string
	first, last int64
}

// table makes a relay table of n rows for the time from..to: three rows a relay,
// one after the other, as flags change; a quarter of the relays have IPv6 rows
// and some a sighting in the exit lists. Sorted by address, as ours are written.
// A tenth of the relays left before the end.
func table(n int, from, to int64) (string, []relay) {
	r := rand.New(rand.NewPCG(1, uint64(n)))
	type line struct {
		ip   netip.Addr
		text string
	}
	var relays []relay
	lines := make([]line, 0, n)
	taken := map[netip.Addr]bool{}
	flags := []string{"", "Guard", "Exit", "Exit Guard"}
	for i := 0; len(lines) < n-2; i++ {
		ip := elsewhere(r)
		for taken[ip] {
			ip = elsewhere(r)
		}
		taken[ip] = true
		port := []string{"443", "9001", "8443", "9100"}[r.IntN(4)]
		last := to
		if r.IntN(10) == 0 {
			last -= r.Int64N((to - from) / 2)
		}
		relays = append(relays, relay{ip.String(), port, from, last})
		id := fmt.Sprintf("%016X%016X%08X", r.Uint64(), r.Uint64(), r.Uint32())
		cut1 := from + r.Int64N((last-from)/2)
		cut2 := cut1 + r.Int64N(last-cut1)
		add := func(ip netip.Addr, port, role string, first, last int64, k int) {
			if len(lines) < n-2 {
				lines = append(lines, line{ip, fmt.Sprintf("%s,%s,%s,%s,%s,relay%d,%d,%d\n", ip, port, role, flags[(i+k)%4], id, i, first, last)})
			}
		}
		// The whole time comes first: a table that ends within a relay still
		// knows it as relays says.
		add(ip, port, "or", from, last, 0)
		add(ip, port, "or", cut1, cut2, 1)
		switch i % 4 {
		case 0:
			v6 := netip.AddrFrom16([16]byte{0x20, 1, 0x0d, 0xb8, 8: byte(i >> 16), 9: byte(i >> 8), 10: byte(i), 15: 1})
			add(v6, port, "or", from, last, 0)
		case 1:
			add(ip, "", "exit", cut1, cut1, 2)
		default:
			add(ip, port, "or", cut2, last, 2)
		}
	}
	slices.SortStableFunc(lines, func(a, b line) int { return a.ip.Compare(b.ip) })
	var b strings.Builder
	b.WriteString("ip,port,role,flags,fingerprint,nickname,first_seen,last_seen\n")
	fmt.Fprintf(&b, ",,coverage,,,,%d,%d\n,,exit_coverage,,,,%d,%d\n", from, to, from, to)
	for _, l := range lines {
		b.WriteString(l.text)
	}
	fmt.Fprintf(&b, ",%d,end,,,,,\n", len(lines)+2)
	return b.String(), relays
}

// elsewhere is a host outside the site.
func elsewhere(r *rand.Rand) netip.Addr {
	a := r.Uint32()
	return netip.AddrFrom4([4]byte{240 | byte(a>>24), byte(a >> 16), byte(a >> 8), byte(a)})
}

// flow is what a row tells.
type flow struct {
	n               int // number of the row
	src, dest, port string
	time            int64
	tor             bool // dest and port were a relay's at that time
}

// flows draws n flows in the hours before end, of which so many in a hundred go
// to relays. A few more go to a relay's address at another port, or to a relay
// that has left: the look-up has to look at them and not to find them.
func flows(n int, percent float64, end int64, relays []relay) []flow {
	r := rand.New(rand.NewPCG(2, uint64(n)))
	listed := make(map[string]bool, len(relays))
	for _, relay := range relays {
		listed[relay.ip] = true
	}
	popular := make([]string, 500) // half of the traffic goes to few hosts
	for i := range popular {
		popular[i] = "203.0.113." + strconv.Itoa(i%256)
		if i%2 == 0 {
			popular[i] = elsewhere(r).String()
		}
	}
	out := make([]flow, n)
	for i := range out {
		f := flow{n: i, time: end - 1 - int64(i%hour), port: "443"}
		f.src = fmt.Sprintf("10.%d.%d.%d", r.IntN(4), r.IntN(256), r.IntN(256))
		switch k := r.IntN(100); {
		case k < 50:
			f.dest = popular[r.IntN(len(popular))]
		case k < 53:
			f.dest = fmt.Sprintf("2001:db8:ffff::%x", 1+r.IntN(1<<16))
		default:
			f.dest = elsewhere(r).String()
		}
		if listed[f.dest] {
			f.dest = "203.0.113.7"
		}
		if r.IntN(10) == 0 {
			f.port = []string{"80", "53", "22", "8443"}[r.IntN(4)]
		}
		if r.Float64()*100 < percent {
			relay := relays[r.IntN(len(relays))]
			f.dest, f.port = relay.ip, relay.port
			if f.time == relay.last { // no row in the second in which a relay ends: some cut off fractions
				f.time--
			}
			f.tor = relay.first <= f.time && f.time <= relay.last
		} else if percent > 0 && r.IntN(500) == 0 {
			f.dest, f.port = relays[r.IntN(len(relays))].ip, "8080"
		}
		out[i] = f
	}
	return out
}

// shape is a kind of rows: its columns in splunkd's order and what is in them.
type shape struct {
	name    string
	columns []string
	cell    func(r *rand.Rand, column string, f flow) string
}

// fractions is the shape with fractions of seconds in its times.
func (s shape) fractions() shape {
	whole := s.cell
	s.cell = func(r *rand.Rand, column string, f flow) string {
		text := whole(r, column, f)
		if column == "firstTime" || column == "lastTime" {
			text += fmt.Sprintf(".%06d", r.IntN(1e6))
		}
		return text
	}
	return s
}

// frame makes an execute request of the flows, as splunkd writes it.
func (s shape) frame(flows []flow) []byte {
	r := rand.New(rand.NewPCG(3, uint64(len(flows))))
	body := s.header()
	for _, f := range flows {
		for c, column := range s.columns {
			if c > 0 {
				body = append(body, ',')
			}
			body = rows.AppendCell(body, []byte(s.cell(r, column, f)))
		}
		for range s.columns { // no list in any row
			body = append(body, ',')
		}
		body = append(body, '\n')
	}
	return chunked.AppendFrame(nil, []byte(execute), body)
}

// header is the header row: all columns, then all their lists.
func (s shape) header() []byte {
	var out []byte
	for _, prefix := range []string{"", "__mv_"} {
		for _, column := range s.columns {
			if len(out) > 0 {
				out = append(out, ',')
			}
			out = rows.AppendCell(out, []byte(prefix+column))
		}
	}
	return append(out, '\n')
}

// wide is the shape with n columns: less than it has, or some more that nobody
// reads.
func (s shape) wide(n int) shape {
	columns := slices.Clone(s.columns)
	for i := 0; len(columns) < n; i++ {
		columns = append(columns, fmt.Sprintf("extra%02d", i))
	}
	if n < len(columns) { // those that are read come first
		slices.SortStableFunc(columns, func(a, b string) int { return cmp.Compare(isExtra(a), isExtra(b)) })
		columns = columns[:n]
	}
	s.columns = columns
	return s
}

func isExtra(column string) int {
	switch column {
	case "_time", "_raw", "src_ip", "dest_ip", "dest_port", "transport", "action", "app", "bytes_in", "bytes_out":
		return 0
	}
	return 1
}

// tstats is what stands behind tstats in the shipped searches.
var tstats = shape{
	name:    "tstats rows",
	columns: []string{"All_Traffic.src_ip", "All_Traffic.dest_ip", "All_Traffic.dest_port", "All_Traffic.action", "count", "firstTime", "lastTime"},
	cell: func(r *rand.Rand, column string, f flow) string {
		switch column {
		case "All_Traffic.src_ip":
			return f.src
		case "All_Traffic.dest_ip":
			return f.dest
		case "All_Traffic.dest_port":
			return f.port
		case "All_Traffic.action":
			return "allowed"
		case "count":
			return strconv.Itoa(1 + r.IntN(99))
		case "firstTime":
			return strconv.FormatInt(f.time-int64(r.IntN(600)), 10)
		}
		return strconv.FormatInt(f.time, 10)
	},
}

// events are firewall events with 48 columns, _raw among them.
var events = shape{
	name: "firewall events",
	columns: strings.Fields(`_time _raw _indextime _sourcetype _subsecond _cd _bkt _si _serial host index linecount source sourcetype
		splunk_server eventtype tag action app bytes bytes_in bytes_out category dest dest_ip dest_port dest_zone duration dvc
		log_subtype packets packets_in packets_out product protocol rule session_id src src_ip src_port src_zone transport
		user vendor vendor_action vendor_product vsys session_end_reason`),
	cell: func(r *rand.Rand, column string, f flow) string {
		switch column {
		case "_raw":
			return fmt.Sprintf("Nov 20 11:59:59 fw1 1,2026/11/20 11:59:59,001701000001,TRAFFIC,end,2561,2026/11/20 11:59:59,%s,%s,,,Outbound_Allow,,,ssl,vsys1,Trust,Untrust,ethernet1/2,ethernet1/1,to_splunk,2026/11/20 11:59:59,%d,1,%d,%s,0,0,0x19,tcp,allow,%d,%d,%d,%d,2026/11/20 11:58:59,60,any,0,376156893,0x0,10.0.0.0-10.255.255.255,Germany,0,%d,%d,tcp-fin,0,0,0,0,,PA-220,from-policy,,,0,,0,,N/A,0,0,0,0,4f6ac2a1-1111-2222-3333-444455556666,0,0,,,,,,,,0.0.0.0,,,,,2026-11-20T11:59:59.000+00:00,,,encrypted-tunnel,networking,browser-based,4,,,ssl,no,no,0",
				f.src, f.dest, f.n, 40000+f.n%20000, f.port, r.IntN(1<<20), r.IntN(1<<16), r.IntN(1<<20), r.IntN(999), r.IntN(500), r.IntN(500))
		case "src", "src_ip":
			return f.src
		case "dest", "dest_ip":
			return f.dest
		case "dest_port":
			return f.port
		case "src_port":
			return strconv.Itoa(40000 + f.n%20000)
		case "bytes", "bytes_in", "bytes_out":
			return strconv.Itoa(1 + r.IntN(1<<20))
		case "packets", "packets_in", "packets_out", "session_id", "duration":
			return strconv.Itoa(1 + r.IntN(9999))
		case "transport":
			return "tcp"
		case "app":
			return "ssl"
		case "action":
			return "allowed"
		case "_bkt":
			return "firewall~7~4F6AC2A1-1111-2222-3333-444455556666"
		case "_si":
			return "idx1.example\nfirewall"
		case "tag":
			return "communicate\nnetwork"
		case "source":
			return "/var/log/remote/fw1/traffic.log"
		case "vendor_product":
			return "Palo Alto Networks Firewall"
		}
		return internal(r, column, f)
	},
}

// internals are the columns that splunkd adds to every event.
const internals = "_time _raw _indextime _sourcetype _subsecond _cd _bkt _si _serial host index linecount source sourcetype splunk_server eventtype tag timestamp"

func internal(r *rand.Rand, column string, f flow) string {
	switch column {
	case "_time":
		return fmt.Sprintf("%d.%03d", f.time, f.n%1000)
	case "_indextime":
		return strconv.Itoa(noon)
	case "_cd":
		return fmt.Sprintf("7:%d", f.n*131)
	case "_bkt":
		return "zeek~7~4F6AC2A1-1111-2222-3333-444455556666"
	case "_subsecond":
		return fmt.Sprintf(".%03d", f.n%1000)
	case "_si":
		return "idx1.example\nzeek"
	case "_serial", "linecount":
		return strconv.Itoa(1 + f.n%50000)
	}
	return "x:" + column
}
