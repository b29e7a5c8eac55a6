package format_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tordetect/src/cell"
	"tordetect/src/event"
	"tordetect/src/flow"
	"tordetect/src/format"
)

// A session of 65 seconds behind a translated address, as FortiOS 7 writes it.
const forti = `date=2026-11-20 time=10:15:30 devname="fw1" devid="FG100" eventtime=1795169730123456789 tz="+0000" logid="0000000013" type="traffic" subtype="forward" level="notice" vd="root" srcip=10.20.30.40 srcport=50624 srcintf="lan" dstip=198.51.100.23 dstport=9001 dstintf="wan1" sessionid=4711 proto=6 action="close" policyid=1 policyname="to the net" user="ann" trandisp="snat" transip=203.0.113.5 transport=17017 service="tcp/9001" app="Tor" duration=65 sentbyte=3000 rcvdbyte=4000 sentpkt=14 rcvdpkt=16`

// cells writes what was read of a flow.
func cells(e *event.Event) string {
	var out []string
	for _, r := range []event.Role{
		event.Source, event.SourcePort, event.Destination, event.DestinationPort, event.Transport, event.Action, event.App, event.User,
		event.Duration, event.BytesOut, event.BytesIn, event.PacketsOut, event.PacketsIn,
	} {
		text := string(e.Text(r, nil))
		if text == "" {
			text = "-"
		}
		out = append(out, text)
	}
	return strings.Join(out, " ")
}

func TestFortiGate(t *testing.T) {
	const whole = "10.20.30.40 50624 198.51.100.23 9001 6 close Tor ann 65 3000 4000 14 16"
	with := func(pairs ...string) string {
		line := forti
		for i := 0; i < len(pairs); i += 2 {
			require.Contains(t, line, pairs[i])
			line = strings.Replace(line, pairs[i], pairs[i+1], 1)
		}
		return line
	}
	until := func(text string) string { return forti[:strings.Index(forti, text)+len(text)] }
	for about, c := range map[string]struct {
		line string
		kind format.Kind
		want string // the cells of a flow, the text of another line
		cut  bool
	}{
		"alone":                           {forti, format.Flow, whole, false},
		"behind a syslog header":          {"<189>Nov 20 10:15:30 fw1 " + forti, format.Flow, whole, false},
		"behind a priority":               {"<189>" + forti, format.Flow, whole, false},
		"behind a header of RFC 5424":     {`<189>1 2026-11-20T10:15:30Z fw1 - - - [x@1 iut="3"] ` + forti, format.Flow, whole, false},
		"with its version first":          {"logver=704072571 timestamp=1795169730 " + forti, format.Flow, whole, false},
		"blanks around and between":       {"  " + with(" dstip", "   dstip") + " \r\n", format.Flow, whole, false},
		"no quotes":                       {strings.ReplaceAll(with(`"to the net"`, "to_the_net"), `"`, ""), format.Flow, whole, false},
		"quotes in quotes":                {with(`"to the net"`, `"a \" srcip=192.0.2.1 \\\""`), format.Flow, whole, false},
		"blanks in a label":               {with(`"Tor"`, `"Tor Browser"`), format.Flow, strings.Replace(whole, "Tor", "Tor Browser", 1), false},
		"IPv6":                            {with("10.20.30.40", "2001:db8::40", "198.51.100.23", "2001:db8:1::23"), format.Flow, strings.NewReplacer("10.20.30.40", "2001:db8::40", "198.51.100.23", "2001:db8:1::23").Replace(whole), false},
		"empty values":                    {with(`user="ann"`, `user=""`, `app="Tor"`, "app="), format.Flow, "10.20.30.40 50624 198.51.100.23 9001 6 close - - 65 3000 4000 14 16", false},
		"a status":                        {with(`action="close"`, "status=close"), format.Flow, whole, false},
		"in a shipper's object":           {`{"message":"<189>` + strings.ReplaceAll(forti, `"`, `\"`) + `","agent":{"type":"x"}}`, format.Flow, whole, false},
		"a brace in a value":              {with("to the net", `{\"src_ip\":\"192.0.2.1\"}`), format.Flow, whole, false},
		"cut in quotes":                   {until(`app="T`), format.Flow, "10.20.30.40 50624 198.51.100.23 9001 6 close - ann - - - - -", true},
		"cut in an address":               {until("dstip=198.51.100.2"), format.Flow, "10.20.30.40 50624 - - - - - - - - - - -", true},
		"cut in a key":                    {until("dstport=9001 dsti"), format.Flow, "10.20.30.40 50624 198.51.100.23 9001 - - - - - - - - -", true},
		"cut in the action":               {until(`action="clo`), format.Flow, "10.20.30.40 50624 198.51.100.23 9001 6 - - - - - - - -", true},
		"cut before its addresses":        {until("srcip=10.2"), format.Broken, "the line has no address", true},
		"no address":                      {with("srcip=", "a=", "dstip=", "b=", `"Tor"`, `"SSL"`), format.Broken, "the line has no address", false},
		"an event":                        {with(`"traffic"`, `"event"`), format.Other, "FortiGate event", false},
		"of the threat log":               {with(`"traffic"`, `"utm"`), format.Flow, whole, false},
		"of the threat log, without ends": {with(`"traffic"`, `"utm"`, "dstip=", "b="), format.Other, "FortiGate utm", false},
		"a type that is no word":          {with(`"traffic"`, `"<b>x"`), format.Other, "FortiGate of another kind", false},
		"no type":                         {with(` type="traffic"`, ""), format.Nobody, "", false},
		"cut before the type":             {until("logid="), format.Nobody, "", false},
		"pairs of somebody else":          {with("logid=", "mylogid="), format.Nobody, "", false},
		"the mark far behind":             {strings.Repeat("x", 600) + " " + forti, format.Nobody, "", false},
		"a sentence about such a line":    {"the logid=1 is not type= known", format.Nobody, "", false},
		"a JSON object without an event":  {`{"note":" logid=1 type=traffic srcip=192.0.2.1"}`, format.Other, "JSON without an address or name", false},
	} {
		t.Run(about, func(t *testing.T) {
			var p format.Parser
			var e event.Event
			claim := p.Read([]byte(c.line), &e)
			require.Equal(t, c.kind, claim.Kind, claim.Text)
			require.Equal(t, c.cut, claim.Cut)
			if c.kind == format.Flow {
				require.Equal(t, c.want, cells(&e))
				require.Equal(t, format.FortiGate, claim.Format)
			} else {
				require.Equal(t, c.want, claim.Text)
			}
		})
	}
}

