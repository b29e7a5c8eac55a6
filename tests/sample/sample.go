// Package sample makes the project's own firewall log and relay table: random
// documentation addresses, always the same for the same seed. The demo runs the
// shipped searches over them, and the tests read the truth from Flows.
//
//	Table()  a relay table: 40 relays on 198.51.100.0/24 and 2001:db8:5::/48, listed from midnight to noon of 2026-11-20 UTC
//	Log()    Palo Alto TRAFFIC lines of that day from 07:00 to 13:00: ordinary traffic of an office, and one or more
//	         flows of each kind that the app tells apart
//	Flows()  what each line is, in the order of the log
//	Lines()  the same lines for flows of others
//
// Nothing here looks like the real network in its numbers: it is small, so that
// a person can check every line.
package sample

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// Kind says what a flow of the log really is.
type Kind string

const (
	Ordinary         Kind = "ordinary traffic"
	LabelledRelay    Kind = "labelled flow to a listed relay"
	LabelledUnlisted Kind = "labelled flow to no relay"
	LabelledEarly    Kind = "labelled flow from before the relay was listed"
	Early            Kind = "flow from before the relay was listed"
	UnlabelledRelay  Kind = "unlabelled flow to a relay's OR port"
	BlockedRelay     Kind = "blocked flow to a relay's OR port"
	Unanswered       Kind = "unanswered try of a relay's OR port"
	WebOnRelay       Kind = "web service on a relay's address"
	UDPToRelay       Kind = "UDP to a relay's port"
	FromExit         Kind = "inbound from an exit"
	FromExitAddress  Kind = "inbound from an address that only the exit list knows"
	FromRelay        Kind = "inbound from a relay that is no exit"
	AfterTheList     Kind = "flow to a relay, newer than the newest list"
	OverIPv6         Kind = "flow to a relay's IPv6 OR port"
)

// Flow is one line of the log.
type Flow struct {
	Kind     Kind
	End      time.Time // when the firewall logged it
	Seconds  int
	Src      string
	SrcPort  int
	Dest     string
	DestPort int
	App      string // the firewall's label
	Proto    string
	Action   string // in the firewall's own words
	Out, In  [2]int // bytes, packets
}

// Relay is one relay of the table.
type Relay struct {
	Nickname    string
	Fingerprint string
	Addr, Addr6 string
	Port, Port6 int
	Flags       string
	First       time.Time
	ExitAddr    string // where its traffic leaves from; empty for no exit
}

// The day of the sample, and when the newest list ends.
var (
	midnight = time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)
	listEnd  = midnight.Add(12 * time.Hour)
)

const seed = 20261120

// network draws the relays.
func network(r *rand.Rand) []Relay {
	hosts := r.Perm(200)
	ports := []int{443, 9001, 9001, 8443, 9101, 110}
	flags := []string{"Guard", "Guard", "", "Exit", "Exit Guard"}
	var out []Relay
	for i := range 40 {
		relay := Relay{
			Nickname:    fmt.Sprintf("relay%02d", i),
			Fingerprint: fmt.Sprintf("%016X%016X%08X", r.Uint64(), r.Uint64(), r.Uint32()),
			Addr:        fmt.Sprintf("198.51.100.%d", 10+hosts[i]),
			Port:        ports[r.IntN(len(ports))],
			Flags:       flags[i%len(flags)],
			First:       midnight,
		}
		if i%2 == 0 {
			relay.Addr6 = fmt.Sprintf("2001:db8:5:%x::1", 1+hosts[i])
			relay.Port6 = ports[r.IntN(len(ports))]
		}
		if strings.Contains(relay.Flags, "Exit") {
			relay.ExitAddr = relay.Addr
			if i%3 == 0 {
				relay.ExitAddr = fmt.Sprintf("198.51.100.%d", 210+i)
			}
		}
		out = append(out, relay)
	}
	out[7].First = midnight.Add(10 * time.Hour) // joined during the day
	return out
}

// Relays returns the relays of the table.
func Relays() []Relay { return network(rand.New(rand.NewPCG(seed, 1))) }

// ListEnd is when the newest list in the table ended.
func ListEnd() time.Time { return listEnd }

