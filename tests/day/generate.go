package day

import (
	"fmt"
	"hash/fnv"
	"maps"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"time"

	"tordetect/tests/splunkd"
	"tordetect/tests/tornet"
)

// Day is what one seed gives: the events, the Tor network behind them, and what goes wrong on that day.
type Day struct {
	Seed    uint64
	Begin   time.Time
	Events  []Event // by _indextime
	Down    []splunkd.Span
	Failing splunkd.Span // in which the update of the relay list fails
	Broken  splunkd.Span // runs scheduled in it begin and are lost

	network *network
}

// begin is the day. All is in the past, as a list of the future is refused by require_list.
var begin = time.Date(2026, 11, 18, 0, 0, 0, 0, time.UTC)

// What goes wrong, in hours of the day.
//
//	0                          12..13  13..14   16..18          20 .................. 48
//	ordinary and Tor events    whose   are      nothing is      no update of the list;
//	                           runs    lost     started         above 46 require_list refuses
const (
	brokenFrom, brokenTo   = 13, 14
	downFrom, downTo       = 16, 18
	failingFrom, failingTo = 20, 48
)

// Size is how much of a day is made: hosts of each case as a share, and ordinary connections an hour.
type Size struct {
	Share    float64
	Ordinary int
}

// Generate makes the day of a seed. The same seed and size give the same events.
func Generate(seed uint64, size Size) *Day {
	d := &Day{
		Seed: seed, Begin: begin, network: newNetwork(seed, begin),
		Broken:  splunkd.Span{From: at(brokenFrom), To: at(brokenTo)},
		Down:    []splunkd.Span{{From: at(downFrom), To: at(downTo)}},
		Failing: splunkd.Span{From: at(failingFrom), To: at(failingTo)},
	}
	for number, c := range cases {
		h := fnv.New64a()
		h.Write([]byte(c.name)) // a source of its own, so that a change of one case leaves the others
		m := &maker{r: rand.New(rand.NewPCG(seed, h.Sum64())), n: d.network, number: number, c: c}
		count := max(1, int(float64(c.hosts)*size.Share+0.5))
		for i := range count {
			m.host(i)
			c.make(m, i)
		}
		d.Events = append(d.Events, m.events...)
	}
	m := &maker{r: rand.New(rand.NewPCG(seed, 0)), n: d.network}
	m.ordinary(size.Ordinary)
	d.Events = append(d.Events, m.events...)
	byIndex(d.Events)
	return d
}

// at is a time of the day, by its hour.
func at(hour float64) time.Time { return begin.Add(time.Duration(hour * float64(time.Hour))) }

// maker makes the events of one case.
type maker struct {
	r      *rand.Rand
	n      *network
	number int // of the case
	c      kind
	addr   string   // of the host at hand
	names  []string // of it, or of the user at hand
	events []Event
}

// host begins another host: each case has addresses of its own.
func (m *maker) host(i int) {
	m.addr = fmt.Sprintf("10.%d.%d.%d", 32+m.number, i/200, 1+i%200)
	m.names = []string{m.addr}
}

// between draws an hour.
func (m *maker) between(from, to float64) float64 { return from + m.r.Float64()*(to-from) }

// prompt is how long an event takes from the sensor to the index: seconds, at times two minutes.
func (m *maker) prompt() time.Duration {
	return time.Duration(2+m.r.IntN(30)+m.r.IntN(2)*m.r.IntN(90)) * time.Second
}

// put adds an event of the host at hand.
func (m *maker) put(model string, when time.Time, late time.Duration, fields map[string]string) {
	when = when.Truncate(time.Second)
	e := Event{Model: model, Time: when, Index: when.Add(late.Truncate(time.Second)), Fields: fields}
	if m.c.name != "" {
		e.Truth = &Truth{Case: m.c.name, Names: m.names, Find: m.c.find, May: m.c.may}
	}
	m.events = append(m.events, e)
}

// with lays fields over others; an empty one takes away.
func with(fields map[string]string, more ...string) map[string]string {
	out := maps.Clone(fields)
	for i := 0; i+1 < len(more); i += 2 {
		if out[more[i]] = more[i+1]; more[i+1] == "" {
			delete(out, more[i])
		}
	}
	return out
}

