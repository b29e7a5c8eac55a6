package threeways

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// day is an hour of the day on which all events lie.
func day(hour float64) time.Time {
	return time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC).Add(time.Duration(hour * float64(time.Hour)))
}

// table is a small Tor network, of which lists were read from 8 to 14 and from 16 to
// 20 o'clock.
func table() string {
	listing := func(address, port, role, flags, relay string, from, to float64) string {
		name, fp := "", ""
		if relay != "" {
			name, fp = "relay"+relay, strings.Repeat("0", 40-len(relay))+relay
		}
		return fmt.Sprintf("%s,%s,%s,%s,%s,%s,%d,%d\n", address, port, role, flags, fp, name, day(from).Unix(), day(to).Unix())
	}
	rows := []string{
		listing("", "", "coverage", "", "", 8, 14), listing("", "", "coverage", "", "", 16, 20),
		listing("", "", "exit_coverage", "", "", 8, 14), listing("", "", "exit_coverage", "", "", 16, 20),
		listing("198.51.100.1", "9001", "or", "Guard", "1", 8, 20), listing("198.51.100.1", "9030", "dir", "Guard", "1", 8, 20),
		listing("2001:db8::1", "9443", "or", "Guard", "1", 8, 20),
		listing("198.51.100.2", "443", "or", "Exit Guard", "2", 8, 20), listing("198.51.100.200", "", "exit", "", "2", 8, 20),
		listing("198.51.100.3", "443", "or", "", "3", 16, 20),
		listing("198.51.100.4", "9001", "or", "", "4", 8, 11),
		listing("198.51.100.6", "9001", "or", "Guard", "7", 17, 18),
		listing("198.51.100.5", "80", "or", "Exit", "5", 8, 20), listing("198.51.100.5", "", "exit", "", "5", 8, 20),
		listing("203.0.113.20", "9001", "or", "Exit BadExit", "6", 10, 18),
	}
	return "ip,port,role,flags,fingerprint,nickname,first_seen,last_seen\n" + strings.Join(rows, "") + fmt.Sprintf(",%d,end,,,,,\n", len(rows))
}

// connection is what a sensor saw, before it is written in some format.
type connection struct {
	source, destination         string
	sourcePort, destinationPort int
	transport                   string
	at                          time.Time // when it began, to the microsecond
	took                        time.Duration
	packetsIn, packetsOut       int
	bytesIn, bytesOut           int
}

// connection makes one: mostly out of the site, sometimes into it, or an answer.
func (r *source) connection() connection {
	c := connection{
		source: r.ours(), sourcePort: of(r, 40000+r.IntN(20000), 1024+r.IntN(60000), 0),
		transport: of(r, "tcp", "tcp", "tcp", "tcp", "udp", "icmp"),
		at:        day(4 + 20*r.Float64()).Truncate(time.Microsecond),
		packetsIn: of(r, 0, 0, 1, 9, r.IntN(1000)), packetsOut: of(r, 0, 1, 3, 9, r.IntN(1000)),
	}
	if r.one(4) { // where lists begin and end
		c.at = day(of(r, 8.0, 11, 14, 15, 16, 20)).Add(time.Duration(r.IntN(7)-3) * time.Second)
	}
	c.took = of(r, 0, time.Duration(r.IntN(100_000_000))*time.Microsecond, time.Duration(r.IntN(4*3600))*time.Second)
	if c.packetsIn > 0 {
		c.bytesIn = 60*c.packetsIn + r.IntN(1000)
	}
	c.bytesOut = 60 * c.packetsOut
	c.destination, c.destinationPort = r.theirs()
	switch r.IntN(6) {
	case 0: // they come to us
		c.source, c.destination = c.destination, of(r, "203.0.113.5", "203.0.113.20", "10.0.0.7", "2001:db8:5::5")
		c.destinationPort = of(r, 443, 22, 9001, 0)
	case 1: // an answer, as NetFlow has it
		c.source, c.destination = c.destination, c.source
		c.sourcePort, c.destinationPort = c.destinationPort, c.sourcePort
	}
	return c
}

