package event_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tordetect/src/cell"
	"tordetect/src/event"
	"tordetect/src/flow"
	"tordetect/src/rows"
)

// text makes an event of a text; cells are name=value, with | between.
func text(cells string) *event.Event {
	e := new(event.Event)
	for _, one := range strings.Split(cells, "|") {
		name, value, _ := strings.Cut(one, "=")
		e.Put([]byte(name), []byte(value))
	}
	return e
}

// row makes an event of a row with the same cells as columns.
func row(t *testing.T, named [event.Roles]string, cells string) *event.Event {
	t.Helper()
	var names, values []string
	for _, one := range strings.Split(cells, "|") {
		name, value, _ := strings.Cut(one, "=")
		names, values = append(names, name), append(values, `"`+strings.ReplaceAll(value, `"`, `""`)+`"`)
	}
	s, columns, e := new(rows.Scanner), &event.Columns{Named: named}, new(event.Event)
	require.NoError(t, s.Reset([]byte(strings.Join(names, ",")+"\n"+strings.Join(values, ",")+"\n")))
	columns.Bind(s.Names())
	require.True(t, s.Next())
	e.Row(s, columns)
	return e
}

// both reads the cells as a text and as a row, which must say the same.
func both(t *testing.T, cells string, look func(r *event.Reader, f *flow.Flow, at flow.Interval, kind cell.TimeKind) string) string {
	t.Helper()
	var out []string
	for _, e := range []*event.Event{text(cells), row(t, [event.Roles]string{}, cells)} {
		var r event.Reader
		var f flow.Flow
		at, kind := r.Read(e, &f)
		r.Names(e, &f)
		out = append(out, look(&r, &f, at, kind))
	}
	require.Equal(t, out[0], out[1], "as a text and as a row: %s", cells)
	return out[0]
}

const ten = 1795168800 // 2026-11-20T10:00:00Z