// flow is a connection as a firewall logs it when it ends.
func (m *maker) flow(src, dest string, port int, more ...string) map[string]string {
	return with(map[string]string{
		"index": "firewall", "sourcetype": "pan:traffic", "vendor_product": "Palo Alto Networks Firewall", "dvc": "fw-1",
		"src": src, "src_ip": src, "src_port": fmt.Sprint(20000 + m.r.IntN(40000)), "dest": dest, "dest_ip": dest, "dest_port": fmt.Sprint(port),
		"transport": "tcp", "app": "ssl", "action": "allowed", "user": "unknown",
		"bytes_out": fmt.Sprint(2000 + m.r.IntN(90000)), "bytes_in": fmt.Sprint(4000 + m.r.IntN(900000)),
		"packets_out": fmt.Sprint(20 + m.r.IntN(500)), "packets_in": fmt.Sprint(20 + m.r.IntN(900)),
	}, more...)
}

// zeek is the same in Zeek's conn.log, one by NetFlow a half of it.
func (m *maker) zeek(src, dest string, port int, more ...string) map[string]string {
	return with(m.flow(src, dest, port, "index", "zeek", "sourcetype", "bro:conn:json", "vendor_product", "Zeek", "dvc", "zeek-1", "src_ip", "", "dest_ip", "", "user", ""), more...)
}

func (m *maker) netflow(src string, srcPort int, dest string, destPort int) map[string]string {
	return m.flow(src, dest, destPort, "index", "netflow", "sourcetype", "netflow", "vendor_product", "NetFlow", "dvc", "router-1",
		"src_port", fmt.Sprint(srcPort), "app", "", "action", "", "user", "", "src_ip", "", "dest_ip", "", "bytes_in", "", "packets_in", "")
}

const traffic = "Network_Traffic"

// guard is a relay that a client speaks with at a time.
func (m *maker) guard(when time.Time) tornet.Relay { return m.n.steady(m.r, when, anyRelay) }

// client adds a connection of the host at hand to a relay.
func (m *maker) client(hour float64, late time.Duration, more ...string) {
	r := m.guard(at(hour))
	m.put(traffic, at(hour), late, m.flow(m.addr, r.Addr.String(), int(r.ORPort), more...))
}

// exit is an address that Tor's users come from.
func (m *maker) exit(when time.Time) string { return m.n.steady(m.r, when, isExit).Addr.String() }

// visit adds a connection from an exit to the host at hand.
func (m *maker) visit(hour float64, late time.Duration, more ...string) {
	m.put(traffic, at(hour), late, m.flow(m.exit(at(hour)), m.addr, 443, more...))
}

// login adds a login of the user at hand.
func (m *maker) login(hour float64, late time.Duration, more ...string) {
	m.put("Authentication", at(hour), late, with(map[string]string{
		"index": "signin", "sourcetype": "OktaIM2:log", "src": m.exit(at(hour)), "user": m.names[0], "dest": "sso.corp.example", "action": "success", "app": "okta",
	}, more...))
}

// user begins another user.
func (m *maker) user(i int) {
	m.names = []string{fmt.Sprintf("user%d-%d@corp.example", m.number, i)}
}

// tls and dns add events of a sensor that are in no data model.
func (m *maker) tls(when time.Time, late time.Duration, name string) {
	m.put("", when, late, map[string]string{
		"index": "zeek", "sourcetype": "bro:ssl:json", "id.orig_h": m.addr, "id.resp_h": m.outside(), "id.resp_p": "443", "server_name": name,
	})
}

func (m *maker) dns(when time.Time, late time.Duration, name string) {
	m.put("", when, late, map[string]string{
		"index": "zeek", "sourcetype": "bro:dns:json", "id.orig_h": m.addr, "id.resp_h": "10.20.0.53", "id.resp_p": "53", "query": name,
	})
}

// madeUp is a server name as Tor makes them up: www., base32, .com.
func (m *maker) madeUp() string {
	const letters, digits = "bcdfghjklmnpqrstvwxz", "234567"
	var b strings.Builder
	for range 6 {
		b.WriteByte(letters[m.r.IntN(len(letters))])
		b.WriteByte(digits[m.r.IntN(len(digits))])
	}
	return "www." + b.String() + ".com"
}

