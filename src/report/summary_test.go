package report

import (
	"bytes"
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"tordetect/src/scan"
	"tordetect/src/terminal"
)

// What a scan says beside its results, by what was read.
func TestSay(t *testing.T) {
	many := map[string]int64{}
	for i := range int64(12) {
		many[fmt.Sprintf("Zeek log%d", i)] = 100 - i
	}
	for name, c := range map[string]struct {
		s     scan.Summary
		says  []string
		never string
	}{
		"flows alone": {scan.Summary{Files: 1, Flows: 2, Tally: scan.Tally{Verdicts: [5]int64{4: 2}}},
			[]string{"read 2 flows from 1 file, 0 lines unreadable, 0 lines of other kinds", "verdicts: 2 tor, 0 likely, 0 possible, 0 none, 0 unknown"}, "other kinds:"},
		"other events": {scan.Summary{Files: 3, Flows: 1, Events: 3, Unreadable: 1}, []string{"read 1 flow and 3 other events of them from 3 files, 1 line unreadable"}, ""},
		"no ends":      {scan.Summary{Files: 1, Events: 1}, []string{"read 1 event of flows, of none its end, from 1 file"}, ""},
		"kinds": {scan.Summary{Files: 2, Flows: 5, Other: 133, Kinds: map[string]int64{"Suricata stats": 131, "Palo Alto SYSTEM\x1b": 2}, Flowless: []string{"a\x1b.log"}},
			[]string{"133 lines of other kinds", "no flow is in 1 file: a?.log", "lines of other kinds: 131 Suricata stats, 2 Palo Alto SYSTEM?"}, ""},
		"many": {scan.Summary{Files: 9, Flows: 5, Other: 1000, Kinds: many, Flowless: strings.Split("a b c d e f g h", " ")},
			[]string{"no flow is in 8 files: a, b, c, d, e and 3 more", "lines of other kinds: 100 Zeek log0, 99 Zeek log1, ", "91 Zeek log9, 2 more kinds"}, ""},
		"nothing": {scan.Summary{Files: 1, Other: 3, Kinds: map[string]int64{"Suricata stats": 3}, Flowless: []string{"a"}}, []string{"read 0 flows", "lines of other kinds: 3 Suricata stats"}, "no flow is in"},
		"made-up names": {scan.Summary{Files: 1, Flows: 9, Naming: []scan.NamingHost{{Addr: netip.MustParseAddr("10.0.0.8"), Names: 4, At: 1795176000}, {Addr: netip.MustParseAddr("10.0.0.9"), Names: 3}, {}, {}, {}, {}}},
			[]string{"10.0.0.8 showed 4 different server names of the kind that Tor makes up in four hours from 2026-11-20T12:00:00Z: look whether", "10.0.0.9 showed 3 different server names of the kind that Tor makes up: look", "and 1 more host like this"}, ""},
		"forgotten": {scan.Summary{Files: 1, Flows: 9, Forgotten: 7}, []string{"that Tor makes up that 7 were forgotten before all was read: one that showed several may not be told"}, ""},
		"early":     {scan.Summary{Files: 1, Flows: 9, Early: 7}, []string{"so many flows had evidence that 7 were counted before all was read"}, ""},
		"trouble": {scan.Summary{Files: 1, Complaints: []*scan.Complaint{{Kind: "cut line", Text: "a:1: cut\x1b"}}, Troubles: []scan.Trouble{{Kind: "cut line", Count: 3}}},
			[]string{"torctl: a:1: cut?\n", "and 2 more like these: cut line"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			var said bytes.Buffer
			c.s.Options = &scan.Options{}
			Complain(terminal.New(nil, &said), &c.s)
			Say(terminal.New(nil, &said), &c.s)
			for _, text := range c.says {
				require.Contains(t, said.String(), text)
			}
			if c.never != "" {
				require.NotContains(t, said.String(), c.never)
			}
			require.NotContains(t, said.String(), "\x1b")
		})
	}
}
