package flows

import (
	"net/netip"
	"strings"
)

// clientColumns are what services call the client of a sign-in: Microsoft 365,
// Entra, AWS CloudTrail, IIS, and those with Elastic's names.
var clientColumns = []string{"ClientIP", "ipAddress", "sourceIPAddress", "c_ip", "client.ip"}

// signsIn lets a case's visitors sign in to a service, rightly or not. Column is
// the one that names the client; empty: any.
func signsIn(column string, draw func(*site) (Flow, bool)) func(*site) (Flow, bool) {
	return func(s *site) (Flow, bool) {
		f, ok := draw(s)
		if !ok || f.State != "established" {
			return f, false
		}
		name := column
		if name == "" {
			name = clientColumns[s.r.IntN(len(clientColumns))]
		}
		f = s.signIn(f)
		f.more[name] = s.withPort(f.Src)
		return f, true
	}
}

// signIn is somebody's sign-in; the service stands in no column.
func (s *site) signIn(f Flow) Flow {
	f.Last, f.Dest, f.DestPort, f.SrcPort = f.First, "", "", ""
	f.App, f.Action = "", [...]string{"success", "failure"}[s.r.IntN(2)]
	f.more = map[string]string{"user": word(s.r)}
	return f
}

// withPort writes a client as services do: more than half with the port, which is
// not always one that systems give to clients.
func (s *site) withPort(addr string) string {
	a := netip.MustParseAddr(addr)
	switch s.r.IntN(20) {
	case 0:
		return netip.AddrPortFrom(a, [...]uint16{443, 80, 1024, 9001}[s.r.IntN(4)]).String()
	case 1, 2, 3, 4, 5, 6, 7:
		return addr
	}
	return s.from(a).String()
}

// signInByService is one service that signs in to another: its name stands where
// the client's address would.
func signInByService(s *site) (Flow, bool) {
	f := s.signIn(s.flow(s.client(), s.server(), s.moment()))
	f.State = "established"
	f.more["sourceIPAddress"] = [...]string{"AWS Internal", "signin.example.com", "-"}[s.r.IntN(3)]
	return f, true
}

// signInFromInside is one of our own people.
func signInFromInside(s *site) (Flow, bool) {
	f := s.flow(s.client(), s.server(), s.moment())
	f.State = "established"
	return signsIn("", func(*site) (Flow, bool) { return f, true })(s)
}

// alertElsewhere is an event beside the sign-ins that tells of a server which is
// an exit's machine: nobody signs in, so nobody came from there.
func alertElsewhere(s *site) (Flow, bool) {
	f, ok := exitInbound(s)
	address := s.withPort(f.Src)
	f = s.signIn(f)
	f.Action = ""
	f.more = map[string]string{"ipAddress": address, "app": "alert"}
	return f, ok
}

// ruleElsewhere is an ordinary visitor who asks the service to let an address in,
// which is an exit's: it stands among what was asked for.
func ruleElsewhere(s *site) (Flow, bool) {
	exit, ok := exitInbound(s)
	f, ok2 := signsIn("sourceIPAddress", visitor)(s)
	if !ok || !ok2 {
		return f, false
	}
	f.First, f.Last, f.relay = exit.First, exit.First, exit.relay
	f.more["requestParameters.ipAddress"] = exit.Src + map[bool]string{true: "/128", false: "/32"}[strings.Contains(exit.Src, ":")]
	f.more["action"] = "success"
	return f, true
}