// Table returns the relay table in the form of lookups/tor_relays.csv.
func Table() []byte {
	type row struct{ ip, port, role, flags, fingerprint, nickname string }
	var lines []string
	add := func(r row, from, to time.Time) {
		lines = append(lines, fmt.Sprintf("%s,%s,%s,%s,%s,%s,%d,%d", r.ip, r.port, r.role, r.flags, r.fingerprint, r.nickname, from.Unix(), to.Unix()))
	}
	add(row{role: "coverage"}, midnight, listEnd)
	add(row{role: "exit_coverage"}, midnight, listEnd)
	for _, r := range Relays() {
		add(row{r.Addr, fmt.Sprint(r.Port), "or", r.Flags, r.Fingerprint, r.Nickname}, r.First, listEnd)
		if r.Addr6 != "" {
			add(row{r.Addr6, fmt.Sprint(r.Port6), "or", r.Flags, r.Fingerprint, r.Nickname}, r.First, listEnd)
		}
		if r.ExitAddr != "" {
			add(row{r.ExitAddr, "", "exit", "", r.Fingerprint, r.Nickname}, r.First, listEnd)
		}
	}
	return []byte("ip,port,role,flags,fingerprint,nickname,first_seen,last_seen\n" +
		strings.Join(lines, "\n") + "\n" + fmt.Sprintf(",%d,end,,,,,\n", len(lines)))
}

// Flows returns the flows of the log in the order of its lines.
func Flows() []Flow {
	r := rand.New(rand.NewPCG(seed, 2))
	relays := Relays()
	pick := func(fits func(Relay) bool) Relay {
		for {
			if relay := relays[r.IntN(len(relays))]; relay.First.Equal(midnight) && fits(relay) {
				return relay
			}
		}
	}
	guard := func(relay Relay) bool { return strings.Contains(relay.Flags, "Guard") }
	var out []Flow
	add := func(kind Kind, hour float64, f Flow) {
		f.Kind = kind
		f.End = midnight.Add(time.Duration(hour*3600) * time.Second)
		if f.Src == "" {
			f.Src = fmt.Sprintf("10.20.%d.%d", r.IntN(4), 10+r.IntN(200))
		}
		if f.SrcPort == 0 {
			f.SrcPort = 32768 + r.IntN(28000)
		}
		if f.Seconds == 0 {
			f.Seconds = 30 + r.IntN(1500)
		}
		if f.Proto == "" {
			f.Proto = "tcp"
		}
		if f.Action == "" {
			f.Action = "allow"
		}
		if f.Out == [2]int{} {
			packets := 10 + r.IntN(500)
			f.Out, f.In = [2]int{packets * (60 + r.IntN(200)), packets}, [2]int{packets * (200 + r.IntN(900)), packets + r.IntN(packets)}
		}
		out = append(out, f)
	}
	hour := func() float64 { return 7.5 + r.Float64()*4 } // within the table

	for range 3 {
		g := pick(guard)
		add(LabelledRelay, hour(), Flow{Dest: g.Addr, DestPort: g.Port, App: "tor"})
	}
	add(LabelledUnlisted, hour(), Flow{Dest: fmt.Sprintf("203.0.113.%d", 1+r.IntN(250)), DestPort: 8444, App: "tor"})
	young := relays[7]
	add(LabelledEarly, 8.4, Flow{Dest: young.Addr, DestPort: young.Port, App: "tor"})
	add(Early, 8.7, Flow{Dest: young.Addr, DestPort: young.Port, App: "ssl"})
	client := "10.20.1.77"
	for range 3 {
		g := pick(guard)
		add(UnlabelledRelay, hour(), Flow{Src: client, Dest: g.Addr, DestPort: g.Port, App: "ssl"})
	}
	six := pick(func(relay Relay) bool { return relay.Addr6 != "" && relay.Port6 != relay.Port })
	add(OverIPv6, hour(), Flow{Src: "2001:db8:20::77", Dest: six.Addr6, DestPort: six.Port6, App: "unknown-tcp"})
	for range 2 {
		g := pick(guard)
		add(BlockedRelay, hour(), Flow{Dest: g.Addr, DestPort: g.Port, App: "not-applicable", Action: "deny", Out: [2]int{74, 1}, Seconds: 1})
	}
	g := pick(guard)
	add(Unanswered, hour(), Flow{Dest: g.Addr, DestPort: g.Port, App: "incomplete", Out: [2]int{222, 3}, Seconds: 7})
	for _, app := range []string{"ssl", "web-browsing", "tor"} {
		g := pick(func(relay Relay) bool { return relay.Port != 80 })
		add(WebOnRelay, hour(), Flow{Dest: g.Addr, DestPort: 80, App: app})
	}
	g = pick(guard)
	add(UDPToRelay, hour(), Flow{Dest: g.Addr, DestPort: g.Port, App: "quic", Proto: "udp"})

	server := func(f Flow) Flow {
		f.Dest, f.DestPort, f.App = "10.20.0.80", []int{80, 443}[r.IntN(2)], "web-browsing"
		return f
	}
	isExit := func(relay Relay) bool { return relay.ExitAddr != "" && relay.ExitAddr == relay.Addr }
	for range 4 {
		add(FromExit, hour(), server(Flow{Src: pick(isExit).ExitAddr}))
	}
	moved := pick(func(relay Relay) bool { return relay.ExitAddr != "" && relay.ExitAddr != relay.Addr })
	add(FromExitAddress, hour(), server(Flow{Src: moved.ExitAddr}))
	add(FromRelay, hour(), server(Flow{Src: pick(func(relay Relay) bool { return relay.Flags == "" }).Addr}))
	for _, app := range []string{"tor", "ssl"} {
		g := pick(guard)
		add(AfterTheList, 12.6, Flow{Dest: g.Addr, DestPort: g.Port, App: app})
	}

	for range 160 {
		dest := fmt.Sprintf("203.0.113.%d", 1+r.IntN(250))
		at := 7.1 + r.Float64()*5.8
		switch r.IntN(8) {
		case 0:
			add(Ordinary, at, Flow{Dest: "10.20.0.53", DestPort: 53, App: "dns", Proto: "udp", Out: [2]int{80, 1}, In: [2]int{180, 1}, Seconds: 1})
		case 1:
			add(Ordinary, at, Flow{Dest: dest, DestPort: 9001, App: "ssl"})
		case 2:
			add(Ordinary, at, Flow{Dest: dest, DestPort: 80, App: "web-browsing"})
		case 3:
			add(Ordinary, at, server(Flow{Src: dest}))
		case 4:
			add(Ordinary, at, Flow{Dest: dest, DestPort: 22, App: "ssh", Action: "drop", Out: [2]int{74, 1}, Seconds: 1})
		default:
			add(Ordinary, at, Flow{Dest: dest, DestPort: 443, App: "ssl"})
		}
	}
	slices.SortStableFunc(out, func(a, b Flow) int { return a.End.Compare(b.End) })
	return out
}