// The order of times: first and last, the flow's own start and end, _time, and what the
// event says.
func TestOrderOfTimes(t *testing.T) {
	look := func(_ *event.Reader, _ *flow.Flow, at flow.Interval, kind cell.TimeKind) string {
		if !kind.IsMoment() {
			return map[cell.TimeKind]string{cell.NoTime: "none", cell.Zoneless: "no zone", cell.Unreadable: "unreadable"}[kind]
		}
		return fmt.Sprint(at.From-ten, " ", at.To-ten)
	}
	sec := func(n int) string { return fmt.Sprint(ten + n) }
	const start, end = "2026-11-20T10:00:30.5+0000", "2026-11-20T10:00:50Z"
	for _, c := range []struct{ cells, want string }{
		{"firstTime=" + sec(1) + "|lastTime=" + sec(9) + "|_time=" + sec(5) + "|flow.start=" + start + "|flow.end=" + end, "1 9"},
		{"firstTime=" + sec(9) + "|lastTime=" + sec(1), "1 9"},
		{"lastTime=" + sec(9) + "|firstTime=-", "9 9"},
		{"firstTime=|lastTime=|_time=" + sec(5), "5 5"},
		{"firstTime=yesterday|lastTime=" + sec(9) + "|_time=" + sec(5), "unreadable"},
		{"_time=" + sec(70) + "|flow.start=" + start + "|flow.end=" + end, "30 50"},
		{"_time=" + sec(70) + "|netflow.start=" + start + "|netflow.end=" + end, "30 50"},
		{"_time=" + sec(70) + "|flow.start=" + start, "30 70"},
		{"_time=" + sec(70) + "|flow.start=" + end + "|flow.end=" + start, "50 70"},
		{"_time=" + sec(70) + "|flow.start=yesterday", "70 70"},
		{"_time=" + sec(70) + "|duration=20.5", "49 70"},
		{"_time=" + sec(70) + "|duration=20.5|id.orig_h=10.0.0.5", "70 90"},
		{"_time=" + sec(70) + "|duration=20.5|conn_state=-|id.orig_h=", "49 70"},
		{"_time=" + sec(70) + "|_span=10", "70 80"},
		{"_time=" + sec(70) + "|ts=" + sec(5), "70 70"},
		{"_time=|ts=" + sec(5) + ".9", "5 5"},
		{"timestamp=" + start, "30 30"},
		{"timestamp=2026-11-20 10:00:00", "none"},
		{"_time=2026-11-20 10:00:00", "no zone"},
		{"_time=2026-11-20 10:00:00 CET", "no zone"},
		{"_time=2026-11-20 11:00:05+01", "5 5"},
		{"_time=soon", "unreadable"},
		{"time_generated=2026/11/20 10:00:05", "5 5"},
		{"time_generated=2026/11/20 09:00:05|high_res_timestamp=2026-11-20T09:00:05.5-01:00", "5 5"},
		{"_time=" + sec(4) + "\n" + sec(2) + "\n" + sec(3), "2 4"},
		{"srcaddr=10.0.0.5|start=" + sec(1) + "|end=" + sec(9), "1 9"},
		{"src=10.0.0.5|start=" + sec(1) + "|end=" + sec(9), "none"},
		{"source.ip=10.0.0.5|@timestamp=" + sec(9) + "|event.duration=5000000000", "4 9"},
		{"src=10.0.0.5|@timestamp=" + sec(9) + "|event.duration=5000000000", "9 9"},
		{"time=" + sec(1) + "|src=10.0.0.5", "none"},
	} {
		require.Equal(t, c.want, both(t, c.cells, look), c.cells)
	}

	// What the user named comes first.
	var named [event.Roles]string
	named[event.Time], named[event.First], named[event.Last] = "mine", "f", "l"
	for cells, want := range map[string]string{
		"mine=" + sec(3) + "|firstTime=" + sec(1) + "|lastTime=" + sec(9): "3 3",
		"mine=|f=" + sec(2) + "|l=" + sec(8) + "|_time=" + sec(5):         "2 8",
	} {
		var r event.Reader
		var f flow.Flow
		at, kind := r.Read(row(t, named, cells), &f)
		require.Equal(t, want, look(&r, &f, at, kind), cells)
	}

	// A zone that was given, and the offset of a syslog header, where both times agree.
	var r event.Reader
	var f flow.Flow
	r.Zone = time.FixedZone("", 3600)
	at, _ := r.Read(text("time_generated=2026/11/20 11:00:05|high_res_timestamp=2026-11-20T09:00:05.5-02:00"), &f)
	require.EqualValues(t, 5, at.From-ten, "the zone that was given wins")
	require.EqualValues(t, 1, r.Assumed)
	r = event.Reader{}
	for header, want := range map[string]int64{"2026-11-20T11:00:20+01:00": ten + 5, "2026-11-20T11:10:20+01:00": ten + 5 + 3600, "": ten + 5 + 3600} {
		e := text("time_generated=2026/11/20 11:00:05")
		e.HeaderTime = []byte(header)
		at, _ := r.Read(e, &f)
		require.Equal(t, want, at.From, header)
	}
}

