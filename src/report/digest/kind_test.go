package digest

import (
	"fmt"
	"os"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"tordetect/src/detect"
	"tordetect/src/flow"
)

// What each host is, by what it did.
func TestKind(t *testing.T) {
	const noon = int64(1795176000)
	// met is a host that tried so many ends, of which so many answered.
	met := func(ends, answered int, last int64, change func(*Found)) Kind {
		d := New()
		for i := range ends {
			f := Found{Source: "10.0.0.1", Host: "10.0.0.1", Peer: fmt.Sprintf("198.51.100.%d:9001", i), First: noon, Last: last, Verdict: detect.VerdictTor, Score: 90,
				Direction: detect.Outbound, Role: detect.RoleGuard, State: flow.Attempt}
			if i < answered {
				f.State = flow.Established
			}
			if change != nil {
				change(&f)
			}
			d.add(f)
			d.add(f) // each twice: ends are counted once
		}
		return d.Clients["10.0.0.1"].Kind()
	}
	later := noon + 3*3600
	for name, c := range map[string]struct{ want, got Kind }{
		"a client of months":           {Client, met(2, 2, later, nil)},
		"few relays within the hour":   {Client, met(3, 3, noon, nil)},
		"many relays within the hour":  {Bootstrapping, met(4, 4, noon, nil)},
		"an authority within the hour": {Bootstrapping, met(1, 1, noon, func(f *Found) { f.Role = detect.RoleAuthority })},
		"an authority, later":          {Client, met(1, 1, later, func(f *Found) { f.Role = detect.RoleAuthority })},
		"no time":                      {Bootstrapping, met(4, 4, 0, nil)},
		"many without an answer":       {Scanner, met(20, 1, later, nil)},
		"some answered":                {Client, met(20, 2, later, nil)},
		"not so many":                  {Client, met(19, 0, later, nil)},
		"blocked":                      {Client, met(20, 0, later, func(f *Found) { f.State = flow.Blocked })},
		"all of them":                  {OwnRelay, met(100, 50, later, nil)},
		"all of them, few answered":    {Client, met(100, 49, later, nil)},
		"not all of them":              {Client, met(99, 99, later, nil)},
		"the state is not known":       {OwnRelay, met(100, 0, later, func(f *Found) { f.State = flow.StateUnknown })},
		"a relay of ours":              {OwnRelay, met(1, 1, later, func(f *Found) { f.Direction = detect.Relay })},
		"a name alone":                 {"", met(5, 5, later, func(f *Found) { f.Direction = detect.DirectionNone })},
		"below what is told":           {"", met(5, 5, later, func(f *Found) { f.Verdict, f.Score = detect.VerdictNone, 10 })},
	} {
		require.Equal(t, c.want, c.got, name)
	}
}

// The macro has the same rules: whoever changes them changes both.
func TestKindIsTheMacros(t *testing.T) {
	macros, err := os.ReadFile("../../../default/macros.conf")
	require.NoError(t, err)
	rules := regexp.MustCompile(`(?s)\[tordetect_hosts\].*?eval tor_kind=case\((.*?)"visited"\)`).FindStringSubmatch(string(macros))
	require.NotNil(t, rules)
	require.Equal(t, fmt.Sprintf(`own_relay>0 OR (relays>=%d AND answered*%d>=relays),"%s", relays>=%d AND answered*%d<relays AND tor_blocked=0,"%s", `+
		`relays>0 AND hours<=%d AND (authorities>0 OR relays>%d),"%s", relays>0,"%s", exits>0,`,
		relayEnds, relayAnswered, OwnRelay, scannerEnds, scannerShare, Scanner, firstHours, firstEnds, Bootstrapping, Client),
		regexp.MustCompile(`\s*\\?\s*\n\s*`).ReplaceAllString(rules[1], " "))
	require.Contains(t, string(macros), "[tordetect_hosts]\ndefinition = where tor_score>=20 OR tor_direction=\"relay\"")
}