// Log returns the log as Palo Alto TRAFFIC lines of PAN-OS 10.
func Log() []byte { return Lines(Flows()) }

// Lines writes flows as such a firewall logs them, a line each.
func Lines(flows []Flow) []byte {
	var b strings.Builder
	for i, f := range flows {
		end, start := f.End.Format("2006/01/02 15:04:05"), f.End.Add(-time.Duration(f.Seconds)*time.Second).Format("2006/01/02 15:04:05")
		from, to, rule, subtype, reason := "Trust", "Untrust", "Outbound_Allow", "end", "tcp-fin"
		if f.Dest == "10.20.0.80" {
			from, to, rule = "Untrust", "DMZ", "Web_In"
		}
		if f.Action != "allow" {
			rule, subtype, reason = "Deny_All", f.Action, "policy-deny"
		}
		fmt.Fprintf(&b, "1,%s,001701000001,TRAFFIC,%s,2561,%s,%s,%s,,,%s,,,%s,vsys1,%s,%s,ethernet1/2,ethernet1/1,to_splunk,%s,%d,1,%d,%d,0,0,0x19,%s,%s,%d,%d,%d,%d,%s,%d,any,0,%d,0x0,,,0,%d,%d,%s,0,0,0,0,,PA-220,from-policy,,,0,,0,,N/A\n",
			end, subtype, end, f.Src, f.Dest, rule, f.App, from, to, end, 20000+i, f.SrcPort, f.DestPort, f.Proto, f.Action,
			f.Out[0]+f.In[0], f.Out[0], f.In[0], f.Out[1]+f.In[1], start, f.Seconds, 900000+i, f.Out[1], f.In[1], reason)
	}
	return []byte(b.String())
}
