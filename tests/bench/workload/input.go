//go:build linux

// Package workload makes what one search sends through the command, and the relay table
// that it asks: relays, flows, rows of a shape, requests as splunkd writes them.
//
//	n, err := (&workload.Networks{Folder: dir, Programs: programs}).Install(27_000, 0)
//	chosen, _, err := workload.Choose([]string{"tstats"})
//	requests := chosen[0].Requests(chosen[0].Flows(n))
//
// Read input.go and zeek.go for tables and rows, frame.go for requests, workload.go for
// what is measured, network.go for the folder that a program finds its tables in. Nothing is
// run here: that is package process.
package workload

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
	Hour = 3600
	Day  = 24 * Hour
	Noon = 1795176000 // 2026-11-20T12:00:00Z, the end of the newest list
	Week = 7 * Day    // what the relay table keeps
	Year = 400 * Day  // what its history keeps
)

// Relay is one as traffic meets it: address, OR port, and from when to when it was
// listed.
type Relay struct {
	Ip, Port    string
	first, last int64
}

// Table makes a relay table of n rows for the time from..to: three rows a relay,
// one after the other, as flags change; a quarter of the relays have IPv6 rows
// and some a sighting in the exit lists. Sorted by address, as ours are written.
// A tenth of the relays left before the end.
func Table(n int, from, to int64) (string, []Relay) {
	r := rand.New(rand.NewPCG(1, uint64(n)))
	type line struct {
		ip   netip.Addr
		text string
	}
	var relays []Relay
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
		relays = append(relays, Relay{ip.String(), port, from, last})
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

// Flow is what a row tells.
type Flow struct {
	N               int // number of the row
	Src, Dest, Port string
	Time            int64
	Tor             bool // dest and port were a relay's at that time
}

// Flows draws n flows in the hours before end, of which so many in a hundred go
// to relays. A few more go to a relay's address at another port, or to a relay
// that has left: the look-up has to look at them and not to find them.
func Flows(n int, percent float64, end int64, relays []Relay) []Flow {
	r := rand.New(rand.NewPCG(2, uint64(n)))
	listed := make(map[string]bool, len(relays))
	for _, relay := range relays {
		listed[relay.Ip] = true
	}
	popular := make([]string, 500) // half of the traffic goes to few hosts
	for i := range popular {
		popular[i] = "203.0.113." + strconv.Itoa(i%256)
		if i%2 == 0 {
			popular[i] = elsewhere(r).String()
		}
	}
	out := make([]Flow, n)
	for i := range out {
		f := Flow{N: i, Time: end - 1 - int64(i%Hour), Port: "443"}
		f.Src = fmt.Sprintf("10.%d.%d.%d", r.IntN(4), r.IntN(256), r.IntN(256))
		switch k := r.IntN(100); {
		case k < 50:
			f.Dest = popular[r.IntN(len(popular))]
		case k < 53:
			f.Dest = fmt.Sprintf("2001:db8:ffff::%x", 1+r.IntN(1<<16))
		default:
			f.Dest = elsewhere(r).String()
		}
		if listed[f.Dest] {
			f.Dest = "203.0.113.7"
		}
		if r.IntN(10) == 0 {
			f.Port = []string{"80", "53", "22", "8443"}[r.IntN(4)]
		}
		if r.Float64()*100 < percent {
			relay := relays[r.IntN(len(relays))]
			f.Dest, f.Port = relay.Ip, relay.Port
			if f.Time == relay.last { // no row in the second in which a relay ends: some cut off fractions
				f.Time--
			}
			f.Tor = relay.first <= f.Time && f.Time <= relay.last
		} else if percent > 0 && r.IntN(500) == 0 {
			f.Dest, f.Port = relays[r.IntN(len(relays))].Ip, "8080"
		}
		out[i] = f
	}
	return out
}

// Shape is a kind of rows: its columns in splunkd's order and what is in them.
type Shape struct {
	Name    string
	Columns []string
	Cell    func(r *rand.Rand, column string, f Flow) string
}

// fractions is the shape with fractions of seconds in its times.
func (s Shape) fractions() Shape {
	whole := s.Cell
	s.Cell = func(r *rand.Rand, column string, f Flow) string {
		text := whole(r, column, f)
		if column == "firstTime" || column == "lastTime" {
			text += fmt.Sprintf(".%06d", r.IntN(1e6))
		}
		return text
	}
	return s
}

// Frame makes an execute request of the flows, as splunkd writes it.
func (s Shape) Frame(flows []Flow) []byte {
	r := rand.New(rand.NewPCG(3, uint64(len(flows))))
	body := s.Header()
	for _, f := range flows {
		for c, column := range s.Columns {
			if c > 0 {
				body = append(body, ',')
			}
			body = rows.AppendCell(body, []byte(s.Cell(r, column, f)))
		}
		for range s.Columns { // no list in any row
			body = append(body, ',')
		}
		body = append(body, '\n')
	}
	return chunked.AppendFrame(nil, []byte(Execute), body)
}

// Header is the header row: all columns, then all their lists.
func (s Shape) Header() []byte {
	var out []byte
	for _, prefix := range []string{"", "__mv_"} {
		for _, column := range s.Columns {
			if len(out) > 0 {
				out = append(out, ',')
			}
			out = rows.AppendCell(out, []byte(prefix+column))
		}
	}
	return append(out, '\n')
}

// Wide is the shape with n columns: less than it has, or some more that nobody
// reads.
func (s Shape) Wide(n int) Shape {
	columns := slices.Clone(s.Columns)
	for i := 0; len(columns) < n; i++ {
		columns = append(columns, fmt.Sprintf("extra%02d", i))
	}
	if n < len(columns) { // those that are read come first
		slices.SortStableFunc(columns, func(a, b string) int { return cmp.Compare(isExtra(a), isExtra(b)) })
		columns = columns[:n]
	}
	s.Columns = columns
	return s
}

func isExtra(column string) int {
	switch column {
	case "_time", "_raw", "src_ip", "dest_ip", "dest_port", "transport", "action", "app", "bytes_in", "bytes_out":
		return 0
	}
	return 1
}

// Tstats is what stands behind tstats in the shipped searches.
var Tstats = Shape{
	Name:    "tstats rows",
	Columns: []string{"All_Traffic.src_ip", "All_Traffic.dest_ip", "All_Traffic.dest_port", "All_Traffic.action", "count", "firstTime", "lastTime"},
	Cell: func(r *rand.Rand, column string, f Flow) string {
		switch column {
		case "All_Traffic.src_ip":
			return f.Src
		case "All_Traffic.dest_ip":
			return f.Dest
		case "All_Traffic.dest_port":
			return f.Port
		case "All_Traffic.action":
			return "allowed"
		case "count":
			return strconv.Itoa(1 + r.IntN(99))
		case "firstTime":
			return strconv.FormatInt(f.Time-int64(r.IntN(600)), 10)
		}
		return strconv.FormatInt(f.Time, 10)
	},
}

// Client is what stands behind tstats in the search Tor client that the firewall did not name.
var Client = Shape{
	Name: "rows of Tor client that the firewall did not name",
	Columns: strings.Fields(`All_Traffic.src All_Traffic.src_ip All_Traffic.dest All_Traffic.dest_ip All_Traffic.dest_port
		All_Traffic.transport All_Traffic.app All_Traffic.action count bytes_in bytes_out src_port_low src_port_high user dvc
		firstTime lastTime src_port`),
	Cell: func(r *rand.Rand, column string, f Flow) string {
		switch column {
		case "All_Traffic.src":
			return f.Src
		case "All_Traffic.dest":
			return f.Dest
		case "All_Traffic.transport":
			return "tcp"
		case "All_Traffic.app":
			return "ssl"
		case "bytes_in", "bytes_out":
			return strconv.Itoa(1 + r.IntN(1<<20))
		case "src_port", "src_port_low", "src_port_high":
			return strconv.Itoa(40000 + f.N%20000)
		case "user", "dvc":
			return "null"
		}
		return Tstats.Cell(r, column, f)
	},
}

// Events are firewall events with 48 columns, _raw among them.
var Events = Shape{
	Name: "firewall events",
	Columns: strings.Fields(`_time _raw _indextime _sourcetype _subsecond _cd _bkt _si _serial host index linecount source sourcetype
		splunk_server eventtype tag action app bytes bytes_in bytes_out category dest dest_ip dest_port dest_zone duration dvc
		log_subtype packets packets_in packets_out product protocol rule session_id src src_ip src_port src_zone transport
		user vendor vendor_action vendor_product vsys session_end_reason`),
	Cell: func(r *rand.Rand, column string, f Flow) string {
		switch column {
		case "_raw":
			return fmt.Sprintf("Nov 20 11:59:59 fw1 1,2026/11/20 11:59:59,001701000001,TRAFFIC,end,2561,2026/11/20 11:59:59,%s,%s,,,Outbound_Allow,,,ssl,vsys1,Trust,Untrust,ethernet1/2,ethernet1/1,to_splunk,2026/11/20 11:59:59,%d,1,%d,%s,0,0,0x19,tcp,allow,%d,%d,%d,%d,2026/11/20 11:58:59,60,any,0,376156893,0x0,10.0.0.0-10.255.255.255,Germany,0,%d,%d,tcp-fin,0,0,0,0,,PA-220,from-policy,,,0,,0,,N/A,0,0,0,0,4f6ac2a1-1111-2222-3333-444455556666,0,0,,,,,,,,0.0.0.0,,,,,2026-11-20T11:59:59.000+00:00,,,encrypted-tunnel,networking,browser-based,4,,,ssl,no,no,0",
				f.Src, f.Dest, f.N, 40000+f.N%20000, f.Port, r.IntN(1<<20), r.IntN(1<<16), r.IntN(1<<20), r.IntN(999), r.IntN(500), r.IntN(500))
		case "src", "src_ip":
			return f.Src
		case "dest", "dest_ip":
			return f.Dest
		case "dest_port":
			return f.Port
		case "src_port":
			return strconv.Itoa(40000 + f.N%20000)
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

func internal(r *rand.Rand, column string, f Flow) string {
	switch column {
	case "_time":
		return fmt.Sprintf("%d.%03d", f.Time, f.N%1000)
	case "_indextime":
		return strconv.Itoa(Noon)
	case "_cd":
		return fmt.Sprintf("7:%d", f.N*131)
	case "_bkt":
		return "zeek~7~4F6AC2A1-1111-2222-3333-444455556666"
	case "_subsecond":
		return fmt.Sprintf(".%03d", f.N%1000)
	case "_si":
		return "idx1.example\nzeek"
	case "_serial", "linecount":
		return strconv.Itoa(1 + f.N%50000)
	}
	return "x:" + column
}
