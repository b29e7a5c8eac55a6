package scan_test

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
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

func ignore(*scan.Flow) error { return nil }