// A user's name that ends its own quotes neither hides the line nor changes who and when it was.
func TestFortiGateHostileUser(t *testing.T) {
	var plain, got event.Event
	var p format.Parser
	require.Equal(t, format.Flow, p.Read([]byte(forti+` user="x"`), &plain).Kind)
	want := cells(&plain)
	for _, user := range []string{
		`x" type="event`, `x" srcip=10.9.9.9 dstip=192.0.2.1 action="deny`, `x" eventtime=1 date=1999-01-01 time=00:00:00 tz="+1400`, `x" proto=17 dstport=53 y="`,
		`x" sentbyte=0 rcvdbyte=0 srcport="1`,
	} {
		require.Equal(t, format.Flow, p.Read([]byte(forti+` user="`+user+`"`), &got).Kind, user)
		require.Equal(t, want, cells(&got), user)
	}
}

func TestFortiGateTimes(t *testing.T) {
	const eventtime, offset = "eventtime=1795169730123456789 ", `tz="+0000" `
	with := func(old, new string) string { return strings.Replace(forti, old, new, 1) }
	for about, c := range map[string]struct {
		line string
		zone *time.Location
		want int64 // its end in epoch seconds; 0: no time
		kind cell.TimeKind
	}{
		"nanoseconds":                  {forti, nil, 1795169730, cell.ATime},
		"seconds":                      {with("0123456789 ", "0 "), nil, 1795169730, cell.ATime},
		"eventtime wins":               {with("10:15:30", "11:00:00"), nil, 1795169730, cell.ATime},
		"date and time with an offset": {strings.Replace(with(eventtime, ""), "+0000", "-0830", 1), nil, 1795169730 + 8*3600 + 1800, cell.ATime},
		"the offset at the end":        {strings.Replace(with(eventtime, ""), offset, "", 1) + " " + `tz="+0100"`, nil, 1795169730 - 3600, cell.ATime},
		"without one":                  {strings.Replace(with(eventtime, ""), offset, "", 1), nil, 0, cell.NoTime},
		"in the user's zone":           {strings.Replace(with(eventtime, ""), offset, "", 1), time.FixedZone("", 3600), 1795169730 - 3600, cell.ATime},
		"in the header's":              {"<189>1 2026-11-20T10:15:31+01:00 fw1 - - - - " + strings.Replace(with(eventtime, ""), offset, "", 1), nil, 1795169730 - 3600, cell.ATime},
		"none at all":                  {strings.Replace(with(eventtime, ""), "time=10:15:30", "", 1), nil, 0, cell.NoTime},
	} {
		t.Run(about, func(t *testing.T) {
			var p format.Parser
			var e event.Event
			require.Equal(t, format.Flow, p.Read([]byte(c.line), &e).Kind)
			r := event.Reader{Zone: c.zone}
			var f flow.Flow
			at, kind := r.Read(&e, &f)
			require.Equal(t, c.want != 0, kind.IsMoment())
			require.Equal(t, c.want, at.To)
			if c.want != 0 {
				require.Equal(t, c.kind, kind)
				require.Equal(t, c.want-65, at.From, "the duration reaches back")
			}
		})
	}
}

