package scan_test

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"tordetect/src/scan"
)

// Hosts with several made-up names are told, however the log is read; one that showed a
// name or two, often, in other four hours, over UDP or to a listed relay is not.
func TestNamingHosts(t *testing.T) {
	const made = "www.cdxjgg3hvpu%d3.com"
	var log strings.Builder
	hello := func(host, dest, proto, name string, hour int) {
		fmt.Fprintf(&log, `{"timestamp":"2026-11-20T%02d:15:00Z","event_type":"tls","flow_id":%d,"src_ip":"10.20.0.%s","src_port":50000,"dest_ip":%q,"dest_port":9001,"proto":%q,"tls":{"sni":%q}}`+"\n",
			hour, log.Len(), host, dest, proto, name)
	}
	for i := range 4 {
		hello("1", "203.0.113.9", "TCP", fmt.Sprintf(made, 2+i%3), 13) // three, one of them twice
		hello("2", "203.0.113.9", "TCP", fmt.Sprintf(made, 2+i%2), 13)
		hello("3", "203.0.113.9", "TCP", fmt.Sprintf(made, 2+i), 4*i)
		hello("4", "203.0.113.9", "UDP", fmt.Sprintf(made, 2+i), 13)
		hello("5", "198.51.100.1", "TCP", fmt.Sprintf(made, 2+i), 11) // found by the list
		hello("6", "203.0.113.9", "TCP", fmt.Sprintf("www.example%d.com", i), 13)
		hello("7", "203.0.113.9", "TCP", fmt.Sprintf(made, 2+i), 13)
	}
	folder := t.TempDir()
	file := filepath.Join(folder, "eve.json")
	require.NoError(t, os.WriteFile(file, []byte(log.String()), 0o600))
	at := noon.Unix() // a window begins at noon
	want := []scan.NamingHost{{Addr: netip.MustParseAddr("10.20.0.7"), Names: 4, At: at}, {Addr: netip.MustParseAddr("10.20.0.1"), Names: 3, At: at}}
	for _, join := range []bool{true, false} {
		o := scan.Options{Files: []string{file}, Format: "auto", Relays: relayTable(t, folder), Now: noon.AddDate(0, 0, 3), Join: join, MinScore: 20}
		for name, run := range map[string]func() (*scan.Summary, error){
			"in batches": func() (*scan.Summary, error) {
				return scan.Run(t.Context(), &o, strings.NewReader(""), noProgress{}, ignore)
			},
			"line by line": func() (*scan.Summary, error) { return scan.RunLineByLine(&o, noProgress{}, ignore) },
		} {
			s, err := run()
			require.NoError(t, err)
			require.Equal(t, want, s.Naming, name)
		}
	}
}

// Of very many hosts with such a name those with several are told, however many with one
// come before or between, and what was forgotten is counted, by however many it is read.
func TestManyNamingHosts(t *testing.T) {
	folder := t.TempDir()
	file, relays := filepath.Join(folder, "eve.json"), relayTable(t, folder)
	for name, c := range map[string]struct {
		hosts, names int // names of each host
		every        int // so many hosts stand before each name of ours
		told         bool
		forgotten    int64
	}{
		"as many as there is room for": {scan.MaxNamingHosts - 1, 1, scan.MaxNamingHosts, true, 0},
		"more, before":                 {30_000, 1, 30_000, true, 30_001 - scan.MaxNamingHosts},
		"more, between":                {30_000, 1, 4_000, true, 30_001 - scan.MaxNamingHosts},
		"each with two":                {scan.MaxNamingHosts, 2, scan.MaxNamingHosts, false, 7},
	} {
		t.Run(name, func(t *testing.T) {
			var log strings.Builder
			hello := func(host string, name int) {
				fmt.Fprintf(&log, `{"timestamp":"2026-11-20T13:15:00Z","event_type":"tls","src_ip":%q,"src_port":50000,"dest_ip":"203.0.113.9","dest_port":9001,"proto":"TCP","tls":{"sni":"www.cdxjgg3hvpu%d3.com"}}`+"\n", host, name)
			}
			ours := 0
			for i := range c.hosts {
				for name := range c.names {
					hello(fmt.Sprintf("10.20.%d.%d", i/250, i%250), 2+name)
				}
				if (i+1)%c.every == 0 {
					hello("10.9.9.9", 2+ours)
					ours++
				}
			}
			for ; ours < 7; ours++ {
				hello("10.9.9.9", 2+ours)
			}
			require.NoError(t, os.WriteFile(file, []byte(log.String()), 0o600))
			for _, workers := range []int{1, 3} {
				o := scan.Options{Files: []string{file}, Format: "auto", Relays: relays, Now: noon.AddDate(0, 0, 3), MinScore: 20, Workers: workers}
				s, err := scan.Run(t.Context(), &o, strings.NewReader(""), noProgress{}, ignore)
				require.NoError(t, err)
				require.Equal(t, c.forgotten, s.Forgotten)
				told := slices.DeleteFunc(s.Naming, func(h scan.NamingHost) bool { return h.Addr != netip.MustParseAddr("10.9.9.9") || h.Names != 7 })
				require.Equal(t, c.told, len(told) == 1)
			}
		})
	}
}

func ignore(*scan.Flow) error { return nil }