// Addresses and ports, as cells have them.
func TestEnds(t *testing.T) {
	look := func(r *event.Reader, _ *flow.Flow, _ flow.Interval, _ cell.TimeKind) string {
		out := fmt.Sprintf("%v%v %v%v", r.Source.Addrs, r.Source.Ports, r.Destination.Addrs, r.Destination.Ports)
		for _, e := range []event.Ends{r.Source, r.Destination} {
			if e.SeveralAddrs {
				out += " several"
			}
			if e.SeveralPorts {
				out += " ports"
			}
			if e.NAT64 {
				out += " NAT64"
			}
		}
		return out
	}
	for _, c := range []struct{ cells, want string }{
		{"src=10.0.0.5|dest=198.51.100.1", "[10.0.0.5][] [198.51.100.1][]"},
		{"src_ip=10.0.0.5|src=10.0.0.6", "[10.0.0.5][] [][]"},
		{"src_ip=-|src=10.0.0.6|srcip=10.0.0.7", "[10.0.0.6][] [][]"},
		{"src_ip=fileserver|src=10.0.0.6", "[10.0.0.6][] [][]"},
		{"src_ip=0.0.0.0|src=10.0.0.6", "[10.0.0.6][] [][]"},
		{"dest=198.51.100.1:9001", "[][] [198.51.100.1][9001]"},
		{"dest=198.51.100.1:9001|dest_port=443", "[][] [198.51.100.1][443]"},
		{"dest=198.51.100.1:9001|dest_port=0", "[][] [198.51.100.1][9001]"},
		{"dest=[2001:db8::1]:9001", "[][] [2001:db8::1][9001]"},
		{"dest=198.51.100.1,198.51.100.2", "[][] [198.51.100.1 198.51.100.2][] several"},
		{"dest=198.51.100.1\n198.51.100.1", "[][] [198.51.100.1 198.51.100.1][]"},
		{"dest=198.51.100.1\nfileserver", "[][] [198.51.100.1][] several"},
		{"dest=198.51.100.1|dest_port=443,9001", "[][] [198.51.100.1][443 9001] ports"},
		{"dest=198.51.100.1|dest_port=443\nnull", "[][] [198.51.100.1][443] ports"},
		{"dest=198.51.100.1|dest_port=https", "[][] [198.51.100.1][443]"},
		{"dest=198.51.100.1|dest_port=tcp/9001", "[][] [198.51.100.1][9001]"},
		{"dest=64:ff9b::c633:6401", "[][] [198.51.100.1][] NAT64"},
		{"src=::ffff:10.0.0.5|dest=198.51.100.1/32", "[10.0.0.5][] [198.51.100.1][]"},
		{"ipAddress=192.0.2.7", "[][] [][]"},
		{"ipAddress=192.0.2.7|userPrincipalName=ann", "[192.0.2.7][] [][]"},
		{"ipAddress=192.0.2.7|user=-", "[][] [][]"},
		{"All_Traffic.src=10.0.0.5|DNS.dest=198.51.100.1", "[10.0.0.5][] [198.51.100.1][]"},
		// Seen on its way back.
		{"src_ip=198.51.100.1|src_port=9001|dest_ip=10.0.0.5|direction=to_client", "[10.0.0.5][] [198.51.100.1][9001]"},
		{"src_ip=10.0.0.5|dest_ip=198.51.100.1|direction=to_server", "[10.0.0.5][] [198.51.100.1][]"},
		{"src_ip=198.51.100.1|dest_ip=10.0.0.5|direction=to_client|flow.src_ip=10.0.0.5", "[10.0.0.5][] [198.51.100.1][]"},
		{"src_ip=10.0.0.5|dest_ip=198.51.100.1|direction=to_client|flow.src_ip=10.0.0.5", "[10.0.0.5][] [198.51.100.1][]"},
		{"src_ip=198.51.100.1|dest_ip=10.0.0.5|direction=to_client|flow.src_ip=", "[10.0.0.5][] [198.51.100.1][]"},
		{"src_ip=10.0.0.5|dest_ip=10.0.0.5|src_port=1|flow.src_ip=10.0.0.5", "[10.0.0.5][1] [10.0.0.5][]"},
		// Who sent a file is no source.
		{"event_type=fileinfo|src_ip=198.51.100.1|dest_ip=10.0.0.5", "[][] [][]"},
		{"event_type=fileinfo|src_ip=198.51.100.1|dest_ip=10.0.0.5|flow.src_ip=10.0.0.5", "[10.0.0.5][] [198.51.100.1][]"},
	} {
		require.Equal(t, c.want, both(t, c.cells, look), "%q", c.cells)
	}
}