// Lines of one file, of which only FortiGate's are asked for.
func TestFortiGateAlone(t *testing.T) {
	only, err := format.ParseFormat("fortigate")
	require.NoError(t, err)
	p := format.Parser{Only: only}
	var e event.Event
	require.Equal(t, format.Flow, p.Read([]byte(forti), &e).Kind)
	require.Equal(t, format.Nobody, p.Read([]byte(`{"src_ip":"10.0.0.5"}`), &e).Kind)
	require.Equal(t, format.Flow, p.Read([]byte(forti), &e).Kind)
}

func TestFortiGateAllocatesNothing(t *testing.T) {
	newer, older := []byte(forti), []byte(strings.Replace(forti, "eventtime=1795169730123456789 ", "", 1))
	var p format.Parser
	var e event.Event
	p.Read(older, &e)
	require.Zero(t, testing.AllocsPerRun(100, func() {
		p.Read(older, &e)
		p.Read(newer, &e)
	}))
}

// Any bytes are read without a panic, twice alike, and a line that is cut anywhere
// names no address that the whole line does not name.
func FuzzFortiGate(f *testing.F) {
	for _, line := range []string{
		forti, "<189>" + forti, `logid=1 type=traffic srcip=192.0.2.1`, `logid="1" type="traffic" srcip="192.0.2.1" action="`,
		`logid=1 type=event`, `type=traffic logid= srcip==1 =2 "" action=\"`, `date= time=1 tz=2 logid=3 type=traffic dstip=2001:db8::1 action=x `,
	} {
		f.Add([]byte(line), uint16(len(line)/2))
	}
	f.Fuzz(func(t *testing.T, line []byte, at uint16) {
		p := format.Parser{Only: format.FortiGate}
		var e event.Event
		claim := p.Read(line, &e)
		whole := cells(&e)
		require.Equal(t, claim, p.Read(line, &e))
		require.Equal(t, whole, cells(&e))
		require.True(t, claim.Kind != format.Flow || e.Says())

		size := len(forti) - int(at)%len(forti)
		part := p.Read([]byte(forti[:size]), &e)
		if part.Kind == format.Flow {
			require.Contains(t, []string{"", "10.20.30.40"}, string(e.Text(event.Source, nil)))
			require.Contains(t, []string{"", "198.51.100.23"}, string(e.Text(event.Destination, nil)))
			require.Contains(t, []string{"", "6"}, string(e.Text(event.Transport, nil)))
		}
	})
}
