package day

import (
	"fmt"
	"time"
)

// The searches, by their names in savedsearches.conf.
const (
	labelled = "TOR Traffic"
	client   = "Tor client that the firewall did not name"
	visitors = "Traffic from Tor exits"
	logins   = "Login from a Tor exit"
	names    = "Tor client with made-up server names"
	snow     = "Snowflake client of Tor"
	own      = "Our addresses on the Tor list"
	blind    = "Tor Detect is blind" // tells of no host, but of searches
)

// kind is a kind of host or user: how many of it there are on the day, and who has to find it.
type kind struct {
	name  string
	hosts int
	find  []string // searches that must tell of each
	may   []string // searches that may
	make  func(m *maker, i int)
}

// hours is a delay.
func hours(h float64) time.Duration { return time.Duration(h * float64(time.Hour)) }

// latest is how late an event may be indexed to be found still: 18 hours (design section 4).
const latest = 17.5

func only(search string) []string { return []string{search} }

// cases are all of them. Who is to be found follows from the contract (design section 4), not from what the searches do:
// a flow that is an answer is the client's flow to that port; what is not blocked was let in; the same host by name and
// by address is one.
var cases = []kind{
	{"client", 30, only(client), nil, func(m *maker, i int) {
		for range 6 {
			m.client(m.between(0.5, 19), m.prompt())
		}
	}},
	{"client, late by hours", 24, only(client), nil, func(m *maker, i int) {
		m.client(m.between(0, 20), hours(m.between(1, latest)))
	}},
	{"client, long connection of Zeek", 20, only(client), nil, func(m *maker, i int) {
		begin, lasts := at(m.between(0, 20)), hours(m.between(1.5, latest))
		r := m.guard(begin)
		m.put(traffic, begin, lasts+m.prompt(), m.zeek(m.addr, r.Addr.String(), int(r.ORPort), "duration", fmt.Sprintf("%.3f", lasts.Seconds())))
	}},
	{"client, in batches", 20, only(client), nil, func(m *maker, i int) {
		for range 3 {
			hour := m.between(0, 18)
			batch := float64(int(hour/6)+1) * 6
			m.client(hour, at(batch).Sub(at(hour))+5*time.Minute)
		}
	}},
	{"client, many in one hour", 60, only(client), nil, func(m *maker, i int) {
		m.client(m.between(5.05, 5.95), m.prompt())
	}},
	{"client, 600 in one run", 600, only(client), nil, func(m *maker, i int) {
		m.client(m.between(14.05, 14.95), m.prompt())
	}},
	{"client in every state", 4, only(client), nil, func(m *maker, i int) {
		for _, hour := range []float64{7.1, 7.5, 9.5, 11.5} {
			r := m.guard(at(hour))
			for _, state := range [][]string{
				nil, // established
				{"bytes_in", "0", "packets_in", "0"},
				{"action", "blocked", "bytes_in", "0", "packets_in", "0"},
				{"bytes_in", "", "packets_in", "", "bytes_out", "", "packets_out", ""},
			} {
				m.put(traffic, at(hour).Add(time.Duration(m.r.IntN(900))*time.Second), m.prompt(), m.flow(m.addr, r.Addr.String(), int(r.ORPort), state...))
			}
		}
	}},
	{"client that was stopped", 10, only(client), nil, func(m *maker, i int) {
		m.client(m.between(1, 19), m.prompt(), "action", []string{"blocked", "dropped", "denied"}[i%3], "bytes_in", "0", "packets_in", "0")
	}},
	{"client, labelled and let in as allow", 4, only(client), only(labelled), func(m *maker, i int) {
		m.client(m.between(1, 19), m.prompt(), "app", "tor", "action", "allow")
	}},
	{"client, one-way records of both halves", 12, only(client), nil, func(m *maker, i int) {
		when := at(m.between(1, 19))
		r := m.n.steady(m.r, when, isExit)
		port := 32768 + m.r.IntN(28000)
		m.put(traffic, when, m.prompt(), m.netflow(m.addr, port, r.Addr.String(), int(r.ORPort)))
		m.put(traffic, when.Add(time.Second), m.prompt(), m.netflow(r.Addr.String(), int(r.ORPort), m.addr, port))
	}},
	{"client, the answer's record only", 4, only(client), nil, func(m *maker, i int) {
		when := at(m.between(1, 19))
		r := m.n.steady(m.r, when, isExit)
		m.put(traffic, when, m.prompt(), m.netflow(r.Addr.String(), int(r.ORPort), m.addr, 32768+m.r.IntN(28000)))
	}},
	{"no client: a web server on an exit's machine, both halves", 8, nil, nil, func(m *maker, i int) {
		when := at(m.between(1, 19))
		addr, web := m.web(when, isExit)
		port := 32768 + m.r.IntN(28000)
		m.put(traffic, when, m.prompt(), m.netflow(m.addr, port, addr.String(), web))
		m.put(traffic, when.Add(time.Second), m.prompt(), m.netflow(addr.String(), web, m.addr, port))
	}},
	{"client with a name and many relays", 1, only(client), nil, func(m *maker, i int) {
		name := fmt.Sprintf("ws-%d.corp.example", i)
		m.names = []string{m.addr, name}
		for range 300 {
			m.client(m.between(10.05, 12), m.prompt(), "src", name, "user", "corp\\worker")
		}
	}},
	{"client by name here and by address there", 8, only(client), nil, func(m *maker, i int) {
		name := fmt.Sprintf("laptop-%d.corp.example", i)
		m.names = []string{m.addr, name}
		r := m.guard(at(8))
		m.put(traffic, at(m.between(3.05, 3.95)), m.prompt(), m.flow(m.addr, r.Addr.String(), int(r.ORPort), "src", name))
		m.put(traffic, at(m.between(8.05, 8.95)), m.prompt(), m.zeek(m.addr, r.Addr.String(), int(r.ORPort)))
		m.put(traffic, at(m.between(3.05, 3.95)), m.prompt(), m.zeek(m.addr, r.Addr.String(), int(r.ORPort)))
	}},
	{"client in the hour of a lost run", 4, only(client), nil, func(m *maker, i int) {
		m.client(m.between(12.1, 12.75), m.prompt())
	}},
	{"client while nothing was started", 4, only(client), nil, func(m *maker, i int) {
		m.client(m.between(15.2, 16.8), m.prompt())
	}},
	{"client, judged by an old list", 4, only(client), nil, func(m *maker, i int) {
		m.client(m.between(30, 40), m.prompt())
	}},
	{"client of a relay that no update brought yet", 4, only(client), nil, func(m *maker, i int) {
		when := at(m.between(34, 44))
		r := newcomers()[i%4]
		m.put(traffic, when, m.prompt(), m.flow(m.addr, r.Addr.String(), int(r.ORPort)))
	}},
	{"client in an hour that require_list refused", 4, only(client), nil, func(m *maker, i int) {
		m.client(m.between(46.1, 46.7), m.prompt())
	}},

	{"labelled", 12, only(labelled), only(client), func(m *maker, i int) {
		dest := m.outside() // a bridge
		for range 4 {
			m.put(traffic, at(m.between(0.5, 19)), m.prompt(), m.flow(m.addr, dest, 443, "app", "tor"))
		}
	}},
	{"labelled, late by hours", 8, only(labelled), only(client), func(m *maker, i int) {
		m.client(m.between(0, 20), hours(m.between(1, latest)), "app", "tor")
	}},
	{"labelled, many destinations", 4, only(labelled), only(client), func(m *maker, i int) {
		for range 20 {
			m.client(m.between(9.1, 9.7), m.prompt(), "app", "tor")
		}
	}},
	{"labelled, many in one hour", 20, only(labelled), only(client), func(m *maker, i int) {
		m.client(m.between(4.1, 4.7), m.prompt(), "app", "tor")
	}},
	{"labelled, in the hour of a lost run", 2, only(labelled), only(client), func(m *maker, i int) {
		m.client(m.between(12.1, 12.7), m.prompt(), "app", "tor")
	}},
	{"labelled and stopped", 4, only(client), nil, func(m *maker, i int) {
		m.client(m.between(1, 19), m.prompt(), "app", "tor", "action", "blocked", "bytes_in", "0", "packets_in", "0")
	}},

	{"visited, by every action that lets in", 12, only(visitors), nil, func(m *maker, i int) {
		m.visit(m.between(1, 19), m.prompt(), "action", []string{"allowed", "allow", "teardown", "flow", "unknown", ""}[i%6])
	}},
	{"visited again and again", 8, only(visitors), nil, func(m *maker, i int) {
		for range 8 {
			m.visit(m.between(0.5, 19), m.prompt())
		}
	}},
	{"visited, late by hours", 8, only(visitors), nil, func(m *maker, i int) {
		m.visit(m.between(0, 20), hours(m.between(1, latest)))
	}},
	{"visited, many in one hour", 20, only(visitors), nil, func(m *maker, i int) {
		m.visit(m.between(6.05, 6.95), m.prompt())
	}},
	{"visited, one-way records of both halves", 4, only(visitors), nil, func(m *maker, i int) {
		when := at(m.between(1, 19))
		exit, port := m.exit(when), 32768+m.r.IntN(28000)
		m.put(traffic, when, m.prompt(), m.netflow(exit, port, m.addr, 443))
		m.put(traffic, when.Add(time.Second), m.prompt(), m.netflow(m.addr, 443, exit, port))
	}},
	{"visitor that was stopped", 5, nil, nil, func(m *maker, i int) {
		m.visit(m.between(1, 19), m.prompt(), "action", []string{"blocked", "dropped", "denied", "deny", "drop"}[i%5], "bytes_in", "0", "packets_in", "0")
	}},
	{"visited in an hour that require_list refused", 2, only(visitors), nil, func(m *maker, i int) {
		m.visit(m.between(46.1, 46.7), m.prompt())
	}},

	{"login", 10, only(logins), nil, func(m *maker, i int) {
		m.user(i)
		for range 3 {
			m.login(m.between(0.5, 19), m.prompt())
		}
	}},
	{"login, late by 90 minutes", 10, only(logins), nil, func(m *maker, i int) {
		m.user(i)
		m.login(m.between(0.5, 19), hours(1.5)+m.prompt())
	}},
	{"login, late by hours", 6, only(logins), nil, func(m *maker, i int) {
		m.user(i)
		m.login(m.between(0, 20), hours(m.between(2, latest)))
	}},
	{"login, many in one hour", 15, only(logins), nil, func(m *maker, i int) {
		m.user(i)
		m.login(m.between(8.05, 8.95), m.prompt())
	}},
	{"login in the hour of a lost run", 2, only(logins), nil, func(m *maker, i int) {
		m.user(i)
		m.login(m.between(12.1, 12.75), m.prompt())
	}},
	{"login that failed", 3, nil, nil, func(m *maker, i int) {
		m.user(i)
		m.login(m.between(1, 19), m.prompt(), "action", "failure")
	}},

	{"made-up names", 6, only(names), nil, func(m *maker, i int) {
		m.names3(at(m.between(1, 19)), m.prompt())
	}},
	{"made-up names, late by hours", 4, only(names), nil, func(m *maker, i int) {
		m.names3(at(m.between(1, 19)), hours(m.between(1, latest)))
	}},
	{"Snowflake", 4, only(snow), nil, func(m *maker, i int) {
		m.snowflake(at(float64(2+4*i)).Add(time.Duration(10+m.r.IntN(40))*time.Minute), 20*time.Second, m.prompt())
	}},
	{"Snowflake over the edge of an hour", 4, only(snow), nil, func(m *maker, i int) {
		m.snowflake(at(float64(3+3*i)).Add(-30*time.Second), 50*time.Second, m.prompt())
	}},
	{"Snowflake, late by hours", 4, only(snow), nil, func(m *maker, i int) {
		m.snowflake(at(m.between(1, 19)), 20*time.Second, hours(m.between(1, latest)))
	}},

	{"our own relay", 1, only(own), nil, func(m *maker, i int) {
		m.names = []string{ours.Addr().String()}
		m.put(traffic, at(1), m.prompt(), m.flow(ours.Addr().String(), "192.0.2.250", 443))
	}},
}

// names3 adds three made-up server names within half an hour, and a name that the host did ask for.
func (m *maker) names3(when time.Time, late time.Duration) {
	m.dns(when, late, "www.example.com")
	m.tls(when.Add(time.Second), late, "www.example.com")
	for i := range 3 {
		m.tls(when.Add(time.Duration(10*i)*time.Minute), late, m.madeUp())
	}
}

// snowflake adds the three steps: the broker's name, a STUN server, a peer.
func (m *maker) snowflake(when time.Time, step, late time.Duration) {
	m.dns(when, late, "1098762253.rsc.cdn77.org")
	m.udp(when.Add(step), late, "192.0.2.210", 3478)
	m.udp(when.Add(step+5*time.Second), late, fmt.Sprintf("198.51.100.%d", 201+m.r.IntN(50)), 40000+m.r.IntN(20000))
}