// ours is a machine of the site.
func (r *source) ours() string {
	return of(r, fmt.Sprintf("10.0.%d.%d", r.IntN(4), 1+r.IntN(250)), "192.168.1.9", "203.0.113.5", "203.0.113.20", "fd00::5", "2001:db8:5::9")
}

// theirs is a machine elsewhere: a relay or not, on one of its ports or not.
func (r *source) theirs() (address string, port int) {
	address = of(r, "198.51.100.1", "198.51.100.2", "198.51.100.3", "198.51.100.4", "198.51.100.5", "198.51.100.6", "198.51.100.200", "2001:db8::1",
		fmt.Sprintf("198.51.100.%d", 20+r.IntN(150)), fmt.Sprintf("192.0.2.%d", 1+r.IntN(250)), "2001:db8:7::7")
	port = of(r, 9001, 443, 9443, 9030, 80, 0, 50000+r.IntN(9000), r.IntN(65536))
	if r.one(12) {
		address = of(r, "64:ff9b::198.51.100.1", "64:ff9b::c633:6402", "::ffff:198.51.100.2", "2001:DB8::1", "2001:db8:0:0:0:0:0:1")
	}
	return address, port
}

// Names that clients show: ordinary ones, and those of Tor.
func (r *source) serverName() string {
	return of(r, "www.example.com", "www.cdxjgg3hvpu33.com", "www.a3b4c5d6e7f2.com", "abcdefghij234567.onion", "mail.example.org", "-", "")
}

func (r *source) query() string {
	return of(r, "www.example.com", "abcdefghij234567.onion", "abcdefghij234567.onion.corp.example.com", "abcdefghij234567.onion.to", "4.3.2.1.in-addr.arpa", "a,b.example.com")
}

func (r *source) ja3() string {
	return of(r, "5e6627dc19afa982e6b46b97808cb718", "0123456789abcdef0123456789abcdef", "48d90a8fbe5eb1f806b1739d10ec0206", "")
}

func (r *source) ja3Text() string {
	return of(r, "771,4865-4866", "771,4865,0-11-10,23-29-21,0-1-2", "771,4865,0-16,23-29-21,0-1-2", "771,4865,0-11-10,29-23,0")
}

func (r *source) ja4() string {
	return of(r, "t13d181100_796efca44d18_d41ae481755e", "t13d1516h2_8daaf6152771_02713d6af862", "t13d181100_6c2ba73853a4_02713d6af862",
		"t13d100900_61a7ad8aa9b6_76ad8fd2bde2", "dd2i060600_b94582744588_4bbccbffe950")
}

// certificate is whom a certificate names, and who issued it.
func (r *source) certificate() (subject, issuer string) {
	return of(r, "CN=www.4kd3xq7ywz.net", "CN=x", "CN=www.example.net"), of(r, "CN=www.h2bv5m6t.com", "CN=R11, O=Example, C=US")
}

func (r *source) url() string {
	return of(r, "/index.html", "http://www.example.com/a?b=c,d", "https://abcdefghij234567.onion/x", "abcdefghij234567.onion.to/page", "198.51.100.1:9001",
		"http://198.51.100.2/", "https://198.51.100.5:80/x", "203.0.113.99:443", "[2001:db8::1]:9443", "-")
}

// Texts of numbers.
func itoa(n int) string { return strconv.Itoa(n) }

// seconds writes epoch seconds with a fraction.
func seconds(at time.Time) string {
	return fmt.Sprintf("%d.%06d", at.Unix(), at.Nanosecond()/1000)
}

// span writes a duration in seconds with a fraction.
func span(d time.Duration) string {
	return fmt.Sprintf("%d.%06d", int64(d/time.Second), int64(d%time.Second/time.Microsecond))
}