// What cannot be read is kept as an example, the first of each role; the name of a host
// is nothing unusual.
func TestUnread(t *testing.T) {
	var r event.Reader
	var f flow.Flow
	for _, cells := range []string{
		"src=00:1a:2b:3c:4d:5e", "src=fileserver|dest=198.51.100.999|dest_port=many", "src=1.2.3.4.5|dest=198.51.100.998|_time=soon|timestamp=2026-11-20 10:00:00",
		"src=2001:db8:::1|src_port=0|dest=0.0.0.0", "timestamp=never|dest=" + strings.Repeat("1.", 60),
	} {
		r.Read(text(cells), &f)
	}
	unread := map[event.Role]string{}
	for role, text := range r.Unread {
		if text != "" {
			unread[event.Role(role)] = text
		}
	}
	require.Equal(t, map[event.Role]string{
		event.Source: "2001:db8:::1", event.Destination: "198.51.100.999", event.DestinationPort: "many", event.Time: "soon", event.LogTime: "never",
	}, unread)
}

// General words count beside ends of their own vocabulary alone.
func TestGeneralWords(t *testing.T) {
	look := func(_ *event.Reader, f *flow.Flow, _ flow.Interval, _ cell.TimeKind) string {
		return fmt.Sprint(f.Transport, f.State, f.Onion.Kind, f.Label)
	}
	nothing := both(t, "src=10.0.0.5", look)
	for _, c := range []struct{ word, own, other string }{
		{"protocol=17", "srcaddr=10.0.0.5", "src=10.0.0.5"},
		{"PROTOCOL=17", "IPV4_SRC_ADDR=10.0.0.5", "src=10.0.0.5"},
		{"uri=http://abcdefghij234567.onion/", "id.orig_h=10.0.0.5", "src=10.0.0.5"},
		{"host=abcdefghij234567.onion|method=GET", "id_resp_h=10.0.0.5", "src=10.0.0.5"},
		{"host=abcdefghij234567.onion|id.orig_h=10.0.0.5", "uri=/x", "method="},
		{"misc=abcdefghij234567.onion/", "dst=10.0.0.5", "src=10.0.0.5"},
	} {
		require.NotEqual(t, nothing, both(t, c.word+"|"+c.own, look), c.word)
		require.Equal(t, nothing, both(t, c.word+"|"+c.other, look), c.word)
		name, _, _ := strings.Cut(c.own, "=")
		require.Equal(t, nothing, both(t, c.word+"|"+name+"=-|"+c.other, look), "%s: a column without a value", c.word)
	}
}

// Labels: of a list the one that says Tor, of a sensor's name for the protocol and of a
// rule's name nothing else.
func TestLabels(t *testing.T) {
	look := func(_ *event.Reader, f *flow.Flow, _ flow.Interval, _ cell.TimeKind) string {
		return fmt.Sprint(f.Label)
	}
	for cells, want := range map[string]flow.Label{
		"app=ssl": flow.LabelOther, "app=tor": flow.LabelTor, "app=ssl,Tor": flow.LabelTor, "app=ssl\ntor2web": flow.LabelTor2web, "app=-": flow.LabelNone, "app=-|application=tor": flow.LabelTor,
		"app=ssl|application=tor": flow.LabelOther, "ndpi.app_protocol=TLS.Tor": flow.LabelTor, "app=ssl|app_proto=tor": flow.LabelTor, "app_proto=tls": flow.LabelNone,
		"id.orig_h=10.0.0.5|service=ssl,tor": flow.LabelNone, "id.orig_h=10.0.0.5|service=tor": flow.LabelTor,
		"alert.signature=ET POLICY TLS possible TOR SSL traffic":        flow.LabelTor,
		"signature=ET TOR Known Tor Relay/Router (Not Exit) Node TCP":   flow.LabelListed,
		"signature=ET TOR Known Tor Exit Node Traffic group 12|app=tor": flow.LabelTor,
		"signature=ET POLICY tor2web .onion Proxy domain in SNI":        flow.LabelTor2web,
		"signature=ET INFO BitTorrent SSL|app=ssl":                      flow.LabelOther,
		"signature=ET POLICY Tor Browser download":                      flow.LabelNone,
		"signature=" + strings.Repeat("x", 1000) + " tor ssl":           flow.LabelNone,
	} {
		require.Equal(t, fmt.Sprint(want), both(t, cells, look), cells)
	}
	r := event.Reader{Labeled: true}
	var f flow.Flow
	r.Read(text("src=10.0.0.5"), &f)
	require.Equal(t, flow.LabelTor, f.Label, "who named the rows Tor")
	r.Read(text("src=10.0.0.5|app=ssl"), &f)
	require.Equal(t, flow.LabelOther, f.Label)
}

