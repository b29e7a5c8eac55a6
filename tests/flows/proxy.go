package flows

import (
	"fmt"
	"net/netip"
	"strings"
)

// Where clients of ours go through: a proxy in the house, or one of a provider.
var (
	houseProxy = netip.MustParseAddrPort("10.20.0.3:3128")
	cloudProxy = netip.MustParseAddrPort("192.0.2.250:8080") // hosts above 190 are no relays
)

// connected makes the request line of a tunnel to where the flow goes, and the
// proxy its destination.
func (s *site) connected(f Flow) Flow {
	return s.asked(f, "CONNECT", "", netip.MustParseAddrPort(hostPort(f.Dest, f.DestPort)).String())
}

// asked is a request to the house's proxy. Its answers are those of a proxy: to
// what it forbids and what nobody answers as well, with a page of its own.
func (s *site) asked(f Flow, method, scheme, rest string) Flow {
	status := "200"
	switch f.State {
	case "blocked":
		status = "403"
	case "attempt":
		status = "503"
	}
	if status != "200" {
		f = s.counts(f, 200+s.r.IntN(200), 1500+s.r.IntN(3000), 0, 0)
	}
	if strings.Contains(f.Src, ":") {
		f.Src = s.client().Addr().String() // the way to the proxy is IPv4
	}
	f.more = map[string]string{"http_method": method, "url": scheme + rest, "status": status}
	f.Dest, f.DestPort = houseProxy.Addr().String(), port(houseProxy)
	return f
}

func hostPort(addr, port string) string {
	if strings.Contains(addr, ":") {
		addr = "[" + addr + "]"
	}
	return addr + ":" + port
}

// viaConnect lets a case's conversations go through a tunnel of the proxy.
func viaConnect(draw func(*site) (Flow, bool)) func(*site) (Flow, bool) {
	return func(s *site) (Flow, bool) {
		f, ok := draw(s)
		if !ok {
			return f, false
		}
		return s.connected(f), true
	}
}

// viaProvider is viaConnect with a proxy outside: the office's address is private
// where the provider has a connector in the house.
func viaProvider(s *site) (Flow, bool) {
	f, ok := viaConnect(orConnection)(s)
	f.Dest, f.DestPort = cloudProxy.Addr().String(), port(cloudProxy)
	return f, ok
}

// portInURL is a proxy that writes down the destination's address, and its port
// in the URL only.
func portInURL(s *site) (Flow, bool) {
	f, ok := orConnection(s)
	if !ok {
		return f, false
	}
	dest := f.Dest
	f = s.connected(f)
	f.Dest, f.DestPort = dest, ""
	return f, true
}

// dirGet asks a Dir port in plain HTTP, whose URL is absolute to a proxy.
func dirGet(s *site) (Flow, bool) {
	f, ok := dirClient(s)
	if !ok {
		return f, false
	}
	return s.asked(f, "GET", "http://", hostPort(f.Dest, f.DestPort)+"/tor/status-vote/current/consensus-microdesc"), true
}

// webByName is most of what goes through a proxy: tunnels to names, and plain
// requests.
func webByName(s *site) (Flow, bool) {
	f, ok := web(s)
	name := ordinaryName(s.r)
	if s.r.IntN(5) == 0 {
		return s.asked(f, "GET", "http://", name+"/"+word(s.r)), ok
	}
	return s.asked(f, "CONNECT", "", name+":443"), ok
}

// plainOnRelay asks a web server of a relay's machine by its address.
func plainOnRelay(s *site) (Flow, bool) {
	f, ok := webOnRelay(s)
	if !ok || f.DestPort != "80" && f.DestPort != "8080" {
		return Flow{}, false
	}
	host := strings.TrimSuffix(hostPort(f.Dest, f.DestPort), ":80")
	return s.asked(f, "GET", "http://", host+"/"+word(s.r)), true
}

// addressInPath asks somebody else about a relay: its address and port stand in
// the URL, but not where the host does.
func addressInPath(s *site) (Flow, bool) {
	f, ok := web(s)
	r, found := s.pick(f.First, anyRelay)
	name := ordinaryName(s.r)
	rest := [...]string{"%[1]s/ip/%[2]s", "%[1]s/?q=%[2]s", "%[2]s@%[1]s/"}[s.r.IntN(3)]
	f = s.asked(f, "GET", "http://", fmt.Sprintf(rest, name, r.or))
	f.relay = r
	return f, ok && found
}

func onionConnect(s *site) (Flow, bool) {
	f, ok := web(s)
	return s.asked(f, "CONNECT", "", onionName(s.r)+":443"), ok
}

// atWebServer is a request to a web server of ours, by whoever it is.
func (s *site) atWebServer(f Flow, method, url, status string) Flow {
	to := s.server6()
	if netip.MustParseAddr(f.Src).Is4() {
		to = netip.MustParseAddrPort([...]string{"10.20.0.80:443", "10.20.0.80:80"}[s.r.IntN(2)])
	}
	f.Dest, f.DestPort = to.Addr().String(), port(to)
	f.more = map[string]string{"http_method": method, "url": url, "status": status}
	return f
}

// visits lets a case's visitors ask for a page of ours.
func visits(draw func(*site) (Flow, bool)) func(*site) (Flow, bool) {
	return func(s *site) (Flow, bool) {
		f, ok := draw(s)
		url := "/" + word(s.r)
		if s.r.IntN(2) == 0 {
			url = "https://www.example.com" + url
		}
		return s.atWebServer(f, "GET", url, "200"), ok && f.State == "established"
	}
}

// triesToTunnel lets them try whether our web server is an open proxy: to a
// relay, as to anything. Some servers answer with their start page.
func triesToTunnel(draw func(*site) (Flow, bool)) func(*site) (Flow, bool) {
	return func(s *site) (Flow, bool) {
		f, ok := draw(s)
		r, found := s.known(f.First, anyRelay)
		status := [...]string{"400", "405", "200"}[s.r.IntN(3)]
		if s.r.IntN(2) == 0 {
			f = s.atWebServer(f, "CONNECT", r.or.String(), status)
		} else {
			f = s.atWebServer(f, "GET", "http://"+r.or.String()+"/", status)
		}
		return f, ok && found && f.State == "established"
	}
}