// udp adds a datagram flow of the host at hand.
func (m *maker) udp(when time.Time, late time.Duration, dest string, port int) {
	m.put(traffic, when, late, m.flow(m.addr, dest, port, "transport", "udp", "app", "stun"))
}

// outside is an address of the Internet that no relay has.
func (m *maker) outside() string {
	if m.r.IntN(4) == 0 {
		return fmt.Sprintf("2001:db8:ffff::%x", 1+m.r.IntN(4000))
	}
	return fmt.Sprintf("%s.%d", []string{"192.0.2", "198.51.100"}[m.r.IntN(2)], 201+m.r.IntN(54))
}

// ordinary adds what has nothing to do with Tor: connections, UDP, visitors, server names, DNS, logins. Shares are
// guesses; few, or playing the day would take hours.
func (m *maker) ordinary(perHour int) {
	hosts := max(20, perHour/5)
	for i := range perHour * 48 {
		when := at(m.between(0, 48))
		m.addr = fmt.Sprintf("10.20.%d.%d", m.r.IntN(hosts)/200, 1+m.r.IntN(min(hosts, 200)))
		dest, port := m.outside(), []int{443, 443, 443, 443, 80, 80, 22, 993, 8443, 5222}[m.r.IntN(10)]
		switch n := i % 100; {
		case n < 70:
			m.put(traffic, when, m.prompt(), m.flow(m.addr, dest, port))
		case n < 71: // a web server on a relay's machine
			if r := m.guard(when); !m.n.serves(r.Addr, 443) {
				m.put(traffic, when, m.prompt(), m.flow(m.addr, r.Addr.String(), 443))
			}
		case n < 83:
			m.put(traffic, when, m.prompt(), m.flow(m.addr, dest, []int{53, 443, 123, 3478}[m.r.IntN(4)], "transport", "udp", "app", "dns"))
		case n < 90:
			m.put(traffic, when, m.prompt(), m.flow(dest, "10.20.250."+fmt.Sprint(1+m.r.IntN(20)), 443))
		default: // scans of the Internet
			m.put(traffic, when, m.prompt(), m.flow(dest, "10.20.250."+fmt.Sprint(1+m.r.IntN(20)), 1+m.r.IntN(9000), "action", "dropped", "app", "", "bytes_in", "0", "packets_in", "0"))
		}
		if i%4 == 0 {
			name := fmt.Sprintf("site%d.example.com", m.r.IntN(400))
			m.dns(when, m.prompt(), name)
			m.tls(when.Add(time.Second), m.prompt(), name)
		}
		if i%50 == 0 {
			m.names = []string{fmt.Sprintf("staff%d@corp.example", m.r.IntN(200))}
			m.login(when.Sub(begin).Hours(), m.prompt(), "src", m.outside())
		}
	}
}

// web is a machine of a relay that serves something on a port below 1024 that is no relay's.
func (m *maker) web(when time.Time, want func(tornet.Relay) bool) (netip.Addr, int) {
	for {
		r := m.n.steady(m.r, when, want)
		for _, port := range []uint16{443, 80, 25} {
			if !m.n.serves(r.Addr, port) {
				return r.Addr, int(port)
			}
		}
	}
}

// hostsOf lists whom a search has to tell of, by one name each, and under which names it may tell of somebody.
func hostsOf(events []Event, search string) (find map[string]*sought, known map[string]string) {
	find, known = map[string]*sought{}, map[string]string{}
	for _, e := range events {
		if e.Truth == nil {
			continue
		}
		must := slices.Contains(e.Truth.Find, search)
		if !must && !slices.Contains(e.Truth.May, search) || len(e.Truth.Names) == 0 {
			continue
		}
		who := e.Truth.Names[0]
		for _, name := range e.Truth.Names {
			known[name] = who
		}
		if !must {
			continue
		}
		if s := find[who]; s == nil || e.Index.Before(s.index) {
			find[who] = &sought{kind: e.Truth.Case, index: e.Index, late: e.Index.Sub(e.Time)}
		}
	}
	return find, known
}

// sought is a host or user to be found: its first event that was indexed.
type sought struct {
	kind  string
	index time.Time
	late  time.Duration
}