// Fingerprints and names: only what speaks for Tor gets into the flow, and with it what
// speaks against it.
func TestNames(t *testing.T) {
	look := func(_ *event.Reader, f *flow.Flow, _ flow.Interval, _ cell.TimeKind) string {
		var is []string
		hello := reflect.ValueOf(f.Hello)
		for i := range hello.NumField() {
			if v := hello.Field(i); v.Kind() == reflect.Bool && v.Bool() {
				is = append(is, hello.Type().Field(i).Name)
			}
		}
		return strings.TrimSpace(string(f.Hello.Name) + " " + strings.Join(is, " "))
	}
	const (
		ja4    = "ja4=t13d181100_796efca44d18_d41ae481755e"
		ja3    = "ja3=5e6627dc19afa982e6b46b97808cb718"
		other  = "ja3=0123456789abcdef0123456789abcdef"
		groups = "tls.ja3.string=771,4865-4866,0-10,23-29-21,0"
		plain  = "tls.ja3.string=771,4865-4866,0-10,29-23,0"
		madeUp = "sni=www.cdxjgg3hvpu33.com"
	)
	for cells, want := range map[string]string{
		"sni=www.example.com": "", other: "", plain: "", madeUp: "www.cdxjgg3hvpu33.com Foreign MadeUp",
		ja3: "JA3", ja4: "JA4", groups: "Groups", ja3 + "|" + groups: "JA3", ja4 + "|" + groups: "JA4 Groups", groups + "|" + other: "Groups",
		ja4 + "|" + ja3: "JA4 JA3", ja4 + "|" + other: "JA4 JA3Other", ja4 + "|" + plain: "JA4 JA3Other",
		ja4 + "|" + madeUp: "www.cdxjgg3hvpu33.com Form MadeUp JA4", ja4 + "|sni=www.example.com": "www.example.com Form JA4", ja4 + "|sni=localhost": "localhost Foreign JA4",
		ja4 + "|" + other + "\n" + strings.Repeat("ab", 16): "JA4", ja3 + "\n" + strings.Repeat("ab", 16): "JA3",
		ja3 + "|sni=www.example.com\nlocalhost": "www.example.com JA3", ja3 + "|sni=localhost\nwww.cdxjgg3hvpu33.com": "www.cdxjgg3hvpu33.com MadeUp JA3",
	} {
		require.Equal(t, want, both(t, cells, look), cells)
	}
}

// What there is to judge beside ends: also a label that says Tor.
func TestSays(t *testing.T) {
	for cells, want := range map[string]bool{
		"src=10.0.0.5": true, "dest=-": false, "user=anna|dest_port=9001": false, "sni=www.example.com": true, "query=-": false,
		"app=ssl": false, "app=tor": true, "app=ssl,tor": true, "app=tor2web\nssl": true, "service=tor": true, "id.orig_h=-|service=tor": true, "id.orig_h=-|service=ssl": false,
		"signature=ET POLICY TLS possible TOR SSL traffic": true, "signature=ET TOR Known Tor Exit Node Traffic group 12": true, "signature=ET INFO BitTorrent SSL": false,
		"subject=CN=www.example.com|issuer=CN=www.example.com": false,
	} {
		require.Equal(t, want, text(cells).Says(), cells)
		require.Equal(t, want, row(t, [event.Roles]string{}, cells).Says(), "as a row: %s", cells)
	}
}

// An event ends its flow or not, whatever empty columns stand beside.
func TestCloses(t *testing.T) {
	for cells, want := range map[string]bool{
		"src=10.0.0.5": true, "subtype=end|src=10.0.0.5": true, "subtype=start": false, "log_subtype=-|subtype=url": false,
		"event_type=flow|src_ip=10.0.0.5": true, "event_type=netflow|src_ip=10.0.0.5": true, "event_type=|src_ip=10.0.0.5": true,
		"id.orig_h=10.0.0.5|conn_state=SF": true, "id.orig_h=10.0.0.5|conn_state=-": false, "id.orig_h=10.0.0.5": false,
	} {
		require.Equal(t, want, text(cells).Closes(), cells)
		require.Equal(t, want, row(t, [event.Roles]string{}, cells).Closes(), "as a row: %s", cells)
	}
	for _, kind := range strings.Fields("alert anomaly dcerpc dhcp dns drop ftp ftp_data http http2 ike krb5 ldap mqtt nfs pgsql quic rdp rfb sip smb smtp snmp ssh tftp tls websocket") {
		require.False(t, text("event_type="+kind+"|src_ip=10.0.0.5").Closes(), kind)
	}
}

// A list of a text has all its values, and a collector's part in an event is bounded.
func TestLists(t *testing.T) {
	e := new(event.Event)
	for range 3000 {
		e.Put([]byte("dest"), []byte("198.51.100.1"))
	}
	require.Len(t, e.Text(event.Destination, nil), 3000*len("198.51.100.1\n")-1)
	e.Reset()
	require.Empty(t, e.Text(event.Destination, nil))

	inner, outer := text("src=10.0.0.5|dest=-"), text("src=10.0.0.6|dest=198.51.100.1|_time="+fmt.Sprint(ten))
	inner.Fill(outer)
	require.Equal(t, "10.0.0.5 198.51.100.1", string(inner.Text(event.Source, nil))+" "+string(inner.Text(event.Destination, nil)))
	require.True(t, inner.HasBothEnds())
}

// Reading costs no memory, whatever is in a text or a row.
func TestReadingAllocatesNothing(t *testing.T) {
	for _, cells := range []string{
		"src=10.0.0.5|dest=198.51.100.1|dest_port=9001|_time=1795168800|app=ssl|action=allowed|bytes_in=5",
		"src_ip=10.0.0.5,10.0.0.6|dest_ip=198.51.100.1:9001|dest_port=https,9001|app=ssl,Tor|action=deny,drop|firstTime=1795168800|lastTime=2026-11-20T10:00:00Z",
		"id.orig_h=10.0.0.5|id.resp_h=2001:db8::1|ts=1795168800.5|duration=9.5e-5|conn_state=OTH|service=ssl|uri=/x|host=www.example.com",
		"event_type=alert|src_ip=10.0.0.5|dest_ip=198.51.100.1|direction=to_client|flow.start=2026-11-20T10:00:00.5+0000|alert.signature=ET TOR Known Tor Exit|tls.sni=www.cdxjgg3hvpu33.com|tls.ja3.hash=5e6627dc19afa982e6b46b97808cb718",
		"dest=fileserver|dest_port=x|_time=soon|query=abcdefghij234567.onion",
	} {
		for _, e := range []*event.Event{text(cells), row(t, [event.Roles]string{}, cells)} {
			var r event.Reader
			var f flow.Flow
			r.Read(e, &f)
			r.Names(e, &f)
			require.Zero(t, testing.AllocsPerRun(50, func() {
				r.Read(e, &f)
				r.Names(e, &f)
				e.Closes()
				e.Says()
			}), cells)
		}
	}
}
